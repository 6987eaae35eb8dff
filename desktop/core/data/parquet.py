"""Parquet files of labelled pictures, as Hugging Face publishes data sets: written out once into the cache, by class.

The package that reads Parquet (pyarrow, Apache 2.0) takes 170 MB, more than the small edition has left: it is an extra
(``pip install ".[parquet]"``). Without it such data is refused with what it holds and what to do. With it a file is
read in the children in which users' files are opened, with their limits of time and memory, a group of rows at a time;
what comes out are class folders of the pictures' own bytes, which then go every other picture's way.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.data import split_names, unpack
from desktop.core.data.dataset import DatasetError, Interrupted, some
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.system.words import Template, phrase

SUFFIX = ".parquet"
_MAGIC = b"PAR1"
_POINTER = b"version https://git-lfs"
_FOOTER = 4 << 20  # bytes at the end of a file that are looked at without the package
_MOST_FOOTER = 64 << 20
_MOST_GROUP = 512 << 20  # bytes of a group of rows, unpacked: more do not fit beside a picture
_MOST_FILES = 2000
_AT_ONCE = 32  # rows
_HERE = "desktop.core.data.parquet"
_SPLIT = re.compile(r"(.+?)-\d+-of-\d+")
_SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"RIFF": ".webp", b"BM": ".bmp",
             b"II*\0": ".tif", b"MM\0*": ".tif"}  # fmt: skip
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_FAULTS = {
    "too-long": Template("the Parquet file '{name}' took too long"),
    "too-much-memory": Template("the Parquet file '{name}' needs too much memory"),
}
_DAMAGED = Template("the Parquet file '{name}' is damaged")
_PROGRAM = (
    "from datasets import load_dataset; from pathlib import Path; "
    "rows = load_dataset('parquet', data_files=FILE)['train']; "
    "[(Path(f'out/{row[\"label\"]}').mkdir(parents=True, exist_ok=True), "
    "row['image'].save(f'out/{row[\"label\"]}/{i}.png')) for i, row in enumerate(rows)]"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file hold pictures and labels; ``names`` are those of the labels' numbers, where it tells."""

    picture: str
    label: str
    names: tuple[str, ...]
    groups: tuple[int, ...]
    """Rows of each group."""


