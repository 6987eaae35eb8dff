"""What the window is looking at: the images in the list, the current one, the model, and what was asked of the engine.

Every answer is checked against the request that is still wanted: one for another image or for the model chosen before
is dropped, whenever it comes. Lives in the main thread; knows nothing of views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.core.types import ImageSource
from desktop.services.stacks import Stack, frame_name

if TYPE_CHECKING:
    from desktop.engine import messages
    from desktop.services.engine_service import EngineService

MAX_UNDO = 20
PREVIEW_SIDE = 2048


class ImageItem:
    """One row of the list; what a batch says of it stands in :attr:`desktop.services.folder_job.FolderJob.answers`.

    A file of several frames and a series (``stack``) are one item: ``source`` is the frame that is looked at, ``count``
    how many there are (of a file, once it was opened). ``every`` says that each frame is to be answered.
    """

    __slots__ = ("count", "every", "folded", "name", "source", "stack")

    def __init__(self, source: ImageSource, stack: Stack | None = None) -> None:
        self.source = source
        self.stack = stack
        self.name = stack.name if stack is not None else source.name
        self.folded = self.name.casefold()
        self.count = len(stack.frames) if stack is not None else 1
        self.every = False

    @property
    def first(self) -> ImageSource:
        """What stands for the item where something is kept of it: of a series its first frame."""
        return self.stack.frames[0] if self.stack is not None else self.source

    @property
    def at(self) -> int:
        """Which frame is looked at, from 0."""
        return self.stack.frames.index(self.source) if self.stack is not None else self.source.frame

    def frame(self, number: int) -> ImageSource:
        """The frame ``number``, from 0."""
        if self.stack is not None:
            return self.stack.frames[min(max(0, number), self.count - 1)]
        return self.source if self.source.frame == number else replace(self.source, frame=number)

    def wanted(self) -> list[ImageSource]:
        """What a batch asks for: the frame that is looked at, or each."""
        if not self.every:
            return [self.source]
        if self.stack is not None:
            return list(self.stack.frames)
        return [replace(self.source, frame=at, name=frame_name(self.name, at + 1)) for at in range(self.count)]


class Session(QObject):
    """The state behind the window.

    ``inserted(first, count)``, ``removed()`` and their ``about_to`` companions frame each change of :attr:`items`.
    ``prediction_changed``, ``preview_changed`` say that :attr:`prediction`/:attr:`failure` or
    :attr:`preview`/:attr:`preview_failure` are others now, possibly ``None`` because an answer is awaited.
    """

    about_to_insert = Signal(int, int)
    inserted = Signal(int, int)
    about_to_reset = Signal()
    was_reset = Signal()
    current_changed = Signal()
    model_changed = Signal(str)
    prediction_changed = Signal()
    preview_changed = Signal()
    detail_arrived = Signal(object)  # a Preview: its class would be loaded before the first paint
    undo_changed = Signal(bool)
    relocated = Signal()
    engine_state_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[ImageItem] = []
        self.current: ImageItem | None = None
        self.model_id = ""
        self.model_ready = False
        self.prediction: messages.Prediction | None = None
        self.failure: messages.Failure | None = None
        self.preview: messages.Preview | None = None
        self.preview_failure: messages.Failure | None = None
        self.engine_trouble = ""
        self._troubles: dict[str, str] = {}
        self._engine: EngineService | None = None
        self._by_path: dict[str, ImageItem] = {}
        self._undo: list[list[tuple[int, ImageItem]]] = []
        self._predict_id = 0
        self._preview_id = 0
        self._detail_id = 0

    # The engine

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started; asks for what is already wanted."""
        self._engine = engine
        engine.prediction.connect(self._on_prediction)
        engine.preview_arrived.connect(self._on_preview)
        engine.process_changed.connect(self._on_process)
        if self.model_ready and self.current is None:
            engine.warm(self.model_id)
        self._ask_prediction()
        self._ask_preview()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def engine(self) -> EngineService | None:
        """The engine, once it was started."""
        return self._engine

    @property
    def waiting(self) -> bool:
        """Whether an answer for the current image is on its way."""
        return self._predict_id != 0

    # The list

    def add(self, sources: Iterable[ImageSource | Stack]) -> list[ImageItem]:
        """Append images and series; what is already listed is not listed twice. Returns one item a source."""
        fresh: list[ImageItem] = []
        named: list[ImageItem] = []
        for source in sources:
            item = self._listed(source)
            if item is None:
                item = ImageItem(source.frames[0], source) if isinstance(source, Stack) else ImageItem(source)
                fresh.append(item)
                self._note(item)
            named.append(item)
        if fresh:
            first = len(self.items)
            self.about_to_insert.emit(first, len(fresh))
            self.items.extend(fresh)
            self.inserted.emit(first, len(fresh))
        return named

    def remove(self, items: Iterable[ImageItem]) -> int:
        """Take images off the list (their files stay); can be undone. Returns how many went."""
        going = set(items)
        if not going:
            return 0
        taken = [(index, item) for index, item in enumerate(self.items) if item in going]
        successor = self._successor(going)
        self.about_to_reset.emit()
        self.items = [item for item in self.items if item not in going]
        for _, item in taken:
            for path in _paths_of(item):
                if self._by_path.get(path) is item:
                    del self._by_path[path]
        self._undo = [*self._undo, taken][-MAX_UNDO:]
        self.was_reset.emit()
        if self.current in going:
            self.set_current(successor)
        self.undo_changed.emit(True)
        return len(taken)

    def undo_remove(self) -> list[ImageItem]:
        """Put the last removed images back where they were; returns them."""
        if not self._undo:
            return []
        taken = self._undo.pop()
        self.about_to_reset.emit()
        back = []
        for index, item in taken:
            if self._listed(item.stack or item.source) is not None:
                continue
            self._note(item)
            self.items.insert(min(index, len(self.items)), item)
            back.append(item)
        self.was_reset.emit()
        self.undo_changed.emit(bool(self._undo))
        return back

    @property
    def can_undo(self) -> bool:
        """Whether a removal can be undone."""
        return bool(self._undo)

    def relocate(self, places: Mapping[ImageItem, str]) -> None:
        """The files of some images lie at other places now, or are called differently; what is known of them holds."""
        for item in places:
            if item.source.path is not None and self._by_path.get(item.source.path) is item:
                del self._by_path[item.source.path]
        listed = set(self.items)
        for item, path in places.items():
            item.source = ImageSource.from_path(path, item.source.frame)
            item.name = item.source.name
            item.folded = item.name.casefold()
            if item in listed:
                self._by_path[path] = item
        if places:
            self.relocated.emit()

    def find(self, source: ImageSource) -> ImageItem | None:
        """The item of a source, ``None`` if it is no longer listed."""
        if source.path is not None:
            return self._by_path.get(source.path)
        return next((item for item in self.items if item.source == source), None)

    def _listed(self, source: ImageSource | Stack) -> ImageItem | None:
        """The item that shows the file of ``source`` already, or the series."""
        if isinstance(source, ImageSource):
            return self._by_path.get(source.path) if source.path is not None else None
        held = (self._by_path.get(frame.path or "") for frame in source.frames)
        frames = source.series.frames
        return next((item for item in held if item and item.stack and item.stack.series.frames == frames), None)

    def _note(self, item: ImageItem) -> None:
        for path in _paths_of(item):
            self._by_path.setdefault(path, item)

    def _successor(self, going: set[ImageItem]) -> ImageItem | None:
        if self.current is None or self.current not in going:
            return self.current
        start = self.items.index(self.current)
        after = next((item for item in self.items[start:] if item not in going), None)
        return after or next((item for item in reversed(self.items[:start]) if item not in going), None)

    # The current image and the model

    def set_current(self, item: ImageItem | None) -> None:
        """Look at another image: what was shown goes, an answer and a picture are asked for."""
        if item is self.current:
            return
        self.current = item
        self._forget_prediction()
        self._forget_preview()
        # Asked before the window redraws itself: the engine answers meanwhile.
        self._ask_prediction()
        self._ask_preview()
        self.current_changed.emit()
        self.preview_changed.emit()
        self.prediction_changed.emit()

    def set_frame(self, frame: int) -> None:
        """Look at another frame (0-based) of the current picture or series."""
        if self.current is None or self.current.at == frame:
            return
        self.current.source = self.current.frame(frame)
        self.ask_again()

    def show(self, source: ImageSource) -> None:
        """Look at ``source``, a listed picture or a frame of one."""
        item = self.find(source)
        if item is None:
            return
        if item is self.current:
            self.set_frame(place_in(item, source))
            return
        item.source = item.frame(place_in(item, source))
        self.set_current(item)

    def set_model(self, model_id: str, ready: bool) -> None:
        """Use another model; ``ready`` is false for one that cannot answer (weights not installed, damaged)."""
        if (model_id, ready) == (self.model_id, self.model_ready):
            return
        self.model_id, self.model_ready = model_id, ready
        self._forget_prediction()
        self.model_changed.emit(model_id)
        self.prediction_changed.emit()
        if self.current is None and ready and self._engine is not None:
            self._engine.warm(model_id)
        self._ask_prediction()

    def ask_again(self) -> None:
        """Ask anew for the current picture and its answer, as after a failure."""
        self._forget_prediction()
        self._forget_preview()
        self.preview_changed.emit()
        self.prediction_changed.emit()
        self._ask_prediction()
        self._ask_preview()

    def ask_detail(self, max_side: int) -> None:
        """Ask for the current picture in more pixels; comes as ``detail_arrived``."""
        if self._engine is not None and self.current is not None:
            self._detail_id = self._engine.preview(self.current.source, max_side, "detail", self._on_no_detail)

    def _forget_prediction(self) -> None:
        if self._predict_id and self._engine is not None:
            self._engine.cancel(self._predict_id)
        self._predict_id = 0
        self.prediction = self.failure = None

    def _forget_preview(self) -> None:
        if self._engine is not None:
            for request in (self._preview_id, self._detail_id):
                if request:
                    self._engine.cancel(request)
        self._preview_id = self._detail_id = 0
        self.preview = self.preview_failure = None

    def _ask_prediction(self) -> None:
        if self._engine is not None and self.current is not None and self.model_ready:
            self._predict_id = self._engine.predict(self.model_id, self.current.source, self._on_no_prediction)

    def _ask_preview(self) -> None:
        if self._engine is not None and self.current is not None:
            self._preview_id = self._engine.preview(self.current.source, PREVIEW_SIDE, "view", self._on_no_preview)

    # Answers

    @Slot(object)
    def _on_prediction(self, answer: messages.Prediction) -> None:
        if answer.id != self._predict_id or answer.model != self.model_id or self.current is None:
            return
        self._predict_id = 0
        self.prediction, self.failure = answer, None
        self.prediction_changed.emit()

    @Slot(object)
    def _on_preview(self, answer: messages.Preview) -> None:
        if self.current is None:
            return
        if answer.id == self._preview_id:
            self._preview_id = 0
            self.preview, self.preview_failure = answer, None
            if self.current.stack is None:
                self.current.count = max(1, answer.frames)
            self.preview_changed.emit()
        elif answer.id == self._detail_id:
            self._detail_id = 0
            self.detail_arrived.emit(answer)

    def _on_no_prediction(self, failure: messages.Failure) -> None:
        self._predict_id = 0
        self.prediction, self.failure = None, failure
        self.prediction_changed.emit()

    def _on_no_preview(self, failure: messages.Failure) -> None:
        self._preview_id = 0
        self.preview, self.preview_failure = None, failure
        self.preview_changed.emit()

    def _on_no_detail(self, failure: messages.Failure) -> None:
        self._detail_id = 0  # the smaller picture stays

    @Slot(str, object)
    def _on_process(self, name: str, answer: messages.Ready | messages.EngineLost) -> None:
        """Each process's trouble stands until that one is up again; what keeps the answers away is said first."""
        self._troubles[name] = self._trouble_of(name, answer)
        text = self._troubles.get("predictor") or self._troubles.get("viewer", "")
        if text != self.engine_trouble:
            self.engine_trouble = text
            self.engine_state_changed.emit(text)

    def _trouble_of(self, name: str, answer: messages.Ready | messages.EngineLost) -> str:
        from desktop.engine.messages import EngineLost

        if not isinstance(answer, EngineLost):
            return ""
        if answer.restarting:
            text = self.tr("The engine stopped ({0}) and is being started again; your images are classified again.")
        elif name == "predictor":
            text = self.tr("The engine stopped several times ({0}). Start Fovea again to classify more.")
        else:
            text = self.tr(
                "The part of Fovea that opens pictures stopped several times ({0}). Start Fovea again to see more."
            )
        return text.format(answer.reason)


def place_in(item: ImageItem, source: ImageSource) -> int:
    """Which frame of ``item`` ``source`` is, from 0."""
    if item.stack is None:
        return source.frame
    wanted = (source.path, source.frame)
    return next((at for at, one in enumerate(item.stack.frames) if (one.path, one.frame) == wanted), 0)


def _paths_of(item: ImageItem) -> list[str]:
    """The files of an item."""
    frames = item.stack.frames if item.stack is not None else (item.source,)
    return list(dict.fromkeys(one.path for one in frames if one.path is not None))
