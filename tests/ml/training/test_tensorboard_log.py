"""TensorBoard's event files as TensorFlow itself reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.ml.plans.events import EpochDone, Note, TrainBatchDone
from desktop.ml.training.tensorboard_log import TensorBoardLog, _checksum

tensorflow = pytest.importorskip("tensorflow")


def test_the_checksum_is_castagnolis() -> None:
    # RFC 3720, appendix B.4: 32 bytes of zeros give 0x8A9136AA.
    crc = 0x8A9136AA
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert _checksum(bytes(32)) == masked.to_bytes(4, "little")


def test_files_are_read_by_tensorflow(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log(TrainBatchDone(0, 3, 10, 0.7, 0.25))
    log(EpochDone(0, 2, 0.5, 0.75, 0.625, 0.5, 0.001, 2.0, 320.0))
    log(Note("no numbers in it"))
    log.close()
    (file,) = tmp_path.glob("events.out.tfevents.*")
    found = list(tensorflow.compat.v1.train.summary_iterator(str(file)))
    assert found[0].file_version == "brain.Event:2"
    values = {value.tag: (event.step, value.simple_value) for event in found for value in event.summary.value}
    assert values["batch/loss"] == (3, pytest.approx(0.7)) and values["epoch/validation loss"] == (1, 0.625)
    assert values["epoch/images per second"] == (1, 320.0) and len(found) == 3
