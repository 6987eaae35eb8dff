"""Asks the engine to read a drawing while it grows: one question at a time, and then the newest drawing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.core.types import ImageSource
from desktop.engine.messages import Failure, Reading

if TYPE_CHECKING:
    from desktop.services.engine_service import EngineService


class DrawingReader(QObject):
    """``read`` carries a :class:`Reading`, ``failed`` a :class:`Failure`; ``settled`` follows either where it is about
    the drawing as it is now.

    ``picture`` is called for the drawing as it is then, as the bytes of a picture file, or ``None`` for a blank sheet.
    While an answer is on its way changes are only noted; it is followed by a question about the newest drawing. So the
    engine never works on a drawing that is out of date for longer than one answer takes. Sheets that were left before
    they were read (:meth:`also`) are read when nothing newer is: ``late`` carries what they were marked with and their
    :class:`Reading`, ``None`` where there is none.
    """

    read = Signal(Reading)
    failed = Signal(Failure)
    settled = Signal()
    late = Signal(object, object)  # whatever mark was left with the sheet; its Reading, or None

    def __init__(self, picture: Callable[[], bytes | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._picture = picture
        self._engine: EngineService | None = None
        self._model = ""
        self._awaited = 0
        self._behind = False
        self._left: list[tuple[bytes, object]] = []
        self._late: tuple[bytes, object] | None = None  # the left sheet that is being read
        self._changed_at = 0.0
        self._asked_about = 0.0
        self._warm = False
        self.last_ms = 0.0
        """Milliseconds from the last change that the newest answer knows of to that answer; 0 for the first answer of a
        model, which may have waited for engine and model to load."""

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine
        engine.reading.connect(self._on_reading)
        if self._model:
            engine.warm(self._model)
        if self._behind:
            self._ask()

    def detach(self) -> None:
        """Ask nothing more."""
        if self._engine is not None:
            self._engine.reading.disconnect(self._on_reading)
            self._drop()
        self._engine = None
        self._awaited = 0

    @property
    def model(self) -> str:
        """The id of the model that reads; '' for none."""
        return self._model

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way, or a change not yet asked about."""
        return self._behind or (self._awaited != 0 and self._late is None)

    @property
    def behind(self) -> bool:
        """Whether the drawing has changed since what was asked last."""
        return self._behind

    def also(self, data: bytes, mark: object) -> None:
        """Read a sheet that is no longer drawn on, once there is nothing newer to read."""
        self._left.append((data, mark))

    def set_model(self, model_id: str) -> None:
        """Read with another model ('' for none): the drawing is read anew."""
        if model_id == self._model:
            return
        self._model = model_id
        self._warm = False
        self._drop()
        if self._late is not None:
            self._left.insert(0, self._late)
        self._late = None
        if self._engine is not None and model_id:
            self._engine.warm(model_id)
        self.changed()

    @Slot()
    def changed(self) -> None:
        """The drawing is another one now."""
        self._changed_at = time.perf_counter()
        if self._awaited or self._engine is None:
            self._behind = True
        else:
            self._ask()

    def _ask(self) -> None:
        self._behind = False
        if self._engine is None or not self._model:
            return
        data = self._picture()
        if data is None:
            self._read_left()
            return
        self._asked_about = self._changed_at
        self._awaited = self._engine.read(self._model, ImageSource("drawing", data=data), self._on_failure)

    @Slot(object)
    def _on_reading(self, answer: Reading) -> None:
        if answer.id != self._awaited:
            return
        self._awaited = 0
        if self._late is not None:
            self._tell_late(answer)
            return
        self.last_ms = (time.perf_counter() - self._asked_about) * 1000 if self._warm else 0.0
        self._warm = True
        self.read.emit(answer)
        self._go_on()

    def _drop(self) -> None:
        """What was asked is not wanted any more."""
        if self._awaited and self._engine is not None:
            self._engine.cancel(self._awaited)
        self._awaited = 0

    def _on_failure(self, failure: Failure) -> None:
        self._awaited = 0
        if self._late is not None:
            self._tell_late(None)
            return
        self.failed.emit(failure)
        self._go_on()

    def _go_on(self) -> None:
        if self._behind:
            self._ask()
        elif not self._awaited:
            self.settled.emit()
            self._read_left()

    def _read_left(self) -> None:
        if self._left and not self._awaited and self._engine is not None and self._model:
            self._late = self._left.pop(0)
            source = ImageSource("drawing", data=self._late[0])
            self._awaited = self._engine.read(self._model, source, self._on_failure)

    def _tell_late(self, answer: Reading | None) -> None:
        assert self._late is not None
        mark, self._late = self._late[1], None
        self.late.emit(mark, answer)
        if self._behind:
            self._ask()
        else:
            self._read_left()
