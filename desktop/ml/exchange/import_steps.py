"""The steps of an import that open the foreign file, for child processes: see
:mod:`desktop.ml.exchange.import_model`."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import MAX_CLASSES, FoveaError
from desktop.ml.convert.words import plain
from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile, scaling_numbers
from desktop.ml.nets.keras_check import ImportRefused, check_config, check_ends, clean_copy, parse
from desktop.system import strict_json
from desktop.system.words import phrase

MOST_PARAMETERS = 400_000_000
_MOST_WEIGHT_BYTES = 4 * MOST_PARAMETERS + (64 << 20)
_NEAR_ONE = 1e-2
_TOO_LARGE = phrase("at most {most_parameters} million are imported", most_parameters=MOST_PARAMETERS // 1_000_000)


def _in_words(work: Callable[..., Any]) -> Callable[..., Any]:
    """A step whose libraries' own complaints about a file become one sentence: their types and texts help nobody."""

    @functools.wraps(work)
    def worded(*arguments: Any) -> Any:
        try:
            return work(*arguments)
        except (FoveaError, MemoryError):
            raise
        except OSError as error:
            if error.errno is not None:
                raise
            raise _broken() from error  # h5py's, about what the file holds
        except Exception as error:
            if any(word in str(error) for word in ("OOM", "bad_alloc", "llocat")):
                raise MemoryError from error
            raise _broken() from error

    return worded


def _broken() -> ImportRefused:
    return ImportRefused(
        "damaged",
        "the file is damaged: its network cannot be read or does not run",
        "Fetch or copy it again, or export it again where it was made.",
    )


@_in_words
def inspect(path: str, form: str, work: str, tell: Any) -> FoundInFile:
    """Check the file and say what it tells by itself. Raises :class:`ImportRefused` and the checks' own errors."""
    if form == "tflite":
        from desktop.ml.exchange.tflite_check import inspect_tflite

        return inspect_tflite(Path(path))
    model, layers = _load(Path(path), form, Path(work))
    shape = model.input_shape
    return FoundInFile(
        format="keras" if form == "keras" else "h5",
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        outputs=model.output_shape[-1],
        ends=_ends(model),
        parameters=int(model.count_params()),
        layers=layers,
        scales_itself=any(name in ("Rescaling", "Normalization") for name in layers[:6]),
        quantised=_takes_bytes(model),
    )


