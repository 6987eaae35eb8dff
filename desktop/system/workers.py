"""Work on what may be hostile, in children with limits of time and memory: the one mechanism for it.

:class:`Workers` keeps a few children. Any thread hands in a portion of items with :meth:`Workers.run` and waits for the
results: a value each, the error that the work raised for the user, or a :class:`Fault` where the child did not survive
the item or had to be ended. An item is blamed when it alone was in work: what a child died of is asked again alone, in
a fresh child, before it gets a :class:`Fault`; all else that was in the portion is done as if nothing had happened.

The limits are kept by whoever can: on Unix the system itself ends a child whose item has used its processor time (a
timer that no lock and no native loop holds up), Linux refuses the memory beyond the limit, and everywhere the thread
that waits looks at both ten times a second.

Light: the window's services import this; what runs is named as text (``module:name``) and imported in the child alone.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from desktop.system.child_process import ChildProcess, compute_alone
from desktop.system.errors import FoveaError
from desktop.system.memory import memory_of, work_of
from desktop.system.words import phrase

_LOOK_S = 0.1
_ALONE = 2  # times that an item is asked again, alone, before it is blamed: a child may be ended by others
_STARTS = 3  # children that may die before their first word
_PATIENCE_S = 5.0  # for a child whose pipe has ended to end as well
_IDLE_S = 60.0
_SWOLLEN = 512 << 20  # bytes that an idle child may keep
_NICE = 5

FaultKind = Literal["too-long", "too-much-memory", "crashed", "unexpected"]


class WorkCancelled(Exception):  # noqa: N818 - the user's wish, not an error
    """The work is not wanted any more: ``cancelled`` answered true, or the workers were closed."""


class NoWorkerError(FoveaError):
    """No child could be started, or none comes up. Kind: ``no-process``."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one item may take: ``work_s`` seconds of processor time, ``wait_s`` of the clock (a drive that does not
    answer uses no processor), ``memory`` in bytes for the whole child."""

    work_s: float = 10.0
    wait_s: float = 60.0
    memory: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Fault:
    """An item without a result: it took too long or too much memory, its child died of it (``detail``: the signal or
    exit status), or its work raised what it should not (``detail``: the type and where)."""

    kind: FaultKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """All ``results``; or the ``fault`` in the item after those that were ``done``, whose results are lost."""

    results: list[Any]
    done: int = 0
    fault: Fault | None = None


class Workers:
    """Up to ``most`` children, started when they are needed and ended when nobody has needed them for a while.

    ``keep`` of them stay. ``patient`` children let every other process go first. Any thread may call any method.
    """

    def __init__(
        self, most: int, limits: WorkerLimits = WorkerLimits(), *, keep: int = 0, patient: bool = False
    ) -> None:
        self._most, self._limits, self._keep, self._patient = most, limits, keep, patient
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._closed = False
        self._timer: threading.Timer | None = None

    def warm(self, *functions: str, count: int = 1) -> None:
        """See that there are ``count`` children, and let new ones import the modules of ``functions``, so that the
        first items do not wait for it. Returns at once; a start that fails is no matter yet."""
        with self._lock:
            there = len(self._idle) + len(self._busy)
        for _ in range(min(count, self._most) - there):
            with contextlib.suppress(OSError, MemoryError):
                child = _Child(self._limits, self._patient)
                for function in functions:
                    child.process.send((function, ()))
                    child.owed += 1
                self._give_back(child)

    def run(
        self,
        function: str,
        items: Sequence[Any],
        cancelled: Callable[[], bool] = lambda: False,
        enough_s: float | None = None,
    ) -> list[Any]:
        """The results of ``function`` (``module:name``, called with one item) for ``items``, in order: what it
        returned, the :class:`FoveaError` that it raised, or a :class:`Fault`.

        Items, results and errors are pickled on the way. With ``enough_s`` the child begins no further item after so
        many seconds: then fewer results than items come, but one at least. Raises :class:`WorkCancelled` within moments
        when ``cancelled`` answers true (the child is ended) or the workers are closed, and :class:`NoWorkerError`.
        """
        out: list[Any] = []
        if not items:
            return out
        while not self._free.acquire(timeout=_LOOK_S):
            if self._closed or cancelled():
                raise WorkCancelled
        try:
            while True:
                begin = len(out)
                answer = self._ask(function, items[begin:], cancelled, enough_s)
                if answer.fault is None:
                    return out + answer.results
                at = begin + answer.done
                # What was done before the fault is lost with the child.
                out += self._again(function, items[begin:at], cancelled)
                out.append(self._blamed(function, items[at], answer.fault, cancelled))
                if enough_s is not None or at + 1 == len(items):
                    return out
        finally:
            self._free.release()

    def _again(self, function: str, items: Sequence[Any], cancelled: Callable[[], bool]) -> list[Any]:
        """Results of items that had been done once: should a child die even so, one at a time."""
        if not items:
            return []
        answer = self._ask(function, items, cancelled, None)
        return answer.results if answer.fault is None else [self._blamed(function, i, None, cancelled) for i in items]

    def _blamed(self, function: str, item: Any, fault: Fault | None, cancelled: Callable[[], bool]) -> Any:
        """The result of an item in whose work a child ended, from children of its own; its :class:`Fault` in the end.

        Its own processor time is beyond doubt; for all else others may have ended the child.
        """
        for _ in range(_ALONE):
            if fault is not None and fault.kind == "too-long":
                break
            answer = self._ask(function, [item], cancelled, None, fresh=True)
            if answer.fault is None:
                return answer.results[0]
            fault = answer.fault
        return fault

    def _ask(
        self,
        function: str,
        items: Sequence[Any],
        cancelled: Callable[[], bool],
        enough_s: float | None,
        fresh: bool = False,
    ) -> _Answer:
        """What a child made of ``items``; ``fresh``: one that has worked on nothing else."""
        for _ in range(_STARTS):
            child = self._take(fresh)
            try:
                answer = child.ask(function, items, cancelled, lambda: self._closed, enough_s)
            except BaseException:
                self._drop(child)
                raise
            if answer is not None and answer.fault is None:
                self._give_back(child)
                return answer
            self._drop(child)
            if answer is not None:
                return answer
            # It died before it had begun: that is no item's fault.
        raise NoWorkerError(
            "no-process",
            "the process that opens pictures does not start",
            "Start Fovea again; if that does not help, run 'fovea selftest'.",
        )

    def _take(self, fresh: bool) -> _Child:
        with self._lock:
            if self._closed:
                raise WorkCancelled
            child = self._idle.pop() if self._idle and not fresh else None
        if child is None:
            try:
                child = _Child(self._limits, self._patient)
            except (OSError, MemoryError) as error:
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise NoWorkerError(
                    "no-process",
                    phrase("no process could be started to open pictures: {reason}", reason=reason),
                    "Close other programs, then try again.",
                ) from error
        with self._lock:
            self._busy.add(child)  # from now on close() ends it
        return child

    def _give_back(self, child: _Child) -> None:
        swollen = child.owed == 0 and memory_of(child.process.pid) > _SWOLLEN
        with self._lock:
            self._busy.discard(child)
            keep = not self._closed and not swollen and len(self._idle) < self._most
            if keep:
                child.since = time.monotonic()
                self._idle.append(child)
                if self._timer is None:
                    self._timer = threading.Timer(_IDLE_S, self._sweep)
                    self._timer.daemon = True
                    self._timer.start()
        if not keep:
            child.end()

    def _drop(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
        child.end()

    def _sweep(self) -> None:
        """End the children that nobody has needed for a while."""
        now = time.monotonic()
        with self._lock:
            spare = max(0, len(self._idle) - self._keep)
            old = [child for child in self._idle if now - child.since >= _IDLE_S][:spare]
            self._idle = [child for child in self._idle if child not in old]
            self._timer = None
            if len(self._idle) > self._keep or self._busy:
                self._timer = threading.Timer(_IDLE_S, self._sweep)
                self._timer.daemon = True
                self._timer.start()
        for child in old:
            child.end()

    def pids(self) -> list[int]:
        """The process ids of all children now."""
        with self._lock:
            return [child.process.pid for child in (*self._idle, *self._busy)]

    def close(self) -> None:
        """End all children, whatever they do; threads in :meth:`run` get :class:`WorkCancelled`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for child in busy:
            child.process.kill()  # whoever waits for it sees it end, and lets go of it
        for child in idle:
            child.end()


