"""A new search: which training its trials are made of, what is varied, and how many are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.core.types import FoveaError
from desktop.ml.plans import plan as plans
from desktop.ml.plans.search_results import SearchError, stem
from desktop.ml.plans.search_space import Choices, Dimension, Range, check
from desktop.services.searching import Order
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import accept_or_cancel, at_least, make_label
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.ml.plans.plan import TrainingPlan

_TRIALS = 12


class SearchDialog(QDialog):
    """``started`` carries an :class:`Order`. ``bases`` are the plans to choose from, each with its name."""

    started = Signal(Order)

    def __init__(
        self, bases: Sequence[tuple[str, TrainingPlan]], taken: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._bases, self._taken = list(bases), set(taken)
        self.setWindowTitle(self.tr("New Search"))
        give_help(self, "train#searching-over-settings")
        about = make_label(
            self.tr(
                "A search trains the same data several times with other settings and shows which did best on the "
                "validation pictures. Each trial learns from those before it; poor ones end early."
            ),
            "secondary",
            wrap=True,
        )
        self.base = QComboBox()
        self.base.setAccessibleName(self.tr("The training to vary"))
        for name, _ in self._bases:
            self.base.addItem(name)
        self.base.currentIndexChanged.connect(self._on_base)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the search"))
        self.rate = QCheckBox(self.tr("Learning rate: a tenth to ten times as large"))
        self.batch = QCheckBox(self.tr("Batch size: half, the same, twice"))
        self.optimizer = QCheckBox(self.tr("Optimizer: AdamW, Adam, SGD"))
        self.dropout = QCheckBox(self.tr("Dropout: 0, 0.2, 0.4"))
        self.decay = QCheckBox(self.tr("Weight decay: 0, 0.0001, 0.01"))
        for box in (self.rate, self.batch):
            box.setChecked(True)
        self.more = QPlainTextEdit()
        self.more.setPlaceholderText(
            self.tr("Others, one a line, for instance:\nfit.label_smoothing = 0 | 0.1\nfit.epochs = 10 | 20")
        )
        self.more.setAccessibleName(self.tr("Other settings to vary"))
        self.more.setTabChangesFocus(True)
        self.more.setFixedHeight(64)
        self.trials = QSpinBox()
        self.trials.setRange(2, 500)
        self.trials.setValue(_TRIALS)
        self.trials.setAccessibleName(self.tr("Trials"))
        self.trials.lineEdit().setTextMargins(6, 0, 0, 0)
        self.prune = QCheckBox(self.tr("End poor trials early"))
        self.prune.setChecked(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(8)
        form.addRow(self.tr("Training"), self.base)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Vary"), self.rate)
        for part in (self.batch, self.optimizer, self.dropout, self.decay, self.more):
            form.addRow("", part)
        form.addRow(self.tr("Trials"), self.trials)
        form.addRow("", self.prune)
        self.failure = ErrorPanel()
        buttons, self.start = accept_or_cancel(self, self.tr("Start search"))
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(about)
        layout.addLayout(form)
        layout.addWidget(self.failure)
        layout.addWidget(buttons)
        at_least(self, 530)
        self._on_base()

    @property
    def plan(self) -> TrainingPlan:
        """The plan that is varied."""
        return self._bases[max(0, self.base.currentIndex())][1]

    @Slot()
    def _on_base(self) -> None:
        plan = self.plan
        stem_of = "".join(c if c.isalnum() or c in " .()-_" else "-" for c in plan.name).strip(" .-") or "search"
        name, number = stem_of[:60], 1
        while name in self._taken:
            number += 1
            name = f"{stem_of[:60]} {number}"
        self.name.setText(name)
        has = "dropout" in plan.architecture.settings
        self.dropout.setEnabled(has)
        self.dropout.setToolTip("" if has else self.tr("This network has no dropout."))
        self.dropout.setChecked(self.dropout.isChecked() and has)

    def space(self) -> list[Dimension]:
        """What is varied. Raises :class:`SearchError` for a line that says nothing."""
        plan, out = self.plan, []
        if self.rate.isChecked():
            out.append(Range("optimizer.rate", plan.optimizer.rate / 10, plan.optimizer.rate * 10, log=True))
        held: list[tuple[QCheckBox, str, tuple[str, ...]]] = [
            (self.batch, "fit.batch", tuple(str(max(1, round(plan.fit.batch * by))) for by in (0.5, 1, 2))),
            (self.optimizer, "optimizer.name", ("adamw", "adam", "sgd")),
            (self.dropout, "architecture.dropout", ("0.0", "0.2", "0.4")),
            (self.decay, "optimizer.weight_decay", ("0.0", "0.0001", "0.01")),
        ]
        dimensions: list[Dimension] = [
            *out, *(Choices(key, tuple(dict.fromkeys(values))) for box, key, values in held if box.isChecked())
        ]  # fmt: skip
        for line in filter(None, map(str.strip, self.more.toPlainText().splitlines())):
            key, sign, rest = line.partition("=")
            values = tuple(dict.fromkeys(part.strip() for part in rest.split("|") if part.strip()))
            if not sign or not key.strip() or not values:
                raise SearchError("bad-search", f"'{line}' names no values", "Write fit.epochs = 10 | 20.")
            dimensions.append(Choices(key.strip(), values))
        if not dimensions:
            raise SearchError("bad-search", "there is nothing to try", "Choose a setting to vary.")
        return dimensions

    def accept(self) -> None:
        """Start, or say what is wrong and stay."""
        name = self.name.text().strip()
        try:
            stem(name)
            if name in self._taken:
                raise SearchError("bad-search", f"there is a search '{name}' already", "Give this one another name.")
            space = self.space()
            check(self.plan, space)
        except (plans.PlanError, FoveaError) as error:
            self.failure.set_failure(error.message, error.hint, error.kind)
            return
        self.started.emit(Order(name, self.plan, space, self.trials.value(), self.prune.isChecked()))
        super().accept()
