"""Which picture formats Fovea opens, and how a file tells which one it is.

Recognition looks at a file's first bytes alone, never at its suffix: a WebP picture named ``.jpg`` is a WebP picture.
This module imports nothing outside the standard library, so a window may use it before its first paint.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from desktop.system.words import phrase

HEAD_BYTES = 4096
"""How many bytes from the start of a file :func:`sniff` and :func:`foreign_name` want to see."""


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One format: the ``name`` that ``DecodedImage.format`` carries and by which Pillow knows it, the ``words`` in a
    sentence, its ``suffixes``, lower case, the usual one first, and its media type (``mime``). ``begins`` matches the
    first bytes of its files; ``None`` for one that :func:`sniff` tells otherwise. Of the suffixes the first ``offered``
    are what an installer offers Fovea for."""

    name: str
    words: str
    suffixes: tuple[str, ...]
    mime: str
    begins: re.Pattern[bytes] | None = None
    offered: int = 1


def _begins(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


PICTURE_FORMATS: tuple[PictureFormat, ...] = (
    PictureFormat("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg", _begins(rb"\xff\xd8\xff"), 2),
    PictureFormat("PNG", "PNG", (".png",), "image/png", _begins(rb"\x89PNG\r\n\x1a\n")),
    PictureFormat("WEBP", "WebP", (".webp",), "image/webp", _begins(rb"RIFF.{4}WEBP")),
    PictureFormat("GIF", "GIF", (".gif",), "image/gif", _begins(rb"GIF8[79]a")),
    # Behind a bitmap's head of 14 bytes stands the length of the next one.
    PictureFormat(
        "BMP", "BMP", (".bmp", ".dib"), "image/bmp", _begins(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0")
    ),
    # A camera's raw file begins like a TIFF file and has 'CR' at byte 8.
    PictureFormat(
        "TIFF", "TIFF", (".tif", ".tiff"), "image/tiff", _begins(rb"(?:II[*+]\0|MM\0[*+])(?!.{4}CR)"), offered=2
    ),
    PictureFormat("HEIF", "HEIC", (".heic", ".heif", ".hif"), "image/heif"),
    PictureFormat("AVIF", "AVIF", (".avif",), "image/avif"),
    PictureFormat("DICOM", "DICOM", (".dcm", ".dicom"), "application/dicom", offered=2),
)
"""The closed list of formats that Fovea opens, in the order of sentences. A new one is a row here; what Pillow does not
open is opened in :mod:`desktop.core.pictures.raster`."""

FORMATS: tuple[str, ...] = tuple(row.name for row in PICTURE_FORMATS)

EXPECTED = phrase(
    "{formats} or {last}",
    formats=", ".join(row.words for row in PICTURE_FORMATS[:-1]),
    last=PICTURE_FORMATS[-1].words,
)
"""The list in words, for messages."""

SUPPORTED_SUFFIXES: frozenset[str] = frozenset(suffix for row in PICTURE_FORMATS for suffix in row.suffixes)
"""Lower-case suffixes that a folder scan takes for pictures. Opening a file by its path ignores the suffix."""

_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_NEUTRAL_BRANDS = frozenset((b"mif1", b"mif2", b"msf1", b"miaf"))
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp")
_DICOM_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)

_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", phrase("a PDF document")),
    (0, b"%!PS", phrase("an EPS or PostScript document")),
    (0, b"\xc5\xd0\xd3\xc6", phrase("an EPS document")),
    (0, b"8BPS", phrase("a Photoshop document (PSD)")),
    (0, b"SIMPLE  =", phrase("a FITS file")),
    (0, b"\x00\x00\x00\x0cjP  ", phrase("a JPEG 2000 picture")),
    (0, b"\xff\x4f\xff\x51", phrase("a JPEG 2000 picture")),
    (0, b"\x00\x00\x00\x0cJXL ", phrase("a JPEG XL picture")),
    (0, b"\xff\x0a", phrase("a JPEG XL picture")),
    (0, b"FUJIFILMCCD-RAW", phrase("a camera raw file")),
    (0, b"IIRO", phrase("a camera raw file")),
    (0, b"IIRS", phrase("a camera raw file")),
    (0, b"IIU\x00", phrase("a camera raw file")),
    (0, b"gimp xcf", phrase("a GIMP document (XCF)")),
    (0, b"qoif", phrase("a QOI picture")),
    (0, b"\x76\x2f\x31\x01", phrase("an OpenEXR picture")),
    (0, b"#?RADIANCE", phrase("a Radiance HDR picture")),
    (0, b"DDS ", phrase("a DDS texture")),
    (0, b"icns", phrase("an icon file")),
    (0, b"\x00\x00\x01\x00", phrase("an icon file")),
    (0, b"\x00\x00\x02\x00", phrase("a cursor file")),
    (0, b"NRRD000", phrase("an NRRD volume")),
    (0, b"\x5c\x01\x00\x00", phrase("a NIfTI volume")),
    (344, b"n+1\x00", phrase("a NIfTI volume")),
    (0, b"\x89HDF\r\n\x1a\n", phrase("an HDF5 file")),
    (0, b"\x93NUMPY", phrase("a NumPy array")),
    (0, b"PK\x03\x04", phrase("a ZIP archive")),
    (0, b"\x1f\x8b", phrase("a gzip archive")),
    (0, b"7z\xbc\xaf\x27\x1c", phrase("a 7-Zip archive")),
    (0, b"Rar!\x1a\x07", phrase("a RAR archive")),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (0, b"\x00\x00\x01\xba", "a video"),
    (0, b"\x00\x00\x01\xb3", "a video"),
)


