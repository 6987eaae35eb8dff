"""Looking through labelled pictures before a training: what is there, what is odd, and what may be done about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from desktop.core.data import findings, near_duplicates
from desktop.core.data.dataset import ALL, BrokenEntry, Interrupted, LabelledDataset
from desktop.core.data.findings import NEAR_KINDS, Finding
from desktop.core.data.open_data import open_dataset
from desktop.core.data.patient_names import problem_of_names
from desktop.core.data.picture_facts import COLOUR_KINDS, PictureFacts, glimpse, look_at
from desktop.core.data.splits import Cutting
from desktop.core.pictures import decode_in_child
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import FoveaError, ImageSource
from desktop.system import workers

InspectionStage = Literal["reading", "opening", "comparing", "grouping"]
StageProgress = Callable[[InspectionStage, int, int | None], None]
"""Hears the stage, how many entries of it are done, and of how many where that is known."""

_LARGE = 64  # pixels a side at which candidates are compared
# Their correlation there, from which they count as nearly the same picture; where that would join many, they are a
# series of similar subjects (a digit 1 looks like any other), and only the closer pairs count.
_COPY, _CLOSER, _SERIES = 0.98, 0.99, 8
_AT_ONCE = 16  # pictures in one piece of work
_PAIRS_AT_ONCE = 512
_MOST_HELD = 4096  # of these larger pictures
_SHOWN = 12  # groups of a finding whose pictures can be shown
_SHOWN_EACH = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths and heights in pixels: least, median, largest, and the commonest (width, height, pictures)."""

    least: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    common: tuple[tuple[int, int, int], ...]
    different: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. ``counts`` are pictures that open, by split (``""`` where there is none) and class.

    ``groups`` is the number of people or cases that the pictures belong to, ``None`` where nothing tells. ``sources``
    are the pictures to show with the findings, by name; they hold paths. ``places`` gives split and class of each entry
    that a choice may leave out; ``cutting`` what a split of the pictures outside the data's own splits rests on. These
    stay out of :meth:`to_dict`.
    """

    title: str
    kind: str
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    total: int
    broken: tuple[BrokenEntry, ...]
    sizes: Sizes | None
    colours: dict[str, int]
    formats: dict[str, int]
    groups: int | None
    fingerprint: str
    findings: tuple[Finding, ...]
    sources: dict[str, ImageSource] = field(default_factory=dict, repr=False)
    places: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    cutting: Cutting | None = field(default=None, repr=False)

    @property
    def stops_training(self) -> bool:
        """Whether something must be mended before a training can start."""
        return any(finding.severity == "stops-training" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The stable JSON form: names inside the data, no paths."""
        raw = asdict(replace(self, sources={}, places={}, cutting=None))
        del raw["sources"], raw["places"], raw["cutting"]
        raw["stops_training"] = self.stops_training
        return raw

    def left_out(self, choices: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """The names that a training leaves out: broken ones always, and what follows from the choice made for each kind
        of finding (its first choice where ``choices`` has none)."""
        names = {entry.name for entry in self.broken}
        for finding in self.findings:
            choice = (choices or {}).get(finding.kind, finding.choices[0] if finding.choices else "keep")
            names.update(finding.left_out(choice))
        return tuple(sorted(names))

    def counted(self, names: Iterable[str]) -> dict[str, dict[str, int]]:
        """How many of ``names`` are among :attr:`counts`, by split and class."""
        out: dict[str, dict[str, int]] = {}
        for name in names:
            if name in self.places:
                split, class_name = self.places[name]
                held = out.setdefault(split, {})
                held[class_name] = held.get(class_name, 0) + 1
        return out

    def kept_together(self, left_out: Collection[str] = ()) -> tuple[tuple[str, ...], ...]:
        """Groups of near copies, for a training to keep each on one side of its split: those of which more than one
        picture remains when ``left_out`` are gone."""
        gone = set(left_out)
        groups = (group for finding in self.findings if finding.kind in NEAR_KINDS for group in finding.groups)
        remaining = (tuple(name for name in group if name not in gone) for group in groups)
        return tuple(group for group in remaining if len(group) > 1)


def inspect(
    path: str | Path,
    progress: StageProgress | None = None,
    cancelled: IsCancelled | None = None,
    broken: Callable[[BrokenEntry], None] | None = None,
    near: bool = True,
    glimpsed: Callable[[bool, int], None] | None = None,
) -> Inspection:
    """Look through the labelled data at ``path``, every split of it.

    Reads each file once, opens each picture, on all cores. ``broken`` hears of pictures that do not open as they are
    met. ``near`` also looks for pictures that are nearly the same. ``glimpsed`` hears early what
    :func:`~desktop.core.data.picture_facts.glimpse` tells. Nothing is changed. Raises
    :class:`~desktop.core.data.dataset.DatasetError`, and :class:`Interrupted` when cancelled.
    """

    def told(stage: InspectionStage) -> Callable[[int, int | None], None]:
        return lambda done, total: progress(stage, done, total) if progress else None

    workers.shared().warm("desktop.core.data.picture_facts:_look", count=workers.cores())
    data = open_whole(path, told("reading"), cancelled)
    if glimpsed:
        glimpsed(*glimpse(data, cancelled))
    facts = look_at(data, told("opening"), cancelled, broken)
    pairs, complete = _near_pairs(data, facts, told("comparing"), cancelled) if near else (_NO_PAIRS, True)
    grouping = data.groups(told("grouping"), cancelled)
    found = findings.of(data, facts, grouping, pairs, complete)
    named = problem_of_names(data, data.classes)
    if named is not None:
        found = (Finding(named.kind, named.message, "stops-training", named.hint), *found)
    splits = sorted({data.split_of(i) for i in range(len(data))}, key=_order_of(data)) if len(data) else [""]
    split_numbers = np.array([splits.index(data.split_of(i)) for i in range(len(data))], np.int32)
    counts = {}
    for number, split in enumerate(splits):
        good = data.targets[(split_numbers == number) & facts.opened]
        held = np.bincount(good, minlength=len(data.classes))
        counts[split] = {name: int(n) for name, n in zip(data.classes, held, strict=True)}
    return Inspection(
        title=data.title,
        kind=data.kind,
        splits=tuple(s for s in splits if s),
        classes=data.classes,
        counts=counts,
        total=int(facts.opened.sum()),
        broken=data.broken + tuple(facts.broken),
        sizes=_sizes(facts),
        colours={k: int(n) for k, n in zip(COLOUR_KINDS, _colours(facts), strict=True) if n},
        formats=dict(facts.formats.most_common()),
        groups=grouping.count if grouping.tells else None,
        fingerprint=data.fingerprint(cancelled=cancelled, known=facts.digest),
        findings=found,
        sources=_shown(data, found),
        places=_places(data, found),
        cutting=_cutting(data, facts, grouping.numbers),
    )


def open_whole(
    path: str | Path, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None
) -> LabelledDataset:
    """The labelled data at ``path`` with all its splits."""
    return open_dataset(path, ALL, progress, cancelled)


_NO_PAIRS = np.empty((0, 2), np.int64)


def _near_pairs(
    data: LabelledDataset,
    facts: PictureFacts,
    progress: Callable[[int, int | None], None],
    cancelled: IsCancelled | None,
) -> tuple[np.ndarray, bool]:
    """Pairs of positions whose pictures are nearly, not exactly, the same; whether every candidate was looked at."""
    progress(0, None)
    places = np.flatnonzero(facts.opened)
    found, complete = near_duplicates.candidates(facts.thumbnails[places], cancelled)
    found = places[found]
    differ = (facts.sha256[found[:, 0]] != facts.sha256[found[:, 1]]).any(axis=1)
    found = found[differ]
    larger: dict[int, np.ndarray | None] = {}
    kept: list[tuple[int, int]] = []
    likes: list[float] = []
    stop = threading.Event()
    with ThreadPoolExecutor(workers.cores(), thread_name_prefix="compare") as pool:
        try:
            for start in range(0, len(found), _PAIRS_AT_ONCE):
                if cancelled and cancelled():
                    raise Interrupted
                progress(start, len(found))
                part = found[start : start + _PAIRS_AT_ONCE]
                _enlarge(data, np.unique(part).tolist(), larger, pool, cancelled, stop)
                for first, second in part.tolist():
                    a, b = larger[first], larger[second]
                    like = near_duplicates.correlation(a, b) if a is not None and b is not None else 0.0
                    if like >= _COPY:
                        kept.append((first, second))
                        likes.append(like)
        finally:
            stop.set()  # ends what is still at work
    progress(len(found), len(found))
    if cancelled and cancelled():
        raise Interrupted
    pairs = np.array(kept, np.int64).reshape(-1, 2)
    series = {i for group in near_duplicates.joined(pairs) if len(group) > _SERIES for i in group}
    close = [like >= _CLOSER or pair[0] not in series for pair, like in zip(kept, likes, strict=True)]
    return pairs[np.array(close, bool)] if kept else pairs, complete


def _enlarge(
    data: LabelledDataset,
    positions: list[int],
    held: dict[int, np.ndarray | None],
    pool: ThreadPoolExecutor,
    cancelled: IsCancelled | None,
    stop: threading.Event,
) -> None:
    """See that ``held`` has the pictures at ``positions``, uint8 (64, 64); ``None`` for what is gone since it was
    opened."""
    if len(held) >= _MOST_HELD:
        held.clear()
    missing = [position for position in positions if position not in held]

    def unwanted() -> bool:
        return stop.is_set() or cancelled is not None and cancelled()

    def opened(piece: list[int]) -> list[np.ndarray | FoveaError]:
        sources = [data.source(position) for position in piece]
        return decode_in_child.each("desktop.core.data.inspection:_large", sources, cancelled=unwanted)

    pieces = [missing[i : i + _AT_ONCE] for i in range(0, len(missing), _AT_ONCE)]
    try:
        for piece, pictures in zip(pieces, pool.map(opened, pieces), strict=True):
            for position, picture in zip(piece, pictures, strict=True):
                held[position] = None if isinstance(picture, FoveaError) else picture
    except workers.WorkCancelled:
        raise Interrupted from None


def _large(source: ImageSource) -> np.ndarray:
    """In the child: one picture as grey levels, large enough to compare it with another."""
    from desktop.core.pictures.decode import decode

    picture = Image.fromarray(decode(source, reduce_to=_LARGE).pixels).convert("L")
    return np.asarray(picture.resize((_LARGE, _LARGE), Image.Resampling.BOX))


def _order_of(data: LabelledDataset) -> Callable[[str], int]:
    return lambda name: data.splits.index(name) if name in data.splits else len(data.splits)


def _sizes(facts: PictureFacts) -> Sizes | None:
    width, height = facts.width[facts.opened], facts.height[facts.opened]
    if not len(width):
        return None
    pairs, n = np.unique(np.stack([width, height], axis=1), axis=0, return_counts=True)
    order = np.argsort(-n, kind="stable")[:5]
    area = width.astype(np.int64) * height
    least, largest = int(area.argmin()), int(area.argmax())
    return Sizes(
        (int(width[least]), int(height[least])),
        (int(np.median(width)), int(np.median(height))),
        (int(width[largest]), int(height[largest])),
        tuple((int(pairs[i, 0]), int(pairs[i, 1]), int(n[i])) for i in order),
        len(pairs),
    )


def _colours(facts: PictureFacts) -> np.ndarray:
    return np.bincount(facts.colour[facts.opened], minlength=len(COLOUR_KINDS))


def _cutting(data: LabelledDataset, facts: PictureFacts, persons: np.ndarray) -> Cutting | None:
    """What a split rests on, of the pictures that a training divides: those of the training split, or all."""
    own = data.own_split("train")
    rows = [i for i in np.flatnonzero(facts.opened).tolist() if own is None or data.split_of(i) == own]
    if not rows:
        return None
    _, contents = np.unique(facts.sha256[rows], axis=0, return_inverse=True)
    names = tuple(data.name(i) for i in rows)
    labels = data.targets[rows].astype(np.int32)
    return Cutting(data.classes, names, labels, persons[rows].astype(np.int32), contents.ravel().astype(np.int32))


def _places(data: LabelledDataset, found: tuple[Finding, ...]) -> dict[str, tuple[str, str]]:
    choosable: set[str] = set()
    for finding in found:
        for choice in finding.choices:
            choosable |= finding.left_out(choice)
    if not choosable:
        return {}
    return {
        name: (data.split_of(i), data.classes[int(data.targets[i])])
        for i in range(len(data))
        if (name := data.name(i)) in choosable
    }


def _shown(data: LabelledDataset, found: tuple[Finding, ...]) -> dict[str, ImageSource]:
    wanted: set[str] = set()
    for finding in found:
        for group in finding.groups[:_SHOWN]:
            wanted.update(group[:_SHOWN_EACH])
        wanted.update(finding.names[:_SHOWN])
    if not wanted:
        return {}
    return {name: data.source(i) for i in range(len(data)) if (name := data.name(i)) in wanted}
