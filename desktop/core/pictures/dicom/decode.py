"""DICOM files to 8-bit pictures, by way of pydicom.

Source of the method: DICOM PS3.3, C.7.6.3 (Image Pixel) for the layout, C.11 for the grey scale; pydicom 3 for reading
and for colour conversion. Nothing of a header but technical elements is looked at, and no text out of a file ever
reaches a message: names of objects and transfer syntaxes come from pydicom's own dictionary.
"""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from desktop.core.pictures import depth
from desktop.core.pictures.dicom.codecs import JPEG_DCT, check_syntax, decode_frame
from desktop.core.pictures.dicom.grey_values import grey_levels
from desktop.core.pictures.dicom.palette import coloured
from desktop.core.pictures.limits import MAX_FILE_BYTES, check_frame, check_size
from desktop.core.types import DecodedImage, DecodeError, Notice
from desktop.system.words import phrase

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GREY = ("MONOCHROME1", "MONOCHROME2")
_AGAIN = "Copy or export the file again."
_LONG_VRS = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UR", b"UT", b"UN", b"SV", b"UV"))


def decode_dicom(file: BinaryIO, size: int, frame: int) -> DecodedImage:
    """The picture in the DICOM ``file`` (seekable, binary, ``size`` bytes), its frame number ``frame`` (0-based).

    Grey pictures come as (H, W), colour and palette pictures as (H, W, 3); see
    :func:`desktop.core.pictures.decode.decode`.
    Raises DecodeError of the ``dicom-…`` kinds, ``no-such-frame``, ``too-large`` or ``unsupported-format``.
    """
    dataset = read_dataset(file)
    keyword = next((name for name in _PIXELS if name in dataset), None)
    _check_object(dataset, keyword)
    assert keyword is not None  # _check_object refuses a dataset without pixels
    syntax = _complete(dataset)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    check_size(columns, rows)
    check_syntax(syntax)
    frames = int(dataset.NumberOfFrames)
    _check_length(dataset, keyword, syntax, frames)
    check_frame(frame, frames)
    with refusing():
        stored, model = decode_frame(dataset, syntax, frame, frames)
        pixels, notices = _picture(stored, model, dataset, frame)
    if frames > 1:
        notices = (Notice("frames", phrase("frame {frame} of {frames}", frame=frame + 1, frames=frames)), *notices)
    return DecodedImage(pixels, "DICOM", (columns, rows), notices, frames)


@functools.cache
def quiet_pydicom() -> Any:
    """pydicom, set not to judge values: what matters is checked here, and its complaints quote them."""
    import pydicom
    import pydicom.config

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    return pydicom


def read_dataset(file: BinaryIO, **how: Any) -> Any:
    """The dataset of the DICOM ``file``; large elements are read, nothing is decoded. ``how`` goes to pydicom's
    ``dcmread``. Raises DecodeError ``dicom-damaged`` or ``too-large``."""
    with refusing():
        check_inflated(file)
        file.seek(0)
        return quiet_pydicom().dcmread(file, force=True, **how)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Around what reads a file's elements: whatever goes wrong is a DecodeError ``dicom-damaged`` or ``too-large``
    without the library's words, which may quote the file."""
    try:
        yield
    except DecodeError:
        raise
    except RecursionError:
        raise DecodeError("dicom-damaged", "The DICOM's header is nested too deeply to be honest.", _AGAIN) from None
    except MemoryError:
        raise DecodeError(
            "too-large", "The DICOM needs more memory than is free.", "Close other programs first."
        ) from None
    except Exception:
        raise DecodeError("dicom-damaged", "The DICOM's header or pixel data are damaged.", _AGAIN) from None


