"""Where an evaluation begins: a labelled folder, its split, a model; and the evaluations that were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.system.words import worded
from desktop.ui.evaluate.head import choose_box, titled
from desktop.ui.evaluate.kept_part import KeptPart
from desktop.ui.kit.formatting import count
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.empty_state import EmptyFrame
from desktop.ui.widgets.layout_panel import LayoutPanel
from desktop.ui.widgets.model_chooser import ModelChooser
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel, MedicalNotice

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset

_CLASSES_NAMED = 12


class EmptyPart(EmptyFrame):
    """Nothing is open yet: what to do, and the buttons that do it."""

    open_wanted = Signal()
    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        words = self.tr(
            "Open a folder that holds one folder for each class. Fovea answers every picture and shows where the "
            "model fails. Nothing leaves this computer; your files are never changed."
        )
        title = self.tr("How good is a model on your pictures?")
        super().__init__("evaluate", title, words, self.tr("Recent labelled folders"), 1, parent)
        self.button = QPushButton(self.tr("Open labelled folder…"))
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self.open_wanted)
        self.row.addWidget(self.button)
        arrays = QPushButton(self.tr("Or a data file (.npz, MNIST's IDX)…"))
        arrays.setProperty("role", "link")
        arrays.clicked.connect(self.file_wanted)
        self.column.addWidget(arrays, 0, Qt.AlignmentFlag.AlignHCenter)


class SetupPart(QFrame):
    """The data is open (or being opened): split, model, class names, problems, and the button that begins."""

    open_wanted = Signal()
    split_chosen = Signal(str)
    model_chosen = Signal(str)
    card_wanted = Signal(str)
    mapping_wanted = Signal()
    kept_wanted = Signal(str)
    start_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._title = titled("")
        self._facts = make_label("", "secondary", wrap=True)
        change = QPushButton(self.tr("Other folder…"))
        change.clicked.connect(self.open_wanted)
        self._split_label = make_label(self.tr("Split"))
        self.splits = choose_box(self.tr("Split of the data"))
        self.splits.activated.connect(self._on_split)
        self._split_label.setBuddy(self.splits)
        self.chooser = ModelChooser()
        self.chooser.selected.connect(self.model_chosen)
        self.chooser.card_requested.connect(self.card_wanted)
        self._medical = MedicalNotice()
        self._mapping = CautionStrip()
        self._match = QPushButton(self.tr("Match class names…"))
        self._match.clicked.connect(self.mapping_wanted)
        self._names = make_label("", "secondary", wrap=True)
        self._problems_title = titled(self.tr("What Fovea noticed about this data"))
        self._problems = make_label("", "secondary", wrap=True, selectable=True)
        self.failure = ErrorPanel()
        self.layouts = LayoutPanel()
        self.layouts.other_wanted.connect(self.open_wanted)
        self._busy = QWidget()
        self._busy_words = make_label("", "secondary")
        bar = QProgressBar()
        at_work(bar)
        bar.setTextVisible(False)
        bar.setAccessibleName(self.tr("Reading the folder"))
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.cancel_wanted)
        busy = QHBoxLayout(self._busy)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.addWidget(bar, 1)
        busy.addWidget(self._busy_words)
        busy.addWidget(cancel)
        self._kept = QPushButton(self.tr("Open the kept result"))
        self._kept.setProperty("role", "link")
        self._kept.clicked.connect(self._on_kept)
        self.start = QPushButton(self.tr("Evaluate"))
        self.start.setProperty("role", "primary")
        self.start.clicked.connect(self.start_wanted)
        self._lay_out(change)
        self.show_busy(None)

    def _lay_out(self, change: QPushButton) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(change)
        split = QHBoxLayout()
        split.addWidget(self._split_label)
        split.addWidget(self.splits)
        split.addStretch(1)
        match = QHBoxLayout()
        match.addWidget(self._names, 1)
        match.addWidget(self._match, 0, Qt.AlignmentFlag.AlignRight)
        foot = QHBoxLayout()
        foot.addWidget(self._kept)
        foot.addStretch(1)
        foot.addWidget(self.start)
        inner = QWidget()
        inner.setProperty("ground", "none")
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self._facts)
        column.addWidget(self._busy)
        column.addWidget(self.layouts)
        column.addWidget(self.failure)
        column.addLayout(split)
        column.addSpacing(4)
        self._model_title = titled(self.tr("Model"), self.chooser)
        column.addWidget(self._model_title)
        column.addWidget(self.chooser)
        column.addWidget(self._medical)
        column.addWidget(self._mapping)
        column.addLayout(match)
        column.addWidget(self._problems_title)
        column.addWidget(self._problems)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot.setContentsMargins(16, 8, 16, 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addLayout(foot)

    def show_busy(self, words: str | None, title: str = "") -> None:
        """The folder is being read; ``None`` ends that."""
        self._busy.setVisible(words is not None)
        if words is not None:
            self._busy_words.setText(words)
        if title:
            self._title.setText(title)
            for widget in (self._facts, self._problems, self._problems_title, self._split_label, self.splits):
                widget.hide()
            self.failure.clear()
            self.layouts.clear()
            self.show_names("", False)
            self.show_kept("", "")
            self.start.setEnabled(False)

    def show_data(self, data: LabelledDataset, chosen: bool) -> None:
        """What was found. ``chosen`` is false where the user must first say which split is meant."""
        self._title.setText(data.title)
        counts = data.counts()
        named = [f"{name} {count(int(n))}" for name, n in zip(data.classes, counts, strict=True)][:_CLASSES_NAMED]
        more = len(data.classes) - len(named)
        listing = " · ".join(named) + (self.tr(" and {0} more").format(count(more)) if more > 0 else "")
        self._facts.setText(
            self.tr("{0} images in {1} classes: {2}").format(count(len(data)), count(len(data.classes)), listing)
        )
        self._facts.show()
        with QSignalBlocker(self.splits):
            self.splits.clear()
            if not chosen:
                self.splits.addItem(self.tr("Choose…"), None)
            for name in data.splits:
                self.splits.addItem(name, name)
            if len(data.splits) > 1:
                self.splits.addItem(self.tr("all of them"), "all")
            at = self.splits.findData(data.split) if chosen else 0
            self.splits.setCurrentIndex(max(0, at))
        for widget in (self._split_label, self.splits):
            widget.setVisible(bool(data.splits))
        lines = [f"• {worded(problem.message)}" for problem in data.problems[:30]]
        lines += [f"• {entry.name}: {worded(entry.message)}" for entry in data.broken[:20]]
        hidden = max(0, len(data.problems) - 30) + max(0, len(data.broken) - 20)
        if hidden:
            lines.append(self.tr("• and {0} more").format(count(hidden)))
        self._problems.setText("\n".join(lines))
        self._problems.setVisible(bool(lines))
        self._problems_title.setVisible(bool(lines))

    def show_medical(self, medical: bool) -> None:
        """Whether the model is one that must carry the medical notice."""
        self._medical.show_for(medical)

    def show_names(self, words: str, caution: bool, offer: bool = False) -> None:
        """How the class names fit the model's labels; ``offer`` shows the button that asks."""
        self._mapping.set_text(words)
        self._mapping.setVisible(bool(words) and caution)
        self._names.setText("" if caution else words)
        self._names.setVisible(bool(words) and not caution)
        self._match.setVisible(offer)

    def show_kept(self, words: str, key: str) -> None:
        """Offer a kept result of this model and folder; '' offers none."""
        if words:
            self._kept.setText(words)
        self._kept.setProperty("key", key)
        self._kept.setVisible(bool(key))

    @Slot()
    def _on_kept(self) -> None:
        self.kept_wanted.emit(self._kept.property("key"))

    @Slot()
    def _on_split(self) -> None:
        split = self.splits.currentData()
        if split is not None:
            self.split_chosen.emit(split)


class EvaluateStart(QWidget):
    """The empty part or the setup at the left, the kept evaluations at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = EmptyPart()
        self.setup = SetupPart()
        self.kept = KeptPart()
        self.kept.setMaximumWidth(theme().scaled(380))
        self.kept.hide()
        self.parts = QStackedWidget()
        self.parts.addWidget(self.empty)
        self.parts.addWidget(self.setup)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addWidget(self.parts, 2)
        layout.addWidget(self.kept, 1)
