"""How much a step of a network computes, and what follows for how steps are handed to the device."""

from __future__ import annotations

import math
from typing import Any

from desktop.ml import backend
from desktop.ml.plan import FitPlan

backend.select()

import keras  # noqa: E402

_CPU_STEP = 4e10  # multiplications that two cores do in about two seconds


def multiplications(model: keras.Model) -> int:
    """Multiplications of one picture's forward pass in convolutions and dense layers."""
    total = 0
    for layer in model._flatten_layers():
        kernel = getattr(layer, "_kernel", None)
        if kernel is None or not isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            continue
        total += math.prod(kernel.shape) * _positions(layer)
    return total


def _positions(layer: Any) -> int:
    if isinstance(layer, keras.layers.Dense):
        return 1
    return math.prod(int(side or 1) for side in layer.output.shape[1:3])


def steps_at_once(model: keras.Model, fit: FitPlan, steps: int, parts: int) -> int:
    """How many steps the device does between two looks at the user's wishes.

    The plan's number on an accelerator and for small networks; on a CPU the largest divisor of it that takes no longer
    than about two seconds, because a pause or a stop has to wait that long. A divisor, so that the moving average is
    taken at the same steps whatever the number.
    """
    wanted = fit.steps_per_execution
    if parts > 1 or steps < wanted or keras.backend.backend() == "torch":  # Keras' torch loop knows single steps only
        return 1
    if backend.accelerated():
        return wanted
    work = 3 * multiplications(model) * fit.batch
    fitting = [n for n in range(1, wanted + 1) if wanted % n == 0 and n * work <= _CPU_STEP]
    return max(fitting, default=1)
