"""What an evaluation is: the answers for labelled pictures, and all figures that follow from them.

:class:`EvaluationResult` holds the scores, so a threshold or a decision can be changed without asking the model again;
:func:`figures` makes the numbers. Running one is :mod:`desktop.engine.evaluation`; keeping it :mod:`…evaluation_store`.
"""

from __future__ import annotations

import collections
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from desktop.core.data.dataset import ALL, BrokenEntry
from desktop.core.figures import calibration, metrics
from desktop.core.figures.calibration import Bin, RiskCoverage, RiskStep
from desktop.core.figures.clustered import Persons
from desktop.core.figures.comparison import McNemar, mcnemar
from desktop.core.figures.decision import answers_of
from desktop.core.figures.gallery_order import SURE, Mode, in_order
from desktop.core.figures.intervals import Estimate, proportion
from desktop.core.figures.metrics import ClassFigures, Curves, Means
from desktop.core.figures.table import computed
from desktop.core.figures.thresholds import HIGHEST_SCORE, OperatingPoint, ThresholdTable
from desktop.core.types import CROSSED, PreprocessSpec
from desktop.system.words import phrase

INSIDE, OUTSIDE, NOT_ASKED = 0, 1, -1
"""What a model's domain gate says of a picture, in :attr:`EvaluationResult.outside`."""

