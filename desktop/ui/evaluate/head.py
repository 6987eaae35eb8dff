"""Above the results: the three figures that matter, the threshold, and how far a running evaluation is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.kit.formatting import count, duration, interval_of, number, value_of
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, tip

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate
    from desktop.engine.evaluation import EvaluationProgress

STEPS = 1000
SETTLE_MS = 120


class FigureCard(QFrame):
    """One figure: its name, its value large, its 95 % interval."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", "true")
        self._name = make_label("", "secondary")
        self._value = make_label("–", "answer", selectable=True)
        self._value.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._interval = make_label("", "secondary", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._value)
        line.addWidget(self._interval, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 5, 12, 5)
        layout.setSpacing(0)
        layout.addWidget(self._name)
        layout.addLayout(line)

    def show_figure(self, name: str, estimate: Estimate | None, percent: bool = True) -> None:
        """Show a figure; ``None`` shows a dash."""
        self._name.setText(name)
        self._value.setText(value_of(estimate, percent))
        words = told = interval_of(estimate, percent)
        self._interval.setText(words)
        if estimate is not None and estimate.value is not None and estimate.low is not None:
            told = self.tr("95 % interval {0}, from {1} images").format(words, count(estimate.n))
            if estimate.method.endswith("by person"):
                told = self.tr("{0}; several images of one person or case count together").format(told)
        self.setToolTip(told if estimate is not None else "")
        self.setAccessibleName(f"{name}: {self._value.text()}")
        self.setAccessibleDescription(told)

    @property
    def text(self) -> str:
        """The value as written."""
        return self._value.text()


