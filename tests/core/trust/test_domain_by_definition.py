"""The gate's numbers beside independent ones: loops over pixels, SciPy's distances and sums, figures worked by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis, sqeuclidean
from scipy.special import logsumexp

from desktop.core.trust import domain, polarity
from desktop.core.trust.domain import Gate, features, from_json, look, told_score, views_for
from desktop.core.types import DomainVerdict, PreprocessSpec, StoreError


def look_by_loops(picture: np.ndarray) -> list[float]:
    """The look of one picture uint8 (rows, columns, channels), place by place."""
    rows, columns, channels = picture.shape
    values = picture.astype(float) / 255
    grey = [[float(sum(values[r, c]) / channels) for c in range(columns)] for r in range(rows)]
    every = [value for row in grey for value in row]
    step = max(1, round(max(rows, columns) / 64))
    sampled = sorted(grey[r][c] for r in range(0, rows, step) for c in range(0, columns, step))
    across = np.mean([abs(grey[r][c + 1] - grey[r][c]) for r in range(rows) for c in range(columns - 1)])
    down = np.mean([abs(grey[r + 1][c] - grey[r][c]) for r in range(rows - 1) for c in range(columns)])
    bend = np.mean(
        [
            abs(grey[r - 1][c] + grey[r + 1][c] + grey[r][c - 1] + grey[r][c + 1] - 4 * grey[r][c])
            for r in range(1, rows - 1)
            for c in range(1, columns - 1)
        ]
    )
    # Two pixels at each of the four sides; corners lie at two of them and count twice.
    rim = [value for row in (*grey[:2], *grey[-2:]) for value in row]
    rim += [value for row in grey for value in (*row[:2], *row[-2:])]
    middle = [
        value for row in grey[rows // 4 : rows - rows // 4] for value in row[columns // 4 : columns - columns // 4]
    ]
    spread, edges = float(np.std(every)), across + down
    found = [
        np.mean(every), spread, math.log(spread + 0.01),
        *(sampled[round(part * (len(sampled) - 1))] for part in (0.02, 0.25, 0.5, 0.75, 0.98)),
        math.log(across + 0.002), math.log(down + 0.002), math.log(bend + 0.002),
        math.log((bend + 0.002) / (edges + 0.004)), math.log((edges + 0.004) / (spread + 0.01)),
        np.mean(rim), np.std(rim), np.std(middle), np.mean(middle) - np.mean(rim),
    ]  # fmt: skip
    if channels == 3:
        red_green = [r - g for r, g, _ in values.reshape(-1, 3)]
        yellow_blue = [(r + g) / 2 - b for r, g, b in values.reshape(-1, 3)]
        found += [math.log(np.std(red_green) + 0.002), math.log(np.std(yellow_blue) + 0.002)]
        found += [np.mean(red_green), np.mean(yellow_blue)]
        found.append(math.log(np.mean(np.abs(red_green)) + np.mean(np.abs(yellow_blue)) + 0.002))
    return [float(value) for value in found]


@pytest.mark.parametrize("shape", [(9, 12, 1), (13, 8, 3), (96, 7, 1), (100, 40, 1), (30, 170, 3)])
def test_the_look_is_what_it_says(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    picture = (rng.random(shape) ** 2 * np.linspace(120, 255, shape[1])[None, :, None]).astype(np.uint8)
    flat = np.full(shape, 77, np.uint8)
    found = look(np.stack([picture, flat]))
    np.testing.assert_allclose(found[0], look_by_loops(picture), rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(found[1], look_by_loops(flat), rtol=2e-3, atol=2e-3)


def test_a_picture_of_one_pixel_has_no_steps() -> None:
    found = look(np.full((1, 1, 1, 1), 255, np.uint8))[0]
    assert found[8] == found[9] == found[10] == pytest.approx(math.log(0.002))
    assert found[0] == found[5] == found[13] == 1.0 and found[16] == 0.0


def some(toned: bool = False) -> Gate:
    """A gate with numbers that no symmetry hides: 20 features of which 17 are the look, 3 axes, 2 classes, 2 kinds."""
    rng = np.random.default_rng(8)
    d, s, k, c, f = 20, 17, 3, 2, 2
    v = 4 if toned else 3
    near = rng.normal(size=(c, k)) * 4
    return Gate(
        shift=rng.normal(size=d), scale=rng.uniform(0.5, 2, d),
        look_axes=rng.normal(size=(s, s)), look_means=rng.normal(size=(c, s)),
        axes=rng.normal(size=(d, k)), within=rng.normal(size=(k, k)), means=near,
        weights=rng.normal(size=(d, 1 + f)), bias=rng.normal(size=1 + f),
        middle=rng.normal(size=v), spread=rng.uniform(0.5, 1, v), share=np.array([0.2, 0.3, 0.5, 0.7][:v]),
        kinds=("noise", "flat"), centre=0.5, limit=3.0, views=domain.PARTS if toned else domain.PARTS[:3],
    )  # fmt: skip


def raw_by_definition(gate: Gate, row: np.ndarray) -> list[float]:
    z = np.array([min(8.0, max(-8.0, value)) for value in (row - gate.shift) / gate.scale])
    own = z[-17:] @ gate.look_axes
    nearest = min(sqeuclidean(own, mean) for mean in gate.look_means)
    whole = z @ gate.axes
    # Relative to how far the row lies from the training pictures as a whole, whose mean is 0 and whitened spread 1.
    inverse = gate.within @ gate.within.T
    centres = [mean @ np.linalg.inv(gate.within) for mean in gate.means]
    classes = min(mahalanobis(whole, centre, inverse) ** 2 for centre in centres)
    relative = classes - sqeuclidean(whole, np.zeros(len(whole)))
    logits = row_logits(gate, z)
    found = [math.log(nearest + 0.001), relative, logsumexp(logits[1:]) - logits[0]]
    return [*found, row[0]] if gate.toned else found


def row_logits(gate: Gate, z: np.ndarray) -> list[float]:
    return [float(z @ gate.weights[:, i] + gate.bias[i]) for i in range(3)]


@pytest.mark.parametrize("toned", [False, True])
def test_the_parts_are_distances_and_odds_brought_to_one_scale(toned: bool) -> None:
    gate = some(toned)
    rows = np.random.default_rng(9).normal(size=(6, 20)) * np.array([[0.1], [1], [1], [2], [4], [20]])
    wanted = np.array([raw_by_definition(gate, row) for row in rows])
    assert gate.toned is toned
    np.testing.assert_allclose(gate.raw_parts(rows), wanted, rtol=1e-8)
    scaled = (wanted - gate.middle) / gate.spread
    capped = np.array([[min(50.0, max(-1.0, value)) for value in row] for row in scaled])
    assert (scaled > 50).any() and (scaled < -1).any() and (np.abs(scaled - 20) < 20).any()  # each rule is come to
    np.testing.assert_allclose(gate.parts(rows), capped, rtol=1e-8)
    sums = [sum(share * part for share, part in zip(gate.share, row, strict=True)) for row in capped]
    np.testing.assert_allclose(gate.sums(rows), sums, rtol=1e-8)
    np.testing.assert_allclose(gate.scores(rows), [(total - 0.5) / 2.5 for total in sums], rtol=1e-8)


def test_a_distance_that_rounding_makes_negative_is_none() -> None:
    rows = np.full((1, 3), 1e8 + 0.1)
    assert domain._nearest(rows, rows.copy())[0] == 0.0
    assert domain._nearest(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0], [3.0, 0.0]]))[0] == 16.0


@pytest.mark.parametrize(
    ("score", "told"),
    [(1.0, 1.0), (np.nextafter(1.0, 2), 1.0001), (1.00004, 1.0001), (1.00016, 1.0002), (0.99999, 1.0),
     (-0.12346, -0.1235),
     (98.99999, 99.0), (99.5, 99.0), (1e300, 99.0), (math.nan, 99.0), (math.inf, 99.0), (-math.inf, 99.0)],
)  # fmt: skip
def test_a_score_is_told_to_four_places_and_never_as_one_when_flagged(score: float, told: float) -> None:
    assert told_score(score, False) == told
    assert told_score(score, True) == 99.0


def straight() -> Gate:
    """A gate whose score is three times what stands in the first feature's place beyond 8: only the odds count."""
    gate = some()
    weights = np.zeros((20, 2))
    weights[0, 1] = 1.0
    return replace(
        gate, shift=np.zeros(20), scale=np.ones(20), weights=weights, bias=np.zeros(2), kinds=("noise",),
        middle=np.zeros(3), spread=np.ones(3), share=np.array([0.0, 0.0, 1.0]), centre=0.0, limit=1.0,
    )  # fmt: skip


