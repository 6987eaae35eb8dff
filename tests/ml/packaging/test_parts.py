"""Plans, augmentation, splits, calibration and figures, each on its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.data.persons import group_of_name
from desktop.core.pictures.preprocess import prepare
from desktop.ml.data import augment, public_sets
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging import evaluate
from desktop.ml.plans import plan
from tests.ml.packaging.digit_styles import SPEC, samples_module

RECIPES = sorted((Path(__file__).resolve().parents[3] / "resources" / "recipes").glob("*.json"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipes_read_and_write_back(path: Path) -> None:
    found = plan.load(path)
    assert found.id == path.stem
    assert plan.from_json(found.to_json()) == found
    augment.check(found.augment)
    if found.medical:
        assert "not a medical device" in found.card["notice"].lower()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"epochs": 3}, "unknown: epochs"),
        ({"seed": None}, "plan.seed"),
        ({"labels": ["a"]}, "labels found"),
        (
            {"data": {**json.loads(RECIPES[0].read_text(encoding="utf-8"))["data"], "limit": 1}},
            "limit 1 found; expected at least one image of each",
        ),
        ({"decision": {"rule": "coin", "positive": 1, "at_least": None, "perturbed": 0}}, "plan.decision.rule"),
        ({"decision": {"rule": "sensitivity", "positive": 1, "at_least": None, "perturbed": 0}}, "at_least"),
    ],
)
def test_bad_plans_name_the_field(change: dict[str, object], word: str) -> None:
    raw = json.loads(RECIPES[0].read_text(encoding="utf-8")) | change
    with pytest.raises(plan.PlanError, match=word):
        plan.from_json(json.dumps(raw))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", sorted(augment.AUGMENTATIONS))
def test_augmentations_keep_shape_and_repeat(name: str, channels: int) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (6, 32, 24, channels)).astype(np.uint8)
    before = batch.copy()
    settings = {"p": 1.0} if "p" in augment.settings_of(name) else {}
    if name == "affine":
        settings |= {"rotate": 20, "zoom": [0.8, 1.2], "shift": 0.1, "shear": 5, "aspect": 0.2}
    step = plan.Step(name, settings)
    one = augment.apply(batch, [step], np.random.default_rng(3))
    other = augment.apply(batch, [step], np.random.default_rng(3))
    assert one.shape == batch.shape and one.dtype == np.uint8
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(batch, before)


def digit_pictures() -> np.ndarray:
    """Thirty drawn ones, sevens and threes as MNIST lays them out, uint8 (30, 28, 28, 1), in this order by tens."""
    draw = samples_module()
    drawn = [draw.digit(value, seed % draw.HANDS, seed=seed) for value in (1, 7, 3) for seed in range(10)]
    return np.stack([prepare(picture, SPEC).pixels for picture in drawn])


def test_european_hands_change_ones_and_sevens_alone() -> None:
    pictures, labels = digit_pictures(), np.repeat([1, 7, 3], 10)
    step = plan.Step("european", {"p": 1.0})
    facts = augment.BatchFacts(labels, np.arange(30), 0)
    written = augment.apply(pictures, [step], np.random.default_rng(5), facts)
    changed = (written != pictures).any(axis=(1, 2, 3))
    assert changed[:20].all() and not changed[20:].any()
    # An upstroke widens a 1; what comes out is laid out as MNIST's own digits are and passes the app unchanged.
    wide = [np.ptp(np.nonzero(picture[:, :, 0] > 60)[1]) for picture in (*pictures[:10], *written[:10])]
    assert np.mean(wide[10:]) > np.mean(wide[:10])
    again = np.stack([prepare(picture[:, :, 0], SPEC).pixels for picture in written])
    assert (again == written).all(axis=(1, 2, 3)).mean() > 0.9


def test_european_hands_need_labels_and_digits() -> None:
    pictures = digit_pictures()
    step = plan.Step("european", {"p": 1.0})
    np.testing.assert_array_equal(augment.apply(pictures, [step], np.random.default_rng(5)), pictures)
    colour = np.zeros((2, 32, 32, 3), np.uint8)
    with pytest.raises(plan.PlanError, match="found pictures of 32×32×3; 28×28×1 expected"):
        augment.apply(colour, [step], np.random.default_rng(5), augment.BatchFacts(np.ones(2, int), np.arange(2), 0))


def test_alternating_flips_show_both_sides_in_two_epochs() -> None:
    batch = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3)).astype(np.uint8)
    step, numbers = plan.Step("flip", {"alternate": True}), np.arange(100, 164)
    one, two, three = (
        augment.apply(batch, [step], np.random.default_rng(e), augment.BatchFacts(numbers, numbers, e))
        for e in range(3)
    )
    np.testing.assert_array_equal(one, two[:, :, ::-1])
    np.testing.assert_array_equal(one, three)
    assert 16 < (one == batch).all(axis=(1, 2, 3)).sum() < 48  # a fair coin a picture, not all at once


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_mixed_pictures_have_mixed_targets(name: str) -> None:
    """Every picture is of its class's own grey, so the pixels tell what the targets must say."""
    labels = np.repeat(np.arange(4), 16)
    batch = np.broadcast_to((labels * 60).astype(np.uint8)[:, None, None, None], (64, 20, 24, 3))
    targets = np.eye(4, dtype=np.float32)[labels]
    facts = augment.BatchFacts(labels, np.arange(64), 0, targets)
    mixed = augment.apply(batch, [plan.Step(name, {"p": 0.75, "alpha": 1.0})], np.random.default_rng(2), facts)
    changed = (mixed != batch).any(axis=(1, 2, 3))
    assert 16 < changed.sum() < 60
    np.testing.assert_array_equal(targets[~changed].argmax(axis=1), labels[~changed])
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-6)
    # The mean grey is the targets' mean of the classes' greys: to a rounding for blends, exactly for parts.
    np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)), targets @ (np.arange(4) * 60.0), atol=0.51)
    if name == "cutmix":
        assert set(np.unique(mixed)) <= {0, 60, 120, 180}


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_without_targets_nothing_is_mixed(name: str) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
    step = plan.Step(name, {"p": 1.0})
    np.testing.assert_array_equal(augment.apply(batch, [step], np.random.default_rng(1)), batch)


