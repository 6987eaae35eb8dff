"""What the network of everyday photographs makes of another model's inputs: for a second opinion on their kind.

It sees the prepared input, not the picture: what the model itself is asked about. The input is enlarged or reduced to
96×96 pixels, at which the network is asked (it was made for 224, has no layer of a fixed size, and is five times as
fast so); grey becomes colour. Neither Keras nor TensorFlow is needed. Not for the window's process: LiteRT computes
here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from desktop.core.trust import domain
from desktop.core.types import StoreError
from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelEntry, ModelStore, check_usable, read_verified
from desktop.system.words import phrase

SIDE = 96
_TOGETHER = 8  # inputs at once: 1.8 ms each instead of 2.7


class SecondLook:
    """The everyday network at :data:`SIDE` pixels; one thread at a time may ask.

    Raises :class:`StoreError` (``damaged``, ``not-installed``, ``no-embedding``).
    """

    def __init__(self, entry: ModelEntry, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        manifest = check_usable(entry)
        if not {"embedding", "stages"} <= set(manifest.outputs):
            raise StoreError("no-embedding", phrase("'{name}' does not give what its stages know", name=manifest.name))
        self.sha256 = manifest.files["model.tflite"].sha256
        """The checksum of its weights: numbers that were fitted to another file's outputs do not fit."""
        self._places = [manifest.outputs[name] for name in ("embedding", "stages")]
        self._path, self._threads, self._maker = str(read_verified(entry, "model.tflite")), threads, Interpreter
        self._interpreters: dict[int, Any] = {}
        self._size = -1

    @classmethod
    def of(cls, store: ModelStore | None = None, threads: int = 1) -> SecondLook | None:
        """That of the store's everyday network; ``None`` where it is not installed or does not fit."""
        try:
            return cls((store or ModelStore()).require(EVERYDAY), threads)
        except StoreError:
            return None

    def size(self, pixels: np.ndarray) -> int:
        """How many features :meth:`features` gives of each of ``pixels``."""
        if self._size < 0:
            self._size = self._rows(np.zeros((1, SIDE, SIDE, 3), np.uint8)).shape[1]
        plain = domain.look(np.zeros((1, 8, 8, pixels.shape[3]), np.uint8))
        return int(self._size + plain.shape[1])

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """What a gate looks at, float32 (n, d), of inputs ``pixels`` uint8 (n, height, width, 1 or 3): as
        :func:`desktop.core.trust.domain.features`, by way of this network."""
        rows = np.concatenate(
            [self._rows(pixels[start : start + _TOGETHER]) for start in range(0, len(pixels), _TOGETHER)]
        )
        return domain.features(pixels, rows, None)

    def _rows(self, pixels: np.ndarray) -> np.ndarray:
        count = len(pixels)
        # Batches of one and of _TOGETHER alone: each other size would plan the network's memory anew.
        size = 1 if count == 1 else _TOGETHER
        batch = np.zeros((size, SIDE, SIDE, 3), np.uint8)
        for place, picture in zip(batch, pixels, strict=False):
            colour = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
            place[:] = np.asarray(Image.fromarray(colour).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        interpreter = self._interpreter(size)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch)
        interpreter.invoke()
        outputs = interpreter.get_output_details()
        found = [interpreter.get_tensor(outputs[place]["index"])[:count] for place in self._places]
        return np.concatenate(found, axis=1)

    def _interpreter(self, size: int) -> Any:
        held = self._interpreters.get(size)
        if held is None:
            held = self._maker(model_path=self._path, num_threads=self._threads)
            held.resize_tensor_input(held.get_input_details()[0]["index"], (size, SIDE, SIDE, 3), strict=False)
            held.allocate_tensors()
            self._interpreters[size] = held
        return held
