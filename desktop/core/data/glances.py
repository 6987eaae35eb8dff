"""One look at a picture for a labelling project: its content's checksum, size, sharpness, thumbnail, and what the
network takes of it; in a child, since a hostile file may take that down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from desktop.core.data.near_duplicates import SIDE
from desktop.core.pictures import decode_in_child
from desktop.core.pictures.decode_in_child import content_of
from desktop.core.types import FoveaError, ImageSource, PreprocessSpec

_SHARP_SIDE = 512  # pixels of the longer side at which sharpness is measured: shots of one burst are compared alike


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """``pixels`` uint8 (height, width, channels), prepared; ``size`` (width, height) of the picture; ``sha256`` of the
    content (32 bytes), ``length`` in bytes; ``thumbnail`` 256 grey levels; ``sharpness``, see :func:`sharpness_of`."""

    sha256: bytes
    length: int
    pixels: np.ndarray
    size: tuple[int, int]
    thumbnail: bytes
    sharpness: float


@dataclass(frozen=True, slots=True)
class NotOpened:
    """A picture that did not open, and why; ``length`` is -1 where its file could not be read."""

    sha256: bytes
    length: int
    error: FoveaError


def glances(
    sources: Sequence[ImageSource], spec: PreprocessSpec, cancelled: Callable[[], bool] = lambda: False
) -> list[Glance | NotOpened]:
    """Look at each of ``sources``, prepared by ``spec``."""
    found = decode_in_child.each(f"{__name__}:_glance", [(source, spec) for source in sources], cancelled=cancelled)
    out: list[Glance | NotOpened] = []
    for source, seen in zip(sources, found, strict=True):
        if isinstance(seen, FoveaError):  # it ended its child: its content is known all the same
            _, size, digest = content_of(source)
            out.append(NotOpened(digest, size, seen))
        else:
            out.append(seen)
    return out


def sharpness_of(grey: np.ndarray) -> float:
    """How sharp a picture is, for comparing shots of one scene: the variance of its Laplacian (Pech-Pacheco et al.
    2000, 'Diatom autofocusing in brightfield microscopy'), relative to that of its grey levels, which exposure changes.

    ``grey`` uint8 (H, W); 0 for what shows nothing.
    """
    values = grey.astype(np.float32)
    if min(values.shape) < 3:
        return 0.0
    inner = values[1:-1, 1:-1]
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * inner
    return float(laplacian.var() / max(1.0, float(values.var())))


def _glance(item: tuple[ImageSource, PreprocessSpec]) -> Glance | NotOpened:
    """In the child."""
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.preprocess import prepare

    source, spec = item
    held, size, digest = content_of(source)
    try:
        image = decode(held)
        pixels = prepare(image, spec).pixels
    except FoveaError as error:
        return NotOpened(digest, size, error)
    shown = Image.fromarray(decode_in_child.shrunk(image.pixels, _SHARP_SIDE)).convert("L")
    thumbnail = shown.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()
    return Glance(digest, size, pixels, image.original_size, thumbnail, sharpness_of(np.asarray(shown)))
