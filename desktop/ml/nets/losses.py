"""Losses, penalties on the weights and the plain figures of validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from desktop.ml.nets import backend
from desktop.ml.plans.plan import FitPlan

backend.select()

import keras  # noqa: E402
from keras import ops  # noqa: E402


def loss_of(fit: FitPlan) -> Any:
    """The loss of logits (n, classes) against one-hot targets, for ``compile``."""
    if fit.loss == "mse":
        return SquaredError(fit.label_smoothing)
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=fit.label_smoothing)


@keras.saving.register_keras_serializable("fovea")
class SquaredError(keras.losses.Loss):
    """Mean over classes and images of the squared difference between softmax scores and (smoothed) one-hot targets."""

    def __init__(self, label_smoothing: float = 0.0, name: str = "squared_error", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:  # Keras names its arguments
        """One loss an image, float32 (n,)."""
        scores = ops.softmax(ops.cast(y_pred, "float32"), axis=-1)
        wanted = ops.cast(y_true, scores.dtype)
        if self.label_smoothing:
            wanted = wanted * (1.0 - self.label_smoothing) + self.label_smoothing / scores.shape[-1]
        return ops.mean(ops.square(scores - wanted), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def penalise(model: keras.Model, l1: float, l2: float) -> None:
    """Add ``l1`` times the absolute values and ``l2`` times the squares of all kernels to the loss.

    Biases and normalisation are left alone. The penalty is tied to the variables, not to the layers' settings: what is
    saved later carries no trace of it.
    """
    if not l1 and not l2:
        return
    for variable in model.trainable_variables:
        if variable.name == "kernel":
            variable.regularizer = keras.regularizers.L1L2(l1, l2)


def validation_figures(logits: np.ndarray, labels: np.ndarray, loss: str) -> tuple[float, float]:
    """Loss (without smoothing, weights and penalties) and accuracy of ``logits`` (n, classes) against ``labels``."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    rows, total = np.arange(len(labels)), powers.sum(axis=1, keepdims=True)
    right = float((logits.argmax(axis=1) == labels).mean())
    if loss == "mse":
        scores = powers / total
        scores[rows, labels] -= 1.0
        return float(np.square(scores).mean()), right
    return float((np.log(total[:, 0]) - shifted[rows, labels]).mean()), right
