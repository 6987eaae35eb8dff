"""matplotlib, fetched by a thread when the first plot is shown, so that the window goes on drawing meanwhile."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Task

_MODULES = (
    "matplotlib.figure",
    "matplotlib.ticker",
    "desktop.report.plots",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_qtagg",
    "desktop.ui.widgets.plot_canvas",
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
    # The first drawing finds the fonts and lays out every digit: done here once, so that it costs nobody a frame.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from desktop.report.plots import style

    with rc_context(style()):
        figure = Figure()
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot(title="0123456789", xlabel="training validation")
        axes.plot([0.1, 0.9], [1, 2], label="x")
        axes.legend()
        canvas.draw()


_plotting: Plotting | None = None


def plotting() -> Plotting:
    """The application's one."""
    global _plotting
    if _plotting is None:
        _plotting = Plotting()
    return _plotting
