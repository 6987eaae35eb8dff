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


def test_beyond_2_6_deviations_is_what_stands_out() -> None:
    row = np.zeros(22)
    for value, found in ((2.6, ()), (2.61, ("lighter",)), (-2.6, ()), (-2.61, ("darker",))):
        row[0] = value
        assert reasons.measured(row) == found
    row[:] = 0
    row[21] = -9  # fewer colours than nearly all: nothing is said of it
    row[2] = 3
    assert reasons.measured(row) == ("contrasty",)
    row[:] = 9
    assert reasons.measured(row[:2]) == ("lighter",)  # a look without these places
    assert reasons.measured(row[:3]) == ("contrasty", "lighter") and len(reasons.measured(row)) == 3


def test_each_reason_says_what_was_measured() -> None:
    said = {
        code: text.replace(" nearly all pictures the model learned from", " …")
        for code, text in reasons.REASONS.items()
    }
    assert said == {
        "unlike": "It is unlike the pictures that the model learned from.",
        "several": "Several pieces of ink stand apart in it; the model reads one digit.",
        "too-many": "It holds more pieces of ink than are read one by one.",
        "paper": "Much of it is neither paper nor ink.",
        "lighter": "It is lighter than ….",
        "darker": "It is darker than ….",
        "contrasty": "It has more contrast than ….",
        "flat": "It has less contrast than ….",
        "colourful": "It is more colourful than ….",
    }
    assert (reasons.UNLIKE, reasons.CONTEXT, reasons.MOST) == ("unlike", "Reasons", 2)
    assert reasons.NOTICED == ("several", "too-many", "paper") and set(reasons.NOTICED) < set(reasons.REASONS)


def test_a_reason_is_told_once() -> None:
    assert reasons.told(DomainVerdict(1.2, False, ("flat", "flat", "darker"))) == ("flat", "darker")
    assert reasons.told(DomainVerdict(1.2, False, ("gone", "flat"))) == ("flat",)
