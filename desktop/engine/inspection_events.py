"""What the child that looks through labelled pictures tells: frozen dataclasses that cross the pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.system.words import hold

if TYPE_CHECKING:
    from desktop.core.data.dataset import BrokenEntry
    from desktop.core.data.inspection import Inspection, InspectionStage


@dataclass(frozen=True, slots=True)
class InspectionProgress:
    """How far it is: ``done`` entries of ``total`` (``None``: not known) in ``stage``, ``broken`` found so far. At most
    ten a second, and one at each stage's end."""

    stage: InspectionStage
    done: int
    total: int | None
    broken: int


@dataclass(frozen=True, slots=True)
class BrokenFound:
    """Pictures that do not open, as they are met."""

    entries: tuple[BrokenEntry, ...]


@dataclass(frozen=True, slots=True)
class Glimpsed:
    """What a handful of pictures told before all are opened: whether most are in ``colour``, and the median of their
    shorter sides in pixels (0: none of them opened)."""

    colour: bool
    side: int


@dataclass(frozen=True, slots=True)
class InspectionDone:
    """The result; always the last event."""

    inspection: Inspection


@dataclass(frozen=True, slots=True)
class InspectionFailed:
    """No result, always the last event. Kinds: those of :class:`desktop.core.data.dataset.DatasetError`, ``cancelled``,
    ``inspector-died``, ``unexpected``."""

    kind: str
    message: str
    hint: str = ""

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


InspectionEvent = InspectionProgress | BrokenFound | Glimpsed | InspectionDone | InspectionFailed
