"""Finds out whether a network ends in one pooling of its last map and one dense layer: then its maps can be read.

What is found is stored as :class:`desktop.core.trust.saliency.Head`, checked on the exported file's own outputs:
nothing is believed because of a layer's name alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from desktop.core.trust.saliency import Head, Pooling

_CLOSE = 2e-3  # in any pooled feature relative to the largest, and in any difference of log scores


def find(model: Any, images: np.ndarray, found: list[np.ndarray], outputs: dict[str, int]) -> Head | None:
    """The head of a deployed Keras ``model``, or ``None`` where it ends otherwise.

    ``found`` are the exported file's outputs for some prepared ``images`` (uint8, n of them), at the positions
    ``outputs``.
    """
    kernel = kernel_of(model)
    return None if kernel is None else checked(kernel, found, outputs)


def kernel_of(model: Any) -> np.ndarray | None:
    """The kernel (features, classes) of the layer that gives the logits, float32; ``None`` where there is none."""
    layer = _layer(model, "logits")
    return None if layer is None else np.asarray(layer.get_weights()[0], np.float32)


def checked(kernel: np.ndarray, found: list[np.ndarray], outputs: dict[str, int]) -> Head | None:
    """The head with that ``kernel``, if the exported file's outputs ``found`` are what it gives; needs no Keras."""
    if not {"embedding", "map"} <= outputs.keys():
        return None
    embedding, last_map, scores = (found[outputs[name]] for name in ("embedding", "map", "probabilities"))
    if kernel.shape != (embedding.shape[1], scores.shape[1]) or last_map.shape[3] != embedding.shape[1]:
        return None
    if not _linear(embedding, kernel, scores):
        return None
    pooled: tuple[tuple[Pooling, np.ndarray], ...] = (
        ("average", last_map.mean(axis=(1, 2))),
        ("maximum", last_map.max(axis=(1, 2))),
    )
    size = max(float(np.abs(embedding).max()), 1e-6)
    for name, values in pooled:
        if float(np.abs(values - embedding).max()) <= _CLOSE * size:
            return Head(kernel, name)
    return None


def filters(model: Any) -> np.ndarray | None:
    """The kernel (rows, columns, channels, filters) of the first convolution, where that sees the picture's colours."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            inner = filters(layer)
            if inner is not None:
                return inner
        if layer.__class__.__name__ == "Conv2D":
            kernel = np.asarray(layer.get_weights()[0], np.float32)
            return kernel if kernel.shape[2] in (1, 3) else None
    return None


def _linear(embedding: np.ndarray, kernel: np.ndarray, scores: np.ndarray) -> bool:
    """Whether the scores are the softmax of ``embedding @ kernel`` plus a bias, divided by a temperature."""
    usable = (scores > 1e-30).all(axis=1)
    if usable.sum() < 3:
        return False
    logits = embedding[usable].astype(np.float64) @ kernel
    logs = np.log(scores[usable].astype(np.float64))
    logits -= logits.mean(axis=1, keepdims=True)
    logs -= logs.mean(axis=1, keepdims=True)
    logits -= logits.mean(axis=0)  # the bias
    logs -= logs.mean(axis=0)
    size = float((logits**2).sum())
    if size == 0:
        return False
    inverse_temperature = float((logits * logs).sum()) / size
    gap = float(np.abs(logits * inverse_temperature - logs).max())
    return gap <= _CLOSE * max(1.0, float(np.abs(logs).max()))


def _layer(model: Any, name: str) -> Any:
    """The dense layer of that name in a model or in a model inside of it."""
    for layer in model.layers:
        if layer.name == name and getattr(layer, "kernel", None) is not None:
            return layer
        if hasattr(layer, "layers"):
            inner = _layer(layer, name)
            if inner is not None:
                return inner
    return None
