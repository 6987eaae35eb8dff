"""Reading labelled folders in a thread: one at a time, the newest wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from desktop.core.data.dataset import LabelledDataset
from desktop.services.background import Task
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.formatting import tr

if TYPE_CHECKING:
    from desktop.core.figures.result import EvaluationResult
    from desktop.ui.evaluate.state import EvaluationState


class DataOpener(QObject):
    """``opened`` carries the data, and whether its split is clear; ``failed`` a :class:`FoveaError`; ``progressed`` the
    number of images found so far."""

    progressed = Signal(object)  # passed on from a task, whose work says what it tells
    opened = Signal(LabelledDataset, bool)
    failed = Signal(Exception)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = ""
        self._task: Task | None = None
        self._again: Task | None = None
        self._state: EvaluationState | None = None
        self._result: EvaluationResult | None = None

    @property
    def busy(self) -> bool:
        """Whether data is being read."""
        return self._task is not None

    def open(self, path: str, split: str | None = None, names: Sequence[str] = ()) -> None:
        """Begin to read ``path``; with ``names`` (as a run's ``split.json`` has them) these pictures of it alone."""
        self.cancel()
        self.path = path
        self._task = _reading(path, split, choose=True, names=names)
        self._task.progressed.connect(self.progressed)
        self._task.answered.connect(self._on_opened)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    def cancel(self) -> None:
        """Stop reading; nothing more is heard of it."""
        for task in (self._task, self._again):
            if task is not None:
                task.cancel()
        self._task = self._again = None

    def reopen(self, result: EvaluationResult, state: EvaluationState) -> None:
        """Find the pictures of a kept result again, quietly: without them there are still names and figures."""
        self._state, self._result = state, result
        self._again = _reading(result.data.root, result.data.split_to_open, choose=False)
        self._again.answered.connect(self._on_reopened)
        self._again.launch()

    @Slot(object)
    def _on_opened(self, answer: tuple[LabelledDataset, bool]) -> None:
        if self.sender() is self._task:
            self._task = None
            self.opened.emit(*answer)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        from desktop.core.types import FoveaError

        if self.sender() is self._task:
            self._task = None
            if not isinstance(error, FoveaError):
                error = FoveaError("unreadable", f"this data cannot be read: {type(error).__name__}: {error}")
            self.failed.emit(error)

    @Slot(object)
    def _on_reopened(self, answer: tuple[LabelledDataset, bool]) -> None:
        state = self._state
        if self.sender() is self._again and state is not None:
            self._again = None
            held = state.result
            if held is not None and self._result is not None and held.positions is self._result.positions:
                state.set_data(answer[0])


def ask_data(parent: QWidget, folder: bool) -> FileDialog:
    """The system's dialog for a labelled folder, or for a file of labelled arrays."""
    if folder:
        dialog = FileDialog(parent, tr("Open a Labelled Folder"), "folder")
    else:
        dialog = FileDialog(parent, tr("Open a File of Labelled Images"))
        labelled = "*.npz *.zip *.tar *.tar.gz *.tgz *.csv *.tsv *.jsonl *.parquet"
        dialog.setNameFilters([tr("Labelled pictures ({0})").format(labelled), tr("All files (*)")])
    dialog.open()
    return dialog


def _named(data: LabelledDataset, names: Sequence[str]) -> LabelledDataset:
    """The pictures of these names. Raises :class:`DatasetError` where there are none of them."""
    from desktop.core.data.dataset import DatasetError

    wanted = set(names)
    rows = [position for position in range(len(data)) if data.name(position) in wanted]
    if not rows:
        hint = "They may have been moved or renamed since the training."
        raise DatasetError("no-images", f"'{data.title}' holds none of the {len(wanted)} validation pictures", hint)
    return replace(data.take(rows), title=tr("{0}, validation pictures").format(data.title))


def _reading(path: str, split: str | None, choose: bool, names: Sequence[str] = ()) -> Task:
    """``choose``: where the data has several splits and none was named, read all and say that one must be chosen."""

    def work(task: Task) -> tuple[LabelledDataset, bool]:
        from desktop.core.data.dataset import ALL, DatasetError
        from desktop.core.data.open_data import open_dataset

        def told(done: int, total: int | None) -> None:
            task.progressed.emit(done)

        def stopped() -> bool:
            return task.cancelled

        if names:
            return _named(open_dataset(path, ALL, told, stopped), names), True
        try:
            return open_dataset(path, split, told, stopped), True
        except DatasetError as error:
            if error.kind != "split-needed" or not choose:
                raise
            return open_dataset(path, ALL, told, stopped), False

    return Task(work)
