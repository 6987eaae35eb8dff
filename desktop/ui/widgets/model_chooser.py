"""Choosing the model that answers: name, what it is for, whether it can answer, and the way to its card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.core.translate import on_card
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import Sign, make_label, put_beside, set_role, tip

if TYPE_CHECKING:
    from desktop.store.store import ModelEntry

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_IdRole = int(Qt.ItemDataRole.UserRole) + 1
_StateRole = _IdRole + 1
_SummaryRole = _IdRole + 2


def state_word(state: str) -> str:
    """The state of a model in words."""
    words = {
        "ready": QCoreApplication.translate("ModelChooser", "Ready"),
        "weights-not-installed": QCoreApplication.translate("ModelChooser", "Weights not installed"),
        "damaged": QCoreApplication.translate("ModelChooser", "Damaged"),
    }
    return words.get(state, state)


_STATE_ICONS = {"ready": "check", "weights-not-installed": "drop", "damaged": "error"}
_STATE_TONES = {"ready": "secondary", "weights-not-installed": "caution", "damaged": "wrong"}


class ModelChooser(QWidget):
    """A drop-down of models with the chosen one's summary below and a button that opens its card.

    ``selected`` carries the id when the user chooses a model that can answer. Choosing one that cannot leaves the
    choice as it was and asks for its card, which says what is the matter: ``card_requested`` carries its id.
    """

    selected = Signal(str)
    card_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._current = ""
        self._entries = _Entries(self)
        self._combo = _Combo()
        self._combo.setModel(self._entries)
        self._combo.setItemDelegate(_EntryDelegate(self._combo))
        self._combo.setAccessibleName(self.tr("Model"))
        self._combo.setMaxVisibleItems(8)
        self._combo.activated.connect(self._choose)
        self._card = QToolButton()
        self._card.setAccessibleName(self.tr("About this model"))
        self._card.setToolTip(self.tr("About this model"))
        self._card.setIconSize(QSize(20, 20))
        self._card.setMinimumSize(32, 32)
        self._card.clicked.connect(self._ask_card)
        self._summary = make_label("", "secondary", wrap=True)
        self._state = make_label("", "caution", wrap=True)
        self._sign = Sign("drop", "caution", "")
        self._trouble = QWidget()
        beside = QHBoxLayout(self._trouble)
        beside.setContentsMargins(0, 0, 0, 0)
        put_beside(beside, self._sign, self._state)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._combo, 1)
        row.addWidget(self._card)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self._trouble)
        layout.addWidget(self._summary)
        layout.addStretch(1)
        self.setFocusProxy(self._combo)
        theme().changed.connect(self._tint)
        self._tint()
        self._describe()

    def set_entries(self, entries: Sequence[ModelEntry]) -> None:
        """List these models. The choice stays where its model is still listed; else none is chosen."""
        self._entries.set_entries(entries)
        self.set_current(self._current)

    @property
    def current_id(self) -> str:
        """The id of the chosen model, '' for none."""
        return self._current

    def set_current(self, model_id: str) -> None:
        """Choose a model without telling anyone; an unknown id chooses none."""
        row = self._entries.row_of(model_id)
        self._current = model_id if row >= 0 else ""
        self._combo.setCurrentIndex(row)
        self._describe()

    def _choose(self, row: int) -> None:
        entry = self._entries.entry(row)
        if entry is None:
            return
        if entry.state != "ready":
            self.set_current(self._current)
            self.card_requested.emit(entry.id)
        elif entry.id != self._current:
            self.set_current(entry.id)
            self.selected.emit(entry.id)

    def _ask_card(self) -> None:
        if self._current:
            self.card_requested.emit(self._current)

    def _describe(self) -> None:
        entry = self._entries.entry(self._entries.row_of(self._current))
        self._card.setEnabled(entry is not None)
        ready = entry is None or entry.state == "ready"
        self._trouble.setVisible(not ready)
        if entry is None:
            empty = self._entries.rowCount() == 0
            self._summary.setText(self.tr("No model is installed.") if empty else self.tr("Choose a model."))
            self._combo.setAccessibleDescription("")
            return
        self._state.setText(state_word(entry.state) + (f": {entry.problem}" if entry.problem else ""))
        self._sign.set_sign(_STATE_ICONS[entry.state], _STATE_TONES[entry.state])
        set_role(self._state, "error" if entry.state == "damaged" else "caution")
        summary = on_card(entry.manifest.card.summary) if entry.manifest else ""
        self._summary.setText(summary)
        self._summary.setVisible(bool(summary))
        self._combo.setAccessibleDescription(f"{state_word(entry.state)}. {summary}")

    def _tint(self) -> None:
        self._card.setIcon(theme().icon("info", 20))
        self._combo.update()


class _Entries(QAbstractListModel):
    """The models of the store as rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[ModelEntry] = []

    def set_entries(self, entries: Sequence[ModelEntry]) -> None:
        self.beginResetModel()
        self._entries = list(entries)
        self.endResetModel()

    def entry(self, row: int) -> ModelEntry | None:
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, model_id: str) -> int:
        return next((row for row, entry in enumerate(self._entries) if entry.id == model_id), -1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row())
        if entry is None:
            return None
        name = on_card(entry.manifest.name) if entry.manifest else entry.id
        summary = entry.problem or (on_card(entry.manifest.card.summary) if entry.manifest else "")
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == _IdRole:
            return entry.id
        if role == _StateRole:
            return entry.state
        if role == _SummaryRole:
            return summary
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(summary)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{name}, {state_word(entry.state)}"
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return summary
        return None


