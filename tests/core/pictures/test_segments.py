"""Several digits in one picture: found, kept apart, put in reading order; ruled paper is not ink."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from desktop.core.pictures.mnist_layout import find_ink, lay_out
from desktop.core.pictures.preprocess import prepare
from desktop.core.pictures.ruled_paper import without_rules
from desktop.core.pictures.segments import MOST, Piece
from desktop.core.pictures.segments import split as split_ink
from tests.core.pictures.test_mnist_layout import REFERENCE, SPEC, alike, laid_out, seven
from tests.ml.packaging.digit_styles import samples_module


def split(grey: np.ndarray) -> list[Piece]:
    return split_ink(find_ink(grey)[0])


def side_by_side(values: str, gap: float = 0.05, size: int = 240, width: float = 0.08, hand: int = 0) -> np.ndarray:
    """The digits of ``values`` in a row, ``gap`` parts of ``size`` apart, black on white."""
    draw = samples_module()
    parts = []
    for value in values:
        picture = draw.digit(int(value), hand, size, width)
        columns = np.flatnonzero((picture < 128).any(axis=0))
        parts += [picture[:, columns[0] : columns[-1] + 1], np.full((size, round(gap * size)), 255, np.uint8)]
    return np.pad(np.hstack(parts[:-1]), ((0, 0), (size // 6, size // 6)), constant_values=255)


def ruled(size: tuple[int, int], pitch: int, level: int, thick: int = 2, squared: bool = False) -> np.ndarray:
    """Paper with printed lines, uint8 (height, width) of ``size`` (width, height)."""
    image = Image.new("L", size, 255)
    pen = ImageDraw.Draw(image)
    for y in range(pitch // 3, size[1], pitch):
        pen.line([(0, y), (size[0], y)], fill=level, width=thick)
    for x in range(pitch // 3, size[0], pitch) if squared else ():
        pen.line([(x, 0), (x, size[1])], fill=level, width=thick)
    return np.asarray(image)


def leaning(values: str, gap: int = 10) -> np.ndarray:
    """Two digits that lean to the right, ``gap`` pixels apart in the row of pixels where they are nearest."""
    draw = samples_module()
    first, second = (draw.digit(int(value), 0, 240, 0.04, slant=0.5) < 128 for value in values)
    rows = np.flatnonzero(first.any(axis=1) & second.any(axis=1))
    near = max(int(np.flatnonzero(first[y])[-1] - np.flatnonzero(second[y])[0]) for y in rows)
    sheet = np.zeros((300, 700), bool)
    sheet[30:270, 30:270] = first
    sheet[30:270, 30 + near + gap : 270 + near + gap] |= second
    return np.where(sheet, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("values", ["7", "42", "1986", "111", "35"])
def test_digits_in_a_row_are_found_in_order(values: str) -> None:
    picture = side_by_side(values)
    pieces = split(picture)
    assert len(pieces) == len(values)
    assert [p.box.x for p in pieces] == sorted(p.box.x for p in pieces)
    for piece, value in zip(pieces, values, strict=True):
        alone = prepare(side_by_side(value), SPEC).pixels[:, :, 0]
        assert alike(lay_out(piece.ink).pixels[:, :, 0], alone) > 0.97


def test_one_digit_comes_back_as_it_is() -> None:
    picture = np.asarray(REFERENCE)
    (piece,) = split(picture)
    np.testing.assert_array_equal(lay_out(piece.ink).pixels, prepare(picture, SPEC).pixels)
    ink = picture < 128
    assert piece.box.x == pytest.approx(np.flatnonzero(ink.any(axis=0))[0], abs=2)
    assert piece.box.bottom == pytest.approx(np.flatnonzero(ink.any(axis=1))[-1] + 1, abs=2)


def test_a_loose_bar_and_an_open_four_are_one_digit_each() -> None:
    image = Image.new("L", (420, 260), 255)
    pen = ImageDraw.Draw(image)
    pen.line([(60, 80), (60, 120), (110, 130), (110, 190), (50, 200)], fill=0, width=12)  # a 5 ...
    pen.line([(66, 52), (128, 50)], fill=0, width=12)  # ... and its bar, not touching
    pen.line([(230, 50), (210, 130), (262, 130)], fill=0, width=12)  # a 4 ...
    pen.line([(274, 60), (274, 210)], fill=0, width=12)  # ... whose stem stands apart
    pen.line([(360, 50), (360, 210)], fill=0, width=12)
    assert len(split(np.asarray(image))) == 3


@pytest.mark.parametrize("values", ["71", "51", "11", "15", "91", "12"])
def test_leaning_digits_side_by_side_stay_apart(values: str) -> None:
    assert len(split(leaning(values))) == 2


def test_an_open_four_that_leans_is_one_digit() -> None:
    image = Image.new("L", (300, 260), 255)
    pen = ImageDraw.Draw(image)
    pen.line([(130, 50), (80, 130), (140, 130)], fill=0, width=10)
    pen.line([(190, 60), (120, 210)], fill=0, width=10)
    assert len(split(np.asarray(image))) == 1


def test_two_rows_are_read_one_after_the_other() -> None:
    picture = np.vstack([side_by_side("12"), side_by_side("34")[:, : side_by_side("12").shape[1]]])
    pieces = split(np.pad(picture, 20, constant_values=255))
    assert len(pieces) == 4
    assert max(p.box.bottom for p in pieces[:2]) < min(p.box.y for p in pieces[2:])


def test_specks_are_no_digits_and_a_texture_is_one_picture() -> None:
    dusty = np.asarray(REFERENCE).copy()
    dusty[10:13, 10:13] = 0
    assert len(split(dusty)) == 1
    grid = np.full((400, 400), 255, np.uint8)
    for row in range(6):
        for column in range(6):
            grid[20 + 60 * row : 50 + 60 * row, 20 + 60 * column : 50 + 60 * column] = 0
    (piece,) = split(grid)
    assert MOST < 6 * 6 == piece.untold
    assert split(np.full((100, 100), 200, np.uint8)) == []


def test_white_on_black_and_a_large_photo_give_the_same() -> None:
    picture = side_by_side("303")
    large = np.asarray(Image.fromarray(picture).resize((picture.shape[1] * 4, picture.shape[0] * 4)))
    for other in (255 - picture, large):
        assert len(split(other)) == 3
    factor = large.shape[1] / find_ink(large)[0].shape[1]  # a large picture is reduced
    box = split(large)[2].box.scaled(factor)
    assert box.x == pytest.approx(4 * split(picture)[2].box.x, abs=12)


@pytest.mark.parametrize("level", [205, 110, 40])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("width", [10, 24])
def test_printed_lines_are_left_out(level: int, squared: bool, width: int) -> None:
    image = np.asarray(seven(width=width))
    lined = np.minimum(image, ruled((300, 300), 34, level, squared=squared))
    found = prepare(lined, SPEC)
    assert "ruled" in {notice.code for notice in found.notices}
    assert alike(found.pixels[:, :, 0], laid_out(Image.fromarray(image))) > 0.95


@pytest.mark.parametrize("value", [1, 4, 7, 9])
@pytest.mark.parametrize("squared", [False, True])
def test_a_thin_pen_stays_on_faint_lines(value: int, squared: bool) -> None:
    plain = samples_module().digit(value, 0, 448, 0.016, 0.4)
    lined = np.minimum(plain, ruled((448, 448), 22, 190, thick=2, squared=squared))
    (piece,) = split(lined)
    assert alike(lay_out(piece.ink).pixels[:, :, 0], prepare(plain, SPEC).pixels[:, :, 0]) > 0.95


def test_printed_lines_of_a_large_turned_scan_are_left_out() -> None:
    paper = Image.fromarray(ruled((1400, 1400), 120, 140, thick=4)).rotate(
        1.2, Image.Resampling.BILINEAR, fillcolor=255
    )
    plain = np.asarray(seven((1000, 1000), 60))
    lined = np.minimum(plain, np.asarray(paper)[200:1200, 200:1200])
    found = prepare(lined, SPEC)
    assert "ruled" in {notice.code for notice in found.notices}
    assert alike(found.pixels[:, :, 0], prepare(plain, SPEC).pixels[:, :, 0]) > 0.95


@pytest.mark.parametrize("values", ["7", "1", "11", "110", "4"])
@pytest.mark.parametrize("width", [0.012, 0.08])
def test_a_drawing_is_never_taken_for_printed_lines(values: str, width: float) -> None:
    picture = side_by_side(values, width=width)
    rows, columns = np.nonzero(picture < 200)
    tight = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]  # strokes from edge to edge
    for seen in (picture, tight):
        ink = (255 - seen).astype(np.float32) / 255
        kept, found = without_rules(ink)
        assert kept is ink and not found


def test_digits_on_ruled_paper_are_read_one_by_one() -> None:
    picture = side_by_side("427", gap=0.12)
    lined = np.minimum(picture, ruled((picture.shape[1], picture.shape[0]), 30, 150))
    assert len(split(lined)) == 3
