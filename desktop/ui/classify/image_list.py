"""The list of images: count, filter, thumbnails in a grid or as rows; typing filters, Space looks, Delete removes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QObject, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.services.session import ImageItem, Session
from desktop.ui.classify.image_cells import ROW, THUMBNAIL, ImageDelegate
from desktop.ui.classify.images_model import ImagesModel
from desktop.ui.kit.theme import text_width, theme
from desktop.ui.kit.widgets import caption, decimals, hint_in
from desktop.ui.widgets.gallery import Gallery

if TYPE_CHECKING:
    from desktop.app.batch_columns import RowSaid

_SCORES = (0.5, 0.7, 0.8, 0.9, 0.95)
"""Where the funnel divides scores."""


def _kind_of(rule: str) -> str:
    """Of rules that exclude each other one can be chosen; stars and notes are two things."""
    kind = rule.partition(":")[0]
    return {"below": "score", "from": "score", "unlike": "answer", "failed": "answer"}.get(kind, kind)


class ImageList(QWidget):
    """The pane. ``chosen`` carries the item now current, ``opened`` (Enter, double click) and ``look`` (Space) too.
    ``said`` tells what a batch said of an item."""

    chosen = Signal(ImageItem)
    opened = Signal(ImageItem)
    look = Signal(ImageItem)
    remove_requested = Signal(list)
    undo_requested = Signal()
    menu_wanted = Signal(QPoint)
    copy_wanted = Signal(list)
    mode_changed = Signal(str)
    camera_wanted = Signal()

    def __init__(
        self, session: Session, said: Callable[[ImageItem], RowSaid | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        ratio = self.devicePixelRatioF()
        self.model = ImagesModel(session, said, round(THUMBNAIL * max(1.0, ratio)), self)
        self._delegate = ImageDelegate(self.model, self)
        self._rule_words = ""
        self._rules: dict[str, str] = {}  # the funnel's choices and their words
        self._build()
        self.model.counts_changed.connect(self._show_counts)
        self.model.thumbnails_changed.connect(self.view.viewport().update)
        self.model.modelReset.connect(self._restore_current)
        session.current_changed.connect(self._follow_session)
        theme().changed.connect(self._dress)
        self.set_mode("grid")
        self._dress()
        self._show_counts(0, 0)

    def _build(self) -> None:
        self._title = QLabel(self.tr("Images"))
        self._title.setMinimumWidth(text_width(theme().font("title"), self._title.text()))
        self._title.setProperty("role", "title")
        self._count = QLabel()
        self._count.setProperty("role", "secondary")
        self._mode = QToolButton()
        self._mode.setMinimumSize(32, 32)
        self._mode.clicked.connect(self._toggle_mode)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self._title)
        head.addWidget(self._count)
        head.addStretch(1)
        self._camera = QToolButton()
        self._camera.setMinimumSize(32, 32)
        self._camera.setIconSize(QSize(20, 20))
        self._camera.setToolTip(self.tr("Camera (Ctrl+K)"))
        self._camera.setAccessibleName(self.tr("Open the camera"))
        self._camera.clicked.connect(self.camera_wanted)
        head.addWidget(self._camera)
        head.addWidget(self._mode)
        self.filter = QLineEdit()
        hint_in(self.filter, self.tr("Filter by name"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName(self.tr("Filter images by name"))
        self.filter.textChanged.connect(self.model.set_filter)
        self.filter.installEventFilter(self)
        self._title.setBuddy(self.filter)
        self._which = QToolButton()
        self._which.setMinimumSize(32, 32)
        self._which.setIconSize(QSize(20, 20))
        self._which.setCheckable(True)
        self._which.setToolTip(self.tr("Which images are listed"))
        self._which.setAccessibleName(self.tr("Which images are listed"))
        self._which.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._which_menu = QMenu(self._which)
        self._which_menu.aboutToShow.connect(self._fill_which)
        self._which_menu.aboutToHide.connect(self._check_which)
        self._which.setMenu(self._which_menu)
        self.view = Gallery()
        self.view.setModel(self.model)
        self.view.setItemDelegate(self._delegate)
        self.view.setAccessibleName(self.tr("Images"))
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self.menu_wanted)
        self.view.setDragEnabled(True)
        self.view.setDragDropMode(Gallery.DragDropMode.DragOnly)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.doubleClicked.connect(self._on_double_click)
        self.view.installEventFilter(self)
        self._nothing = QLabel()
        self._nothing.setWordWrap(True)
        self._nothing.setProperty("role", "secondary")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        stack_holder = QWidget()
        self._stack = QStackedLayout(stack_holder)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._nothing)
        self._undo_row = QWidget()
        undo_layout = QHBoxLayout(self._undo_row)
        undo_layout.setContentsMargins(0, 0, 0, 0)
        self._undo_text = QLabel()
        self._undo_text.setProperty("role", "secondary")
        self._undo_text.setWordWrap(True)
        undo_button = QPushButton(self.tr("Undo"))
        undo_button.setProperty("role", "link")
        undo_button.setAccessibleName(self.tr("Undo what was done last"))
        undo_button.clicked.connect(self.undo_requested)
        undo_layout.addWidget(self._undo_text, 1)
        undo_layout.addWidget(undo_button)
        self._undo_row.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 4, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        filters = QHBoxLayout()
        filters.setContentsMargins(0, 0, 0, 0)
        filters.setSpacing(4)
        filters.addWidget(self.filter, 1)
        filters.addWidget(self._which)
        layout.addLayout(filters)
        layout.addWidget(stack_holder, 1)
        layout.addWidget(self._undo_row)

    # Looks

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its head's words, however long a language makes them or a count becomes."""
        least = super().minimumSizeHint()
        return QSize(max(least.width(), theme().scaled(184)), least.height())

    def set_mode(self, mode: str) -> None:
        """``grid`` or ``rows``."""
        self._delegate.as_rows = mode == "rows"
        self.view.set_cell_size(QSize(0, ROW) if mode == "rows" else QSize(98, THUMBNAIL + 28))
        self._dress()
        current = self.view.currentIndex()
        if current.isValid():
            self.view.scrollTo(current)

    @property
    def mode(self) -> str:
        """How the images are listed: ``grid`` or ``rows``."""
        return "rows" if self._delegate.as_rows else "grid"

    @Slot()
    def _toggle_mode(self) -> None:
        self.set_mode("grid" if self._delegate.as_rows else "rows")
        self.mode_changed.emit(self.mode)

    @Slot()
    def _dress(self) -> None:
        as_rows = self._delegate.as_rows
        self._mode.setIcon(theme().icon("grid" if as_rows else "list", 20))
        self._mode.setIconSize(QSize(20, 20))
        self._camera.setIcon(theme().icon("camera", 20))
        self._which.setIcon(theme().icon("filter", 20))
        words = self.tr("Show as a grid") if as_rows else self.tr("Show as rows")
        self._mode.setToolTip(words)
        self._mode.setAccessibleName(words)
        self.view.viewport().update()

    @Slot(int, int)
    def _show_counts(self, shown: int, total: int) -> None:
        locale = self.locale()
        if shown == total:
            self._count.setText(locale.toString(total) if total else "")
        else:
            self._count.setText(self.tr("{0} of {1}").format(locale.toString(shown), locale.toString(total)))
        self._count.setAccessibleName(self.tr("{0} of {1} images").format(shown, total))
        if total == 0:
            self._nothing.setText(self.tr("No images yet.\nDrop files or folders here."))
        else:
            held = self.filter.text()
            words = self.tr("No name holds “{0}”.").format(held) if held else self.tr("No such image.")
            if self.model.rule:
                words += "\n" + self.tr("Listed are those: {0}. Escape lists all.").format(self._rule_words)
            self._nothing.setText(words)
        self._stack.setCurrentIndex(0 if shown else 1)
        self.filter.setEnabled(total > 0 or bool(self.filter.text()))
        self._mode.setEnabled(total > 0)

    # Which images are listed

    def show_only(self, rule: str, words: str) -> None:
        """List the images that pass ``rule`` (of :meth:`ImagesModel.set_rule`), called ``words``; '' lists all."""
        self._rule_words = words
        self._rules = {rule: words} if rule else {}
        self.model.set_rule(rule)
        self._check_which()

    def show_ranking(self, items: list[ImageItem], words: str) -> None:
        """List ``items`` alone, in this order, called ``words``."""
        self._rule_words = words
        self._rules = {}
        self.model.set_ranking(items)
        self._check_which()
        self.view.scrollToTop()

    def show_all(self) -> None:
        """List all images that hold the filter's text."""
        self.show_only("", "")

    def show_answer(self, label: str, *_: object) -> None:
        """List the images with this answer."""
        self.show_only(f"answer:{label}", label)

    @Slot()
    def _check_which(self) -> None:
        self._which.setChecked(bool(self.model.rule))
        words = self._rule_words or self.tr("all")
        self._which.setAccessibleDescription(words)
        self._which.setToolTip(self.tr("Which images are listed: {0}").format(words))

    @Slot()
    def _fill_which(self) -> None:
        menu = self._which_menu
        menu.clear()
        self._add_rule(menu, "", self.tr("All images"))
        menu.addSeparator()
        for rule, words in (("star", self.tr("With a star")), ("note", self.tr("With a note"))):
            self._add_rule(menu, rule, words)
        menu.addSeparator()
        for rule, words in (("unlike", self.tr("Not its kind")), ("failed", self.tr("Without a result"))):
            self._add_rule(menu, rule, words)
        scores = menu.addMenu(self.tr("With a score"))
        for value in _SCORES:
            self._add_rule(scores, f"below:{value}", self.tr("below {0}").format(decimals(value, 2)))
        scores.addSeparator()
        for value in _SCORES:
            self._add_rule(scores, f"from:{value}", self.tr("{0} and more").format(decimals(value, 2)))
        answers = self.model.answers_found()
        if answers:
            menu.addSeparator()
            below = menu.addMenu(self.tr("With the answer")) if len(answers) > 8 else menu
            for label, number in answers[:60]:
                self._add_rule(below, f"answer:{label}", label, number)

    def _add_rule(self, menu: QMenu, rule: str, words: str, number: int | None = None) -> None:
        told = caption(words) if number is None else f"{caption(words)}  ({self.locale().toString(number)})"
        action = menu.addAction(told)
        action.setCheckable(True)
        action.setChecked(rule in self._rules if rule else not self.model.rule)
        action.triggered.connect(partial(self._choose_rule, rule, words))

    def _choose_rule(self, rule: str, words: str, *_: object) -> None:
        """Of each kind one rule, and all of them hold; the one that holds already is taken away."""
        kind = _kind_of(rule)
        kept = {own: said for own, said in self._rules.items() if rule and _kind_of(own) != kind}
        if rule and rule not in self._rules:
            kept[rule] = words
        self.show_only("\n".join(kept), ", ".join(kept.values()))
        self._rules = kept

    def offer_undo(self, words: str) -> None:
        """Say ``words`` on what was done, and offer to undo it."""
        self._undo_text.setText(words)
        self._undo_row.show()

    def show_removed(self, count: int) -> None:
        """Say that ``count`` images were taken off the list, and offer to undo that; 0 hides it."""
        self._undo_row.setVisible(count > 0)
        if count:
            self._undo_text.setText(
                self.tr("1 image removed; its file stays.")
                if count == 1
                else self.tr("{0} images removed; their files stay.").format(self.locale().toString(count))
            )

    # Choosing

    def selected(self) -> list[ImageItem]:
        """The selected items, in order."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [item for row in rows if (item := self.model.item(row)) is not None]

    def visible_items(self) -> list[ImageItem]:
        """The items now in sight."""
        return [item for row in self.view.visible_rows() if (item := self.model.item(row)) is not None]

    def step(self, by: int) -> None:
        """Go ``by`` images on, or back."""
        count = self.model.rowCount()
        if count:
            current = self.view.currentIndex()
            row = max(0, min(count - 1, current.row() + by)) if current.isValid() else 0
            self.view.setCurrentIndex(self.model.index(row, 0))

    def select_all(self) -> None:
        """Select every row that passes the filter."""
        self.view.selectAll()

    def forget_current(self) -> None:
        """No image is looked at: whichever is chosen next, the one before included, is ``chosen``."""
        self.view.selectionModel().clear()

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        item = self.model.item(current.row()) if current.isValid() else None
        if item is not None:
            self.chosen.emit(item)

    @Slot(QModelIndex)
    def _on_double_click(self, index: QModelIndex) -> None:
        item = self.model.item(index.row())
        if item is not None:
            self.look.emit(item)

    @Slot()
    def _follow_session(self) -> None:
        item = self._session.current
        index = self.view.currentIndex()
        if item is None:
            return
        if index.isValid() and self.model.item(index.row()) is item:
            chosen = self.view.selectionModel()
            if not chosen.hasSelection():  # a list that had the focus made its first row current, and chose nothing
                chosen.select(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            return
        row = self.model.row_of(item)
        if row >= 0:
            self.view.selectionModel().setCurrentIndex(
                self.model.index(row, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self.view.scrollTo(self.model.index(row, 0))

    @Slot()
    def _restore_current(self) -> None:
        """After filtering or removing, the current image stays current where it is still listed."""
        if self._session.current is not None:
            self._follow_session()

    # Keyboard and menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the list and of its filter."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.view:
                return self._list_key(event)
            if watched is self.filter:
                return self._filter_key(event)
        return super().eventFilter(watched, event)

    def _list_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        item = self.model.item(self.view.currentIndex().row())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self.opened.emit(item)
        elif key == Qt.Key.Key_Space and item is not None and not event.modifiers():
            self.look.emit(item)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers():
            if self.selected():
                self.remove_requested.emit(self.selected())
        elif key == Qt.Key.Key_Escape and (self.filter.text() or self.model.rule):
            self.filter.clear()
            self.show_all()
        elif event.matches(QKeySequence.StandardKey.Copy):
            if self.selected():
                self.copy_wanted.emit(self.selected())
        elif (
            event.text()
            and event.text().isprintable()
            and key != Qt.Key.Key_Space
            and not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        ):
            self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.filter.setText(self.filter.text() + event.text())
        else:
            return False
        return True

    def _filter_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
            return True
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.view.setFocus(Qt.FocusReason.ShortcutFocusReason)
            if not self.view.currentIndex().isValid():
                self.step(0)
            return True
        return False
