"""The gallery: which pictures, in which order; filtered by class and name; judged, opened, exported."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from desktop.services.answers import GalleryChoice, arrange
from desktop.services.background import Slices, Task
from desktop.ui.evaluate.gallery_cell import PictureDelegate, cell_size
from desktop.ui.evaluate.gallery_model import GalleryModel
from desktop.ui.evaluate.head import choose_box
from desktop.ui.kit.formatting import count
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, set_usable
from desktop.ui.widgets.gallery import Gallery

if TYPE_CHECKING:
    from desktop.services.answers import GalleryAnswers

AT_ONCE = 5_000
"""Up to so many rows are put in order on the drawing thread: a millisecond."""
MOST_JUDGED = 200
"""So many labels are judged in one go: each is a decision."""
_TYPING_MS = 150
JUDGEMENT_KEYS = {"+": "right", "-": "wrong", "?": "unsure"}
"""What a key says of the labels of the chosen pictures; letters and digits search names."""
KEY_OF = {judgement: key for key, judgement in JUDGEMENT_KEYS.items()}


class GalleryPane(QWidget):
    """``opened`` carries a place in the gallery; ``judged`` a name and what was said of its label (``None``: taken
    back); ``list_wanted`` and ``copies_wanted`` carry rows to export; ``choice_changed`` the new choice;
    ``undo_changed`` says that other things can be taken back; ``menu_wanted`` carries a place on the screen."""

    opened = Signal(int)
    judged = Signal(str, object)  # a name, and what was said of it: a word, or None
    list_wanted = Signal(np.ndarray)
    copies_wanted = Signal(np.ndarray)
    choice_changed = Signal(GalleryChoice)
    undo_changed = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.running = False
        """Whether answers are still coming."""
        self.model = GalleryModel(self)
        self.choice = GalleryChoice()
        self._only_words = ""
        self._task: Task | None = None
        self._search: Slices | None = None
        self._arranged: np.ndarray = np.empty(0, np.int64)
        self._undo: list[list[tuple[str, str | None]]] = []
        self._redo: list[list[tuple[str, str | None]]] = []
        self._build()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._search_names)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(30)
        self._repaint.timeout.connect(self.view.viewport().update)
        self.model.pictures_changed.connect(self._repaint_soon)
        theme().changed.connect(self.view.viewport().update)

    def _build(self) -> None:
        self.modes = choose_box(self.tr("Which pictures"))
        self.classes = choose_box(self.tr("Only pictures of this class"))
        self.classes.setMaximumWidth(theme().scaled(180))
        self.modes.activated.connect(self._on_mode)
        self.classes.activated.connect(self._on_class)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by name"))
        self.search.setAccessibleName(self.tr("Search pictures by name"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(theme().scaled(90))
        self.search.textChanged.connect(self._on_text)
        self.search.installEventFilter(self)
        self._count = make_label("", "secondary")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.modes)
        head.addWidget(self.classes)
        head.addWidget(self.search, 1)
        head.addWidget(self._count)
        self.view = Gallery()
        self.view.setModel(self.model)
        self.view.setItemDelegate(PictureDelegate(self.model, self))
        self.view.set_cell_size(cell_size())
        self.view.setAccessibleName(self.tr("Pictures"))
        self.view.doubleClicked.connect(self._on_opened)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.installEventFilter(self)
        self._nothing = make_label("", "secondary", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._nothing)
        self._label_words = make_label(self.tr("The label is"), "secondary")
        self._judges: dict[str, QPushButton] = {}
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._label_words)
        words = {"right": self.tr("right"), "wrong": self.tr("wrong"), "unsure": self.tr("unsure")}
        for judgement, word in words.items():
            button = QPushButton(word)
            button.setProperty("judgement", judgement)
            button.setAccessibleName(self.tr("The label of the chosen pictures is {0}").format(word))
            button.setToolTip(self.tr("Key: {0}").format(KEY_OF[judgement]))
            button.clicked.connect(self._on_judge)
            self._judges[judgement] = button
            foot.addWidget(button)
        self._undo_button = QPushButton(self.tr("Undo"))
        self._undo_button.setProperty("role", "link")
        self._undo_button.setAccessibleName(self.tr("Take back what was last said of a label"))
        self._undo_button.clicked.connect(self.undo)
        foot.addWidget(self._undo_button)
        foot.addStretch(1)
        self._export = QPushButton(self.tr("Export"))
        self._export.setProperty("role", "menu")
        menu = QMenu(self)
        menu.addAction(self.tr("Save as a list (CSV)…"), self._want_list)
        menu.addAction(self.tr("Copy the pictures into a new folder…"), self._want_copies)
        self._export.setMenu(menu)
        foot.addWidget(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(holder, 1)
        layout.addLayout(foot)
        self._fill_modes()
        self._show_state()

    def _fill_modes(self) -> None:
        words = [
            ("losses", self.tr("Worst mistakes first")),
            ("unsure", self.tr("Right, least sure first")),
            ("labels", self.tr("Likely wrong labels")),
            ("all", self.tr("All pictures")),
        ]
        choice = self.choice
        if choice.mode == "cell":
            words.append(("cell", self._cell_words()))
        if choice.mode == "only":
            words.append(("only", self._only_words))
        with QSignalBlocker(self.modes):
            self.modes.clear()
            for mode, text in words:
                self.modes.addItem(text, mode)
            self.modes.setCurrentIndex([mode for mode, _ in words].index(choice.mode))

    def _cell_words(self) -> str:
        def short(number: int | None) -> str:
            if number is None:
                return self.tr("any")
            label = self.model.labels[number]
            return label if len(label) <= 18 else f"{label[:17]}…"

        return self.tr("{0} answered as {1}").format(short(self.choice.truth), short(self.choice.predicted))

    # What is shown

    def set_answers(self, answers: GalleryAnswers | None, labels: tuple[str, ...], judgements: dict[str, str]) -> None:
        """Other answers: the gallery begins anew with the worst mistakes."""
        self.model.set_answers(answers, labels)
        self.model.judgements = judgements
        self._undo.clear()
        self._redo.clear()
        with QSignalBlocker(self.classes), QSignalBlocker(self.search):
            self.classes.clear()
            self.classes.addItem(self.tr("All classes"), None)
            for index, label in enumerate(labels):
                self.classes.addItem(label if len(label) <= 40 else f"{label[:39]}…", index)
            self.search.clear()
        self.choose(GalleryChoice())

    def update_answers(self, answers: GalleryAnswers) -> None:
        """The same pictures, decided anew (another threshold) or completed: order them again."""
        self.model.replace_answers(answers)
        self._order()

    def choose(self, choice: GalleryChoice, only_words: str = "") -> None:
        """Show another choice of pictures."""
        self.choice = choice
        self._only_words = only_words
        self._fill_modes()
        with QSignalBlocker(self.classes):
            at = self.classes.findData(choice.shown_class) if choice.shown_class is not None else 0
            self.classes.setCurrentIndex(at)
        self._order()
        self.choice_changed.emit(choice)

    def _order(self) -> None:
        answers = self.model.answers
        if self._task is not None:
            self._task.answered.disconnect(self._on_arranged)
            self._task.cancel()
            self._task = None
        if answers is None:
            self._take(np.empty(0, np.int64))
        elif len(answers.rows) <= AT_ONCE:
            self._take(arrange(answers, self.choice))
        else:
            choice = self.choice
            self._task = Task(lambda task: arrange(answers, choice))
            self._task.answered.connect(self._on_arranged)
            self._task.launch()

    @Slot(object)
    def _on_arranged(self, order: np.ndarray) -> None:
        self._task = None
        self._take(order)

    def _take(self, order: np.ndarray) -> None:
        self._arranged = order
        self._search_names()

    @Slot()
    def _on_text(self) -> None:
        self._typing.start()

    @Slot()
    def _search_names(self) -> None:
        self._typing.stop()
        if self._search is not None:
            self._search.stop()
            self._search = None
        text = self.search.text().strip().casefold()
        if not text:
            self._list(self._arranged)
        elif len(self._arranged) <= AT_ONCE:
            self._list(_drain(self._matching(text)))
        else:
            self._search = Slices(self._matching(text), self)
            self._search.answered.connect(self._list)
            self._search.launch()

    def _matching(self, text: str) -> Generator[None, None, np.ndarray]:
        answers, order, found = self.model.answers, self._arranged, []
        for start in range(0, len(order), 500):
            assert answers is not None
            part = order[start : start + 500].tolist()
            found += [row for row in part if text in answers.name(row).casefold()]
            yield
        return np.array(found, np.int64)

    @Slot(object)
    def _list(self, order: np.ndarray) -> None:
        at = self.view.currentIndex().row()
        held = self.model.row_at(at) if at >= 0 else -1
        self.model.set_order(order)
        where = np.flatnonzero(order == held) if held >= 0 else np.empty(0, np.int64)
        if len(where):
            self.view.setCurrentIndex(self.model.index(int(where[0]), 0))
        self._show_state()

    def append(self, rows: np.ndarray) -> None:
        """Rows that were answered just now, while an evaluation runs: mistakes go to the end of the list."""
        answers = self.model.answers
        if answers is None or self.search.text() or self.choice.mode != "losses":
            return
        if self.choice.shown_class is not None:
            rows = rows[answers.truth[rows] == self.choice.shown_class]
        self.model.append(rows[answers.truth[rows] != answers.predicted[rows]])
        self._arranged = self.model.order
        self._show_state()

    @Slot()
    def _repaint_soon(self) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def _show_state(self) -> None:
        shown = self.model.rowCount()
        self._count.setText(self.tr("1 picture") if shown == 1 else self.tr("{0} pictures").format(count(shown)))
        if self.search.text():
            self._nothing.setText(self.tr("No name of these holds “{0}”.").format(self.search.text()))
        elif self.choice.mode == "losses":
            self._nothing.setText(self._no_mistakes())
        elif self.choice.mode == "labels":
            self._nothing.setText(self.tr("No wrong answer is so sure that its label would be doubtful."))
        else:
            self._nothing.setText(self.tr("No picture is here."))
        self._stack.setCurrentIndex(0 if shown else 1)
        self._on_selection()

    def _no_mistakes(self) -> str:
        """That nothing is wrong is said of what was answered, and not before anything was."""
        answers = self.model.answers
        answered = len(answers.rows) if answers is not None else 0
        if not answered:
            return self.tr("No picture is answered yet.") if self.running else self.tr("No picture was answered.")
        if self.running:
            return self.tr("No mistake so far: {0} answered.").format(count(answered))
        return self.tr("No mistake among the {0} pictures answered.").format(count(answered))

    # Choosing

    @Slot()
    def _on_mode(self) -> None:
        mode = self.modes.currentData()
        if mode != self.choice.mode:
            self.choose(GalleryChoice(mode, shown_class=self.choice.shown_class))

    @Slot()
    def _on_class(self) -> None:
        self.choose(self.choice.with_class(self.classes.currentData()), self._only_words)

    def selected_rows(self) -> np.ndarray:
        """The rows that are selected, in the gallery's order; int64."""
        ranges = self.view.selectionModel().selection()
        parts = [ranges.at(i) for i in range(ranges.count())]
        places = [np.arange(part.top(), part.bottom() + 1) for part in parts]
        return self.model.order[np.sort(np.concatenate(places))] if places else np.empty(0, np.int64)

    @Slot()
    def _on_selection(self) -> None:
        chosen = self.view.selectionModel().hasSelection()
        for button in self._judges.values():
            set_usable(button, chosen, self.tr("Choose pictures first; then say of their label what it is."))
        self._undo_button.setVisible(bool(self._undo))
        listed = self.model.rowCount() > 0
        self._export.setEnabled(listed)
        self._export.setToolTip(
            self.tr("Exports the selected pictures.")
            if chosen
            else self.tr("Exports all pictures listed here.")
            if listed
            else self.tr("No picture is listed here.")
        )

    @Slot(QPoint)
    def _on_menu(self, place: QPoint) -> None:
        if not self.view.indexAt(place).isValid() and self.view.currentIndex().isValid():
            place = self.view.visualRect(self.view.currentIndex()).center()
        if len(self.selected_rows()):
            self.menu_wanted.emit(self.view.viewport().mapToGlobal(place))

    @Slot()
    def _on_opened(self) -> None:
        self.opened.emit(self.view.currentIndex().row())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Space open; typing searches; Esc clears; Down leaves the search for the pictures."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        key = event.key()
        free = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if watched is self.view:
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.view.currentIndex().isValid():
                self._on_opened()
                return True
            if key == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if event.text() in JUDGEMENT_KEYS and free and len(self.selected_rows()):
                self.judge(self.selected_rows()[:MOST_JUDGED].tolist(), JUDGEMENT_KEYS[event.text()])
                return True
            if event.text() and event.text().isprintable() and key != Qt.Key.Key_Space and free:
                self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
                self.search.setText(self.search.text() + event.text())
                return True
        if watched is self.search:
            if key == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.view.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return True
        return super().eventFilter(watched, event)

    # What is said of labels

    @Slot()
    def _on_judge(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.judge(self.selected_rows()[:MOST_JUDGED].tolist(), button.property("judgement"))

    def judge(self, rows: list[int], judgement: str | None) -> None:
        """Say of the labels of ``rows`` that they are right, wrong or unsure."""
        answers = self.model.answers
        if answers is None:
            return
        names = [answers.name(row) for row in rows]
        self._redo.clear()
        self._undo.append(self._say_all([(name, judgement) for name in names]))
        self._on_selection()
        self.undo_changed.emit()

    @property
    def can_undo(self) -> bool:
        """Whether something was said of a label that can be taken back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back that can be said again."""
        return bool(self._redo)

    @Slot()
    def undo(self) -> None:
        """Take back what was last said."""
        self._turn(self._undo, self._redo)

    @Slot()
    def redo(self) -> None:
        """Say again what was last taken back."""
        self._turn(self._redo, self._undo)

    def _turn(self, these: list[list[tuple[str, str | None]]], those: list[list[tuple[str, str | None]]]) -> None:
        if these:
            those.append(self._say_all(these.pop()))
            self._on_selection()
            self.undo_changed.emit()

    def _say_all(self, words: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        """Say these of the labels; returns what was said of them before."""
        before = [(name, self.model.judgements.get(name)) for name, _ in words]
        for name, judgement in words:
            self._say(name, judgement)
        return before

    def _say(self, name: str, judgement: str | None) -> None:
        if judgement is None:
            self.model.judgements.pop(name, None)
        else:
            self.model.judgements[name] = judgement
        self.judged.emit(name, judgement)
        self.view.viewport().update()

    # Export

    def _rows_to_export(self) -> np.ndarray:
        rows = self.selected_rows()
        return rows if len(rows) else self.model.order

    def _want_list(self) -> None:
        self.list_wanted.emit(self._rows_to_export())

    def _want_copies(self) -> None:
        self.copies_wanted.emit(self._rows_to_export())


def _drain(work: Generator[None, None, np.ndarray]) -> np.ndarray:
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: np.ndarray = end.value
            return found
