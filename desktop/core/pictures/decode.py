"""From a file or bytes to a picture as Fovea sees it: upright, sRGB, 8 bit, with a notice of everything that was done.

:func:`decode` is the only way by which pictures enter Fovea: the app, evaluation and training all take it. It is safe
to call from several threads and raises nothing but :class:`~desktop.core.types.DecodeError`, whatever the file.

Kinds of DecodeError, stable for programs:

- ``not-found``            no file of that name
- ``no-access``            the file may not be read, or the drive stopped answering
- ``not-a-file``           a folder, a device, a pipe
- ``empty``                a file of no bytes
- ``not-an-image``         bytes of no known kind, or text
- ``unsupported-format``   recognised, and not a format that Fovea opens (PDF, PSD, camera raw …)
- ``truncated``            the file ends before its picture does
- ``damaged``              its format is known, its content is broken
- ``too-large``            more pixels, bytes or memory than Fovea takes
- ``no-such-frame``        the frame asked for is not in the file
- ``dicom-no-pixels``      a DICOM object without a picture
- ``dicom-directory``      a DICOMDIR, the list of other files
- ``dicom-needs-decoder``  a compressed DICOM whose decoder is not installed
- ``dicom-damaged``        a DICOM whose header and pixel data do not fit or cannot be read

Codes of :class:`~desktop.core.types.Notice`: ``frames``, ``upright``, ``windowed``, ``reduced-depth``,
``reduced-size``, ``inverted``, ``not-finite``, ``no-data``, ``extra-bands``, ``alpha``, ``gamma``, ``colour-profile``,
``profile-ignored``, ``cmyk``, ``no-end-mark``.

Neither messages nor notices ever carry a folder, a file name or text out of the file.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import stat
import sys
import warnings
from typing import BinaryIO

from desktop.core.pictures.formats import (
    EXPECTED,
    HEAD_BYTES,
    SUPPORTED_SUFFIXES,
    foreign_name,
    looks_like_text,
    sniff,
)
from desktop.core.pictures.limits import MAX_FILE_BYTES, MAX_PIXELS, check_file_size
from desktop.core.types import DecodedImage, DecodeError, ImageSource
from desktop.system.words import phrase

__all__ = ["MAX_FILE_BYTES", "MAX_PIXELS", "SUPPORTED_SUFFIXES", "decode", "sniff"]

_log = logging.getLogger(__name__)

_COPY_AGAIN = "Copy or download it again."
_SAVE_AGAIN = "Open it in another program and save it again, or copy it again from where it came."
_MAX_PATH = 248

# The libraries' own words may quote the file: Pillow logs EXIF values, pydicom values of any element.
for _name in ("PIL", "pydicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
_NOISY = r"(PIL|pydicom|pi_heif|openjpeg|jpeg_ls|desktop\.core)(\.|$)"


def decode(source: ImageSource, *, reduce_to: int | None = None) -> DecodedImage:
    """The picture of ``source``.

    The result's ``pixels`` are uint8, C-contiguous and read-only: (H, W) for grey, (H, W, 3) for colour, upright, in
    sRGB, transparent parts on white. More than 8 bits are windowed (see :mod:`desktop.core.pictures.windowing`).
    ``notices`` say what was done.

    ``reduce_to=N`` (N >= 1): the caller needs no more than N pixels along the shorter side. A JPEG may then come at
    1/2, 1/4 or 1/8 of its size, its shorter side N pixels or more, with ``reduced=True``; notices and
    ``original_size`` stay the same, and the same N always gives the same pixels. Other formats come in full. For
    thumbnails only: what a network sees must not depend on it. A JPEG or TIFF of more than :data:`MAX_PIXELS` comes
    reduced whatever is asked for, with a notice.

    Raises DecodeError, of a kind listed above; ValueError for a ``reduce_to`` under 1.
    """
    if reduce_to is not None and reduce_to < 1:
        raise ValueError(f"reduce_to {reduce_to}: expected None or at least 1")
    quieten_libraries()
    try:
        result = _decode(source, reduce_to)
        result.pixels.flags.writeable = False
        return result
    except DecodeError as error:
        failure = error
    except Exception as error:
        failure = _explained(error)
    # Raised outside the handlers and bare of its cause: a library's message, and with it a traceback in a log, may
    # quote the file's content.
    failure.__cause__ = failure.__context__ = None
    raise failure.with_traceback(None)


def _decode(source: ImageSource, reduce_to: int | None) -> DecodedImage:
    if source.data is not None:
        check_file_size(len(source.data))
        return _dispatch(io.BytesIO(source.data), len(source.data), source.frame, reduce_to)
    assert source.path is not None  # ImageSource sees to it
    file, size = open_file(source.path)
    with file:
        return _dispatch(file, size, source.frame, reduce_to)


def _dispatch(file: BinaryIO, size: int, frame: int, reduce_to: int | None) -> DecodedImage:
    head = file.read(HEAD_BYTES)
    kind = sniff(head)
    if kind is None:
        raise _refusal(head)
    if kind == "DICOM":
        from desktop.core.pictures.dicom.decode import decode_dicom

        return decode_dicom(file, size, frame)
    from desktop.core.pictures.raster import decode_raster

    return decode_raster(file, size, head, kind, frame, reduce_to)


def open_file(path: str) -> tuple[BinaryIO, int]:
    """The file at ``path``, opened, and its size in bytes.

    Raises DecodeError ``not-found``, ``no-access``, ``not-a-file`` or ``too-large``.
    """
    try:
        path = _long(path)
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise DecodeError("not-a-file", "This is a folder; expected a picture.", "Open one of its files.")
        if not stat.S_ISREG(found.st_mode):
            # Reading a pipe or a device might never return.
            raise DecodeError("not-a-file", "This is a device or a pipe; expected a picture file.")
        check_file_size(found.st_size)
        return open(path, "rb"), found.st_size
    except OSError as error:
        failure = _refused_by_system(error)
    except ValueError:  # a null character or a lone surrogate in the name
        failure = _refused_by_system(FileNotFoundError())
    raise failure


def _long(path: str) -> str:
    """``path`` in the form by which Windows accepts more than 260 characters; elsewhere as it is."""
    if sys.platform == "win32" and len(path) >= _MAX_PATH and not path.startswith("\\\\?\\"):
        path = os.path.abspath(path)
        return "\\\\?\\UNC" + path[1:] if path.startswith("\\\\") else "\\\\?\\" + path
    return path


def _refused_by_system(error: OSError) -> DecodeError:
    if isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno in (errno.ENAMETOOLONG, errno.EINVAL):
        return DecodeError(
            "not-found", "There is no file of this name any more.", "Check that it was not moved or its drive removed."
        )
    if isinstance(error, PermissionError):
        return DecodeError(
            "no-access", "The system does not allow Fovea to read this file.", "Change its permissions or copy it."
        )
    return DecodeError(
        "no-access",
        phrase(
            "The file could not be read ({get}).",
            get=errno.errorcode.get(error.errno or 0, phrase("input/output error")),
        ),
        "Check the drive or the connection, then try again.",
    )


def _refusal(head: bytes) -> DecodeError:
    name = foreign_name(head)
    if name is not None:
        return DecodeError(
            "unsupported-format",
            phrase("This is {name}; expected {expected}.", name=name, expected=EXPECTED),
            "Save or export it as PNG or JPEG first.",
        )
    what = phrase("text") if looks_like_text(head) else phrase("data of an unknown kind")
    return DecodeError(
        "not-an-image", phrase("The file holds {what}; expected {expected}.", what=what, expected=EXPECTED), _COPY_AGAIN
    )


def _explained(error: Exception) -> DecodeError:
    """What a decoder's exception means to the user."""
    # The type alone: the text may quote the file.
    _log.debug("decoding ended with %s", type(error).__name__)
    text = str(error)
    if type(error).__name__ == "DecompressionBombError":
        pixels = re.search(r"\((\d+) pixels\)", text)
        most = MAX_PIXELS // 1_000_000
        told = (
            phrase(
                "The picture has {what:,.0f} million pixels; expected at most {max_pixels} million.",
                what=int(pixels[1]) / 1e6,
                max_pixels=most,
            )
            if pixels
            else phrase("The picture has far too many pixels; expected at most {max_pixels} million.", max_pixels=most)
        )
        return DecodeError(
            "too-large",
            told,
            "Scale it down in another program first.",
        )
    if isinstance(error, MemoryError):
        return DecodeError(
            "too-large", "The picture needs more memory than is free.", "Close other programs or scale it down first."
        )
    if isinstance(error, OSError) and error.errno is not None:
        return _refused_by_system(error)
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return DecodeError("truncated", "The file ends before its picture does.", _COPY_AGAIN)
    return DecodeError("damaged", "The picture's data are damaged and cannot be read.", _SAVE_AGAIN)


def quieten_libraries() -> None:
    """Keep the libraries' warnings off standard error.

    One narrow filter that stays, put back when somebody has reset the filters: ``warnings.catch_warnings`` must not be
    used here, because it swaps the filters of the whole process and so fails when two threads do it.
    """
    for entry in warnings.filters:
        if entry[3] is not None and getattr(entry[3], "pattern", None) == _NOISY:
            return
    warnings.filterwarnings("ignore", module=_NOISY)
