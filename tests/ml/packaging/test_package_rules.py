"""What the making of a model decides on its way: limits, versions, the figures and remarks of its card."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.result import figures
from desktop.ml.packaging import package
from desktop.ml.plans.events import Note
from desktop.store.manifest import Domain
from tests.core.figures.makers import made_up
from tests.core.figures.makers import store as colours_store


def job(tmp_path: Path, **changes: Any) -> Any:
    """What all phases need, with a plan of the seed alone; ``told`` holds what was said."""
    told: list[Any] = []
    plan = SimpleNamespace(seed=3, preprocess=None, labels=("a", "b"), start=SimpleNamespace(model="other"))
    nothing = np.zeros((9, 1), np.uint8)
    gathered = SimpleNamespace(
        validation=SimpleNamespace(images=nothing, labels=np.zeros(9, int)), train=None, side=0, title="data"
    )
    trained = SimpleNamespace(held_out=None)
    made: Any = package._Job(
        plan, trained, gathered, tmp_path / "work", told.append, lambda: None, **changes  # type: ignore[arg-type]
    )  # fmt: skip
    return made, told


@pytest.mark.parametrize(("precision", "limit"), [("float32", 1e-4), ("float16", 1e-2)])
def test_weights_of_half_precision_may_differ_more(
    precision: Any, limit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(package, "convert", lambda source, target, precision: asked.append(precision))
    monkeypatch.setattr(package, "LiteRT", lambda file: "the file")
    monkeypatch.setattr(
        package, "check_parity", lambda *given: (asked.append(given), ({"probabilities": 0}, 4e-5, 7))[1]
    )
    made, told = job(tmp_path, precision=precision)
    model = SimpleNamespace(save=lambda file: file.write_bytes(b"k"))
    exported = package._export(made, model)
    assert asked[0] == precision
    assert asked[1][1:] == ("the file", made.gathered.validation, 3, limit)
    assert (exported.gap, exported.compared, exported.outputs) == (4e-5, 7, {"probabilities": 0})
    (said,) = [event.text for event in told if isinstance(event, Note)]
    assert str(said).endswith("over 7 validation pictures: 4.0e-05") and not made.limits


@pytest.mark.parametrize(("n", "rough"), [(18, True), (19, False)])
def test_of_fewer_than_19_pictures_the_card_says_that_the_limit_is_rough(
    n: int, rough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = SimpleNamespace(trouble="", domain=SimpleNamespace(n=n, refused=0.1))
    monkeypatch.setattr(package.confidence, "fit", lambda *given: trust)
    monkeypatch.setattr(package.SecondLook, "of", lambda: None)
    monkeypatch.setattr(package.head_detection, "find", lambda *given: None)
    made, told = job(tmp_path)
    lite = SimpleNamespace(bytes_each=1, run=lambda images: [])
    judged = package._judge(made, SimpleNamespace(lite=lite, outputs={}, model=None), SimpleNamespace())  # type: ignore[arg-type]
    assert judged.looked_at is None and judged.trust is trust
    said = [str(event.text) for event in told if isinstance(event, Note)]
    assert bool(said) is rough and made.limits == said
    if rough:
        assert said[0].startswith("18 validation pictures set the limit") and "about 10% of other pictures" in said[0]


def test_why_there_is_no_gate_is_told_and_is_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package.confidence, "fit", lambda *given: SimpleNamespace(trouble="too few", domain=None))
    monkeypatch.setattr(package.SecondLook, "of", lambda: None)
    monkeypatch.setattr(package.head_detection, "find", lambda *given: None)
    made, told = job(tmp_path)
    lite = SimpleNamespace(bytes_each=1, run=lambda images: [])
    package._judge(made, SimpleNamespace(lite=lite, outputs={}, model=None), SimpleNamespace())  # type: ignore[arg-type]
    assert [str(event.text) for event in told if isinstance(event, Note)] == ["no domain gate: too few"]
    assert not made.limits


@pytest.mark.parametrize("sick", [FEWEST - 1, FEWEST])
def test_a_card_names_no_sensitivity_of_too_few_pictures(sick: int) -> None:
    truth = np.repeat([0, 1], [40, sick])
    scores = np.full((len(truth), 2), 0.3)
    scores[np.arange(len(truth)), truth] = 0.7
    found = package.metrics_of(figures(made_up(truth, scores, threshold=0.5)), "The data", "test")
    named = {metric.name: metric for metric in found}
    assert ("sensitivity" in named) is (sick == FEWEST)
    specificity, accuracy = named["specificity"], named["accuracy"]
    assert (specificity.n, accuracy.n, accuracy.value) == (40, 40 + sick, 1.0)
    assert (accuracy.data, accuracy.split) == ("The data", "test")
    assert accuracy.low is not None and accuracy.high is not None and 0.8 < accuracy.low < accuracy.high


def test_a_version_follows_the_one_that_is_there(tmp_path: Path) -> None:
    held = colours_store(tmp_path)
    entry = held.require("colours")
    assert entry.manifest is not None
    folder = entry.folder.parent
    assert package._next_version("colours", folder) == entry.manifest.version + 1
    assert package._next_version("another", folder) == 1 == package._next_version("colours", tmp_path / "empty")


def test_a_finished_model_names_its_files(tmp_path: Path) -> None:
    manifest = colours_store(tmp_path).require("colours").manifest
    assert manifest is not None
    plain = package._ready(manifest, None)
    assert plain.state == "ready" and set(plain.files) == {"model.tflite"} and plain.domain is None
    gate = Domain("domain.json", "look", "validation", 40, 0.05, tuple(float(place) for place in range(21)))
    ready = package._ready(manifest, gate)
    assert set(ready.files) == {"model.tflite", "domain.json"} and ready.domain is gate
