"""What an exported network has to be told along with: how a picture is prepared for it, its labels, how to answer.

A network alone does not say whether a picture is cropped or stretched, and a wrong guess changes answers silently.
The facts lie beside an export (``FILE.json``), inside it, and in a short program that answers a picture
(``FILE.example.py``). No Keras here.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from desktop.core.notices import medical_notice
from desktop.core.types import PreprocessSpec
from desktop.ml.exchange.export_formats import ModelFormat
from desktop.store.manifest import Manifest
from desktop.system.words import english, phrase

MEMBER = "fovea.json"
"""What the facts are called inside a file."""
_FILTERS = {"nearest": "NEAREST", "area": "BOX", "bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos": "LANCZOS"}


def facts_of(manifest: Manifest) -> dict[str, Any]:
    """Everything that another program needs to answer as Fovea does, as plain JSON values."""
    spec, decision = manifest.preprocess, manifest.decision
    return {
        "schema": 1,
        "model": {"id": manifest.id, "name": manifest.name, "version": manifest.version},
        "preparing": {
            "fit": spec.fit,
            "width": spec.width,
            "height": spec.height,
            "colour": spec.colour,
            "resize_shorter": spec.resize_shorter,
            "filter": _FILTERS[spec.interpolation],
            "filter_is": "Pillow's, which is widened when a picture shrinks (antialiased)",
            "pad_value": spec.pad_value,
            "steps": steps(spec),
        },
        "input": {
            "name": "image",
            "dtype": "uint8",
            "shape": ["batch", spec.height, spec.width, spec.channels],
            "values": "0 to 255; scaling sits inside the network",
        },
        "outputs": dict(manifest.outputs),
        "labels": list(manifest.labels),
        "decision": {"rule": decision.rule, "positive": decision.positive, "value": decision.value},
        "scores": manifest.scores,
        "without": "Fovea's gate, which says whether a picture is of the model's kind at all, is not in this file",
        "notice": medical_notice(manifest.medical),
    }


def steps(spec: PreprocessSpec) -> list[str]:
    """The preparing in words, in order."""
    size = phrase("{width}×{height} pixels", width=spec.width, height=spec.height)
    how = {
        "stretch": phrase("stretch it to {size}, whatever its shape", size=size),
        "center_crop": phrase("scale it so that it covers {size} and cut its middle out", size=size),
        "letterbox": phrase(
            "scale it so that it fits into {size} and fill the rest with {pad_value}",
            size=size,
            pad_value=spec.pad_value,
        ),
        "mnist": "find the ink, make it white on black, fit it into 20×20 and put its centre of mass in the middle of "
        "28×28",
    }[spec.fit]
    if spec.resize_shorter is not None:
        how = phrase(
            "scale it so that its shorter side has {resize_shorter} pixels and cut the middle {size} out",
            resize_shorter=spec.resize_shorter,
            size=size,
        )
    return [
        "turn the picture upright by its EXIF orientation",
        "lay transparent parts on white",
        "make it grey (ITU-R 601)" if spec.colour == "grey" else "make it RGB (sRGB)",
        how,
        "keep the values 0 to 255 as bytes",
    ]


def facts_text(manifest: Manifest) -> str:
    """The facts as indented JSON, in English: programs read them."""
    return json.dumps(english(facts_of(manifest)), indent=1, ensure_ascii=False)


def embed(path: Path, manifest: Manifest) -> None:
    """Put the facts into the exported file ``path`` as members of an archive.

    ``.keras`` is one. A ``.tflite`` gets one behind it, as the files of LiteRT's own metadata lie (``unzip -p FILE
    fovea.json``).
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, content in ((MEMBER, facts_text(manifest)), ("labels.txt", "\n".join(manifest.labels) + "\n")):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def example(form: ModelFormat, file: str, manifest: Manifest) -> str:
    """A short Python program that answers pictures with the exported ``file`` (a name), which lies beside it."""
    prepare = _MNIST if manifest.preprocess.fit == "mnist" else _PREPARE
    read = form.reads.format(file=repr(file))
    return _PROGRAM.format(file=file, needs=form.needs, prepare=prepare, read=read, named=repr(file))