def check_inflated(file: BinaryIO) -> None:
    """Refuse a deflated file that would not fit: pydicom inflates without a limit.

    Walks through the group 0002 elements (PS3.10, 7.1; always Explicit VR Little Endian) to where the stream begins.
    """
    file.seek(0)
    head = file.read(4096)
    if _DEFLATED not in head:
        return
    position = 132 if head[128:132] == b"DICM" else 0
    while head[position : position + 2] == b"\x02\x00" and position + 12 <= len(head):
        if head[position + 4 : position + 6] in _LONG_VRS:
            position += 12 + int.from_bytes(head[position + 8 : position + 12], "little")
        else:
            position += 8 + int.from_bytes(head[position + 6 : position + 8], "little")
    file.seek(position)
    inflate, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    part = file.read(1 << 16)
    while part and not inflate.eof:
        total += len(inflate.decompress(part, 1 << 20))
        if total > MAX_FILE_BYTES:
            raise DecodeError(
                "too-large",
                phrase(
                    "The deflated DICOM grows beyond {max_file_bytes} MiB when inflated.",
                    max_file_bytes=MAX_FILE_BYTES >> 20,
                ),
                "Export it uncompressed and smaller.",
            )
        part = inflate.unconsumed_tail or file.read(1 << 16)


def _check_object(dataset: Any, keyword: str | None) -> None:
    """Refuse a directory and an object without pixels, each by name."""
    meta = getattr(dataset, "file_meta", None) or {}
    if "DirectoryRecordSequence" in dataset or meta.get("MediaStorageSOPClassUID") == DIRECTORY_CLASS:
        raise DecodeError(
            "dicom-directory",
            "This is a DICOMDIR, a list of DICOM files; expected a DICOM file with a picture.",
            "Open the folder that it lies in.",
        )
    if keyword is not None:
        return
    if "Rows" in dataset and "Columns" in dataset:
        raise DecodeError(
            "dicom-damaged", "The DICOM's header describes a picture, but the file ends before its pixel data.", _AGAIN
        )
    uid = dataset.get("SOPClassUID")
    name = getattr(uid, "name", "")
    what = phrase("an object of the class {name}", name=name) if name and name != str(uid) else phrase("an object")
    raise DecodeError(
        "dicom-no-pixels",
        phrase("The DICOM holds {what} without pixel data; expected a picture.", what=what),
        "Open an image of the same examination.",
    )


def _integer(dataset: Any, keyword: str, default: int | None = None) -> int:
    """An integer element, ``default`` where it is missing or empty. Raises DecodeError ``dicom-damaged``."""
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            value = default
        if value is not None:
            return int(value)
    except (TypeError, ValueError, OverflowError, AttributeError):
        pass
    raise DecodeError("dicom-damaged", phrase("The DICOM's header has no valid {keyword}.", keyword=keyword), _AGAIN)


def _complete(dataset: Any) -> str:
    """Bring the Image Pixel elements of ``dataset`` into order, in place; return the transfer syntax.

    Elements that old writers leave out get the only value they can have; the others must be there and make sense.
    """
    pydicom = quiet_pydicom()
    samples = _integer(dataset, "SamplesPerPixel", 1)
    allocated = _integer(dataset, "BitsAllocated")
    stored = _integer(dataset, "BitsStored", allocated)
    values = {
        "Rows": _integer(dataset, "Rows"),
        "Columns": _integer(dataset, "Columns"),
        "SamplesPerPixel": samples,
        "BitsAllocated": allocated,
        "BitsStored": stored,
        "PixelRepresentation": _integer(dataset, "PixelRepresentation", 0),
        "NumberOfFrames": max(1, _integer(dataset, "NumberOfFrames", 1)),
    }
    if samples > 1:
        values["PlanarConfiguration"] = _integer(dataset, "PlanarConfiguration", 0)
    if samples not in (1, 3) and samples in (2, 4):
        raise DecodeError(
            "unsupported-format",
            phrase(
                "The DICOM has {samples} samples a pixel, as of inks or with transparency; expected grey or RGB.",
                samples=samples,
            ),
            "Export it as RGB.",
        )
    if samples not in (1, 3) or allocated not in (1, 8, 16, 32, 64) or not 1 <= stored <= allocated:
        raise DecodeError(
            "dicom-damaged",
            phrase(
                "The DICOM's header asks for {samples} samples of {stored} bits in {allocated}; "
                "expected 1 or 3 samples of 1 to 64 bits.",
                samples=samples,
                stored=stored,
                allocated=allocated,
            ),
            _AGAIN,
        )
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        meta = dataset.file_meta = pydicom.dataset.FileMetaDataset()
    syntax = meta.get("TransferSyntaxUID")
    if not isinstance(syntax, str) or not syntax:
        implicit, little = dataset.original_encoding
        uid = pydicom.uid
        explicit = uid.ExplicitVRLittleEndian if little is not False else uid.ExplicitVRBigEndian
        syntax = meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit
    model = dataset.get("PhotometricInterpretation")
    named = model.strip().upper() if isinstance(model, str) else ""
    # Without a word of the file's, a JPEG's own markers decide; without those, too, it is YCbCr, as everywhere else.
    colour = "YBR_FULL" if syntax in JPEG_DCT else "RGB"
    dataset.PhotometricInterpretation = named or ("MONOCHROME2" if samples == 1 else colour)
    return str(syntax)


