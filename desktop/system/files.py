"""Files that are whole or not there, and disks with room: the only place that replaces a file or asks for free space.

A file is written beside its place, flushed to the disk, renamed over the old one, and its folder is flushed: after a
power cut there is the old file or the new one (POSIX rename(2), fsync(2)).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from desktop.system import privacy
from desktop.system.errors import FoveaError
from desktop.system.liveness import is_alive
from desktop.system.words import phrase

T = TypeVar("T")
Content = str | bytes | Iterable[bytes] | Callable[[Path], object]

OWN_DISK = phrase("the disk of Fovea's own data")
RESERVE_BYTES = 256_000_000
"""What stays free on a disk beside what is about to be written: a full disk breaks more programs than ours."""

_PART = re.compile(r"\.(?P<process>\d+)-[0-9a-f]{8}\.part")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def write_atomically(path: str | os.PathLike[str], content: Content) -> None:
    """Put ``content`` into the file ``path``, all of it or nothing; its folder exists.

    ``content`` is text (UTF-8, line ends as they are; what is no text becomes visible escapes), bytes, an iterable of
    bytes, or a function that fills the file whose path it is given. Whatever goes wrong, an older file stays as it was
    and nothing is left behind; an older file's permissions are kept. A pipe or a device is written to, not replaced.
    Raises what ``content`` raises; OSError, see :func:`saying`.
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        _fill(target, content)
        return
    part = part_beside(target)
    try:
        _fill(part, content)
        try:
            os.chmod(part, target.stat().st_mode & 0o777)
        except FileNotFoundError:
            mode = privacy.mode_for(target.absolute())
            if mode is not None:
                os.chmod(part, mode)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)


def part_beside(target: Path) -> Path:
    """A free name beside ``target`` for what is being written; :func:`remove_leftovers` knows such names."""
    return target.with_name(f".{target.name[:100]}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")


def put_in_place(part: Path, target: Path) -> None:
    """Flush the whole file ``part`` and rename it to ``target`` on the same disk, over an older one. Raises OSError."""
    flush_file(part)
    patiently(lambda: os.replace(part, target))
    flush_folder(target.parent)


