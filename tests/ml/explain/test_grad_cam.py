"""Grad-CAM's gradient is the gradient, and a network's end is recognised by what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="explaining by gradients needs Keras")

from desktop.core.trust.saliency import class_map  # noqa: E402
from desktop.ml.convert import deploy  # noqa: E402
from desktop.ml.explain.grad_cam import GradCam, GradientError  # noqa: E402
from desktop.ml.packaging import head_detection  # noqa: E402
from desktop.store.store import ModelStore, read_verified  # noqa: E402

layers = keras.layers


def network(pooling: str = "average", hidden: bool = False) -> Any:
    keras.utils.set_random_seed(4)
    inputs = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="normalise")(inputs)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.5)(layers.MaxPooling2D()(x))
    x = layers.Activation("linear", name="map")(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    pool = layers.GlobalAveragePooling2D() if pooling == "average" else layers.GlobalMaxPooling2D()
    embedding = pool(x)
    if hidden:
        embedding = layers.Dense(8, activation="tanh")(embedding)
    embedding = layers.Activation("linear", name="embedding")(embedding)
    logits = layers.Dense(3, name="logits", bias_initializer="random_normal")(embedding)
    return keras.Model(inputs, {"logits": logits, "embedding": embedding, "map": x})


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("mirrored", [False, True])
def test_with_average_pooling_grad_cam_is_the_positive_part_of_the_map_times_its_weights(
    tmp_path: Path, mirrored: bool
) -> None:
    trained = network()
    deploy.finish(trained, 1.7, mirrored).save(tmp_path / "model.keras")
    cam = GradCam(tmp_path / "model.keras")
    picture = pictures(1)[0]
    inner = keras.Model(trained.inputs, trained.output["map"])
    last_map = np.asarray(inner(picture[np.newaxis], training=False))[0]
    kernel = np.asarray(trained.get_layer("logits").get_weights()[0])
    for index in range(3):
        # With average pooling the gradient of a logit by the map is the weight over the number of places, everywhere.
        expected = np.maximum(last_map @ kernel[:, index] / 64, 0)
        np.testing.assert_allclose(cam.heat(picture, index), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(cam.heat(picture, 1), cam.heat(picture, 1))


def test_a_network_with_dropout_gives_the_same_picture_the_same_map_again() -> None:
    cam = GradCam(read_verified(ModelStore().require("mnist-digits"), "model.keras"))
    picture = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    np.testing.assert_array_equal(cam.heat(picture, 2), cam.heat(picture, 2))


@pytest.mark.parametrize(
    ("pooling", "hidden", "expected"),
    [("average", False, "average"), ("maximum", False, "maximum"), ("average", True, None)],
)
def test_the_end_of_a_network_is_believed_only_where_its_numbers_bear_it_out(
    pooling: str, hidden: bool, expected: str | None
) -> None:
    deployed = deploy.finish(network(pooling, hidden), 1.3, False)
    images = pictures(40)
    found = [np.asarray(part) for part in deployed.predict(images, verbose=0)]
    outputs = {"probabilities": 0, "embedding": 1, "map": 2}
    end = head_detection.find(deployed, images, found, outputs)
    assert (end.pooling if end else None) == expected
    if end is not None:
        sums = np.array([[class_map(row, end, index).sum() for index in range(3)] for row in found[2]])
        logs = np.log(found[0]) * 1.3
        # The places sum to the logits above their mean, but for the bias.
        gaps = (sums - sums.mean(axis=1, keepdims=True)) - (logs - logs.mean(axis=1, keepdims=True))
        assert np.abs(gaps - gaps.mean(axis=0)).max() < 1e-3
    assert head_detection.find(deployed, images, found, {"probabilities": 0}) is None


def convolution(filters: int, size: int = 3, **more: Any) -> Any:
    return layers.Conv2D(filters, size, padding="same", activation="relu", **more)


def foreign(kind: str) -> Any:
    """A network as others save one: it knows nothing of Fovea's names, and takes pictures from 0 to 1."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((16, 16, 3))
    if kind == "sequential":
        base = keras.Sequential([keras.Input((16, 16, 3)), convolution(4), layers.MaxPooling2D(), convolution(6)])
        return keras.Sequential([inputs, base, layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")])
    if kind == "sigmoid":
        x = layers.GlobalAveragePooling2D()(convolution(4)(inputs))
        return keras.Model(inputs, layers.Dense(1, "sigmoid", kernel_initializer="ones", bias_initializer="ones")(x))
    if kind == "two-scales":
        first = layers.Conv2D(4, 3, activation="relu")(inputs)
        second = convolution(6)(layers.MaxPooling2D()(first))
        ways = [layers.GlobalAveragePooling2D()(first), layers.GlobalAveragePooling2D()(second)]
    else:
        ways = [layers.GlobalAveragePooling2D()(convolution(4, size)(inputs)) for size in (3, 5)]
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Concatenate()(ways)))


