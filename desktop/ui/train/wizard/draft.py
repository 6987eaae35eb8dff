"""What the wizard's pages fill in, as one value, and the plan that comes of it. Nothing here needs a window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from desktop.app.recipes import with_folds
from desktop.app.training_data import TrainingData
from desktop.core.data.splits import Cutting
from desktop.core.types import PreprocessSpec
from desktop.ml.plans.plan import (
    MOST_CROSSED,
    SOLVED,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanSettings,
    Step,
    TrainingPlan,
)
from desktop.store.ids import id_of

MAX_SIDE = 512
SOME_PICTURES = 20
"""Fewer pictures than this in a class: said on the page, because a validation of a handful says little."""
_UNCHOSEN = PlanSettings(
    preprocess=PreprocessSpec(32, 32, "rgb", "center_crop", "area"),
    architecture=Step("", {}),
    augment=(),
    optimizer=OptimizerPlan("adam", 0.001),
    fit=FitPlan(10, 32),
    decision=DecisionPlan(),
    mirrored=False,
    medical=False,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """The choices so far: ``data`` as it was found, with all its classes, and as it is to be divided; ``settings`` as a
    plan has them, whether or not they fit together yet.

    ``unlearned`` names classes that are not learned; ``choices`` what is done about each kind of finding, ``groups``
    how many persons were found, and ``counts_left_out`` how many pictures of each class ``data.left_out`` names.
    """

    data: TrainingData = field(default_factory=lambda: TrainingData("", "", ()))
    settings: PlanSettings = _UNCHOSEN
    unlearned: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    counts_left_out: tuple[int, ...] = ()
    groups: int = 0
    seed: int = 1
    name: str = ""
    model_id: str = ""

    @property
    def learned(self) -> tuple[str, ...]:
        """The classes that will be learned, in order."""
        return tuple(name for name in self.data.classes if name not in self.unlearned)

    @property
    def drawings(self) -> bool:
        """Whether these are drawings that the user kept in the Draw view: ink, of which the size says nothing."""
        return self.data.drawings

    @property
    def labels(self) -> tuple[str, ...]:
        """What the learned classes are called: their folders' names, which for kept drawings are coded."""
        return self.training_data().labels

    @property
    def learned_counts(self) -> tuple[int, ...]:
        """The pictures of each learned class, without those that are left out."""
        gone = self.counts_left_out or (0,) * len(self.data.classes)
        held = zip(self.data.classes, self.data.counts, gone, strict=True)
        return tuple(max(0, n - without) for name, n, without in held if name not in self.unlearned)

    @property
    def emptied(self) -> tuple[str, ...]:
        """Learned classes that leaving out takes so much from that nothing can be learned of them."""
        least = 1 if self.data.own_validation else 2
        before = dict(zip(self.data.classes, self.data.counts, strict=True))
        held = zip(self.learned, self.learned_counts, strict=True)
        return tuple(name for name, n in held if n < least <= before[name])

    def split_counts(self, cutting: Cutting | None = None) -> tuple[tuple[int, int], ...]:
        """Training and validation pictures of each learned class: as the training will cut them where the data has been
        looked through (``cutting``), else what is to be expected."""
        if cutting is not None and not self.data.own_validation and set(self.learned) <= set(cutting.classes):
            data = self.data
            found = cutting.counts(
                self.learned, data.validation, self.seed, data.group != "none", data.left_out, data.kept_together
            )
            kept, held = [k for k, _ in found], [h for _, h in found]
            return self._limited(kept, held)
        if self.data.own_validation:
            held = [0 for _ in self.learned_counts]
        else:
            held = [min(n - 1, max(1, round(n * self.data.validation))) if n > 1 else 0 for n in self.learned_counts]
        kept = [n - h for n, h in zip(self.learned_counts, held, strict=True)]
        return self._limited(kept, held)

    def _limited(self, kept: list[int], held: list[int]) -> tuple[tuple[int, int], ...]:
        if 0 < self.data.limit < sum(kept):
            share = self.data.limit / sum(kept)
            kept = [max(1, round(n * share)) if n else 0 for n in kept]
        return tuple(zip(kept, held, strict=True))

    def imbalance(self) -> float:
        """The largest class over the smallest; 1 for even classes, 0 while there are none."""
        counts = [n for n in self.learned_counts if n]
        return max(counts) / min(counts) if counts else 0.0

    def obstacle(self) -> str:
        """Why nothing can be trained from this data, in words; empty where it can."""
        if not self.data.classes:
            return "no data"
        if len(self.learned) < 2:
            return "one class"
        if self.emptied:
            return "emptied"
        if any(n < (1 if self.data.own_validation else 2) for n in self.learned_counts):
            return "too few"
        return ""

    def training_data(self) -> TrainingData:
        """The pictures as a training takes them: of the learned classes, without those that are left out."""
        return replace(self.data, classes=self.learned, counts=self.learned_counts)

    def with_data(self, **values: Any) -> Draft:
        """The draft with other fields of :attr:`data`."""
        return replace(self, data=replace(self.data, **values))

    def with_settings(self, **values: Any) -> Draft:
        """The draft with other fields of :attr:`settings`."""
        return replace(self, settings=replace(self.settings, **values))

    def with_plan(self, plan: TrainingPlan) -> Draft:
        """The draft with the network and settings of ``plan``; data, split and name stay."""
        return replace(self, settings=plan.settings)

    @property
    def crossed(self) -> bool:
        """Whether all pictures are cross-validated and learned from, so that none is kept aside."""
        solved = self.settings.optimizer.name == SOLVED and self.settings.start.kind == "features"
        return solved and not self.data.own_validation and sum(self.learned_counts) <= MOST_CROSSED

    def plan(self, card: dict[str, Any] | None = None) -> TrainingPlan:
        """The training plan. Raises :class:`desktop.ml.plans.plan.PlanError` that says what does not fit together."""
        return TrainingPlan.of(
            self.settings,
            id=self.model_id or id_of(self.name),
            name=self.name,
            seed=self.seed,
            data=with_folds(self.training_data().plan(), self.settings.optimizer),
            labels=self.labels,
            card=card or {},
        )