def move_new(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` on the same disk, never over anything that is there: then FileExistsError.

    One step on Linux, macOS and Windows; on a file system that cannot do that in one, the target is looked for first.
    Raises OSError, with ``errno.EXDEV`` where the target is on another disk.
    """
    if os.name == "nt":
        os.rename(source, target)
        return
    failed = _rename_exclusively(os.fsencode(source), os.fsencode(target))
    if failed in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        if os.path.lexists(target):
            failed = errno.EEXIST
        else:
            os.rename(source, target)
            return
    if failed:
        raise OSError(failed, os.strerror(failed), str(target))


def _rename_exclusively(source: bytes, target: bytes) -> int:
    """renameat2(2) of Linux or renamex_np(2) of macOS; the error's number, 0 where it was done."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    arguments: tuple[bytes | int, ...] = (-100, source, -100, target, 1)  # AT_FDCWD twice; RENAME_NOREPLACE
    call = "renameat2"
    if sys.platform == "darwin":
        call, arguments = "renamex_np", (source, target, 4)  # RENAME_EXCL
    function = getattr(library, call, None)
    if function is None:
        return errno.ENOSYS
    return 0 if function(*arguments) == 0 else ctypes.get_errno()


def flush(stream: IO[Any]) -> None:
    """Have the disk hold what was written to ``stream``. Raises OSError."""
    stream.flush()
    os.fsync(stream.fileno())


def flush_file(path: Path) -> None:
    """Have the disk hold what was written to the file. Raises OSError."""
    with path.open("rb+") as stream:
        flush(stream)


def flush_folder(folder: Path) -> None:
    """Flush the list of names of ``folder``: only then a rename outlives a power cut.

    What has been renamed is in place in any case, so a file system that cannot do it raises nothing.
    """
    if os.name == "nt":
        return  # Windows offers no handle to a folder; its rename is journaled
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove from ``folder`` what processes that were killed had half written. Never raises."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            found = _PART.search(path.name)
            if found and path.name.endswith(found[0]) and not is_alive(int(found["process"])):
                with contextlib.suppress(OSError):
                    path.unlink()


# Room


def free_space(folder: Path) -> int:
    """Bytes free for this user on the disk of ``folder``, or of the nearest folder above it that there is.

    Raises OSError.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def has_room(folder: Path, need: int) -> bool:
    """Whether ``need`` bytes can be written there such that the reserve stays. Raises OSError."""
    return free_space(folder) >= need + RESERVE_BYTES


def check_room(
    folder: Path,
    need: int,
    what: str,
    disk: str = OWN_DISK,
    hint: str = "Free some space, then try again.",
    kind: type[FoveaError] = FoveaError,
) -> None:
    """Raise ``kind`` (``disk-full``) unless :func:`has_room`; ``what`` begins the sentence ('installing VGG16').

    Raises OSError where the disk cannot be asked.
    """
    free = free_space(folder)
    if free < need + RESERVE_BYTES:
        raise kind(
            "disk-full",
            phrase(
                "{what} takes {size_words}, and {size_words2} are kept in reserve; {disk} has {size_words3} free",
                what=what,
                size_words=size_words(need),
                size_words2=size_words(RESERVE_BYTES),
                disk=disk,
                size_words3=size_words(free),
            ),
            hint,
        )


def size_words(count: int) -> str:
    """An amount of bytes in decimal units, as disks are sold and files are listed: '312 MB', '1.4 GB'."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count} bytes"


# What a disk refuses, in words


def reason_of(error: OSError) -> str:
    """Why, in the system's words, without the path: 'no such file or directory'."""
    return (os.strerror(error.errno) if error.errno else error.strerror or type(error).__name__).lower()


def is_full(error: OSError) -> bool:
    """Whether the disk, or this user's share of it, is full."""
    return error.errno in _FULL


def not_written(what: str, disk: str, error: OSError, kind: type[FoveaError] = FoveaError) -> FoveaError:
    """The error for a file that could not be written; an older one is whole. Names the disk where that is full."""
    if is_full(error):
        return kind(
            "disk-full",
            phrase("{what} was not saved: {disk} is full", what=what, disk=disk),
            phrase("Free some space, then try again."),
        )
    if error.errno in _FORBIDDEN or isinstance(error, PermissionError):
        text = phrase(
            "{what} was not saved: {disk} may not be written to, or another program has the file open",
            what=what,
            disk=disk,
        )
        return kind("not-writable", text, phrase("Close it there, or choose another place."))
    return kind(
        "not-saved",
        phrase("{what} was not saved: {reason_of}", what=what, reason_of=reason_of(error)),
        "Choose another place.",
    )


@contextlib.contextmanager
def saying(what: str, disk: str = OWN_DISK, kind: type[FoveaError] = FoveaError) -> Iterator[None]:
    """Within this context an OSError of writing becomes :func:`not_written`."""
    try:
        yield
    except OSError as error:
        raise not_written(what, disk, error, kind) from error


def disk_of(path: str | os.PathLike[str]) -> str:
    """The disk of a file that the user chose, in words: by the file's own name, never by its folder."""
    return phrase("the disk of '{name}'", name=Path(path).name)


def _fill(place: Path, content: Content) -> None:
    if callable(content):
        content(place)
        return
    with place.open("wb") as stream:
        if isinstance(content, str):
            stream.write(content.encode("utf-8", "backslashreplace"))
        elif isinstance(content, bytes):
            stream.write(content)
        else:
            stream.writelines(content)


def patiently(work: Callable[[], T]) -> T:
    """What ``work`` returns. Windows refuses to replace a file that somebody reads, and to open one that is being
    replaced: it is tried again for half a second."""
    for _ in range(25 if os.name == "nt" else 0):
        try:
            return work()
        except PermissionError:
            time.sleep(0.02)
    return work()
