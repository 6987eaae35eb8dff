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


def on_accent(tokens: Tokens, dark: bool) -> str:
    """The colour of text that lies on the accent."""
    return tokens.window if dark else "#FFFFFF"
