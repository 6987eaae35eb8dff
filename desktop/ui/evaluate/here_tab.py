"""'Does it work here?': the accuracy on these pictures against the one on the model's card, in one sentence."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop.ui.evaluate.head import titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.evaluate.tables import Cell, FiguresModel, figure, fit_columns, fit_height, table, whole, words
from desktop.ui.evaluate.words import count, data_words, share
from desktop.ui.widgets._kit import make_label, set_role


class HereTab(QWidget):
    """One plain sentence, the numbers below."""

    def __init__(self, state: EvaluationState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.verdict = make_label("", "answer", wrap=True)
        self.sentence = make_label("", wrap=True, selectable=True)
        heads = [self.tr("Where"), self.tr("Images"), self.tr("Accuracy (95 % interval)")]
        self.model = FiguresModel(heads)
        self.table = table(self.model, self.tr("Accuracy here and on the model's card"))
        note = make_label(
            self.tr(
                "This compares the same figure on two sets of pictures. 'Compatible' means that the intervals leave "
                "room for no difference, not that there is none; more pictures tell more. Your pictures should be "
                "such as the model will really be given, and labelled without looking at its answers."
            ),
            "secondary",
            wrap=True,
        )
        card = QFrame()
        card.setProperty("card", "true")
        card.setMaximumWidth(980)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addWidget(titled(self.tr("Does it work here?")))
        for widget in (self.verdict, self.sentence, self.table, note):
            column.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(card, 0, Qt.AlignmentFlag.AlignTop)
        layout.addStretch(1)
        state.changed.connect(self._show)
        state.decided.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        from desktop.report.content import compatible_with_card

        result, figures = self._state.result, self._state.figures
        if result is None or figures is None:
            return
        found = compatible_with_card(result, figures)
        rows = [[words(data_words(result.data)), whole(figures.accuracy.n), figure(figures.accuracy)]]
        if found is None:
            self.verdict.setText(self.tr("The model's card gives no accuracy to compare with."))
            self.sentence.setText(
                self.tr("Here it is {0} on {1} images.").format(
                    share(figures.accuracy.value) if figures.accuracy.value is not None else "–",
                    count(figures.accuracy.n),
                )
            )
        else:
            heads = {
                "compatible": self.tr("Yes, as far as these pictures can tell"),
                "worse": self.tr("It does worse here than its card says"),
                "better": self.tr("It does better here than its card says"),
                "too-few": self.tr("Too few pictures for an answer"),
                "no-figure": self.tr("There is no figure to compare with"),
            }
            self.verdict.setText(heads[found.verdict])
            self.sentence.setText(found.sentence)
            rows += [self._card_row(m) for m in self._metrics()]
        set_role(self.verdict, "error" if found is not None and found.verdict == "worse" else "answer")
        self.model.set_rows(rows)
        fit_columns(self.table, 460)
        fit_height(self.table)

    def _metrics(self) -> list[dict[str, object]]:
        assert self._state.result is not None
        listed = self._state.result.model.card.get("metrics", ())
        return [m for m in listed if str(m.get("name", "")).lower() == "accuracy"][:3]

    def _card_row(self, metric: dict[str, object]) -> list[Cell]:
        from desktop.core.intervals import proportion

        n, value = int(str(metric.get("n", 0))), float(str(metric.get("value", 0)))
        where = self.tr("The model's card: {0}, split {1}").format(metric.get("data", "–"), metric.get("split") or "–")
        return [words(where), whole(n), figure(proportion(round(value * n), n, self.tr("no number of images")))]
