"""What the wizard's pages share: the draft, the data at hand, and live samples of one of the user's own pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.engine.messages import Failure, Samples
from desktop.services.background import Task
from desktop.ui.train.wizard.draft import Draft

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.types import ImageSource
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings

_CUT_AT_ONCE = 1500  # pictures that are divided within a few milliseconds
_SETTLE_MS = 60  # between a slider's move and the question: one answer a frame is plenty


class WizardState(QObject):
    """``changed`` says that the draft is another one; ``opened`` that other data is at hand, ``looked`` that more is
    known of it: it was looked through, or something else is done about what was found.

    ``held`` is the earlier plan where a training is repeated with changes.
    """

    changed = Signal()
    opened = Signal()
    looked = Signal()

    def __init__(
        self,
        catalog: ModelCatalog,
        settings: Settings,
        engine: EngineService | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.catalog = catalog
        self.settings = settings
        self.engine = engine
        self.draft = Draft()
        self.data: LabelledDataset | None = None
        self.inspection: Any = None
        self.held: TrainingPlan | None = None
        self.origin = ""  # the starting point in words
        self.slowness: float | None = None  # of this computer, tried once: every expected time goes by the same
        self._position = 0
        self._cut: tuple[object, tuple[tuple[int, int], ...]] | None = None
        self._asked_cut: object = None

    def split_counts(self) -> tuple[tuple[int, int], ...]:
        """How the pictures of each learned class will be divided: what the training's own code finds, once the data has
        been looked through. Of large data it is found in a thread, and ``changed`` follows."""
        draft = self.draft
        cutting = self.inspection.cutting if self.inspection is not None else None
        if cutting is None or draft.data.own_validation:
            return draft.split_counts()
        asked = (
            id(cutting), draft.learned, draft.data.validation, draft.seed, draft.data.group, draft.data.left_out,
            draft.data.kept_together, draft.data.limit,
        )  # fmt: skip
        if self._cut is not None and self._cut[0] == asked:
            return self._cut[1]
        if len(cutting.names) <= _CUT_AT_ONCE:
            self._cut = (asked, draft.split_counts(cutting))
            return self._cut[1]
        if self._asked_cut != asked:
            self._asked_cut = asked
            task = Task(lambda _: (asked, draft.split_counts(cutting)))
            task.answered.connect(self._on_cut)
            task.launch()
        return draft.split_counts()

    @Slot(object)
    def _on_cut(self, found: tuple[object, tuple[tuple[int, int], ...]]) -> None:
        if found[0] == self._asked_cut:
            self._cut = found
            self.changed.emit()

    def change(self, **values: Any) -> None:
        """Change fields of the draft."""
        self.put(replace(self.draft, **values))

    def change_data(self, **values: Any) -> None:
        """Change fields of the draft's data: what it is, and how it is divided."""
        self.put(self.draft.with_data(**values))

    def change_settings(self, **values: Any) -> None:
        """Change fields of the draft's settings."""
        self.put(self.draft.with_settings(**values))

    def put(self, draft: Draft) -> None:
        """Use another draft."""
        if draft != self.draft:
            self.draft = draft
            self.changed.emit()

    def set_data(self, data: LabelledDataset, draft: Draft) -> None:
        """Other data was opened; ``draft`` describes it."""
        self.data, self.inspection, self._position = data, None, 0
        self.put(draft)
        self.opened.emit()

    # The picture on which preparing and augmentation are shown

    @property
    def picture(self) -> ImageSource | None:
        """The user's picture that the pages show."""
        if self.data is None or not len(self.data):
            return None
        return self.data.source(self._place(self.data))

    @property
    def picture_name(self) -> str:
        """Its name inside the data."""
        return self.data.name(self._place(self.data)) if self.data is not None and len(self.data) else ""

    def _place(self, data: LabelledDataset) -> int:
        """Where it is in the data; those that the training leaves out, which may not open, are passed over."""
        begin, aside = self._position % len(data), set(self.draft.data.left_out)
        if not aside:
            return begin
        places = ((begin + step) % len(data) for step in range(len(data)))
        return next((place for place in places if data.name(place) not in aside), begin)

    def next_picture(self) -> None:
        """Show another one: steps through the data so that the classes take turns."""
        if self.data is not None and len(self.data):
            step = max(1, round(len(self.data) * 0.381966)) | 1  # the golden section visits all parts early
            self._position = (self._position + step) % len(self.data)
            self.changed.emit()


class Sampler(QObject):
    """Asks the engine what a training would make of the picture, a moment after the last change.

    ``arrived`` carries :class:`desktop.engine.messages.Samples`, ``failed`` a ``Failure``.
    """

    arrived = Signal(Samples)
    failed = Signal(Failure)

    def __init__(self, state: WizardState, slot: str, count: int) -> None:
        super().__init__(state)
        self._state, self._slot, self._count = state, slot, count
        self._wanted = 0
        self._asked: object = None
        self.seed = 1
        self.active = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        state.changed.connect(self.refresh)
        state.opened.connect(self._forget)
        if state.engine is not None:
            state.engine.samples_arrived.connect(self._on_samples)

    def set_active(self, active: bool) -> None:
        """Only a page that is seen asks."""
        self.active = active
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Ask soon, where something changed that shows."""
        if self.active:
            self._timer.start()

    @Slot()
    def again(self) -> None:
        """Roll the dice anew."""
        self.seed += 1
        self.refresh()

    @Slot()
    def _forget(self) -> None:
        """Other data is at hand: its first picture may be called as the last data's was. Late answers are not heard."""
        if self._wanted and self._state.engine is not None:
            self._state.engine.cancel(self._wanted)
        self._asked, self._wanted = None, 0
        self.refresh()

    @Slot()
    def _ask(self) -> None:
        draft, source = self._state.draft, self._state.picture
        if source is None or self._state.engine is None or not self._state.engine.running:
            return
        steps = tuple((step.name, dict(step.settings)) for step in draft.settings.augment) if self._count else ()
        question = (self._state.picture_name, draft.settings.preprocess, repr(steps), self.seed)
        if question == self._asked:
            return
        self._asked = question
        self._wanted = self._state.engine.samples(
            source, draft.settings.preprocess, steps, self._count, self.seed, self._slot, self._on_failure
        )

    @Slot(object)
    def _on_samples(self, answer: Samples) -> None:
        if answer.id == self._wanted:
            self.arrived.emit(answer)

    def _on_failure(self, answer: Failure) -> None:
        self._asked = None
        self.failed.emit(answer)
