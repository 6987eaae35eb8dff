"""The columns of the results table, as a table: a new one is a row of :data:`COLUMNS`, and nothing else.

What a cell says, its hint, what the rows are sorted by and how wide the column begins all stand in that row; the model
(:mod:`desktop.ui.classify.results_model`), the grid and the header read it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from desktop.app.batch_columns import ANSWERED, FAILED, INSIDE, OUTSIDE, UNKNOWN, BatchColumns
from desktop.ui.classify.results_order import RowOrder
from desktop.ui.kit.widgets import decimals

if TYPE_CHECKING:
    import numpy as np

    Key = Generator[None, None, np.ndarray]


def _tr(text: str) -> str:
    return QCoreApplication.translate("ResultsModel", text)


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column.

    ``text`` and ``hint`` give words for a position (``hint`` nothing: the text); ``key`` finds what the column sorts
    by, float64 (n,), NaN, which sorts last in both directions, where there is nothing, in steps of a millisecond.
    ``width`` in pixels, 0 for the usual one, and more where ``widest``, its longest figure, needs more; ``right`` for
    numbers, ``quiet`` for what is looked at rarely, ``elide_middle`` where both ends of long words tell more than
    their beginning.
    """

    name: str
    title: str
    text: Callable[[BatchColumns, int], str]
    key: Callable[[RowOrder], Key]
    hint: Callable[[BatchColumns, int], str] | None = None
    width: int = 0
    right: bool = False
    quiet: bool = False
    elide_middle: bool = False
    widest: str = ""


# What cells say


def _of_answered(text: Callable[[BatchColumns, int], str]) -> Callable[[BatchColumns, int], str]:
    return lambda batch, at: text(batch, at) if batch.state[at] == ANSWERED else ""


def _inside_only(text: Callable[[BatchColumns, int], str]) -> Callable[[BatchColumns, int], str]:
    """Of a picture that is not of the model's kind, what the model says is no answer."""
    return _of_answered(lambda batch, at: text(batch, at) if batch.inside[at] != OUTSIDE else "")


def _answer(batch: BatchColumns, at: int) -> str:
    if batch.state[at] == FAILED or (batch.state[at] == ANSWERED and batch.inside[at] == OUTSIDE):
        return _tr("No answer")
    return batch.label(at)


def _kind(batch: BatchColumns, at: int) -> str:
    return {INSIDE: _tr("yes"), OUTSIDE: _tr("no")}.get(int(batch.inside[at]), "")


def _problem(batch: BatchColumns, at: int) -> str:
    return batch.errors[at][1] if batch.state[at] == FAILED else ""


# Their hints


def _not_its_kind(batch: BatchColumns, at: int) -> str:
    if batch.inside[at] != OUTSIDE:
        return ""
    words = _tr("An unfamiliar kind of picture, so no class is the answer. The highest score is that of {0}.")
    return words.format(batch.class_label(at))


def _score_hint(batch: BatchColumns, at: int) -> str:
    if batch.state[at] != ANSWERED:
        return ""
    if batch.by_threshold(at, decimals):
        words = _tr("{0} {1:.9g}, {2} {3:.9g}: decided by the model's threshold.")
        other = (batch.labels[batch.second[at]], float(batch.second_score[at]))
        return words.format(batch.label(at), float(batch.score[at]), *other)
    return f"{float(batch.score[at]):.9g}"


# What they sort by


def _numbers(values: Callable[[BatchColumns], np.ndarray]) -> Callable[[RowOrder], Key]:
    """Numbers of the pictures that were answered."""

    def key(order: RowOrder) -> Key:
        import numpy as np

        batch = order.batch
        yield  # read after the last step, so that all of it belongs to one moment
        return np.where(batch.state == ANSWERED, values(batch).astype(np.float64), np.nan)

    return key


def _known(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(known, values, np.nan)


COLUMNS: tuple[ResultColumn, ...] = (
    ResultColumn(
        "name",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Name")),
        lambda batch, at: batch.sources[at].name,
        lambda order: order.rank_of("name", lambda at: order.batch.sources[at].name),
        width=170,
        elide_middle=True,
    ),
    ResultColumn(
        "answer",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Answer")),
        _answer,
        RowOrder.answer_key,
        _not_its_kind,
        width=120,
    ),
    ResultColumn(
        "score",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Score")),
        _inside_only(lambda batch, at: batch.by_threshold(at, decimals) or decimals(batch.score[at])),
        _numbers(lambda batch: _known(batch.score, batch.inside != OUTSIDE)),
        _score_hint,
        width=64,
        right=True,
        widest="≥ 0.999",
    ),
    ResultColumn(
        "kind",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Familiar")),
        _of_answered(_kind),
        _numbers(lambda batch: _known(batch.domain_score, batch.inside != UNKNOWN)),
        _not_its_kind,
        width=70,
    ),
    ResultColumn(
        "folder",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Folder")),
        lambda batch, at: batch.folder(at),
        lambda order: order.rank_of("folder", order.batch.folder),
        width=90,
        quiet=True,
        elide_middle=True,
    ),
    ResultColumn(
        "second",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Next best")),
        _inside_only(lambda batch, at: batch.second_text(at, decimals)),
        _numbers(lambda batch: batch.second_score),
        width=140,
        quiet=True,
    ),
    ResultColumn(
        "notices",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Notices")),
        _of_answered(lambda batch, at: batch.notices(at)),
        RowOrder.notices_key,
        width=170,
        quiet=True,
    ),
    ResultColumn(
        "time",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Time")),
        _of_answered(lambda batch, at: f"{decimals(batch.elapsed[at], 1)} ms"),
        _numbers(lambda batch: batch.elapsed),
        width=76,
        right=True,
        quiet=True,
        widest="99999.9 ms",
    ),
    ResultColumn(
        "size",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Size")),
        _of_answered(lambda batch, at: f"{batch.size[at, 0]} × {batch.size[at, 1]}"),
        _numbers(lambda batch: batch.size[:, 0].astype("int64") * batch.size[:, 1]),
        width=96,
        right=True,
        quiet=True,
        widest="19999 × 19999",
    ),
    ResultColumn(
        "star",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Star")),
        lambda batch, at: "★" if batch.starred(at) else "",
        RowOrder.star_key,
        width=44,
    ),
    ResultColumn(
        "note",
        str(QT_TRANSLATE_NOOP("ResultsModel", "Note")),
        lambda batch, at: batch.note(at),
        RowOrder.note_key,
        width=140,
        quiet=True,
    ),
    ResultColumn("error", str(QT_TRANSLATE_NOOP("ResultsModel", "Problem")), _problem, RowOrder.error_key),
)


def place_of(name: str) -> int:
    """Where the column ``name`` stands. Raises :class:`ValueError` for an unknown one."""
    return [column.name for column in COLUMNS].index(name)
