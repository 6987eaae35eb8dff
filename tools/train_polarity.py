"""Train the small network that tells negatives from photographs, and write ``resources/polarity.npz``.

    python -m tools.train_polarity [--epochs 36] [--out resources/polarity.npz] [--data DIR]

From the training part of the CIFAR-10 (JPEG) pictures, as the bundled ``cifar10`` splits it; the figure it prints is of
that model's validation part, which the network does not see. Half of every batch is turned into negatives after the
augmentation, so that whatever else happens to a picture says nothing. See :mod:`desktop.core.trust.polarity`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from desktop import paths
from desktop.core.trust import polarity
from desktop.ml.data import assemble, augment
from desktop.ml.nets import backend, normalise, optimizers
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import OptimizerPlan, Step

backend.select()

import keras  # noqa: E402

WIDTHS = (32, 32, 64, 64, 128)
BATCH = 250
STEPS = (
    Step("flip", {"p": 0.5}),
    Step("shift", {"pixels": 3}),
    Step("affine", {"p": 0.3, "rotate": 8, "zoom": [0.85, 1.35], "aspect": 0.2, "shift": 0.08, "border": "reflect"}),
    Step("colour", {"p": 0.4, "saturation": 0.6, "gain": 0.12}),
    Step("tone", {"p": 0.4, "brightness": 0.12, "contrast": 0.3, "gamma": 0.3}),
    Step("resample", {"p": 0.3, "smallest": 0.6, "sharpen": 0.9}),
    Step("jpeg", {"p": 0.2, "quality": 50}),
)


class Turned(keras.utils.PyDataset):
    """One epoch of augmented pictures, half of them as negatives: uint8 (n, 32, 32, 3) and float32 (n,)."""

    def __init__(self, images: np.ndarray, epoch: int) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self._images, self._epoch = images, epoch
        self._order = np.random.default_rng([7, epoch]).permutation(len(images))

    def __len__(self) -> int:
        return len(self._order) // BATCH

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([7, self._epoch, index])
        pictures = augment.apply(self._images[self._order[index * BATCH :][:BATCH]], STEPS, rng)
        negative = rng.random(len(pictures)) < 0.5
        pictures[negative] = 255 - pictures[negative]
        return pictures, negative.astype(np.float32)


def build() -> keras.Model:
    """The network, logit out."""
    inputs = keras.Input((polarity.SIDE, polarity.SIDE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    for width, stride in zip(WIDTHS, polarity.STRIDES, strict=True):
        x = keras.layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.Activation("relu")(normalise.batch_normalization(momentum=0.9, epsilon=1e-3)(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(1, dtype="float32")(x))


def folded(model: keras.Model) -> dict[str, np.ndarray]:
    """The network's numbers as :mod:`desktop.core.trust.polarity` reads them, the normalisation within the kernels."""
    found: dict[str, np.ndarray] = {}
    layers = [layer for layer in model.layers if layer.weights]
    for i in range(len(WIDTHS)):
        (kernel,) = layers[2 * i].get_weights()
        gamma, beta, mean, variance = layers[2 * i + 1].get_weights()
        scale = gamma / np.sqrt(variance + 1e-3)
        found |= {f"kernel{i}": (kernel * scale).astype(np.float16), f"offset{i}": beta - mean * scale}
    weights, bias = layers[-1].get_weights()
    return found | {"weights": weights[:, 0], "bias": bias[0]}


def main() -> int:
    """Do as the module's text says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--out", type=Path, default=paths.resources() / polarity.FILE)
    parser.add_argument("--data", type=Path, help="where the public sets lie (default: FOVEA_DATA)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fovea-polarity-") as run:
        recipe = plans.load(paths.resources() / "recipes" / "cifar10.json")
        gathered = assemble.gather(recipe, Path(run), options.data)
        images = np.array(gathered.train.images)
        unseen = np.array(gathered.validation.images)
    keras.utils.set_random_seed(7)
    if backend.gains_from_16_bits():
        keras.config.set_dtype_policy("mixed_bfloat16")
    with normalise.fused():
        model = build()
    total = options.epochs * (len(images) // BATCH)
    chosen = OptimizerPlan("adamw", 0.004, "cosine", 0.1, weight_decay=0.02)
    model.compile(optimizers.build(chosen, total), keras.losses.BinaryCrossentropy(from_logits=True))
    for epoch in range(options.epochs):
        model.fit(Turned(images, epoch), epochs=epoch + 1, initial_epoch=epoch, verbose=2)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = folded(model)
    np.savez_compressed(options.out, allow_pickle=False, **arrays)
    upright, turned = (polarity.odds(pictures, options.out) for pictures in (unseen, 255 - unseen))
    for share in (0.05, 0.02, 0.01):
        found = float((turned > np.quantile(upright, 1 - share)).mean())
        print(f"{found:.1%} of {len(unseen)} validation pictures' negatives found at {share:.0%} of the pictures")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
