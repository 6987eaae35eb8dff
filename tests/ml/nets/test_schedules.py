"""Learning rates over the steps of a training."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.ml.plans.plan import OptimizerPlan, PlanError
from desktop.ml.plans.plan_changes import with_settings
from tests.ml.training.test_loop import small_plan

optimizers = pytest.importorskip("desktop.ml.nets.optimizers", reason="needs Keras", exc_type=ImportError)


def rates(plan: OptimizerPlan, steps: int) -> np.ndarray:
    """The rate of every step."""
    schedule = optimizers.build(plan, steps)._learning_rate
    return np.array([float(schedule(step)) for step in range(steps)])


@pytest.mark.parametrize("shape", ["triangle", "cosine"])
def test_a_second_cycle_is_the_first_at_half_the_rate(shape: str) -> None:
    once = rates(OptimizerPlan("sgd", 0.2, shape, 0.15), 200)  # type: ignore[arg-type]
    twice = rates(OptimizerPlan("sgd", 0.2, shape, 0.15, cycles=2), 400)  # type: ignore[arg-type]
    # So a finished training is the first half of one with two cycles, and can be gone on with.
    assert np.array_equal(twice[:200], once)
    assert np.allclose(twice[200:], once / 2, rtol=1e-5)
    assert once.max() == pytest.approx(0.2, rel=0.02) and once[-1] < 0.01 * once.max() * 2


def test_steps_that_do_not_divide_end_low() -> None:
    three = rates(OptimizerPlan("sgd", 1.0, "triangle", 0.1, cycles=3), 100)
    assert three[-1] < 0.1 * three[70:].max()
    assert len(np.flatnonzero(np.diff(three) > 0.02)) >= 3


def test_part_batches_do_not_hurry_a_schedule() -> None:
    plan = OptimizerPlan("sgd", 0.2, "cosine", 0.15)
    asked = optimizers.build(plan, 50, parts=4)._learning_rate
    assert np.array_equal([float(asked(call)) for call in range(200)], np.repeat(rates(plan, 50), 4))


def test_a_schedule_survives_keras_configuration() -> None:
    schedule = optimizers.RiseAndFall(0.2, 3, 10, "triangle", 2)
    again = optimizers.RiseAndFall.from_config(schedule.get_config())
    assert [float(again(step)) for step in range(20)] == [float(schedule(step)) for step in range(20)]


def test_cycles_go_with_schedules_that_come_back() -> None:
    plan = small_plan(OptimizerPlan("sgd", 0.1, "triangle"))
    assert with_settings(plan, {"optimizer.cycles": "2"}).optimizer.cycles == 2
    with pytest.raises(PlanError, match="'steps'"):
        with_settings(plan, {"optimizer.cycles": "2", "optimizer.schedule": "steps"})
    with pytest.raises(PlanError, match="21 cycles found; expected 1 to 20"):
        with_settings(plan, {"optimizer.cycles": "21"})
    assert plan.optimizer.cycles == 1
