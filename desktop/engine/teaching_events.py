"""What crosses the pipe between a window (or a command) and the process that learns from a project's labels.

The labels themselves never cross it: both sides read them in the project's own file, so what was labelled is on the
disk before anybody learns from it. Requests carry numbers; the answer to each has the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.figures.intervals import Estimate

ShowOrder = Literal["uncertain", "mistakes", "unlike", "nearest", "newest", "suggested", "drawn"]
"""What is shown next: ``uncertain``, pictures without a label that the head is least sure of, and that are unlike each
other; ``mistakes``, labelled ones that heads which did not learn from them take for something else; ``unlike``
everything that is labelled so far; ``nearest`` to one picture; ``newest`` first; ``suggested``, by the score of the
suggestion."""


# To the child


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Labels, classes or pictures of the project have changed: read them, learn anew, tell."""


@dataclass(frozen=True, slots=True)
class LookAheadAt:
    """These pictures will be seen soon: their features come first."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskOrder:
    """Which pictures to show, at most ``most`` of them. ``near`` is the picture of ``nearest`` (or ``near_file``, any
    picture file, of the project or not), ``class_id`` limits ``suggested`` to one class, ``at_least`` to scores from
    there on."""

    number: int
    order: ShowOrder
    most: int = 500
    near: int = 0
    near_file: str = ""
    class_id: int = 0
    at_least: float = 0.0
    without_label: bool = True


@dataclass(frozen=True, slots=True)
class AskHeaps:
    """Group pictures (``ids``; empty: all without a label) that are alike into ``heaps`` heaps (0: as many as suit)."""

    number: int
    ids: tuple[int, ...] = ()
    heaps: int = 0


@dataclass(frozen=True, slots=True)
class AskCopies:
    """Find the same, nearly the same, and pictures taken in one go."""

    number: int


@dataclass(frozen=True, slots=True)
class AskMissing:
    """Look which files are not where they were, and for them below ``folders``, by content."""

    number: int
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """Compute no more features until ``False`` comes; learning goes on."""

    paused: bool


Request = LookAgain | LookAheadAt | AskOrder | AskHeaps | AskCopies | AskMissing | Pause


# From the child


@dataclass(frozen=True, slots=True)
class LookedAt:
    """``done`` of ``total`` pictures have been looked at (those that do not open among them, ``broken``); ``rate`` is
    in pictures a second. ``ids``: those looked at since the last of these."""

    done: int
    total: int
    broken: int
    rate: float
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a head that learned from the labels at ``revision`` makes of all pictures that were looked at.

    ``classes`` int64 (k,): ids of the classes that take part (those with a label). ``ids`` int64 (n,), ``scores``
    float32 (n, k), rows sum to 1: model scores, scaled on pictures held out. ``labelled`` int64 (m,): the pictures that
    it learned from; ``held_out`` float32 (m, k): the scores that heads gave them which had not learned from them, nor
    from what belongs together with them (``groups`` of them in all). ``accuracy``, with its interval, rests on the
    ``drawn`` pictures that a random draw of all came upon and that have a label; unknown, with the reason, where they
    are fewer than twenty: the order ``uncertain`` shows one such picture in four, ``drawn`` no others.
    ``method`` says in words how the head was solved, ``waiting_for`` what is missing where there is no head yet.
    ``seconds``: from when the change was heard of.
    """

    revision: int
    classes: np.ndarray
    ids: np.ndarray
    scores: np.ndarray
    labelled: np.ndarray
    held_out: np.ndarray
    accuracy: Estimate
    drawn: int = 0
    groups: int = 0
    method: str = ""
    waiting_for: str = ""
    seconds: float = 0.0

    def suggestion(self, place: int) -> tuple[int, float]:
        """The class's id and its score for the picture at ``place``."""
        best = int(self.scores[place].argmax())
        return int(self.classes[best]), float(self.scores[place, best])


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The ``accuracy`` of heads that learned from ``labels`` pictures, checked on others."""

    labels: int
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class LabelCurve:
    """Accuracy against the number of labels, measured at ``revision`` (``points``), and what ``more`` labels would
    probably bring: the accuracy ``then``, by a power law through the points, with the interval of that guess.
    ``reason`` says why there is none."""

    revision: int
    points: tuple[CurvePoint, ...]
    more: int = 50
    then: Estimate | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """The answer to :class:`AskOrder`: ``ids`` int64 (n,) in order; ``values`` float32 (n,), what they were ordered by
    (margin, score of the given label, distance, likeness, time added, score). ``revision``: of the labels."""

    number: int
    order: ShowOrder
    ids: np.ndarray
    values: np.ndarray
    revision: int


@dataclass(frozen=True, slots=True)
class Heap:
    """Pictures that are alike: those nearest to the middle first; ``tightness`` 0 to 1, how alike."""

    ids: tuple[int, ...]
    tightness: float


@dataclass(frozen=True, slots=True)
class Heaps:
    """The answer to :class:`AskHeaps`, the largest first."""

    number: int
    heaps: tuple[Heap, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """Pictures that belong together, the sharpest first: ``same`` content, ``near`` copies, or one ``burst``."""

    kind: Literal["same", "near", "burst"]
    ids: tuple[int, ...]
    best: int


@dataclass(frozen=True, slots=True)
class Copies:
    """The answer to :class:`AskCopies`."""

    number: int
    groups: tuple[CopyGroup, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The answer to :class:`AskMissing`: ids of pictures whose file is ``missing``, that were ``found`` at another
    place (and are looked for there from now on), and that hold another picture now (``replaced``)."""

    number: int
    missing: tuple[int, ...]
    found: tuple[int, ...]
    replaced: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """What was asked for cannot be done (``number`` 0: nothing in particular), in words."""

    number: int
    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TeachingEnded:
    """The last event: the child is gone. ``message`` is empty where it was told to end."""

    message: str = ""
    hint: str = ""


TeachEvent = LookedAt | Learned | LabelCurve | Ordered | Heaps | Copies | Missing | Refused | TeachingEnded
