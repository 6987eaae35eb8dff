"""Workers on the nodes of a cluster, and the blocks of work that they are given, until each has been answered.

Ray places a worker on its node, starts its process, carries what it is given and what it answers, and says when worker
or node is lost. What was in the hands of a lost one is given to another: a block counts when its answer is here. A node
that joins later gets workers; one with another Fovea is refused by name.

Ray Data's own pool has no way to go on with a job whose driver has ended; docs/cluster.md says what was tried.
"""

from __future__ import annotations

import collections
import contextlib
import time
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from desktop.cluster import node
from desktop.cluster.connection import ClusterError, NodeName, alive
from desktop.cluster.run_events import NodeNews
from desktop.core.types import FoveaError
from desktop.system.words import phrase

_LOOK_S = 2.0  # between two looks at which nodes there are
_AHEAD = 2  # blocks in a worker's hands: one is answered, the next waits there
_MOST_CORES = 8  # of a worker: more threads than that help no engine
_MOST_DEATHS = 3  # of a node's workers in a row, before the node is given up
_BLAMED_AFTER = 4  # workers lost over one block, before that is given up
_PATIENCE_S = 180.0  # for a node to say who it is, and for the first worker to be ready


class BlockDone(NamedTuple):
    """A block that has been answered, or (``error``) given up after it had ended several workers."""

    key: Hashable
    result: Any
    error: FoveaError | None


@dataclass(slots=True, eq=False)
class _Worker:
    node: str
    called: str
    handle: Any
    getting_ready: Any  # what tells; None once it is
    held: dict[Any, Hashable] = field(default_factory=dict)  # what Ray will answer -> the block


