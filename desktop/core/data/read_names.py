"""Labels that file names carry (``cat.12.jpg``, ``Abyssinian_100.jpg``): a pattern is proposed and confirmed.

In a pattern ``{label}`` is the class, ``#`` some digits, ``*`` anything; all else stands for itself. It describes the
file's name without its suffix.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence

from desktop.core.data.dataset import DatasetError
from desktop.core.data.layouts import NAMES, ListedPicture, Proposal, joined, parts_of, proposal_of
from desktop.core.data.split_names import part_of
from desktop.core.data.split_names import parts_of as parts_of_names
from desktop.system.words import phrase

_LABEL = "{label}"
_PATTERNS = (
    "{label}.#", "{label}_#", "{label}-#", "{label} #", "{label} (#)", "{label}(#)", "{label}#", "#_{label}",
    "#-{label}", "#.{label}", "# {label}", "{label}_#_*", "{label}_*", "{label}-*", "*_{label}", "*-{label}",
)  # fmt: skip
_MOST_WILD = 4  # '*' and '{label}' in a pattern: more would take for ever on a long name
_MOST_CLASSES = 200
_COVERED = 0.9  # of the pictures have a label by a pattern that is proposed
_EACH = 3  # pictures of a class, on the average: fewer are names, not labels
_LONGEST = 255
# What cameras and programs call pictures says nothing of what they show.
_NO_LABELS = frozenset(
    [
        "img",
        "image",
        "images",
        "dsc",
        "dscn",
        "dscf",
        "pict",
        "picture",
        "photo",
        "pic",
        "frame",
        "scan",
        "screenshot",
        "untitled",
        "p",
        "im",
        "file",
        "sample",
    ]
)


def proposals(paths: Sequence[str]) -> list[Proposal]:
    """The pattern that most of ``paths`` follow with a handful of labels; none where there is no such."""
    every = paths
    best: tuple[float, str] | None = None
    # Pictures to be answered, as contests hand them out, have numbers alone for names.
    paths = [path for path in every if not _is_bare(path)]
    paths = paths if 2 * len(paths) >= len(every) else every
    for pattern in _PATTERNS:
        labels = [label for path in paths if (label := label_of(path, pattern)) is not None]
        classes = Counter(labels)
        single = sum(count == 1 for count in classes.values())
        if len(labels) < _COVERED * len(paths) or not 2 <= len(classes) <= _MOST_CLASSES:
            continue
        if len(labels) < _EACH * len(classes) or 4 * single > len(classes):
            continue
        if any(name.lower() in _NO_LABELS or name.isdigit() for name in classes):
            continue
        score = len(labels) / len(paths)
        if best is None or score > best[0] + 0.02:
            best = (score, pattern)
    if best is None:
        return []
    layout = joined(NAMES, best[1])
    rows, _ = listing(layout, every)
    return [
        proposal_of(
            layout, phrase("the file names look like '{best}', which would give the classes", best=best[1]), rows
        )
    ]


def _is_bare(path: str) -> bool:
    """Whether a picture in a folder that is called like a split has a number for a name."""
    top, _, rest = path.partition("/")
    return part_of(top) is not None and os.path.splitext(rest.rsplit("/", 1)[-1])[0].isdigit()


def listing(layout: str, paths: Sequence[str]) -> tuple[list[ListedPicture], dict[str, int]]:
    """The pictures of ``paths`` with the labels of their names, and how many have none (``unlabelled``). Raises
    :class:`DatasetError` for a pattern that cannot be used."""
    parts = parts_of(layout)
    if len(parts) != 1:
        raise DatasetError(
            "bad-layout", phrase("'{layout}' is no pattern", layout=layout), "Expected for instance names:{label}_#."
        )
    compiled(parts[0])
    tops = parts_of_names(sorted({path.partition("/")[0] for path in paths if "/" in path}))
    rows, without = [], 0
    for path in paths:
        label = label_of(path, parts[0])
        if label is None:
            without += 1
            continue
        top = path.partition("/")[0]
        rows.append(ListedPicture(path, label, top if top in tops else ""))
    if not all(row.split for row in rows) or len({row.split for row in rows}) < 2:
        rows = [ListedPicture(row.path, row.label) for row in rows]
    return rows, {"unlabelled": without} if without else {}


def label_of(path: str, pattern: str) -> str | None:
    """The label that ``pattern`` finds in a file's name; ``None`` where the name does not follow it."""
    name = os.path.splitext(path.rsplit("/", 1)[-1])[0]
    match = compiled(pattern).fullmatch(name) if len(name) <= _LONGEST else None
    label = match["label"].strip(" ._-") if match else ""
    return label or None


_held: dict[str, re.Pattern[str]] = {}


def compiled(pattern: str) -> re.Pattern[str]:
    """``pattern`` as a regular expression. Raises :class:`DatasetError` ``bad-layout``."""
    if pattern not in _held:
        wild = pattern.count("*") + pattern.count(_LABEL)
        if pattern.count(_LABEL) != 1 or wild > _MOST_WILD or len(pattern) > 200:
            hint = "{label} is the class, # stands for digits, * for anything: for instance names:{label}_#."
            raise DatasetError("bad-layout", phrase("the pattern '{pattern}' cannot be used", pattern=pattern), hint)
        pieces = re.split(r"(\{label\}|\*|#)", pattern)
        words = {_LABEL: r"(?P<label>.*?[^\W\d_].*?|\d+?)", "*": r".*?", "#": r"\d+"}
        _held[pattern] = re.compile("".join(words.get(piece, re.escape(piece)) for piece in pieces))
    return _held[pattern]
