"""Words that people must read, the same in every command."""

MEDICAL_NOTICE = "research and education only; not a medical device; the output is a model score, not a diagnosis"
