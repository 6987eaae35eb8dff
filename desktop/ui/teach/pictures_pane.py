"""The pictures of a project in an order that can be chosen, and the gestures that label them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QPoint, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from desktop.engine.teaching_events import AskOrder, Learned, LookAheadAt, Ordered, Refused
from desktop.services.teaching import Teaching
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.formatting import number
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, hint_in, make_label, sentence
from desktop.ui.teach.labelling import Labelling
from desktop.ui.teach.pictures_model import PicturesModel
from desktop.ui.teach.taught_gallery import TaughtGallery

if TYPE_CHECKING:
    from desktop.services.engine_service import EngineService

_MOST = 2000
_NEAR_BY = 200
_BY_HEAD = ("uncertain", "drawn", "mistakes", "unlike", "nearest", "suggested")


class PicturesPane(QWidget):
    """See the module. ``chosen`` carries the current picture and how many are selected; ``large_wanted`` a picture;
    ``menu_wanted`` a place on the screen for a menu on the selection."""

    chosen = Signal(int, int)
    large_wanted = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self._order = "all"
        self._number = 0
        self._near = 0
        self._only_class = 0
        self._heap: np.ndarray | None = None
        self.model = PicturesModel(teaching, self)
        self._build()
        self._connect()
        self._fill_orders()

    def _build(self) -> None:
        self.orders = QComboBox()
        self.orders.setAccessibleName(self.tr("What is shown next"))
        self.filter = QComboBox()
        self.filter.setAccessibleName(self.tr("Only pictures of a class"))
        self.search = QLineEdit()
        hint_in(self.search, self.tr("Search names"))
        self.search.setAccessibleName(self.tr("Search the names of the pictures"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(theme().scaled(200))
        self.counted = make_label("", "secondary")
        head = FlowLayout(spacing=8)
        head.addWidget(self.orders)
        head.addWidget(self.filter)
        head.addWidget(self.search)
        head.addWidget(self.counted)
        self.sure = QWidget()
        row = QHBoxLayout(self.sure)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(50, 100)
        self.slider.setValue(90)
        self.slider.setPageStep(5)
        self.slider.setMaximumWidth(theme().scaled(220))
        self.slider.setAccessibleName(self.tr("Suggestions from this model score on"))
        self._from = make_label("")
        self.accept = QPushButton()
        self.accept.setProperty("role", "primary")
        row.addWidget(make_label(self.tr("Model score at least"), "secondary"))
        row.addWidget(self.slider, 1)
        row.addWidget(self._from)
        row.addWidget(self.accept)
        row.addStretch(1)
        self.view = TaughtGallery(self.model, self._teaching)
        self.labelling = Labelling(self._teaching, self.view, self)
        self.nothing = make_label("", "secondary", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 4)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.sure)
        layout.addWidget(holder, 1)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(30)
        self._repaint.timeout.connect(self.view.viewport().update)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(150)
        self._typing.timeout.connect(self.list_anew)

    def _connect(self) -> None:
        teaching = self._teaching
        self.orders.activated.connect(self._on_order)
        self.filter.activated.connect(self._on_filter)
        self.search.textChanged.connect(self._typing.start)
        self.slider.valueChanged.connect(self._on_slider)
        self.accept.clicked.connect(self._accept_listed)
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.selectionModel().currentChanged.connect(self._on_selection)
        self.view.doubleClicked.connect(self.labelling.look)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.labelling.large_wanted.connect(self.large_wanted)
        self.labelling.menu_wanted.connect(self.menu_wanted)
        self.labelling.labelled.connect(self._on_labels)
        self.model.pictures_changed.connect(self._repaint_soon)
        teaching.opened.connect(self._on_opened)
        teaching.closed.connect(self._on_closed)
        teaching.changed_pictures.connect(self.list_anew)
        teaching.changed_classes.connect(self._fill_filter)
        teaching.learned.connect(self._on_learned)
        teaching.ordered.connect(self._on_ordered)
        teaching.refused.connect(self._on_refused)
        teaching.looked.connect(self._repaint_soon)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for small pictures."""
        self.model.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self.model.detach()

    # What is shown, and in which order

    def _fill_orders(self) -> None:
        words = [
            ("all", self.tr("All pictures")),
            ("without", self.tr("Without a label")),
            ("uncertain", self.tr("Most uncertain first")),
            ("drawn", self.tr("Drawn at random, to measure")),
            ("mistakes", self.tr("Likely wrong labels")),
            ("unlike", self.tr("Unlike everything labelled")),
            ("suggested", self.tr("By suggestion, surest first")),
            ("newest", self.tr("Newest first")),
            ("starred", self.tr("Starred")),
            ("noted", self.tr("With a note")),
        ]
        if self._near:
            words.append(("nearest", self.tr("Similar to a picture")))
        if self._heap is not None:
            words.append(("heap", self.tr("One heap")))
        with QSignalBlocker(self.orders):
            self.orders.clear()
            for name, text in words:
                self.orders.addItem(text, name)
            self.orders.setCurrentIndex(max(0, self.orders.findData(self._order)))
        self.sure.setVisible(self._order == "suggested")

    @property
    def order(self) -> str:
        """The order that is chosen."""
        return self._order

    @property
    def waiting(self) -> bool:
        """Whether an order is still awaited from the learning process."""
        return self._number != 0

    def choose(self, order: str, near: int = 0, only_class: int = 0, heap: np.ndarray | None = None) -> None:
        """Show pictures in another order: one of the list's, ``nearest`` to one, or those of a ``heap``."""
        self._order, self._near, self._heap, self._number = order, near, heap, 0
        self._only_class = only_class
        self._from_top = True
        self._fill_orders()
        self._fill_filter()
        self.list_anew()

    _from_top = False

    @Slot()
    def _on_order(self) -> None:
        order = self.orders.currentData()
        self.choose(order, self._near if order == "nearest" else 0, self._only_class, self._heap)

    @Slot()
    def _fill_filter(self) -> None:
        with QSignalBlocker(self.filter):
            self.filter.clear()
            self.filter.addItem(self.tr("All classes"), 0)
            for shown in self._teaching.classes:
                self.filter.addItem(shown.name if len(shown.name) <= 40 else f"{shown.name[:39]}…", shown.id)
            self.filter.setCurrentIndex(max(0, self.filter.findData(self._only_class)))
        self.filter.setVisible(self._order in ("all", "suggested", "newest", "starred", "noted"))

    @Slot()
    def _on_filter(self) -> None:
        self._only_class = self.filter.currentData() or 0
        self.list_anew()

    @Slot()
    def _on_opened(self) -> None:
        self.model.forget()
        self._near, self._heap, self._only_class = 0, None, 0
        self._order = "all"
        self._fill_orders()
        self._fill_filter()
        self.list_anew()

    @Slot()
    def _on_closed(self) -> None:
        self.model.forget()
        self.model.set_ids(np.empty(0, np.int64))

    @Slot()
    def list_anew(self) -> None:
        """List the pictures in the chosen order; one that only the learning process knows comes a moment later."""
        self._typing.stop()
        index = self._teaching.index
        if index is None:
            return
        if self._order in _BY_HEAD:
            self._ask()
            return
        ids: np.ndarray = self._heap if self._order == "heap" and self._heap is not None else index.ids
        places = index.places(ids)
        ids = index.ids[places]
        if self._order == "without":
            ids = ids[index.labels[places] == 0]
        elif self._order == "starred":
            ids = ids[index.stars[places]]
        elif self._order == "noted":
            ids = ids[np.isin(ids, np.fromiter(index.notes, np.int64, len(index.notes)))]
        elif self._order == "newest":
            ids = ids[::-1]
        if self._only_class and self._order != "without":
            ids = (
                ids[index.labels[index.places(np.sort(ids))] == self._only_class]
                if self._order != "newest"
                else (np.array([i for i in ids if self._teaching.label_of(int(i)) == self._only_class], np.int64))
            )
        self._show(self._searched(ids))

    def _searched(self, ids: np.ndarray) -> np.ndarray:
        text, index = self.search.text().strip().casefold(), self._teaching.index
        if not text or index is None:
            return ids
        held = [f"{self.model.facts(i)[0]}\n{self.model.note(i)}".casefold() for i in ids.tolist()]
        return np.array([i for i, words in zip(ids.tolist(), held, strict=True) if text in words], np.int64)

    def _ask(self) -> None:
        order, at_least = self._order, self.slider.value() / 100
        near, only = self._near, self._only_class if self._order == "suggested" else 0
        self._number = self._teaching.ask(
            lambda n: AskOrder(n, order, _MOST, near, "", only, at_least, order not in ("nearest", "mistakes"))  # type: ignore[arg-type]
        )
        if not self.model.rowCount():
            self._show_state(self.tr("One moment…"))

    @Slot(Ordered)
    def _on_ordered(self, answer: Ordered) -> None:
        if answer.number != self._number or answer.order != self._order:
            return
        ids = self._searched(answer.ids)
        self._number = 0
        if self._calm and not self._from_top and len(self.model.ids):
            # What is on screen stays where it is; what comes after it is the new order.
            seen = self.view.visible_rows()
            self.model.replace_after(min(seen.stop, len(self.model.ids)), ids)
            self._calm = False
            self._show_state()
        else:
            self._show(ids)

    @Slot(Refused)
    def _on_refused(self, refused: Refused) -> None:
        if refused.number and refused.number == self._number:
            self._number = 0
            self._show_state(sentence(refused.message))

    _calm = False

    def _show(self, ids: np.ndarray) -> None:
        if np.array_equal(ids, self.model.ids) and not self._from_top:
            self._repaint_soon()
            self._show_state()
            return
        current = self.model.id_at(self.view.currentIndex().row())
        selected = set(self.view.selected_ids())
        self.model.set_ids(ids)
        row = self.model.row_of(current) if current and not self._from_top else -1
        self._from_top = False
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row, 0))
            if len(selected) > 1:
                rows = np.flatnonzero(np.isin(ids, np.array(sorted(selected), np.int64)))
                for each in rows.tolist():
                    self.view.selectionModel().select(
                        self.model.index(each, 0), QItemSelectionModel.SelectionFlag.Select
                    )
        elif len(ids):
            self.view.setCurrentIndex(self.model.index(0, 0))
        self._show_state()
        self._on_selection()
        self._look_ahead()

    def _show_state(self, instead: str = "") -> None:
        shown = self.model.rowCount()
        total = len(self._teaching.index) if self._teaching.index is not None else 0
        if shown == total:
            self.counted.setText(self.tr("{0} pictures").format(count(shown)))
        else:
            self.counted.setText(self.tr("{0} of {1} pictures").format(count(shown), count(total)))
        self._from.setText(number(self.slider.value() / 100, 2))
        self.accept.setText(self.tr("Take these {0} suggestions").format(count(shown)))
        self.accept.setEnabled(self._order == "suggested" and shown > 0)
        if instead:
            self.nothing.setText(instead)
        elif self.search.text():
            self.nothing.setText(self.tr("No name of these holds “{0}”.").format(self.search.text()))
        elif not total:
            self.nothing.setText(self.tr("Drop pictures, folders or archives here."))
        elif self._order in ("uncertain", "suggested") and self._teaching.suggestions is None:
            self.nothing.setText(self.tr("It suggests nothing yet: label a few pictures of two classes first."))
        elif self._order == "suggested":
            self.nothing.setText(self.tr("No suggestion has so high a score. Move the slider to the left."))
        elif self._order == "mistakes":
            self.nothing.setText(self.tr("No label looks wrong."))
        elif self._order == "without":
            self.nothing.setText(self.tr("Every picture has a label."))
        else:
            self.nothing.setText(self.tr("No picture is here."))
        self._stack.setCurrentIndex(0 if shown else 1)

    @Slot()
    def _on_slider(self) -> None:
        self._from.setText(number(self.slider.value() / 100, 2))
        if self._order == "suggested":
            self._typing.start()

    @Slot(Learned)
    def _on_learned(self, learned: Learned) -> None:
        self._repaint_soon()
        if self._order in _BY_HEAD and self._order != "nearest":
            self._calm = True
            self._ask()
        else:
            self._show_state()

    @Slot()
    def _repaint_soon(self) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def _look_ahead(self) -> None:
        """The features of what is on screen, and of what comes next, come first."""
        seen = self.view.visible_rows()
        ids = self.model.ids[seen.start : seen.stop + len(seen)]
        if len(ids):
            self._teaching.tell(LookAheadAt(tuple(ids.tolist())))

    @Slot()
    def _on_selection(self) -> None:
        self.chosen.emit(self.view.current_id, len(self.view.selected_rows()))
        self._look_ahead()

    @Slot(QPoint)
    def _on_menu(self, point: QPoint) -> None:
        if self.view.selected_rows():
            self.menu_wanted.emit(self.view.viewport().mapToGlobal(point))

    @Slot()
    def _accept_listed(self) -> None:
        if self._order == "suggested":
            self.labelling.accept(self.model.ids.tolist())

    @Slot(int)
    def _on_labels(self, start: int) -> None:
        """Labels are on the disk: show them, and go on behind ``start``, where that is not -1."""
        if start >= 0:
            self._go_on(start)
        self._repaint_soon()
        if self._order == "without" and start < 0:
            self.list_anew()
        self._show_state()
        self._on_selection()

    def _go_on(self, start: int) -> None:
        """To the next picture without a label behind ``start``, where there is one."""
        row = self._next_row(start, self.model.rowCount())
        if row >= 0:
            self.view.selectionModel().setCurrentIndex(
                self.model.index(row, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self.view.scrollTo(self.model.index(row, 0))

    def _next_row(self, start: int, end: int) -> int:
        if self._teaching.index is None:
            return -1
        rows = range(start + 1, min(end, self.model.rowCount()))
        free = (row for row in rows if not self._teaching.label_of(self.model.id_at(row)))
        return next(iter(rows), -1) if self._order == "mistakes" else next(free, -1)

    def next_id(self) -> int:
        """The picture that a label would go on to now; 0 for none near by."""
        current = self.view.currentIndex().row()
        return self.model.id_at(self._next_row(current, current + _NEAR_BY))
