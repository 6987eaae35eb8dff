"""Pictures taken in one go: frames of one video, shots of one burst. On both sides of a split they promise too much.

They are told by names (``clip3_frame012.jpg``), by times (in the name, or as the camera wrote it into the file) that
are seconds apart, and by neighbours in a numbered series that look alike.
"""

from __future__ import annotations

import datetime
import itertools
import os
import re
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from desktop.core.data.splits import together

_SECONDS = 3.0
"""Shots at most so far apart belong to one burst."""
_ALIKE = 0.9  # correlation of two thumbnails, less the mean of all, from which neighbours of a series are one scene
_STEP = 3  # numbers that neighbours of a series are apart, at most: of a video every third frame may be kept
_HEAD = 16 << 10  # bytes at a file's beginning in which cameras write the time

_FRAME = re.compile(r"(?P<series>.*[^\W_].*?)[ _.\-]*(?:frame|frames|frm|fr|still|snapshot)[ _.\-#]*\d+", re.IGNORECASE)
_VIDEO = re.compile(
    r"(?P<series>(?:.*[ _.\-])?(?:video|vid|clip|movie|mov|sequence|seq|burst|vlcsnap|footage)[ _.\-]?[0-9a-z]*?)"
    r"(?:[ _.\-]+\d+)+",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[ _\-T]*([0-2]\d)[-_.h]?([0-5]\d)[-_.m]?([0-5]\d)"
)
_WRITTEN = re.compile(rb"((?:19|20)\d\d):([01]\d):([0-3]\d) ([0-2]\d):([0-5]\d):([0-5]\d)\x00")
_NUMBER = re.compile(r"(\d+)(?=\D*\Z)")


def keys(
    names: Sequence[str],
    thumbnails: np.ndarray | None = None,
    path_of: Callable[[int], str | None] = lambda position: None,
) -> list[int | None]:
    """For each of ``names`` (inside the data) the number of its burst; ``None`` where it stands alone.

    ``thumbnails`` are uint8 (n, side * side) grey levels; ``path_of`` gives the files, whose first bytes are read.
    """
    columns: list[Sequence[Hashable]] = [
        [series_of(name) for name in names],
        _by_time(names, path_of),
        _by_likeness(names, thumbnails) if thumbnails is not None else [None] * len(names),
    ]
    groups = together(*columns)
    sizes = np.bincount(groups, minlength=len(names)) if groups else np.zeros(0, int)
    return [group if sizes[group] > 1 else None for group in groups]


def series_of(name: str) -> str | None:
    """The video that a frame's name tells; ``None`` for other names. A series without a number of its own counts within
    its folder only."""
    folder, _, file = name.rpartition("/")
    stem = os.path.splitext(file)[0]
    match = _FRAME.fullmatch(stem) or _VIDEO.fullmatch(stem) if len(stem) < 200 else None
    if match is None:
        return None
    series = match["series"].strip(" _.-").casefold()
    return series if any(letter.isdigit() for letter in series) else f"{folder}/{series}"


def _by_time(names: Sequence[str], path_of: Callable[[int], str | None]) -> list[int | None]:
    """Numbers of runs of pictures of one folder that were taken within seconds of each other."""
    found: dict[str, list[tuple[float, int]]] = {}
    for position, name in enumerate(names):
        taken = _time_in_name(name) or _time_in_file(path_of(position))
        if taken is not None:
            found.setdefault(name.rpartition("/")[0], []).append((taken, position))
    out: list[int | None] = [None] * len(names)
    for shots in found.values():
        shots.sort()
        for (before, first), (after, second) in itertools.pairwise(shots):
            if after - before <= _SECONDS:
                out[first] = first if out[first] is None else out[first]
                out[second] = out[first]
    return out


def _time_in_name(name: str) -> float | None:
    match = _TIME.search(name.rpartition("/")[2])
    return _moment(match.groups()) if match else None


def _time_in_file(path: str | None) -> float | None:
    """The time that a camera wrote, as text among a file's first bytes. Nothing is parsed: the file may be hostile."""
    if path is None or not path.lower().endswith((".jpg", ".jpeg", ".heic", ".tif", ".tiff")):
        return None
    try:
        with open(path, "rb", buffering=0) as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError):
        return None
    if b"Exif\0\0" not in head and not head.startswith((b"II*\0", b"MM\0*")):
        return None
    times = [moment for match in _WRITTEN.finditer(head) if (moment := _moment(match.groups())) is not None]
    return min(times, default=None)  # editors add later ones


def _moment(parts: Sequence[str | bytes]) -> float | None:
    try:
        year, month, day, hour, minute, second = (int(part) for part in parts)
        return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC).timestamp()
    except ValueError:
        return None


def _by_likeness(names: Sequence[str], thumbnails: np.ndarray) -> list[int | None]:
    """Numbers of runs of a numbered series in which each picture looks like the one before."""
    series: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for position, name in enumerate(names):
        folder, _, file = name.rpartition("/")
        stem = os.path.splitext(file)[0]
        match = _NUMBER.search(stem)
        if match and len(match[1]) <= 12:
            rest = stem[: match.start()] + "#" + stem[match.end() :]
            series.setdefault((folder, rest), []).append((int(match[1]), position))
    pairs = []
    for members in series.values():
        members.sort()
        pairs += [(a, b) for (m, a), (n, b) in itertools.pairwise(members) if 0 < n - m <= _STEP]
    out: list[int | None] = [None] * len(names)
    if not pairs:
        return out
    first, second = np.array(pairs).T
    mean = thumbnails.mean(axis=0, dtype=np.float64)
    for start in range(0, len(pairs), 4096):
        a, b = (thumbnails[side[start : start + 4096]] - mean for side in (first, second))
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        like = (a * b).sum(axis=1) / np.maximum(np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)), 1e-6)
        for place in np.flatnonzero(like >= _ALIKE).tolist():
            left, right = int(first[start + place]), int(second[start + place])
            out[left] = left if out[left] is None else out[left]
            out[right] = out[left]
    return out
