"""Which part of a training a folder, a table or a word in a column stands for: train, validation or test.

People call them ``train``, ``Training Set``, ``train_set``, ``seg_train``, ``val2017``, ``testData``. A name says a
part where one of its words does and the others say nothing, or where brothers share those others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Part = Literal["train", "validation", "test"]
SPLIT_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "eval", "evaluation"),
    "test": ("test", "testing", "holdout"),
}
"""What a split is called, in small letters, by the part that it plays in a training."""

_PART_OF: dict[str, Part] = {name: part for part, names in SPLIT_NAMES.items() for name in names}
_NEUTRAL = frozenset(
    [
        "set",
        "sets",
        "data",
        "dataset",
        "images",
        "image",
        "imgs",
        "img",
        "pictures",
        "picture",
        "pics",
        "photos",
        "split",
        "folder",
        "samples",
        "files",
    ]
)
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDS = re.compile(r"[^\W\d_]+")


def part_of(name: str) -> Part | None:
    """The part that ``name`` alone says; ``None`` where it says none, or has other words beside."""
    part, rest = _read(name)
    return part if not rest else None


def says_nothing(name: str) -> bool:
    """Whether ``name`` is a word for pictures as such (``images``, ``img_data``), which names no class."""
    words = [word.lower() for word in _WORDS.findall(_HUMPS.sub(" ", name))]
    return bool(words) and all(word in _NEUTRAL for word in words)


def parts_of(names: Sequence[str]) -> dict[str, Part]:
    """The parts that ``names``, which lie beside each other, say: also ``seg_train`` and ``seg_test``, whose other
    words are the same."""
    read = {name: _read(name) for name in names}
    out: dict[str, Part] = {name: part for name, (part, rest) in read.items() if part is not None and not rest}
    by_rest: dict[tuple[str, ...], set[Part]] = {}
    for part, rest in read.values():
        if part is not None and rest:
            by_rest.setdefault(rest, set()).add(part)
    for name, (part, rest) in read.items():
        if part is not None and rest and len(by_rest[rest]) > 1:
            out[name] = part
    return out


def _read(name: str) -> tuple[Part | None, tuple[str, ...]]:
    """The part that one word of ``name`` says, and the other words that say something."""
    part: Part | None = None
    rest: list[str] = []
    for word in _WORDS.findall(_HUMPS.sub(" ", name)):
        word = word.lower()
        found = _PART_OF.get(word) or _joined(word)
        if found is not None and part in (None, found):
            part = found
        elif found is not None:
            return None, ()  # 'train_val': two at once are none
        elif word not in _NEUTRAL:
            rest.append(word)
    return part, tuple(rest)


def _joined(word: str) -> Part | None:
    """``trainset`` and ``testdata``: a split's word with a neutral one behind it."""
    for tail in _NEUTRAL:
        if word.endswith(tail) and word.removesuffix(tail) in _PART_OF:
            return _PART_OF[word.removesuffix(tail)]
    return None
