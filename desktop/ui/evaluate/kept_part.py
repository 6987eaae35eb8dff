"""The list of kept evaluations: opened, deleted, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.core.figures.intervals import proportion
from desktop.ui.evaluate.head import titled
from desktop.ui.kit.formatting import both, count, data_words, moment, number
from desktop.ui.kit.widgets import make_label, set_usable, tip

if TYPE_CHECKING:
    from desktop.core.figures.store import Kept

_BESIDE = 24  # of an entry's width: its padding, and what a style keeps around a text
MOST_LISTED = 200
"""Kept evaluations in the list: the newest."""


class KeptPart(QFrame):
    """The evaluations that were kept. ``opened`` carries the key of one that is double-clicked or entered,
    ``delete_wanted`` the keys of those selected; ``undo_wanted`` takes the last deletion back."""

    opened = Signal(str)
    delete_wanted = Signal(list)
    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Kept evaluations"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setWordWrap(True)
        self.list.setStyleSheet("QListWidget::item { padding: 4px 6px; }")
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.itemActivated.connect(self._on_activated)
        self.list.itemSelectionChanged.connect(self._on_selection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._open = QAction(self.tr("Open"), self.list)
        self._open.triggered.connect(self._open_current)
        self._delete = QAction(self.tr("Delete"), self.list)
        self._delete.triggered.connect(self._delete_selected)
        self.list.addActions([self._open, self._delete])
        self.list.installEventFilter(self)
        self.list.viewport().installEventFilter(self)
        self.open_button = QPushButton(self._open.text())
        self.open_button.setAccessibleName(self.tr("Open the chosen evaluation"))
        self.open_button.clicked.connect(self._open.trigger)
        self.delete_button = QPushButton(self._delete.text())
        self.delete_button.setAccessibleName(self.tr("Delete the chosen evaluations"))
        self.delete_button.clicked.connect(self._delete.trigger)
        buttons = QHBoxLayout()
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.delete_button)
        buttons.addStretch(1)
        self._deleted = QWidget()
        self._deleted_words = make_label("", "secondary", wrap=True)
        undo = QPushButton(self.tr("Undo"))
        undo.setProperty("role", "link")
        undo.setAccessibleName(self.tr("Take the deletion back"))
        undo.clicked.connect(self.undo_wanted)
        line = QHBoxLayout(self._deleted)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._deleted_words, 1)
        line.addWidget(undo)
        self._deleted.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(6)
        layout.addWidget(titled(self.tr("Kept evaluations"), self.list))
        layout.addWidget(
            make_label(self.tr("They open at once, without asking the model again."), "secondary", wrap=True)
        )
        self._any = False
        self._more = make_label("", "secondary")
        self._more.hide()
        layout.addWidget(self.list, 1)
        layout.addWidget(self._more)
        layout.addLayout(buttons)
        layout.addWidget(self._deleted)
        self._on_selection()

    def set_kept(self, kept: list[Kept]) -> None:
        """List these, the newest first; what was selected stays so."""
        chosen = {item.data(Qt.ItemDataRole.UserRole) for item in self.list.selectedItems()}
        self.list.clear()
        for entry in kept[:MOST_LISTED]:
            parts = [data_words(entry.data)]
            if entry.n:
                parts.append(self.tr("right: {0}").format(both(proportion(entry.right, entry.n, ""))))
            notes = [moment(entry.created)]
            if not entry.complete:
                notes.append(self.tr("incomplete"))
            if entry.threshold is not None:
                notes.append(self.tr("threshold {0} chosen").format(number(entry.threshold)))
            lines = "\n".join([entry.model.name, " · ".join(parts), " · ".join(notes)])
            item = QListWidgetItem(lines)
            item.setData(Qt.ItemDataRole.UserRole, entry.key)
            item.setToolTip(tip(entry.data.root))
            self.list.addItem(item)
            item.setSelected(entry.key in chosen)
        self._give_room()
        self._more.setText(self.tr("and {0} older ones").format(count(max(0, len(kept) - MOST_LISTED))))
        self._more.setVisible(len(kept) > MOST_LISTED)
        self._any = bool(kept)
        self.setVisible(self._any or not self._deleted.isHidden())

    def _give_room(self) -> None:
        """As many lines to each entry as it takes in a list this wide: figures and date stand whole."""
        metrics, flags = self.list.fontMetrics(), int(Qt.TextFlag.TextWordWrap)
        width = max(80, self.list.viewport().width() - _BESIDE)
        for place in range(self.list.count()):
            item = self.list.item(place)
            needed = metrics.boundingRect(0, 0, width, 10_000, flags, item.text()).height()
            item.setSizeHint(QSize(width, needed + 16))

    def say_deleted(self, deleted: int) -> None:
        """Say that ``deleted`` evaluations were deleted last, and offer to take that back; 0 hides it."""
        self._deleted_words.setText(
            self.tr("1 evaluation deleted.")
            if deleted == 1
            else self.tr("{0} evaluations deleted.").format(count(deleted))
        )
        self._deleted.setVisible(deleted > 0)
        self.setVisible(self._any or deleted > 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete removes what is selected; a list of another width gives its entries other room."""
        if event.type() == QEvent.Type.Resize and watched is self.list.viewport():
            self._give_room()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            keys = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
            if event.key() in keys and self._delete.isEnabled():
                self._delete.trigger()
                return True
        return super().eventFilter(watched, event)

    @Slot()
    def _on_selection(self) -> None:
        chosen = len(self.list.selectedItems())
        self._open.setEnabled(chosen == 1)
        set_usable(self.open_button, chosen == 1, self.tr("Choose one of them first."))
        set_usable(self.delete_button, chosen > 0, self.tr("Choose some of them first."))
        self._delete.setEnabled(chosen > 0)

    @Slot()
    def _open_current(self) -> None:
        for item in self.list.selectedItems()[:1]:
            self._on_activated(item)

    @Slot()
    def _delete_selected(self) -> None:
        self.delete_wanted.emit([item.data(Qt.ItemDataRole.UserRole) for item in self.list.selectedItems()])

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.opened.emit(item.data(Qt.ItemDataRole.UserRole))
