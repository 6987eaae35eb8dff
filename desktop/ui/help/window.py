"""The help's window: contents and search at the left, the page at the right; it remembers its place.

It is made when it is first asked for, and reads the pages in a thread. A window of its own, so that it can stay beside
what it explains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QByteArray, QSize, Qt, Slot
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.app.help_pages import START, Help, Hit, parse, terms, the_help
from desktop.core.types import FoveaError
from desktop.services.background import DiskWork
from desktop.services.settings import Settings
from desktop.ui.help.page_view import PageView
from desktop.ui.help.results import Results
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, make_label

SHORTCUTS = "shortcuts"
"""The page whose tables are made of the window's own commands."""
_FIRST_SIZE = QSize(940, 680)
_TOPIC = Qt.ItemDataRole.UserRole
_ZOOMS = (60, 300)
_KEPT_PLACES = 50


@dataclass(slots=True)
class _Place:
    """Where one was: a topic, and how far down its page."""

    topic: str
    share: float = 0.0


@dataclass(slots=True)
class _History:
    """Places in the order in which they were visited; ``at`` is the one that is shown."""

    places: list[_Place] = field(default_factory=list)
    at: int = -1

    def visit(self, topic: str) -> None:
        """Go on to another place: what lay ahead is forgotten."""
        self.places = [*self.places[: self.at + 1][-100:], _Place(topic)]
        self.at = len(self.places) - 1

    @property
    def here(self) -> _Place | None:
        return self.places[self.at] if self.places else None


