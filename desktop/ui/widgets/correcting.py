"""'This is a …' for any view: a submenu and a dialog that give pictures their right label in a Teach project."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from desktop.services.corrections import Corrected, Corrections
from desktop.services.settings import Settings
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import caption, count

if TYPE_CHECKING:
    from desktop.core.types import ImageSource

KEY = "Ctrl+T"
OFFERED = 5
"""Classes that the submenu offers of a model with many."""


class Correcting(QObject):
    """``done`` carries a sentence and the :class:`Corrected`; ``told`` a sentence on what was taken back, ``failed``
    one on what went wrong; ``retrain_wanted`` the id of the project that a model shall learn anew."""

    done = Signal(str, Corrected)
    told = Signal(str)
    failed = Signal(str)
    retrain_wanted = Signal(str)

    def __init__(self, settings: Settings, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self.corrections = Corrections(settings, self)
        self.corrections.failed.connect(self.failed)
        self.corrections.done.connect(self._on_done)
        self.corrections.taken_back.connect(self._on_taken_back)

    def finish(self) -> None:
        """Wait until all is on the disk; for the end of the program."""
        self.corrections.finish()

    def add_to(
        self,
        menu: QMenu,
        sources: Sequence[ImageSource],
        likely: Sequence[str],
        labels: Sequence[str],
        picture: QPixmap | None = None,
    ) -> QMenu:
        """Add the submenu to ``menu``: the classes that are ``likely``, and any other, with ``labels`` to complete."""
        below = menu.addMenu(theme().icon("check", 16), self.tr("This is a…"))
        for label in likely:
            below.addAction(caption(label)).triggered.connect(partial(self._take, list(sources), label))
        if likely:
            below.addSeparator()
        other = below.addAction(self.tr("Another class…"))
        other.setShortcut(QKeySequence(KEY))
        other.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        other.triggered.connect(partial(self._ask, list(sources), list(labels), picture))
        return below

    def _take(self, sources: list[ImageSource], label: str, *_: object) -> None:
        self.corrections.correct(sources, label)

    def _ask(self, sources: list[ImageSource], labels: list[str], picture: QPixmap | None, *_: object) -> None:
        self.ask(sources, labels, picture)

    def ask(self, sources: Sequence[ImageSource], labels: Sequence[str], picture: QPixmap | None = None) -> None:
        """Ask which class pictures really are, and for the project."""
        from desktop.ui.widgets.this_is_a import ThisIsA

        if not sources:
            return
        dialog = ThisIsA(sources[0].name, len(sources), labels, picture, self._view)
        self.corrections.listed.connect(dialog.show_projects)
        dialog.told.connect(partial(self.corrections.correct, list(sources)))
        self.corrections.list_projects()
        dialog.open()

    def show_list(self) -> None:
        """List what was corrected, to take it back."""
        from desktop.ui.widgets.corrections_list import CorrectionsList

        dialog = CorrectionsList(self.corrections, self._view)
        dialog.retrain_wanted.connect(self.retrain_wanted)
        dialog.open()

    @Slot(object)
    def _on_done(self, corrected: Corrected) -> None:
        words = (
            self.tr("{0} pictures are ‘{1}’ in the project {2} now.")
            if len(corrected.ids) != 1
            else self.tr("It is ‘{1}’ in the project {2} now.")
        )
        self.done.emit(words.format(count(len(corrected.ids)), corrected.label, corrected.project_name), corrected)

    @Slot(int)
    def _on_taken_back(self, number: int) -> None:
        self.told.emit(self.tr("{0} taken back.").format(count(number)))
