"""Grad-CAM's gradient is the gradient, and a network's end is recognised by what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="explaining by gradients needs Keras")

from desktop.core.heat import class_map  # noqa: E402
from desktop.ml import deploy, head  # noqa: E402
from desktop.ml.gradients import GradCam  # noqa: E402

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
    end = head.find(deployed, images, found, outputs)
    assert (end.pooling if end else None) == expected
    if end is not None:
        sums = np.array([[class_map(row, end, index).sum() for index in range(3)] for row in found[2]])
        logs = np.log(found[0]) * 1.3
        # The places sum to the logits above their mean, but for the bias.
        gaps = (sums - sums.mean(axis=1, keepdims=True)) - (logs - logs.mean(axis=1, keepdims=True))
        assert np.abs(gaps - gaps.mean(axis=0)).max() < 1e-3
    assert head.find(deployed, images, found, {"probabilities": 0}) is None
