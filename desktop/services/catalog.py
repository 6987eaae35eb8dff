"""The models of the store, read in a thread: the window never waits for a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Task

if TYPE_CHECKING:
    from desktop.store.store import ModelEntry


def _read(task: Task) -> list[ModelEntry]:
    """Every manifest; a store that cannot be read at all is an empty one."""
    from desktop.store.store import ModelStore

    try:
        return ModelStore().entries()
    except OSError:
        return []


class ModelCatalog(QObject):
    """``changed`` says that :attr:`entries` are new; lives in the main thread."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[ModelEntry] = []
        self.loaded = False
        self._reader: Task | None = None
        self._again = False

    def refresh(self) -> None:
        """Read the store anew."""
        if self._reader is not None:
            self._again = True
            return
        self._reader = Task(_read)
        self._reader.answered.connect(self._take)
        self._reader.failed.connect(self._on_failed)
        self._reader.finished.connect(self._clean_up)
        self._reader.launch()

    def stop(self) -> None:
        """Wait for the thread: for the end of the program."""
        self._again = False
        if self._reader is not None:
            self._reader.wait()

    def entry(self, model_id: str) -> ModelEntry | None:
        """The entry of an id, ``None`` for an unknown one."""
        return next((entry for entry in self.entries if entry.id == model_id), None)

    def first_choice(self, remembered: str) -> str:
        """The model to begin with: the remembered one, else the one for everyday photographs, else the first that can
        answer, else the first, else ''.

        A medical model is never the first choice: whoever wants it picks it, and reads its notice in doing so.
        """
        if self.entry(remembered) is not None:
            return remembered
        from desktop.store.catalogue import EVERYDAY

        ready = [entry for entry in self.entries if entry.state == "ready"]
        everyday = [entry for entry in ready if entry.manifest is not None and not entry.manifest.medical]
        everyday.sort(key=lambda entry: entry.id != EVERYDAY)
        return next((entry.id for entry in (*everyday, *ready, *self.entries)), "")

    @Slot(object)
    def _take(self, entries: list[ModelEntry]) -> None:
        self.entries, self.loaded = entries, True
        self.changed.emit()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        raise error  # a fault of the program: into the crash report, with its trace

    @Slot()
    def _clean_up(self) -> None:
        self._reader = None
        if self._again:
            self._again = False
            self.refresh()
