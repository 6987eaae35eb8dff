"""What the forms know of the augmentations is what these are, and bad values are refused before a training starts."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.ml.data import augment
from desktop.ml.plans import augment_spec
from desktop.ml.plans.plan import PlanError, Step


def test_the_description_fits_the_functions() -> None:
    assert augment_spec.AUGMENTATIONS.keys() == augment.AUGMENTATIONS.keys()
    for name, function in augment.AUGMENTATIONS.items():
        own = {
            key: parameter.default
            for key, parameter in list(inspect.signature(function).parameters.items())[2:]
            if key != "facts"
        }
        assert augment_spec.settings_of(name) == own


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "resources" / "recipes").glob("*.json")))
def test_the_recipes_pass(path: Path) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    augment_spec.check(Step(step["name"], step["settings"]) for step in raw["augment"])


@pytest.mark.parametrize(
    ("name", "bad", "word"),
    [
        ("affine", {"rotate": "much"}, "number"),
        ("affine", {"rotate": 400}, "180"),
        ("affine", {"zoom": [1.2, 0.8]}, "smaller first"),
        ("affine", {"zoom": 1.2}, "two numbers"),
        ("affine", {"border": "mirror"}, "wrap"),
        ("flip", {"p": float("nan")}, "number"),
        ("flip", {"p": True}, "number"),
        ("flip", {"alternate": 1}, "true or false"),
        ("shift", {"pixels": 1.5}, "whole"),
        ("flip", {"size": 1}, "no setting size"),
        ("twist", {}, "no augmentation 'twist'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(name: str, bad: dict[str, Any], word: str) -> None:
    with pytest.raises(PlanError) as caught:
        augment_spec.check([Step(name, bad)])
    assert word in caught.value.message


def values(setting: augment_spec.Setting) -> st.SearchStrategy[Any]:
    number = st.floats(setting.low, setting.high)
    return {
        "number": number,
        "whole": st.integers(int(setting.low), int(setting.high)),
        "range": st.tuples(number, number).map(sorted),
        "choice": st.sampled_from(setting.choices or ("",)),
        "switch": st.booleans(),
    }[setting.kind]


@pytest.mark.parametrize("name", sorted(augment_spec.AUGMENTATIONS))
def test_whatever_the_bounds_allow_can_be_done(name: str) -> None:
    described = augment_spec.AUGMENTATIONS[name].settings
    facts = augment.BatchFacts(np.arange(4) % 2, np.arange(4), 0, np.eye(2, dtype=np.float32)[np.arange(4) % 2])
    batch = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), np.uint8)

    @settings(max_examples=15, deadline=None)
    @given(st.fixed_dictionaries({key: values(setting) for key, setting in described.items()}))
    def inner(chosen: dict[str, Any]) -> None:
        step = Step(name, chosen)
        augment_spec.check([step])
        if name == "shift" and chosen["pixels"] >= 28:
            return  # wider than these pictures
        result = augment.apply(batch, [step], np.random.default_rng(1), facts)
        assert result.shape == batch.shape and result.dtype == np.uint8

    inner()


def test_what_comes_in_from_outside() -> None:
    picture = np.zeros((1, 8, 8, 1), np.uint8)
    picture[0, :, 7] = 200
    seen = {}
    for border in augment_spec.BORDERS:
        moved = augment.apply(np.repeat(picture, 64, 0), [Step("affine", {"shift": 0.4, "border": border})],
                              np.random.default_rng(0))  # fmt: skip
        seen[border] = moved
    assert all(not np.array_equal(seen[a], seen[b]) for a in seen for b in seen if a < b)
    turned = augment.apply(picture, [Step("flip_vertical", {"p": 1.0})], np.random.default_rng(0))
    np.testing.assert_array_equal(turned, picture[:, ::-1])
