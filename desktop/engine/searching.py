"""A search over settings in a process of its own, as trainings are: it tells what it tries, and ends when told to.

For the window: start a :class:`SearchClient`, ask :meth:`~SearchClient.events` from a thread until a
:class:`SearchEnded` has come, and :meth:`~SearchClient.close` it. A search that is stopped, or whose process dies, goes
on where it was when it is started again under its name: every trial is a run with a checkpoint.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from desktop.core.types import FoveaError
from desktop.engine import child
from desktop.system.child_process import ChildProcess

if TYPE_CHECKING:
    from desktop.ml.plans.events import Event
    from desktop.ml.plans.search_results import TrialResult
    from desktop.ml.plans.search_space import Dimension

_NICE = 10
_PATIENCE_S = 4.0
_END_S = 1.0


@dataclass(frozen=True, slots=True)
class TrialTold:
    """How far the trial at work is: ``epoch`` of ``epochs`` done, with the validation figures so far."""

    number: int
    epoch: int
    epochs: int
    val_accuracy: float
    val_loss: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial has come to its end; the search's file holds it by now."""

    trial: TrialResult


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """The last event: all trials are ``done``, it was ``stopped``, or it ``failed`` for the reason in the words."""

    state: Literal["done", "stopped", "failed"]
    message: str = ""
    hint: str = ""


SearchEvent = TrialTold | TrialEnded | SearchEnded


def serve_search(
    connection: Connection, name: str, plan: str, space: tuple[Dimension, ...], trials: int, prune: bool
) -> None:
    """Entry point of the child process; ``plan`` is JSON."""
    child.quiet_native_output()
    multiprocessing.current_process().daemon = False  # a trial may have children of its own
    child.lead_group()
    child.step_back(_NICE)
    child.go_first_when_memory_ends()
    child.limit_memory()
    from desktop.ml import search
    from desktop.ml.plans import plan as plans
    from desktop.ml.plans.events import EpochDone

    halt = search.Halt()
    lock = threading.Lock()

    def tell(event: SearchEvent) -> None:
        with lock, contextlib.suppress(OSError):
            connection.send(event)

    def hear(number: int, event: Event) -> None:
        if isinstance(event, EpochDone):
            tell(TrialTold(number, event.epoch + 1, event.epochs, event.val_accuracy, event.val_loss))

    def listen() -> None:
        # Whatever comes, or the end of the pipe, means the same: no further.
        with contextlib.suppress(EOFError, OSError):
            connection.recv()
        halt.asked = True

    threading.Thread(target=listen, name="commands", daemon=True).start()
    try:
        search.run_search(
            name, plans.from_json(plan), space, trials, prune=prune, listener=hear,
            ended=lambda trial: tell(TrialEnded(trial)), halt=halt,
        )  # fmt: skip
        tell(SearchEnded("stopped" if halt.asked else "done"))
    except FoveaError as error:
        tell(SearchEnded("failed", error.message, error.hint))
    except MemoryError:
        tell(SearchEnded("failed", "there is not enough memory for this search", "Use smaller pictures or batches."))
    except Exception as error:  # its own words may hold a path or a name
        tell(SearchEnded("failed", f"an unexpected fault stopped the search ({type(error).__name__})"))


class SearchClient:
    """One search in a child process; a context manager. One thread uses it, :meth:`stop` may come from any."""

    def __init__(self, name: str, plan: str, space: Sequence[Dimension], trials: int, prune: bool = True) -> None:
        self._arguments = (name, plan, tuple(space), trials, prune)
        self._process: ChildProcess | None = None
        self._lock = threading.Lock()
        self.ended = False
        """Whether the last event has come."""

    def __enter__(self) -> SearchClient:
        from desktop.engine import launch

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
            out.append(SearchEnded("failed", f"the search's process has ended ({why})", "Start it again: it goes on."))
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
