"""Two classes: ROC and precision-recall curve, the threshold's figures, and what they mean elsewhere (prevalence)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLayout, QWidget

from desktop.core.figures.table import METRICS, POINT_METRICS, by_key
from desktop.ui.evaluate.head import ThresholdBar, titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import number
from desktop.ui.kit.tabled import brief_title, head_of, title_of
from desktop.ui.kit.tables import Cell, FiguresModel, beside_charts, fit_columns, fit_height, short, table, words
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.chart import Axis, Chart, ChartLine

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate
    from desktop.core.figures.thresholds import OperatingPoint

_STEPS = 20
_ALONG = tuple(by_key(POINT_METRICS, key) for key in ("sensitivity", "specificity", "ppv"))


class CurvesTab(QWidget):
    """Follows the threshold; a row of the table, entered or double-clicked, becomes the threshold."""

    def __init__(self, state: EvaluationState, bar: ThresholdBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._bar = state, bar
        self.roc = Chart(self.tr("ROC curve"))
        self.pr = Chart(self.tr("Precision and recall"))
        self._point_model = FiguresModel([self.tr("At this threshold"), self.tr("% (95 % interval)")])
        self.point_table = table(self._point_model, self.tr("Figures at this threshold"))
        self.prevalence = QDoubleSpinBox()
        self.prevalence.setRange(0.01, 99.99)
        self.prevalence.setDecimals(2)
        self.prevalence.setSuffix(" %")
        self.prevalence.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.prevalence.setMinimumWidth(theme().scaled(110))
        self.prevalence.setAccessibleName(self.tr("Share of positives where the model is to be used"))
        self.prevalence.valueChanged.connect(self._show_now)
        label = make_label(self.tr("Where this share is positive (prevalence):"), "secondary", wrap=True)
        label.setBuddy(self.prevalence)
        asked = QHBoxLayout()
        asked.addWidget(label, 1)
        asked.addWidget(self.prevalence)
        heads = [self.tr("Threshold"), *(head_of(row) for row in _ALONG)]
        self._curve_model = FiguresModel(heads)
        self.curve_table = table(self._curve_model, self.tr("The curves as a table"))
        self.curve_table.activated.connect(self._on_row)
        column: list[tuple[QWidget | QLayout, int]] = [
            (asked, 0),
            (self.point_table, 0),
            (titled(self.tr("The curves as a table"), self.curve_table), 0),
            (self.curve_table, 1),
        ]
        beside_charts(self, (self.roc, self.pr), column)
        state.changed.connect(self._show)
        state.moved.connect(self._show_point)
        state.decided.connect(self._show_now)
        self._show()

    @Slot()
    def _show(self) -> None:
        state = self._state
        if state.result is None or state.figures is None or state.figures.thresholds is None:
            return
        curves, label = state.figures.curves, state.labels[state.positive]
        if curves is None:
            why = self.tr("Pictures of both classes are needed for a curve.")
            self.roc.set_nothing(why)
            self.pr.set_nothing(why)
        else:
            chance = ChartLine(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "secondary", dotted=True)
            auc, ap = state.figures.auc, state.figures.average_precision
            self.roc.set_content(
                Axis(self.tr("1 − specificity")),
                Axis(self.tr("sensitivity for '{0}'").format(label)),
                [chance, ChartLine(curves.fpr, curves.tpr)],
                said=_said("auc", auc),
            )
            share = state.figures.thresholds.positives / max(1, len(state.result))
            level = ChartLine(np.array([0.0, 1.0]), np.array([share, share]), "secondary", dotted=True)
            self.pr.set_content(
                Axis(self.tr("recall (sensitivity)")),
                Axis(self.tr("precision (PPV)")),
                [level, ChartLine(curves.recall, curves.precision, steps=True)],
                said=_said("average_precision", ap),
            )
        point = state.point
        if point is not None and point.prevalence is not None and 0 < point.prevalence < 1:
            self.prevalence.blockSignals(True)
            self.prevalence.setValue(100 * point.prevalence)
            self.prevalence.blockSignals(False)
        rows = []
        for step in range(_STEPS + 1):
            at = state.at(step / _STEPS)
            assert at is not None
            cells = [short(row.get(at), row.percent) for row in _ALONG]
            rows.append([Cell(number(step / _STEPS, 2), step / _STEPS), *cells])
        self._curve_model.set_rows(rows)
        fit_columns(self.curve_table, air=0)
        self._show_now()

    @Slot()
    def _show_now(self) -> None:
        if self._state.point is not None:
            self._show_point(self._state.point)

    @Slot(object)
    def _show_point(self, point: OperatingPoint) -> None:
        from desktop.core.figures.thresholds import predictive_values

        sens, spec = point.sensitivity.value, point.specificity.value
        said = self.tr("threshold {0}").format(number(point.threshold))
        self.roc.set_mark((1 - spec, sens) if sens is not None and spec is not None else None, said)
        self.pr.set_mark((sens, point.ppv.value) if sens is not None and point.ppv.value is not None else None, said)
        share = self.prevalence.value() / 100
        ppv, npv = predictive_values(point, share)
        at = number(100 * share, 2)
        rows = [
            *([words(brief_title(row)), short(row.get(point), row.percent)] for row in POINT_METRICS),
            [words(self.tr("PPV where {0} % are positive").format(at)), short(ppv)],
            [words(self.tr("NPV where {0} % are positive").format(at)), short(npv)],
        ]
        self._point_model.set_rows(rows)
        self.point_table.setColumnWidth(0, 250)
        fit_height(self.point_table)

    @Slot(QModelIndex)
    def _on_row(self, index: QModelIndex) -> None:
        threshold = self._curve_model.cell(index.row(), 0).key
        if isinstance(threshold, (int, float)):
            self._bar.choose(float(threshold), self.tr("chosen by hand on this data"))


def _said(key: str, estimate: Estimate | None) -> str:
    """An area under a curve in words, for screen readers."""
    value = number(estimate.value) if estimate is not None and estimate.value is not None else "–"
    return f"{title_of(by_key(METRICS, key))}: {value}"
