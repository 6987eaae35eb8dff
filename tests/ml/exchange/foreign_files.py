"""Foreign networks for tests, honest and hostile, made without Keras: descriptions by hand, LiteRT by its schema."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def layer(kind: str, module: str | None = "keras.layers", /, **config: Any) -> dict[str, Any]:
    """One layer of a description."""
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    """The description of a network for 8×8 colour pictures."""
    first = layer("InputLayer", batch_shape=[None, 8, 8, 3], dtype="float32", name="in")
    return layer("Sequential", "keras", name="net", layers=[first, *layers])


HONEST = sequential(layer("Flatten", name="f"), layer("Dense", name="d", units=3, activation="softmax"))


def weights(units: int = 3, inputs: int = 192) -> bytes:
    """The weights of :data:`HONEST` in Keras 3's layout."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        rng = np.random.default_rng(1)
        file["layers/dense/vars/0"] = rng.normal(0, 0.01, (inputs, units)).astype(np.float32)
        file["layers/dense/vars/1"] = np.zeros(units, np.float32)
        file.create_group("layers/flatten/vars")
        file.create_group("vars")
    return held.getvalue()


def keras_file(path: Path, config: Any = HONEST, data: bytes | None = None, **more: bytes) -> Path:
    """A ``.keras`` file with that description."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("metadata.json", json.dumps({"keras_version": "3.15.1", "date_saved": ""}))
        out.writestr("config.json", config if isinstance(config, (bytes, str)) else json.dumps(config))
        out.writestr("model.weights.h5", weights() if data is None else data)
        for name, content in more.items():
            out.writestr(name, content)
    return path


def h5_file(path: Path, config: Any = HONEST, change: Callable[[Any], None] | None = None) -> Path:
    """A ``.h5`` file with that description."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        group["d/kernel"] = np.zeros((192, 3), np.float32)
        if change is not None:
            change(file)
    return path


def tflite_file(
    path: Path, classes: int = 3, custom: str | None = None, builtin: str = "MEAN", soft: bool = False
) -> Path:
    """A LiteRT network that takes float32 (1, 4, 4, 3) and gives the mean of each channel, maybe through a softmax.

    ``custom`` names an operation of somebody's own in place of the mean, ``builtin`` another of LiteRT's.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version, model.description = 3, "test"
    empty = schema.BufferT()
    axes = schema.BufferT()
    axes.data = np.frombuffer(np.array([1, 2], np.int32).tobytes(), np.uint8)
    model.buffers = [empty, axes]

    def tensor(name: str, shape: list[int], kind: int, buffer: int = 0) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, np.array(shape, np.int32), kind, buffer
        return made

    kinds = schema.TensorType
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("in", [1, 4, 4, 3], kinds.FLOAT32),
        tensor("axes", [2], kinds.INT32, 1),
        tensor("mean", [1, 3], kinds.FLOAT32),
        tensor("soft", [1, 3], kinds.FLOAT32),
    ]
    code = schema.OperatorCodeT()
    number = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, builtin)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
    code.customCode = custom.encode() if custom else None
    mean = schema.OperatorT()
    mean.opcodeIndex, mean.inputs, mean.outputs = 0, np.array([0, 1], np.int32), np.array([2], np.int32)
    mean.builtinOptionsType, mean.builtinOptions = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    model.operatorCodes, graph.operators = [code], [mean]
    if soft:
        softmax = schema.OperatorCodeT()
        softmax.builtinCode = softmax.deprecatedBuiltinCode = schema.BuiltinOperator.SOFTMAX
        softmax.version = 1
        last = schema.OperatorT()
        last.opcodeIndex, last.inputs, last.outputs = 1, np.array([2], np.int32), np.array([3], np.int32)
        last.builtinOptionsType, last.builtinOptions = schema.BuiltinOptions.SoftmaxOptions, schema.SoftmaxOptionsT()
        last.builtinOptions.beta = 1.0
        model.operatorCodes.append(softmax)
        graph.operators.append(last)
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([3 if soft else 2], np.int32)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path
