"""Tables that name pictures and their labels (Kaggle's ``train.csv``, Hugging Face's ``metadata.csv``).

Which column names pictures is not guessed from its heading: it is the one whose values are files that are there. Sizes
are bounded; nothing of a table is run or resolved outside the data's folder.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.data.dataset import DatasetError
from desktop.core.data.layouts import TABLE, ListedPicture, Proposal, joined, proposal_of
from desktop.core.data.split_names import part_of, parts_of
from desktop.system import strict_json
from desktop.system.words import phrase

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
MOST_BYTES = 256 << 20
MOST_ROWS = 2_000_000
ONE_HOT = "*"
"""Stands for the label column where each class has a column of 0 and 1."""
_MOST_COLUMNS = 2_000
_LOOKED_AT = 4_000  # rows by which columns are judged
_ENOUGH = 0.5  # of a column's values are files: it names pictures
_MOST_CLASSES = 1_000
_USUAL: tuple[str, ...] = (
    "label", "labels", "class", "classes", "class_name", "category", "target", "diagnosis", "dx", "species", "breed",
    "genre", "type", "y",
)  # fmt: skip
_BY = "|"  # between several tables of one layout: it occurs in no file name of Windows, and is quoted elsewhere


@dataclass(frozen=True, slots=True)
class Table:
    """A table as read: ``place`` below the data's folder, the column names (``1``, ``2`` … where there is no heading),
    and the rows' cells as text."""

    place: str
    columns: tuple[str, ...]
    rows: list[list[str]]


