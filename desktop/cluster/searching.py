"""A search over settings on a cluster: each node trains trials, Optuna's database says which and keeps what they gave.

A worker on a node does what ``fovea search`` does on a computer that shares a search (:mod:`desktop.ml.search`), a
trial at a time: the same sampler, the same rule for ending poor trials early, the same record of each. The pictures
travel once to each node. What a lost node was at is tried again by another.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import uuid
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.cluster.connection import ClusterError
from desktop.cluster.node import hide_main
from desktop.cluster.pool import WorkerPool
from desktop.cluster.run_events import NodeNews
from desktop.core.types import FoveaError
from desktop.ml import search
from desktop.ml.plans.plan import TrainingPlan, from_json
from desktop.ml.plans.search_space import Dimension
from desktop.system.files import size_words
from desktop.system.words import phrase

_WAIT_S = 0.5
_ENDED = ("done", "pruned", "failed")
_MOST_BYTES = 4 << 30  # of pictures that are sent to each node
_USER = "user"  # DataPlan.source of pictures that lie in a folder or file of the user's


class Trainer:
    """Trains trials; Ray makes an actor of it. :meth:`stop` may be called while :meth:`trial` runs."""

    def __init__(self, cores: int) -> None:
        hide_main()
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        self._halt = search.Halt()
        self._plan: TrainingPlan | None = None
        self._checked = False

    def ready(self, plan: str, data: Any, digest: str, name: str) -> str:
        """Lay the pictures down; why this node is no use, '' where it is."""
        try:
            chosen = from_json(plan)
            if digest:
                place = _lay_down(bytes(data), digest) / name
                chosen = replace(chosen, data=replace(chosen.data, path=str(place)))
            self._plan = chosen
        except FoveaError as error:
            return str(error)
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return ""

    def trial(
        self, worker: str, name: str, space: Sequence[Dimension], trials: int | None, storage: str, goal: Any,
        prune: bool, data_root: str,
    ) -> str:  # fmt: skip
        """Run one trial; why none could begin, '' where one has come to an end."""
        assert self._plan is not None
        root = Path(data_root) if data_root else None
        part = search.SearchPart(worker, 1, self._checked)
        try:
            search.run_search(
                name, self._plan, space, trials, storage, goal, prune, root, halt=self._halt, part=part
            )  # fmt: skip
        except FoveaError as error:
            return str(error)
        self._checked = True
        return ""

    def stop(self) -> None:
        """End the trial at work after its batch, with a checkpoint."""
        self._halt.asked = True


def run_search(
    ray: Any,
    name: str,
    plan: TrainingPlan,
    space: Sequence[Dimension],
    trials: int | None,
    storage: str,
    goal: search.Goal,
    prune: bool,
    data_root: Path | None,
    heard: Callable[[NodeNews], None],
    watch: Callable[[int, int, float], None],
    ended: Callable[[search.TrialResult], None],
    halt: search.Halt,
) -> search.SearchResult:
    """As :func:`desktop.ml.search.run_search`, by the nodes of a cluster. ``watch`` hears of a trial's number, how many
    epochs it has, and what the last one reached. Raises what that raises, and :class:`ClusterError`."""
    wanted = search.grid_size(space) if trials is None else trials
    # The driver's part: refuse what cannot be, compare plan and data, queue again what was cut off.
    begun = search.run_search(
        name, plan, space, trials, storage, goal, prune, data_root, halt=halt, part=search.SearchPart("", 0)
    )  # fmt: skip
    data, digest, inside = _packed(plan)

    def lost(worker: str) -> None:
        search.release(name, storage, worker)

    pool = WorkerPool(ray, Trainer, (plan.to_json(), ray.put(data), digest, inside), heard, ahead=1, lost=lost)
    told = {trial.number for trial in begun.trials if trial.state in _ENDED}
    asked = stopping = 0
    failures = 0
    try:
        while True:
            found = search.load(name, storage)
            for trial in found.trials:
                if trial.state in _ENDED and trial.number not in told:
                    told.add(trial.number)
                    ended(trial)
            counted = [t for t in found.trials if t.state in ("done", "pruned") or t.state == "failed" and t.message]
            if halt.asked and not stopping:
                stopping = 1
                pool.drop()
                pool.tell("stop")
            if not pool.waiting and (stopping or len(counted) >= wanted):
                return found
            while not stopping and pool.room and pool.waiting < wanted - len(counted):
                asked += 1
                pool.submit(
                    asked,
                    "trial",
                    WorkerPool.WORKER,
                    name,
                    tuple(space),
                    trials,
                    storage,
                    goal,
                    prune,
                    str(data_root or ""),
                )
            for each in pool.wait(_WAIT_S):
                why = str(each.error) if each.error is not None else each.result
                failures = failures + 1 if why and not halt.asked else 0
                if failures > 3 + 2 * len(told):
                    raise search.SearchError("trial-failed", phrase("no trial can begin: {why}", why=why))
            for running in search.under_way(name, storage):
                watch(*running)
    finally:
        pool.close()


def _packed(plan: TrainingPlan) -> tuple[bytes, str, str]:
    """The pictures of the user's that a plan learns from, as a ZIP, its checksum, and what they are called in it; of a
    public set nothing: its files lie with each node. Raises :class:`ClusterError` ``too-large``."""
    if plan.data.source != _USER:
        return b"", "", ""
    source = Path(plan.data.path or "")
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    size = sum(path.stat().st_size for path in files)
    if size > _MOST_BYTES:
        raise ClusterError(
            "too-large",
            phrase("the pictures take {size}; {most} may be sent", size=size_words(size), most=size_words(_MOST_BYTES)),
            phrase("Reduce them first."),
        )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            archive.write(path, path.relative_to(source.parent).as_posix())
    data = held.getvalue()
    return data, hashlib.sha256(data).hexdigest(), source.name


def _lay_down(data: bytes, digest: str) -> Path:
    """The folder with the pictures of ``data`` on this node."""
    shelf = paths.cache() / "cluster"
    place = shelf / f"data-{digest[:32]}"
    if place.is_dir():
        return place
    shelf.mkdir(parents=True, exist_ok=True)
    staging = shelf / f".data-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(staging)
        with contextlib.suppress(OSError):  # another worker of this node was faster
            staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return place