def _load(path: Path, form: str, work: Path) -> tuple[Any, tuple[str, ...]]:
    from desktop.ml.exchange.h5_check import check_h5
    from desktop.ml.exchange.keras2 import rebuild

    older = None
    if form == "keras":
        clean = work / "clean.keras"
        layers = clean_copy(path, clean)
        with _weights_of(clean, work) as weights:
            declared = check_h5(weights, _MOST_WEIGHT_BYTES)
    else:
        clean = work / "clean.h5"
        shutil.copyfile(path, clean)  # what is checked must be what is loaded
        declared = check_h5(clean, _MOST_WEIGHT_BYTES)
        layers, older = _check_h5_config(clean)
    if declared > 4 * MOST_PARAMETERS:
        raise ImportRefused(
            "too-large",
            phrase("the network has about {declared} million parameters", declared=declared // 4_000_000),
            _TOO_LARGE,
        )
    model = _scores_alone(rebuild(older, clean) if older is not None else _built(clean))
    _check_shapes(model)
    return model, layers


def _built(clean: Path) -> Any:
    """The network of a file that was checked. Raises :class:`ImportRefused`; MemoryError beyond the child's limit."""
    from desktop.ml.nets import backend

    backend.select()
    import keras

    try:
        return keras.saving.load_model(clean, compile=False, safe_mode=True)
    except MemoryError:
        raise
    except Exception as error:
        words = plain(str(error))
        if "OOM" in words or "llocat" in words:
            raise MemoryError from error
        raise ImportRefused(
            "damaged",
            phrase("Keras cannot build it: {words}", words=words),
            "Save it again with a recent Keras as .keras.",
        ) from error


def _scores_alone(model: Any) -> Any:
    """A network that says itself which of its outputs holds the probabilities, as Fovea's own do, with that one."""
    import keras

    named = [output for output in model.outputs if output._keras_history.operation.name == "probabilities"]
    if len(model.outputs) > 1 and len(named) == 1:
        return keras.Model(model.inputs, named[0])
    return model


def _takes_bytes(model: Any) -> bool:
    return str(model.inputs[0].dtype) == "uint8"


def _weights_of(clean: Path, work: Path) -> Any:
    """The weights of the clean copy as a file, for as long as they are looked at."""
    import contextlib
    import zipfile

    @contextlib.contextmanager
    def unpacked() -> Any:
        target = work / "look.h5"
        with zipfile.ZipFile(clean) as archive, archive.open("model.weights.h5") as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
        try:
            yield target
        finally:
            target.unlink()

    return unpacked()


def _check_h5_config(path: Path) -> tuple[tuple[str, ...], Any]:
    """The layers of an ``.h5`` file's network; and its description in today's form where an older Keras wrote it, which
    is then built in place of the file's own. Either is compared with the allowlist."""
    import h5py

    from desktop.ml.exchange.keras2 import upgraded

    with h5py.File(path, "r") as file:
        text, version = file.attrs.get("model_config"), file.attrs.get("keras_version", b"")
    if text is None:
        raise ImportRefused(
            "not-a-model",
            "the file holds weights alone, not the network that they belong to",
            "Save the whole network: model.save('net.keras').",
        )
    raw = parse(text)
    version = version.decode("ascii", "replace") if isinstance(version, bytes) else str(version)
    if version.startswith("3"):
        return check_config(raw), None
    older = upgraded(raw)
    return check_config(older), older


def _check_shapes(model: Any) -> None:
    if model.count_params() > MOST_PARAMETERS:
        raise ImportRefused(
            "too-large",
            phrase("the network has {count_params:,} parameters", count_params=model.count_params()),
            _TOO_LARGE,
        )
    check_ends(
        len(model.inputs), len(model.outputs), "Save the part that goes from one picture to the scores of the classes."
    )
    shape, out = model.input_shape, model.output_shape
    if len(shape) != 4 or shape[3] not in (1, 3):
        raise ImportRefused(
            "does-not-fit",
            phrase("its input is {shape}; (batch, height, width, 1 or 3) expected: channels come last", shape=shape),
        )
    if len(out) != 2 or out[1] is None or not 1 <= out[1] <= MAX_CLASSES:
        raise ImportRefused("does-not-fit", phrase("its output is {out}; (batch, classes) expected", out=out))


def _ends(model: Any) -> Any:
    """Whether the last layer makes probabilities, where it says so."""
    operation = model.outputs[0]._keras_history.operation
    while hasattr(operation, "outputs") and type(operation).__name__ in ("Sequential", "Functional"):
        operation = operation.outputs[0]._keras_history.operation
    name = getattr(getattr(operation, "activation", None), "__name__", type(operation).__name__.lower())
    if name == "softmax":
        return "probabilities"
    if name == "sigmoid" and model.output_shape[-1] == 1:
        return "sigmoid"
    return None


@_in_words
def build(path: str, form: str, facts: ForeignFacts, work: str, tell: Any) -> dict[str, Any]:
    """The network with its scaling inside: bytes in, probabilities out, as ``work/model.keras`` with its answers to the
    test pictures. Returns ``spec`` and ``parameters``."""
    from desktop.core.types import PreprocessSpec
    from desktop.ml.exchange.install_steps import answer, test_pictures

    model, _ = _load(Path(path), form, Path(work))
    height, width = model.input_shape[1:3]
    if height is None or width is None:
        assert facts.size is not None
        width, height = facts.size
    channels = model.input_shape[3]
    assert facts.fit is not None
    spec = PreprocessSpec(
        height,
        width,
        "grey" if channels == 1 else "rgb",
        facts.fit,
        facts.interpolation,
        facts.resize_shorter if facts.fit == "center_crop" else None,
    )
    whole = _wrapped(model, (height, width, channels), facts.scaling, facts.ends or _ends(model))
    pictures = test_pictures(spec)
    whole.save(Path(work) / "model.keras")
    answer(whole, pictures, Path(work))
    scores = whole.predict(np.stack(list(pictures.values())), batch_size=4, verbose=0)
    check_scores(scores)
    return {"spec": spec, "parameters": int(model.count_params())}


def _wrapped(model: Any, shape: tuple[int, int, int], scaling: str, ends: str) -> Any:
    import keras
    from keras import layers

    image = keras.Input(shape, dtype="uint8", name="image")
    if _takes_bytes(model):
        x = image
    elif scaling == "caffe":
        x = layers.Rescaling(1.0, name="fovea_as_float")(image)
        x = keras.ops.flip(x, axis=-1)
        x = layers.Rescaling(1.0, [-103.939, -116.779, -123.68], name="fovea_scaling")(x)
    else:
        scale, offset = scaling_numbers(scaling)
        x = layers.Rescaling(scale, offset, name="fovea_scaling")(image)
    scores = model(x, training=False)
    if ends == "sigmoid" or (ends == "probabilities" and scores.shape[-1] == 1):
        scores = layers.Concatenate(name="probabilities")([layers.Rescaling(-1.0, 1.0)(scores), scores])
    elif ends == "logits" and scores.shape[-1] == 1:
        scores = layers.Activation("sigmoid")(scores)
        scores = layers.Concatenate(name="probabilities")([layers.Rescaling(-1.0, 1.0)(scores), scores])
    elif ends == "logits":
        scores = layers.Softmax(name="probabilities")(scores)
    else:
        scores = layers.Activation("linear", name="probabilities")(scores)
    return keras.Model(image, scores, name="fovea")


def check_scores(scores: np.ndarray) -> None:
    """Refuse outputs that cannot be probabilities, whatever was said of them. Raises :class:`ImportRefused`."""
    if not np.isfinite(scores).all():
        raise ImportRefused("does-not-fit", "the network gives no usable numbers (NaN or infinity) for test pictures")
    if scores.min() < -_NEAR_ONE or abs(scores.sum(axis=1) - 1).max() > _NEAR_ONE:
        raise ImportRefused(
            "does-not-fit",
            phrase(
                "its outputs are no probabilities: from {min:.3g} to {max:.3g}, sums from {min2:.3g} to {max2:.3g}",
                min=scores.min(),
                max=scores.max(),
                min2=scores.sum(axis=1).min(),
                max2=scores.sum(axis=1).max(),
            ),
            "Say that they are raw values (logits), if they are.",
        )


@_in_words
def wrap_tflite(path: str, facts: ForeignFacts, work: str, tell: Any) -> dict[str, Any]:
    """A foreign ``.tflite`` with bytes in and probabilities out, as ``work/model.tflite``, with its self-test.

    Returns ``spec`` and the largest difference between the file as it came and as it is now, over the test pictures.
    """
    from desktop.core.types import PreprocessSpec
    from desktop.ml.convert.litert import LiteRT
    from desktop.ml.convert.selftest import drawn_inputs, write_selftest
    from desktop.ml.exchange.install_steps import test_pictures
    from desktop.ml.exchange.tflite_check import inspect_tflite, wrap

    source, folder = Path(work) / "foreign.tflite", Path(work)
    shutil.copyfile(path, source)  # what is checked must be what is used
    found = inspect_tflite(source)
    wrap(source, facts, folder / "model.tflite")
    assert facts.fit is not None and found.height is not None and found.width is not None
    spec = PreprocessSpec(
        found.height,
        found.width,
        "grey" if found.channels == 1 else "rgb",
        facts.fit,
        facts.interpolation,
        facts.resize_shorter if facts.fit == "center_crop" else None,
    )
    lite = LiteRT(folder / "model.tflite")
    pictures = test_pictures(spec)
    images = np.stack(list(pictures.values()))
    (scores,) = lite.run(images, batch=1, only=(0,))
    check_scores(scores)
    gap = float(np.abs(scores - _as_it_came(source, images, facts, found)).max())
    write_selftest(folder / "selftest", drawn_inputs(spec), lite, 0)
    return {"spec": spec, "gap": gap, "pictures": len(images)}


def _as_it_came(source: Path, images: np.ndarray, facts: ForeignFacts, found: FoundInFile) -> np.ndarray:
    """The foreign file's own answers, with scaling and softmax done outside of it by NumPy."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(source))
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    answers = []
    for image in images:
        x = image[np.newaxis]
        if not found.quantised:
            x = _scaled(x, facts.scaling)
            if entry["dtype"] == np.int8:
                scale, zero = entry["quantization"]
                x = np.clip(np.round(x / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], x)
        interpreter.invoke()
        y = interpreter.get_tensor(result["index"])
        if result["dtype"] != np.float32:
            scale, zero = result["quantization"]
            y = (y.astype(np.float32) - zero) * scale
        answers.append(y[0])
    scores = np.stack(answers).astype(np.float64)
    ends = facts.ends or found.ends
    if ends == "logits" and found.outputs > 1:
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))
    if ends == "logits":
        scores = 1 / (1 + np.exp(-scores))
    return np.concatenate([1 - scores, scores], axis=1) if found.outputs == 1 else scores


def _scaled(images: np.ndarray, scaling: str) -> np.ndarray:
    if scaling == "caffe":
        return np.asarray(images[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32))
    scale, offset = scaling_numbers(scaling)
    return np.asarray(images.astype(np.float32) * np.asarray(scale, np.float32) + np.asarray(offset, np.float32))


def _look_at_keras(path: Path, look: Path, wanted: tuple[int, int, int], outputs: int) -> None:
    from desktop.ml.exchange.h5_check import check_h5
    from desktop.system import edition

    look.mkdir()
    clean = look / "clean.keras"
    clean_copy(path, clean)
    with _weights_of(clean, look) as weights:
        check_h5(weights, _MOST_WEIGHT_BYTES)
    if not edition.trains():
        return
    model = _built(clean)
    if model.count_params() > MOST_PARAMETERS:
        raise ImportRefused(
            "too-large",
            phrase("the network has {count_params:,} parameters", count_params=model.count_params()),
            _TOO_LARGE,
        )
    shapes = [tuple(entry.shape[1:]) for entry in model.inputs]
    if shapes != [wanted] or not any(tuple(out.shape[1:]) == (outputs,) for out in model.outputs):
        raise ImportRefused(
            "does-not-fit",
            phrase(
                "its Keras network takes {shapes}, or does not give {outputs} scores", shapes=shapes, outputs=outputs
            ),
        )


def _check_beside(base: Path, described: Any, lite: Any, blank: np.ndarray) -> None:
    """The files that say more about a network must be what they are called, and go with it. An engine that finds out
    only with the first picture would refuse every one."""
    from desktop.core.trust import domain, first_layer, saliency, second

    names = [name for name, _ in sorted(described.outputs.items(), key=lambda item: item[1])]
    places = [described.outputs[name] for name in names]
    count = len(lite.run(blank))
    if any(place >= count for place in places):
        raise ImportRefused(
            "does-not-fit", phrase("its network has {count} outputs, its description names others", count=count)
        )
    found = dict(zip(names, lite.run(blank, only=tuple(places)), strict=True))
    if found["probabilities"].shape != (1, len(described.labels)):
        raise ImportRefused("does-not-fit", "the output that its description calls probabilities is another")
    if described.domain is not None:
        gate = domain.from_json((base / described.domain.file).read_bytes())
        if gate.toned and described.preprocess.channels != 3:
            raise ImportRefused("does-not-fit", "its domain gate is for colour pictures; its network takes grey ones")
        size = domain.features(blank, found.get("embedding"), found.get("map"), gate.toned).shape[1]
        if gate.shift.shape != (size,):
            raise ImportRefused(
                "does-not-fit",
                phrase(
                    "its domain gate takes {count} features; its network gives {size}", count=len(gate.shift), size=size
                ),
            )
    if (base / saliency.FILE).is_file():
        head = saliency.head_from_json((base / saliency.FILE).read_bytes())
        last = found["map"].shape[-1] if "map" in found else 0
        if head.kernel.shape != (last, len(described.labels)):
            raise ImportRefused("does-not-fit", phrase("'{file}' does not fit its network", file=saliency.FILE))
    if (base / second.FILE).is_file():
        second.from_json((base / second.FILE).read_bytes())
    if (base / first_layer.FILE).is_file():
        first_layer.from_json((base / first_layer.FILE).read_bytes())
    if (base / "evaluation.json").is_file():
        try:
            strict_json.read_object(base / "evaluation.json")
        except (OSError, ValueError) as error:
            raise ImportRefused("damaged", phrase("'evaluation.json' cannot be read: {error}", error=error)) from error


@_in_words
def look_at_archive(folder: str, described: Any, tell: Any) -> float:
    """Check an unpacked model of another Fovea: both networks, what goes with them, its self-test. Returns the
    self-test's difference. ``described`` is its :class:`~desktop.store.manifest.Manifest`.

    The Keras network is built here once, within this child's limits, before anything later opens it for its gradients;
    an edition without Keras never does.
    """

    from desktop.ml.convert.litert import LiteRT
    from desktop.ml.exchange.tflite_check import check_tflite

    base, outputs, spec = Path(folder), len(described.labels), described.preprocess
    check_tflite(base / "model.tflite")
    if (base / "model.keras").is_file():
        _look_at_keras(base / "model.keras", base.parent / "look", (spec.height, spec.width, spec.channels), outputs)
    lite = LiteRT(base / "model.tflite")
    if tuple(lite.shape[1:]) != (spec.height, spec.width, spec.channels):
        raise ImportRefused(
            "does-not-fit", phrase("its network takes {tuple}, its description differs", tuple=tuple(lite.shape[1:]))
        )
    blank = np.zeros((1, spec.height, spec.width, spec.channels), np.uint8)
    if not any(part.shape == (1, outputs) for part in lite.run(blank)):
        raise ImportRefused(
            "does-not-fit", phrase("its network does not give {outputs} scores, one a label", outputs=outputs)
        )
    _check_beside(base, described, lite, blank)
    worst = 0.0
    expected = base / "selftest" / "expected.json"
    if not expected.is_file():
        return worst
    try:
        raw = strict_json.read_object(expected)
        for case in raw["cases"]:
            pixels = np.load(base / "selftest" / Path(case["file"]).name, allow_pickle=False)
            wanted = np.asarray(case["probabilities"], np.float32)
            gaps = [
                float(np.abs(p[0] - wanted).max()) for p in lite.run(pixels[np.newaxis]) if p[0].shape == wanted.shape
            ]
            worst = max(worst, min(gaps, default=float("inf")))
        limit = float(raw["tolerance"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImportRefused("damaged", "its self-test cannot be read") from error
    if not worst <= min(limit, 1e-2):
        raise ImportRefused(
            "does-not-fit", phrase("its answers differ by {worst:.2g} from those of its own self-test", worst=worst)
        )
    return worst
