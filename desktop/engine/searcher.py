"""What the searching child does: tries settings and tells the other side of the pipe."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.engine import child
from desktop.engine.search_events import SearchEnded, SearchEvent, TrialEnded, TrialTold
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ml.plans.events import Event
    from desktop.ml.plans.search_space import Dimension

_NICE = 10


def serve(connection: Connection, name: str, plan: str, space: tuple[Dimension, ...], trials: int, prune: bool) -> None:
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
        tell(
            SearchEnded("failed", phrase("an unexpected fault stopped the search ({name})", name=type(error).__name__))
        )
