"""Files of the eras of Keras 2, as Teachable Machine writes them: read right, and refused in whole sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from desktop.core.types import FoveaError
from desktop.engine.model import LoadedModel
from desktop.ml.convert.words import plain
from desktop.ml.exchange import foreign
from desktop.ml.exchange.foreign import ForeignFacts
from desktop.ml.exchange.import_model import bring_in, look
from desktop.store.store import ModelStore

keras = pytest.importorskip("keras")

ERAS = ("2.2.4-tf", "2.3.1", "2.7.0", "tfjs-layers 1.7.4")
SIDE = 16


def network() -> Any:
    """Like Teachable Machine's: a frozen MobileNet below, a head of two dense layers, each a sequence."""
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3), name="input_1")
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="Conv1_pad")(image)
    x = layers.Conv2D(8, 3, 2, use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(layers.BatchNormalization(name="bn_Conv1", momentum=0.999)(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.BatchNormalization(name="depthwise_bn")(y)
    x = layers.Add(name="add")([x, y])
    base = keras.Model(image, x, name="model1")
    below = keras.Sequential([base, layers.GlobalAveragePooling2D(name="pool")], name="sequential_1")
    head = keras.Sequential(
        [layers.Dense(10, activation="relu", name="dense_Dense1"),
         layers.Dense(3, use_bias=False, activation="softmax", name="dense_Dense2")], name="sequential_3",
    )  # fmt: skip
    model = keras.Sequential([below, head], name="sequential_4")
    model.build((None, SIDE, SIDE, 3))
    rng = np.random.default_rng(5)
    for variable in model.weights:
        spread = np.abs if "variance" in variable.name else np.asarray
        variable.assign(spread(rng.normal(0.1, 0.6, variable.shape)) + (0.2 if "variance" in variable.name else 0))
    return model


def described(node: Any, era: str) -> dict[str, Any]:
    """A network or layer as that era described it."""
    old = not era.startswith("2.7")
    if isinstance(node, keras.Sequential):
        layers = [described(layer, era) for layer in node.layers]
        if isinstance(node.layers[0], keras.layers.Dense):
            layers[0]["config"]["batch_input_shape"] = [None, 8]
        bare = era == "2.2.4-tf" and node.name == "sequential_3"
        return {"class_name": "Sequential", "config": layers if bare else {"name": node.name, "layers": layers}}
    if isinstance(node, keras.Model):
        layers = []
        for layer in node.layers:
            made = described(layer, era)
            sources = layer._inbound_nodes[0].input_tensors if layer._inbound_nodes else []
            calls = [[t._keras_history.operation.name, 0, 0, {}] for t in sources]
            layers.append({**made, "name": layer.name, "inbound_nodes": [calls] if calls else []})
        last = node.outputs[0]._keras_history.operation.name
        ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[last, 0, 0]]}
        return {"class_name": "Model" if old else "Functional", "config": {"name": node.name, "layers": layers, **ends}}
    kind = type(node).__name__
    if kind == "InputLayer":
        config = {"batch_input_shape": [None, SIDE, SIDE, 3], "dtype": "float32", "sparse": False, "name": node.name}
        return {"class_name": kind, "config": config if era == "2.3.1" else {**config, "ragged": False}}
    config = {key: value for key, value in node.get_config().items() if not isinstance(value, dict)}
    config |= {"dtype": "float32", "trainable": node.name.startswith("dense")}
    if "kernel_initializer" in node.get_config():
        settings = {"scale": 1, "mode": "fan_avg", "seed": None, "dtype": "float32"}
        config["kernel_initializer"] = {"class_name": "VarianceScaling", "config": settings}
    if kind == "BatchNormalization":
        config |= {"axis": [3]} | ({"renorm": False, "fused": True, "virtual_batch_size": None} if old else {})
        config.pop("synchronized", None)
    if kind == "DepthwiseConv2D" and era == "2.7.0":
        config["groups"] = 1
    return {"class_name": kind, "config": config}


def leaves(model: Any) -> list[Any]:
    return [leaf for layer in model.layers for leaf in (leaves(layer) if hasattr(layer, "layers") else [layer])]


def write(path: Path, model: Any, era: str, config: Any = None) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = era
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config or described(model, era)).encode()
        root = file.create_group("model_weights")
        names = []
        for layer in model.layers:
            group = root.create_group(layer.name)
            names.append(layer.name.encode())
            held = []
            for leaf in leaves(layer):
                for variable in leaf.weights:
                    name = "depthwise_kernel" if type(leaf).__name__ == "DepthwiseConv2D" else variable.name
                    group[f"{leaf.name}/{name}:0"] = np.asarray(variable)
                    held.append(f"{leaf.name}/{name}:0".encode())
            group.attrs["weight_names"] = held
        root.attrs["layer_names"] = names
    return path


