"""How it learns: epochs, batch, optimizer and the rest, each with its one-line explanation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.ml.plans.plan import CYCLIC, SOLVED, FitPlan, OptimizerPlan
from desktop.ui.kit.formatting import number
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.train.wizard.page import Folded, WizardPage, inset, row
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.notices import CautionStrip

IMBALANCED = 1.5
"""From this ratio of the largest class to the smallest on, balancing is offered first."""


class SettingsPage(WizardPage):
    """The few that matter on top, the others folded. They stand in the draft's ``optimizer`` and ``fit``."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Learning"),
            self.tr("How long and how fast should it learn?"),
            self.tr("The starting point brought settings that work. You can change any of them, or just go on."),
        )
        self.epochs = self._whole(1, 2000, "fit", "epochs", self.tr("Epochs"))
        self.batch = self._whole(1, 4096, "fit", "batch", self.tr("Batch size"))
        self.patience = self._whole(0, 500, "fit", "patience", self.tr("Stop early after"))
        self.patience.setSpecialValueText(self.tr("never"))
        self.patience.setSuffix(self.tr(" epochs without a better one"))
        self.balance = self._choice(
            self.tr("Uneven classes"),
            (
                ("none", self.tr("As they are")),
                ("weights", self.tr("Rare classes weigh more")),
                ("over", self.tr("Rare classes are drawn more often")),
                ("under", self.tr("Frequent classes are drawn less often")),
            ),
            self._on_balance,
        )
        self._balance_words = CautionStrip()
        self.optimizer = self._choice(
            self.tr("Optimizer"),
            (
                ("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD"), ("momentum", self.tr("SGD with momentum")),
                ("rmsprop", "RMSprop"), ("adagrad", "Adagrad"),
            ),
            self._on_optimizer,
        )  # fmt: skip
        self.rate = self._real(1e-7, 10, 7, "optimizer", "rate", self.tr("Learning rate"))
        self.schedule = self._choice(
            self.tr("Schedule of the rate"),
            (
                ("constant", self.tr("Constant")),
                ("cosine", self.tr("Falls like a cosine")),
                ("triangle", self.tr("Rises, then falls")),
                ("steps", self.tr("Falls in steps")),
            ),
            self._on_schedule,
        )
        self.cycles = self._whole(1, 20, "optimizer", "cycles", self.tr("Cycles of the schedule"))
        self.loss = self._choice(
            self.tr("Loss"),
            (("cross-entropy", self.tr("Cross-entropy")), ("mse", self.tr("Mean squared error"))),
            self._on_loss,
        )
        self.keep = self._choice(
            self.tr("Which epoch counts"),
            (
                ("lowest-loss", self.tr("The lowest validation loss")),
                ("highest-accuracy", self.tr("The highest validation accuracy")),
                ("last", self.tr("The last one")),
            ),
            self._on_keep,
        )
        self.smoothing = self._real(0, 0.9, 3, "fit", "label_smoothing", self.tr("Label smoothing"))
        self.dropout = self._dropout()
        self.l1 = self._real(0, 1, 6, "fit", "l1", self.tr("L1 penalty"))
        self.l2 = self._real(0, 1, 6, "fit", "l2", self.tr("L2 penalty"))
        self.decay = self._real(0, 1, 6, "optimizer", "weight_decay", self.tr("Weight decay"))
        self.mixed = QCheckBox(self.tr("Compute in 16 bits where the device gains by it"))
        self.mixed.toggled.connect(self._on_mixed)
        self.logs = QCheckBox(self.tr("Write TensorBoard logs into the run's folder"))
        self.logs.toggled.connect(self._on_logs)
        first = self._grid(
            (self.tr("Epochs"), self.epochs, self.tr("How often it goes through all pictures.")),
            (self.tr("Stop early after"), self.patience, self.tr("Saves time once nothing gets better.")),
            (self.tr("Batch size"), self.batch, self.tr("Pictures looked at before each small step.")),
            (
                self.tr("Learning rate"),
                self.rate,
                self.tr("The size of a step: too large never settles, too small takes for ever."),
            ),
            (self.tr("Uneven classes"), self.balance, self.tr("What to do where one class has many more pictures.")),
        )
        more = self._grid(
            (self.tr("Optimizer"), self.optimizer, self.tr("How a step is made from the errors.")),
            (self.tr("Schedule of the rate"), self.schedule, self.tr("Smaller steps towards the end settle better.")),
            (
                self.tr("Cycles of the schedule"),
                self.cycles,
                self.tr("How often the rate rises and falls; each peak is half the one before."),
            ),
            (self.tr("Loss"), self.loss, self.tr("What counts as an error, and how much.")),
            (self.tr("Which epoch counts"), self.keep, self.tr("The network of that epoch becomes the model.")),
            (self.tr("Label smoothing"), self.smoothing, self.tr("Keeps it from being too sure; 0 is off.")),
            (
                self.tr("Dropout"),
                self.dropout,
                self.tr("Share of features left out at random while learning; against learning by heart."),
            ),
            (self.tr("L1 penalty"), self.l1, self.tr("Pushes needless weights to zero; 0 is off.")),
            (self.tr("L2 penalty"), self.l2, self.tr("Keeps weights small; 0 is off.")),
            (self.tr("Weight decay"), self.decay, self.tr("Shrinks weights a little at every step; 0 is off.")),
        )
        folded = QWidget()
        column = QVBoxLayout(folded)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(more)
        column.addWidget(self.mixed)
        column.addWidget(self.logs)
        inside = QWidget()
        inside.setProperty("ground", "none")
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(12)
        self._solved = self._of_solved()
        layout.addWidget(self._solved)
        self._by_steps: tuple[QWidget, ...] = (first, Folded(self.tr("More settings"), folded))
        layout.addWidget(self._by_steps[0])
        layout.addWidget(self._balance_words)
        layout.addWidget(self._by_steps[1])
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        back = QPushButton(self.tr("Back to the starting point's settings"))
        back.clicked.connect(self._reset)
        self.body.addWidget(scroll, 1)
        self.body.addLayout(row(back))
        self.recommended: tuple[OptimizerPlan, FitPlan] | None = None
        self.recommended_dropout: Any = None  # a setting of the network, where it has it
        state.changed.connect(self._show)
        self._show()

    # Controls

    def _of_solved(self) -> QWidget:
        """What stands here where the head is solved instead of trained."""
        words = make_label(
            self.tr(
                "There is nothing to set. What the network sees in each picture is computed once; then several "
                "linear classifiers are worked out from it, and the one that is best on pictures it did not learn from "
                "becomes the model. With few pictures that is usually better than anything slower."
            ),
            wrap=True,
        )
        change = QPushButton(self.tr("Train the last layer step by step instead"))
        change.setToolTip(self.tr("For several new layers, or settings of your own"))
        change.clicked.connect(self._on_by_steps)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(words)
        column.addLayout(row(change))
        return holder

    @Slot()
    def _on_by_steps(self) -> None:
        from desktop.app.recipes import by_steps

        plan = by_steps(self.state.draft.plan())
        self.state.put(self.state.draft.with_plan(plan))

    def _whole(self, low: int, high: int, part: str, name: str, words: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(low, high)
        self._wire(box, part, name, words)
        return box

    def _real(self, low: float, high: float, places: int, part: str, name: str, words: str) -> QDoubleSpinBox:
        box = _Short()
        box.setDecimals(places)
        box.setRange(low, high)
        box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self._wire(box, part, name, words)
        return box

    def _wire(self, box: QSpinBox | QDoubleSpinBox, part: str, name: str, words: str) -> None:
        box.setKeyboardTracking(False)
        inset(box)
        box.setAccessibleName(words)
        box.setMinimumWidth(theme().scaled(140))
        box.setProperty("part", part)
        box.setProperty("name", name)
        box.valueChanged.connect(self._on_number)

    def _choice(self, words: str, options: tuple[tuple[str, str], ...], slot: Any) -> QComboBox:
        box = QComboBox()
        for key, word in options:
            box.addItem(word, key)
        box.setAccessibleName(words)
        box.activated.connect(slot)
        return box

    def _dropout(self) -> QDoubleSpinBox:
        box = _Short()
        box.setDecimals(2)
        box.setRange(0, 0.9)
        box.setSingleStep(0.05)
        inset(box)
        box.setAccessibleName(self.tr("Dropout"))
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._on_dropout)
        return box

    def _grid(self, *lines: tuple[str, QWidget, str]) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(2, 1)
        for line, (name, control, words) in enumerate(lines):
            label = make_label(name)
            label.setBuddy(control)
            control.setAccessibleDescription(words)
            grid.addWidget(label, line, 0)
            grid.addWidget(control, line, 1)
            grid.addWidget(make_label(words, "secondary", wrap=True), line, 2)
        return holder

    # From the controls to the draft

    def use(self, part: str, **values: Any) -> None:
        """Change fields of the draft's ``fit`` or ``optimizer``."""
        self.state.change_settings(**{part: replace(getattr(self.state.draft.settings, part), **values)})

    @Slot()
    def _on_number(self) -> None:
        box = self.sender()
        assert isinstance(box, QSpinBox | QDoubleSpinBox)
        self.use(box.property("part"), **{box.property("name"): box.value()})

    @Slot()
    def _on_balance(self) -> None:
        chosen = self.balance.currentData()
        weights = "balanced" if chosen == "weights" else "none"
        self.use("fit", class_weights=weights, sampling=chosen if chosen in ("over", "under") else "none")

    @Slot()
    def _on_optimizer(self) -> None:
        chosen, held = self.optimizer.currentData(), self.state.draft.settings.optimizer
        if chosen == "momentum":
            self.use("optimizer", name="sgd", momentum=held.momentum or 0.9)
        elif chosen == "sgd":
            self.use("optimizer", name="sgd", momentum=0.0, nesterov=False)
        else:
            self.use("optimizer", name=chosen, nesterov=False)

    @Slot()
    def _on_schedule(self) -> None:
        chosen = self.schedule.currentData()
        cycles = self.state.draft.settings.optimizer.cycles if chosen in CYCLIC else 1
        self.use("optimizer", schedule=chosen, cycles=cycles)

    @Slot()
    def _on_loss(self) -> None:
        self.use("fit", loss=self.loss.currentData())

    @Slot()
    def _on_keep(self) -> None:
        self.use("fit", keep=self.keep.currentData())

    @Slot(bool)
    def _on_mixed(self, wanted: bool) -> None:
        self.use("fit", mixed="auto" if wanted else "none")

    @Slot(bool)
    def _on_logs(self, wanted: bool) -> None:
        self.use("fit", tensorboard=wanted)

    @Slot(float)
    def _on_dropout(self, value: float) -> None:
        held = self.state.draft.settings.architecture
        self.state.change_settings(architecture=replace(held, settings={**held.settings, "dropout": round(value, 4)}))

    @Slot()
    def _reset(self) -> None:
        if self.recommended is None:
            return
        held = self.state.draft.settings.architecture
        if self.recommended[0].name == SOLVED:
            held = replace(held, settings={**held.settings, "layers": []})
        if "dropout" in held.settings and self.recommended_dropout is not None:
            held = replace(held, settings={**held.settings, "dropout": self.recommended_dropout})
        self.state.change_settings(optimizer=self.recommended[0], fit=self.recommended[1], architecture=held)

    # From the draft to the controls

    @Slot()
    def _show(self) -> None:
        draft = self.state.draft
        fit, optimizer = draft.settings.fit, draft.settings.optimizer
        solved = optimizer.name == SOLVED
        self._solved.setVisible(solved)
        for part in self._by_steps:
            part.setVisible(not solved)
        numbers = (
            (self.epochs, fit.epochs), (self.batch, fit.batch), (self.patience, fit.patience),
            (self.rate, optimizer.rate), (self.smoothing, fit.label_smoothing), (self.l1, fit.l1), (self.l2, fit.l2),
            (self.decay, optimizer.weight_decay), (self.cycles, optimizer.cycles),
        )  # fmt: skip
        for box, value in numbers:
            with QSignalBlocker(box):
                if isinstance(box, QSpinBox):
                    box.setValue(int(value))
                else:
                    box.setValue(value)
        balance = fit.sampling if fit.sampling != "none" else "weights" if fit.class_weights == "balanced" else "none"
        name = "momentum" if optimizer.name == "sgd" and optimizer.momentum else optimizer.name
        for choice, key in (
            (self.balance, balance), (self.optimizer, name), (self.schedule, optimizer.schedule),
            (self.loss, fit.loss), (self.keep, fit.keep),
        ):  # fmt: skip
            choice.setCurrentIndex(max(0, choice.findData(key)))
        self.cycles.setEnabled(optimizer.schedule in CYCLIC)
        for tick, on in ((self.mixed, fit.mixed != "none"), (self.logs, fit.tensorboard)):
            with QSignalBlocker(tick):
                tick.setChecked(on)
        held = draft.settings.architecture.settings.get("dropout")
        self.dropout.setEnabled(isinstance(held, int | float))
        with QSignalBlocker(self.dropout):
            self.dropout.setValue(float(held) if isinstance(held, int | float) else 0.0)
        ratio = draft.imbalance()
        uneven = ratio >= IMBALANCED and balance == "none"
        self._balance_words.setVisible(uneven)
        if uneven:
            self._balance_words.set_text(
                self.tr(
                    "The largest class has {0} times as many pictures as the smallest. Left as they are, the answers "
                    "lean towards the frequent one."
                ).format(number(ratio, 1))
            )


class _Short(QDoubleSpinBox):
    """A number without the zeros behind it."""

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", 7)
