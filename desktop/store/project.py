"""One labelling project: pictures, which stay where they are, classes, labels with all of their history.

Each method that changes something returns when the change is on the disk, and is one step of undo and redo. Nothing is
ever forgotten: what is undone or removed stays in the history. Several windows may have one project open; each sees the
others' changes by :attr:`Project.revision`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from desktop.core.data.dataset import look_of
from desktop.core.types import ImageSource, StoreError
from desktop.store.project_database import ProjectDatabase
from desktop.store.project_facts import (
    ActionKind,
    How,
    PictureState,
    ProjectAction,
    TaughtClass,
    TaughtPicture,
    TaughtPictures,
)
from desktop.store.project_history import ProjectHistory, parts_of
from desktop.system.words import phrase

_LONGEST_NAME = 120
KEYS = "123456789"
"""Keys that new classes get, in order."""


class Project(ProjectHistory):
    """The project in ``folder``. May be used from any thread. Raises :class:`StoreError`."""

    def __init__(self, folder: Path, create: bool = False) -> None:
        super().__init__(ProjectDatabase(folder, create))
        self.folder = folder

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the project's file."""
        self.database.close()

    @property
    def id(self) -> str:
        """What the project is known by: its folder's name."""
        return self.folder.name

    @property
    def name(self) -> str:
        """What the user calls it."""
        return str(self.fact("name", self.id))

    @property
    def revision(self) -> int:
        """A number that grows with every change, whoever makes it: another window, too."""
        return int(self.fact("revision", 0))

    # Paths: what lies in the project's own folder is kept relative to it, as both may move or be copied

    def coded(self, path: str) -> bytes:
        """An absolute path as the database keeps it."""
        own = os.path.join(self.folder, "")
        return os.fsencode(f"./{os.path.relpath(path, own)}" if path.startswith(own) else path)

    def path_of(self, coded: bytes) -> str:
        """The absolute path that is kept so."""
        path = os.fsdecode(coded)
        return os.path.join(self.folder, path[2:]) if path.startswith("./") else path

    # Facts and settings

    def fact(self, name: str, default: Any = None) -> Any:
        """A value that was kept under ``name``: text, a number or bytes."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else row[0]

    def set_fact(self, name: str, value: str | int | float | bytes) -> None:
        """Keep a value; no step of undo."""
        with self.database.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # Classes

    def classes(self) -> list[TaughtClass]:
        """The classes in their order, with how many pictures have each as label."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT c.id, c.name, c.key, c.position, (SELECT count(*) FROM pictures p WHERE p.label = c.id"
                " AND p.removed = 0) FROM classes c WHERE c.removed = 0 ORDER BY c.position, c.id"
            )
            return [TaughtClass(*row) for row in found]

    def find_class(self, name: str) -> TaughtClass | None:
        """The class that reads like ``name``, if there is one: upper and lower case, accents' composition and blanks do
        not count."""
        wanted = look_of(name)
        return next((c for c in self.classes() if look_of(c.name) == wanted), None)

    def add_class(self, name: str, key: str | None = None) -> TaughtClass:
        """Make a class; ``key`` is the one to press for it (default: the next free of :data:`KEYS`).

        Raises :class:`StoreError` ``bad-name`` and ``class-exists``.
        """
        name = clean_name(name, phrase("a class"))
        with self.database.changing() as connection:
            known = self.classes()
            self._refuse_double(known, name)
            used = {c.key for c in known}
            chosen = key if key is not None else next((k for k in KEYS if k not in used), "")
            if chosen in used:
                chosen = ""
            position = max((c.position for c in known), default=-1) + 1
            made = connection.execute(
                "INSERT INTO classes (name, key, position, removed) VALUES (?, ?, ?, 1)", (name, chosen, position)
            ).lastrowid
            assert made is not None
            self._do(connection, "class", "hand", name, "class", {made: {"removed": 0}})
        return TaughtClass(made, name, chosen, position, 0)

    def class_named(self, name: str) -> TaughtClass:
        """The class that reads like ``name``; made where there is none."""
        with self.database.changing():
            return self.find_class(name) or self.add_class(name)

    def rename_class(self, class_id: int, name: str) -> ProjectAction:
        """Call a class differently. Raises :class:`StoreError` ``class-exists``: then :meth:`merge` joins both."""
        name = clean_name(name, phrase("a class"))
        with self.database.changing() as connection:
            known = self.classes()
            self._refuse_double([c for c in known if c.id != class_id], name)
            self._need(known, class_id)
            return self._do(connection, "rename-class", "hand", name, "class", {class_id: {"name": name}})

    def set_key(self, class_id: int, key: str) -> ProjectAction:
        """Press ``key`` (one character, '' for none) for a class from now on; another class that had it loses it."""
        if len(key) > 1 or (key and not key.isprintable()):
            raise StoreError("bad-key", "one letter or digit is expected as a class's key")
        with self.database.changing() as connection:
            known = self.classes()
            self._need(known, class_id)
            values: dict[int, dict[str, Any]] = {c.id: {"key": ""} for c in known if key and c.key == key}
            values[class_id] = {"key": key}
            return self._do(connection, "class", "hand", self._need(known, class_id).name, "class", values)

    def order_classes(self, class_ids: Sequence[int]) -> ProjectAction:
        """Put the classes into this order."""
        with self.database.changing() as connection:
            values = {class_id: {"position": place} for place, class_id in enumerate(class_ids)}
            return self._do(connection, "class", "hand", "", "class", values)

    def merge(self, from_id: int, into_id: int) -> ProjectAction:
        """Give all pictures of one class the label of another, and remove the first: one step of undo."""
        with self.database.changing() as connection:
            known = self.classes()
            self._need(known, from_id)
            into = self._need(known, into_id)
            ids = [row[0] for row in connection.execute("SELECT id FROM pictures WHERE label = ?", (from_id,))]
            action = self._do(connection, "merge", "hand", into.name, "picture", {i: {"label": into_id} for i in ids})
            self._more(connection, action.id, "class", {from_id: {"removed": 1}})
            return action

    def remove_class(self, class_id: int) -> ProjectAction:
        """Remove a class; its pictures have no label then."""
        with self.database.changing() as connection:
            gone = self._need(self.classes(), class_id)
            ids = [row[0] for row in connection.execute("SELECT id FROM pictures WHERE label = ?", (class_id,))]
            action = self._do(connection, "class", "hand", gone.name, "class", {class_id: {"removed": 1}})
            self._more(connection, action.id, "picture", {i: {"label": None} for i in ids})
            return action

    # Pictures

    def index(self) -> TaughtPictures:
        """All pictures as arrays: 100,000 in about a third of a second."""
        import numpy as np

        with self.database.reading() as connection:
            revision = connection.execute("SELECT value FROM facts WHERE name = 'revision'").fetchone()
            rows = connection.execute(
                "SELECT id, coalesce(label, 0), state, star, path FROM pictures WHERE removed = 0 ORDER BY id"
            ).fetchall()
            notes = connection.execute("SELECT id, note FROM pictures WHERE removed = 0 AND note != ''").fetchall()
        columns: list[Any] = [np.fromiter((row[i] for row in rows), np.int64, len(rows)) for i in range(4)]
        table = np.stack(columns, axis=1)
        sep = os.sep.encode()
        names = [os.fsdecode(path[path.rfind(sep) + 1 :]) for *_, path in rows]
        return TaughtPictures(
            np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]), table[:, 2].astype(np.uint8),
            table[:, 3].astype(bool), names, int(revision[0]) if revision else 0, dict(notes),
        )  # fmt: skip

    def pictures(self, ids: Sequence[int]) -> list[TaughtPicture]:
        """These pictures, in the order asked for; ids that are unknown are left out."""
        found: dict[int, TaughtPicture] = {}
        with self.database.reading() as connection:
            for part in parts_of(ids):
                asked = (
                    "SELECT id, path, frame, state, problem, label, star, note, width, height, sharpness, added,"
                    f" labelled FROM pictures WHERE id IN ({','.join('?' * len(part))})"
                )
                for row in connection.execute(asked, part):
                    path = self.path_of(row[1])
                    found[row[0]] = TaughtPicture(
                        row[0], path, os.path.basename(path) or path, row[2], PictureState(row[3]), row[4], row[5],
                        bool(row[6]), *row[7:],
                    )  # fmt: skip
        return [found[i] for i in ids if i in found]

    def picture(self, picture_id: int) -> TaughtPicture:
        """One picture. Raises :class:`StoreError` ``no-picture``."""
        found = self.pictures([picture_id])
        if not found:
            raise StoreError("no-picture", "this picture is not in the project any more")
        return found[0]

    def source(self, picture_id: int) -> ImageSource:
        """What the decoder opens."""
        picture = self.picture(picture_id)
        return ImageSource.from_path(picture.path, picture.frame)

    def find(self, paths: Iterable[str], frame: int = 0) -> dict[str, int]:
        """The ids of the pictures at these absolute paths; removed ones are left out."""
        coded = {self.coded(path): path for path in paths}
        found: dict[str, int] = {}
        with self.database.reading() as connection:
            for part in parts_of(list(coded)):
                asked = f"SELECT path, id FROM pictures WHERE removed = 0 AND frame = ? AND path IN ({','.join('?' * len(part))})"  # noqa: E501
                found |= {coded[bytes(path)]: i for path, i in connection.execute(asked, (frame, *part))}
        return found

    def add(self, files: Iterable[tuple[str, int, int]], frame: int = 0, how: How = "hand") -> list[int]:
        """Add pictures: absolute path, size in bytes and time of change in nanoseconds of each, as ``os.stat`` tells.

        Those that are there are left as they are; removed ones come back with what was known of them. Returns the ids
        of those that were added, in order: one step of undo.
        """
        now = time.time()
        added: list[int] = []
        with self.database.changing() as connection:
            for path, size, mtime in files:
                coded = self.coded(path)
                row = connection.execute(
                    "SELECT id, removed FROM pictures WHERE path = ? AND frame = ?", (coded, frame)
                ).fetchone()
                if row is None:
                    made = connection.execute(
                        "INSERT INTO pictures (path, frame, added, size, mtime, removed) VALUES (?, ?, ?, ?, ?, 1)",
                        (coded, frame, now, size, mtime),
                    ).lastrowid
                    assert made is not None
                    added.append(made)
                elif row[1]:
                    added.append(row[0])
            if added:
                self._do(connection, "add", how, "", "picture", {i: {"removed": 0} for i in added})
        return added

    def remove(self, ids: Sequence[int]) -> ProjectAction:
        """Take pictures out of the project; files are not touched, labels come back with them."""
        with self.database.changing() as connection:
            return self._do(connection, "remove", "hand", "", "picture", {i: {"removed": 1} for i in ids})

    # Labels

    def label(self, ids: Sequence[int], class_id: int | None, how: How = "hand") -> ProjectAction:
        """Say what pictures are (``None``: that they have no label): one step of undo, on the disk when this returns.

        Raises :class:`StoreError` ``no-class``, and what :meth:`ProjectDatabase.changing` raises.
        """
        with self.database.changing() as connection:
            name = "" if class_id is None else self._class_name(connection, class_id)
            return self.label_each(dict.fromkeys(ids, class_id), how, name)

    def label_each(self, labels: Mapping[int, int | None], how: How = "import", text: str = "") -> ProjectAction:
        """As :meth:`label`, each picture with its own class."""
        with self.database.changing() as connection:
            known = {row[0] for row in connection.execute("SELECT id FROM classes WHERE removed = 0")}
            if not known.issuperset(c for c in labels.values() if c is not None):
                raise StoreError("no-class", "this class is not in the project any more", "Choose another one.")
            kind: ActionKind = "unlabel" if all(c is None for c in labels.values()) else "label"
            return self._do(connection, kind, how, text, "picture", {i: {"label": c} for i, c in labels.items()})

    def star(self, ids: Sequence[int], star: bool = True) -> ProjectAction:
        """Mark pictures, or take the mark off."""
        with self.database.changing() as connection:
            return self._do(connection, "star", "hand", "", "picture", {i: {"star": int(star)} for i in ids})

    def note(self, picture_id: int, text: str) -> ProjectAction:
        """Write something beside a picture."""
        with self.database.changing() as connection:
            return self._do(connection, "note", "hand", "", "picture", {picture_id: {"note": text[:10_000]}})

    def _class_name(self, connection: sqlite3.Connection, class_id: int) -> str:
        row = connection.execute("SELECT name FROM classes WHERE id = ? AND removed = 0", (class_id,)).fetchone()
        if row is None:
            raise StoreError("no-class", "this class is not in the project any more", "Choose another one.")
        return str(row[0])

    @staticmethod
    def _need(known: Sequence[TaughtClass], class_id: int) -> TaughtClass:
        found = next((c for c in known if c.id == class_id), None)
        if found is None:
            raise StoreError("no-class", "this class is not in the project any more", "Choose another one.")
        return found

    @staticmethod
    def _refuse_double(known: Sequence[TaughtClass], name: str) -> None:
        wanted = look_of(name)
        same = next((c for c in known if look_of(c.name) == wanted), None)
        if same is not None:
            raise StoreError(
                "class-exists",
                phrase("there is a class '{name}' already", name=same.name),
                "Use it, or choose another name.",
            )


def clean_name(name: str, what: str) -> str:
    """``name`` without what is not visible, as people may write it in any script.

    Raises :class:`StoreError` ``bad-name`` for an empty one and one beyond 120 characters.
    """
    kept = " ".join("".join(c for c in name if c.isprintable() or c.isspace() or c in "\u200c\u200d").split())
    if not kept.replace("\u200c", "").replace("\u200d", "").strip():
        raise StoreError("bad-name", phrase("{what} needs a name", what=what), "Type one.")
    if len(kept) > _LONGEST_NAME:
        raise StoreError(
            "bad-name",
            phrase(
                "the name has {count:,} characters; at most {longest_name} expected",
                count=len(kept),
                longest_name=_LONGEST_NAME,
            ),
        )
    return kept
