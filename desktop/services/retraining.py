"""Retraining with the corrections: a better model of a project's labels, and the old one beside it.

:meth:`Retraining.retrain` hands a plan on; when its model is made, :meth:`Retraining.look_at` has the old and the new
one answer the pictures that were held back, which neither has learned from, with McNemar's test as Evaluate does.
Whether a model is to be compared stands in its project, so nothing is forgotten if the training ends in a later
session.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.core.types import FoveaError
from desktop.services.background import DiskWork, Task

if TYPE_CHECKING:
    from desktop.app.evaluating import Comparison, Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class OldAgainstNew:
    """Two models by their ids and names, the older one's evaluation, the newer one beside it; ``data``: the labelled
    pictures."""

    old: str
    new: str
    names: tuple[str, str]
    first: Evaluation
    second: Comparison
    data: str


class Retraining(QObject):
    """``prepared`` carries a plan and a name for a training; ``compared`` an :class:`OldAgainstNew`; ``said`` a
    sentence on what went wrong or is missing, ``told`` one on what is done."""

    prepared = Signal(tuple)
    compared = Signal(OldAgainstNew)
    said = Signal(str)
    told = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._disk = DiskWork("retraining", self)
        self._task: Task | None = None
        self._waiting: list[tuple[str, str]] = []

    @property
    def busy(self) -> bool:
        """Whether something is prepared or compared."""
        return self._disk.busy or self._task is not None

    def finish(self) -> None:
        """Let go; for the end of the program."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        self._disk.stop()

    @Slot(str, str)
    def retrain(self, project: str, model: str = "") -> None:
        """Make a better model of ``project``'s labels than ``model``, or than the one made of it last."""
        self._disk.run(partial(_prepare, project, model), self._on_prepared, self._fail)

    def _on_prepared(self, found: tuple[object, str, str]) -> None:
        plan, name, words = found
        self.told.emit(words)
        self.prepared.emit((plan, name))

    @Slot(str)
    def look_at(self, model: str) -> None:
        """A model was made: if it was to be compared with an older one, do so."""
        self._disk.run(partial(_older, model), partial(self._on_older, model), self._fail)

    def _on_older(self, model: str, older: str) -> None:
        if older:
            self._waiting.append((older, model))
            self._next()

    def _next(self) -> None:
        if self._task is None and self._waiting:
            self._task = Task(partial(_compare, *self._waiting.pop(0)))
            self._task.answered.connect(self._on_compared)
            self._task.failed.connect(self._on_failed)
            self._task.launch()

    @Slot(object)
    def _on_compared(self, found: OldAgainstNew | None) -> None:
        self._task = None
        if found is not None:
            self.compared.emit(found)
        self._next()

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        self._task = None
        self._fail(error)
        self._next()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, FoveaError):
            if error.kind != "stopped":
                self.said.emit(f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".strip())
        else:
            self.said.emit(self.tr("Old and new could not be compared ({0}).").format(type(error).__name__))


def _prepare(project_id: str, preferred: str) -> tuple[object, str, str]:
    from desktop.app.teaching_models import corrected, prepare_training, retrainable
    from desktop.store.projects import ProjectStore
    from desktop.store.store import ModelStore
    from desktop.system.words import phrase

    with ProjectStore().open(project_id) as project:
        old = retrainable(project, preferred)
        if not old:
            raise FoveaError(
                "no-model",
                phrase("no model was made of the project '{name}' yet", name=project.name),
                "Make it a model first; then it can be made again with what was corrected.",
            )
        told = corrected(project, old)
        if not told.changed:
            raise FoveaError(
                "nothing-new",
                phrase("'{model}' has learned all that the project says", model=old),
                "Correct some of its answers, or label more pictures, then retrain it.",
            )
        manifest = ModelStore().require(old).manifest
        name = manifest.name if manifest is not None else project.name
        plan = prepare_training(project, name=name, compared_with=old)
    if told.held_back:
        words = phrase(
            "Retraining '{name}' with {count:,} new labels; {held:,} more are kept back to compare old and new.",
            name=name,
            count=told.changed - told.held_back,
            held=told.held_back,
        )
    else:
        words = phrase("Retraining '{name}' with {count:,} new labels.", name=name, count=told.changed)
    return plan, name, words


def _older(model: str) -> str:
    """The model that ``model`` is to be compared with, '' for none."""
    from desktop.app.teaching_models import before, check_data, project_of
    from desktop.store.projects import ProjectStore
    from desktop.store.store import ModelStore

    manifest = ModelStore().get(model).manifest
    owner = project_of(manifest) if manifest is not None else ""
    store = ProjectStore()
    if manifest is None or owner not in {entry.id for entry in store.entries()}:
        return ""
    with store.open(owner) as project:
        older = before(project, manifest)
        if older and check_data(project, manifest) is None:
            from desktop.app.teaching_models import FEWEST_HELD_BACK, HELD_BACK
            from desktop.system.words import phrase

            raise FoveaError(
                "nothing-held-back",
                phrase(
                    "'{name}' is made; it was not compared with the one before: that needs about {wanted} pictures "
                    "labelled since then",
                    name=manifest.name,
                    wanted=round(FEWEST_HELD_BACK / HELD_BACK),
                ),
                "It is among your models all the same.",
            )
        return older


def _compare(old: str, new: str, task: Task) -> OldAgainstNew | None:
    from desktop.app.teaching_models import check_data, compare_old_new, project_of
    from desktop.engine.client import EngineClient
    from desktop.store.projects import ProjectStore
    from desktop.store.store import ModelStore

    models = ModelStore()
    manifests = [models.require(name).manifest for name in (old, new)]
    newer = manifests[1]
    assert newer is not None
    with ProjectStore().open(project_of(newer)) as project, EngineClient() as client:
        first, second = compare_old_new(client, project, old, new, cancelled=lambda: task.cancelled)
        place = check_data(project, newer)
    names = (manifests[0].name if manifests[0] is not None else old, newer.name)
    return None if task.cancelled else OldAgainstNew(old, new, names, first, second, str(place))
