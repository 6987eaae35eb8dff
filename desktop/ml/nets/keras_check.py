"""Decides from its description alone whether a ``.keras`` or ``.h5`` network may be built, before Keras sees it.

A network's description names classes by module and name, and Keras looks them up. That has been used to run code
(``Lambda``, ``TFSMLayer``, functions such as ``get_file`` given as layers; several CVEs got past ``safe_mode``), so an
allowlist decides here: layers, operations, initialisers and activations of image classifiers, and nothing else.
What is loaded afterwards is a copy that holds nothing but the description (without the part about training) and the
weights. No Keras here.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

from desktop.core.types import StoreError
from desktop.store.zip_check import ArchiveError, copy_member, open_checked, read_member
from desktop.system import strict_json
from desktop.system.words import phrase

MOST_CONFIG_BYTES = 32 << 20
MOST_DEPTH = 200  # networks within networks
MOST_BYTES = 6 << 30
_MOST_NODES = 2_000_000


def words(text: str) -> frozenset[str]:
    """The words of ``text`` as a set."""
    return frozenset(text.split())


_LAYERS = words(
    """
    Activation Add AlphaDropout Attention Average AveragePooling2D BatchNormalization CenterCrop Concatenate Conv2D
    Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten GaussianDropout
    GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D GroupNormalization GroupQueryAttention Identity
    InputLayer LayerNormalization LeakyReLU MaxPooling2D Maximum Minimum MultiHeadAttention Multiply Normalization
    PReLU Permute RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom
    ReLU RepeatVector Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract UnitNormalization
    UpSampling2D ZeroPadding2D RMSNormalization
    """
)
_MODELS = frozenset({"Functional", "Sequential"})
_OPERATIONS = words(
    """
    Abs Absolute Add Average Clip Concatenate Divide Exp ExpandDims Flip Gelu GetItem HardSigmoid HardSilu HardSwish
    LeakyRelu Log LogSoftmax MatMul Matmul Max Maximum Mean Min Minimum Multiply Negative Normalize Pad Power Relu
    Relu6 Reshape Rsqrt Sigmoid Silu Softmax Softplus Sqrt Square Squeeze Stack Subtract Sum Swapaxes Tanh Transpose
    TrueDivide AveragePool MaxPool Cast
    """
)
_INITIALISERS = words(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
)
_ALLOWED: dict[str | None, frozenset[str]] = {
    "keras": _MODELS | {"DTypePolicy"},
    "keras.layers": _LAYERS,
    "keras.models": _MODELS,
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.models.sequential": frozenset({"Sequential"}),
    "keras.initializers": _INITIALISERS,
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.dtype_policies": frozenset({"DTypePolicy"}),
    "keras.src.ops.numpy": _OPERATIONS,
    "keras.src.ops.nn": _OPERATIONS,
    "keras.src.ops.core": frozenset({"Cast"}),
    "keras.src.ops.linalg": frozenset({"Norm"}),
    # Keras 2 and its .h5 files give names alone, which Keras looks up among its own.
    None: _LAYERS
    | _MODELS
    | _OPERATIONS
    | _INITIALISERS
    | frozenset({"L1", "L2", "L1L2", "MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm", "DTypePolicy"})
    | frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__slice__", "__ellipsis__"}),
}
_ACTIVATIONS = words(
    """
    celu elu exponential gelu hard_sigmoid hard_silu hard_swish leaky_relu linear log_sigmoid log_softmax mish relu
    relu6 selu sigmoid silu softmax softplus softsign swish tanh
    """
)
_ACTIVATION_KEYS = frozenset({"activation", "recurrent_activation", "hidden_activation"})


class ImportRefused(StoreError):  # noqa: N818 - an answer, not a fault
    """A network that is not imported. Kinds: ``damaged``, ``hostile``, ``not-allowed``, ``not-a-model``,
    ``too-large``, ``does-not-fit``, ``needs-facts``."""


def check_ends(inputs: int, outputs: int, hint: str) -> None:
    """Refuse a network that does not go from one picture to one row of scores. Raises :class:`ImportRefused`."""
    if (inputs, outputs) != (1, 1):
        text = phrase(
            "the network has {count} inputs and {count2} outputs; one of each expected", count=inputs, count2=outputs
        )
        raise ImportRefused("does-not-fit", text, hint)


def check_config(config: Any) -> tuple[str, ...]:
    """The names of the layers' classes. Raises :class:`ImportRefused` unless everything that ``config`` (parsed JSON)
    names is on the allowlist."""
    classes: list[str] = []
    waiting: list[tuple[Any, str]] = [(config, "")]
    nodes = 0
    while waiting:
        node, key = waiting.pop()
        nodes += 1
        if nodes > _MOST_NODES:
            raise ImportRefused(
                "too-large",
                phrase("the network's description has more than {most_nodes:,} parts", most_nodes=_MOST_NODES),
            )
        if isinstance(node, dict):
            if "class_name" in node:
                classes.append(_check_class(node))
            elif "module" in node and "config" in node:
                raise _not_allowed(phrase("something of '{node}'", node=str(node["module"])[:60]))
            waiting.extend((value, str(name)) for name, value in node.items())
        elif isinstance(node, list):
            waiting.extend((value, key) for value in node)
        elif isinstance(node, str) and key in _ACTIVATION_KEYS and node not in _ACTIVATIONS:
            raise _not_allowed(phrase("an activation '{node}'", node=node[:60]))
    if not any(name in _MODELS for name in classes):
        raise ImportRefused("not-a-model", "the file describes no Functional or Sequential network")
    return tuple(name for name in reversed(classes) if name in _LAYERS)


def _check_class(node: dict[str, Any]) -> str:
    name, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        raise ImportRefused("hostile", "the network's description names a class by something that is no text")
    if name not in _ALLOWED.get(module, frozenset()):
        raise _not_allowed(f"'{name[:60]}'" + (phrase(" of '{module}'", module=module[:60]) if module else ""))
    if registered not in (None, name):
        raise _not_allowed(phrase("a layer of somebody's own, '{registered}'", registered=str(registered)[:60]))
    return name


def _not_allowed(what: str) -> ImportRefused:
    return ImportRefused(
        "not-allowed",
        phrase("the network uses {what}, which is not on the list of layers that Fovea builds", what=what),
        "Such parts can run code of their own. Rebuild the network from usual Keras layers, or export it as .tflite.",
    )


def parse(text: bytes | str) -> Any:
    """JSON, read with a limit. Raises :class:`ImportRefused` ``damaged``, ``too-large``."""
    if len(text) > MOST_CONFIG_BYTES:
        raise ImportRefused("too-large", phrase("the network's description has {count:,} bytes", count=len(text)))
    try:
        return strict_json.loads(text, MOST_CONFIG_BYTES, MOST_DEPTH, finite=False)
    except strict_json.JsonError as error:
        raise ImportRefused("damaged", phrase("the network's description: {error}", error=error)) from error


def clean_copy(path: Path, target: Path) -> tuple[str, ...]:
    """Check the ``.keras`` file ``path`` and write a copy that holds what is needed and nothing else.

    Raises :class:`ImportRefused`, :class:`desktop.store.zip_check.ArchiveError`.
    """
    with open_checked(path, MOST_BYTES) as archive:
        names = set(archive.namelist())
        if "config.json" not in names or "model.weights.h5" not in names:
            if any(name.endswith("saved_model.pb") for name in names):
                raise saved_model()
            missing = "config.json" if "config.json" not in names else "model.weights.h5"
            raise ImportRefused(
                "not-a-model",
                phrase("the archive has no '{missing}': it is no .keras file of Keras 3", missing=missing),
            )
        if any(name.startswith("assets/") and not name.endswith("/") for name in names):
            raise ImportRefused("not-allowed", "the network brings files of its own, which image networks do not need")
        config = parse(read_member(archive, "config.json", MOST_CONFIG_BYTES))
        if not isinstance(config, dict):
            raise ImportRefused("damaged", "the network's description is no object")
        config.pop("compile_config", None)
        layers = check_config(config)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
            out.writestr("metadata.json", json.dumps(_metadata(archive, names)))
            out.writestr("config.json", json.dumps(config))
            size = archive.getinfo("model.weights.h5").file_size
            info = zipfile.ZipInfo("model.weights.h5")
            info.file_size = size
            with out.open(info, "w") as member:
                copy_member(archive, "model.weights.h5", member, size)
    return layers


def check_stored(path: Path) -> Path:
    """``path`` itself, a ``.keras`` file of the store, once it is known that Keras may open it: a model that somebody
    put there by hand has never been imported. Raises as :func:`clean_copy`."""
    with open_checked(path, MOST_BYTES) as archive:
        config = parse(read_member(archive, "config.json", MOST_CONFIG_BYTES))
        if not isinstance(config, dict):
            raise ImportRefused("damaged", "the network's description is no object")
        config.pop("compile_config", None)
        check_config(config)
    return path


def _metadata(archive: zipfile.ZipFile, names: set[str]) -> dict[str, str]:
    """The version of Keras, where it looks like one: Keras reads the file's layout by it."""
    version = "3.0.0"
    if "metadata.json" in names:
        try:
            raw = strict_json.loads(read_member(archive, "metadata.json", 1 << 16))
        except (ValueError, ArchiveError):
            raw = {}
        found = raw.get("keras_version") if isinstance(raw, dict) else None
        if isinstance(found, str) and re.fullmatch(r"[0-9][0-9a-z.+-]{0,30}", found):
            version = found
    return {"keras_version": version, "date_saved": ""}


def saved_model() -> ImportRefused:
    """Why a SavedModel is not imported."""
    return ImportRefused(
        "not-allowed",
        "this is a SavedModel: it holds a program, not a list of layers, and a program cannot be checked",
        "Where it was made, save it as .keras (model.save('net.keras')) or convert it to .tflite.",
    )