class WorkerPool:
    """Workers on every node that may take part. Not to be used from several threads.

    ``ray`` is a connection (:func:`desktop.cluster.connection.connected`); ``kind`` a class that takes a number of
    cores, whose ``ready`` takes ``wish`` and tells why it is of no use, '' where it is. Each worker has up to ``ahead``
    blocks in its hands. ``heard`` hears of nodes, ``lost`` of the names of workers that have ended.
    """

    WORKER = object()
    """Among the arguments of a block: the name of the worker that is given it."""

    def __init__(
        self,
        ray: Any,
        kind: type,
        wish: tuple[Any, ...],
        heard: Callable[[NodeNews], None] = lambda news: None,
        ahead: int = _AHEAD,
        lost: Callable[[str], None] = lambda worker: None,
    ) -> None:
        self._ray, self._heard, self._wish, self._ahead, self._is_gone = ray, heard, wish, ahead, lost
        self._actor = ray.remote(kind)
        self._made, self._run = 0, uuid.uuid4().hex[:12]
        self._asking: dict[Any, tuple[str, float]] = {}  # who a node is: what Ray will answer -> the node, since when
        self._known: dict[str, NodeName] = {}
        self._used: set[str] = set()
        self._deaths: collections.Counter[str] = collections.Counter()
        self._workers: list[_Worker] = []
        self._queue: collections.deque[tuple[Hashable, str, tuple[Any, ...]]] = collections.deque()
        self._given: dict[Hashable, tuple[str, tuple[Any, ...]]] = {}
        self._lost: collections.Counter[Hashable] = collections.Counter()
        self._refused: list[str] = []
        self._begin = time.monotonic()
        self._last_look = -_LOOK_S
        self.facts: node.NodeFacts | None = None

    @property
    def room(self) -> bool:
        """Whether another block is wanted now."""
        return len(self._queue) < 1 + len(self._workers)

    @property
    def waiting(self) -> int:
        """Blocks that have no answer yet."""
        return len(self._queue) + len(self._given)

    @property
    def cores(self) -> int:
        """Processors of the nodes that take part."""
        return sum(self._known[name].cores for name in self._used if name in self._known)

    def submit(self, key: Hashable, call: str, *arguments: Any) -> None:
        """Have some worker call its method ``call``; the answer comes from :meth:`wait` under ``key``."""
        self._queue.append((key, call, arguments))

    def drop(self) -> None:
        """Forget the blocks that no worker has been given."""
        self._queue.clear()

    def tell(self, call: str) -> None:
        """Have every worker call its method ``call`` beside what it does; nothing is answered."""
        for worker in self._workers:
            getattr(worker.handle, call).remote()

    def wait(self, timeout: float) -> list[BlockDone]:
        """What has been answered, after at most about ``timeout`` seconds. Raises :class:`ClusterError` (``no-node``,
        ``cluster-lost``) where nobody is left to answer."""
        now = time.monotonic()
        if now - self._last_look >= _LOOK_S:
            self._last_look = now
            self._look()
        self._hand_out()
        every = [*self._asking]
        for worker in self._workers:
            every += [worker.getting_ready] if worker.getting_ready is not None else list(worker.held)
        if not every:
            time.sleep(min(timeout, _LOOK_S))
            return []
        done, _ = self._ray.wait(every, num_returns=1, timeout=timeout)
        if done:  # and whatever else is there
            done, _ = self._ray.wait(every, num_returns=len(every), timeout=0)
        ended: list[BlockDone] = []
        for ref in done:
            if ref in self._asking:
                self._hear(ref)
            else:
                ended += self._take(ref)
        self._hand_out()
        return ended

    def close(self) -> None:
        """End all workers; nothing more is answered."""
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()

    # Nodes

    def _look(self) -> None:
        found = alive(self._ray)
        for name in [name for name in self._known if name not in found]:
            gone = self._known.pop(name)
            for worker in [worker for worker in self._workers if worker.node == name]:
                self._let_go(worker)
            if name in self._used:
                self._used.discard(name)
                self._heard(NodeNews("lost", gone.name, gone.cores))
        for name, facts in found.items():
            if name not in self._known and facts.cores:
                self._known[name] = facts
                ask = self._ray.remote(node.facts).options(
                    num_cpus=0, max_retries=0, scheduling_strategy=self._on(name)
                )
                self._asking[ask.remote()] = (name, time.monotonic())
        for ref, (name, since) in list(self._asking.items()):
            if name not in self._known:
                del self._asking[ref]
            elif time.monotonic() - since > _PATIENCE_S:
                del self._asking[ref]
                self._refuse(name, "it did not say who it is")
        if not self._used and not self._asking:
            if not self._refused:
                raise ClusterError("no-node", phrase("the cluster has no node"), phrase("Start Ray on one."))
            raise ClusterError(
                "no-node",
                phrase("no node can take part: {why}", why="; ".join(self._refused)),
                phrase("Install the same Fovea on all nodes."),
            )

    def _on(self, name: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(name, soft=False)

    def _hear(self, ref: Any) -> None:
        """A node has said who it is, or why it cannot."""
        name, _ = self._asking.pop(ref)
        if name not in self._known:
            return
        try:
            theirs: node.NodeFacts = self._ray.get(ref)
        except Exception as error:
            self._refuse(name, _reason(error))
            return
        why = node.differences(node.versions(), theirs.versions)
        if why:
            self._refuse(name, why)
            return
        self.facts = self.facts or theirs
        self._used.add(name)
        facts = self._known[name]
        each = min(_MOST_CORES, facts.cores)
        for _ in range(max(1, facts.cores // each)):
            self._start(name, each)
        self._heard(NodeNews("joined", facts.name, facts.cores))

    def _refuse(self, name: str, why: str, state: str = "refused") -> None:
        self._used.discard(name)
        known = self._known.get(name)
        if known is None:  # it has gone meanwhile
            return
        self._refused.append(f"{known.name}: {why}")
        self._heard(NodeNews(state, known.name, known.cores, why))
        self._last_look = 0.0  # it may have been the last one

    def _start(self, name: str, cores: int) -> None:
        made = self._actor.options(
            num_cpus=cores, max_concurrency=2, max_restarts=0, scheduling_strategy=self._on(name)
        ).remote(cores)
        self._made += 1
        called = f"{self._run}-{self._made}"
        self._workers.append(_Worker(name, called, made, made.ready.remote(*self._wish)))

    # Blocks

    def _hand_out(self) -> None:
        ready = [worker for worker in self._workers if worker.getting_ready is None]
        for held in range(self._ahead):  # everybody has one before anybody has two
            for worker in ready:
                if self._queue and len(worker.held) <= held:
                    key, call, arguments = self._queue.popleft()
                    given = [worker.called if each is WorkerPool.WORKER else each for each in arguments]
                    worker.held[getattr(worker.handle, call).remote(*given)] = key
                    self._given[key] = (call, arguments)

    def _take(self, ref: Any) -> list[BlockDone]:
        """What a worker says: that it is ready, an answer, or (Ray, in its place) that it is lost."""
        worker = next((w for w in self._workers if w.getting_ready is ref or ref in w.held), None)
        if worker is None:
            return []
        try:
            result = self._ray.get(ref)
        except Exception as error:
            return self._is_lost(worker, error)
        if worker.getting_ready is ref:
            worker.getting_ready = None
            if result:
                self._let_go(worker)
                for other in [other for other in self._workers if other.node == worker.node]:
                    self._let_go(other)
                self._refuse(worker.node, str(result))
            return []
        key = worker.held.pop(ref)
        del self._given[key]
        self._deaths[worker.node] = 0
        return [BlockDone(key, result, None)]

    def _is_lost(self, worker: _Worker, error: Exception) -> list[BlockDone]:
        """A worker has ended, or cannot answer any more: another takes its place where its node is there still."""
        blocks = self._let_go(worker)
        given_up: list[BlockDone] = []
        for key in blocks[:1]:  # the first was being answered, the others waited
            self._lost[key] += 1
            if self._lost[key] >= _BLAMED_AFTER:
                self._queue = collections.deque(item for item in self._queue if item[0] != key)
                text = phrase(
                    "{count} workers ended over these pictures ({reason})", count=_BLAMED_AFTER, reason=_reason(error)
                )
                given_up.append(BlockDone(key, None, FoveaError("worker-died", text)))
        here = alive(self._ray)
        if worker.node not in here or worker.node not in self._known:
            self._last_look = 0.0  # the look tells of it
            return given_up
        self._deaths[worker.node] += 1
        if self._deaths[worker.node] >= _MOST_DEATHS:
            if not any(other.node == worker.node for other in self._workers):
                self._refuse(worker.node, _reason(error), "given-up")
            return given_up
        facts = self._known[worker.node]
        self._start(worker.node, min(_MOST_CORES, facts.cores))
        return given_up

    def _let_go(self, worker: _Worker) -> list[Hashable]:
        """Take a worker off; what it had goes back to the front of the queue. Returns those blocks."""
        self._workers.remove(worker)
        keys = list(worker.held.values())
        for key in reversed(keys):
            self._queue.appendleft((key, *self._given.pop(key)))
        self._end(worker)
        self._is_gone(worker.called)
        return keys

    def _end(self, worker: _Worker) -> None:
        with contextlib.suppress(Exception):  # it may be gone already
            self._ray.kill(worker.handle, no_restart=True)


def _reason(error: Exception) -> str:
    """What Ray says of a loss, in few words that name no folder."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, ModuleNotFoundError) or "ModuleNotFoundError" in str(error):
        return "Fovea is not installed there"
    if isinstance(cause, FoveaError):
        return str(cause)
    known = {
        "OutOfMemoryError": "its memory is full",
        "NodeDiedError": "the node is lost",
        "ActorDiedError": "its worker ended",
        "ActorUnavailableError": "it does not answer",
        "WorkerCrashedError": "its worker ended",
        "RuntimeEnvSetupError": "its worker could not be set up",
    }
    return known.get(type(error).__name__, type(error).__name__)
