"""Answers as rows of a table: what a node sends back, and what a job's parts hold in Parquet.

The first columns are the fields of ``fovea predict --json`` (:mod:`desktop.app.answer_json`); those behind them are
what a table of answers sorts by. Nothing here is code: a part can be read by whatever reads Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from desktop.app.answer_json import as_json
from desktop.app.answers import Result
from desktop.app.batch_columns import SCORES_KEPT_UP_TO, BatchColumns
from desktop.app.batch_csv import answer_of, csv_rows
from desktop.core.types import ImageSource
from desktop.engine.messages import Prediction
from desktop.store.manifest import Manifest

_SCORED = pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float64())]))
_ANSWER = (
    ("path", pa.string()),
    ("model", pa.string()),
    ("label", pa.string()),
    ("index", pa.int32()),
    ("probability", pa.float64()),
    ("top", _SCORED),
    ("notices", pa.list_(pa.string())),
    ("elapsed_ms", pa.struct([("decode", pa.float64()), ("prepare", pa.float64()), ("predict", pa.float64())])),
    ("prepared_sha256", pa.string()),
    ("in_domain", pa.bool_()),
    ("domain_score", pa.float64()),
    ("domain_reasons", pa.list_(pa.string())),
    ("answer_set", pa.list_(pa.string())),
    ("error_rate", pa.float64()),
    ("general", pa.struct([("kind", pa.string()), ("word", pa.string()), ("score", pa.float64())])),
    ("suits", pa.string()),
    ("digits", _SCORED),
    ("notice", pa.string()),
)
"""The fields of an answer, in the order of its JSON."""
_ERROR = pa.struct([("kind", pa.string()), ("message", pa.string())])
_TABLE = (
    ("position", pa.int64()),
    ("answer", pa.string()),
    ("answer_score", pa.float32()),
    ("unsure", pa.bool_()),
    ("second_label", pa.string()),
    ("second_score", pa.float32()),
    ("width", pa.int32()),
    ("height", pa.int32()),
)
"""What a table of answers shows beside: ``answer`` is the general word where the model gives one, else the label, and
'no answer' for a picture that is not of the model's kind, whose score is null then; ``position`` counts through the
whole job, from 0."""
SCHEMA = pa.schema([*_ANSWER, ("error", _ERROR), *_TABLE, ("scores", pa.list_(pa.float32()))])
"""The columns of a part. ``scores`` are those of all classes in the model's order, null for models of very many."""


def told_as_text(told: str) -> str:
    """A path as text: a file's name may hold bytes that are none."""
    return told.encode("utf-8", "backslashreplace").decode("utf-8")


def table_of(
    first: int, told: Sequence[str], results: Sequence[Result], manifest: Manifest, top: int, error_rate: float
) -> tuple[bytes, bytes]:
    """The answers to pictures ``first``, ``first`` + 1 …, as a table (Arrow's IPC stream) and as lines of CSV without
    their head; ``told`` is what each picture is called."""
    names = [told_as_text(each) for each in told]
    # Called by what may be told of them, which of a study is not the file.
    batch = BatchColumns([ImageSource(name, data=b"-") for name in names], manifest, None)
    rows: list[dict[str, Any]] = []
    for at, (name, result) in enumerate(zip(names, results, strict=True)):
        batch.put(at, result)
        row = as_json(name, result, manifest, top, error_rate)
        row["position"] = first + at
        if isinstance(result, Prediction):
            row |= {
                "answer": answer_of(batch, at),
                "answer_score": batch.relied_on_score(at),
                "unsure": bool(batch.unsure[at]),
                "second_label": batch.labels[batch.second[at]] if batch.second[at] >= 0 else None,
                "second_score": float(batch.second_score[at]) if batch.second[at] >= 0 else None,
                "width": result.original_size[0],
                "height": result.original_size[1],
                "scores": result.probabilities.tolist() if len(manifest.labels) <= SCORES_KEPT_UP_TO else None,
            }
        else:
            row["model"] = manifest.id
        rows.append(row)
    lines = csv_rows(batch, "relative")
    next(lines)  # the head, once a file
    return packed(pa.Table.from_pylist(rows, schema=SCHEMA)), b"".join(lines)


def csv_head(manifest: Manifest) -> bytes:
    """The first line of a CSV file of answers, with the mark of its encoding."""
    return next(csv_rows(BatchColumns([], manifest, None), "relative"))


def packed(table: pa.Table) -> bytes:
    """A table as Arrow's IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def unpacked(data: bytes) -> pa.Table:
    """The table of :func:`packed`. Raises ``pyarrow.ArrowInvalid`` where it is none."""
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


def as_lines(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The JSON objects of a part's rows, as :func:`desktop.app.answer_json.as_json` made them; without places."""
    fields = [name for name, _ in _ANSWER]
    for row in table.select([*fields, "error"]).to_pylist():
        if row["error"] is not None:
            yield {"path": row["path"], "error": row["error"]}
        else:
            yield {name: row[name] for name in fields}
