"""Draws the pictures of README and of the tutorials anew: ``python tools/pictures.py [NAME …]`` (``make pictures``).

Each is the real window after a real answer, written by ``fovea screenshot``; what is shown are the samples that come
with Fovea, never anybody's pictures. Names are those of the files in docs/pictures, without their ending.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
_SAMPLES = ROOT / "resources" / "samples"
_DIGITS = [str(_SAMPLES / f"digit-{name}.png") for name in ("7-photo", "5-corner", "3-marker", "9-pen")]
_PHANTOM = str(_SAMPLES / "phantom-chest.png")
_XRAY = ("--view", "classify", "--model", "chest-xray-pneumonia", "--image", _PHANTOM)

# DIR is a folder that is there for the moment, with sets of `fovea samples` and a drawing in it.
PICTURES: dict[str, tuple[str, ...]] = {
    "classify-light": ("--view", "classify", "--model", "mnist-digits", "--image", *_DIGITS),
    "classify-dark": ("--view", "classify", "--model", "mnist-digits", "--theme", "dark", "--image", *_DIGITS),
    "xray-dark": (*_XRAY, "--why", "cam", "--theme", "dark"),
    "draw-light": ("--view", "draw", "--strokes", "DIR/four-seven.json"),
    "evaluate-light": ("--view", "evaluate", "--model", "mnist-digits", "--data", "DIR/mixed/digits"),
    "train-light": ("--view", "train", "--demo"),
    "tutorial-first-photo": ("--view", "classify", "--image", "DIR/photos/china.jpg"),
    "tutorial-x-rays": _XRAY,
    "tutorial-digits": ("--view", "draw", "--strokes", "DIR/four-seven.json"),
    "tutorial-wizard": ("--view", "wizard", "--data", "DIR/shapes", "--page", "2"),
}
# Three drawings that lie in a wrong folder on purpose: README says so.
_MISLAID = (("5", "6", "digit-5-corner.png"), ("3", "8", "digit-3-marker.png"), ("7", "1", "digit-7-thin.png"))
_STROKES = (
    ((0.27, 0.24), (0.24, 0.32), (0.20, 0.42), (0.16, 0.52), (0.24, 0.53), (0.32, 0.53), (0.40, 0.52)),
    ((0.345, 0.36), (0.34, 0.48), (0.335, 0.60), (0.33, 0.74)),
    ((0.58, 0.29), (0.66, 0.285), (0.74, 0.28), (0.82, 0.28), (0.78, 0.38), (0.73, 0.50), (0.69, 0.62), (0.66, 0.74)),
)


def fovea(*arguments: str, home: Path) -> None:
    """Run the program with an empty home; what it refuses ends this."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FOVEA_HOME": str(home)}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    subprocess.run([sys.executable, "-m", "desktop", *arguments], cwd=ROOT, env=environment, check=True)


def prepare(folder: Path) -> None:
    """What the pictures show: samples, a set with three in a wrong folder, a drawing of two digits."""
    for kind in ("photos", "shapes"):
        fovea("samples", kind, str(folder), home=folder / "home")
    fovea("samples", "digits", str(folder / "mixed"), home=folder / "home")
    for right, wrong, name in _MISLAID:
        (folder / "mixed" / "digits" / right / name).rename(folder / "mixed" / "digits" / wrong / name)
    strokes = [{"width": 0.035, "erase": False, "points": points} for points in _STROKES]
    drawing = {"kind": "fovea-drawing", "schema": 1, "strokes": strokes}
    (folder / "four-seven.json").write_text(json.dumps(drawing), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw them; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(PICTURES)} (default: all)")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(PICTURES)
    if unknown:
        parser.error(f"there is no picture '{sorted(unknown)[0]}'")
    with tempfile.TemporaryDirectory(prefix="fovea-pictures-") as held:
        folder = Path(held)
        prepare(folder)
        for name in options.names or PICTURES:
            words = [word.replace("DIR/", f"{folder}/") for word in PICTURES[name]]
            fovea("screenshot", *words, "--out", str(FOLDER / f"{name}.png"), home=folder / "home")
    return 0


if __name__ == "__main__":
    sys.exit(main())
