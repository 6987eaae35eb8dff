"""Searches over settings: which there are, their trials as a table and as parallel coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.ml.plans.search_results import TrialResult
from desktop.report.parallel import TrialLine
from desktop.services.searching import Order, Searching
from desktop.system.words import worded
from desktop.ui.kit.tables import Cell, FiguresModel, fit_columns, table
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, sentence
from desktop.ui.train import words
from desktop.ui.train.parallel import ParallelPlot

if TYPE_CHECKING:
    from desktop.engine.search_events import SearchEnded, TrialTold
    from desktop.ml.plans.search_results import SearchResult
    from desktop.services.training import TrainingService
    from desktop.store.runs import RunStore


class SearchesTab(QWidget):
    """``runs_wanted`` carries the ids of the runs to look at; ``model_wanted`` a run whose model shall be made;
    ``new_wanted`` asks for a search, ``training_wanted`` for a training; ``said`` carries a sentence on why one
    ended."""

    runs_wanted = Signal(list)
    model_wanted = Signal(str)
    new_wanted = Signal()
    training_wanted = Signal()
    said = Signal(str)
    told = Signal(str)

    def __init__(self, service: TrainingService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.found: list[SearchResult] = []
        self._at_hand: frozenset[str] = frozenset()  # the runs that lie on this computer
        self._trials: list[TrialResult] = []
        self._wanted = ""
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
        self._may_begin = True
        self.searching = Searching(self)
        self.searching.told.connect(self._on_told)
        self.searching.tried.connect(self.refresh)
        self.searching.changed.connect(self._show_state)
        self.searching.ended.connect(self._on_ended)
        self.new = QPushButton(self.tr("New search…"))
        self.new.setProperty("role", "primary")
        self.first = QPushButton(self.tr("New search…"))
        self.first.setProperty("role", "primary")
        for button in (self.new, self.first):
            button.clicked.connect(self.new_wanted)
        self.go_on = QPushButton(self.tr("Go on"))
        self.go_on.setToolTip(self.tr("Try what is left of this search"))
        self.go_on.clicked.connect(self._on_go_on)
        self._empty = self._made_empty()
        self._strip = self._made_strip()
        self._lay_out()
        self._show_state()
        theme().changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        self.list.setStyleSheet(
            f"QListWidget::item {{ padding: 6px 8px; }} "
            f"QListWidget::item:selected {{ background: {t.soft}; color: {t.text}; }}"
        )

    def _made_empty(self) -> QWidget:
        """What a search is, and the button that begins one."""
        title = make_label(self.tr("Let Fovea find better settings"), "answer", wrap=True)
        text = make_label(
            self.tr(
                "A search trains the same pictures several times with other settings (learning rate, batch size and "
                "more) and shows which did best. It begins from a training that was made before."
            ),
            "secondary",
            wrap=True,
        )
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(24, 0, 24, 0)
        column.setSpacing(12)
        column.addStretch(3)
        for label in (title, text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(title)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(text, 2)
        middle.addStretch(1)
        column.addLayout(middle)
        column.addSpacing(8)
        column.addWidget(self.first, 0, Qt.AlignmentFlag.AlignHCenter)
        self.training = QPushButton(self.tr("Or make a training first…"))
        self.training.setProperty("role", "link")
        self.training.clicked.connect(self.training_wanted)
        column.addWidget(self.training, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)
        return place

    def _made_strip(self) -> QWidget:
        """How far the search at work is."""
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMaximumWidth(theme().scaled(260))
        self._bar.setAccessibleName(self.tr("Progress of the search"))
        self.state = make_label("", wrap=True)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Ends in a moment; the search can go on later"))
        self.stop.clicked.connect(self.searching.stop)
        strip = QWidget()
        row = QHBoxLayout(strip)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.state, 1)
        row.addWidget(self._bar)
        row.addWidget(self.stop)
        return strip

    def _lay_out(self) -> None:
        right = QWidget()
        head = QHBoxLayout()
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.facts)
        head.addLayout(names, 1)
        head.addWidget(self.go_on)
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
        left = QWidget()
        beside = QVBoxLayout(left)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(8)
        beside.addWidget(self.new)
        beside.addWidget(self.list, 1)
        self.split.addWidget(left)
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
        layout.setSpacing(8)
        layout.addWidget(self._strip)
        layout.addWidget(self.parts)

    # The search at work

    def forbid(self) -> None:
        """Begin none: this edition cannot train."""
        self._may_begin = False
        self.training.setEnabled(False)
        self._show_state()

    def begin(self, order: Order) -> None:
        """Start a search, or go on with one."""
        if self.searching.running:
            self.said.emit(self.tr("A search is running. Stop it, then begin another."))
            return
        self.searching.start(order)
        self._wanted = order.name

    @Slot()
    def _on_go_on(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self.found):
            name = self.found[row].name
            self._service.disk_work.run(lambda: Order.load(name), self._on_order)

    def _on_order(self, order: Order | None) -> None:
        if order is None:
            self.said.emit(self.tr("This search was begun on the command line: 'fovea search' goes on with it there."))
        else:
            self.begin(order)

    @Slot(object)
    def _on_told(self, told: TrialTold) -> None:
        self._show_state()
        if self._live is not None and self._live[0] == told.number:
            self._show(self.list.currentRow())

    @Slot()
    def _show_state(self) -> None:
        searching = self.searching
        order, trial = searching.order, searching.trial
        self._strip.setVisible(searching.running)
        self.stop.setEnabled(not searching.stopping)
        for button in (self.new, self.first, self.go_on):
            button.setEnabled(self._may_begin and not searching.running)
        if order is None or not searching.running:
            return
        done = self.done_of(order.name)
        self._bar.setRange(0, 100 * order.trials)
        inside = round(100 * trial.epoch / max(1, trial.epochs)) if trial is not None else 0
        self._bar.setValue(min(100 * order.trials, 100 * done + inside))
        parts = [
            self.tr("“{0}”: {1} of {2} trials done").format(order.name, words.count(done), words.count(order.trials))
        ]
        if searching.stopping:
            parts.append(self.tr("stopping in a moment…"))
        elif trial is not None:
            parts.append(
                self.tr("trial {0}: epoch {1} of {2}, validation loss {3}").format(
                    words.count(trial.number), words.count(trial.epoch), words.count(trial.epochs),
                    words.number(trial.val_loss, 4),
                )
            )  # fmt: skip
        else:
            parts.append(self.tr("the next trial begins…"))
        self.state.setText(" · ".join(parts))

    def done_of(self, name: str) -> int:
        """How many trials of a search have come to their end."""
        result = next((result for result in self.found if result.name == name), None)
        over = ("done", "pruned", "failed")
        return sum(trial.state in over for trial in result.trials) if result is not None else 0

    @property
    def _live(self) -> tuple[int, TrialTold] | None:
        """The trial at work of the search that is shown."""
        row, searching = self.list.currentRow(), self.searching
        if not searching.running or searching.order is None or searching.trial is None:
            return None
        shown = 0 <= row < len(self.found) and self.found[row].name == searching.order.name
        return (searching.trial.number, searching.trial) if shown else None

    @Slot(object)
    def _on_ended(self, ended: SearchEnded) -> None:
        self.refresh()
        name = self.searching.order.name if self.searching.order is not None else ""
        if ended.state == "failed":
            self.said.emit(" ".join(part for part in (sentence(ended.message), sentence(ended.hint)) if part))
        elif ended.state == "stopped":
            self.told.emit(self.tr("The search “{0}” was stopped; Go on takes it up.").format(name))
        else:
            self.told.emit(self.tr("The search “{0}” is done: a model can be made of its best trial.").format(name))

    @Slot()
    def refresh(self) -> None:
        """Read anew what searches there are."""
        store = self._service.store
        self._service.disk_work.run(lambda: _read_all(store), self._on_read)

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
        before, self._wanted = (self._wanted if self._wanted in names else before), ""
        self._show_state()
        self.list.setCurrentRow(names.index(before) if before in names else 0 if found else -1)

    def _trials_words(self, result: SearchResult) -> str:
        number = len(result.trials)
        return self.tr("1 trial") if number == 1 else self.tr("{0} trials").format(words.count(number))

    def _best_words(self, best: TrialResult | None, result: SearchResult) -> str:
        if best is None or best.value is None:
            return ""
        figure = words.number(best.value, 4)
        if result.goal == "val_accuracy":
            figure = words.brief_accuracy(best.value, best.val_n)
        return self.tr(", best {0}").format(figure)

    @Slot(int)
    def _show(self, row: int) -> None:
        if not 0 <= row < len(self.found):
            return
        result = self.found[row]
        keys = list(dict.fromkeys(key for trial in result.trials for key in trial.settings))
        live = self._live
        self._trials = [_alive(trial, live) for trial in result.trials if trial.settings]
        if live is not None and live[0] not in {trial.number for trial in self._trials}:
            told = live[1]
            self._trials.append(
                TrialResult(told.number, "running", {}, None, told.val_accuracy, told.val_loss, told.epoch, 0.0, "")
            )
        started = Order.known(result.name)
        self.go_on.setVisible(started)
        high = result.goal == "val_accuracy"
        goal = self.tr("Validation accuracy") if high else self.tr("Validation loss")
        self.title.setText(result.name)
        self.facts.setText(
            self.tr("{0}. The strong line is the best; thin lines that end early were stopped early.").format(
                self._trials_words(result)
            )
        )
        lines = [
            TrialLine(
                tuple(trial.settings.get(key, "") for key in keys), trial.value if trial.state == "done" else None
            )
            for trial in self._trials
        ]
        self.plot.set_trials(keys, lines, goal, high)
        heads = [self.tr("Trial"), self.tr("State"), goal, *keys, self.tr("Epochs"), self.tr("Time spent")]
        self.model.set_rows([self._cells(trial, keys, result) for trial in self._trials], heads)
        fit_columns(self.table)
        best = result.best_trial
        self.make.setEnabled(best is not None and best.run in self._at_hand)
        self.make.setToolTip(
            self._elsewhere(best) if best is not None else self.tr("No trial has come to its end yet.")
        )
        self.run.setEnabled(False)
        self.run.setToolTip(self.tr("Choose a trial in the table first."))

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
            shown = words.accuracy(value, trial.val_n) if result.goal == "val_accuracy" else words.number(value, 4)
        elif trial.state == "running" and trial.val_accuracy is not None and trial.val_loss is not None:
            held = trial.val_accuracy if result.goal == "val_accuracy" else trial.val_loss
            shown = words.accuracy(held, trial.val_n) if result.goal == "val_accuracy" else words.number(held, 4)
        return [
            Cell(self.tr("{0} – best").format(name) if trial.number == result.best else name, float(trial.number)),
            Cell(states.get(trial.state, trial.state), trial.state, worded(trial.message)),
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
        self.run.setToolTip(self._elsewhere(trial) if known else self.tr("Choose a trial in the table first."))

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


def _alive(trial: TrialResult, live: tuple[int, TrialTold] | None) -> TrialResult:
    """``trial`` with what is known of it now, where it is the one at work."""
    if live is None or trial.number != live[0]:
        return trial
    told = live[1]
    return replace(
        trial, state="running", value=None, val_accuracy=told.val_accuracy, val_loss=told.val_loss, epochs=told.epoch
    )
