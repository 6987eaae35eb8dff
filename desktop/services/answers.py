"""The answers of an evaluation as a gallery wants them: rows of one result, finished or still on its way.

No Qt here: choosing and ordering 100,000 rows is done in a thread where it takes longer than a frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from desktop.core.figures.gallery_order import in_order

if TYPE_CHECKING:
    from desktop.app.evaluating import ResultPictures
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult
    from desktop.core.types import ImageSource
    from desktop.engine.evaluation import Evaluator

Mode = Literal["losses", "cell", "unsure", "all", "labels", "only"]


class GalleryAnswers(Protocol):
    """What a gallery reads. Arrays are indexed by row; ``rows`` are those that have an answer."""

    @property
    def rows(self) -> np.ndarray: ...
    @property
    def truth(self) -> np.ndarray: ...
    @property
    def predicted(self) -> np.ndarray: ...
    @property
    def scores(self) -> np.ndarray: ...

    def name(self, row: int) -> str:
        """The picture's name inside the data."""
        ...

    def source(self, row: int) -> ImageSource | None:
        """The picture itself; ``None`` where the data is not at hand."""
        ...


class RunningAnswers:
    """An evaluation on its way: the rows that were told of, so that none is listed twice."""

    def __init__(self, run: Evaluator) -> None:
        self._run = run
        self._told: list[np.ndarray] = []
        self._rows: np.ndarray = np.empty(0, np.int64)

    def add(self, rows: np.ndarray) -> None:
        """Rows were answered."""
        self._told.append(rows)

    @property
    def rows(self) -> np.ndarray:
        if self._told:
            self._rows = np.concatenate([self._rows, *self._told])
            self._told.clear()
        return self._rows

    @property
    def truth(self) -> np.ndarray:
        return self._run.truth

    @property
    def predicted(self) -> np.ndarray:
        return self._run.predicted

    @property
    def scores(self) -> np.ndarray:
        return self._run.scores

    def name(self, row: int) -> str:
        """The picture's name inside the data."""
        return self._run.name(row)

    def source(self, row: int) -> ImageSource | None:
        """The picture itself."""
        return self._run.source(row)


class ResultAnswers:
    """A finished result. ``data`` opens the pictures; without it there are names and figures only."""

    def __init__(self, result: EvaluationResult, data: LabelledDataset | None = None) -> None:
        self.result = result
        self._rows = np.arange(len(result), dtype=np.int64)
        self._pictures: ResultPictures | None = None
        if data is not None:
            self.set_data(data)

    def set_data(self, data: LabelledDataset) -> None:
        """Use ``data`` for the pictures; where files have come or gone since, they are found by their names."""
        from desktop.app.evaluating import ResultPictures

        self._pictures = ResultPictures(self.result, data)

    @property
    def rows(self) -> np.ndarray:
        return self._rows

    @property
    def truth(self) -> np.ndarray:
        return self.result.truth

    @property
    def predicted(self) -> np.ndarray:
        return self.result.predicted

    @property
    def scores(self) -> np.ndarray:
        return self.result.scores

    def name(self, row: int) -> str:
        """The picture's name inside the data."""
        return self.result.names[row]

    def source(self, row: int) -> ImageSource | None:
        """The picture itself; ``None`` where the data is not at hand, or holds it no more."""
        return self._pictures.source(row) if self._pictures is not None else None


@dataclass(frozen=True, slots=True)
class GalleryChoice:
    """Which rows a gallery shows, and in what order.

    ``losses``: wrong answers, the worst first; ``cell``: one cell (``truth``, ``predicted``; ``None`` for a whole row
    or column), the surest first; ``unsure``: right answers, the least sure first; ``all``: in the order of the data;
    ``labels``: wrong answers so sure that the label is doubtful; ``only``: the rows ``only``. ``shown_class`` keeps
    those whose truth it is.
    """

    mode: Mode = "losses"
    truth: int | None = None
    predicted: int | None = None
    shown_class: int | None = None
    only: tuple[int, ...] = ()

    def with_class(self, shown_class: int | None) -> GalleryChoice:
        """The same for one class, or for all."""
        return replace(self, shown_class=shown_class)


def arrange(answers: GalleryAnswers, choice: GalleryChoice) -> np.ndarray:
    """The rows that ``choice`` shows, int64, in its order. 10 to 60 ms for 100,000 rows."""
    if choice.mode == "only":
        rows = np.array(choice.only, dtype=np.int64)
    else:
        rows = answers.rows
    if choice.shown_class is not None:
        rows = rows[answers.truth[rows] == choice.shown_class]
    if choice.mode == "all" or choice.mode == "only":
        return rows
    cell = (choice.truth, choice.predicted)
    return in_order(choice.mode, rows, answers.truth, answers.predicted, answers.scores, cell)


def tally(answers: GalleryAnswers, rows: np.ndarray, classes: int) -> np.ndarray:
    """Confusion counts of ``rows``: int64 (classes, classes), truth by answer."""
    flat = answers.truth[rows].astype(np.int64) * classes + answers.predicted[rows]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
