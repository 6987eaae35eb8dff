"""What a training would make of one picture: for whoever chooses how pictures are prepared and augmented."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from desktop.core.pictures.decode_in_child import bring_in_shown
from desktop.engine.messages import SampleRequest, Samples
from desktop.ml.data import augment
from desktop.ml.plans.plan import Step
from desktop.system.workers import Workers


def samples_of(request: SampleRequest, decoders: Workers, cancelled: Callable[[], bool] = lambda: False) -> Samples:
    """Decode, prepare and augment as :mod:`desktop.ml` does.

    Raises ``DecodeError`` or ``PrepareError`` for the picture, ``PlanError`` for an augmentation or setting that does
    not exist.
    """
    steps = tuple(Step(name, dict(settings)) for name, settings in request.steps)
    augment.check(steps)
    shown, prepared = bring_in_shown(request.source, request.spec, request.max_side, decoders, cancelled)
    rng = np.random.default_rng(request.seed)
    copies = np.repeat(prepared.pixels[np.newaxis], request.count, axis=0)
    augmented = augment.apply(copies, steps, rng) if request.count else copies
    return Samples(
        request.id,
        request.source,
        shown.pixels,
        shown.original_size,
        prepared.pixels,
        tuple(np.ascontiguousarray(picture) for picture in augmented),
        shown.notices + prepared.notices,
        request.slot,
    )
