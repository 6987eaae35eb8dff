"""Finds text that has no room: asks widgets which size they need and compares it with the one they have.

What shortens itself on purpose (a file name in the middle of a list) says so by the property ``elides``, or has its
whole text in a tool tip.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QTableView,
    QWidget,
)

_SLACK = 1
_TEXTS = QLabel | QAbstractButton | QComboBox | QLineEdit


def faults(root: QWidget) -> list[str]:
    """What of the visible words below ``root`` is cut off, lies outside of its parent or over other words."""
    found = []
    seen = [
        widget for widget in root.findChildren(QWidget) if widget.isVisibleTo(root) and not _inside_scrolled(widget)
    ]
    for widget in seen:
        trouble = _cut(widget) or _outside(widget)
        if trouble:
            found.append(f"{_path(widget, root)}: {trouble}")
    texts = [widget for widget in seen if isinstance(widget, _TEXTS) and _words(widget)]
    found += _overlaps(texts, root)
    return found


def unmirrored(root: QWidget) -> list[str]:
    """Widgets below ``root`` that go on from left to right where the application goes from right to left; pictures,
    plots and texts for computers may."""
    return [
        f"{_path(widget, root)}: left to right"
        for widget in root.findChildren(QWidget)
        if widget.isVisibleTo(root)
        and widget.layoutDirection() != Qt.LayoutDirection.RightToLeft
        and not widget.property("leftToRight")
    ]


def _words(widget: QWidget) -> str:
    if isinstance(widget, QLabel):
        return widget.text() if widget.pixmap().isNull() else ""
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QLineEdit):
        return widget.text() or widget.placeholderText()
    return widget.text() if isinstance(widget, QAbstractButton) else ""


def _cut(widget: QWidget) -> str:
    if widget.property("elides") or widget.width() == 0:
        return ""
    if isinstance(widget, QLabel):
        return _cut_label(widget)
    if isinstance(widget, QAbstractButton) and widget.text() and not isinstance(widget.parent(), QLineEdit):
        need = widget.sizeHint()
        if need.width() > widget.width() + _SLACK or need.height() > widget.height() + 6:
            return f"'{widget.text()}' needs {need.width()}×{need.height()}, has {widget.width()}×{widget.height()}"
    if isinstance(widget, QComboBox) and widget.currentText():
        need_width = widget.fontMetrics().horizontalAdvance(widget.currentText()) + 28
        if need_width > widget.width() + _SLACK and widget.toolTip() == "":
            return f"'{widget.currentText()}' needs {need_width}, has {widget.width()}"
    if isinstance(widget, QLineEdit) and not widget.text() and widget.placeholderText():
        need_width = widget.fontMetrics().horizontalAdvance(widget.placeholderText()) + 8
        if need_width > widget.width() and not widget.toolTip():
            return f"'{widget.placeholderText()}' needs {need_width}, has {widget.width()}"
    if isinstance(widget, QTabBar) and widget.count():
        need_width = sum(widget.tabRect(place).width() for place in range(widget.count()))
        if need_width > widget.width() + _SLACK:
            return f"tabs need {need_width}, have {widget.width()}"
    if isinstance(widget, QHeaderView) and widget.orientation() == Qt.Orientation.Horizontal and widget.model():
        return _cut_header(widget)
    return ""


def _cut_label(label: QLabel) -> str:
    text = label.text()
    if not text or not label.pixmap().isNull():
        return ""
    if label.wordWrap():
        need = label.heightForWidth(label.width())
        if need > label.height() + 2:
            return f"'{text}' needs a height of {need}, has {label.height()}"
        longest = max(
            (label.fontMetrics().horizontalAdvance(word) for word in re.split(r"[\s\u200b]+", _plain(text))), default=0
        )
        return f"a word of '{text}' needs {longest}, has {label.width()}" if longest > label.width() + 2 else ""
    need = label.sizeHint().width()
    if need > label.width() + _SLACK and not label.toolTip():
        return f"'{text}' needs {need}, has {label.width()}"
    return ""


def _plain(text: str) -> str:
    return re.sub(r"<[^>]+>", " ", text)


def _cut_header(header: QHeaderView) -> str:
    model = header.model()
    for place in range(header.count()):
        if header.isSectionHidden(place) or header.sectionSize(place) == 0:
            continue
        text = str(model.headerData(place, Qt.Orientation.Horizontal) or "")
        tip = model.headerData(place, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        need = header.fontMetrics().horizontalAdvance(text) + 6
        if need > header.sectionSize(place) + _SLACK and not tip:
            return f"head '{text}' needs {need}, has {header.sectionSize(place)}"
    return ""


def _outside(widget: QWidget) -> str:
    parent = widget.parentWidget()
    if parent is None or widget.isWindow() or _may_stick_out(parent) or not isinstance(widget, _TEXTS):
        return ""
    if not parent.rect().adjusted(-2, -2, 2, 2).contains(widget.geometry()):
        return f"'{_words(widget)}' at {_numbers(widget.geometry())} leaves its parent of {_numbers(parent.rect())}"
    return ""


def _may_stick_out(parent: QWidget) -> bool:
    grand = parent.parentWidget()
    return isinstance(parent, QAbstractScrollArea | QStackedWidget) or isinstance(grand, QAbstractScrollArea)


def _inside_scrolled(widget: QWidget) -> bool:
    """Inside something that is scrolled sideways as well, or is no widget of ours (an item view's editor)."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QTableView) and not isinstance(widget, QHeaderView):
            return True
        if isinstance(parent, QScrollArea) and parent.horizontalScrollBar().maximum() > 0:
            return False
        parent = parent.parentWidget()
    return False


def _overlaps(texts: list[QWidget], root: QWidget) -> list[str]:
    """Pairs of words that lie over each other and belong to one layout."""
    found = []
    boxes = [QRect(widget.mapTo(root, QPoint(0, 0)), widget.size()) for widget in texts]
    for i, one in enumerate(texts):
        for j in range(i + 1, len(texts)):
            other = texts[j]
            if one.parentWidget() is not other.parentWidget():
                continue
            both = boxes[i] & boxes[j]
            if both.width() > 2 and both.height() > 2:
                found.append(f"{_path(one, root)}: '{_words(one)}' and '{_words(other)}' overlap by {_numbers(both)}")
    return found


def _numbers(box: QRect) -> str:
    return f"{box.x()},{box.y()} {box.width()}×{box.height()}"


def _path(widget: QWidget, root: QWidget) -> str:
    names: list[str] = []
    while widget is not None and widget is not root:
        names.append(type(widget).__name__)
        widget = widget.parentWidget()  # type: ignore[assignment]
    return " < ".join(names[:4])
