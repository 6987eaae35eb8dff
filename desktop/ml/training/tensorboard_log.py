"""Curves for TensorBoard, written without any package of it: event files are records of a few protocol-buffer fields.

Format: TFRecord (little-endian length, masked CRC-32C of it, data, masked CRC-32C of that) around the message ``Event``
(``event.proto``: wall_time 1, step 2, file_version 3, summary 5; ``summary.proto``: value 1 with tag 1 and simple_value
2), all of TensorFlow's documentation. TensorBoard itself has to be installed to look at them.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

from desktop.ml.plans.events import EpochDone, Event, TrainBatchDone

FOLDER = "tensorboard"
HOW = (
    f"TensorBoard's files lie in the run's folder '{FOLDER}'; to look at them: 'pip install tensorboard', then "
    "'tensorboard --logdir' with that folder"
)


class TensorBoardLog:
    """Writes one event file in ``folder``; a training taken up again begins another, which TensorBoard joins."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # The last part keeps two starts in one second apart; no computer's name goes into it.
        name = f"events.out.tfevents.{int(time.time()):010d}.fovea.{os.getpid()}.{time.time_ns()}"
        self._stream = (folder / name).open("ab")
        self._write(_double(1, time.time()) + _bytes(3, b"brain.Event:2"))

    def __call__(self, event: Event) -> None:
        """Write what an event says in numbers: by epoch (``epoch/…``) and by batch (``batch/…``)."""
        if isinstance(event, EpochDone):
            values = {
                "epoch/loss": event.loss,
                "epoch/accuracy": event.accuracy,
                "epoch/validation loss": event.val_loss,
                "epoch/validation accuracy": event.val_accuracy,
                "epoch/learning rate": event.rate,
                "epoch/images per second": event.images_per_s,
            }
            self._scalars(event.epoch + 1, values)
        elif isinstance(event, TrainBatchDone):
            step = event.epoch * event.steps + event.step
            self._scalars(step, {"batch/loss": event.loss, "batch/accuracy": event.accuracy})

    def close(self) -> None:
        """End the file."""
        self._stream.close()

    def _scalars(self, step: int, values: dict[str, float]) -> None:
        summary = b"".join(_bytes(1, _bytes(1, tag.encode()) + _float(2, value)) for tag, value in values.items())
        self._write(_double(1, time.time()) + _number(2, step) + _bytes(5, summary))

    def _write(self, message: bytes) -> None:
        length = struct.pack("<Q", len(message))
        self._stream.write(length + _checksum(length) + message + _checksum(message))
        self._stream.flush()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _table() -> list[int]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        found.append(byte)
    return found


_CRC = _table()


def _checksum(data: bytes) -> bytes:
    """CRC-32C (Castagnoli), masked as TFRecord wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