def imported(tmp_path: Path, kind: str) -> tuple[Any, GradCam]:
    """The network, and what explains it after an import."""
    from desktop.ml.exchange import import_steps
    from desktop.ml.exchange.foreign import ForeignFacts

    model = foreign(kind)
    model.save(tmp_path / "net.keras")
    (tmp_path / "work").mkdir()
    labels = ("no", "yes") if kind == "sigmoid" else ("red", "green", "blue")
    facts = ForeignFacts(
        name="Mine", labels=labels, scaling="0-1", fit="stretch", ends="sigmoid" if len(labels) == 2 else None
    )
    import_steps.build(str(tmp_path / "net.keras"), "keras", facts, str(tmp_path / "work"), None)
    return model, GradCam(tmp_path / "work" / "model.keras")


def test_of_an_imported_network_the_last_map_inside_it_is_asked_not_the_picture(tmp_path: Path) -> None:
    model, cam = imported(tmp_path, "sequential")
    picture = pictures(1)[0]
    last_map = np.asarray(model.layers[0](picture[np.newaxis] / 255.0, training=False))[0]
    expected = np.maximum(last_map @ model.layers[-1].get_weights()[0] / 64, 0)
    for index in range(3):
        np.testing.assert_allclose(cam.heat(picture, index), expected[..., index], rtol=1e-4, atol=1e-6)


def test_of_a_network_with_branches_the_last_map_that_feeds_them_all_is_asked(tmp_path: Path) -> None:
    _, cam = imported(tmp_path, "two-scales")
    assert cam.heat(pictures(1)[0], 0).shape == (14, 14)


def test_a_network_whose_branches_share_nothing_but_the_picture_is_left_to_occlusion(tmp_path: Path) -> None:
    with pytest.raises(GradientError) as caught:
        imported(tmp_path, "branches")
    assert caught.value.kind == "no-map" and caught.value.hint


def test_both_sides_of_one_sigmoid_are_asked_before_it(tmp_path: Path) -> None:
    model, cam = imported(tmp_path, "sigmoid")
    picture = pictures(1)[0]
    last_map = np.asarray(keras.Model(model.inputs, model.layers[1].output)(picture[np.newaxis] / 255.0))[0]
    np.testing.assert_allclose(cam.heat(picture, 1), np.maximum(last_map.sum(axis=2) / 256, 0), rtol=1e-4, atol=1e-6)
    assert not cam.heat(picture, 0).any()


def sure(dense: Any) -> Any:
    """A dense layer whose answer is the first class, with a score of 1 as far as float32 can tell."""
    dense.build((None, 8))
    kernel = np.full((8, 3), -300.0, np.float32)
    kernel[:, 0] = 600.0
    dense.set_weights([kernel, np.zeros(3, np.float32)])
    return dense


def test_a_network_that_is_sure_has_a_map_when_it_was_installed(tmp_path: Path) -> None:
    inner = network()
    embedding, last_map = (inner.output[name] for name in ("embedding", "map"))
    scores = sure(layers.Dense(3, "softmax", name="predictions"))(embedding)
    named = zip(("probabilities", "embedding", "map"), (scores, embedding, last_map), strict=True)
    outputs = [
        layers.Activation("linear", name=f"{name}_out" if name != "probabilities" else name)(x) for name, x in named
    ]
    keras.Model(inner.inputs, outputs).save(tmp_path / "model.keras")
    assert_sure_with_a_map(tmp_path / "model.keras")


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_network_that_is_sure_has_a_map_when_its_head_was_joined_to_a_base(tmp_path: Path, mirrored: bool) -> None:
    inner = network()
    features = keras.Input((8,))
    end = {"logits": sure(layers.Dense(3, name="logits"))(features), "embedding": layers.Identity()(features)}
    outputs = dict(keras.Model(features, end, name="head")(inner.output["embedding"]))
    outputs["map"] = inner.output["map"]
    deploy.finish(keras.Model(inner.inputs, outputs), 1.3, mirrored).save(tmp_path / "model.keras")
    assert_sure_with_a_map(tmp_path / "model.keras")


def assert_sure_with_a_map(path: Path) -> None:
    cam, picture = GradCam(path), pictures(1)[0]
    assert cam.scores(picture)[0] == 1.0
    assert cam.heat(picture, 0).max() > 1e-3 and cam.heat(picture, 0).shape == (8, 8)
