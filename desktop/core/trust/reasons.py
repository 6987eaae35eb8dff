"""Why a picture is not of a model's kind: what may be said of it, each in one sentence.

A distance tells that a picture is unlike those of the training, not what it shows: whichever made-up kind it resembles
most, a landscape is no drawing and an adult's X-ray no double exposure. Said is therefore only what was measured on
this very picture (its ink, tones, brightness …), and what stands up to a test on pictures of every kind
(``python -m benchmarks.domain --reasons``); of all others only that they are :data:`UNLIKE`.
"""

from __future__ import annotations

import math
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
    "plain": QT_TRANSLATE_NOOP("Reasons", "It is of one tone nearly everywhere."),
    "grain": QT_TRANSLATE_NOOP("Reasons", "Neighbouring points of it have little to do with each other, as in noise."),
    "lighter": QT_TRANSLATE_NOOP("Reasons", "It is lighter than nearly all pictures the model learned from."),
    "darker": QT_TRANSLATE_NOOP("Reasons", "It is darker than nearly all pictures the model learned from."),
    "contrasty": QT_TRANSLATE_NOOP("Reasons", "It has more contrast than nearly all pictures the model learned from."),
    "flat": QT_TRANSLATE_NOOP("Reasons", "It has less contrast than nearly all pictures the model learned from."),
    "colourful": QT_TRANSLATE_NOOP("Reasons", "It is more colourful than nearly all pictures the model learned from."),
}  # fmt: skip

_BEYOND = 2.6  # standard deviations of the training pictures: beyond 99 of 100 where they are spread normally
_PLAIN = 0.012  # of the grey range: a deviation of three in 255
# Of neighbours that are independent of each other: steps by deviation (2.26 for normal noise), bends by steps (1.58).
_STEPS, _BENDS = 1.6, (1.3, 1.8)
# Places in :func:`desktop.core.trust.domain.look`.
_MEAN, _DEVIATION, _SPREAD, _BEND_SHARE, _STEP_SHARE, _COLOUR = 0, 1, 2, 11, 12, 21
_MEASURED = ((_MEAN, "darker", "lighter"), (_SPREAD, "flat", "contrasty"), (_COLOUR, "", "colourful"))


def measured(look: np.ndarray, standard: np.ndarray) -> tuple[str, ...]:
    """What stands out in the look of one picture, the gravest first: codes of :data:`REASONS`.

    ``look`` float (s,) as :func:`desktop.core.trust.domain.look` gives it, ``standard`` (s,) the same in standard
    deviations from the training pictures' mean.
    """
    if look[_DEVIATION] < _PLAIN:
        return ("plain",)
    if math.exp(look[_STEP_SHARE]) > _STEPS and _BENDS[0] < math.exp(look[_BEND_SHARE]) < _BENDS[1]:
        return ("grain",)
    found = []
    for place, below, above in _MEASURED:
        if place < len(look) and abs(standard[place]) > _BEYOND:
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
