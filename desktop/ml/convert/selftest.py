"""Self-test inputs of a model: pictures drawn by the project, prepared for its network, with the expected answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from desktop import paths
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import FoveaError, PreprocessSpec
from desktop.ml.convert.litert import LiteRT
from desktop.system.words import phrase

TOLERANCE = 1e-4  # in any probability; other processors sum in another order
GROUP = 16
"""Pictures that a batch asks about at once (:data:`desktop.engine.model.BATCH`)."""


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

    Raises :class:`FoveaError` ``groups-differ`` where the file answers a full group of pictures otherwise than the same
    pictures alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases, alone = [], []
    for name, pixels in inputs.items():
        np.save(folder / f"{name}.npy", pixels, allow_pickle=False)
        scores = lite.run(pixels[np.newaxis], only=(position,))[0][0]
        alone.append(scores)
        cases.append({"file": f"{name}.npy", "probabilities": [round(float(s), 7) for s in scores]})
    check_group(np.stack(list(inputs.values())), np.stack(alone), lite, position)
    text = json.dumps({"tolerance": TOLERANCE, "cases": cases}, indent=1) + "\n"
    (folder / "expected.json").write_text(text, encoding="utf-8", newline="\n")


def check_group(pictures: np.ndarray, alone: np.ndarray, lite: LiteRT, position: int) -> None:
    """Ask about a full group of ``pictures`` uint8 (n, height, width, channels) at once, repeated as often as it takes,
    and compare with the scores (n, classes) that each got ``alone``.

    A file that takes one picture and no more has no groups to try. Raises :class:`FoveaError` ``groups-differ``.
    """
    if lite.one_by_one:
        return
    places = np.arange(GROUP) % len(pictures)
    try:
        found = lite.run(pictures[places], batch=GROUP, only=(position,))[0]
    except (RuntimeError, ValueError):
        return  # it fixes the number inside, and is asked one by one: see desktop.engine.model
    gap = float(np.abs(found - alone[places]).max()) if found.shape == alone[places].shape else float("inf")
    if not gap <= 10 * TOLERANCE:
        raise FoveaError(
            "groups-differ",
            phrase(
                "the network answers {group} pictures at once otherwise than one by one (by {gap:.1e} in a score)",
                group=GROUP,
                gap=gap,
            ),
            "Layers that mix the pictures of a batch cannot be used; save the network without them.",
        )
