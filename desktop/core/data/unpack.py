"""Archives of labelled pictures (``.zip``, ``.tar``, ``.tar.gz`` …): unpacked once into the cache, within limits.

Nothing is written outside the folder made for it; links, devices and what systems leave behind are passed over. The
files keep their times, so that data unpacked again is known as the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from desktop import paths
from desktop.core.data.dataset import DatasetError, Interrupted
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.system.files import RESERVE_BYTES, free_space
from desktop.system.words import phrase

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MOST_FILES = 2_000_000
MOST_BYTES = 100 << 30
LIMIT_BYTES = 20 << 30
"""What all unpacked archives together may take before the one used longest ago goes; one larger is still unpacked."""
_RATIO, _RATIO_FROM = 100, 1 << 30  # pictures hardly shrink: what swells like this is no set of pictures
_PIECE = 1 << 20
_BUILDING = ".building-"
_OLD_S = 86_400.0
_DEEPEST = 3  # folders that only wrap others


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive: its name there and its time, in seconds since 1970."""

    name: str
    time: float


def is_archive(path: Path) -> bool:
    """Whether ``path`` is an archive by its name and its first bytes."""
    if not path.name.lower().endswith(ENDINGS) or not path.is_file():
        return False
    try:
        return zipfile.is_zipfile(path) if path.suffix.lower() == ".zip" else tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error, tarfile.TarError):
        return False


def title_of(path: Path) -> str:
    """The archive's name without its ending."""
    lower = path.name.lower()
    ending = max((e for e in ENDINGS if lower.endswith(e)), key=len, default="")
    return path.name[: len(path.name) - len(ending)] or path.name


def unpacked(
    path: Path,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled | None = None,
    root: Path | None = None,
) -> Path:
    """The folder that holds the content of the archive ``path``, unpacked now or earlier; folders that only wrap it are
    looked through. It lies in the cache, from where it may go again, or for good in the folder ``root``.

    Raises :class:`DatasetError` (``bad-data``, ``hostile``, ``too-large``, ``disk-full``), :class:`Interrupted`.
    """
    filled = made([path], path.name, lambda building: _unpack(path, building, progress, cancelled), root)
    return _inside(filled)


def made(files: Sequence[Path], title: str, fill: Callable[[Path], None], root: Path | None = None) -> Path:
    """The folder that ``fill`` makes of ``files``, now, or earlier where they have not changed since; below ``root``,
    by default among the unpacked archives. Raises what ``fill`` raises, and :class:`DatasetError` for what the disk
    refuses."""
    place = root if root is not None else _root()
    folder = place / _key(files)
    if not folder.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        if root is None:
            _tidy()
        building = place / f"{_BUILDING}{uuid.uuid4().hex[:12]}"
        try:
            building.mkdir()
            fill(building)
            with contextlib.suppress(OSError):  # another process was faster
                os.rename(building, folder)
        except OSError as error:
            raise _explained(title, error) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


def room(folder: Path) -> int:
    """Bytes that may be unpacked into ``folder``."""
    return min(MOST_BYTES, free_space(folder) - RESERVE_BYTES)


def total_bytes() -> int:
    """What all unpacked archives take on disk now."""
    return sum(size for _, size, _ in _held())


def clear() -> None:
    """Remove every unpacked archive; they can be unpacked again."""
    for folder, _, _ in _held():
        shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    return paths.cache() / "unpacked"


def _key(files: Sequence[Path]) -> str:
    parts = ["1"]
    for path in files:
        facts = path.stat()
        parts += [os.path.realpath(path), str(facts.st_size), str(facts.st_mtime_ns)]
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _inside(folder: Path) -> Path:
    for _ in range(_DEEPEST):
        entries = list(os.scandir(folder))
        if len(entries) != 1 or not entries[0].is_dir(follow_symlinks=False):
            break
        below = Path(entries[0].path)
        if not any(entry.is_dir() for entry in os.scandir(below)) and any(os.scandir(below)):
            return below  # pictures right in it: their labels come from elsewhere
        folder = below
    return folder