class _EntryDelegate(QStyledItemDelegate):
    """Two lines a model: its name with its state at the other end, its summary below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(240, option.fontMetrics.height() * 2 + 16)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(option.rect, QColor(tokens.surface))
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setBrush(QColor(tokens.soft))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(option.rect).adjusted(2, 2, -2, -2), 6, 6)
        area = option.rect.adjusted(12, 7, -12, -7)
        half = area.height() // 2
        state = index.data(_StateRole)
        small = theme().font("secondary")
        word = state_word(state)
        word_width = QFontMetrics(small).horizontalAdvance(word) + 2
        leading = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        tone = getattr(tokens, _STATE_TONES[state])

        def place(x: int, y: int, width: int, height: int) -> QRect:
            return QStyle.visualRect(option.direction, area, QRect(area.left() + x, area.top() + y, width, height))

        painter.setFont(option.font)
        painter.setPen(QColor(tokens.text))
        room = area.width() - word_width - 28
        name = QFontMetrics(option.font).elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(place(0, 0, room, half), int(leading), name)
        icon = theme().icon(_STATE_ICONS[state], 16, tone)
        icon.paint(painter, place(area.width() - word_width - 20, (half - 16) // 2, 16, 16))
        painter.setFont(small)
        painter.setPen(QColor(tone))
        painter.drawText(place(area.width() - word_width, 0, word_width, half), int(leading), word)
        painter.setPen(QColor(tokens.secondary))
        summary = QFontMetrics(small).elidedText(
            str(index.data(_SummaryRole)), Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(place(0, half, area.width(), area.height() - half), int(leading), summary)
        painter.restore()


class _Combo(QComboBox):
    """A drop-down that changes only on purpose: the wheel passes by, arrows open the list."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if event.key() in keys and self.count():
            self.showPopup()
        else:
            super().keyPressEvent(event)

    def showPopup(self) -> None:
        # The list may be wider than the pane: names and states should be readable in full.
        self.view().setMinimumWidth(max(self.width(), 420))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QStylePainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        focused = self.hasFocus()
        painter.setBrush(QColor(tokens.surface))
        painter.setPen(QPen(QColor(tokens.accent if focused else tokens.secondary), 2 if focused else 1))
        inset = 1.0 if focused else 0.5
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 6, 6)
        inner = self.rect().adjusted(10, 2, -8, -2)
        arrow = QRect(inner.right() - 16, inner.center().y() - 8, 16, 16)
        icon = theme().icon("chevron-down", 16, tokens.secondary)
        icon.paint(painter, QStyle.visualRect(self.layoutDirection(), inner, arrow))
        chosen = self.currentIndex() >= 0
        words = self.currentText() if chosen else self.tr("Choose a model")
        room = inner.width() - 24
        text = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)
        painter.setPen(QColor(tokens.text if chosen and self.isEnabled() else tokens.secondary))
        spot = QRect(inner.left(), inner.top(), room, inner.height())
        leading = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        flags = int(leading | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QStyle.visualRect(self.layoutDirection(), inner, spot), flags, text)
