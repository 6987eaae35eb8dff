"""Which model would suit the current picture, asked once its answer has come and says that it is of another kind.

Lives in the main thread; knows nothing of views. Advice on another picture or for another model than the current ones
is dropped, whenever it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

if TYPE_CHECKING:
    from desktop.engine import messages
    from desktop.services.engine_service import EngineService
    from desktop.services.session import Session


class Adviser(QObject):
    """``changed`` says that :attr:`suits` is another now: the id of a model, '' while none is known."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.suits = ""
        self._session = session
        self._engine: EngineService | None = None
        self._id = 0
        session.prediction_changed.connect(self._ask)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine
        engine.advice.connect(self._take)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @Slot()
    def _ask(self) -> None:
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self._id = 0
        self._say("")
        prediction = self._session.prediction
        if prediction is None or self._engine is None or prediction.several:
            return
        if prediction.domain is not None and not prediction.domain.inside:
            self._id = self._engine.advise(prediction.model, prediction.source)

    @Slot(object)
    def _take(self, advice: messages.Advice) -> None:
        if advice.id == self._id:
            self._id = 0
            self._say(advice.suits)

    def _say(self, suits: str) -> None:
        if suits != self.suits:
            self.suits = suits
            self.changed.emit()
