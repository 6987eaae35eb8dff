"""Sorting the images of the list by their answers, in threads: the plan, its doing, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Task

if TYPE_CHECKING:
    from desktop.app.sorting import Answered, SortPlan, SortRule
    from desktop.store.file_actions import FileOutcome

_TELL_EVERY = 25


class Sorter(QObject):
    """One piece of work at a time; a new plan takes the place of one that is being made.

    ``planned`` carries a ``SortPlan``, ``progressed`` steps done and of all, ``ended`` a ``FileOutcome`` and where
    files lie now by where they lay; ``failed`` an exception; ``records`` the commands of the past (``ActionRecord``).
    """

    planned = Signal(object)  # a SortPlan, of a module that is not imported with the window
    progressed = Signal(int, int)
    ended = Signal(object, object)  # an Outcome; new places by old (a map of Qt's loses names)
    failed = Signal(Exception)
    records = Signal(list)
    rows = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._asking: Task | None = None
        self.working = False
        """Whether files are being copied, moved or taken back."""

    def plan(self, pictures: Sequence[Answered], rule: SortRule, model: str) -> None:
        """Find out what ``rule`` would do; ``planned`` or ``failed`` follows."""
        if self.working:
            return
        self._begin(partial(_plan, list(pictures), rule, model), self._on_planned)

    def carry_out(self, plan: SortPlan) -> None:
        """Do what was planned; ``ended`` or ``failed`` follows."""
        self.working = True
        self._begin(partial(_carry_out, plan), self._on_ended)

    def undo(self, action_id: str) -> None:
        """Take a command back; ``ended`` or ``failed`` follows."""
        self.working = True
        self._begin(partial(_undo, action_id), self._on_ended)

    @Slot()
    def cancel(self) -> None:
        """Stop after the file that is at work; what was done stays done, and can be taken back."""
        if self._task is not None:
            self._task.cancel()

    def list_records(self) -> None:
        """Ask for the commands of the past; ``records`` follows."""
        self._ask(_records, self._on_records)

    def list_rows(self, action_id: str) -> None:
        """Ask what a command did, file by file; ``rows`` follows."""
        self._ask(partial(_rows, action_id), self._on_rows)

    def _begin(self, work: Any, then: Any) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = Task(work)
        self._task.progressed.connect(self._on_progressed)
        self._task.answered.connect(then)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    def _ask(self, work: Any, then: Any) -> None:
        self._asking = Task(work)
        self._asking.answered.connect(then)
        self._asking.failed.connect(self._on_failed)
        self._asking.launch()

    @Slot(object)
    def _on_planned(self, plan: SortPlan) -> None:
        if self.sender() is self._task:
            self._task = None
            self.planned.emit(plan)

    @Slot(object)
    def _on_progressed(self, told: tuple[int, int]) -> None:
        if self.sender() is self._task:
            self.progressed.emit(*told)

    @Slot(object)
    def _on_ended(self, told: tuple[FileOutcome, dict[str, str]]) -> None:
        self._task, self.working = None, False
        self.ended.emit(*told)

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._task, self.working = None, False
        self.failed.emit(error)

    @Slot(object)
    def _on_records(self, records: list[Any]) -> None:
        self.records.emit(records)

    @Slot(object)
    def _on_rows(self, rows: list[Any]) -> None:
        self.rows.emit(rows)


def _plan(pictures: list[Answered], rule: SortRule, model: str, task: Task) -> SortPlan:
    from desktop.app.sorting import plan_sorting

    return plan_sorting(pictures, rule, model, lambda: task.cancelled)


def _teller(task: Task) -> Any:
    def tell(done: int, total: int) -> None:
        if done % _TELL_EVERY == 0 or done == total or total < 200:
            task.progressed.emit((done, total))

    return tell


def _carry_out(plan: SortPlan, task: Task) -> tuple[FileOutcome, dict[str, str]]:
    """The outcome, and for moved and renamed files where they lie now."""
    from desktop.app.sorting import carry_out

    going = plan.going
    outcome = carry_out(plan, _teller(task), lambda: task.cancelled)
    if plan.rule.how == "copy":
        return outcome, {}
    moved = [going[number] for number in outcome.done]
    return outcome, {row.source.path: row.target for row in moved if row.source.path is not None}


def _undo(action_id: str, task: Task) -> tuple[FileOutcome, dict[str, str]]:
    from desktop.store.file_actions import FileActions

    actions = FileActions()
    kind = next((record.kind for record in actions.records() if record.id == action_id), "copy")
    rows = actions.rows(action_id)
    outcome = actions.undo(action_id, _teller(task), lambda: task.cancelled)
    if kind == "copy":
        return outcome, {}
    return outcome, {rows[number][1]: rows[number][0] for number in outcome.done if rows[number][0]}


def _records(task: Task) -> list[Any]:
    from desktop.store.file_actions import FileActions

    return FileActions().records()


def _rows(action_id: str, task: Task) -> list[Any]:
    from desktop.store.file_actions import FileActions

    return FileActions().rows(action_id)
