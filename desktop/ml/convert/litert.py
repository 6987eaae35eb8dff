"""Runs an exported file on arrays, for parity checks and evaluation after a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from desktop.ml.data.arrays import Images

_BYTES = 1 << 30  # what a network may hold of the pictures that it looks at together


class LiteRT:
    """One ``model.tflite`` with uint8 NHWC input of free batch size and three outputs."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._size = -1
        self._most = max(1, _BYTES // max(1, self._bytes_inside()))

    @property
    def shape(self) -> tuple[int, ...]:
        """The input's shape (batch, height, width, channels); the batch may be any."""
        return tuple(int(side) for side in self._input["shape"])

    @property
    def one_by_one(self) -> bool:
        """Whether the file takes one picture at a time and no other number."""
        return int(self._input.get("shape_signature", self._input["shape"])[0]) != -1

    @property
    def ranks(self) -> list[int]:
        """The number of axes of each output, in the file's order."""
        return [len(output["shape"]) for output in self._outputs]

    @property
    def bytes_each(self) -> int:
        """What the outputs for one picture take; a side that the file leaves open counts as 1."""
        return sum(4 * math.prod(max(1, int(side)) for side in output["shape"][1:]) for output in self._outputs)

    def _bytes_inside(self) -> int:
        """What the network holds for one picture: a layer's input and output, of the largest there is."""
        varying = [
            held["shape"] for held in self._interpreter.get_tensor_details() if -1 in held["shape_signature"][:1]
        ]
        return 2 * max((4 * math.prod(max(1, int(side)) for side in shape[1:]) for shape in varying), default=0)

    def run(self, images: Images, batch: int = 64, only: Sequence[int] | None = None) -> list[np.ndarray]:
        """The outputs, float32, for uint8 ``images`` (n, height, width, channels): all in the file's order, or those at
        the positions ``only``, in that order. The maps of many pictures take gigabytes: ask for what is read. At most
        ``batch`` are looked at together, fewer where the network's maps are large."""
        while batch > self._most:
            batch = max(1, batch // 2)
        wanted = self._outputs if only is None else [self._outputs[position] for position in only]
        parts: list[list[np.ndarray]] = [[] for _ in wanted]
        for start in range(0, len(images), batch):
            piece = images[start : start + batch]
            if len(piece) != self._size:
                self._interpreter.resize_tensor_input(self._input["index"], piece.shape)
                self._interpreter.allocate_tensors()
                self._size = len(piece)
            self._interpreter.set_tensor(self._input["index"], piece)
            self._interpreter.invoke()
            for part, output in zip(parts, wanted, strict=True):
                part.append(self._interpreter.get_tensor(output["index"]))
        return [np.concatenate(part) for part in parts]


def match_outputs(found: list[np.ndarray], expected: list[np.ndarray], names: tuple[str, ...]) -> dict[str, int]:
    """The position in ``found`` of each named output of ``expected``: same shape and nearest in value.

    A converter may order outputs as it likes; nothing is assumed. Raises :class:`ValueError` when one has no match.
    """
    positions: dict[str, int] = {}
    for name, wanted in zip(names, expected, strict=True):
        gaps = {
            i: float(np.abs(f - wanted).max())
            for i, f in enumerate(found)
            if f.shape == wanted.shape and i not in positions.values()
        }
        if not gaps:
            raise ValueError(f"the exported file has no output shaped like '{name}' {wanted.shape}")
        positions[name] = min(gaps, key=lambda i: gaps[i])
    return positions
