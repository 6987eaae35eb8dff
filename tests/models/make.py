"""Make the two tiny networks that the tests use: ``python tests/models/make.py`` (needs TensorFlow).

``colours``: uint8 (n, 8, 8, 3) to the scores of red, green, blue by the mean of each channel. It answers NaN for
an all-white picture on purpose: 0/0 stands for every network that fails with numbers instead of an error.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np


def colours() -> keras.Model:
    """The network as described above."""
    pixels = keras.Input((8, 8, 3), dtype="uint8")
    values = keras.layers.Rescaling(1 / 255.0)(pixels)
    means = keras.layers.GlobalAveragePooling2D()(values)
    dark = keras.layers.Dense(1, name="dark")(means)
    one = keras.layers.Lambda(lambda x: x / x)(dark)  # 0/0 for white, else 1
    scores = keras.layers.Dense(3, name="scores")(means)
    answer = keras.layers.Softmax()(keras.layers.Multiply()([scores, one]))
    model = keras.Model(pixels, answer)
    model.get_layer("dark").set_weights([np.full((3, 1), -1.0, np.float32), np.array([3.0], np.float32)])
    model.get_layer("scores").set_weights([8 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32)])
    return model


if __name__ == "__main__":
    colours().export(str(Path(__file__).parent / "colours.tflite"), format="litert")