def _unpack(path: Path, target: Path, progress: ReadProgress | None, cancelled: IsCancelled | None) -> None:
    free = free_space(target) - RESERVE_BYTES
    packed = max(1, path.stat().st_size)
    written = number = 0
    try:
        for member, stream in _members(path):
            place = _place(path, target, member.name)
            number += 1
            if number > MOST_FILES:
                raise DatasetError(
                    "too-large",
                    phrase("'{name}' holds more than {most_files:,} files", name=path.name, most_files=MOST_FILES),
                )
            if place is None:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with stream, place.open("xb") as out:
                while piece := stream.read(_PIECE):
                    written += len(piece)
                    _check(path, written, packed, free)
                    if cancelled and cancelled():
                        raise Interrupted
                    out.write(piece)
            os.utime(place, (member.time, member.time))
            if progress and number % 64 == 0:
                progress(number, None)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        locked = isinstance(error, RuntimeError) and "encrypted" in str(error)
        what = phrase("is locked by a password") if locked else phrase("is damaged or cut off")
        raise DatasetError(
            "bad-data",
            phrase("the archive '{name}' {what}", name=path.name, what=what),
            "Unpack it by hand, or copy it again.",
        ) from error
    except FileExistsError as error:
        text = phrase("the archive '{name}' holds one name twice", name=path.name)
        raise DatasetError("bad-data", text, "Unpack it by hand, then give the folder.") from error


def _check(path: Path, written: int, packed: int, free: int) -> None:
    if written > MOST_BYTES:
        raise DatasetError(
            "too-large",
            phrase("'{name}' unpacks to more than {most_bytes} GB", name=path.name, most_bytes=MOST_BYTES >> 30),
            "Unpack it by hand.",
        )
    if written > _RATIO_FROM and written > _RATIO * packed:
        text = phrase(
            "'{name}' unpacks to more than {ratio} times its size: pictures do not", name=path.name, ratio=_RATIO
        )
        raise DatasetError("hostile", text, "It was not unpacked.")
    if written > free:
        text = phrase("the disk of Fovea's cache has no room to unpack '{name}'", name=path.name)
        raise DatasetError("disk-full", text, "Free some space, or move Fovea's files with FOVEA_HOME.")


def _members(path: Path) -> Iterator[tuple[_Member, IO[bytes]]]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                mode = info.external_attr >> 16
                if info.is_dir() or (mode and (mode & 0o170000) not in (0, 0o100000)):
                    continue
                try:
                    when = time.mktime((*info.date_time, 0, 0, -1))
                except (ValueError, OverflowError):
                    when = 0.0
                yield _Member(info.filename, max(0.0, when)), archive.open(info)
        return
    with tarfile.open(path, "r|*") as archive:
        for entry in archive:
            if not entry.isreg():
                continue
            stream = archive.extractfile(entry)
            if stream is not None:
                when = entry.mtime if 0 <= entry.mtime < 2**33 else 0.0
                yield _Member(entry.name, float(when)), stream


def _place(path: Path, target: Path, name: str) -> Path | None:
    """Where a member goes; ``None`` for clutter. Raises :class:`DatasetError` for a name that leads out."""
    from desktop.core.data.split_folders import is_clutter

    pure = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in pure.parts if part not in (".", "")]
    drive = parts and len(parts[0]) == 2 and parts[0][1] == ":"
    if pure.is_absolute() or ".." in parts or drive or "\0" in name or len(name) > 4096 or len(parts) > 64:
        text = phrase("the archive '{name}' holds a name that leads out of it", name=path.name)
        raise DatasetError("hostile", text, "It was not unpacked.")
    if not parts or any(is_clutter(part) for part in parts):
        return None
    return target.joinpath(*parts)


def _held() -> list[tuple[Path, int, float]]:
    """Each unpacked archive with its size in bytes and when it was last used."""
    out = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(_root()):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(_BUILDING):
                size = sum(
                    os.path.getsize(os.path.join(folder, name))
                    for folder, _, names in os.walk(entry.path)
                    for name in names
                )
                out.append((Path(entry.path), size, entry.stat().st_mtime))
    return out


def _tidy() -> None:
    """Remove what killed processes left, then what was used longest ago beyond the limit."""
    for folder in _root().glob(f"{_BUILDING}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _OLD_S:
                shutil.rmtree(folder, ignore_errors=True)
    held = sorted(_held(), key=lambda item: item[2])
    total = sum(size for _, size, _ in held)
    for folder, size, _ in held:
        if total <= LIMIT_BYTES:
            return
        shutil.rmtree(folder, ignore_errors=True)
        total -= size


def _explained(title: str, error: OSError) -> DatasetError:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = phrase("the disk of Fovea's cache filled up while '{name}' was unpacked", name=title)
        return DatasetError("disk-full", text, "Free some space, or move Fovea's files with FOVEA_HOME.")
    reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
    return DatasetError(
        "unreadable",
        phrase("'{name}' could not be unpacked: {reason}", name=title, reason=reason),
        "Unpack it by hand.",
    )
