"""matplotlib, fetched by a thread when the first plot is shown, so that the window goes on drawing meanwhile."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.ui.widgets._task import Task

_MODULES = (
    "matplotlib.figure",
    "matplotlib.ticker",
    "desktop.report.plots",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_qtagg",
)


class Plotting(QObject):
    """``ready`` follows :meth:`fetch` once matplotlib can be used without waiting; ``failed`` says why it cannot."""

    ready = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.there = False
        self._task: Task | None = None

    def fetch(self) -> None:
        """Begin to import, unless that has been done or is under way."""
        if self.there or self._task is not None:
            return
        self._task = Task(_import_all)
        self._task.answered.connect(self._on_ready)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    @Slot(object)
    def _on_ready(self, _: Any) -> None:
        self._task = None
        self.there = True
        self.ready.emit()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._task = None
        self.failed.emit(f"{type(error).__name__}: {error}")


def _import_all(task: Task) -> None:
    for name in _MODULES:
        import_module(name)
    # The list of fonts is read, or made, when the first text is laid out: here that costs nobody a frame.
    import_module("desktop.report.plots").fonts()


_plotting: Plotting | None = None


def plotting() -> Plotting:
    """The application's one."""
    global _plotting
    if _plotting is None:
        _plotting = Plotting()
    return _plotting
