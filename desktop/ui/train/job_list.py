"""The trainings of this window as a list: a ring that fills, name, state, time left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.system.words import worded
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import tip
from desktop.ui.train import words
from desktop.ui.widgets.ring import paint_ring

if TYPE_CHECKING:
    from desktop.services.training import TrainingService
    from desktop.services.training_job import TrainingJob

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
JobRole = int(Qt.ItemDataRole.UserRole) + 1
_RING = 26


class JobsModel(QAbstractListModel):
    """The jobs of a service, in its order."""

    def __init__(self, service: TrainingService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self._shown: list[TrainingJob] = []

    def refresh(self) -> None:
        """Take over what jobs there are now."""
        jobs = list(self._service.jobs)
        if len(jobs) == len(self._shown) and all(a is b for a, b in zip(jobs, self._shown, strict=True)):
            self.touch()
            return
        self.beginResetModel()
        self._shown = jobs
        self.endResetModel()

    def touch(self) -> None:
        """Their states or figures have changed."""
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def row_of(self, run_id: str) -> int:
        """The row of a run, -1 where it is not listed."""
        return next((row for row, job in enumerate(self._shown) if job.id == run_id), -1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self._shown):
            return None
        job = self._shown[index.row()]
        if role == JobRole:
            return job
        if role == Qt.ItemDataRole.DisplayRole:
            return job.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip("\n".join(part for part in (job.name, words.state(job), worded(job.message)) if part))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (job.name, words.state(job), words.left(job)) if part)
        return None


class _JobDelegate(QStyledItemDelegate):
    _SIGNS = {  # noqa: RUF012 - never changed
        "waiting": ("clock", "secondary"), "paused": ("stop", "caution"), "done": ("check", "right"),
        "stopped": ("stop", "secondary"), "cancelled": ("cross", "secondary"), "failed": ("error", "wrong"),
        "interrupted": ("caution", "caution"),
    }  # fmt: skip

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, option.fontMetrics.height() * 3 + 18)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        job = index.data(JobRole)
        t = theme().tokens
        rect = option.rect
        state = QStyle.StateFlag
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(rect).adjusted(3, 2, -3, -2)
        if option.state & state.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.soft))
            painter.drawRoundedRect(box, 6, 6)
        if option.state & state.State_HasFocus:
            painter.setPen(QPen(QColor(t.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
        line = option.fontMetrics.height()
        ring = QRectF(rect.left() + 12, rect.top() + 10, _RING, _RING)
        sign = self._SIGNS.get(job.state)
        if sign is not None and job.state != "paused":
            icon = theme().icon(sign[0], 20, getattr(t, sign[1]))
            icon.paint(painter, QRect(round(ring.left()) + 3, round(ring.top()) + 3, 20, 20))
        else:
            paint_ring(painter, ring, job.progress(), t.caution if job.state == "paused" else t.accent)
        left = round(ring.right()) + 10
        wide = rect.right() - left - 10
        bold = theme().font()
        bold.setWeight(bold.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(t.text))
        self._line(painter, left, rect.top() + 8, wide, line, job.name, Qt.TextElideMode.ElideMiddle)
        painter.setFont(theme().font("secondary"))
        tone = {"failed": t.wrong, "interrupted": t.caution, "paused": t.caution}.get(job.state, t.secondary)
        painter.setPen(QColor(tone))
        self._line(painter, left, rect.top() + 9 + line, wide, line, words.state(job))
        painter.setPen(QColor(t.secondary))
        self._line(painter, left, rect.top() + 9 + 2 * line, wide, line, self._third(job))
        painter.restore()

    @staticmethod
    def _third(job: TrainingJob) -> str:
        if job.active:
            return words.left(job)
        best = job.curves.best
        if best is not None:
            accuracy = job.curves.epochs["val_accuracy"][best]
            return words.tr("best epoch: {0}").format(words.brief_accuracy(accuracy, job.validation))
        return ""

    @staticmethod
    def _line(
        painter: QPainter, left: int, top: int, wide: int, high: int, text: str,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:  # fmt: skip
        elided = painter.fontMetrics().elidedText(text, mode, wide)
        painter.drawText(QRect(left, top, wide, high), int(Qt.AlignmentFlag.AlignVCenter), elided)


class JobList(QListView):
    """``chosen`` carries the id of the job that is looked at; ``moved`` (id, places) asks to change the queue's order;
    ``removed`` (id) to take a job off the list."""

    chosen = Signal(str)
    moved = Signal(str, int)
    removed = Signal(str)

    def __init__(self, model: JobsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Trainings"))
        self.setModel(model)
        self._jobs = model
        self.setItemDelegate(_JobDelegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.selectionModel().currentChanged.connect(self._on_current)

    @property
    def current_id(self) -> str:
        """The run of the row that is chosen, '' for none."""
        job = self.currentIndex().data(JobRole)
        return job.id if job is not None else ""

    def choose(self, run_id: str) -> None:
        """Choose a run's row, where it is listed."""
        row = self._jobs.row_of(run_id)
        if row >= 0:
            self.setCurrentIndex(self._jobs.index(row))

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        job = current.data(JobRole)
        if job is not None:
            self.chosen.emit(job.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Alt and the arrows move a waiting job; Delete takes one off the list."""
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.current_id:
            self.moved.emit(self.current_id, -1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() == Qt.Key.Key_Delete and self.current_id:
            self.removed.emit(self.current_id)
        else:
            super().keyPressEvent(event)
