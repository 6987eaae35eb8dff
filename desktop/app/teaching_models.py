"""From a project's labels to a model of the store, through the same training and packaging as everything else.

:func:`prepare_training` writes the labels of this moment into a file of the project's folder, which stays with the run,
and gives the plan; :func:`desktop.app.starting.start_training` puts it on the disk and the trainer does the rest: a
head on the network's features, calibrated, with gate, answer sets, card and history. The model records project and
state of the labels, so it can be taught more, and an older one be compared with it on pictures that neither learned
from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.app import evaluating
from desktop.app.recipes import make_plan, seen_of
from desktop.app.teaching_exchange import labelled_pictures
from desktop.app.training_data import open_training_data
from desktop.core.data.read_labels_file import SUFFIX, read_labels, write_labels
from desktop.core.progress import IsCancelled
from desktop.core.types import FoveaError
from desktop.store.catalogue import EVERYDAY
from desktop.store.project_facts import STATE_MARK, project_state
from desktop.store.projects import ProjectStore
from desktop.store.store import ModelStore
from desktop.system.files import OWN_DISK, saying
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.app.evaluating import Comparison, Evaluation
    from desktop.engine.evaluation import EvaluationProgress, EventEngine
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.store.manifest import Manifest
    from desktop.store.project import Project

Making = Literal["features", "fine-tune"]
FEWEST_IN_CLASS = 2
HELD_BACK = 0.3
"""The share of the pictures labelled since the older model that a newer one does not learn from, to compare both on."""
FEWEST_HELD_BACK = 20
_FOLDER = "snapshots"
_SAFE_ENOUGH = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ReadyToMake:
    """Whether a model can be made now: ``reason`` says what is missing, '' for nothing. ``counts``: labels by class."""

    reason: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ToRetrain:
    """What a retraining would learn beyond the model ``model``: ``changed`` pictures that have a label now which it did
    not learn, ``held_back`` of them for the comparison (0: too few; ``reason`` says so)."""

    model: str
    changed: int
    held_back: int
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
    project: Project, how: Making = "features", name: str = "", compared_with: str = ""
) -> TrainingPlan:
    """The plan of a training on the project's labels of this moment (classes without a label take no part).

    ``how``: a head on the everyday network's features, in well under a minute, or fine-tuning. ``compared_with``: an
    older model of this project; a part of what was labelled since then is held back, see :func:`corrected`.
    Raises :class:`FoveaError` (``too-few-labels``, ``not-installed``, ``disk-full`` …).
    """
    ready = ready_to_make(project)
    if ready.reason:
        raise FoveaError("too-few-labels", ready.reason, "Label some more.")
    rows = _usable(project)
    held = _held_back(project, rows, compared_with) if compared_with else set[str]()
    folder = project.folder / _FOLDER
    title = project.name
    with saying("the labels", OWN_DISK):
        folder.mkdir(exist_ok=True)
        number = 1 + max((int(p.stem) for p in folder.glob(f"*{SUFFIX}") if _SAFE_ENOUGH.fullmatch(p.stem)), default=0)
        place = folder / f"{number:04d}{SUFFIX}"
        write_labels(place, title, [row for row in rows if row[0] not in held])
        if held:
            write_labels(_check_file(place), f"{title}: held back", [row for row in rows if row[0] in held])
    made = f"{project.id}{STATE_MARK}{number}"
    data = replace(open_training_data(str(place)), title=title, project=made)
    data = replace(data, **_seen(project))  # type: ignore[arg-type]
    model = ModelStore().require(EVERYDAY).manifest
    if model is None:
        raise FoveaError("not-installed", "the network of everyday photographs is not installed", "Install it first.")
    return make_plan(how, data.plan(), data.labels, seen_of(data), model=model, name=name or title)


def _usable(project: Project) -> list[tuple[str, str]]:
    """Path and class of the labelled pictures that can be learned from: no broken, missing or replaced ones."""
    with project.database.reading() as connection:
        left_out = {
            project.path_of(path)
            for (path,) in connection.execute("SELECT path FROM pictures WHERE label IS NOT NULL AND state > 1")
        }
    return [(path, name) for path, name, _, _ in labelled_pictures(project) if path not in left_out]


def _seen(project: Project) -> dict[str, int]:
    with project.database.reading() as connection:
        sides = [
            min(width, height)
            for width, height in connection.execute(
                "SELECT width, height FROM pictures WHERE removed = 0 AND width > 0 ORDER BY id LIMIT 5000"
            )
        ]
    return {"side": sorted(sides)[len(sides) // 2]} if sides else {}


# Which model came of which project


def project_of(model: Manifest) -> str:
    """The id of the project that a model was made of, '' where it was made otherwise."""
    return _state_of(model)[0]


def _state_of(model: Manifest) -> tuple[str, int]:
    return project_state(model.provenance.plan)


def teachable(model: Manifest, store: ProjectStore | None = None) -> str:
    """As :func:`project_of`, where that project is still there: 'teach it more' opens it."""
    found = project_of(model)
    return found if found and any(entry.id == found for entry in (store or ProjectStore()).entries()) else ""


# Old and new


def corrected(project: Project, model_id: str) -> ToRetrain:
    """What the project's labels say beyond what ``model_id``, a model made of it, has learned. Raises
    :class:`FoveaError`."""
    rows = _usable(project)
    fresh = _fresh(project, rows, model_id)
    held = _held_back(project, rows, model_id)
    reason = ""
    if fresh and not held:
        wanted = round(FEWEST_HELD_BACK / HELD_BACK)
        reason = phrase(
            "{wanted} pictures labelled since then are needed to compare old and new; there are {count}",
            wanted=wanted,
            count=len(fresh),
        )
    return ToRetrain(model_id, len(fresh), len(held), reason)


def check_data(project: Project, model: Manifest) -> Path | None:
    """The labelled pictures (``.fovea-labels``) that were held back when ``model`` was made of the project, and that
    the model before it did not learn from either; ``None`` where none were. Both models are evaluated on it
    (:mod:`desktop.app.evaluating`), and compared by McNemar's test."""
    owner, number = _state_of(model)
    place = _check_file(project.folder / _FOLDER / f"{number:04d}{SUFFIX}")
    return place if owner == project.id and place.is_file() else None


