"""From a project's labels to a model of the store, through the same training and packaging as everything else.

:func:`prepare_training` writes the labels of this moment into a file of the project's folder, which stays with the run,
and gives the plan; :func:`desktop.app.starting.start_training` puts it on the disk and the trainer does the rest: a
head on the network's features, calibrated, with gate, answer sets, card and history. The model records project and
state of the labels, so it can be taught more, and an older one be compared with it on pictures that neither learned
from.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.app import evaluating
from desktop.app.recipes import make_plan, seen_of
from desktop.app.teaching_exchange import labelled_pictures
from desktop.app.training_data import open_training_data
from desktop.core.data.read_labels_file import SUFFIX, read_labels, write_labels
from desktop.core.drawings import kept
from desktop.core.progress import IsCancelled
from desktop.core.types import FoveaError
from desktop.store.catalogue import EVERYDAY
from desktop.store.project_facts import STATE_MARK, project_state
from desktop.store.projects import ProjectStore
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore
from desktop.system.files import OWN_DISK, saying
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.app.evaluating import Comparison, Evaluation
    from desktop.core.data.dataset import LabelledDataset
    from desktop.engine.evaluation import EvaluationProgress, EventEngine
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.store.manifest import Manifest
    from desktop.store.project import Project

Making = Literal["features", "fine-tune"]
FEWEST_IN_CLASS = 2
HELD_BACK = 0.3
"""The share of the pictures labelled since the older model that a newer one does not learn from, to compare both on."""
FEWEST_HELD_BACK = 20
_BEFORE = "before "
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
    return _ready(tuple((c.name, c.count) for c in project.classes()))


def _ready(counts: tuple[tuple[str, int], ...]) -> ReadyToMake:
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
    older model, made of this project or of pictures that are still at hand, which the new one learns again; a part of
    what was labelled since then is held back, see :func:`corrected`.
    Raises :class:`FoveaError` (``too-few-labels``, ``not-installed``, ``disk-full`` …).
    """
    rows = _usable(project)
    if compared_with:
        rows += _its_own(project, compared_with)
    ready = _ready(tuple(Counter(name for _, name in rows).items()))
    if ready.reason:
        raise FoveaError("too-few-labels", ready.reason, "Label some more.")
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
    if compared_with:
        project.set_fact(f"{_BEFORE}{number}", compared_with)
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


def models_of(project_id: str, models: ModelStore | None = None) -> list[str]:
    """The ids of the models that were made of a project, the newest first."""
    made = [
        (entry.manifest.provenance.created, entry.id)
        for entry in (models or ModelStore()).entries()
        if entry.manifest is not None and project_of(entry.manifest) == project_id
    ]
    return [model for _, model in sorted(made, reverse=True)]


# Old and new


def corrected(project: Project, model_id: str) -> ToRetrain:
    """What the project's labels say beyond what ``model_id`` has learned. Raises :class:`FoveaError`."""
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
    if owner == project.id and place.is_file():
        data: LabelledDataset | None = read_labels(place)
    else:
        data = _trained_on(model_id)
    if data is None:
        return {}  # made of other pictures, which are not at hand: of these it has learned none
    classes = kept.labels_of(data.classes) if kept.are_own(data.root) else data.classes
    found = {}
    for position in range(len(data)):
        source = data.source(position)
        if source.path is not None and source.frame == 0:
            found[os.path.abspath(source.path)] = classes[int(data.targets[position])]
    return found


def _trained_on(model_id: str) -> LabelledDataset | None:
    """The pictures that a training of this installation was given, where they are still there."""
    from desktop.core.data.dataset import ALL
    from desktop.core.data.open_data import open_dataset
    from desktop.ml.plans import plan as plans

    runs = RunStore()
    for record in runs.list():
        if record.model_id != model_id:
            continue
        try:
            place = plans.from_json(runs.plan_text(record.id)).data.path
            whole = open_dataset(place, ALL) if place else None
            part = whole.own_split("train") if whole is not None else None
            return whole if part is None else open_dataset(str(place), part)
        except FoveaError:
            return None
    return None


def _its_own(project: Project, model_id: str) -> list[tuple[str, str]]:
    """Path and class of the pictures that a model learned from and that the project knows nothing of."""
    with project.database.reading() as connection:
        known = {project.path_of(path) for (path,) in connection.execute("SELECT path FROM pictures")}
    rows = []
    for path, name in _learned(project, model_id).items():
        if path not in known and os.path.isfile(path):
            there = project.find_class(name)  # names that read alike are one class
            rows.append((path, there.name if there is not None else name))
    return rows


def before(project: Project, model: Manifest) -> str:
    """The id of the older model that ``model`` was made to be compared with, '' for none."""
    owner, number = _state_of(model)
    return str(project.fact(f"{_BEFORE}{number}", "")) if owner == project.id else ""


def retrainable(project: Project, preferred: str = "") -> str:
    """The model that the project's labels can make a better one of: ``preferred`` where its pictures are at hand, else
    the newest that was made of the project; '' for none."""
    models = ModelStore()
    if preferred and models.get(preferred).state == "ready" and _learned(project, preferred):
        return preferred
    return next(iter(models_of(project.id, models)), "")


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
    known |= _contents_like([path for path in learned if path not in contents], {path for path, _ in fresh})
    secret = bytes(project.fact("secret", b"fovea"))

    older = ModelStore().get(model_id).manifest
    answers = set(older.labels) if older is not None else set[str]()

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
        # A class that the older model does not know says nothing of which one is better.
        if name in answers and drawn(path) and left[name] > FEWEST_IN_CLASS:
            held.add(path)
            left[name] -= 1
    return held if len(held) >= FEWEST_HELD_BACK else set()


def _contents_like(paths: list[str], others: set[str]) -> set[bytes]:
    """The checksums of those of ``paths`` that are as long as one of ``others``: only these can be copies of one."""

    def length(path: str) -> int:
        try:
            return os.path.getsize(path)
        except OSError:
            return -1

    lengths = {length(path) for path in others} - {-1}
    found = set()
    for path in paths:
        if length(path) in lengths:
            with contextlib.suppress(OSError), open(path, "rb") as stream:
                found.add(hashlib.file_digest(stream, "sha256").digest())
    return found


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
