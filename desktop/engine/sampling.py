"""What a training would make of one picture: for whoever chooses how pictures are prepared and augmented."""

from __future__ import annotations

import numpy as np

from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.engine.answers import shrunk
from desktop.engine.messages import SampleRequest, Samples
from desktop.ml.data import augment
from desktop.ml.plans.plan import Step


def samples_of(request: SampleRequest) -> Samples:
    """Decode, prepare and augment as :mod:`desktop.ml` does.

    Raises ``DecodeError`` or ``PrepareError`` for the picture, ``PlanError`` for an augmentation or setting that does
    not exist.
    """
    steps = tuple(Step(name, dict(settings)) for name, settings in request.steps)
    augment.check(steps)
    image = decode(request.source)
    prepared = prepare(image, request.spec)
    rng = np.random.default_rng(request.seed)
    copies = np.repeat(prepared.pixels[np.newaxis], request.count, axis=0)
    augmented = augment.apply(copies, steps, rng) if request.count else copies
    return Samples(
        request.id,
        request.source,
        np.ascontiguousarray(shrunk(image.pixels, request.max_side)),
        image.original_size,
        prepared.pixels,
        tuple(np.ascontiguousarray(picture) for picture in augmented),
        image.notices + prepared.notices,
        request.slot,
    )
