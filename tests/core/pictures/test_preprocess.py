"""Preparing: every byte of the input is determined by picture and specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import DecodedImage, PrepareError, PreprocessSpec

RNG = np.random.default_rng(5)


def codes(image: np.ndarray | DecodedImage, spec: PreprocessSpec) -> set[str]:
    return {notice.code for notice in prepare(image, spec).notices}


def test_right_size_passes_unchanged() -> None:
    picture = RNG.integers(0, 256, (32, 32, 3), np.uint8)
    for fit in ("stretch", "center_crop", "letterbox"):
        prepared = prepare(picture, PreprocessSpec(32, 32, "rgb", fit, "area"))
        np.testing.assert_array_equal(prepared.pixels, picture)
        assert prepared.notices == ()


def test_stretch_is_pillows_resize() -> None:
    picture = RNG.integers(0, 256, (90, 120, 3), np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((40, 20), Image.Resampling.BICUBIC))
    prepared = prepare(picture, PreprocessSpec(20, 40, "rgb", "stretch", "bicubic"))
    np.testing.assert_array_equal(prepared.pixels, expected)


def test_center_crop_keeps_the_middle() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = (255, 0, 0)
    prepared = prepare(picture, PreprocessSpec(10, 10, "rgb", "center_crop", "area"))
    assert (prepared.pixels == (255, 0, 0)).all()
    assert codes(picture, PreprocessSpec(10, 10, "rgb", "center_crop")) == {"cropped"}


def test_resize_shorter_then_crop_matches_two_steps_closely() -> None:
    smooth = np.asarray(Image.fromarray(RNG.integers(0, 256, (9, 12, 3), np.uint8)).resize((400, 300), 3))
    spec = PreprocessSpec(224, 224, "rgb", "center_crop", "bilinear", resize_shorter=256)
    two_steps = Image.fromarray(smooth).resize((341, 256), Image.Resampling.BILINEAR)
    left, top = (341 - 224) / 2, (256 - 224) / 2
    expected = np.asarray(two_steps.crop((round(left), round(top), round(left) + 224, round(top) + 224)), np.int16)
    difference = np.abs(prepare(smooth, spec).pixels.astype(np.int16) - expected)
    assert difference.mean() < 1.5


def test_letterbox_keeps_everything_and_pads() -> None:
    picture = np.full((10, 40, 3), 200, np.uint8)
    prepared = prepare(picture, PreprocessSpec(20, 20, "rgb", "letterbox", "area", pad_value=7)).pixels
    assert (prepared[:7] == 7).all() and (prepared[13:] == 7).all() and (prepared[8:12] == 200).all()


def test_grey_and_colour_are_stated() -> None:
    grey, colour = np.full((8, 8), 9, np.uint8), np.full((8, 8, 3), 9, np.uint8)
    assert codes(colour, PreprocessSpec(8, 8, "grey", "stretch")) == {"grey"}
    assert codes(grey, PreprocessSpec(8, 8, "rgb", "stretch")) == {"grey-as-rgb"}
    assert prepare(colour, PreprocessSpec(8, 8, "grey", "stretch")).pixels.shape == (8, 8, 1)


def test_facts_speak_of_the_original_not_of_a_reduced_decode() -> None:
    image = DecodedImage(np.zeros((100, 200, 3), np.uint8), "JPEG", (1600, 800), reduced=True)
    notices = prepare(image, PreprocessSpec(50, 50, "rgb", "stretch")).notices
    assert [notice.text for notice in notices] == ["stretched from 1600×800 to 50×50"]


@pytest.mark.parametrize("bad", [np.zeros((4, 4), float), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)])
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(PrepareError):
        prepare(bad, PreprocessSpec(8, 8, "rgb", "stretch"))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.booleans(),
    st.sampled_from(["stretch", "center_crop", "letterbox", "mnist"]),
    st.sampled_from(["nearest", "area", "bilinear", "bicubic", "lanczos"]),
    st.sampled_from(["rgb", "grey"]),
    st.integers(0, 2**32 - 1),
)
def test_any_picture_gives_an_input_of_the_promised_form(
    height: int, width: int, grey: bool, fit: str, interpolation: str, colour: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width) if grey else (height, width, 3), np.uint8)
    spec = (
        PreprocessSpec(28, 28, "grey", "mnist")
        if fit == "mnist"
        else PreprocessSpec(17, 23, colour, fit, interpolation)  # type: ignore[arg-type]
    )
    prepared = prepare(picture, spec)
    assert prepared.pixels.dtype == np.uint8 and prepared.pixels.flags.c_contiguous
    assert prepared.pixels.shape == (spec.height, spec.width, spec.channels)
    assert prepared.sha256() == prepare(picture, spec).sha256()


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1)])
def test_extreme_shapes_give_an_input_or_say_so(size: tuple[int, int]) -> None:
    for fit in ("stretch", "center_crop", "letterbox"):
        prepared = prepare(np.full(size, 90, np.uint8), PreprocessSpec(32, 32, "rgb", fit))
        assert prepared.pixels.shape == (32, 32, 3)
