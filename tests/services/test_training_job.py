"""A training as the window counts it: progress, time left, curves; whatever the clock on the wall does."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.engine.training_client import TrainerLost
from desktop.ml.plans.events import EpochDone, Finished, Paused, Phase, PhaseName, Resumed, Started, TrainBatchDone
from desktop.services.training_job import MOST_POINTS, JobState, TrainingCurves, TrainingJob, best_epoch
from desktop.ui.train import words


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def started(epoch: int = 0, epochs: int = 10) -> Started:
    return Started("CPU", 10, 90, 10, epoch, epochs, "none", 10)


def epoch_done(epoch: int, left_s: float, epochs: int = 10, loss: float = 0.5, best: bool = False) -> EpochDone:
    return EpochDone(epoch, epochs, loss, 0.5, loss, 0.5, 0.01, 4.0, 20.0, 1, best, left_s)


def test_time_left_counts_down_and_stands_still_in_a_pause() -> None:
    clock = Clock()
    job = TrainingJob("a", "A", "starting", clock=clock)
    assert job.left_s() is None and job.progress() is None
    job.hear(Phase("data", 3, 12))
    assert job.state == "preparing" and job.progress() == 0.25
    job.hear(started())
    clock.now += 10
    job.hear(TrainBatchDone(0, 5, 10, 1.0, 0.5))
    assert job.progress() == pytest.approx(0.05) and job.left_s() == pytest.approx(190)
    clock.now += 10
    job.hear(epoch_done(0, 180.0))
    clock.now += 30
    assert job.left_s() == pytest.approx(150)
    job.hear(Paused())
    clock.now += 8 * 3600  # a night
    assert job.left_s() == pytest.approx(150)
    job.hear(Resumed())
    clock.now += 1
    assert job.left_s() == pytest.approx(149)
    clock.now += 1000
    assert job.left_s() == 0.0
    job.hear(Finished("done", "m", "made"))
    assert job.left_s() is None and job.progress() == 1.0 and job.model_id == "m"


def test_a_pause_in_the_first_epoch_is_not_taken_for_work() -> None:
    clock = Clock()
    job = TrainingJob("a", "A", "starting", clock=clock)
    job.hear(started())
    clock.now += 10
    job.state = "pausing"
    job.hear(Paused())
    clock.now += 10_000
    job.hear(Resumed())
    job.hear(TrainBatchDone(0, 5, 10, 1.0, 0.5))
    assert job.state == "training" and job.left_s() == pytest.approx(190)


def test_taken_up_again_only_what_remains_counts() -> None:
    clock = Clock()
    job = TrainingJob("a", "A", "starting", clock=clock)
    for epoch in range(7):
        job.curves.add_epoch(epoch_done(epoch, 0.0))
    job.hear(started(epoch=5))
    assert job.epochs_done == 5
    clock.now += 10
    job.hear(TrainBatchDone(5, 10, 10, 1.0, 0.5))
    assert job.progress() == pytest.approx(0.6) and job.left_s() == pytest.approx(40)


def test_a_lost_trainer_is_told_with_what_to_do() -> None:
    job = TrainingJob("a", "A", "training")
    job.hear(TrainerLost("the system ended it for lack of memory", True))
    assert job.state == "interrupted" and job.can_continue
    assert "lack of memory" in job.message and "smaller batch" in job.hint


@given(st.lists(st.integers(0, 30), max_size=60))
def test_an_epoch_that_comes_again_replaces_what_it_was(epochs: list[int]) -> None:
    curves = TrainingCurves()
    expected: list[float] = []
    for turn, epoch in enumerate(epochs):
        epoch = min(epoch, len(expected))
        curves.add_epoch(epoch_done(epoch, 0.0, loss=float(turn)))
        expected = [*expected[:epoch], float(turn)]
    assert curves.epochs.get("loss", []) == expected
    assert all(len(values) == len(expected) for values in curves.epochs.values())
    assert curves.epochs.get("epoch", []) == [float(i + 1) for i in range(len(expected))]


@settings(deadline=None)
@given(st.integers(1, 40_000))
def test_batch_points_stay_bounded_and_in_order(count: int) -> None:
    curves = TrainingCurves()
    for step in range(count):
        curves.add_batch(TrainBatchDone(0, step + 1, count, 1.0, 0.5))
    assert 1 <= len(curves.at) <= MOST_POINTS + 1
    assert curves.at == sorted(curves.at) and len(curves.at) == len(curves.loss) == len(curves.accuracy)
    assert curves.at[-1] > 0.5


def test_the_best_epoch_is_one_with_a_number() -> None:
    assert best_epoch({"val_loss": [math.nan, 0.4, 0.2, 0.3]}) == 2
    assert best_epoch({"val_loss": [math.nan]}) is None and best_epoch({}) is None
    history = {"val_loss": [0.1, 0.2, 0.3], "val_accuracy": [0.8, 0.9, 0.9]}
    assert best_epoch(history) == 0 and best_epoch(history, "highest-accuracy") == 1


def test_batches_that_come_again_take_the_place_of_what_they_were() -> None:
    curves = TrainingCurves()
    for epoch in range(4):
        for step in range(1, 5):
            curves.add_batch(TrainBatchDone(epoch, step, 4, 1.0, 0.5))
        curves.add_epoch(epoch_done(epoch, 0.0))
    assert len(curves.at) == 16  # an epoch's end does not take its own batches
    curves.cut(1)
    assert curves.done == 1 and curves.at[-1] == 2.0 and len(curves.at) == len(curves.loss) == 8
    curves.add_batch(TrainBatchDone(1, 2, 4, 0.7, 0.6))
    assert curves.at[-2:] == [1.25, 1.5] and curves.loss[-2:] == [1.0, 0.7] and len(curves.accuracy) == 6
    fresh = TrainingCurves()
    fresh.add_batch(TrainBatchDone(1, 1, 4, 0.2, 0.9))
    fresh.add_epoch(epoch_done(1, 0.0, loss=0.2))
    curves.go_on(fresh)
    assert curves.at == [0.25, 0.5, 0.75, 1.0, 1.25] and curves.loss[-1] == 0.2
    assert curves.epochs["epoch"] == [1.0, 2.0]


def test_what_stops_after_this_epoch_has_this_epoch_left_and_no_more() -> None:
    clock = Clock()
    job = TrainingJob("a", "A", "starting", clock=clock)
    job.hear(started())
    job.hear(TrainBatchDone(0, 2, 10, 1.0, 0.5))
    job.state = "finishing"
    clock.now += 10
    assert job.left_s() is None  # no epoch tells yet how long one takes
    job.state = "training"
    for epoch in (0, 1):
        job.hear(epoch_done(epoch, 3000.0))
    job.hear(TrainBatchDone(2, 4, 10, 1.0, 0.5))
    assert job.left_s() == pytest.approx(3000)
    job.state = "finishing"
    assert job.left_s() == pytest.approx(0.6 * 4.0)
    job.hear(epoch_done(2, 2900.0))
    assert job.left_s() is None


@pytest.mark.parametrize("state", ["pausing", "paused"])
def test_a_pause_that_comes_too_late_gives_way_to_what_follows(state: JobState) -> None:
    job = TrainingJob("a", "A", "training", epochs=1)
    job.state = state
    job.hear(epoch_done(0, 0.0, epochs=1))
    job.hear(Phase("features", 1, 2))
    assert job.state == state
    job.hear(Phase("exporting", 0, 2))
    assert job.state == "packaging" and not job.can_finish and job.progress() == 0.0


@pytest.mark.parametrize("name", get_args(PhaseName))
def test_every_phase_has_words(name: PhaseName) -> None:
    job = TrainingJob("a", "A", "packaging", phase=Phase(name, 3, 20))
    said = words.state(job)
    assert said.endswith(": 3 of 20") and not said.startswith(f"{name}:")
