"""Why a picture is not of a model's kind: what may be said of it, each in one sentence.

A distance tells that a picture is unlike those of the training, not what it shows: whichever made-up kind it resembles
most, a landscape is no drawing and an adult's X-ray no double exposure. Said is therefore only what was measured on
this very picture (its ink, tones, brightness …), and what stands up to a test on pictures of every kind
(``python -m benchmarks.domain --reasons``); of all others only that they are :data:`UNLIKE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.core.translate import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.types import DomainVerdict

CONTEXT = "Reasons"
"""The context in which a window translates the sentences."""
UNLIKE = "unlike"
MOST = 2
"""More reasons than this are not read."""

REASONS: dict[str, str] = {
    UNLIKE: QT_TRANSLATE_NOOP("Reasons", "It is unlike the pictures that the model learned from."),
    "several": QT_TRANSLATE_NOOP("Reasons", "Several pieces of ink stand apart in it; the model reads one digit."),
    "too-many": QT_TRANSLATE_NOOP("Reasons", "It holds more pieces of ink than are read one by one."),
    "paper": QT_TRANSLATE_NOOP("Reasons", "Much of it is neither paper nor ink."),
    "lighter": QT_TRANSLATE_NOOP("Reasons", "It is lighter than nearly all pictures the model learned from."),
    "darker": QT_TRANSLATE_NOOP("Reasons", "It is darker than nearly all pictures the model learned from."),
    "contrasty": QT_TRANSLATE_NOOP("Reasons", "It has more contrast than nearly all pictures the model learned from."),
    "flat": QT_TRANSLATE_NOOP("Reasons", "It has less contrast than nearly all pictures the model learned from."),
    "colourful": QT_TRANSLATE_NOOP("Reasons", "It is more colourful than nearly all pictures the model learned from."),
}  # fmt: skip

NOTICED = ("several", "too-many", "paper")
"""What the preparing has told in a notice already."""

_BEYOND = 2.6  # standard deviations of the training pictures: beyond 99 of 100 where they are spread normally
# Places in :func:`desktop.core.trust.domain.look`.
_MEAN, _SPREAD, _COLOUR = 0, 2, 21
_MEASURED = ((_MEAN, "darker", "lighter"), (_SPREAD, "flat", "contrasty"), (_COLOUR, "", "colourful"))


def measured(standard: np.ndarray) -> tuple[str, ...]:
    """What stands out in the look of one picture, the gravest first: codes of :data:`REASONS`.

    ``standard`` (s,) is its :func:`desktop.core.trust.domain.look` in standard deviations from the training pictures'
    mean. That it is noise or of one tone was measured as well, and left out: of 29 and 74 pictures of which it was said
    10 and 50 were so, the others patterns and pale letters.
    """
    found = []
    for place, below, above in _MEASURED:
        if place < len(standard) and abs(standard[place]) > _BEYOND:
            code = above if standard[place] > 0 else below
            if code:
                found.append((-abs(float(standard[place])), code))
    return tuple(code for _, code in sorted(found))


def told(verdict: DomainVerdict | None) -> tuple[str, ...]:
    """What to say of a picture, at most :data:`MOST` codes of :data:`REASONS`: none of one that is inside or was not
    judged, :data:`UNLIKE` where nothing more is known."""
    if verdict is None or verdict.inside:
        return ()
    known = tuple(dict.fromkeys(code for code in verdict.reasons if code in REASONS))
    return known[:MOST] or (UNLIKE,)
