"""Stars and notes on the images of the list. Shown at once, written in a thread; found again when images are listed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import DiskWork
from desktop.services.session import ImageItem, Session

if TYPE_CHECKING:
    from desktop.store.marks import PictureMark


class Marks(QObject):
    """The marks of ``session``'s images. ``changed`` says that some are others now; ``failed`` carries a sentence."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._disk = DiskWork("marks", self)
        self._held: dict[ImageItem, PictureMark] = {}
        session.inserted.connect(self._on_inserted)

    def of(self, item: ImageItem) -> PictureMark | None:
        """The mark of ``item``, ``None`` where it has none."""
        return self._held.get(item)

    def is_starred(self, item: ImageItem) -> bool:
        """Whether ``item`` has a star."""
        mark = self._held.get(item)
        return mark is not None and mark.star

    def note_of(self, item: ImageItem) -> str:
        """The note on ``item``, '' for none."""
        mark = self._held.get(item)
        return mark.note if mark is not None else ""

    @property
    def any_star(self) -> bool:
        """Whether there is a star on any image."""
        return any(mark.star for mark in self._held.values())

    @property
    def any_note(self) -> bool:
        """Whether there is a note on any image."""
        return any(mark.note for mark in self._held.values())

    def star(self, items: Iterable[ImageItem], star: bool) -> dict[ImageItem, PictureMark]:
        """Give ``items`` a star, or take it. What changed as it was, for :meth:`put_back`."""
        from desktop.store.marks import PictureMark

        return self._put(
            {item: PictureMark(star, self.note_of(item)) for item in items if self.is_starred(item) != star}
        )

    def note(self, item: ImageItem, text: str) -> dict[ImageItem, PictureMark]:
        """Write a note on ``item``, in place of the one before; '' takes it away. What changed as it was."""
        from desktop.store.marks import LONGEST_NOTE, PictureMark

        text = text.strip()[:LONGEST_NOTE]
        return self._put({item: PictureMark(self.is_starred(item), text)} if text != self.note_of(item) else {})

    def put_back(self, marks: dict[ImageItem, PictureMark]) -> bool:
        """Give pictures the ``marks`` again that they had; whether there was something to change."""
        return bool(self._put({item: mark for item, mark in marks.items() if mark != self._mark_of(item)}))

    def _mark_of(self, item: ImageItem) -> PictureMark:
        from desktop.store.marks import PictureMark

        return self._held.get(item) or PictureMark()

    def finish(self) -> None:
        """Wait until all is written; for the end of the program."""
        self._disk.stop()

    def _put(self, marks: dict[ImageItem, PictureMark]) -> dict[ImageItem, PictureMark]:
        from desktop.store.marks import MarkStore

        earlier = {item: self._mark_of(item) for item in marks}
        for item, mark in marks.items():
            before = self._held.pop(item, None)
            if not mark.is_empty:
                self._held[item] = mark
            work = partial(MarkStore().put, item.first, mark)
            self._disk.run(work, failed=partial(self._not_kept, item, before))
        if marks:
            self.changed.emit()
        return earlier

    def _not_kept(self, item: ImageItem, before: PictureMark | None, error: Exception) -> None:
        """What was not written is not shown as if it were."""
        from desktop.system.errors import FoveaError

        self._held.pop(item, None)
        if before is not None:
            self._held[item] = before
        self.changed.emit()
        told = f"{error.message} {error.hint}" if isinstance(error, FoveaError) else type(error).__name__
        self.failed.emit(told)

    @Slot(int, int)
    def _on_inserted(self, first: int, count: int) -> None:
        items = self._session.items[first : first + count]
        work = partial(_find, [item.first for item in items])
        self._disk.run(work, partial(self._on_found, items))

    def _on_found(self, items: list[ImageItem], found: dict[int, PictureMark]) -> None:
        for at, mark in found.items():
            self._held.setdefault(items[at], mark)
        if found:
            self.changed.emit()


def _find(sources: list[object]) -> dict[int, PictureMark]:
    from desktop.store.marks import MarkStore

    return MarkStore().find(sources)  # type: ignore[arg-type]
