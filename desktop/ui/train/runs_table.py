"""The table of runs: what each was made from and what came of it; chosen ones carry the sign of their curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from desktop.system.words import worded
from desktop.ui.kit.tables import Cell, FiguresModel, Index, table
from desktop.ui.kit.theme import theme
from desktop.ui.train import words

if TYPE_CHECKING:
    from desktop.store.run_record import RunRecord

# Told apart in both themes, at 3:1 against the surface; the style of the line tells them apart without colour.
_LIGHT = ("#2B6CE6", "#C2570C", "#0F7B5F", "#8E3FC0", "#B0307A", "#00708C", "#7A5C00", "#5A6472")
_DARK = ("#6EA0FF", "#F2A65A", "#4CC9A0", "#C79BFF", "#F48FC0", "#5CC8E8", "#E0C15A", "#9BA5B3")
STYLES = ("-", "--", "-.", ":")
_QT_STYLES = {
    "-": Qt.PenStyle.SolidLine, "--": Qt.PenStyle.DashLine, "-.": Qt.PenStyle.DashDotLine, ":": Qt.PenStyle.DotLine,
}  # fmt: skip
MOST_CURVES = 8


def tone(place: int) -> str:
    """The colour of the curve at that place among the chosen ones."""
    return (_DARK if theme().is_dark else _LIGHT)[place % MOST_CURVES]


def style(place: int) -> str:
    """Its line style, as matplotlib names it."""
    return STYLES[place % len(STYLES)]


class RunsModel(FiguresModel):
    """Rows of runs. :meth:`mark` says which are drawn, in the order of their colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            [
                words.tr("Run"),
                words.tr("State"),
                words.tr("Data"),
                words.tr("Preset"),
                words.tr("Epochs"),
                words.tr("Validation accuracy"),
                words.tr("Validation loss"),
                words.tr("Time spent"),
                words.tr("Begun"),
                words.tr("Device"),
            ],
            parent,
        )
        self.runs: list[RunRecord] = []
        self._marked: dict[str, int] = {}

    def set_runs(self, runs: list[RunRecord]) -> None:
        """Show these runs."""
        self.runs = runs
        self.set_rows([_cells(run) for run in runs])

    def run(self, row: int) -> RunRecord:
        """The run of a row as it is shown."""
        return self.runs[self.original[row]]

    def row_of(self, run_id: str) -> int:
        """The row of a run, -1 where it is not shown."""
        return next((row for row in range(self.rowCount()) if self.run(row).id == run_id), -1)

    def mark(self, ids: list[str]) -> None:
        """These are drawn, in this order."""
        self._marked = {run_id: place for place, run_id in enumerate(ids)}
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 0))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0 and 0 <= index.row() < self.rowCount():
            return _chip(self._marked.get(self.run(index.row()).id))
        return super().data(index, role)


def _chip(place: int | None) -> QIcon:
    """A piece of the curve that this run has in the plots."""
    ratio = 2
    pixmap = QPixmap(QSize(26, 12) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(0, 0, 0, 0))
    if place is not None:
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tone(place)), 2.5, _QT_STYLES[style(place)]))
        painter.drawLine(QPointF(1, 6), QPointF(25, 6))
        painter.end()
    icon = QIcon()
    # Given for both, so that a chosen row does not tint it: its colour is what it is there for.
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(pixmap, mode)
    return icon


def _cells(run: RunRecord) -> list[Cell]:
    of_model = run.figures.get("model_accuracy")
    accuracy = of_model if of_model is not None else run.figures.get("val_accuracy")
    n, loss = run.figures.get("val_n" if of_model is None else "model_n", 0), run.figures.get("val_loss")
    which = words.tr("of the finished model") if of_model is not None else words.tr("of the best epoch")
    state = words.run_state(run.state)
    return [
        Cell(run.name, run.name.casefold()),
        Cell(state, state, worded(run.message)),
        Cell(run.data or "–", run.data.casefold()),
        Cell(run.preset or "–", run.preset.casefold()),
        Cell(
            words.tr("{0} of {1}").format(words.count(run.epochs_done), words.count(run.epochs)), run.epochs_done * 1.0
        ),
        Cell(words.accuracy(accuracy, n), accuracy, which) if accuracy is not None else Cell("–"),
        Cell(words.number(loss, 4), loss) if loss is not None else Cell("–"),
        Cell(words.duration(run.seconds, fine=True), run.seconds) if run.seconds else Cell("–"),
        Cell(words.moment(_plain_iso(run.created)), run.created),
        Cell(run.device or "–", run.device),
    ]


def _plain_iso(stamp: str) -> str:
    return stamp[:19] + "Z" if len(stamp) >= 19 else stamp


def runs_table(model: RunsModel) -> QTableView:
    """The view of it: several rows can be chosen."""
    view = table(model, words.tr("Runs"), sortable=True)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setIconSize(QSize(26, 12))
    return view