class _Child:
    """One child, used by one thread at a time."""

    def __init__(self, limits: WorkerLimits, patient: bool) -> None:
        self._limits = limits
        if multiprocessing.current_process().daemon:
            # Such a process may have no children, lest they outlive it; these end when their pipe does.
            multiprocessing.current_process().daemon = False
        # A counter in memory that both see: which item is in work must be known whatever ends the child.
        self._begun = multiprocessing.get_context("spawn").RawValue("q", 0)
        self._expected = 0  # what the counter was when the portion was sent
        self.process = ChildProcess(_work, (self._begun, limits, patient), "fovea-reader")
        self.owed = 0  # answers to portions that nobody waited for
        self.since = time.monotonic()

    def ask(
        self,
        function: str,
        items: Sequence[Any],
        cancelled: Callable[[], bool],
        closed: Callable[[], bool],
        enough_s: float | None,
    ) -> _Answer | None:
        """What became of ``items``; ``None`` where it died before the first. After a fault it is gone."""
        self._expected = self._begun.value
        self.process.send((function, tuple(items), enough_s))
        since, seen, work = time.monotonic(), self._expected, 0.0
        while True:
            self.process.wait(_LOOK_S)
            for message in self.process.receive():
                if not self.owed:
                    return _Answer(message)
                self.owed -= 1
            if closed() or cancelled():
                raise WorkCancelled
            if self.process.over:
                return self._died(_told(self.process.collect(_PATIENCE_S)))
            now = time.monotonic()
            if self._begun.value != seen:
                seen, since, work = self._begun.value, now, self._work()
            elif now - since > self._limits.wait_s or (
                seen != self._expected
                and now - since > self._limits.work_s
                and self._work() - work > self._limits.work_s
            ):
                return self._ended(Fault("too-long"))
            if memory_of(self.process.pid) > self._limits.memory:
                return self._ended(Fault("too-much-memory"))

    def _work(self) -> float:
        """Its processor time where the system does not look at that itself."""
        return 0.0 if hasattr(signal, "setitimer") else work_of(self.process.pid)

    def _ended(self, fault: Fault) -> _Answer | None:
        self.process.kill()
        self.process.collect(_PATIENCE_S)
        return self._died(fault)

    def _died(self, fault: Fault) -> _Answer | None:
        begun = self._begun.value - self._expected
        return _Answer([], begun - 1, fault) if begun > 0 else None

    def end(self) -> None:
        """See it gone."""
        self.process.kill()  # it has nothing to save, and may be busy with what it never ends
        self.process.end(asked=_PATIENCE_S, killed=_PATIENCE_S)


