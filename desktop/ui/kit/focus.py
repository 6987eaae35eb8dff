"""The keyboard stays where it was: a control that is switched off or hidden while it works gets it back afterwards.

Qt gives the keyboard of such a control to the next one in the order of the whole window, which is the rail's Help more
often than not: whoever pressed Export with the keyboard was somewhere else when the file was written.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid  # a view may be deleted while its control is remembered


class FocusKeeper(QObject):
    """Watches the windows of ``app``, from when it is made to the end of the program."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._lost: QWidget | None = None
        self._instead: QWidget | None = None
        app.focusChanged.connect(self._on_changed)

    @Slot(QWidget, QWidget)
    def _on_changed(self, old: QWidget | None, now: QWidget | None) -> None:
        if old is not None and now is not None and self._went(old) and old.window() is now.window():
            self._watch(old)
            self._instead = _near(old) or now
            if self._instead is not now:
                self._instead.setFocus(Qt.FocusReason.OtherFocusReason)
        elif now is not self._instead and now is not self._lost:
            self._watch(None)  # the user went on somewhere else

    def _went(self, widget: QWidget) -> bool:
        return isValid(widget) and (not widget.isEnabled() or not widget.isVisible())

    def _watch(self, widget: QWidget | None) -> None:
        if self._lost is not None and isValid(self._lost):
            self._lost.removeEventFilter(self)
        self._lost, self._instead = widget, None
        if widget is not None:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the keyboard back once the control can have it."""
        lost = self._lost
        back = event.type() in (QEvent.Type.EnabledChange, QEvent.Type.Show)
        if back and lost is not None and watched is lost and isValid(lost) and lost.isEnabled() and lost.isVisible():
            still = QApplication.focusWidget() in (self._instead, None)
            self._watch(None)
            if still:
                lost.setFocus(Qt.FocusReason.OtherFocusReason)
        return False


def _near(lost: QWidget) -> QWidget | None:
    """The control that is nearest to a lost one: the next of the same parent that takes the keyboard, else of its
    parent's, up to the view.

    Asks with ``children`` and ``parentWidget`` alone. What ``findChildren`` (or ``focusWidget``, ``nextInFocusChain``)
    of a widget gives, PySide takes from the Python parent that it had. Where that widget is one of Qt's own, as inside
    a wizard, the next moment has no parent at all: the Python halves of pages and buttons may then go while Qt still
    calls them, and the process ends.
    """
    place = lost.parentWidget()
    while place is not None and not place.isWindow():
        found = _first_below(place, lost)
        if found is not None:
            return found
        place = place.parentWidget()
    return None


def _first_below(place: QWidget, lost: QWidget) -> QWidget | None:
    for widget in place.children():
        if not isinstance(widget, QWidget) or widget is lost or not widget.isVisible():
            continue
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled() and widget.focusProxy() is None:
            return widget
        found = _first_below(widget, lost)
        if found is not None:
            return found
    return None
