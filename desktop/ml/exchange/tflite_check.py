"""Looks through a foreign ``.tflite`` file, and gives it bytes in and probabilities out. For child processes only.

The file is a FlatBuffer; its schema's own reader is used (``ai_edge_litert.schema_py_generated``), whose failures on a
made-up file are ordinary exceptions here, and whose endless loops meet the child's limit of time. Allowed are the
built-in operations that picture classifiers are made of: no operations of somebody's own, no TensorFlow ones, no
resources, no control flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import MAX_CLASSES
from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile, scaling_numbers
from desktop.ml.nets.keras_check import ImportRefused, check_ends, words
from desktop.system.words import phrase

MOST_BYTES = 2 << 30
_MOST_OPERATIONS = 20_000
_MOST_TENSOR_BYTES = 4 << 30
_IDENTIFIER = b"TFL3"

ALLOWED = words(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO CAST
    CEIL CONCATENATION CONV_2D CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV ELU EQUAL EXP EXPAND_DIMS FILL
    FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GELU GREATER GREATER_EQUAL HARD_SWISH
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT
    LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 POW
    PRELU QUANTIZE RANGE RANK REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_0_TO_1
    RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT SELECT_V2 SHAPE SIGN
    SIN COS SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE
    STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 TRANSPOSE TRANSPOSE_CONV UNPACK ZEROS_LIKE
    """
)


def check_tflite(path: Path) -> TfliteFile:
    """The file as an object, after every operation of it was found allowed. Raises :class:`ImportRefused`."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ImportRefused(
            "too-large",
            phrase("the file has {size:,} bytes; at most {most_bytes:,} expected", size=size, most_bytes=MOST_BYTES),
        )
    data = path.read_bytes()
    if data[4:8] != _IDENTIFIER:
        raise ImportRefused("not-a-model", "this is no LiteRT file (.tflite)", "Choose another file.")
    from ai_edge_litert import schema_py_generated as schema

    try:
        return _checked(schema, schema.ModelT.InitFromPackedBuf(data, 0))
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:  # whatever the schema's reader runs into on bytes that are no such file
        raise ImportRefused("damaged", "the LiteRT file is damaged or cut off", "Fetch or copy it again.") from error


@dataclass(slots=True, eq=False)
class TfliteFile:
    """A file that was looked through: its schema, its model, its one graph, the names of its operations in order."""

    schema: Any
    model: Any
    graph: Any
    operations: list[str]

    def type_of(self, tensor: Any) -> str:
        """The name of a tensor's type (``FLOAT32``, ``UINT8`` …)."""
        names: dict[str, Any] = vars(self.schema.TensorType)
        return next(name for name, value in names.items() if value == tensor.type)


def _checked(schema: Any, model: Any) -> TfliteFile:
    if model.version != 3 or not model.subgraphs:
        raise ImportRefused("damaged", "the LiteRT file is damaged or of an unknown version")
    if len(model.subgraphs) != 1:
        raise ImportRefused("not-allowed", "the network has branches that it chooses while running")
    if any(buffer.offset > 1 for buffer in model.buffers or ()):
        raise ImportRefused("not-allowed", "the file keeps weights after its end, which is not read here")
    codes = [_name_of(schema, code) for code in model.operatorCodes or ()]
    graph = model.subgraphs[0]
    operations = graph.operators if graph.operators is not None else []
    if not 1 <= len(operations) <= _MOST_OPERATIONS:
        raise ImportRefused("too-large", phrase("the network has {count:,} operations", count=len(operations)))
    for operation in operations:
        for place in (*_list(operation.inputs), *_list(operation.outputs)):
            if not -1 <= place < len(graph.tensors):
                raise ImportRefused("damaged", "an operation of the network has a place that does not exist")
    declared = sum(int(np.prod([max(1, int(side)) for side in _list(t.shape)], dtype=object)) for t in graph.tensors)
    if 4 * declared > _MOST_TENSOR_BYTES:
        raise ImportRefused("too-large", phrase("one picture would need {value:,} bytes of memory", value=4 * declared))
    return TfliteFile(schema, model, graph, [codes[operation.opcodeIndex] for operation in operations])


