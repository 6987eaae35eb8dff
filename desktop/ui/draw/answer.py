"""The right side of the Draw view: the model, what it reads, its scores, and how far they can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.classify.confidence_panel import ConfidencePanel
from desktop.ui.classify.panes import HEAD, show_failure
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import decimals, make_label
from desktop.ui.widgets.model_chooser import ModelChooser
from desktop.ui.widgets.notices import ErrorPanel, MedicalNotice
from desktop.ui.widgets.probability_bars import ProbabilityBars

if TYPE_CHECKING:
    from desktop.engine.messages import Failure, Prediction, Reading
    from desktop.services.settings import Settings
    from desktop.store.manifest import Manifest


def read_as(prediction: Prediction) -> str:
    """What is said of one digit in a line of them, on the sheet and in the strip: its label, or '?' where it is not of
    the model's kind, so that no class is the answer."""
    outside = prediction.domain is not None and not prediction.domain.inside
    return "?" if outside else prediction.label


class AnswerColumn(QWidget):
    """Shows readings; asks nothing of the engine."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.chooser = ModelChooser()
        self.notice = MedicalNotice()
        self.notice.hide()
        self.answer = make_label("", "answer", wrap=True, selectable=True)
        self.answer.setAccessibleName(self.tr("What was read"))
        self.which = make_label("", "secondary", wrap=True)
        self.bars = ProbabilityBars()
        self.bars.set_top_k(settings.get("top_k"))
        self.confidence = ConfidencePanel(explains=False)
        self.confidence.set_rate(settings.get("error_rate"))
        self.confidence.rate_chosen.connect(self._remember_rate)
        self.failure = ErrorPanel()
        self.foot = make_label("", "secondary", wrap=True)
        title = make_label(self.tr("Model"), "title")
        title.setMinimumHeight(HEAD)
        title.setBuddy(self.chooser)
        held = QWidget()
        inner = QVBoxLayout(held)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.bars)
        inner.addWidget(self.confidence)
        inner.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(held)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 12, 8)
        column.setSpacing(8)
        for part in (title, self.chooser, self.notice, self.answer, self.which, self.failure):
            column.addWidget(part)
        column.addWidget(area, 1)
        column.addWidget(self.foot)
        self.setMinimumWidth(theme().scaled(290))

    def set_medical(self, medical: bool) -> None:
        """Whether the model is one that must carry the medical notice."""
        self.notice.show_for(medical)

    def show_words(self, words: str) -> None:
        """There is no answer: what to do, or what is awaited."""
        self.bars.clear(words)
        self.confidence.clear()
        self.foot.clear()

    def show_failure(self, failure: Failure) -> None:
        """Why there is no answer."""
        show_failure(self.failure, failure)

    def show_reading(self, reading: Reading | None, manifest: Manifest | None, chosen: int, spent_ms: float) -> None:
        """The digits that were read, and the scores of the ``chosen`` one. ``spent_ms``: 0 where it is not known."""
        self.failure.clear()
        digits = reading.digits if reading is not None else ()
        several = len(digits) > 1
        self.answer.setText(" ".join(read_as(digit.prediction) for digit in digits) if several else "")
        self.answer.setVisible(several)
        self.which.setVisible(several)
        if not digits or manifest is None:
            return
        prediction = digits[chosen].prediction
        self.bars.show_prediction(prediction, manifest)
        self.bars.set_outside(prediction.domain is not None and not prediction.domain.inside)
        self.confidence.show_prediction(prediction, manifest)
        if several:
            place = self.tr(
                "The scores are of digit {0} of {1}. The arrow keys or a click on its label choose another."
            )
            self.which.setText(place.format(chosen + 1, len(digits)))
        took = self.tr("{0} ms from the stroke to the answer · {1}")
        self.foot.setText(took.format(decimals(spent_ms, 0), prediction.device) if spent_ms else prediction.device)

    @Slot(float)
    def _remember_rate(self, rate: float) -> None:
        self._settings.set("error_rate", rate)
