"""TIFFs of an independent writer (``tests/cases/make_brothers.py``): every arrangement of the same two scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.types import DecodedImage, DecodeError, ImageSource

BROTHERS = Path(__file__).parents[3] / "cases" / "pictures" / "brothers"
FILES = sorted(BROTHERS.glob("*.tif"))
COLOUR = np.asarray(Image.open(BROTHERS / "colour.png"))
GREY = np.asarray(Image.open(BROTHERS / "grey.png"))
CLOSE = 2.0


def opened(name: str) -> DecodedImage:
    return decode(ImageSource.from_path(str(BROTHERS / f"{name}.tif")))


def difference(image: DecodedImage, reference: np.ndarray) -> float:
    assert image.pixels.shape == reference.shape
    return float(np.abs(image.pixels.astype(int) - reference).mean())


def named(*starts: str) -> list[str]:
    found = [file.stem for file in FILES if file.stem.startswith(starts)]
    assert found
    return found


def test_every_file_is_looked_at() -> None:
    starts = ("rgb", "grey", "holes-", "refused-", "half16", "cmyk16", "palette8", "veiled-")
    assert all(file.stem.startswith(starts) for file in FILES) and len(FILES) > 90


@pytest.mark.parametrize("name", named("rgb"))
def test_colour(name: str) -> None:
    image = opened(name)
    # JPEG is the only lossy one among them.
    assert difference(image, COLOUR) <= (4.0 if "jpeg" in name and "2000" not in name else CLOSE)
    assert image.original_size == (COLOUR.shape[1], COLOUR.shape[0]) and not image.reduced


@pytest.mark.parametrize("name", named("grey"))
def test_grey(name: str) -> None:
    assert difference(opened(name), GREY) <= CLOSE


@pytest.mark.parametrize("name", named("holes-"))
def test_pixels_without_data_have_no_say_in_the_window(name: str) -> None:
    image = opened(name)
    holes = np.zeros(GREY.shape, bool)
    holes[::4, ::3] = True
    assert np.abs(image.pixels.astype(int) - GREY)[~holes].mean() <= CLOSE
    assert (image.pixels[holes] == 0).all()
    assert "no-data" in [notice.code for notice in image.notices]


@pytest.mark.parametrize("name", named("refused-"))
def test_what_nothing_reads_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        opened(name)
    assert caught.value.kind == "unsupported-format" and "damaged" not in caught.value.hint
    word = {"lerc": "LERC", "jpegxl": "JPEG XL", "complex": "complex"}[name.partition("-")[2]]
    assert word in caught.value.message


@pytest.mark.parametrize("name", named("veiled-"))
def test_transparency_of_fewer_bits_than_its_container_has(name: str) -> None:
    expected = COLOUR.copy() if "rgb" in name else GREY.copy()
    expected[:, 30:] = 255
    assert difference(opened(name), expected) <= CLOSE


def test_premultiplied_transparency() -> None:
    image = opened("half16-premultiplied")
    assert difference(image, (COLOUR.astype(int) + 255) // 2) <= CLOSE


@pytest.mark.parametrize("name", named("cmyk16"))
def test_inks(name: str) -> None:
    assert difference(opened(name), COLOUR) <= CLOSE
    assert "cmyk" in [notice.code for notice in opened(name).notices]


@pytest.mark.parametrize("name", named("palette8"))
def test_palettes(name: str) -> None:
    level = GREY.astype(int)
    assert difference(opened(name), np.dstack([level, 255 - level, np.full_like(level, 7)])) == 0
