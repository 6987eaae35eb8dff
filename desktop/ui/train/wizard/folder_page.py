"""First page: which pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QVBoxLayout

from desktop.app.training_data import TrainingData
from desktop.services.background import Task
from desktop.services.drawings import own_folders
from desktop.ui.classify.panes import show_failure
from desktop.ui.evaluate.opening import ask_data
from desktop.ui.kit.drops import take_a_copy
from desktop.ui.kit.formatting import count
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import caption, make_label, tip
from desktop.ui.train.wizard.draft import Draft
from desktop.ui.train.wizard.page import WizardPage, link, row
from desktop.ui.train.wizard.repeat import before_the_look
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.layout_panel import LayoutPanel
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.ml.plans.plan import TrainingPlan

MAX_RECENT = 8


class FolderPage(WizardPage):
    """A folder with one folder for each class, or a file of arrays: opened, dropped, or one of the recent ones.

    ``failed`` carries the :class:`desktop.core.types.FoveaError` where data could not be opened.
    """

    failed = Signal(Exception)

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Pictures"),
            self.tr("Which pictures should it learn from?"),
            self.tr(
                "A folder that holds one folder of pictures for each class, for instance 'cats' and 'dogs'; or "
                "pictures with a table of their labels, or with labels in their names. "
                "Your files are only read, never changed, and nothing leaves this computer."
            ),
        )
        self.setAcceptDrops(True)
        self._task: Task | None = None
        self._well = well = QFrame()
        well.setObjectName("wizardWell")
        self._sign = make_label()
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words = make_label(self.tr("Drop a folder here"), "title", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._facts = make_label("", "secondary", wrap=True)
        self._facts.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._busy = QProgressBar()
        at_work(self._busy)
        self._busy.setMaximumWidth(theme().scaled(320))
        self._busy.hide()
        self.open = QPushButton(self.tr("Open a folder…"))
        self.open.setProperty("role", "primary")
        self.open.clicked.connect(self._ask_folder)
        self._arrays = link(self.tr("Or a file: an archive, a table of labels, a data file (.npz, MNIST's IDX)…"))
        self._arrays.clicked.connect(self._ask_file)
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancel)
        self._cancel.hide()
        self._drawings = QVBoxLayout()
        self._drawings.setSpacing(2)
        self._recent_title = make_label(self.tr("Recent labelled folders"), "secondary")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        inside = QVBoxLayout(well)
        inside.setContentsMargins(24, 24, 24, 24)
        inside.setSpacing(10)
        inside.addStretch(2)
        for text in (self._sign, self._words, self._facts):
            inside.addWidget(text)
        for part in (self._busy, self.open, self._arrays, self._cancel):
            inside.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        inside.addLayout(self._drawings)
        inside.addSpacing(12)
        inside.addWidget(self._recent_title, 0, Qt.AlignmentFlag.AlignHCenter)
        inside.addLayout(self._recent)
        inside.addStretch(3)
        self.failure = ErrorPanel()
        self.layouts = LayoutPanel()
        self.layouts.chosen.connect(self._read_as)
        self.layouts.other_wanted.connect(self._ask_folder)
        self.body.addWidget(well, 1)
        self.body.addWidget(self.layouts)
        self.body.addWidget(self.failure)
        self.body.addLayout(row())
        theme().changed.connect(self._dress)
        self._dress()
        self._show_drawings()
        self._show_recent()

    def isComplete(self) -> bool:
        return self.state.data is not None and self._task is None

    # Opening

    @Slot()
    def _ask_folder(self) -> None:
        ask_data(self, True).fileSelected.connect(self.open_path)

    @Slot()
    def _ask_file(self) -> None:
        ask_data(self, False).fileSelected.connect(self.open_path)

    @Slot(str)
    def open_path(self, path: str) -> None:
        """Read what is at ``path``; the page goes on by itself once that is done."""
        self.cancel()
        self.failure.clear()
        self.layouts.clear()
        self._well.show()
        self._path = path
        held = self.state.held
        self._task = Task(lambda task: read(path, task, held))
        self._task.progressed.connect(self._on_progress)
        self._task.answered.connect(self._on_opened)
        self._task.failed.connect(self._on_failed)
        self._show_busy(True)
        self._task.launch()

    @Slot()
    def cancel(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._show_busy(False)

    def _show_busy(self, busy: bool) -> None:
        self._busy.setVisible(busy)
        self._cancel.setVisible(busy)
        self.open.setVisible(not busy)
        self._arrays.setVisible(not busy)
        data = self.state.data
        self._words.setText(
            self.tr("Reading…") if busy else data.title if data is not None else self.tr("Drop a folder here")
        )
        self._facts.setText("" if busy or data is None else describe(self.state.draft, self.tr))
        self.open.setText(self.tr("Open another folder…") if data is not None else self.tr("Open a folder…"))
        self.completeChanged.emit()

    @Slot(object)
    def _on_progress(self, done: int) -> None:
        if self.sender() is self._task:
            self._facts.setText(self.tr("{0} pictures found…").format(count(done)))

    @Slot(object)
    def _on_opened(self, answer: tuple[LabelledDataset, Draft]) -> None:
        if self.sender() is not self._task:
            return
        self._task = None
        settings = self.state.settings
        folders = [self._path, *(held for held in settings.get("recent_labelled") if held != self._path)]
        settings.set("recent_labelled", folders[:MAX_RECENT])
        self.state.set_data(*answer)
        self._show_recent()
        self._show_busy(False)
        self.wizard().next()

    @Slot(object)
    def _on_failed(self, error: Any) -> None:
        from desktop.core.data.layouts import LayoutNeededError
        from desktop.core.types import FoveaError

        if self.sender() is not self._task:
            return
        self._task = None
        self._show_busy(False)
        if isinstance(error, LayoutNeededError):
            self._well.hide()
            self.layouts.show_proposals(error.proposals)
            return
        if not isinstance(error, FoveaError):
            error = FoveaError("unreadable", f"this data cannot be read ({type(error).__name__})")
        show_failure(self.failure, error)
        self.failed.emit(error)

    @Slot(str)
    def _read_as(self, layout: str) -> None:
        """Read the same data again, the labels as they were confirmed."""
        from desktop.core.data.layouts import address_of

        self.open_path(address_of(self._path, layout))

    # Drops and recent folders

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A folder or file may be dropped."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            take_a_copy(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """It stays a copy, whatever keys are held."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            take_a_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        local = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if local and take_a_copy(event):
            self.open_path(local[0])

    def _show_drawings(self) -> None:
        """What was kept in the Draw view, where something was."""
        for folder in own_folders()[:3]:
            button = link(self.tr("My drawings ({0})").format(folder.name))
            button.setIcon(theme().icon("draw", 16, theme().tokens.accent))
            button.setProperty("folder", str(folder))
            button.setToolTip(self.tr("Drawings that you named and kept in the Draw view"))
            button.clicked.connect(self._choose_recent)
            self._drawings.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def _show_recent(self) -> None:
        while (entry := self._recent.takeAt(0)) is not None:
            if (shown := entry.widget()) is not None:
                shown.deleteLater()
        folders = [f for f in self.state.settings.get("recent_labelled") if isinstance(f, str)][:4]
        self._recent_title.setVisible(bool(folders))
        for folder in folders:
            name = folder.partition("::")[0].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or folder
            button = link(caption(name))
            button.setIcon(theme().icon("folder", 16, theme().tokens.accent))
            button.setProperty("folder", folder)
            button.setToolTip(tip(folder))
            button.setAccessibleName(self.tr("Open the labelled folder {0}").format(name))
            button.clicked.connect(self._choose_recent)
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    @Slot()
    def _choose_recent(self) -> None:
        self.open_path(self.sender().property("folder"))

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        self._sign.setPixmap(theme().icon("folder", 48, t.secondary).pixmap(QSize(48, 48), self.devicePixelRatioF()))
        self._well.setStyleSheet(
            f"#wizardWell {{ border: 2px dashed {t.border}; border-radius: 8px; background: {t.surface}; }}"
        )


def read(path: str, task: Task, held: TrainingPlan | None = None) -> tuple[LabelledDataset, Draft]:
    """The pictures to learn from, and what is known of them; for a thread of its own. ``held``: an earlier plan that is
    repeated."""
    from desktop.core.data.dataset import ALL
    from desktop.core.data.open_data import open_dataset

    def told(done: int, total: int | None) -> None:
        task.progressed.emit(done)

    def stopped() -> bool:
        return task.cancelled

    data = open_dataset(path, ALL, told, stopped)
    train, validation, test = (data.own_split(part) for part in ("train", "validation", "test"))
    if train is not None:
        data = open_dataset(path, train, told, stopped)
    found = TrainingData(
        path=data.root if "::" in data.root else path,
        title=data.title,
        classes=data.classes,
        counts=tuple(int(n) for n in data.counts()),
        own_validation=train is not None and validation is not None,
        own_test=train is not None and test is not None,
    )
    draft = Draft(found, name=data.title)
    return data, before_the_look(draft, held, data) if held is not None else draft


def describe(draft: Draft, tr: Callable[[str], str]) -> str:
    """The data in one line."""
    return tr("{0} pictures in {1} classes").format(count(sum(draft.data.counts)), count(len(draft.data.classes)))