def is_parquet(path: Path) -> bool:
    """Whether ``path`` is a Parquet file by its name."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def files_of(path: Path) -> list[Path]:
    """The Parquet files in the folder ``path``, or in the folders in it (``data``, ``default/train``)."""
    for pattern in (f"*{SUFFIX}", f"*/*{SUFFIX}", f"*/*/*{SUFFIX}"):
        found = sorted(path.glob(pattern))[: _MOST_FILES + 1]
        if found:
            return found
    return []


def can_read() -> bool:
    """Whether the package that reads Parquet is there."""
    return importlib.util.find_spec("pyarrow") is not None


def refusal(path: Path) -> DatasetError:
    """What to say of a Parquet file that cannot be read here: what it holds, and what to do."""
    told = _features(path)
    hint = phrase(
        'Install the package that reads it (pip install pyarrow, or ".[parquet]" in a checkout), or write the pictures '
        "into a folder for each class with the package that made the file, for instance: {program}",
        program=_PROGRAM,
    )
    if told:
        text = Template("'{name}' is a Parquet file ({told}), for which the package pyarrow is needed")
        return DatasetError("unsupported-data", phrase(text, name=path.name, told=told), hint)
    text = Template("'{name}' is a Parquet file, for which the package pyarrow is needed")
    return DatasetError("unsupported-data", phrase(text, name=path.name), hint)


def written_out(
    files: list[Path], title: str, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None
) -> Path:
    """The folder that holds the pictures of Parquet ``files``, written now or earlier: a folder for each class, below
    one for each split where the files' names tell several (``train-00000-of-00002.parquet``).

    Raises :class:`DatasetError` (``unsupported-data``, ``bad-data``, ``too-large``, ``disk-full``), and
    :class:`Interrupted`.
    """
    if not can_read():
        raise refusal(files[0])
    if len(files) > _MOST_FILES:
        text = phrase("'{title}' holds more than {most:,} Parquet files", title=title, most=_MOST_FILES)
        raise DatasetError("too-large", text)
    splits = {file: _split_of(file) for file in files}
    known = {name for name in splits.values() if split_names.part_of(name) is not None}
    several = bool(known) and len(set(splits.values())) > 1
    if several:  # 'unsupervised' and the like have no labels
        files = [file for file in files if splits[file] in known]

    def fill(target: Path) -> None:
        free = unpack.room(target)
        done = written = 0
        for file in files:
            described: Columns = _asked(f"{_HERE}:describe", (str(file),), file, cancelled)
            place = target / splits[file] if several else target
            for group in range(len(described.groups)):
                if cancelled and cancelled():
                    raise Interrupted
                item = (str(file), group, str(place), described, free - written)
                rows, size = _asked(f"{_HERE}:write_group", item, file, cancelled)
                done, written = done + rows, written + size
                if progress:
                    progress(done, None)

    return unpack.made(files, title, fill)


def _split_of(file: Path) -> str:
    matched = _SPLIT.fullmatch(file.stem)
    name = matched[1] if matched else file.parent.name if file.stem.isdigit() else file.stem
    return _UNSAFE.sub("_", name)


def _asked(function: str, item: Any, file: Path, cancelled: IsCancelled | None) -> Any:
    """What a child makes of ``item``; its end as a :class:`DatasetError`."""
    from desktop.system import workers

    try:
        (found,) = workers.shared().run(function, [item], cancelled or (lambda: False))
    except workers.WorkCancelled:
        raise Interrupted from None
    if isinstance(found, DatasetError):
        raise found
    if isinstance(found, workers.Fault):
        text = _FAULTS.get(found.kind, _DAMAGED)
        raise DatasetError("bad-data", phrase(text, name=file.name), "Copy it again.")
    return found


# What the children do


def describe(item: tuple[str]) -> Columns:
    """Which columns hold what. Raises :class:`DatasetError`."""
    path = Path(item[0])
    with _opened(path) as held:
        schema, meta = held.schema_arrow, held.metadata
        told = _noted(schema.metadata or {})
        columns = {field.name: str(field.type) for field in schema}
        pictures = [name for name, kind in told.items() if kind.get("_type") == "Image" and name in columns]
        pictures = pictures or [name for name, kind in columns.items() if kind.startswith("struct<bytes: binary")]
        pictures = pictures or [name for name, kind in columns.items() if kind in ("binary", "large_binary")]
        labels = [name for name, kind in told.items() if kind.get("_type") == "ClassLabel" and name in columns]
        labels = labels or [n for n in ("label", "labels", "fine_label", "class", "target") if n in columns]
        if not pictures or not labels:
            text = Template("'{name}' has no column of labels; its columns: {columns}")
            if not pictures:
                text = Template("'{name}' has no column of pictures; its columns: {columns}")
            raise DatasetError(
                "bad-data",
                phrase(text, name=path.name, columns=some(list(columns))),
                "Expected are pictures (a struct with 'bytes', or binary) and labels (a number or a text).",
            )
        names = told.get(labels[0], {}).get("names")
        known = tuple(map(str, names)) if isinstance(names, list) else ()
        groups = tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups))
        largest = max((meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)), default=0)
        if largest > _MOST_GROUP:
            large = phrase(
                "'{name}' holds groups of rows of {found:,} MiB; at most {most} MiB expected",
                name=path.name,
                found=largest >> 20,
                most=_MOST_GROUP >> 20,
            )
            raise DatasetError("too-large", large, "Write it again in smaller groups of rows.")
        return Columns(pictures[0], labels[0], known, groups)


def write_group(item: tuple[str, int, str, Columns, int]) -> tuple[int, int]:
    """Write the pictures of one group of rows below a folder; how many rows and bytes. Raises :class:`DatasetError`."""
    name, group, target, columns, free = item
    path, place = Path(name), Path(target)
    first, when = sum(columns.groups[:group]), os.stat(name).st_mtime
    done = size = 0
    with _opened(path) as held:
        wanted = [columns.picture, columns.label]
        for batch in held.iter_batches(_AT_ONCE, [group], wanted, use_threads=False):
            pictures, labels = batch.column(columns.picture).to_pylist(), batch.column(columns.label).to_pylist()
            for content, label in zip(pictures, labels, strict=True):
                number, done = first + done, done + 1
                content = content.get("bytes") if isinstance(content, dict) else content
                if not isinstance(content, bytes) or label is None or label == -1:
                    continue  # a test split without labels, a picture that lies elsewhere
                size += len(content)
                if size > free:
                    text = phrase("the disk of Fovea's cache has no room to write out '{name}'", name=path.name)
                    raise DatasetError("disk-full", text, "Free some space, or move Fovea's files with FOVEA_HOME.")
                folder = place / _folder_of(label, columns.names)
                folder.mkdir(parents=True, exist_ok=True)
                ending = next((e for start, e in _SUFFIXES.items() if content.startswith(start)), "")
                file = folder / f"{path.stem}-{number:07}{ending}"
                file.write_bytes(content)
                os.utime(file, (when, when))
    return done, size


def _folder_of(label: object, names: tuple[str, ...]) -> str:
    text = names[label] if isinstance(label, int) and 0 <= label < len(names) else str(label)
    return _UNSAFE.sub("_", text).strip(" .")[:200] or "_"


def _opened(path: Path) -> Any:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others set aside more than a child may have
    import pyarrow
    import pyarrow.parquet

    try:
        with path.open("rb") as stream:
            if stream.read(len(_POINTER)) == _POINTER:
                text = phrase("'{name}' is a pointer of Git LFS, not the file itself", name=path.name)
                raise DatasetError("bad-data", text, "Fetch it: git lfs pull.")
            stream.seek(-8, os.SEEK_END)
            end = stream.read()
        if end[4:] != _MAGIC or int.from_bytes(end[:4], "little") > _MOST_FOOTER:
            raise ValueError
        pyarrow.set_cpu_count(1)
        return pyarrow.parquet.ParquetFile(str(path), thrift_string_size_limit=_MOST_FOOTER)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DatasetError(
            "bad-data", f"the Parquet file '{path.name}' is damaged or cut off", "Copy it again."
        ) from error


def _noted(metadata: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """Hugging Face's note about the columns; empty where there is none."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {str(name): kind for name, kind in features.items() if isinstance(kind, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _features(path: Path) -> str:
    """The columns that Hugging Face's note at the end of a Parquet file names, in words; empty where it has none."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _FOOTER))
            footer = stream.read()
        text = footer.decode("utf-8", "replace")
        start = text.find('{"info"')
        if start < 0:
            return ""
        value: Any = json.JSONDecoder().raw_decode(text[start:])[0]
        parts = []
        for name, facts in list(value["info"]["features"].items())[:8]:
            kind = facts.get("_type", "") if isinstance(facts, dict) else ""
            names = facts.get("names") if isinstance(facts, dict) else None
            if kind == "Image":
                parts.append(phrase("pictures in column '{name}'", name=name))
            elif kind == "ClassLabel" and isinstance(names, list):
                value = some([str(n) for n in names])
                parts.append(phrase("classes in column '{name}': {value}", name=name, value=value))
        return ", ".join(parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
