"""The second network of the bundled ``cifar10``: made, and joined with the first into one model.

    python -m tools.train_cifar10 tune --run FILE [--data DIR] [--seconds 3400] [--rate 5e-4] [--sizes 0:96,0.5:128]
    python -m tools.train_cifar10 join --run FILE --first FOLDER [--data DIR] --out ROOT

``tune`` begins from ``efficientnet-lite0``: blocks 0 to 4 stay as they are and run through LiteRT, blocks 5 to 15 and a
new last layer learn, batch normalisation folded into the weights (fixed statistics cost two thirds of the time of ones
that are counted, and folded ones less still). The tiles are enlarged bilinearly, to more pixels towards the end. AdamW,
its rate a cosine over the seconds that there are, a moving average of the weights; crops, mirror images, zoom, changes
of colour and cutmix among what the fixed blocks give. It goes on where a run in FILE was cut off.

``join`` takes the first network from a model's folder and averages the logits of both, each with a factor that is
chosen on validation by its loss; the exported file's weights have 16 bits. Then the model is made as at the end of any
training: temperature, gate, answer sets; the test split is opened once, there.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import queue
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from desktop import paths
from desktop.ml.data import assemble
from desktop.ml.data.arrays import Pictures
from desktop.ml.nets import backend, base_network, efficientnet_lite
from desktop.ml.packaging import package
from desktop.ml.plans import plan as plans
from desktop.ml.training.context import Trained
from desktop.store.store import ModelStore, read_verified
from desktop.system.files import write_atomically

backend.select()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

RECIPE = "cifar10"
BASE = "efficientnet-lite0"
CUT, BLOCKS = 5, 16
BATCH, CLASSES = 64, 10
_EARLY = 16  # pictures that the fixed blocks look at together
_EVERY_S = 240.0
_FACTORS = tuple(np.round(np.geomspace(0.15, 2.0, 14), 3))


# The network


def blocks(x: Any, first: int, last: int) -> Any:
    """Blocks ``first`` to ``last`` - 1 of the base on ``x``, normalisation folded into their weights."""
    number, channels = 0, efficientnet_lite.STEM
    for stage in efficientnet_lite.stages(1.0, 1.0):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            if first <= number < last:
                came, name = x, f"block{number}"
                if stage.expand != 1:
                    x = layers.Conv2D(channels * stage.expand, 1, name=f"{name}_expand")(x)
                    x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
                x = layers.DepthwiseConv2D(stage.kernel, stride, "same", name=f"{name}_depthwise")(x)
                x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
                x = layers.Conv2D(stage.filters, 1, name=f"{name}_project")(x)
                if stride == 1 and channels == stage.filters:
                    x = layers.Add(name=f"{name}_add")([x, came])
            number, channels = number + 1, stage.filters
    return x


def stem(x: Any) -> Any:
    """What comes before the blocks: pictures 0 to 255 brought to the base's range, and its first convolution."""
    x = layers.Rescaling(1 / 128, -127 / 128, name="to_minus_one_and_one")(x)
    return layers.ReLU(6.0, name="stem_relu")(layers.Conv2D(efficientnet_lite.STEM, 3, 2, "same", name="stem")(x))


def fold(source: keras.Model, target: keras.Model) -> None:
    """Give ``target``'s convolutions the weights of ``source``'s, with the normalisation behind each in them."""
    for layer in target.layers:
        if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            continue
        (kernel,) = source.get_layer(layer.name).get_weights()
        normal = source.get_layer(f"{layer.name}_bn")
        gamma, beta, mean, variance = normal.get_weights()
        factor = gamma / np.sqrt(variance + normal.epsilon)
        deep = isinstance(layer, layers.DepthwiseConv2D)
        layer.set_weights([kernel * (factor[:, None] if deep else factor), beta - mean * factor])


def base() -> keras.Model:
    """The network of the store that all begins from."""
    entry = ModelStore().require(BASE)
    model: keras.Model = keras.saving.load_model(read_verified(entry, "model.keras"), compile=False)
    return model


def head_of(x: Any) -> Any:
    """The new last layer."""
    return layers.Dense(CLASSES, name="second_logits")(x)


def late(source: keras.Model) -> keras.Model:
    """The part that learns: what the fixed blocks give in, logits out, for pictures of any size."""
    inputs = keras.Input((None, None, 40))
    x = layers.GlobalAveragePooling2D()(blocks(inputs, CUT, BLOCKS))
    network = keras.Model(inputs, head_of(layers.Dropout(0.1)(x)))
    fold(source, network)
    return network


