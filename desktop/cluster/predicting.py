"""A job on a cluster: blocks go out, answers come back and are kept, until every picture has its row."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from desktop.cluster import packing, rows
from desktop.cluster.job import Asked, Job, JobError, JobPlan
from desktop.cluster.node import AskedSource, Worker, versions
from desktop.cluster.pool import BlockDone, WorkerPool
from desktop.cluster.run_events import JobProgress, NodeNews
from desktop.engine.messages import Failure
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore, check_usable
from desktop.system.words import phrase

_WAIT_S = 0.2
_RATE_S = 30.0  # the speed that the time left rests on is that of the last half minute
_READERS = 8
_MOST_BYTES = 256 << 20  # of pictures that are read here and wait for a worker


def plan_for(
    model: str, store: ModelStore, top: int, error_rate: float, files: bool, send: bool
) -> tuple[JobPlan, bytes]:
    """What a job with ``model`` asks, before its pictures are known, and the models to be sent. Raises
    :class:`StoreError`."""
    manifest = check_usable(store.require(model))
    data, digest = packing.pack(packing.needed(model, store), store)
    network = manifest.files["model.tflite"].sha256
    return JobPlan(model, network, digest, versions(), top, error_rate, files, send), data


def models_of(plan: JobPlan, store: ModelStore) -> bytes:
    """The models of a job that is taken up. Raises :class:`JobError` where they, or this Fovea, are not those that it
    was begun with: its parts would not go together."""
    from desktop.cluster.node import differences

    again, data = plan_for(plan.model, store, plan.top, plan.error_rate, plan.files, plan.send)
    hint = phrase("Go on with what it was begun with, or begin it again in another folder.")
    why = differences(plan.versions, again.versions)
    if why:
        raise JobError("bad-job", phrase("the job was begun by another Fovea; here is {why}", why=why), hint)
    if (again.network, again.package) != (plan.network, plan.package):
        raise JobError(
            "bad-job", phrase("the model '{model}' has changed since the job was begun", model=plan.model), hint
        )
    return data


def run(
    ray: Any,
    job: Job,
    models: bytes,
    manifest: Manifest,
    heard: Callable[[NodeNews], None] = lambda news: None,
    progress: Callable[[JobProgress], None] = lambda state: None,
    kept: Callable[[int], None] = lambda block: None,
    stopped: Callable[[], bool] = lambda: False,
    spent: Callable[[float], None] = lambda seconds: None,
) -> bool:
    """Have the rest of ``job`` answered; whether all is (false: ``stopped`` said so meanwhile).

    ``kept`` hears of each block when its answers are on the disk, ``spent`` how many seconds a worker took for it.
    Raises :class:`ClusterError` and :class:`JobError`;
    what was answered until then stays.
    """
    plan = job.plan

    def news(each: NodeNews) -> None:
        job.log(f"node-{each.state}", node=each.name, cores=each.cores, **({"why": each.why} if each.why else {}))
        heard(each)

    pool = WorkerPool(ray, Worker, (ray.put(models), plan.package, plan.model, plan.network), news)
    job.log("begun" if not job.done else "taken-up", done=job.done, total=plan.total)
    work = _Work(job, pool, manifest)
    speed = _Speed(job.done)
    head = rows.csv_head(manifest)
    try:
        while not stopped():
            work.hand_in()
            if not pool.waiting and not work.reading:
                break
            for ended in pool.wait(_WAIT_S):
                if ended.error is None:
                    spent(ended.result[3])
                block = work.take(ended)
                job.join(head)
                kept(block)
            progress(speed.of(job, pool.cores))
        complete = job.done == plan.total
        if complete:
            job.join(head, everything=True)
        job.log("ended" if complete else "stopped", done=job.done, failed=job.counts.failed)
        return complete
    finally:
        work.close()
        pool.close()


class _Work:
    """The blocks of a job on their way to the pool and back."""

    def __init__(self, job: Job, pool: WorkerPool, manifest: Manifest) -> None:
        self._job, self._pool, self._manifest = job, pool, manifest
        self._missing = iter(list(job.missing()))
        self._asked: dict[int, list[Asked]] = {}
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="sending") if job.plan.send else None
        self._reading: collections.deque[tuple[int, list[Any]]] = collections.deque()

    @property
    def reading(self) -> bool:
        """Whether pictures are being read here that no worker has yet."""
        return bool(self._reading)

    def hand_in(self) -> None:
        """Give the pool as many blocks as it wants."""
        plan = self._job.plan
        while self._pool.room:
            if self._readers is None:
                block = next(self._missing, None)
                if block is None:
                    return
                asked = self._job.asked(block)
                self._submit(block, [AskedSource(a.path, a.frame, a.told, None, a.problem) for a in asked])
                continue
            while len(self._reading) < 2 and (block := next(self._missing, None)) is not None:
                asked = self._job.asked(block)
                self._reading.append((block, [self._readers.submit(_read, each) for each in asked]))
            if not self._reading:
                return
            block, futures = self._reading.popleft()
            self._submit(block, [future.result() for future in futures])
            if plan.send and self._pool.waiting > 2 * max(1, self._pool.cores):
                return

    def _submit(self, block: int, sources: list[AskedSource]) -> None:
        plan = self._job.plan
        self._pool.submit(block, "answer", block * plan.block, sources, plan.top, plan.error_rate)

    def take(self, ended: BlockDone) -> int:
        """Keep what came of a block; returns which."""
        block = int(str(ended.key))
        if ended.error is None:
            table, lines, _, _ = ended.result
        else:
            told = [each.told for each in self._job.asked(block)]
            failed = [Failure(0, ended.error.kind, ended.error.message)] * len(told)
            plan = self._job.plan
            table, lines = rows.table_of(block * plan.block, told, failed, self._manifest, plan.top, plan.error_rate)
        self._job.put(block, table, lines)
        return block

    def close(self) -> None:
        if self._readers is not None:
            self._readers.shutdown(wait=False, cancel_futures=True)


def _read(asked: Asked) -> AskedSource:
    """A picture with its content; one that cannot be read goes by its path, and its node says what is wrong."""
    data = None
    if asked.problem is None:
        try:
            with open(asked.path, "rb") as stream:
                data = stream.read(_MOST_BYTES)
        except (OSError, ValueError):
            data = None
    return AskedSource(asked.path, asked.frame, asked.told, data or None, asked.problem)


class _Speed:
    """Pictures a second, of the last half minute."""

    def __init__(self, done: int) -> None:
        self._marks: collections.deque[tuple[float, int]] = collections.deque([(time.monotonic(), done)])

    def of(self, job: Job, cores: int) -> JobProgress:
        now, done, total = time.monotonic(), job.done, job.plan.total
        if done != self._marks[-1][1]:
            self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_S:
            self._marks.popleft()
        since, before = self._marks[0]
        rate = (done - before) / (now - since) if done > before and now > since else None
        return JobProgress(done, total, job.counts.failed, rate, (total - done) / rate if rate else None, cores)
