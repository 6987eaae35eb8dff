"""Models coming in and going out: a file of a network is looked through, asked about, imported; a model is exported.

``fovea models`` calls these in its own thread, the window in that of a job (:mod:`desktop.services.model_jobs`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.app.exports import export_for
from desktop.ml.exchange import export_model, foreign, import_model
from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile
from desktop.store import catalogue
from desktop.store.store import ModelStore

if TYPE_CHECKING:
    from desktop.ml.exchange.export_model import Exported
    from desktop.store.download import DownloadControl
    from desktop.store.manifest import Manifest
    from desktop.store.store import ModelEntry

Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked through; ``found`` is ``None`` for a whole model of another Fovea, which says all."""

    path: Path
    found: FoundInFile | None

    def missing(self, facts: ForeignFacts) -> dict[str, str]:
        """What neither the file nor ``facts`` says, and nobody guesses: field to sentence."""
        return foreign.missing(self.found, facts) if self.found is not None else {}


def look(path: Path, tell: Tell = lambda event: None, control: DownloadControl | None = None) -> Looked:
    """Look through a file in a child process. Raises :class:`desktop.core.types.FoveaError` for one that is refused."""
    return Looked(path, import_model.look(path, tell, control))


def import_file(
    looked: Looked, facts: ForeignFacts, tell: Tell = lambda event: None, control: DownloadControl | None = None
) -> Manifest:
    """Bring in a file that was looked through, under an id that no model has. Raises
    :class:`desktop.core.types.FoveaError`, ``needs-facts`` among them."""
    return import_model.bring_in(looked.path, facts, ModelStore(), tell, control, looked.found)


def imagenet_labels(store: ModelStore | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of ImageNet's thousand classes and their ids, where a described network has them."""
    known = (store or ModelStore()).get(catalogue.LABELS_OF).manifest
    return (known.labels, known.label_ids) if known is not None else ((), ())


def export_file(
    entry: ModelEntry,
    target: Path,
    pictures: Path | None = None,
    tell: Tell = lambda event: None,
    control: DownloadControl | None = None,
    form: str = "",
) -> Exported:
    """Write a model in the form that the ending of ``target`` (or ``form``) names. Raises
    :class:`desktop.core.types.FoveaError`, ``bad-suffix`` among them."""
    chosen = form or export_for("model", target).form
    return export_model.export(entry, chosen, target, pictures, tell, control)
