"""What the window shows while the models that came with the installation are made: a bar with Cancel, and the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from desktop.core.translate import on_card
from desktop.services.first_models import Begun, FirstModels
from desktop.ui.kit.widgets import sentence
from desktop.ui.models.job_bar import JobBar

if TYPE_CHECKING:
    from desktop.core.types import FoveaError
    from desktop.ui.shell.main_window import MainWindow


class FirstModelsBar(QObject):
    """Stands above the views of ``window`` while ``models`` works, and says how it ended."""

    def __init__(self, window: MainWindow, models: FirstModels) -> None:
        super().__init__(window)
        self._window = window
        self.models = models
        self.bar: JobBar | None = None
        models.told.connect(self._tell)
        models.made.connect(self._on_made)
        models.failed.connect(self._on_failed)

    def _begin(self, names: tuple[str, ...]) -> None:
        self.bar = JobBar()
        self.bar.cancel_wanted.connect(self._cancel)
        self._window.put_above(self.bar)
        told = self.tr(
            "Making '{0}' from what was installed: once, in about a minute. Until then Classify works with {1}."
        )
        self.bar.begin(told.format(self.tr(" and ").join(names), self._meanwhile()))

    def _meanwhile(self) -> str:
        entry = self._window.classify.answer.entry
        name = on_card(entry.manifest.name) if entry is not None and entry.manifest is not None else ""
        return self.tr("'{0}'").format(name) if name else self.tr("the other models")

    @Slot(object)
    def _tell(self, event: object) -> None:
        if isinstance(event, Begun):
            self._begin(event.names)
        elif self.bar is not None:
            self.bar.tell(event)

    @Slot()
    def _cancel(self) -> None:
        if self.bar is not None:
            self.bar.leave()
        self.models.cancel()

    def _end(self) -> None:
        if self.bar is not None:
            self.bar.end()
            self.bar.deleteLater()
            self.bar = None

    @Slot(list)
    def _on_made(self, made: list[str]) -> None:
        self._end()
        if made:
            self._window.settings.set("first_models", True)
            self._window.classify.take_new(made)

    @Slot(object)
    def _on_failed(self, error: FoveaError) -> None:
        self._end()
        self._window.settings.set("first_models", False)  # not again at each start; Models makes it when asked
        if error.kind == "cancelled":
            self._window.messages.say(
                self.tr("Cancelled. 'Everyday photographs' can be made at any time under Models, with Install.")
            )
            return
        told = self.tr("The model for everyday photographs is not there: {0} {1} Everything else works without it.")
        self._window.messages.say(told.format(sentence(error.message), error.hint))