_AUC_CLASSES = 100  # beyond that many, a one-against-rest AUC for each class helps nobody


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that answered. ``positive`` is the class number that a threshold speaks of (two classes, else
    ``None``); ``threshold`` is ``None`` where the highest score decides; ``reason`` says why this threshold. ``setup``
    stands for how pictures are prepared and which output is read, see :func:`setup_of`; empty where that is not known.
    """

    id: str
    name: str
    version: int
    sha256: str
    labels: tuple[str, ...]
    positive: int | None
    threshold: float | None
    reason: str
    scores: str
    medical: bool
    card: dict[str, Any] = field(default_factory=dict)
    setup: str = ""

    def answers_as(self, other: ModelFacts) -> bool:
        """Whether the other model gives every picture the same scores under the same labels."""
        return (self.sha256, self.labels, self.setup) == (other.sha256, other.labels, other.setup)


def setup_of(preprocess: PreprocessSpec, output: int) -> str:
    """What, besides its weights, decides a network's scores: preparation and number of the output; 32 hex digits."""
    text = json.dumps([asdict(preprocess), output], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The data that was answered. ``title`` is the last part of the chosen path. ``mapping``: class to label.

    ``root`` and ``kind`` serve to open the pictures again; ``root`` stays on this computer and enters no report.
    ``private`` are the names that hold a patient's name or number: reports show numbers in their stead.
    """

    title: str
    split: str
    fingerprint: str
    classes: tuple[str, ...]
    mapping: dict[str, str]
    kind: str
    root: str
    problems: tuple[str, ...] = ()
    groups: int | None = None
    private: tuple[str, ...] = ()

    @property
    def crossed(self) -> bool:
        """Whether the answers are those of a cross-validation, see :attr:`EvaluationResult.how`."""
        return self.split == CROSSED

    @property
    def split_to_open(self) -> str | None:
        """The split to open the data with again: a cross-validation was of what there was to learn from, and names its
        pictures as all of the data does."""
        return ALL if self.crossed else self.split or None


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationResult:
    """Answers for labelled pictures, in the order of the data.

    ``names`` (n,) inside the data; ``positions`` int64 (n,) in the data set; ``truth`` and ``predicted`` int32 (n,),
    label numbers; ``scores`` float32 (n, labels), each row summing to 1. ``complete`` is false when it was stopped.
    ``elapsed_s`` in seconds; ``created`` an ISO 8601 time in UTC. ``groups`` int (n,): equal numbers are of one person
    or case; ``None`` where the data tells nothing of it. ``outside`` int8 (n,): what the domain gate said of each
    picture, :data:`INSIDE`, :data:`OUTSIDE` or :data:`NOT_ASKED`; ``None`` for models without one, and in results that
    earlier versions kept.
    """

    model: ModelFacts
    data: DataFacts
    names: tuple[str, ...]
    positions: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray
    skipped: tuple[BrokenEntry, ...]
    complete: bool
    elapsed_s: float
    created: str
    device: str
    versions: dict[str, str] = field(default_factory=dict)
    groups: np.ndarray | None = None
    outside: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> np.ndarray:
        """bool (n,): whether the answer was right."""
        return np.asarray(self.truth == self.predicted)

    @property
    def how(self) -> str:
        """By what the pictures were answered, where that is not the model itself; else empty."""
        if not self.data.crossed:
            return ""
        return phrase(
            "By cross-validation: each picture was answered by a model that did not learn from it. The finished model "
            "has learned from all of them."
        )

    @property
    def unanswered(self) -> str:
        """What has to be read before any figure where pictures have no answer; empty where every one has."""
        if not self.skipped:
            return ""
        total = len(self) + len(self.skipped)
        reason, often = collections.Counter(item.message for item in self.skipped).most_common(1)[0]
        said = (
            phrase("Of these: {reason}.", one="This one: {reason}.", count=often, reason=reason.rstrip("."))
            if often == len(self.skipped)
            else phrase("{often:,} of these: {reason}.", often=often, reason=reason.rstrip("."))
        )
        return phrase(
            "{count:,} of {total:,} pictures have no answer and count in no figure: figures are of the {answered:,} "
            "others alone. {said}",
            one="{count:,} of {total:,} pictures has no answer and counts in no figure: figures are of the "
            "{answered:,} "
            "others alone. {said}",
            count=len(self.skipped),
            total=total,
            answered=len(self),
            said=said,
        )

    def take(self, rows: np.ndarray) -> EvaluationResult:
        """The answers at ``rows``, int64, and no others."""
        return replace(
            self, names=tuple(self.names[int(row)] for row in rows), positions=self.positions[rows],
            truth=self.truth[rows], predicted=self.predicted[rows], scores=self.scores[rows],
            groups=self.groups[rows] if self.groups is not None else None,
            outside=self.outside[rows] if self.outside is not None else None,
        )  # fmt: skip

    def losses(self) -> np.ndarray:
        """float64 (n,): −ln of the score that the truth got, at most 27.6. The worst mistakes have the largest."""
        own = self.scores[np.arange(len(self)), self.truth].astype(np.float64)
        return np.asarray(-np.log(np.maximum(own, 1e-12)))

    def confidence(self) -> np.ndarray:
        """float64 (n,): the score of the answer that was given."""
        own: np.ndarray = self.scores[np.arange(len(self)), self.predicted].astype(np.float64)
        return own

    def top_losses(self) -> np.ndarray:
        """int64: the positions in this result of the wrong answers, the largest loss first."""
        return self._ordered("losses")

    def least_confident_right(self) -> np.ndarray:
        """int64: the positions of the right answers, the least sure first."""
        return self._ordered("unsure")

    def cell(self, truth: int, predicted: int) -> np.ndarray:
        """int64: the positions behind one cell of the confusion matrix, the surest first."""
        rows = np.arange(len(self))
        return in_order("cell", rows, self.truth, self.predicted, self.scores, cell=(truth, predicted))

    def likely_wrong_labels(self, at_least: float = SURE) -> np.ndarray:
        """int64: wrong answers whose score is at least ``at_least``: the label may be at fault. The surest first."""
        return self._ordered("labels", at_least)

    def _ordered(self, mode: Mode, sure: float = SURE) -> np.ndarray:
        return in_order(mode, np.arange(len(self)), self.truth, self.predicted, self.scores, sure=sure)


def with_threshold(result: EvaluationResult, threshold: float | None, reason: str = "") -> EvaluationResult:
    """The same scores under another threshold (two labels; ``None``: the highest score decides)."""
    if threshold is not None and len(result.model.labels) != 2:
        raise ValueError("a threshold goes with two labels")
    positive = result.model.positive if result.model.positive is not None else 1
    model = replace(
        result.model, threshold=threshold, positive=positive if threshold is not None else result.model.positive,
        reason=reason,
    )  # fmt: skip
    return replace(result, model=model, predicted=answers_of(result.scores, model.positive, threshold))


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Every figure of an evaluation; two-class ones are ``None`` for other models.

    ``ece`` and ``reliability`` take each image's highest score and whether that class was the truth, whatever the
    threshold; ``positive_reliability`` the positive class's own score. ``class_auc`` is one against the rest.
    ``persons`` is how many people or cases the intervals rest on; ``None`` where images are taken as independent.
    ``refused`` is the share that the model's gate takes for another kind of picture; they count in all other figures.
    ``more`` holds, by their keys, the figures whose row in :data:`desktop.core.figures.table.METRICS` computes them.
    """

    n: int
    matrix: np.ndarray
    accuracy: Estimate
    balanced_accuracy: Estimate
    top5: Estimate | None
    classes: list[ClassFigures]
    means: Means
    class_auc: list[Estimate]
    curves: Curves | None
    auc: Estimate | None
    average_precision: Estimate | None
    point: OperatingPoint | None
    thresholds: ThresholdTable | None
    ece: Estimate
    brier: Estimate
    reliability: list[Bin]
    positive_reliability: list[Bin] | None
    risk: RiskCoverage
    risk_steps: list[RiskStep]
    persons: int | None = None
    more: dict[str, Estimate] = field(default_factory=dict)
    refused: Estimate | None = None


def operating_point(result: EvaluationResult, table: ThresholdTable, threshold: float | None) -> OperatingPoint:
    """What a threshold does, with intervals over persons where the data tells whose each image is (two labels).

    ``None``: what the answers of ``result`` themselves come to, the threshold being shown as 0.5. Where the highest
    score decides, equal scores go to the first label, which no threshold can say.
    """
    positive = result.model.positive if result.model.positive is not None else 1
    is_positive = result.truth == positive
    if threshold is None:
        said = result.predicted == positive
        point = table.counted(HIGHEST_SCORE, int((said & is_positive).sum()), int((said & ~is_positive).sum()))
    else:
        said = result.scores[:, positive].astype(np.float64) >= threshold
        point = table.at(threshold)
    persons = Persons.among(result.groups)
    return point if persons is None else persons.point(point, is_positive, said)


def figures(result: EvaluationResult, seed: int = 0) -> Figures:
    """All figures of a result; deterministic for a ``seed``. Seconds for 100,000 images.

    Where several images belong to one person the intervals are those of :mod:`desktop.core.figures.clustered`.
    """
    found = _independent(result, seed)
    persons = Persons.among(result.groups)
    more = computed(result.truth, result.predicted, result.scores, persons, seed)
    found = replace(found, more=more, refused=_refused(result, persons))
    return found if persons is None else _by_person(result, found, persons, seed)


def _refused(result: EvaluationResult, persons: Persons | None) -> Estimate | None:
    if result.outside is None:
        return None
    asked, outside = result.outside != NOT_ASKED, result.outside == OUTSIDE
    reason = "the gate was asked of no picture"
    if persons is not None:
        return persons.proportion(outside, asked, reason)
    return proportion(int(outside.sum()), int(asked.sum()), reason)


def _by_person(result: EvaluationResult, found: Figures, persons: Persons, seed: int) -> Figures:
    truth, scores, n = result.truth, result.scores, len(result)
    positive = result.model.positive if result.model.positive is not None else 1
    two = len(result.model.labels) == 2
    is_positive, score = truth == positive, scores[:, positive].astype(np.float64)
    top, top_right = scores.max(axis=1).astype(np.float64), answers_of(scores, None, None) == truth
    means, balanced = persons.means(truth, result.predicted, found.means, found.balanced_accuracy, seed)
    auc, ap, curves = found.auc, found.average_precision, found.curves
    if two and auc is not None and ap is not None:
        auc = persons.auc(is_positive, score)
        ap = persons.bootstrap(ap, metrics.weighted_ap(is_positive, score), 4 * n, seed)
        curves = replace(curves, auc=auc, average_precision=ap) if curves is not None else None
    top5 = found.top5
    if top5 is not None:
        top5 = persons.proportion(metrics.in_top(truth, scores), None, top5.reason)
    confidence, positive_bins = result.confidence(), found.positive_reliability

    def binned(bins: list[Bin], of: np.ndarray, right: np.ndarray) -> list[Bin]:
        inside = calibration.bin_of(of)
        pairs = ((b, persons.proportion(right, inside == i, b.accuracy.reason)) for i, b in enumerate(bins))
        return [replace(b, accuracy=share) for b, share in pairs]

    def step(of: RiskStep) -> RiskStep:
        share = persons.proportion(result.right, confidence >= of.threshold, of.accuracy.reason)
        return replace(of, accuracy=share)

    return replace(
        found,
        accuracy=persons.proportion(result.right, None, found.accuracy.reason),
        balanced_accuracy=balanced,
        top5=top5,
        classes=persons.per_class(truth, result.predicted, found.classes),
        means=means,
        class_auc=[persons.auc(truth == i, scores[:, i].astype(np.float64)) for i in range(len(found.class_auc))],
        curves=curves,
        auc=auc,
        average_precision=ap,
        point=operating_point(result, found.thresholds, result.model.threshold)
        if found.thresholds is not None
        else None,
        ece=persons.bootstrap(found.ece, calibration.weighted_ece(top, top_right), 2 * n, seed),
        brier=persons.mean(found.brier, calibration.brier_losses(truth, scores, result.model.positive)),
        reliability=binned(found.reliability, top, top_right),
        positive_reliability=binned(positive_bins, score, is_positive) if positive_bins is not None else None,
        risk_steps=[step(of) for of in found.risk_steps],
        persons=persons.count,
    )


def _independent(result: EvaluationResult, seed: int) -> Figures:
    labels = result.model.labels
    truth, scores = result.truth, result.scores
    matrix = metrics.confusion(truth, result.predicted, len(labels))
    classes = metrics.per_class(matrix, labels)
    top = scores.max(axis=1).astype(np.float64) if len(scores) else np.empty(0)
    top_right = answers_of(scores, None, None) == truth
    curves = auc = ap = point = table = positive_bins = None
    per_class_auc: list[Estimate] = []
    if len(labels) == 2:
        positive = result.model.positive if result.model.positive is not None else 1
        is_positive, score = truth == positive, scores[:, positive].astype(np.float64)
        curves = metrics.curves(is_positive, score, seed)
        auc = curves.auc if curves else metrics.class_auc(truth, scores, positive)
        ap = curves.average_precision if curves else Estimate(None, n=len(truth), reason=auc.reason)
        table = ThresholdTable.of(is_positive, score)
        point = operating_point(replace(result, groups=None), table, result.model.threshold)
        positive_bins = calibration.reliability(score, is_positive)
    elif len(labels) <= _AUC_CLASSES:
        per_class_auc = [metrics.class_auc(truth, scores, index) for index in range(len(labels))]
    return Figures(
        len(truth), matrix, metrics.accuracy(matrix), metrics.balanced_accuracy(classes),
        metrics.top_accuracy(truth, scores) if len(labels) >= metrics.MANY_CLASSES else None,
        classes, metrics.means(matrix, classes, seed), per_class_auc, curves, auc, ap, point, table,
        calibration.ece(top, top_right, seed), calibration.brier(truth, scores, result.model.positive),
        calibration.reliability(top, top_right), positive_bins,
        calibration.risk_coverage(result.confidence(), result.right),
        calibration.risk_steps(result.confidence(), result.right),
    )  # fmt: skip


def shared_figures(
    a: EvaluationResult, of_a: Figures, b: EvaluationResult, of_b: Figures, paired: PairedResult
) -> tuple[Figures, Figures]:
    """The figures of both on the pictures that both answered; ``of_a`` and ``of_b`` are those on all that each did."""
    return (
        of_a if len(paired.a) == len(a) else figures(a.take(paired.a)),
        of_b if len(paired.b) == len(b) else figures(b.take(paired.b)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PairedResult:
    """Two results over the same pictures: ``a`` and ``b`` int64, positions in each for the pictures both answered."""

    a: np.ndarray
    b: np.ndarray
    test: McNemar
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def compare(a: EvaluationResult, b: EvaluationResult) -> PairedResult:
    """Models on the same data, judged on the pictures that both answered. Raises ValueError for different data."""
    if not a.data.fingerprint or not b.data.fingerprint:
        raise ValueError("an evaluation was stopped before its data was known")
    if a.data.fingerprint != b.data.fingerprint:
        raise ValueError("the two results are of different data")
    places = {name: index for index, name in enumerate(b.names)}
    shared = [(i, places[name]) for i, name in enumerate(a.names) if name in places]
    in_a = np.array([i for i, _ in shared], dtype=np.int64)
    in_b = np.array([j for _, j in shared], dtype=np.int64)
    right_a, right_b = a.right[in_a], b.right[in_b]
    only_a = tuple(a.names[i] for i in in_a[right_a & ~right_b])
    only_b = tuple(a.names[i] for i in in_a[~right_a & right_b])
    persons = Persons.among(a.groups[in_a] if a.groups is not None else None)
    return PairedResult(in_a, in_b, mcnemar(right_a, right_b, persons), only_a, only_b)
