"""Networks as text, and what they come to: shapes, parameters and memory, without building anything.

A sequential network is a list of words, read by :func:`parse`:

- ``C32k3s``: convolution, 32 filters of 3×3, ``s`` same or ``v`` valid padding; ``/2`` stride 2; ``*2`` two groups
- ``P2``, ``A2``: maximum or average pooling of 2×2; ``P3/2`` of 3×3 with stride 2; ``P2s`` with same padding
- ``D512``: dense layer; ``flatten``; ``gap``, ``gmp``: global average or maximum pooling
- ``BN``: batch normalisation; ``drop.25``: dropout; ``act:relu``: an activation by itself

``C…`` and ``D…`` are followed by the network's activation, or by their own (``D84:tanh``); ``@name`` names a layer.
The classifying layer is not written: every network ends in it. Pure Python: the window's process may use it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from desktop.ml.plans.strict_reader import PlanError
from desktop.system.words import phrase

Kind = Literal["conv", "max-pool", "average-pool", "dense", "flatten", "gap", "gmp", "norm", "dropout", "activation"]
Shape = tuple[int, ...]

ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "selu", "softplus", "elu", "gelu", "swish", "linear")
INITIALISERS = ("glorot_uniform", "he_normal", "he_uniform", "lecun_normal")

_WORD = re.compile(r"(?P<body>[^:@]+)(?::(?P<activation>[a-z_]+))?(?:@(?P<name>[A-Za-z][A-Za-z0-9_]*))?\Z")
_CONV = re.compile(r"C(\d+)k(\d+)([sv])?(?:/(\d+))?(?:\*(\d+))?\Z")
_POOL = re.compile(r"([PA])(\d+)([sv])?(?:/(\d+))?\Z")
_DENSE = re.compile(r"D(\d+)\Z")
_DROP = re.compile(r"drop(0?\.\d+)\Z")
_MOST = 100_000  # filters or units of one layer
_PLAIN: dict[str, Kind] = {"flatten": "flatten", "gap": "gap", "gmp": "gmp", "BN": "norm"}
_NAMES: dict[Kind, str] = {
    "conv": "conv", "max-pool": "pool", "average-pool": "pool", "dense": "dense", "flatten": "flatten", "gap": "pool",
    "gmp": "pool", "norm": "norm", "dropout": "dropout", "activation": "activation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer of a sequential network: ``units`` are filters or units, ``size`` the side of kernel or window."""

    kind: Kind
    name: str
    units: int = 0
    size: int = 0
    stride: int = 1
    same: bool = False
    groups: int = 1
    rate: float = 0.0
    activation: str = "linear"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of a layer table: ``output_shape`` without the batch, ``parameters`` in all (moving averages too);
    ``multiplications`` of one picture's forward pass."""

    name: str
    kind: str
    output_shape: Shape
    parameters: int
    multiplications: int = 0
    details: str = field(default="", compare=False)


def parse(words: Sequence[str], activation: str = "relu") -> list[LayerSpec]:
    """Read a network. Raises :class:`PlanError` that names the word which is not understood."""
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise PlanError("bad-plan", "the layers are not a list of words", "For instance: C32k3s, P2, D128.")
    found: list[LayerSpec] = []
    counts: dict[str, int] = {}
    for word in words:
        spec = _layer(word.strip(), activation)
        if not spec.name:
            stem = _NAMES[spec.kind]
            counts[stem] = counts.get(stem, 0) + 1
            spec = replace(spec, name=f"{stem}{counts[stem]}")
        found.append(spec)
    names = [spec.name for spec in found]
    double = next((name for name in names if names.count(name) > 1), None)
    reserved = next((name for name in names if name in ("image", "normalise", "map", "embedding", "logits")), None)
    if double or reserved:
        raise PlanError(
            "bad-plan", phrase("a layer cannot be called '{value}': the name is taken", value=double or reserved)
        )
    return found


def _layer(word: str, default: str) -> LayerSpec:
    match = _WORD.match(word)
    if not match:
        raise _strange(word)
    body, own, name = match["body"], match["activation"], match["name"] or ""
    activation = own or default
    if activation not in ACTIVATIONS:
        raise PlanError(
            "bad-plan",
            phrase("there is no activation '{activation}'", activation=activation),
            phrase("Known: {activations}.", activations=list(ACTIVATIONS)),
        )
    if found := _CONV.match(body):
        units, size, stride, groups = (int(found[i] or 1) for i in (1, 2, 4, 5))
        _within(word, units, size, stride, groups)
        return LayerSpec("conv", name, units, size, stride, found[3] != "v", groups, activation=activation)
    if found := _DENSE.match(body):
        _within(word, int(found[1]))
        return LayerSpec("dense", name, int(found[1]), activation=activation)
    if own and body != "act":
        raise _strange(word)
    if body == "act" and own:
        return LayerSpec("activation", name, activation=own)
    if found := _POOL.match(body):
        size = int(found[2])
        stride = int(found[4] or size)
        _within(word, size, stride)
        return LayerSpec("max-pool" if found[1] == "P" else "average-pool", name, 0, size, stride, found[3] == "s")
    if found := _DROP.match(body):
        return LayerSpec("dropout", name, rate=float(found[1]))
    if body in _PLAIN:
        return LayerSpec(_PLAIN[body], name)
    raise _strange(word)


