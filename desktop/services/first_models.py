"""At the first start of an installation: the models whose weights came with it are made, beside the window.

What is heavy happens in child processes that let everything else go first; the window works meanwhile with the models
that are there. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Task
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.store.download import DownloadControl

Make = Callable[[Callable[[Any], None], "DownloadControl"], list[str]]


@dataclass(frozen=True, slots=True)
class Begun:
    """Something is missing and is being made now: the names of the models."""

    names: tuple[str, ...]


def make_missing(tell: Callable[[Any], None], control: DownloadControl) -> list[str]:
    """Make what is missing, for a thread; returns the ids of the models that were made."""
    from desktop.ml.exchange.prepare import check_package, missing, prepare
    from desktop.store.store import ModelStore

    store = ModelStore()
    check_package(store)
    wanted = missing(store)
    if not wanted or control.cancelled:
        return []
    tell(Begun(tuple(network.name for network in wanted)))
    return [manifest.id for manifest in prepare(store, tell, control, patient=True)]


class FirstModels(QObject):
    """Makes what is missing, once; lives in the main thread.

    ``told`` carries a :class:`Begun` where something is missing, then what :mod:`desktop.ml.plans.job_steps` says; then
    comes one of ``made``, with the ids (none where nothing was missing), and ``failed``, with a :class:`FoveaError` of
    kind ``cancelled`` where the user ended it.
    """

    told = Signal(object)  # what is missing, a transfer, a step or a line
    made = Signal(list)
    failed = Signal(Exception)

    def __init__(self, parent: QObject | None = None, make: Make = make_missing) -> None:
        super().__init__(parent)
        self._make = make
        self._task: Task | None = None
        self._control: DownloadControl | None = None

    @property
    def running(self) -> bool:
        """Whether models are being made, or looked for."""
        return self._task is not None

    def start(self) -> None:
        """Look for what is missing and make it."""
        from desktop.store.download import DownloadControl

        if self._task is not None:
            return
        self._control = control = DownloadControl()
        make = self._make
        self._task = task = Task(lambda task: make(task.progressed.emit, control))
        task.progressed.connect(self.told)
        task.answered.connect(self._on_made)
        task.failed.connect(self._on_failed)
        task.launch()

    @Slot()
    def cancel(self) -> None:
        """End it; ``failed`` with kind ``cancelled`` follows."""
        if self._control is not None:
            self._control.cancel()

    def stop(self) -> None:
        """End it and say nothing more: for the end of the program."""
        self.cancel()
        task, self._task = self._task, None
        if task is not None:
            task.wait(15_000)

    @Slot(object)
    def _on_made(self, made: list[str]) -> None:
        if self._task is not None:
            self._task = None
            self.made.emit(made)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        from desktop.core.types import FoveaError

        if self._task is None:
            return
        self._task = None
        if not isinstance(error, FoveaError):  # its text may hold a path: the type has to do
            error = FoveaError("failed", phrase("it could not be made ({name})", name=type(error).__name__))
        self.failed.emit(error)
