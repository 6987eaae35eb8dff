"""The head of a labelling project: what it says of pictures held out is what heads trained without them say."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.ml.teaching import kernels as module
from desktop.ml.teaching.accuracy import PARTS, accuracy_of, curve_of, drawn, parts_of
from desktop.ml.teaching.kernels import Kernels, KnownSystem
from desktop.ml.teaching.ridge import BIAS, PENALTIES, Scaling, inverse_of, kernel_of, softmax, solve, unknown_of
from desktop.ml.training.linear_heads import suiting_temperature


def rows_of(count: int, size: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    middles = rng.normal(size=(classes, size)) * 1.5
    return (middles[labels] + rng.normal(size=(count, size)) * 2).astype(np.float32), labels


def by_definition(rows: np.ndarray, labels: np.ndarray, classes: int, penalty: float, held: np.ndarray) -> np.ndarray:
    """Answers for ``held`` pictures of a head solved without them, in plain linear algebra."""
    counts = np.bincount(labels, minlength=classes)
    weight = 2 ** (np.round(8 * np.log2(np.clip(np.sqrt(counts.mean() / counts)[labels], 0.5, 2.0))) / 8)
    kept = np.setdiff1d(np.arange(len(labels)), held)
    full = np.concatenate([rows, np.full((len(rows), 1), BIAS)], axis=1).astype(np.float64)
    x, w, y = full[kept], weight[kept], np.eye(classes)[labels[kept]]
    system = x.T @ (w[:, None] * x) + penalty * np.eye(full.shape[1])
    return np.asarray(full[held] @ np.linalg.solve(system, x.T @ (w[:, None] * y)))


@pytest.mark.parametrize(("count", "size"), [(60, 120), (200, 40)])
def test_held_out_answers_are_those_of_heads_without_them(count: int, size: int) -> None:
    """In both forms, for pictures alone and for groups."""
    rows, labels = rows_of(count, size, 3)
    parts = np.arange(count)
    parts[:12] = parts[12:24] = 1000  # a person with many pictures
    head = solve(rows, labels, 3, parts, (30.0,))
    for held in (np.flatnonzero(parts == 1000), np.array([30]), np.array([count - 1])):
        expected = by_definition(rows, labels, 3, 30.0, held)
        found = np.log(head.held_out[held])
        found = found - found.mean(axis=1, keepdims=True)
        wanted = (expected - expected.mean(axis=1, keepdims=True)) * head.sharpness
        assert np.abs(found - wanted).max() < 0.02 * max(1.0, np.abs(wanted).max())


def test_scores_sum_to_one_and_tell_the_classes_apart() -> None:
    rows, labels = rows_of(300, 64, 4)
    scaling = Scaling.of(rows, (40, 24))
    scaled = scaling.scaled(rows)
    assert abs(float((scaled**2).sum(axis=1).mean()) - 100) < 40 and np.abs(scaled.mean(axis=0)).max() < 1e-3
    head = solve(scaled[:200], labels[:200], 4, np.arange(200))
    scores = head.scores(scaled[200:])
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert (scores.argmax(axis=1) == labels[200:]).mean() > 0.85


def test_the_inverse_is_one() -> None:
    rng = np.random.default_rng(2)
    half = rng.normal(size=(50, 70)).astype(np.float32)
    system = half @ half.T + 5 * np.eye(50, dtype=np.float32)
    assert np.abs(inverse_of(system) @ system - np.eye(50)).max() < 1e-3
    singular = np.ones((5, 5), np.float32)
    assert np.isfinite(inverse_of(singular)).all()


def test_a_curve_rises_with_labels_and_says_what_more_would_bring() -> None:
    rows, labels = rows_of(240, 64, 4, 5)
    scaled = Scaling.of(rows, (64,)).scaled(rows)
    curve = curve_of(scaled[:200], labels[:200], np.arange(200), np.ones(200, bool), 30.0)
    assert curve is not None and curve.then is not None and curve.more == 50
    values = [point.accuracy.value for point in curve.points]
    assert curve.points[-1].labels == 200 and all(value is not None for value in values)
    assert values[-1] > values[0] and curve.then.value >= values[-1]  # type: ignore[operator]
    assert curve.then.low <= curve.then.value <= curve.then.high  # type: ignore[operator]
    few = curve_of(scaled[:8], labels[:8], np.arange(8), np.ones(8, bool), 30.0)
    assert few is not None and few.then is None and few.reason
    assert curve_of(scaled, labels, np.arange(240), np.ones(240, bool), 30.0, stale=lambda: True) is None


def test_an_accuracy_of_groups_is_wider() -> None:
    scores = np.eye(2)[np.arange(100) % 2].astype(np.float32)
    targets = np.where(np.arange(100) < 80, np.arange(100) % 2, 1 - np.arange(100) % 2)
    alone = accuracy_of(scores, targets, np.arange(100))
    grouped = accuracy_of(scores, targets, np.arange(100) // 10)
    assert alone.value == grouped.value == 0.8
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


def test_the_accuracy_rests_on_the_first_of_the_draw() -> None:
    rng = np.random.default_rng(0)
    draw = rng.random(400)
    order = np.argsort(draw)
    labelled = np.zeros(400, bool)
    labelled[order[:60]] = labelled[order[300:350]] = True  # the last ones were chosen for another reason
    assert np.array_equal(np.flatnonzero(drawn(draw, labelled)), np.sort(order[:60]))
    labelled[order[[10, 30]]] = False  # nobody could tell what these are
    assert drawn(draw, labelled).sum() == 58
    assert not drawn(draw, np.zeros(400, bool)).any() and drawn(draw, np.ones(400, bool)).all()
    labelled[:] = False
    labelled[order[5:200]] = True  # the very first are missing
    assert drawn(draw, labelled).sum() == 195


def test_a_system_that_is_mended_is_that_made_anew() -> None:
    rng = np.random.default_rng(4)
    scaled = rng.normal(0, 1, (60, 80)).astype(np.float32)
    labels = np.arange(60) % 3
    kernels = Kernels()
    steps = [np.arange(40), np.arange(41), np.arange(47), np.delete(np.arange(47), [3, 20]), np.arange(1, 60)[::-1]]
    for chosen in [*steps, np.arange(12), np.arange(60)]:
        known = KnownSystem(kernels, chosen, scaled[chosen])
        mended = solve(scaled[chosen], labels[chosen], 3, chosen, (30.0,), known)
        anew = solve(scaled[chosen], labels[chosen], 3, chosen, (30.0,))
        assert mended.inverse is not None and anew.inverse is not None
        np.testing.assert_allclose(mended.inverse, anew.inverse, atol=2e-5)
        np.testing.assert_allclose(mended.held_out, anew.held_out, atol=2e-4)
        np.testing.assert_allclose(mended.kernel, anew.kernel, atol=2e-4)


def test_the_inverse_is_mended_and_not_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(module, "inverse_of", lambda system: (made.append(len(system)), inverse_of(system))[1])
    rng = np.random.default_rng(4)
    scaled = rng.normal(0, 1, (300, 400)).astype(np.float32)
    labels, kernels = np.arange(300) % 3, Kernels()
    for count in range(240, 300, 3):  # one more of each class: the classes weigh as before
        chosen = np.arange(count)
        solve(scaled[chosen], labels[chosen], 3, chosen, (30.0,), KnownSystem(kernels, chosen, scaled[chosen]))
    assert made == [240]


def test_parts_keep_groups_together_and_spread_each_class() -> None:
    rng = np.random.default_rng(3)
    targets = np.repeat(np.arange(3), [50, 25, 7])
    groups = np.arange(82)
    groups[:3] = groups[60:62] = 900  # one person, of two classes
    parts = parts_of(targets, groups, rng.random(82))
    assert len(np.unique(parts)) == PARTS and len(np.unique(parts[groups == 900])) == 1
    for kind in range(3):
        alone = (targets == kind) & (groups != 900)
        counts = np.bincount(parts[alone], minlength=PARTS)
        assert counts.max() - counts.min() <= 1
    assert sorted(parts_of(targets[:3], np.arange(3)).tolist()) == [0, 1, 2]


def test_pictures_that_say_nothing_are_right_as_often_as_chance() -> None:
    """Left out one by one they would be wrong nearly always: each class has one picture fewer where it is asked for."""
    rng = np.random.default_rng(8)
    right = []
    for _ in range(30):
        targets, rows = np.arange(40) % 2, rng.normal(0, 0.1, (40, 60)).astype(np.float32)
        head = solve(rows, targets, 2, parts_of(targets, np.arange(40)), (30.0,))
        right.append((head.held_out.argmax(axis=1) == targets).mean())
    assert 0.4 < np.mean(right) < 0.6


UNEVEN = np.repeat(np.arange(5), [70, 2, 2, 2, 10])
"""So uneven that the weights of both ends are cut at a half and at twice; the last class's lies between two steps."""


