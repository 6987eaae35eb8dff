"""What was learned from labels, ready to be looked up for each picture that is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from desktop.engine.teaching_events import Learned


@dataclass(frozen=True, slots=True, eq=False)
class Suggestions:
    """``ids`` int64 (n,), ascending; ``best`` int64 (n,), ids of classes; ``top`` float32 (n,), their scores; ``rows``
    int64 (n,), where in ``learned.scores`` each stands."""

    learned: Learned
    ids: np.ndarray
    best: np.ndarray
    top: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, learned: Learned) -> Suggestions | None:
        """Those of what was learned; ``None`` where nothing could be learned yet."""
        import numpy as np

        if not len(learned.ids) or len(learned.classes) < 2 or len(learned.scores) != len(learned.ids):
            return None
        order = np.argsort(learned.ids, kind="stable")
        chosen = learned.scores.argmax(axis=1)
        top = learned.scores[np.arange(len(chosen)), chosen]
        return cls(learned, learned.ids[order], learned.classes[chosen][order], top[order], order)

    def _place(self, picture_id: int) -> int:
        place = int(self.ids.searchsorted(picture_id))
        return place if place < len(self.ids) and int(self.ids[place]) == picture_id else -1

    def best_of(self, picture_id: int) -> tuple[int, float] | None:
        """The class's id and the score that are suggested for a picture; ``None`` where it was not looked at."""
        place = self._place(picture_id)
        return (int(self.best[place]), float(self.top[place])) if place >= 0 else None

    def scores_of(self, picture_id: int) -> list[tuple[int, float]]:
        """All classes' ids and scores for a picture, best first."""
        place = self._place(picture_id)
        if place < 0:
            return []
        scores = self.learned.scores[self.rows[place]]
        pairs = zip(self.learned.classes.tolist(), scores.tolist(), strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])

    def sure(self, ids: np.ndarray, class_id: int, at_least: float) -> np.ndarray:
        """Those of ``ids`` whose suggestion (``class_id`` 0: of any class) has a score of ``at_least``; int64."""
        import numpy as np

        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        good = (self.ids[places] == ids) & (self.top[places] >= at_least)
        if class_id:
            good &= self.best[places] == class_id
        found: np.ndarray = ids[good]
        return found
