"""``fovea demo`` as a child process: answers, what is not installed, and pictures of the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.cli.demo import _row
from desktop.core.notices import NOTICES
from desktop.core.types import DomainVerdict, ImageSource
from desktop.engine.messages import Elapsed, Prediction
from desktop.store.store import ModelStore
from tests.cli.tools import fovea
from tests.store.makers import add_colours, manifest


@pytest.mark.timeout(300)
def test_the_tour_answers_and_draws(store: ModelStore, tmp_path: Path) -> None:
    add_colours(store, id="tones", medical=True)
    run = fovea("demo", "--out", tmp_path / "pictures", DISPLAY="", WAYLAND_DISPLAY="")
    assert run.returncode == 0, run.stderr
    assert "Colours (colours)" in run.stdout and "flower.jpg" in run.stdout
    assert NOTICES["medical"].text in run.stdout and NOTICES["phantom"].text in run.stdout
    assert "VGG16 ImageNet (vgg16-imagenet): its weights are not installed" in run.stdout
    drawn = sorted((tmp_path / "pictures").iterdir())
    assert {"classify-colours", "classify-tones"} <= {path.stem.rsplit("-", 1)[0] for path in drawn}
    for path in drawn:
        assert str(path) in run.stdout
        with Image.open(path) as picture:
            assert picture.format == "PNG" and picture.size == (1280, 720)


def test_a_picture_of_another_kind_has_no_answer_in_the_tour() -> None:
    answer = Prediction(
        1, "m", ImageSource("alps.jpg", data=b"x"), 0, "airplane", np.array([0.9, 0.1], np.float32), None, "0", (9, 9),
        "JPEG", 1, (), Elapsed(1, 1, 1), "CPU", 0, DomainVerdict(1.2, False), suits="efficientnet-lite0",
    )  # fmt: skip
    known = manifest(labels=("airplane", "ship"))
    said, score, others, _, remark = _row(answer, known)
    assert (said, score, others) == ("no answer", "", "(airplane 0.900, ship 0.100)")
    assert remark.startswith("not the kind of picture") and remark.endswith("this looks like an everyday photo")
    for verdict in (None, DomainVerdict(0.2, True)):
        said, score, others, _, remark = _row(replace(answer, domain=verdict, suits=""), known)
        assert (said, score, others, remark) == ("airplane", "0.900", "ship 0.100", "")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = fovea("demo", "--out", tmp_path / "file" / "pictures")
    assert run.returncode == 2 and run.stdout == "" and run.stderr.startswith("fovea: ")
