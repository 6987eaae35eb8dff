"""TIFF pages that Pillow reads wrongly or not at all.

Deep, signed, floating-point, planar and packed samples, palettes with entries of 8 bits or indices of 16, no-data
values, further bands, big-endian BigTIFF, WebP and JPEG 2000 inside, and pages of more pixels than are kept.

Source of the method: TIFF 6.0 (1992), with the depth rule of :mod:`desktop.core.pictures.depth`. What is neither read
here nor by Pillow is refused by the name of its variant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures import colour, depth, orientation
from desktop.core.pictures.limits import MAX_PIXELS, Reduction, check_size, reduction_of
from desktop.core.pictures.tiff import segments, subsampled, tags
from desktop.core.pictures.tiff.tags import TiffPage
from desktop.core.types import DecodeError, Notice
from desktop.system.words import phrase

_SAMPLE_BYTES = 520 << 20
"""Samples of a page kept at once; a page that needs more is reduced while it is read."""

_GREY_INVERTED, _GREY, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR, _LAB, _ICC_LAB = 0, 1, 2, 3, 4, 5, 6, 8, 9
_COLOURS = {_GREY_INVERTED: 1, _GREY: 1, _RGB: 3, _PALETTE: 1, _MASK: 1, _CMYK: 4, _YCBCR: 3, _LAB: 3, _ICC_LAB: 3}
_VALUED = (_GREY_INVERTED, _GREY, _RGB)  # whose samples GDAL's no-data value can be one of
_CAMERA_RAW = frozenset((32803, 34892))
_ALPHA_MEANS = (1, 2)  # ExtraSamples: premultiplied, and not

_COMPRESSIONS = {
    2: "CCITT modified Huffman",
    3: "CCITT group 3",
    4: "CCITT group 4",
    6: phrase("JPEG of the old style"),
    9: "JBIG",
    10: "JBIG",
    32809: "ThunderScan",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34887: "LERC",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_PHOTOMETRICS = {
    10: phrase("ITU Lab colour"),
    32844: phrase("logarithmic grey"),
    32845: phrase("logarithmic colour"),
    4: phrase("a transparency mask"),
}
_UNITS = {tags.UNSIGNED: "unsigned", tags.SIGNED: "signed", tags.FLOAT: "floating-point", 5: "complex", 6: "complex"}


@dataclass(slots=True)
class _Samples:
    """A page's colour (H, W, channels), its transparency as uint8 (H, W), and which pixels hold data, bool (H, W);
    each but the first None where all are opaque or hold data. Emptied while it is worked on: it may be large."""

    colour: np.ndarray
    alpha: np.ndarray | None
    seen: np.ndarray | None


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """A page as a picture of 8 bits: mode L, RGB, CMYK or LAB, or LA or RGBA; upright. ``stored`` is its own (width,
    height), before any reduction. ``inverted`` and depth are already seen to."""

    picture: Image.Image
    profile: bytes | None
    stored: tuple[int, int]
    notices: tuple[Notice, ...]
    reduced: bool


def needs_own_reader(page: TiffPage) -> bool:
    """Whether Pillow would read ``page`` wrongly or with too much memory, so that :func:`read_tiff` has to."""
    if subsampled.is_subsampled(page):
        return True
    if not can_read(page) and (page.compression not in segments.KNOWN or page.compression in segments.EIGHT_BIT):
        return False  # Pillow may know more of this compression
    if page.nameless or page.compression in segments.PILLOWLESS or page.big and page.order == ">":
        return True
    if any(bits > 8 for bits in page.bits) or any(kind not in (tags.UNSIGNED, tags.UNDEFINED) for kind in page.formats):
        return True
    if page.planar or page.samples > _COLOURS.get(page.photometric, 1) + 1:
        return True
    if page.photometric == _PALETTE and page.colour_map is not None and _narrow(page.colour_map):
        return True
    if page.no_data and can_read(page) and _no_data(page, segments.dtype_of(page)) and page.photometric in _VALUED:
        return True  # shown black is what holds no data, in 8 bits as in more; 0 is black as it stands
    return reduction_of(page.width, page.height).factor > 1


def can_read(page: TiffPage) -> bool:
    """Whether :func:`read_tiff` reads such a page."""
    return _unreadable(page) is None


def refusal(page: TiffPage) -> DecodeError:
    """The refusal of a page that nothing at hand reads, by the name of its variant."""
    what = _unreadable(page) or phrase("an arrangement of samples that Fovea does not know")
    return DecodeError(
        "unsupported-format",
        phrase("This TIFF holds {what}; it is not damaged.", what=what),
        "Save it as PNG or as a plain TIFF first.",
    )


def check_finished(page: TiffPage) -> None:
    """Raise DecodeError ``unsupported-format`` for a camera's raw file that poses as TIFF."""
    # Such a file holds a thumbnail where a TIFF holds its picture; opening that would pretend.
    if page.raw or page.thumbnail or page.photometric in _CAMERA_RAW:
        raise DecodeError(
            "unsupported-format",
            "This is a camera raw file; expected JPEG, PNG, TIFF or another finished picture.",
            "Develop it in a photo program and save it as TIFF or JPEG.",
        )


