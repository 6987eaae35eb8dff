"""Checkpoints of a running training: one file, written beside the old one and renamed, readable by any back end.

An ``.npz`` without pickles: every variable of the network (random seeds of its layers included) and of the optimizer,
the averages of the weights, and a JSON text with the epoch, the history and the plan. A checkpoint inside an
epoch also holds how many batches were done and the sums of the metrics so far.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from desktop.core.types import FoveaError
from desktop.system import strict_json
from desktop.system.files import write_atomically
from desktop.system.words import phrase

_MOST_META = 256 << 20
VERSION = 2
_READABLE = (1, VERSION)  # 1 knew whole epochs and one stage only


Ended = Literal["", "patience", "asked"]


class CheckpointError(FoveaError):
    """A checkpoint that is damaged or belongs to another plan."""


@dataclass(slots=True)
class Checkpoint:
    """``epoch`` counts finished epochs. The lists hold arrays in the order of Keras' own variable lists.

    ``average``, ``mean`` and ``best`` are the weights' moving average, their mean over the last epochs so far, and the
    weights of the best epoch, empty where not kept.
    ``best_value`` is the best epoch's measure (lower is better) and ``best_epoch`` its number from 0, ``None`` before
    there is one. ``step`` counts the batches done of the next epoch, ``blended`` those of them that the average has
    taken in, ``partial`` is loss and accuracy over them, and ``spent`` the seconds that they took. ``stage`` is
    0, or 1 in the second half of a fine-tuning, which began after ``begin`` epochs; ``ended`` says why no epoch is to
    follow in it, where that is so before its time.
    """

    epoch: int
    plan: dict[str, Any]
    history: list[dict[str, float]]
    model: list[np.ndarray]
    optimizer: list[np.ndarray]
    average: list[np.ndarray] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)
    partial: list[float] = field(default_factory=list)
    best_value: float | None = None
    best_epoch: int | None = None
    step: int = 0
    blended: int = 0
    spent: float = 0.0
    stage: int = 0
    begin: int = 0
    ended: Ended = ""
    mean: list[np.ndarray] = field(default_factory=list)


_GROUPS = ("model", "optimizer", "average", "best", "mean")
_FACTS = ("partial", "best_value", "best_epoch", "step", "blended", "spent", "stage", "begin", "ended")


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint``; the file at ``path`` is either the old one or the new one, whole, whatever happens."""
    meta = {
        "version": VERSION,
        "epoch": checkpoint.epoch,
        "plan": checkpoint.plan,
        "history": checkpoint.history,
        **{name: getattr(checkpoint, name) for name in _FACTS},
        "counts": {group: len(getattr(checkpoint, group)) for group in _GROUPS},
    }
    arrays = {f"{group}.{i}": a for group in _GROUPS for i, a in enumerate(getattr(checkpoint, group))}

    def save(part: Path) -> None:
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)

    write_atomically(path, save)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises :class:`CheckpointError` when it is missing, damaged or of a newer version."""
    try:
        with np.load(path, allow_pickle=False) as held:
            meta = strict_json.loads_object(str(held["meta"]), _MOST_META, finite=False)
            if meta["version"] not in _READABLE:
                raise CheckpointError(
                    "newer-checkpoint",
                    phrase("checkpoint version {meta}, {version} expected", meta=meta["version"], version=VERSION),
                )
            groups: dict[str, Any] = {g: [held[f"{g}.{i}"] for i in range(meta["counts"].get(g, 0))] for g in _GROUPS}
        facts: dict[str, Any] = (
            {name: meta[name] for name in _FACTS if name in meta}
            if meta["version"] > 1
            else {"best_value": meta["best_loss"]}
        )
        return Checkpoint(meta["epoch"], meta["plan"], meta["history"], **groups, **facts)
    except FileNotFoundError as error:
        raise CheckpointError(
            "no-checkpoint", phrase("there is no checkpoint '{name}' in this run", name=path.name)
        ) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError("bad-checkpoint", phrase("the checkpoint '{name}' is damaged", name=path.name)) from error
