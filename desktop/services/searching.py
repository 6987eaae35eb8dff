"""A search over settings beside the window: one at a time, in a child process that a thread supervises."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from desktop.engine.search_events import SearchEnded
from desktop.ml.plans import plan as plans
from desktop.ml.plans.search_results import folder, stem
from desktop.ml.plans.search_space import Choices, Dimension, Range
from desktop.services.events_thread import EventsThread
from desktop.system.errors import FoveaError
from desktop.system.strict_json import JsonStore
from desktop.system.words import phrase

if TYPE_CHECKING:
    from pathlib import Path

    from desktop.engine.search_events import SearchEvent, TrialTold
    from desktop.engine.searching import SearchClient
    from desktop.ml.plans.plan import TrainingPlan

_SCHEMA = 1


class Order:
    """What a search was begun with: its plan, what is varied, how many trials; kept beside its results, so that it can
    go on at any time."""

    def __init__(self, name: str, plan: TrainingPlan, space: Sequence[Dimension], trials: int, prune: bool) -> None:
        self.name, self.plan, self.space, self.trials, self.prune = name, plan, tuple(space), trials, prune

    def save(self) -> None:
        """Keep it. Raises :class:`FoveaError`."""
        parts = [{"kind": type(item).__name__.lower(), **asdict(item)} for item in self.space]
        document = {
            "schema": _SCHEMA, "plan": self.plan.to_dict(), "space": parts, "trials": self.trials, "prune": self.prune,
        }  # fmt: skip
        JsonStore(_file(self.name), f"the search '{self.name}'").write(document)

    @staticmethod
    def known(name: str) -> bool:
        """Whether a search was begun here, so that it can go on."""
        return _file(name).is_file()

    @classmethod
    def load(cls, name: str) -> Order | None:
        """The order of a search; ``None`` where there is none (one begun on the command line), or it is damaged."""
        try:
            raw = JsonStore(_file(name), f"the search '{name}'").read()
            if raw["schema"] != _SCHEMA or type(raw["trials"]) is not int or type(raw["prune"]) is not bool:
                return None
            space = tuple(_dimension(dict(item)) for item in raw["space"])
            return cls(name, plans.from_json(json.dumps(raw["plan"])), space, raw["trials"], raw["prune"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError, FoveaError):
            return None


def _dimension(raw: dict[str, Any]) -> Dimension:
    kind = raw.pop("kind")
    if kind == "choices":
        return Choices(str(raw["key"]), tuple(map(str, raw["values"])))
    return Range(str(raw["key"]), float(raw["low"]), float(raw["high"]), bool(raw["log"]), bool(raw["whole"]))


def _file(name: str) -> Path:
    return folder() / f"{stem(name)}.order"


def _runner(order: Order) -> EventsThread:
    def begin() -> SearchClient:
        from desktop.engine.searching import SearchClient

        order.save()
        return SearchClient(order.name, order.plan.to_json(), order.space, order.trials, order.prune)

    def failed(reason: str) -> SearchEnded:
        return SearchEnded("failed", phrase("the search could not be started: {reason}", reason=reason))

    return EventsThread(f"search {order.name}", begin, failed)


class Searching(QObject):
    """One search at a time. ``told`` carries how far the trial at work is, ``tried`` that a trial has ended,
    ``ended`` a :class:`desktop.engine.search_events.SearchEnded`; ``changed`` that one begins, stops or ends."""

    told = Signal(object)  # one of the events of desktop.engine.search_events
    tried = Signal()
    ended = Signal(SearchEnded)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.order: Order | None = None
        self.trial: TrialTold | None = None
        self.stopping = False
        self._runner: EventsThread | None = None

    @property
    def running(self) -> bool:
        """Whether a search is at work."""
        return self._runner is not None

    def start(self, order: Order) -> None:
        """Begin a search, or go on with it; nothing happens while one runs."""
        if self.running:
            return
        self.order, self.trial, self.stopping = order, None, False
        self._runner = _runner(order)
        self._runner.heard.connect(self._on_heard)
        self._runner.finished.connect(self._on_thread_end)
        self._runner.start(QThread.Priority.LowPriority)
        self.changed.emit()

    def stop(self) -> None:
        """End after the batch at hand; ``ended`` follows."""
        if self._runner is not None and not self.stopping:
            self.stopping = True
            self._runner.stop()
            self.changed.emit()

    def close(self) -> None:
        """End it, for the end of the program: blocks for some seconds at most."""
        runner = self._runner
        if runner is not None:
            runner.halt()
            runner.wait(10_000)

    @Slot(object)
    def _on_heard(self, event: SearchEvent) -> None:
        from desktop.engine.search_events import SearchEnded, TrialTold

        if isinstance(event, TrialTold):
            self.trial = event
            self.told.emit(event)
        elif isinstance(event, SearchEnded):
            self._last = event
        else:
            self.trial = None
            self.tried.emit()

    _last: SearchEnded | None = None

    @Slot()
    def _on_thread_end(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.deleteLater()
        self.trial, self.stopping = None, False
        last, self._last = self._last, None
        self.changed.emit()
        if last is not None:
            self.ended.emit(last)
