"""One evaluation on the screen: head line, threshold, and the tabs, each built when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabWidget, QToolButton, QVBoxLayout, QWidget

from desktop.services.answers import GalleryChoice, RunningAnswers, tally
from desktop.ui.evaluate.gallery_pane import GalleryPane
from desktop.ui.evaluate.head import FigureRow, RunStrip, ThresholdBar
from desktop.ui.evaluate.matrix import MatrixPane
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.formatting import count, data_words, number
from desktop.ui.kit.help_key import explain
from desktop.ui.kit.tabled import title_of
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel, MedicalNotice

if TYPE_CHECKING:
    from desktop.core.figures.result import EvaluationResult, Figures
    from desktop.core.figures.thresholds import OperatingPoint
    from desktop.core.types import FoveaError
    from desktop.engine.evaluation import EvaluationProgress, Evaluator

TABS = ("pictures", "curves", "calibration", "classes", "compare", "here", "report", "data")
_TOPICS = {
    "pictures": "evaluate#mistakes",
    "curves": "evaluate#curves",
    "calibration": "evaluate#calibration",
    "classes": "evaluate#per-class",
    "compare": "evaluate#compare",
    "here": "evaluate#does-it-work-here",
    "report": "evaluate#report",
    "data": "evaluate#data",
}


class ResultsPage(QWidget):
    """``back_wanted`` leads to the start page, ``cancel_wanted`` stops what runs. ``builders`` make the later tabs."""

    back_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(
        self, state: EvaluationState, builders: dict[str, Callable[[], QWidget]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state = state
        self._builders = builders
        self._built: dict[str, QWidget] = {}
        self._streaming: Evaluator | None = None
        self._running: RunningAnswers | None = None
        self._labels: tuple[str, ...] = ()
        self._build()
        state.changed.connect(self._show_result)
        state.moved.connect(self._show_point)
        state.decided.connect(self._show_decision)
        state.measured.connect(self._show_head)
        state.pictures_changed.connect(self._reload_pictures)
        theme().changed.connect(self._dress)
        self._dress()

    def _build(self) -> None:
        self._back = QToolButton()
        self._back.setIconSize(QSize(20, 20))
        self._back.setMinimumSize(32, 32)
        self._back.setToolTip(self.tr("All evaluations"))
        self._back.setAccessibleName(self.tr("Back to all evaluations"))
        self._back.clicked.connect(self.back_wanted)
        self._title = ElidedLabel()
        self._title.setProperty("role", "title")
        self._facts = make_label("", "secondary")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._back)
        head.addWidget(self._title, 1)
        head.addWidget(self._facts)
        self.medical = MedicalNotice()
        self.how = make_label("", "caution", wrap=True)
        self.kind = CautionStrip()
        self.incomplete = CautionStrip()
        self.unanswered = CautionStrip()
        self.strip = RunStrip()
        self.strip.cancelled.connect(self.cancel_wanted)
        self.failure = ErrorPanel()
        self.figures = FigureRow()
        self.threshold = ThresholdBar()
        self.threshold.moved.connect(self.state.move)
        self.threshold.settled.connect(self.state.decide)
        self.threshold.preset.connect(self._on_preset)
        self.threshold.reset.connect(self._on_reset)
        self.matrix = MatrixPane()
        self.matrix.table.cell_chosen.connect(self._on_cell)
        self.matrix.table.cleared.connect(self._show_mistakes)
        self.gallery = GalleryPane()
        self.gallery.choice_changed.connect(self._on_choice)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(9)
        self.split.addWidget(self.matrix)
        self.split.addWidget(self.gallery)
        self.split.setStretchFactor(0, 2)
        self.split.setStretchFactor(1, 3)
        self.split.setSizes([430, 740])
        self.matrix.setMinimumWidth(theme().scaled(240))
        self.gallery.setMinimumWidth(theme().scaled(360))
        pictures = QWidget()
        room = QVBoxLayout(pictures)
        room.setContentsMargins(0, 8, 0, 0)
        room.addWidget(self.split)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(self.tr("Parts of the evaluation"))
        words = {
            "pictures": self.tr("Mistakes"),
            "curves": self.tr("Curves"),
            "calibration": self.tr("Calibration"),
            "classes": self.tr("Per class"),
            "compare": self.tr("Compare"),
            "here": self.tr("Does it work here?"),
            "report": self.tr("Report"),
            "data": self.tr("Data"),
        }
        self._pages: dict[str, QWidget] = {"pictures": pictures}
        self._order = [name for name in TABS if name == "pictures" or name in self._builders]
        for name in self._order:
            page = self._pages.setdefault(name, QWidget())
            if name != "pictures":
                QVBoxLayout(page).setContentsMargins(0, 8, 0, 0)
            self.tabs.addTab(page, words[name])
        explain(self.tabs, _TOPICS["pictures"])
        self.tabs.currentChanged.connect(self._on_tab)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        for widget in (
            self.medical,
            self.how,
            self.kind,
            self.incomplete,
            self.unanswered,
            self.strip,
            self.failure,
            self.figures,
            self.threshold,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.tabs, 1)
        for widget in (self.medical, self.how, self.kind, self.incomplete, self.unanswered, self.strip, self.threshold):
            widget.hide()

    @Slot()
    def _dress(self) -> None:
        icon = "chevron-right" if self.isRightToLeft() else "chevron-left"
        self._back.setIcon(theme().icon(icon, 20))

    # Tabs

    def open_tab(self, name: str) -> QWidget:
        """Go to a tab; returns what is in it. Raises :class:`KeyError` for a name that is not in :data:`TABS`."""
        self.tabs.setCurrentIndex(self._order.index(name) if name in self._order else 0)
        return self._built.get(name, self._pages[name])

    @Slot(int)
    def _on_tab(self, index: int) -> None:
        name = self._order[index] if 0 <= index < len(self._order) else "pictures"
        explain(self.tabs, _TOPICS[name])
        if name in self._builders and name not in self._built:
            self._built[name] = self._builders[name]()
            layout = self._pages[name].layout()
            assert layout is not None
            layout.addWidget(self._built[name])

    def _enable_tabs(self, finished: bool) -> None:
        two = len(self._labels) == 2
        result = self.state.result if finished else None
        # A cross-validation is of no model that another could be compared with, and the card's figures are its own.
        without = {"compare", "here"} if result is not None and result.data.crossed else set[str]()
        without |= set() if two else {"curves"}
        for index, name in enumerate(self._order):
            self.tabs.setTabVisible(index, name not in without)
            self.tabs.setTabEnabled(index, finished or name == "pictures")
        if not finished:
            self.tabs.setCurrentIndex(0)

    # While it runs

    def begin(self, title: str, labels: tuple[str, ...], medical: bool) -> None:
        """An evaluation starts: everything is empty, answers will stream in."""
        self._streaming = self._running = None
        self._labels = labels
        self._back.setEnabled(False)
        self.failure.clear()
        self._title.set_text(title)
        self._facts.clear()
        self.medical.show_for(medical)
        self.how.hide()
        self.kind.hide()
        self.incomplete.hide()
        self.unanswered.hide()
        self.strip.begin()
        self.strip.show()
        self.threshold.hide()
        self.figures.show_figures([(self.tr("Accuracy so far"), None, True)])
        self.matrix.model.set_labels(labels)
        self.gallery.running = True
        self.gallery.model.rule = None
        self.gallery.set_answers(None, labels, {})
        self._enable_tabs(False)
        self.gallery.setEnabled(True)

    def stream(self, run: Evaluator, rows: np.ndarray) -> None:
        """Rows were answered just now."""
        if self._streaming is not run or self._running is None:
            self._streaming, self._running = run, RunningAnswers(run)
            self.gallery.set_answers(self._running, self._labels, {})
        self._running.add(rows)
        model = self.matrix.model
        model.set_counts(model.counts + tally(run, rows, len(self._labels)))
        self.gallery.append(rows)

    def show_progress(self, progress: EvaluationProgress) -> None:
        """How far it is, and the accuracy so far."""
        from desktop.core.figures.intervals import proportion

        self.strip.show_progress(progress)
        answered = int(self.matrix.model.counts.sum())
        right = int(np.trace(self.matrix.model.counts))
        estimate = proportion(right, answered, self.tr("nothing answered yet"))
        self.figures.show_figures([(self.tr("Accuracy so far"), estimate, True)])

    def show_failure(self, error: FoveaError) -> None:
        """The run ended without a result."""
        self.gallery.running = False
        self.strip.hide()
        self._back.setEnabled(True)
        self._back.setFocus(Qt.FocusReason.OtherFocusReason)
        self.failure.set_failure(error.message, error.hint, error.kind)

    # A result

    @Slot()
    def _show_result(self) -> None:
        from desktop.core.figures.works_here import other_kind

        state = self.state
        self._streaming = self._running = None
        self.gallery.running = False
        self._back.setEnabled(True)
        if state.result is None or state.figures is None:
            self.gallery.set_answers(None, (), {})
            return
        self.strip.hide()
        self.failure.clear()
        result = state.result
        self._labels = result.model.labels
        self._title.set_text(self.tr("{0} on {1}").format(result.model.name, data_words(result.data)))
        parts = [self.tr("{0} images").format(count(len(result)))]
        if result.skipped:
            parts.append(self.tr("{0} without an answer").format(count(len(result.skipped))))
        if result.elapsed_s > 0:
            parts.append(self.tr("{0} s").format(number(result.elapsed_s, 1)))
        self._facts.setText(" · ".join(parts))
        self.medical.show_for(result.model.medical)
        self.how.setText(result.how)
        self.how.setVisible(bool(result.how))
        kind = other_kind(result, state.figures)
        self.kind.set_text(kind)
        self.kind.setVisible(bool(kind))
        self.incomplete.setVisible(not result.complete)
        self.incomplete.set_text(
            self.tr(
                "Stopped early: only {0} pictures were answered, about the same share of every class. Figures of all "
                "of the data may differ."
            ).format(count(len(result)))
        )
        self._show_unanswered(result)
        two = state.figures.thresholds is not None
        self.threshold.setVisible(two)
        if two:
            self._show_threshold()
        self.matrix.model.set_labels(self._labels)
        self.matrix.model.set_counts(state.figures.matrix)
        self._show_head()
        assert state.answers is not None
        self._mark_rule()
        self.gallery.set_answers(state.answers, self._labels, self.gallery.model.judgements)
        self._enable_tabs(True)

    def _show_unanswered(self, result: EvaluationResult) -> None:
        """Pictures without an answer are told above the figures, which leave them out."""
        self.unanswered.setVisible(bool(result.skipped))
        self.unanswered.set_text(
            self.tr(
                "{0} of {1} pictures have no answer and count in no figure below. 'Data' lists them with the reasons."
            ).format(count(len(result.skipped)), count(len(result) + len(result.skipped)))
        )

    def _mark_rule(self) -> None:
        """The gallery says where a threshold decides, as the curves do."""
        result = self.state.result
        threshold = result.model.threshold if result is not None else None
        self.gallery.model.rule = (self.state.positive, threshold) if threshold is not None else None

    def _show_threshold(self) -> None:
        state = self.state
        assert state.result is not None
        self.threshold.show_threshold(self._labels[state.positive], state.threshold, state.result.model.reason)

    @Slot()
    def _show_head(self) -> None:
        if self.state.figures is not None:
            self._show_leading(self.state.figures)

    def _show_leading(self, figures: Figures) -> None:
        from desktop.core.figures.table import leading

        label = self._labels[self.state.positive] if figures.point is not None else ""
        self.figures.show_figures([(title_of(row, label), found, row.percent) for row, found in leading(figures)])

    @Slot(object)
    def _show_point(self, point: OperatingPoint) -> None:
        if self.state.figures is not None:
            self._show_leading(replace(self.state.figures, point=point))
        self.matrix.model.set_counts(self.state.matrix_at(point))

    @Slot()
    def _show_decision(self) -> None:
        state = self.state
        assert state.figures is not None and state.answers is not None
        self._show_threshold()
        self._show_head()
        self.matrix.model.set_counts(state.figures.matrix)
        self._mark_rule()
        self.gallery.update_answers(state.answers)

    @Slot(str, float)
    def _on_preset(self, kind: str, target: float) -> None:
        table = self.state.figures.thresholds if self.state.figures is not None else None
        if table is None:
            return
        if kind == "youden":
            point, why = table.youden(), self.tr("largest sensitivity + specificity (Youden) on this data")
        elif kind == "sensitivity":
            point = table.for_sensitivity(target)
            why = self.tr("sensitivity of {0} % or more on this data").format(round(100 * target))
        else:
            point = table.for_specificity(target)
            why = self.tr("specificity of {0} % or more on this data").format(round(100 * target))
        if point is not None:
            self.threshold.choose(point.threshold, why)

    @Slot()
    def _on_reset(self) -> None:
        self.state.reset()

    # The matrix and the gallery

    @Slot(object, object)
    def _on_cell(self, truth: int | None, predicted: int | None) -> None:
        if self.gallery.model.answers is not None:
            self.gallery.choose(GalleryChoice("cell", truth, predicted))

    @Slot()
    def _show_mistakes(self) -> None:
        self.gallery.choose(GalleryChoice())

    @Slot(object)
    def _on_choice(self, choice: GalleryChoice) -> None:
        if choice.mode != "cell" or choice.truth is None or choice.predicted is None:
            self.matrix.table.clear_choice()

    @Slot()
    def _reload_pictures(self) -> None:
        self.gallery.model.forget_pictures()
        self.gallery.model.pictures_changed.emit()

    @Slot(int)
    def show_class(self, number: int) -> None:
        """Show the mistakes on one class, and go there."""
        self.tabs.setCurrentIndex(0)
        self.gallery.choose(GalleryChoice(shown_class=number))

    @Slot(object, str)
    def show_only(self, rows: tuple[int, ...], words: str) -> None:
        """Show just these rows in the gallery, and go there."""
        self.tabs.setCurrentIndex(0)
        self.gallery.choose(GalleryChoice("only", only=rows), words)

    def focus_first(self) -> None:
        """Give the keyboard to the gallery."""
        self.gallery.view.setFocus(Qt.FocusReason.OtherFocusReason)
