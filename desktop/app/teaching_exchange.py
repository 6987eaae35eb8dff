"""Labels into a project and out of it: class folders, tables, what was judged in Evaluate, drawings kept in Draw.

Nothing of the user's is changed: an export copies or links pictures into a folder of its own, which appears when it is
whole. Reads and writes files: work for a thread. All functions raise :class:`FoveaError`.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop.app.exports import write_rows
from desktop.app.teaching import add_source
from desktop.core.data.dataset import ALL, Interrupted, look_of
from desktop.core.data.file_names import folder_names
from desktop.core.data.read_labels_file import common_folder, relative
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import FoveaError, ImageSource
from desktop.store.project import Project
from desktop.store.project_facts import How
from desktop.system.files import check_room, disk_of, reason_of, saying, write_atomically
from desktop.system.words import phrase

FolderWay = Literal["copy", "link"]
_PORTION = 5_000
_NAMES = ("file", "filename", "file_name", "image", "image_id", "picture", "path", "name", "id", "img")
_LABELS = ("label", "labels", "class", "class_name", "category", "target", "diagnosis", "dx", "species", "breed", "y")
_MOST_CLASSES = 2_000
csv.field_size_limit(1 << 20)


@dataclass(slots=True)
class Imported:
    """What an import did: ``added`` pictures are new in the project, ``labelled`` got a label, ``kept`` had the same
    one already, ``classes`` were made. ``missing`` names of pictures that are not there (``missing_count`` in all)."""

    added: int = 0
    labelled: int = 0
    kept: int = 0
    unlabelled: int = 0
    classes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    contradicting: int = 0


@dataclass(slots=True)
class ExportedLabels:
    """What an export wrote: ``pictures`` in all, ``copied`` of them where a link was not possible, and what could not
    be read (``left_out``: file names, with the reason)."""

    pictures: int = 0
    copied: int = 0
    linked: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


# Out


def export_folders(
    project: Project,
    target: Path,
    way: FolderWay = "copy",
    progress: ReadProgress | None = None,
    cancelled: IsCancelled = lambda: False,
) -> ExportedLabels:
    """Write the labelled pictures as class folders, as most programs read them: into the new or empty folder
    ``target``, which appears when all is there. ``link``: hard links, which take no room; where the disk is another
    one, copies.

    Raises :class:`FoveaError` (``not-empty``, ``no-labels``, ``disk-full``, ``not-writable``, ``cancelled``).
    """
    chosen = to_export(project)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FoveaError(
            "not-empty",
            phrase("'{name}' is not empty", name=target.name),
            "Choose a new folder: nothing is written over.",
        )
    if way == "copy":
        need = sum(max(0, size) for _, _, size, _ in chosen)
        with saying("the export", disk_of(target)):
            check_room(target.parent, need, "this export", disk_of(target))
    folders = folder_names([name for _, name, _, _ in chosen])
    out = ExportedLabels()
    building = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:8]}.part")
    try:
        with saying(f"'{target.name}'", disk_of(target)):
            building.mkdir(parents=True)
            used: dict[str, set[str]] = {}
            for number, (path, name, _, _) in enumerate(chosen):
                if cancelled():
                    raise FoveaError("cancelled", "the export was cancelled", "Nothing was written.")
                if progress and number % 16 == 0:
                    progress(number, len(chosen))
                folder = building / folders[name]
                folder.mkdir(exist_ok=True)
                _put(path, folder / _free_name(os.path.basename(path), used.setdefault(name, set())), way, out)
            if target.exists():
                target.rmdir()
            os.rename(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if progress:
        progress(len(chosen), len(chosen))
    return out


def _put(path: str, place: Path, way: FolderWay, out: ExportedLabels) -> None:
    try:
        if way == "link":
            with contextlib.suppress(OSError):
                os.link(path, place)
                out.linked += 1
                out.pictures += 1
                return
        with open(path, "rb") as source:  # what cannot be read is left out; what cannot be written ends the export
            source.read(1)
    except OSError as error:
        out.left_out.append((os.path.basename(path), reason_of(error)))
        return
    shutil.copy2(path, place)
    out.copied += 1
    out.pictures += 1


def export_csv(project: Project, target: Path) -> int:
    """Write ``file,label`` with one row for each labelled picture; returns how many. ``file`` is relative to the folder
    that holds all of them, with ``/`` between folders."""
    chosen = to_export(project)
    root = common_folder([path for path, _, _, _ in chosen])
    write_rows(target, ("file", "label"), ((relative(path, root), name) for path, name, _, _ in chosen))
    return len(chosen)


def export_coco(project: Project, target: Path) -> int:
    """Write COCO's JSON (images, categories, annotations): each picture's label as one box over all of it, as tools for
    detection expect one. Width and height are 0 for pictures that were not opened yet."""
    chosen = to_export(project)
    root = common_folder([path for path, _, _, _ in chosen])
    classes = project.classes()
    names = {c.name: c.id for c in classes}
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, (path, name, _, (width, height)) in enumerate(chosen, 1):
        images.append({"id": number, "file_name": relative(path, root), "width": width, "height": height})
        box = {"id": number, "image_id": number, "category_id": names[name], "iscrowd": 0}
        boxes.append(box | {"bbox": [0, 0, width, height], "area": width * height})
    categories = [{"id": c.id, "name": c.name, "supercategory": ""} for c in classes]
    text = json.dumps({"images": images, "categories": categories, "annotations": boxes}, indent=1) + "\n"
    with saying(f"'{target.name}'", disk_of(target)):
        write_atomically(target, text)
    return len(chosen)


def person_names(project: Project) -> int:
    """How many labelled pictures have a file or a folder, inside the folder of them all, that reads like a person's
    name. Labels are told by those names, so an export holds them as they are: whoever hands it on is told so."""
    from desktop.core.figures.public_names import naming_of

    paths = [path for path, _, _, _ in labelled_pictures(project)]
    root = common_folder(paths)
    classes = [c.name for c in project.classes()]
    return len(naming_of([relative(path, root) for path in paths], False, (), classes).hidden)


def to_export(project: Project) -> list[tuple[str, str, int, tuple[int, int]]]:
    """The labelled pictures, see :func:`labelled_pictures`. Raises :class:`FoveaError` ``no-labels`` for none."""
    rows = labelled_pictures(project)
    if not rows:
        raise FoveaError("no-labels", "no picture of this project has a label yet", "Label some, then export.")
    return rows


def labelled_pictures(project: Project) -> list[tuple[str, str, int, tuple[int, int]]]:
    """Path, class, size in bytes and in pixels of every labelled picture."""
    with project.database.reading() as connection:
        rows = connection.execute(
            "SELECT p.path, c.name, p.size, p.width, p.height FROM pictures p JOIN classes c ON c.id = p.label"
            " WHERE p.removed = 0 ORDER BY c.position, p.id"
        ).fetchall()
    return [(project.path_of(path), name, size, (w, h)) for path, name, size, w, h in rows]


def _free_name(name: str, used: set[str]) -> str:
    stem, ending = os.path.splitext(name)
    chosen, number = name, 2
    while chosen.casefold() in used:
        chosen, number = f"{stem} ({number}){ending}", number + 1
    used.add(chosen.casefold())
    return chosen


# In


def import_dataset(
    project: Project,
    path: str,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled = lambda: False,
) -> Imported:
    """Take over labelled data that :func:`desktop.core.data.open_data.open_dataset` opens: class folders, archives of
    them, or a folder whose layout was chosen (``path`` with a layout behind it). Pictures in arrays are laid into the
    project's folder. Raises :class:`desktop.core.data.dataset.DatasetError`."""
    from desktop.core.data.open_data import open_dataset

    try:
        data = open_dataset(path, ALL, progress, cancelled)
    except Interrupted:
        raise FoveaError("cancelled", "the import was cancelled", "Nothing was taken over.") from None
    rows = ((data.source(i), data.classes[int(data.targets[i])]) for i in range(len(data)))
    return _take_over(project, rows, len(data), "import", progress, cancelled)