def _unreadable(page: TiffPage) -> str | None:
    """What keeps :func:`read_tiff` from reading ``page``, in words; None where nothing does."""
    bits, kind = page.bits[0], page.formats[0]
    if page.compression not in segments.KNOWN:
        name = _COMPRESSIONS.get(
            page.compression, phrase("compression number {compression}", compression=page.compression)
        )
        return phrase("data compressed as {name}", name=name)
    if len(set(page.bits)) > 1 or len(set(page.formats)) > 1:
        return phrase("channels of different depths")
    if kind not in (tags.UNSIGNED, tags.SIGNED, tags.FLOAT, tags.UNDEFINED):
        return f"{_UNITS.get(kind, 'unknown')} numbers"
    fits = bits in (16, 32, 64) if kind == tags.FLOAT else 1 <= bits <= 32 or bits == 64
    if not fits:
        return phrase("{get} numbers of {bits} bits", get=_UNITS.get(kind, "unsigned"), bits=bits)
    if page.photometric not in _COLOURS:
        return _PHOTOMETRICS.get(
            page.photometric, phrase("colour model number {photometric}", photometric=page.photometric)
        )
    if page.samples < _COLOURS[page.photometric]:
        return phrase(
            "{samples} channels where its colour model has {colours}",
            samples=page.samples,
            colours=_COLOURS[page.photometric],
        )
    if page.photometric == _CMYK and (page.ink_set == 2 or kind not in (tags.UNSIGNED, tags.UNDEFINED)):
        return phrase("inks other than cyan, magenta, yellow and black, or inks that are no whole numbers")
    if page.photometric == _PALETTE and (page.colour_map is None or bits > 16 or kind == tags.FLOAT):
        return phrase("a palette picture whose palette is missing")
    if page.photometric in (_LAB, _ICC_LAB) and (bits not in (8, 16) or kind == tags.FLOAT):
        return phrase("Lab colour of {bits} bits", bits=bits)
    plain = page.subsampling == (1, 1) or subsampled.can_read(page)
    if page.photometric == _YCBCR and page.compression != segments.JPEG and (bits != 8 or not plain):
        return phrase("subsampled YCbCr colour of this kind")
    predictor, packed = segments.predictor_of(page), bits not in (8, 16, 32, 64)
    if predictor not in (1, 2, 3) or predictor == 2 and packed or predictor == 3 and kind != tags.FLOAT:
        return phrase("a predictor (number {predictor}) that does not go with its samples", predictor=predictor)
    if page.compression in segments.EIGHT_BIT and bits != 8:
        return phrase("{get} of {bits} bits", get=_COMPRESSIONS.get(page.compression, "JPEG"), bits=bits)
    return None


def _narrow(colour_map: np.ndarray) -> bool:
    """Whether the entries of a palette use 8 bits, against the standard but often seen."""
    return bool(len(colour_map)) and int(colour_map.max()) < 256


