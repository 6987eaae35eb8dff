"""A job's folder: what is asked, what has been answered, and how far it is. The ledger is the folder itself.

    job.json            what was asked: model with its checksums, versions, options, how many pictures, block by block
    sources.parquet     the pictures in their order, a row each; a group of rows is a block
    blocks/N.arrow .csv the answers to block N, put in place whole when they have come
    parts/FIRST-LAST.parquet .csv
                        the same of many blocks that follow each other: what is left at the end
    log.jsonl           which nodes took part, when it was begun, taken up and ended

A block is there or it is not, and what is there is never asked again: so each picture has exactly one row, whenever the
program, a node or the power was cut off.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from desktop.app.answer_json import places_json, told_path
from desktop.app.answers import Answerable
from desktop.cluster import rows
from desktop.core.pictures.studies import FoundFrame
from desktop.core.pictures.walk import Problem
from desktop.core.types import FoveaError
from desktop.store import locks
from desktop.system import strict_json
from desktop.system.files import (
    check_room,
    disk_of,
    part_beside,
    put_in_place,
    remove_leftovers,
    saying,
    write_atomically,
)
from desktop.system.words import english, phrase

SCHEMA = 1
BLOCK = 512
"""Pictures in a block of a large job: as many as the engine takes in one request."""
PART = 128
"""Blocks in a part: 65,536 pictures."""
_LEAST_BLOCK, _BLOCKS = 16, 64  # a small job is cut into so many blocks, that every core has several
_SENT_BLOCK = 64  # where the pictures themselves travel
_JOB, _SOURCES, _LOG, _LOCK = "job.json", "sources.parquet", "log.jsonl", ".lock"
_BLOCK_NAME = re.compile(r"(\d{9})\.arrow")
_PART_NAME = re.compile(r"(\d{9})-(\d{9})\.parquet")
_ROW_BYTES = 400  # of an answer, in both files, of a model with few classes
_SOURCES_SCHEMA = pa.schema(
    [("path", pa.binary()), ("frame", pa.int32()), ("told", pa.binary()), ("places", pa.string()),
     ("kind", pa.string()), ("message", pa.string())]
)  # fmt: skip


class JobError(FoveaError):
    """A job cannot be begun or taken up. Kinds: ``job-there``, ``no-such-job``, ``bad-job``, ``job-busy``,
    ``no-pictures``, and those of writing."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What a job asks: the ``model`` with the checksum of its network and of all files that are shipped
    (``package``), ``versions`` of what decides an answer, the options of ``fovea predict``, ``total`` pictures in
    blocks of ``block``; with ``send`` the pictures travel to the nodes."""

    model: str
    network: str
    package: str
    versions: dict[str, str]
    top: int
    error_rate: float
    files: bool
    send: bool
    total: int = 0
    block: int = BLOCK
    begun: str = ""
    schema: int = SCHEMA

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.total // self.block)

    def size_of(self, block: int) -> int:
        """How many pictures a block holds."""
        return min(self.block, self.total - block * self.block)


class Asked(NamedTuple):
    """A picture of a block: what to open, what it is called, where it belongs (the fields of its JSON); ``problem`` is
    why it could not even be found."""

    path: str
    frame: int
    told: str
    places: dict[str, Any]
    problem: tuple[str, str] | None


@dataclass(slots=True)
class Counts:
    """How many pictures have been answered, and how many have no answer."""

    answered: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Ledger:
    single: set[int] = field(default_factory=set)  # blocks that lie by themselves
    parts: dict[int, int] = field(default_factory=dict)  # the first block of a part -> the last


class Job:
    """A job's folder, held by this process alone until :meth:`close`. Not to be used from several threads."""

    def __init__(self, folder: Path, plan: JobPlan, lock: contextlib.ExitStack) -> None:
        self.folder, self.plan, self._lock = folder, plan, lock
        self._sources = pq.ParquetFile(folder / _SOURCES)
        self._ledger = _Ledger()
        self.counts = Counts()
        for name in ("blocks", "parts"):
            (folder / name).mkdir(exist_ok=True)
            remove_leftovers(folder / name)
        self._read_ledger()

    @classmethod
    def begin(cls, folder: Path, plan: JobPlan, pictures: Iterable[Answerable]) -> Job:
        """Write down what is asked, picture by picture, and hold the folder. Raises :class:`JobError`; what
        ``pictures`` raises."""
        with contextlib.ExitStack() as stack, saying(f"'{folder.name}'", disk_of(folder), JobError):
            folder.mkdir(parents=True, exist_ok=True)
            _hold(folder, stack)
            if (folder / _JOB).exists():
                raise JobError(
                    "job-there",
                    phrase("'{name}' holds a job already", name=folder.name),
                    phrase("Go on with it by --resume, or choose another folder."),
                )
            remove_leftovers(folder)
            total, block = _write_sources(folder / _SOURCES, pictures, plan)
            if not total:
                raise JobError("no-pictures", "no pictures found")
            check_room(folder, total * _ROW_BYTES, phrase("the job"), disk_of(folder), kind=JobError)
            begun = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            plan = JobPlan(**{**asdict(plan), "total": total, "block": block, "begun": begun})
            write_atomically(folder / _JOB, json.dumps(english(asdict(plan)), indent=1) + "\n")
            return cls(folder, plan, stack.pop_all())

    @classmethod
    def resume(cls, folder: Path) -> Job:
        """Hold the folder of a job that was begun. Raises :class:`JobError`."""
        plan = read_plan(folder)
        with contextlib.ExitStack() as stack:
            _hold(folder, stack)
            try:
                return cls(folder, plan, stack.pop_all())
            except (OSError, pa.ArrowException) as error:
                raise JobError(
                    "bad-job",
                    phrase("the job in '{name}' is damaged ({reason})", name=folder.name, reason=type(error).__name__),
                    phrase("Begin it again in another folder."),
                ) from error

    def close(self) -> None:
        """Let go of the folder."""
        self._sources.close()
        self._lock.close()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is asked

    def asked(self, block: int) -> list[Asked]:
        """The pictures of a block."""
        found = []
        for row in self._sources.read_row_group(block).to_pylist():
            path = os.fsdecode(row["path"])
            told = os.fsdecode(row["told"]) if row["told"] is not None else path
            places = strict_json.loads(row["places"]) if row["places"] else {}
            problem = (row["kind"], row["message"]) if row["kind"] is not None else None
            found.append(Asked(path, row["frame"], told, places, problem))
        return found

    # What has been answered

    @property
    def done(self) -> int:
        """Pictures with a row."""
        return self.counts.answered + self.counts.failed

    def has(self, block: int) -> bool:
        """Whether a block has been answered."""
        return block in self._ledger.single or self._part_of(block) is not None

    def missing(self) -> Iterator[int]:
        """The blocks that have no answers yet, ascending, as of each step."""
        return (block for block in range(self.plan.blocks) if not self.has(block))

    def put(self, block: int, table: bytes, lines: bytes) -> bool:
        """Keep the answers to a block; false where it has some already, which stay. Raises :class:`JobError`."""
        if self.has(block):
            return False
        found = rows.unpacked(table)
        expected = self.plan.size_of(block)
        if found.num_rows != expected or found.column("position")[0].as_py() != block * self.plan.block:
            raise JobError(
                "bad-job",
                phrase("a node answered {count:,} of {total:,} pictures", count=found.num_rows, total=expected),
            )
        with saying(f"'{self.folder.name}'", disk_of(self.folder), JobError):
            write_atomically(self._block(block, ".csv"), lines)
            write_atomically(self._block(block, ".arrow"), table)  # with this one it counts
        self._ledger.single.add(block)
        self._count(found)
        return True

    def join(self, head: bytes, everything: bool = False) -> None:
        """Make parts of the blocks that are all there; with ``everything`` of what is left as well. ``head`` is the
        first line of a CSV file. Raises :class:`JobError`."""
        starts = sorted({block // PART for block in self._ledger.single})
        for start in starts:
            first, last = start * PART, min((start + 1) * PART, self.plan.blocks) - 1
            whole = all(block in self._ledger.single for block in range(first, last + 1))
            if whole and (last - first + 1 == PART or everything):
                with saying(f"'{self.folder.name}'", disk_of(self.folder), JobError):
                    self._join(first, last, head)

    def lines(self, block: int) -> list[dict[str, Any]]:
        """The JSON objects of a block's pictures, as ``fovea predict --json`` prints them."""
        found = rows.as_lines(self.table(block))
        asked = self.asked(block)
        return [{**line, "path": each.told} | each.places for line, each in zip(found, asked, strict=True)]

    def table(self, block: int) -> pa.Table:
        """The answers to a block that has some."""
        if block in self._ledger.single:
            return rows.unpacked(self._block(block, ".arrow").read_bytes())
        part = self._part_of(block)
        assert part is not None
        return pq.ParquetFile(self._part(*part, ".parquet")).read_row_group(block - part[0])

    def log(self, event: str, **facts: Any) -> None:
        """Note what happened, for whoever looks at it later. A full disk stops no job here."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        with contextlib.suppress(OSError), (self.folder / _LOG).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(english({"at": now, "event": event, **facts})) + "\n")

    def parts(self) -> list[Path]:
        """The parts in Parquet, in the order of their pictures."""
        return [self._part(first, last, ".parquet") for first, last in sorted(self._ledger.parts.items())]

    def _join(self, first: int, last: int, head: bytes) -> None:
        """One part of the blocks ``first`` to ``last``: its CSV first, then its table, with which it counts; then the
        blocks may go."""
        files = [self._block(block, ".csv") for block in range(first, last + 1)]
        write_atomically(self._part(first, last, ".csv"), chain([head], (file.read_bytes() for file in files)))
        target = self._part(first, last, ".parquet")
        part = part_beside(target)
        try:
            with pq.ParquetWriter(part, rows.SCHEMA, compression="zstd") as writer:
                for block in range(first, last + 1):
                    table = rows.unpacked(self._block(block, ".arrow").read_bytes())
                    writer.write_table(table, row_group_size=self.plan.block)
            put_in_place(part, target)
        finally:
            part.unlink(missing_ok=True)
        self._ledger.parts[first] = last
        self._drop(first, last)

    def _drop(self, first: int, last: int) -> None:
        for block in range(first, last + 1):
            self._ledger.single.discard(block)
            for ending in (".arrow", ".csv"):
                self._block(block, ending).unlink(missing_ok=True)

    def _part_of(self, block: int) -> tuple[int, int] | None:
        first = block // PART * PART
        last = self._ledger.parts.get(first)
        return (first, last) if last is not None else None

    def _read_ledger(self) -> None:
        """What is there: parts, and blocks that no part holds; what was left of a join that was cut off goes."""
        for path in (self.folder / "parts").iterdir():
            found = _PART_NAME.fullmatch(path.name)
            if found:
                self._ledger.parts[int(found[1])] = int(found[2])
                self._count(pq.read_table(path, columns=["error"]))
        for path in (self.folder / "blocks").iterdir():
            found = _BLOCK_NAME.fullmatch(path.name)
            if found and int(found[1]) < self.plan.blocks:
                if self._part_of(int(found[1])) is not None:
                    self._drop(int(found[1]), int(found[1]))
                else:
                    self._ledger.single.add(int(found[1]))
                    self._count(rows.unpacked(path.read_bytes()))

    def _count(self, table: pa.Table) -> None:
        failed = table.num_rows - table.column("error").null_count
        self.counts.failed += failed
        self.counts.answered += table.num_rows - failed

    def _block(self, block: int, ending: str) -> Path:
        return self.folder / "blocks" / f"{block:09d}{ending}"

    def _part(self, first: int, last: int, ending: str) -> Path:
        return self.folder / "parts" / f"{first:09d}-{last:09d}{ending}"


def read_plan(folder: Path) -> JobPlan:
    """What the job in ``folder`` asks. Raises :class:`JobError` (``no-such-job``, ``bad-job``)."""
    try:
        held = strict_json.loads((folder / _JOB).read_bytes())
    except OSError as error:
        raise JobError(
            "no-such-job", phrase("'{name}' holds no job", name=folder.name), phrase("Name the folder of one.")
        ) from error
    except strict_json.JsonError as error:
        raise JobError("bad-job", phrase("job.json: {error}", error=str(error))) from error
    try:
        plan = JobPlan(**held)
    except TypeError as error:
        raise JobError("bad-job", phrase("job.json: other fields than expected")) from error
    if plan.schema != SCHEMA:
        raise JobError("bad-job", phrase("job.json: schema {schema}, {own} expected", schema=plan.schema, own=SCHEMA))
    return plan


def _hold(folder: Path, stack: contextlib.ExitStack) -> None:
    try:
        stack.enter_context(locks.hold(folder / _LOCK))
    except locks.Busy:
        raise JobError(
            "job-busy",
            phrase("another program is at work on the job in '{name}'", name=folder.name),
            phrase("Wait for it, or stop it."),
        ) from None


def _write_sources(path: Path, pictures: Iterable[Answerable], plan: JobPlan) -> tuple[int, int]:
    """Write the pictures in groups of a block as they come; returns how many, and the size of a block."""
    size = _SENT_BLOCK if plan.send else BLOCK
    found = iter(pictures)
    # Only of a small job is it known how small before it is cut.
    begun = list(islice(found, _BLOCKS * size + 1))
    if len(begun) <= _BLOCKS * size:
        size = max(_LEAST_BLOCK, -(-len(begun) // _BLOCKS)) if not plan.send else min(size, max(8, len(begun) // 16))
    total, part = 0, part_beside(path)
    try:
        with pq.ParquetWriter(part, _SOURCES_SCHEMA, compression="zstd") as writer:
            every = chain(begun, found)
            del begun
            while group := list(islice(every, size)):
                total += len(group)
                writer.write_table(_sources_table(group, plan.files))
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)
    return total, size


def _sources_table(group: Sequence[Answerable], files: bool) -> pa.Table:
    listed = []
    for item in group:
        told, places = told_path(item), places_json(item, files)
        problem = (item.kind, str(english(item.message))) if isinstance(item, Problem) else (None, None)
        frame = item.frame if isinstance(item, FoundFrame) else 0
        told_raw = os.fsencode(told) if told != item.path else None
        listed.append((os.fsencode(item.path), frame, told_raw, json.dumps(places) if places else None, *problem))
    columns = zip(*listed, strict=True)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, _SOURCES_SCHEMA, strict=True)], schema=_SOURCES_SCHEMA
    )
