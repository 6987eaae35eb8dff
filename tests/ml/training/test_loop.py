"""The loop: exact after any stop, early ends, balance of classes, losses, penalties, memory that does not suffice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.ml.data.public_sets import Pictures
from desktop.ml.plans import plan as plans
from desktop.ml.plans.events import EpochDone, Event, Note, Paused, Resumed, Started, TrainBatchDone
from desktop.ml.plans.plan import DataPlan, FitPlan, OptimizerPlan, Step
from tests.ml.training.test_training import RECIPES, InsideEpoch

keras = pytest.importorskip("keras")

from desktop.ml.data import batches  # noqa: E402
from desktop.ml.nets import architectures, cost, losses  # noqa: E402
from desktop.ml.plans.control import Command, Steering, Undisturbed  # noqa: E402
from desktop.ml.training import checkpoint, train  # noqa: E402
from desktop.ml.training.context import Context  # noqa: E402
from desktop.ml.training.loop import Loop, TrainingStage  # noqa: E402

SHAPE = (8, 8, 1)


def pictures(count: int, seed: int = 0, classes: int = 3) -> Pictures:
    """Noise, brighter by class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = (random.integers(0, 90, (count, *SHAPE)) + 60 * labels[:, None, None, None]).astype(np.uint8)
    return Pictures(images, labels.astype(np.int64), tuple(f"{i}.png" for i in range(count)))


def small_plan(optimizer: OptimizerPlan | None = None, layers: tuple[str, ...] = (), **fit: Any) -> plans.TrainingPlan:
    recipe = plans.load(RECIPES / "mnist-digits.json")
    return replace(
        recipe,
        id="small",
        data=DataPlan("user", 0.2, path="/nowhere"),
        preprocess=replace(recipe.preprocess, height=8, width=8, fit="stretch"),
        labels=("a", "b", "c"),
        architecture=Step("sequential", {"layers": list(layers or ("C4k3s", "BN", "drop.3", "gap", "D6"))}),
        augment=(Step("shift", {"pixels": 1}),),
        optimizer=optimizer or OptimizerPlan("adam", 0.01, "cosine", 0.2),
        fit=replace(FitPlan(3, 8, steps_per_execution=2), **fit),
        mirrored=False,
    )


