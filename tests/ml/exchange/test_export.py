"""Exported networks say how a picture is prepared, inside and beside, and the program beside answers as Fovea does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import ImageSource, PreprocessSpec
from desktop.engine.model import LoadedModel
from desktop.ml.convert.selftest import drawn_inputs
from desktop.ml.exchange.export_model import export
from desktop.ml.exchange.preparing_facts import facts_of, steps
from desktop.store.manifest import Decision
from desktop.store.store import ModelEntry, ModelStore
from tests.patience import patient
from tests.store.makers import manifest

keras = pytest.importorskip("keras")

SPECS = {
    "stretched": PreprocessSpec(24, 32, "rgb", "stretch", "area"),
    "cropped": PreprocessSpec(24, 24, "rgb", "center_crop", "bilinear"),
    "shorter side first": PreprocessSpec(24, 24, "rgb", "center_crop", "bicubic", 28),
    "padded": PreprocessSpec(24, 24, "grey", "letterbox", "lanczos", pad_value=30),
}
READERS = {"tflite": "ai_edge_litert", "keras": "tensorflow", "onnx": "tf2onnx"}


@pytest.fixture
def entry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelEntry:
    """A small network whose answer depends on where in the picture what is."""
    spec = SPECS[request.param]
    layers = keras.layers
    image = keras.Input((spec.height, spec.width, spec.channels), dtype="uint8")
    x = layers.Flatten()(layers.AveragePooling2D(4)(layers.Rescaling(1 / 255.0)(image)))
    scores = layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(stddev=0.3, seed=4))(x)
    model = keras.Model(image, layers.Softmax(name="probabilities")(scores))
    described = manifest(
        id="small", name="Small", preprocess=spec, labels=("no", "yes"), decision=Decision("threshold", 1, 0.3, "so")
    )
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    described = replace(
        described, files=dict.fromkeys(("model.tflite", "model.keras"), described.files["model.tflite"])
    )
    with store.stage(described) as folder:
        model.save(folder / "model.keras")
        model.export(str(folder / "model.tflite"), format="litert", verbose=False)
    return store.require("small")


def pictures(folder: Path) -> list[Path]:
    """Wide, high, turned by EXIF, and with transparent parts."""
    rng = np.random.default_rng(3)
    made = []
    for number, (size, mode) in enumerate((((90, 40), "RGB"), ((33, 120), "RGB"), ((64, 50), "RGBA"), ((20, 20), "L"))):
        bands = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
        pixels = rng.integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
        picture = Image.fromarray(pixels[..., 0] if bands == 1 else pixels, mode).resize(size)
        exif = Image.Exif()
        exif[274] = 6 if number == 0 else 1
        path = folder / f"{number}.png"
        picture.save(path, exif=exif)
        made.append(path)
    return made


@pytest.mark.parametrize(
    ("form", "entry"),
    [
        # One program lays out for all forms: each way of laying out with the quickest, the others with one way.
        pytest.param(form, way, marks=pytest.mark.slow if form == "keras" and way != "stretched" else ())
        for form in READERS
        for way in SPECS
    ],
    indirect=["entry"],
)
def test_the_program_beside_an_export_answers_as_fovea_does(form: str, entry: ModelEntry, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    assert entry.manifest is not None
    spec = entry.manifest.preprocess
    folder = tmp_path / "handed on"
    folder.mkdir()
    target = folder / f"net.{form}"
    made = export(entry, form, target)
    assert made.difference is None or made.difference < 1e-4
    beside = json.loads((folder / f"net.{form}.json").read_text(encoding="utf-8"))
    assert beside == facts_of(entry.manifest) and beside["labels"] == ["no", "yes"]
    if form == "onnx":
        import onnx

        held = {item.key: item.value for item in onnx.load(str(target)).metadata_props}
        assert json.loads(held["fovea"]) == beside
    else:
        with zipfile.ZipFile(target) as archive:
            assert json.loads(archive.read("fovea.json")) == beside and archive.read("labels.txt") == b"no\nyes\n"
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    asked = pictures(tmp_path)
    done = subprocess.run(
        [sys.executable, str(moved / f"net.{form}.example.py"), *map(str, asked)],
        capture_output=True, text=True, check=False, timeout=patient(300),
        env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if ".png: " in line]
    model = LoadedModel(entry, threads=1)
    for path, line in zip(asked, lines, strict=True):
        scores = model.predict(prepare(decode(ImageSource.from_path(str(path))), spec).pixels[None])[0]
        answer = int(scores[1] >= 0.3)
        name, score = line.rpartition(": ")[2].split(", score ")
        assert name == ("no", "yes")[answer] and abs(float(score) - scores[answer]) < 2e-3, (path, line, scores)


def test_every_way_of_preparing_is_told_in_words() -> None:
    for spec in SPECS.values():
        told = " ".join(steps(spec))
        assert f"{spec.width}×{spec.height}" in told and "EXIF" in told and len(drawn_inputs(spec)) > 1
    assert "20×20" in " ".join(steps(PreprocessSpec(28, 28, "grey", "mnist")))


@pytest.mark.parametrize("form", ["tflite", *(pytest.param(f, marks=pytest.mark.slow) for f in ("keras", "onnx"))])
def test_the_program_of_the_digits_lays_out_plain_digits_itself(form: str, tmp_path: Path) -> None:
    from tests.ml.packaging.digit_styles import samples_module

    pytest.importorskip(READERS[form])
    entry, draw, asked = ModelStore().require("mnist-digits"), samples_module(), []
    for value in range(10):
        for name, settings in (
            ("dark", {"size": 120}),
            ("light", {"size": 90, "inverted": True, "offset": (0.1, 0.1)}),
        ):
            asked.append(tmp_path / f"{value}-{name}.png")
            Image.fromarray(draw.digit(value, 0, seed=1, width=0.1, **settings)).save(asked[-1])
    laid_out = prepare(decode(ImageSource.from_path(str(asked[0]))), PreprocessSpec(28, 28, "grey", "mnist")).pixels
    asked.append(tmp_path / "laid out.png")
    Image.fromarray(laid_out[..., 0]).save(asked[-1])
    target = tmp_path / f"digits.{form}"
    export(entry, form, target)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, f"{target}.example.py", *map(str, asked)],
        capture_output=True, text=True, check=False, timeout=patient(300),
        env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model, right = LoadedModel(entry, threads=1), 0
    lines = [line for line in done.stdout.splitlines() if ".png: " in line]
    for path, line in zip(asked, lines, strict=True):
        pixels = prepare(decode(ImageSource.from_path(str(path))), model.manifest.preprocess).pixels
        scores = model.predict(pixels[None])[0]
        label, score = line.rpartition(": ")[2].split(", score ")
        right += label == model.manifest.labels[int(scores.argmax())]
        if path.name == "laid out.png":
            assert abs(float(score) - scores.max()) < 2e-3
    assert right >= len(asked) - 1, done.stdout  # a stroke's width is what this program leaves as it is
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    done = subprocess.run(
        [sys.executable, f"{target}.example.py", str(tmp_path / "blank.png")],
        capture_output=True, text=True, check=False, timeout=patient(300),
        env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 1 and "no ink was found" in done.stderr and "Traceback" not in done.stderr
