"""What is said of a picture of another kind: only what is so."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.trust import reasons
from desktop.core.trust.domain import look
from desktop.core.types import DomainVerdict


def standard(values: np.ndarray, **changed: float) -> np.ndarray:
    """No statistic stands out, but for those given by place."""
    found = np.zeros(len(values))
    for place, value in changed.items():
        found[int(place.strip("_"))] = value
    return found


def looked(pixels: np.ndarray) -> np.ndarray:
    result: np.ndarray = look(pixels[np.newaxis])[0]
    return result


def test_noise_and_blanks_are_told_from_everything_else() -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:64, 0:64]
    soft = (127 + 80 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    for channels in (1, 3):
        blank = np.full((64, 64, channels), 90, np.uint8)
        noise = rng.integers(0, 256, (64, 64, channels), dtype=np.uint8)
        board = np.repeat((((x + y) % 2) * 255).astype(np.uint8)[..., None], channels, axis=2)
        wave = np.repeat(soft[..., None], channels, axis=2)
        none = np.zeros(looked(blank).shape)
        assert reasons.measured(looked(blank), none) == ("plain",)
        assert reasons.measured(looked(noise), none) == ("grain",)
        assert reasons.measured(looked(board), none) == () == reasons.measured(looked(wave), none)


@pytest.mark.parametrize(("place", "value", "code"), [
    ("_0", 3.0, "lighter"), ("_0", -3.0, "darker"), ("_2", 4.0, "contrasty"), ("_2", -4.0, "flat"),
    ("_21", 3.0, "colourful"),
])  # fmt: skip
def test_what_lies_beyond_nearly_all_training_pictures_is_named(place: str, value: float, code: str) -> None:
    x = np.mgrid[0:64, 0:64][1]
    row = looked(np.repeat((127 + 80 * np.sin(x / 9)).astype(np.uint8)[..., None], 3, axis=2))
    assert reasons.measured(row, standard(row, **{place: value})) == (code,)
    assert reasons.measured(row, standard(row, **{place: value / 2})) == ()


def test_a_flagged_picture_never_goes_without_a_word() -> None:
    assert reasons.told(DomainVerdict(1.2, False)) == ("unlike",)
    assert reasons.told(DomainVerdict(1.2, False, ("darker", "flat", "colourful"))) == ("darker", "flat")
    assert reasons.told(DomainVerdict(1.2, False, ("no such code",))) == ("unlike",)
    assert reasons.told(DomainVerdict(0.2, True, ("darker",))) == () == reasons.told(None)
