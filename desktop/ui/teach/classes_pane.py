"""The classes of a project: their keys, how many pictures each has; pictures are dropped on them, new ones typed."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.services.teaching import Teaching
from desktop.store.project_facts import TaughtClass
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, make_label, tip
from desktop.ui.teach.pictures_model import MIME

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_ROW = 34
_BADGE = 22


class ClassesModel(QAbstractListModel):
    """The classes in their order."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.classes: list[TaughtClass] = []

    def set_classes(self, classes: list[TaughtClass]) -> None:
        """Show these; the same ones with other counts keep their rows."""
        same = [c.id for c in classes] == [c.id for c in self.classes]
        if same:
            self.classes = classes
            if classes:
                self.dataChanged.emit(self.index(0, 0), self.index(len(classes) - 1, 0))
            return
        self.beginResetModel()
        self.classes = classes
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.classes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self.classes):
            return None
        shown = self.classes[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return shown.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            if shown.key:
                words = self.tr("{0}: {1} pictures, key {2}").format(shown.name, count(shown.count), shown.key)
            else:
                words = self.tr("{0}: {1} pictures").format(shown.name, count(shown.count))
            return tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Pictures can be dropped on a class."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDropEnabled


class _Row(QStyledItemDelegate):
    """Key, name, count."""

    def __init__(self, view: ClassList) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ClassesModel)
        shown = model.classes[index.row()]
        t = theme().tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = option.rect.adjusted(2, 2, -2, -2)
        dropped_on = self._view.under == index.row()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if dropped_on or selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(QColor(t.accent), 2) if dropped_on else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.soft if dropped_on or selected else t.window))
            painter.drawRoundedRect(ground, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(t.accent), 2))
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 6, 6)
        inner = ground.adjusted(6, 0, -8, 0)
        badge = QRect(inner.left(), inner.center().y() - _BADGE // 2 + 1, _BADGE, _BADGE)
        badge = QStyle.visualRect(option.direction, inner, badge)
        font = theme().font("secondary")
        strong = QFont(font)
        strong.setWeight(QFont.Weight.DemiBold)
        if shown.key:
            painter.setPen(QPen(QColor(t.secondary), 1))
            painter.setBrush(QColor(t.surface))
            painter.drawRoundedRect(badge, 4, 4)
            painter.setFont(strong)
            painter.setPen(QColor(t.text))
            painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), shown.key.upper())
        figure = count(shown.count)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        wide = metrics.horizontalAdvance(figure) + 8
        painter.setPen(QColor(t.secondary))
        far = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inner, int(far), figure)
        room = QStyle.visualRect(option.direction, inner, inner.adjusted(_BADGE + 8, 0, -wide, 0))
        text = theme().font("text")
        painter.setFont(text)
        painter.setPen(QColor(t.text))
        near = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        words = QFontMetrics(text).elidedText(shown.name, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, int(near), words)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        field = QLineEdit(parent)
        field.setAccessibleName(self._view.tr("Name of the class"))
        return field

    def setModelData(self, editor: QWidget, model: Any, index: Index) -> None:
        if isinstance(editor, QLineEdit):
            self._view.renamed.emit(model.classes[index.row()].id, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect.adjusted(_BADGE + 12, 2, -4, -2))


