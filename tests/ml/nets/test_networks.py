"""Networks as text: what is told of them beforehand is what Keras builds; and what presets make of classes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.ml.plans import netspec, nettables, presets
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import DataPlan, PlanError, Step

keras = pytest.importorskip("keras")

from desktop.ml.nets import architectures, netbuild  # noqa: E402

CLASSES = tuple(f"class {i}" for i in range(5))
OWN = DataPlan("user", 0.2, "auto", CLASSES, "/nowhere", "nowhere")
HUGE = ("alexnet", "vgg16")  # built once below, with a thousand classes


def of(preset_id: str) -> plans.TrainingPlan:
    preset = presets.find(preset_id)
    return preset.build() if preset.labels else preset.build(CLASSES, data=OWN)


def same_as_keras(plan: plans.TrainingPlan) -> None:
    table = nettables.layer_table(plan.architecture, plan.shape, len(plan.labels))
    model = architectures.build(plan)
    assert nettables.parameter_count(table) == model.count_params()
    built = [(tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers if layer.count_params()]
    assert [(row.output_shape, row.parameters) for row in table if row.parameters] == built
    if plan.architecture.name == "sequential":
        for row in table:
            assert tuple(model.get_layer(row.name).output.shape[1:]) == row.output_shape


@pytest.mark.parametrize("preset_id", [p for p in presets.PRESETS if p not in HUGE])
def test_tables_are_what_keras_builds(preset_id: str) -> None:
    plan = of(preset_id)
    assert plan.preset == preset_id and plans.from_json(plan.to_json()) == plan
    if plan.architecture.name == "head":
        table = nettables.layer_table(plan.architecture, (8, 8, 512), 5)
        assert nettables.parameter_count(table) == architectures.build_head(plan, (8, 8, 512)).count_params()
    else:
        same_as_keras(plan)


@pytest.mark.parametrize(("preset_id", "count"), [("alexnet", 60_965_224), ("vgg16", 138_357_544)])
def test_the_large_ones_have_their_published_size(preset_id: str, count: int) -> None:
    table = nettables.layer_table(of(preset_id).architecture, (224, 224, 3), 1000)
    assert nettables.parameter_count(table) == count
    if preset_id == "vgg16":
        assert 15.2e9 < nettables.multiplications(table) < 15.7e9


@pytest.mark.slow
@pytest.mark.parametrize("preset_id", HUGE)
def test_the_large_ones_are_built_as_told(preset_id: str) -> None:
    same_as_keras(of(preset_id))


def test_known_results_of_the_notation() -> None:
    found = netspec.parse(["C32k3v/2:tanh@first", "P3/2", "A2s", "BN", "act:selu", "drop.25", "gmp", "D7:softplus"])
    first = found[0]
    assert (first.name, first.units, first.size, first.stride, first.same) == ("first", 32, 3, 2, False)
    assert first.activation == "tanh" and found[-1].activation == "softplus"
    rows = netspec.rows(found, (33, 40, 3))
    assert [row.output_shape for row in rows][:3] == [(16, 19, 32), (7, 9, 32), (4, 5, 32)]
    assert rows[0].parameters == 32 * 28 and rows[3].parameters == 128


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["C32"], "'C32' is not understood"),
        (["C0k3s"], "number that is 0"),
        (["D9999999"], "far too large"),
        (["flatten", "P2"], "flattened it"),
        (["C8k3s", "D8"], "'flatten', 'gap' or 'gmp'"),
        (["C8k3s"], "classifying layer needs"),
        (["C8k9v", "flatten"], "at least 9 pixels"),
        (["flatten", "D8:magic"], "no activation 'magic'"),
        (["flatten", "D8@logits"], "cannot be called 'logits'"),
        (["flatten", "D8@a", "D8@a"], "cannot be called 'a'"),
        (["C8k3s*3", "gap"], "do not divide"),
        ("C8k3s", "not a list of words"),
        (["drop.5:relu"], "not understood"),
    ],
)
def test_what_does_not_go_together_is_said(layers: list[str], words: str) -> None:
    plan = replace(of("cifar-simple"), architecture=Step("sequential", {"layers": layers}))
    plan = replace(
        plan, preprocess=replace(plan.preprocess, height=8, width=8, colour="grey" if "*" in layers[0] else "rgb")
    )
    with pytest.raises(PlanError, match=words):
        architectures.build(plan)


def test_plans_know_the_architectures_that_are_built() -> None:
    assert {*architectures.ARCHITECTURES, "head"} == set(plans.ARCHITECTURES)
    for name in plans.ARCHITECTURES:
        with pytest.raises(PlanError, match=f"architecture '{name}': "):  # known, but not with this setting
            nettables.layer_table(Step(name, {"nonsense": 1}), (8, 8, 3), 2)


def test_unknown_settings_are_refused() -> None:
    plan = of("cifar-simple")
    with pytest.raises(PlanError, match="colour"):
        architectures.build(replace(plan, architecture=Step("sequential", {"layers": ["gap"], "colour": 1})))
    with pytest.raises(PlanError, match="initialiser"):
        architectures.build(replace(plan, architecture=Step("sequential", {"layers": ["gap"], "initialiser": "x"})))
    with pytest.raises(PlanError, match="2 numbers for 3 channels"):
        architectures.build(replace(plan, architecture=Step("sequential", {"layers": ["gap"], "mean": [0, 1]})))


_MAP_LAYER = st.one_of(
    st.builds(
        "C{}k{}{}/{}:{}".format,
        st.integers(1, 6), st.integers(1, 4), st.sampled_from("sv"), st.integers(1, 3),
        st.sampled_from(netspec.ACTIVATIONS),
    ),
    st.builds("{}{}{}".format, st.sampled_from("PA"), st.integers(1, 3), st.sampled_from(["", "s", "/1", "s/2"])),
    st.sampled_from(["BN", "drop.25", "act:elu"]),
)  # fmt: skip
_FLAT_LAYER = st.one_of(st.builds("D{}".format, st.integers(1, 9)), st.sampled_from(["BN", "drop.5"]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(_MAP_LAYER, max_size=5),
    st.sampled_from(["flatten", "gap", "gmp"]),
    st.lists(_FLAT_LAYER, max_size=3),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3]),
)
def test_any_stack_is_told_as_it_is_built(
    maps: list[str], join: str, flats: list[str], height: int, width: int, channels: int
) -> None:
    layers = [*maps, join, *flats]
    try:
        table = nettables.layer_table(Step("sequential", {"layers": layers}), (height, width, channels), 3)
    except PlanError as error:
        assert "needs at least" in error.message
        return
    model = netbuild.sequential((height, width, channels), 3, layers=layers)
    assert nettables.parameter_count(table) == model.count_params()
    for row in table:
        assert tuple(model.get_layer(row.name).output.shape[1:]) == row.output_shape
    assert set(model.output) == {"logits", "embedding"} | ({"map"} if any(m[0] == "C" for m in maps) else set())


def test_a_table_finds_what_a_head_gets() -> None:
    plan = of("cifar-deep")
    assert nettables.feature_shape(plan.architecture, plan.shape, 10, None) == (512,)
    assert nettables.feature_shape(plan.architecture, plan.shape, 10, "pool1") == (16, 16, 32)
    assert nettables.feature_shape(plan.architecture, plan.shape, 10, "map") == (7, 7, 64)
    with pytest.raises(PlanError, match="no layer 'pool9'"):
        nettables.feature_shape(plan.architecture, plan.shape, 10, "pool9")


def test_memory_grows_with_batch_and_weights() -> None:
    small, large = of("cifar-simple"), of("cifar-deep")
    assert nettables.memory_estimate(small) < nettables.memory_estimate(large)
    wide = replace(large, fit=replace(large.fit, batch=1024))
    assert nettables.memory_estimate(wide) > 1.5 * nettables.memory_estimate(large)
    vgg = replace(of("vgg16"), labels=tuple(map(str, range(1000))), data=replace(OWN, classes=()))
    assert nettables.memory_estimate(vgg) > 138_357_544 * 4 * 3


def test_presets_know_what_they_need() -> None:
    with pytest.raises(PlanError, match="needs to be told its classes"):
        presets.find("fovea-small-residual").build()
    with pytest.raises(PlanError, match="no preset 'nothing'"):
        presets.find("nothing")
    own = presets.find("cifar-deep").build(("a", "b"), (48, 64, 3), replace(OWN, classes=("a", "b")), "Mein Hündchen")
    assert own.id == "mein-hundchen" and own.shape == (48, 64, 3) and own.decision.rule == "balanced"
    assert own.fit.class_weights == "balanced" and not own.medical
    assert of("xray-cnn").medical and of("mnist-cnn").preprocess.fit == "mnist"


@pytest.mark.parametrize("activation", netspec.ACTIVATIONS)
def test_every_activation_computes(activation: str) -> None:
    model = netbuild.sequential((6, 6, 1), 2, layers=["C4k3s", "gap", "D3"], activation=activation)
    out = model.predict_on_batch(np.zeros((2, 6, 6, 1), np.uint8))
    assert out["logits"].shape == (2, 2) and all(math.isfinite(v) for v in out["logits"].ravel())