def read_tiff(file: BinaryIO, page: TiffPage) -> TiffPicture:
    """The picture of ``page`` in ``file`` (seekable, binary).

    Raises DecodeError, and whatever the decoders raise on damaged data.
    """
    check_size(*(page.tile or (1, 1)))
    if subsampled.can_read(page):
        whole = orientation.transposed(Image.fromarray(subsampled.read(file, page)), page.orientation)
        turned = 5 <= page.orientation <= 8
        stored = (page.height, page.width) if turned else (page.width, page.height)
        return TiffPicture(whole, page.profile, stored, (), False)
    colours = _COLOURS[page.photometric]
    alpha_at, associated = _alpha(page, colours)
    keep = list(range(colours)) + ([alpha_at] if alpha_at is not None else [])
    reduction = _reduction(page, len(keep))
    notices: list[Notice] = list(reduction.notices)
    if page.samples > len(keep):
        notices.append(
            Notice(
                "extra-bands",
                phrase("{samples} bands, {used} shown", samples=page.samples, used=_used(colours)),
                "caution",
            )
        )
    size = page.width, page.height
    samples = _gather(file, page, keep, alpha_at is not None, reduction.factor)
    picture, more, profile = _interpreted(page, samples, associated)
    picture = orientation.transposed(picture, page.orientation)
    if 5 <= page.orientation <= 8:
        size = size[1], size[0]
    return TiffPicture(picture, profile, size, (*notices, *more), reduction.factor > 1)


def _used(colours: int) -> str:
    return phrase("the first") if colours == 1 else phrase("the first {colours}", colours=colours)


def _alpha(page: TiffPage, colours: int) -> tuple[int | None, bool]:
    """Which sample is the transparency, and whether the colour is premultiplied by it."""
    for place, meaning in enumerate(page.extra[: page.samples - colours]):
        if meaning in _ALPHA_MEANS and page.photometric in (_GREY_INVERTED, _GREY, _RGB, _PALETTE, _YCBCR):
            return colours + place, meaning == 1
    if not page.extra and page.photometric == _RGB and page.samples == 4:
        return 3, False  # writers that forget to say so
    return None, False


def _reduction(page: TiffPage, channels: int) -> Reduction:
    size = segments.dtype_of(page).itemsize
    palette = page.photometric == _PALETTE
    each = 3 * (1 if palette and page.colour_map is not None and _narrow(page.colour_map) else 2) if palette else size
    most = _SAMPLE_BYTES // (each if palette else each * channels)
    return reduction_of(page.width, page.height, min(most, MAX_PIXELS))


