"""From a drawing to the inputs for its digits: opened, found and laid out in a child, as every picture is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from desktop.core.types import DecodedImage, ImageSource, PreparedImage, PreprocessSpec

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.pictures.decode_in_child import PreparedFile
    from desktop.core.pictures.mnist_layout import FoundInk
    from desktop.core.pictures.segments import InkBox, Piece
    from desktop.system.workers import Workers


@dataclass(frozen=True, slots=True, eq=False)
class DigitInput:
    """One digit: its ``box`` (x, y, width, height) in the drawing, its input, and bool (H, W) where its ink is if
    there are several."""

    box: tuple[int, int, int, int]
    ink: np.ndarray | None
    opened: PreparedFile


def digits_of(
    source: ImageSource,
    spec: PreprocessSpec,
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[DigitInput]:
    """The digits of the drawing ``source`` in reading order; for an input that is no drawing of a digit the whole
    picture. Raises what decoding and preparing raise."""
    from desktop.core.pictures import decode_in_child

    found: list[DigitInput] = decode_in_child.one(
        "desktop.core.drawings.pieces:_digits", (source, spec), pool, cancelled
    )
    return found


def _digits(item: tuple[ImageSource, PreprocessSpec]) -> list[DigitInput]:
    """In the child: what :func:`digits_of` gives."""
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.decode_in_child import PreparedFile

    source, spec = item
    begin = time.perf_counter()
    image = decode(source)
    decode_ms = (time.perf_counter() - begin) * 1000
    out = []
    for box, ink, work in _pieces(image, spec):
        start = time.perf_counter()
        prepared = work()
        facts = (image.original_size, image.format, image.frames, image.notices + prepared.notices)
        opened = PreparedFile(prepared, *facts, decode_ms, (time.perf_counter() - start) * 1000)
        out.append(DigitInput((box.x, box.y, box.width, box.height), ink, opened))
    return out


def _pieces(
    image: DecodedImage, spec: PreprocessSpec
) -> list[tuple[InkBox, np.ndarray | None, Callable[[], PreparedImage]]]:
    """Each digit's place in the picture, where its ink is if there are several, and what prepares it: laid out as
    :func:`prepare` does, its ink found once."""
    from desktop.core.pictures.mnist_layout import SMALL, find_ink
    from desktop.core.pictures.preprocess import prepare, to_grey
    from desktop.core.pictures.segments import InkBox, split

    height, width = image.pixels.shape[:2]
    if spec.fit != "mnist" or min(height, width) < SMALL:
        return [(InkBox(0, 0, width, height), None, partial(prepare, image, spec))]
    found = find_ink(to_grey(image.pixels))
    factor = width / found.ink.shape[1] if found.ink is not None else 1.0
    pieces = split(found.ink)
    several = len(pieces) > 1 and factor == 1.0  # of a picture that was reduced the ink lies elsewhere
    return [
        (piece.box.scaled(factor), piece.ink > 0 if several else None, partial(_laid_out, piece, found))
        for piece in pieces
    ]


def _laid_out(piece: Piece, found: FoundInk) -> PreparedImage:
    """The input for one piece, with a notice where it is too many to be told apart."""
    from desktop.core.pictures.mnist_layout import lay_out, too_many

    prepared = lay_out(piece.ink, *found[1:])
    if not piece.untold:
        return prepared
    return PreparedImage(prepared.pixels, (too_many(piece.untold), *prepared.notices))
