"""How the labels of data are to be read where the folders alone do not say it: proposed by a look, confirmed by people.

A *layout* is a short text: ``folders`` (each folder is a class, whatever it is called), ``table:FILE:NAMES:LABELS`` (a
table names the pictures) or ``names:{label}_#`` (the file names carry the labels). An *address* is the path of the data
and, where a layout was confirmed, that behind ``::``, for instance ``photos::table:labels.csv:file:breed``. Addresses
go wherever paths of data go, so plans, kept evaluations and the list of recent folders hold what was confirmed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from desktop.core.data.dataset import DatasetError, some
from desktop.system.words import phrase, sentences

FOLDERS, TABLE, NAMES = "folders", "table", "names"
KINDS = (FOLDERS, TABLE, NAMES)
_MARK = "::"
_SAFE = " {}#*()+,-._[]@=&'!"


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """One picture of a listing: its path below the data's folder (``/`` between parts), its label, and its split
    (empty: none)."""

    path: str
    label: str
    split: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How the data may be read. ``layout`` is what to confirm, ``words`` say what was recognised in one sentence,
    ``examples`` are some file names with their labels, ``counts`` the pictures of each class."""

    layout: str
    words: str
    examples: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, int], ...]

    @property
    def kind(self) -> str:
        """The layout's kind: its first word."""
        return self.layout.partition(":")[0]

    def text(self) -> str:
        """The proposal in a few lines, for people."""
        total = sum(count for _, count in self.counts)
        classes = some([f"'{name}' ({count:,})" for name, count in self.counts])
        shown = "; ".join(f"'{name}' = '{label}'" for name, label in self.examples)
        return phrase(
            "{words}: {total:,} pictures in {count:,} classes, {classes}. For instance {shown}.",
            words=self.words,
            total=total,
            count=len(self.counts),
            classes=classes,
            shown=shown,
        )


class LayoutNeededError(DatasetError):
    """The data may be read in other ways than by class folders, and people have to say so; kind ``needs-layout``."""

    def __init__(self, title: str, found: str, proposals: Sequence[Proposal]) -> None:
        self.proposals = tuple(proposals)
        lines = sentences([proposal.text() for proposal in self.proposals])
        ways = [f"--layout '{proposal.layout}'" for proposal in self.proposals]
        super().__init__(
            "needs-layout",
            phrase("{found} in '{title}'. {lines}", found=found, title=title, lines=lines),
            phrase(
                "Look whether that is right, then confirm it: {ways}. Or sort the pictures into a "
                "folder for each class.",
                ways=ways,
            ),
        )

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.message, self.hint, self.proposals)


def _again(message: str, hint: str, proposals: tuple[Proposal, ...]) -> LayoutNeededError:
    """A copy on the other side of a pipe."""
    made = LayoutNeededError("", "", proposals)
    made.message, made.hint = message, hint
    return made


def split_address(address: str) -> tuple[str, str]:
    """Path and layout (empty for none) of an address. A path that exists as it stands is a path."""
    path, mark, layout = address.rpartition(_MARK)
    if not mark or layout.partition(":")[0] not in KINDS or os.path.lexists(address):
        return address, ""
    return path, layout


def address_of(path: str, layout: str) -> str:
    """The address of the data at ``path`` under ``layout`` (empty: none); an older layout there gives way."""
    return f"{split_address(path)[0]}{_MARK}{layout}" if layout else path


def joined(kind: str, *parts: str) -> str:
    """A layout from its parts, each quoted so that it holds no ``:`` and no ``/``."""
    return ":".join([kind, *(quote(part, safe=_SAFE, errors="surrogateescape") for part in parts)])


def parts_of(layout: str) -> tuple[str, ...]:
    """The parts of a layout behind its kind, unquoted."""
    return tuple(unquote(part, errors="surrogateescape") for part in layout.split(":")[1:])


def proposal_of(layout: str, words: str, rows: Sequence[ListedPicture]) -> Proposal:
    """A proposal for pictures as ``rows`` list them."""
    from desktop.core.pictures.walk import natural_key

    counts = Counter(row.label for row in rows)
    examples: dict[str, str] = {}
    for row in rows:
        examples.setdefault(row.label, row.path.rsplit("/", 1)[-1])
        if len(examples) == 3:
            break
    ordered = sorted(counts.items(), key=lambda item: natural_key(item[0]))
    return Proposal(layout, words, tuple((name, label) for label, name in examples.items()), tuple(ordered))
