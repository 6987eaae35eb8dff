"""One picture of the gallery large: what it is, what the network saw, the bars with the truth; arrows go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.formatting import count
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of, make_label
from desktop.ui.widgets.notices import ErrorPanel, MedicalNotice, NoticeStrip
from desktop.ui.widgets.picture_view import PictureView
from desktop.ui.widgets.prepared_view import PREPARING_CODES, PreparedView, facts_of
from desktop.ui.widgets.probability_bars import ProbabilityBars

if TYPE_CHECKING:
    from desktop.engine.messages import Failure, Prediction, Preview
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
from desktop.ui.evaluate.gallery_pane import JUDGEMENT_KEYS, KEY_OF, GalleryPane
from desktop.ui.evaluate.state import EvaluationState

_SIDE = 2048


class LargePicture(QDialog):
    """Goes through the gallery's pictures in its order. The bars show the evaluation's own scores at once; the prepared
    input is asked of the engine."""

    def __init__(
        self,
        gallery: GalleryPane,
        state: EvaluationState,
        catalog: ModelCatalog,
        engine: EngineService,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        give_help(self, "evaluate#mistakes")
        self._gallery, self._state, self._catalog, self._engine = gallery, state, catalog, engine
        self._place = -1
        self._preview_id = self._predict_id = 0
        self.picture = PictureView()
        self.picture.setAccessibleName(self.tr("Picture"))
        self.prepared = PreparedView()
        self.prepared.setMaximumHeight(210)
        self.bars = ProbabilityBars()
        self.failure = ErrorPanel()
        self._notices = NoticeStrip()
        self._name = ElidedLabel(file=True)
        self._name.setProperty("role", "title")
        self._where = make_label("", "secondary")
        self._said = make_label("", "secondary", wrap=True)
        self._build()
        engine.preview_arrived.connect(self._on_preview)
        engine.prediction.connect(self._on_prediction)
        result = state.result
        self._medical.show_for(result is not None and result.model.medical)
        if parent is not None:
            room = parent.window().size()
            self.resize(max(900, room.width() - 60), max(600, room.height() - 24))

    def _build(self) -> None:
        self._medical = MedicalNotice()
        left = QVBoxLayout()
        left.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._where)
        left.addLayout(head)
        left.addWidget(self.picture, 1)
        left.addWidget(self._notices)
        left.addWidget(self.failure)
        side = QWidget()
        side.setFixedWidth(theme().scaled(300))
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(8)
        right.addWidget(self._medical)
        right.addWidget(self.bars)
        right.addWidget(self.prepared)
        right.addStretch(1)
        right.addWidget(self._said)
        judges = FlowLayout()
        judges.addWidget(make_label(self.tr("The label is"), "secondary"))
        words = {"right": self.tr("right"), "wrong": self.tr("wrong"), "unsure": self.tr("unsure")}
        for judgement, word in words.items():
            button = QPushButton(word)
            button.setProperty("judgement", judgement)
            button.setAccessibleName(self.tr("The label of this picture is {0}").format(word))
            button.setToolTip(self.tr("Key: {0}").format(KEY_OF[judgement]))
            button.setAutoDefault(False)
            button.clicked.connect(self._on_judge)
            judges.addWidget(button)
        right.addLayout(judges)
        self._previous = QPushButton(self.tr("Previous"))
        self._next = QPushButton(self.tr("Next"))
        close = QPushButton(self.tr("Close"))
        for button in (self._previous, self._next, close):
            button.setAutoDefault(False)
        self._previous.clicked.connect(self._back)
        self._next.clicked.connect(self._on)
        close.clicked.connect(self.accept)
        foot = FlowLayout()
        for button in (self._previous, self._next, close):
            foot.addWidget(button)
        right.addLayout(foot)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addLayout(left, 1)
        layout.addWidget(side)

    @property
    def row(self) -> int:
        """The row of the answers that is shown."""
        return self._gallery.model.row_at(self._place)

    def show_place(self, place: int) -> None:
        """Show the picture at a place in the gallery."""
        model, result = self._gallery.model, self._state.result
        total = model.rowCount()
        if not total or result is None or model.answers is None:
            return
        self._place = max(0, min(total - 1, place))
        row = self.row
        name, truth, answer, _, _ = model.facts(row)
        self._name.set_text(name)
        self.setWindowTitle(name)
        self._where.setText(self.tr("{0} of {1}").format(count(self._place + 1), count(total)))
        self._previous.setEnabled(self._place > 0)
        self._next.setEnabled(self._place < total - 1)
        facts = result.model
        self.bars.set_scores(
            facts.labels, result.scores[row], answer, "" if facts.medical else facts.scores, truth, (),
            facts.threshold, facts.positive if facts.positive is not None else 1,
        )  # fmt: skip
        self._show_said()
        self._gallery.view.setCurrentIndex(model.index(self._place, 0))
        self.prepared.show_prepared(None, ())
        self._notices.set_notices(())
        self.failure.clear()
        self.picture.set_image(None)
        source = model.answers.source(row)
        for request in (self._preview_id, self._predict_id):
            if request:
                self._engine.cancel(request)
        self._preview_id = self._predict_id = 0
        if source is None:
            self.picture.set_message(self.tr("The picture is not where it was."))
            return
        self.picture.set_message("")
        self._preview_id = self._engine.preview(source, _SIDE, "evaluate", self._on_no_preview)
        if self._manifest() is not None:
            self._predict_id = self._engine.predict(facts.id, source, self._on_no_prediction)

    def _manifest(self) -> Any:
        """The description of the model that answered, where it is still installed as it was."""
        result = self._state.result
        entry = self._catalog.entry(result.model.id) if result is not None else None
        manifest = entry.manifest if entry is not None and entry.state == "ready" else None
        held = manifest.files.get("model.tflite") if manifest is not None else None
        return manifest if held is not None and result is not None and held.sha256 == result.model.sha256 else None

    @Slot(object)
    def _on_preview(self, answer: Preview) -> None:
        if answer.id == self._preview_id:
            self._preview_id = 0
            self.picture.set_image(image_of(answer.pixels), answer.original_size)
            self._notices.set_notices([n for n in answer.notices if n.code not in PREPARING_CODES])

    @Slot(object)
    def _on_prediction(self, answer: Prediction) -> None:
        manifest = self._manifest()
        if answer.id == self._predict_id and manifest is not None:
            self._predict_id = 0
            self.prepared.show_prepared(answer.prepared, facts_of(answer, manifest))

    def _on_no_preview(self, failure: Failure) -> None:
        self._preview_id = 0
        self.picture.set_message(self.tr("This picture cannot be shown."))
        show_failure(self.failure, failure)

    def _on_no_prediction(self, failure: Failure) -> None:
        self._predict_id = 0
        show_failure(self.failure, failure)

    def _show_said(self) -> None:
        model = self._gallery.model
        name = model.facts(self.row)[0]
        said = model.judgements.get(name)
        self._said.setText(self.tr("You said: {0}.").format(model.judged_words(said)) if said else "")
        self._said.setVisible(bool(said))

    @Slot()
    def _on_judge(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton) and self.row >= 0:
            self._gallery.judge([self.row], button.property("judgement"))
            self._show_said()

    @Slot()
    def _back(self) -> None:
        self.show_place(self._place - 1)

    @Slot()
    def _on(self) -> None:
        self.show_place(self._place + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the neighbours, Space, Enter and Esc close; undo and redo mean what was said of labels."""
        if event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo):
            (self._gallery.undo if event.matches(QKeySequence.StandardKey.Undo) else self._gallery.redo)()
            self._show_said()
            return
        key = event.key()
        backwards = Qt.Key.Key_Right if self.isRightToLeft() else Qt.Key.Key_Left
        forwards = Qt.Key.Key_Left if self.isRightToLeft() else Qt.Key.Key_Right
        if key in (backwards, Qt.Key.Key_Up, Qt.Key.Key_PageUp):
            self._back()
        elif key in (forwards, Qt.Key.Key_Down, Qt.Key.Key_PageDown):
            self._on()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept()
        elif event.text() in JUDGEMENT_KEYS and self.row >= 0:
            self._gallery.judge([self.row], JUDGEMENT_KEYS[event.text()])
            self._show_said()
        else:
            super().keyPressEvent(event)

    def done(self, status: int) -> None:
        """Leave the keyboard at the picture that was looked at last."""
        for request in (self._preview_id, self._predict_id):
            if request:
                self._engine.cancel(request)
        super().done(status)
        self._gallery.view.setFocus(Qt.FocusReason.OtherFocusReason)
