"""How long something took or will take, in words: one rule for window, command line and reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class DurationWords(NamedTuple):
    """The forms of a time span; ``{0}`` and ``{1}`` take the numbers. The window gives translated ones."""

    seconds: str = "{0} s"
    minutes: str = "{0} min"
    hours: str = "{0} h {1} min"


ENGLISH = DurationWords()


def duration(
    seconds: float,
    fine: bool = False,
    words: DurationWords = ENGLISH,
    count: Callable[[int], str] = str,
    tenths: Callable[[float], str] = "{:.1f}".format,
) -> str:
    """``seconds`` as seconds below two minutes, as minutes below two hours, else as hours and minutes.

    ``fine``: below ten seconds with a tenth, for what is short (an epoch, a trial). ``count`` and ``tenths`` write the
    numbers; the window gives the user's way of writing them. Less than nothing counts as nothing.
    """
    if fine and seconds < 9.95:
        return words.seconds.format(tenths(max(0.0, seconds)))
    whole = max(0, round(seconds))
    if whole < 120:
        return words.seconds.format(count(whole))
    minutes = round(whole / 60)
    if minutes < 120:
        return words.minutes.format(count(minutes))
    return words.hours.format(count(minutes // 60), count(minutes % 60))
