"""Colours that stand for different things are told apart by those who see fewer: seen as with protanopia, deuteranopia
and tritanopia, each pair still differs plainly, in its colour or in how light it is.

The simulation is that of G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, 'A physiologically-based model for
simulation of color vision deficiency', IEEE Transactions on Visualization and Computer Graphics 15(6), 2009, at
severity 1.0; the difference is CIE 1976 (L*, u*, v* would do as well; here L*, a*, b*, white D65).
"""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from desktop.ui.kit.tokens import DARK, LIGHT, Tokens, accent_text

_SEEN = {
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ @ np.ones(3)
PLAIN = 20.0
"""Units of ΔE*: about 2 can just be noticed side by side; ten times that is told apart in different places."""
SIGNED = 10.0
"""The same for words that have a sign of their own and a ground or a frame of their own beside their colour."""

THEMES = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
KINDS = pytest.mark.parametrize("kind", [*_SEEN, "all colours"])


def linear(colour: str) -> np.ndarray:
    c = QColor(colour)
    parts = np.array([c.redF(), c.greenF(), c.blueF()])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour: str, kind: str) -> np.ndarray:
    """L*, a*, b* of ``#RRGGBB`` as somebody with that kind of sight sees it."""
    seen = linear(colour)
    if kind in _SEEN:
        seen = np.clip(_SEEN[kind] @ seen, 0, 1)
    xyz = _TO_XYZ @ seen / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, kind: str) -> float:
    return float(np.linalg.norm(lab(one, kind) - lab(other, kind)))


def pairs(t: Tokens) -> dict[str, tuple[str, str]]:
    """Colours that stand beside each other and mean different things."""
    return {
        "right and wrong (matrix, gallery, bars)": (t.right, t.wrong),
        "right and caution": (t.right, t.caution),
        "marked and quiet (the best run, the others)": (t.accent, t.secondary),
        "curves of training and validation": (t.secondary, t.accent),
        "a link and the text around it": (accent_text(t), t.text),
        "a wrong answer and plain text": (t.wrong, t.text),
        "a bar and its ground": (t.accent, t.border),
        "chosen and not chosen": (t.accent, t.surface),
    }


def test_the_simulation_is_the_published_one() -> None:
    for matrix in _SEEN.values():
        assert matrix.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5), "grey stays grey"
    green, red = "#2E9E3F", "#D0453A"
    assert difference(green, red, "deuteranopia") < difference(green, red, "all colours") / 2, "what the pairs avoid"


@THEMES
@KINDS
def test_what_means_different_things_looks_different(tokens: Tokens, kind: str) -> None:
    near = {
        name: round(difference(one, other, kind), 1)
        for name, (one, other) in pairs(tokens).items()
        if difference(one, other, kind) < PLAIN
    }
    assert near == {}


@THEMES
@KINDS
def test_errors_and_cautions_which_have_signs_differ_in_colour_too(tokens: Tokens, kind: str) -> None:
    assert difference(tokens.wrong, tokens.caution, kind) >= SIGNED
