"""A network laid out flat: the layers of the networks nested in it stand side by side, so that it can be cut anywhere.

Whoever imports a network, builds upon one or joins a head to it leaves a network inside another, and Keras cuts only
between the layers of one.
"""

from __future__ import annotations

from typing import Any

from desktop.ml.nets import backend

backend.select()

import keras  # noqa: E402
from keras import layers, ops, tree  # noqa: E402

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)


def laid_out(model: Any, x: Any) -> list[Any]:
    """The outputs of ``model`` for the symbolic ``x``, in order, through its own layers with nothing nested.

    Nested layers get names that are theirs alone in the whole: Keras refuses a network with two layers of one name.
    """
    flat: list[Any] = tree.flatten(_through(model, x, {layer.name for layer in model.layers}))
    return flat


def _through(model: Any, x: Any, taken: set[str]) -> Any:
    """The output of ``model`` in its own structure."""

    def operation(layer: Any) -> Any:
        if not isinstance(layer, keras.Model):
            return layer
        _rename(layer, taken)
        return lambda inner, **_: _through(layer, inner, taken)

    graph = getattr(model, "_functional", None) or model  # what a Sequential has inside
    given = [
        value if value.dtype == wanted.dtype else ops.cast(value, wanted.dtype)
        for value, wanted in zip(tree.flatten(x), graph.inputs, strict=True)
    ]
    return graph._run_through_graph(given, operation_fn=operation)


def _rename(nested: Any, taken: set[str]) -> None:
    for layer in nested.layers:
        if layer.name in taken:
            layer._name = next(n for i in range(10_000) if (n := f"{nested.name}_{layer.name}_{i}") not in taken)
        taken.add(layer.name)


def maker(tensor: Any) -> Any:
    """The layer, or Keras operation, that a symbolic tensor comes from."""
    return tensor._keras_history.operation


def sources(tensor: Any) -> list[Any]:
    """The symbolic tensors that the maker of ``tensor`` makes it from; empty for an input."""
    history = tensor._keras_history
    return list(history.operation._inbound_nodes[history.node_index].input_tensors)


def necks(end: Any) -> list[Any]:
    """The maps that ``end`` is made of through which every way from the pictures leads, the last one first.

    A map has rows and columns and comes of a convolution: before the first one there is only the picture itself.
    """
    order = _made_of(end)
    place = {id(tensor): number for number, tensor in enumerate(order)}
    farthest = list(range(len(order)))  # the last place that each is used at
    convolved: set[int] = set()
    for number, tensor in enumerate(order):
        if isinstance(maker(tensor), _CONVOLUTIONS) or any(id(source) in convolved for source in sources(tensor)):
            convolved.add(id(tensor))
        for source in sources(tensor):
            farthest[place[id(source)]] = max(farthest[place[id(source)]], number)
    found, reach = [], 0
    for number, tensor in enumerate(order):
        spatial = len(tensor.shape) == 4 and min(tensor.shape[1] or 0, tensor.shape[2] or 0) > 1
        if spatial and id(tensor) in convolved and reach <= number:  # nothing from before is used behind it
            found.append(tensor)
        reach = max(reach, farthest[number])
    return found[::-1]


def _made_of(end: Any) -> list[Any]:
    """All tensors that ``end`` is made of and itself, each behind its sources."""
    done: set[int] = set()
    order: list[Any] = []
    waiting = [(end, False)]
    while waiting:
        tensor, ready = waiting.pop()
        if ready:
            order.append(tensor)
        elif id(tensor) not in done:
            done.add(id(tensor))
            waiting.append((tensor, True))
            waiting += [(source, False) for source in sources(tensor)]
    return order