def _check_file(place: Path) -> Path:
    return place.with_name(f"{place.stem}-held-back{SUFFIX}")


def _learned(project: Project, model_id: str) -> dict[str, str]:
    """Path and class of what a model learned; what was held back from it counts as not learned."""
    entry = ModelStore().get(model_id)
    owner, number = _state_of(entry.manifest) if entry.manifest is not None else ("", 0)
    place = project.folder / _FOLDER / f"{number:04d}{SUFFIX}"
    if owner != project.id or not place.is_file():
        return {}  # made of other pictures: of these it has learned none
    data = read_labels(place)
    return {str(data.source(i).path): data.classes[int(data.targets[i])] for i in range(len(data))}


def _fresh(project: Project, rows: list[tuple[str, str]], model_id: str) -> list[tuple[str, str]]:
    learned = _learned(project, model_id)
    return [row for row in rows if learned.get(row[0]) != row[1]]


def _held_back(project: Project, rows: list[tuple[str, str]], model_id: str) -> set[str]:
    """The paths to hold back: by the content's checksum and the project alone, so that the same ones are every time;
    copies of one picture stay together, and a class keeps two pictures to learn from."""
    learned = _learned(project, model_id)
    fresh = [row for row in rows if row[0] not in learned]
    with project.database.reading() as connection:
        contents = {
            project.path_of(path): bytes(sha256)
            for path, sha256 in connection.execute("SELECT path, sha256 FROM pictures WHERE sha256 IS NOT NULL")
        }
    known = {contents[path] for path in learned if path in contents}
    secret = bytes(project.fact("secret", b"fovea"))

    def drawn(path: str) -> bool:
        if path not in contents or contents[path] in known:
            return False
        value = hashlib.blake2b(contents[path], key=secret, digest_size=8).digest()
        return int.from_bytes(value, "big") < HELD_BACK * 2**64

    left: dict[str, int] = {}
    for _, name in rows:
        left[name] = left.get(name, 0) + 1
    held = set()
    for path, name in fresh:
        if drawn(path) and left[name] > FEWEST_IN_CLASS:
            held.add(path)
            left[name] -= 1
    return held if len(held) >= FEWEST_HELD_BACK else set()


def compare_old_new(
    client: EventEngine,
    project: Project,
    old: str,
    new: str,
    progress: Callable[[EvaluationProgress], None] | None = None,
    cancelled: IsCancelled = lambda: False,
) -> tuple[Evaluation, Comparison]:
    """Have an older and a newer model answer the pictures that were held back when the newer one was made; the older
    one's evaluation, and the newer one beside it with McNemar's test. Both are kept, as any evaluation is.

    Raises :class:`FoveaError` ``nothing-held-back`` where there are no pictures that neither has learned from, and what
    :mod:`desktop.app.evaluating` raises.
    """
    models = ModelStore()
    entries = [models.require(name) for name in (old, new)]
    newer = entries[1].manifest
    place = check_data(project, newer) if newer is not None else None
    if place is None:
        raise FoveaError(
            "nothing-held-back",
            phrase(
                "there are no labelled pictures that neither '{old}' nor '{new}' has learned from", old=old, new=new
            ),
            "Label some more, then make the model again and compare.",
        )
    data = read_labels(place)
    done = []
    for entry in entries:
        labels = evaluating.labels_for(entry, data)
        done.append(evaluating.evaluate_and_keep(client, entry, data, labels, progress=progress, cancelled=cancelled))
    first, second = done
    return first, evaluating.compare(first.result, first.figures, second.result, second.figures)
