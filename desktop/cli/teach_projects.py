"""Opening the project that a command names, and adding pictures to it with a line that says how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from desktop.cli import console
from desktop.core.types import FoveaError

if TYPE_CHECKING:
    from desktop.store.project import Project


def opened(given: str) -> Project:
    """The project with this id or name, or the one of this folder of pictures, which is made when it is first asked
    for. Raises :class:`FoveaError`."""
    from desktop.app import teaching
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    try:
        return store.open(store.find(given))
    except FoveaError as error:
        if error.kind != "no-project" or not Path(given).is_dir():
            raise
    project = teaching.project_of_folder(store, Path(given))
    if not len(project.index()):
        added_to(project, [given])
    return project


def added_to(project: Project, paths: list[str]) -> dict[str, int]:
    """Add files, folders and archives; how many are new (``added``), were ``known``, and could not be read
    (``problems``)."""
    from desktop.app import teaching

    bar = console.ProgressLine()
    try:
        with console.Interrupts("stopping; what was added stays") as stop:
            found = teaching.add_pictures(
                project, paths, lambda done, _: bar.update(f"adding pictures: {done:,}"), lambda: stop.asked
            )
    finally:
        bar.clear()
    for problem in found.problems[:20]:
        console.note(f"{console.printable(Path(problem.path).name)}: {problem.message}")
    return {"added": len(found.ids), "known": found.known, "problems": len(found.problems)}
