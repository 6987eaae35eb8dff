"""The gate as it is fitted: on pictures drawn here, with features of their look alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from desktop.core.trust import domain as scorer
from desktop.core.types import PreprocessSpec
from desktop.ml.data import disturbed, drawn_digits, outliers
from desktop.ml.packaging import fit_domain_gate, gate_pictures

SPEC = PreprocessSpec(24, 24, "rgb", "stretch", "area")


def look(images: np.ndarray) -> np.ndarray:
    return scorer.features(images, None, None, toned=True)


def scenes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Little landscapes of two classes: a blue or an orange sky over dark ground, with a bright disc."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:24, 0:24]
    images, labels = np.empty((count, 24, 24, 3), np.uint8), rng.integers(0, 2, count)
    for i in range(count):
        sky = np.array([(90, 140, 220), (230, 150, 70)][labels[i]]) + rng.normal(0, 8, 3)
        ground = np.array([60, 70, 40]) + rng.normal(0, 6, 3)
        picture = np.where((y > rng.integers(12, 18))[..., None], ground, sky * (1 - 0.01 * y[..., None]))
        disc = (x - rng.uniform(6, 18)) ** 2 + (y - rng.uniform(4, 9)) ** 2 < rng.uniform(6, 14)
        picture = np.where(disc[..., None], 245.0, picture) + rng.normal(0, 3, picture.shape)
        images[i] = np.clip(picture, 0, 255)
    return images, labels


@cache
def fitted(n: int = 500, unseen: int = 300) -> tuple[scorer.Gate, fit_domain_gate.Domain]:
    images, labels = scenes(n, 1)
    return fit_domain_gate.fit(images, labels, scenes(unseen, 2)[0], SPEC, look, 3)


def test_own_pictures_pass_and_foreign_ones_are_flagged() -> None:
    gate, entry = fitted()
    fresh = gate.scores(look(scenes(1000, 9)[0]))
    assert (fresh > 1).mean() < 0.1
    assert entry.refused < 0.09 and entry.n == 300
    assert entry.quantiles[10] == pytest.approx(0, abs=0.01) and entry.quantiles[19] <= 1.001
    rng = np.random.default_rng(5)
    foreign = {
        "noise": rng.integers(0, 256, (60, 24, 24, 3), dtype=np.uint8),
        "white": np.full((5, 24, 24, 3), 255, np.uint8),
        "black": np.zeros((5, 24, 24, 3), np.uint8),
        "negative": 255 - scenes(60, 6)[0],
        "grey": np.repeat(scenes(60, 7)[0].mean(axis=3, keepdims=True), 3, axis=3).astype(np.uint8),
    }
    for name, pictures in foreign.items():
        assert (gate.scores(look(pictures)) > 1).mean() > 0.95, name
    assert all("lighter" in v.reasons for v in gate.verdicts(look(foreign["white"])))
    assert all("darker" in v.reasons for v in gate.verdicts(look(foreign["black"])))
    assert not any(v.reasons for v in gate.verdicts(look(foreign["white"]), laid_out=True))


@pytest.mark.parametrize("kind", disturbed.kinds_for(SPEC))
def test_own_pictures_with_a_mild_disturbance_pass(kind: str) -> None:
    gate, _ = fitted()
    copies = disturbed.copies(scenes(400, 13)[0], kind, SPEC, np.random.default_rng(14))
    assert (gate.scores(look(copies)) > 1).mean() < 0.12  # aim .07, on 400 of other pictures


def test_what_a_gate_weighs_depends_on_the_colours() -> None:
    gate, entry = fitted()
    assert gate.toned and gate.views == scorer.PARTS and entry.method == scorer.METHOD
    grey = PreprocessSpec(24, 24, "grey", "stretch", "area")
    images, labels = scenes(80, 1)
    pale = images.mean(axis=3, keepdims=True).astype(np.uint8)
    held, _ = fit_domain_gate.fit(pale[:50], labels[:50], pale[50:], grey, lambda x: scorer.features(x, None, None), 3)
    assert not held.toned and held.views == scorer.PARTS[:3] and len(held.share) == 3


def pale_scenes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = scenes(count, seed)
    return images.mean(axis=3, keepdims=True).astype(np.uint8), labels


def test_a_second_look_is_kept_where_it_finds_what_the_gate_misses() -> None:
    """Brightness and contrast of a landscape tell little of which way up it is; its coarse picture does."""
    spec = PreprocessSpec(24, 24, "grey", "stretch", "area")

    def plain(x: np.ndarray) -> np.ndarray:
        return scorer.features(x, None, None)

    def coarse(x: np.ndarray) -> np.ndarray:
        return x[:, 2::4, 2::4, 0].reshape(len(x), -1).astype(np.float32)

    images, labels = pale_scenes(300, 1)
    unseen, _ = pale_scenes(200, 2)
    seen: list[tuple[int, int]] = []
    gate, entry, found = fit_domain_gate.fit_both(
        images, labels, unseen, spec, plain, coarse, 3, lambda done, total: seen.append((done, total))
    )
    assert found is not None and seen[-1][0] == seen[-1][1] and [d for d, _ in seen] == sorted(d for d, _ in seen)
    fresh, _ = pale_scenes(300, 9)
    assert (found.scores(coarse(fresh)) > 1).mean() < 0.06
    turned = np.ascontiguousarray(fresh[:, ::-1])
    alone, both = gate.scores(plain(turned)) > 1, found.scores(coarse(turned)) > 1
    assert (alone | both).mean() > max(0.95, alone.mean())
    without, alike, none = fit_domain_gate.fit_both(images, labels, unseen, spec, plain, None, 3)
    assert none is None and without.to_json() == gate.to_json() and entry.refused >= alike.refused
    # What tells nothing is not worth its time, and neither is anything that few pictures teach.
    empty = fit_domain_gate.fit_both(images, labels, unseen, spec, plain, lambda x: np.ones((len(x), 4), np.float32), 3)
    few = fit_domain_gate.fit_both(images[:40], labels[:40], unseen[:40], spec, plain, coarse, 3)
    assert (empty[2], few[2]) == (None, None)


def test_the_stored_gate_gives_the_same_verdicts() -> None:
    gate, _ = fitted()
    rows = look(scenes(200, 11)[0])
    again = scorer.from_json(gate.to_json())
    np.testing.assert_allclose(again.scores(rows), gate.scores(rows), atol=2e-3)
    assert len(gate.to_json()) < 300_000


def test_the_same_seed_gives_the_same_gate_and_progress_may_cancel() -> None:
    assert fitted.__wrapped__()[0].to_json() == fitted()[0].to_json()
    images, labels = scenes(100, 1)
    seen: list[tuple[int, int]] = []
    fit_domain_gate.fit(images, labels, images, SPEC, look, 3, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] and [d for d, _ in seen] == sorted(d for d, _ in seen)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_domain_gate.fit(images, labels, images, SPEC, look, 3, stop)


def test_what_a_gate_refuses_is_measured_on_pictures_that_did_not_set_its_limit() -> None:
    stated, fresh = [], []
    others = pale_look(pale(300, 9))
    for seed in range(4):
        images = pale(24, 20 + seed)
        gate, entry = fit_domain_gate.fit(images, np.arange(24) % 2, pale(12, 40 + seed), PALE, pale_look, seed)
        stated.append(entry.refused)
        fresh.append(float((gate.scores(others) > 1).mean()))
    # On the twelve themselves it would be nothing.
    assert min(stated) >= round(1 / 13, 4) and np.mean(fresh) > fit_domain_gate.REFUSED
    assert 0.4 < np.mean(stated) / np.mean(fresh) < 2.5


@pytest.mark.parametrize("n", [12, 30])
def test_few_pictures_still_give_a_gate_that_lets_its_own_pass(n: int) -> None:
    gate, entry = fitted(n, n)
    assert np.isfinite(entry.quantiles).all()
    assert (gate.scores(look(scenes(200, 9)[0])) > 1).mean() < 0.5


def test_too_few_are_an_error_that_says_how_many() -> None:
    with pytest.raises(gate_pictures.DomainError, match="11"):
        fitted(500, 11)


@pytest.mark.parametrize(
    "spec", [SPEC, PreprocessSpec(28, 28, "grey", "mnist"), PreprocessSpec(3, 5, "grey", "stretch")]
)
def test_foreign_pictures_have_the_form_of_an_input(spec: PreprocessSpec) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, spec.height, spec.width, spec.channels), dtype=np.uint8)
    before = images.copy()
    made = outliers.make(images, spec, 6, rng)
    assert set(made) <= set(outliers.KINDS) and len(made) >= 6
    for pictures in made.values():
        assert pictures.dtype == np.uint8 and pictures.shape[1:] == images.shape[1:] and len(pictures)
    np.testing.assert_array_equal(images, before)


PALE = PreprocessSpec(24, 24, "grey", "stretch", "area")


def pale(count: int, seed: int) -> np.ndarray:
    """The scenes in grey: without the tones a fit takes a fraction of the time."""
    return scenes(count, seed)[0].mean(axis=3, keepdims=True).astype(np.uint8)


def pale_look(images: np.ndarray) -> np.ndarray:
    return scorer.features(images, None, None)


def test_one_picture_of_each_class_gives_a_gate() -> None:
    images, unseen = pale(60, 1), pale(60, 2)
    gate, entry = fit_domain_gate.fit(images, np.arange(60), unseen, PALE, pale_look, 3)
    assert len(gate.means) == 1 and entry.n == 60 and entry.refused <= 0.15
    noise = np.random.default_rng(5).integers(0, 256, (60, 24, 24, 1), dtype=np.uint8)
    assert (gate.scores(pale_look(noise)) > 1).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_cost_the_gate_alone(value: float) -> None:
    def broken(images: np.ndarray) -> np.ndarray:
        return scorer.features(images, np.full((len(images), 2), value, np.float32), None)

    images = pale(30, 1)
    with pytest.raises(gate_pictures.DomainError, match="no number"):
        fit_domain_gate.fit(images, np.arange(30) % 2, images, PALE, broken, 3)


def test_a_failing_decomposition_costs_the_gate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(rows: np.ndarray) -> np.ndarray:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    images = pale(30, 1)
    monkeypatch.setattr(np.linalg, "eigh", failing)
    with pytest.raises(gate_pictures.DomainError, match="converge"):
        fit_domain_gate.fit(images, np.arange(30) % 2, images, PALE, pale_look, 3)


def test_large_outputs_are_looked_at_in_small_pieces() -> None:
    images, held = pale(40, 1), []

    def counting(pictures: np.ndarray) -> np.ndarray:
        held.append(len(pictures))
        return pale_look(pictures)

    maps = 224 * 224 * 64 * 4
    fit_domain_gate.fit(images, np.arange(40) % 2, images, PALE, counting, 3, bytes_each=maps)
    assert max(held) == gate_pictures.piece_of(PALE, maps) < 16
    assert gate_pictures.piece_of(PALE, 0) == 256 and gate_pictures.piece_of(PALE, 10**12) == 1


def test_features_by_the_thousand_give_a_gate() -> None:
    """A network that ends in flattened maps: the covariance of 36,864 features would take ten gigabytes."""
    mixing = np.random.default_rng(4).normal(size=(17, 5000)).astype(np.float32)

    def wide(pictures: np.ndarray) -> np.ndarray:
        return np.concatenate([scorer.look(pictures) @ mixing, pale_look(pictures)], axis=1)

    images = pale(24, 1)
    gate, entry = fit_domain_gate.fit(images, np.arange(24) % 2, pale(12, 2), PALE, wide, 3)
    assert entry.n == 12 and gate.axes.shape == (5017, 6)
    noise = np.random.default_rng(5).integers(0, 256, (20, 24, 24, 1), dtype=np.uint8)
    assert (gate.scores(wide(noise)) > 1).all()
    assert gate_pictures.affordable(100, 4000, 500) == (4000, 500)
    assert gate_pictures.affordable(36_864, 4000, 500)[0] < 1000 and gate_pictures.storable_axes(36_864, 11) > 100
    with pytest.raises(gate_pictures.DomainError, match="too many") as caught:
        fit_domain_gate.fit(images, np.arange(24) % 2, images, PALE, lambda x: np.zeros((len(x), 1_000_000)), 3)
    assert caught.value.kind == "too-wide"


def test_axes_of_wide_features_are_those_of_their_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.default_rng(1).normal(size=(40, 200)) * np.linspace(3, 1, 200)
    usual = fit_domain_gate._axes(z)
    monkeypatch.setattr(fit_domain_gate, "_WIDE", 100)
    wide = fit_domain_gate._axes(z)
    np.testing.assert_allclose(np.abs((usual * wide).sum(axis=0)), (usual**2).sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose((z @ wide) ** 2, (z @ usual) ** 2, rtol=1e-6, atol=1e-9)


def test_too_little_memory_costs_the_gate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **settings: object) -> np.ndarray:
        raise np._core._exceptions._ArrayMemoryError((36864, 36864), np.dtype(float))  # type: ignore[attr-defined]

    images = pale(30, 1)
    monkeypatch.setattr(np, "cov", full)
    with pytest.raises(gate_pictures.DomainError, match="not enough memory"):
        fit_domain_gate.fit(images, np.arange(30) % 2, images, PALE, pale_look, 3)


def test_a_gate_of_digits_knows_drawn_and_printed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = PreprocessSpec(28, 28, "grey", "mnist", "area")
    made = {"drawn": (20, 10), "printed": (20, 10), "upright": (6, 4)}
    for name, few in (("_MADE", made), ("_LAID_OUT", 2), ("_DIGITS_EACH", 5)):
        monkeypatch.setattr(gate_pictures, name, few)
    own, labels = drawn_digits.make("drawn", 60, spec, np.random.default_rng(1))
    with_them = gate_pictures.GatePictures.of(own, labels, own, spec, 50, 3, digits=True)
    without = gate_pictures.GatePictures.of(own, labels, own, spec, 50, 3)
    assert (
        len(with_them.copied) == len(without.copied) + 3 and len(with_them.held_copies) == len(without.held_copies) + 3
    )
    assert [len(rows) for rows in with_them.copied[-3:]] == [20, 20, 6]
    assert [np.bincount(values).tolist() for values in with_them.copied_labels[-3:]] == [*[[2] * 10] * 2, [0, 6]]
    assert [len(rows) for rows in with_them.held_copies[-3:]] == [len(o) for o in with_them.held_origins[-3:]]
    assert [len(rows) for rows in with_them.held_copies[-3:]] == [10, 10, 4]
    assert [len(rows) for rows in without.copied] == [*[2] * 7, 12]  # a negative is prepared in no time
    for place, values in enumerate(without.copied_labels):
        np.testing.assert_array_equal(values, with_them.copied_labels[place])


def test_of_many_digits_more_copies_are_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = PreprocessSpec(28, 28, "grey", "mnist", "area")
    for name, number in (("_LAID_OUT", 1), ("_LAID_OUT_OF_MANY", 3), ("_MANY", 70), ("_DIGITS_EACH", 2)):
        monkeypatch.setattr(gate_pictures, name, number)
    own, labels = drawn_digits.make("drawn", 70, spec, np.random.default_rng(1))
    pictures = gate_pictures.GatePictures.of(own, labels, own[:69], spec, 50, 3)
    assert [len(rows) for rows in pictures.copied] == [*[3] * 7, 18]
    assert [len(rows) for rows in pictures.held_copies] == [*[1] * 7, 6]


def test_a_network_that_takes_long_is_asked_about_some_of_each() -> None:
    spec = PreprocessSpec(24, 24, "grey", "stretch", "area")
    images = pale(100, 1)
    whole = gate_pictures.GatePictures.of(images, np.zeros(100, int), images, spec, 20, 3)
    assert len(whole.fewer()) == len(whole)  # so few are all asked about
    assert gate_pictures.some(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert gate_pictures.some(np.arange(3), 4).tolist() == [0, 1, 2]
