"""The views beside Classify, as a table: rail, menus, help and the main window read it."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QT_TRANSLATE_NOOP


class Later(NamedTuple):
    """A view: its id, which its icon and the folder of its module bear too, the rail's word and tip, and its class."""

    id: str
    word: str
    tip: str
    cls: str

    @property
    def module(self) -> str:
        """Where the class lies."""
        return f"desktop.ui.{self.id}.view"


# In the order of the rail, behind Classify.
LATER = tuple(
    Later(view, str(word), str(tip), cls)
    for view, word, tip, cls in (
        (
            "draw",
            QT_TRANSLATE_NOOP("MainWindow", "Draw"),
            QT_TRANSLATE_NOOP("MainWindow", "Draw digits and see them read"),
            "DrawView",
        ),
        (
            "evaluate",
            QT_TRANSLATE_NOOP("MainWindow", "Evaluate"),
            QT_TRANSLATE_NOOP("MainWindow", "See how good a model is"),
            "EvaluateView",
        ),
        (
            "train",
            QT_TRANSLATE_NOOP("MainWindow", "Train"),
            QT_TRANSLATE_NOOP("MainWindow", "Train a model on your own pictures"),
            "TrainView",
        ),
        (
            "models",
            QT_TRANSLATE_NOOP("MainWindow", "Models"),
            QT_TRANSLATE_NOOP("MainWindow", "Install, import, export and look after models"),
            "ModelsView",
        ),
        (
            "teach",
            QT_TRANSLATE_NOOP("MainWindow", "Teach"),
            QT_TRANSLATE_NOOP("MainWindow", "Label pictures and see at once what is learned"),
            "TeachView",
        ),
    )
)
