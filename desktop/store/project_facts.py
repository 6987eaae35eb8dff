"""What a labelling project holds, as frozen facts that may cross to other threads and processes."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

How = Literal["hand", "suggestion", "import", "correction", "heap", "camera"]
"""Where a label comes from."""

ActionKind = Literal["label", "unlabel", "add", "remove", "star", "note", "class", "rename-class", "merge", "import"]


class PictureState(enum.IntEnum):
    """What is known of a picture's file."""

    NEW = 0
    """Not looked at yet."""
    READY = 1
    """Opened, and its features are known."""
    BROKEN = 2
    """It does not open; ``problem`` says why."""
    MISSING = 3
    """Its file is not where it was. A label that it has is kept; it is found again by its content."""
    REPLACED = 4
    """Its file holds another picture than the one that was labelled: not learned from until it is labelled again."""


@dataclass(frozen=True, slots=True)
class TaughtClass:
    """A class: ``key`` is what is pressed for it ('' for none), ``count`` the pictures that have it as label."""

    id: int
    name: str
    key: str
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class TaughtPicture:
    """One picture: ``label`` is the id of its class, ``None`` where it has none. ``path`` is the file, ``name`` its
    last part. ``width`` and ``height`` are 0, ``sharpness`` None (higher is sharper) until it was opened."""

    id: int
    path: str
    name: str
    frame: int
    state: PictureState
    problem: str
    label: int | None
    star: bool
    note: str
    width: int
    height: int
    sharpness: float | None
    added: float
    labelled: float | None


@dataclass(frozen=True, slots=True, eq=False)
class TaughtPictures:
    """All pictures of a project that were not removed, as arrays of one length, in the order in which they were added.

    ``ids`` int64, ascending; ``labels`` int64, ids of classes, 0 for none; ``states`` uint8 (:class:`PictureState`);
    ``stars`` bool; ``names`` the files' last parts; ``notes`` by ids of the pictures that have one. ``revision`` is
    that of the project when this was read.
    """

    ids: np.ndarray
    labels: np.ndarray
    states: np.ndarray
    stars: np.ndarray
    names: list[str] = field(repr=False)
    revision: int = 0
    notes: dict[int, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: np.ndarray) -> np.ndarray:
        """The positions of ``ids`` here, int64; those that are not here are left out."""
        import numpy as np

        wanted = np.asarray(ids, np.int64)
        if not len(self.ids):
            return np.empty(0, np.int64)
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        found: np.ndarray = places[self.ids[places] == wanted]
        return found


@dataclass(frozen=True, slots=True)
class ProjectAction:
    """Something that was done to a project in one step, and is undone in one: ``count`` pictures or classes were
    changed, ``text`` says which class it was about."""

    id: int
    at: float
    kind: ActionKind
    how: str
    count: int
    text: str
    undone: bool


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One line of a picture's history: names of classes, '' for none. ``undone``: it was taken back."""

    at: float
    before: str
    after: str
    how: str
    undone: bool


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project in a list. ``problem`` says why it cannot be opened; then all figures are 0."""

    id: str
    name: str
    created: float
    changed: float
    pictures: int
    labelled: int
    classes: int
    model: str
    """The id of the model that was made of it last, or ''."""
    problem: str = ""


STATE_MARK = "#"
"""Stands in a model's plan between the project that it was made of and the number of the labels' state."""


def project_state(plan: object) -> tuple[str, int]:
    """The project that a training plan (as JSON values) learned from and the state of its labels; '' and 0 for none."""
    data = plan.get("data") if isinstance(plan, dict) else None
    found = data.get("project", "") if isinstance(data, dict) else ""
    project, _, number = str(found).partition(STATE_MARK)
    return project, int(number) if number.isdecimal() and number.isascii() and len(number) < 10 else 0
