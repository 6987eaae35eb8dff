"""The gate's numbers: what is read is what was written, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from desktop.core.trust.domain import Gate, features, from_json, look
from desktop.core.types import StoreError


def gate() -> Gate:
    """A gate over the look of grey pictures alone that flags what is far from mid grey."""
    size = look(np.zeros((1, 8, 8, 1), np.uint8)).shape[1]
    return Gate(
        shift=np.full(size, 0.5),
        scale=np.ones(size),
        look_axes=np.eye(size) * 10,
        look_means=np.zeros((1, size)),
        axes=np.eye(size)[:, :2],
        within=np.eye(2),
        means=np.zeros((1, 2)),
        weights=np.zeros((size, 3)),
        bias=np.array([0.0, 1.0, 2.0]),
        middle=np.zeros(3),
        spread=np.ones(3),
        share=np.ones(3),
        kinds=("noise", "flat"),
        centre=0.0,
        limit=2.0,
    )


def test_reading_gives_what_was_written() -> None:
    before = gate()
    after = from_json(before.to_json())
    for field in fields(Gate):
        np.testing.assert_allclose(getattr(after, field.name), getattr(before, field.name), rtol=1e-3) if isinstance(
            getattr(before, field.name), np.ndarray
        ) else None
    assert (after.kinds, after.centre, after.limit) == (before.kinds, before.centre, before.limit)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 3},
        {"views": ["look", "features"]},
        {"views": ["look", "features", "foreign", "tones"]},
        {"limit": "high"},
        {"limit": -1.0},
        {"kinds": ["noise"]},
        {"scale": {"shape": [17], "type": "float32", "data": "AAAA"}},
        {"scale": {"shape": [17], "type": "object", "data": ""}},
        {"scale": {"shape": [10**9, 10**9], "type": "float32", "data": ""}},
        {"middle": {"shape": [3], "type": "float32", "data": "AADAfwAAwH8AAMB/"}},  # not a number, three times
        {"extra": 1},
        {"spread": None},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    raw = json.loads(gate().to_json()) | change
    with pytest.raises(StoreError) as caught:
        from_json(json.dumps(raw))
    assert caught.value.kind == "damaged"


def test_a_gate_of_an_earlier_version_goes_on_without_tones() -> None:
    raw = json.loads(gate().to_json()) | {"schema": 1}
    del raw["views"]
    earlier = from_json(json.dumps(raw))
    assert not earlier.toned and earlier.views == ("look", "features", "foreign")
    row = features(np.full((1, 8, 8, 1), 30, np.uint8), None, None)
    np.testing.assert_array_equal(earlier.scores(row), from_json(gate().to_json()).scores(row))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000])
def test_what_is_no_gate_is_refused(text: str) -> None:
    with pytest.raises(StoreError):
        from_json(text)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3), (4, 4, 1), (224, 224, 3), (1, 300, 1)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_every_size_of_input_has_a_finite_look(shape: tuple[int, int, int], value: int) -> None:
    found = look(np.full((2, *shape), value, np.uint8))
    assert found.shape == (2, 17 if shape[2] == 1 else 22) and np.isfinite(found).all()


def test_outputs_that_a_network_lacks_are_left_out() -> None:
    pixels = np.zeros((3, 8, 8, 1), np.uint8)
    assert features(pixels, None, None).shape == (3, 17)
    assert features(pixels, np.ones((3, 5)), np.ones((3, 2, 2, 7))).shape == (3, 5 + 7 + 7 + 17)


def test_numbers_that_are_none_are_flagged_not_passed() -> None:
    broken = np.full((1, 17), np.nan)
    verdict = gate().verdicts(broken)[0]
    assert not verdict.inside and verdict.score == 99.0