@pytest.mark.parametrize(
    ("plan", "groups"),
    [
        (small_plan(ema=0.9, keep="lowest-loss"), 2),
        (small_plan(OptimizerPlan("sgd", 0.1, "triangle", 0.1, 0.9, nesterov=True), loss="mse", l2=0.001), 1),
        (small_plan(OptimizerPlan("rmsprop", 0.01, "steps"), sampling="over", steps_per_execution=4, ema=0.5), 1),
        (small_plan(mixed="float16"), 1),
        (small_plan(swa=2, ema=0.8, keep="lowest-loss"), 1),
    ],
    ids=["adam-average", "sgd-mse", "rmsprop-sampled", "adam-float16", "adam-mean"],
)
def test_a_training_stopped_inside_an_epoch_ends_as_if_it_were_not(
    plan: plans.TrainingPlan, groups: int, tmp_path: Path
) -> None:
    learn, check = pictures(50), pictures(12, 1)
    straight = train.run(plan, learn, check, tmp_path / "a")
    stop = InsideEpoch(1, groups)
    assert not train.run(plan, learn, check, tmp_path / "b", stop, control=stop).complete
    held = checkpoint.read(tmp_path / "b" / train.CHECKPOINT)
    assert held.epoch == 1 and 0 < held.step < 6
    resumed = train.run(plan, learn, check, tmp_path / "b", resume=True)
    assert resumed.complete
    for one, other in zip(straight.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, rtol=0)
    for a, b in zip(straight.history, resumed.history, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == pytest.approx(
            {k: v for k, v in b.items() if k != "seconds"}, abs=1e-6
        )


@pytest.mark.parametrize("ema", [0.0, 0.7])
def test_the_last_epochs_weights_are_averaged(ema: float, tmp_path: Path) -> None:
    plan = small_plan(layers=("C4k3s", "BN", "gap", "D6"), epochs=5, swa=3, ema=ema)
    ends = list[list[np.ndarray]]()

    def listen(event: object) -> None:
        if isinstance(event, EpochDone):
            held = checkpoint.read(tmp_path / train.CHECKPOINT)
            ends.append(held.average or held.model[: len(held.mean)])
            assert bool(held.mean) == (event.epoch >= 2)

    trained = train.run(plan, pictures(48), pictures(12, 1), tmp_path, listen)
    for i, found in enumerate(trained.model.get_weights()):
        np.testing.assert_allclose(found, np.mean([end[i] for end in ends[2:]], axis=0), atol=1e-6, rtol=0)
    # What is measured is what is kept.
    logits = trained.model.predict(pictures(12, 1).images, verbose=0)["logits"]
    loss, accuracy = losses.validation_figures(logits.astype(np.float64), pictures(12, 1).labels, "cross-entropy")
    assert (trained.history[-1]["val_loss"], trained.history[-1]["val_accuracy"]) == pytest.approx((loss, accuracy))


def test_a_mean_of_more_epochs_than_there_are_is_one_of_all(tmp_path: Path) -> None:
    plan = small_plan(layers=("C4k3s", "BN", "gap", "D6"), epochs=2)
    most, all_ = (
        train.run(replace(plan, fit=replace(plan.fit, swa=swa)), pictures(48), pictures(12, 1), tmp_path / str(swa))
        for swa in (20, 2)
    )
    for one, other in zip(most.model.get_weights(), all_.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, rtol=0)
    with pytest.raises(plans.PlanError, match="patience, swa, l1 and l2 must be at least 0"):
        small_plan(swa=-1)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adam", "adamw"])
def test_every_optimizer_learns(name: Any, tmp_path: Path) -> None:
    rate = {"sgd": 0.05, "adagrad": 0.05}.get(name, 0.02)
    plan = small_plan(OptimizerPlan(name, rate, momentum=0.0), ("flatten", "D8:tanh"), epochs=4)
    trained = train.run(plan, pictures(48), pictures(12, 1), tmp_path)
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


class Patience:
    """Pauses after two groups, waits for three questions, goes on; then ends after the epoch."""

    def __init__(self) -> None:
        self._wishes: list[Command | None] = [None, None, "pause", None, None, None, "resume", None, "stop-after-epoch"]

    def command(self) -> Command | None:
        return self._wishes.pop(0) if self._wishes else None


def test_pause_and_stop_after_the_epoch(tmp_path: Path) -> None:
    told: list[Event] = []
    trained = train.run(small_plan(), pictures(50), pictures(12, 1), tmp_path, told.append, control=Patience())
    assert trained.complete and len(trained.history) == 1
    kinds = [type(event) for event in told]
    assert kinds.index(Paused) < kinds.index(Resumed) < kinds.index(EpochDone)
    # Taken up again, it does not begin epochs that nobody wants any more.
    again = train.run(small_plan(), pictures(50), pictures(12, 1), tmp_path, resume=True)
    assert again.complete and len(again.history) == 1


def test_patience_ends_and_the_best_epoch_is_kept(tmp_path: Path) -> None:
    told: list[Event] = []
    plan = small_plan(OptimizerPlan("sgd", 1e-12, momentum=0.0), epochs=9, patience=2, keep="highest-accuracy")
    trained = train.run(plan, pictures(48), pictures(12, 1), tmp_path, told.append)
    assert trained.complete and trained.best_epoch is not None
    assert len(trained.history) == trained.best_epoch + 3 < 9
    best = [e.epoch for e in told if isinstance(e, EpochDone) and e.best]
    assert best[-1] == trained.best_epoch
    assert any(isinstance(e, Note) and "no better epoch" in e.text for e in told)


def test_patience_begins_anew_with_each_stage(tmp_path: Path) -> None:
    """The best epoch may lie far back in the stage before; its own epochs are what a stage is judged by."""
    plan = small_plan(OptimizerPlan("sgd", 1e-12, momentum=0.0), epochs=9, patience=2, keep="lowest-loss")
    model = architectures.build(plan)
    steering = Steering(Undisturbed())
    told: list[Event] = []
    stage = TrainingStage(3, 9, plan.optimizer, (), 1)
    loop = Loop(Context(plan, pictures(48), pictures(12, 1), tmp_path, told.append, steering), stage, model)
    row = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "rate": 0.01, "seconds": 1.0}
    loop.history = [{"epoch": number + 1, **row} for number in range(3)]
    best = [w.copy() for w in model.get_weights()]
    loop.begin_from(best, 0.0, 0)  # no epoch of this stage comes near
    assert loop.run() and loop.ended == "patience"
    assert len(loop.history) == 3 + 2 and loop.best.epoch == 0


