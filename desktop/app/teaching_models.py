"""From a project's labels to a model of the store, through the same training and packaging as everything else.

:func:`prepare_training` writes the labels of this moment into a file of the project's folder, which stays with the run,
and gives the plan; :func:`desktop.app.starting.start_training` puts it on the disk and the trainer does the rest: a head on
the network's features, calibrated, with gate, answer sets, card and history. The model records the project's id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.core.types import FoveaError
from desktop.store.projects import ProjectStore

if TYPE_CHECKING:
    from desktop.core.figures.comparison import McNemar
    from desktop.core.figures.intervals import Estimate
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.store.manifest import Manifest
    from desktop.store.project import Project

Making = Literal["features", "fine-tune"]
FEWEST_IN_CLASS = 2


@dataclass(frozen=True, slots=True)
class ReadyToMake:
    """Whether a model can be made now: ``reason`` says what is missing, '' for nothing. ``counts``: labels by class."""

    reason: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OldAndNew:
    """Two models on ``n`` pictures that neither learned from: the accuracy of each with its interval, and McNemar's test
    between them. ``reason`` says why there is no comparison."""

    n: int
    old: Estimate | None
    new: Estimate | None
    test: McNemar | None
    reason: str = ""


def ready_to_make(project: Project) -> ReadyToMake:
    """Whether the project's labels are enough for a model, and what is missing."""
    counts = tuple((c.name, c.count) for c in project.classes())
    taught = [(name, n) for name, n in counts if n]
    if len(taught) < 2:
        return ReadyToMake("a model needs pictures of two classes or more", counts)
    few = [name for name, n in taught if n < FEWEST_IN_CLASS]
    if few:
        return ReadyToMake(f"class '{few[0]}' has one picture only; a model needs two or more of each", counts)
    return ReadyToMake("", counts)


def prepare_training(
    project: Project, how: Making = "features", name: str = "", held_back: bool = False
) -> TrainingPlan:
    """The plan of a training on the project's labels of this moment (classes without a label take no part).

    ``how``: a head on the everyday network's features, in well under a minute, or fine-tuning. ``held_back``: pictures
    that were labelled as corrections since the project's last model do not take part, to compare old and new on them.
    Raises :class:`FoveaError` ``too-few-labels``.
    """
    raise NotImplementedError


def project_of(model: Manifest) -> str:
    """The id of the project that a model was made of, '' where it was made otherwise."""
    data = model.provenance.plan.get("data")
    found = data.get("project", "") if isinstance(data, dict) else ""
    return found if isinstance(found, str) else ""


def teachable(model: Manifest, store: ProjectStore | None = None) -> str:
    """As :func:`project_of`, where that project is still there: 'teach it more' opens it."""
    found = project_of(model)
    return found if found and any(entry.id == found for entry in (store or ProjectStore()).entries()) else ""


def compare_old_new(project: Project, old: str, new: str) -> OldAndNew:
    """Compare two models of the store on the labelled pictures of the project that neither learned from.

    Raises :class:`FoveaError`.
    """
    raise FoveaError("not-there", "this comparison is not there yet")
