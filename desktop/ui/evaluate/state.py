"""The evaluation that is shown: result, figures, pictures, and the threshold that the user moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from desktop.core.figures.thresholds import OperatingPoint
from desktop.services.answers import ResultAnswers
from desktop.services.background import Task

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult, Figures


class EvaluationState(QObject):
    """``changed``: another result, or none. ``pictures_changed``: its pictures can be opened now. ``moved``: the
    threshold moves (an :class:`OperatingPoint`). ``decided``: answers and matrix follow another threshold.
    ``measured``: all figures are up to date again."""

    changed = Signal()
    pictures_changed = Signal()
    moved = Signal(OperatingPoint)
    decided = Signal()
    measured = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.result: EvaluationResult | None = None
        self.figures: Figures | None = None
        self.answers: ResultAnswers | None = None
        self.data: LabelledDataset | None = None
        self.point: OperatingPoint | None = None
        self.fresh = True
        self._own: tuple[EvaluationResult, Figures] | None = None
        self._task: Task | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels."""
        return self.result.model.labels if self.result is not None else ()

    @property
    def positive(self) -> int:
        """The class that a threshold speaks of (two classes)."""
        held = self.result.model.positive if self.result is not None else None
        return 1 if held is None else held

    @property
    def threshold(self) -> float:
        """The threshold in use; 0.5 where the highest of two scores decides (but for equal ones)."""
        held = self.result.model.threshold if self.result is not None else None
        return 0.5 if held is None else held

    def show(
        self,
        result: EvaluationResult,
        figures: Figures,
        data: LabelledDataset | None,
        chosen: tuple[float, str] | None = None,
    ) -> None:
        """Show another result, by the model's own decision; ``chosen`` is a threshold to use instead, and why."""
        self._stop()
        self.result, self.figures, self.data = result, figures, data
        self._own = (result, figures)
        self.answers = ResultAnswers(result, data)
        self.point = figures.point
        self.fresh = True
        self.changed.emit()
        if chosen is not None and figures.thresholds is not None:
            self.decide(*chosen)

    def clear(self) -> None:
        """Show nothing."""
        self._stop()
        self.result = self.figures = self.answers = self.data = self.point = self._own = None
        self.changed.emit()

    def set_data(self, data: LabelledDataset) -> None:
        """The data was opened again: its pictures can be seen."""
        self.data = data
        if self.answers is not None:
            self.answers.set_data(data)
            self.pictures_changed.emit()

    def at(self, threshold: float | None) -> OperatingPoint | None:
        """What a threshold does (``None``: what the model's own answers come to); ``None`` unless there are two
        classes."""
        from desktop.core.figures.result import operating_point

        table = self.figures.thresholds if self.figures is not None else None
        if table is None or self.result is None:
            return None
        return operating_point(self.result, table, threshold)

    def move(self, threshold: float) -> None:
        """The threshold is on its way: only what costs a lookup follows."""
        self.point = self.at(threshold)
        if self.point is not None:
            self.moved.emit(self.point)

    def decide(self, threshold: float, reason: str) -> None:
        """Answer by this threshold. Matrix and pictures follow now, the bootstrapped figures in a moment."""
        from desktop.core.figures.result import with_threshold

        if self.result is None or self.answers is None or self.figures is None:
            return
        self._use(with_threshold(self.result, threshold, reason))
        result = self.result
        from desktop.core.figures.result import figures

        self.fresh = False
        self._task = Task(lambda task: (result, figures(result)))
        self._task.answered.connect(self._on_measured)
        self._task.launch()

    def reset(self) -> None:
        """Back to the model's own decision."""
        if self._own is not None:
            result, figures = self._own
            self._use(result)
            self.figures = figures
            self.point = figures.point
            self.fresh = True
            self.measured.emit()

    def matrix_at(self, point: OperatingPoint) -> np.ndarray:
        """The confusion matrix of an operating point, int64 (2, 2)."""
        matrix = np.empty((2, 2), np.int64)
        yes, no = self.positive, 1 - self.positive
        matrix[yes, yes], matrix[yes, no], matrix[no, yes], matrix[no, no] = point.tp, point.fn, point.fp, point.tn
        return matrix

    def _use(self, result: EvaluationResult) -> None:
        from desktop.core.figures import metrics

        self._stop()
        assert self.figures is not None
        self.result = result
        self.answers = ResultAnswers(result, self.data)
        self.point = self.at(result.model.threshold)
        if self.point is not None:
            matrix = self.matrix_at(self.point)
            classes = metrics.per_class(matrix, result.model.labels)
            self.figures = replace(
                self.figures, matrix=matrix, accuracy=metrics.accuracy(matrix), classes=classes, point=self.point,
                balanced_accuracy=metrics.balanced_accuracy(classes),
            )  # fmt: skip
        self.decided.emit()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.answered.disconnect(self._on_measured)
            self._task = None

    @Slot(object)
    def _on_measured(self, answer: tuple[EvaluationResult, Figures]) -> None:
        self._task = None
        result, figures = answer
        if result is self.result:
            self.figures, self.fresh = figures, True
            self.measured.emit()
