"""'Find similar': the images of the list in the order of how alike they are to one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Task
from desktop.services.session import ImageItem, Session

if TYPE_CHECKING:
    from desktop.core.types import ImageSource


class Similar(QObject):
    """``progressed`` carries images looked at and of all; ``found`` the items, the most alike first, after the one that
    was asked about; ``failed`` a sentence. The newest question wins."""

    progressed = Signal(int, int)
    found = Signal(list)
    failed = Signal(str)
    ended = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._task: Task | None = None
        self._items: list[ImageItem] = []
        self._wanted: ImageItem | None = None

    @property
    def running(self) -> bool:
        """Whether images are being looked at."""
        return self._task is not None

    def find(self, item: ImageItem) -> None:
        """Look for images that are like ``item``."""
        self.cancel()
        self._wanted = item
        self._items = [other for other in self._session.items if other is not item]
        sources = [other.source for other in self._items]
        self._task = Task(partial(_find, item.source, sources, self._session.model_id))
        self._task.progressed.connect(self._on_progressed)
        self._task.answered.connect(self._on_found)
        self._task.failed.connect(self._on_failed)
        self.progressed.emit(0, len(sources) + 1)
        self._task.launch()

    @Slot()
    def cancel(self) -> None:
        """Look no further."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self.ended.emit()

    @Slot(object)
    def _on_progressed(self, told: tuple[int, int]) -> None:
        if self.sender() is self._task:
            self.progressed.emit(*told)

    @Slot(object)
    def _on_found(self, likeness: list[float | None]) -> None:
        if self.sender() is not self._task or self._wanted is None:
            return
        self._task = None
        known = [(value, at) for at, value in enumerate(likeness) if value is not None]
        order = [at for _, at in sorted(known, key=lambda pair: (-pair[0], pair[1]))]
        self.ended.emit()
        self.found.emit([self._wanted, *(self._items[at] for at in order)])

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        from desktop.system.errors import FoveaError

        if self.sender() is not self._task:
            return
        self._task = None
        self.ended.emit()
        told = f"{error.message}. {error.hint}".strip() if isinstance(error, FoveaError) else type(error).__name__
        self.failed.emit(told)


def _find(wanted: ImageSource, sources: list[ImageSource], model: str, task: Task) -> Any:
    from desktop.engine.similar import similar_to

    return similar_to(
        wanted, sources, model, lambda done, total: task.progressed.emit((done, total)), lambda: task.cancelled
    )
