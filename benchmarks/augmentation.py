"""``python -m benchmarks.augmentation``: two ways to rotate, shift and mirror pictures for training, side by side.

Fovea's: one combined transform for each picture by OpenCV, on worker threads that run beside the network. Its peer: one
projective transform a batch by ``keras.ops.image.affine_transform``, on the back end. Both make the same kind of
pictures (rotation ±15°, shift ±10 %, mirroring, bilinear) from uint8 batches of 128. What counts is the processor time
that they take from the network, so the figures are pictures for each second of one core; wall time is given as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from benchmarks.common import Report, at_least, finish, options, take_turns

_BATCH, _WORKERS = 128, 2


def main(argv: list[str]) -> int:
    """Run it; the exit status is 0 when the bar holds."""
    values = options(argv, "augmentation", str(__doc__), rounds=5)
    batches = 4 if values.quick else 40
    report = Report("augmentation", "no model", values.quick)
    for side in (32, 96):
        images = np.random.default_rng(3).integers(0, 256, (_BATCH, side, side, 3), np.uint8)
        sides: dict[str, Callable[[], tuple[float, float]]] = {
            "fovea": partial(_timed, _by_workers, images, batches),
            "peer": partial(_timed, _by_batch, images, batches),
        }
        for work in sides.values():
            work()  # threads, compiled graphs
        cores: dict[str, list[float]] = {name: [] for name in sides}

        def turn(name: str, sides: dict[str, Callable[[], tuple[float, float]]] = sides) -> float:
            cpu, wall = sides[name]()
            cores[name].append(cpu)  # noqa: B023 - called within this turn of the loop
            return wall

        walls = take_turns(values.rounds, {name: partial(turn, name) for name in sides})
        peer = "keras.ops.image.affine_transform, a batch at once"
        figure = report.compare(f"{side}×{side}, a core", "pictures/s", cores["fovea"], cores["peer"], peer)
        report.compare(f"{side}×{side}, wall, {_WORKERS} threads", "pictures/s", walls["fovea"], walls["peer"], peer)
        report.bars.append(at_least(f"{side}×{side}: Fovea's way against its peer's", figure.ratio or 0.0, 1.0))
    return finish(report, values.json)


def _timed(work: Callable[[np.ndarray, int], None], images: np.ndarray, batches: int) -> tuple[float, float]:
    """Pictures for each second of processor time (all threads), and for each second of wall time."""
    cpu, wall = time.process_time(), time.perf_counter()
    work(images, batches)
    count = batches * len(images)
    return count / (time.process_time() - cpu), count / (time.perf_counter() - wall)


def _by_workers(images: np.ndarray, batches: int) -> None:
    from desktop.ml.data.augment import apply
    from desktop.ml.plans.plan import Step

    steps = (Step("flip", {"p": 0.5}), Step("affine", {"rotate": 15, "shift": 0.1, "border": "nearest"}))
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(lambda number: apply(images, steps, np.random.default_rng(number)), range(batches)))


def _by_batch(images: np.ndarray, batches: int) -> None:
    from desktop.ml.nets import backend

    backend.select()
    import keras

    side = images.shape[1]
    for number in range(batches):
        rng = np.random.default_rng(number)
        moved = keras.ops.image.affine_transform(
            keras.ops.cast(images, "float32"), _transforms(rng, len(images), side), "bilinear", "nearest"
        )
        keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.round(moved), "uint8"))


def _transforms(rng: np.random.Generator, count: int, side: int) -> np.ndarray:
    """Eight numbers a picture, as Keras takes them: output to input coordinates, about the picture's middle."""
    angle = np.deg2rad(rng.uniform(-15, 15, count))
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    cos, sin, middle = np.cos(angle), np.sin(angle), (side - 1) / 2
    a, b, d, e = cos * mirror, -sin, sin * mirror, cos
    move = rng.uniform(-0.1, 0.1, (2, count)) * side
    c = middle - a * middle - b * middle + move[0]
    f = middle - d * middle - e * middle + move[1]
    zero = np.zeros(count)
    return np.stack([a, b, c, d, e, f, zero, zero], axis=1).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
