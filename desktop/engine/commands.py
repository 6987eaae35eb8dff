"""What a training can be told while it runs."""

from __future__ import annotations

from typing import Literal

Command = Literal["pause", "resume", "stop-after-epoch", "stop-after-batch", "cancel"]
"""``stop-after-epoch`` makes a model of the best epoch so far; ``stop-after-batch`` keeps a checkpoint to go on from;
``cancel`` ends without either."""
