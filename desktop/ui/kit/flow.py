"""A row that goes on in a second one where it has no room: nothing of it is cut off in a narrow window."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget

_GROWING = (QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)


class FlowLayout(QLayout):
    """Lays widgets out like words: from the side where one begins to read, as many a line as fit.

    What expands sideways shares the room that its line has left. ``spacing`` lies between widgets and lines.
    """

    def __init__(self, parent: QWidget | None = None, spacing: int = 8) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item; Qt calls this."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item in a place, ``None`` where there is none."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take an item out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """It takes all the width that there is, and no more height than it needs."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        """Its height follows from its width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of all lines."""
        return self._arrange(QRect(0, 0, width, 0), apply=False)

    def sizeHint(self) -> QSize:
        """All in one line."""
        seen = self._seen()
        width = sum(item.sizeHint().width() for item in seen) + self.spacing() * max(0, len(seen) - 1)
        height = max((item.sizeHint().height() for item in seen), default=0)
        margins = self.contentsMargins()
        return QSize(width + margins.left() + margins.right(), height + margins.top() + margins.bottom())

    def minimumSize(self) -> QSize:
        """The widest widget."""
        out = QSize()
        for item in self._seen():
            out = out.expandedTo(item.minimumSize())
        margins = self.contentsMargins()
        return out + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def setGeometry(self, rect: QRect) -> None:
        """Lay the widgets out in ``rect``."""
        super().setGeometry(rect)
        self._arrange(rect, apply=True)

    def _seen(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._seen():
            need = _width_of(item)
            if lines[-1] and used + self.spacing() + need > width:
                lines.append([])
            used = need if not lines[-1] else used + self.spacing() + need
            lines[-1].append(item)
        return lines

    def _arrange(self, rect: QRect, apply: bool) -> int:
        margins = self.contentsMargins()
        inner = rect.adjusted(margins.left(), margins.top(), -margins.right(), -margins.bottom())
        parent = self.parentWidget()
        mirrored = parent is not None and parent.isRightToLeft()
        top = inner.top()
        for line in self._lines(inner.width()):
            high = max((item.sizeHint().height() for item in line), default=0)
            widths = [_width_of(item) for item in line]
            left_over = inner.width() - sum(widths) - self.spacing() * max(0, len(line) - 1)
            growing = [at for at, item in enumerate(line) if _grows(item)]
            for at in growing:
                widths[at] += max(0, left_over) // len(growing)
            along = 0
            for item, width in zip(line, widths, strict=True):
                if apply:
                    width = min(width, inner.width())
                    left = inner.right() + 1 - along - width if mirrored else inner.left() + along
                    place = QRect(QPoint(left, top), QSize(width, high))
                    tall = min(high, max(item.sizeHint().height(), item.minimumSize().height()))
                    place.setTop(top + (high - tall) // 2)
                    place.setHeight(tall)
                    item.setGeometry(place)
                along += width + self.spacing()
            top += high + self.spacing()
        return max(0, top - self.spacing() - inner.top()) + margins.top() + margins.bottom()


def _grows(item: QLayoutItem) -> bool:
    widget = item.widget()
    return widget is not None and widget.sizePolicy().horizontalPolicy() in _GROWING


def _width_of(item: QLayoutItem) -> int:
    """What an item needs: what expands is content with little."""
    return item.minimumSize().width() if _grows(item) else item.sizeHint().width()
