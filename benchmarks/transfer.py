"""What a start from a finished model brings where pictures are few: ``python -m benchmarks.transfer``.

From 40 pictures of cats and 40 of dogs, three trainings: a new head on the features of the bundled model ``cifar10``,
its fine-tuning, and the same small net from random weights with augmentation. All are measured on the other 1,920
pictures of the training split; the test split stays closed. Each is repeated with other draws and first weights.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common

EACH = 40
BASE = "cifar10"
EPOCHS = 30


def main(argv: list[str]) -> int:
    """Train, measure and report; returns 0 when features beat the training from scratch."""
    options = common.options(argv, "transfer", "Few pictures: features, fine-tuning, from scratch.", rounds=3)
    report = common.Report("transfer", BASE, options.quick)
    repeats, epochs = (1, 2) if options.quick else (options.rounds, EPOCHS)
    found: dict[str, list[dict[str, float]]] = {"scratch": [], "features": [], "fine-tune": []}
    for repeat in range(repeats):
        for how, results in found.items():
            results.append(_trained(how, repeat, epochs))

    def values(how: str, name: str) -> list[float]:
        return [result[name] for result in found[how]]

    peer = "the same net from random weights, augmented"
    for how in ("features", "fine-tune"):
        name = f"{how} of {BASE}: accuracy from {2 * EACH} pictures"
        report.compare(name, "share", values(how, "accuracy"), values("scratch", "accuracy"), peer)
        report.compare(f"{how}: an epoch", "s", values(how, "epoch_s"), values("scratch", "epoch_s"), peer)
    gain = statistics.median(values("features", "accuracy")) - statistics.median(values("scratch", "accuracy"))
    report.bars.append(common.at_least("accuracy that features gain", gain, 0.0))
    return common.finish(report, options.json)


def _trained(how: Any, repeat: int, epochs: int) -> dict[str, float]:
    """Accuracy on the pictures that were not learned from, and the median seconds of an epoch."""
    from desktop import paths
    from desktop.app import recipes
    from desktop.ml.data import public_sets
    from desktop.ml.plans import plan as plans
    from desktop.ml.plans.plan import DataPlan, FitPlan, Step
    from desktop.ml.training import train
    from desktop.store.store import ModelStore

    manifest = ModelStore().require(BASE).manifest
    assert manifest is not None
    source = DataPlan("cats-dogs", 0.5, classes=("cats", "dogs"))
    starts: dict[str, recipes.RecipeId] = {"scratch": "continue", "features": "features", "fine-tune": "fine-tune"}
    plan = recipes.make_plan(starts[how], source, ("cat", "dog"), model=manifest, name=f"few-{how}", seed=repeat + 1)
    # The last epoch counts: the pictures that measure must not also choose.
    head = epochs // 2 if how == "fine-tune" else 0
    fit = replace(plan.fit, epochs=epochs, keep="last")
    plan = replace(plan, fit=fit, start=replace(plan.start, head_epochs=head))
    if how == "scratch":
        own = plans.load(paths.resources() / "recipes" / f"{BASE}.json")
        optimizer = plans.OptimizerPlan("adamw", 0.002, "cosine", 0.1, weight_decay=0.05)
        moved = Step("affine", {"p": 0.9, "rotate": 10, "zoom": [0.9, 1.15], "shift": 0.08, "border": "reflect"})
        fit = FitPlan(epochs, 16, label_smoothing=0.05, keep="last", steps_per_execution=5)
        plan = replace(
            plan,
            start=plans.StartPlan(),
            architecture=own.architecture,
            optimizer=optimizer,
            fit=fit,
            augment=(Step("flip", {"p": 0.5}), moved),
        )
    whole = public_sets.load_split(plan, "train")
    order = np.random.default_rng([7, repeat]).permutation(len(whole))
    learned = np.concatenate([order[whole.labels[order] == label][:EACH] for label in (0, 1)])
    rest = np.setdiff1d(order, learned)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as folder:
        trained = train.run(plan, whole.take(np.sort(learned)), whole.take(rest), Path(folder))
    last = trained.history[-1]
    # The first epoch of each stage waits for the network to be compiled.
    seconds = statistics.median(row["seconds"] for row in trained.history)
    return {"accuracy": last["val_accuracy"], "epoch_s": seconds}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
