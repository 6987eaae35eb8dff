"""A search over settings in a process of its own, as trainings are: it tells what it tries, and ends when told to.

For the window: start a :class:`SearchClient`, ask :meth:`~SearchClient.events` from a thread until a
:class:`SearchEnded` has come, and :meth:`~SearchClient.close` it. A search that is stopped, or whose process dies, goes
on where it was when it is started again under its name: every trial is a run with a checkpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from desktop.engine import child, launch
from desktop.engine.search_events import SearchEnded, SearchEvent
from desktop.system.child_process import ChildProcess
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ml.plans.search_space import Dimension

_PATIENCE_S = 4.0
_END_S = 1.0


class SearchClient:
    """One search in a child process; a context manager. One thread uses it, :meth:`stop` may come from any."""

    def __init__(self, name: str, plan: str, space: Sequence[Dimension], trials: int, prune: bool = True) -> None:
        self._arguments = (name, plan, tuple(space), trials, prune)
        self._process: ChildProcess | None = None
        self._lock = threading.Lock()
        self.ended = False
        """Whether the last event has come."""

    def __enter__(self) -> SearchClient:
        self._process = ChildProcess(launch.searcher, self._arguments, "fovea-search")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, timeout: float | None = None) -> list[SearchEvent]:
        """Wait up to ``timeout`` seconds for events; empty when none came. After the end: empty at once."""
        process = self._process
        if self.ended or process is None:
            return []
        process.wait(timeout)
        out: list[SearchEvent] = list(process.receive())
        self.ended = bool(out) and isinstance(out[-1], SearchEnded)
        if process.over and not self.ended:
            why = child.reason(process.join(_END_S))
            out.append(
                SearchEnded(
                    "failed", phrase("the search's process has ended ({why})", why=why), "Start it again: it goes on."
                )
            )
            self.ended = True
        return out

    def stop(self) -> None:
        """Ask it to end after the batch at hand; the trial is taken up when the search goes on."""
        with self._lock:
            if self._process is not None:
                self._process.send("stop")

    def close(self) -> None:
        """End the child: asked first, then terminated, then killed."""
        self.ended = True
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.send("stop")
            process.end(asked=_PATIENCE_S, terminated=_END_S, killed=_END_S)