def sniff(head: bytes) -> str | None:
    """The format that a file's first bytes announce, or None when Fovea does not open it.

    ``head`` is the start of the file, at best :data:`HEAD_BYTES` long (fewer bytes recognise fewer files). The
    answer is one of :data:`FORMATS`. DICOM is also recognised without its preamble, by a plausible first element.
    Nothing is decoded and nothing raised.
    """
    if head[128:132] == b"DICM":
        # First of all: the preamble before it may hold a TIFF header, so that one file serves both kinds of program.
        return "DICOM"
    for row in PICTURE_FORMATS:
        if row.begins is not None and row.begins.match(head):
            return row.name
    if head[4:8] == b"ftyp":
        return _sniff_ftyp(head)
    if _starts_like_a_dataset(head):
        return "DICOM"
    return None


def _sniff_ftyp(head: bytes) -> str | None:
    """HEIF or AVIF from the brands of an ISO base media file; None for video and everything else."""
    length = min(struct.unpack_from(">I", head)[0], len(head), 512)
    major = head[8:12]
    if major in _HEIF_BRANDS:
        return "HEIF"
    if major in _AVIF_BRANDS:
        return "AVIF"
    if major in _NEUTRAL_BRANDS:
        others = {head[i : i + 4] for i in range(16, length - 3, 4)}
        if others & _AVIF_BRANDS:
            return "AVIF"
        return "HEIF"
    return None


def _starts_like_a_dataset(head: bytes) -> bool:
    """Whether ``head`` opens with a DICOM element of group 0002 or 0008, for files that lack the preamble."""
    if len(head) < 12:
        return False
    group, element = struct.unpack_from("<HH", head)
    if group in (0x0002, 0x0008) and element <= 0x1000:
        if head[4:6] in _DICOM_VRS:
            return True
        # Implicit VR: the four bytes after the tag are a length, and the first elements of group 0008 are short.
        length = struct.unpack_from("<I", head, 4)[0]
        return bool(group == 0x0008 and element <= 0x0018 and 0 < length <= 128 and length % 2 == 0)
    group, element = struct.unpack_from(">HH", head)
    return group == 0x0008 and element <= 0x1000 and head[4:6] in _DICOM_VRS


def foreign_name(head: bytes) -> str | None:
    """What a file is that Fovea recognises but does not open ('a PDF document'), or None when it is unknown.

    ``head`` as for :func:`sniff`, which is asked first. The answer is a fixed phrase: nothing of the file's content
    enters it.
    """
    for offset, magic, name in _FOREIGN:
        if head[offset : offset + len(magic)] == magic:
            return name
    if head[4:8] == b"ftyp":
        if head[8:12] == b"crx ":
            return phrase("a camera raw file")
        return "a video" if head[8:12].startswith(_VIDEO_BRANDS) else phrase("a media file of another kind")
    if head[8:10] == b"CR" and head.startswith(b"II*\x00"):
        return phrase("a camera raw file")
    if head.startswith(b"RIFF"):
        return phrase("a sound or video file")
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    xml = start.startswith((b"<?xml", b"<!--", b"<!doctype svg"))
    if start.startswith(b"<svg") or (xml and b"<svg" in head.lower()):
        return phrase("an SVG drawing")
    if start.startswith((b"<!doctype html", b"<html")):
        return phrase("a web page")
    if head[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6") and head[2:3] in (b" ", b"\n", b"\r", b"\t"):
        return phrase("a PNM picture")
    return None


def looks_like_text(head: bytes) -> bool:
    """Whether ``head`` reads as UTF-8 text without control characters."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two by the end of the head is no sign of binary data.
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return bool(text) and not any(ord(c) < 32 and c not in "\t\n\r\f" for c in text)