class Fixed:
    """The stem and the blocks that stay, through LiteRT, for pictures of ``side`` pixels; one thread at a time."""

    def __init__(self, source: keras.Model, side: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        inputs = keras.Input((side, side, 3), batch_size=_EARLY)
        network = keras.Model(inputs, blocks(stem(inputs), 0, CUT))
        fold(source, network)
        self._interpreter = Interpreter(
            model_content=tf.lite.TFLiteConverter.from_keras_model(network).convert(), num_threads=1
        )
        self._interpreter.allocate_tensors()
        self._in = self._interpreter.get_input_details()[0]["index"]
        self._out = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(pictures), _EARLY):
            piece = pictures[start : start + _EARLY]
            batch = np.zeros((_EARLY, *piece.shape[1:]), np.float32)
            batch[: len(piece)] = piece
            self._interpreter.set_tensor(self._in, batch)
            self._interpreter.invoke()
            parts.append(self._interpreter.get_tensor(self._out)[: len(piece)].copy())
        return np.concatenate(parts)


# What it learns from


def enlarged(tiles: np.ndarray, side: int, boxes: np.ndarray | None = None, turned: np.ndarray | None = None) -> Any:
    """float32 (n, side, side, 3) of uint8 tiles, or of what lies in ``boxes`` (n, 4) of them; mirrored where told."""
    out = np.empty((len(tiles), side, side, 3), np.float32)
    for place, tile in enumerate(tiles):
        picture = Image.fromarray(tile)
        if turned is not None and turned[place]:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = None if boxes is None else tuple(boxes[place])
        out[place] = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box))
    return out


