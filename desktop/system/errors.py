"""The one kind of error that is meant for people; every layer raises it or a subclass of its own."""

from __future__ import annotations

from typing import Any


class FoveaError(Exception):
    """An error meant for the user: what was found, what was expected, what to do next.

    ``kind`` is a stable, hyphenated word for programs (``unreadable``, ``too-large`` …); ``message``
    one sentence that names no folder; ``hint`` what to do next, possibly empty.
    """

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.kind, self.message, self.hint))
