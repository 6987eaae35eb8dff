"""Networks as Keras 1 and 2 described them in ``.h5`` files, Teachable Machine's among them, for Keras 3.

Keras 3 refuses what three eras of Keras 2 wrote: functional networks called ``Model``, sequences that are bare lists,
``batch_input_shape`` in place of an input layer, settings that have gone since (``groups`` of a depthwise convolution,
``renorm`` of a normalisation), sequences in sequences. :func:`upgraded` rewrites such a description, :func:`rebuild`
builds it layer by layer and puts the file's weights in by their names. For the child processes of an import; what is
built is the description that was compared with the allowlist, never the file's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from desktop.ml.nets.keras_check import ImportRefused
from desktop.system.words import Template, phrase

_MODELS = {"Model": "Functional", "Functional": "Functional", "Sequential": "Sequential"}
_TRAINING_ALONE = ("_initializer", "_regularizer", "_constraint")
"""Settings with these endings say how a network learns; its weights are there already."""
_GONE: dict[str, tuple[Any, ...]] = {
    "groups": (1, None), "renorm": (False, None), "renorm_clipping": (None, {}), "renorm_momentum": (), "fused": (),
    "virtual_batch_size": (None,), "adjustment": (None,), "ragged": (False, None), "sparse": (False, None),
    "batch_input_shape": (), "input_dtype": (), "implementation": (), "expects_training_arg": (), "optional": (),
    "input_shape": (), "batch_size": (), "build_input_shape": (), "dynamic": (False, None), "stateful": (False, None),
    "synchronized": (False, None), "time_major": (False, None), "bias_constraint": (None,),
}  # fmt: skip
"""Settings that Keras 3 has no more, with the values at which they say nothing; none listed: any."""
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
"""Settings that Keras 3 calls by another name, by layer and name."""
_NAMES = {"depthwise_kernel": "kernel"}
_DEEPEST = 16


def upgraded(node: Any, depth: int = 0) -> Any:
    """The description ``node`` of a network (parsed JSON) as Keras 3 writes one; parts that are as they should be stay.

    Raises :class:`ImportRefused` for descriptions that are none.
    """
    if not isinstance(node, dict) or not isinstance(node.get("class_name"), str) or depth > _DEEPEST:
        raise ImportRefused("damaged", "the network's description names no layers")
    name, config = node["class_name"], node.get("config")
    if name not in _MODELS:
        return _layer(node, config)
    layers = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list):
        raise ImportRefused("damaged", "the network's description lists no layers")
    held = dict(config) if isinstance(config, dict) else {}
    made: list[Any] = []
    for layer in layers:
        new = upgraded(layer, depth + 1)
        if isinstance(layer, dict):
            new |= {key: layer[key] for key in ("name", "inbound_nodes") if key in layer}
        shape = _shape_of(layer)
        if name == "Sequential" and not made and shape and new["class_name"] not in ("InputLayer", *_MODELS.values()):
            made.append({"class_name": "InputLayer", "config": {"batch_shape": shape, "name": "fovea_input"}})
        made.append(new)
    kept = {key: held[key] for key in ("name", "input_layers", "output_layers", "trainable") if key in held}
    return {"class_name": _MODELS[name], "config": {**kept, "layers": made}}


def _layer(node: dict[str, Any], config: Any) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise ImportRefused("damaged", "the network's description has a layer without settings")
    kind = node["class_name"]
    kept = {key: value for key, value in config.items() if not key.endswith(_TRAINING_ALONE)}
    held = {_RENAMED.get((kind, key), key): value for key, value in kept.items()}
    if node["class_name"] == "InputLayer":
        held = {"batch_shape": _shape_of(node), **{key: held[key] for key in ("name", "dtype") if key in held}}
    axis = held.get("axis")
    if isinstance(axis, list) and len(axis) == 1 and node["class_name"] == "BatchNormalization":
        held["axis"] = axis[0]
    if isinstance(held.get("dtype"), dict):
        policy = held["dtype"].get("config")
        held["dtype"] = policy.get("name", "float32") if isinstance(policy, dict) else "float32"
    return {"class_name": node["class_name"], "config": held}


def _shape_of(node: Any) -> list[Any] | None:
    config = node.get("config") if isinstance(node, dict) else None
    if not isinstance(config, dict):
        return None
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    return list(shape) if isinstance(shape, list) and all(n is None or isinstance(n, int) for n in shape) else None


def rebuild(description: Any, weights: Path) -> Any:
    """The network of an upgraded ``description`` (it was compared with the allowlist) with the weights of the ``.h5``
    file. Raises :class:`ImportRefused` where a setting is not known or a weight does not fit; MemoryError beyond the
    child's limit."""
    from desktop.ml.nets import backend

    backend.select()
    try:
        model, layers = _Graph().whole(description)
    except (MemoryError, ImportRefused):
        raise
    except Exception as error:
        raise _refused(error) from error
    _fill(layers, weights)
    return model


def _refused(error: Exception) -> ImportRefused:
    from desktop.ml.convert.words import plain

    return ImportRefused(
        "damaged",
        phrase("its description of the era of Keras 2 cannot be built: {plain}", plain=plain(str(error))),
        "Teachable Machine also exports 'Tensorflow Lite' ('Floating point'): its .tflite can be imported as it is.",
    )


