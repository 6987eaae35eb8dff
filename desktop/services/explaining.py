"""Where did the network look? The window's one question about the current picture, asked again as the picture changes.

Lives in the main thread; knows nothing of views. A map for another picture, model, class or way of asking than the one
that is wanted now is dropped, whenever it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

if TYPE_CHECKING:
    from desktop.engine import messages
    from desktop.engine.messages import Method
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.session import Session
    from desktop.store.manifest import Manifest

HEAD_FILE = "head.json"
OPACITY = 60


def methods_of(manifest: Manifest) -> list[Method]:
    """The ways in which a model can be explained."""
    found: list[Method] = ["cam"] if HEAD_FILE in manifest.files else []
    if "model.keras" in manifest.files:
        found.append("grad-cam")
    return [*found, "occlusion"]


class Explainer(QObject):
    """``changed`` says that :attr:`explanation`, :attr:`failure` or what is wanted are others now.

    ``cancelled`` says that the user stopped it: what has come by then stays. ``index`` ``None`` wants the model's
    answer; ``method`` ``None`` leaves the way to the engine. ``opacity`` is in per cent.
    """

    changed = Signal()
    opacity_changed = Signal(int)

    def __init__(self, session: Session, catalog: ModelCatalog, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._catalog = catalog
        self._engine: EngineService | None = None
        self._id = 0
        self.wanted = False
        self.method: Method | None = None
        self.index: int | None = None
        self.opacity = OPACITY
        self.explanation: messages.Explanation | None = None
        self.failure: messages.Failure | None = None
        self.cancelled = False
        session.prediction_changed.connect(self._on_prediction)
        session.model_changed.connect(self._on_model)
        session.current_changed.connect(self._on_current)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine
        engine.explanation.connect(self._on_explanation)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def waiting(self) -> bool:
        """Whether a map, or the rest of it, is on its way."""
        return self._id != 0

    @property
    def stopped(self) -> bool:
        """Whether the map, or the rest of it, will not come unless it is asked for again."""
        return self.cancelled or self.failure is not None

    @property
    def methods(self) -> list[Method]:
        """What the current model offers."""
        entry = self._catalog.entry(self._session.model_id)
        return methods_of(entry.manifest) if entry is not None and entry.manifest is not None else []

    @property
    def chosen(self) -> Method | None:
        """The way that is used now; ``None`` where the engine chooses and has not said yet which."""
        if self.method in self.methods:
            return self.method
        return self.explanation.method if self.explanation is not None else None

    def show(self, wanted: bool) -> None:
        """Begin or cease to explain."""
        if wanted == self.wanted:
            return
        self.wanted = wanted
        self._ask()

    def set_method(self, method: Method) -> None:
        """Explain in another way, or once more in the same where it was stopped."""
        if method != self.chosen or self.stopped:
            self.method = method
            self._ask()

    def set_index(self, index: int | None) -> None:
        """Explain another class, or the same once more where it was stopped."""
        if index != self.index or self.stopped:
            self.index = index
            self._ask()

    def set_opacity(self, percent: int) -> None:
        """How strongly the map covers the picture, 0 to 100."""
        if percent != self.opacity:
            self.opacity = percent
            self.opacity_changed.emit(percent)

    def cancel(self) -> None:
        """Stop what is on its way; what has come stays."""
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self.cancelled = self.cancelled or self.waiting
        self._id = 0
        self.changed.emit()

    def again(self) -> None:
        """Ask once more for what was cancelled or failed."""
        if self.stopped:
            self._ask()

    def _ask(self) -> None:
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self._id = 0
        self.explanation = self.failure = None
        self.cancelled = False
        session = self._session
        method = self.method if self.method in self.methods else None
        if self.wanted and self._engine is not None and session.prediction is not None:
            source = session.prediction.source
            self._id = self._engine.explain(session.model_id, source, method, self.index, self._on_failure)
        self.changed.emit()

    @Slot()
    def _on_prediction(self) -> None:
        if self.wanted:
            self._ask()

    @Slot()
    def _on_current(self) -> None:
        self.index = None

    @Slot(str)
    def _on_model(self, model_id: str) -> None:
        self.index = None

    @Slot(object)
    def _on_explanation(self, answer: messages.Explanation) -> None:
        if answer.id != self._id:
            return
        self.explanation = answer
        if answer.done >= answer.total:
            self._id = 0
        self.changed.emit()

    def _on_failure(self, answer: messages.Failure) -> None:
        self._id = 0
        self.failure = answer
        self.changed.emit()
