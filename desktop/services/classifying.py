"""Which images are classified, and when: what was opened, what another model asks for, what was cut short.

What has been answered is never thrown away unasked: while the model stays the same a batch goes on with the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.folder_job import FolderJob
from desktop.services.session import ImageItem, Session

if TYPE_CHECKING:
    from desktop.services.catalog import ModelCatalog
    from desktop.store.manifest import Manifest

AT_ONCE = 500
"""Up to so many images are classified without asking, beside those that were just opened."""


class Classifying(QObject):
    """Begins the batches of ``job``; ``beginning`` comes before each, ``wanted`` where its results are to be seen."""

    beginning = Signal()
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
            job.restore()  # back at the model of the batch: its answers hold
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

    def _begin(self, items: list[ImageItem], keep: bool, root: str | None = None) -> None:
        """Classify ``items``; with ``keep`` as far as they have no answer of the model chosen now."""
        entry = self._catalog.entry(self._session.model_id)
        if not items or not self._session.model_ready or entry is None:
            return
        self.beginning.emit()
        keep = keep and self._goes_on()
        self._manifest, self._cut = entry.manifest, False
        self._job.begin(items, self._session.model_id, keep, root)
