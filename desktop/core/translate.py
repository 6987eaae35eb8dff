"""Marks words that stand in a table below the window for translation.

Qt's ``lupdate`` looks for this very name in source text; whoever shows such words in a window translates them in the
context that is named here (:func:`desktop.ui.kit.tabled.translated`). No Qt is needed.
"""

from __future__ import annotations


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:  # noqa: N802 - the name that lupdate knows
    """``text`` as it is."""
    return text
