"""The list of what was found in the help: a page and a heading, and a line of the text with the words marked."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QAbstractTextDocumentLayout, QColor, QPainter, QTextDocument
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.app.help_pages import Hit
from desktop.ui.kit.theme import theme

_HIT = Qt.ItemDataRole.UserRole


class Results(QListWidget):
    """The hits; the chosen one is :attr:`hit`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Found in the help"))
        self.setItemDelegate(_Lines(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)

    def set_hits(self, hits: list[Hit]) -> None:
        """Show ``hits`` in place of those before; none is chosen."""
        self.clear()
        for hit in hits:
            item = QListWidgetItem(title_of(hit))
            item.setData(_HIT, hit)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title_of(hit)}: {hit.excerpt}")
            self.addItem(item)

    @property
    def hits(self) -> list[Hit]:
        """What is listed."""
        return [self.item(row).data(_HIT) for row in range(self.count())]

    @property
    def hit(self) -> Hit | None:
        """The chosen one."""
        item = self.currentItem()
        found: Hit | None = item.data(_HIT) if item is not None else None
        return found


def title_of(hit: Hit) -> str:
    """Where a hit stands, in words."""
    return f"{hit.page.title} › {hit.section.title}" if hit.section.anchor else hit.page.title


class _Lines(QStyledItemDelegate):
    """Draws title and excerpt below each other, as wide as the list."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        view = option.widget
        width = view.viewport().width() if isinstance(view, QListWidget) else 240
        return QSize(width, int(self._document(index.data(_HIT), width).size().height()) + 6)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        room: QRectF = QRectF(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(room, QColor(theme().tokens.soft))
        document = self._document(index.data(_HIT), int(room.width()))
        painter.save()
        painter.translate(room.left(), room.top() + 3)
        context = QAbstractTextDocumentLayout.PaintContext()
        document.documentLayout().draw(painter, context)
        painter.restore()

    def _document(self, hit: Hit, width: int) -> QTextDocument:
        t = theme().tokens
        parts, at = [], 0
        for begin, end in hit.marks:
            marked = escape(hit.excerpt[begin:end])
            parts.append(escape(hit.excerpt[at:begin]))
            parts.append(f"<span style='background:{t.caution_ground}; color:{t.caution};'><u>{marked}</u></span>")
            at = end
        parts.append(escape(hit.excerpt[at:]))
        document = QTextDocument()
        document.setDocumentMargin(6)
        document.setDefaultFont(theme().font("secondary"))
        document.setHtml(
            f"<div style='color:{t.text};'><b>{escape(title_of(hit))}</b></div>"
            f"<div style='color:{t.secondary};'>{''.join(parts)}</div>"
        )
        document.setTextWidth(width)
        return document