class _Graph:
    """One flat graph of a description: networks inside networks are laid out in place, which Keras 3 cannot always do
    (a sequence that begins with a sequence is refused)."""

    def __init__(self) -> None:
        self._input: Any = None
        self._layers: list[tuple[str, Any]] = []
        self._names: set[str] = set()

    def whole(self, description: Any) -> tuple[Any, list[tuple[str, Any]]]:
        """The network, and its layers each with the name that the description gives it."""
        import keras

        output = self._applied(description, None)
        if self._input is None:
            raise ValueError("the size of its input is not told")
        return keras.Model(self._input, output), self._layers

    def _applied(self, node: dict[str, Any], x: Any) -> Any:
        """What ``node`` makes of the tensor or tensors ``x`` (``None``: the network begins here)."""
        name, config = node["class_name"], node["config"]
        if name == "InputLayer":
            return self._begin(config) if x is None else x
        if name == "Sequential":
            for layer in config["layers"]:
                x = self._applied(layer, x)
            return x
        if name == "Functional":
            return self._functional(config, x)
        if x is None:
            raise ValueError("the size of its input is not told")
        return self._layer(name, config)(x)

    def _begin(self, config: dict[str, Any]) -> Any:
        import keras

        if self._input is not None or not config.get("batch_shape"):
            raise ValueError("it has several inputs, or one without a size")
        self._input = keras.Input(tuple(config["batch_shape"][1:]), dtype=config.get("dtype"), name="image")
        return self._input

    def _layer(self, name: str, config: dict[str, Any]) -> Any:
        import keras

        kind = getattr(keras.layers, name)
        settings = _known(kind, name, config)
        own = str(settings.get("name") or name)
        unique = own if own not in self._names and own != "image" else f"{own}_{len(self._layers)}"
        self._names.add(unique)
        layer = kind(**{**settings, "name": unique})
        self._layers.append((own, layer))
        return layer

    def _functional(self, config: dict[str, Any], x: Any) -> Any:
        """A graph from its description: layers call each other by ``inbound_nodes`` [layer, node, output, settings]."""
        tensors: dict[str, Any] = {}
        for node in config["layers"]:
            name = node.get("name") or node["config"].get("name")
            calls = node.get("inbound_nodes") or []
            if node["class_name"] == "InputLayer":
                tensors[name] = self._applied(node, x)
                continue
            if len(calls) != 1:
                raise ValueError(f"layer '{name}' is used {len(calls)} times")
            found = []
            for source in calls[0] if isinstance(calls[0][0], list) else [calls[0]]:
                if source[1] or source[2] or (len(source) > 3 and source[3]):
                    raise ValueError(f"layer '{name}' is called in an unusual way")
                found.append(tensors[source[0]])
            tensors[name] = self._applied(node, found if len(found) > 1 else found[0])
        ends = config["output_layers"] if isinstance(config["output_layers"][0], list) else [config["output_layers"]]
        if len(ends) != 1:
            raise ValueError("it has several outputs")
        return tensors[ends[0][0]]


def _known(kind: Any, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The settings that the layer ``kind`` takes. Raises :class:`ImportRefused` for others that say something."""
    taken = {"name", "trainable", "dtype"}
    for base in kind.__mro__[:-1]:
        if "__init__" in vars(base):
            taken |= set(inspect.signature(base.__init__).parameters) - {"self", "kwargs", "args"}
    for key, value in config.items():
        if key in taken:
            continue
        if key not in _GONE or (_GONE[key] and value not in _GONE[key]):
            raise ImportRefused(
                "not-allowed", phrase("the setting '{key}' of a layer '{name}' is not known", key=key[:40], name=name)
            )
    return {key: value for key, value in config.items() if key in taken}


def _fill(layers: Sequence[tuple[str, Any]], path: Path) -> None:
    """Put the weights of ``path`` into ``layers``: by their layers' names; every one must have its place and shape."""
    import h5py

    read: dict[tuple[str, str], np.ndarray] = {}
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        for group in _texts(root.attrs.get("layer_names", ())):
            for name in _texts(root[group].attrs.get("weight_names", ())):
                parts = name.split(":")[0].split("/")
                owner = parts[-2] if len(parts) > 1 else group
                read[owner, _NAMES.get(parts[-1], parts[-1])] = np.asarray(root[group][name])
    for own, layer in layers:
        separable = type(layer).__name__.startswith("Separable")
        for variable in layer.weights:
            if "seed" in variable.name:
                continue
            key = (own, variable.name)
            value = read.pop((own, "kernel") if separable and variable.name == "depthwise_kernel" else key, None)
            if value is None or tuple(value.shape) != tuple(variable.shape):
                text = phrase(
                    Template("the weight '{name}' of layer '{own}' is missing; {tuple} expected")
                    if value is None
                    else Template("the weight '{name}' of layer '{own}' has the shape {shape}; {tuple} expected"),
                    name=variable.name,
                    own=own,
                    shape=value.shape if value is not None else (),
                    tuple=tuple(variable.shape),
                )
                raise ImportRefused("damaged", text, "Save or export the network again.")
            variable.assign(value)


def _texts(values: Any) -> list[str]:
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]
