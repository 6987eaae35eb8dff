"""Every network that Fovea can make or take in answers whatever number of pictures it is asked about at once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.types import PreprocessSpec
from desktop.engine.model import BATCH, LoadedModel
from desktop.ml.plans import netspec, presets
from desktop.ml.plans.plan import TrainingPlan
from desktop.store.store import ModelStore
from tests.ml.nets.test_networks import HUGE, of
from tests.store.makers import manifest

keras = pytest.importorskip("keras")

from desktop.ml.convert import deploy  # noqa: E402
from desktop.ml.convert.litert import LiteRT, match_outputs  # noqa: E402
from desktop.ml.convert.selftest import drawn_inputs, write_selftest  # noqa: E402
from desktop.ml.nets import architectures, base_network  # noqa: E402

COUNTS = (1, 2, 3, 5, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 2 * BATCH + 5)
SIDE = 96  # larger networks are shrunk to this: it is the layers that are tried


def loaded(root: Path, model: Any, spec: PreprocessSpec, labels: int, threads: int = 2) -> LoadedModel:
    """``model`` (bytes in, its first output the scores) as a model of a store of its own."""
    lite = root / "made.tflite"
    model.export(str(lite), format="litert", verbose=False)
    picture = np.random.default_rng(1).integers(0, 256, (3, spec.height, spec.width, spec.channels), np.uint8)
    expected = [np.asarray(part) for part in model.predict_on_batch(picture)] if len(model.outputs) > 1 else None
    reader = LiteRT(lite)
    outputs = {"probabilities": 0}
    if expected is not None:
        outputs = match_outputs(reader.run(picture), expected, deploy.outputs_of(model))
    store = ModelStore(root / "bundled", root / "user")
    described = manifest(preprocess=spec, labels=tuple(f"class {i}" for i in range(labels)), outputs=outputs)
    with store.stage(described) as folder:
        (folder / "model.tflite").write_bytes(lite.read_bytes())
        write_selftest(folder / "selftest", drawn_inputs(spec), reader, outputs["probabilities"])
    return LoadedModel(store.require("colours"), threads=threads)


def pictures(count: int, spec: PreprocessSpec) -> np.ndarray:
    """``count`` pictures of one tone each, and noise over it: uint8 (count, height, width, channels)."""
    rng = np.random.default_rng(7)
    tones = rng.integers(0, 226, (count, 1, 1, spec.channels))
    noise = rng.integers(0, 30, (count, spec.height, spec.width, spec.channels))
    return (tones + noise).astype(np.uint8)


def answers_every_number(model: LoadedModel, counts: tuple[int, ...] = COUNTS) -> None:
    asked = pictures(max(counts), model.manifest.preprocess)
    alone = np.concatenate([model.predict(asked[i : i + 1]) for i in range(len(asked))])
    assert np.isfinite(alone).all() and alone.shape == (len(asked), len(model.manifest.labels))
    assert len({tuple(row) for row in alone.round(4).tolist()}) > len(asked) / 3  # a mixed-up order would be seen
    for count in counts:
        np.testing.assert_allclose(model.predict(asked[:count]), alone[:count], atol=1e-4)
        np.testing.assert_allclose(model.predict_apart(asked[:count]), alone[:count], atol=1e-4)
        for name, part in model.outputs(asked[:count]).items():
            assert len(part) == count, name


def finished(plan: TrainingPlan) -> Any:
    network = architectures.build(plan)
    # Small first logits would hide a mixed-up order.
    logits = network.predict_on_batch(pictures(8, plan.preprocess))["logits"]
    kernel, *bias = network.get_layer("logits").get_weights()
    network.get_layer("logits").set_weights([kernel * 2 / float(np.std(logits, axis=0).max()), *bias])
    return deploy.finish(network, 1.3, plan.mirrored)


def shrunk(plan: TrainingPlan) -> TrainingPlan:
    spec = plan.preprocess
    return replace(plan, preprocess=replace(spec, height=min(SIDE, spec.height), width=min(SIDE, spec.width)))


FRESH = [p for p in presets.PRESETS if p not in HUGE and of(p).start.kind == "fresh"]


FULLEST = ("fovea-small-residual", "mnist-lenet5", "cifar-regularised", "xray-cnn")
"""Presets among whose networks each other preset's finds one with every kind of layer that it has."""


def kinds_of(plan: TrainingPlan) -> set[str]:
    """The kinds of layers of a written network, sizes and shares left out: ``C·k·s``, ``drop``, ``flatten``."""
    written = plan.architecture.settings["layers"]
    steps = {f"stride of {layer}" for layer in written if "/" in layer}
    activation = plan.architecture.settings.get("activation", "relu")
    return {re.sub(r"[\d.]+", "·", layer.partition("/")[0]).strip("·") for layer in written} | steps | {activation}