def _within(word: str, *numbers: int) -> None:
    if not all(1 <= number <= _MOST for number in numbers):
        raise PlanError("bad-plan", phrase("the layer '{word}' has a number that is 0 or far too large", word=word))


def _strange(word: str) -> PlanError:
    return PlanError(
        "bad-plan",
        phrase("the layer '{word}' is not understood", word=word[:40]),
        "Known are C32k3s, C32k3v/2, P2, A2, D128, flatten, gap, gmp, BN, drop.25, act:relu; see the documentation.",
    )


def rows(specs: Sequence[LayerSpec], shape: Shape) -> list[LayerRow]:
    """The table of ``specs`` on an input of ``shape`` (height, width, channels) or (features,).

    Raises :class:`PlanError` where a layer does not go with what comes into it.
    """
    found: list[LayerRow] = []
    for spec in specs:
        row = _row(spec, shape)
        shape = row.output_shape
        found.append(row)
    return found


def _row(spec: LayerSpec, shape: Shape) -> LayerRow:
    if spec.kind in ("conv", "max-pool", "average-pool", "gap", "gmp") and len(shape) != 3:
        raise PlanError(
            "bad-plan", phrase("'{name}' needs a picture, but a layer before it has flattened it", name=spec.name)
        )
    if spec.kind == "dense":
        # On a map, a dense layer of Keras works on every place by itself; nobody here means that.
        if len(shape) != 1:
            raise PlanError("bad-plan", phrase("'{name}' needs 'flatten', 'gap' or 'gmp' before it", name=spec.name))
        weights = shape[0] * spec.units
        return LayerRow(spec.name, "dense", (spec.units,), weights + spec.units, weights, spec.activation)
    if spec.kind == "conv":
        if shape[2] % spec.groups or spec.units % spec.groups:
            raise PlanError(
                "bad-plan",
                phrase(
                    "'{name}': {shape} channels do not divide into {groups} groups",
                    name=spec.name,
                    shape=shape[2],
                    groups=spec.groups,
                ),
            )
        height, width = _window(spec, shape)
        weights = spec.size * spec.size * (shape[2] // spec.groups) * spec.units
        details = f"{spec.size}×{spec.size}" + (f", stride {spec.stride}" if spec.stride > 1 else "")
        return LayerRow(
            spec.name, "convolution", (height, width, spec.units), weights + spec.units, weights * height * width,
            f"{details}, {'same' if spec.same else 'valid'} padding, {spec.activation}",
        )  # fmt: skip
    if spec.kind in ("max-pool", "average-pool"):
        return LayerRow(spec.name, spec.kind, (*_window(spec, shape), shape[2]), 0, 0, f"{spec.size}×{spec.size}")
    if spec.kind in ("gap", "gmp"):
        return LayerRow(spec.name, "average-pool" if spec.kind == "gap" else "max-pool", (shape[2],), 0, 0, "global")
    if spec.kind == "flatten":
        total = 1
        for side in shape:
            total *= side
        return LayerRow(spec.name, "flatten", (total,), 0)
    if spec.kind == "norm":
        return LayerRow(spec.name, "normalisation", shape, 4 * shape[-1])
    if spec.kind == "dropout":
        return LayerRow(spec.name, "dropout", shape, 0, 0, f"{spec.rate:g}")
    return LayerRow(spec.name, "activation", shape, 0, 0, spec.activation)


def _window(spec: LayerSpec, shape: Shape) -> tuple[int, int]:
    sides = []
    for side in shape[:2]:
        out = -(-side // spec.stride) if spec.same else (side - spec.size) // spec.stride + 1
        if out < 1:
            raise PlanError(
                "bad-plan",
                phrase(
                    "'{name}' needs at least {size} pixels a side and gets {shape}×{shape2}",
                    name=spec.name,
                    size=spec.size,
                    shape=shape[1],
                    shape2=shape[0],
                ),
                "Choose larger pictures or fewer layers.",
            )
        sides.append(out)
    return sides[0], sides[1]


def last_map(specs: Sequence[LayerSpec], found: Sequence[LayerRow]) -> int | None:
    """The position of the last layer that gives a spatial map, ``None`` for a network without convolutions."""
    if all(spec.kind != "conv" for spec in specs):
        return None
    position = None
    for index, row in enumerate(found):
        if len(row.output_shape) != 3:
            break
        position = index
    return position
