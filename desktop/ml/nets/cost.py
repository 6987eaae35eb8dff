"""How much a network computes and holds, and what follows for how steps and pictures are handed to the device."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from desktop.ml.nets import backend
from desktop.ml.plans.plan import FitPlan

backend.select()

import keras  # noqa: E402

_LOOKED_BYTES = 1 << 30  # what a network may hold of the pictures that it looks at together outside of training
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


def pictures_at_once(model: keras.Model, most: int, took: int = 1) -> int:
    """How many pictures ``model`` looks at together outside of training: ``most``, or halves of it where its maps are
    large, but at least ``took`` of them, which its device held in training, where it kept every map."""
    count, least = most, max(1, min(took, most))
    each = 2 * _largest_output(model)  # a layer's output is computed from another of about its size
    while count > least and count * each > _LOOKED_BYTES:
        count //= 2
    return max(count, least)


def _largest_output(model: keras.Model) -> int:
    """Bytes of the largest output of a layer for one picture, in float32."""
    largest = 0
    for layer in model._flatten_layers():
        try:
            outputs = keras.tree.flatten(layer.output)
        except (AttributeError, ValueError):  # not called yet, or called for several inputs
            continue
        largest = max([largest, *(4 * math.prod(int(side or 1) for side in output.shape[1:]) for output in outputs)])
    return largest


def in_pieces(
    compute: Callable[[int, int], Any], count: int, piece: int, fewer: Callable[[int], None] = lambda piece: None
) -> Iterator[Any]:
    """What ``compute`` gives from one position up to another, for all of ``count`` positions, ``piece`` at a time.

    Where memory does not suffice half as many are tried from there on, and ``fewer`` hears how many; raises what
    ``compute`` raises where that does not help.
    """
    start = 0
    while start < count:
        end = min(start + piece, count)
        try:
            found = compute(start, end)
        except Exception as error:
            if end - start == 1 or not backend.out_of_memory(error):
                raise
            piece = (end - start) // 2
            fewer(piece)
            continue
        yield found
        start = end