def import_table(
    project: Project,
    table: Path,
    folder: Path | None = None,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled = lambda: False,
) -> Imported:
    """Take over labels from a table ``file,label`` (Kaggle's style), of any length: it is read row by row.

    ``file`` is a path, one relative to ``folder`` (default: the table's own), or the name of a picture in the project,
    with or without its ending. Rows of pictures that are nowhere are counted, never guessed; of a picture with two
    different labels none is believed. Raises :class:`FoveaError` (``not-found``, ``bad-table``, ``cancelled``).
    """
    base = (folder or table.parent).absolute()
    known = _known_names(project)
    out = Imported()
    said: dict[str | int, str | None] = {}
    for number, (name, label) in enumerate(_rows_of(table)):
        if number % 4096 == 0:
            if cancelled():
                raise FoveaError("cancelled", "the import was cancelled", "Nothing was taken over.")
            if progress:
                progress(number, None)
        if not label:
            out.unlabelled += 1
            continue
        found = _meant(name, base, known)
        if found is None:
            out.missing_count += 1
            if len(out.missing) < 100:
                out.missing.append(name[:200])
            continue
        held = said.setdefault(found, label)
        if held is not None and look_of(held) != look_of(label):
            said[found] = None
            out.contradicting += 1
    rows = [(found, label) for found, label in said.items() if label is not None]
    sources = ((ImageSource.from_path(f) if isinstance(f, str) else f, label) for f, label in rows)
    return _take_over(project, sources, len(rows), "import", progress, cancelled, out)


