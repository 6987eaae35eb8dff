"""The right side of the Models view: one model, what can be done with it, and everything that is known of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from desktop.services.background import Task
from desktop.system import strict_json
from desktop.ui.kit.widgets import make_label, set_role
from desktop.ui.models.filter_sheet import read_filters
from desktop.ui.models.tabs import (
    MOST_JSON,
    CardTab,
    EvaluationTab,
    FilesTab,
    LayersTab,
    TrainingTab,
    read_layers,
)
from desktop.ui.widgets.notices import MedicalNotice

if TYPE_CHECKING:
    import numpy as np

    from desktop.store.store import ModelEntry
    from desktop.ui.models.cards import ModelCard

TABS = ("card", "curves", "evaluation", "layers", "files")


class Detail(QWidget):
    """Each signal is one of its buttons; all mean the model that is shown."""

    use_wanted = Signal()
    teach_wanted = Signal(str)
    retrain_wanted = Signal(str, str)
    install_wanted = Signal()
    evaluate_wanted = Signal()
    export_wanted = Signal()
    verify_wanted = Signal()
    rename_wanted = Signal()
    duplicate_wanted = Signal()
    delete_wanted = Signal()
    reveal_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card: ModelCard | None = None
        self._reading: Task | None = None
        self._verdicts: dict[str, dict[str, str]] = {}
        self._build()

    @property
    def card(self) -> ModelCard | None:
        """The card that is shown."""
        return self._card

    def _build(self) -> None:
        self._name = make_label("", "answer", wrap=True)
        self._state = make_label("", "secondary", wrap=True)
        self.use = self._button(self.tr("Classify with it"), self.use_wanted)
        self.teach = self._button(self.tr("Teach it more…"), self._on_teach)
        self.teach.setToolTip(self.tr("Open the Teach project that this model was made of"))
        self.teach.hide()
        self._project = ""
        self.install = self._button(self.tr("Install…"), self.install_wanted)
        for button in (self.use, self.install):
            button.setProperty("role", "primary")
        self.export = self._button(self.tr("Export…"), self.export_wanted)
        self.more = QPushButton(self.tr("More"))
        self.more.setProperty("role", "menu")
        menu = QMenu(self.more)
        self.verify_action = menu.addAction(self.tr("&Verify files"), self.verify_wanted.emit)
        self.rename_action = menu.addAction(self.tr("&Rename…"), self.rename_wanted.emit)
        self.duplicate_action = menu.addAction(self.tr("&Duplicate"), self.duplicate_wanted.emit)
        self.retrain_action = menu.addAction(self.tr("Re&train with the corrections"), self._on_retrain)
        self.retrain_action.setVisible(False)
        self.reveal_action = menu.addAction(self.tr("&Show folder"), self.reveal_wanted.emit)
        menu.addSeparator()
        self.delete_action = menu.addAction(self.tr("D&elete"), self.delete_wanted.emit)
        self.more.setMenu(menu)
        title = QVBoxLayout()
        title.setSpacing(2)
        title.addWidget(self._name)
        title.addWidget(self._state)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(title, 1)
        for button in (self.install, self.use, self.teach, self.export, self.more):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.medical = MedicalNotice()
        self.medical.hide()
        self.card_tab, self.curves, self.evaluation = CardTab(), TrainingTab(), EvaluationTab()
        self.layers, self.files = LayersTab(), FilesTab()
        self.evaluation.evaluate_wanted.connect(self.evaluate_wanted)
        self.files.verify_wanted.connect(self.verify_wanted)
        self.files.reveal_wanted.connect(self.reveal_wanted)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(self.tr("What is known of the model"))
        for page, text in (
            (self.card_tab, self.tr("Card")),
            (self.curves, self.tr("Curves")),
            (self.evaluation, self.tr("Evaluation")),
            (self.layers, self.tr("Layers")),
            (self.files, self.tr("Files")),
        ):
            self.tabs.addTab(page, text)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.medical)
        layout.addWidget(self.tabs, 1)
        nothing = make_label(self.tr("Choose a model on the left."), "secondary", wrap=True)
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(nothing)
        self._stack.addWidget(whole)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)

    @Slot()
    def _on_teach(self) -> None:
        self.teach_wanted.emit(self._project)

    @Slot()
    def _on_retrain(self) -> None:
        if self._card is not None:
            self.retrain_wanted.emit(self._project, self._card.id)

    @staticmethod
    def _button(text: str, signal: Any) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(signal)
        return button

    def open_tab(self, name: str) -> None:
        """Go to a tab of :data:`TABS`."""
        self.tabs.setCurrentIndex(TABS.index(name))

    @property
    def loading(self) -> bool:
        """Whether something of the model is still being read."""
        return self._reading is not None

    def show_card(self, card: ModelCard | None, busy: bool) -> None:
        """Show another model, or none; ``busy`` while a job runs."""
        self._card = card
        self.teach.hide()
        self._stack.setCurrentIndex(0 if card is None else 1)
        self._read()
        if card is None:
            return
        self._name.setText(card.name)
        self.card_tab.show_card(card)
        self.files.show_files(card, self._verdicts.get(card.id, {}))
        manifest = card.entry.manifest if card.entry is not None else None
        self.medical.show_for(bool(manifest is not None and manifest.medical))
        self._say_state(card)
        self.set_busy(busy)

    def _say_state(self, card: ModelCard) -> None:
        first, second = card.lines()
        parts = [card.origin(), first, second if card.state != "ready" else ""]
        if card.entry is not None and card.entry.manifest is not None and card.state == "ready":
            parts.append(self.tr("version {0}").format(card.entry.manifest.version))
        self._state.setText(" · ".join(part for part in parts if part))
        set_role(self._state, "error" if card.state == "damaged" else "secondary")

    def set_busy(self, busy: bool) -> None:
        """Bring what can be done into line with the state and with a job that runs."""
        card = self._card
        if card is None:
            return
        own = card.entry is not None and not card.entry.bundled
        ready = card.state == "ready"
        self.use.setVisible(ready)
        self.install.setVisible(card.network is not None and (card.state in ("absent", "damaged")))
        self.install.setEnabled(not busy)
        self.export.setVisible(ready)
        self.export.setEnabled(not busy)
        self.more.setVisible(card.entry is not None)
        self.verify_action.setEnabled(not busy and card.state in ("ready", "damaged"))
        self.rename_action.setEnabled(not busy and own and card.entry.manifest is not None)  # type: ignore[union-attr]
        self.duplicate_action.setEnabled(not busy and ready)
        self.delete_action.setEnabled(not busy and own)
        self.reveal_action.setEnabled(card.entry is not None)
        self.files.verify.setEnabled(not busy and self.verify_action.isEnabled())

    def set_verdicts(self, model_id: str, verdicts: dict[str, str]) -> None:
        """Files were compared with their checksums."""
        self._verdicts[model_id] = verdicts
        if self._card is not None and self._card.id == model_id:
            self.files.show_files(self._card, verdicts)

    # History, evaluation, layers: read in a thread

    def _read(self) -> None:
        if self._reading is not None:
            self._reading.answered.disconnect(self._on_read)
            self._reading = None
        card = self._card
        if card is None or card.entry is None:
            if card is not None:
                self._fill({}, {}, [], None, "")
            return
        entry = card.entry
        self._reading = Task(lambda task: _facts(entry))
        self._reading.answered.connect(self._on_read)
        self._reading.launch()

    @Slot(object)
    def _on_read(self, facts: tuple[Any, Any, Any, Any, str]) -> None:
        if self.sender() is self._reading:
            self._reading = None
            self._fill(*facts)

    def _fill(
        self,
        curves: dict[str, list[float]],
        document: dict[str, Any],
        layers: list[Any],
        filters: np.ndarray | None,
        project: str,
    ) -> None:
        assert self._card is not None
        self._project = project
        self.teach.setVisible(bool(project))
        self.retrain_action.setVisible(bool(project))
        from desktop.core.types import CROSSED

        entry = self._card.entry
        manifest = entry.manifest if entry is not None else None
        measured = manifest.metrics if manifest is not None else ()
        checked = next((m.n for m in measured if m.name == "accuracy" and m.split in ("validation", CROSSED)), 0)
        self.curves.show_curves(curves, checked)
        self.evaluation.show_evaluation(self._card, document)
        self.layers.show_layers(self._card, layers, filters)


def _facts(
    entry: ModelEntry,
) -> tuple[dict[str, list[float]], dict[str, Any], list[tuple[str, str, str]], np.ndarray | None, str]:
    """What lies beside a model's description; for a thread. Files of others are read with limits."""
    folder = entry.folder
    from desktop.app.teaching_models import teachable
    from desktop.store.run_files import read_curve

    document: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        document = strict_json.read_object(folder / "evaluation.json", MOST_JSON)
    project = teachable(entry.manifest) if entry.manifest is not None else ""
    layers = read_layers(folder / "model.keras")
    return read_curve(folder / "history.csv"), document, layers, read_filters(entry), project
