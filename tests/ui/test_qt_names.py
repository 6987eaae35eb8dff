"""Qt's own methods are never buried: whoever calls ``widget.width()`` gets the width, not a method or value of ours.

Overriding what Qt made to be overridden is the purpose of a subclass; those names are listed. Everything else that a Qt
class has (``width``, ``move``, ``lower``, ``style`` …) must not be taken for a method, a signal or an attribute.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from types import ModuleType

import pytest
from PySide6.QtCore import QObject

import desktop.services
import desktop.ui

# Virtual functions of the classes that we derive from (Qt 6 reference), and QThread's entry.
VIRTUAL = frozenset(
    [
        "event",
        "eventFilter",
        "timerEvent",
        "childEvent",
        "customEvent",
        "connectNotify",
        "disconnectNotify",
        "paintEvent",
        "resizeEvent",
        "moveEvent",
        "showEvent",
        "hideEvent",
        "closeEvent",
        "changeEvent",
        "enterEvent",
        "leaveEvent",
        "actionEvent",
        "mousePressEvent",
        "mouseReleaseEvent",
        "mouseMoveEvent",
        "mouseDoubleClickEvent",
        "wheelEvent",
        "keyPressEvent",
        "keyReleaseEvent",
        "focusInEvent",
        "focusOutEvent",
        "focusNextPrevChild",
        "contextMenuEvent",
        "tabletEvent",
        "inputMethodEvent",
        "inputMethodQuery",
        "dragEnterEvent",
        "dragMoveEvent",
        "dragLeaveEvent",
        "dropEvent",
        "nativeEvent",
        "viewportEvent",
        "sizeHint",
        "minimumSizeHint",
        "heightForWidth",
        "hasHeightForWidth",
        "setVisible",
        "initStyleOption",
        "accept",
        "reject",
        "done",
        "validatePage",
        "isComplete",
        "nextId",
        "initializePage",
        "cleanupPage",
        "rowCount",
        "columnCount",
        "data",
        "setData",
        "headerData",
        "index",
        "parent",
        "flags",
        "roleNames",
        "sort",
        "canFetchMore",
        "isEmpty",
        "translate",
        "fetchMore",
        "mimeData",
        "mimeTypes",
        "supportedDropActions",
        "supportedDragActions",
        "canDropMimeData",
        "dropMimeData",
        "filterAcceptsRow",
        "lessThan",
        "paint",
        "createEditor",
        "setEditorData",
        "setModelData",
        "updateEditorGeometry",
        "helpEvent",
        "editorEvent",
        "displayText",
        "scrollContentsBy",
        "selectionChanged",
        "currentChanged",
        "startDrag",
        "indexAt",
        "visualRect",
        "scrollTo",
        "moveCursor",
        "run",
        "boundingRect",
        "shape",
        "textFromValue",
        "valueFromText",
        "validate",
        "paintSection",
        "horizontalOffset",
        "verticalOffset",
        "updateGeometries",
        "rowsInserted",
        "reset",
        "isIndexHidden",
        "visualRegionForSelection",
        "setSelection",
        "showPopup",
        "hidePopup",
    ]
)


def modules() -> Iterator[ModuleType]:
    for package in (desktop.services, desktop.ui):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def classes() -> list[type]:
    found = {
        one
        for module in modules()
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, QObject) and one.__module__ == module.__name__
    }
    return sorted(found, key=lambda one: (one.__module__, one.__qualname__))


def of_qt(cls: type) -> set[str]:
    """The names that the Qt classes below ``cls`` have."""
    names: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.startswith("PySide6."):
            names |= {name for name in vars(base) if not name.startswith("_")}
    return names


def own(cls: type) -> set[str]:
    """What ``cls`` itself defines, and the attributes that its methods set on ``self``."""
    names = {name for name in vars(cls) if not name.startswith("_")}
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "self" and not node.attr.startswith("_"):
            names.add(node.attr)
    return names - {"staticMetaObject"}


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: f"{cls.__module__}.{cls.__qualname__}")
def test_nothing_of_qt_is_buried(cls: type) -> None:
    assert not (own(cls) & of_qt(cls)) - VIRTUAL


def test_a_buried_name_would_be_found() -> None:
    from PySide6.QtWidgets import QWidget

    class Buried(QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.width = 3  # type: ignore[assignment, method-assign]

        def lower(self) -> None: ...

        def paintEvent(self, event: object) -> None: ...

    assert (own(Buried) & of_qt(Buried)) - VIRTUAL == {"width", "lower"}