class ClassList(QListView):
    """``dropped`` carries ids of pictures and the class they were dropped on; ``renamed`` a class and its new name."""

    dropped = Signal(list, int)
    renamed = Signal(int, str)
    menu_wanted = Signal(int, QPoint)
    removed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.under = -1
        self.setItemDelegate(_Row(self))
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        theme().changed.connect(self.viewport().update)

    def class_at(self, row: int) -> int:
        """The id of the class in a row; 0 for none."""
        model = self.model()
        assert isinstance(model, ClassesModel)
        return model.classes[row].id if 0 <= row < len(model.classes) else 0

    def _on_menu(self, point: QPoint) -> None:
        index = self.indexAt(point)
        if index.isValid():
            self.menu_wanted.emit(self.class_at(index.row()), self.viewport().mapToGlobal(point))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes the class, as a step that can be undone."""
        row = self.currentIndex().row()
        if event.key() == Qt.Key.Key_Delete and row >= 0:
            self.removed.emit(self.class_at(row))
            return
        super().keyPressEvent(event)

    # Pictures dropped on a class; files are the view's

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        row = self.indexAt(event.position().toPoint()).row()
        if event.mimeData().hasFormat(MIME) and row >= 0:
            self._mark(row)
            event.acceptProposedAction()
        else:
            self._mark(-1)
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(-1)

    def dropEvent(self, event: QDropEvent) -> None:
        row = self.indexAt(event.position().toPoint()).row()
        self._mark(-1)
        if event.mimeData().hasFormat(MIME) and row >= 0:
            event.acceptProposedAction()
            text = bytes(event.mimeData().data(MIME).data()).decode()
            self.dropped.emit([int(part) for part in text.split(",") if part.isdigit()], self.class_at(row))
        else:
            event.ignore()

    def _mark(self, row: int) -> None:
        if row != self.under:
            self.under = row
            self.viewport().update()


class ClassesPane(QWidget):
    """The list and the field for a new class. ``labels_wanted`` carries ids and a class; ``class_chosen`` a class that
    was activated: its pictures are wanted; ``new_wanted`` the name of a new class."""

    labels_wanted = Signal(list, int)
    class_chosen = Signal(int)
    new_wanted = Signal(str)
    left = Signal()

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self.model = ClassesModel(self)
        self.list = ClassList()
        self.list.setModel(self.model)
        self.list.setAccessibleName(self.tr("Classes"))
        self._hint = make_label(
            self.tr("Type what there is to tell apart, one class after the other: ‘cat’, Enter, ‘dog’, Enter."),
            "secondary",
            wrap=True,
        )
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("New class"))
        self.field.setAccessibleName(self.tr("Name of a new class; Enter makes it"))
        self.field.setMaxLength(200)
        self.field.returnPressed.connect(self._on_new)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(make_label(self.tr("Classes"), "title"))
        layout.addWidget(self._hint)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.field)
        self.list.dropped.connect(self.labels_wanted)
        self.list.renamed.connect(self._on_renamed)
        self.list.removed.connect(self.remove)
        self.list.menu_wanted.connect(self._show_menu)
        self.list.activated.connect(self._on_activated)
        teaching.changed_classes.connect(self.refresh)
        teaching.opened.connect(self.refresh)
        teaching.closed.connect(self.refresh)
        self.menu: QMenu | None = None

    @Slot()
    def refresh(self) -> None:
        """Show the classes as they are."""
        self.model.set_classes(list(self._teaching.classes))
        self._hint.setVisible(len(self.model.classes) < 2)

    @Slot()
    def _on_new(self) -> None:
        name = self.field.text().strip()
        if name:
            self.field.clear()
            self.new_wanted.emit(name)
        else:
            self.left.emit()

    @Slot(int, str)
    def _on_renamed(self, class_id: int, name: str) -> None:
        shown = self._teaching.class_of(class_id)
        if shown is not None and name.strip() and name != shown.name:
            self._teaching.change(lambda project: project.rename_class(class_id, name))

    @Slot(int)
    def remove(self, class_id: int) -> None:
        """Remove a class; its pictures have no label then. One step of undo."""
        self._teaching.change(lambda project: project.remove_class(class_id))

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.class_chosen.emit(self.list.class_at(index.row()))

    @Slot(int, QPoint)
    def _show_menu(self, class_id: int, place: QPoint) -> None:
        shown = self._teaching.class_of(class_id)
        if shown is None:
            return
        self.menu = menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        show = menu.addAction(self.tr("Show its pictures"))
        show.triggered.connect(lambda: self.class_chosen.emit(class_id))
        rename = menu.addAction(self.tr("Rename…"))
        rename.setShortcut("F2")
        rename.triggered.connect(lambda: self._edit(class_id))
        keys = menu.addMenu(self.tr("Key"))
        for key in "123456789" + "abcdefghijklmnopqrstuvwxyz":
            action = keys.addAction(key.upper())
            action.setCheckable(True)
            action.setChecked(key == shown.key)
            action.triggered.connect(
                lambda _on=False, key=key: self._teaching.change(lambda project: project.set_key(class_id, key))
            )
        others = [c for c in self._teaching.classes if c.id != class_id]
        into = menu.addMenu(self.tr("Merge into"))
        into.setEnabled(bool(others))
        for other in others:
            action = into.addAction(other.name.replace("&", "&&"))
            action.triggered.connect(
                lambda _on=False, other=other.id: self._teaching.change(lambda project: project.merge(class_id, other))
            )
        menu.addSeparator()
        gone = menu.addAction(self.tr("Remove the class"))
        gone.triggered.connect(lambda: self.remove(class_id))
        menu.popup(place)

    def _edit(self, class_id: int) -> None:
        row = next((i for i, c in enumerate(self.model.classes) if c.id == class_id), -1)
        if row >= 0:
            self.list.edit(self.model.index(row, 0))
