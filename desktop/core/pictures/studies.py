"""Finding pictures where there may be studies: the walk through files and folders, and DICOM series put together.

:func:`find_studies` is :func:`~desktop.core.pictures.walk.walk_images` for whoever shows or answers series: pictures of
other formats come as they are found; DICOM files are gathered, their headers read in a child with limits, and what
belongs together comes as a :class:`~desktop.core.pictures.dicom.series.DicomSeries`. A DICOMDIR that was named stands
for the files that it lists. Asked no further it stops; ``cancelled`` stops it within a header.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from desktop.core.pictures.dicom.directory import FileFinder, Listed
from desktop.core.pictures.dicom.series import MOST_FRAMES, DicomHead, DicomSeries, grouped
from desktop.core.pictures.formats import HEAD_BYTES, SUPPORTED_SUFFIXES, sniff
from desktop.core.pictures.walk import FoundFile, Problem, walk_images
from desktop.core.types import FoveaError
from desktop.system.words import Template, phrase, sentences
from desktop.system.workers import NoWorkerError, WorkCancelled

if TYPE_CHECKING:
    from desktop.system.workers import Workers

_PORTION = 32
_INSTEAD = Template("Open the folder that it lies in instead.")
_RASTER = SUPPORTED_SUFFIXES - {".dcm", ".dicom"}
_SERIES = "desktop.core.pictures.dicom.series:read_head"
_DIRECTORY = "desktop.core.pictures.dicom.directory:read_directory"
DIRECTORY_NAME = "dicomdir"
"""What a disc's list of files is called, in small letters."""


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A series, or what stands for itself, with the folder or DICOMDIR that was ``given`` to find it; '' where its
    files were named themselves."""

    series: DicomSeries
    given: str


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """One frame of a series: number ``at`` of ``count``, from 1; the picture is frame ``frame`` (0-based) of
    ``path``."""

    path: str
    frame: int
    series: DicomSeries
    at: int
    given: str

    @property
    def count(self) -> int:
        """How many frames the series has."""
        return len(self.series.frames)

    @property
    def told(self) -> str:
        """The path by which others may know it: of a picture that belongs to a study only what was given; what its
        files and their folders are called is often a name."""
        return self.given if self.given and self.series.belongs else self.path


@dataclass(frozen=True, slots=True)
class ReadingHeads:
    """How many headers of DICOM files have been read, of how many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many DICOM objects of the studies hold no picture: reports, marks, lists."""

    count: int


Found = FoundFile | Problem | FoundSeries | ReadingHeads | LeftOut


@dataclass(slots=True)
class _Gathered:
    """DICOM files that wait for their headers, each with what was given to find it ('': itself); ``listed`` are those
    that a DICOMDIR names."""

    given: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)


def find_studies(
    paths: Iterable[str | os.PathLike[str]],
    suffixes: Collection[str],
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Found]:
    """Every picture among ``paths`` and in the folders among them, as ``walk_images`` finds them; DICOM files last, as
    series where they belong together. Raises nothing for what the disk holds; ends early when ``cancelled``.
    """
    gathered = _Gathered()
    for given in paths:
        path = os.fspath(given)
        if os.path.basename(path).casefold() == DIRECTORY_NAME and os.path.isfile(path):
            yield from _listed(path, gathered, pool, cancelled)
            continue
        root = path if os.path.isdir(path) else ""
        for found in walk_images([path], suffixes):
            if cancelled():
                return
            if isinstance(found, FoundFile) and _is_dicom(found.path):
                gathered.given.setdefault(found.path, root)
            else:
                yield found
    yield from _put_together(gathered, pool, cancelled)


def each_frame(found: FoundSeries) -> Iterator[FoundFrame]:
    """The frames of a series, in order."""
    for at, (path, frame) in enumerate(found.series.frames, 1):
        yield FoundFrame(path, frame, found.series, at, found.given)


def _is_dicom(path: str) -> bool:
    if os.path.splitext(path)[1].lower() in _RASTER:
        return False  # not worth opening; one that is DICOM all the same is a picture by itself
    try:
        with open(path, "rb") as stream:
            return sniff(stream.read(HEAD_BYTES)) == "DICOM"
    except (OSError, ValueError):
        return False


def _put_together(gathered: _Gathered, pool: Workers | None, cancelled: Callable[[], bool]) -> Iterator[Found]:
    """The series of what was gathered. A file whose header cannot be read stays a picture: opening it tells why."""
    paths = list(gathered.given)
    heads: dict[str, DicomHead | None] = dict.fromkeys(paths)
    try:
        for start in range(0, min(len(paths), MOST_FRAMES), _PORTION):
            yield ReadingHeads(start, len(paths))
            if cancelled():
                return
            portion = paths[start : start + _PORTION]
            for path, head in zip(portion, _each(_SERIES, portion, pool, cancelled), strict=True):
                heads[path] = head if isinstance(head, DicomHead) else None
    except WorkCancelled:
        return
    except NoWorkerError:
        pass  # no process for it: all are single pictures, and whatever opens them says what is wrong
    left = sum(_left_out(head, gathered.given[path]) for path, head in heads.items())
    series: dict[str, DicomSeries] = {}
    for one in grouped([(path, head) for path, head in heads.items() if head is not None], gathered.listed):
        for path, _ in one.frames:
            series.setdefault(path, one)
    seen: set[int] = set()
    for path, head in heads.items():
        found = series.get(path)
        if found is not None:
            if id(found) not in seen:
                seen.add(id(found))
                yield FoundSeries(found, gathered.given[path])
        elif head is None or (not head.picture and not _left_out(head, gathered.given[path])):
            yield FoundFile(path)
    if left:
        yield LeftOut(left)


def _left_out(head: DicomHead | None, given: str) -> bool:
    """Whether a file holds no picture and nobody asked for it; a damaged one is shown, for opening it tells why."""
    return head is not None and head.other and not head.picture and bool(given)


def _each(function: str, paths: list[str], pool: Workers | None, cancelled: Callable[[], bool]) -> list[object]:
    from desktop.core.pictures.decode_in_child import each

    return each(function, paths, pool, cancelled)


def _listed(path: str, gathered: _Gathered, pool: Workers | None, cancelled: Callable[[], bool]) -> Iterator[Found]:
    """Gather the files that the DICOMDIR at ``path`` names; what is wrong with it comes as one problem of each kind."""
    try:
        (read,) = _each(_DIRECTORY, [path], pool, cancelled)
    except (WorkCancelled, NoWorkerError):
        return
    if not isinstance(read, Listed):
        assert isinstance(read, FoveaError)
        yield Problem(path, read.kind, sentences([read.message, phrase(_INSTEAD)]))
        return
    finder = FileFinder(os.path.dirname(path))
    refused, missing, whole = read.refused, 0, len(read.files)
    for parts in read.files:
        if cancelled():
            return
        try:
            found = finder.find(parts)
        except PermissionError:
            refused += 1
            continue
        if found is None:
            missing += 1
        else:
            gathered.given.setdefault(found, path)
            gathered.listed.add(found)
    if refused:
        words = phrase(
            "It names {count:,} files outside its own folder; nothing outside was opened.",
            one="It names {count:,} file outside its own folder; nothing outside was opened.",
            count=refused,
        )
        yield Problem(path, "outside", words)
    if missing:
        words = phrase(
            "{count:,} of the {whole:,} files that it names are not there.",
            one="{count:,} of the {whole:,} files that it names is not there.",
            count=missing,
            whole=whole,
        )
        advice = phrase("Copy the whole disc or folder, not the DICOMDIR alone.")
        yield Problem(path, "not-found", sentences([words, advice]))
    if read.cut:
        yield Problem(path, "too-large", phrase("It names more files than Fovea takes; the rest was left out."))
    if not whole and not refused:
        yield Problem(path, "dicom-directory", sentences([phrase("The DICOMDIR names no files."), phrase(_INSTEAD)]))
