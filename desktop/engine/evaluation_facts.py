"""What a result keeps of the model that answered and of the data that it answered for."""

from __future__ import annotations

from dataclasses import asdict

from desktop.core.data.dataset import LabelledDataset
from desktop.core.data.label_map import LabelMap
from desktop.core.data.persons import Grouping, patients_in
from desktop.core.figures.result import DataFacts, ModelFacts, setup_of
from desktop.core.types import FoveaError
from desktop.store.manifest import Manifest

_AT_ONCE = 256  # files asked for their patient


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
            text = f"a threshold goes with two labels; this model has {len(manifest.labels)}"
            raise FoveaError("bad-threshold", text, "Leave the threshold out.")
        if not 0 <= threshold <= 1:
            raise FoveaError("bad-threshold", f"a threshold of {threshold}", "Expected 0 to 1.")
        own = f"; the model's own is {value:.3g}" if value is not None else ""
        value, why = threshold, reason or f"given by the user{own}"
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
    return out


def grouping_of(data: LabelledDataset) -> Grouping | None:
    """Whose image each is, where names or DICOM files tell it of some; ``None`` where they do not."""
    grouping = data.groups() if data.kind == "folders" else None
    return grouping if grouping is not None and (grouping.named or grouping.patients) else None


def data_facts(
    data: LabelledDataset, labels: LabelMap, names: tuple[str, ...], fingerprint: str, grouping: Grouping | None
) -> DataFacts:
    """What a result keeps of its data; ``grouping`` as :func:`grouping_of` gives it."""
    problems = tuple(problem.message for problem in data.problems) + labels.notes
    groups = grouping.count if grouping is not None else None
    mapping = labels.as_dict(data.classes, names)
    private, title = _private(data)
    return DataFacts(
        title, data.split, fingerprint, data.classes, mapping, data.kind, data.root, problems, groups, private
    )


def _private(data: LabelledDataset) -> tuple[tuple[str, ...], str]:
    """The names of DICOM files that hold their patient's name or number, and a title that does not."""
    names: list[str] = []
    title = data.title
    for start in range(0, len(data), _AT_ONCE) if data.kind == "folders" else ():
        places = range(start, min(start + _AT_ONCE, len(data)))
        asked = [(data.source(place).path, (data.name(place), data.title)) for place in places]
        for (_, (name, _)), found in zip(asked, patients_in(asked), strict=True):
            if name in found:
                names.append(name)
            if data.title in found:
                title = "data"
    return tuple(names), title
