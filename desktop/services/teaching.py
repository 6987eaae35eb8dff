"""A labelling project as the window sees it: changes go to the disk in order, what was learned comes back as signals.

Every change is on the disk before it is told (:attr:`Teaching.changed_labels` …), and :attr:`Teaching.writing` is true
until then: a view that waits for it before it takes the next key loses no label whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from desktop.core.types import FoveaError, ImageSource
from desktop.engine import teaching_events as events
from desktop.services.background import DiskWork, Task
from desktop.services.suggestions import Suggestions
from desktop.store.project_facts import How, ProjectAction, TaughtClass, TaughtPicture

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from desktop.app.teaching import Added
    from desktop.engine.teaching import TeachClient
    from desktop.store.project import Project
    from desktop.store.project_facts import TaughtPictures

_WAIT_S = 0.5
_LOOK_MS = 1500
_LEAVE_MS = 5000


class _Learner(QThread):
    """Drives the child process that learns; emits its events, and what it suggests ready to be looked up."""

    heard = Signal(tuple)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.setObjectName("teach")
        self._folder = folder
        self.client: TeachClient | None = None
        self._waiting: list[events.Request] = []

    def send(self, request: events.Request) -> None:
        """Hand a request in; before the process is there it waits."""
        client = self.client
        if client is None:
            self._waiting.append(request)
        else:
            client.send(request)

    def run(self) -> None:
        """Start the child, hand its events on until it ends or the thread is asked to."""
        try:
            from desktop.engine.teaching import TeachClient

            with TeachClient(self._folder) as client:
                self.client = client
                client.send(*self._waiting)
                while not client.ended and not self.isInterruptionRequested():
                    for event in client.events(_WAIT_S):
                        # Found in this thread: looking through a hundred thousand scores would hold up the window.
                        made = Suggestions.of(event) if isinstance(event, events.Learned) else None
                        self.heard.emit((event, made))
        except Exception as error:  # no process, no pipe, no memory: whoever waits must hear of it
            reason = getattr(error, "strerror", None) or type(error).__name__
            self.heard.emit((events.TeachingEnded(f"learning could not be started: {reason}"), None))


class Teaching(QObject):
    """One open project. ``index`` and ``classes`` are what the disk holds, ``suggestions`` what was learned last.

    ``opened`` and ``closed`` frame a project; ``changed_pictures`` says that pictures came, went, or were looked at,
    ``changed_labels`` carries the ids whose label is another one now (tuple), ``changed_classes`` names, keys, counts
    or the steps that can be undone. ``did`` carries an :class:`ProjectAction` that was just done, ``undid`` one that
    was taken back or done again. ``adding`` says how many pictures were added so far, ``added`` that it ended.
    ``failed`` carries an exception; the other signals are the events of :mod:`desktop.engine.teaching_events`.
    """

    opened = Signal()
    closed = Signal()
    changed_pictures = Signal()
    changed_labels = Signal(tuple)
    changed_classes = Signal()
    did = Signal(ProjectAction)
    undid = Signal(ProjectAction, bool)
    adding = Signal(int)
    added = Signal(object)  # an Added, of a module that is not imported with the window
    failed = Signal(Exception)
    looked = Signal(events.LookedAt)
    learned = Signal(events.Learned)
    curve = Signal(events.LabelCurve)
    ordered = Signal(events.Ordered)
    heaps = Signal(events.Heaps)
    copies = Signal(events.Copies)
    missing = Signal(events.Missing)
    refused = Signal(events.Refused)
    lost = Signal(events.TeachingEnded)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.name = ""
        self.classes: list[TaughtClass] = []
        self.index: TaughtPictures | None = None
        self.suggestions: Suggestions | None = None
        self.to_undo: ProjectAction | None = None
        self.to_redo: ProjectAction | None = None
        self._disk = DiskWork("teach", self)
        self._learner: _Learner | None = None
        self._old: list[_Learner] = []
        self._number = 0
        self._open = 0
        self._task: Task | None = None
        self._next: list[tuple[tuple[str, ...], How]] = []  # to be added once what is being added is there
        self._leaving: list[Task] = []  # of projects that were closed while pictures were added
        self._polling = False
        self._poll = QTimer(self)
        self._poll.setInterval(_LOOK_MS)
        self._poll.timeout.connect(self._look_for_others)

    # Opening and closing

    @property
    def writing(self) -> bool:
        """Whether a change is on its way to the disk."""
        return self._open > 0

    def open(self, get: Callable[[], Project]) -> None:
        """Open what ``get`` gives (called in a thread) instead of the project that is open; ``opened`` follows."""
        self.close()

        def work() -> tuple[Project, Any]:
            project = get()
            try:
                return project, self._state(project, True)
            except BaseException:
                project.close()
                raise

        self._disk.run(work, self._on_open, self.failed.emit)

    def _on_open(self, found: tuple[Project, Any]) -> None:
        self.close()
        self.project = found[0]
        self._take(found[1])
        self._learner = _Learner(self.project.folder)
        self._learner.heard.connect(self._on_heard)
        self._learner.start(QThread.Priority.LowPriority)
        self._poll.start()
        self.opened.emit()

    def close(self) -> None:
        """Let go of the project that is open; labels are on the disk already."""
        self._poll.stop()
        self._next.clear()
        task, self._task = self._task, None
        if task is not None:  # what it says is of a project that is not shown any more
            for told, heard in (
                (task.progressed, self._on_adding), (task.answered, self._on_added), (task.failed, self._on_add_failed),
            ):  # fmt: skip
                told.disconnect(heard)
            task.cancel()
            self._leaving = [left for left in self._leaving if not left.isFinished()] + [task]
        learner, self._learner = self._learner, None
        if learner is not None:
            learner.heard.disconnect(self._on_heard)
            learner.requestInterruption()
            self._old = [old for old in self._old if not old.isFinished()] + [learner]
        project, self.project = self.project, None
        self.classes, self.index, self.suggestions, self.to_undo, self.to_redo = [], None, None, None, None
        if project is not None:
            leaving = tuple(self._leaving)

            def end() -> None:
                for left in leaving:
                    left.wait(_LEAVE_MS)  # it writes into this project
                project.close()

            self._disk.run(end)
            self.closed.emit()

    def shut(self) -> None:
        """For the end of the program: waits until all is written and the child is gone."""
        self.close()
        self._disk.stop()
        for old in self._old:
            old.wait(10_000)

    @staticmethod
    def _state(project: Project, with_index: bool) -> tuple[Any, ...]:
        """All that is shown of a project; for a thread."""
        index = project.index() if with_index else None
        return (
            index, project.classes(), project.to_undo(), project.to_redo(), project.revision, project.name,
        )  # fmt: skip

    def _take(self, state: tuple[Any, ...]) -> None:
        index, self.classes, self.to_undo, self.to_redo, self._revision, self.name = state
        if index is not None:
            self.index = index

    _revision = 0

    # Changing

    def change(self, work: Callable[[Project], Any], then: Callable[[Any], None] | None = None) -> None:
        """Let ``work`` change the project in the thread of the disk; everything is read anew after it."""
        self._submit(work, partial(self._after, then))

    def _submit(
        self, work: Callable[[Project], Any], after: Callable[[Any], None], labels: dict[int, int] | None = None
    ) -> None:
        project = self.project
        if project is None:
            return
        known = self._revision + self._open
        self._open += 1

        def both() -> tuple[Any, Any]:
            done = work(project)
            # Only labels of known pictures can be put in place here; whatever else came, from another window, is read.
            exact = labels is not None and project.revision == known + 1
            return done, self._state(project, not exact)

        def back(found: tuple[Any, Any]) -> None:
            self._open -= 1
            if self.project is not project:
                return
            self._take(found[1])
            if labels is not None:
                self._put(labels)
            if self._learner is not None:
                self._learner.send(events.LookAgain())
            after(found[0])

        def failed(error: Exception) -> None:
            self._open -= 1
            self.failed.emit(error)
            self.changed_labels.emit(())

        self._disk.run(both, back, failed)

    def _after(self, then: Callable[[Any], None] | None, done: Any) -> None:
        self.changed_classes.emit()
        self.changed_pictures.emit()
        if isinstance(done, ProjectAction):
            self.did.emit(done)
        if then is not None:
            then(done)

    def _put(self, labels: dict[int, int]) -> None:
        import numpy as np

        index = self.index
        if index is not None:
            places = index.places(np.fromiter(labels, np.int64, len(labels)))
            for place in places:
                index.labels[place] = labels[int(index.ids[place])]

    def label(self, ids: Sequence[int], class_id: int | None, how: How = "hand") -> None:
        """Say what pictures are; ``changed_labels`` follows when it is on the disk."""
        chosen = tuple(dict.fromkeys(int(i) for i in ids))
        if chosen:
            self.label_each(dict.fromkeys(chosen, class_id), how)

    def label_each(self, labels: dict[int, int | None], how: How) -> None:
        """As :meth:`label`, each picture with its own class: one step of undo."""
        names = {c.id: c.name for c in self.classes}
        classes = set(labels.values())
        text = names.get(next(iter(classes)) or 0, "") if len(classes) == 1 else ""

        def after(done: ProjectAction) -> None:
            self.changed_classes.emit()
            self.changed_labels.emit(tuple(labels))
            self.did.emit(done)

        self._submit(
            lambda project: project.label_each(labels, how, text), after, {i: c or 0 for i, c in labels.items()}
        )

    def undo(self) -> None:
        """Take back the step done last."""
        self._submit(lambda project: project.undo(), partial(self._turned, True))

    def redo(self) -> None:
        """Do again what was undone last."""
        self._submit(lambda project: project.redo(), partial(self._turned, False))

    def _turned(self, back: bool, action: ProjectAction | None) -> None:
        self.changed_classes.emit()
        self.changed_pictures.emit()
        if action is not None:
            self.undid.emit(action, back)

    def add(self, paths: Sequence[str], how: How = "hand") -> None:
        """Add files, folders and archives, after those that are being added; ``adding`` tells how many so far,
        ``added`` what came of each."""
        project = self.project
        if project is None:
            return
        if self._task is not None:
            self._next.append((tuple(paths), how))
            return

        def work(task: Task) -> Added:
            from desktop.app.teaching import add_pictures

            return add_pictures(
                project, paths, lambda done, _total: task.progressed.emit(done), lambda: task.cancelled, how
            )

        self._task = task = Task(work)
        task.progressed.connect(self._on_adding)
        task.answered.connect(self._on_added)
        task.failed.connect(self._on_add_failed)
        task.launch()

    @property
    def is_adding(self) -> bool:
        """Whether pictures are being added."""
        return self._task is not None

    def stop_adding(self) -> None:
        """Add no more, nor what waits; what was added stays."""
        self._next.clear()
        if self._task is not None:
            self._task.cancel()

    @Slot(object)
    def _on_adding(self, done: int) -> None:
        self.adding.emit(done)

    @Slot(object)
    def _on_added(self, found: Added) -> None:
        self._task = None
        self.added.emit(found)
        self.refresh()
        self._add_next()

    @Slot(Exception)
    def _on_add_failed(self, error: Exception) -> None:
        self._task = None
        self.added.emit(None)
        self.failed.emit(error)
        self.refresh()
        self._add_next()

    def _add_next(self) -> None:
        if self._next and self._task is None:
            self.add(*self._next.pop(0))

    def refresh(self) -> None:
        """Read everything anew."""
        self.change(lambda _project: None)

    @Slot()
    def _look_for_others(self) -> None:
        """Another window, or the command line, may have changed the project."""
        project = self.project
        if project is None or self._polling or self.writing:
            return
        self._polling = True

        def heard(revision: int) -> None:
            self._polling = False
            if self.project is project and not self.writing and revision != self._revision:
                self.refresh()

        def failed(error: Exception) -> None:
            self._polling = False
            self._poll.stop()
            self.failed.emit(error)  # once: the disk is gone, or the folder

        self._disk.run(lambda: project.revision, heard, failed)

    # Looking

    def picture(self, picture_id: int, then: Callable[[TaughtPicture], None]) -> None:
        """What is known of one picture."""
        project = self.project
        if project is not None:
            self._disk.run(lambda: project.picture(picture_id), then, lambda _error: None)

    def sources(self, ids: Sequence[int], then: Callable[[dict[int, ImageSource]], None]) -> None:
        """What the decoder opens for these pictures."""
        project = self.project
        if project is not None:
            self._disk.run(lambda: {p.id: ImageSource.from_path(p.path, p.frame) for p in project.pictures(ids)}, then)

    # The child

    def ask(self, request: Callable[[int], events.Request]) -> int:
        """Ask the learning process; ``request`` is made with the number that the answer will have. 0: there is none."""
        if self._learner is None:
            return 0
        self._number += 1
        self._learner.send(request(self._number))
        return self._number

    def tell(self, request: events.Request) -> None:
        """Say something that has no answer."""
        if self._learner is not None:
            self._learner.send(request)

    @Slot(object)
    def _on_heard(self, told: tuple[events.TeachEvent, Suggestions | None]) -> None:
        event, suggestions = told
        if suggestions is not None:
            self.suggestions = suggestions
        signal = {
            events.LookedAt: self.looked, events.Learned: self.learned, events.LabelCurve: self.curve,
            events.Ordered: self.ordered, events.Heaps: self.heaps, events.Copies: self.copies,
            events.Missing: self.missing, events.Refused: self.refused, events.TeachingEnded: self.lost,
        }[type(event)]  # fmt: skip
        signal.emit(event)

    # Lookups that need no disk

    def label_of(self, picture_id: int) -> int:
        """The id of a picture's class, 0 for none."""
        import numpy as np

        if self.index is None:
            return 0
        place = self.index.places(np.array([picture_id], np.int64))
        return int(self.index.labels[place[0]]) if len(place) else 0

    def class_of(self, class_id: int) -> TaughtClass | None:
        """The class of that id."""
        return next((c for c in self.classes if c.id == class_id), None)

    def without_label(self) -> np.ndarray:
        """The ids of pictures that have no label, int64."""
        import numpy as np

        if self.index is None:
            return np.empty(0, np.int64)
        ids: np.ndarray = self.index.ids[self.index.labels == 0]
        return ids


def words_of(error: Exception) -> str:
    """What is said of an exception that ended some work."""
    if isinstance(error, FoveaError):
        return " ".join(part for part in (error.message.rstrip(".") + ".", error.hint) if part)
    return f"{type(error).__name__}: {error}"
