"""Heaps of pictures that are alike, to be named, merged and split: the quick way from nothing to labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.engine.teaching_events import AskHeaps, Heap, Heaps, Refused
from desktop.services.teaching import Teaching
from desktop.ui.kit.drops import make_editable
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, first_size, make_label, sentence
from desktop.ui.teach.pictures_model import PicturesModel

if TYPE_CHECKING:
    from collections.abc import Sequence

_TILE = 64
_SHOWN = 10


class Strip(QWidget):
    """The first pictures of a heap, side by side."""

    def __init__(self, model: PicturesModel, ids: Sequence[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._ids = model, tuple(ids[:_SHOWN])
        self.setFixedHeight(_TILE)
        self.setMinimumWidth(4 * (_TILE + 4))
        self.setAccessibleName(self.tr("Pictures of the heap"))
        model.pictures_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(len(self._ids) * (_TILE + 4), _TILE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for number, picture_id in enumerate(self._ids):
            left = number * (_TILE + 4)
            if left + _TILE > self.width():
                break
            if self.isRightToLeft():
                left = self.width() - left - _TILE
            pixmap = self._model.picture(picture_id)
            painter.fillRect(left, 0, _TILE, _TILE, theme().tokens.picture_ground if pixmap else theme().tokens.window)
            if pixmap is not None:
                size = pixmap.size().scaled(_TILE, _TILE, Qt.AspectRatioMode.KeepAspectRatio)
                beside, above = (_TILE - size.width()) // 2, (_TILE - size.height()) // 2
                painter.drawPixmap(left + beside, above, size.width(), size.height(), pixmap)


class HeapRow(QFrame):
    """One heap: chosen for merging, named, split, shown."""

    named = Signal(Heap, str)
    shown = Signal(Heap)
    split = Signal(Heap)
    ticked = Signal()

    def __init__(self, teaching: Teaching, model: PicturesModel, heap: Heap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heap = heap
        self.setProperty("card", "true")
        self.tick = QCheckBox()
        self.tick.setAccessibleName(self.tr("Choose this heap for merging"))
        self.tick.toggled.connect(self.ticked)
        self.name = QComboBox()
        make_editable(self.name)
        self.name.setMinimumWidth(theme().scaled(150))
        self.name.setAccessibleName(self.tr("What these pictures are"))
        self.name.addItems([c.name for c in teaching.classes])
        self.name.setCurrentText("")
        line = self.name.lineEdit()
        if line is not None:
            line.setPlaceholderText(self.tr("What are these?"))
            line.returnPressed.connect(self._on_named)
        say = QPushButton(self.tr("Label {0}").format(count(len(heap.ids))))
        say.clicked.connect(self._on_named)
        widest = self.tr("Label {0}").format(count(max(1000, len(heap.ids))))
        say.setMinimumWidth(say.fontMetrics().horizontalAdvance(widest) + 28)  # the fields stand below each other
        show = QPushButton(self.tr("Show"))
        show.setProperty("role", "link")
        show.clicked.connect(lambda: self.shown.emit(self.heap))
        split = QPushButton(self.tr("Split"))
        split.setProperty("role", "link")
        split.setEnabled(len(heap.ids) > 3)
        split.clicked.connect(lambda: self.split.emit(self.heap))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self.tick)
        layout.addWidget(Strip(model, heap.ids), 1)
        layout.addWidget(self.name)
        for part in (say, show, split):
            layout.addWidget(part)
        self.setAccessibleName(self.tr("A heap of {0} pictures").format(count(len(heap.ids))))

    @Slot()
    def _on_named(self) -> None:
        name = self.name.currentText().strip()
        if name:
            self.named.emit(self.heap, name)
        else:  # what to do first: say what they are
            self.name.setFocus()
            if self.name.count():
                self.name.showPopup()


class HeapsDialog(QDialog):
    """Asks the learning process for heaps; ``show_wanted`` carries the ids of a heap to be looked at in the gallery."""

    show_wanted = Signal(tuple)

    def __init__(self, teaching: Teaching, model: PicturesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Group Alike"))
        give_help(self, "teach#heaps")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        first_size(self, 960, 600)
        self._teaching, self._model = teaching, model
        self._number = 0
        self._splitting: Heap | None = None
        self.rows: list[HeapRow] = []
        self._about = make_label(
            self.tr(
                "Pictures without a label, in heaps that are alike. Name a heap, and all its pictures have that label."
            ),
            wrap=True,
        )
        self.many = QSpinBox()
        self.many.setRange(0, 200)
        self.many.setSpecialValueText(self.tr("as many as suit"))
        self.many.setAccessibleName(self.tr("Number of heaps"))
        self.many.lineEdit().setTextMargins(6, 0, 0, 0)
        self.many.editingFinished.connect(self.ask)
        self.merge = QPushButton(self.tr("Merge the chosen"))
        self.merge.setEnabled(False)
        self.merge.clicked.connect(self._on_merge)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.accept)
        for button in (self.merge, close):
            button.setAutoDefault(False)
        self._state = make_label("", "secondary", wrap=True)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(inside)
        foot = QHBoxLayout()
        foot.addWidget(make_label(self.tr("Heaps"), "secondary"))
        foot.addWidget(self.many)
        foot.addWidget(self.merge)
        foot.addWidget(self._state, 1)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(self._about)
        layout.addWidget(self.area, 1)
        layout.addLayout(foot)
        teaching.heaps.connect(self._on_heaps)
        teaching.refused.connect(self._on_refused)
        self.ask()

    @Slot()
    def ask(self) -> None:
        """Group what has no label yet."""
        self._splitting = None
        heaps = self.many.value()
        self._number = self._teaching.ask(lambda n: AskHeaps(n, (), heaps))
        self._state.setText(self.tr("Grouping…") if self._number else self.tr("Learning has stopped."))

    @Slot(Heaps)
    def _on_heaps(self, answer: Heaps) -> None:
        if answer.number != self._number:
            return
        self._state.setText(sentence(answer.reason))
        if self._splitting is not None:
            kept = [row.heap for row in self.rows if row.heap is not self._splitting]
            at = next((i for i, row in enumerate(self.rows) if row.heap is self._splitting), 0)
            self._splitting = None
            self._fill([*kept[:at], *answer.heaps, *kept[at:]])
        else:
            self._fill(list(answer.heaps))

    @Slot(Refused)
    def _on_refused(self, refused: Refused) -> None:
        if refused.number == self._number:
            self._state.setText(sentence(refused.message))

    def _fill(self, heaps: list[Heap]) -> None:
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self.rows = []
        for heap in heaps:
            row = HeapRow(self._teaching, self._model, heap)
            row.named.connect(self._on_named)
            row.shown.connect(self._on_shown)
            row.split.connect(self._on_split)
            row.ticked.connect(self._on_ticked)
            self._column.insertWidget(self._column.count() - 1, row)
            self.rows.append(row)
        self._on_ticked()
        if not heaps and not self._state.text():
            self._state.setText(self.tr("Every picture has a label."))

    @Slot()
    def _on_ticked(self) -> None:
        self.merge.setEnabled(sum(row.tick.isChecked() for row in self.rows) > 1)

    @Slot()
    def _on_merge(self) -> None:
        chosen = [row.heap for row in self.rows if row.tick.isChecked()]
        first = next(i for i, row in enumerate(self.rows) if row.tick.isChecked())
        ids = tuple(i for heap in chosen for i in heap.ids)
        joined = Heap(ids, min(heap.tightness for heap in chosen))
        rest = [row.heap for row in self.rows if not row.tick.isChecked()]
        self._fill([*rest[:first], joined, *rest[first:]])

    @Slot(object, str)
    def _on_named(self, heap: Heap, name: str) -> None:
        """Label the whole heap, making the class where there is none: one step of undo."""

        def work(project):  # type: ignore[no-untyped-def]
            with project.one_step("label", "heap", name):
                class_id = project.class_named(name).id
                return project.label(heap.ids, class_id, "heap")

        self._teaching.change(work)
        self._fill([row.heap for row in self.rows if row.heap is not heap])

    @Slot(object)
    def _on_split(self, heap: Heap) -> None:
        self._splitting = heap
        self._number = self._teaching.ask(lambda n: AskHeaps(n, heap.ids, 2))
        self._state.setText(self.tr("Splitting…"))

    @Slot(object)
    def _on_shown(self, heap: Heap) -> None:
        self.show_wanted.emit(tuple(heap.ids))
        self.accept()