def test_batches_are_told_at_most_ten_times_a_second(tmp_path: Path) -> None:
    told: list[Event] = []
    plan = small_plan(layers=("flatten", "D2"), epochs=2, steps_per_execution=1)
    train.run(plan, pictures(2000), pictures(12, 1), tmp_path, told.append)
    done = [event for event in told if isinstance(event, EpochDone)]
    count = sum(isinstance(event, TrainBatchDone) for event in told)
    assert 0 < count <= sum(event.seconds for event in done) * 10 < 500
    started = next(event for event in told if isinstance(event, Started))
    assert started.device and started.backend == keras.backend.backend() and started.batch == 8
    assert all(event.images_per_s > 0 and event.memory_bytes > 2**20 for event in done) and done[-1].left_s == 0


@pytest.mark.parametrize("sampling", ["over", "under"])
def test_sampling_shows_every_class_alike(sampling: Any) -> None:
    labels = np.array([0] * 40 + [1] * 10 + [2] * 3)
    plan = small_plan(sampling=sampling)
    order = batches.drawn_order(labels, plan, 0)
    assert np.bincount(labels[order]).tolist() == ([40] * 3 if sampling == "over" else [3] * 3)
    if sampling == "over":
        assert set(order) == set(range(53))  # nothing is left out
    np.testing.assert_array_equal(order, batches.drawn_order(labels, plan, 0))
    assert not np.array_equal(order, batches.drawn_order(labels, plan, 1))


