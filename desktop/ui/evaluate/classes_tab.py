"""Every class against all others, and the means over the classes."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import both
from desktop.ui.kit.tables import Cell, FiguresModel, figure, fit_columns, fit_height, short, table, whole, words
from desktop.ui.kit.widgets import make_label


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
            self.tr("Precision %"),
            self.tr("Recall %"),
            self.tr("Specificity %"),
            self.tr("F1"),
            self.tr("FPR %"),
            self.tr("FNR %"),
            self.tr("AUC"),
        ]
        self.model = FiguresModel(heads)
        self.view = table(self.model, self.tr("Figures of each class"), sortable=True)
        self.view.activated.connect(self._on_row)
        self._means = FiguresModel(["", self.tr("Precision"), self.tr("Recall"), self.tr("F1")])
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
            cells = [short(e) for e in (c.precision, c.recall, c.specificity)]
            rows.append(
                [
                    words(c.label),
                    whole(c.support),
                    whole(c.predicted),
                    *cells,
                    short(c.f1, False),
                    short(c.fpr),
                    short(c.fnr),
                    short(auc, False) if auc is not None else Cell("–"),
                ]
            )
        self.model.set_rows(rows)
        fit_columns(self.view)
        m = figures.means
        self._means.set_rows(
            [
                [
                    words(self.tr("Macro mean (each class alike)")),
                    figure(m.macro_precision),
                    figure(m.macro_recall),
                    figure(m.macro_f1, False),
                ],
                [
                    words(self.tr("Weighted mean (by images)")),
                    figure(m.weighted_precision),
                    figure(m.weighted_recall),
                    figure(m.weighted_f1, False),
                ],
            ]
        )
        fit_columns(self.means_table)
        fit_height(self.means_table)
        text = self.tr(
            "In brackets: 95 % intervals. Recall is also called sensitivity. FPR: share of false alarms; FNR: share of "
            "misses. A class enters a mean only where it has the figure. Enter shows a class's mistakes."
        )
        if figures.top5 is not None:
            text += " " + self.tr("Right among the five highest scores: {0}.").format(both(figures.top5))
        self._note.setText(text)

    @Slot(QModelIndex)
    def _on_row(self, index: QModelIndex) -> None:
        self.class_chosen.emit(self.model.original[index.row()])
