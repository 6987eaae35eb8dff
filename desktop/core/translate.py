"""Marks words that stand in a table below the window for translation.

Qt's ``lupdate`` looks for this very name in source text; whoever shows such words in a window translates them in the
context that is named here (:func:`desktop.ui.kit.tabled.translated`). No Qt is needed.
"""

from __future__ import annotations

from desktop.system.words import Sentence, translated, worded

CARDS = "Cards"
"""The context of the bundled models' cards in a translation."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:  # noqa: N802 - the name that lupdate knows
    """``text`` as it is."""
    return text


def on_card(text: str) -> str:
    """A sentence of a model's card, or its name, in the language that is spoken, where it is one of a bundled model's;
    else as it stands."""
    found = translated(CARDS, text) if not isinstance(text, Sentence) else text
    return found if found != text else worded(text)
