"""What an evaluation keeps of the model that it is of."""

from __future__ import annotations

from dataclasses import asdict

from desktop.core.figures.result import ModelFacts, setup_of
from desktop.core.types import FoveaError
from desktop.store.manifest import Manifest
from desktop.system.words import phrase


def model_facts(manifest: Manifest, threshold: float | None = None, reason: str = "") -> ModelFacts:
    """What a result keeps of a model. ``threshold`` overrides its decision.

    For two labels without a decision rule of the model's own the second one is the positive class. Raises
    :class:`FoveaError` of kind ``bad-threshold`` where a threshold does not fit.
    """
    decision = manifest.decision
    two = len(manifest.labels) == 2
    positive = decision.positive if decision.positive is not None else (1 if two else None)
    value, why = (decision.value, decision.reason) if decision.rule == "threshold" else (None, "")
    if threshold is not None:
        if not two:
            text = phrase("a threshold goes with two labels; this model has {count}", count=len(manifest.labels))
            raise FoveaError("bad-threshold", text, "Leave the threshold out.")
        if not 0 <= threshold <= 1:
            raise FoveaError(
                "bad-threshold", phrase("a threshold of {threshold}", threshold=threshold), "Expected 0 to 1."
            )
        own = phrase("; the model's own is {value:.3g}", value=value) if value is not None else ""
        value, why = threshold, reason or phrase("given by the user{own}", own=own)
    return ModelFacts(
        manifest.id, manifest.name, manifest.version, manifest.files["model.tflite"].sha256, manifest.labels, positive,
        value, why, manifest.scores, manifest.medical, _card(manifest),
        setup_of(manifest.preprocess, manifest.outputs["probabilities"]),
    )  # fmt: skip


def _card(manifest: Manifest) -> dict[str, object]:
    """The parts of the card that a report prints, in plain JSON types."""
    card = asdict(manifest.card)
    kept = ("summary", "intended_use", "limits", "known_failures", "must_not", "population", "notice", "architecture")
    out: dict[str, object] = {name: list(v) if isinstance(v := card[name], tuple) else v for name in kept}
    out["metrics"] = [asdict(metric) for metric in manifest.metrics]
    out["training_data"] = manifest.provenance.data
    out["threshold"] = manifest.decision.value if manifest.decision.rule == "threshold" else None
    if manifest.domain is not None:
        gate = manifest.domain
        out["gate"] = {"refused": gate.refused, "n": gate.n, "split": gate.split, "data": manifest.provenance.data}
    return out
