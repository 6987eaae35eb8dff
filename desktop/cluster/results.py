"""The answers of a job, read from its parts without loading them: counted, and a few rows of very many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds


class Counted(NamedTuple):
    """An answer, how many pictures have it, and how many of those are not of the model's kind."""

    answer: str
    pictures: int
    unlike: int


def answers_counted(parts: Sequence[Path]) -> list[Counted]:
    """How often each answer was given in ``parts``, the most frequent first."""
    found: dict[str, list[int]] = {}
    data = ds.dataset([str(part) for part in parts], format="parquet")
    for batch in data.to_batches(columns=["answer", "in_domain"], filter=pc.field("answer").is_valid()):
        unlike = pc.equal(batch.column("in_domain"), False).fill_null(False)
        table = pa.table({"answer": batch.column("answer"), "unlike": pc.cast(unlike, "int64")})
        counted = table.group_by("answer").aggregate([("unlike", "sum"), ("unlike", "count")])
        for row in counted.to_pylist():
            held = found.setdefault(row["answer"], [0, 0])
            held[0] += row["unlike_count"]
            held[1] += row["unlike_sum"]
    listed = [Counted(answer, *held) for answer, held in found.items()]
    return sorted(listed, key=lambda each: (-each.pictures, each.answer))