def _check_length(dataset: Any, keyword: str, syntax: str, frames: int) -> None:
    """Raise DecodeError ``dicom-damaged`` when the header promises more than the file holds."""
    data = dataset.get(keyword)
    have = len(data) if isinstance(data, bytes | bytearray) else 0
    uid = quiet_pydicom().uid.UID(syntax)
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel) * frames
    if uid.is_transfer_syntax and uid.is_encapsulated:
        need = 8 * frames  # each frame takes a fragment, each fragment eight bytes and its content
    else:
        need = (pixels * int(dataset.BitsAllocated) + 7) // 8
        if dataset.PhotometricInterpretation == "YBR_FULL_422":
            need = need // 3 * 2
    if have < need:
        raise DecodeError(
            "dicom-damaged",
            phrase(
                "The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, "
                "{count} frames) asks for {need:,}.",
                one="The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, "
                "{count} frame) asks for {need:,}.",
                have=have,
                columns=dataset.Columns,
                rows=dataset.Rows,
                count=frames,
                need=need,
            ),
            _AGAIN,
        )


def _picture(stored: np.ndarray, model: str, dataset: Any, frame: int) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Stored values of one frame as uint8 (H, W) or (H, W, 3), with notices."""
    bits = int(dataset.BitsStored)
    if model in _GREY and stored.ndim == 2:
        return grey_levels(stored, dataset, frame, bits)
    if model == "PALETTE COLOR" and stored.ndim == 2:
        return coloured(stored, dataset), ()
    if model == "RGB" and stored.ndim == 3 and stored.dtype.kind in "iu":
        return _colour(stored, bits, dataset)
    raise DecodeError(
        "unsupported-format",
        "The DICOM's colour model is not one that Fovea knows; expected grey, palette, RGB or YBR.",
        "Export it as RGB.",
    )


def _colour(stored: np.ndarray, bits: int, dataset: Any) -> tuple[np.ndarray, tuple[Notice, ...]]:
    notices: tuple[Notice, ...] = ()
    values = stored.astype(f"u{stored.dtype.itemsize}", copy=False)
    if bits > 8:
        values, notices = depth.to_eight(values, bits)
    elif bits < 8:
        values = values.astype(np.uint16) * 255 // ((1 << bits) - 1)
    pixels = np.ascontiguousarray(values, dtype=np.uint8)
    profile = dataset.get("ICCProfile")
    if not isinstance(profile, bytes):
        path = dataset.get("OpticalPathSequence")
        profile = path[0].get("ICCProfile") if path else None
    if isinstance(profile, bytes) and profile:
        from PIL import Image

        from desktop.core.pictures.colour import to_srgb

        picture, more = to_srgb(Image.fromarray(pixels), profile)
        return np.asarray(picture), (*notices, *more)
    return pixels, notices
