"""The right of the window: the model, the answer, the scores, and what a medical model is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.services.advising import Adviser
from desktop.services.explaining import Explainer
from desktop.services.session import Session
from desktop.ui.classify.advice_row import AdviceRow
from desktop.ui.classify.confidence_panel import ConfidencePanel
from desktop.ui.classify.panes import HEAD, show_failure
from desktop.ui.kit.scrolled import Scrolled
from desktop.ui.kit.widgets import sentence
from desktop.ui.widgets.model_chooser import ModelChooser
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel, MedicalNotice
from desktop.ui.widgets.probability_bars import ProbabilityBars

if TYPE_CHECKING:
    from desktop.engine.messages import Failure, Prediction
    from desktop.services.catalog import ModelCatalog
    from desktop.store.store import ModelEntry

_BUSY_MS = 250


class AnswerPane(QWidget):
    """Shows what the session knows about the current image. ``model_selected``, ``card_requested`` and
    ``install_wanted`` carry ids."""

    model_selected = Signal(str)
    install_wanted = Signal(str)
    card_requested = Signal(str)

    def __init__(
        self,
        session: Session,
        catalog: ModelCatalog,
        explainer: Explainer,
        adviser: Adviser,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._explainer = explainer
        self._adviser = adviser
        self._catalog = catalog
        self._live = False  # whether a camera is shown: its answers come by show_live
        self._build()
        self._busy = QTimer(self)
        self._busy.setSingleShot(True)
        self._busy.setInterval(_BUSY_MS)
        self._busy.timeout.connect(self._say_busy)
        catalog.changed.connect(self._list_models)
        session.model_changed.connect(self._show_model)
        session.prediction_changed.connect(self._show_answer)
        session.engine_state_changed.connect(self._show_trouble)
        self._show_model()
        self._show_answer()

    def _build(self) -> None:
        title = QLabel(self.tr("Model"))
        title.setProperty("role", "title")
        title.setMinimumHeight(HEAD)
        self.chooser = ModelChooser()
        title.setBuddy(self.chooser)
        self.chooser.selected.connect(self.model_selected)
        self.chooser.card_requested.connect(self._on_card)
        self._medical = MedicalNotice()
        self._medical.hide()
        self._trouble = CautionStrip()
        self._trouble.hide()
        self._missing = QFrame()
        self._missing.setProperty("card", "true")
        missing = QVBoxLayout(self._missing)
        missing.setContentsMargins(12, 12, 12, 12)
        self._missing_title = QLabel()
        self._missing_title.setProperty("role", "title")
        self._missing_text = QLabel()
        self._missing_hint = QLabel()
        self._missing_hint.setProperty("role", "secondary")
        self.install = QPushButton(self.tr("Install…"))
        self.install.setProperty("role", "primary")
        self.install.setAccessibleName(self.tr("Install the weights of this model"))
        self.install.clicked.connect(self._ask_install)
        about = QPushButton(self.tr("About this model"))
        about.clicked.connect(self._ask_card)
        for label in (self._missing_title, self._missing_text, self._missing_hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            missing.addWidget(label)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.install)
        buttons.addWidget(about)
        buttons.addStretch(1)
        missing.addLayout(buttons)
        self.bars = ProbabilityBars()
        self.advice = AdviceRow(self._adviser, self._catalog)
        self.advice.model_selected.connect(self.model_selected)
        place = QVBoxLayout(self.bars.offer)
        place.setContentsMargins(0, 0, 0, 0)
        place.addWidget(self.advice)
        self.bars.offer.show()
        self.confidence = ConfidencePanel()
        self.confidence.why.connect(self._explainer.show)
        self._explainer.changed.connect(self._show_why)
        self._failure = ErrorPanel()
        self._foot = QLabel()
        self._foot.setProperty("role", "secondary")
        self._foot.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 12, 12)
        layout.setSpacing(8)
        for widget in (title, self.chooser, self._medical, self._trouble, self._missing, self._failure):
            layout.addWidget(widget)
        layout.addSpacing(4)
        # In a low window, below a banner, the answer scrolls: nothing of it is drawn over something else.
        held = QWidget()
        held.setProperty("ground", "none")
        inner = QVBoxLayout(held)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.bars, 100)
        inner.addWidget(self.confidence)
        inner.addWidget(self._foot)
        inner.addStretch(1)
        area = Scrolled()
        area.setWidget(held)
        layout.addWidget(area, 1)

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model's entry."""
        return self._catalog.entry(self._session.model_id)

    @Slot()
    def _list_models(self) -> None:
        self.chooser.set_entries(self._catalog.entries)
        self._show_model()
        self._show_answer()

    @Slot()
    def _show_model(self) -> None:
        self.chooser.set_current(self._session.model_id)
        entry = self.entry
        manifest = entry.manifest if entry is not None else None
        notice = manifest.card.notice if manifest is not None else ""
        medical = manifest is not None and manifest.medical
        self._medical.show_for(medical, notice)
        self._missing.setVisible(entry is not None and entry.state != "ready")
        if entry is not None and entry.state != "ready":
            self._explain(entry)

    def _explain(self, entry: ModelEntry) -> None:
        from desktop.core.types import StoreError
        from desktop.store.store import check_usable

        try:
            check_usable(entry)
        except StoreError as error:
            title = self.tr("Weights not installed") if error.kind == "not-installed" else self.tr("Damaged")
            self.install.setVisible(error.kind == "not-installed")
            self._missing_title.setText(title)
            self._missing_text.setText(sentence(error.message))
            self._missing_hint.setText(error.hint)

    def set_live(self, live: bool) -> None:
        """Whether a camera is looked at: then answers come by :meth:`show_live`."""
        self._live = live
        self._show_answer()

    def show_live(self, answer: Prediction | Failure, rate: float) -> None:
        """The answer to what a camera sees now; ``rate`` is how many come in a second."""
        from desktop.engine.messages import Prediction

        entry = self.entry
        if not self._live or entry is None or entry.manifest is None:
            return
        self._busy.stop()
        self._failure.clear()
        if not isinstance(answer, Prediction):
            self.bars.clear("")
            show_failure(self._failure, answer)
            return
        wanted = self.bars.scores_wanted  # asked for once, they stay from frame to frame
        self.bars.show_prediction(answer, entry.manifest)
        self.bars.set_outside(answer.domain is not None and not answer.domain.inside, answer.several)
        self.bars.want_scores(wanted)
        words = self.tr("{0} answers a second · {1} ms · {2}")
        number, spent = self.locale().toString(rate, "f", 0), self.locale().toString(answer.elapsed.predict, "f", 1)
        self._foot.setText(words.format(number, spent, answer.device))

    @Slot()
    def _show_answer(self) -> None:
        session, entry = self._session, self.entry
        prediction, failure = session.prediction, session.failure
        self._busy.stop()
        self._foot.clear()
        self._failure.clear()
        if prediction is None:
            self.confidence.clear()
        self.bars.setVisible(entry is None or entry.state == "ready")
        manifest = entry.manifest if entry is not None else None
        if prediction is not None and manifest is not None:
            self.bars.show_prediction(prediction, manifest)
            self.bars.set_outside(prediction.domain is not None and not prediction.domain.inside, prediction.several)
            self.confidence.show_prediction(prediction, manifest)
            self._show_facts()
        elif failure is not None and failure.model_failed:
            self.bars.clear("")
            show_failure(self._failure, failure)
        elif failure is not None:
            self.bars.clear(self.tr("No answer. The reason is below the picture."))
        elif self._live:
            self.bars.clear(self.tr("The answer to what the camera sees appears here.") if entry is not None else "")
        elif session.current is None:
            self.bars.clear(self.tr("The answer appears here once an image is open.") if entry is not None else "")
        else:
            # Nothing of the image or model before stays while the answer is awaited.
            self.bars.clear("")
            if session.model_ready:
                self._busy.start()

    @Slot()
    def _show_why(self) -> None:
        self.confidence.set_why(self._explainer.wanted)

    def _show_facts(self) -> None:
        prediction = self._session.prediction
        if prediction is None:
            return
        locale, spent = self.locale(), prediction.elapsed

        def written(milliseconds: float) -> str:
            return locale.toString(float(milliseconds), "f", 1)

        self._foot.setText(self.tr("{0} ms · {1}").format(written(spent.predict), prediction.device))
        self._foot.setToolTip(
            self.tr("Opening {0} ms, preparing {1} ms, network {2} ms").format(
                written(spent.decode), written(spent.prepare), written(spent.predict)
            )
        )
        self._foot.setAccessibleName(self._foot.text())

    @Slot()
    def _say_busy(self) -> None:
        engine_up = self._session.engine is not None
        self.bars.clear(self.tr("Classifying…") if engine_up else self.tr("Starting the engine…"))

    @Slot(str)
    def _show_trouble(self, text: str) -> None:
        self._trouble.set_text(text)
        self._trouble.setVisible(bool(text))

    @Slot(str)
    def _on_card(self, model_id: str) -> None:
        """A model that cannot answer may be chosen all the same: this pane then says what it lacks."""
        if model_id != self._session.model_id:
            self.model_selected.emit(model_id)
        else:
            self.card_requested.emit(model_id)

    @Slot()
    def _ask_install(self) -> None:
        self.install_wanted.emit(self._session.model_id)

    @Slot()
    def _ask_card(self) -> None:
        self.card_requested.emit(self._session.model_id)
