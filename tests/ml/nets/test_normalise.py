"""Batch normalisation in one operation gives what Keras' own layer gives, and never reaches a finished network."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from desktop.ml.nets import normalise  # noqa: E402

SHAPES = [(4, 3, 5, 6), (1, 2, 2, 3), (8, 7)]


@pytest.fixture(autouse=True)
def _tensorflow() -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the fused operation is TensorFlow's")


def _pair(shape: tuple[int, ...]) -> list[keras.layers.Layer]:
    random = np.random.default_rng(5)
    with normalise.fused():
        fused = normalise.batch_normalization(momentum=0.8, epsilon=1e-3)
    pair = [fused, normalise.batch_normalization(momentum=0.8, epsilon=1e-3)]
    values = [random.normal(1, 0.3, shape[-1]).astype(np.float32) for _ in range(3)]
    for layer in pair:
        layer.build(shape)
        layer.set_weights([*values, np.abs(values[0])])
    return pair


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_averages_and_gradients_are_those_of_keras(shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    fused, plain = _pair(shape)
    assert not normalise.is_plain(fused) and normalise.is_plain(plain)
    inputs = tf.constant(np.random.default_rng(6).normal(2, 3, shape).astype(np.float32))
    pull = tf.constant(np.random.default_rng(7).normal(0, 1, shape).astype(np.float32))
    found = []
    for layer in (fused, plain):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(outputs * pull)
        gradients = tape.gradient(loss, [inputs, *layer.trainable_variables])
        found.append([outputs, *gradients, *layer.get_weights(), layer(inputs, training=False)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)


def test_a_frozen_layer_keeps_its_averages() -> None:
    fused, _ = _pair((4, 3, 5, 6))
    fused.trainable = False
    before = fused.get_weights()
    fused(np.full((4, 3, 5, 6), 9, np.float32), training=True)
    for one, other in zip(before, fused.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("channels", [6, 16])
def test_bfloat16_is_rounded_once(channels: int) -> None:
    """Odd widths are computed in float32 for speed; what comes out is bfloat16 again, for every width."""
    import tensorflow as tf

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        fused, _ = _pair((4, 3, 5, channels))
    finally:
        keras.config.set_dtype_policy(policy)
    exact, _ = _pair((4, 3, 5, channels))
    values = np.random.default_rng(6).normal(2, 3, (4, 3, 5, channels)).astype(np.float32)
    inputs = tf.cast(tf.constant(values), tf.bfloat16)
    outputs = fused(inputs, training=True)
    assert outputs.dtype == tf.bfloat16
    wanted = exact(tf.cast(inputs, tf.float32), training=True)
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), wanted, rtol=2**-7, atol=2e-3)
    for one, other in zip(fused.get_weights(), exact.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
