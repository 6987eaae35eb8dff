"""The one kind of error that is meant for people; every layer raises it or a subclass of its own."""

from __future__ import annotations

from typing import Any

from desktop.system.words import as_said


class FoveaError(Exception):
    """An error meant for the user: what was found, what was expected, what to do next.

    ``kind`` is a stable, hyphenated word for programs (``unreadable``, ``too-large`` …); ``message``
    one sentence that names no folder; ``hint`` what to do next, possibly empty. Both are sentences of
    :mod:`desktop.system.words`: a plain text is one without values.
    """

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        self.kind = kind
        self.message: str = as_said(message)
        self.hint: str = as_said(hint)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.kind, self.message, self.hint))
