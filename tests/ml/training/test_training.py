"""A tiny network goes the whole way: plan, training, resume, export, store."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.core.pictures.preprocess import prepare
from desktop.ml.plans import plan as plans
from desktop.store.store import ModelStore
from tests.ml.packaging.digit_styles import SPEC, samples_module

keras = pytest.importorskip("keras")

from desktop.ml.data.public_sets import Pictures  # noqa: E402
from desktop.ml.nets import architectures  # noqa: E402
from desktop.ml.packaging import decide  # noqa: E402
from desktop.ml.plans.control import Command  # noqa: E402
from desktop.ml.plans.events import Checkpointed, EpochDone  # noqa: E402
from desktop.ml.training import checkpoint, train  # noqa: E402

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"


class After:
    """Asks for ``wish`` at the question of that number."""

    def __init__(self, question: int, wish: Command) -> None:
        self._left, self._wish = question, wish

    def command(self) -> Command | None:
        self._left -= 1
        return self._wish if self._left == 0 else None


class InsideEpoch:
    """Listener and control in one: stops after ``groups`` groups of steps of the epoch that follows ``epoch`` ones."""

    def __init__(self, epoch: int, groups: int) -> None:
        self._epoch, self._left, self._began = epoch, groups + 1, epoch == 0  # one question comes before an epoch

    def __call__(self, event: object) -> None:
        if isinstance(event, Checkpointed):
            self._began = event.epoch == self._epoch

    def command(self) -> Command | None:
        self._left -= self._began
        return "stop-after-batch" if self._began and self._left == 0 else None


def tiny_plan() -> plans.TrainingPlan:
    """The digits' own recipe with a net of a few thousand weights."""
    recipe = plans.load(RECIPES / "mnist-digits.json")
    settings = {**recipe.architecture.settings, "widths": [8], "residual": False, "dropout": 0.3}
    return replace(
        recipe,
        id="tiny",
        architecture=replace(recipe.architecture, settings=settings),
        fit=replace(recipe.fit, epochs=2, batch=30, steps_per_execution=2, ema=0.9),
    )


