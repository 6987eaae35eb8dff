"""A row that goes on in a further line where there is no room: words of another language are longer, and so is text at
200 %."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QStyle, QWidget


class FlowLayout(QLayout):
    """Widgets one after the other at the sizes that they ask for, in as many lines as they need; those that expand
    share what is left of their line; with ``centred`` each line stands in the middle. From right to left where the
    language is written so."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8, centred: bool = False) -> None:
        super().__init__(parent)
        self._centred = centred
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """Take an item (called by Qt)."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at a place; ``None`` beyond the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Give the item at a place away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """None: it takes the lines that it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Narrower means higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of all lines."""
        return self._lay(QRect(0, 0, width, 0), test=True)

    def sizeHint(self) -> QSize:
        """All in one line."""
        held = [item.sizeHint() for item in self._shown()]
        width = sum(size.width() for size in held) + self.spacing() * max(0, len(held) - 1)
        return QSize(width, max((size.height() for size in held), default=0)) + self._margins()

    def minimumSize(self) -> QSize:
        """The widest item."""
        size = QSize()
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return size + self._margins()

    def setGeometry(self, rect: QRect) -> None:
        """Lay everything out."""
        super().setGeometry(rect)
        self._lay(rect, test=False)

    def _margins(self) -> QSize:
        margins = self.contentsMargins()
        return QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _lay(self, rect: QRect, test: bool) -> int:
        margins = self.contentsMargins()
        area = rect.adjusted(margins.left(), margins.top(), -margins.right(), -margins.bottom())
        y = area.top()
        line: list[QLayoutItem] = []
        used = 0
        for item in self._shown():
            wide = item.sizeHint().width()
            if line and used + self.spacing() + wide > area.width():
                y += self._line(line, area, y, test) + self.spacing()
                line, used = [], 0
            used += wide + (self.spacing() if line else 0)
            line.append(item)
        if line:
            y += self._line(line, area, y, test)
        return y - rect.top() + margins.bottom()

    def _line(self, line: list[QLayoutItem], area: QRect, y: int, test: bool) -> int:
        """Lay one line out; its height."""
        sizes = [item.sizeHint() for item in line]
        height = max(size.height() for size in sizes)
        if test:
            return height
        spare = area.width() - sum(size.width() for size in sizes) - self.spacing() * (len(line) - 1)
        growing = [place for place, item in enumerate(line) if _grows(item)]
        parent = self.parentWidget()
        x = area.left() + (max(0, spare) // 2 if self._centred and not growing else 0)
        for place, (item, size) in enumerate(zip(line, sizes, strict=True)):
            width = size.width()
            if spare < 0:
                width = min(width, area.width())
            elif place in growing:
                width += spare // len(growing)
            high = height if item.expandingDirections() & Qt.Orientation.Vertical else min(height, size.height())
            box = QRect(x, y + (height - high) // 2, width, high)
            direction = parent.layoutDirection() if parent is not None else Qt.LayoutDirection.LeftToRight
            item.setGeometry(QStyle.visualRect(direction, area, box))
            x += width + self.spacing()
        return height


def _grows(item: QLayoutItem) -> bool:
    widget = item.widget()
    if widget is None:
        return bool(item.expandingDirections() & Qt.Orientation.Horizontal)
    return bool(widget.sizePolicy().horizontalPolicy().value & QSizePolicy.PolicyFlag.ExpandFlag.value)
