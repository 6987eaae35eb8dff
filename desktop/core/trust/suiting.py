"""Which model at hand would suit a picture that is not of the asked one's kind: words and rule.

A model of the table suits where its own domain gate takes the picture for its kind; of several the one whose own
pictures it is nearest to. The everyday network has no gate: it suits a coloured picture in which it recognises
something, and only where no gate claims the picture. Nothing is changed by itself: a model is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from desktop.core.translate import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.trust.general_words import Wording
    from desktop.core.types import DomainVerdict

CONTEXT = "Suiting"
"""The context in which a window translates the words."""
EVERYDAY = "efficientnet-lite0"
CLAIMING = ("mnist-digits", "chest-xray-pneumonia")
"""The models that are asked, by id."""

WORDS: dict[str, str] = {
    "mnist-digits": QT_TRANSLATE_NOOP("Suiting", "This looks like a handwritten digit."),
    "chest-xray-pneumonia": QT_TRANSLATE_NOOP("Suiting", "This looks like a chest X-ray."),
    EVERYDAY: QT_TRANSLATE_NOOP("Suiting", "This looks like an everyday photo."),
}

_LEAST_COLOUR = 6.0
"""Of 255: paper, scans and X-rays stay below it (docs/confidence.md)."""


def claimed(verdicts: Mapping[str, DomainVerdict | None]) -> str:
    """The id of the model whose kind the picture is, by the verdicts of those that were asked; '' for none."""
    inside = [(found.score, name) for name, found in verdicts.items() if found is not None and found.inside]
    return min(inside)[1] if inside else ""


def everyday(pixels: np.ndarray, wording: Wording | None) -> bool:
    """Whether a picture is an everyday photograph: ``pixels`` uint8 (H, W, 3) as the everyday network sees it, and what
    that network says of it."""
    import numpy as np  # not with the window, which wants the words: it starts without

    values = pixels.astype(np.float32)
    red_green = np.abs(values[..., 0] - values[..., 1]).mean()
    yellow_blue = np.abs((values[..., 0] + values[..., 1]) / 2 - values[..., 2]).mean()
    return wording is not None and wording.kind != "unsure" and float(red_green + yellow_blue) >= _LEAST_COLOUR
