"""Files that are not where they were, and where they are now: by content, whatever they are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from desktop.core.pictures.decode_in_child import content_of
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import FoundFile, walk_images
from desktop.core.types import ImageSource
from desktop.store.project import Project
from desktop.store.project_facts import PictureState


def search(
    project: Project, folders: Sequence[str], cancelled: Callable[[], bool] = lambda: False
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Look at every picture's file: ids of those missing, of those found at another place below ``folders`` (from now
    on they are looked for there), and of those that hold another picture now.

    A file of the same size and time is taken for the same; of others the content is compared. Labels stay whatever
    happens; one of a replaced picture is not learned from until it is given again.
    """
    with project.database.reading() as connection:
        rows = connection.execute(
            "SELECT id, path, size, mtime, sha256, state, label FROM pictures WHERE removed = 0 ORDER BY id"
        ).fetchall()
    missing: dict[int, tuple[int, bytes]] = {}
    states: list[tuple[int, int, bytes | None, int]] = []  # state, time of change, another content's checksum, id
    replaced: list[int] = []
    back: list[int] = []
    for number, coded, size, mtime, sha256, state, label in rows:
        if cancelled():
            break
        path = project.path_of(coded)
        try:
            facts = os.stat(path)
        except OSError:
            missing[number] = (size, bytes(sha256 or b""))
            continue
        if state == PictureState.MISSING:
            back.append(number)
        if sha256 is None or (facts.st_size, facts.st_mtime_ns) == (size, mtime):
            if state == PictureState.MISSING:
                states.append((PictureState.NEW, facts.st_mtime_ns, None, number))
            continue
        _, length, digest = content_of(ImageSource.from_path(path))
        if length >= 0 and digest != sha256:
            if label is not None:
                replaced.append(number)
            states.append(
                (PictureState.REPLACED if label is not None else PictureState.NEW, facts.st_mtime_ns, digest, number)
            )
        else:
            now = PictureState.NEW if state == PictureState.MISSING else state
            states.append((now, facts.st_mtime_ns, None, number))
    found = _elsewhere(project, missing, folders, cancelled)
    with project.database.changing() as connection:
        connection.executemany(
            "UPDATE pictures SET state = ?, mtime = ?, sha256 = coalesce(?, sha256) WHERE id = ?", states
        )
        connection.executemany(
            "UPDATE pictures SET state = ?, problem = 'its file is not there any more' WHERE id = ?",
            [(PictureState.MISSING, number) for number in missing if number not in found],
        )
        for number, (path, mtime) in found.items():
            coded = project.coded(path)
            taken = connection.execute(
                "SELECT id, removed, label FROM pictures WHERE path = ? AND id != ?", (coded, number)
            ).fetchone()
            if taken is not None:
                if taken[1] == 0 and taken[2] is not None:
                    continue  # it was added again there and has a label of its own: nothing is decided for the user
                connection.execute("DELETE FROM pictures WHERE id = ?", (taken[0],))
            connection.execute(
                "UPDATE pictures SET path = ?, mtime = ?, state = ?, problem = '' WHERE id = ?",
                (coded, mtime, PictureState.NEW, number),
            )
    still = tuple(number for number in missing if number not in found)
    return still, (*found, *back), tuple(replaced)


def _elsewhere(
    project: Project,
    missing: dict[int, tuple[int, bytes]],
    folders: Sequence[str],
    cancelled: Callable[[], bool],
) -> dict[int, tuple[str, int]]:
    """Path and time of change of what lies below ``folders`` now. Only files of a size that is missed are read."""
    wanted: dict[tuple[int, bytes], list[int]] = {}
    for number, (size, sha256) in missing.items():
        if sha256 and size >= 0:
            wanted.setdefault((size, sha256), []).append(number)
    sizes = {size for size, _ in wanted}
    found: dict[int, tuple[str, int]] = {}
    if not wanted or not folders:
        return found
    for item in walk_images([os.path.abspath(folder) for folder in folders], SUPPORTED_SUFFIXES):
        if cancelled() or len(found) == len(missing):
            break
        if not isinstance(item, FoundFile):
            continue
        try:
            facts = os.stat(item.path)
        except OSError:
            continue
        if facts.st_size not in sizes:
            continue
        _, size, digest = content_of(ImageSource.from_path(item.path))
        numbers = wanted.get((size, digest))
        if numbers:
            found[numbers.pop(0)] = (item.path, facts.st_mtime_ns)
    return found
