"""``fovea predict`` on studies: discs, folders with series, mixed folders; a line a frame, and nobody's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.tools import fovea, lines, paint
from tests.core.makers import dicom_bytes
from tests.studies import slice_bytes, write_directory, write_series

pytestmark = pytest.mark.usefixtures("store")


def test_a_disc_gives_a_line_a_frame_without_names(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    write_series(disc / "DOE_JANE" / "CT", 4, order=[3, 1, 0, 2])
    (disc / "DOE_JANE" / "SCOUT").write_bytes(slice_bytes(9, SeriesInstanceUID="1.2.3.9", SeriesNumber=9))
    names = [("DOE_JANE", "CT", f"IM{at:04d}") for at in range(5)] + [("DOE_JANE", "SCOUT"), ("..", "other")]
    path = write_directory(disc, names)
    run = fovea("predict", "--model", "colours", "--json", path)
    found = lines(run.stdout)
    rows = [item for item in found if "error" not in item]
    assert [(item["series"], item["series_number"], item["frame"], item["frames"]) for item in rows] == [
        (1, 2, 1, 4), (1, 2, 2, 4), (1, 2, 3, 4), (1, 2, 4, 4), (2, 9, 1, 1),
    ]  # fmt: skip
    assert all(item["path"] == str(path) and item["study"] == 1 and item["modality"] == "CT" for item in rows)
    errors = [item["error"]["message"] for item in found if "error" in item]
    assert len(errors) == 2 and "outside" in errors[0] and "not there" in errors[1] and run.returncode == 1
    assert "DOE" not in run.stdout.upper() and "4711" not in run.stdout
    named = fovea("predict", "--model", "colours", "--json", "--files", path)
    files = [item["file"] for item in lines(named.stdout) if "error" not in item]
    assert [Path(file).name for file in files] == ["IM0003", "IM0001", "IM0000", "IM0002", "SCOUT"]
    text = fovea("predict", "--model", "colours", path)
    assert "study 1, series 2 (CT), frame 3 of 4" in text.stdout and "DOE" not in text.stdout.upper()


def test_a_mixed_folder_keeps_what_stands_alone(tmp_path: Path) -> None:
    paint(tmp_path / "photo.png")
    write_series(tmp_path / "ct", 3, number=7)
    alone = {"StudyInstanceUID": "9.1", "SeriesInstanceUID": "9.1.1", "SeriesNumber": 5, "Modality": "DX"}
    (tmp_path / "xray.dcm").write_bytes(slice_bytes(1, **alone))
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(np.zeros((2, 8, 8), np.uint8)))
    run = fovea("predict", "--model", "colours", "--json", tmp_path)
    assert run.returncode == 0, run.stderr
    found = [(Path(item["path"]).name, item.get("series_number"), item.get("frame")) for item in lines(run.stdout)]
    assert found == [
        ("photo.png", None, None), ("cine.dcm", None, 1), ("cine.dcm", None, 2), ("xray.dcm", None, None),
        (tmp_path.name, 7, 1), (tmp_path.name, 7, 2), (tmp_path.name, 7, 3),
    ]  # fmt: skip


def test_a_slice_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    files = write_series(tmp_path, 3)
    files[1].write_bytes(files[1].read_bytes()[:-400])
    run = fovea("predict", "--model", "colours", "--json", tmp_path)
    found = lines(run.stdout)
    assert [item.get("error", {}).get("kind", "answer") for item in found] == ["answer", "dicom-damaged", "answer"]
    assert [item["frame"] for item in found] == [1, 2, 3] and run.returncode == 1
