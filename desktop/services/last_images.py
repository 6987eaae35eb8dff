"""The images of the last time are listed again, and what is listed is remembered for the next time.

What lies on the disk is the matter of :mod:`desktop.services.last_session`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QObject, QTimer, Signal, Slot

from desktop.services import last_session
from desktop.services.background import Aside, run_aside
from desktop.services.classifying import AT_ONCE, Classifying
from desktop.services.folder_job import FolderJob
from desktop.services.last_session import LastSession
from desktop.services.session import Session
from desktop.services.settings import Settings
from desktop.system.errors import FoveaError

if TYPE_CHECKING:
    from desktop.core.types import ImageSource

_REMEMBER_MS = 1500


def _save(sources: list[ImageSource], current: int, root: str | None) -> None:
    with contextlib.suppress(OSError, FoveaError):  # a full disk: the images themselves are where they were
        last_session.save(sources, current, root)


class LastImages(QObject):
    """Remembers the list of ``session`` a moment after each change, from :meth:`restore` on, while the user wants that.

    ``told`` carries a sentence about images that are gone.
    """

    told = Signal(str)
    _found = Signal(LastSession)

    def __init__(
        self,
        session: Session,
        job: FolderJob,
        classifying: Classifying,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._job = job
        self._classifying = classifying
        self._settings = settings
        self.remembers = False
        self._writer: Aside | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_REMEMBER_MS)
        self._soon.timeout.connect(self._save)
        self._found.connect(self._on_found)
        for changed in (session.was_reset, session.inserted, session.current_changed, session.relocated):
            changed.connect(self._save_soon)

    def restore(self, nothing_else: bool) -> None:
        """List the images of the last time again, unless something else is to be opened or the user wants none. From
        now on the list is remembered."""
        self.remembers = self._settings.get("restore_images")
        if not self.remembers:
            run_aside(last_session.clear, name="forget the images")
        elif nothing_else:
            self.remembers = False  # not before they are there: an empty list would be remembered
            run_aside(lambda: self._found.emit(last_session.load()), name="the images of the last time")

    def list_again(self, sources: list[ImageSource], place: int) -> None:
        """List ``sources``, as another window showed them, with the one at ``place`` current. From now on the list is
        remembered as :meth:`restore` would."""
        self._on_found(LastSession(tuple(sources), 0, place))
        self.remembers = self._settings.get("restore_images")

    def finish(self) -> None:
        """Write what is still to be written; for the end of the program."""
        if self._soon.isActive():
            self._soon.stop()
            self._save()
        if self._writer is not None:
            self._writer.join(10.0)

    @Slot(LastSession)
    def _on_found(self, found: LastSession) -> None:
        self.remembers = True
        if found.sources:
            fresh = self._session.current is None
            items = self._session.add(found.sources)
            if fresh:
                self._session.set_current(items[max(0, found.current)])
            if len(items) == 1:
                self._classifying.take_one(items[0])
            elif len(items) <= AT_ONCE:
                self._classifying.take(items, found.root)
        if found.missing:
            told = self.tr("Of the images from last time, {0} are no longer where they were.")
            self.told.emit(told.format(QLocale().toString(found.missing)))

    @Slot()
    def _save_soon(self) -> None:
        if self.remembers:
            self._soon.start()

    @Slot()
    def _save(self) -> None:
        if not self._settings.get("restore_images"):
            run_aside(last_session.clear, name="forget the images")
            return
        session = self._session
        current = session.items.index(session.current) if session.current in session.items else -1
        sources = [item.source for item in session.items[: last_session.MOST + 1]]
        self._writer = run_aside(_save, sources, current, self._job.root, name="remember the images")
