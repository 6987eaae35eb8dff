"""Trainings that begin from a bundled model: what is inside it, features, fine-tuning, going on, all offline."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from desktop import paths
from desktop.app import recipes
from desktop.core.types import StoreError
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging.calibrate import softmax
from desktop.ml.plans import plan as plans
from desktop.ml.plans import transfer_plans
from desktop.ml.plans.events import EpochDone, Event, Note, Phase
from desktop.ml.plans.plan import PlanError, Step
from desktop.store.store import ModelStore
from tests.ml.training.test_training import InsideEpoch

keras = pytest.importorskip("keras")

from desktop.ml.convert import deploy  # noqa: E402
from desktop.ml.data import features  # noqa: E402
from desktop.ml.nets import base_network  # noqa: E402
from desktop.ml.training import checkpoint, train  # noqa: E402

CLASSES = ("blue", "red")


def pictures(count: int, shape: tuple[int, int, int], seed: int) -> Pictures:
    """Bluish (or darker) and reddish (or lighter) noise, by turns."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 130, (count, *shape)).astype(np.uint8)
    labels = np.arange(count) % 2
    images[labels == 0, ..., -1] += 90
    images[labels == 1, ..., 0] += 110
    return Pictures(images, labels.astype(np.int64), tuple(f"{i}.png" for i in range(count)))


def plan_for(model_id: str, kind: recipes.RecipeId, **fit: object) -> plans.TrainingPlan:
    manifest = ModelStore().require(model_id).manifest
    assert manifest is not None
    data = plans.DataPlan("user", 0.2, classes=CLASSES, path="/nowhere", title="colours")
    plan = recipes.make_plan(kind, data, CLASSES, model=manifest, name="Blue or red")
    if kind != "continue":
        plan = by_steps(plan)
    start = replace(plan.start, head_epochs=min(plan.start.head_epochs, 2))
    return replace(plan, start=start, fit=replace(plan.fit, epochs=4, batch=10, steps_per_execution=2, **fit))  # type: ignore[arg-type]


def by_steps(plan: plans.TrainingPlan) -> plans.TrainingPlan:
    """The plan with a head that is trained step by step instead of solved."""
    start = replace(plan.start, head_optimizer="adam", head_rate=0.003)
    adam = plans.OptimizerPlan("adam", 0.003, "cosine", 0.05, weight_decay=0.01)
    return replace(
        plan,
        architecture=Step("head", {"layers": ["drop.2"]}),
        augment=() if start.kind == "features" else plan.augment,
        optimizer=adam if start.kind == "features" else plan.optimizer,
        start=start,
        data=replace(plan.data, folds=0),
    )


@pytest.mark.parametrize("model_id", ["cifar10", "chest-xray-pneumonia"])
def test_the_network_inside_a_bundled_model_answers_as_the_model(model_id: str) -> None:
    entry = ModelStore().require(model_id)
    assert entry.manifest is not None and entry.manifest.calibration is not None
    model = keras.saving.load_model(entry.folder / "model.keras", compile=False)
    spec = entry.manifest.preprocess
    images = np.random.default_rng(1).integers(0, 256, (6, spec.height, spec.width, spec.channels)).astype(np.uint8)
    expected = [np.asarray(part) for part in model.predict_on_batch(images)]
    inner = base_network.network_of(model)
    assert set(inner.output) == {"logits", "embedding", "map"}
    mirrored = "body" in {layer.name for layer in model.layers}
    logits = deploy.logits_of(inner, images, mirrored)
    np.testing.assert_allclose(softmax(logits / entry.manifest.calibration.temperature), expected[0], atol=2e-6)
    again = deploy.finish(inner, entry.manifest.calibration.temperature, mirrored)
    for one, other in zip(again.predict_on_batch(images), expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, atol=2e-5)


