"""What a training would make of a picture, asked of a real engine process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import ImageSource, PreprocessSpec
from desktop.engine import messages as m
from desktop.engine.client import EngineClient

SPEC = PreprocessSpec(24, 32, "rgb", "center_crop", "area")


@pytest.fixture
def picture(tmp_path: Path) -> ImageSource:
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, :45, 0] = 200
    pixels[:, 45:, 2] = np.linspace(0, 255, 45, dtype=np.uint8)
    file = tmp_path / "two halves.png"
    Image.fromarray(pixels).save(file)
    return ImageSource.from_path(str(file))


def ask(client: EngineClient, *requests: m.SampleRequest) -> list[m.Samples | m.Failure]:
    for request in requests:
        client.submit(request)
    wanted, found = requests[-1].id, []
    while not any(answer.id == wanted for answer in found):
        found += [answer for answer in client.events(20) if isinstance(answer, m.Samples | m.Failure)]
    return found


def test_samples_are_what_training_makes_of_the_picture(picture: ImageSource, tmp_path: Path) -> None:
    flip = (("flip", {"p": 1.0}),)
    with EngineClient(tmp_path, tmp_path, threads=1) as client:
        (found,) = ask(client, m.SampleRequest(client.next_id(), picture, SPEC, flip, 3, seed=5))
        assert isinstance(found, m.Samples)
        expected = prepare(decode(picture), SPEC).pixels
        assert np.array_equal(found.prepared, expected)
        assert len(found.augmented) == 3
        assert all(np.array_equal(copy, expected[:, ::-1]) for copy in found.augmented)
        assert found.original_size == (90, 60) and found.original.shape == (60, 90, 3)
        assert any(notice.code == "cropped" for notice in found.notices)


def test_the_same_seed_gives_the_same_samples_and_another_one_others(picture: ImageSource, tmp_path: Path) -> None:
    steps = (("affine", {"rotate": 40.0, "shift": 0.2}),)
    with EngineClient(tmp_path, tmp_path, threads=1) as client:
        first, again, other = (
            ask(client, m.SampleRequest(client.next_id(), picture, SPEC, steps, 4, seed))[-1] for seed in (1, 1, 2)
        )
        assert all(np.array_equal(a, b) for a, b in zip(first.augmented, again.augmented, strict=True))
        assert not np.array_equal(first.augmented[0], other.augmented[0])


def test_an_unknown_augmentation_and_a_broken_picture_are_refused_in_words(
    picture: ImageSource, tmp_path: Path
) -> None:
    broken = ImageSource("broken.png", data=b"no picture")
    with EngineClient(tmp_path, tmp_path, threads=1) as client:
        refused = ask(client, m.SampleRequest(client.next_id(), picture, SPEC, (("melt", {}),), 1, 0))[-1]
        assert isinstance(refused, m.Failure) and "melt" in refused.message
        refused = ask(client, m.SampleRequest(client.next_id(), broken, SPEC, (), 0, 0))[-1]
        assert isinstance(refused, m.Failure) and refused.kind == "not-an-image"
