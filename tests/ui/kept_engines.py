"""Engine processes that go from one test to the next, as the program's own goes from one picture to the next.

A process comes up, and brings up the children that open pictures, in about the time that most tests of the window take.
What comes up, dies and ends is tested in tests/engine and tests/services, with processes of their own each time.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.engine import launch
from desktop.engine import messages as m
from desktop.store.catalogue import EVERYDAY
from desktop.system.child_process import ChildProcess

_OWN = ("FOVEA_HOME", "PYTEST_CURRENT_TEST")
"""What each test sets anew, and an engine that has its models' folders by name does not look at."""

_pool: dict[Any, list[KeptProcess]] = {}
_lock = threading.Lock()


class KeptProcess(ChildProcess):
    """An engine's process that is told of another store instead of its end, where nothing it was asked is unanswered.

    It finds its models through links of its own, which lead to the folders of the test that has it.
    """

    def __init__(self, target: Callable[..., None], arguments: tuple[Any, ...], name: str | None = None) -> None:
        self._lendable = target is launch.engine and _suits(*arguments[:2])
        self._unanswered: set[int] = set()
        self._returning = False
        self._news: list[Any] = []
        if not self._lendable:
            super().__init__(target, arguments, name)
            return
        key = _key(arguments)
        with _lock:
            held = _pool.get(key, [])
            kept = held.pop() if held else None
        if kept is not None:
            self.__dict__.update(kept.__dict__)
            self._returning, self._news = False, [self._ready]
            self._lead(arguments)
            return
        self._kept_key = key
        self._ready: m.Ready | None = None
        self._links = Path(tempfile.mkdtemp(prefix="fovea-engine-"))
        self._lead(arguments)
        super().__init__(
            target, (str(self._links / "bundled"), str(self._links / "user"), *arguments[2:]), f"{name} (kept)"
        )

    def _lead(self, arguments: tuple[Any, ...]) -> None:
        """Let the process find the models where ``arguments`` say."""
        for link, folder in zip((self._links / "bundled", self._links / "user"), arguments, strict=False):
            beside = link.with_suffix(".new")
            beside.symlink_to(folder, target_is_directory=True)
            beside.replace(link)

    def send(self, message: Any) -> None:
        if self._lendable and isinstance(message, m.Shutdown):
            user = self._links / "user"
            well = self._process.is_alive() and not self._pipe_ended and self._ready is not None
            self._returning = well and not self._unanswered and not (user / EVERYDAY).exists()
            if self._returning:
                return
        elif not isinstance(message, m.CancelRequest):
            self._unanswered.add(message.id)
        super().send(message)

    def wait(self, timeout: float | None, *others: Connection) -> None:
        super().wait(0 if self._news else timeout, *others)

    def receive(self) -> Iterator[Any]:
        while self._news:
            yield self._news.pop()
        for answer in super().receive():
            if isinstance(answer, m.Ready):
                self._ready = answer
            elif _last(answer):
                self._unanswered.discard(answer.id)
            yield answer

    def hang_up(self) -> None:
        if not self._returning:
            super().hang_up()

    def end(self, **patience: Any) -> None:
        if not self._returning:
            super().end(**patience)
            return
        with _lock:
            _pool.setdefault(self._kept_key, []).append(self)


def _suits(bundled: str, user: str) -> bool:
    """Whether a process with these stores can be another test's: beside the program's own models there are prepared
    ones, and a second look that is kept."""
    return Path(bundled) != paths.program_root() / "model_store" and not Path(user, EVERYDAY).exists()


def _key(arguments: tuple[Any, ...]) -> Any:
    around = tuple(sorted((name, value) for name, value in os.environ.items() if name not in _OWN))
    return (arguments[2:], os.getcwd(), around)


def _last(answer: Any) -> bool:
    """Whether nothing more follows to the same request."""
    if isinstance(answer, m.Explanation):
        return answer.done >= answer.total
    return not isinstance(answer, m.RequestStarted | m.BatchAnswers)


def end_all() -> None:
    """End the processes that nobody has at the moment."""
    with _lock:
        kept = [process for held in _pool.values() for process in held]
        _pool.clear()
    for process in kept:
        process._lendable = process._returning = False
        process.send(m.Shutdown())
        process.hang_up()
        process.end(asked=1.0, terminated=1.0, killed=1.0)
