"""The evaluations that were kept: listed, opened, deleted and taken back in a thread."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.core.figures.result import EvaluationResult, Figures
from desktop.services.background import Task

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import ModelFacts
    from desktop.core.figures.store import EvaluationStore, Kept


def _delete(keys: Sequence[str], store: EvaluationStore) -> None:
    for key in keys:
        store.delete(key)


def _restore(keys: Sequence[str], store: EvaluationStore) -> None:
    for key in keys:
        store.restore(key)


class KeptShelf(QObject):
    """``listed`` carries the heads, newest first; ``loaded`` a result, its figures, what was said of its labels and the
    threshold chosen for it; ``failed`` a sentence; ``deleted`` how many can be taken back. Of two that are opened the
    later one is shown. What was deleted is removed for good when Fovea shows this list the next time it runs."""

    listed = Signal(list)
    loaded = Signal(
        EvaluationResult, Figures, object, object
    )  # judgements (a map of Qt's loses names), a threshold or None
    failed = Signal(str)
    deleted = Signal(int)

    def __init__(self, open_store: Callable[[], EvaluationStore], parent: QObject | None = None) -> None:
        """``open_store`` opens what was kept, in the thread that is to read it."""
        super().__init__(parent)
        self._open_store = open_store
        self.heads: list[Kept] = []
        self._task: Task | None = None
        self._undo: list[list[str]] = []
        self._changes: collections.deque[Callable[[EvaluationStore], object]] = collections.deque()
        self._one_at_a_time = threading.Lock()
        self._first = True

    def refresh(self) -> None:
        """Read anew what is kept."""
        if self._first:
            self._first = False
            self._changes.append(lambda store: store.empty_deleted())
        self._work()

    @property
    def can_undo(self) -> bool:
        """Whether something was deleted that can be taken back."""
        return bool(self._undo)

    def delete(self, keys: list[str]) -> None:
        """Put these aside; :meth:`undo` takes them back."""
        if keys:
            self._undo.append(keys)
            self._changes.append(partial(_delete, keys))
            self._work()
            self.deleted.emit(len(keys))

    def undo(self) -> None:
        """Take back what was deleted last."""
        if self._undo:
            keys = self._undo.pop()
            self._changes.append(partial(_restore, keys))
            self._work()
            self.deleted.emit(len(self._undo[-1]) if self._undo else 0)

    def _work(self) -> None:
        """Make the changes in their order, whichever thread comes first, then list what is kept."""
        changes, lock, open_store = self._changes, self._one_at_a_time, self._open_store

        def work(task: Task) -> object:
            from desktop.core.types import FoveaError

            store, trouble = open_store(), ""
            with lock:
                while changes:
                    try:
                        changes.popleft()(store)
                    except FoveaError as error:
                        trouble = error.message
                return store.entries(), trouble

        task = Task(work)
        task.answered.connect(self._on_listed)
        task.launch()

    def open(self, key: str) -> None:
        """Open one of them."""
        open_store = self._open_store

        def load(task: Task) -> object:
            from desktop.core.figures.result import figures

            store = open_store()
            result = store.load(key)
            return result, figures(result), dict(store.judgements(result.data.fingerprint)), store.chosen(key)

        self._task = Task(load)
        self._task.answered.connect(self._on_loaded)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    def forget(self) -> None:
        """What is being opened is not wanted any more."""
        self._task = None

    def of(self, data: LabelledDataset, model: ModelFacts) -> Kept | None:
        """A complete result of this model on this folder as it was; ``None`` where there is none."""
        for kept in self.heads:
            same = kept.data.root == data.root and kept.data.split == data.split
            if same and kept.complete and kept.model.answers_as(model):
                return kept
        return None

    @Slot(object)
    def _on_listed(self, found: tuple[list[Kept], str]) -> None:
        self.heads, trouble = found
        self.listed.emit(self.heads)
        if trouble:
            self.failed.emit(trouble)

    @Slot(object)
    def _on_loaded(self, found: tuple[object, object, object, object]) -> None:
        if self.sender() is self._task:
            self._task = None
            self.loaded.emit(*found)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._task = None
            self.failed.emit(getattr(error, "message", str(error)))
            self.refresh()
