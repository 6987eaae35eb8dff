"""Whether scores can be taken at their word, and what leaving the least sure pictures to a person gains."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from desktop.core.figures.table import METRICS, by_key
from desktop.ui.evaluate.head import titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import both, number, score_word, share
from desktop.ui.kit.tabled import title_of
from desktop.ui.kit.tables import Cell, FiguresModel, beside_charts, fit_columns, short, table, whole
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.chart import Axis, Chart, ChartLine, Spot

_ECE = by_key(METRICS, "ece")


class CalibrationTab(QWidget):
    """Reliability diagram and accuracy against share answered, each with its table."""

    def __init__(self, state: EvaluationState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.reliability = Chart(self.tr("Reliability"))
        self.risk = Chart(self.tr("Accuracy against share answered"))
        self._words = make_label("", wrap=True, selectable=True)
        heads = [self.tr("Score"), self.tr("Images"), self.tr("Mean score"), self.tr("Share right %")]
        self._bins = FiguresModel(heads)
        self.bins_table = table(self._bins, self.tr("Reliability as a table"))
        heads = [self.tr("Answered"), self.tr("Right among them %"), self.tr("From a score of")]
        self._steps = FiguresModel(heads)
        self.steps_table = table(self._steps, self.tr("Accuracy against share answered, as a table"))
        column = [
            (self._words, 0),
            (titled(self.tr("Reliability as a table"), self.bins_table), 0),
            (self.bins_table, 3),
            (titled(self.tr("Share answered as a table"), self.steps_table), 0),
            (self.steps_table, 2),
        ]
        beside_charts(self, (self.reliability, self.risk), column)
        state.changed.connect(self._show)
        state.measured.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        figures, result = self._state.figures, self._state.result
        if figures is None or result is None:
            return
        word = score_word(result.model)
        lines = [
            f"{title_of(row)}: {both(row.get(figures), row.percent)}" for row in METRICS if row.group == "calibration"
        ]
        lines.append(self.tr("Lower is better. The model gives: {0}.").format(word))
        self._words.setText("\n".join(lines))
        self._show_bins()
        self._show_risk()

    def _show_bins(self) -> None:
        figures = self._state.figures
        assert figures is not None
        bins = figures.reliability
        most = max((b.n for b in bins), default=0)
        spots = [
            Spot(b.confidence, b.accuracy.value, b.accuracy.low, b.accuracy.high)
            for b in bins
            if b.confidence is not None
            and b.accuracy.value is not None
            and b.accuracy.low is not None
            and b.accuracy.high is not None
        ]
        line = ChartLine(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "secondary", dotted=True)
        joined = ChartLine(np.array([s.x for s in spots]), np.array([s.y for s in spots]))
        bars = [(b.low, b.high, b.n / most) for b in bins if b.n and most]
        self.reliability.set_content(
            Axis(self.tr("top score (shaded: how many images)")),
            Axis(self.tr("share right")),
            [line, joined],
            spots,
            bars,
            f"{title_of(_ECE)}: {both(_ECE.get(figures), _ECE.percent)}",
        )
        rows = []
        for b in (b for b in bins if b.n):
            name = self.tr("{0} to {1}").format(number(b.low, 2), number(b.high, 2))
            mean = Cell(number(b.confidence), b.confidence) if b.confidence is not None else Cell("–")
            rows.append([Cell(name, b.low), whole(b.n), mean, short(b.accuracy)])
        self._bins.set_rows(rows)
        fit_columns(self.bins_table, air=0)

    def _show_risk(self) -> None:
        figures = self._state.figures
        assert figures is not None
        risk = figures.risk
        if not len(risk.coverage):
            self.risk.set_nothing(self.tr("Nothing was answered."))
            return
        # A few sure mistakes at the far left must not squeeze the rest of the curve.
        settled = risk.accuracy[risk.coverage >= min(0.1, float(risk.coverage[-1]))]
        low = max(0.0, np.floor(20 * float(settled.min())) / 20 - 0.05)
        self.risk.set_content(
            Axis(self.tr("images answered, the surest first"), 0, 100, 0, " %"),
            Axis(self.tr("right among them"), 100 * low, 100, 0, " %"),
            [ChartLine(100 * risk.coverage, 100 * risk.accuracy)],
            said=self.tr("All answered: {0} right").format(both(figures.accuracy)),
        )
        rows = []
        for step in figures.risk_steps:
            score = Cell(number(step.threshold), step.threshold)
            rows.append([Cell(share(step.coverage), step.coverage), short(step.accuracy), score])
        self._steps.set_rows(rows)
        fit_columns(self.steps_table, air=0)
