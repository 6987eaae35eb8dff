"""The layer table, parameter count and memory need of every architecture, without Keras.

What :mod:`desktop.ml.nets.architectures` builds, told beforehand: a test holds both against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from desktop.ml.plans import netspec
from desktop.ml.plans.netspec import LayerRow, Shape
from desktop.ml.plans.plan import Step, TrainingPlan
from desktop.ml.plans.strict_reader import PlanError
from desktop.system.words import phrase

_PROGRAM_BYTES = 700 << 20  # Python with Keras and TensorFlow, before there is a network
_SLOTS = {"sgd": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2, "lbfgs": 0}


def layer_table(architecture: Step, shape: Shape, classes: int) -> list[LayerRow]:
    """One row a layer, from the scaling of the input to the classifying layer.

    ``shape``: (height, width, channels) of the picture, or that of the features which a ``head`` gets. Raises
    :class:`PlanError` for an unknown name or setting, and for layers that do not go together.
    """
    tables: dict[str, Callable[..., list[LayerRow]]] = {
        "sequential": _sequential, "head": _head, "fast-cnn": _fast_cnn, "residual-cnn": _residual_cnn,
    }  # fmt: skip
    if architecture.name not in tables:
        known = sorted(tables)
        raise PlanError(
            "bad-plan",
            phrase("there is no architecture '{name}'", name=architecture.name),
            phrase("Known ones: {known}.", known=known),
        )
    try:
        return tables[architecture.name](shape, classes, **architecture.settings)
    except (TypeError, ValueError) as error:
        raise PlanError(
            "bad-plan", phrase("architecture '{name}': {error}", name=architecture.name, error=error)
        ) from error


def parameter_count(table: list[LayerRow]) -> int:
    """All numbers that a network holds, moving averages included."""
    return sum(row.parameters for row in table)


def multiplications(table: list[LayerRow]) -> int:
    """Multiplications of one picture's forward pass."""
    return sum(row.multiplications for row in table)


def memory_estimate(plan: TrainingPlan, features: Shape | None = None) -> int:
    """About how many bytes of main memory a training of ``plan`` takes, beyond its pictures.

    ``features``: the shape that a ``head`` gets. The program itself, weights, their gradients, what the optimizer keeps
    of each, averages and best weights, and everything that a batch leaves behind on its way forward and back. A rough
    figure: what Keras really takes depends on the device and was seen within half and twice of it.
    """
    table = layer_table(plan.architecture, features or plan.shape, len(plan.labels))
    copies = 2 + _SLOTS[plan.optimizer.name] + bool(plan.fit.ema) + bool(plan.fit.swa) + (plan.fit.keep != "last")
    weights = parameter_count(table) * 4 * copies
    # Forward values are kept for the way back, which makes as many again; the input comes as bytes and as floats.
    values = sum(math.prod(row.output_shape) for row in table) * 2 + 2 * math.prod(features or plan.shape)
    return _PROGRAM_BYTES + weights + values * 4 * plan.fit.batch


def feature_shape(architecture: Step, shape: Shape, classes: int, layer: str | None) -> Shape:
    """What the layer of that name (``None``: what the classifying layer gets) gives. Raises :class:`PlanError`."""
    table = layer_table(architecture, shape, classes)
    if layer in (None, "embedding"):
        rows = [row for row in table[:-1] if row.kind != "dropout"]
        return rows[-1].output_shape
    if layer == "map":
        return next(row.output_shape for row in reversed(table) if len(row.output_shape) == 3)
    for row in table:
        if row.name == layer:
            return row.output_shape
    names = [row.name for row in table]
    raise PlanError(
        "bad-plan", phrase("there is no layer '{layer}'", layer=layer), phrase("Layers there: {names}.", names=names)
    )


def _sequential(
    shape: Shape,
    classes: int,
    *,
    layers: list[str],
    activation: str = "relu",
    initialiser: str = "glorot_uniform",
    mean: list[float] | None = None,
    deviation: list[float] | None = None,
) -> list[LayerRow]:
    _known_initialiser(initialiser)
    _scaling(shape, mean, deviation)
    body = netspec.rows(netspec.parse(layers, activation), shape)
    return [
        LayerRow("normalise", "scaling", shape, 0),
        *body,
        _logits(body[-1].output_shape if body else shape, classes),
    ]


def _head(
    shape: Shape, classes: int, *, layers: list[str], activation: str = "relu", initialiser: str = "glorot_uniform"
) -> list[LayerRow]:
    _known_initialiser(initialiser)
    body = netspec.rows(netspec.parse(layers, activation), shape)
    return [*body, _logits(body[-1].output_shape if body else shape, classes)]


def _logits(shape: Shape, classes: int) -> LayerRow:
    if len(shape) != 1:
        raise PlanError("bad-plan", "the classifying layer needs 'flatten', 'gap' or 'gmp' before it")
    return LayerRow("logits", "dense", (classes,), (shape[0] + 1) * classes, shape[0] * classes, "softmax")


