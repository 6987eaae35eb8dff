"""The answers of a job, read from its parts without loading them: counted, sorted, filtered, a few rows at a time.

Of a column that is sorted or filtered by, the column alone is read; what stays in memory is the order of the rows, four
bytes each. Rows that are shown are read group by group from the files, and the last groups are kept.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

SHOWN = (
    "path", "answer", "answer_score", "second_label", "second_score", "in_domain", "domain_score", "width", "height",
    "notices", "error", "unsure", "position",
)  # fmt: skip
"""The columns that a table of answers shows."""
_GROUPS_KEPT = 64


class Counted(NamedTuple):
    """An answer, how many pictures have it, and how many of those are not of the model's kind."""

    answer: str
    pictures: int
    unlike: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: those with ``text`` in path or answer, of this ``answer``, ``unlike`` those that are not of the
    model's kind, ``failed`` those without an answer, with a score of at most ``most`` (1: all)."""

    text: str = ""
    answer: str = ""
    unlike: bool = False
    failed: bool = False
    most: float = 1.0


class JobRows:
    """The rows of a job's parts, as they are wanted and in the order that is wanted. Not to be used from several
    threads; :meth:`find` takes about a second a million rows. Raises ``OSError`` and ``pyarrow.ArrowException`` for
    files that are damaged."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._files = [pq.ParquetFile(part, memory_map=True) for part in parts]
        sizes = [
            (number, group, file.metadata.row_group(group).num_rows)
            for number, file in enumerate(self._files)
            for group in range(file.metadata.num_row_groups)
        ]
        self._groups = [(number, group) for number, group, _ in sizes]
        # The first row of each group, and behind the last.
        self._starts = np.concatenate([[0], np.cumsum([size for *_, size in sizes], dtype=np.int64)])
        self._data = ds.dataset([str(part) for part in parts], format="parquet")
        self._rows: np.ndarray | None = None  # None: all, as they stand
        self._kept: collections.OrderedDict[int, list[dict[str, Any]]] = collections.OrderedDict()

    @property
    def total(self) -> int:
        """Rows in all."""
        return int(self._starts[-1])

    def __len__(self) -> int:
        """Rows that are wanted."""
        return self.total if self._rows is None else len(self._rows)

    def find(
        self, wanted: Wanted, by: str = "position", descending: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> bool:  # fmt: skip
        """Have the rows that are ``wanted``, sorted by a column; rows without a value there come last. False where
        ``stopped`` said so: then everything is as before."""
        rows = self._matching(wanted, stopped)
        if rows is None:
            return False
        if by != "position":
            keys = self._column(by, stopped)
            if keys is None:
                return False
            chosen = keys if rows is Ellipsis else keys.take(pa.array(rows))
            order = "descending" if descending else "ascending"
            places = pc.sort_indices(chosen, sort_keys=[("", order, "at_end")]).to_numpy()
            rows = places.astype(np.int32) if rows is Ellipsis else rows[places]
        elif rows is Ellipsis:
            rows = None if not descending else np.arange(self.total - 1, -1, -1, dtype=np.int32)
        elif descending:
            rows = rows[::-1]
        self._rows = rows
        return True

    def place(self, row: int) -> int:
        """Where a wanted row stands among all."""
        return row if self._rows is None else int(self._rows[row])

    def row(self, row: int) -> dict[str, Any]:
        """A wanted row: the columns of :data:`SHOWN`."""
        at = self.place(row)
        group = int(np.searchsorted(self._starts, at, side="right")) - 1
        held = self._kept.get(group)
        if held is None:
            number, inside = self._groups[group]
            held = self._files[number].read_row_group(inside, columns=list(SHOWN)).to_pylist()
            self._kept[group] = held
            while len(self._kept) > _GROUPS_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(group)
        return held[at - int(self._starts[group])]

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()

    def _matching(self, wanted: Wanted, stopped: Callable[[], bool]) -> Any:
        """The rows that are wanted, int32 ascending; ``...`` for all, ``None`` where it was stopped."""
        if wanted == Wanted():
            return ...
        found, first = [], 0
        for batch in self._data.to_batches(columns=["path", "answer", "answer_score", "in_domain", "error"]):
            if stopped():
                return None
            mask = self._mask(batch, wanted)
            found.append(np.flatnonzero(mask.to_numpy(zero_copy_only=False)).astype(np.int32) + first)
            first += batch.num_rows
        return np.concatenate(found) if found else np.zeros(0, np.int32)

    def _mask(self, batch: pa.RecordBatch, wanted: Wanted) -> Any:
        mask = pa.array(np.ones(batch.num_rows, bool))
        if wanted.text:
            told = (pc.match_substring(batch[name], wanted.text, ignore_case=True) for name in ("path", "answer"))
            in_path, in_answer = (pc.fill_null(each, False) for each in told)
            mask = pc.and_(mask, pc.or_(in_path, in_answer))
        if wanted.answer:
            mask = pc.and_(mask, pc.fill_null(pc.equal(batch["answer"], wanted.answer), False))
        if wanted.unlike:
            mask = pc.and_(mask, pc.fill_null(pc.equal(batch["in_domain"], False), False))
        if wanted.failed:
            mask = pc.and_(mask, pc.is_valid(batch["error"]))
        if wanted.most < 1.0:
            mask = pc.and_(mask, pc.fill_null(pc.less_equal(batch["answer_score"], wanted.most), False))
        return mask

    def _column(self, name: str, stopped: Callable[[], bool]) -> Any:
        parts = []
        for batch in self._data.to_batches(columns=[name]):
            if stopped():
                return None
            column = batch[name]
            if pa.types.is_struct(column.type):  # an error sorts by its sentence
                column = pc.struct_field(column, "message")
            elif pa.types.is_list(column.type):  # notices by the first
                column = pc.list_element(pc.if_else(pc.greater(pc.list_value_length(column), 0), column, None), 0)
            if pa.types.is_string(column.type):
                column = column.dictionary_encode()
            parts.append(column)
        whole = pa.chunked_array(parts)
        if pa.types.is_dictionary(whole.type):
            # A number for each text, in the order of the texts: sorting a million texts would take ten times as long.
            whole = whole.unify_dictionaries()
            texts = whole.chunk(0).dictionary if whole.num_chunks else pa.array([], pa.string())
            rank = np.empty(len(texts), np.int32)
            rank[pc.sort_indices(texts).to_numpy()] = np.arange(len(texts), dtype=np.int32)
            indices = pa.chunked_array([chunk.indices for chunk in whole.chunks])
            whole = pc.take(pa.array(rank), indices)
        return whole


def answers_counted(parts: Sequence[Path]) -> list[Counted]:
    """How often each answer was given in ``parts``, the most frequent first."""
    found: dict[str, list[int]] = {}
    data = ds.dataset([str(part) for part in parts], format="parquet")
    for batch in data.to_batches(columns=["answer", "in_domain"], filter=pc.field("answer").is_valid()):
        unlike = pc.fill_null(pc.equal(batch.column("in_domain"), False), False)
        table = pa.table({"answer": batch.column("answer"), "unlike": pc.cast(unlike, "int64")})
        counted = table.group_by("answer").aggregate([("unlike", "sum"), ("unlike", "count")])
        for row in counted.to_pylist():
            held = found.setdefault(row["answer"], [0, 0])
            held[0] += row["unlike_count"]
            held[1] += row["unlike_sum"]
    listed = [Counted(answer, *held) for answer, held in found.items()]
    return sorted(listed, key=lambda each: (-each.pictures, each.answer))
