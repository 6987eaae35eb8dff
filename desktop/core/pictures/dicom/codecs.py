"""One frame of a DICOM's pixel data, decompressed.

Which packages are tried, and in which order, is fixed here, so that the same file gives the same pixels on every
machine that has them: Pillow for JPEG, through pydicom pylibjpeg-openjpeg for JPEG 2000 and HTJ2K and pyjpegls for
JPEG-LS, pydicom itself for RLE and uncompressed data, and Fovea's own
:mod:`~desktop.core.pictures.dicom.jpeg_lossless` and :mod:`~desktop.core.pictures.dicom.jpeg_extended` for JPEG that is
lossless or of 12 bits.
GDCM, which does all of these, is left alone on purpose: damaged data make it end the whole process.

The compressed frame's own header is compared with the DICOM header before any decoder sees it, because decoders
allocate what the frame declares. pydicom gets to see a bare codestream alone: its walk through the boxes of a JP2
wrapper never ends where a box is empty.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from desktop.core.types import DecodeError
from desktop.system.words import phrase

_BASELINE, _EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_DCT = (_BASELINE, _EXTENDED)
_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")
_RLE = "1.2.840.10008.1.2.5"

# Transfer syntaxes of PS3.6 that pydicom's dictionary does not name.
_NAMES = {
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
_MAX_BOXES = 1000
_CODESTREAM = b"\xff\x4f\xff\x51"
_MAX_PADDING = 64

# Transfer syntax: pydicom's plugins in order of preference, and the package to add when none is there.
_PLUGINS: dict[str, tuple[tuple[str, ...], str]] = {
    _RLE: (("pydicom",), "pydicom"),
    **dict.fromkeys(_JPEG_LS, (("pyjpegls",), "pyjpegls")),
    **dict.fromkeys(_JPEG_2000, (("pylibjpeg", "pillow"), "pylibjpeg-openjpeg")),
    **dict.fromkeys(_HTJ2K, (("pylibjpeg",), "pylibjpeg-openjpeg")),
}


def check_syntax(syntax: str) -> None:
    """Raise DecodeError ``dicom-needs-decoder`` for a transfer syntax that nothing here decodes, by its name."""
    from pydicom.uid import UID

    uid = UID(syntax)
    if syntax in _PLUGINS or syntax in _LOSSLESS or syntax in JPEG_DCT:
        return
    if not uid.is_transfer_syntax or uid.is_compressed and not uid.is_deflated:
        raise _needs_decoder(uid, None)


def decode_frame(dataset: Any, syntax: str, index: int, frames: int) -> tuple[np.ndarray, str]:
    """Frame ``index`` (0-based) of ``dataset`` (a pydicom Dataset with complete Image Pixel elements).

    Returns the stored values, (rows, columns) or (rows, columns, samples), of the dtype that Bits Allocated and Pixel
    Representation ask for, and the photometric interpretation that they have now: YBR comes back as RGB. The pixel data
    of ``dataset`` may be exchanged. Raises DecodeError ``dicom-needs-decoder`` or ``dicom-damaged``; for uncompressed
    data whatever pydicom raises.
    """
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    check_syntax(syntax)
    uid = UID(syntax)
    if not uid.is_encapsulated:
        return _native(dataset, get_decoder(uid), index)
    frame = _frame_bytes(dataset, index, frames)
    _check_frame_header(frame, syntax, int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel))
    if syntax in _LOSSLESS or syntax == _EXTENDED and int(dataset.BitsStored) != 8:
        try:
            return _own_decoder(frame, syntax, dataset)
        except ValueError:
            pass  # raised below
        raise _undecodable(uid)
    if syntax in JPEG_DCT:
        try:
            return _baseline(frame, dataset)
        except (OSError, SyntaxError, ValueError):
            pass
        raise _undecodable(uid)
    plugins, package = _PLUGINS[syntax]
    decoder = get_decoder(uid)
    usable = [name for name in plugins if name in decoder.available_plugins]
    if not usable:
        raise _needs_decoder(uid, package)
    for stream in _readings(frame, syntax):
        if stream[:4] == _CODESTREAM and stream[42:43] >= b"\x80":
            # The samples of the stream have a sign (T.800, A.5.1), whatever the header around it says.
            dataset.PixelRepresentation = 1
        _hold_alone(dataset, stream)
        for plugin in usable:
            try:
                if syntax == _RLE:
                    return _uncompressed(dataset, decoder, 0, decoding_plugin=plugin)
                values, facts = decoder.as_array(dataset, index=0, decoding_plugin=plugin)
            except Exception:
                continue  # the next one may be more forgiving
            return values, str(facts["photometric_interpretation"])
    raise _undecodable(uid)


def _native(dataset: Any, decoder: Any, index: int) -> tuple[np.ndarray, str]:
    """Uncompressed values. YBR_FULL_422 on data as long as without subsampling has none."""
    if dataset.PhotometricInterpretation == "YBR_FULL_422" and "PixelData" in dataset:
        full = int(dataset.Rows) * int(dataset.Columns) * 3 * int(dataset.NumberOfFrames)
        if int(dataset.BitsAllocated) == 8 and len(dataset.PixelData) >= full:
            dataset.PhotometricInterpretation = "YBR_FULL"
    return _uncompressed(dataset, decoder, index)


def _uncompressed(dataset: Any, decoder: Any, index: int, **options: Any) -> tuple[np.ndarray, str]:
    """What pydicom itself decodes, the samples where they belong, as RGB where it was YBR."""
    high, stored, spare = dataset.get("HighBit"), int(dataset.BitsStored), 0
    if isinstance(high, int) and "PixelData" in dataset:
        spare = min(high, int(dataset.BitsAllocated) - 1) - stored + 1
    if spare <= 0:
        values, facts = decoder.as_array(dataset, index=index, raw=True, **options)
    else:
        # pydicom takes the lower bits for the samples, wherever High Bit says that they lie.
        values, facts = decoder.as_array(dataset, index=index, raw=True, correct_unused_bits=False, **options)
        values = _brought_down(values, spare, stored)
    return _from_ybr(values, str(facts["photometric_interpretation"]))


def _brought_down(values: np.ndarray, spare: int, stored: int) -> np.ndarray:
    """Samples that lie ``spare`` bits too high, as High Bit says (PS3.5, 8.1.1), and that the data do not belie."""
    here = values.astype(values.dtype.newbyteorder("="), copy=False)
    plain = here.view(f"u{here.dtype.itemsize}")
    if int(plain.max()) < 1 << stored and bool((plain & ((1 << spare) - 1)).any()):
        return here  # the header is wrong: the samples are at the bottom, where they ought to be
    # What lies above the sample is no part of it either: an overlay's bits, for one.
    above = 8 * here.dtype.itemsize - stored
    shifted: np.ndarray = (plain << (above - spare)).view(here.dtype) >> above
    return shifted


_OUTSIDE = 16  # levels beyond 0 … 255 that rounding and lossy compression do not explain
_MUCH = 0.2


def _from_ybr(values: np.ndarray, model: str) -> tuple[np.ndarray, str]:
    """Uncompressed YBR_FULL as RGB (PS3.3, C.7.6.3.1.2); values that can be none, because much of what they would give
    lies outside RGB, are taken for RGB under a wrong label."""
    if model not in ("YBR_FULL", "YBR_FULL_422") or values.ndim != 3:
        return values, model
    if values.dtype == np.uint8:
        some = values.reshape(-1, 3)[:: max(1, values.size // (3 << 20))].astype(np.float32)
        luma, blue, red = some[:, 0], some[:, 1] - 128, some[:, 2] - 128
        parts = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
        outside = np.zeros(len(some), bool)
        for part in parts:
            outside |= (part < -_OUTSIDE) | (part > 255 + _OUTSIDE)
        if float(outside.mean()) > _MUCH:
            return values, "RGB"
    from pydicom.pixels.processing import convert_color_space

    return convert_color_space(values, "YBR_FULL", "RGB"), "RGB"


def _hold_alone(dataset: Any, stream: bytes) -> None:
    """Make ``stream`` the only frame of ``dataset``."""
    from pydicom.encaps import encapsulate

    dataset.PixelData = encapsulate([stream + b"\0" * (len(stream) % 2)], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    dataset.NumberOfFrames = 1
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            delattr(dataset, keyword)


def _readings(frame: bytes, syntax: str) -> Iterator[bytes]:
    """The codestreams that a frame may hold, the likeliest first."""
    if syntax in _JPEG_2000 or syntax in _HTJ2K:
        yield _codestream(frame)
        return
    yield frame
    if syntax in _JPEG_LS:
        # Some writers pad before the end mark instead of behind it, against T.87. Of a run of zeros the first ones may
        # be the picture's last bytes; more than five readings are not tried, for a damaged stream can take seconds.
        end = frame.rfind(b"\xff\xd9")
        padding = end - len(frame[: max(end, 0)].rstrip(b"\x00\xff"))
        for count in sorted({1, *range(padding - 3, padding + 1)}):
            if 0 < count <= min(padding, _MAX_PADDING):
                yield frame[: end - count] + b"\xff\xd9"


def _codestream(frame: bytes) -> bytes:
    """A JPEG 2000 codestream without its JP2 wrapper (ITU-T T.800, annex I): a walk that always gets on."""
    if frame[4:8] != b"jP  ":
        return frame
    position = 0
    for _ in range(_MAX_BOXES):
        length, kind = int.from_bytes(frame[position : position + 4], "big"), frame[position + 4 : position + 8]
        inner = 8
        if length == 1:
            length, inner = int.from_bytes(frame[position + 8 : position + 16], "big"), 16
        if kind == b"jp2c":
            return frame[position + inner : position + length if length >= inner else len(frame)]
        if length < inner or position + length >= len(frame):
            break
        position += length
    # No such box, or one that leads nowhere: where a codestream begins is plain to see.
    start = frame.find(_CODESTREAM)
    return frame[start:] if start >= 0 else frame


def _baseline(frame: bytes, dataset: Any) -> tuple[np.ndarray, str]:
    """A JPEG frame of 8 bits as :func:`decode_frame` returns it, by way of Pillow. Raises its errors, and ValueError.

    Whether three components are YCbCr is settled here: Adobe's marker and JFIF say so, as do the letters R, G and B for
    components; without any of them the label decides, but subsampled chroma is chroma whatever the label says (PS3.5,
    8.2.1; libjpeg, jdapimin.c, default_decompress_parms).
    """
    from PIL import Image

    from desktop.core.pictures import jpeg_file

    model = str(dataset.PhotometricInterpretation)
    facts = jpeg_file.read_facts(io.BytesIO(frame))
    if facts is None or facts.precision != 8 or int(dataset.BitsAllocated) not in (8, 16):
        raise ValueError("no JPEG of 8 bits")
    stream = frame
    if len(facts.sampling) == 3:
        if facts.adobe is not None:
            chroma = facts.adobe != 0
        elif facts.jfif:
            chroma = True
        elif bytes(facts.ids) == b"RGB":
            chroma = False
        else:
            chroma = model != "RGB" or any(sampling != facts.sampling[-1] for sampling in facts.sampling)
        marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes((chroma,))
        stream = b"\xff\xd8" + marker + _without_application_segments(frame)
        model = "RGB"
    picture: Image.Image = Image.open(io.BytesIO(stream), formats=("JPEG",))
    try:
        picture.load()
    except OSError:
        completed = jpeg_file.completed(io.BytesIO(stream.rstrip(b"\0")), picture.size)
        if completed is None:
            raise
        picture = completed[0]
    values = np.asarray(picture)
    if values.dtype != np.uint8 or values.shape[2:] != ((3,) if len(facts.sampling) == 3 else ()):
        raise ValueError("a JPEG of an unexpected kind")
    return values.astype(f"u{int(dataset.BitsAllocated) // 8}", copy=False), model


def _without_application_segments(frame: bytes) -> bytes:
    """A JPEG stream behind its SOI, without the JFIF and Adobe segments before its frame header."""
    position, kept = 2, []
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xDA or 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            break
        length = 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
        if marker not in (0xE0, 0xEE):
            kept.append(frame[position : position + length])
        position += length
    return b"".join(kept) + frame[position:]


def _undecodable(uid: Any) -> DecodeError:
    return DecodeError(
        "dicom-damaged",
        phrase("The DICOM's compressed pixel data ({name}) cannot be decoded.", name=uid.name),
        "Export it again, uncompressed if possible.",
    )


def _needs_decoder(uid: Any, package: str | None) -> DecodeError:
    # Only names out of dictionaries: a free text in the file's header stays there.
    name = str(uid.name) if uid.is_transfer_syntax else _NAMES.get(str(uid), phrase("an unknown transfer syntax"))
    if package is None:
        return DecodeError(
            "dicom-needs-decoder",
            phrase("The DICOM's pixel data are in {name}, for which Fovea has no decoder.", name=name),
            "Export it uncompressed (Explicit VR Little Endian).",
        )
    return DecodeError(
        "dicom-needs-decoder",
        phrase(
            "The DICOM's pixel data are in {name}; decoding that needs the package {package}.",
            name=name,
            package=package,
        ),
        phrase("Install it (pip install {package}), or export the file uncompressed.", package=package),
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
        "dicom-damaged",
        phrase("Frame {index} is not in the DICOM's pixel data.", index=index + 1),
        "Copy or export the file again.",
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
        what = (
            phrase("does not begin like one")
            if found is None
            else phrase(
                "is of {found}×{found2} pixels, {found3} samples", found=found[1], found2=found[0], found3=found[2]
            )
        )
        raise DecodeError(
            "dicom-damaged",
            phrase(
                "The DICOM's header promises a compressed frame of {columns}×{rows} pixels, "
                "{samples} samples; the frame {what}.",
                columns=columns,
                rows=rows,
                samples=samples,
                what=what,
            ),
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
        start = frame.find(_CODESTREAM)
    if start < 0 or frame[start : start + 4] != _CODESTREAM or len(frame) < start + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", frame, start + 8)
    (samples,) = struct.unpack_from(">H", frame, start + 40)
    return bottom - top, right - left, samples
