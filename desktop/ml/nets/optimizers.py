"""Optimizers and learning-rate schedules from a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from desktop.ml.nets import backend
from desktop.ml.plans.plan import OptimizerPlan

backend.select()

import keras  # noqa: E402
from keras import ops  # noqa: E402


@keras.saving.register_keras_serializable("fovea")
class RiseAndFall(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise to ``peak`` over ``rise`` steps, then a linear (``triangle``) or ``cosine`` fall to a hundredth at
    ``total`` steps, or ``steps``: a tenth after half of them, a hundredth after three quarters. All of it ``cycles``
    times, ``total`` steps each, and each time to half the peak (Smith, 'Cyclical learning rates', 2017). ``parts``
    calls count as one step: Keras asks for the rate of every part batch."""

    def __init__(self, peak: float, rise: int, total: float, shape: str, cycles: int = 1, parts: int = 1) -> None:
        super().__init__()
        self.parts = parts
        self.peak, self.rise, self.total, self.shape, self.cycles = peak, rise, total, shape, cycles

    def __call__(self, step: Any) -> Any:
        step = ops.floor(ops.cast(step, "float32") / self.parts)
        cycle = ops.clip(ops.floor(step / max(1, self.total)), 0.0, self.cycles - 1.0)
        step = step - cycle * self.total
        up = (step + 1.0) / max(1, self.rise)
        progress = ops.clip((step - self.rise) / max(1, self.total - self.rise), 0.0, 1.0)
        if self.shape == "steps":
            share = step / max(1, self.total)
            after = ops.where(share < 0.5, 1.0, ops.where(share < 0.75, 0.1, 0.01))
        elif self.shape == "triangle":
            after = 0.01 + 0.99 * (1.0 - progress)
        else:
            after = 0.01 + 0.99 * 0.5 * (1.0 + ops.cos(progress * 3.141592653589793))
        return self.peak * ops.power(0.5, cycle) * ops.where(step < self.rise, up, after)

    def get_config(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("peak", "rise", "total", "shape", "cycles", "parts")}


def build(plan: OptimizerPlan, total_steps: int, parts: int = 1, scaled: bool = False) -> keras.optimizers.Optimizer:
    """The optimizer for ``total_steps`` steps, each of the averaged gradients of ``parts`` part batches.

    Weight decay leaves biases and normalisation alone. ``scaled`` multiplies the loss, and divides the gradients again,
    as high as float16 allows, below whose smallest number many gradients would else vanish; steps whose gradients
    overflow are left out.
    """
    rate: Any = plan.rate
    if plan.schedule != "constant":
        length = total_steps / plan.cycles
        rate = RiseAndFall(plan.rate, round(plan.warmup * length), length, plan.schedule, plan.cycles, parts)
    common: dict[str, Any] = {"learning_rate": rate, "global_clipnorm": plan.clip_norm}
    if parts > 1:
        common["gradient_accumulation_steps"] = parts
    if plan.weight_decay:
        common["weight_decay"] = plan.weight_decay
    if plan.name == "sgd":
        optimizer: keras.optimizers.Optimizer = keras.optimizers.SGD(
            momentum=plan.momentum, nesterov=plan.nesterov, **common
        )
    elif plan.name == "adamw":
        optimizer = keras.optimizers.AdamW(**{"weight_decay": 0.0, **common})
    elif plan.name == "adam":
        optimizer = keras.optimizers.Adam(**common)
    elif plan.name == "adagrad":
        optimizer = keras.optimizers.Adagrad(**common)
    else:
        optimizer = keras.optimizers.RMSprop(**common)
    if plan.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer


def state(optimizer: keras.optimizers.Optimizer, parts: int) -> list[np.ndarray]:
    """What a checkpoint keeps of a built optimizer between two steps; steps are counted whole, whatever ``parts``."""
    arrays = [np.asarray(ops.convert_to_numpy(variable)) for variable in _lasting(optimizer)]
    return [array // parts if i == 0 else array for i, array in enumerate(arrays)]


def restore(optimizer: keras.optimizers.Optimizer, arrays: list[np.ndarray], parts: int) -> bool:
    """Put back what :func:`state` gave, for the same or another number of ``parts``; false where it does not fit."""
    variables = _lasting(optimizer)
    scale = _scale(optimizer)
    if scale and len(arrays) == len(variables) - len(scale):
        variables = variables[: -len(scale)]  # written before float16 was scaled: the scale is found anew
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        return False
    for i, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
        variable.assign(array * parts if i == 0 else array)
    return True


def _lasting(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """The variables, the step counter first and the loss's scale last, without the gradients of parts, which are nought
    between two steps."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    passing = {id(variable) for variable in getattr(inner, "_accumulated_gradients", None) or []}
    return [variable for variable in inner.variables if id(variable) not in passing] + _scale(optimizer)


def _scale(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """The variables of the loss's scale: how many steps it has held, and itself; none where there is no scale."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return [optimizer.step_counter, optimizer.dynamic_scale] if scaled else []
