"""Small pictures for a list or a gallery, asked of the engine as they are seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QPixmap

from desktop.ui.kit.widgets import image_of

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.engine.messages import Thumbnail
    from desktop.services.engine_service import EngineService

KEPT = 600
MAX_ASKED = 48
SIDE = 200


class SmallPictures(QObject):
    """Holds the newest :data:`KEPT` small pictures by a key of the owner's; ``source_of`` says what a key stands for
    (``None``: there is nothing to open).

    Those that are painted and not there are asked for together, a moment later; what is out of sight again is taken
    back. ``changed`` says that some have come: repaint.
    """

    changed = Signal()

    def __init__(
        self, source_of: Callable[[Hashable], ImageSource | None], side: int = SIDE, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._source_of, self._side = source_of, side
        self._kept: OrderedDict[Hashable, QPixmap | None] = OrderedDict()
        self._asked: dict[int, Hashable] = {}
        self._asked_keys: dict[Hashable, int] = {}
        self._wanted: dict[Hashable, None] = {}
        self._engine: EngineService | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(15)
        self._timer.timeout.connect(self._ask)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine
        engine.thumbnail_arrived.connect(self._on_thumbnail)
        self.changed.emit()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._timer.stop()
        if self._engine is not None:
            self._engine.thumbnail_arrived.disconnect(self._on_thumbnail)
        self._engine = None

    def get(self, key: Hashable) -> QPixmap | None:
        """The small picture of ``key``, ``None`` while there is none; asks for it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._wanted[key] = None
        if not self._timer.isActive():
            self._timer.start()
        return None

    def is_missing(self, key: Hashable) -> bool:
        """Whether it is known that there is no picture to be had."""
        return key in self._kept and self._kept[key] is None

    def awaited(self, keys: Iterable[Hashable]) -> bool:
        """Whether one of ``keys`` still waits for its picture."""
        return any(key not in self._kept for key in keys)

    def forget(self) -> None:
        """The keys stand for other pictures, or can only be opened now."""
        for request in self._asked:
            if self._engine is not None:
                self._engine.cancel(request)
        self._kept.clear()
        self._asked.clear()
        self._asked_keys.clear()
        self._wanted.clear()

    @Slot()
    def _ask(self) -> None:
        wanted, self._wanted = list(self._wanted)[-MAX_ASKED:], {}
        if self._engine is None:
            return
        seen = set(wanted)
        for key, request in list(self._asked_keys.items()):
            if key not in seen and len(self._asked) > MAX_ASKED:
                self._engine.cancel(request)
                del self._asked[request], self._asked_keys[key]
        found = False
        for key in reversed(wanted):  # the engine serves the newest first: so the topmost row comes first
            if key in self._asked_keys or key in self._kept:
                continue
            source = self._source_of(key)
            if source is None:
                self._keep(key, None)
                found = True
                continue
            request = self._engine.thumbnail(source, self._side)
            self._asked[request] = key
            self._asked_keys[key] = request
        if found:
            self.changed.emit()

    @Slot(object)
    def _on_thumbnail(self, answer: Thumbnail) -> None:
        key = self._asked.pop(answer.id, None)
        if key is None:
            return
        self._asked_keys.pop(key, None)
        self._keep(key, QPixmap.fromImage(image_of(answer.pixels)) if answer.pixels is not None else None)
        self.changed.emit()

    def _keep(self, key: Hashable, pixmap: QPixmap | None) -> None:
        self._kept[key] = pixmap
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
