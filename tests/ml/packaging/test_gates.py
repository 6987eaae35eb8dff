"""What stands between a trained or foreign network and the store: its decision, its converted file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.core.types import FoveaError, PreprocessSpec
from desktop.ml.data.public_sets import Pictures
from desktop.ml.exchange import export_model, import_model, install
from desktop.ml.exchange.export_formats import MODEL_FORMATS
from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile
from desktop.ml.packaging import calibrate, decide, package
from desktop.ml.plans import plan
from desktop.store import catalogue
from desktop.store.download import DownloadControl
from desktop.store.manifest import Decision
from desktop.store.store import ModelStore
from tests.core.figures.makers import store as colours_store

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"


def two_classes(rule: str, **changes: Any) -> plan.TrainingPlan:
    made = plan.load(RECIPES / "chest-xray-pneumonia.json")
    chosen = plan.DecisionPlan(rule, 1, 0.9 if rule == "sensitivity" else None)  # type: ignore[arg-type]
    return replace(made, labels=("NORMAL", "PNEUMONIA"), decision=chosen, **changes)


def test_the_plans_rule_makes_the_decision_and_says_so() -> None:
    truth = np.repeat([0, 1], 30)
    low, high = np.linspace(0.02, 0.2, 30), np.linspace(0.25, 0.45, 30)  # at 0.5 every picture would be NORMAL
    scores = np.stack([1 - np.concatenate([low, high]), np.concatenate([low, high])], axis=1)
    pictures = Pictures(np.zeros((60, 2, 2, 1), np.uint8), truth, tuple(map(str, range(60))))
    nothing: Any = None
    found = decide.decide(two_classes("balanced"), nothing, 1.0, scores, pictures)
    assert (found.rule, found.positive) == ("threshold", 1) and 0.2 < (found.value or 0) < 0.25
    assert found.reason.startswith("sensitivity and specificity alike on the validation split (60 pictures;")
    kept = decide.decide(two_classes("sensitivity"), nothing, 1.0, scores, pictures)
    assert kept.value == calibrate.sensitive_threshold(scores[:, 1], truth == 1, 0.9) and "at least 90%" in kept.reason
    assert decide.decide(two_classes("argmax"), nothing, 1.0, scores, pictures) == Decision()
    none = scores.copy()
    none[30:] = [1.0, 0.0]
    none[:30] = [0.9, 0.1]
    missed = decide.decide(two_classes("sensitivity"), nothing, 1.0, none, pictures)
    assert missed.rule == "argmax" or "the plan's cannot be reached" in missed.reason


# The exported file


def compared(
    gap: float, monkeypatch: pytest.MonkeyPatch, count: int = 3, limit: float | None = None
) -> tuple[dict[str, int], float, int]:
    """Parity of a network whose file is off by ``gap`` in the last picture's first score."""
    images = np.arange(count, dtype=np.uint8)[:, None, None, None]

    def answer(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.full(len(rows), 0.25), np.full(len(rows), 0.75)], axis=1)

    def exported(rows: np.ndarray) -> list[np.ndarray]:
        found = answer(rows)
        found[rows[:, 0, 0, 0] == count - 1, 0] += gap
        return [np.zeros((len(rows), 5)), found]

    network = SimpleNamespace(predict_on_batch=lambda rows: [answer(rows)], outputs=[None])
    monkeypatch.setattr(package, "pictures_at_once", lambda model, most: 2)
    monkeypatch.setattr(package.deploy, "outputs_of", lambda model: ("probabilities",))
    pictures = Pictures(images, np.zeros(count, int), tuple(map(str, range(count))))
    lite: Any = SimpleNamespace(run=exported)
    return package.check_parity(network, lite, pictures, 1, **({} if limit is None else {"limit": limit}))


def test_a_trained_networks_file_may_differ_by_a_ten_thousandth(monkeypatch: pytest.MonkeyPatch) -> None:
    for gap in (0.0, -0.9e-4, 0.9e-4):
        outputs, found, count = compared(gap, monkeypatch)
        assert outputs == {"probabilities": 1} and found == pytest.approx(abs(gap)) and count == 3
    for gap in (1.1e-4, -1.1e-4, 0.5, float("nan"), float("inf")):
        with pytest.raises(package.PackageError, match="1e-04 at most expected") as refused:
            compared(gap, monkeypatch)
        assert refused.value.kind == "parity"


