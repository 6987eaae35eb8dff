"""Every training there was: found, compared, taken up, repeated, deleted and brought back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.services.training import read_curves
from desktop.store.run_record import RunRecord
from desktop.ui.kit.tables import Cell, FiguresModel, grow_columns, table
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, set_usable
from desktop.ui.train import plan_text, words
from desktop.ui.train.runs_table import MOST_CURVES, RunsModel, runs_table, style, tone
from desktop.ui.widgets.plot import CurvePlot
from desktop.ui.widgets.plot_drawing import PlotFrame, Series

if TYPE_CHECKING:
    from desktop.services.training import TrainingService
    from desktop.services.training_job import TrainingCurves

_WITH_TRAINING = 2  # runs beside each other that show their training curves too
_CONTINUED = ("stopped", "failed", "interrupted", "queued")


class RunsTab(QWidget):
    """Signals ask the view: ``continue_wanted`` carries a :class:`RunRecord`, the others a run's or a model's id."""

    continue_wanted = Signal(RunRecord)
    repeat_wanted = Signal(RunRecord)
    further_wanted = Signal(RunRecord)
    card_wanted = Signal(str)
    folder_wanted = Signal(str)
    export_wanted = Signal(str)
    new_wanted = Signal()
    said = Signal(str)

    def __init__(self, service: TrainingService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.runs: list[RunRecord] = []
        self._curves: dict[str, TrainingCurves] = {}
        self._plans: dict[str, str] = {}
        self._fitted: dict[int, int] = {}
        self._wanted: list[str] = []
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by name, data, preset or state"))
        self.filter.setAccessibleName(self.tr("Filter the runs"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._apply_filter)
        self.model = RunsModel(self)
        self.table = runs_table(self.model)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.loss = CurvePlot(self.tr("Validation loss of the chosen runs"))
        self.accuracy = CurvePlot(self.tr("Validation accuracy of the chosen runs"))
        self.plan_model = FiguresModel([self.tr("Setting"), ""], self)
        self.plan = table(self.plan_model, self.tr("Settings of the plan"))
        self._plan_title = make_label("", "secondary", wrap=True)
        self._nothing = QWidget()
        self._nothing_words = make_label("", "secondary", wrap=True)
        self._nothing_words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.way_on = QPushButton()
        self.way_on.clicked.connect(self._on_way_on)
        column = QVBoxLayout(self._nothing)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(self._nothing_words)
        column.addWidget(self.way_on, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self._make_buttons()
        self._lay_out()
        service.runs_changed.connect(self.refresh)
        theme().changed.connect(self._draw)
        self._on_selection()

    def _make_buttons(self) -> None:
        self.go_on = self._button(self.tr("Continue"), self._on_continue)
        self.repeat = self._button(self.tr("Repeat with changes…"), self._on_repeat)
        self.card = self._button(self.tr("Open the model"), self._on_card)
        self.folder = self._button(self.tr("Open folder"), self._on_folder)
        self.export = self._button(self.tr("Export curves…"), self._on_export)
        self.delete = self._button(self.tr("Delete"), self._on_delete)
        key = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        key.setContext(Qt.ShortcutContext.WidgetShortcut)
        key.activated.connect(self._on_delete)
        self.table.activated.connect(self._on_card)

    def _button(self, text: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.filter)
        self.parts = QStackedWidget()
        self.parts.addWidget(self.table)
        self.parts.addWidget(self._nothing)
        column.addWidget(self.parts, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.go_on, self.repeat, self.card, self.folder, self.export):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.delete)
        self._row = QWidget()
        row.setContentsMargins(0, 0, 0, 0)
        self._row.setLayout(row)
        column.addWidget(self._row)
        beside = QWidget()
        right = QVBoxLayout(beside)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(4)
        right.addWidget(self._plan_title)
        right.addWidget(self.plan, 1)
        self.plots = QSplitter(Qt.Orientation.Horizontal)
        for widget, stretch in ((self.loss, 3), (self.accuracy, 3), (beside, 3)):
            self.plots.addWidget(widget)
            self.plots.setStretchFactor(self.plots.count() - 1, stretch)
        self.plots.setChildrenCollapsible(False)
        self.plots.setHandleWidth(8)
        self.plots.setSizes([400, 400, 400])
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(top)
        self.split.addWidget(self.plots)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(10)
        self.split.setSizes([330, 300])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.split)

    # The list

    @Slot()
    def refresh(self) -> None:
        """Read anew what runs there are."""
        store = self._service.store
        self._service.disk_work.run(store.list, self._on_listed)

    def _on_listed(self, runs: list[RunRecord]) -> None:
        self.runs = runs
        self._curves = {key: value for key, value in self._curves.items() if self._is_settled(key)}
        self._apply_filter()

    def _is_settled(self, run_id: str) -> bool:
        return any(run.id == run_id and run.state == "done" for run in self.runs)

    @Slot()
    def _apply_filter(self) -> None:
        chosen = [run.id for run in self.chosen()] or self._wanted
        self._wanted = []
        sought = self.filter.text().casefold().split()
        shown = []
        for run in self.runs:
            text = " ".join((run.name, run.data, run.preset, words.run_state(run.state), run.device)).casefold()
            if all(part in text for part in sought):
                shown.append(run)
        with QSignalBlocker(self.table.selectionModel()):
            self.model.set_runs(shown)
            self._select(chosen)
        if shown:
            self._fitted = grow_columns(self.table, self._fitted)
        self.parts.setCurrentWidget(self.table if shown else self._nothing)
        for part in (self.filter, self._row, self.plots):
            part.setVisible(bool(self.runs))
        self._nothing_words.setText(
            self.tr("No run fits the filter.")
            if self.runs
            else self.tr("No run yet. Every training is kept here, with its plan, its curves and its figures.")
        )
        self.way_on.setText(self.tr("Show all runs") if self.runs else self.tr("New training…"))
        self._on_selection()

    @Slot()
    def _on_way_on(self) -> None:
        if self.runs:
            self.filter.clear()
        else:
            self.new_wanted.emit()

    def _select(self, ids: list[str]) -> None:
        selection = self.table.selectionModel()
        flags = QItemSelectionModel.SelectionFlag
        for run_id in ids:
            row = self.model.row_of(run_id)
            if row >= 0:
                selection.select(self.model.index(row, 0), flags.Select | flags.Rows)

    def choose(self, ids: list[str]) -> None:
        """Choose these runs, where they are shown, now or once they are read."""
        self.table.clearSelection()
        self._wanted = list(ids)
        self._select(ids)

    def chosen(self) -> list[RunRecord]:
        """The chosen runs, in the order of the table."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.run(row) for row in rows if row < self.model.rowCount()]

    # What is shown of the chosen ones

    @Slot()
    def _on_selection(self) -> None:
        chosen = self.chosen()
        drawn = chosen[:MOST_CURVES]
        self.model.mark([run.id for run in drawn])
        one = chosen[0] if len(chosen) == 1 else None
        elsewhere = one is not None and one.state in ("running", "paused")
        can_further = one is not None and one.state == "done" and bool(one.model_id)
        self.go_on.setText(self.tr("Train further…") if can_further else self.tr("Continue"))
        choose_one, choose = self.tr("Choose one run above first."), self.tr("Choose one or several runs above first.")
        cannot = choose_one if one is None else self.tr("This run goes on by itself, or cannot go on.")
        without = choose_one if one is None else self.tr("No model came of this run.")
        set_usable(self.go_on, one is not None and (one.state in _CONTINUED or can_further), cannot)
        set_usable(self.repeat, one is not None, choose_one)
        set_usable(self.card, one is not None and bool(one.model_id), without)
        set_usable(self.folder, one is not None, choose_one)
        set_usable(self.export, bool(chosen), choose)
        running = self.tr("It is still training; cancel it among the trainings first.")
        set_usable(self.delete, bool(chosen) and not elsewhere, running if elsewhere else choose)
        for run in drawn:
            if run.id not in self._curves:
                self._service.disk_work.run(partial(_load, self._service, run.id), self._on_loaded)
        self._draw()

    def _on_loaded(self, found: tuple[str, TrainingCurves, str]) -> None:
        run_id, curves, plan = found
        self._curves[run_id], self._plans[run_id] = curves, plan
        if any(run.id == run_id for run in self.chosen()):
            self._draw()

    @Slot()
    def _draw(self) -> None:
        chosen = self.chosen()
        for plot, figure, title in (
            (self.loss, "loss", self.tr("Loss: validation strong, training thin")),
            (self.accuracy, "accuracy", self.tr("Accuracy: validation strong, training thin")),
        ):
            if len(chosen) > _WITH_TRAINING:
                title = self.tr("Validation loss") if figure == "loss" else self.tr("Validation accuracy")
            frame, series = self.content(figure, title)
            if series:
                plot.set_content(frame, series, self.tr("Curves of the runs: {0}").format(words.count(len(chosen))))
            elif chosen:
                plot.set_nothing(frame, self.tr("No epoch of it is finished."))
            else:
                plot.set_nothing(frame, self.tr("Choose one or several runs to see their curves on one plot."))
        self._fill_plan(chosen)

    def content(self, figure: str, title: str) -> tuple[PlotFrame, list[Series]]:
        """Frame and curves of the chosen runs; with one or two of them their training curves too, thin."""
        chosen = self.chosen()[:MOST_CURVES]
        series: list[Series] = []
        longest = 1.0
        for place, run in enumerate(chosen):
            curves = self._curves.get(run.id)
            if curves is None or not curves.done:
                continue
            epochs = curves.epochs["epoch"]
            longest = max(longest, epochs[-1])
            dots = len(epochs) < 3
            mark = curves.best if curves.best is not None else -1
            if len(chosen) <= _WITH_TRAINING:
                name = self.tr("{0}, training").format(run.name)
                series.append(Series(name, epochs, curves.epochs[figure], tone(place), 0.9, style(place), dots))
            held = curves.epochs[f"val_{figure}"]
            series.append(Series(run.name, epochs, held, tone(place), 2.2, style(place), dots, mark))
        kind = "loss" if figure == "loss" else "share"
        start = 1.0 if longest > 1 else 0.0
        return PlotFrame(title, self.tr("Epoch"), longest, kind, start, legend=False), series  # type: ignore[arg-type]

    def _fill_plan(self, chosen: list[RunRecord]) -> None:
        plans = [plan_text.settings(self._plans.get(run.id, "")) for run in chosen]
        if len(chosen) == 2:
            rows = plan_text.differences(plans[0], plans[1])
            heads = [self.tr("Setting"), chosen[0].name, chosen[1].name]
            self.plan_model.set_rows([[Cell(text) for text in row] for row in rows], heads)
            self._plan_title.setText(
                self.tr("What differs between the two plans")
                if rows
                else self.tr("The two plans are the same in everything that shapes the model.")
            )
        elif len(chosen) == 1:
            held = plans[0].items()
            self.plan_model.set_rows([[Cell(k), Cell(v)] for k, v in held], [self.tr("Setting"), chosen[0].name])
            self._plan_title.setText(self.tr("The plan. Choose a second run (Ctrl and click) to see what differs."))
        else:
            self.plan_model.set_rows([], [self.tr("Setting"), ""])
            self._plan_title.setText(self.tr("Two chosen runs: what differs between their plans."))
        header = self.plan.horizontalHeader()
        for column in range(self.plan_model.columnCount()):
            own = QHeaderView.ResizeMode.ResizeToContents if column == 0 else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(column, own)

    # The buttons

    def _one(self) -> RunRecord | None:
        chosen = self.chosen()
        return chosen[0] if len(chosen) == 1 else None

    @Slot()
    def _on_continue(self) -> None:
        run = self._one()
        if run is not None:
            (self.further_wanted if run.state == "done" else self.continue_wanted).emit(run)

    @Slot()
    def _on_repeat(self) -> None:
        run = self._one()
        if run is not None:
            self.repeat_wanted.emit(run)

    @Slot()
    def _on_card(self) -> None:
        run = self._one()
        if run is not None and run.model_id:
            self.card_wanted.emit(run.model_id)

    @Slot()
    def _on_folder(self) -> None:
        run = self._one()
        if run is not None:
            self.folder_wanted.emit(run.id)

    @Slot()
    def _on_export(self) -> None:
        self.export_wanted.emit("")

    @Slot()
    def _on_delete(self) -> None:
        for run in self.chosen():
            job = self._service.job(run.id)
            if run.state in ("running", "paused") or (job is not None and job.active):
                self.said.emit(self.tr("“{0}” is training. Cancel it, then delete its run.").format(run.name))
                continue
            if job is not None:
                self._service.forget(run.id)
            self._service.delete(run.id, run.name)

    @property
    def curves(self) -> dict[str, TrainingCurves]:
        """The curves that were read, by run."""
        return self._curves


def _load(service: TrainingService, run_id: str) -> tuple[str, TrainingCurves, str]:
    from desktop.core.types import FoveaError

    store = service.store
    try:
        plan = store.plan_text(run_id)
    except FoveaError:
        plan = ""
    return run_id, read_curves(store.folder(run_id)), plan
