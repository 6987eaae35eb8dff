"""Which images are classified, and when: what was opened, what another model asks for, what was cut short.

What has been answered is never thrown away unasked: while the model stays the same a batch goes on with the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.services.folder_job import FolderJob
from desktop.services.session import ImageItem, Session

if TYPE_CHECKING:
    from desktop.app.batch_columns import RowSaid
    from desktop.engine.messages import Failure, Prediction
    from desktop.services.catalog import ModelCatalog
    from desktop.store.manifest import Manifest

_PATIENCE_MS = 8000
"""A batch does not wait longer for what is looked at: a picture may take a minute to open."""
AT_ONCE = 500
"""Up to so many images are classified without asking, beside those that were just opened."""


class Classifying(QObject):
    """Begins the batches of ``job``; ``wanted`` comes where its results are to be seen."""

    wanted = Signal()

    def __init__(self, session: Session, job: FolderJob, catalog: ModelCatalog, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job = job
        self._catalog = catalog
        self._unbegun: list[ImageItem] = []
        self._unbegun_folders: list[str | None] = []
        self._manifest: Manifest | None = None  # of the model that the batch was begun with
        self._cut = False  # whether the batch was stopped by something else than the user's wish
        self._patience_left = True
        self._lone: ImageItem | None = None  # opened by itself: its answer is on its way to the picture's pane
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._look_no_longer)
        session.prediction_changed.connect(self._on_answer)
        session.current_changed.connect(self._on_current)
        session.preview_changed.connect(self.look_first)
        self.seen: Callable[[], bool] = lambda: True
        """Whether the small pictures in sight have come; the view sets it."""

    def take_one(self, item: ImageItem) -> None:
        """One image was opened by itself: its answer, asked for to be shown, stands in the table as well."""
        if item.source.path is not None and self._job.place_of(item) >= 0 and self._goes_on():
            return
        self._finish_lone()
        self._lone = item
        self._on_answer()

    @Slot()
    def _on_answer(self) -> None:
        session, item = self._session, self._lone
        answer = session.prediction or session.failure
        if item is None or session.current is not item or answer is None:
            return
        if session.failure is not None and session.failure.model_failed:
            return
        self._lone = None
        self._begin(self._together({item}), keep=True, root=self._job.root, given={item: answer})

    @Slot()
    def _on_current(self) -> None:
        if self._lone is not None and self._session.current is not self._lone:
            self._finish_lone()
        self.look_first()

    def _finish_lone(self) -> None:
        """Nobody waits for its answer any more: it is asked for with the others."""
        item, self._lone = self._lone, None
        if item is not None and item in self._session.items:
            self.take([item], None)

    def _together(self, items: set[ImageItem]) -> list[ImageItem]:
        """``items`` and those of the batch before, where it goes on, in the order of the list."""
        chosen = items.union(self._job.items) if self._goes_on() else items
        return [item for item in self._session.items if item in chosen]

    # What is looked at comes first

    @Slot()
    def look_first(self) -> None:
        """Let the batch wait while the chosen picture, or a small one in sight, is still being opened."""
        session = self._session
        opening = session.current is not None and session.preview is None and session.preview_failure is None
        hold = (opening or not self.seen()) and not session.engine_trouble and self._patience_left
        if hold and self._job.running and not self._patience.isActive():
            self._patience.start()
        if not hold:
            self._patience.stop()
        self._job.hold(hold)

    @Slot()
    def _look_no_longer(self) -> None:
        self._patience_left = False
        self._job.hold(False)

    def take(self, items: list[ImageItem], folder: str | None) -> None:
        """Classify what was opened, all of ``folder`` where that is given, together with what was before it."""
        if not self._session.model_ready:
            self._unbegun = list(dict.fromkeys([*self._unbegun, *items]))
            self._unbegun_folders.append(folder)
            return
        listed, before = self._session.items, set(self._job.items)
        goes_on = self._goes_on()
        if goes_on and before.issuperset(items):
            self.wanted.emit()
            if self._job.unfinished and not self._job.running:
                self._go_on()
            return
        if before.isdisjoint(listed) or len(listed) == len(items):
            self._begin(items, keep=True, root=folder)
            return
        # Results of one model stand in one table: images listed earlier are taken along.
        chosen = before.union(items) if goes_on else set(items)
        some = [item for item in listed if item in chosen]
        self._begin(listed if len(listed) - len(some) <= AT_ONCE else some, keep=True)

    def follow_model(self) -> None:
        """The model is another one, or can answer now: do with the list what that asks for."""
        session, job = self._session, self._job
        if not session.model_ready:
            return
        if self._goes_on():
            if self._cut:
                self._go_on()
        elif job.items and job.model_id != session.model_id and len(session.items) <= AT_ONCE:
            self.all()
        if self._unbegun:
            # Opened before the models were read, or while one was chosen that cannot answer.
            held = set(session.items)
            waiting = [item for item in self._unbegun if item in held]
            folder = self._unbegun_folders[0] if len(self._unbegun_folders) == 1 else None
            self._unbegun, self._unbegun_folders = [], []
            if waiting:
                self.take(waiting, folder)

    @Slot()
    def all(self) -> None:
        """Classify the whole list with the model chosen now: what has no answer yet, or, where all has, all anew."""
        missing = self._job.unfinished or not set(self._job.items).issuperset(self._session.items)
        self._begin(self._session.items, keep=missing, root=self._job.root)

    @Slot(object)
    def every(self, item: ImageItem) -> None:
        """Answer each frame of an item; the answers stand in the table."""
        if self._lone is item:
            self._lone = None
        item.every = True
        self._begin(self._together({item}), keep=True, root=self._job.root)
        self.wanted.emit()

    def cut_short(self) -> None:
        """Stop the batch, because nobody sees it or its model is no longer chosen; it may go on later."""
        self._cut = self._cut or self._job.running
        self._job.cancel()

    def stop(self) -> None:
        """Stop the batch because the user wishes it."""
        self._job.cancel()
        self._cut = False

    def put_back(self, items: list[ImageItem]) -> None:
        """The list was empty and holds ``items`` again: show their results, and go on where that was cut short."""
        if self._goes_on() and not set(items).isdisjoint(self._job.items):
            self.wanted.emit()
            if self._cut:
                self._go_on()

    def said(self, item: ImageItem) -> RowSaid | None:
        """What the batch said of ``item``; ``None`` where it said nothing, or another model than the one chosen now."""
        return self._job.said(item) if self._session.model_ready and self._goes_on() else None

    def _goes_on(self) -> bool:
        """Whether the answers of the batch are those that the model chosen now would give."""
        entry = self._catalog.entry(self._session.model_id)
        if not self._job.items or entry is None or self._job.model_id != self._session.model_id:
            return False
        return entry.manifest == self._manifest

    def _go_on(self) -> None:
        """Classify what is left of the batch that was stopped."""
        held = set(self._session.items)
        self._begin([item for item in self._job.items if item in held], keep=True, root=self._job.root)

    def _begin(
        self,
        items: list[ImageItem],
        keep: bool,
        root: str | None = None,
        given: dict[ImageItem, Prediction | Failure] | None = None,
    ) -> None:
        """Classify ``items``; with ``keep`` as far as they have no answer of the model chosen now or ``given``."""
        entry = self._catalog.entry(self._session.model_id)
        if not items or not self._session.model_ready or entry is None or entry.manifest is None:
            return
        keep = keep and self._goes_on()
        self._manifest, self._cut = entry.manifest, False
        self._patience_left = True
        self.look_first()
        self._job.begin(items, entry.manifest, keep, root, given)
        self.look_first()