@pytest.mark.parametrize(
    "era", [*(pytest.param(era, marks=pytest.mark.slow) for era in ERAS[:2]), *ERAS[2:]]
)  # the quick ones differ most; test_the_weights_are_those_of_the_file reads all
def test_teachable_machines_networks_are_read_in_every_era(era: str, tmp_path: Path, fovea_home: Path) -> None:
    model = network()
    path = write(tmp_path / "keras_model.h5", model, era)
    found = look(path)
    assert found is not None and (found.height, found.width, found.outputs, found.ends) == (16, 16, 3, "probabilities")
    (tmp_path / "labels.txt").write_text("0 Class 1\n1 Class 2\n2 Ünï\n", encoding="utf-8")
    labels = foreign.read_labels(tmp_path / "labels.txt")
    assert labels == ("Class 1", "Class 2", "Ünï")
    if era != ERAS[-1]:
        return  # converting takes long; what differs between the eras is told by the look, and by the weights below
    store = ModelStore(user=fovea_home / "models")
    made = bring_in(
        path, ForeignFacts(name="TM", labels=labels, scaling="minus1-1", fit="center_crop"), store, found=found
    )
    images = np.random.default_rng(9).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)
    wanted = model.predict(images.astype(np.float32) / 127.5 - 1, verbose=0)
    answers = LoadedModel(store.require(made.id), threads=1).predict(images)
    np.testing.assert_allclose(answers, wanted, atol=2e-3)


@pytest.mark.parametrize("era", ERAS)
def test_the_weights_are_those_of_the_file(era: str, tmp_path: Path) -> None:
    from desktop.ml.exchange.keras2 import rebuild, upgraded
    from desktop.ml.nets.keras_check import check_config

    model = network()
    older = upgraded(described(model, era))
    assert "DepthwiseConv2D" in check_config(older)
    again = rebuild(older, write(tmp_path / "net.h5", model, era))
    images = np.random.default_rng(9).normal(size=(4, SIDE, SIDE, 3)).astype(np.float32)
    np.testing.assert_allclose(again.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-5)


def test_gadgets_and_unknown_settings_of_old_files_are_refused(tmp_path: Path) -> None:
    model = network()
    config = described(model, "2.7.0")
    dense = config["config"]["layers"][1]["config"]["layers"][0]
    dense["config"]["surprise"] = [1, 2]
    with pytest.raises(FoveaError, match="'surprise'"):
        look(write(tmp_path / "a.h5", model, "2.7.0", config))
    dense.update({"class_name": "Lambda"})
    with pytest.raises(FoveaError, match="'Lambda'"):
        look(write(tmp_path / "b.h5", model, "2.7.0", config))
    broken = described(model, "2.7.0")
    broken["config"]["layers"][1]["config"]["layers"][1]["config"]["units"] = 7
    path = write(tmp_path / "c.h5", model, "2.7.0", broken)
    with pytest.raises(FoveaError) as caught:
        look(path)
    assert "'kernel' of layer 'dense_Dense2'" in caught.value.message and caught.value.message.endswith("expected")


def test_settings_that_have_another_name_now_keep_their_value() -> None:
    from desktop.ml.exchange.keras2 import upgraded

    old = {"class_name": "LeakyReLU", "config": {"name": "leaky", "dtype": "float32", "alpha": 0.1}}
    new = upgraded(old)
    assert new["config"] == {"name": "leaky", "dtype": "float32", "negative_slope": 0.1}
    x = np.array([[-2.0, 3.0]], np.float32)
    made = keras.layers.LeakyReLU.from_config(new["config"])
    np.testing.assert_allclose(np.asarray(made(x)), [[-0.2, 3.0]], atol=1e-6)


def test_what_others_say_is_quoted_whole_and_without_escape_codes() -> None:
    assert plain("\x1b[1mException\x1b[0m\n  encountered:\x07 no") == "Exception encountered: no"
    told = plain("A first sentence that is long enough to stand. " + "word " * 100, 80)
    assert told == "A first sentence that is long enough to stand."
    told = plain("word " * 100, 80)
    assert told.endswith("word …") and len(told) <= 80


@pytest.mark.parametrize(
    ("text", "labels"),
    [("0 a\n1 b", ("a", "b")), ("1 a\n2 b", ("1 a", "2 b")), ("0 a\nb", ("0 a", "b")), ("7\n8", ("7", "8"))],
)
def test_numbers_in_front_of_labels(text: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(text)
    assert foreign.read_labels(tmp_path / "labels.txt") == labels