def test_what_the_quick_tests_leave_out_has_no_layer_of_its_own() -> None:
    fullest = [kinds_of(of(preset_id)) for preset_id in FULLEST[1:]]
    for preset_id in FRESH:
        if preset_id not in FULLEST:
            assert any(kinds_of(of(preset_id)) <= kinds for kinds in fullest), preset_id


@pytest.mark.parametrize("preset_id", [p if p in FULLEST else pytest.param(p, marks=pytest.mark.slow) for p in FRESH])
def test_every_preset_is_answered_in_every_number(preset_id: str, tmp_path: Path) -> None:
    plan = shrunk(of(preset_id))
    answers_every_number(loaded(tmp_path, finished(plan), plan.preprocess, len(plan.labels)))


@pytest.mark.slow
@pytest.mark.parametrize("preset_id", HUGE)
def test_the_large_presets_too(preset_id: str, tmp_path: Path) -> None:
    plan = of(preset_id)
    if preset_id == "alexnet":  # 'valid' convolutions: it needs its own size
        answers_every_number(loaded(tmp_path, finished(plan), plan.preprocess, 5), (1, BATCH, BATCH + 1))
    else:
        plan = shrunk(plan)
        answers_every_number(loaded(tmp_path, finished(plan), plan.preprocess, 5), (1, BATCH, BATCH + 1))


@pytest.mark.parametrize(
    "layers",
    ["C32k3s,P2,flatten,D128", "flatten", "C8k3v/2,gap,D16", "C8k3s,BN,A2,gmp", "C8k3s,P2,flatten,drop.5,D9:tanh,D7"],
)
@pytest.mark.parametrize("mirrored", [pytest.param(False, marks=pytest.mark.slow), True])
def test_written_networks_are_answered_in_every_number(layers: str, mirrored: bool, tmp_path: Path) -> None:
    written = layers.split(",")
    netspec.parse(written)
    plan = shrunk(of("cifar-simple"))
    step = replace(plan.architecture, settings={**plan.architecture.settings, "layers": written})
    plan = replace(plan, architecture=step, mirrored=mirrored)
    answers_every_number(loaded(tmp_path, finished(plan), plan.preprocess, len(plan.labels)))


@pytest.mark.parametrize("layers", [pytest.param(["gap", "D8"], marks=pytest.mark.slow), ["flatten", "D8"], ["drop.2"]])
def test_a_head_on_a_finished_network_is_answered_in_every_number(layers: list[str], tmp_path: Path) -> None:
    entry = ModelStore().require("cifar10")
    assert entry.manifest is not None
    opened = base_network.network_of(keras.saving.load_model(entry.folder / "model.keras", compile=False))
    base = base_network.Base(opened, entry.manifest.labels, "cifar10", "")
    cut = base_network.trunk(base, "embedding" if layers == ["drop.2"] else "map")
    plan = of("vgg16-features")
    plan = replace(plan, architecture=replace(plan.architecture, settings={"layers": layers}))
    head = architectures.build_head(plan, tuple(cut.output_shape[1:]))
    model = deploy.finish(base_network.joined(base, cut, head), 1.0, False)
    answers_every_number(loaded(tmp_path, model, entry.manifest.preprocess, len(plan.labels)))


def imported(kind: str) -> Any:
    """Networks as they come from elsewhere, with bytes in and probabilities out."""
    layers = keras.layers
    image = keras.Input((8, 8, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255.0)(image)
    if kind == "flatten":
        x = layers.Flatten()(x)
    elif kind == "reshape":
        x = layers.Reshape((-1,))(layers.Conv2D(4, 3)(x))
    elif kind == "nested":
        inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(9)])
        x = keras.Sequential([keras.Input((8, 8, 3)), inner])(x)
    else:
        x = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(4, 3, padding="same")(x))
    scores = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=1))(x)
    return keras.Model(image, layers.Softmax()(scores))


@pytest.mark.parametrize("kind", ["flatten", "reshape", "nested", "pooled"])
def test_imports_are_answered_in_every_number(kind: str, tmp_path: Path) -> None:
    spec = PreprocessSpec(8, 8, "rgb", "stretch", "area")
    answers_every_number(loaded(tmp_path, imported(kind), spec, 3))


def test_a_file_that_fixes_the_number_inside_is_asked_one_by_one(tmp_path: Path) -> None:
    """It takes any number at its input, and its reshape says one: full groups fail, single pictures do not."""
    import tensorflow as tf

    weights = tf.constant(np.random.default_rng(2).normal(0, 0.2, (192, 3)).astype(np.float32))

    class Fixed(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.uint8)])  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            flat = tf.reshape(tf.cast(x, tf.float32) / 255.0, [1, 192])
            return tf.nn.softmax(flat @ weights)

    fixed = Fixed()
    made = tf.lite.TFLiteConverter.from_concrete_functions([fixed.__call__.get_concrete_function()], fixed).convert()
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    with store.stage(manifest()) as folder:
        (folder / "model.tflite").write_bytes(made)
    answers_every_number(LoadedModel(store.require("colours"), threads=2))
