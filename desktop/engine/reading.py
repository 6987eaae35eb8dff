"""Reading a drawing: its digits found, prepared and answered one by one, in one message."""

from __future__ import annotations

import time

import numpy as np

from desktop.core.decode import decode
from desktop.core.digits import Box, Piece, split
from desktop.core.preprocess import prepare, to_grey
from desktop.engine.answers import prediction_of
from desktop.engine.batching import Brought, milliseconds_since
from desktop.engine.messages import ReadDigit, Reading, ReadRequest
from desktop.engine.model import LoadedModel


def read(request: ReadRequest, model: LoadedModel) -> Reading:
    """The answer to ``request``. Raises what decoding, preparing and predicting raise."""
    begin = time.perf_counter()
    image = decode(request.source)
    decode_ms = milliseconds_since(begin)
    spec = model.manifest.preprocess
    pieces = split(to_grey(image.pixels)) if spec.fit == "mnist" else [_whole(image.pixels)]
    brought = []
    for piece in pieces:
        start = time.perf_counter()
        # One digit alone comes back as the very picture: prepared as Classify would, colours included.
        prepared = prepare(image if len(pieces) == 1 else piece.pixels, spec)
        notices = image.notices + prepared.notices
        facts = (image.original_size, image.format, image.frames, notices)
        brought.append(Brought(prepared, *facts, decode_ms, milliseconds_since(start)))
    digits = []
    if brought:
        start = time.perf_counter()
        found = model.answer(np.stack([item.prepared.pixels for item in brought]), gated=True)
        each = milliseconds_since(start) / len(brought)
        for place, (piece, item, row, verdict) in enumerate(zip(pieces, brought, *found, strict=True)):
            box = (piece.box.x, piece.box.y, piece.box.width, piece.box.height)
            answer = prediction_of(request.id, request.source, place, model, item, row, each, True, verdict)
            digits.append(ReadDigit(box, answer))
    return Reading(request.id, request.model, request.source, tuple(digits), milliseconds_since(begin))


def _whole(pixels: np.ndarray) -> Piece:
    return Piece(Box(0, 0, pixels.shape[1], pixels.shape[0]), pixels)
