"""The frozen dataclasses that travel between Fovea's layers.

Nothing here imports Qt, Keras or even NumPy at run time: the window loads this module before its
first paint, and NumPy alone would add a third to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from desktop.system.errors import FoveaError as FoveaError
from desktop.system.words import hold

if TYPE_CHECKING:
    import numpy as np

Level = Literal["info", "caution"]
Colour = Literal["rgb", "grey"]
Fit = Literal["stretch", "center_crop", "letterbox", "mnist"]
Interpolation = Literal["nearest", "area", "bilinear", "bicubic", "lanczos"]

COLOURS: tuple[Colour, ...] = ("rgb", "grey")
FITS: tuple[Fit, ...] = ("stretch", "center_crop", "letterbox", "mnist")
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "area", "bilinear", "bicubic", "lanczos")
CROSSED = "cross-validation"
"""What the split of a figure is called that was got of all pictures, each by a head that did not learn from it."""
MAX_CLASSES = 25_000
"""The most classes that a model, a file of weights or a set of arrays may have."""


class DecodeError(FoveaError):
    """A picture that was not opened. Kinds: see :mod:`desktop.core.pictures.decode`."""


class PrepareError(FoveaError):
    """A picture that cannot be brought into a network's input."""


class StoreError(FoveaError):
    """A model that is missing, damaged, not installed or does not fit its description."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was done to a picture and that its viewer should know.

    ``code`` is stable and hyphenated (``upright``, ``windowed`` …); ``text`` a short phrase.
    """

    code: str
    text: str
    level: Level = "info"

    def __post_init__(self) -> None:
        hold(self, "text")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where a picture comes from: a file, or bytes held in memory (clipboard, a drawing).

    Exactly one of ``path`` and ``data`` is set. ``name`` is what users see; it never holds a folder.
    ``frame`` chooses one frame of a multi-frame DICOM, GIF or TIFF (0-based).
    """

    name: str
    path: str | None = None
    data: bytes | None = field(default=None, repr=False)
    frame: int = 0

    def __post_init__(self) -> None:
        if (self.path is None) == (self.data is None):
            raise ValueError("an ImageSource has either a path or data")

    @classmethod
    def from_path(cls, path: str, frame: int = 0) -> ImageSource:
        """The picture in the file ``path``; its name is the last part of the path."""
        from os.path import basename

        return cls(name=basename(path) or path, path=path, frame=frame)


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """How a picture becomes a network's input, in full: with the picture it determines every byte.

    Range scaling and normalisation are not here: they sit inside the network.

    - ``fit``: ``stretch`` ignores the aspect ratio; ``center_crop`` scales the shorter side to
      ``resize_shorter`` (or to just cover the input) and cuts the middle out; ``letterbox`` keeps the whole picture
      and pads with ``pad_value``; ``mnist`` finds ink of either polarity and centres it by mass.
    - ``interpolation``: Pillow's filters, all of them antialiased when shrinking; ``area`` is a box.
    """

    height: int
    width: int
    colour: Colour
    fit: Fit
    interpolation: Interpolation = "bilinear"
    resize_shorter: int | None = None
    pad_value: int = 0

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.colour == "grey" else 3

    def __post_init__(self) -> None:
        if not (1 <= self.height <= 4096 and 1 <= self.width <= 4096):
            raise ValueError(f"input size {self.width}×{self.height}: expected 1 to 4096 pixels a side")
        if self.colour not in COLOURS:
            raise ValueError(f"colour {self.colour!r}: expected one of {COLOURS}")
        if self.fit not in FITS:
            raise ValueError(f"fit {self.fit!r}: expected one of {FITS}")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation {self.interpolation!r}: expected one of {INTERPOLATIONS}")
        if not 0 <= self.pad_value <= 255:
            raise ValueError(f"pad_value {self.pad_value}: expected 0 to 255")
        if self.resize_shorter is not None and not (
            self.fit == "center_crop" and max(self.height, self.width) <= self.resize_shorter <= 8192
        ):
            raise ValueError("resize_shorter goes with fit 'center_crop' and covers the input")
        if self.fit == "mnist" and (self.colour != "grey" or self.height != 28 or self.width != 28):
            raise ValueError("fit 'mnist' makes a grey 28×28 input")


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """Whether a picture is of the model's kind: ``score`` is 0 for the middle of its own pictures; above 1 it is
    flagged (not ``inside``).

    ``reasons`` are codes of :data:`desktop.core.trust.reasons.REASONS`, what was measured on the picture, the gravest
    first; often there is none. :func:`desktop.core.trust.reasons.told` says what to show.
    """

    score: float
    inside: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture as Fovea sees it: upright, sRGB, 8 bit.

    ``pixels`` is uint8 of shape (H, W) for grey or (H, W, 3) for RGB, C-contiguous. ``format`` is the
    recognised file format (``JPEG``, ``DICOM`` …), ``original_size`` (width, height) upright before any
    reduction; ``reduced`` says that the decoder was asked for a smaller picture and gave one.
    ``frames`` counts the frames of the file.
    """

    pixels: np.ndarray
    format: str
    original_size: tuple[int, int]
    notices: tuple[Notice, ...] = ()
    frames: int = 1
    reduced: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImage:
    """A network's input: ``pixels`` uint8 (height, width, channels), and what was done to get there. ``pieces`` are
    further inputs of that form: of a picture of several digits, for a network that reads one, each of them."""

    pixels: np.ndarray
    notices: tuple[Notice, ...] = ()
    pieces: tuple[np.ndarray, ...] = ()

    def sha256(self) -> str:
        """SHA-256 of the bytes of ``pixels`` in row order, as 64 hexadecimal digits."""
        import hashlib

        return hashlib.sha256(self.pixels.tobytes()).hexdigest()
