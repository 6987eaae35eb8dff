"""The evaluations that were kept: listed and opened in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.ui.widgets._task import Task

if TYPE_CHECKING:
    from desktop.core.datasets import LabelledDataset
    from desktop.core.evaluation_store import Kept


class KeptShelf(QObject):
    """``listed`` carries the heads, newest first; ``loaded`` a result, its figures and what was said of its labels;
    ``failed`` a sentence. Of two that are opened the later one is shown."""

    listed = Signal(object)
    loaded = Signal(object, object, object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.heads: list[Kept] = []
        self._task: Task | None = None

    def refresh(self) -> None:
        """Read anew what is kept."""
        from desktop.core.evaluation_store import EvaluationStore

        task = Task(lambda task: EvaluationStore().entries())
        task.answered.connect(self._on_listed)
        task.launch()

    def open(self, key: str) -> None:
        """Open one of them."""

        def load(task: Task) -> object:
            from desktop.core.evaluation import figures
            from desktop.core.evaluation_store import EvaluationStore

            store = EvaluationStore()
            result = store.load(key)
            return result, figures(result), dict(store.judgements(result.data.fingerprint))

        self._task = Task(load)
        self._task.answered.connect(self._on_loaded)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    def forget(self) -> None:
        """What is being opened is not wanted any more."""
        self._task = None

    def of(self, data: LabelledDataset, sha256: str) -> Kept | None:
        """A complete result of this model on this folder as it was; ``None`` where there is none."""
        for kept in self.heads:
            same = kept.data.root == data.root and kept.data.split == data.split
            if same and kept.complete and kept.model.sha256 == sha256:
                return kept
        return None

    @Slot(object)
    def _on_listed(self, heads: list[Kept]) -> None:
        self.heads = heads
        self.listed.emit(heads)

    @Slot(object)
    def _on_loaded(self, found: tuple[object, object, object]) -> None:
        if self.sender() is self._task:
            self._task = None
            self.loaded.emit(*found)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._task = None
            self.failed.emit(getattr(error, "message", str(error)))
            self.refresh()