_PREPARE = """def prepare(path):
    how = FACTS["preparing"]
    size, resampling = (how["width"], how["height"]), Image.Resampling[how["filter"]]
    picture = ImageOps.exif_transpose(Image.open(path))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    picture = picture.convert("RGB")
    if how["colour"] == "grey":
        picture = picture.convert("L")
    if how["fit"] == "center_crop":
        shorter = how["resize_shorter"]
        fill = max(size[0] / picture.width, size[1] / picture.height)
        scale = shorter / min(picture.size) if shorter else fill
        width, height = size[0] / scale, size[1] / scale
        left, top = (picture.width - width) / 2, (picture.height - height) / 2
        box = (max(0, left), max(0, top), min(picture.width, left + width), min(picture.height, top + height))
        picture = picture.resize(size, resampling, box=box)
    elif how["fit"] == "letterbox":
        scale = min(size[0] / picture.width, size[1] / picture.height)
        inner = [min(side, max(1, round(old * scale))) for side, old in zip(size, picture.size)]
        ground = (how["pad_value"],) * 3 if picture.mode == "RGB" else how["pad_value"]
        canvas = Image.new(picture.mode, size, ground)
        canvas.paste(picture.resize(inner, resampling), ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
        picture = canvas
    else:
        picture = picture.resize(size, resampling)
    return np.asarray(picture, np.uint8).reshape(1, size[1], size[0], -1)"""

_MNIST = """def prepare(path):
    # One digit on plain paper, dark or light. Fovea does more: uneven light, printed lines, specks, stroke widths.
    picture = ImageOps.exif_transpose(Image.open(path))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    grey = np.asarray(picture.convert("L"), np.float32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if grey.shape == (28, 28) and border.max() == 0:  # it is laid out already
        return grey.astype(np.uint8).reshape(1, 28, 28, 1)
    ink = np.abs(grey - np.median(border))
    if ink.max() < 24:
        raise SystemExit(f"{path}: no ink was found")
    ink = np.clip(ink / np.percentile(ink[ink > ink.max() / 4], 90), 0, 1)
    ink = np.clip((ink - 0.2) / 0.8, 0, 1)
    rows, columns = np.nonzero(ink > 0.3)
    digit = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(digit.shape)
    size = [max(1, round(side * scale)) for side in digit.shape[::-1]]
    resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = np.clip(np.asarray(Image.fromarray(digit.astype(np.float32)).resize(size, resampling)), 0, 1)
    small = np.clip(small / max(0.35, np.percentile(small[small > 0], 85)), 0, 1)
    middle = [(small.sum(axis=1 - axis) * np.arange(small.shape[axis])).sum() / small.sum() for axis in (0, 1)]
    top, left = (int(min(max(0, round(14 - at)), 28 - side)) for at, side in zip(middle, small.shape))
    canvas = np.zeros((28, 28), np.uint8)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = np.round(small * 255)
    return canvas.reshape(1, 28, 28, 1)"""

_PROGRAM = '''"""Answers pictures with {file}, which lies beside this program with its facts: python THIS PICTURE …

Needs: pip install numpy pillow {needs}
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
FACTS = json.loads((HERE / ({named} + ".json")).read_text(encoding="utf-8"))


{prepare}


{read}


def answer_of(scores):
    decision = FACTS["decision"]
    if decision["rule"] == "threshold":
        positive = decision["positive"]
        return positive if scores[positive] >= decision["value"] else 1 - positive
    return int(np.argmax(scores))


for path in sys.argv[1:]:
    scores = scores_of(prepare(path))
    answer = answer_of(scores)
    print(f"{{path}}: {{FACTS['labels'][answer]}}, score {{scores[answer]:.4f}}")
if FACTS["notice"]:
    print(FACTS["notice"])
'''
