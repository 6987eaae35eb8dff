"""Where a cluster stops to scale: its scheduler played with recorded times, for more cores than are here.

Three things can be the narrow place: the workers themselves, the driver, which hands blocks out and writes answers down
one after the other, and the storage that all nodes read from. Each block is read at the storage's speed, shared by all
who read, computed in a recorded time drawn at random, and kept by the driver.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from typing import NamedTuple

PICTURE_BYTES = 100_000
"""Of a picture on the storage: a photograph of a camera trap, reduced; an X-ray of a thousand pixels a side."""
STORAGE = 1_000_000_000
"""Bytes a second of the storage: ten gigabit Ethernet."""
CORES = (2, 8, 32, 128, 512, 2048)
_BLOCKS = 40  # for each core


class Simulated(NamedTuple):
    """What ``cores`` answer in a second, and how busy storage and driver are then (0 to 1)."""

    cores: int
    rate: float
    storage: float
    driver: float


def simulated(
    block: int,
    seconds: Sequence[float],
    driver_s: float,
    picture_bytes: int = PICTURE_BYTES,
    storage: int = STORAGE,
    cores: Sequence[int] = CORES,
    seed: int = 20,
) -> list[Simulated]:
    """Clusters of ``cores``: blocks of ``block`` pictures, ``seconds`` of a core that were recorded for one, and
    ``driver_s`` of the driver."""
    return [_played(count, block, seconds, driver_s, picture_bytes / storage * block, seed) for count in cores]


def _played(cores: int, block: int, seconds: Sequence[float], driver_s: float, read_s: float, seed: int) -> Simulated:
    draw = random.Random(seed)
    total = cores * _BLOCKS
    free = [0.0] * cores  # when each core is free again
    heapq.heapify(free)
    storage_free = driver_free = 0.0
    finished = []
    for _ in range(total):
        at = heapq.heappop(free)
        # The next block is read ahead while one is computed: a core waits for the storage where that is behind.
        storage_free = max(storage_free, at - read_s) + read_s
        done = max(at, storage_free) + draw.choice(seconds)
        heapq.heappush(free, done)
        finished.append(done)
    for done in sorted(finished):
        driver_free = max(driver_free, done) + driver_s
    return Simulated(cores, total * block / driver_free, total * read_s / driver_free, total * driver_s / driver_free)
