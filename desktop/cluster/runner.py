"""What the process of the window's job does: begins the job or goes on with it, and tells how far it is."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from desktop.app.answers import Answerable, pictures_among
from desktop.cluster.run_events import Connecting, JobEnded, JobEvent, JobOrder, PicturesFound
from desktop.core.trust.conformal import DEFAULT_RATE
from desktop.core.types import FoveaError
from desktop.engine import child
from desktop.store.store import ModelStore, check_usable
from desktop.system.words import phrase

TOP = 5
"""Classes that each row lists, as the command line's."""
_TELL_S = 0.2


class _StoppedError(Exception):
    """Told to end before all pictures were written down."""


def serve(connection: Connection, order: JobOrder) -> None:
    """Entry point of the child process."""
    child.quiet_native_output()
    multiprocessing.current_process().daemon = False  # what opens pictures has children of its own
    child.lead_group()
    _Run(connection, order).go()


class _Run:
    def __init__(self, connection: Connection, order: JobOrder) -> None:
        self._connection, self._order = connection, order
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._counts = (0, 0)

    def go(self) -> None:
        """Do it, and tell how it ended."""
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        try:
            complete = self._work()
            self._tell(JobEnded("done" if complete else "stopped", *self._counts))
        except _StoppedError:
            self._tell(JobEnded("stopped"))
        except FoveaError as error:
            self._fail(error.message, error.hint, error.kind)
        except MemoryError:
            self._fail("there is not enough memory for this job", "Close other programs, then go on with it.")
        except Exception as error:  # its own words may hold a path or a name
            self._fail(phrase("an unexpected fault stopped the job ({name})", name=type(error).__name__))

    def _work(self) -> bool:
        from desktop.cluster import connection, predicting
        from desktop.cluster.job import Job

        order, store = self._order, ModelStore()
        connection.check_address(order.address)
        connection.require()
        if not order.resume:
            plan, models = predicting.plan_for(order.model, store, TOP, DEFAULT_RATE, False, order.send)
            paths = pictures_among(order.paths, cancelled=self._stop.is_set)
            job = Job.begin(Path(order.folder), plan, self._counted(paths))
        else:
            with contextlib.ExitStack() as held:
                job = held.enter_context(Job.resume(Path(order.folder)))
                models = predicting.models_of(job.plan, store)
                held.pop_all()  # it stays open
        with job:
            self._count(job)
            self._tell(Connecting(job.plan.total, job.done))
            if job.done == job.plan.total:
                return True
            manifest = check_usable(store.require(job.plan.model))
            with connection.connected(order.address) as ray:
                try:
                    return predicting.run(ray, job, models, manifest, self._tell, self._tell, stopped=self._stop.is_set)
                finally:
                    self._count(job)

    def _count(self, job: Any) -> None:
        self._counts = (job.counts.answered, job.counts.failed)

    def _counted(self, pictures: Iterable[Answerable]) -> Iterator[Answerable]:
        """The pictures; tells how many there are so far. Raises :class:`_StoppedError`: half a list is no job."""
        told = 0.0
        for count, each in enumerate(pictures, 1):
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                self._tell(PicturesFound(count))
            yield each
        if self._stop.is_set():
            raise _StoppedError

    def _fail(self, message: Any, hint: Any = "", kind: str = "") -> None:
        self._tell(JobEnded("failed", *self._counts, message, hint, kind))

    def _tell(self, event: JobEvent) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._connection.send(event)

    def _listen(self) -> None:
        # Whatever comes, or the end of the pipe, means the same: no further.
        with contextlib.suppress(EOFError, OSError):
            self._connection.recv()
        self._stop.set()