class FigureRow(QWidget):
    """The head line: three figures beside each other, and below on what they rest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards = [FigureCard() for _ in range(3)]
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for card in self.cards:
            layout.addWidget(card, 1)

    def show_figures(self, figures: list[tuple[str, Estimate | None, bool]]) -> None:
        """Name, figure, and whether it is written as percent; at most three."""
        for card, (name, estimate, percent) in zip(self.cards, figures, strict=False):
            card.show_figure(name, estimate, percent)
        for index, card in enumerate(self.cards):
            card.setVisible(index < len(figures))


class ThresholdBar(QFrame):
    """From which score on the positive class is answered; for models of two classes.

    ``moved`` carries the threshold at every move, ``settled`` once it rests for a moment, with the reason in words;
    ``reset`` asks for the model's own decision.
    """

    moved = Signal(float)
    settled = Signal(float, str)
    preset = Signal(str, float)
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reason = ""
        self._exact = 0.5
        self._words = make_label("", "")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(50)
        self.slider.setMinimumWidth(theme().scaled(120))
        self.slider.setAccessibleName(self.tr("Threshold"))
        self.value = QDoubleSpinBox()
        self.value.lineEdit().setTextMargins(6, 0, 0, 0)
        self.value.setRange(0, 1)
        self.value.setDecimals(4)
        self.value.setSingleStep(0.01)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.value.setMinimumWidth(theme().scaled(96))
        self.value.setKeyboardTracking(False)
        self.value.setAccessibleName(self.tr("Threshold as a number"))
        self._presets = QPushButton(self.tr("Choose for me"))
        self._presets.setProperty("role", "menu")
        menu = QMenu(self)
        self._add(menu, self.tr("The model's own decision"), "own", 0)
        menu.addSeparator()
        self._add(menu, self.tr("Largest sensitivity + specificity (Youden)"), "youden", 0)
        for target in (0.9, 0.95, 0.99):
            self._add(menu, self.tr("Sensitivity of {0} % or more").format(round(100 * target)), "sensitivity", target)
        for target in (0.9, 0.95, 0.99):
            self._add(menu, self.tr("Specificity of {0} % or more").format(round(100 * target)), "specificity", target)
        self._presets.setMenu(menu)
        self._why = make_label("", "secondary")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._words)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.value)
        layout.addWidget(self._presets)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._tell)
        self.slider.valueChanged.connect(self._on_slider)
        self.value.valueChanged.connect(self._on_value)

    def _add(self, menu: QMenu, words: str, kind: str, target: float) -> None:
        action = QAction(words, self)
        action.setData((kind, target))
        action.triggered.connect(self._on_preset)
        menu.addAction(action)

    def show_threshold(self, label: str, threshold: float, reason: str = "") -> None:
        """Show a threshold without telling anyone."""
        self._words.setText(self.tr("'{0}' from a score of").format(label if len(label) < 25 else label[:24] + "…"))
        self._reason = reason
        with QSignalBlocker(self.slider), QSignalBlocker(self.value):
            self.slider.setValue(round(threshold * STEPS))
            self.value.setValue(threshold)
        self.setToolTip(tip(reason))
        self.slider.setAccessibleDescription(reason)

    def choose(self, threshold: float, reason: str) -> None:
        """Use a threshold for a reason, as if the user had moved to it."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.value):
            self.slider.setValue(round(threshold * STEPS))
            self.value.setValue(threshold)
        self._exact = threshold
        self._reason = reason
        self.moved.emit(threshold)
        self._tell()

    def _on_slider(self, value: int) -> None:
        with QSignalBlocker(self.value):
            self.value.setValue(value / STEPS)
        self._moved(value / STEPS)

    def _on_value(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(value * STEPS))
        self._moved(value)

    def _moved(self, threshold: float) -> None:
        self._exact = threshold
        self._reason = self.tr("chosen by hand on this data")
        self.moved.emit(threshold)
        self._settle.start()

    def _tell(self) -> None:
        self._settle.stop()
        self.setToolTip(tip(self._reason))
        self.settled.emit(self._exact, self._reason)

    def _on_preset(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            kind, target = action.data()
            if kind == "own":
                self.reset.emit()
            else:
                self.preset.emit(kind, target)


class RunStrip(QFrame):
    """A running evaluation: bar, how many of how many, images a second, time left, Cancel."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stopping = False
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the evaluation"))
        self._words = make_label("", "secondary")
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancelled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._bar, 1)
        layout.addWidget(self._words)
        layout.addWidget(self._cancel)

    @property
    def text(self) -> str:
        """What is said."""
        return self._words.text()

    def begin(self) -> None:
        """Nothing done yet."""
        self.stopping = False
        at_work(self._bar)
        self._words.setText(self.tr("Starting an engine…"))

    def show_progress(self, progress: EvaluationProgress) -> None:
        """How far it is."""
        if self.stopping:
            return
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.done)
        parts = [self.tr("{0} of {1} images").format(count(progress.done), count(progress.total))]
        if progress.done and progress.elapsed_s > 0.3:
            rate = progress.done / progress.elapsed_s
            parts.append(self.tr("{0} images/s").format(count(round(rate)) if rate >= 10 else number(rate, 1)))
        if progress.left_s is not None and progress.done < progress.total:
            parts.append(self.tr("{0} left").format(duration(progress.left_s)))
        self._words.setText(" · ".join(parts))
        self._bar.setAccessibleDescription(self._words.text())

    def say_stopping(self) -> None:
        """It was told to stop and will in a moment."""
        self.stopping = True
        at_work(self._bar)
        self._words.setText(self.tr("Stopping; what is answered is kept…"))

    def say_counting(self) -> None:
        """All is answered; figures are being made."""
        at_work(self._bar)
        self._words.setText(self.tr("Working out figures and intervals…"))


def choose_box(name: str) -> QComboBox:
    """A drop-down that is no wider than it must be; ``name`` for screen readers."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setMinimumContentsLength(8)
    box.setMaxVisibleItems(20)
    return box


def titled(text: str, buddy: QWidget | None = None) -> QLabel:
    """A heading of a part."""
    label = make_label(text, "title")
    if buddy is not None:
        label.setBuddy(buddy)
    return label
