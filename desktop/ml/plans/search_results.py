"""What searches over settings have found, as it is kept beside their databases; the window reads this and no database.

Nothing here needs Optuna or Keras.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from desktop import paths
from desktop.core.types import FoveaError
from desktop.system import strict_json
from desktop.system.words import phrase

Goal = Literal["val_accuracy", "val_loss"]
GOALS: tuple[Goal, ...] = ("val_accuracy", "val_loss")


class SearchError(FoveaError):
    """A search that cannot be begun, found or taken up. Kinds: ``no-optuna``, ``no-such-search``, ``bad-search``."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial. ``value`` is the goal's, ``None`` where it has none, of ``val_n`` validation pictures (0: not known);
    ``state`` is done, pruned, failed, running or waiting."""

    number: int
    state: str
    settings: dict[str, str]
    value: float | None
    val_accuracy: float | None
    val_loss: float | None
    epochs: int
    seconds: float
    run: str
    message: str = ""
    val_n: int = 0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A search so far: ``best`` is the number of the best finished trial, ``None`` before there is one."""

    name: str
    goal: Goal
    trials: tuple[TrialResult, ...]
    best: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "trials": [asdict(trial) for trial in self.trials]}

    @property
    def best_trial(self) -> TrialResult | None:
        """The best finished trial."""
        return next((trial for trial in self.trials if trial.number == self.best), None)


def folder() -> Path:
    """Where searches are kept."""
    return paths.user_data() / "searches"


def names() -> list[str]:
    """The searches kept on this computer."""
    try:
        return sorted(path.stem for path in folder().glob("*.json"))
    except OSError:
        return []


def read_kept(name: str) -> SearchResult | None:
    """What ``NAME.json`` says, without a database; ``None`` where there is none or it is damaged."""
    try:
        raw = strict_json.read_object(folder() / f"{stem(name)}.json", finite=False)
        return SearchResult(
            raw["name"], raw["goal"], tuple(TrialResult(**trial) for trial in raw["trials"]), raw["best"]
        )
    except (OSError, ValueError, KeyError, TypeError, SearchError):
        return None


def stem(name: str) -> str:
    """A search's name as that of its files. Raises :class:`SearchError` ``bad-search`` for one that cannot be."""
    if not re.fullmatch(r"[\w][\w .()-]{0,79}", name):
        raise SearchError(
            "bad-search", phrase("'{name}' is no name for a search", name=name[:80]), "Use letters, digits and hyphens."
        )
    return name
