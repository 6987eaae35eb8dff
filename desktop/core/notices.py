"""NOTICES: what must be said of models and samples, each once; command line, reports, cards, exports, window read it.

The table stands in ``core`` and not in ``app`` because reports, the cards of trained models and exported certificates
carry the same words, and these lie below ``app``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop.core.translate import QT_TRANSLATE_NOOP

CONTEXT = "Notices"
"""The context in which a window translates the words of this table."""

NoticeKind = Literal["medical", "program", "other-kind", "phantom", "photographs"]


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """A notice: ``brief`` is its first sentence, for where room is short; ``rest`` what follows it."""

    brief: str
    rest: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.brief} {self.rest}" if self.rest else self.brief


NOTICES: dict[NoticeKind, NoticeWords] = {
    # Of every model that is medical, wherever it or its answers are shown.
    "medical": NoticeWords(
        QT_TRANSLATE_NOOP("Notices", "Research and education only; not a medical device."),
        QT_TRANSLATE_NOOP("Notices", "The output is a model score, not a diagnosis."),
    ),
    # Of Fovea as a whole: About, packages.
    "program": NoticeWords(
        QT_TRANSLATE_NOOP("Notices", "Fovea is for research and education only; it is not a medical device.")
    ),
    # Of a picture that the domain gate takes for another kind than the model's.
    "other-kind": NoticeWords(QT_TRANSLATE_NOOP("Notices", "Not the kind of picture that this model knows.")),
    # Of samples.
    "phantom": NoticeWords(
        QT_TRANSLATE_NOOP(
            "Notices", "The chest picture is a phantom drawn by a program: it is no X-ray and shows no one."
        )
    ),
    "photographs": NoticeWords(
        QT_TRANSLATE_NOOP("Notices", "Some of these show nothing that the model knows: it answers all the same.")
    ),
}


def medical_notice(medical: bool) -> str:
    """The notice that a model must carry; empty for one that is not ``medical``."""
    return NOTICES["medical"].text if medical else ""
