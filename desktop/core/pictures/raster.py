"""Pictures of every format but DICOM, by way of Pillow, pi_heif for HEIC, and Fovea's own reader of uncommon TIFF.

Source of the method: Pillow decodes; the order after that is frame, clean aperture, upright, palette and transparency
apart, gamma and profile to sRGB, transparency onto white. See :mod:`desktop.core.pictures.decode` for what comes out
and which errors are raised. The steps after decoding run on bands of rows, so that a large picture is not in memory
once for each of them.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from desktop.core.pictures import (
    animation,
    avif_crop,
    colour,
    containers,
    deep_png,
    depth,
    jpeg_file,
    png_colour,
    windowing,
)
from desktop.core.pictures.limits import check_frame, check_size
from desktop.core.pictures.orientation import UPRIGHT, transposed
from desktop.core.types import DecodedImage, DecodeError, Notice
from desktop.system.words import phrase

_WIDE_MODES = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))
_ORIENTATION_TAG = 0x0112
_BAND = 1 << 22  # pixels


def decode_raster(file: BinaryIO, size: int, head: bytes, kind: str, frame: int, reduce_to: int | None) -> DecodedImage:
    """The picture in ``file`` (seekable, binary, ``size`` bytes), which :func:`formats.sniff` recognised as ``kind``.

    ``head`` is its beginning; ``frame`` and ``reduce_to`` as for :func:`desktop.core.pictures.decode.decode`. Raises
    DecodeError, and whatever the decoders raise on a damaged file: the caller turns that into a DecodeError.
    """
    if kind == "TIFF":
        return _decode_tiff(file, frame)
    if kind == "JPEG":
        check_frame(frame, 1)  # the further pictures in a phone's JPEG are gain maps and previews
        return _decode_jpeg(file, size, reduce_to)
    if kind == "PNG":
        return _decode_png(file, frame)
    if kind == "WEBP" and (declared := containers.webp_size(head)):
        check_size(*declared)
    picture = _open(file, kind)
    check_size(*picture.size)
    frames = _count_frames(picture, file, kind)
    check_frame(frame, frames)
    with picture:
        orientation = _orientation(picture, kind)
        profile = picture.info.get("icc_profile")
        shown = _loaded(picture, file, kind, frame)
        return _finished(shown, kind, frame, frames, orientation, _profile(profile))


def _finished(
    picture: Image.Image,
    kind: str,
    frame: int,
    frames: int,
    orientation: int,
    profile: bytes | None,
    *,
    stored: tuple[int, int] | None = None,
    notices: tuple[Notice, ...] = (),
    exponent: float = 1.0,
    reduced: bool = False,
) -> DecodedImage:
    """A loaded picture as what :func:`decode` returns; ``stored`` is its (width, height) where it was reduced."""
    stored = stored or picture.size
    said = list(frame_notices(kind, frame, frames))
    if orientation in UPRIGHT:
        said.append(
            Notice("upright", phrase("turned upright (EXIF orientation {orientation})", orientation=orientation))
        )
        picture = transposed(picture, orientation)
        if orientation >= 5:
            stored = stored[1], stored[0]
    pixels, more = _flattened(picture, profile, exponent)
    return DecodedImage(pixels, kind, stored, (*said, *notices, *more), frames, reduced)


def frame_notices(kind: str, frame: int, frames: int) -> tuple[Notice, ...]:
    """What is said of a picture that is one of several."""
    if frames == 1:
        return ()
    return (
        Notice(
            "frames",
            phrase(
                "page {frame} of {frames}" if kind == "TIFF" else "frame {frame} of {frames}",
                frame=frame + 1,
                frames=frames,
            ),
        ),
    )


def _profile(profile: object) -> bytes | None:
    return profile if isinstance(profile, bytes) else None


def _decode_jpeg(file: BinaryIO, size: int, reduce_to: int | None) -> DecodedImage:
    try:
        picture, stored, notices = jpeg_file.open_jpeg(file, size)
    except SyntaxError:
        raise _unopened("JPEG") from None
    with picture:
        orientation = _orientation(picture, "JPEG")
        if reduce_to is not None and not notices:
            # Scales by 1/2, 1/4 or 1/8 inside the DCT, the shorter side staying at reduce_to or more.
            picture.draft(None, (reduce_to, reduce_to))
        loaded: Image.Image = picture
        failure: OSError | None = None
        try:
            picture.load()
        except OSError as error:
            if error.errno is not None:
                raise
            failure = error
        if failure is not None or jpeg_file.lacks_end(file, size):
            completed = jpeg_file.completed(file, picture.size)
            if completed is None:
                raise failure or EOFError
            loaded, missing = completed
            notices = (*notices, missing)
        elif jpeg_file.stops_early(loaded, file):
            raise EOFError
        profile = _profile(picture.info.get("icc_profile"))
        reduced = loaded.size != stored
        return _finished(loaded, "JPEG", 0, 1, orientation, profile, stored=stored, notices=notices, reduced=reduced)


def _decode_png(file: BinaryIO, frame: int) -> DecodedImage:
    picture = _open(file, "PNG")
    check_size(*picture.size)
    raw = deep_png.layout(picture)  # first: asking for EXIF loads a PNG
    facts = containers.walk_png(file)
    check_frame(frame, facts.frames)
    with picture:
        orientation = _orientation(picture, "PNG")
        exponent = png_colour.exponent_of(picture.info, facts.code_points)
        profile = png_colour.profile_of(picture.info, facts.code_points)
        picture.load()
        notices: tuple[Notice, ...] = ()
        shown: Image.Image = picture
        if frame:
            shown, notices, exponent = animation.png_frame(file, frame, facts.apart, exponent)
        elif raw:
            shown, notices = deep_png.to_eight(picture, file, raw, exponent)
            exponent = 1.0  # seen to, on the 16 bits
        elif picture.mode in _WIDE_MODES:
            shown, notices = _deep_grey(picture, exponent)
            exponent, profile = 1.0, None
        elif facts.bits > 8:
            notices = (depth.upper_eight(facts.bits),)
        return _finished(shown, "PNG", frame, facts.frames, orientation, profile, notices=notices, exponent=exponent)


def _deep_grey(picture: Image.Image, exponent: float) -> tuple[Image.Image, tuple[Notice, ...]]:
    """A PNG of 16-bit grey as mode L, or LA where one of its values is named transparent."""
    values = np.asarray(picture).astype(np.uint16, copy=False)
    key = picture.info.get("transparency")
    seen = values != key if isinstance(key, int) else None
    counts = windowing.counts16(values, seen if seen is not None and seen.any() else None)
    window = windowing.histogram_window(np.arange(65536), counts) or (0.0, 65535.0)
    shown = Image.fromarray(deep_png.curved(window, exponent)[values])
    if seen is not None and not seen.all():
        shown.putalpha(Image.fromarray(np.where(seen, 255, 0).astype(np.uint8)))
    return shown, (Notice("windowed", phrase("16-bit, windowed {describe}", describe=windowing.describe(window))),)


def _decode_tiff(file: BinaryIO, frame: int) -> DecodedImage:
    from desktop.core.pictures.tiff import decode as tiff
    from desktop.core.pictures.tiff.tags import read_page

    frames = containers.count_tiff(file)
    check_frame(frame, frames)
    page = read_page(file, frame)
    tiff.check_finished(page)
    notices = list(frame_notices("TIFF", frame, frames))
    if page.orientation in UPRIGHT:
        notices.append(
            Notice("upright", phrase("turned upright (EXIF orientation {orientation})", orientation=page.orientation))
        )
    found = None
    if tiff.needs_own_reader(page):
        if not tiff.can_read(page):
            raise tiff.refusal(page)
    else:
        check_size(page.width, page.height)
        check_size(*(page.tile or (1, 1)))
        found = _pillows_tiff(file, frame)
        if found is None and not tiff.can_read(page):
            raise tiff.refusal(page)
    if found is None:
        read = tiff.read_tiff(file, page)
        pixels, more = _flattened(read.picture, read.profile, 1.0)
        return DecodedImage(pixels, "TIFF", read.stored, (*notices, *read.notices, *more), frames, read.reduced)
    pixels, more = _flattened(found, _profile(found.info.get("icc_profile")), 1.0)
    # Pillow inverts 'white is zero' and turns a TIFF upright while loading.
    return DecodedImage(pixels, "TIFF", found.size, (*notices, *more), frames)


def _pillows_tiff(file: BinaryIO, frame: int) -> Image.Image | None:
    """The page as Pillow reads it, loaded; None where it does not know the variant."""
    file.seek(0)
    try:
        picture = Image.open(file, formats=("TIFF",))
        picture.seek(frame)
    except (UnidentifiedImageError, SyntaxError, KeyError):
        return None
    if picture.mode in _WIDE_MODES:
        return None  # the depth rule is the other reader's
    check_size(*picture.size)
    picture.load()
    return picture


def _open(file: BinaryIO, kind: str) -> Image.Image:
    file.seek(0)
    try:
        if kind == "HEIF":
            return _open_heif(file)
        return Image.open(file, formats=(kind,))
    except (UnidentifiedImageError, SyntaxError):
        # Raised below, so that the decoder's own words stay out of logs.
        pass
    raise _unopened(kind)


def _unopened(kind: str) -> DecodeError:
    return DecodeError(
        "damaged",
        phrase(
            "The file begins like {kind}, but its header is damaged or of a variant that Fovea does not know.",
            kind=kind,
        ),
        "Open it in another program and save it again as PNG or JPEG.",
    )


def _open_heif(file: BinaryIO) -> Image.Image:
    import pi_heif

    # Only the picture itself is wanted; what rides along would be parsed for nothing.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    pi_heif.options.DECODE_THREADS = 1
    picture: Image.Image = pi_heif.HeifImageFile(file)
    return picture


def _count_frames(picture: Image.Image, file: BinaryIO, kind: str) -> int:
    if kind == "GIF":
        # Pillow goes on reading where it left the file.
        position = file.tell()
        frames = containers.count_gif(file)
        file.seek(position)
        return frames
    if kind in ("WEBP", "HEIF", "AVIF"):
        return max(1, min(int(getattr(picture, "n_frames", 1)), containers.MAX_FRAMES))
    return 1  # BMP


def _loaded(picture: Image.Image, file: BinaryIO, kind: str, frame: int) -> Image.Image:
    """Frame ``frame`` of ``picture``, loaded."""
    if kind == "GIF" and (frame or not animation.first_covers(file)):
        return animation.gif_frame(file, frame)
    if kind == "HEIF":
        # Frame 0 is the primary picture, wherever it lies; the others follow in the order of the file.
        primary = picture.tell()
        frame = primary if frame == 0 else frame - 1 if frame <= primary else frame
        if frame != primary:
            picture.seek(frame)
    elif frame:
        picture.seek(frame)
    check_size(*picture.size)
    picture.load()
    if kind == "AVIF" and (box := avif_crop.clean_aperture(file, picture.size)):
        return picture.crop(box)
    return picture


def _orientation(picture: Image.Image, kind: str) -> int:
    """The EXIF orientation 1 … 8; 1 where there is none, where it is nonsense, or where libheif has seen to it."""
    if kind == "HEIF":
        return 1
    try:
        value = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1  # broken EXIF says nothing about the pixels
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _flattened(picture: Image.Image, profile: bytes | None, exponent: float) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """A picture of 8 bits a channel or less, as uint8 (H, W) or (H, W, 3) in sRGB, laid on white."""
    width, height = picture.size
    step = max(1, _BAND // width)
    out: np.ndarray | None = None
    notices: dict[str, Notice] = {}
    for top in range(0, height, step):
        rows = min(step, height - top)
        band = picture if rows == height else picture.crop((0, top, width, top + rows))
        plain, alpha = colour.split_alpha(band)
        if exponent != 1.0:
            plain = colour.raised(plain, exponent)
            notices.setdefault("gamma", Notice("gamma", "converted to sRGB by its gamma value"))
        converted, more = colour.to_srgb(plain, profile)
        flat, hidden = colour.on_background(converted, alpha)
        if flat.mode not in ("L", "RGB"):
            flat = flat.convert("RGB")
        pixels = np.asarray(flat)
        if out is None:
            out = pixels if rows == height else np.empty((height, *pixels.shape[1:]), np.uint8)
        if rows != height:
            out[top : top + rows] = pixels
        for notice in (*more, *hidden):
            notices.setdefault(notice.code, notice)
    assert out is not None  # no picture is without rows
    return out, tuple(notices.values())