class HelpWindow(QWidget):
    """Opened by :meth:`show_topic`. ``keys`` makes the page of shortcuts from its text and the window's commands."""

    def __init__(self, settings: Settings, keys: Callable[[str], str], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._settings = settings
        self._keys = keys
        self._help: Help | None = None
        self._wanted = ""
        self._history = _History()
        self._shares: dict[str, float] = {}
        self._disk = DiskWork("help")
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.setWindowTitle(self.tr("Fovea Help"))
        self._build()
        self._build_keys()
        self._restore()
        theme().changed.connect(self._dress)
        self._dress()
        self._disk.run(self._read, self._on_read, self._on_failure)

    # Opening

    def show_topic(self, topic: str) -> None:
        """Come to the front with the page of ``topic`` ('' the first page); a page that is shown keeps its place."""
        self._wanted = topic or START
        if self._help is not None:
            self._open_wanted()
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    @property
    def page_id(self) -> str:
        """The page that is shown; '' before the first."""
        return self.page.page.id if self.page.page is not None else ""

    @property
    def ready(self) -> bool:
        """Whether the pages were read."""
        return self._help is not None

    def _read(self) -> Help:
        return the_help()

    def _on_read(self, held: Help) -> None:
        pages = [
            parse(page.id, self._keys(page.markdown)) if page.id == SHORTCUTS else page for page in held.pages.values()
        ]
        self._help = Help(pages)
        self._fill_contents()
        if self._wanted:
            self._open_wanted()
        if self.search.text():
            self._look()

    def _on_failure(self, error: Exception) -> None:
        words = f"{error.message}. {error.hint}" if isinstance(error, FoveaError) else str(error)
        self._found.setText(self.tr("The help cannot be read: {0}").format(words))
        self._found.show()

    def _open_wanted(self) -> None:
        topic, self._wanted = self._wanted, ""
        held = self._help
        assert held is not None
        try:
            page, anchor = held.at(topic)
        except FoveaError:  # what has no page of its own is found from the first one
            page, anchor = held.pages[START], ""
        if page.id != self.page_id or anchor:
            self.go(f"{page.id}#{anchor}" if anchor else page.id)

    # Going about

    @Slot(str)
    def go(self, topic: str) -> None:
        """Show ``topic``, where one can come back from."""
        self._leave()
        if self._show(topic):
            self._history.visit(topic)
            self._say_where()

    @Slot()
    def back(self) -> None:
        """The page before."""
        self._step(-1)

    @Slot()
    def forward(self) -> None:
        """The page that one came back from."""
        self._step(1)

    @Slot()
    def home(self) -> None:
        """The first page."""
        self.search.clear()
        self.go(START)

    def _step(self, by: int) -> None:
        there = self._history.at + by
        if not 0 <= there < len(self._history.places):
            return
        self._leave()
        self._history.at = there
        place = self._history.places[there]
        self._show(place.topic)
        self.page.share = place.share
        self._say_where()

    def _leave(self) -> None:
        """Keep the place in the page that is about to go."""
        here = self._history.here
        if here is not None:
            here.share = self.page.share
        if self.page_id:
            self._shares[self.page_id] = self.page.share

    def _show(self, topic: str) -> bool:
        held = self._help
        if held is None:
            return False
        try:
            page, anchor = held.at(topic)
        except FoveaError:
            return False
        self.page.show_page(page, anchor, terms(self.search.text()))
        if not anchor:
            self.page.share = self._shares.get(page.id, 0.0)
        self.setWindowTitle(self.tr("{0} – Fovea Help").format(page.title))
        self._mark_contents(page.id)
        return True

    @Slot(bool)
    def _on_mouse_keys(self, backwards: bool) -> None:
        self._step(-1 if backwards else 1)

    def _say_where(self) -> None:
        self._back.setEnabled(self._history.at > 0)
        self._forward.setEnabled(self._history.at < len(self._history.places) - 1)

    # Searching

    @Slot()
    def focus_search(self) -> None:
        """Put the keyboard into the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def _look(self) -> None:
        words = self.search.text()
        looked = terms(words)
        self._left.setCurrentWidget(self.results if looked else self.contents)
        self._found.setVisible(bool(looked))
        self.page.mark(looked)
        if not looked or self._help is None:
            self.results.set_hits([])
            return
        hits = self._help.find(words)
        self.results.set_hits(hits)
        self._found.setText(
            self.tr("Nothing found. Try fewer words, or the beginning of one.")
            if not hits
            else self.tr("Found in 1 place")
            if len(hits) == 1
            else self.tr("Found in {0} places").format(count(len(hits)))
        )

    @Slot()
    def _look_at_hit(self) -> None:
        """Arrows show a hit; only what is opened can be come back to."""
        hit = self.results.hit
        if hit is not None and self.results.hasFocus():
            self._show(hit.topic)
            self.page.first_mark_after(hit.section.anchor)

    @Slot()
    def _open_hit(self) -> None:
        hit: Hit | None = self.results.hit
        if hit is not None:
            self.go(hit.topic)
            self.page.first_mark_after(hit.section.anchor)

    @Slot()
    def _to_results(self) -> None:
        """Enter in the search opens the first hit; the keyboard goes to the list."""
        if self.results.count():
            self.results.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.results.setCurrentRow(0)
            self._open_hit()

    @Slot()
    def _next(self) -> None:
        self.page.step(1)

    @Slot()
    def _previous(self) -> None:
        self.page.step(-1)

    @Slot()
    def _escape(self) -> None:
        if self.search.text():
            self.search.clear()
            self.page.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.close()

    # Text size

    @Slot()
    def _larger(self) -> None:
        self.set_zoom(self.page.zoom + 10)

    @Slot()
    def _smaller(self) -> None:
        self.set_zoom(self.page.zoom - 10)

    @Slot()
    def _as_at_first(self) -> None:
        self.set_zoom(100)

    def set_zoom(self, percent: int) -> None:
        """Show pages with text of that size."""
        self.page.zoom = min(max(percent, _ZOOMS[0]), _ZOOMS[1])
        self._draw_page()

    # Inside

    def _build(self) -> None:
        self._icons: dict[QToolButton, str] = {}
        self._back = self._button("chevron-left", self.tr("Back"), self.back)
        self._forward = self._button("chevron-right", self.tr("Forward"), self.forward)
        home = self._button("list", self.tr("The first page"), self.home)
        smaller = self._button("zoom-out", self.tr("Smaller text"), self._smaller)
        larger = self._button("zoom-in", self.tr("Larger text"), self._larger)
        self._say_where()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the help"))
        self.search.setAccessibleName(self.tr("Search the help"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._look)
        self.search.returnPressed.connect(self._to_results)
        self._found = make_label("", "secondary", wrap=True)
        self._found.hide()
        self.contents = QTreeWidget()
        self.contents.setHeaderHidden(True)
        self.contents.setAccessibleName(self.tr("Pages of the help"))
        self.contents.itemClicked.connect(self._open_item)
        self.contents.itemActivated.connect(self._open_item)
        self.results = Results()
        self.results.currentItemChanged.connect(self._look_at_hit)
        self.results.itemClicked.connect(self._open_hit)
        self.results.itemActivated.connect(self._open_hit)
        self._left = QStackedWidget()
        self._left.addWidget(self.contents)
        self._left.addWidget(self.results)
        self.page = PageView()
        self.page.followed.connect(self.go)
        self.page.went_back.connect(self._on_mouse_keys)
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 12, 6, 12)
        column.setSpacing(8)
        for part in (self.search, self._found):
            column.addWidget(part)
        column.addWidget(self._left, 1)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self._back, self._forward, home):
            row.addWidget(button)
        row.addStretch(1)
        for button in (smaller, larger):
            row.addWidget(button)
        column = QVBoxLayout(right)
        column.setContentsMargins(6, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.page, 1)
        self.panes = QSplitter()
        self.panes.addWidget(left)
        self.panes.addWidget(right)
        self.panes.setCollapsible(1, False)
        self.panes.setStretchFactor(1, 1)
        self.panes.setSizes([260, 680])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panes)
        QWidget.setTabOrder(self.search, self.contents)
        self.setMinimumSize(480, 320)

    def _button(self, icon: str, words: str, slot: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        button.setAccessibleName(words)
        button.setToolTip(words)
        button.setIconSize(QSize(20, 20))
        button.clicked.connect(slot)
        self._icons[button] = icon
        return button

    def _build_keys(self) -> None:
        for keys, slot in (
            ("Ctrl+F", self.focus_search), ("Alt+Left", self.back), ("Alt+Right", self.forward),
            ("Alt+Home", self.home), ("F3", self._next), ("Shift+F3", self._previous), ("Ctrl++", self._larger),
            ("Ctrl+=", self._larger), ("Ctrl+-", self._smaller), ("Ctrl+0", self._as_at_first), ("Esc", self._escape),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), self).activated.connect(slot)

    def _fill_contents(self) -> None:
        assert self._help is not None
        self.contents.clear()
        for page in self._help.pages.values():
            item = QTreeWidgetItem([page.title])
            item.setData(0, _TOPIC, page.id)
            self.contents.addTopLevelItem(item)
            for section in page.sections[1:]:
                if section.level == 2:
                    below = QTreeWidgetItem([section.title])
                    below.setData(0, _TOPIC, f"{page.id}#{section.anchor}")
                    item.addChild(below)

    def _mark_contents(self, page_id: str) -> None:
        for row in range(self.contents.topLevelItemCount()):
            item = self.contents.topLevelItem(row)
            if item is not None and item.data(0, _TOPIC) == page_id:
                current = self.contents.currentItem()
                if current is None or current.parent() is not item:
                    self.contents.setCurrentItem(item)
            if item is not None:
                item.setExpanded(item.data(0, _TOPIC) == page_id)

    @Slot(QTreeWidgetItem)
    def _open_item(self, item: QTreeWidgetItem) -> None:
        self.go(item.data(0, _TOPIC))

    @Slot()
    def _dress(self) -> None:
        for button, icon in self._icons.items():
            button.setIcon(theme().icon(icon, 20))
        t = theme().tokens
        self.contents.setStyleSheet(
            "QTreeView::item { padding: 4px 2px; } "
            f"QTreeView::item:selected {{ background: {t.soft}; color: {t.text}; }}"
        )
        self.results.viewport().update()
        self._draw_page()

    def _draw_page(self) -> None:
        self.page.render_page()
        self.page.mark(terms(self.search.text()))

    # What is remembered

    def _restore(self) -> None:
        held = self._settings.get("help")
        geometry = held.get("geometry")
        if not isinstance(geometry, str) or not self.restoreGeometry(_bytes_of(geometry)):
            self.resize(_FIRST_SIZE)
        panes = held.get("panes")
        if isinstance(panes, str):
            self.panes.restoreState(_bytes_of(panes))
        zoom = held.get("zoom")
        if isinstance(zoom, int) and not isinstance(zoom, bool):
            self.page.zoom = min(max(zoom, _ZOOMS[0]), _ZOOMS[1])
        places = held.get("places")
        if isinstance(places, dict):
            self._shares = {
                str(page): float(share)
                for page, share in list(places.items())[:_KEPT_PLACES]
                if isinstance(share, int | float) and 0 <= share <= 1
            }

    def _remember(self) -> None:
        self._leave()
        held: dict[str, Any] = {
            "geometry": _text_of(self.saveGeometry()),
            "panes": _text_of(self.panes.saveState()),
            "zoom": self.page.zoom,
            "places": {page: round(share, 4) for page, share in self._shares.items() if share},
        }
        self._settings.set("help", held)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember size and places."""
        self._remember()
        super().closeEvent(event)

    def close_down(self) -> None:
        """Close for good, with the main window."""
        self.close()
        self._disk.stop()


def _bytes_of(text: str) -> QByteArray:
    return QByteArray.fromBase64(QByteArray(text.encode("ascii", "ignore")))


def _text_of(held: QByteArray) -> str:
    return bytes(held.toBase64().data()).decode("ascii")