def import_judgements(project: Project, key: str) -> Imported:
    """Take over the pictures of a kept evaluation that somebody judged: the label of those judged right is theirs;
    those judged wrong or unsure come without a label, starred, to be labelled anew."""
    from desktop.core.data.open_data import open_dataset
    from desktop.core.figures.store import EvaluationStore

    store = EvaluationStore()
    result = store.load(key)
    judged = store.judgements(result.data.fingerprint)
    if not judged:
        text = "no label of this evaluation was judged"
        raise FoveaError("no-judgements", text, "Judge some in Evaluate's gallery, then take them over.")
    data = open_dataset(result.data.root, result.data.split_to_open or ALL)
    place = {data.name(i): i for i in range(len(data))}
    out = Imported()
    right = [(data.source(place[name]), data.classes[int(data.targets[place[name]])])
             for name, said in judged.items() if said == "right" and name in place]  # fmt: skip
    doubtful = [data.source(place[name]) for name, said in judged.items() if said != "right" and name in place]
    out.missing = [name for name in judged if name not in place][:100]
    out.missing_count = sum(name not in place for name in judged)
    _take_over(project, iter(right), len(right), "import", None, lambda: False, out)
    ids = [add_source(project, source, "import") for source in doubtful]
    if ids:
        project.star(ids)
    out.added += len(ids)
    out.unlabelled += len(ids)
    return out


def import_drawings(
    project: Project,
    folder: Path,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled = lambda: False,
) -> Imported:
    """Take over drawings that were kept in Draw: ``folder`` is one of :func:`desktop.services.drawings.own_folders`,
    whose class folders are coded."""
    from desktop.core.drawings import kept

    folders = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    labels = dict(zip(folders, kept.labels_of(folders), strict=True))
    files = [(file, labels[name]) for name in folders for file in sorted((folder / name).glob("*.png"))]
    rows = ((ImageSource.from_path(str(file)), label) for file, label in files)
    return _take_over(project, rows, len(files), "import", progress, cancelled)


def _take_over(
    project: Project,
    rows: Iterator[tuple[ImageSource | int, str]],
    total: int,
    how: How,
    progress: ReadProgress | None,
    cancelled: IsCancelled,
    out: Imported | None = None,
) -> Imported:
    """Add pictures and give each its label: all of it in one transaction, so that a kill leaves none or all."""
    out = out if out is not None else Imported()
    before = {c.id for c in project.classes()}
    by_look: dict[str, int] = {}
    labels: dict[int, int] = {}
    with project.one_step("import", how):
        known = {look_of(c.name): c.id for c in project.classes()}
        portion: list[tuple[ImageSource, int]] = []

        def flush() -> None:
            ids = _added(project, [source for source, _ in portion], how, out)
            labels.update({i: c for i, (_, c) in zip(ids, portion, strict=True) if i})
            portion.clear()

        for number, (source, label) in enumerate(rows):
            look = look_of(label)
            if look not in by_look:
                if len(by_look) >= _MOST_CLASSES:
                    text = phrase("the data name more than {most_classes:,} classes", most_classes=_MOST_CLASSES)
                    raise FoveaError("too-many-classes", text, "Is this column the one with the labels?")
                by_look[look] = known.get(look) or project.add_class(label).id
            if isinstance(source, int):
                labels[source] = by_look[look]
            else:
                portion.append((source, by_look[look]))
            if len(portion) >= _PORTION:
                flush()
                if cancelled():
                    raise FoveaError("cancelled", "the import was cancelled", "Nothing was taken over.")
                if progress:
                    progress(number, total)
        flush()
        index = project.index()
        now = dict(zip(index.ids.tolist(), index.labels.tolist(), strict=True))
        fresh = {i: c for i, c in labels.items() if now.get(i) != c}
        out.kept += len(labels) - len(fresh)
        out.labelled += len(fresh)
        if fresh:
            project.label_each(dict(fresh), how)
    out.classes = [c.name for c in project.classes() if c.id not in before]
    if progress:
        progress(total, total)
    return out


