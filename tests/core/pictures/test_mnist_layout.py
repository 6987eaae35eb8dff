"""The mnist fit: whatever the paper, the pen and the place, the same layout comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from desktop.core.pictures.mnist_layout import BOX, SIDE, lay_out, prepare_ink
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec

SPEC = PreprocessSpec(28, 28, "grey", "mnist")


def seven(
    size: tuple[int, int] = (300, 300), width: int = 24, at: tuple[float, float] = (0.5, 0.5), scale: float = 0.6
) -> Image.Image:
    """A 7 in black ink on white paper: its middle at ``at`` and its height ``scale`` of the shorter side."""
    image = Image.new("L", size, 255)
    span = scale * min(size)
    x, y = at[0] * size[0] - span * 0.3, at[1] * size[1] - span / 2
    points = [(x, y), (x + span * 0.6, y), (x + span * 0.2, y + span)]
    ImageDraw.Draw(image).line(points, fill=0, width=width, joint="curve")
    return image


def laid_out(image: Image.Image) -> np.ndarray:
    """The prepared input, with MNIST's layout checked: light ink, box of 20, mass in the middle."""
    pixels = prepare(np.asarray(image), SPEC).pixels[:, :, 0].astype(float)
    rows, columns = np.nonzero(pixels > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= BOX + 1
    assert max(np.ptp(rows), np.ptp(columns)) + 1 >= BOX - 3
    axis = np.arange(SIDE)
    assert abs((pixels.sum(1) * axis).sum() / pixels.sum() - 14) <= 1.0
    assert abs((pixels.sum(0) * axis).sum() / pixels.sum() - 14) <= 1.0
    assert pixels.max() > 200 and np.median(pixels) == 0
    return pixels


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two inputs after a blur of a pixel: shape, not edges."""

    def soft(x: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(x.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1)), float).ravel()

    return float(np.corrcoef(soft(a), soft(b))[0, 1])


REFERENCE = seven()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Image.eval(seven(), lambda v: 255 - v), id="white on black"),
        pytest.param(seven((1200, 900), 90), id="large"),
        pytest.param(seven((64, 64), 5), id="small"),
        pytest.param(seven(width=3), id="hairline"),
        pytest.param(seven((2000, 2000), 8, scale=0.5), id="fine pen on a large sheet"),
        pytest.param(seven(width=44), id="thick marker"),
        pytest.param(seven((600, 600), 12, (0.85, 0.2), 0.25), id="small in a corner"),
        pytest.param(seven((900, 300), 20, (0.1, 0.5)), id="wide sheet, left edge"),
        pytest.param(Image.eval(seven(), lambda v: 120 + v * 80 // 255), id="pencil: low contrast"),
        pytest.param(seven().convert("RGB"), id="colour file"),
    ],
)
def test_paper_pen_and_place_do_not_matter(other: Image.Image) -> None:
    assert alike(laid_out(REFERENCE), laid_out(other)) > 0.85


def test_uneven_light_and_grain() -> None:
    rng = np.random.default_rng(2)
    paper = np.asarray(seven((500, 500), 26), float) / 255
    light = np.linspace(130, 245, 500)[None, :] * np.linspace(0.85, 1.0, 500)[:, None]
    photo = np.clip(light * (0.25 + 0.75 * paper) + rng.normal(0, 4, paper.shape), 0, 255).astype(np.uint8)
    assert alike(laid_out(REFERENCE), laid_out(Image.fromarray(photo))) > 0.85


def test_dust_and_a_far_mark_are_left_out_and_said() -> None:
    image = seven((600, 600), 30)
    draw = ImageDraw.Draw(image)
    for x, y in ((20, 30), (570, 40), (30, 580)):
        draw.ellipse((x, y, x + 6, y + 6), fill=0)
    prepared = prepare(np.asarray(image), SPEC)
    assert alike(laid_out(REFERENCE), laid_out(image)) > 0.85
    assert "despeckled" in {notice.code for notice in prepared.notices}


def test_a_five_with_a_loose_top_keeps_it() -> None:
    image = Image.new("L", (300, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.arc((80, 120, 220, 260), -120, 130, fill=0, width=20)
    draw.line((110, 60, 112, 135), fill=0, width=20)
    draw.line((130, 55, 215, 50), fill=0, width=20)  # not touching
    with_top = laid_out(image)
    assert (with_top[4:9, 14:24] > 100).any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_paper_is_said(value: int) -> None:
    prepared = prepare(np.full((120, 90), value, np.uint8), SPEC)
    assert {notice.code for notice in prepared.notices} == {"no-ink"}
    assert not prepared.pixels.any()


def half_toned(seed: int) -> np.ndarray:
    """Soft light and shade everywhere, as a photograph or an X-ray has: uint8 (200, 180)."""
    rough = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 6)).astype(np.uint8))
    return np.asarray(rough.resize((180, 200), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_of_half_tones_is_no_drawing(seed: int) -> None:
    notices = {notice.code: notice for notice in prepare(half_toned(seed), SPEC).notices}
    assert notices["not-ink"].level == "caution" and "neither paper nor ink" in notices["not-ink"].text


@pytest.mark.parametrize("width", [6, 24, 60])
@pytest.mark.parametrize("blur", [0, 3])
def test_soft_strokes_and_uneven_light_are_no_half_tones(width: int, blur: int) -> None:
    sheet = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(sheet).arc((120, 90, 280, 310), 20, 330, fill=0, width=width)
    ink = np.asarray(sheet.filter(ImageFilter.GaussianBlur(blur)), np.float32)
    light = 0.6 + 0.3 * np.linspace(0, 1, 400)[None, :]
    grain = np.random.default_rng(1).normal(0, 5, ink.shape)
    photo = np.clip(ink * light + grain, 0, 255).astype(np.uint8)
    assert "not-ink" not in {notice.code for notice in prepare(photo, SPEC).notices}


def test_mnist_itself_passes_unchanged(shared_data: Path) -> None:
    with np.load(shared_data / "mnist.npz") as data:
        images = data["x_train"][:3000]
    changed = sum(not np.array_equal(prepare_ink(image).pixels[:, :, 0], image) for image in images)
    assert changed <= 3


@pytest.mark.parametrize("room", [1, 40])
def test_paper_around_the_ink_changes_nothing(room: int) -> None:
    """What is laid out is the ink: the sheet around it may be as large as it likes."""
    ink = np.zeros((90, 70), np.float32)
    ink[10:80, 30:38] = 1.0
    ink[10:16, 20:50] = 0.6
    ink[70:74, 5:9] = 0.9  # a mark aside
    bare, around = lay_out(ink), lay_out(np.pad(ink, ((room, 2 * room), (0, room))))
    np.testing.assert_array_equal(bare.pixels, around.pixels)
    assert [notice.code for notice in bare.notices] == [notice.code for notice in around.notices]
