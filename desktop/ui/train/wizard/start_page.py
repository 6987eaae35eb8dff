"""The starting point: Fovea's own net, a reference system, or a model that has learned already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.core.translate import on_card
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import PlanError
from desktop.services.background import Task
from desktop.system.words import listed
from desktop.ui.kit.formatting import count, duration
from desktop.ui.kit.tables import FiguresModel, fit_columns, table, whole, words
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, sentence, tip
from desktop.ui.train.wizard.origins import Origin, origins, recommended, times
from desktop.ui.train.wizard.page import WizardPage, inset
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.notices import CautionStrip

if TYPE_CHECKING:
    from desktop.ml.plans.netspec import LayerRow
    from desktop.ml.plans.plan import TrainingPlan

_ID = int(Qt.ItemDataRole.UserRole) + 1
_BESIDE = 60  # of the list's width: its margins, those of an item, the scroll bar


class StartingPointPage(WizardPage):
    """``recommended_changed``: another starting point brought other settings."""

    recommended_changed = Signal()

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Network"),
            self.tr("Where should it start?"),
            self.tr(
                "The recommended one suits your pictures. The others are for comparing, or for building upon a model."
            ),
        )
        self._origins: list[Origin] = []
        self._chosen = ""
        self._picked = False  # by hand
        self._made: TrainingPlan | None = None  # what the chosen one brought
        self._filling = False
        self._stale = True
        self._times: dict[str, float] = {}  # seconds by an origin's id
        self._asked: object = None  # for which draft they are being told
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Starting points"))
        self.list.setMinimumWidth(theme().scaled(250))
        self.list.setWordWrap(True)
        self.list.setSpacing(1)
        self.list.currentItemChanged.connect(self._on_item)
        self._title = make_label("", "title", wrap=True)
        self._words = make_label("", wrap=True, selectable=True)
        self._reported = make_label("", "secondary", wrap=True, selectable=True)
        self.layer = QComboBox()
        self.layer.setAccessibleName(self.tr("Layer whose features are used"))
        self.layer.activated.connect(self._on_start)
        self.unfreeze = QSpinBox()
        self.unfreeze.setRange(1, 400)
        self.unfreeze.setAccessibleName(self.tr("Layers tuned, from the end"))
        self.unfreeze.setKeyboardTracking(False)
        inset(self.unfreeze)
        self.unfreeze.valueChanged.connect(self._on_start)
        self.head_epochs = QSpinBox()
        self.head_epochs.setRange(0, 500)
        self.head_epochs.setAccessibleName(self.tr("Epochs for the new last layer alone"))
        self.head_epochs.setKeyboardTracking(False)
        inset(self.head_epochs)
        self.head_epochs.valueChanged.connect(self._on_start)
        self._form_box = QWidget()
        self._form = QFormLayout(self._form_box)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(16)
        self._form.addRow(self.tr("Features of the layer"), self.layer)
        self._form.addRow(self.tr("Layers tuned, from the end"), self.unfreeze)
        self._form.addRow(self.tr("Epochs for the new last layer alone"), self.head_epochs)
        self._facts = make_label("", "secondary", wrap=True)
        self._problem = CautionStrip()
        self._fewer = CautionStrip()
        self._fewer.hide()
        self._problem.hide()
        self.model = FiguresModel([self.tr("Layer"), self.tr("Kind"), self.tr("Output"), self.tr("Parameters")], self)
        self.layers = table(self.model, self.tr("Layers of the network"))
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(8)
        for part in (self._title, self._words, self._reported, self._fewer, self._form_box, self._facts, self._problem):
            column.addWidget(part)
        column.addWidget(self.layers, 1)
        self._filler = QWidget()
        column.addWidget(self._filler, 1)
        both = QHBoxLayout()
        both.setSpacing(12)
        both.addWidget(self.list, 2)
        both.addWidget(right, 3)
        self.body.addLayout(both, 1)
        theme().changed.connect(self._dress)
        self._dress()
        state.opened.connect(self._begin)
        state.looked.connect(self._renew)
        state.catalog.changed.connect(self._fill)
        state.changed.connect(self._on_changed)

    def initializePage(self) -> None:
        if self._stale:
            self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up; Back comes here without initializing anything."""
        super().showEvent(event)
        if self._stale:
            self._show()

    def isComplete(self) -> bool:
        return bool(self._chosen) and not self._problem.isVisibleTo(self)

    def choose(self, origin_id: str) -> None:
        """Start from the origin of that id."""
        for place in range(self.list.count()):
            if self.list.item(place).data(_ID) == origin_id:
                self.list.setCurrentRow(place)

    @Slot()
    def _begin(self) -> None:
        """Other data is at hand: nothing that was chosen for the earlier one holds any more."""
        self._picked, self._made = False, None
        self._make_anew("")

    @Slot()
    def _renew(self) -> None:
        """More is known of the data: recommend again, and make the plan again; what was changed by hand stays."""
        draft = self.state.draft
        if self._made is not None and draft != draft.with_plan(self._made):
            self._fill()
        else:
            self._make_anew(self._chosen if self._picked else "")

    def _make_anew(self, wanted: str) -> None:
        self._chosen = ""
        self._fill(wanted)

    @Slot()
    def _fill(self, wanted: str = "") -> None:
        """List what fits the data at hand; the recommended one first, and chosen."""
        draft = self.state.draft
        if len(draft.learned) < 2:
            return
        self._origins = origins(draft, self.state.catalog.entries, self.state.held)
        known = {origin.id for origin in self._origins}
        wanted = wanted or self._chosen
        first = wanted if wanted in known else recommended(draft, self._origins)
        with QSignalBlocker(self.list):
            self.list.clear()
            group = ""
            best = recommended(draft, self._origins)
            for origin in sorted(self._origins, key=lambda o: (o.id != best, o.rank)):
                words = self.tr("Recommended") if origin.id == best else origin.group
                if words != group:
                    group = words
                    head = QListWidgetItem(group)
                    head.setFlags(Qt.ItemFlag.NoItemFlags)
                    head.setFont(theme().font("secondary"))
                    head.setSizeHint(QSize(0, 34))
                    head.setTextAlignment(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
                    self.list.addItem(head)
                item = QListWidgetItem()
                item.setData(_ID, origin.id)
                item.setToolTip(tip(origin.words))
                self._say(item, origin.title, self.tr("working out how long it takes…"))
                self.list.addItem(item)
        self._filling = True
        self.choose(first)
        self._filling = False
        self._ask_times()

    _reckoning = False

    def settled(self) -> bool:
        return not self._reckoning

    def _ask_times(self) -> None:
        """Find out, in a thread, what each of them would take on this computer; a trial of it belongs to that."""
        from desktop.app import expected_time

        draft, found, known = self.state.draft, tuple(self._origins), self.state.slowness
        self._times, self._asked, self._reckoning = {}, found, True

        def work(_: Task) -> object:
            slowness = known if known is not None else expected_time.trial()
            return found, times(draft, found, slowness), slowness

        task = Task(work)
        task.answered.connect(self._on_times)
        task.failed.connect(self._on_no_times)
        task.launch()

    @Slot(Exception)
    def _on_no_times(self, _error: Exception) -> None:
        """It could not be reckoned. The answer to another question that is under way is still shown when it comes."""
        self._on_times((self._asked, {}, None))

    @Slot(object)
    def _on_times(self, answer: tuple[object, dict[str, float], float | None]) -> None:
        self.state.slowness = answer[2] if self.state.slowness is None else self.state.slowness
        if answer[0] is not self._asked:
            return
        self._times, self._reckoning = answer[1], False
        titles = {origin.id: origin.title for origin in self._origins}
        for place in range(self.list.count()):
            item = self.list.item(place)
            title, seconds = titles.get(item.data(_ID)), self._times.get(item.data(_ID))
            if title is not None:
                known = self.tr("about {0}").format(duration(seconds)) if seconds is not None else ""
                self._say(item, title, known or self.tr("how long it takes is not known"))

    def _say(self, item: QListWidgetItem, title: str, time: str) -> None:
        """Name a starting point with its expected time below, and give both room: a title may take two lines."""
        item.setText(f"{title}\n{time}")
        width = self.list.minimumWidth() - theme().scaled(_BESIDE)
        flags = int(Qt.TextFlag.TextWordWrap)
        needed = self.list.fontMetrics().boundingRect(0, 0, width, 10_000, flags, item.text()).height()
        item.setSizeHint(QSize(0, max(theme().scaled(46), needed + 14)))

    @Slot(QListWidgetItem, QListWidgetItem)
    def _on_item(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        origin_id = item.data(_ID) if item is not None else None
        origin = next((o for o in self._origins if o.id == origin_id), None)
        if origin is None or origin.id == self._chosen:
            return
        from desktop.core.types import FoveaError

        self._chosen = origin.id
        self._picked = self._picked if self._filling else True
        try:
            self._made = plan = origin.make()
        except FoveaError as error:
            self._made = None
            self._problem.set_text(sentence(error.message))
            self._problem.show()
            self.completeChanged.emit()
            return
        self._problem.hide()
        self.state.origin = origin.title
        self.state.put(self.state.draft.with_plan(plan))
        self.recommended_changed.emit()
        self._show()

    @Slot()
    def _on_start(self) -> None:
        from dataclasses import replace

        start = self.state.draft.settings.start
        self.state.change_settings(
            start=replace(
                start,
                layer=self.layer.currentData() if self.layer.count() else start.layer,
                unfreeze=self.unfreeze.value() if start.kind == "fine-tune" else start.unfreeze,
                head_epochs=self.head_epochs.value() if start.kind == "fine-tune" else start.head_epochs,
            )
        )

    def _fewer_words(self) -> str:
        """What the new model will not know any more of what the one it goes on from knows; '' for nothing."""
        draft = self.state.draft
        entry = self.state.catalog.entry(draft.settings.start.model) if draft.settings.start.model is not None else None
        if entry is None or entry.manifest is None:
            return ""
        before, now = entry.manifest.labels, draft.labels
        lost = [name for name in before if name not in now]
        if not lost or (draft.settings.start.kind != "weights" and len(lost) == len(before)):
            return ""  # other classes are built upon it: nobody takes the new model for the old one
        named = lost[:6]
        if len(lost) > 6:
            named = [*named, self.tr("{0} more").format(count(len(lost) - 6))]
        return self.tr(
            "{0} tells {1} classes apart; the new model will know only the {2} of your data. It can no longer answer: "
            "{3}. To keep them, add pictures of each to your data."
        ).format(on_card(entry.manifest.name), count(len(before)), count(len(now)), listed(named))

    @Slot()
    def _on_changed(self) -> None:
        """Another draft: the network's table costs more than a slider's step on another page should."""
        self._stale = True
        if self.current:
            self._show()

    def _show(self) -> None:
        origin = next((o for o in self._origins if o.id == self._chosen), None)
        if origin is None:
            return
        self._stale = False
        start = self.state.draft.settings.start
        self._title.setText(origin.title)
        self._words.setText(origin.words)
        self._reported.setText(origin.reported)
        self._reported.setVisible(bool(origin.reported))
        fewer = self._fewer_words()
        self._fewer.set_text(fewer)
        self._fewer.setVisible(bool(fewer))
        builds = start.kind in ("features", "fine-tune")
        self._form_box.setVisible(builds)
        self._form.setRowVisible(self.unfreeze, start.kind == "fine-tune")
        self._form.setRowVisible(self.head_epochs, start.kind == "fine-tune")
        if builds:
            with QSignalBlocker(self.layer), QSignalBlocker(self.unfreeze), QSignalBlocker(self.head_epochs):
                if self.layer.property("origin") != origin.id:
                    self.layer.setProperty("origin", origin.id)
                    self.layer.clear()
                    for name, shown in origin.layers:
                        self.layer.addItem(shown, name)
                self.layer.setCurrentIndex(max(0, self.layer.findData(start.layer)))
                self.unfreeze.setValue(start.unfreeze)
                self.head_epochs.setValue(start.head_epochs)
        self._show_network()
        self.completeChanged.emit()

    def _show_network(self) -> None:
        from desktop.core.types import FoveaError
        from desktop.ml.plans import nettables

        draft = self.state.draft
        try:
            features = self._features()
            rows = self._rows(features)
            total = nettables.parameter_count(rows)
            memory = nettables.memory_estimate(draft.plan(), features)
        except FoveaError as error:
            self.model.set_rows([])
            self.layers.hide()
            self._filler.show()
            self._facts.setText("" if draft.settings.start.kind != "fresh" else sentence(error.message))
            return
        self._filler.hide()
        self.layers.show()
        self._facts.setText(
            self.tr("{0} parameters · about {1} MB of memory while it learns").format(
                count(total), count(max(1, round(memory / 1e6)))
            )
        )
        self.model.set_rows(
            [
                (
                    words(line.name),
                    words(line.kind),
                    words("×".join(map(str, line.output_shape))),
                    whole(line.parameters),
                )
                for line in rows
            ]
        )
        fit_columns(self.layers, 200)

    def _rows(self, features: tuple[int, ...] | None) -> list[LayerRow]:
        """The layers of what is trained. Raises ``PlanError`` where a model's are not known before it is loaded."""
        from desktop.ml.plans import nettables

        draft = self.state.draft
        if draft.settings.architecture.name == plans.SAME:
            raise PlanError("bad-plan", "the model's layers are not known before it is loaded")
        return nettables.layer_table(draft.settings.architecture, features or draft.settings.shape, len(draft.learned))

    def _features(self) -> tuple[int, ...] | None:
        """The shape of what a head gets from its base; ``None`` for a network of its own. Raises ``PlanError`` where
        the base's layers are not known."""
        from desktop.ml.plans import nettables, transfer_plans

        draft = self.state.draft
        if draft.settings.start.kind not in ("features", "fine-tune"):
            return None
        entry = self.state.catalog.entry(draft.settings.start.model or "")
        architecture = (
            transfer_plans.architecture_of(entry.manifest) if entry is not None and entry.manifest is not None else None
        )
        if architecture is None or entry is None or entry.manifest is None:
            raise PlanError("bad-plan", "the base's layers are not known before it is loaded")
        return nettables.feature_shape(
            architecture, draft.settings.shape, len(entry.manifest.labels), draft.settings.start.layer
        )

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        self.list.setStyleSheet(
            "QListWidget { padding: 4px; } QListWidget::item { padding: 0 8px; border-radius: 6px; } "
            f"QListWidget::item:selected {{ background: {t.soft}; color: {t.text}; }} "
            f"QListWidget::item:disabled {{ color: {t.secondary}; }}"
        )
        for place in range(self.list.count()):
            item = self.list.item(place)
            if item.data(_ID) is None:
                item.setFont(theme().font("secondary"))
