"""A search and the end of the program: asked about when the window closes, it goes on by itself at the next start."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.services.searching import Order
from desktop.ui.kit.closing_question import ClosingQuestion
from desktop.ui.train import words

if TYPE_CHECKING:
    from desktop.services.settings import Settings
    from desktop.store.run_record import RunRecord
    from desktop.ui.train.searches_tab import SearchesTab


class SearchCloser(QObject):
    """Asks what becomes of the search that runs; ``told`` carries that one goes on."""

    told = Signal(str)

    def __init__(self, tab: SearchesTab, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._tab, self._settings, self._parent = tab, settings, parent
        self._answered = False
        self.question: QMessageBox | None = None

    def may_close(self) -> bool:
        """Whether nothing is to be asked; else the question is open, and the window closes with its answer."""
        searching = self._tab.searching
        if not searching.running or searching.order is None or self._answered:
            return True
        name, trials = searching.order.name, searching.order.trials
        done = self.tr("{0} of {1} trials are done; each trial keeps what it has learned.")
        self.question = asked = ClosingQuestion(
            self._parent,
            self.tr("The search “{0}” is still running. What should happen to it?").format(name),
            done.format(words.count(self._tab.done_of(name)), words.count(trials)),
        )
        asked.offer(self.tr("Go on at the next start")).clicked.connect(partial(self._close, name))
        asked.offer(self.tr("Stop it")).clicked.connect(partial(self._close, ""))
        asked.ask()
        return False

    def _close(self, name: str) -> None:
        self._answered = True
        self._settings.set("search_resume", name)
        self._settings.flush()
        self._parent.window().close()  # trainings may be asked about next: their answer then closes it

    def stay(self) -> None:
        """The window does not close after all."""
        self._answered = False
        self._settings.set("search_resume", "")

    # The next start

    def offer(self, cut_off: list[RunRecord]) -> None:
        """Go on with the search that is to go on; ask about one that was cut off unasked, whose trial is in
        ``cut_off``."""
        wished = self._settings.get("search_resume")
        self._settings.set("search_resume", "")
        name = wished or next((record.search for record in cut_off if Order.known(record.search)), "")
        order = Order.load(name) if name else None
        if order is None:
            return
        if wished:
            self._go_on(order)
            return
        self.question = asked = QMessageBox(self._parent.window())
        asked.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        asked.setIcon(QMessageBox.Icon.Question)
        asked.setTextFormat(Qt.TextFormat.PlainText)
        asked.setWindowTitle(self.tr("Unfinished search"))
        asked.setText(self.tr("The search “{0}” was cut off when Fovea ended last. Go on with it?").format(name))
        go = asked.addButton(self.tr("Go on"), QMessageBox.ButtonRole.AcceptRole)
        rest = asked.addButton(self.tr("Not now"), QMessageBox.ButtonRole.RejectRole)
        asked.setDefaultButton(go)
        asked.setEscapeButton(rest)
        go.clicked.connect(partial(self._go_on, order))
        asked.open()

    def _go_on(self, order: Order) -> None:
        self._tab.begin(order)
        self._tab.refresh()
        self.told.emit(self.tr("The search “{0}” goes on where it was.").format(order.name))