def test_the_limit_itself_is_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compared(0.0, monkeypatch, count=2) == ({"probabilities": 1}, 0.0, 2)  # in one piece
    # A gap that binary holds exactly.
    assert compared(0.25, monkeypatch, limit=0.25)[1] == 0.25


@pytest.mark.parametrize(("precision", "limit"), [("float32", 1e-5), ("float16", 1e-2)])
def test_an_installed_networks_file_is_compared(precision: Any, limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    network = next(iter(catalogue.load().networks))
    request = install.InstallRequest(network, precision=precision)

    def differs(gap: float) -> tuple[float, dict[str, int], int]:
        monkeypatch.setattr(install, "run", lambda *_: (gap, {"probabilities": 0}, 9))
        return install._compare(request, Path("work"), DownloadControl(), lambda event: None)

    assert differs(limit) == (limit, {"probabilities": 0}, 9) and differs(0.0)[0] == 0.0
    for gap in (limit * 1.001, 1.0, float("nan"), float("inf")):
        with pytest.raises(FoveaError, match="at most") as refused:
            differs(gap)
        assert refused.value.kind == "parity"


@pytest.mark.parametrize(
    ("form", "precision", "limit"),
    [("tflite", "", 1e-4), ("keras", "", 1e-4), ("tflite", "float16", 1e-2), ("onnx", "float16", 1e-4)],
)
def test_an_exported_file_is_compared_before_it_is_written(
    form: Any, precision: str, limit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = colours_store(tmp_path)
    entry = held.require("colours")
    assert entry.manifest is not None
    plan_of = replace(entry.manifest.provenance, plan={"precision": precision} if precision else {})
    files = {**entry.manifest.files, "model.keras": entry.manifest.files["model.tflite"]}
    entry = replace(entry, manifest=replace(entry.manifest, provenance=plan_of, files=files))
    monkeypatch.setattr(export_model, "check_usable", lambda entry: entry.manifest)
    monkeypatch.setattr(export_model, "read_verified", lambda entry, name: entry.folder / "model.tflite")
    target = tmp_path / f"out{MODEL_FORMATS[form].ending}"

    def differs(gap: float | None) -> export_model.Exported:
        def wrote(step: str, arguments: tuple[str, ...], *_: Any) -> dict[str, Any]:
            work = Path(arguments[5])
            (work / f"out.{form}").write_bytes(b"network")
            for name in ("parity.json", "facts.json"):
                (work / name).write_text("{}")
            return {"difference": gap, "pictures": 7}

        monkeypatch.setattr(export_model, "run", wrote)
        return export_model.export(entry, form, target)

    for gap in (limit * 1.001, 1.0, float("nan"), float("inf")):
        with pytest.raises(FoveaError, match="at most expected") as refused:
            differs(gap)
        assert refused.value.kind == "parity" and not target.exists() and "Nothing was written" in refused.value.hint
    for gap in (limit, 0.0, None):
        assert differs(gap).difference == gap and target.read_bytes() == b"network"


def test_a_foreign_networks_file_is_compared_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(tmp_path / "bundled", tmp_path / "models")
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(b"\0\0\0\0TFL3")
    found = FoundInFile("tflite", 8, 8, 3, 3, "probabilities", None)
    facts = ForeignFacts("Foreign", ("a", "b", "c"), "0-1", "stretch", ends="probabilities")
    monkeypatch.setattr(import_model, "kind_of", lambda path: "tflite")
    monkeypatch.setattr(import_model, "missing", lambda found, facts: {})
    monkeypatch.setattr(import_model, "contradiction", lambda found, facts: "")
    monkeypatch.setattr(import_model, "_move", lambda work, folder, files: (folder / "model.tflite").write_bytes(b"x"))

    def differs(gap: float) -> Any:
        made = {"spec": PreprocessSpec(8, 8, "rgb", "stretch"), "gap": gap, "pictures": 4}
        monkeypatch.setattr(import_model, "run", lambda *_: made)
        return import_model.bring_in(foreign, facts, store, found=found)

    for gap in (1.001e-4, 1.0, float("nan"), float("inf")):
        with pytest.raises(FoveaError, match="answers otherwise") as refused:
            differs(gap)
        assert refused.value.kind == "does-not-fit" and not store.entries()
    assert differs(1e-4).parity.largest_difference == 1e-4 and len(store.entries()) == 1
