"""Reading a drawing: its digits found, prepared and answered one by one, in one message."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from desktop.core.drawings.pieces import digits_of
from desktop.engine.answers import prediction_of
from desktop.engine.batching import milliseconds_since
from desktop.engine.messages import ReadDigit, Reading, ReadRequest
from desktop.engine.model import LoadedModel
from desktop.system.workers import Workers


def read(
    request: ReadRequest,
    model: LoadedModel,
    decoders: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Reading:
    """The answer to ``request``. Raises what decoding, preparing and predicting raise."""
    begin = time.perf_counter()
    found = digits_of(request.source, model.manifest.preprocess, decoders, cancelled)
    digits = []
    if found:
        start = time.perf_counter()
        answers = model.answer(np.stack([item.opened.prepared.pixels for item in found]), gated=True)
        each = milliseconds_since(start) / len(found)
        for place, (item, row, verdict) in enumerate(zip(found, *answers, strict=True)):
            answer = prediction_of(request.id, request.source, place, model, item.opened, row, each, True, verdict)
            digits.append(ReadDigit(item.box, answer, item.ink))
    return Reading(request.id, request.model, request.source, tuple(digits), milliseconds_since(begin))
