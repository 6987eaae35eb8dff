"""The colours of both themes, and how they are mixed.

The theme in use has them, see :mod:`desktop.ui.kit.theme`; the stylesheet is written from them.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, as ``#RRGGBB``."""

    window: str
    surface: str
    border: str
    text: str
    secondary: str
    accent: str
    soft: str
    right: str
    wrong: str
    caution: str
    caution_ground: str
    picture_ground: str


LIGHT = Tokens(
    window="#F6F7F9",
    surface="#FFFFFF",
    border="#DFE3E9",
    text="#1A1E26",
    secondary="#5A6472",
    accent="#2B6CE6",
    soft="#E8F0FE",
    right="#2B6CE6",
    wrong="#C93C3C",
    caution="#8A5A00",
    caution_ground="#FFF6E0",
    picture_ground="#0E1013",
)
DARK = Tokens(
    window="#14171C",
    surface="#1C2027",
    border="#2D333D",
    text="#E9ECF1",
    secondary="#9BA5B3",
    accent="#6EA0FF",
    soft="#22304A",
    right="#6EA0FF",
    wrong="#FF7B72",
    caution="#F2C66D",
    caution_ground="#33290F",
    picture_ground="#0E1013",
)


def blend(first: str, second: str, share: float) -> str:
    """The colour between two ``#RRGGBB``: ``share`` 0 gives the first, 1 the second."""
    a, b = QColor(first), QColor(second)
    mixed = (round(x + (y - x) * share) for x, y in ((a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue())))
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def luminance(colour: str) -> float:
    """The relative luminance of ``#RRGGBB``, 0 to 1 (WCAG 2.2, 'relative luminance')."""
    c = QColor(colour)
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c.redF(), c.greenF(), c.blueF())]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2): 4.5 for text, 3 for lines that carry meaning."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def accent_text(t: Tokens) -> str:
    """The accent as the colour of words and signs: it can be read on ``soft`` and on the window, too."""
    return blend(t.accent, t.text, 0.16)


def control_line(t: Tokens) -> str:
    """The line around what can be typed into or chosen from."""
    return blend(t.border, t.secondary, 0.7)


def on_accent(tokens: Tokens, dark: bool) -> str:
    """The colour of text that lies on the accent."""
    return tokens.window if dark else "#FFFFFF"
