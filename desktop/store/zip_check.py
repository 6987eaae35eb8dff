"""Looks through a ZIP archive before anything of it is unpacked: ``.keras`` files and whole models come as such.

Refused are names that lead out of a folder, links, encryption, packings that Python cannot read, two members of one
name or that share bytes, and contents that are far larger than what they came in (zip bombs).
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from desktop.core.types import StoreError
from desktop.system.words import phrase

MOST_MEMBERS = 2000
_MOST_RATIO = 200
_SMALL = 64 << 20  # below this no ratio matters
_PIECE = 1 << 20
_SAFE = re.compile(r"[^/\\:\x00-\x1f]+(/[^/\\:\x00-\x1f]+)*/?")


class ArchiveError(StoreError):
    """An archive that is not unpacked. Kinds: ``damaged``, ``hostile``, ``too-large``, ``unreadable``."""


def open_checked(path: Path, most_bytes: int) -> zipfile.ZipFile:
    """``path`` as an archive whose members are harmless to unpack and hold at most ``most_bytes`` together.

    Raises :class:`ArchiveError`.
    """
    try:
        size = path.stat().st_size
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise ArchiveError("unreadable", phrase("there is no file '{name}'", name=path.name)) from error
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ArchiveError("damaged", "the file is damaged or cut off: it is no whole ZIP archive", _AGAIN) from error
    try:
        _check(archive.infolist(), size, most_bytes)
    except BaseException:
        archive.close()
        raise
    return archive


_AGAIN = "Fetch or copy it again."


def _check(members: list[zipfile.ZipInfo], size: int, most: int) -> None:
    if len(members) > MOST_MEMBERS:
        raise ArchiveError(
            "hostile",
            phrase(
                "the archive has {count:,} members; at most {most_members:,} expected",
                count=len(members),
                most_members=MOST_MEMBERS,
            ),
        )
    names: set[str] = set()
    total = 0
    for member in members:
        name = member.filename
        if not _SAFE.fullmatch(name) or any(part in ("..", ".") for part in name.split("/")):
            raise ArchiveError(
                "hostile", phrase("the archive holds a member that leads out of it ({name})", name=repr(name[:60]))
            )
        if name.casefold() in names:
            raise ArchiveError("hostile", phrase("the archive holds '{name}' twice", name=name[:60]))
        names.add(name.casefold())
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ArchiveError("hostile", phrase("the archive holds a link ('{name}')", name=name[:60]))
        if member.flag_bits & 1:
            raise ArchiveError("hostile", "the archive is encrypted", "Unpack it and pack it again without a password.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError("hostile", "the archive is packed in a way that is not used here")
        total += member.file_size
        if member.file_size > max(_SMALL, _MOST_RATIO * max(1, member.compress_size)):
            raise ArchiveError(
                "too-large",
                phrase(
                    "'{name}' would unpack to {file_size:,} bytes from {compress_size:,}",
                    name=name[:60],
                    file_size=member.file_size,
                    compress_size=member.compress_size,
                ),
                "It is made to fill the disk.",
            )
    if total > most:
        raise ArchiveError(
            "too-large",
            phrase("the archive would unpack to {total:,} bytes; at most {most:,} expected", total=total, most=most),
        )
    _check_overlap(members, size)


def _check_overlap(members: list[zipfile.ZipInfo], size: int) -> None:
    end = 0
    for member in sorted(members, key=lambda m: m.header_offset):
        if member.header_offset < end or member.header_offset + member.compress_size > size:
            raise ArchiveError("hostile", "members of the archive share their bytes, or lie outside of it")
        end = member.header_offset + member.compress_size


def copy_member(archive: zipfile.ZipFile, name: str, target: IO[bytes], most: int) -> int:
    """Unpack one member into ``target``, never more than ``most`` bytes whatever it declares; returns their number.

    Raises :class:`ArchiveError`; the member's own checksum (CRC) is compared on the way.
    """
    done = 0
    try:
        with archive.open(name) as source:
            while piece := source.read(_PIECE):
                done += len(piece)
                if done > most:
                    raise ArchiveError(
                        "too-large",
                        phrase("'{name}' holds more than the {most:,} bytes expected", name=name[:60], most=most),
                    )
                target.write(piece)
    except KeyError as error:
        raise ArchiveError("damaged", phrase("the archive has no '{name}'", name=name[:60])) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError("damaged", phrase("'{name}' in the archive is damaged", name=name[:60]), _AGAIN) from error
    except OSError as error:
        if error.errno is None or isinstance(error, zipfile.BadZipFile):
            raise ArchiveError(
                "damaged", phrase("'{name}' in the archive is damaged", name=name[:60]), _AGAIN
            ) from error
        raise
    return done


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One member's bytes; see :func:`copy_member`."""
    import io

    held = io.BytesIO()
    copy_member(archive, name, held, most)
    return held.getvalue()