def _gather(file: BinaryIO, page: TiffPage, keep: list[int], has_alpha: bool, factor: int) -> _Samples:
    """The page's samples. A ``factor`` over 1 averages squares of so many pixels while reading, palettes resolved."""
    dtype = segments.dtype_of(page)
    blank = _no_data(page, dtype)
    marked = blank is not None and page.photometric in _VALUED
    height, width = max(1, page.height // factor), max(1, page.width // factor)
    out = alpha = seen = None
    done, left = 0, np.empty((0, page.width, len(keep)), dtype)
    for band in segments.bands(file, page, keep, blank if blank is not None else 0):
        if factor > 1:
            band = np.concatenate([left, band]) if len(left) else band
            whole = len(band) // factor * factor
            left, band = band[whole:].copy(), band[:whole]
        shown = band[..., :-1] if has_alpha else band
        valid: np.ndarray | None = None
        if marked and blank is not None:
            valid = np.logical_not(_equals(shown, blank).all(axis=2))
        if page.photometric == _PALETTE:
            shown = _resolved(page, shown[..., 0])
        veil = _alpha_words(band[..., -1], page) if has_alpha else None
        if factor > 1:
            signs = page.photometric == _LAB
            shown, valid = _averaged(_flipped(shown, page) if signs else shown, factor, valid)
            shown = _flipped(shown, page) if signs else shown
            veil = _averaged(veil[..., None], factor, None)[0][..., 0] if veil is not None else None
        if out is None:
            out = np.empty((height, width, shown.shape[2]), shown.dtype)
            alpha = np.empty((height, width), np.uint16) if has_alpha else None
            seen = np.empty((height, width), bool) if marked else None
        rows = slice(done, min(done + len(shown), height))
        count = rows.stop - rows.start
        out[rows] = shown[:count, :width]
        if alpha is not None and veil is not None:
            alpha[rows] = veil[:count, :width]
        if seen is not None and valid is not None:
            seen[rows] = valid[:count, :width]
        done = rows.stop
    if out is None or done < height:
        raise DecodeError("damaged", "The TIFF's picture is incomplete.", "Copy or export it again.")
    veiled = _alpha_bytes(alpha, page) if alpha is not None else None
    return _Samples(out, veiled, None if seen is not None and seen.all() else seen)


def _no_data(page: TiffPage, dtype: np.dtype) -> float | int | None:
    """The value that GDAL's tag names as 'no data', as the samples hold it; None where there is none of the kind."""
    try:
        value = float(page.no_data)
    except ValueError:
        return None
    if dtype.kind == "f":
        with np.errstate(all="ignore"):
            return float(np.array(value).astype(dtype))
    info = np.iinfo(dtype)
    if not math.isfinite(value) or value != int(value):
        return None
    try:
        exact = int(page.no_data)  # a float has no room for the largest numbers of 64 bits
    except ValueError:
        exact = int(value)
    return exact if info.min <= exact <= info.max else None


def _equals(values: np.ndarray, blank: float | int) -> np.ndarray:
    same: np.ndarray = np.isnan(values) if math.isnan(blank) else values == blank
    return same


def _resolved(page: TiffPage, index: np.ndarray) -> np.ndarray:
    """A palette picture's indices (H, W) as colours (H, W, 3) or, where its palette is grey, (H, W, 1): uint8, or
    uint16 where the palette has 16 bits."""
    assert page.colour_map is not None  # _unreadable sees to it
    entries = len(page.colour_map) // 3
    table = page.colour_map[: 3 * entries].reshape(3, entries).T.astype(np.uint16)
    if _narrow(page.colour_map):
        table = table.astype(np.uint8)
    if bool((table == table[:, :1]).all()):
        table = table[:, :1]  # a palette of greys makes a grey picture
    index = index.view(f"u{index.dtype.itemsize}")
    if not entries or int(index.max()) >= entries:
        raise DecodeError("damaged", "The TIFF uses colours that its palette lacks.", "Export it again.")
    resolved: np.ndarray = table[index]
    return resolved


def _alpha_words(values: np.ndarray, page: TiffPage) -> np.ndarray:
    """Transparency of any dtype as uint16."""
    bits = page.bits[0]
    if values.dtype.kind == "f":
        with np.errstate(all="ignore"):
            veil: np.ndarray = np.nan_to_num(np.clip(values, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
        return veil
    plain = values.view(f"u{values.dtype.itemsize}")
    if bits <= 16:
        return (plain.astype(np.uint32) * 65535 // ((1 << bits) - 1)).astype(np.uint16)
    return (plain >> (bits - 16)).astype(np.uint16)


def _alpha_bytes(words: np.ndarray, page: TiffPage) -> np.ndarray:
    """Transparency as uint8, by the rule for all containers."""
    deep = page.bits[0] == 16 and page.formats[0] != tags.FLOAT
    return depth.veil_to_eight(words, int(words.max()) if deep else 65535)


def _flipped(values: np.ndarray, page: TiffPage) -> np.ndarray:
    """Lab samples with a and b from two's complement to an offset, and back: as such they can be averaged."""
    out = values.copy()
    out[..., 1:] ^= values.dtype.type(1 << (page.bits[0] - 1))
    return out


def _averaged(values: np.ndarray, factor: int, valid: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """``values`` (H, W, channels) averaged over squares of ``factor``, those of ``valid`` pixels alone."""
    height, width = values.shape[0] // factor * factor, max(1, values.shape[1] // factor) * factor
    exact = values.dtype.kind in "iu" and values.dtype.itemsize <= 4
    narrow = exact and values.dtype.itemsize <= 2 and factor <= 64
    kind = np.dtype(f"{values.dtype.kind}{4 if narrow else 8}") if exact else np.dtype(np.float64)
    total: np.ndarray | None = None
    number: np.ndarray | None = None
    with np.errstate(all="ignore"):
        for down in range(factor):
            for across in range(factor):
                part = values[down:height:factor, across:width:factor].astype(kind)
                if valid is not None:
                    kept = valid[down:height:factor, across:width:factor]
                    part = np.where(kept[..., None], part, 0).astype(kind)
                    number = kept.astype(np.int64) if number is None else number + kept
                total = part if total is None else np.add(total, part, out=total)
        assert total is not None  # factor is at least 1
        if number is None:
            if exact:
                total += factor * factor // 2
                return (total // (factor * factor)).astype(values.dtype), None
            return (total / (factor * factor)).astype(values.dtype), None
        mean = total / np.maximum(number, 1)[..., None]
    # Where nothing is valid, the no-data value stays.
    mean = np.where((number > 0)[..., None], np.rint(mean) if exact else mean, values[:height:factor, :width:factor])
    return mean.astype(values.dtype), number > 0


def _interpreted(
    page: TiffPage, samples: _Samples, associated: bool
) -> tuple[Image.Image, tuple[Notice, ...], bytes | None]:
    """Samples as a picture of 8 bits, what was done, and the profile that applies to it."""
    model, bits = page.photometric, page.bits[0]
    profile = page.profile
    values, alpha, seen = samples.colour, samples.alpha, samples.seen
    samples.colour = np.empty((0, 0, 0))
    if model in (_LAB, _ICC_LAB):
        return Image.fromarray(colour.lab_to_srgb(_lab(page, values))), (colour.LAB_NOTICE,), None
    if model == _CMYK:
        inks, notices = _inks(values, bits)
        return Image.fromarray(inks, "CMYK"), notices, profile
    flat = values[..., 0] if values.shape[2] == 1 else values
    visible = seen
    if alpha is not None:
        shown = alpha > 0
        visible = shown if seen is None else shown & seen
        if associated:
            flat = _unmultiplied(flat, alpha)
    pixels, notices = _eight(page, flat, visible)
    del values, flat
    if model == _GREY_INVERTED:
        pixels = np.subtract(255, pixels, dtype=np.uint8)
        notices = (*notices, Notice("inverted", "stored with white as zero, inverted"))
    if seen is not None:
        pixels = pixels if pixels.flags.writeable else pixels.copy()
        pixels[~seen] = 0
        notices = (
            *notices,
            Notice(
                "no-data", phrase("{value:.1%} of the pixels hold no data, shown black", value=1.0 - float(seen.mean()))
            ),
        )
    if model == _YCBCR and page.compression != segments.JPEG:
        pixels = np.asarray(Image.fromarray(pixels, "YCbCr").convert("RGB"))
    picture = Image.fromarray(pixels)
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    return picture, notices, profile


def _eight(page: TiffPage, values: np.ndarray, seen: np.ndarray | None) -> tuple[np.ndarray, tuple[Notice, ...]]:
    bits = page.bits[0]
    if page.photometric == _PALETTE:
        if values.dtype.itemsize == 1:
            return values, ()
        return (values >> 8).astype(np.uint8), ()  # a palette's colours are complete in its upper bytes (section 5)
    if values.dtype == np.uint8:
        if bits < 8:
            return (values.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8), ()
        return values, ()
    return depth.to_eight(values, bits, seen)


def _unmultiplied(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colour with the transparency divided out, of the dtype of ``values``; under full transparency it stays."""
    out = np.empty_like(values)
    top = np.iinfo(values.dtype).max if values.dtype.kind != "f" else math.inf
    for row in range(len(values)):
        veil = np.maximum(alpha[row], 1).astype(np.float64) / 255.0
        out[row] = np.minimum(values[row] / (veil if values.ndim == 2 else veil[:, None]), top)
    return out


def _inks(values: np.ndarray, bits: int) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Amounts of ink (H, W, 4) as uint8. No ink stays no ink: inks of few bits are scaled, not windowed."""
    if bits <= 8:
        return (values if bits == 8 else (values.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)), ()
    most, used = int(values.max()), bits
    if most < 1 << (bits - 2):
        used = max(8, most.bit_length() + most.bit_length() % 2)
    pixels = (values >> (used - 8)).astype(np.uint8)
    return pixels, (Notice("reduced-depth", phrase("{used} bits a channel, the upper 8 used", used=used)),)


def _lab(page: TiffPage, values: np.ndarray) -> np.ndarray:
    """CIE L*a*b* as float32 (H, W, 3): L 0 … 100, a and b about -128 … 127 (sections 23; ICC.1 for model 9)."""
    deep = page.bits[0] == 16
    out = np.empty(values.shape, np.float32)
    if page.photometric == _ICC_LAB:
        out[..., 0] = values[..., 0] * (100.0 / (65280.0 if deep else 255.0))
        out[..., 1:] = values[..., 1:] / (256.0 if deep else 1.0) - 128.0
        return out
    out[..., 0] = values[..., 0].view(f"u{values.dtype.itemsize}") * (100.0 / (65535.0 if deep else 255.0))
    signed = np.ascontiguousarray(values[..., 1:]).view(f"i{values.dtype.itemsize}")
    out[..., 1:] = signed / (256.0 if deep else 1.0)
    return out