def _list(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _name_of(schema: Any, code: Any) -> str:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = names.get(number, f"number {number}")
    if code.customCode is not None or name not in ALLOWED:
        own = code.customCode.decode("utf-8", "replace") if code.customCode is not None else name
        raise ImportRefused(
            "not-allowed",
            phrase(
                "the network uses the operation '{own}', which is not on the list of operations that Fovea runs",
                own=own[:60],
            ),
            "Convert it again with built-in operations alone.",
        )
    return str(name)


def inspect_tflite(path: Path) -> FoundInFile:
    """What a foreign file says by itself. Raises :class:`ImportRefused`."""
    network = check_tflite(path)
    graph = network.graph
    check_ends(
        len(graph.inputs), len(graph.outputs), "A model of another Fovea comes whole: export it there as one .zip."
    )
    source, result = graph.tensors[int(graph.inputs[0])], graph.tensors[int(graph.outputs[0])]
    shape, out = _list(source.shape), _list(result.shape)
    if len(shape) != 4 or shape[3] not in (1, 3) or min(shape[1:3]) < 1:
        raise ImportRefused(
            "does-not-fit", phrase("its input is {shape}; [batch, height, width, 1 or 3] expected", shape=shape)
        )
    if len(out) != 2 or not 1 <= out[1] <= MAX_CLASSES:
        raise ImportRefused("does-not-fit", phrase("its output is {out}; [batch, classes] expected", out=out))
    kinds = network.type_of(source), network.type_of(result)
    if kinds[0] not in ("FLOAT32", "UINT8", "INT8") or kinds[1] not in ("FLOAT32", "UINT8", "INT8"):
        raise ImportRefused(
            "does-not-fit",
            phrase("it takes {kinds} and gives {kinds2}; FLOAT32 or bytes expected", kinds=kinds[0], kinds2=kinds[1]),
        )
    dynamic = _list(source.shapeSignature)
    sizes = dynamic if len(dynamic) == 4 else shape
    if -1 in sizes[1:3]:
        raise ImportRefused("does-not-fit", "its input has no fixed size", "Convert it again with a fixed size.")
    return FoundInFile(
        format="tflite",
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        outputs=out[1],
        ends=_ends(network, int(graph.outputs[0])),
        parameters=None,
        layers=tuple(dict.fromkeys(network.operations)),
        quantised=kinds[0] == "UINT8",
    )


def _ends(network: TfliteFile, tensor: int) -> Any:
    """Whether the operation behind ``tensor`` makes probabilities; conversions of numbers are looked through."""
    for operation, name in zip(reversed(network.graph.operators), reversed(network.operations), strict=True):
        if tensor not in _list(operation.outputs):
            continue
        if name in ("DEQUANTIZE", "QUANTIZE", "CAST", "RESHAPE"):
            tensor = int(operation.inputs[0])
            continue
        if name == "SOFTMAX":
            return "probabilities"
        outputs = _list(network.graph.tensors[tensor].shape)
        return "sigmoid" if name == "LOGISTIC" and outputs[-1:] == [1] else None
    return None


def wrap(path: Path, facts: ForeignFacts, target: Path) -> None:
    """Write ``path`` to ``target`` with bytes in and float32 probabilities out, the scaling inside.

    The foreign operations stay as they are; a few are put before and after them.
    """
    found = inspect_tflite(path)
    network = check_tflite(path)
    _Wrapper(network).run(facts, found, target)


class _Wrapper:
    """Adds operations to a graph, first those before it, then those after it."""

    def __init__(self, network: TfliteFile) -> None:
        self._network, self._schema = network, network.schema
        self._model, self._graph = network.model, network.graph
        self._before: list[Any] = []
        self._after: list[Any] = []

    def run(self, facts: ForeignFacts, found: FoundInFile, target: Path) -> None:
        """Add what is needed and write the file."""
        self._input(facts, found)
        self._output(facts.ends or found.ends or "probabilities", found.outputs)
        graph, model = self._graph, self._model
        graph.operators = [*self._before, *graph.operators, *self._after]
        model.signatureDefs, model.metadata, model.metadataBuffer = None, None, None
        import flatbuffers

        builder = flatbuffers.Builder(path_size(model))
        builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
        target.write_bytes(bytes(builder.Output()))

    def _input(self, facts: ForeignFacts, found: FoundInFile) -> None:
        place = int(self._graph.inputs[0])
        source = self._graph.tensors[place]
        kind = self._network.type_of(source)
        if kind == "UINT8":
            return
        image = self._tensor("fovea_image", "UINT8", source)
        x = self._tensor("fovea_as_float", "FLOAT32", source)
        self._add(self._before, "CAST", [image], [x], self._schema.BuiltinOptions.CastOptions, self._cast())
        if facts.scaling == "caffe":
            turned = self._tensor("fovea_turned", "FLOAT32", source)
            axis = self._constant("fovea_axis", np.array([3], np.int32))
            options = self._schema.ReverseV2OptionsT()
            self._add(
                self._before, "REVERSE_V2", [x, axis], [turned], self._schema.BuiltinOptions.ReverseV2Options, options
            )
            x, scale, offset = turned, 1.0, [-103.939, -116.779, -123.68]
        else:
            scale, offset = scaling_numbers(facts.scaling)
        x = self._arithmetic(self._before, "MUL", x, scale, source)
        x = self._arithmetic(self._before, "ADD", x, offset, source)
        if kind == "INT8":
            options = self._schema.QuantizeOptionsT()
            self._add(self._before, "QUANTIZE", [x], [place], self._schema.BuiltinOptions.QuantizeOptions, options)
        else:
            self._before[-1].outputs = np.array([place], np.int32)
        self._graph.inputs = np.array([image], np.int32)

    def _output(self, ends: str, outputs: int) -> None:
        place = int(self._graph.outputs[0])
        result = self._graph.tensors[place]
        x = place
        options = self._schema.BuiltinOptions
        if self._network.type_of(result) != "FLOAT32":
            x = self._tensor("fovea_scores", "FLOAT32", result)
            self._add(
                self._after, "DEQUANTIZE", [place], [x], options.DequantizeOptions, self._schema.DequantizeOptionsT(), 2
            )
        if ends == "logits" and outputs > 1:
            soft = self._schema.SoftmaxOptionsT()
            soft.beta = 1.0
            y = self._tensor("fovea_probabilities", "FLOAT32", result)
            self._add(self._after, "SOFTMAX", [x], [y], options.SoftmaxOptions, soft)
            x = y
        elif outputs == 1:
            x = self._both_sides(x, result, ends == "logits")
        self._graph.outputs = np.array([x], np.int32)

    def _both_sides(self, x: int, like: Any, logits: bool) -> int:
        """One score becomes two: the first class has what the second lacks to 1."""
        if logits:
            y = self._tensor("fovea_score", "FLOAT32", like)
            self._add(self._after, "LOGISTIC", [x], [y], 0, None)
            x = y
        other = self._arithmetic(self._after, "MUL", x, -1.0, like)
        other = self._arithmetic(self._after, "ADD", other, 1.0, like)
        both = self._tensor("fovea_probabilities", "FLOAT32", like)
        for shape in (self._graph.tensors[both].shape, self._graph.tensors[both].shapeSignature):
            if shape is not None and len(shape):
                shape[-1] = 2
        joined = self._schema.ConcatenationOptionsT()
        joined.axis = 1
        self._add(
            self._after, "CONCATENATION", [other, x], [both], self._schema.BuiltinOptions.ConcatenationOptions, joined
        )
        return both

    def _arithmetic(self, where: list[Any], name: str, x: int, value: Any, like: Any) -> int:
        y = self._tensor(f"fovea_{name.lower()}_{len(where)}", "FLOAT32", like)
        number = self._constant(f"fovea_number_{name.lower()}_{len(where)}", np.atleast_1d(np.array(value, np.float32)))
        options = self._schema.MulOptionsT() if name == "MUL" else self._schema.AddOptionsT()
        kind = self._schema.BuiltinOptions.MulOptions if name == "MUL" else self._schema.BuiltinOptions.AddOptions
        self._add(where, name, [x, number], [y], kind, options)
        return y

    def _cast(self) -> Any:
        options = self._schema.CastOptionsT()
        options.inDataType, options.outDataType = self._schema.TensorType.UINT8, self._schema.TensorType.FLOAT32
        return options

    def _tensor(self, name: str, kind: str, like: Any, buffer: int = 0) -> int:
        tensor = self._schema.TensorT()
        tensor.name, tensor.type, tensor.buffer = name, getattr(self._schema.TensorType, kind), buffer
        tensor.shape = np.array(_list(like.shape), np.int32)
        signature = _list(like.shapeSignature)
        tensor.shapeSignature = np.array(signature, np.int32) if signature else None
        tensor.hasRank = True
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _constant(self, name: str, values: np.ndarray) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        place = self._tensor(name, "INT32" if values.dtype == np.int32 else "FLOAT32", _Like(list(values.shape)))
        self._graph.tensors[place].buffer = len(self._model.buffers) - 1
        return place

    def _add(
        self,
        where: list[Any],
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        kind: int,
        options: Any,
        version: int = 1,
    ) -> None:
        number = getattr(self._schema.BuiltinOperator, name)
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
        self._model.operatorCodes.append(code)
        operation = self._schema.OperatorT()
        operation.opcodeIndex = len(self._model.operatorCodes) - 1
        operation.inputs, operation.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        operation.builtinOptionsType, operation.builtinOptions = kind, options
        where.append(operation)


@dataclass(frozen=True, slots=True)
class _Like:
    shape: list[int]
    shapeSignature: None = None  # noqa: N815 - the schema's own name


def path_size(model: Any) -> int:
    """About how many bytes a model will have in a file: where its writer begins, so that it grows rarely."""
    return 1024 + sum(len(buffer.data) + 64 for buffer in model.buffers if buffer.data is not None)