@pytest.mark.parametrize(("model_id", "layer"), [("cifar10", None), ("chest-xray-pneumonia", "map")])
def test_features_of_a_bundled_model(model_id: str, layer: str | None, tmp_path: Path) -> None:
    plan = plan_for(model_id, "features")
    if layer == "map":
        plan = replace(plan, architecture=Step("head", {"layers": ["C4k1s", "gap"]}))
    plan = replace(plan, start=replace(plan.start, layer=layer))
    told: list[Event] = []
    learn, check = pictures(40, plan.shape, 1), pictures(16, plan.shape, 2)
    stop = InsideEpoch(1, 1)
    assert not train.run(plan, learn, check, tmp_path, stop, control=stop).complete
    trained = train.run(plan, learn, check, tmp_path, told.append, resume=True)
    assert trained.complete and len(trained.history) == 4 and trained.parent and model_id in trained.parent
    assert not any(isinstance(e, Phase) for e in told)  # the features were there already
    # The whole network answers for pictures what the head learned to answer for features.
    finished = deploy.finish(trained.model, 1.0, False)
    assert len(finished.outputs) == 3
    scores = np.asarray(finished.predict_on_batch(check.images)[0])
    best = max(trained.history, key=lambda row: -row["val_loss"])
    right = float((scores.argmax(axis=1) == check.labels).mean())
    assert right == pytest.approx(best["val_accuracy"], abs=1e-6)
    table = transfer_plans.table_for(plan, ModelStore().require(model_id).manifest)
    assert table is not None and sum(row.parameters for row in table) == trained.model.count_params()


def test_fine_tuning_frees_the_last_layers_and_resumes_exactly(tmp_path: Path) -> None:
    plan = plan_for("cifar10", "fine-tune", keep="last")
    plan = replace(plan, start=replace(plan.start, head_epochs=2, unfreeze=2))
    learn, check = pictures(40, plan.shape, 1), pictures(16, plan.shape, 2)
    told: list[Event] = []
    straight = train.run(plan, learn, check, tmp_path / "a", told.append)
    assert [e.epoch for e in told if isinstance(e, EpochDone)] == [0, 1, 2, 3]
    assert any(isinstance(e, Note) and "last 1 layers learn" in e.text for e in told)  # one of the two is normalisation
    base = base_network.open_base(plan)
    changed = {
        layer.name
        for layer in base.network.layers
        if layer.weights and layer.name in {mine.name for mine in straight.model.layers}
        and not all(np.array_equal(a, b) for a, b in zip(
            layer.get_weights(), straight.model.get_layer(layer.name).get_weights(), strict=True))
    }  # fmt: skip
    assert len(changed) == 1
    stop = InsideEpoch(2, 1)
    stopped = train.run(plan, learn, check, tmp_path / "b", stop, control=stop)
    held = checkpoint.read(tmp_path / "b" / train.CHECKPOINT)
    assert not stopped.complete and (held.stage, held.epoch, held.begin, held.step) == (1, 2, 2, 2)
    resumed = train.run(plan, learn, check, tmp_path / "b", resume=True)
    for one, other in zip(straight.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, rtol=0)


def test_going_on_keeps_the_labels_layer_or_makes_a_new_one(tmp_path: Path) -> None:
    plan = plan_for("cifar10", "continue")
    base = base_network.open_base(plan)
    other = base_network.continued(base, plan)
    assert other.output["logits"].shape[1] == 2
    same = replace(plan, labels=base.labels, data=replace(plan.data, classes=()), decision=plans.DecisionPlan())
    assert base_network.continued(base, same) is base.network
    plan = replace(plan, fit=replace(plan.fit, epochs=1))
    trained = train.run(plan, pictures(20, plan.shape, 1), pictures(8, plan.shape, 2), tmp_path)
    assert trained.complete and trained.model.output["logits"].shape[1] == 2


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    plan = plan_for("cifar10", "features")
    cases = [
        (replace(plan, start=replace(plan.start, layer="block4_pool")), PlanError, "no layer 'block4_pool'"),
        (
            replace(plan, start=replace(plan.start, version=99)),
            PlanError,
            "; the plan begins from version 99",
        ),
        (replace(plan, start=replace(plan.start, model="gone")), StoreError, "no model 'gone'"),
        (replace(plan, preprocess=replace(plan.preprocess, width=40)), PlanError, "takes pictures of 32×32"),
        (replace(plan, start=replace(plan.start, model="vgg16-imagenet", version=None)), StoreError, "not installed"),
    ]
    for wrong, error, words in cases:
        with pytest.raises(error, match=words):
            train.run(wrong, pictures(8, (32, 32, 3), 1), pictures(4, (32, 32, 3), 2), tmp_path)


