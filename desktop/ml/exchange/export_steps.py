"""The steps of an export that run a network, for child processes: see :mod:`desktop.ml.exchange.export_model`."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.notices import medical_notice
from desktop.core.types import FoveaError, ImageSource, PreprocessSpec
from desktop.ml.exchange.export_formats import MODEL_FORMATS, Own
from desktop.ml.exchange.preparing_facts import embed, facts_text
from desktop.store.manifest import Manifest, from_json
from desktop.system.words import english, phrase

_MOST_PICTURES = 200
_SIDE = 4
_OPSET = 17  # ONNX 1.12 (2022): read by every ONNX Runtime since 1.12


@dataclass(frozen=True, slots=True)
class _Compared:
    """What the answers were compared over: ``images`` uint8 (n, height, width, channels), how many of each kind, and
    whose the photographs are."""

    images: np.ndarray
    counts: dict[str, int]
    photographs: tuple[str, ...]


def write(keras_file: str, lite: str, form: str, manifest: str, folder: str, work: str, tell: Any) -> dict[str, Any]:
    """Make ``work/out.ENDING`` and ``work/parity.json``; returns ``difference`` (``None`` where the model has no other
    form to compare with) and ``pictures``."""
    described, chosen, steps = from_json(manifest), MODEL_FORMATS[form], WORK[form]
    over = _pictures(described.preprocess, folder)
    images = over.images
    out = Path(work) / f"out{chosen.ending}"
    held = {"keras": Path(keras_file) if keras_file else None, "litert": Path(lite)}
    source, own = held[chosen.source], held[chosen.peer]
    assert source is not None
    steps.make(source, out, described)
    steps.embed(out, described)
    found, reader = steps.scores(out, images, described)
    expected: np.ndarray | None = None
    peer = "nothing: the model has this form alone, and the file holds a copy of it"
    if own is not None:
        expected, peer = _OWN[chosen.peer](own, images, described)
    if not np.isfinite(found).all():
        raise FoveaError("parity", "the exported file gives no usable numbers (NaN or infinity)")
    if expected is not None and found.shape != expected.shape:
        raise FoveaError(
            "parity",
            phrase("the exported file gives {shape}, the model {shape2}", shape=found.shape, shape2=expected.shape),
        )
    certificate = _certificate(described, out, form, (reader, peer), found, expected, over)
    (Path(work) / "facts.json").write_text(facts_text(described) + "\n", encoding="utf-8", newline="\n")
    (Path(work) / "parity.json").write_text(
        json.dumps(english(certificate), indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    return {"difference": certificate["largest_difference"], "pictures": len(images)}


def _pictures(spec: PreprocessSpec, folder: str) -> _Compared:
    """Prepared pictures: those drawn by Fovea, and real ones, which are up to :data:`_MOST_PICTURES` of the user's
    folder, or without one the photographs of :mod:`desktop.core.pictures.photographs`, whole and in parts."""
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.decode_in_child import bring_in
    from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
    from desktop.core.pictures.photographs import photographs
    from desktop.core.pictures.preprocess import prepare
    from desktop.core.pictures.walk import FoundFile, walk_images
    from desktop.ml.convert.selftest import drawn_inputs

    drawn = list(drawn_inputs(spec).values())
    counts = {"drawn by Fovea": len(drawn)}
    real: list[np.ndarray] = []
    origins: list[str] = []
    if folder:
        for found in walk_images([folder], SUPPORTED_SUFFIXES):
            if len(real) >= _MOST_PICTURES:
                break
            if not isinstance(found, FoundFile):
                continue
            try:
                real.append(bring_in(ImageSource.from_path(found.path), spec).prepared.pixels)
            except FoveaError:
                continue  # a file that cannot be opened proves nothing about the network
        if not real:
            raise FoveaError("no-pictures", "the folder holds no picture that can be opened", "Choose another folder.")
        counts["of the user's folder"] = len(real)
    else:
        for photograph in photographs():
            try:
                pixels = decode(ImageSource.from_path(str(photograph.path))).pixels
                real.extend([prepare(part, spec).pixels for part in (pixels, *_parts(pixels))])
            except FoveaError:
                continue  # as above
            origins.append(photograph.origin)
        counts["of photographs, each whole and in parts"] = len(real)
    return _Compared(np.stack([*drawn, *real]), counts, tuple(origins))


def _parts(pixels: np.ndarray) -> list[np.ndarray]:
    """The photograph ``pixels`` (height, width[, 3]) in :data:`_SIDE` rows of as many parts."""
    return [
        np.ascontiguousarray(p) for row in np.array_split(pixels, _SIDE) for p in np.array_split(row, _SIDE, axis=1)
    ]


def _copy(source: Path, out: Path, manifest: Manifest) -> None:
    shutil.copyfile(source, out)


def _litert(path: Path, images: np.ndarray, manifest: Manifest) -> tuple[np.ndarray, str]:
    from desktop.ml.convert.litert import LiteRT

    found = LiteRT(path).run(images, batch=1, only=(manifest.outputs["probabilities"],))[0]
    return found, "LiteRT (ai-edge-litert)"


def _as_fovea(path: Path, images: np.ndarray, manifest: Manifest) -> tuple[np.ndarray, str]:
    return _litert(path, images, manifest)[0], "model.tflite as Fovea runs it (LiteRT)"


def _keras(path: Path, images: np.ndarray, manifest: Manifest) -> tuple[np.ndarray, str]:
    from desktop.ml.nets import backend

    backend.select()
    import keras

    from desktop.ml.nets.keras_check import check_stored

    model = keras.saving.load_model(check_stored(path), compile=False, safe_mode=True)
    answers = model.predict(images, batch_size=8, verbose=0)
    parts = answers if isinstance(answers, (list, tuple)) else [answers]
    classes = len(manifest.labels)
    scores = next(np.asarray(part) for part in parts if np.ndim(part) == 2 and np.shape(part)[1] == classes)
    return scores, phrase("Keras {version} on {backend}", version=keras.__version__, backend=keras.backend.backend())


def _to_onnx(lite: Path, out: Path, manifest: Manifest) -> None:
    """From the LiteRT form, which is the one that answers: far less memory than from Keras (which grew to 24 GB for
    VGG16), and it works for models that came as .tflite."""
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise _missing(error) from error
    # The converter runs the file once; its names are the file's own, made into words here.
    tf2onnx.convert.from_tflite(str(lite), opset=_OPSET, output_path=str(out))
    model = onnx.load(str(out))
    names = {name: place for name, place in manifest.outputs.items() if place < len(model.graph.output)}
    renamed = {model.graph.input[0].name: "image"}
    ordered = _outputs_in_file_order(lite, [item.name for item in model.graph.output])
    renamed |= {ordered[place]: name for name, place in names.items()}
    for node in model.graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                values[index] = renamed.get(value, value)
    for item in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        item.name = renamed.get(item.name, item.name)
    model.producer_name, model.doc_string = "Fovea", f"{manifest.name}, version {manifest.version}"
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def to_onnx(lite: str, out: str, manifest: str, tell: Any) -> None:
    """The ONNX form alone, for whoever compares speeds; see :func:`_to_onnx`."""
    _to_onnx(Path(lite), Path(out), from_json(manifest))


def _outputs_in_file_order(lite: Path, found: list[str]) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    names = [item["name"] for item in Interpreter(model_path=str(lite)).get_output_details()]
    if set(names) != set(found):
        raise FoveaError("parity", "the converted file's outputs have other names than the model's")
    return names


def _embed_onnx(path: Path, manifest: Manifest) -> None:
    """ONNX has properties for facts."""
    import onnx

    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"fovea": facts_text(manifest), "labels": "\n".join(manifest.labels)})
    onnx.save(model, str(path))


def _onnx(path: Path, images: np.ndarray, manifest: Manifest) -> tuple[np.ndarray, str]:
    try:
        import onnxruntime
    except ImportError as error:
        raise _missing(error) from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    parts = [session.run(["probabilities"], {"image": image[np.newaxis]})[0] for image in images]
    return np.concatenate(parts), phrase("ONNX Runtime {version}", version=onnxruntime.__version__)


def _missing(error: ImportError) -> FoveaError:
    return FoveaError(
        "missing-package",
        phrase("writing ONNX needs the package {name}, which is not part of this installation", name=error.name),
        "In a checkout of Fovea: pip install '.[onnx]'. Or export as .tflite or .keras.",
    )


Scores = Callable[[Path, np.ndarray, Manifest], tuple[np.ndarray, str]]
"""The scores (n, classes) that a file gives for images uint8 (n, height, width, channels), and what read it."""


@dataclass(frozen=True, slots=True)
class FormatWork:
    """What it takes to export in a format: make the file from the model's own form, put the facts into it, and read it
    as its users will."""

    make: Callable[[Path, Path, Manifest], None]
    embed: Callable[[Path, Manifest], None]
    scores: Scores


WORK: dict[str, FormatWork] = {
    "keras": FormatWork(_copy, embed, _keras),
    "tflite": FormatWork(_copy, embed, _litert),
    "onnx": FormatWork(_to_onnx, _embed_onnx, _onnx),
}
"""The work of each format of :data:`desktop.ml.exchange.export_formats.MODEL_FORMATS`."""
# A .tflite is Fovea's own file: what can differ is the network that it was made from.
_OWN: dict[Own, Scores] = {"keras": _keras, "litert": _as_fovea}


def _certificate(
    manifest: Manifest,
    out: Path,
    form: str,
    programs: tuple[str, str],
    found: np.ndarray,
    expected: np.ndarray | None,
    over: _Compared,
) -> dict[str, Any]:
    """What the comparison found; ``None`` for each figure where there was nothing to compare with.

    It names no picture of the user's: names of files may be names of patients.
    """
    from desktop import __version__

    figures: dict[str, Any] = dict.fromkeys(("largest_difference", "mean_difference", "same_answer"))
    if expected is not None:
        gaps = np.abs(found - expected)
        gaps = np.where(np.isfinite(gaps), gaps, np.inf)
        choose = manifest.decision.choose
        same = sum(choose(a) == choose(b) for a, b in zip(found, expected, strict=True))
        figures = {
            "largest_difference": float(gaps.max()),
            "mean_difference": float(gaps.mean()),
            "same_answer": int(same),
        }
    with out.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "schema": 2,
        "model": {
            "id": manifest.id,
            "name": manifest.name,
            "version": manifest.version,
            "sha256": manifest.files["model.tflite"].sha256,
        },
        "file": {"format": form, "sha256": digest, "size": out.stat().st_size, "read_by": programs[0]},
        "compared_with": programs[1],
        "pictures": over.counts,
        "photographs": list(over.photographs),
        **figures,
        "input": {
            "dtype": "uint8",
            "shape": ["batch", manifest.preprocess.height, manifest.preprocess.width, manifest.preprocess.channels],
            "values": "0 to 255; scaling sits inside the network",
        },
        "labels": list(manifest.labels),
        "notice": medical_notice(manifest.medical),
        "fovea": __version__,
        "created": datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
    }
