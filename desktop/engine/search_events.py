"""What the child that searches over settings tells: frozen dataclasses that cross the pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.system.words import hold

if TYPE_CHECKING:
    from desktop.ml.plans.search_results import TrialResult


@dataclass(frozen=True, slots=True)
class TrialTold:
    """How far the trial at work is: ``epoch`` of ``epochs`` done, with the validation figures so far."""

    number: int
    epoch: int
    epochs: int
    val_accuracy: float
    val_loss: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial has come to its end; the search's file holds it by now."""

    trial: TrialResult


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """The last event: all trials are ``done``, it was ``stopped``, or it ``failed`` for the reason in the words."""

    state: Literal["done", "stopped", "failed"]
    message: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


SearchEvent = TrialTold | TrialEnded | SearchEnded
