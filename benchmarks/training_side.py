"""One side of the training benchmark: ``python -m benchmarks.training_side SIDE NETWORK STEPS BATCH``.

Builds and warms up, says ``{"ready": true}``, then answers each line, the name of a variant, with ``{"images_per_s":
…}``: one round of STEPS steps. Sides: ``fovea`` (variants ``augmented``, ``plain``; ``float32``, ``steps-N`` and
``jit``, augmented too), ``torch`` (``first``, ``last``: memory layouts) and ``generator`` (``augmented``). All train
the same network on the same pictures; Fovea in the precision that the preset and the device give, the others in
float32, which is what their plain recipes do.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Round = Callable[[str], float]
CLASSES = 10
SIZE = 32


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise at several scales, uint8 (count, 32, 32, 3), and labels; what it shows does not change the speed."""
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)
    images = coarse.repeat(4, axis=1).repeat(4, axis=2)
    return images, (np.arange(count) % CLASSES).astype(np.int64)


def fovea(network: str, steps: int, batch: int) -> Round:
    """Fovea's own loop, batches, validation and checkpoints; the figure is the training part's."""
    from dataclasses import replace

    from desktop.ml.data.public_sets import Pictures
    from desktop.ml.nets import architectures, normalise
    from desktop.ml.plans import presets
    from desktop.ml.plans.control import Steering, Undisturbed
    from desktop.ml.plans.events import EpochDone, Event
    from desktop.ml.plans.plan import DataPlan, FitPlan, Step
    from desktop.ml.training import train
    from desktop.ml.training.context import Context
    from desktop.ml.training.loop import Loop, TrainingStage

    labels = tuple(f"class {i}" for i in range(CLASSES))
    plan = presets.find(network).build(labels, (SIZE, SIZE, 3), DataPlan("user", 0.1, path="-"))
    plan = replace(plan, fit=FitPlan(10_000, batch, steps_per_execution=8, mixed=plan.fit.mixed), augment=())
    turned = (
        Step("affine", {"rotate": 15, "shift": 0.1}),
        Step("flip", {"p": 0.5}),
    )
    images, targets = pictures(steps * batch)
    learn = Pictures(images, targets, tuple(map(str, range(len(targets)))))
    check = learn.take(np.arange(batch))
    told: list[Event] = []
    scratch = tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True)
    loops: dict[str, Loop] = {}

    def make(variant: str) -> Loop:
        folder = Path(scratch.name) / variant
        folder.mkdir()
        fit = replace(plan.fit, jit=variant == "jit", mixed="none" if variant == "float32" else plan.fit.mixed)
        chosen = replace(plan, fit=fit)
        stage = TrainingStage(0, plan.fit.epochs, plan.optimizer, () if variant == "plain" else turned)
        at_once = int(variant.removeprefix("steps-")) if variant.startswith("steps-") else None
        with train.precision(chosen, told.append), normalise.fused():
            model = architectures.build(chosen)
        steering = Steering(Undisturbed())
        loop = Loop(Context(chosen, learn, check, folder, told.append, steering), stage, model, at_once)
        loop.epoch()  # compiles
        return loop

    def turn(variant: str) -> float:
        if variant not in loops:
            loops[variant] = make(variant)
        loops[variant].epoch()
        return next(e.images_per_s for e in reversed(told) if isinstance(e, EpochDone))

    for name in ("augmented", "plain"):
        turn(name)
    return turn


def generator(network: str, steps: int, batch: int) -> Round:
    """The classic recipe: ``ImageDataGenerator`` with the same augmentation into ``fit``, all settings as they come."""
    import keras
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    from desktop.ml.nets import architectures
    from desktop.ml.plans import presets
    from desktop.ml.plans.plan import DataPlan

    labels = tuple(f"class {i}" for i in range(CLASSES))
    plan = presets.find(network).build(labels, (SIZE, SIZE, 3), DataPlan("user", 0.1, path="-"))
    model = architectures.build(plan)
    model = keras.Model(model.inputs, keras.layers.Softmax()(model.output["logits"]))
    chosen = "rmsprop" if plan.optimizer.name == "rmsprop" else "adamw"
    model.compile(chosen, "categorical_crossentropy", metrics=["accuracy"])
    images, targets = pictures(steps * batch)
    source = ImageDataGenerator(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True)
    flow = source.flow(images, np.eye(CLASSES, dtype=np.float32)[targets], batch_size=batch)
    model.fit(flow, epochs=1, verbose=0)

    def turn(_variant: str) -> float:
        began = time.perf_counter()
        model.fit(flow, epochs=1, verbose=0)
        return steps * batch / (time.perf_counter() - began)

    return turn


def torch(network: str, steps: int, batch: int) -> Round:
    """A plain eager loop of PyTorch, without augmentation, in either memory layout."""
    import torch as t

    from benchmarks import torch_networks

    images, targets = pictures(steps * batch)
    values = t.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    wanted = t.from_numpy(targets)
    sides: dict[str, Any] = {}
    for name, layout in (("first", t.contiguous_format), ("last", t.channels_last)):
        net = torch_networks.build(network).to(memory_format=layout)
        rms = network == "cifar-deep"
        optimizer = (
            t.optim.RMSprop(net.parameters(), 0.001, alpha=0.9) if rms else t.optim.AdamW(net.parameters(), 0.002)
        )
        sides[name] = (net, optimizer, layout)

    def turn(variant: str) -> float:
        net, optimizer, layout = sides[variant]
        net.train()
        order = t.randperm(len(wanted))
        began = time.perf_counter()
        for step in range(steps):
            picked = order[step * batch : (step + 1) * batch]
            x = (values[picked].float() / 255).to(memory_format=layout)
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(net(x), wanted[picked])
            loss.backward()
            optimizer.step()
        return steps * batch / (time.perf_counter() - began)

    for name in sides:
        turn(name)
    return turn


def main() -> None:
    """Serve until the input ends."""
    side, network, steps, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    turn = {"fovea": fovea, "torch": torch, "generator": generator}[side](network, steps, batch)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"images_per_s": turn(line.strip())}), flush=True)


if __name__ == "__main__":
    main()
