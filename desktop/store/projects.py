"""The user's labelling projects: one folder each below ``projects`` in the user's data.

A project is made whole or not at all; deleting is one rename into ``.trash``, from which :meth:`ProjectStore.restore`
takes it back.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
import unicodedata
import uuid
from collections.abc import Iterator
from pathlib import Path

from desktop import paths
from desktop.core.types import StoreError
from desktop.store.ids import free_among, id_of
from desktop.store.locks import Busy, hold
from desktop.store.project import Project, clean_name
from desktop.store.project_database import DATABASE
from desktop.store.project_facts import ProjectEntry
from desktop.system.files import OWN_DISK, not_written
from desktop.system.words import phrase

TRASH = ".trash"
KEEP_S = 30 * 24 * 3600
"""Seconds that a deleted project stays in the trash."""
ROWS = "*.rows"
_BUILDING = ".building-"
_OLD_S = 24 * 3600
_WAIT_S = 10.0
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TOKEN = re.compile(r"(\d{1,12})-([0-9a-f]{8})\.([a-z0-9][a-z0-9-]{0,63})")


class ProjectStore:
    """The projects below ``root`` (default: the user's)."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else paths.user_data() / "projects"

    def entries(self) -> list[ProjectEntry]:
        """All projects, the one changed last first; damaged ones with what is wrong."""
        found = []
        with contextlib.suppress(OSError):
            for item in sorted(os.scandir(self.root), key=lambda item: item.name):
                if _ID.fullmatch(item.name) and item.is_dir():
                    found.append(self._entry(Path(item.path)))
        return sorted(found, key=lambda entry: entry.changed, reverse=True)

    def find(self, wanted: str) -> str:
        """The id of the project with this id or name. Raises :class:`StoreError` ``no-project`` and
        ``which-project``."""
        known = self.entries()
        if any(entry.id == wanted for entry in known):
            return wanted
        named = [entry.id for entry in known if entry.name.casefold() == wanted.casefold()]
        if len(named) == 1:
            return named[0]
        if named:
            text = phrase(
                "{count} projects are called '{wanted}': {ids}",
                count=len(named),
                wanted=wanted,
                ids=named,
            )
            raise StoreError("which-project", text, "Say which one by its id.")
        listed = [entry.id for entry in known] or phrase("none yet")
        raise StoreError(
            "no-project",
            phrase("there is no project '{wanted}'", wanted=wanted),
            phrase("Projects: {listed}.", listed=listed),
        )

    def create(self, name: str) -> Project:
        """Make an empty project and open it. Raises :class:`StoreError`."""
        name = clean_name(name, phrase("a project"))
        with self._changing():
            building = self._building()
            try:
                with Project(building, create=True) as project:
                    self._write_facts(project, name)
                folder = self.root / self._free_id(name)
                os.rename(building, folder)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        return Project(folder)

    def open(self, project_id: str) -> Project:
        """Open a project. Raises :class:`StoreError` (``no-project``, ``damaged``, ``newer`` …)."""
        folder = self._folder(project_id)
        if not folder.is_dir():
            raise StoreError(
                "no-project",
                phrase("there is no project '{project_id}'", project_id=project_id),
                "Look among the deleted ones.",
            )
        return Project(folder)

    def rename(self, project_id: str, name: str) -> None:
        """Call a project ``name``; its id, by which models know it, stays. Raises :class:`StoreError`."""
        name = clean_name(name, phrase("a project"))
        with self.open(project_id) as project:
            project.set_fact("name", name)

    def duplicate(self, project_id: str, name: str = "") -> str:
        """Copy a project with its labels and their history, as it is at this moment; returns the copy's id. Pictures
        are not copied. Raises :class:`StoreError`."""
        with self.open(project_id) as project, self._changing():
            title = clean_name(name or f"{project.name} copy", phrase("a project"))
            building = self._building()
            try:
                project.database.backup(building / DATABASE)
                for part in project.folder.glob(ROWS):
                    shutil.copyfile(part, building / part.name)
                for folder in ("kept", "archives"):
                    if (project.folder / folder).is_dir():
                        shutil.copytree(project.folder / folder, building / folder)
                chosen = self._free_id(title)
                with Project(building) as copy:
                    self._write_facts(copy, title)
                os.rename(building, self.root / chosen)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        return chosen

    def delete(self, project_id: str) -> str:
        """Move a project into the trash; returns the token that :meth:`restore` takes. Raises :class:`StoreError`."""
        with self._changing():
            folder = self._folder(project_id)
            if not folder.is_dir():
                raise StoreError("no-project", phrase("there is no project '{project_id}'", project_id=project_id))
            self.empty_old()
            place = self.root / TRASH / f"{int(time.time())}-{secrets.token_hex(4)}.{project_id}"
            place.parent.mkdir(exist_ok=True)
            os.rename(folder, place)
        return place.name

    def restore(self, token: str) -> str:
        """Take a deleted project back; returns its id. Raises :class:`StoreError` ``not-in-trash``, ``id-taken``."""
        match = _TOKEN.fullmatch(token)
        if match is None or not (self.root / TRASH / token).is_dir():
            raise StoreError("not-in-trash", "this project is not in the trash any more")
        with self._changing():
            target = self.root / match[3]
            if target.exists():
                raise StoreError(
                    "id-taken",
                    phrase("there is another project '{id}' now", id=match[3]),
                    "Rename that one first.",
                )
            os.rename(self.root / TRASH / token, target)
        return match[3]

    def deleted(self) -> list[tuple[str, str, int]]:
        """What is in the trash, the newest first: token, id, when it was deleted in seconds since 1970."""
        found = []
        with contextlib.suppress(OSError):
            for item in os.scandir(self.root / TRASH):
                match = _TOKEN.fullmatch(item.name)
                if match is not None:
                    found.append((item.name, match[3], int(match[1])))
        return sorted(found, key=lambda item: item[2], reverse=True)

    def empty_old(self, keep_s: float = KEEP_S) -> int:
        """Remove for good what was deleted longer than ``keep_s`` seconds ago; returns how many."""
        old = [token for token, _, when in self.deleted() if time.time() - when > keep_s]
        for token in old:
            shutil.rmtree(self.root / TRASH / token, ignore_errors=True)
        return len(old)

    def _entry(self, folder: Path) -> ProjectEntry:
        try:
            changed = max(p.stat().st_mtime for p in (folder / DATABASE, folder / f"{DATABASE}-wal") if p.exists())
        except (OSError, ValueError):
            changed = 0.0
        try:
            with Project(folder) as project, project.database.reading() as connection:
                facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
                pictures, labelled = connection.execute(
                    "SELECT count(*), count(label) FROM pictures WHERE removed = 0"
                ).fetchone()
                (classes,) = connection.execute("SELECT count(*) FROM classes WHERE removed = 0").fetchone()
        except StoreError as error:
            return ProjectEntry(folder.name, folder.name, 0.0, changed, 0, 0, 0, "", error.message)
        return ProjectEntry(
            folder.name, str(facts.get("name", folder.name)), float(facts.get("created", 0.0)), changed, pictures,
            labelled, classes, str(facts.get("model", "")),
        )  # fmt: skip

    @staticmethod
    def _write_facts(project: Project, name: str) -> None:
        with project.database.changing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)",
                [("name", name), ("created", time.time()), ("revision", 0), ("looked", 0), ("uuid", uuid.uuid4().hex)],
            )
            connection.execute("INSERT OR IGNORE INTO facts VALUES ('secret', ?)", (secrets.token_bytes(32),))

    def _folder(self, project_id: str) -> Path:
        if not _ID.fullmatch(project_id):
            raise StoreError("no-project", phrase("'{project_id}' is no project's id", project_id=project_id))
        return self.root / project_id

    def _free_id(self, name: str) -> str:
        latin = re.search(r"[A-Za-z0-9]", unicodedata.normalize("NFKD", name))
        stem = id_of(name) if latin else "project"
        taken = {token_id for _, token_id, _ in self.deleted()}
        return free_among(stem, taken, lambda found: (self.root / found).exists())

    def _building(self) -> Path:
        for old in self.root.glob(f"{_BUILDING}*"):
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_mtime > _OLD_S:
                    shutil.rmtree(old, ignore_errors=True)
        building = self.root / f"{_BUILDING}{uuid.uuid4().hex[:12]}"
        building.mkdir()
        return building

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """One change of the list at a time, over all processes; what the disk refuses is said in words."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with hold(self.root / ".lock", _WAIT_S):
                yield
        except Busy:
            raise StoreError("busy", "another window of Fovea is changing the projects", "Try again.") from None
        except OSError as error:
            raise not_written("the change", OWN_DISK, error, StoreError) from error