class PictureIndex:
    """The pictures below a folder, found by whatever a table calls them: path, name, or name without suffix."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self._known: dict[str, str | None] = {}
        for path in paths:
            name = path.rsplit("/", 1)[-1].casefold()
            for key in {path.casefold(), os.path.splitext(path.casefold())[0], name, os.path.splitext(name)[0]}:
                # A name that several files have says nothing; the whole path still does.
                self._known[key] = path if self._known.get(key, path) == path else None

    def find(self, cell: str, folder: str = "") -> str | None:
        """The picture that ``cell`` means, seen from a table in ``folder``; ``None`` where there is none or several."""
        text = cell.strip().replace("\\", "/").casefold()
        while text.startswith(("./", "/")):
            text = text.removeprefix(".").removeprefix("/")
        if not text:
            return None
        near = f"{folder.casefold()}/{text}" if folder else text
        return self._known.get(near) or self._known.get(text) or self._known.get(text.rsplit("/", 1)[-1])


def proposals(root: Path, index: PictureIndex) -> list[Proposal]:
    """What the tables below ``root`` say of the pictures there; the likeliest first, at most two."""
    read = [(table, _judge(table, index)) for table in _tables(root)]
    good = [(table, seen) for table, seen in read if seen is not None]
    if not good:
        return []
    # A template to hand in names pictures too, with one label for all: it is no table of labels.
    by_columns: dict[tuple[str, tuple[str, ...]], list[Table]] = {}
    for table, (name, labels) in good:
        by_columns.setdefault((name, labels), []).append(table)
    (name, labels), tables = max(by_columns.items(), key=lambda item: sum(len(table.rows) for table in item[1]))
    split = _split_column(tables[0], {name, *labels})
    out = []
    for label in labels[:2]:
        parts = [_BY.join(table.place for table in tables), name, label, *([split] if split else [])]
        layout = joined(TABLE, *parts)
        rows, _ = listing(root, layout, index)
        found = proposal_of(layout, _words(tables, name, label, split), rows)
        if 2 <= len(found.counts) <= _MOST_CLASSES:
            out.append(found)
    return out


def is_usual(layout: str) -> bool:
    """Whether the column of labels that ``layout`` names is called like one (``dx``), or each class has a column."""
    from desktop.core.data.layouts import parts_of as layout_parts

    parts = layout_parts(layout)
    return len(parts) > 2 and (parts[2] == ONE_HOT or parts[2].strip().casefold().replace(" ", "_") in _USUAL)


def _words(tables: Sequence[Table], name: str, label: str, split: str | None) -> str:
    which = phrase("{count} tables ('{place}' …)", one="the table '{place}'", count=len(tables), place=tables[0].place)
    if label == ONE_HOT and split:
        text = (
            "in {which} column '{name}' names the pictures, one column for each class their classes and column "
            "'{split}' their splits"
        )
    elif label == ONE_HOT:
        text = "in {which} column '{name}' names the pictures and one column for each class their classes"
    elif split:
        text = (
            "in {which} column '{name}' names the pictures, column '{label}' gives their classes and column '{split}' "
            "their splits"
        )
    else:
        text = "in {which} column '{name}' names the pictures and column '{label}' gives their classes"
    return phrase(text, which=which, name=name, label=label, split=split or "")


def listing(root: Path, layout: str, index: PictureIndex) -> tuple[list[ListedPicture], dict[str, int]]:
    """The pictures that a layout's tables list, and counts of what does not fit: ``missing`` pictures, ``unlabelled``
    rows, ``contradicting`` ones. Raises :class:`DatasetError` for a layout that does not fit the tables."""
    from desktop.core.data.layouts import parts_of as layout_parts

    parts = layout_parts(layout)
    if len(parts) not in (3, 4):
        raise DatasetError(
            "bad-layout", phrase("'{layout}' is no table layout", layout=layout), "Expected: table:FILE:NAMES:LABELS."
        )
    places, name, label = parts[0].split(_BY), parts[1], parts[2]
    split = parts[3] if len(parts) == 4 else ""
    of_table = _splits_of_tables(places)
    said: dict[str, ListedPicture | None] = {}
    odd: Counter[str] = Counter()
    for place in places:
        table = _read(root, place, index)
        if table is None:
            raise DatasetError("not-found", phrase("the table '{place}' is not there or cannot be read", place=place))
        folder = place.rpartition("/")[0]
        ones = _one_hot(table) if label == ONE_HOT else ()
        at = _column(table, name), (None if label == ONE_HOT else _column(table, label))
        where = _column(table, split) if split else None
        for cells in table.rows:
            path = index.find(cells[at[0]], folder)
            text = _class_of(table, cells, ones) if at[1] is None else cells[at[1]].strip()
            if path is None:
                odd["missing"] += 1
                continue
            if not text:
                odd["unlabelled"] += 1
                continue
            part = cells[where].strip() if where is not None else of_table.get(place, "")
            row = ListedPicture(path, text, part)
            held = said.setdefault(path, row)
            if held is not None and held.label != text:
                said[path] = None  # two labels for one picture: neither is believed
                odd["contradicting"] += 1
    rows = [row for row in said.values() if row is not None]
    return _with_folders_splits(rows), dict(odd)


def _with_folders_splits(rows: list[ListedPicture]) -> list[ListedPicture]:
    """``rows`` with the splits that their folders say, where no table says one; none where only some have one."""
    if rows and not any(row.split for row in rows):
        tops = sorted({row.path.partition("/")[0] for row in rows if "/" in row.path})
        named = parts_of(tops)
        rows = [ListedPicture(r.path, r.label, top if (top := r.path.partition("/")[0]) in named else "") for r in rows]
    if all(row.split for row in rows) and len({row.split for row in rows}) > 1:
        return rows
    return [ListedPicture(row.path, row.label) for row in rows]


def _splits_of_tables(places: Sequence[str]) -> dict[str, str]:
    """A split's name for each table, from its own name or its folder's; empty where not every table says one."""
    if len(places) < 2:
        return {}
    stems = {place: os.path.splitext(place.rsplit("/", 1)[-1])[0] for place in places}
    named = parts_of(list(stems.values()))
    if all(stem in named for stem in stems.values()) and len(set(stems.values())) == len(places):
        return {place: named[stem] for place, stem in stems.items()}
    tops = {place: place.partition("/")[0] for place in places}
    named = parts_of(sorted(set(tops.values())))
    return tops if all(top in named for top in tops.values()) else {}


def _tables(root: Path) -> Iterator[Table]:
    """The tables in ``root`` and the folders right below it."""
    places: list[str] = []
    for folder, below in ((root, True), *((p, False) for p in sorted(root.iterdir()) if p.is_dir())):
        try:
            entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        except OSError:
            continue
        prefix = "" if below else f"{folder.name}/"
        places += [prefix + name for name in entries if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    for place in places[:64]:
        if "submission" in place.lower():
            continue
        table = _read(root, place, None)
        if table is not None and table.rows:
            yield table


def _read(root: Path, place: str, index: PictureIndex | None) -> Table | None:
    """One table; ``None`` for what is none. The heading is told from pictures: a first row that names a file is one."""
    del index
    path = root / place
    inside = os.path.realpath(path).startswith(os.path.realpath(root) + os.sep)
    try:
        if not inside or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    text = _decoded(content)
    if text is None:
        return None
    if place.lower().endswith(".jsonl"):
        return _of_json_lines(place, text)
    return _of_text(place, text)


def _decoded(content: bytes) -> str | None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codes: tuple[str, ...] = ("utf-16",)
    else:
        if b"\0" in content[:4096]:
            return None
        codes = ("utf-8-sig", "cp1252", "latin-1")
    for code in codes:
        try:
            return content.decode(code)
        except UnicodeDecodeError:
            continue
    return None


def _of_json_lines(place: str, text: str) -> Table | None:
    columns: dict[str, None] = {}
    read: list[dict[str, Any]] = []
    for line in text.splitlines()[:MOST_ROWS]:
        if not line.strip():
            continue
        try:
            value = strict_json.loads(line, finite=False)
        except strict_json.JsonError:
            return None
        if not isinstance(value, dict):
            return None
        read.append(value)
        columns.update(dict.fromkeys(list(value)[:_MOST_COLUMNS]))
    names = tuple(columns)[:_MOST_COLUMNS]
    plain = (str, int, float, bool)
    return Table(place, names, [[str(r[n]) if isinstance(r.get(n), plain) else "" for n in names] for r in read])


def _of_text(place: str, text: str) -> Table | None:
    first = next((line for line in text.splitlines() if line.strip()), "")
    by = max("\t,;|", key=first.count)
    if not first.count(by):
        by = " "  # 'picture.jpg 3', as many lists of pictures have it
        if place.lower().endswith(".csv") or not first.count(by):
            return None
    rows: list[list[str]] = []
    width = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=by, skipinitialspace=True):
            if not any(cell.strip() for cell in row):
                continue
            width = width or len(row)
            if len(row) < 2 or len(row) > _MOST_COLUMNS or len(rows) >= MOST_ROWS:
                return None
            rows.append([*row[:width], *([""] * (width - len(row)))])
    except csv.Error:
        return None
    if len(rows) < 2 or width < 2:
        return None
    heading = [cell.strip() for cell in rows[0]]
    if _is_heading(heading, rows[1:200]):
        return Table(place, tuple(heading), rows[1:])
    return Table(place, tuple(str(i + 1) for i in range(width)), rows)


def _is_heading(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: its cells are different, no numbers, no file names, and none of them
    occurs below it."""
    if len(set(cells)) != len(cells) or not any(cells):
        return False
    for place, cell in enumerate(cells):
        below = {row[place].strip() for row in rows}
        if cell in below or os.path.splitext(cell)[1].lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm"):
            return False
    return not any(cell.replace(".", "", 1).lstrip("-").isdigit() for cell in cells)


