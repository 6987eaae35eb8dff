"""Self-test inputs of a model: pictures drawn by the project, prepared for its network, with the expected answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from desktop import paths
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.convert.litert import LiteRT

TOLERANCE = 1e-4  # in any probability; other processors sum in another order


def drawn_inputs(spec: PreprocessSpec) -> dict[str, np.ndarray]:
    """Prepared uint8 (height, width, channels) by name: the program's drawn samples that suit the network.

    Digits for ``mnist``, the phantom for other grey inputs, plain patterns for colour; always a grey ramp too, which
    needs no file.
    """
    kind = "digit" if spec.fit == "mnist" else "phantom" if spec.colour == "grey" else "pattern"
    found: dict[str, np.ndarray] = {}
    for path in sorted((paths.resources() / "samples").glob(f"{kind}-*.png")):
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L" if picture.mode in ("L", "1") else "RGB"))
        found[path.stem] = prepare(pixels, spec).pixels
    ramp = np.linspace(0, 255, spec.height * spec.width).astype(np.uint8).reshape(spec.height, spec.width, 1)
    found["ramp"] = np.repeat(ramp, spec.channels, axis=2)
    return found


def write_selftest(folder: Path, inputs: dict[str, np.ndarray], lite: LiteRT, position: int) -> None:
    """Write every input as ``NAME.npy`` and the expected probabilities as ``expected.json``.

    ``expected.json``: ``{"tolerance": float, "cases": [{"file": "NAME.npy", "probabilities": [...]}]}``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, pixels in inputs.items():
        np.save(folder / f"{name}.npy", pixels, allow_pickle=False)
        scores = lite.run(pixels[np.newaxis], only=(position,))[0][0]
        cases.append({"file": f"{name}.npy", "probabilities": [round(float(s), 7) for s in scores]})
    text = json.dumps({"tolerance": TOLERANCE, "cases": cases}, indent=1) + "\n"
    (folder / "expected.json").write_text(text, encoding="utf-8", newline="\n")
