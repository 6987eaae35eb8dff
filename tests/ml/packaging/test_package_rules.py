"""What the making of a model decides on its way: limits, versions, the figures and remarks of its card."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.result import figures
from desktop.core.types import FoveaError
from desktop.ml.packaging import package
from desktop.ml.plans.events import Note, Phase
from desktop.store.catalogue import EVERYDAY
from desktop.store.manifest import Decision, Domain
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


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(reason="no threshold could be chosen"), ["no threshold could be chosen"]),
        (Decision(), []),
        (Decision("threshold", 1, 0.4, "the best"), []),
    ],
)
def test_why_there_is_no_threshold_is_told_and_the_temperature_goes_into_the_network(
    decision: Decision, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(decision=decision, temperature=1.75)
    monkeypatch.setattr(package, "calibrated", lambda plan, gathered, trained: found)
    monkeypatch.setattr(package.deploy, "finish", lambda *given: given)
    made, told = job(tmp_path)
    made.plan.mirrored, made.trained.model = True, "network"
    assert package._calibrate(made) == (found, ("network", 1.75, True))
    assert [str(event.text) for event in told if isinstance(event, Note)] == said and not made.limits
    assert [(event.name, event.done, event.total) for event in told if isinstance(event, Phase)] == [
        ("calibrating", 0, 1), ("calibrating", 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("start", ["other", EVERYDAY])
@pytest.mark.parametrize(("bytes_each", "sample"), [(1, 400), (1 << 28, 4), (1 << 30, 4), (1 << 25, 32)])
def test_from_which_pictures_trust_is_fitted(
    crossed: bool, start: str, bytes_each: int, sample: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def fit(*arguments: Any) -> Any:
        given.extend(arguments)
        arguments[6](2, 5)
        arguments[7]("gate", "picked", "rows")
        return SimpleNamespace(trouble="", domain=None)

    monkeypatch.setattr(package.confidence, "fit", fit)
    monkeypatch.setattr(package.SecondLook, "of", lambda: SimpleNamespace(features="features"))
    monkeypatch.setattr(package.head_detection, "find", lambda model, images, answers, outputs: (len(images), answers))
    made, told = job(tmp_path)
    made.plan.start.model = start
    made.gathered.validation.images = np.zeros((500, 1), np.uint8)
    made.trained.held_out = "answers" if crossed else None
    lite = SimpleNamespace(bytes_each=bytes_each, run=lambda images: f"of {len(images)}")
    own = SimpleNamespace(labels="labels")
    found = SimpleNamespace(scores="scores", pictures=own, split="cross-validation")
    judged = package._judge(made, SimpleNamespace(lite=lite, outputs={}, model=None), found)  # type: ignore[arg-type]
    assert given[8] == (("scores", "labels", "cross-validation") if crossed else None)
    assert given[10] == (None if start == EVERYDAY else "features") and given[11] is False
    assert judged.head == (sample, f"of {sample}") and judged.looked_at == ("gate", "picked", "rows")
    assert [(event.name, event.done, event.total) for event in told] == [("confidence", 2, 5)]


def evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test: Any, copied: str = ""
) -> tuple[Any, Any, list[Any]]:
    """What :func:`package._evaluate` gives and was given, with the job."""
    made, told = job(tmp_path)
    made.gathered.open_test = lambda: test
    found = SimpleNamespace(
        figures="of validation", validation={"n": 9}, split="validation", decision="rule", temperature=1.5,
        ece_before=0.2, ece_after=0.1, pictures=[0] * 9,
    )  # fmt: skip
    monkeypatch.setattr(package, "copies", lambda gathered, pictures, what: copied)
    monkeypatch.setattr(package, "sha256_of", lambda file: f"sum of {file}")
    monkeypatch.setattr(package.confidence, "checked", lambda *given: given)
    calls: list[Any] = []

    def measure(*given: Any) -> Any:
        calls.append((*given[2:4], given[4](None), *given[5:]))
        return "of test", {"n": 4}

    monkeypatch.setattr(package.evaluate, "measure", measure)
    lite = SimpleNamespace(run=lambda images, only: (f"{images} {only}",))
    exported: Any = SimpleNamespace(lite=lite, outputs={"probabilities": 1}, lite_file="file")
    measured = package._evaluate(made, exported, found, "sets", 3)  # type: ignore[arg-type]
    assert found.validation == {"n": 9}, "what was found stays as it is"
    assert [(event.name, event.done, event.total) for event in told if isinstance(event, Phase)] == [
        ("evaluating", 0, 1), ("evaluating", 1, 1),
    ]  # fmt: skip
    return measured, made, calls


CALIBRATION = {"temperature": 1.5, "ece_before": 0.2, "ece_after": 0.1, "split": "validation", "n": 9}


def test_without_a_test_split_the_figures_are_those_of_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, made, calls = evaluated(tmp_path, monkeypatch, None, "copies")
    assert (measured.figures, measured.split, measured.sets, calls) == ("of validation", "validation", "sets", [])
    assert measured.document == {"n": 9, "schema": 1, "calibration": CALIBRATION} and not made.limits


@pytest.mark.parametrize("copied", ["", "3 of the pictures were learned from"])
def test_the_test_split_is_opened_once_and_its_copies_are_told(
    copied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = SimpleNamespace(images="images", labels="labels")
    measured, made, calls = evaluated(tmp_path, monkeypatch, test, copied)
    scores = "images (1,)"
    assert (measured.figures, measured.split) == ("of test", "test") and made.limits == ([copied] if copied else [])
    assert measured.sets == ("sets", "rule", scores, "labels", "test")
    assert calls == [("rule", test, scores, "test", "LiteRT", "sum of file", 3)]
    assert measured.document == {"n": 4, "validation": {"n": 9}, "schema": 1, "calibration": CALIBRATION}


@pytest.mark.parametrize(("held_out", "folder", "kept"), [("answers", "own", 1), (None, "own", 0), ("answers", "", 0)])
@pytest.mark.parametrize("trouble", [False, True])
def test_what_a_cross_validation_said_is_kept_of_own_pictures(
    held_out: str | None, folder: str, kept: int, trouble: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def keep(*given: Any) -> None:
        calls.append(given[4])
        if trouble:
            raise FoveaError("disk-full", "the disk is full")

    monkeypatch.setattr(package.crossed, "keep", keep)
    monkeypatch.setattr(package, "sha256_of", lambda file: f"sum of {file}")
    made, told = job(tmp_path)
    made.trained.held_out, made.gathered.folder = held_out, folder
    package._keep_crossed(made, SimpleNamespace(lite_file="file"), "found", "manifest")  # type: ignore[arg-type]
    assert calls == ["sum of file"] * kept
    said = [str(event.text) for event in told if isinstance(event, Note)]
    told_of = ["what the cross-validation said of single pictures is not kept: the disk is full"]
    assert said == (told_of if trouble and kept else []) and not made.limits
