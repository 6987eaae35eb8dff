"""How well it would answer pictures it did not learn from, and what more labels would probably bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from desktop.engine.teaching_events import LabelCurve, Learned
from desktop.services.teaching import Teaching
from desktop.ui.kit.formatting import interval_of, share, value_of
from desktop.ui.kit.widgets import count, make_label, sentence
from desktop.ui.widgets.plot import CurvePlot
from desktop.ui.widgets.plot_drawing import PlotFrame, Series

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate


class LearnedCard(QFrame):
    """Accuracy by cross-validation with its interval, the curve over the number of labels, and the next step.

    ``model_wanted``: make it a model.
    """

    model_wanted = Signal()

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self._curve: LabelCurve | None = None
        self._title = make_label(self.tr("What it has learned"), "title", wrap=True)
        self.figure = make_label("", "answer")
        self.about = make_label("", "secondary", wrap=True)
        self.more = make_label("", "secondary", wrap=True)
        self.plot = CurvePlot(self.tr("Accuracy against the number of labels"))
        self.plot.setMinimumSize(180, 130)
        self.plot.setMaximumHeight(180)
        self.make = QPushButton(self.tr("Make it a model…"))
        self.make.setProperty("role", "primary")
        self.make.clicked.connect(self.model_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self._title, self.figure, self.about, self.plot, self.more, self.make):
            layout.addWidget(part)
        teaching.learned.connect(self._on_learned)
        teaching.curve.connect(self._on_curve)
        teaching.closed.connect(self.clear)
        teaching.opened.connect(self.clear)
        self.clear()

    @Slot()
    def clear(self) -> None:
        """Nothing was learned yet."""
        self._curve = None
        self.figure.setText("")
        self.figure.hide()
        self.about.setText(self.tr("Label a few pictures of two classes: then it begins to suggest."))
        self.more.setText("")
        self.more.hide()
        self.plot.hide()

    @Slot(Learned)
    def _on_learned(self, learned: Learned) -> None:
        if learned.waiting_for:
            self.clear()
            words = {
                "pictures": self.tr("It begins to suggest once pictures were looked at."),
                "a second class": self.tr("Label pictures of a second class, too: then it begins to suggest."),
            }
            self.about.setText(words.get(learned.waiting_for, self.about.text()))
            return
        estimate = learned.accuracy
        known = estimate.value is not None
        self.figure.setText(self.tr("{0} right").format(value_of(estimate)) if known else "")
        self.figure.setVisible(known)
        if not known:
            reason = sentence(estimate.reason) or self.tr("Too few labels to say how often it is right.")
            hint = self.tr("Label some of ‘Most uncertain first’ or ‘Drawn at random’: then it can be measured.")
            self.about.setText(f"{reason} {hint}")
            return
        text = self.tr(
            "{0}. On {1} labelled pictures that were drawn at random, each left out, with its copies, while it learned."
        )
        self.about.setText(text.format(interval_of(estimate), count(learned.drawn)))

    @Slot(LabelCurve)
    def _on_curve(self, curve: LabelCurve) -> None:
        self._curve = curve
        points = [point for point in curve.points if point.accuracy.value is not None]
        self.plot.setVisible(len(points) > 1)
        if len(points) > 1:
            x = [float(point.labels) for point in points]
            series = [Series(self.tr("accuracy"), x, [float(p.accuracy.value or 0.0) for p in points], dots=True)]
            for name, values in (
                (self.tr("95 % interval"), [float(p.accuracy.low or 0.0) for p in points]),
                ("", [float(p.accuracy.high or 0.0) for p in points]),
            ):
                series.append(Series(name, x, values, tone="secondary", width=1.0, style="--"))
            frame = PlotFrame("", self.tr("labels"), kind="share", legend=False)
            self.plot.set_content(frame, series, self._said(points[-1].labels, points[-1].accuracy))
        then = curve.then
        self.more.setVisible(then is not None and then.value is not None)
        if then is not None and then.value is not None:
            text = self.tr("Another {0} labels would probably bring about {1}.")
            words = text.format(count(curve.more), share(then.value, 0))
            if then.low is not None and then.high is not None:
                words += " " + self.tr("(Between {0} and {1}.)").format(share(then.low, 0), share(then.high, 0))
            self.more.setText(words)

    def _said(self, labels: int, accuracy: Estimate) -> str:
        text = self.tr("With {0} labels: {1}, {2}")
        return text.format(count(labels), value_of(accuracy), interval_of(accuracy))
