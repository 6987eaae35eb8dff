"""What is said of a picture of another kind: only what is so."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.trust import reasons
from desktop.core.types import DomainVerdict


@pytest.mark.parametrize(("place", "value", "code"), [
    (0, 3.0, "lighter"), (0, -3.0, "darker"), (2, 4.0, "contrasty"), (2, -4.0, "flat"),
    (21, 3.0, "colourful"),
])  # fmt: skip
def test_what_lies_beyond_nearly_all_training_pictures_is_named(place: int, value: float, code: str) -> None:
    row = np.zeros(22)  # nothing stands out but this
    row[place] = value
    assert reasons.measured(row) == (code,)
    assert reasons.measured(row / 2) == ()
    assert reasons.measured(row[:17]) == ((code,) if place < 17 else ())  # grey pictures have no colours


def test_the_gravest_comes_first() -> None:
    row = np.zeros(22)
    row[0], row[2] = -3, -5
    assert reasons.measured(row) == ("flat", "darker")


def test_a_flagged_picture_never_goes_without_a_word() -> None:
    assert reasons.told(DomainVerdict(1.2, False)) == ("unlike",)
    assert reasons.told(DomainVerdict(1.2, False, ("darker", "flat", "colourful"))) == ("darker", "flat")
    assert reasons.told(DomainVerdict(1.2, False, ("no such code",))) == ("unlike",)
    assert reasons.told(DomainVerdict(0.2, True, ("darker",))) == () == reasons.told(None)
