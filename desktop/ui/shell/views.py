"""The views beside Classify, as a table: rail, menus, help and the main window read it."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QT_TRANSLATE_NOOP


class Later(NamedTuple):
    """A view: its id and icon, the rail's word and tip, where its class lies, its place among the rail's views."""

    id: str
    icon: str
    word: str
    tip: str
    module: str
    cls: str
    place: int


# In the order of the rail, where Classify has place 0; the key is Ctrl and the place plus one.
LATER: tuple[Later, ...] = (
    Later(
        "draw",
        "draw",
        str(QT_TRANSLATE_NOOP("MainWindow", "Draw")),
        str(QT_TRANSLATE_NOOP("MainWindow", "Draw digits and see them read")),
        "desktop.ui.draw.view",
        "DrawView",
        1,
    ),
    Later(
        "evaluate",
        "evaluate",
        str(QT_TRANSLATE_NOOP("MainWindow", "Evaluate")),
        str(QT_TRANSLATE_NOOP("MainWindow", "See how good a model is")),
        "desktop.ui.evaluate.view",
        "EvaluateView",
        2,
    ),
    Later(
        "train",
        "train",
        str(QT_TRANSLATE_NOOP("MainWindow", "Train")),
        str(QT_TRANSLATE_NOOP("MainWindow", "Train a model on your own pictures")),
        "desktop.ui.train.view",
        "TrainView",
        3,
    ),
    Later(
        "models",
        "models",
        str(QT_TRANSLATE_NOOP("MainWindow", "Models")),
        str(QT_TRANSLATE_NOOP("MainWindow", "Install, import, export and look after models")),
        "desktop.ui.models.view",
        "ModelsView",
        4,
    ),
    Later(
        "teach",
        "teach",
        str(QT_TRANSLATE_NOOP("MainWindow", "Teach")),
        str(QT_TRANSLATE_NOOP("MainWindow", "Label pictures and see at once what is learned")),
        "desktop.ui.teach.view",
        "TeachView",
        5,
    ),
)
