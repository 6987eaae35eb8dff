"""Measuring a model on labelled pictures, keeping what came of it, and comparing two models.

``fovea evaluate`` calls these in its own thread, the window in the thread that supervises an engine for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from desktop.core.data.label_map import LabelMap, match_labels
from desktop.core.figures.decision import answers_of
from desktop.core.figures.result import compare as paired
from desktop.core.figures.result import figures, shared_figures
from desktop.core.figures.store import EvaluationStore
from desktop.core.types import FoveaError
from desktop.engine.evaluation import EventEngine, evaluate
from desktop.store.model_facts import model_facts
from desktop.system.words import phrase

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult, Figures, ModelFacts, PairedResult
    from desktop.core.types import ImageSource
    from desktop.engine.evaluation import EvaluationProgress, Evaluator
    from desktop.store.store import ModelEntry


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A result with its figures; ``trouble`` says why it could not be kept, '' where it was."""

    result: EvaluationResult
    figures: Figures
    trouble: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A second model on the same pictures: its result and figures, the paired test, and the figures of both models on
    the pictures that both answered."""

    result: EvaluationResult
    figures: Figures
    paired: PairedResult
    shared: tuple[Figures, Figures]


def labels_for(
    entry: ModelEntry,
    data: LabelledDataset,
    told: Mapping[str, str] | None = None,
    by_number: bool = False,
    remember: bool = False,
    heard: Callable[[str], None] | None = None,
) -> LabelMap:
    """Which class of the data is which label of the model; nothing is guessed. ``told`` maps classes by name, and where
    that is to be offered again, ``remember`` keeps it. ``heard`` takes sentences about damaged files. Raises
    :class:`FoveaError` ``labels-differ``."""
    assert entry.manifest is not None
    labels = match_labels(data.classes, entry.manifest.labels, told, by_number)
    if remember:
        with contextlib.suppress(FoveaError):  # a disk that is full is told of when the result is kept
            mapping = labels.as_dict(data.classes, entry.manifest.labels)
            EvaluationStore(heard=heard).remember_mapping(entry.id, data.classes, mapping)
    return labels


def find_kept(
    entry: ModelEntry,
    data: LabelledDataset,
    labels: LabelMap,
    fingerprint: str,
    threshold: float | None = None,
    heard: Callable[[str], None] | None = None,
) -> EvaluationResult | None:
    """What is kept of the same model on the same pictures, answered by ``threshold`` or the model's own decision.
    ``heard`` takes sentences about damaged files."""
    assert entry.manifest is not None
    facts = model_facts(entry.manifest, threshold)
    return EvaluationStore(heard=heard).find(facts, fingerprint, labels.as_dict(data.classes, facts.labels))


def crossed(entry: ModelEntry, threshold: float | None = None) -> Evaluation:
    """What the cross-validation by which a model was made said of each of its pictures, answered by ``threshold`` or
    the model's own decision. Raises :class:`FoveaError` ``no-cross-validation`` where nothing of one is kept."""
    assert entry.manifest is not None
    own, store = model_facts(entry.manifest, threshold), EvaluationStore()
    key = store.crossed_key(own)
    if not store.holds(key):
        raise FoveaError(
            "no-cross-validation",
            phrase("nothing is kept of a cross-validation of '{name}'", name=entry.id),
            "Trainings on few pictures of your own keep it; other models are evaluated on DATA.",
        )
    held = store.load(key)
    result = replace(held, model=own, predicted=answers_of(held.scores, own.positive, own.threshold))
    return Evaluation(result, figures(result))


def evaluate_and_keep(
    client: EventEngine,
    entry: ModelEntry,
    data: LabelledDataset,
    labels: LabelMap,
    threshold: float | None = None,
    progress: Callable[[EvaluationProgress], None] | None = None,
    rows: Callable[[Evaluator, np.ndarray], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    versions: Mapping[str, str] | None = None,
    counting: Callable[[], bool] = lambda: True,
) -> Evaluation:
    """Have every picture answered, keep the result, and work out its figures.

    The parameters are those of :func:`desktop.engine.evaluation.evaluate`; ``versions`` stand in where the engine told
    its own before. ``counting`` is called when all is answered; false from it: nobody wants it any more, and nothing is
    kept. Raises :class:`FoveaError`: ``stopped`` where it was stopped before a picture was answered, ``no-answers``
    where no picture could be.
    """
    stop = cancelled or (lambda: False)
    result = evaluate(client, entry, data, labels, threshold, progress, rows, stop)
    result = result if result.versions else replace(result, versions=dict(versions or {}))
    wanted = counting()
    if not wanted or (not len(result) and stop()):
        raise FoveaError(
            "stopped",
            "the evaluation was stopped before a picture was answered" if wanted else "the evaluation was stopped",
            "Begin it again whenever you like; nothing was kept.",
        )
    if not len(result):
        first = result.skipped[0].message if result.skipped else phrase("there is none")
        raise FoveaError(
            "no-answers", phrase("no picture was answered: {first}", first=first), "Look at the files, or the model."
        )
    measured = figures(result)
    trouble = ""
    try:
        assert entry.manifest is not None
        keep(result, model_facts(entry.manifest), threshold is not None)
    except FoveaError as error:
        trouble = f"{error.message}. {error.hint}" if error.hint else error.message
    return Evaluation(result, measured, trouble)


def keep(result: EvaluationResult, own: ModelFacts, chosen: bool) -> str:
    """Keep a result by the model's ``own`` decision, and a threshold that was ``chosen`` beside it; returns its key.

    Where none was chosen, one that was chosen earlier stays. Raises :class:`FoveaError`.
    """
    kept = EvaluationStore()
    predicted = answers_of(result.scores, own.positive, own.threshold)
    key = kept.save(replace(result, model=own, predicted=predicted))
    if chosen:
        differs = result.model.threshold != own.threshold
        kept.choose(key, result.model.threshold if differs else None, result.model.reason)
    return key


def compare(first: EvaluationResult, mine: Figures, second: EvaluationResult, theirs: Figures) -> Comparison:
    """The second model against the first, on the pictures that both answered. Raises :class:`FoveaError`
    ``not-compared`` for results of different data."""
    try:
        test = paired(first, second)
    except ValueError as error:
        raise FoveaError("not-compared", str(error), "Evaluate both models on the same pictures.") from error
    return Comparison(second, theirs, test, shared_figures(first, mine, second, theirs, test))


class ResultPictures:
    """The pictures behind a result, where its ``data`` is at hand; files that came or went are found by name."""

    def __init__(self, result: EvaluationResult, data: LabelledDataset) -> None:
        self._result, self._data = result, data
        positions, names = result.positions, result.names
        same = all(
            0 <= int(positions[i]) < len(data) and data.name(int(positions[i])) == names[i]
            for i in {0, len(names) // 2, len(names) - 1}
            if 0 <= i < len(names)
        )
        self._places: dict[str, int] | None = None if same else {data.name(i): i for i in range(len(data))}

    def source(self, row: int) -> ImageSource | None:
        """The picture of a row of the result; ``None`` where the data holds it no more."""
        if self._places is None:
            position = int(self._result.positions[row])
            if 0 <= position < len(self._data) and self._data.name(position) == self._result.names[row]:
                return self._data.source(position)
            self._places = {self._data.name(i): i for i in range(len(self._data))}
        found = self._places.get(self._result.names[row])
        return self._data.source(found) if found is not None else None
