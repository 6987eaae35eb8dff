"""Below the bars: how far the answer can be trusted, in a sentence each: set of answers, kind of picture, why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.trust import reasons
from desktop.core.trust.conformal import DEFAULT_RATE, answer_set, like_those, nearest_rate
from desktop.system.words import listed
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.tabled import reason, score_notice
from desktop.ui.kit.widgets import Sign, count, make_label, put_beside, set_role
from desktop.ui.widgets.kind_chart import KindChart
from desktop.ui.widgets.nearest_strip import NearestStrip

if TYPE_CHECKING:
    from desktop.core.types import DomainVerdict
    from desktop.engine.messages import Prediction
    from desktop.services.engine_service import EngineService
    from desktop.store.manifest import Conformal, Manifest

_MOST_NAMED = 4


class ConfidencePanel(QWidget):
    """``rate_chosen`` carries an error rate, ``why`` whether the user wants to see where the network looked (where the
    panel ``explains``)."""

    rate_chosen = Signal(float)
    why = Signal(bool)

    def __init__(self, parent: QWidget | None = None, explains: bool = True) -> None:
        super().__init__(parent)
        self._rate = DEFAULT_RATE
        self._prediction: Prediction | None = None
        self._manifest: Manifest | None = None
        self._set_words = make_label("", wrap=True, selectable=True)
        self._set_words.setAccessibleName(self.tr("Possible answers"))
        self._rates = QComboBox()
        self._rates.setAccessibleName(self.tr("How often the list may leave out the right answer"))
        self._rates.setToolTip(self.tr("A smaller share gives longer lists."))
        self._rates.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._rates.activated.connect(self._choose)
        self._rate_label = make_label(self.tr("Allowed to be wrong in"), "secondary")
        self._rate_label.setBuddy(self._rates)
        self._rate_row = QWidget()
        row = FlowLayout(self._rate_row)
        row.addWidget(self._rate_label)
        row.addWidget(self._rates)
        self._sign = Sign("check", "secondary", "")
        self._kind = make_label("", wrap=True)
        self._kind_row = QWidget()
        beside = QHBoxLayout(self._kind_row)
        beside.setContentsMargins(0, 0, 0, 0)
        put_beside(beside, self._sign, self._kind)
        self._reasons = make_label("", "secondary", wrap=True, selectable=True)
        self._reasons.setAccessibleName(self.tr("Why this kind of picture is unfamiliar to the model"))
        self._nearest = NearestStrip()
        self._chart = KindChart()
        self._why = QPushButton(self.tr("Why?"))
        self._why.setCheckable(True)
        self._why.setToolTip(self.tr("Show where in the picture the network found its answer"))
        self._why.clicked.connect(self.why)
        if not explains:
            self._why.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self._set_words, self._rate_row, self._kind_row, self._reasons, self._nearest, self._chart):
            layout.addWidget(widget)
        layout.addWidget(self._why)
        self.clear()

    def set_rate(self, rate: float) -> None:
        """The error rate that the user wants."""
        self._rate = rate
        self._show()

    def set_why(self, shown: bool) -> None:
        """Whether the map is shown now."""
        self._why.setChecked(shown)
        self._why.setText(self.tr("Hide why") if shown else self.tr("Why?"))

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for small pictures of the nearest training pictures."""
        self._nearest.attach(engine)

    def clear(self) -> None:
        """There is no answer to speak of."""
        self._prediction = self._manifest = None
        self.hide()

    def show_prediction(self, prediction: Prediction, manifest: Manifest) -> None:
        """Speak of this answer."""
        self._prediction, self._manifest = prediction, manifest
        self._show()
        self.show()

    @property
    def set_words(self) -> str:
        """The sentence on the set of answers."""
        return self._set_words.text()

    @property
    def kind_words(self) -> str:
        """The sentence on the kind of picture, with its reasons."""
        return f"{self._kind.text()} {self._reasons.text()}".strip()

    def _show(self) -> None:
        prediction, manifest = self._prediction, self._manifest
        if prediction is None or manifest is None:
            return
        verdict, sets = prediction.domain, manifest.conformal
        outside = verdict is not None and not verdict.inside
        self._set_words.setVisible(sets is not None)
        promised = sets is not None and not outside and like_those(sets, prediction.original_size)
        self._rate_row.setVisible(promised)
        if sets is not None:
            rate = nearest_rate(sets, self._rate)
            self._fill_rates(sets, rate)
            self._set_words.setText(self._set_sentence(prediction, sets, manifest, rate, outside))
            set_role(self._set_words, "" if promised else "secondary")
        self._show_kind(verdict, manifest)

    def _fill_rates(self, sets: Conformal, rate: float) -> None:
        with QSignalBlocker(self._rates):
            self._rates.clear()
            for known in sets.rates:
                self._rates.addItem(self.tr("{0} of 100 cases").format(f"{known * 100:g}"), known)
            self._rates.setCurrentIndex(sets.rates.index(rate))

    def _set_sentence(
        self, prediction: Prediction, sets: Conformal, manifest: Manifest, rate: float, outside: bool
    ) -> str:
        if outside:
            return self.tr("How often the answer is right is not known for pictures of another kind.")
        if not like_those(sets, prediction.original_size):
            return self.tr(
                "How often the answer is right was measured on pictures of {0}×{0} pixels; of larger ones such as this "
                "it is not known."
            ).format(sets.side)
        found = answer_set(prediction.probabilities, prediction.index, sets, rate)
        labels = [manifest.labels[index] for index in found.classes]
        share = f"{(1 - found.rate) * 100:g}"
        if found.everything:
            return self.tr(
                "No answer can be ruled out: {0} validation pictures are too few for so small an error."
            ).format(count(sets.n))
        text = self.tr(
            "Possible answers: {0}. Of a hundred pictures like those it learned from, what is listed here holds "
            "the right answer for at least {1}; of this one picture that says nothing."
        ).format(self._named(labels), share)
        if found.weak:
            text += " " + self.tr("Most right answers score higher than this one.")
        if manifest.medical:
            text += " " + score_notice()
        return text

    def _named(self, labels: list[str]) -> str:
        if len(labels) > _MOST_NAMED:
            shown = listed(labels[: _MOST_NAMED - 1])
            return self.tr("{0} or {1} more").format(shown, count(len(labels) - _MOST_NAMED + 1))
        if len(labels) == 1:
            return labels[0]
        return self.tr("{0} or {1}").format(listed(labels[:-1]), labels[-1])

    def _show_kind(self, verdict: DomainVerdict | None, manifest: Manifest) -> None:
        known = verdict is not None and manifest.domain is not None
        self._sign.setVisible(known)
        self._chart.setVisible(known)
        self._reasons.setVisible(False)
        self._nearest.clear()
        if verdict is None or manifest.domain is None:
            self._kind.setText(self.tr("This model cannot check whether a kind of picture is familiar to it."))
            set_role(self._kind, "secondary")
            return
        self._chart.show_place(manifest.domain.quantiles, verdict.score)
        if verdict.inside:
            self._sign.set_sign("check", "accent")
            self._kind.setText(self.tr("Familiar kind of picture: yes"))
            set_role(self._kind, "")
            return
        self._sign.set_sign("caution", "caution")
        self._kind.setText(self.tr("Familiar kind of picture: no."))
        set_role(self._kind, "caution")
        self._reasons.setText(" ".join(reason(code) for code in reasons.told(verdict)))
        self._reasons.setVisible(True)
        if self._prediction is not None and self._prediction.nearest:
            self._nearest.show_pictures(self._prediction.nearest, manifest.labels)

    @Slot(int)
    def _choose(self, row: int) -> None:
        self._rate = float(self._rates.itemData(row))
        self._show()
        self.rate_chosen.emit(self._rate)
