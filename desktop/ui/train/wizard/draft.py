"""What the wizard's pages fill in, as one value, and the plan that comes of it. Nothing here needs a window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

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
    StartPlan,
    Step,
    TrainingPlan,
)
from desktop.store.ids import id_of

MAX_SIDE = 512
SOME_PICTURES = 20
"""Fewer pictures than this in a class: said on the page, because a validation of a handful says little."""

OriginId = Literal["preset", "model", "features", "fine-tune"]


@dataclass(frozen=True, slots=True)
class Draft:
    """The choices so far. ``counts`` are the pictures of each of ``classes``; ``path`` where the data lies.

    ``colour`` says that most pictures are in colour, ``side`` is the median of their shorter sides in pixels (0: not
    known). ``own_validation`` says that the data has a validation split of its own, ``own_test`` a test split.
    ``left_out`` names classes that are not learned; ``choices`` what is done about each kind of finding,
    ``pictures_left_out`` the pictures that follow from it, and ``counts_left_out`` how many of ``counts`` these are.
    ``near_copies`` are groups of pictures that stay on one side of the split.
    ``limit`` is that of :class:`desktop.ml.plans.plan.DataPlan`; no page asks for it, an earlier plan may bring one.
    """

    path: str = ""
    title: str = ""
    fingerprint: str = ""
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    colour: bool = True
    side: int = 0
    own_validation: bool = False
    own_test: bool = False
    left_out: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    pictures_left_out: tuple[str, ...] = ()
    counts_left_out: tuple[int, ...] = ()
    limit: int = 0
    near_copies: tuple[tuple[str, ...], ...] = ()
    validation: float = 0.2
    group: Literal["none", "person", "auto"] = "auto"
    groups: int = 0
    seed: int = 1
    use_test: bool = True
    origin: OriginId = "preset"
    preset: str = ""
    start: StartPlan = field(default_factory=StartPlan)
    preprocess: PreprocessSpec = field(default_factory=lambda: PreprocessSpec(32, 32, "rgb", "center_crop", "area"))
    architecture: Step = field(default_factory=lambda: Step("", {}))
    augment: tuple[Step, ...] = ()
    optimizer: OptimizerPlan = field(default_factory=lambda: OptimizerPlan("adam", 0.001))
    fit: FitPlan = field(default_factory=lambda: FitPlan(10, 32))
    decision: DecisionPlan = field(default_factory=DecisionPlan)
    mirrored: bool = False
    medical: bool = False
    name: str = ""
    model_id: str = ""

    @property
    def learned(self) -> tuple[str, ...]:
        """The classes that will be learned, in order."""
        return tuple(name for name in self.classes if name not in self.left_out)

    @property
    def drawings(self) -> bool:
        """Whether these are drawings that the user kept in the Draw view: ink, of which the size says nothing."""
        return self.training_data().drawings

    @property
    def labels(self) -> tuple[str, ...]:
        """What the learned classes are called: their folders' names, which for kept drawings are coded."""
        return self.training_data().labels

    @property
    def learned_counts(self) -> tuple[int, ...]:
        """The pictures of each learned class, without those that are left out."""
        gone = self.counts_left_out or (0,) * len(self.classes)
        held = zip(self.classes, self.counts, gone, strict=True)
        return tuple(max(0, n - without) for name, n, without in held if name not in self.left_out)

    @property
    def emptied(self) -> tuple[str, ...]:
        """Learned classes that leaving out takes so much from that nothing can be learned of them."""
        least = 1 if self.own_validation else 2
        before = dict(zip(self.classes, self.counts, strict=True))
        held = zip(self.learned, self.learned_counts, strict=True)
        return tuple(name for name, n in held if n < least <= before[name])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the network's input."""
        return self.preprocess.height, self.preprocess.width, self.preprocess.channels

    def split_counts(self, cutting: Cutting | None = None) -> tuple[tuple[int, int], ...]:
        """Training and validation pictures of each learned class: as the training will cut them where the data has been
        looked through (``cutting``), else what is to be expected."""
        if cutting is not None and not self.own_validation and set(self.learned) <= set(cutting.classes):
            found = cutting.counts(
                self.learned, self.validation, self.seed, self.group != "none", self.pictures_left_out, self.near_copies
            )
            kept, held = [k for k, _ in found], [h for _, h in found]
            return self._limited(kept, held)
        if self.own_validation:
            held = [0 for _ in self.learned_counts]
        else:
            held = [min(n - 1, max(1, round(n * self.validation))) if n > 1 else 0 for n in self.learned_counts]
        kept = [n - h for n, h in zip(self.learned_counts, held, strict=True)]
        return self._limited(kept, held)

    def _limited(self, kept: list[int], held: list[int]) -> tuple[tuple[int, int], ...]:
        if 0 < self.limit < sum(kept):
            share = self.limit / sum(kept)
            kept = [max(1, round(n * share)) if n else 0 for n in kept]
        return tuple(zip(kept, held, strict=True))

    def imbalance(self) -> float:
        """The largest class over the smallest; 1 for even classes, 0 while there are none."""
        counts = [n for n in self.learned_counts if n]
        return max(counts) / min(counts) if counts else 0.0

    def obstacle(self) -> str:
        """Why nothing can be trained from this data, in words; empty where it can."""
        if not self.classes:
            return "no data"
        if len(self.learned) < 2:
            return "one class"
        if self.emptied:
            return "emptied"
        if any(n < (1 if self.own_validation else 2) for n in self.learned_counts):
            return "too few"
        return ""

    def training_data(self) -> TrainingData:
        """The pictures as a training takes them."""
        return TrainingData(
            path=self.path,
            title=self.title,
            classes=self.learned,
            counts=self.learned_counts,
            colour=self.colour,
            side=self.side,
            own_validation=self.own_validation,
            own_test=self.own_test,
            fingerprint=self.fingerprint,
            left_out=self.pictures_left_out,
            kept_together=self.near_copies,
            validation=self.validation,
            group=self.group,
            limit=self.limit,
            use_test=self.use_test,
        )

    def with_plan(self, plan: TrainingPlan) -> Draft:
        """The draft with the network and settings of ``plan``; data, split and name stay."""
        return replace(
            self,
            preset=plan.preset,
            start=plan.start,
            preprocess=plan.preprocess,
            architecture=plan.architecture,
            augment=plan.augment,
            optimizer=plan.optimizer,
            fit=plan.fit,
            decision=plan.decision,
            mirrored=plan.mirrored,
            medical=plan.medical,
        )

    @property
    def crossed(self) -> bool:
        """Whether all pictures are cross-validated and learned from, so that none is kept aside."""
        solved = self.optimizer.name == SOLVED and self.start.kind == "features"
        return solved and not self.own_validation and sum(self.learned_counts) <= MOST_CROSSED

    def plan(self, card: dict[str, Any] | None = None) -> TrainingPlan:
        """The training plan. Raises :class:`desktop.ml.plans.plan.PlanError` that says what does not fit together."""
        return TrainingPlan(
            id=self.model_id or id_of(self.name),
            name=self.name,
            seed=self.seed,
            data=with_folds(self.training_data().plan(), self.optimizer),
            preprocess=self.preprocess,
            labels=self.labels,
            architecture=self.architecture,
            augment=self.augment,
            optimizer=self.optimizer,
            fit=self.fit,
            decision=self.decision,
            mirrored=self.mirrored,
            medical=self.medical,
            card=card or {},
            start=self.start,
            preset=self.preset,
        )
