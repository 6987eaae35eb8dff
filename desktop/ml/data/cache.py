"""Prepared pictures on disk, mapped into memory: decoded once, read by every training after, whatever their number.

One folder a set below ``prepared`` in the user's cache: ``images.npy`` (uint8 (n, height, width, channels)),
``labels.npy``, ``sha256.npy`` (of each file's content), ``names.json``, and ``meta.json``, written last. A folder
appears whole, by a rename, or not at all; the sets used longest ago make room for a new one. Everything here can be
made again.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from desktop import paths
from desktop.core.pictures.decode_in_child import Entry, prepare_each
from desktop.core.progress import Progress, untold
from desktop.core.types import FoveaError, ImageSource, PreprocessSpec
from desktop.store import locks
from desktop.system import strict_json
from desktop.system.files import check_room, flush, has_room, not_written, write_atomically
from desktop.system.words import phrase
from desktop.system.workers import cores

VERSION = 4
"""Part of every key: a change of how pictures are prepared makes old sets unknown."""
LIMIT_BYTES = 20 << 30
"""The most that all sets together may take, unless ``FOVEA_CACHE_GB`` says otherwise; one larger set is still made."""


_MOST_JSON = 256 << 20
_HEAD_BYTES = 128
_AT_ONCE = 16
_ASK_S = 0.2  # between two words to ``progress`` while a picture takes its time
_BUILDING = ".building-"
_LOCK = "lock"
_YOUNG_S = 60.0  # a folder just begun, or about to be renamed, is not locked either


class CacheError(FoveaError):
    """Prepared pictures that cannot be kept. Kinds: ``disk-full``, ``not-writable``, ``not-saved``, ``no-data``."""


CacheItem = tuple[ImageSource | np.ndarray, tuple[int, str] | None]
"""What to open, or bare pixels; and size and hexadecimal SHA-256 of content that is no file."""


class Feed(Protocol):
    """The pictures of a set, before they are prepared."""

    @property
    def names(self) -> Sequence[str]:
        """Their names inside the data."""
        ...

    @property
    def labels(self) -> np.ndarray:
        """Their class numbers, int (n,)."""
        ...

    def item(self, position: int) -> CacheItem:
        """One picture, not opened yet; called from several threads."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A set: ``images`` uint8 (n, height, width, channels), read-only and mapped; ``labels`` int64 (n,); ``names``;
    ``sha256`` uint8 (n, 32). ``set_aside``: pictures that did not open, by name and reason. ``facts`` is what the maker
    kept with it."""

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    sha256: np.ndarray
    set_aside: tuple[tuple[str, str], ...]
    facts: dict[str, Any]


def key_of(what: object, spec: PreprocessSpec) -> str:
    """The key of a set: ``what`` (JSON values) identifies the pictures."""
    text = json.dumps([VERSION, what, asdict(spec)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find(key: str) -> Prepared | None:
    """The set of that key, mapped into memory; ``None`` where there is none or it is damaged. Marks it as used."""
    folder = _root() / key
    try:
        meta = strict_json.read_object(folder / "meta.json", _MOST_JSON)
        names = tuple(strict_json.as_texts(strict_json.read(folder / "names.json", _MOST_JSON)))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels, sha256 = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("labels", "sha256"))
        shape = (len(names), *meta["shape"])
        if images.shape != shape or images.dtype != np.uint8 or labels.shape != shape[:1] or len(sha256) != len(names):
            raise ValueError("lengths differ")
        aside = tuple((str(name), str(reason)) for name, reason in meta["set_aside"])
        facts = dict(meta["facts"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        _remove(folder)
        return None
    with contextlib.suppress(OSError):
        os.utime(folder / "meta.json")
    return Prepared(images, labels.astype(np.int64), names, sha256, aside, facts)


def make(
    key: str,
    feed: Feed,
    spec: PreprocessSpec,
    progress: Progress = untold,
    finish: Callable[[np.ndarray, np.ndarray], dict[str, Any]] = lambda sizes, sha256: {},
    workers: int | None = None,
) -> Prepared:
    """Decode and prepare every picture of ``feed``, on all cores, in children, and keep them under ``key``.

    Pictures that do not open are set aside with the reason. ``finish`` gets the size (int64, -1: unreadable) and
    SHA-256 (uint8 (n, 32)) of every entry, broken ones too, and returns facts to keep. Raises :class:`CacheError`
    before anything is written where the disk has no room; what ``progress`` raises.
    """
    count = len(feed.names)
    need = count * spec.height * spec.width * spec.channels
    root = _root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _make_room(root, need)
        building = root / f"{_BUILDING}{uuid.uuid4().hex[:12]}"
        building.mkdir()
        try:
            with locks.hold(building / _LOCK):
                _build(building, feed, spec, progress, finish, workers or cores())
            with contextlib.suppress(OSError):  # another process was faster: its set is as good
                os.rename(building, root / key)
        finally:
            _remove(building)
    except OSError as error:
        raise _explained(error) from error
    found = find(key)
    if found is None:
        raise CacheError("not-saved", "the prepared pictures could not be read back", "Check the disk, then try again.")
    return found


def drop(key: str) -> None:
    """Remove the set of that key, where there is one."""
    _remove(_root() / key)


def total_bytes() -> int:
    """What all sets take on disk now."""
    return sum(size for _, size, _ in _sets(_root()))


def clear() -> None:
    """Remove every set that nobody is making."""
    for folder, _, _ in _sets(_root()):
        _remove(folder)


def _root() -> Path:
    return paths.cache() / "prepared"


def _build(
    folder: Path,
    feed: Feed,
    spec: PreprocessSpec,
    progress: Progress,
    finish: Callable[[np.ndarray, np.ndarray], dict[str, Any]],
    workers: int,
) -> None:
    names, labels = feed.names, np.asarray(feed.labels)
    shape = (spec.height, spec.width, spec.channels)
    sizes, sha256 = np.full(len(names), -1, np.int64), np.zeros((len(names), 32), np.uint8)
    kept: list[int] = []
    aside: list[tuple[str, str]] = []
    # Written, not mapped: on a full disk writing raises an error, while touching a map would end the process.
    with (folder / "images.npy").open("wb") as stream:
        stream.write(bytes(_HEAD_BYTES))
        for position, entry in _read_all(feed, spec, workers, progress):
            sizes[position] = entry.size
            sha256[position] = np.frombuffer(entry.sha256, np.uint8)
            if isinstance(entry.pixels, FoveaError):
                aside.append((names[position], entry.pixels.message))
            else:
                stream.write(entry.pixels)
                kept.append(position)
        if not kept:
            raise CacheError(
                "no-data",
                phrase("none of {count:,} pictures can be read", count=len(names)),
                "'fovea data inspect' says why.",
            )
        stream.seek(0)
        stream.write(_npy_head((len(kept), *shape)))
        flush(stream)
    for name, array in (("labels", labels[kept].astype(np.int64)), ("sha256", sha256[kept])):
        with (folder / f"{name}.npy").open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
            flush(stream)
    write_atomically(folder / "names.json", strict_json.dumps([names[i] for i in kept], indent=None))
    facts = finish(sizes, sha256)
    write_atomically(
        folder / "meta.json",
        strict_json.dumps(
            {"shape": shape, "set_aside": aside, "facts": facts, "created": int(time.time())}, indent=None
        ),
    )


def _read_all(feed: Feed, spec: PreprocessSpec, workers: int, progress: Progress) -> Iterator[tuple[int, Entry]]:
    """Every picture in order, prepared; some pieces are begun ahead, few enough for memory."""
    count = len(feed.names)
    waiting: collections.deque[Future[list[Entry]]] = collections.deque()
    starts = iter(range(0, count, _AT_ONCE))
    stop = threading.Event()

    def piece(start: int) -> list[Entry]:
        items = [feed.item(position) for position in range(start, min(start + _AT_ONCE, count))]
        return prepare_each(items, spec, stop.is_set)

    with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
        try:
            done = 0
            progress(0, count)
            while True:
                while len(waiting) < 3 * workers and (start := next(starts, None)) is not None:
                    waiting.append(pool.submit(piece, start))
                if not waiting:
                    return
                try:
                    entries = waiting[0].result(timeout=_ASK_S)
                except TimeoutError:  # a picture that takes its time: the work can be cancelled meanwhile
                    progress(done, count)
                    continue
                waiting.popleft()
                for entry in entries:
                    yield done, entry
                    done += 1
                progress(done, count)
        finally:
            stop.set()  # ends what is still at work: nobody waits for a picture that hangs
            for future in waiting:
                future.cancel()


def _npy_head(shape: tuple[int, ...]) -> bytes:
    """The head of an .npy file of uint8, always of the same length: it is written when the number of rows is known.

    Format: numpy.lib.format, version 1.0.
    """
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape!r}, }}"
    room = _HEAD_BYTES - 10
    return b"\x93NUMPY\x01\x00" + room.to_bytes(2, "little") + text.ljust(room - 1).encode("ascii") + b"\n"


def _make_room(root: Path, need: int) -> None:
    """Remove what was left unfinished, then the sets used longest ago until ``need`` more bytes fit.

    Raises :class:`CacheError` ``disk-full`` where the disk itself has no room for them.
    """
    for folder in root.glob(f"{_BUILDING}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _YOUNG_S and not locks.is_held(folder / _LOCK):
                _remove(folder)
    sets = sorted(_sets(root), key=lambda item: item[2])
    total = sum(size for _, size, _ in sets)
    limit = limit_bytes()
    for folder, size, _ in sets:
        if total + need <= limit and has_room(root, need):
            return
        _remove(folder)
        total -= size
    hint = phrase("Free some space, use fewer or smaller pictures, or move Fovea's files with FOVEA_HOME.")
    check_room(root, need, "keeping the prepared pictures", phrase("the disk of Fovea's cache"), hint, CacheError)


def limit_bytes() -> int:
    """The most that all sets together may take."""
    try:
        return int(float(os.environ["FOVEA_CACHE_GB"]) * 1e9)
    except (KeyError, ValueError, OverflowError):
        return LIMIT_BYTES


def _sets(root: Path) -> list[tuple[Path, int, float]]:
    """Finished sets with their size in bytes and when they were last used. What older versions left counts, too."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(root):
            with contextlib.suppress(OSError):
                if entry.name.startswith(_BUILDING):
                    continue
                if not entry.is_dir():
                    found.append((Path(entry.path), entry.stat().st_size, entry.stat().st_mtime))
                    continue
                parts = [part.stat() for part in os.scandir(entry.path)]
                used = max((part.st_mtime for part in parts), default=0.0)
                found.append((Path(entry.path), sum(part.st_size for part in parts), used))
    return found


def _remove(folder: Path) -> None:
    """Take a set away. Windows keeps files that are mapped: without its ``meta.json`` the rest is no set any more."""
    with contextlib.suppress(OSError):
        if folder.is_dir():
            (folder / "meta.json").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)


def _explained(error: OSError) -> FoveaError:
    return not_written(
        phrase("what was prepared of the pictures"), phrase("the disk of Fovea's cache"), error, CacheError
    )