def _known_initialiser(name: str) -> None:
    if name not in netspec.INITIALISERS:
        raise PlanError(
            "bad-plan",
            phrase("there is no initialiser '{name}'", name=name),
            phrase("Known: {initialisers}.", initialisers=list(netspec.INITIALISERS)),
        )


def _scaling(shape: Shape, mean: list[float] | None, deviation: list[float] | None) -> None:
    for name, values in (("mean", mean), ("deviation", deviation)):
        if values is not None and len(values) != shape[-1]:
            raise PlanError(
                "bad-plan",
                phrase(
                    "{name} has {count} numbers for {shape} channels", name=name, count=len(values), shape=shape[-1]
                ),
            )
    if deviation is not None and not all(value > 0 for value in deviation):
        raise PlanError("bad-plan", "every deviation must be above 0")


class _Writer:
    """Writes rows one below the other, with the shape between them."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows = [LayerRow("normalise", "scaling", shape, 0)]
        self._counts: dict[str, int] = {}

    def add(self, kind: str, shape: Shape, parameters: int = 0, work: int = 0, details: str = "") -> None:
        stem = {"convolution": "conv", "normalisation": "norm", "max-pool": "pool", "average-pool": "pool"}.get(
            kind, kind
        )
        self._counts[stem] = self._counts.get(stem, 0) + 1
        self.rows.append(LayerRow(f"{stem}{self._counts[stem]}", kind, shape, parameters, work, details))
        self.shape = shape

    def conv(self, filters: int, size: int = 3, stride: int = 1, same: bool = True) -> None:
        height, width, channels = self.shape
        if same:
            height, width = -(-height // stride), -(-width // stride)
        else:
            height, width = height - size + 1, width - size + 1
        weights = size * size * channels * filters
        self.add("convolution", (height, width, filters), weights, weights * height * width, f"{size}×{size}")

    def norm_act(self, activation: str = "relu") -> None:
        self.norm()
        self.add("activation", self.shape, details=activation)

    def norm(self) -> None:
        self.add("normalisation", self.shape, 4 * self.shape[-1])

    def end(self, classes: int, dropout: float) -> list[LayerRow]:
        if dropout:
            self.add("dropout", self.shape, details=f"{dropout:g}")
        return [*self.rows, _logits(self.shape, classes)]


def _fast_cnn(
    shape: Shape,
    classes: int,
    *,
    widths: list[int],
    residual: bool,
    dropout: float,
    activation: str,
    mean: list[float],
    deviation: list[float],
) -> list[LayerRow]:
    _scaling(shape, mean, deviation)
    out = _Writer(shape)
    out.conv(2 * 4 * shape[2], 2, same=False)
    out.add("activation", out.shape, details=activation)
    for width in widths:
        out.conv(width)
        height, side, _channels = out.shape
        out.add("max-pool", (height // 2, side // 2, width), details="2×2")
        if min(out.shape[:2]) < 1:
            raise PlanError(
                "bad-plan",
                phrase(
                    "{count} halvings leave nothing of {shape}×{shape2} pixels",
                    count=len(widths),
                    shape=shape[1],
                    shape2=shape[0],
                ),
            )
        out.norm_act(activation)
        for _again in range(2 if residual else 1):
            out.conv(width)
            out.norm_act(activation)
        if residual:
            out.add("sum", out.shape)
    out.add("max-pool", (out.shape[2],), details="global")
    return out.end(classes, dropout)


def _residual_cnn(
    shape: Shape,
    classes: int,
    *,
    stem: int,
    stem_size: int,
    stem_stride: int,
    widths: list[int],
    blocks: list[int],
    dropout: float,
    pool: str,
    standardise: bool,
    mean: list[float],
    deviation: list[float],
) -> list[LayerRow]:
    _scaling(shape, mean, deviation)
    out = _Writer(shape)
    if standardise:
        out.add("standardise", shape)
    out.conv(stem, stem_size, stem_stride)
    out.norm_act()
    for width, count in zip(widths, blocks, strict=True):
        out.conv(width, stride=2)
        out.norm_act()
        for _block in range(count):
            out.conv(width)
            out.norm_act()
            out.conv(width)
            out.norm()
            out.add("sum", out.shape)
            out.add("activation", out.shape, details="relu")
    out.add("average-pool" if pool == "average" else "max-pool", (out.shape[2],), details="global")
    return out.end(classes, dropout)


def for_channels(step: Step, channels: int) -> Step:
    """``step`` with its means and deviations for pictures of that many channels: their average over the colours for
    grey, the grey one three times for colour."""
    settings = dict(step.settings)
    for key in ("mean", "deviation"):
        held = settings.get(key)
        if isinstance(held, list | tuple) and len(held) not in (0, channels):
            settings[key] = [round(sum(held) / len(held), 6)] * channels
    return replace(step, settings=settings) if settings != step.settings else step


def describe(settings: Mapping[str, Any]) -> str:
    """An architecture's settings in one line, for a card: the layers in their own notation."""
    words = settings.get("layers")
    rest = {k: v for k, v in settings.items() if k not in ("layers", "mean", "deviation")}
    parts = [", ".join(words)] if isinstance(words, list) and words else []
    return "; ".join([*parts, *(f"{k} {v}" for k, v in rest.items())])
