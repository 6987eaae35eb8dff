"""The answer and, below it, a bar for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.system.csv_cells import csv_cell
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, decimals, make_label, set_role
from desktop.ui.widgets._scores import BarDelegate, ClassRole, ExactRole, ScoresModel, row_height

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.trust.general_words import Wording
    from desktop.engine.messages import Prediction
    from desktop.store.manifest import Manifest

_UNSURE_BELOW = 0.5
_FILTER_ABOVE = 20


class ProbabilityBars(QWidget):
    """The answer as a line of its own, then the classes by descending score.

    Nothing here moves by itself: a bar is drawn at its value. ``class_activated`` carries the index of a class that
    was double-clicked or entered, ``menu_wanted`` that of one whose menu is asked for, and the place on the screen.
    ``offer`` is the place below the answer for what may be done about it.
    """

    class_activated = Signal(int)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._top_k = 5
        self._all = False
        self._outside = self._scores_wanted = False
        self._said = ("", "")  # the headline of the answer and its role, whatever is shown in its stead
        self._model = ScoresModel(self)
        self._headline = make_label("", "answer", wrap=True, selectable=True)
        self._headline.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._headline.setAccessibleName(self.tr("Answer"))
        self._perhaps = make_label("", "title", wrap=True, selectable=True)
        self._perhaps.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._perhaps.setAccessibleName(self.tr("Perhaps"))
        self._verdict = make_label("", wrap=True)
        self._rule = make_label("", wrap=True)
        self._about = make_label("", "secondary", wrap=True)
        self.offer = QWidget()
        self.offer.hide()
        self._reveal = QPushButton(self.tr("Show its scores all the same"))
        self._reveal.setProperty("role", "link")
        self._reveal.setCheckable(True)
        self._reveal.toggled.connect(self._want_scores)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText(self.tr("Filter classes"))
        self._filter.setAccessibleName(self.tr("Filter classes"))
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._arrange)
        self._list = _BarList(self._model)
        self._list.setAccessibleName(self.tr("Scores of the classes"))
        self._list.activated.connect(self._activate)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._ask_menu)
        self._toggle = QPushButton()
        self._toggle.setProperty("role", "link")
        self._toggle.clicked.connect(self._switch)
        self._nothing = make_label(self.tr("No class of that name"), "secondary", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self._headline, self._perhaps, self._rule, self._verdict, self.offer):
            layout.addWidget(widget)
        layout.addWidget(self._reveal, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self._about, self._filter, self._nothing):
            layout.addWidget(widget)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(0)
        self.setAccessibleName(self.tr("Answer and scores"))
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self._list)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self._copy)
        theme().changed.connect(self._list.viewport().update)
        self.clear()

    def set_scores(
        self,
        labels: Sequence[str],
        scores: np.ndarray | Sequence[float],
        answer_index: int,
        score_word: str = "model score",
        truth: int | None = None,
        sub_labels: Sequence[str] = (),
        threshold: float | None = None,
        threshold_class: int = 1,
        wording: Wording | None = None,
    ) -> None:
        """Show one picture's scores: float32 (classes,), finite, 0 to 1, in the order of ``labels``.

        ``score_word`` is 'probability' only for a calibrated model; ``truth`` the index of the right class where it is
        known; ``sub_labels`` a second, quieter name for each class (an id); ``threshold`` the score from which class
        ``threshold_class`` is answered by a model of two classes; ``wording`` the more general word, of a model that
        knows words. Raises :class:`ValueError` when the lengths differ
        or ``answer_index`` names no class.
        """
        if len(labels) != len(scores) or not 0 <= answer_index < len(labels):
            raise ValueError(f"found {len(scores)} scores for {len(labels)} labels, answer {answer_index}")
        word = self.tr("probability") if score_word == "probability" else self.tr("model score")
        mark = (threshold_class, threshold) if threshold is not None and len(labels) == 2 else None
        self._model.set_scores(
            labels, scores, answer_index, word=word, truth=truth, sub_labels=sub_labels, threshold=mark
        )
        self._leave_outside()
        self._say_answer(labels, scores, answer_index, mark, wording)
        self._say_verdict(labels, answer_index, truth)
        about = word
        if mark is not None:
            about += " · " + self.tr("{label} is answered from {value} on").format(
                label=labels[threshold_class], value=decimals(mark[1])
            )
        self._about.setText(about)
        self._about.setVisible(True)
        self._arrange()

    def show_prediction(self, prediction: Prediction, manifest: Manifest, truth: int | None = None) -> None:
        """Show an answer with all that its model's description says about scores, ids and the decision."""
        decision = manifest.decision
        ruled = decision.rule == "threshold"
        distinct = len(set(manifest.labels)) == len(manifest.labels)  # then no id is needed to tell them apart
        self.set_scores(
            manifest.labels,
            prediction.probabilities,
            prediction.index,
            manifest.scores,
            truth,
            () if prediction.wording is not None and distinct else manifest.label_ids,
            decision.value if ruled else None,
            decision.positive if ruled and decision.positive is not None else 1,
            prediction.wording,
        )

    def set_outside(self, outside: bool, several: Sequence[tuple[str, float]] = ()) -> None:
        """Whether the picture is not of the kind that the model learned from: then no class is the answer, and the
        scores, which every picture gets, are shown in grey and only where they are asked for. ``several``: label and
        score of each digit of a picture that holds more than one."""
        if not self._model.classes:
            return
        self._outside = self._model.muted = outside
        text, role = self._said
        if outside:
            text, role = self.tr("No answer: this is not the kind of picture that it learned from"), "title"
            if several:
                read = " · ".join(f"{label}\u00a0({decimals(score)})" for label, score in several)
                text = self.tr("{0} digits, read one by one: {1}").format(count(len(several)), read)
        self._headline.setText(text)
        set_role(self._headline, role)
        self._reveal.setVisible(outside)
        with QSignalBlocker(self._reveal):
            self._reveal.setChecked(False)
        self._want_scores(False)

    @property
    def scores_wanted(self) -> bool:
        """Whether the scores of a picture of another kind were asked for."""
        return self._outside and self._scores_wanted

    def want_scores(self, wanted: bool) -> None:
        """Show or hide the scores of a picture of another kind, as its button does."""
        if self._outside and wanted != self._reveal.isChecked():
            self._reveal.setChecked(wanted)

    def _want_scores(self, wanted: bool) -> None:
        self._scores_wanted = wanted
        self._reveal.setText(self.tr("Hide its scores") if wanted else self.tr("Show its scores all the same"))
        shown = wanted or not self._outside
        self._about.setVisible(shown and bool(self._model.classes))
        self._rule.setVisible(bool(self._rule.text()) and not self._outside)
        self._perhaps.setVisible(bool(self._perhaps.text()) and not self._outside)
        self._arrange()
        self._list.viewport().update()

    def _leave_outside(self) -> None:
        self._outside = self._scores_wanted = self._model.muted = False
        self._reveal.hide()

    def clear(self, message: str = "") -> None:
        """Show no answer; ``message`` says why or what to do."""
        self._leave_outside()
        self._model.set_scores((), (), -1, word="", truth=None, sub_labels=(), threshold=None)
        self._headline.setText(message)
        set_role(self._headline, "secondary")
        self._headline.setVisible(bool(message))
        self._said = ("", "")
        self._perhaps.clear()
        for label in (self._perhaps, self._rule, self._verdict, self._about):
            label.hide()
        self._arrange()

    def set_top_k(self, top_k: int) -> None:
        """How many classes are shown at first, 1 or more."""
        self._top_k = max(1, top_k)
        self._arrange()

    @property
    def headline(self) -> str:
        """The answer as it is written above the bars."""
        return self._headline.text()

    @property
    def perhaps(self) -> str:
        """What stands below a general word; '' below a class."""
        return self._perhaps.text() if not self._perhaps.isHidden() else ""

    def _say_answer(
        self,
        labels: Sequence[str],
        scores: np.ndarray | Sequence[float],
        answer: int,
        mark: tuple[int, float] | None,
        wording: Wording | None,
    ) -> None:
        best, score, rule = self._model.best(), float(scores[answer]), ""
        self._perhaps.clear()
        if wording is not None and wording.word:
            # The scores of all its kinds add up: the word is what the network is sure of.
            text, role = f"{wording.word}  {decimals(wording.score)}", "answer"
            self._perhaps.setText(
                self.tr("perhaps {label}  {score}").format(label=labels[answer], score=decimals(score))
            )
        elif mark is None and best[0][1] < _UNSURE_BELOW and len(best) > 1:
            # No class holds half of the score: naming one alone would claim more than the model does.
            (first, high), (second, low) = best
            text = self.tr("Not sure: {first} {high}, {second} {low}").format(
                first=first, high=decimals(high, 2), second=second, low=decimals(low, 2)
            )
            role = "title"
        elif mark is not None and score < best[0][1]:
            # The lower of two scores is no figure for the answer: the threshold made it, and is named.
            text = self.tr("{0}, by the threshold").format(labels[answer])
            role = "answer"
            rule = self.tr("{0} is answered from {1} on and has {2}; the higher score is that of {3}, {4}.").format(
                labels[mark[0]], decimals(mark[1]), decimals(float(scores[mark[0]])), best[0][0], decimals(best[0][1])
            )
            if mark[0] != answer:
                rule = self.tr("{0} has the higher score, {1}, and is answered from {2} on only.").format(
                    labels[mark[0]], decimals(best[0][1]), decimals(mark[1])
                )
        else:
            text, role = f"{labels[answer]}  {decimals(score)}", "answer"
        self._said = (text, role)
        self._rule.setText(rule)
        self._rule.setVisible(bool(rule))
        self._perhaps.setVisible(bool(self._perhaps.text()))
        self._headline.setText(text)
        set_role(self._headline, role)
        self._headline.show()

    def _say_verdict(self, labels: Sequence[str], answer: int, truth: int | None) -> None:
        self._verdict.setVisible(truth is not None)
        if truth is None:
            return
        if truth == answer:
            self._verdict.setText("✓ " + self.tr("Right"))
            set_role(self._verdict, "")
        else:
            self._verdict.setText("✗ " + self.tr("Wrong: it is {label}").format(label=labels[truth]))
            set_role(self._verdict, "error")

    def _arrange(self) -> None:
        """Bring list, filter and toggle into line with the classes and with what the user chose."""
        hidden = self._outside and not self._scores_wanted
        classes = self._model.classes if not hidden else 0
        expanded = self._all and classes > self._top_k
        with_filter = expanded and classes > _FILTER_ABOVE
        self._filter.setVisible(with_filter)
        self._model.set_view(None if expanded else self._top_k, self._filter.text() if with_filter else "")
        self._toggle.setVisible(classes > self._top_k)
        self._toggle.setText(
            self.tr("Show the first {count}").format(count=count(self._top_k))
            if expanded
            else self.tr("Show all {count} classes").format(count=count(classes))
        )
        # Only the whole list wants more room than it needs: what is said of the answer stands right below the bars.
        vertical = QSizePolicy.Policy.Expanding if expanded else QSizePolicy.Policy.Maximum
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        rows = self._model.rowCount() if not hidden else 0
        self._nothing.setVisible(with_filter and rows == 0)
        self._list.setVisible(rows > 0)
        self._list.show_rows(rows, scrolling=expanded)
        if rows:
            self._list.setCurrentIndex(self._model.index(0))
            self._list.selectionModel().clearSelection()

    def _switch(self) -> None:
        self._all = not self._all
        self._filter.clear()
        self._arrange()

    def _activate(self, index: QModelIndex) -> None:
        self.class_activated.emit(index.data(ClassRole))

    def _ask_menu(self, place: QPoint) -> None:
        index = self._list.indexAt(place)
        if not index.isValid():
            index = self._list.currentIndex()
            place = self._list.visualRect(index).center()
        if index.isValid():
            self.menu_wanted.emit(index.data(ClassRole), self._list.viewport().mapToGlobal(place))

    def _copy(self) -> None:
        index = self._list.currentIndex()
        if index.isValid():
            label = index.data()  # of a stranger's model, perhaps, and on its way into a spreadsheet
            score, *more = index.data(ExactRole).removeprefix(f"{label}: ").split("\n")
            lines = [f"{csv_cell(label)}\t{score}", *(csv_cell(line) for line in more)]
            QGuiApplication.clipboard().setText("\n".join(lines))


class _BarList(QListView):
    """The rows. Only those in sight are drawn, so a thousand classes cost no more than five."""

    def __init__(self, model: ScoresModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(BarDelegate(self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self._rows = 0

    def show_rows(self, rows: int, *, scrolling: bool) -> None:
        """Be as high as ``rows`` rows, or take the room there is and scroll."""
        height = row_height(self.fontMetrics())
        wanted = rows * height + 2 * self.frameWidth() + 4
        self._rows = rows
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolling else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self.setMinimumHeight(min(wanted, 5 * height) if scrolling else wanted)
        self.setMaximumHeight(wanted)

    def sizeHint(self) -> QSize:
        return QSize(260, self.maximumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.viewport().update()

    def focusInEvent(self, event) -> None:  # type: ignore[no-untyped-def]
        super().focusInEvent(event)
        if self.currentIndex().isValid():
            self.selectionModel().select(self.currentIndex(), QItemSelectionModel.SelectionFlag.ClearAndSelect)
