"""Names of files where the room is short: what tells them apart stays, what all share gives way."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QRect
    from PySide6.QtGui import QFontMetrics

_GAP = "…"
_HEAD = 2  # characters of a name's beginning that are worth more than as many of its end


class Shared:
    """The beginning that all names of a list have in common, kept up as the list grows."""

    def __init__(self) -> None:
        self._prefix: str | None = None

    def take(self, names: Iterable[str]) -> None:
        """Further names are in the list."""
        for name in names:
            if self._prefix is None:
                self._prefix = os.path.splitext(name)[0]
            elif not name.startswith(self._prefix):
                same = (a == b for a, b in zip(self._prefix, name, strict=False))
                self._prefix = self._prefix[: sum(1 for _ in takewhile(bool, same))]
                if not self._prefix:
                    return

    @property
    def prefix(self) -> str:
        """The common beginning, '' where there is none."""
        return self._prefix or ""


def short_name(name: str, metrics: QFontMetrics, room: QRect | int, prefix: str = "") -> str:
    """``name`` in at most ``room`` pixels (a width, or a rectangle's).

    The suffix goes first, then what lies between the first characters and the part behind ``prefix``, the beginning
    that all names of the list share; without one the end of the name is kept: that is where cameras count.
    """
    width = room if isinstance(room, int) else room.width()
    if metrics.horizontalAdvance(name) <= width:
        return name
    stem = os.path.splitext(name)[0] or name
    if metrics.horizontalAdvance(stem) <= width:
        return stem
    own = stem[len(prefix) :] if prefix and stem.startswith(prefix) else ""
    if own and metrics.horizontalAdvance(_GAP + own) <= width:
        head = _HEAD if metrics.horizontalAdvance(stem[:_HEAD] + _GAP + own) <= width else 0
        return stem[:head] + _GAP + own
    # As many of the last characters as fit; of a part that tells names apart, the first ones.
    if own and prefix:
        return _GAP + _fitting(own, metrics, width, forwards=True)
    for head in (_HEAD, 0):
        kept = _fitting(stem[head:], metrics, width, forwards=False, before=stem[:head])
        if kept or not head:
            return stem[:head] + _GAP + kept
    return _GAP


def _fitting(text: str, metrics: QFontMetrics, width: int, forwards: bool, before: str = "") -> str:
    """As much of ``text`` as fits behind ``before`` and the gap's sign, from its start or its end.

    All of it is measured together: letters beside each other may take more room, or less, than each alone.
    """

    def part(length: int) -> str:
        return text[:length] if forwards else text[len(text) - length :]

    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if metrics.horizontalAdvance(before + _GAP + part(middle)) <= width:
            low = middle
        else:
            high = middle - 1
    return part(low)