@pytest.fixture(scope="module")
def digits() -> Pictures:
    """150 drawn digits, prepared."""
    draw = samples_module()
    labels = np.arange(150) % 10
    images = [
        prepare(draw.digit(int(v), i // 10, 64, slant=0.01 * (i % 30), wobble=0.02, seed=i), SPEC).pixels
        for i, v in enumerate(labels)
    ]
    return Pictures(np.stack(images), labels.astype(np.int64), tuple(f"train/{i:05d}" for i in range(150)))


@pytest.fixture(scope="module")
def stopped(digits: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after its first epoch of two."""
    folder = tmp_path_factory.mktemp("run")
    first = train.run(tiny_plan(), digits, digits.take(np.arange(40)), folder, control=After(5, "stop-after-batch"))
    assert not first.complete and len(first.history) == 1
    return folder


def test_resume_is_exact(digits: Pictures, stopped: Path, tmp_path: Path) -> None:
    plan, held = tiny_plan(), digits.take(np.arange(40))
    events: list[object] = []
    straight = train.run(plan, digits, held, tmp_path / "a", events.append)
    shutil.copytree(stopped, tmp_path / "b")
    second = train.run(plan, digits, held, tmp_path / "b", resume=True)
    assert second.complete
    for one, other in zip(straight.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, rtol=0)
    for a, b in zip(straight.history, second.history, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == pytest.approx(
            {k: v for k, v in b.items() if k != "seconds"}, abs=1e-6
        )
    assert [e.epoch for e in events if isinstance(e, EpochDone)] == [0, 1]
    rows = list(csv.DictReader((tmp_path / "b" / "history.csv").open(encoding="utf-8")))
    assert [row["epoch"] for row in rows] == ["1", "2"]


def test_the_first_layer_is_fitted_to_every_class_and_a_resume_keeps_it(
    digits: Pictures, stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    by_class = digits.take(np.argsort(digits.labels, kind="stable"))
    handed: list[np.ndarray] = []
    whiten = architectures.ARCHITECTURES["fast-cnn"].initialise
    assert whiten is not None

    def noted(model: keras.Model, images: np.ndarray) -> None:
        handed.append(images)
        whiten(model, images)

    monkeypatch.setitem(
        architectures.ARCHITECTURES, "fast-cnn", architectures.Architecture(architectures.fast_cnn, noted)
    )
    monkeypatch.setattr(architectures, "INITIAL_PICTURES", 60)
    drawn = train._drawn(plan, by_class)
    shown = {by_class.labels[(by_class.images == picture).all(axis=(1, 2, 3))][0] for picture in drawn}
    assert len(drawn) == 60 and len(shown) == 10
    np.testing.assert_array_equal(drawn, train._drawn(plan, by_class))
    # A run that began with another first layer goes on with that.
    shutil.copytree(stopped, tmp_path / "run")
    at = [layer.name for layer in architectures.build(plan).layers if layer.weights].index("whiten")
    before = checkpoint.read(stopped / train.CHECKPOINT).average[at]
    resumed = train.run(plan, digits, digits.take(np.arange(40)), tmp_path / "run", resume=True)
    assert len(handed) == 1
    np.testing.assert_allclose(resumed.model.get_layer("whiten").get_weights()[0], before, rtol=1e-5)  # an average


def test_resume_refuses_another_plan(digits: Pictures, stopped: Path) -> None:
    plan, held = tiny_plan(), digits.take(np.arange(40))
    with pytest.raises(checkpoint.CheckpointError) as caught:
        train.run(replace(plan, seed=plan.seed + 1), digits, held, stopped, resume=True)
    assert caught.value.kind == "other-plan"


def test_loss_that_is_no_number_stops_and_keeps_the_checkpoint(digits: Pictures, tmp_path: Path) -> None:
    plan, held = tiny_plan(), digits.take(np.arange(20))
    plan = replace(plan, optimizer=replace(plan.optimizer, name="sgd", rate=1e30, schedule="constant", warmup=0.0))
    with pytest.raises(train.TrainingError) as caught:
        train.run(plan, digits, held, tmp_path)
    assert caught.value.kind == "not-finite" and "no epoch was finished" in caught.value.hint


def test_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(checkpoint.CheckpointError) as caught:
        checkpoint.read(path)
    assert caught.value.kind == "no-checkpoint"
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(checkpoint.CheckpointError) as caught:
        checkpoint.read(path)
    assert caught.value.kind == "bad-checkpoint"


@pytest.mark.timeout(240)
def test_command_trains_and_stores_a_model(
    digits: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from desktop.cli import train as command
    from desktop.engine.model import LoadedModel

    data = tmp_path / "data"
    data.mkdir()
    images, labels = digits.images[..., 0], digits.labels.astype(np.uint8)
    np.savez(data / "mnist.npz", x_train=images, y_train=labels, x_test=images[:50], y_test=labels[:50])
    recipe = tmp_path / "plan.json"
    recipe.write_text(replace(tiny_plan(), mirrored=True).to_json(), encoding="utf-8")
    arguments = ["--plan", str(recipe), "--data", str(data), "--out", str(tmp_path / "models")]
    assert command.main([*arguments, "--run", str(tmp_path / "run")]) == 0
    assert "n = 50); test" in capsys.readouterr().out

    store = ModelStore(bundled=tmp_path / "none", user=tmp_path / "models")
    assert all(check.verdict == "ok" for check in store.verify("tiny"))
    manifest = store.require("tiny").manifest
    assert manifest is not None and manifest.parity is not None and manifest.calibration is not None
    assert manifest.parity.largest_difference < 1e-5
    assert set(manifest.outputs) == {"probabilities", "embedding", "map"}
    folder = tmp_path / "models" / "tiny"
    loaded = LoadedModel(store.require("tiny"))
    expected = json.loads((folder / "selftest" / "expected.json").read_text(encoding="utf-8"))
    for case in expected["cases"]:
        scores = loaded.predict(np.load(folder / "selftest" / case["file"])[np.newaxis])[0]
        np.testing.assert_allclose(scores, case["probabilities"], atol=expected["tolerance"])
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    answer = np.asarray(model.predict(digits.images[:4], verbose=0)[0])
    np.testing.assert_allclose(loaded.predict(digits.images[:4]), answer, atol=1e-5)
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert sum(map(sum, evaluation["confusion"])) == evaluation["n"] == 50


@pytest.mark.parametrize("rule", ["balanced", "sensitivity"])
@pytest.mark.parametrize("sure", [1e-5, 1 - 1e-5, 0.30004])
def test_a_threshold_of_a_network_that_is_sure_is_kept_as_it_is(rule: str, sure: float) -> None:
    """Rounded to four places it would be 0 or 1, which no manifest takes, or above a score that it has to keep."""
    decision = plans.DecisionPlan(rule, 1, 0.99 if rule == "sensitivity" else None)  # type: ignore[arg-type]
    plan = replace(tiny_plan(), labels=("no", "yes"), decision=decision)
    positive = np.array([sure * (1 - 2e-6), sure * (1 - 1e-6), sure, sure * (1 + 1e-6)])
    many = np.tile(positive, 20)
    names = tuple(map(str, range(80)))
    pictures = Pictures(np.zeros((80, 28, 28, 1), np.uint8), np.tile([0, 0, 1, 1], 20), names)
    made = decide.decide(plan, None, 1.0, np.stack([1 - many, many], axis=1), pictures)  # type: ignore[arg-type]
    assert made.value is not None and 0 < made.value < 1
    assert [made.choose((1 - score, score)) for score in positive] == [0, 0, 1, 1]
    few = pictures.take(np.arange(76))
    made = decide.decide(plan, None, 1.0, np.stack([1 - many, many], axis=1)[:76], few)  # type: ignore[arg-type]
    assert made.value is not None, "38 of each class are enough"
    few = pictures.take(np.arange(4))
    made = decide.decide(plan, None, 1.0, np.stack([1 - many, many], axis=1)[:4], few)  # type: ignore[arg-type]
    assert made.rule == "argmax" and "2 and 2 pictures" in made.reason and "20 of each" in made.reason


def test_a_sensitivity_that_no_threshold_reaches_is_not_promised() -> None:
    plan = replace(tiny_plan(), labels=("no", "yes"), decision=plans.DecisionPlan("sensitivity", 1, 0.95))
    # A third of those who are ill get a score of 0; the others .4, which only a lower threshold finds.
    scores = np.tile([[1.0, 0.0], [1.0, 0.0], [0.6, 0.4], [0.6, 0.4]], (40, 1))
    names = tuple(map(str, range(160)))
    pictures = Pictures(np.zeros((160, 28, 28, 1), np.uint8), np.tile([0, 1, 1, 1], 40), names)
    made = decide.decide(plan, None, 1.0, scores, pictures)  # type: ignore[arg-type]
    assert made.value is not None and 0 < made.value < 1
    assert "66.7%" in made.reason and "at least" not in made.reason
