"""One frame of a DICOM's pixel data, decompressed.

pydicom finds the frame and hands it to a decoder package. Which packages are tried, and in which order, is fixed here,
so that the same file gives the same pixels on every machine that has them: Pillow for JPEG, pylibjpeg-openjpeg for
JPEG 2000 and HTJ2K, pyjpegls for JPEG-LS, pydicom itself for RLE and uncompressed data, and Fovea's own
:mod:`~desktop.core.pictures.dicom.jpeg_lossless` and :mod:`~desktop.core.pictures.dicom.jpeg_extended` for JPEG that is
lossless or of 12 bits.
GDCM, which does all of these, is left alone on purpose: damaged data make it end the whole process.

The compressed frame's own header is compared with the DICOM header before any decoder sees it, because decoders
allocate what the frame declares.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from desktop.core.types import DecodeError

_BASELINE, _EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")
_RLE = "1.2.840.10008.1.2.5"

# Transfer syntax: pydicom's plugins in order of preference, and the package to add when none is there.
_PLUGINS: dict[str, tuple[tuple[str, ...], str]] = {
    _BASELINE: (("pillow",), "Pillow"),
    _EXTENDED: (("pillow",), "Pillow"),
    _RLE: (("pydicom",), "pydicom"),
    **dict.fromkeys(_JPEG_LS, (("pyjpegls",), "pyjpegls")),
    **dict.fromkeys(_JPEG_2000, (("pylibjpeg", "pillow"), "pylibjpeg-openjpeg")),
    **dict.fromkeys(_HTJ2K, (("pylibjpeg",), "pylibjpeg-openjpeg")),
}


def decode_frame(dataset: Any, syntax: str, index: int, frames: int) -> tuple[np.ndarray, str]:
    """Frame ``index`` (0-based) of ``dataset`` (a pydicom Dataset with complete Image Pixel elements).

    Returns the stored values, (rows, columns) or (rows, columns, samples), of the dtype that Bits Allocated and Pixel
    Representation ask for, and the photometric interpretation that they have now: YBR comes back as RGB. Raises
    DecodeError ``dicom-needs-decoder`` or ``dicom-damaged``; for uncompressed data whatever pydicom raises.
    """
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    uid = UID(syntax)
    if syntax not in _PLUGINS and syntax not in _LOSSLESS:
        if not uid.is_transfer_syntax or uid.is_compressed and not uid.is_deflated:
            raise _needs_decoder(uid, None)
        values, facts = get_decoder(uid).as_array(dataset, index=index)
        return values, str(facts["photometric_interpretation"])

    frame = _frame_bytes(dataset, index, frames)
    _check_frame_header(frame, syntax, int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel))
    if syntax in _LOSSLESS or syntax == _EXTENDED and int(dataset.BitsStored) != 8:
        try:
            return _own_decoder(frame, syntax, dataset)
        except ValueError:
            pass  # raised below
        raise _undecodable(uid)
    plugins, package = _PLUGINS[syntax]
    decoder = get_decoder(uid)
    usable = [name for name in plugins if name in decoder.available_plugins]
    if not usable:
        raise _needs_decoder(uid, package)
    for plugin in usable:
        try:
            values, facts = decoder.as_array(dataset, index=index, decoding_plugin=plugin)
        except Exception:
            continue  # the next one may be more forgiving
        return values, str(facts["photometric_interpretation"])
    raise _undecodable(uid)


def _undecodable(uid: Any) -> DecodeError:
    return DecodeError(
        "dicom-damaged",
        f"The DICOM's compressed pixel data ({uid.name}) cannot be decoded.",
        "Export it again, uncompressed if possible.",
    )


def _needs_decoder(uid: Any, package: str | None) -> DecodeError:
    # Only names out of pydicom's dictionary: a free text in the file's header stays there.
    name = str(uid.name) if uid.is_transfer_syntax else "an unknown transfer syntax"
    if package is None:
        return DecodeError(
            "dicom-needs-decoder",
            f"The DICOM's pixel data are in {name}, for which Fovea has no decoder.",
            "Export it uncompressed (Explicit VR Little Endian).",
        )
    return DecodeError(
        "dicom-needs-decoder",
        f"The DICOM's pixel data are in {name}; decoding that needs the package {package}.",
        f"Install it (pip install {package}), or export the file uncompressed.",
    )


def _own_decoder(frame: bytes, syntax: str, dataset: Any) -> tuple[np.ndarray, str]:
    """A lossless or 12-bit JPEG frame as :func:`decode_frame` returns it. Raises ValueError."""
    model = str(dataset.PhotometricInterpretation)
    if syntax in _LOSSLESS:
        from desktop.core.pictures.dicom.jpeg_lossless import decode_lossless

        values = decode_lossless(frame)
    else:
        from desktop.core.pictures.dicom.jpeg_extended import decode_extended

        values = decode_extended(frame)
    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    if allocated not in (8, 16) or int(values.max()) >> allocated:
        raise ValueError("samples wider than the header says")
    if int(dataset.PixelRepresentation):
        # The codec knows no sign: the sample's bits are a two's complement of Bits Stored (PS3.5, 8.2.1).
        signed = (values << (16 - stored)).view(np.int16) >> (16 - stored)
        values = signed.astype(f"i{allocated // 8}")
    else:
        values = values.astype(f"u{allocated // 8}")
    if model in ("YBR_FULL", "YBR_FULL_422") and values.ndim == 3:
        from pydicom.pixels.processing import convert_color_space

        return convert_color_space(values, "YBR_FULL", "RGB"), "RGB"
    return values, model


def _frame_bytes(dataset: Any, index: int, frames: int) -> bytes:
    """The compressed bytes of one frame (DICOM PS3.5, annex A.4)."""
    from pydicom.encaps import get_frame

    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (bytes(dataset.ExtendedOffsetTable), bytes(dataset.ExtendedOffsetTableLengths))
    try:
        return get_frame(dataset.PixelData, index, number_of_frames=frames, extended_offsets=offsets)
    except Exception:
        pass
    raise DecodeError(
        "dicom-damaged", f"Frame {index + 1} is not in the DICOM's pixel data.", "Copy or export the file again."
    )


def _check_frame_header(frame: bytes, syntax: str, rows: int, columns: int, samples: int) -> None:
    """Raise DecodeError ``dicom-damaged`` when a compressed frame declares another picture than the DICOM header."""
    if syntax in (_BASELINE, _EXTENDED, *_LOSSLESS, *_JPEG_LS):
        found = _jpeg_shape(frame)
    elif syntax in _JPEG_2000 or syntax in _HTJ2K:
        found = _jpeg_2000_shape(frame)
    else:
        return
    if found != (rows, columns, samples):
        what = "does not begin like one" if found is None else f"is of {found[1]}×{found[0]} pixels, {found[2]} samples"
        raise DecodeError(
            "dicom-damaged",
            f"The DICOM's header promises a compressed frame of {columns}×{rows} pixels, {samples} samples; "
            f"the frame {what}.",
            "Export it again from where it came.",
        )


def _jpeg_shape(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) out of the frame header of a JPEG or JPEG-LS stream (ITU-T T.81 B.2.2, T.87 C.2.2)."""
    position = 2
    if frame[:2] != b"\xff\xd8":
        return None
    while position + 4 <= len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xF7 or 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if position + 10 > len(frame):
                return None
            rows, columns, samples = struct.unpack_from(">HHB", frame, position + 5)
            return rows, columns, samples
        position += 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
    return None


def _jpeg_2000_shape(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) out of the SIZ segment of a JPEG 2000 codestream (ITU-T T.800 A.5.1)."""
    start = 0
    if frame[4:8] == b"jP  ":
        start = frame.find(b"\xff\x4f\xff\x51")
    if start < 0 or frame[start : start + 4] != b"\xff\x4f\xff\x51" or len(frame) < start + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", frame, start + 8)
    (samples,) = struct.unpack_from(">H", frame, start + 40)
    return bottom - top, right - left, samples
