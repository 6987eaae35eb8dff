"""Teach: what window and command line both do with a labelling project, once each.

A :class:`desktop.store.project.Project` is what both hold; every function here returns when what it did is on the disk.
Pictures are never copied nor changed: only what has no file of its own (a picture from the clipboard, the members of an
archive) is laid into the project's folder. Reads and writes files: work for a thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desktop.core.data import unpack
from desktop.core.data.unpack import is_archive
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import FoundFile, Problem, walk_images
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import FoveaError, ImageSource
from desktop.store.project import Project
from desktop.store.project_facts import How, ProjectAction
from desktop.store.projects import ProjectStore
from desktop.system.files import OWN_DISK, not_written, write_atomically
from desktop.system.words import phrase

_AT_ONCE = 2_000
KEPT = "kept"
ARCHIVES = "archives"


@dataclass(slots=True)
class Added:
    """What :func:`add_pictures` did: ``ids`` of the pictures that are new here, how many were ``known``, and what could
    not be read."""

    ids: list[int] = field(default_factory=list)
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    cancelled: bool = False


def add_pictures(
    project: Project,
    paths: Iterable[str | os.PathLike[str]],
    progress: ReadProgress | None = None,
    cancelled: IsCancelled = lambda: False,
    how: How = "hand",
) -> Added:
    """Add files, folders and archives (``.zip``, ``.tar`` …) to a project, in portions that are on the disk at once.

    A folder is walked; an archive's pictures are laid into the project's folder. Nothing is opened: that is the
    learning process's part, which sets aside what does not open. When ``cancelled`` what was added stays.
    Raises :class:`FoveaError`.
    """
    out = Added()
    portion: list[tuple[str, int, int]] = []

    def flush() -> None:
        if portion:
            new = project.add(portion, how=how)
            out.ids += new
            out.known += len(portion) - len(new)
            portion.clear()
        if progress:
            progress(len(out.ids) + out.known, None)

    for given in paths:
        path = os.path.abspath(os.fspath(given))
        if is_archive(Path(path)):
            path = str(unpack.unpacked(Path(path), progress, cancelled, project.folder / ARCHIVES))
        for found in walk_images([path], SUPPORTED_SUFFIXES):
            if cancelled():
                out.cancelled = True
                flush()
                return out
            if isinstance(found, Problem):
                out.problems.append(found)
                continue
            facts = _facts(found)
            if facts is not None:
                portion.append(facts)
            if len(portion) >= _AT_ONCE:
                flush()
    flush()
    return out


def _facts(found: FoundFile) -> tuple[str, int, int] | None:
    try:
        facts = os.stat(found.path)
    except OSError:
        return None  # gone since it was listed
    return os.path.abspath(found.path), facts.st_size, facts.st_mtime_ns


def add_source(project: Project, source: ImageSource, how: How = "correction") -> int:
    """Add one picture from anywhere in Fovea and return its id; one held in memory (the clipboard, a drawing, a
    camera's frame) is laid into the project's folder under its content's checksum. Raises :class:`FoveaError`."""
    if source.path is None:
        data = source.data or b""
        folder = project.folder / KEPT
        name = hashlib.sha256(data).hexdigest()[:32] + (os.path.splitext(source.name)[1].lower() or ".png")
        try:
            folder.mkdir(exist_ok=True)
            if not (folder / name).exists():
                write_atomically(folder / name, data)
        except OSError as error:
            raise not_written(f"'{source.name}'", OWN_DISK, error) from error
        path = str(folder / name)
    else:
        path = os.path.abspath(source.path)
    try:
        facts = os.stat(path)
    except OSError as error:
        text = phrase("'{name}' is not there any more", name=source.name)
        raise FoveaError("not-found", text, "Add it again from where it is now.") from error
    new = project.add([(path, facts.st_size, facts.st_mtime_ns)], source.frame, how)
    return new[0] if new else project.find([path], source.frame)[path]


def correct(project: Project, source: ImageSource, class_name: str) -> ProjectAction:
    """'This is a …': add a picture with its right label to a project, making the class where there is none."""
    with project.one_step("label", "correction", class_name):
        class_id = project.class_named(class_name).id
        picture = add_source(project, source)
        return project.label([picture], class_id, "correction")


def corrections(project: Project) -> list[int]:
    """The pictures that were labelled by :func:`correct` and have that label still, the newest first."""
    with project.database.reading() as connection:
        rows = connection.execute(
            "SELECT p.id FROM changes h JOIN actions a ON a.id = h.action JOIN pictures p ON p.id = h.id"
            " WHERE h.subject = 'picture' AND h.field = 'label' AND a.how = 'correction' AND a.state = 'done'"
            " AND p.removed = 0 AND p.label = h.after ORDER BY h.action DESC"
        ).fetchall()
    return list(dict.fromkeys(row[0] for row in rows))


def accept(project: Project, ids: Sequence[int], class_ids: Sequence[int]) -> ProjectAction:
    """Take suggestions for what they say: one step of undo for all of them."""
    return project.label_each(dict(zip(ids, class_ids, strict=True)), "suggestion")


def project_of_folder(store: ProjectStore, folder: Path) -> Project:
    """The project of a folder of pictures, made empty where there is none yet. Raises :class:`FoveaError`."""
    place = os.path.realpath(folder)
    for entry in store.entries():
        if entry.problem:
            continue
        project = store.open(entry.id)
        if project.fact("origin", "") == place:
            return project
        project.close()
    project = store.create(os.path.basename(place) or "Pictures")
    project.set_fact("origin", place)
    return project


def made(project: Project, model_id: str) -> None:
    """Remember which model was made of the project last."""
    project.set_fact("model", model_id)
