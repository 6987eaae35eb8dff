"""How long a training will take on this computer, told before it begins: what it computes, times a short trial.

What a training computes follows from its plan: how often how many pictures pass through how large a network. What that
takes on two idle cores was measured once (:data:`_REFERENCE`); a trial of a twentieth of a second of work says how fast
this computer is now, with whatever else it does. An estimate, for choosing by. No Keras, and no window: the wizard asks
in a thread, the command line before it lists.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.ml.plans import nettables, transfer_plans
from desktop.ml.plans.plan import MOST_CROSSED, SOLVED, TrainingPlan
from desktop.store import catalogue

if TYPE_CHECKING:
    from desktop.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class _Costs:
    """Seconds on two idle cores: ``begin`` whatever the pictures are (Keras' import, exported file, its check),
    ``picture`` to decode and prepare one, ``asked`` and ``learned`` for 1e9 multiplications of a picture that is only
    looked at, and of one that is learned from (forwards and backwards), ``solved`` for a way to solve a head on a
    thousand pictures, ``gate`` for the look at one picture that the domain gate is fitted on."""

    begin: float = 17.0
    picture: float = 0.004
    asked: float = 0.031
    learned: float = 0.05
    solved: float = 0.3
    gate: float = 0.02


_REFERENCE = _Costs()
_REFERENCE_PIECE = 132e-6  # seconds that one piece of the trial takes there
_REFERENCE_CORES = 2
_MOST_CORES = 8  # more hardly help with batches of 32
_GATE_PICTURES = 4000
_TRIAL_S, _LONGEST_TRIAL_S = 0.05, 1.0  # of arithmetic, and until it is had: other programs take their turns


def trial(clock: Callable[[], float] = time.perf_counter, worked: Callable[[], float] = time.thread_time) -> float:
    """How many times slower this computer is now than two idle cores of the reference: a twentieth of a second of
    arithmetic on one core (``worked`` tells that), how long it took by the ``clock``, and the number of cores."""
    import numpy as np

    values = np.linspace(-3.0, 3.0, 100_000, dtype=np.float32)
    np.exp(values)
    began, first, pieces, spent = clock(), worked(), 0, 0.0
    while not pieces or (worked() - first < _TRIAL_S and spent < _LONGEST_TRIAL_S):
        np.exp(values)
        pieces += 1
        spent = clock() - began
    cores = min(os.cpu_count() or 1, _MOST_CORES)
    return spent / pieces / _REFERENCE_PIECE * _REFERENCE_CORES / cores


def seconds(plan: TrainingPlan, pictures: int, slowness: float, model: Manifest | None = None) -> float | None:
    """About how long ``plan`` takes for ``pictures`` in all (training and validation), where this computer has that
    ``slowness`` (:func:`trial`). ``model`` is the one it begins from. ``None`` where the network's size is not known.
    """
    base = of_base(model) if model is not None else None
    if plan.start.kind != "fresh" and base is None:
        return None
    cost, counted = _REFERENCE, min(pictures, plan.data.limit or pictures)
    crossed = plan.data.folds and counted <= MOST_CROSSED
    learned = counted if crossed else counted * (1 - plan.data.validation)
    found = cost.begin + counted * cost.picture + min(counted, _GATE_PICTURES) * cost.gate
    epochs = plan.fit.epochs
    try:
        if plan.start.kind == "fresh":
            size = nettables.multiplications(nettables.layer_table(plan.architecture, plan.shape, len(plan.labels)))
            found += epochs * learned * cost.learned * size / 1e9
        elif plan.start.kind == "weights":
            assert base is not None
            found += epochs * learned * cost.learned * base / 1e9
        else:
            assert base is not None
            mirrored = plan.mirrored or any(step.name == "flip" for step in plan.augment)
            found += counted * (1 + mirrored) * cost.asked * base / 1e9
            heads = plan.start.head_epochs if plan.start.kind == "fine-tune" else epochs
            solved = SOLVED in (plan.start.head_optimizer, plan.optimizer.name)
            rounds = 1 + (plan.data.folds if crossed else 0)
            found += heads * (rounds * cost.solved * learned / 1000 if solved else 0.5)
            if plan.start.kind == "fine-tune":
                # Every epoch looks through the whole base, and goes back through its end.
                found += (epochs - heads) * learned * 0.6 * cost.learned * base / 1e9
    except FoveaError:
        return None
    return found * slowness


def of_base(model: Manifest) -> float | None:
    """Multiplications of one picture's way through ``model``; ``None`` where nothing tells them."""
    table = transfer_plans.table_of(model)
    if table is not None:
        return float(nettables.multiplications(table))
    for network in catalogue.load().networks:
        if network.id == model.id:
            return float(network.multiplications)
    return None
