"""EfficientNet-Lite in Keras: built as published, filled strictly, and answering as PyTorch's own operations do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from desktop.core.types import StoreError
from desktop.ml.exchange import torch_file
from desktop.ml.nets import efficientnet_lite, imagenet
from desktop.store import catalogue, weight_packages


def tensors_of(network: str) -> dict[str, np.ndarray]:
    package = catalogue.load().get(network).package
    assert package is not None
    if not weight_packages.is_there(package):
        pytest.skip(f"the package {package.distribution} is not installed")
    return torch_file.read(weight_packages.find(package).read_bytes())


def test_it_is_built_as_published() -> None:
    model = imagenet.build_base("lite0", top=True)
    assert model.count_params() == catalogue.load().get("lite0").parameters == 4_694_024
    assert [stage.filters for stage in efficientnet_lite.stages(1.0, 1.0)] == [16, 24, 40, 80, 112, 192, 320]
    assert [stage.filters for stage in efficientnet_lite.stages(1.1, 1.2)] == [16, 24, 48, 88, 120, 208, 352]
    assert [stage.repeats for stage in efficientnet_lite.stages(1.1, 1.2)] == [1, 3, 3, 4, 4, 5, 1]
    shapes = {
        name: model.get_layer(name).output.shape[1:] for name in ("stem_relu", "head_relu", "embedding", "logits")
    }
    assert shapes == {"stem_relu": (112, 112, 32), "head_relu": (7, 7, 1280), "embedding": (1280,), "logits": (1000,)}
    assert not [layer.name for layer in model.layers if "sigmoid" in str(layer.get_config())]
    bare = imagenet.build_base("lite0", shape=(96, 64, 3))
    assert bare.output_shape == (None, 3, 2, 1280)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.pop("_fc.bias"), "_fc.bias"),
        (lambda t: t.update({"_blocks.3._bn1.weight": np.zeros(7, np.float32)}), "_blocks.3._bn1.weight"),
        (lambda t: t.update({"_blocks.99._bn1.weight": np.zeros(7, np.float32)}), "_blocks.99"),
        (lambda t: t["_conv_stem.weight"].__setitem__((0, 0, 0, 0), np.nan), "_conv_stem.weight"),
        (lambda t: t.update({"_bn1.bias": np.zeros(1280, np.int64)}), "_bn1.bias"),
    ],
)
def test_other_weights_are_refused(change: Any, word: str) -> None:
    tensors = tensors_of("lite0")
    change(tensors)
    with pytest.raises(StoreError, match=word) as caught:
        efficientnet_lite.load(imagenet.build_base("lite0", top=True), tensors)
    assert caught.value.kind == "does-not-fit"


def test_it_answers_as_pytorchs_operations_do() -> None:
    """The same weights through PyTorch's own convolutions, with TensorFlow's padding by hand: an independent build."""
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    import keras

    tensors = tensors_of("lite0")
    model = imagenet.build_base("lite0", top=True)
    efficientnet_lite.load(model, tensors)
    images = np.random.default_rng(5).integers(0, 256, (2, 224, 224, 3), np.uint8)
    images[1, 60:160, 40:200] = (200, 30, 90)
    inner = keras.Model(model.inputs, [model.get_layer("logits").output, model.get_layer("embedding").output])
    logits, embedding = (np.asarray(part) for part in inner.predict_on_batch(images))
    with torch.no_grad():
        expected = _through_torch(torch, {name: torch.from_numpy(each) for name, each in tensors.items()}, images)
    assert np.abs(logits - expected[0]).max() < 1e-4 and np.abs(embedding - expected[1]).max() < 1e-4
    assert np.abs(logits).max() > 1  # it says something


def _through_torch(torch: Any, weights: dict[str, Any], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    functional = torch.nn.functional

    def normal(x: Any, name: str) -> Any:
        mean, var, scale, shift = (
            weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, scale, shift, False, 0.0, 1e-3)

    def convolve(x: Any, name: str, stride: int, groups: int = 1) -> Any:
        kernel = weights[name]
        side = kernel.shape[-1]
        pads = [max((math.ceil(n / stride) - 1) * stride + side - n, 0) for n in x.shape[2:]]
        x = functional.pad(x, [pads[1] // 2, pads[1] - pads[1] // 2, pads[0] // 2, pads[0] - pads[0] // 2])
        return functional.conv2d(x, kernel, stride=stride, groups=groups)

    x = (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127) / 128
    x = functional.relu6(normal(convolve(x, "_conv_stem.weight", 2), "_bn0"))
    strides = {0: 1, 1: 2, 3: 2, 5: 2, 8: 1, 11: 2, 15: 1}  # the first block of each stage
    for block in range(16):
        place, before = f"_blocks.{block}.", x
        if block:
            x = functional.relu6(normal(convolve(x, f"{place}_expand_conv.weight", 1), f"{place}_bn0"))
        stride = strides.get(block, 1)
        x = convolve(x, f"{place}_depthwise_conv.weight", stride, x.shape[1])
        x = functional.relu6(normal(x, f"{place}_bn1"))
        x = normal(convolve(x, f"{place}_project_conv.weight", 1), f"{place}_bn2")
        x = x + before if x.shape == before.shape else x
    x = functional.relu6(normal(convolve(x, "_conv_head.weight", 1), "_bn1")).mean((2, 3))
    return (x @ weights["_fc.weight"].T + weights["_fc.bias"]).numpy(), x.numpy()
