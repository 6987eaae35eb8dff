"""Searches over settings: which there are, their trials as a table and as parallel coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.report.parallel import Line
from desktop.ui.kit.tables import Cell, FiguresModel, fit_columns, table
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.train import words
from desktop.ui.train.parallel import ParallelPlot

if TYPE_CHECKING:
    from desktop.ml.plans.search_results import SearchResult, TrialResult
    from desktop.services.training import TrainingService
    from desktop.store.runs import RunStore


class SearchesTab(QWidget):
    """``runs_wanted`` carries the ids of the runs to look at; ``model_wanted`` a run whose model shall be made."""

    runs_wanted = Signal(object)
    model_wanted = Signal(str)

    def __init__(self, service: TrainingService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.found: list[SearchResult] = []
        self._at_hand: frozenset[str] = frozenset()  # the runs that lie on this computer
        self._trials: list[TrialResult] = []
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Searches"))
        self.list.currentRowChanged.connect(self._show)
        self.title = make_label("", "title")
        self.facts = make_label("", "secondary", wrap=True)
        self.plot = ParallelPlot()
        self.plot.chosen.connect(self._choose)
        self.model = FiguresModel([self.tr("Trial")], self)
        self.table = table(self.model, self.tr("Trials"), sortable=True)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.run = QPushButton(self.tr("Show its run"))
        self.run.clicked.connect(self._on_run)
        self.make = QPushButton(self.tr("Make a model of the best trial"))
        self.make.setProperty("role", "primary")
        self.make.clicked.connect(self._on_make)
        self._empty = make_label(
            self.tr(
                "No search yet. 'fovea search --help' shows how to try many settings of a training on the command "
                "line; what it finds is listed here."
            ),
            "secondary",
            wrap=True,
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setContentsMargins(80, 0, 80, 0)
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        self.list.setStyleSheet(
            f"QListWidget::item {{ padding: 6px 8px; }} "
            f"QListWidget::item:selected {{ background: {t.soft}; color: {t.text}; }}"
        )

    def _lay_out(self) -> None:
        right = QWidget()
        head = QHBoxLayout()
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.facts)
        head.addLayout(names, 1)
        head.addWidget(self.make)
        head.addWidget(self.run)
        inner = QSplitter(Qt.Orientation.Vertical)
        inner.addWidget(self.plot)
        inner.addWidget(self.table)
        inner.setChildrenCollapsible(False)
        inner.setHandleWidth(8)
        inner.setSizes([320, 240])
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(inner, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.list)
        self.split.addWidget(right)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([230, 900])
        self.parts = QStackedWidget()
        self.parts.addWidget(self._empty)
        self.parts.addWidget(self.split)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.parts)

    @Slot()
    def refresh(self) -> None:
        """Read anew what searches there are."""
        store = self._service.store
        self._service.errands.run(lambda: _read_all(store), self._on_read)

    def _on_read(self, read: tuple[list[SearchResult], frozenset[str]]) -> None:
        found, self._at_hand = read
        held = self.list.currentItem()
        before = held.data(Qt.ItemDataRole.UserRole) if held is not None else ""
        self.found = found
        self.list.clear()
        for result in found:
            best = result.best_trial
            item = QListWidgetItem(f"{result.name}\n{self._trials_words(result)}{self._best_words(best, result)}")
            item.setData(Qt.ItemDataRole.UserRole, result.name)
            self.list.addItem(item)
        self.parts.setCurrentWidget(self.split if found else self._empty)
        names = [result.name for result in found]
        self.list.setCurrentRow(names.index(before) if before in names else 0 if found else -1)

    def _trials_words(self, result: SearchResult) -> str:
        number = len(result.trials)
        return self.tr("1 trial") if number == 1 else self.tr("{0} trials").format(words.count(number))

    def _best_words(self, best: TrialResult | None, result: SearchResult) -> str:
        if best is None or best.value is None:
            return ""
        figure = words.share(best.value) if result.goal == "val_accuracy" else words.number(best.value, 4)
        return self.tr(", best {0}").format(figure)

    @Slot(int)
    def _show(self, row: int) -> None:
        if not 0 <= row < len(self.found):
            return
        result = self.found[row]
        keys = list(dict.fromkeys(key for trial in result.trials for key in trial.settings))
        self._trials = [trial for trial in result.trials if trial.settings]
        high = result.goal == "val_accuracy"
        goal = self.tr("Validation accuracy") if high else self.tr("Validation loss")
        self.title.setText(result.name)
        self.facts.setText(
            self.tr("{0}. The strong line is the best; thin lines that end early were stopped early.").format(
                self._trials_words(result)
            )
        )
        lines = [
            Line(tuple(trial.settings.get(key, "") for key in keys), trial.value if trial.state == "done" else None)
            for trial in self._trials
        ]
        self.plot.set_trials(keys, lines, goal, high)
        heads = [self.tr("Trial"), self.tr("State"), goal, *keys, self.tr("Epochs"), self.tr("Time spent")]
        self.model.set_rows([self._cells(trial, keys, result) for trial in self._trials], heads)
        fit_columns(self.table, 220)
        best = result.best_trial
        self.make.setEnabled(best is not None and best.run in self._at_hand)
        self.make.setToolTip(self._elsewhere(best))
        self.run.setEnabled(False)
        self.run.setToolTip("")

    def _elsewhere(self, trial: TrialResult | None) -> str:
        """Why nothing can be done with a trial's run: a search may be shared by several computers."""
        if trial is None or trial.run in self._at_hand:
            return ""
        return self.tr("Its run is not on this computer: it was trained on another one, or deleted.")

    def _cells(self, trial: TrialResult, keys: list[str], result: SearchResult) -> list[Cell]:
        states = {
            "done": self.tr("Done"),
            "pruned": self.tr("Stopped early"),
            "failed": self.tr("Failed"),
            "running": self.tr("Running"),
            "waiting": self.tr("Waiting"),
        }
        name = words.count(trial.number)
        value = trial.value if trial.state == "done" else None
        shown = "–"
        if value is not None:
            shown = words.share(value) if result.goal == "val_accuracy" else words.number(value, 4)
        return [
            Cell(self.tr("{0} – best").format(name) if trial.number == result.best else name, float(trial.number)),
            Cell(states.get(trial.state, trial.state), trial.state, trial.message),
            Cell(shown, value),
            *(_setting(trial.settings.get(key, "–")) for key in keys),
            Cell(words.count(trial.epochs), float(trial.epochs)),
            Cell(words.duration(trial.seconds, fine=True), trial.seconds),
        ]

    @Slot()
    def _on_row(self) -> None:
        row = self.table.currentIndex().row()
        known = 0 <= row < len(self.model.original)
        self.plot.mark(self.model.original[row] if known else -1)
        trial = self._trials[self.model.original[row]] if known else None
        self.run.setEnabled(trial is not None and trial.run in self._at_hand)
        self.run.setToolTip(self._elsewhere(trial))

    @Slot(int)
    def _choose(self, number: int) -> None:
        if number in self.model.original:
            self.table.selectRow(self.model.original.index(number))

    @Slot()
    def _on_run(self) -> None:
        row = self.table.currentIndex().row()
        if 0 <= row < len(self.model.original):
            self.runs_wanted.emit([self._trials[self.model.original[row]].run])

    @Slot()
    def _on_make(self) -> None:
        row = self.list.currentRow()
        best = self.found[row].best_trial if 0 <= row < len(self.found) else None
        if best is not None and best.run:
            self.model_wanted.emit(best.run)


def _setting(text: str) -> Cell:
    """A setting's value: numbers with the figures that matter, the whole of it as the tip."""
    try:
        value = float(text)
    except ValueError:
        return Cell(text.strip("[]").replace('"', ""), text.casefold(), text)
    return Cell(words.rate(value) if "." in text or "e" in text else text, value, text)


def _read_all(store: RunStore) -> tuple[list[SearchResult], frozenset[str]]:
    """The searches, and the ids of the runs on this computer."""
    from desktop.ml.plans.search_results import names, read_kept

    found = [result for name in names() if (result := read_kept(name)) is not None]
    return found, frozenset(record.id for record in store.list()) if found else frozenset()
