"""Pictures of every format but DICOM, by way of Pillow and, for HEIC, pi_heif.

Source of the method: Pillow decodes; the order after that is frame, upright, palette and transparency apart, profile
to sRGB, transparency onto white. See :mod:`desktop.core.pictures.decode` for what comes out and which errors are
raised.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from desktop.core.pictures import colour, containers, deep_png, windowing
from desktop.core.pictures.limits import check_frame, check_size
from desktop.core.types import DecodedImage, DecodeError, Notice

_WIDE_MODES = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))

# EXIF 2.32, table 6: what brings a picture stored with that orientation upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112

# TIFF 6.0 and TIFF/EP tags.
_SUBFILE_TYPE, _BITS, _PHOTOMETRIC, _SUB_IFDS, _SAMPLE_FORMAT, _DNG_VERSION = 254, 258, 262, 330, 339, 50706
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def decode_raster(file: BinaryIO, head: bytes, kind: str, frame: int, reduce_to: int | None) -> DecodedImage:
    """The picture in ``file`` (seekable, binary), which :func:`formats.sniff` recognised as ``kind``.

    ``head`` is its beginning; ``frame`` and ``reduce_to`` as for :func:`desktop.core.pictures.decode.decode`. Raises
    DecodeError, and whatever the decoders raise on a damaged file: the caller turns that into a DecodeError.
    """
    facts = containers.PngFacts(8, 1)
    if kind == "WEBP" and (declared := containers.webp_size(head)):
        check_size(*declared)
    picture = _open(file, kind)
    check_size(*picture.size)
    raw = deep_png.layout(picture) if kind == "PNG" else ""  # first: asking for EXIF loads a PNG
    if kind == "PNG":
        facts = containers.walk_png(file)
    frames = _count_frames(picture, file, kind, facts)
    check_frame(frame, frames)
    with picture:
        _seek(picture, kind, frame)
        check_size(*picture.size)
        orientation = _orientation(picture, kind)
        inverted = False
        if kind == "TIFF":
            inverted = _look_at_tiff(picture)
        stored = picture.size
        if kind == "JPEG" and reduce_to is not None:
            # Scales by 1/2, 1/4 or 1/8 inside the DCT, the shorter side staying at reduce_to or more.
            picture.draft(None, (reduce_to, reduce_to))
        bits = _bits(picture, kind, facts)
        profile = picture.info.get("icc_profile")
        picture.load()
        deep = deep_png.windowed(picture, file, raw) if raw and frames == 1 else None
        if kind in ("TIFF", "HEIF"):
            stored = picture.size  # Pillow turns a TIFF upright while loading; HEIC sizes may change, too
        reduced = kind == "JPEG" and picture.size != stored
        notices: list[Notice] = []
        if frames > 1:
            notices.append(Notice("frames", f"{'page' if kind == 'TIFF' else 'frame'} {frame + 1} of {frames}"))
        turn = _UPRIGHT.get(orientation)
        if orientation in _UPRIGHT:
            notices.append(Notice("upright", f"turned upright (EXIF orientation {orientation})"))
        upright: Image.Image = deep[0] if deep else picture
        if turn is not None and kind != "TIFF":
            upright = _transposed(upright, turn)
            if orientation >= 5:
                stored = stored[1], stored[0]
        if picture.mode in _WIDE_MODES:
            pixels, more = _wide(upright, bits, kind, inverted)
        else:
            if deep:
                notices.append(deep[1])
            elif bits > 8:
                notices.append(Notice("reduced-depth", f"{bits} bits a channel, the upper 8 used"))
            pixels, more = _bytes(upright, profile if isinstance(profile, bytes) else None)
    return DecodedImage(pixels, kind, stored, (*notices, *more), frames, reduced)


def _open(file: BinaryIO, kind: str) -> Image.Image:
    file.seek(0)
    try:
        if kind == "HEIF":
            return _open_heif(file)
        return Image.open(file, formats=(kind,))
    except (UnidentifiedImageError, SyntaxError):
        # Raised below, so that the decoder's own words stay out of logs.
        pass
    raise DecodeError(
        "damaged",
        f"The file begins like {kind}, but its header is damaged or of a variant that Fovea does not know.",
        "Open it in another program and save it again as PNG or JPEG.",
    )


def _open_heif(file: BinaryIO) -> Image.Image:
    import pi_heif

    # Only the picture itself is wanted; what rides along would be parsed for nothing.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    pi_heif.options.DECODE_THREADS = 1
    picture: Image.Image = pi_heif.HeifImageFile(file)
    return picture


def _count_frames(picture: Image.Image, file: BinaryIO, kind: str, facts: containers.PngFacts) -> int:
    if kind == "PNG":
        return facts.frames
    if kind in ("GIF", "TIFF"):
        # Pillow goes on reading where it left the file.
        position = file.tell()
        frames = containers.count_gif(file) if kind == "GIF" else containers.count_tiff(file)
        file.seek(position)
        return frames
    if kind in ("WEBP", "HEIF", "AVIF"):
        return max(1, min(int(getattr(picture, "n_frames", 1)), containers.MAX_FRAMES))
    return 1  # BMP; and the further pictures in a phone's JPEG are gain maps and previews


def _seek(picture: Image.Image, kind: str, frame: int) -> None:
    if kind == "HEIF":
        # Frame 0 is the primary picture, wherever it lies; the others follow in the order of the file.
        primary = picture.tell()
        frame = primary if frame == 0 else frame - 1 if frame <= primary else frame
        if frame != primary:
            picture.seek(frame)
    elif frame:
        picture.seek(frame)


def _orientation(picture: Image.Image, kind: str) -> int:
    """The EXIF orientation 1 … 8; 1 where there is none, where it is nonsense, or where libheif has seen to it."""
    if kind == "HEIF":
        return 1
    try:
        value = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1  # broken EXIF says nothing about the pixels
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _transposed(picture: Image.Image, turn: Image.Transpose) -> Image.Image:
    """``picture`` turned, with the facts that splitting off its transparency needs."""
    turned = picture.transpose(turn)
    if "transparency" in picture.info:
        turned.info["transparency"] = picture.info["transparency"]
    return turned


def _first(value: Any, default: int) -> int:
    if isinstance(value, tuple):
        value = value[0] if value else default
    return value if isinstance(value, int) else default


def _look_at_tiff(picture: Image.Image) -> bool:
    """Refuse what only looks like a plain TIFF; say whether its grey values run from white to black."""
    tags: Any = getattr(picture, "tag_v2", {})
    # A camera's raw file holds a thumbnail where a TIFF holds its picture; opening that would pretend.
    if _DNG_VERSION in tags or (_first(tags.get(_SUBFILE_TYPE), 0) & 1 and _SUB_IFDS in tags):
        raise DecodeError(
            "unsupported-format",
            "This is a camera raw file; expected JPEG, PNG, TIFF or another finished picture.",
            "Develop it in a photo program and save it as TIFF or JPEG.",
        )
    check_size(_first(tags.get(_TILE_WIDTH), 1), _first(tags.get(_TILE_LENGTH), 1))
    return _first(tags.get(_PHOTOMETRIC), 1) == 0


def _bits(picture: Image.Image, kind: str, facts: containers.PngFacts) -> int:
    if kind == "PNG":
        return facts.bits
    if kind == "TIFF":
        return _first(getattr(picture, "tag_v2", {}).get(_BITS), 8)
    return 8


def _wide(picture: Image.Image, bits: int, kind: str, inverted: bool) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """A picture of one channel with more than 8 bits, as uint8 (H, W) through a chosen window."""
    values = np.asarray(picture)
    what = f"{bits}-bit"
    if values.dtype.kind == "f":
        what += " floating point"
        window = windowing.float_window(values)
        if window is None:
            some = values[np.isfinite(values)][:1]
            level = float(some[0]) if some.size else 0.0
            window = min(0.0, level), max(1.0, level)
        pixels = windowing.to_bytes(values, window)
    elif values.dtype.itemsize == 2 and values.dtype.kind == "u":
        pixels, window = windowing.unsigned16(values)
    else:
        if kind == "TIFF" and _sample_format(picture) == 1 and bits == 32:
            values = values.view(np.uint32)  # Pillow has no unsigned 32-bit mode
        window = windowing.sample_window(values) or (min(0.0, float(values.flat[0])), max(255.0, float(values.flat[0])))
        pixels = windowing.to_bytes(values, window)
    notices = [Notice("windowed", f"{what}, windowed {windowing.describe(window)}")]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        notices.append(Notice("not-finite", "values that are no numbers shown as the darkest or brightest", "caution"))
    if inverted:
        # Pillow inverts 'white is zero' in 8-bit pictures only.
        pixels = np.subtract(255, pixels, dtype=np.uint8)
        notices.append(Notice("inverted", "stored with white as zero, inverted"))
    return pixels, tuple(notices)


def _sample_format(picture: Image.Image) -> int:
    return _first(getattr(picture, "tag_v2", {}).get(_SAMPLE_FORMAT), 1)


def _bytes(picture: Image.Image, profile: bytes | None) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """A picture of 8 bits a channel or less, as uint8 (H, W) or (H, W, 3)."""
    plain, alpha = colour.split_alpha(picture)
    converted, notices = colour.to_srgb(plain, profile)
    flat, more = colour.on_background(converted, alpha)
    if flat.mode not in ("L", "RGB"):
        flat = flat.convert("RGB")
    return np.asarray(flat), (*notices, *more)
