"""Digits and other characters that are made by program for the gate of a digit model."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.data import drawn_digits, invented

DIGITS = PreprocessSpec(28, 28, "grey", "mnist", "area")


@pytest.mark.parametrize("kind", drawn_digits.KINDS)
def test_each_digit_is_drawn_as_often_and_laid_out_as_the_network_takes_it(kind: str) -> None:
    pictures, values = drawn_digits.make(kind, 20, DIGITS, np.random.default_rng(2))
    assert pictures.shape == (20, 28, 28, 1) and pictures.dtype == np.uint8
    assert np.bincount(values).tolist() == ([0, 20] if kind == "upright" else [2] * 10)
    assert pictures.max(axis=(1, 2, 3)).min() > 150 and (pictures[:, 0] == 0).all()
    again, _ = drawn_digits.make(kind, 20, DIGITS, np.random.default_rng(2))
    np.testing.assert_array_equal(again, pictures)
    assert (drawn_digits.make(kind, 20, DIGITS, np.random.default_rng(3))[0] != pictures).any(axis=(1, 2, 3)).all()


def test_a_one_may_be_a_plain_stroke() -> None:
    rng = np.random.default_rng(1)
    ones = [drawn_digits.strokes(1, rng) for _ in range(40)]
    plain = [strokes for strokes in ones if len(strokes) == 1 and len(strokes[0]) == 2]
    assert 5 < len(plain) < 30


def test_some_ones_are_upright_to_the_pixel() -> None:
    """As a mouse draws that is pulled straight down: a gate that saw leaning ones alone took it for no digit."""
    rng = np.random.default_rng(1)
    sheets = [drawn_digits.picture("drawn", 1, rng) for _ in range(60)]
    inked = [np.abs(sheet.astype(int) - int(np.median(sheet))) > 60 for sheet in sheets]
    columns = [np.unique(ink[ink.any(axis=1)][8:-8].argmax(axis=1)) for ink in inked if ink.any(axis=1).sum() > 30]
    assert 5 < sum(len(first) == 1 for first in columns) < 30


def test_an_upright_one_is_one_line_at_the_same_place_in_every_row() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        sheet = drawn_digits.picture("upright", 1, rng).astype(int)
        ink = np.abs(sheet - int(np.median(sheet))) > 60
        rows = np.flatnonzero(ink.any(axis=1))
        middle = ink[rows[len(rows) // 2]]
        assert len(rows) >= 0.2 * len(sheet) and middle.sum() < len(rows)
        straight = [np.array_equal(ink[row], middle) for row in rows]
        assert sum(straight) >= len(rows) - middle.sum() - 2  # all but the round ends


def test_what_is_like_a_digit_is_no_foreign_character() -> None:
    rng = np.random.default_rng(4)
    digits, _ = drawn_digits.make("drawn", 20, DIGITS, rng)
    letters = np.stack([prepare(255 - invented.foreign_letter(rng), DIGITS).pixels for _ in range(20)])
    assert len(invented.unlike(digits, digits)) == 0
    left = invented.unlike(np.concatenate([letters, digits[:5]]), digits)
    assert 15 <= len(left) <= 20
    characters = [invented.character(rng) for _ in range(20)]
    assert all(each.shape == (80, 80) and each.max() == 255 for each in characters)
    assert len({each.tobytes() for each in characters}) == 20
