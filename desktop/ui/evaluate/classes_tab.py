"""Every class against all others, and the means over the classes."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.core.figures.table import CLASS_METRICS, METRICS, by_key
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import both
from desktop.ui.kit.tabled import brief_title, head_of, title_of
from desktop.ui.kit.tables import Cell, FiguresModel, figure, fit_columns, fit_height, short, table, whole, words
from desktop.ui.kit.widgets import make_label

_AUC = by_key(METRICS, "auc")  # of one class against the rest
_OF_MEANS = ("precision", "recall", "f1")


class ClassesTab(QWidget):
    """A table that sorts by any column. ``class_chosen`` carries the class of a row entered or double-clicked."""

    class_chosen = Signal(int)

    def __init__(self, state: EvaluationState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        heads = [
            self.tr("Class"),
            self.tr("Images"),
            self.tr("Answers"),
            *(head_of(row) for row in CLASS_METRICS),
            brief_title(_AUC),
        ]
        self.model = FiguresModel(heads)
        self.view = table(self.model, self.tr("Figures of each class"), sortable=True)
        self.view.activated.connect(self._on_row)
        self._means = FiguresModel(["", *(brief_title(by_key(CLASS_METRICS, key)) for key in _OF_MEANS)])
        self.means_table = table(self._means, self.tr("Means over the classes"))
        self._note = make_label("", "secondary", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.means_table)
        layout.addWidget(self._note)
        state.changed.connect(self._show)
        state.decided.connect(self._show)
        state.measured.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        figures = self._state.figures
        if figures is None:
            return
        rows = []
        for index, c in enumerate(figures.classes):
            auc = figures.class_auc[index] if figures.class_auc else figures.auc
            cells = [short(row.get(c), row.percent) for row in CLASS_METRICS]
            last = short(auc, _AUC.percent) if auc is not None else Cell("–")
            rows.append([words(c.label), whole(c.support), whole(c.predicted), *cells, last])
        self.model.set_rows(rows)
        fit_columns(self.view)
        kinds = (
            ("macro", self.tr("Macro mean (each class alike)")),
            ("weighted", self.tr("Weighted mean (by images)")),
        )
        means = []
        for kind, title in kinds:
            found = [by_key(METRICS, f"{kind}_{key}") for key in _OF_MEANS]
            means.append([words(title), *(figure(row.get(figures), row.percent) for row in found)])
        self._means.set_rows(means)
        fit_columns(self.means_table)
        fit_height(self.means_table)
        text = self.tr(
            "In brackets: 95 % intervals. Recall is also called sensitivity. FPR: share of false alarms; FNR: share of "
            "misses. A class enters a mean only where it has the figure. Enter shows a class's mistakes."
        )
        if figures.top5 is not None:
            text += f" {title_of(by_key(METRICS, 'top5'))}: {both(figures.top5)}."
        self._note.setText(text)

    @Slot(QModelIndex)
    def _on_row(self, index: QModelIndex) -> None:
        self.class_chosen.emit(self.model.original[index.row()])
