"""Is what a gate says of a picture true? Each reason counted over pictures whose kind is known."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from desktop.core.trust import reasons
from desktop.core.types import DomainVerdict, PreparedImage

_DRAWN = ("digits", "letters", "letters like digits", "letters by hand", "signs", "pages", "two digits", "upside down")
_PLACES = {"lighter": (0, 1), "darker": (0, -1), "contrasty": (1, 1), "flat": (1, -1), "colourful": (2, 1)}
_RANGE = 0.95  # 'nearly all': of own test pictures, which had no part in what the gate compares with


class Truth:
    """Counts of how often each reason was given, and was right."""

    def __init__(self) -> None:
        self.given: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.wrong_of: dict[str, Counter[str]] = defaultdict(Counter)
        self._low = self._high = np.zeros(3)

    def learn_own(self, pictures: list[PreparedImage]) -> None:
        """Take the range of brightness, contrast and colour from the model's own test pictures."""
        rows = np.array([_measured(picture.pixels) for picture in pictures])
        self._low, self._high = np.quantile(rows, [1 - _RANGE, _RANGE], axis=0)

    def count(self, kind: str, picture: PreparedImage, verdict: DomainVerdict | None) -> None:
        """Judge what is said of one picture of ``kind``."""
        for code in reasons.told(verdict):
            if code == reasons.UNLIKE:
                continue  # says no more than the verdict
            right = self._is_so(code, kind, picture)
            self.given[code] += 1
            self.right[code] += right
            if not right:
                self.wrong_of[code][kind] += 1

    def _is_so(self, code: str, kind: str, picture: PreparedImage) -> bool:
        if code in _PLACES:
            place, side = _PLACES[code]
            value = _measured(picture.pixels)[place]
            return bool(value > self._high[place] if side > 0 else value < self._low[place])
        if code == "paper":
            return kind not in _DRAWN
        if code in ("several", "too-many"):
            return kind in ("two digits", "pages", "patterns", "signs", "noise") or kind not in _DRAWN[:4]
        return False


def _measured(pixels: np.ndarray) -> tuple[float, float, float]:
    """Brightness, contrast and strength of colours of a network's input, by other ways than the gate's."""
    values = pixels.astype(np.float64)
    grey = values.mean(axis=2)
    colour = float((values.max(axis=2) - values.min(axis=2)).mean())
    return float(np.mean(grey)), float(np.std(grey)), colour