def test_up_to_the_limit_a_picture_is_of_the_models_kind() -> None:
    rows = np.zeros((3, 20))
    rows[:, 0] = (1.0, 1.0 + 1e-9, 0.25)
    rows[:, 3] = 5.0  # the first of the look: lighter than nearly all
    at, beyond, well = straight().verdicts(rows)
    assert at == DomainVerdict(1.0, True, ()) and well == DomainVerdict(0.25, True, ())
    assert beyond == DomainVerdict(1.0001, False, ("lighter",))
    assert straight().verdicts(rows, laid_out=True)[1] == DomainVerdict(1.0001, False, ())
    rows[1, 7] = math.inf
    assert straight().verdicts(rows)[1] == DomainVerdict(99.0, False, ())  # of what is no number nothing is said
    assert domain.LIMIT == 1.0


def test_reasons_are_measured_on_the_look_alone_in_the_training_pictures_deviations() -> None:
    gate = replace(straight(), shift=np.full(20, 2.0), scale=np.full(20, 0.5))
    row = np.full((1, 20), 2.0)
    row[0, 0] = 9.0
    row[0, 3 + 2] = 2.0 - 0.5 * 2.7  # the look's third place, 2.7 deviations below: less contrast
    row[0, 1] = -50.0
    assert gate.verdicts(row)[0].reasons == ("flat",)


