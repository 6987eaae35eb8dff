"""The two plots of one training, loss and accuracy, and the table of its epochs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSplitter, QToolButton, QVBoxLayout, QWidget

from desktop.ui.kit.tables import Cell, FiguresModel, fit_columns, table
from desktop.ui.train import words
from desktop.ui.widgets.plot import CurvePlot
from desktop.ui.widgets.plot_drawing import PlotFrame, Series

if TYPE_CHECKING:
    from desktop.services.training_job import TrainingCurves

_DRAW_MS = 250
_STAGGER_MS = 80  # the second plot is drawn a moment after the first: two short pauses instead of a long one


class CurvesPane(QWidget):
    """``set_curves`` as often as there is news; drawing follows on a timer. ``way_chosen`` carries 'epoch' or 'batch'
    when the user chooses how the x axis counts."""

    way_chosen = Signal(str)

    def __init__(self, way: str = "epoch", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: TrainingCurves | None = None
        self._total = self._validation = 0
        self._by_steps = True  # else what stands beside an epoch is no rate of learning
        self._rows = -1
        self._shown: object = None
        self._second_half: tuple[PlotFrame, list[Series]] | None = None
        self._cells: dict[int, tuple[list[Cell], bool]] = {}
        self.loss = CurvePlot(self.tr("Loss"))
        self.accuracy = CurvePlot(self.tr("Accuracy"))
        self.model = FiguresModel(self._heads(), self)
        self.table = table(self.model, self.tr("Figures by epoch"))
        fit_columns(self.table)
        self._ways = QButtonGroup(self)
        self.bar = bar = QHBoxLayout()
        bar.setSpacing(4)
        for name, text in (("epoch", self.tr("By epoch")), ("batch", self.tr("By batch"))):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setProperty("way", name)
            button.setChecked(name == way)
            self._ways.addButton(button)
            bar.addWidget(button)
        bar.addStretch(1)
        self._ways.buttonClicked.connect(self._on_way)
        plots = QWidget()
        side = QHBoxLayout(plots)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(8)
        side.addWidget(self.loss, 1)
        side.addWidget(self.accuracy, 1)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(plots)
        self.split.addWidget(self.table)
        self.split.setChildrenCollapsible(False)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([330, 140])
        self.split.setHandleWidth(8)
        self.table.setMinimumHeight(64)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(bar)
        layout.addWidget(self.split, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DRAW_MS)
        self._timer.timeout.connect(self._draw_loss)
        self._second = QTimer(self)
        self._second.setSingleShot(True)
        self._second.setInterval(_STAGGER_MS)
        self._second.timeout.connect(self._draw_accuracy)

    @property
    def way(self) -> str:
        """How the x axis counts: 'epoch' or 'batch'."""
        button = self._ways.checkedButton()
        return str(button.property("way")) if button is not None else "epoch"

    def set_curves(self, curves: TrainingCurves | None, total: int, validation: int = 0, by_steps: bool = True) -> None:
        """Show these curves, of ``total`` epochs in all, checked on ``validation`` pictures (0: not known how many);
        the same object again says that it has grown."""
        another = curves is not self._curves or validation != self._validation or by_steps != self._by_steps
        self._by_steps = by_steps
        self._validation = validation
        self._curves, self._total = curves, total
        if another:
            self._rows = -1
            self._draw_loss()
        elif not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _on_way(self) -> None:
        self.way_chosen.emit(self.way)
        self._draw_loss()

    @Slot()
    def _draw_loss(self) -> None:
        """Bring all parts to the same state; the second plot, drawn a moment later, has what the first one has."""
        self._plot(self.loss, "loss", self.content("loss", self.tr("Loss")))
        self._second_half = self.content("accuracy", self.tr("Accuracy"))
        self._fill_table()
        self._second.start()

    @Slot()
    def _draw_accuracy(self) -> None:
        if self._second_half is not None:
            self._plot(self.accuracy, "accuracy", self._second_half)

    def _plot(self, plot: CurvePlot, figure: str, content: tuple[PlotFrame, list[Series]]) -> None:
        frame, series = content
        if series:
            plot.set_content(frame, series, self._said(frame.title, figure))
        else:
            plot.set_nothing(frame, self.tr("The curve begins with the first batches."))

    def content(self, figure: str, title: str) -> tuple[PlotFrame, list[Series]]:
        """Frame and curves of ``figure`` ('loss' or 'accuracy') in the way that is chosen; no curves: nothing yet."""
        curves = self._curves
        if curves is None:
            return PlotFrame(title, ""), []
        epochs = list(curves.epochs.get("epoch", []))
        by_batch = self.way == "batch"
        kind = "loss" if figure == "loss" else "share"
        best = curves.best if curves.best is not None and curves.best < len(epochs) else None
        series = []
        if by_batch:
            points = curves.loss if figure == "loss" else curves.accuracy
            if curves.at:
                series.append(Series(self.tr("training"), list(curves.at), list(points), "secondary", 1.1))
        elif epochs:
            dots = len(epochs) < 3
            own = list(curves.epochs[figure])
            series.append(Series(self.tr("training"), epochs, own, "secondary", 1.2, dots=dots))
        if epochs:
            held = list(curves.epochs[f"val_{figure}"])  # copies: what is drawn a moment later stays what it was
            few = len(epochs) < 3
            mark = best if best is not None else -1
            ringed = self.tr("best epoch") if best is not None else ""
            series.append(Series(self.tr("validation"), epochs, held, "accent", 2.4, "-", few, mark, ringed))
        words_x = self.tr("Epoch (batches within)") if by_batch else self.tr("Epoch")
        last = room_for(len(epochs), self._total)
        start = 0.0 if by_batch else (1.0 if last > 1 else 0.0)
        return PlotFrame(title, words_x, last, kind, start), series  # type: ignore[arg-type]

    def _said(self, title: str, figure: str) -> str:
        curves = self._curves
        epochs = curves.epochs if curves is not None else {}
        if not epochs.get("epoch"):
            return title
        return self.tr("{0} after epoch {1}: training {2}, validation {3}. The table has every epoch.").format(
            title,
            words.count(len(epochs["epoch"])),
            words.number(epochs[figure][-1]),
            words.number(epochs[f"val_{figure}"][-1]),
        )

    def _heads(self) -> list[str]:
        return [
            self.tr("Epoch"),
            self.tr("Loss"),
            self.tr("Validation loss"),
            self.tr("Accuracy"),
            self.tr("Validation accuracy"),
            self.tr("Learning rate"),
            self.tr("Time"),
        ]

    def _fill_table(self) -> None:
        """The newest epoch first; only what is new is made anew."""
        curves = self._curves
        epochs = curves.epochs if curves is not None else {}
        rows = len(epochs.get("epoch", ()))
        if (rows, curves.best if curves is not None else None) == (self._rows, self._shown):
            return
        first = self._rows <= 0
        best = curves.best if curves is not None else None
        if first or rows < self._rows:
            self._cells.clear()
        self._rows, self._shown = rows, best
        for i in range(rows):
            held = self._cells.get(i)
            if held is None or held[1] != (i == best):
                self._cells[i] = (
                    _cells(epochs, i, i == best, self._validation, self._by_steps), i == best,
                )  # fmt: skip
        scrolled = self.table.verticalScrollBar().value()
        self.model.set_rows([self._cells[i][0] for i in reversed(range(rows))])
        self.table.verticalScrollBar().setValue(scrolled)
        if first:
            fit_columns(self.table)


def room_for(done: int, total: int) -> float:
    """Where the x axis ends: at the last epoch to come, but of a long training not far beyond what is done."""
    wanted = max(10.0, 1.5 * done)
    scale = 10.0
    while scale * 10 < wanted:
        scale *= 10
    end = next(step * scale for step in (1, 2, 3, 5, 7.5, 10) if step * scale >= wanted)
    return max(1.0, float(done), min(float(total), end) if total else end)


def _cells(epochs: dict[str, list[float]], i: int, best: bool, validation: int, by_steps: bool) -> list[Cell]:
    name = words.count(int(epochs["epoch"][i]))  # the first one shown may be a later one
    return [
        Cell(words.tr("{0} – best").format(name) if best else name, float(i)),
        Cell(words.number(epochs["loss"][i], 4), epochs["loss"][i]),
        Cell(words.number(epochs["val_loss"][i], 4), epochs["val_loss"][i]),
        Cell(words.share(epochs["accuracy"][i]), epochs["accuracy"][i]),
        Cell(words.accuracy(epochs["val_accuracy"][i], validation), epochs["val_accuracy"][i]),
        Cell(words.rate(epochs["rate"][i]), epochs["rate"][i]) if by_steps else Cell("–"),
        Cell(words.duration(epochs["seconds"][i], fine=True), epochs["seconds"][i]),
    ]