def uneven(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of uneven classes, and parts of which some are of two and of three."""
    rng = np.random.default_rng(11)
    middles = rng.normal(size=(5, size)) * 1.5
    parts = np.arange(len(UNEVEN))
    parts[1], parts[3], parts[4], parts[72] = parts[0], parts[2], parts[2], parts[71]
    return (middles[UNEVEN] + rng.normal(size=(len(UNEVEN), size)) * 2).astype(np.float32), parts


@pytest.mark.parametrize("size", [85, 86, 120])
def test_every_held_out_answer_and_the_head_itself_by_definition(size: int) -> None:
    """Whatever form the system has: 86 pictures on fewer, as many and more features."""
    rows, parts = uneven(size)
    head = solve(rows, UNEVEN, 5, parts)
    assert head.penalty == PENALTIES[0] == 30.0 and (head.inverse is None) is (size < len(UNEVEN))
    raw = np.empty((len(UNEVEN), 5))
    for part in np.unique(parts):
        held = np.flatnonzero(parts == part)
        raw[held] = left_out(rows, held)
    assert head.sharpness == pytest.approx(1 / suiting_temperature(raw, UNEVEN), rel=1e-2)
    np.testing.assert_allclose(head.held_out, softmax(raw * head.sharpness), atol=2e-3)
    whole = left_out(rows, np.zeros(0, int), rows)
    np.testing.assert_allclose(rows @ head.kernel + head.bias, whole, atol=2e-3)
    np.testing.assert_allclose(head.scores(rows), softmax(whole * head.sharpness), atol=2e-3)


def left_out(rows: np.ndarray, held: np.ndarray, asked: np.ndarray | None = None) -> np.ndarray:
    """As :func:`by_definition`, with the weights of all pictures, those held out among them."""
    counts = np.bincount(UNEVEN)
    weight = 2 ** (np.round(8 * np.log2(np.clip(np.sqrt(counts.mean() / counts)[UNEVEN], 0.5, 2.0))) / 8)
    kept = np.setdiff1d(np.arange(len(UNEVEN)), held)
    full = np.concatenate([rows, np.full((len(rows), 1), BIAS)], axis=1).astype(np.float64)
    x, w, y = full[kept], weight[kept], np.eye(5)[UNEVEN[kept]]
    solved = np.linalg.solve(x.T @ (w[:, None] * x) + 30 * np.eye(full.shape[1]), x.T @ (w[:, None] * y))
    return np.asarray((full if asked is not None else full[held]) @ solved)


def test_the_penalty_with_the_lowest_loss_on_pictures_held_out_counts() -> None:
    rows, parts = uneven(120)
    losses = []
    for penalty in (3000.0, 30.0, 0.01):
        scores = solve(rows, UNEVEN, 5, parts, (penalty,)).held_out
        losses.append(-np.log(np.maximum(scores[np.arange(len(UNEVEN)), UNEVEN], 1e-9)).mean())
    best = (3000.0, 30.0, 0.01)[int(np.argmin(losses))]
    for order in ((3000.0, 30.0, 0.01), (0.01, 30.0, 3000.0), (30.0, 0.01, 3000.0)):
        assert solve(rows, UNEVEN, 5, parts, order).penalty == best


def test_what_a_head_does_not_know_is_that_of_a_gaussian_process() -> None:
    rng = np.random.default_rng(7)
    learned, rows, others = (rng.normal(size=(count, 12)).astype(np.float32) for count in (10, 4, 6))
    labels = np.arange(10) % 2
    head = solve(learned, labels, 2, np.arange(10))
    full = [np.concatenate([each, np.full((len(each), 1), BIAS)], axis=1) for each in (learned, rows, others)]
    a, b, c = (each.astype(np.float64) for each in full)
    inverse = np.linalg.inv(a @ a.T + 30 * np.eye(10))
    np.testing.assert_allclose(kernel_of(rows, others), b @ c.T, rtol=1e-5)
    covariance, variance = unknown_of(head, learned, rows, others)
    np.testing.assert_allclose(covariance, b @ c.T - b @ a.T @ inverse @ a @ c.T, atol=1e-3)
    np.testing.assert_allclose(variance, np.diag(b @ b.T - b @ a.T @ inverse @ a @ b.T), atol=1e-3)


def test_scores_that_are_far_apart_stay_numbers() -> None:
    found = softmax(np.array([[1000.0, 0.0, 1000.0], [0.0, np.log(3.0), 0.0]]))
    np.testing.assert_allclose(found, [[0.5, 0, 0.5], [0.2, 0.6, 0.2]], atol=1e-6)
    assert found.dtype == np.float32 and softmax(np.array([0.0, np.log(3.0)])).tolist() == pytest.approx([0.25, 0.75])


def test_a_class_of_one_picture_weighs_as_one() -> None:
    rows = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    head = solve(rows, np.array([0, 0, 1]), 2, np.arange(3))
    weight = 2 ** (np.round(8 * np.log2(np.sqrt(1.5 / np.array([2, 2, 1])))) / 8)
    full = np.concatenate([rows, np.full((3, 1), BIAS)], axis=1).astype(np.float64)
    system = full.T @ (weight[:, None] * full) + 30 * np.eye(6)
    whole = full @ np.linalg.solve(system, full.T @ (weight[:, None] * np.eye(2)[[0, 0, 1]]))
    np.testing.assert_allclose(rows @ head.kernel + head.bias, whole, atol=1e-4)


def test_a_system_that_has_no_inverse_gets_the_nearest_to_one() -> None:
    singular = np.diag([2.0, 0.0, 4.0]).astype(np.float32)
    np.testing.assert_allclose(inverse_of(singular), np.diag([0.5, 0.0, 0.25]), atol=1e-6)
    whole = np.array([[4.0, 1.0], [1.0, 3.0]], np.float32)
    np.testing.assert_allclose(inverse_of(whole), np.array([[3.0, -1.0], [-1.0, 4.0]]) / 11, atol=1e-6)