def augmented(tiles: np.ndarray, side: int, rng: np.random.Generator) -> Any:
    """Tiles moved by up to four pixels, half of them zoomed, half mirrored, a quarter in other light and colour."""
    count = len(tiles)
    padded = np.pad(tiles, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    width = np.where(rng.random(count) < 0.5, 32.0, rng.uniform(25, 34, count))
    middle = 20 + rng.uniform(-0.5, 0.5, (count, 2)) * np.minimum(40 - width, 8)[:, None]
    half = width[:, None] / 2
    boxes = np.concatenate([middle - half, middle + half], axis=1).clip(0, 40)
    found = enlarged(padded, side, boxes, rng.random(count) < 0.5)
    lit = rng.random(count) < 0.25
    gain, shift = rng.uniform(0.8, 1.2, (lit.sum(), 1, 1, 1)), rng.uniform(-15, 15, (lit.sum(), 1, 1, 3))
    found[lit] = (found[lit] - 127) * gain + 127 + shift
    return found.clip(0, 255).astype(np.float32)


def cut_and_mixed(maps: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three in ten maps with a rectangle of another one (cutmix, Yun et al. 2019), and smoothed labels (n, classes)."""
    count, height, width, _ = maps.shape
    known = np.eye(CLASSES, dtype=np.float32)[labels] * 0.95 + 0.05 / CLASSES
    other, found, mixed = rng.permutation(count), maps.copy(), known.copy()
    for place in np.flatnonzero(rng.random(count) < 0.3):
        share = np.sqrt(rng.random())
        tall, wide = max(1, round(height * share)), max(1, round(width * share))
        if tall == height:
            continue
        top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
        area = (slice(top, top + tall), slice(left, left + wide))
        found[place][area] = maps[other[place]][area]
        taken = tall * wide / (height * width)
        mixed[place] = (1 - taken) * known[place] + taken * known[other[place]]
    return found, mixed


# Training


@dataclass
class Run:
    """How far a training has come: seconds spent, pictures seen, weights and their moving average."""

    spent: float = 0.0
    seen: int = 0
    weights: list[np.ndarray] = field(default_factory=list)
    mean: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> Run:
        """The run in ``file``."""
        with np.load(file, allow_pickle=False) as held:
            count = sum(name.startswith("w") for name in held.files)
            weights, mean = ([held[f"{kind}{i}"] for i in range(count)] for kind in "we")
            return cls(float(held["spent"]), int(held["n"]), weights, mean)

    def write(self, file: Path) -> None:
        """Put it into ``file``."""
        arrays = {f"w{i}": each for i, each in enumerate(self.weights)}
        arrays |= {f"e{i}": each for i, each in enumerate(self.mean)}
        with tempfile.TemporaryFile() as stream:
            np.savez(stream, spent=self.spent, n=self.seen, **arrays)  # type: ignore[arg-type]
            stream.seek(0)
            write_atomically(file, stream.read())


def tune(file: Path, data: Path | None, seconds: float, rate: float, sizes: list[tuple[float, int]]) -> None:
    """Train the second network for ``seconds``; ``sizes``: from which share of them on, how many pixels a side."""
    train, validation = gathered(data)
    source = base()
    network = late(source)
    variables = network.trainable_variables
    run = Run.read(file) if file.is_file() else Run()
    for variable, held in zip(variables, run.weights, strict=False):
        variable.assign(held)
    run.mean = run.mean or [variable.numpy() for variable in variables]
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.02, beta_2=0.99)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(variables)

    @tf.function  # type: ignore[untyped-decorator]
    def step(maps: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = network(maps, training=True)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 2.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def side() -> int:
        return [pixels for begin, pixels in sizes if begin <= run.spent / seconds][-1]

    fixed = {pixels: Fixed(source, pixels) for _, pixels in sizes}
    waiting: queue.Queue[tuple[np.ndarray, np.ndarray]] = queue.Queue(4)
    images, labels = np.asarray(train.images[:]), train.labels

    def supply() -> None:
        rng, order = np.random.default_rng(run.seen + 7), np.empty(0, np.int64)
        while True:
            if len(order) < BATCH:
                order = rng.permutation(len(images))
            picked, order = order[:BATCH], order[BATCH:]
            pixels = side()
            maps = fixed[pixels](augmented(images[picked], pixels, rng))
            waiting.put(cut_and_mixed(maps, labels[picked], rng))

    threading.Thread(target=supply, daemon=True).start()
    last, told, losses = time.monotonic(), run.spent, []
    while run.spent < seconds:
        maps, wanted = waiting.get()
        share = run.spent / seconds
        optimizer.learning_rate.assign(
            max(1e-6, rate * min(1.0, (share + 0.002) / 0.04) * (0.5 + 0.5 * np.cos(np.pi * share)))
        )
        losses.append(float(step(tf.constant(maps), tf.constant(wanted))))
        run.seen += BATCH
        steps = run.seen // BATCH
        if steps % 4 == 0:
            keep = min(0.995, (1 + steps) / (40 + steps)) ** 4
            run.mean = [m * keep + v.numpy() * (1 - keep) for m, v in zip(run.mean, variables, strict=True)]
        now = time.monotonic()
        run.spent, last = run.spent + now - last, now
        if run.spent - told > _EVERY_S or run.spent >= seconds:
            told, run.weights = run.spent, [variable.numpy() for variable in variables]
            run.write(file)
            right = accuracy(network, run.mean, fixed[side()], side(), validation)
            epochs = run.seen / len(images)
            print(f"{run.spent:.0f} s, {epochs:.2f} epochs, {side()} px, loss {np.mean(losses):.3f}, {right:.4f} right")
            last, losses = time.monotonic(), []


def accuracy(network: keras.Model, weights: list[np.ndarray], fixed: Fixed, side: int, pictures: Pictures) -> float:
    """The share of ``pictures`` that ``network`` gets right with ``weights``, which it does not keep."""
    held = [variable.numpy() for variable in network.trainable_variables]
    for variable, value in zip(network.trainable_variables, weights, strict=True):
        variable.assign(value)
    maps = fixed(enlarged(np.asarray(pictures.images[:]), side))
    found = network.predict(maps, batch_size=100, verbose=0).argmax(axis=1)
    for variable, value in zip(network.trainable_variables, held, strict=True):
        variable.assign(value)
    return float((found == pictures.labels).mean())


def gathered(data: Path | None) -> tuple[Pictures, Pictures]:
    """Training and validation pictures as the recipe cuts them."""
    found = assemble_for(data)
    return found.train, found.validation


def recipe() -> plans.TrainingPlan:
    """The recipe of the first network."""
    return plans.load(paths.resources() / "recipes" / f"{RECIPE}.json")


def assemble_for(data: Path | None) -> assemble.Gathered:
    """The recipe's pictures."""
    with tempfile.TemporaryDirectory(prefix="fovea-cifar10-") as run:
        return assemble.gather(recipe(), Path(run), data)


# Both as one


def second(run: Run, side: int) -> keras.Model:
    """The tuned network for tiles: ``logits``, pooled ``embedding`` and ``map``, the enlarging inside."""
    source = base()
    learned = late(source)
    for variable, value in zip(learned.trainable_variables, run.mean, strict=True):
        variable.assign(value)
    tiles = keras.Input((32, 32, 3))
    x = layers.Resizing(side, side, interpolation="bilinear", name="enlarged")(tiles)
    last = blocks(stem(x), 0, BLOCKS)
    pooled = layers.GlobalAveragePooling2D(name="second_embedding")(last)
    network = keras.Model(tiles, {"logits": head_of(pooled), "embedding": pooled, "map": last})
    fixed = keras.Model(tiles, network.get_layer(f"block{CUT - 1}_add").output)
    fold(source, fixed)
    for layer in learned.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return network


def chosen_factors(first: np.ndarray, other: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The factors of both networks' logits (n, classes) with the lowest loss on validation."""

    def loss(factors: tuple[float, float]) -> float:
        logits = factors[0] * first + factors[1] * other
        top = logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return float((total - logits[np.arange(len(labels)), labels]).mean())

    return min(itertools.product(_FACTORS, _FACTORS), key=loss)


def history_of(folder: Path) -> list[dict[str, float]]:
    """What was measured by epoch while the first network learned, as its model tells."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as stream:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(stream)]
    return rows


def join(file: Path, folder: Path, data: Path | None, side: int, out: Path) -> None:
    """Make the model of both networks and write it under ``out``."""
    found, plan = assemble_for(data), recipe()
    store = ModelStore(user=folder.parent)
    first = base_network.network_of(
        keras.saving.load_model(read_verified(store.require(folder.name), "model.keras"), compile=False)
    )
    other = second(Run.read(file), side)
    image = first.inputs[0]
    values = layers.Rescaling(1.0, name="as_float")(image)
    parts = other(values)
    images, labels = np.asarray(found.validation.images[:]), found.validation.labels
    logits = [
        np.asarray(each, np.float64)
        for each in (
            keras.Model(image, first.output["logits"]).predict(images, batch_size=100, verbose=0),
            keras.Model(image, parts["logits"]).predict(images, batch_size=100, verbose=0),
        )
    ]
    factors = chosen_factors(logits[0], logits[1], labels)
    both = factors[0] * logits[0] + factors[1] * logits[1]
    for name, each in (("first", logits[0]), ("second", logits[1]), (f"both, {factors}", both)):
        print(f"{name}: {(each.argmax(axis=1) == labels).mean():.4f} of {len(labels)} validation pictures right")
    weighed = [
        layers.Rescaling(float(factor), name=f"share{number}")(each)
        for number, (factor, each) in enumerate(zip(factors, (first.output["logits"], parts["logits"]), strict=True), 1)
    ]
    outputs = {
        "logits": layers.Add(name="both_logits")(weighed),
        "embedding": layers.Concatenate(name="both_embeddings")([first.output["embedding"], parts["embedding"]]),
        "map": parts["map"],
    }
    trained = Trained(
        keras.Model(image, outputs), history_of(folder), True,
        parent=f"a network trained by its recipe, and one begun from {BASE}; their answers are averaged",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fovea-cifar10-") as work:
        told = lambda event: print(event, flush=True)  # noqa: E731
        made = package.package(plan, trained, found, out, Path(work), told, precision="float16")
    print(made.id, [(metric.name, metric.value, metric.low, metric.high) for metric in made.metrics[:6]])


def main() -> int:
    """Do as the module's text says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("tune", "join"))
    parser.add_argument("--run", type=Path, required=True, help="the second network's checkpoint")
    parser.add_argument("--data", type=Path, help="where the public sets lie (default: FOVEA_DATA)")
    parser.add_argument("--seconds", type=float, default=3400.0)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--sizes", default="0:96,0.5:128", help="from which share of the time on, pixels a side")
    parser.add_argument("--side", type=int, default=128, help="the side that tiles are enlarged to in the model")
    parser.add_argument("--first", type=Path, help="the folder of the model with the first network")
    parser.add_argument("--out", type=Path, help="where the model is put")
    options = parser.parse_args()
    if options.what == "tune":
        pairs = [part.split(":") for part in options.sizes.split(",")]
        tune(options.run, options.data, options.seconds, options.rate, [(float(a), int(b)) for a, b in pairs])
    else:
        join(options.run, options.first, options.data, options.side, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