def _judge(table: Table, index: PictureIndex) -> tuple[str, tuple[str, ...]] | None:
    """The column that names pictures and those that may be labels, the likeliest first; ``None`` for other tables."""
    step = max(1, len(table.rows) // _LOOKED_AT)
    rows = table.rows[::step]
    folder = table.place.rpartition("/")[0]
    # Numbers such as 0 and 1 may be names of files too: the names are the column that finds the most different ones.
    shares = [
        len({index.find(row[place], folder) for row in rows} - {None}) / len(rows)
        for place in range(len(table.columns))
    ]
    best = max(range(len(shares)), key=lambda place: shares[place], default=-1)
    if best < 0 or shares[best] < _ENOUGH:
        return None
    labels = []
    for place, name in enumerate(table.columns):
        values = {row[place].strip() for row in rows} - {""}
        # As many labels as pictures are other names; numbers with a fraction are measurements.
        if place == best or not 2 <= len(values) <= min(_MOST_CLASSES, max(2, len(rows) // 2)):
            continue
        if any("." in v and v.replace(".", "", 1).lstrip("-").isdigit() and float(v) % 1 for v in list(values)[:200]):
            continue
        if _says_splits(values):
            continue
        usual = name.strip().lower().replace(" ", "_")
        rank = next((i for i, word in enumerate(_USUAL) if word == usual), None)
        inside = next((i for i, word in enumerate(_USUAL) if word in usual.split("_")), None)
        labels.append((rank if rank is not None else 50 + inside if inside is not None else 99, len(values), name))
    if len(_one_hot(table)) >= 2 and not any(rank < 50 for rank, _, _ in labels):
        return table.columns[best], (ONE_HOT,)
    if not labels:
        return None
    return table.columns[best], tuple(name for _, _, name in sorted(labels))


def _one_hot(table: Table) -> tuple[int, ...]:
    """The columns of a table in which each row has exactly one 1 among 0; empty for other tables."""
    ones = [
        place
        for place in range(len(table.columns))
        if {row[place].strip() for row in table.rows[:_LOOKED_AT]} <= {"0", "1", "0.0", "1.0"}
    ]
    good = all(sum(row[place].strip().startswith("1") for place in ones) == 1 for row in table.rows[:_LOOKED_AT])
    return tuple(ones) if len(ones) > 1 and good else ()


def _class_of(table: Table, cells: Sequence[str], ones: Sequence[int]) -> str:
    there = [table.columns[place] for place in ones if cells[place].strip().startswith("1")]
    return there[0] if len(there) == 1 else ""


def _column(table: Table, name: str) -> int:
    if name in table.columns:
        return table.columns.index(name)
    if name.isdigit() and 1 <= int(name) <= len(table.columns):
        return int(name) - 1
    there = [f"'{column}'" for column in table.columns[:20]]
    raise DatasetError(
        "bad-layout",
        phrase("the table '{place}' has no column '{name}'", place=table.place, name=name),
        phrase("Columns there: {there}.", there=there),
    )


def _says_splits(values: set[str]) -> bool:
    return len(values) <= 4 and all(part_of(value) is not None for value in values)


def _split_column(table: Table, taken: set[str]) -> str | None:
    for place, name in enumerate(table.columns):
        values = {row[place].strip() for row in table.rows}
        if name not in taken and len(values) > 1 and _says_splits(values):
            return name
    return None
