"""What was learned from labels, ready to be looked up for each picture that is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from desktop.engine.teaching_events import Learned


@dataclass(frozen=True, slots=True, eq=False)
class Suggestions:
    """``ids`` int64 (n,), ascending; ``best`` int64 (n,), ids of classes; ``top`` float32 (n,), their scores;
    ``scores`` float32 (n, k) of all classes. Of a picture with a label they are those of a head that had not learned
    from it."""

    learned: Learned
    ids: np.ndarray
    best: np.ndarray
    top: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, learned: Learned) -> Suggestions | None:
        """Those of what was learned; ``None`` where nothing could be learned yet."""
        import numpy as np

        if not len(learned.ids) or len(learned.classes) < 2 or len(learned.scores) != len(learned.ids):
            return None
        order = np.argsort(learned.ids, kind="stable")
        ids, scores = learned.ids[order], learned.scores[order]
        if len(learned.held_out) == len(learned.labelled):
            places = np.minimum(np.searchsorted(ids, learned.labelled), len(ids) - 1)
            there = ids[places] == learned.labelled
            scores[places[there]] = learned.held_out[there]
        chosen = scores.argmax(axis=1)
        return cls(learned, ids, learned.classes[chosen], scores[np.arange(len(chosen)), chosen], scores)

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
        pairs = zip(self.learned.classes.tolist(), self.scores[place].tolist(), strict=True)
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