def test_unknown_augmentation_is_refused() -> None:
    with pytest.raises(plan.PlanError, match="no augmentation 'twist'"):
        augment.check([plan.Step("twist")])
    with pytest.raises(plan.PlanError, match="no setting size"):
        augment.check([plan.Step("flip", {"size": 1})])


def test_persons_stay_on_one_side() -> None:
    names = [f"train/PNEUMONIA/person{i // 3}_bacteria_{i}.jpeg" for i in range(90)]
    names += [f"train/NORMAL/IM-{i // 2:04d}-{i:04d}.jpeg" for i in range(40)]
    labels = np.array([1] * 90 + [0] * 40)
    pictures = Pictures(np.zeros((130, 2, 2, 1), np.uint8), labels, tuple(names))
    recipe = next(p for p in RECIPES if p.stem == "chest-xray-pneumonia")
    training, validation = public_sets.cut_validation(pictures, plan.load(recipe))
    assert not {group_of_name(n) for n in training.names} & {group_of_name(n) for n in validation.names}
    assert len(training) + len(validation) == 130
    assert set(validation.labels.tolist()) == {0, 1}


def test_people_are_counted_by_what_lies_inside_a_class() -> None:
    chosen = plan.load(next(p for p in RECIPES if p.stem == "chest-xray-pneumonia"))
    chosen = replace(chosen, data=replace(chosen.data, classes=("case-1", "case-2")))
    names = ("train/case-1/patient_1/a.png", "train/case-1/patient_1/b.png", "train/case-1/c.png", "train/case-2/c.png")
    pictures = Pictures(np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 0, 0, 1]), names)
    assert evaluate._people(pictures, chosen).tolist() == [0, 0, 1, 2]  # type: ignore[union-attr]


@pytest.mark.parametrize(("truth", "missing"), [(0, "PNEUMONIA"), (1, "NORMAL")])
@pytest.mark.parametrize("rule", ["balanced", "sensitivity"])
def test_without_one_of_the_classes_no_threshold_is_chosen(truth: int, missing: str, rule: Any) -> None:
    from desktop.ml.packaging import decide

    recipe = plan.load(next(path for path in RECIPES if path.stem == "chest-xray-pneumonia"))
    chosen = plan.DecisionPlan(rule, 1, 0.9 if rule == "sensitivity" else None)
    images = np.zeros((4, 2, 2, 1), np.uint8)
    validation = Pictures(images, np.full(4, truth), ("a", "b", "c", "d"))
    scores = np.tile([[0.4, 0.6]], (4, 1))
    nothing: Any = None  # the network is not asked
    made = decide.decide(
        replace(recipe, labels=("NORMAL", "PNEUMONIA"), decision=chosen), nothing, 1.0, scores, validation
    )
    assert made.rule == "argmax" and made.value is None and f"no picture of '{missing}'" in made.reason
