"""Does the X-ray model look at the lungs: ``python -m benchmarks.xray_shortcuts [--model ID | --folder DIR]``.

Borders, burnt-in letters, the arms' position or the sharpness of one machine could give a label away. Here the middle
of every test image, which holds the lungs, is covered (and, the other way about, everything but the middle); a model
that leans on the surroundings still tells the classes apart then: its area under ROC stays far from 0.5.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import Figure, Report, finish

# Rows and columns of the middle, as parts of the side: from the collar bones to the diaphragm, arms left out.
MIDDLE = (0.12, 0.88, 0.10, 0.90)


def covered(images: np.ndarray, middle: bool) -> np.ndarray:
    """``images`` (uint8 (n, H, W, 1)) with their middle, or all but their middle, filled with the image's mean grey."""
    _, height, width, _ = images.shape
    top, bottom = round(MIDDLE[0] * height), round(MIDDLE[1] * height)
    left, right = round(MIDDLE[2] * width), round(MIDDLE[3] * width)
    mean = images.mean(axis=(1, 2, 3)).round().astype(np.uint8)[:, None, None, None]
    plain = np.broadcast_to(mean, images.shape)
    result, other = (images, plain) if middle else (plain, images)
    result = result.copy()
    result[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    return result


def main(argv: list[str]) -> int:
    """Print the area under ROC of the model on whole and on covered test images."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.xray_shortcuts", description="What the model looks at.")
    parser.add_argument("--model", default="chest-xray-pneumonia", metavar="ID", help="a model of the store")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="a model folder instead")
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(argv)
    from sklearn.metrics import roc_auc_score

    from desktop import paths
    from desktop.ml.convert.litert import LiteRT
    from desktop.ml.data import public_sets
    from desktop.ml.plans import plan
    from desktop.store.manifest import from_json
    from desktop.store.store import ModelStore

    folder = options.folder or ModelStore().require(options.model).folder
    manifest = from_json((folder / "model.json").read_bytes())
    recipe = plan.load(paths.resources() / "recipes" / "chest-xray-pneumonia.json")
    recipe = replace(recipe, preprocess=manifest.preprocess)
    pictures = public_sets.load_split(recipe, options.split)
    whole = np.asarray(pictures.images)
    truth = pictures.labels == (manifest.decision.positive or 0)
    lite, place = LiteRT(folder / "model.tflite"), manifest.outputs["probabilities"]
    views = {
        "whole images": whole,
        "the middle (lungs) covered": covered(whole, middle=True),
        "all but the middle covered": covered(whole, middle=False),
    }
    report = Report("xray_shortcuts", manifest.id, False)
    for name, images in views.items():
        scores = lite.run(images, only=(place,))[0][:, manifest.decision.positive or 0]
        area = float(roc_auc_score(truth, scores))
        report.figures.append(Figure(f"area under ROC, {name}", "", area, n=len(truth)))
        if not options.json:
            print(f"{name:28} area under ROC {area:.3f}   n = {len(truth)}", flush=True)
    return finish(report, True) if options.json else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