def _added(project: Project, sources: Sequence[ImageSource], how: How, out: Imported) -> list[int]:
    """The ids of these pictures in the project, 0 for those that are not there."""
    files: list[tuple[str, int, int]] = []
    for source in sources:
        if source.path is not None and not source.frame:
            path = os.path.abspath(source.path)
            try:
                facts = os.stat(path)
            except OSError:
                out.missing_count += 1
                if len(out.missing) < 100:
                    out.missing.append(source.name)
                continue
            files.append((path, facts.st_size, facts.st_mtime_ns))
    out.added += len(project.add(files, how=how))
    found = project.find([path for path, _, _ in files])
    ids = []
    for source in sources:
        if source.path is not None and not source.frame:
            ids.append(found.get(os.path.abspath(source.path), 0))
        else:
            ids.append(add_source(project, source, how))
    return ids


def _known_names(project: Project) -> dict[str, int | None]:
    """The project's pictures by name and by name without ending, in small letters; ``None`` where several have it."""
    index = project.index()
    known: dict[str, int | None] = {}
    for i, name in zip(index.ids.tolist(), index.names, strict=True):
        folded = name.casefold()
        for key in {folded, os.path.splitext(folded)[0]}:
            known[key] = i if known.get(key, i) == i else None
    return known


def _meant(name: str, base: Path, known: dict[str, int | None]) -> str | int | None:
    """The file or the picture of the project that a table's cell means."""
    text = name.strip().replace("\\", "/")
    if not text or "\0" in text or len(text) > 4096:
        return None
    path = os.path.normpath(os.path.join(base, text))
    if os.path.isfile(path):
        return path
    short = text.rsplit("/", 1)[-1].casefold()
    return known.get(short)


def _rows_of(table: Path) -> Iterator[tuple[str, str]]:
    """File and label of each row, as text. Raises :class:`FoveaError` ``bad-table``."""
    try:
        with table.open(encoding=_encoding(table), errors="replace", newline="") as stream:
            first = stream.readline()
            by = max("\t,;|", key=first.count)
            stream.seek(0)
            rows = csv.reader(stream, delimiter=by, skipinitialspace=True)
            at: tuple[int, int] | None = None
            for cells in rows:
                if not any(cell.strip() for cell in cells):
                    continue
                if at is None:
                    at, heading = _columns(cells)
                    if heading:
                        continue
                if len(cells) > max(at):
                    yield cells[at[0]].strip(), cells[at[1]].strip()
                else:
                    yield cells[at[0]].strip() if len(cells) > at[0] else "", ""
    except OSError as error:
        raise FoveaError(
            "not-found",
            phrase("'{name}' cannot be read: {reason}", name=table.name, reason=reason_of(error)),
            "Check the path.",
        ) from None
    except (csv.Error, UnicodeError) as error:
        raise _bad(table) from error


def _bad(table: Path) -> FoveaError:
    text = phrase("'{name}' is no table of pictures and labels", name=table.name)
    return FoveaError("bad-table", text, "Expected: a row for each picture, file first, label second.")


def _columns(cells: Sequence[str]) -> tuple[tuple[int, int], bool]:
    """Which cells hold file and label, and whether this row is a heading."""
    words = [cell.strip().casefold().replace(" ", "_") for cell in cells]
    name = next((words.index(word) for word in _NAMES if word in words), None)
    label = next((words.index(word) for word in _LABELS if word in words), None)
    if name is not None and label is not None:
        return (name, label), True
    if len(cells) < 2:
        raise FoveaError("bad-table", "the table has one column only", "Expected: file first, label second.")
    return (0, 1), False


def _encoding(table: Path) -> str:
    with table.open("rb") as stream:
        head = stream.read(1 << 16)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        head[: len(head) - 4 if len(head) == 1 << 16 else None].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