def _told(code: int | None) -> Fault:
    """What an exit status says."""
    if code is not None and code < 0:
        if -code == getattr(signal, "SIGPROF", None) or -code == getattr(signal, "SIGXCPU", None):
            return Fault("too-long")
        with contextlib.suppress(ValueError):
            return Fault("crashed", signal.Signals(-code).name)
    return Fault("crashed", phrase("exit status {code}", code=code))


# The child


def _work(connection: Connection, begun: Any, limits: WorkerLimits, patient: bool) -> None:
    """Do portions until the pipe closes."""
    _settle(limits, patient)
    functions: dict[str, Callable[[Any], Any]] = {}
    while True:
        try:
            function, items, *enough = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        if function not in functions:
            module, _, name = function.partition(":")
            functions[function] = getattr(importlib.import_module(module), name)
        results = _portion(functions[function], items, begun, limits, enough[0] if enough else None)
        try:
            connection.send(results)
        except OSError:
            os._exit(0)


def _portion(
    work: Callable[[Any], Any], items: Sequence[Any], begun: Any, limits: WorkerLimits, enough_s: float | None
) -> list[Any]:
    results: list[Any] = []
    end = None if enough_s is None else time.monotonic() + enough_s
    for item in items:
        begun.value += 1
        _arm(limits.work_s)
        try:
            results.append(work(item))
        except FoveaError as error:
            results.append(error)
        except MemoryError:
            results.append(Fault("too-much-memory"))
        except Exception as error:
            # The text of a foreign exception may hold a path: its type and place say enough.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
            results.append(Fault("unexpected", f"{type(error).__name__} at {place}"))
        if end is not None and time.monotonic() >= end:
            break
    _arm(0.0)
    return results


def _arm(seconds: float) -> None:
    """From now on the system ends this process after ``seconds`` of processor time, whatever holds it up (0: never)."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _settle(limits: WorkerLimits, patient: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches children as well: the parent decides
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    compute_alone()
    null = os.open(os.devnull, os.O_WRONLY)  # native libraries write file names to stderr
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, descriptor)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process
    if patient and hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(max(0, _NICE - os.nice(0)))
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            most = limits.memory if hard < 0 else min(limits.memory, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# One for the whole process

_shared: dict[str, Workers] = {}
_shared_lock = threading.Lock()


def shared() -> Workers:
    """The workers that all of this process may use."""
    with _shared_lock:
        if "all" not in _shared:
            _shared["all"] = Workers(cores())
        return _shared["all"]


def cores() -> int:
    """How many children work best at once here: one for each processor that this process may use, at most eight, and
    one more, that none is idle while a portion is on its way. Where others compute here as well, ``FOVEA_CORES`` tells
    how many are this process's own."""
    own = os.environ.get("FOVEA_CORES", "")
    if own.isdigit():
        return max(1, min(8, int(own))) + 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(8, usable or 1)) + 1


@atexit.register
def close_shared() -> None:
    """End the children of :func:`shared`; who asks for it next gets new ones."""
    with _shared_lock:
        held = list(_shared.values())
        _shared.clear()
    for workers in held:
        workers.close()
