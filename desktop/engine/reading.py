"""Reading a drawing: its digits found, prepared and answered one by one, in one message."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from desktop.core.drawings.segments import MOST, Box, Piece, split
from desktop.core.pictures.decode import decode
from desktop.core.pictures.mnist_layout import Found, find_ink, lay_out
from desktop.core.pictures.preprocess import prepare, to_grey
from desktop.core.types import DecodedImage, Notice, PreparedImage, PreprocessSpec
from desktop.engine.answers import TOO_MANY, prediction_of
from desktop.engine.batching import Brought, milliseconds_since
from desktop.engine.messages import ReadDigit, Reading, ReadRequest
from desktop.engine.model import LoadedModel

_SMALL = 40
"""A picture with a shorter side is one digit: it may be laid out already, and passes unchanged then."""


def read(request: ReadRequest, model: LoadedModel) -> Reading:
    """The answer to ``request``. Raises what decoding, preparing and predicting raise."""
    begin = time.perf_counter()
    image = decode(request.source)
    decode_ms = milliseconds_since(begin)
    brought, places = [], []
    for box, ink, work in _pieces(image, model.manifest.preprocess):
        start = time.perf_counter()
        prepared = work()
        facts = (image.original_size, image.format, image.frames, image.notices + prepared.notices)
        brought.append(Brought(prepared, *facts, decode_ms, milliseconds_since(start)))
        places.append(((box.x, box.y, box.width, box.height), ink))
    digits = []
    if brought:
        start = time.perf_counter()
        found = model.answer(np.stack([item.prepared.pixels for item in brought]), gated=True)
        each = milliseconds_since(start) / len(brought)
        for place, ((where, ink), item, row, verdict) in enumerate(zip(places, brought, *found, strict=True)):
            answer = prediction_of(request.id, request.source, place, model, item, row, each, True, verdict)
            digits.append(ReadDigit(where, answer, ink))
    return Reading(request.id, request.model, request.source, tuple(digits), milliseconds_since(begin))


def _pieces(
    image: DecodedImage, spec: PreprocessSpec
) -> list[tuple[Box, np.ndarray | None, Callable[[], PreparedImage]]]:
    """Each digit's place in the picture, where its ink is if there are several, and what prepares it: laid out as
    :func:`prepare` does, its ink found once."""
    height, width = image.pixels.shape[:2]
    if spec.fit != "mnist" or min(height, width) < _SMALL:
        return [(Box(0, 0, width, height), None, partial(prepare, image, spec))]
    found = find_ink(to_grey(image.pixels))
    factor = width / found.ink.shape[1] if found.ink is not None else 1.0
    pieces = split(found.ink)
    several = len(pieces) > 1 and factor == 1.0  # of a picture that was reduced the ink lies elsewhere
    return [
        (piece.box.scaled(factor), piece.ink > 0 if several else None, partial(_laid_out, piece, found))
        for piece in pieces
    ]


def _laid_out(piece: Piece, found: Found) -> PreparedImage:
    """The input for one piece, with a notice where it is too many to be told apart."""
    prepared = lay_out(piece.ink, *found[1:])
    if not piece.untold:
        return prepared
    words = f"{piece.untold} pieces of ink, and no more than {MOST} are read: the answer is for one of them at most"
    return PreparedImage(prepared.pixels, (Notice(TOO_MANY, words, "caution"), *prepared.notices))
