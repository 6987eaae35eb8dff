"""A search over settings in a process of its own, as trainings are: it tells what it tries, and ends when told to.

For the window: start a :class:`SearchClient`, ask :meth:`~SearchClient.events` from a thread until a
:class:`SearchEnded` has come, and :meth:`~SearchClient.close` it. A search that is stopped, or whose process dies, goes
on where it was when it is started again under its name: every trial is a run with a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop.engine import child, launch
from desktop.engine.child_client import EventsClient
from desktop.engine.search_events import SearchEnded, SearchEvent
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ml.plans.search_space import Dimension


class SearchClient(EventsClient[SearchEvent]):
    """One search in a child process; a context manager. One thread uses it, :meth:`stop` may come from any."""

    last_events = (SearchEnded,)
    asked_s = 4.0  # a batch of a large network may be at hand

    def __init__(self, name: str, plan: str, space: Sequence[Dimension], trials: int, prune: bool = True) -> None:
        super().__init__(launch.searcher, (name, plan, tuple(space), trials, prune), "fovea-search")

    def stop(self) -> None:
        """Ask it to end after the batch at hand; the trial is taken up when the search goes on."""
        self._hand_in("stop")

    def _lost(self, code: int | None) -> SearchEvent:
        told = phrase("the search's process has ended ({why})", why=child.reason(code))
        return SearchEnded("failed", told, "Start it again: it goes on.")