def test_a_disk_too_full_for_the_features_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000})())
    plan = plan_for("cifar10", "features")
    with pytest.raises(features.FeatureError, match="256 MB are kept in reserve"):
        train.run(plan, pictures(8, plan.shape, 1), pictures(4, plan.shape, 2), tmp_path)


class Full:
    """A file on a disk that fills up after some bytes."""

    def __init__(self, stream: IO[Any], room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: Any) -> int:
        self._room -= len(data) if isinstance(data, str) else memoryview(data).nbytes
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *facts: object) -> None:
        self._stream.close()


def doubling() -> keras.Model:
    """A network that gives a picture's values twice over 255."""
    layers = [keras.Input((4, 4, 1), dtype="uint8"), keras.layers.Rescaling(2 / 255), keras.layers.Flatten()]
    return keras.Sequential(layers)


def greys(count: int, value: int) -> Pictures:
    images = np.full((count, 4, 4, 1), value, np.uint8)
    names = tuple(f"{i}.png" for i in range(count))
    return Pictures(images, np.zeros(count, np.int64), names, np.full((count, 32), value, np.uint8))


@pytest.mark.parametrize("file", ["train.npy", "train.json"])
def test_a_disk_that_fills_up_under_the_features_is_named(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = tmp_path / ".train.npy.4194400-0123abcd.part"
    stale.write_bytes(b"x")
    real = Path.open

    def opened(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        stream = real(self, mode, *rest, **more)
        if "r" in mode or file not in self.name:
            return stream
        return Full(stream, 5000 if file == "train.npy" else 0)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(features.FeatureError, match="could not be written: No space left"):
        features.compute(doubling(), greys(100, 9), tmp_path, "train", "n", lambda done, total: None)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.part"))
    made = features.compute(doubling(), greys(100, 9), tmp_path, "train", "n", lambda done, total: None)
    np.testing.assert_allclose(made.images[:], 18 / 255, rtol=1e-6)


def test_kept_features_are_those_of_the_same_content(tmp_path: Path) -> None:
    told: list[int] = []
    for value in (10, 200, 200):
        made = features.compute(
            doubling(), greys(5, value), tmp_path, "train", "n", lambda done, total: told.append(done)
        )
        np.testing.assert_allclose(made.images[:], 2 * value / 255, rtol=1e-6)
        assert made.images.shape == (5, 16) and made.images.dtype == np.float32
    assert told == [0, 5, 0, 5]


def test_names_that_are_no_text_have_features_too(tmp_path: Path) -> None:
    pictures = replace(greys(2, 9), names=("caf\udce9.png", "\ud800.png"))
    assert len(features.compute(doubling(), pictures, tmp_path, "train", "n", lambda done, total: None)) == 2


def test_plans_from_a_model_are_offered_for_every_bundled_one() -> None:
    for path in sorted(paths.bundled_models().iterdir()):
        manifest = ModelStore().get(path.name).manifest
        if manifest is None or manifest.state != "ready":
            continue
        for kind in ("continue", "features", "fine-tune"):
            plan = plan_for(manifest.id, kind)  # type: ignore[arg-type]
            assert plans.from_json(plan.to_json()) == plan
            assert transfer_plans.table_for(plan, manifest)
