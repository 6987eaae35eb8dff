"""What validation decides: temperature, threshold or none, and the words that say why; each worked out beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.core.figures.intervals import FEWEST, Estimate
from desktop.core.figures.thresholds import Gain
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging import calibrate, decide
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import DecisionPlan, StartPlan, Step, TrainingPlan
from desktop.ml.training.solved import HeldOut
from desktop.store.manifest import Decision

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"


def plan(rule: str = "balanced", positive: int = 1, perturbed: int = 0, **changes: Any) -> TrainingPlan:
    made = plans.load(RECIPES / "chest-xray-pneumonia.json")
    chosen = DecisionPlan(rule, positive, 0.9 if rule == "sensitivity" else None, perturbed)  # type: ignore[arg-type]
    return replace(made, labels=("well", "ill"), decision=chosen, **changes)


def pictures(truth: np.ndarray, **changes: Any) -> Pictures:
    n = len(truth)
    return Pictures(np.zeros((n, 2, 2, 1), np.uint8), truth, tuple(map(str, range(n))), **changes)


def two_columns(positive: np.ndarray) -> np.ndarray:
    return np.stack([1 - positive, positive], axis=1)


def apart() -> tuple[np.ndarray, np.ndarray]:
    """Truth and scores of the ill: told apart well, but not at 0.5, where all would be well."""
    return np.repeat([0, 1], 30), np.concatenate([np.linspace(0.02, 0.2, 30), np.linspace(0.25, 0.45, 30)])


@pytest.mark.parametrize(
    ("only", "positive", "missing"), [(1, 1, "well"), (0, 1, "ill"), (0, 0, "ill"), (1, 0, "well")]
)
def test_a_class_that_validation_lacks_is_named(only: int, positive: int, missing: str) -> None:
    truth = np.full(40, only)
    found = decide.decide(plan(positive=positive), None, 1.0, two_columns(np.full(40, 0.7)), pictures(truth))  # type: ignore[arg-type]
    assert found.rule == "argmax" and found.value is None
    assert found.reason == f"no threshold could be chosen: validation holds no picture of '{missing}'"


def asked(monkeypatch: pytest.MonkeyPatch, logits: np.ndarray) -> list[tuple[Any, ...]]:
    """A network that gives ``logits`` for whatever it is asked; what it was asked is noted."""
    calls: list[tuple[Any, ...]] = []

    def logits_of(model: Any, images: Any, mirrored: bool, batch: int) -> np.ndarray:
        calls.append((model, images, mirrored, batch))
        return logits

    monkeypatch.setattr(decide.deploy, "logits_of", logits_of)
    return calls


@pytest.mark.parametrize("features", [False, True])
def test_a_threshold_from_changed_copies(features: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of copies are cooled as the network's will be, and the copies of one picture stay together."""
    truth, ill = apart()
    logits = np.log(two_columns(ill)) * 2
    calls = asked(monkeypatch, logits)
    held: dict[str, Any] = {}
    plain = decide.gain_of

    def gain_of(truth: Any, own: Any, choose: Any, owners: Any, aim: Any) -> Gain:
        held.update(truth=truth, own=own, owners=owners, aim=aim)
        return plain(truth, own, choose, owners, aim)

    monkeypatch.setattr(decide, "gain_of", gain_of)
    start = StartPlan("features", "vgg16") if features else StartPlan()
    made = plan(perturbed=2, start=start, architecture=Step("head") if features else plan().architecture)
    groups = np.concatenate([np.arange(10) // 2, np.arange(5, 25)])  # ten of either class are of five persons
    groups = np.concatenate([groups, groups + 25])
    found = decide.decide(made, SimpleNamespace(model="net"), 2.0, two_columns(ill), pictures(truth, groups=groups))  # type: ignore[arg-type]
    assert len(calls) == 2 and {call[3] for call in calls} == {1 if features else made.fit.batch}
    assert held["own"] == pytest.approx(np.tile(ill, 2), abs=1e-6) and held["truth"].tolist() == [*(truth == 1)] * 2
    assert held["owners"].tolist() == [*groups] * 2 and held["aim"] == "balanced accuracy"
    wanted = calibrate.balanced_threshold(np.tile(ill, 2), np.tile(truth == 1, 2))
    assert found.rule == "threshold" and found.value == pytest.approx(wanted, abs=1e-6)
    assert "on 2 copies of the validation split" in found.reason


def test_whose_a_picture_is() -> None:
    truth = np.repeat([0, 1], 2)
    assert decide._owners(pictures(truth), 8).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert decide._owners(pictures(truth, groups=np.array([9, 4, 9, 5])), 4).tolist() == [2, 0, 2, 1]


@pytest.mark.parametrize(("value", "aim"), [(0.4999, "sensitivity"), (0.5, "specificity"), (0.7, "specificity")])
def test_what_a_threshold_is_to_gain(value: float, aim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    nothing = Gain("sensitivity", Estimate(0.0, -0.1, 0.1), 30, 30)
    monkeypatch.setattr(decide.calibrate, "sensitive_threshold", lambda own, truth, at_least: value)
    monkeypatch.setattr(decide, "gain_of", lambda *given: (told.append(given[4]), nothing)[1])
    truth, ill = apart()
    decide.decide(plan("sensitivity"), None, 1.0, two_columns(ill), pictures(truth))  # type: ignore[arg-type]
    assert told == [aim]


def test_a_score_that_equals_the_threshold_is_found() -> None:
    """Three of twenty-nine share the lowest score there is: the threshold is that score, and all are found."""
    ill = np.concatenate([np.linspace(0.35, 0.45, 30), np.full(3, 0.3), np.linspace(0.36, 0.44, 26)])
    truth = np.repeat([0, 1], [30, 29])
    found = decide.decide(plan("sensitivity"), None, 1.0, two_columns(ill), pictures(truth))  # type: ignore[arg-type]
    assert found.rule == "threshold" and found.value is not None and found.value <= 0.3
    assert "sensitivity of at least 90%" in found.reason and "cannot be reached" not in found.reason


@pytest.mark.parametrize(("positives", "negatives", "few"), [(FEWEST, FEWEST, False), (19, 200, True), (200, 19, True)])
def test_why_the_highest_score_decides_after_all(positives: int, negatives: int, few: bool) -> None:
    gain = Gain("sensitivity", Estimate(0.215, -0.205, 0.635), positives, negatives)
    said = decide._no_gain(gain, "on the validation split")
    if few:
        assert f"validation has {positives} and {negatives} pictures or persons" in said and "and 20 of each" in said
    else:
        assert "a threshold chosen on the validation split gains no more sensitivity than chance may" in said
        assert "(+21.5 percentage points, 95 % interval -20.5 to +63.5, cross-validated)" in said


def test_what_training_saw_of_the_pictures_is_told() -> None:
    truth = np.array([0, 1, 1])
    sums = np.arange(3 * 32, dtype=np.uint8).reshape(3, 32)
    made, by_person = (replace(plan(), data=replace(plan().data, group=how)) for how in ("none", "person"))
    mine = pictures(truth, groups=np.array([1, 2, 3]), sha256=sums)
    other = pictures(truth, groups=np.array([7, 8, 9]), sha256=sums + np.uint8(100))
    assert decide.known(made, None, mine) == decide.known(made, other, mine) == "training saw none of their pictures"
    assert decide.known(by_person, other, mine) == "training saw none of their persons"
    shared = replace(other, groups=np.array([2, 3, 9]))
    assert decide.known(made, shared, mine) == "training saw other pictures of 2 of their persons or cases"
    one = replace(other, groups=np.array([3, 8, 9]))
    assert decide.known(made, one, mine) == "training saw other pictures of 1 of their persons or cases"
    doubled = replace(other, sha256=np.concatenate([sums[:1], other.sha256[1:]]))  # type: ignore[index]
    assert decide.known(made, doubled, mine) == "training saw exact copies of 1 of them"


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("error", [True, False])
def test_scores_are_measured_before_and_after_they_are_cooled(
    crossed: bool, error: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, 80)
    logits = 6 * (np.eye(2)[truth] + rng.normal(0, 0.8, (80, 2)))  # far too sure
    validation, train = pictures(truth), pictures(truth)
    calls, given = asked(monkeypatch, logits), []

    def measure(plan: Any, gathered: Any, decision: Any, of: Pictures, scores: Any, split: str, what: str) -> Any:
        value = float(scores(None)[0, 0]) if error else None
        return SimpleNamespace(ece=SimpleNamespace(value=value)), {"split": split, "of": of, "scores": scores(None)}

    def choose(plan: Any, trained: Any, temperature: float, scores: Any, of: Any, learned: Any) -> Decision:
        given.append((temperature, scores, of, learned))
        return Decision(reason="so")

    monkeypatch.setattr(decide.evaluate, "measure", measure)
    monkeypatch.setattr(decide, "decide", choose)
    held = HeldOut(logits, validation, 5) if crossed else None
    gathered = SimpleNamespace(validation=None if crossed else validation, train=train)
    found = decide.calibrated(plan("argmax"), gathered, SimpleNamespace(held_out=held, model="net"))  # type: ignore[arg-type]
    temperature = calibrate.fit_temperature(logits, truth)
    cooled = calibrate.softmax(logits / temperature)
    assert found.temperature == temperature > 1.5 and found.scores == pytest.approx(cooled)
    assert len(calls) == (0 if crossed else 1) and found.split == ("cross-validation" if crossed else "validation")
    assert found.validation["split"] == found.split and found.pictures is found.validation["of"] is validation
    assert found.ece_before == (pytest.approx(calibrate.softmax(logits)[0, 0]) if error else 0.0)
    assert found.ece_after == (pytest.approx(cooled[0, 0]) if error else 0.0) and found.decision.reason == "so"
    assert given[0][3] is (None if crossed else train) and given[0][1] == pytest.approx(cooled)
