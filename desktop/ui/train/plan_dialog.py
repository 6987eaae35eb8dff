"""A plan before it starts: its name, where its images lie, and the few settings that are changed most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan_changes import with_settings
from desktop.store.ids import id_of
from desktop.system.words import listed
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import accept_or_cancel, at_least, make_label
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.ml.plans.plan import TrainingPlan

_HIGHEST = 100_000
_HIGHEST_SEED = 2**31 - 1


class PlanDialog(QDialog):
    """``started`` carries ``(TrainingPlan, name)`` when the user starts it."""

    started = Signal(tuple)

    def __init__(self, plan: TrainingPlan, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plan = plan
        self.setWindowTitle(self.tr("Start a Training"))
        give_help(self, "train#starting-a-training")
        self.name = QLineEdit(name)
        self.data = QLineEdit(plan.data.path or "")
        browse = QPushButton(self.tr("Choose…"))
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.data, 1)
        row.addWidget(browse)
        self.epochs = _whole(plan.fit.epochs)
        self.batch = _whole(plan.fit.batch)
        self.rate = QLineEdit(f"{plan.optimizer.rate:g}")
        self.seed = _whole(plan.seed, 0, _HIGHEST_SEED)
        # What is not touched stays as the plan has it: a field may show less of it than there is.
        self._shown = self._fields()
        self.more = QPlainTextEdit()
        self.more.setPlaceholderText(self.tr("One a line, for instance:\nfit.patience = 3\naugment.flip.p = 0.5"))
        self.more.setTabChangesFocus(True)
        self.more.setFixedHeight(72)
        self.failure = ErrorPanel()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Name"), self.name)
        own = plan.data.source == plans.USER
        if own:
            form.addRow(self.tr("Images"), row)
        else:
            form.addRow(self.tr("Images"), make_label(plan.data.source))
        form.addRow(self.tr("Epochs"), self.epochs)
        form.addRow(self.tr("Batch size"), self.batch)
        form.addRow(self.tr("Learning rate"), self.rate)
        form.addRow(self.tr("Seed"), self.seed)
        form.addRow(self.tr("More settings"), self.more)
        for field, words in (
            (self.name, self.tr("Name of the training and of its model")),
            (self.data, self.tr("Folder or file of the images")),
            (self.epochs, self.tr("Epochs")),
            (self.batch, self.tr("Batch size")),
            (self.rate, self.tr("Learning rate")),
            (self.seed, self.tr("Seed")),
            (self.more, self.tr("More settings")),
        ):
            field.setAccessibleName(words)
        facts = make_label(
            self.tr("{0} · {1} classes: {2}").format(
                plan.architecture.name, len(plan.labels), listed(plan.labels[:12]) + ("…" * (len(plan.labels) > 12))
            ),
            "secondary",
            wrap=True,
        )
        buttons, self.start = accept_or_cancel(self, self.tr("Start training"))
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(facts)
        layout.addLayout(form)
        layout.addWidget(self.failure)
        layout.addWidget(buttons)
        at_least(self, 490)

    def _fields(self) -> dict[str, str]:
        return {
            "fit.epochs": str(self.epochs.value()),
            "fit.batch": str(self.batch.value()),
            "optimizer.rate": self.rate.text().strip().replace(",", "."),
            "seed": str(self.seed.value()),
        }

    def plan(self) -> TrainingPlan:
        """The plan as it is filled in. Raises :class:`PlanError` that names the field at fault."""
        name = self.name.text().strip()
        if not name:
            raise plans.PlanError("bad-plan", "the training has no name", "Give it one: its model is called so.")
        settings = {key: text for key, text in self._fields().items() if text != self._shown[key]}
        for line in self.more.toPlainText().splitlines():
            key, sign, value = line.partition("=")
            if line.strip() and not sign:
                raise plans.PlanError(
                    "bad-plan", f"'{line.strip()}' is no setting", "Write for instance fit.epochs=10."
                )
            if line.strip():
                settings[key.strip()] = value.strip()
        plan = with_settings(self._plan, settings)
        if plan.data.source == plans.USER:
            path = self.data.text().strip()
            if not path:
                raise plans.PlanError(
                    "bad-plan", "no folder of images is chosen", "Choose the folder of class folders."
                )
            if path != plan.data.path:
                title = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
                plan = replace(plan, data=replace(plan.data, path=path, title=title))
        if name != plan.name:
            plan = replace(plan, name=name, id=id_of(name))
        return plan

    def accept(self) -> None:
        """Start, or say what is wrong and stay."""
        try:
            plan = self.plan()
        except plans.PlanError as error:
            self.failure.set_failure(error.message, error.hint, error.kind)
            return
        self.started.emit((plan, plan.name))
        super().accept()

    @Slot()
    def _browse(self) -> None:
        dialog = FileDialog(self, self.tr("Open a Labelled Folder"), "folder", self.data.text())
        dialog.fileSelected.connect(self.data.setText)
        dialog.open()


def _whole(value: int, lowest: int = 1, highest: int = _HIGHEST) -> QSpinBox:
    box = QSpinBox()
    box.setRange(lowest, highest)
    box.setGroupSeparatorShown(False)
    box.setValue(value)
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    return box
