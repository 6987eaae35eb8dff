"""What a cross-validation said of each picture, kept as any other evaluation is: the single mistakes can be looked at.

The finished model has learned from all of these pictures, and its own answers to them would promise too much. These are
of the heads that each learned from the other parts; the model's card has its figures from them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop.core.data.persons import headers_of, told_in
from desktop.core.figures.result import EvaluationResult
from desktop.core.figures.store import EvaluationStore
from desktop.ml.data.assemble import Gathered
from desktop.ml.packaging import evaluate
from desktop.ml.packaging.decide import Calibrated
from desktop.ml.plans.plan import TrainingPlan
from desktop.store.manifest import FileEntry, Manifest
from desktop.store.model_facts import model_facts


def keep(plan: TrainingPlan, gathered: Gathered, found: Calibrated, manifest: Manifest, file_sha256: str) -> str:
    """Keep what was ``found`` of the user's own pictures among the evaluations of the model of ``manifest``, whose
    exported file has ``file_sha256``; returns its key. Raises :class:`desktop.core.types.FoveaError`."""
    own = replace(manifest, files=manifest.files | {"model.tflite": FileEntry(file_sha256, 0)})
    result = evaluate.result_of(
        plan, gathered, found.decision, found.pictures, found.scores.astype("float32"), found.split, "Keras",
        file_sha256, manifest.version,
    )  # fmt: skip
    data = replace(
        result.data, kind="folders", root=plan.data.path or gathered.folder, fingerprint=gathered.fingerprint,
        private=_private(gathered.folder, result),
    )  # fmt: skip
    return EvaluationStore().save(replace(result, model=model_facts(own), data=data))


def _private(folder: str, result: EvaluationResult) -> tuple[str, ...]:
    """The names that hold the name or number of their DICOM patient; reports do not show them."""
    if not Path(folder).is_dir():
        return ()
    headers = headers_of([str(Path(folder, *name.split("/"))) for name in result.names])
    return tuple(
        name for name, header in zip(result.names, headers, strict=True) if header and name in told_in(header, (name,))
    )