def test_losses_and_penalties_are_what_they_say() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (7, 3)).astype(np.float32)
    labels = np.arange(7) % 3
    one_hot = np.eye(3, dtype=np.float32)[labels]
    for loss in ("cross-entropy", "mse"):
        told, right = losses.validation_figures(logits.astype(np.float64), labels, loss)
        own = losses.loss_of(FitPlan(1, 1, loss=loss))(one_hot, logits)  # type: ignore[arg-type]
        assert told == pytest.approx(float(own), rel=1e-5)
        assert right == (logits.argmax(axis=1) == labels).mean()
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    smooth = losses.SquaredError(0.3)(one_hot, logits)
    assert float(smooth) == pytest.approx(float(np.square(scores - (one_hot * 0.7 + 0.1)).mean()), rel=1e-5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")])
    losses.penalise(model, 0.1, 0.01)
    kernel = model.get_layer("d").get_weights()[0]
    assert float(sum(model.losses)) == pytest.approx(
        0.1 * np.abs(kernel).sum() + 0.01 * np.square(kernel).sum(), rel=1e-5
    )


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's own; nothing else is known of it."""


@pytest.mark.parametrize(
    "optimizer",
    [
        OptimizerPlan("sgd", 0.05, momentum=0.9),
        OptimizerPlan("sgd", 0.05, "cosine", 0.2, momentum=0.9, weight_decay=0.01),
        OptimizerPlan("adam", 0.01, "triangle", 0.4),
    ],
    ids=["constant", "cosine", "triangle"],
)
def test_too_little_memory_splits_the_batches_and_says_so(
    optimizer: OptimizerPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(optimizer, ("C4k3s", "gap", "D6"), batch=32, epochs=2)
    plan = replace(plan, augment=())
    learn, check = pictures(96), pictures(12, 1)
    whole = train.run(plan, learn, check, tmp_path / "a")
    real, asked = Loop.epoch, []

    def epoch(self: Loop) -> bool:
        asked.append(self.context.parts)
        if self.context.parts == 1 and len(self.history) == 1:
            raise ResourceExhaustedError("OOM when allocating tensor")
        return real(self)

    monkeypatch.setattr(Loop, "epoch", epoch)
    told: list[Event] = []
    split = train.run(plan, learn, check, tmp_path / "b", told.append)
    assert asked == [1, 1, 2] and split.complete
    assert any(isinstance(e, Note) and "2 parts, whose gradients are averaged" in e.text for e in told)
    # Without dropout and normalisation a batch in parts is the same step as a whole one.
    for one, other in zip(whole.model.get_weights(), split.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6 if optimizer.name == "sgd" else 2e-5)
    assert [row["rate"] for row in split.history] == pytest.approx([row["rate"] for row in whole.history])


def test_too_little_memory_for_validation_leaves_the_batches_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(layers=("C4k3s", "gap", "D6"), batch=32, epochs=2)
    usual = train.run(plan, pictures(96), pictures(200, 1), tmp_path / "a")
    real, asked = keras.Model.predict_on_batch, list[int]()

    def limited(self: Any, x: np.ndarray) -> np.ndarray:
        asked.append(len(x))
        if len(x) > 64:
            raise ResourceExhaustedError("OOM when allocating tensor")
        return real(self, x)  # type: ignore[no-any-return]

    monkeypatch.setattr(keras.Model, "predict_on_batch", limited)
    told: list[Event] = []
    trained = train.run(plan, pictures(96), pictures(200, 1), tmp_path / "b", told.append)
    assert asked == [200, 100, 50, 50, 50, 50, 50, 50, 50, 50]  # in the next epoch it is known
    notes = [event.text for event in told if isinstance(event, Note)]
    assert not any("parts" in note for note in notes) and "50 are looked at together" in notes[-1]
    assert trained.history[-1]["val_loss"] == pytest.approx(usual.history[-1]["val_loss"], rel=1e-5)


def test_pictures_looked_at_together_take_a_gigabyte_at_most() -> None:
    plan = small_plan(layers=("C64k3s", "gap", "D6"))
    assert cost.pictures_at_once(architectures.build(plan), 256) == 256
    large = architectures.build(replace(plan, preprocess=replace(plan.preprocess, height=1024, width=1024)))
    assert cost.pictures_at_once(large, 256) == 2  # 512 MB each
    assert cost.pictures_at_once(large, 256, took=8) == 8  # the device held as many in training


def test_far_too_little_memory_ends_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def epoch(self: Loop) -> bool:
        raise MemoryError

    monkeypatch.setattr(Loop, "epoch", epoch)
    with pytest.raises(train.TrainingError, match="not enough memory") as caught:
        train.run(small_plan(batch=32), pictures(96), pictures(12, 1), tmp_path)
    assert "smaller" in caught.value.hint


def test_checkpoints_of_earlier_versions_are_read(tmp_path: Path) -> None:
    plan, learn, check = small_plan(), pictures(50), pictures(12, 1)
    stop = InsideEpoch(1, 0)
    train.run(plan, learn, check, tmp_path, control=stop, listener=stop)
    path = tmp_path / train.CHECKPOINT
    held = checkpoint.read(path)
    assert held.step == 0 and held.epoch == 1
    import json

    with np.load(path) as file:
        arrays = dict(file)
    meta = json.loads(str(arrays.pop("meta")))
    old = {k: meta[k] for k in ("epoch", "plan", "history")}
    old |= {"version": 1, "best_loss": 0.5, "counts": meta["counts"]}
    np.savez(path.open("wb"), meta=np.array(json.dumps(old)), **arrays)
    again = checkpoint.read(path)
    assert again.best_value == 0.5 and again.step == 0 and again.stage == 0
    assert train.run(plan, learn, check, tmp_path, resume=True).complete