def test_what_is_looked_at_stands_in_this_order() -> None:
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    embedding, last_map = rng.normal(size=(2, 4)) * 9, rng.normal(size=(2, 3, 5, 6)) - 1
    found = features(pixels, embedding, last_map, toned=True)
    assert found.shape == (2, 1 + 4 + 6 + 6 + 22) and found.dtype == np.float32

    def soft(value: float) -> float:
        return math.copysign(math.log(1 + abs(value)), value)

    for i in range(2):
        places = last_map[i].reshape(15, 6)
        wanted = [
            float(polarity.odds(pixels)[i]),
            *(soft(value) for value in embedding[i]),
            *(soft(float(np.mean(places[:, j]))) for j in range(6)),
            *(soft(float(np.std(places[:, j]))) for j in range(6)),
            *look(pixels)[i],
        ]
        np.testing.assert_allclose(found[i], wanted, rtol=1e-4, atol=1e-5)
    assert features(pixels, embedding, None).shape == (2, 4 + 22)


def test_gates_of_colour_models_weigh_the_tones() -> None:
    assert views_for(PreprocessSpec(8, 8, "grey", "stretch")) == ("look", "features", "foreign")
    assert views_for(PreprocessSpec(8, 8, "rgb", "stretch")) == ("look", "features", "foreign", "tones")


def packed_array(*shape: int, value: float = 1.0) -> dict[str, Any]:
    from desktop.core.trust.packed import pack

    return pack(np.full(shape, value, np.float32))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", packed_array(19)), ("look_axes", packed_array(17, 16)), ("look_means", packed_array(2, 16)),
        ("look_means", packed_array(1, 17)), ("axes", packed_array(19, 3)), ("within", packed_array(3, 2)),
        ("means", packed_array(2, 4)), ("weights", packed_array(20, 2)), ("bias", packed_array(2)),
        ("middle", packed_array(4)), ("spread", packed_array(2)), ("share", packed_array(4)),
        ("scale", packed_array(20, value=0.0)), ("scale", packed_array(20, value=-1.0)),
        ("limit", "inf"), ("centre", "-inf"), ("limit", "nan"),
        ("spread", packed_array(3, value=0.0)), ("spread", packed_array(3, value=-1.0)),
        ("limit", 0.5), ("limit", 1e999), ("centre", -1e999), ("centre", 3.5), ("kinds", ["noise"]), ("kinds", 3),
        ("views", ["foreign", "features", "look"]), ("schema", 0), ("schema", 3), ("schema", 1),
        ("shift", packed_array(20, 1)),
    ],
)  # fmt: skip
def test_numbers_that_do_not_go_together_are_refused(name: str, value: object) -> None:
    raw = json.loads(some().to_json())
    assert raw["schema"] == 2
    with pytest.raises(StoreError) as refused:
        from_json(json.dumps(raw | {name: value}))
    assert refused.value.kind == "damaged" and "'domain.json' is no domain gate" in refused.value.message


@pytest.mark.parametrize("name", ["scale", "spread"])
def test_one_scale_of_many_that_is_0_is_refused(name: str) -> None:
    values = getattr(some(), name).copy()
    values[1] = 0.0
    with pytest.raises(StoreError, match="not above 0"):
        from_json(replace(some(), **{name: values}).to_json())


def test_a_look_wider_than_all_features_is_refused() -> None:
    narrow = replace(
        some(), shift=np.zeros(16), scale=np.ones(16), axes=np.zeros((16, 3)), weights=np.zeros((16, 3))
    )  # fmt: skip
    with pytest.raises(StoreError, match="no domain gate"):
        from_json(narrow.to_json())
    all_look = replace(some(), shift=np.zeros(17), scale=np.ones(17), axes=np.zeros((17, 3)), weights=np.zeros((17, 3)))
    assert len(from_json(all_look.to_json()).shift) == 17


def test_a_gate_that_weighs_the_tones_is_read_as_written() -> None:
    gate = some(toned=True)
    again = from_json(gate.to_json())
    assert again.toned and again.kinds == ("noise", "flat") and gate.to_json().endswith("}\n")
    assert not from_json(some().to_json()).toned
    rows = np.random.default_rng(2).normal(size=(4, 20))
    np.testing.assert_allclose(again.scores(rows), gate.scores(rows), rtol=1e-4)
