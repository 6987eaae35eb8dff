"""'Does it work here?': the figures on these pictures against those on the model's card, a sentence each."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.evaluate.head import titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import count, data_words, value_of
from desktop.ui.kit.tabled import card_title
from desktop.ui.kit.tables import Cell, FiguresModel, figure, fit_columns, fit_height, table, whole, words
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, set_role


class HereTab(QWidget):
    """A plain sentence a figure, the numbers below."""

    def __init__(self, state: EvaluationState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.verdict = make_label("", "answer", wrap=True)
        self.sentence = make_label("", wrap=True, selectable=True)
        heads = [self.tr("Figure"), self.tr("Where"), self.tr("Images"), self.tr("Value (95 % interval)")]
        self.model = FiguresModel(heads)
        self.table = table(self.model, self.tr("Figures here and on the model's card"))
        self.unknown = make_label(
            self.tr(
                "What Fovea does not know: whether the model has learned from these very pictures, or from others of "
                "the same people or things; whether the card was measured on them; and whether their labels are right. "
                "If any of this is so, the figures here say nothing on new pictures."
            ),
            "caution",
            wrap=True,
        )
        note = make_label(
            self.tr(
                "This compares the same figures on two sets of pictures. 'Compatible' means that the intervals leave "
                "room for no difference, not that there is none; more pictures tell more. Your pictures should be "
                "such as the model will really be given, and labelled without looking at its answers."
            ),
            "secondary",
            wrap=True,
        )
        card = QFrame()
        card.setProperty("card", "true")
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addWidget(titled(self.tr("Does it work here?")))
        for widget in (self.verdict, self.sentence, self.unknown, self.table, note):
            column.addWidget(widget)
        place = QWidget()
        place.setMaximumWidth(theme().scaled(980))
        inner = QVBoxLayout(place)
        inner.setContentsMargins(0, 0, 0, 0)
        # No alignment: with one the card would get its hint, which knows nothing of how the sentences wrap.
        inner.addWidget(card)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName(self.tr("Does it work here?"))
        scroll.setWidget(place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        state.changed.connect(self._show)
        state.decided.connect(self._show)
        state.measured.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        from desktop.core.figures.table import REFUSED
        from desktop.core.figures.works_here import compatible_with_card

        result, figures = self._state.result, self._state.figures
        if result is None or figures is None:
            return
        found = compatible_with_card(result, figures)
        of_card = [compared for compared in found if compared.name != REFUSED]  # what the gate says is no figure of it
        if not of_card:
            self.verdict.setText(self.tr("The model's card gives no accuracy to compare with."))
            self.sentence.setText(
                self.tr("Here it is {0} on {1} images.").format(value_of(figures.accuracy), count(figures.accuracy.n))
            )
        # The gravest of the verdicts is the answer: a sensitivity that fails is not made good by the accuracy.
        heads = {
            "worse": self.tr("It does worse here than its card says"),
            "other-kind": self.tr("These pictures differ from those that it has learned from"),
            "too-few": self.tr("Too few pictures for an answer"),
            "no-figure": self.tr("There is no figure to compare with"),
            "other-threshold": self.tr("Not compared: this threshold is not the model's own"),
            "same-data": self.tr("No answer: these may be the pictures that the card was measured on"),
            "compatible": self.tr("It fits its card, if these pictures are new to it"),
            "better": self.tr("It does better here than its card says"),
        }
        verdicts = {
            compared.verdict.verdict for compared in found if of_card or compared.verdict.verdict == "other-kind"
        }
        gravest = next((verdict for verdict in heads if verdict in verdicts), None)
        if gravest is not None:
            self.verdict.setText(heads[gravest])
        if found:
            own = [] if of_card else [self.sentence.text()]
            self.sentence.setText("\n\n".join([*own, *(compared.verdict.sentence for compared in found)]))
        if not result.complete:
            # A part of the data has no verdict on all of it.
            gravest = None
            self.verdict.setText(self.tr("No answer yet: the evaluation was stopped before all pictures were answered"))
        set_role(self.verdict, "error" if gravest == "worse" else "answer")
        here = words(data_words(result.data))
        rows = (
            []
            if of_card
            else [[words(card_title("accuracy")), here, whole(figures.accuracy.n), figure(figures.accuracy)]]
        )
        for compared in found:
            what = words(card_title(compared.name))
            rows += [[what, here, whole(compared.here.n), figure(compared.here)], self._card_row(what, compared.listed)]
        self.model.set_rows(rows)
        fit_columns(self.table, 420)
        fit_height(self.table)

    def _card_row(self, what: Cell, metric: dict[str, object]) -> list[Cell]:
        from desktop.core.figures.intervals import proportion

        n, value = int(str(metric.get("n", 0))), float(str(metric.get("value", 0)))
        where = self.tr("The model's card: {0}, split {1}").format(metric.get("data", "–"), metric.get("split") or "–")
        return [what, words(where), whole(n), figure(proportion(round(value * n), n, self.tr("no number of images")))]
