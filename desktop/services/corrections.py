"""'This is a …': pictures with their right labels go into a Teach project, from wherever they are looked at.

The project is chosen once and remembered. All work with its database is done in a thread; what is listed here is what
the disk held a moment ago.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.services.background import DiskWork
from desktop.services.settings import Settings

if TYPE_CHECKING:
    from desktop.core.types import ImageSource

KEY = "corrections_project"
FIRST_NAME = "Corrections"


@dataclass(frozen=True, slots=True)
class ProjectChoice:
    """A project that corrections may go to, and its classes."""

    id: str
    name: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A picture that was given its right label: ``id`` in its project."""

    id: int
    name: str
    path: str
    label: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was done: ``ids`` of pictures in ``project``, the labels that they had ``before`` (ids of classes)."""

    project: str
    project_name: str
    label: str
    ids: tuple[int, ...]
    before: tuple[int | None, ...]


class Corrections(QObject):
    """``done`` carries a :class:`Corrected`, ``taken_back`` how many pictures, ``failed`` a sentence.

    ``listed`` carries the projects (:class:`ProjectChoice`, the chosen one first), ``found`` the corrections of the
    chosen project.
    """

    done = Signal(Corrected)
    taken_back = Signal(int)
    failed = Signal(str)
    listed = Signal(list)
    found = Signal(list)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._disk = DiskWork("corrections", self)
        self.last: Corrected | None = None

    @property
    def project(self) -> str:
        """The id of the project that corrections go to; '' before the first."""
        return str(self._settings.get(KEY) or self._settings.get("teach_project"))

    def list_projects(self) -> None:
        """Ask for the projects there are; ``listed`` follows."""
        self._disk.run(partial(_projects, self.project), self.listed.emit, self._fail)

    def correct(self, sources: Sequence[ImageSource], label: str, project: str = "", new_name: str = "") -> None:
        """Add pictures with their right label to ``project`` ('': the one used last); with ``new_name`` to a new one of
        that name. ``done`` follows."""
        wanted = project or ("" if new_name else self.project)
        self._disk.run(partial(_correct, tuple(sources), label, wanted, new_name), self._on_done, self._fail)

    def take_back(self, corrected: Corrected) -> None:
        """Give pictures the labels back that they had before; ``taken_back`` follows."""
        self._disk.run(partial(_take_back, corrected), self.taken_back.emit, self._fail)

    def list_corrections(self) -> None:
        """Ask for what the chosen project was corrected with; ``found`` follows."""
        self._disk.run(partial(_corrections, self.project), self.found.emit, self._fail)

    def unlabel(self, ids: Sequence[int]) -> None:
        """Take some of the listed corrections back: the pictures lose their label. ``taken_back`` follows."""
        self._disk.run(partial(_unlabel, self.project, tuple(ids)), self.taken_back.emit, self._fail)

    def finish(self) -> None:
        """Wait until all is on the disk; for the end of the program."""
        self._disk.stop()

    def _on_done(self, corrected: Corrected) -> None:
        self.last = corrected
        self._settings.set(KEY, corrected.project)
        self.done.emit(corrected)

    def _fail(self, error: Exception) -> None:
        from desktop.system.errors import FoveaError

        told = f"{error.message}. {error.hint}".strip() if isinstance(error, FoveaError) else type(error).__name__
        self.failed.emit(told)


def _projects(chosen: str) -> list[ProjectChoice]:
    from desktop.store.projects import ProjectStore
    from desktop.system.errors import FoveaError

    store, out = ProjectStore(), []
    for entry in store.entries():
        with contextlib.suppress(FoveaError), store.open(entry.id) as project:
            out.append(ProjectChoice(entry.id, entry.name, tuple(each.name for each in project.classes())))
    return sorted(out, key=lambda each: each.id != chosen)


def _correct(sources: tuple[ImageSource, ...], label: str, wanted: str, new_name: str) -> Corrected:
    from desktop.app import teaching
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    known = {entry.id for entry in store.entries()}
    if wanted not in known:
        new_name = new_name or FIRST_NAME
        # A name that there is means that project: two of one name would only be mistaken for each other.
        named = next((entry.id for entry in store.entries() if entry.name.casefold() == new_name.casefold()), "")
        wanted, new_name = named, "" if named else new_name
    with store.create(new_name) if new_name else store.open(wanted) as project:
        ids, before = [], []
        with project.one_step("label", "correction", label):
            class_id = project.class_named(label).id
            for source in sources:
                picture = teaching.add_source(project, source)
                ids.append(picture)
                before.append(project.picture(picture).label)
            project.label(ids, class_id, "correction")
        return Corrected(project.id, project.name, label, tuple(ids), tuple(before))


def _take_back(corrected: Corrected) -> int:
    from desktop.store.projects import ProjectStore

    with ProjectStore().open(corrected.project) as project:
        project.label_each(dict(zip(corrected.ids, corrected.before, strict=True)), "correction")
    return len(corrected.ids)


def _corrections(project_id: str) -> list[Correction]:
    from desktop.app import teaching
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    if project_id not in {entry.id for entry in store.entries()}:
        return []
    with store.open(project_id) as project:
        names = {each.id: each.name for each in project.classes()}
        held = {each.id: each for each in project.pictures(teaching.corrections(project))}
        order = [held[each] for each in teaching.corrections(project) if each in held]
        return [Correction(each.id, each.name, each.path, names.get(each.label or 0, "")) for each in order]


def _unlabel(project_id: str, ids: tuple[int, ...]) -> int:
    from desktop.store.projects import ProjectStore

    with ProjectStore().open(project_id) as project:
        project.label(list(ids), None, "correction")
    return len(ids)
