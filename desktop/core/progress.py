"""How long work says how far it is, and asks whether it shall go on."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Takes how much is done, and of how much; may raise, to cancel."""

ReadProgress = Callable[[int, int | None], None]
"""The same, where the whole is not known from the start: then ``None``."""

IsCancelled = Callable[[], bool]
"""Whether the work shall end."""


def untold(done: int, total: int) -> None:
    """A :data:`Progress` that nobody listens to."""
