"""Writes README's table of the bundled models: ``python tools/model_table.py``.

Figures and sizes are read off each model's own description, which the training wrote; what a model is for stands here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN = "<!-- models: begin; made by `python tools/model_table.py` -->"
END = "<!-- models: end -->"
FOR = {
    "efficientnet-lite0": "what is in a photo, of 1,000 things; a more general word where it cannot decide",
    "mnist-digits": "one handwritten digit, drawn, scanned or photographed",
    "cifar10": "ten everyday things",
    "chest-xray-pneumonia": "a model score for signs of pneumonia in children's chest X-rays",
    "vgg16-imagenet": "1,000 classes",
}


def table() -> str:
    """The table in Markdown."""
    lines = ["| model | what it answers | test figure | size |", "|---|---|---|---|"]
    lines += [f"| `{model}` | {words} | {' | '.join(_told(model))} |" for model, words in FOR.items()]
    return "\n".join(lines)


def _told(model: str) -> tuple[str, str]:
    """The test figures of a model, and the size of its network."""
    file = ROOT / "model_store" / model / "model.json"
    if not file.is_file():
        known = json.loads((ROOT / "resources" / "catalogue.json").read_text(encoding="utf-8"))
        network = next(one for one in known["networks"] if one["id"] == model)
        licence = "Apache-2.0" if network["licence"].startswith("Apache") else network["licence"]
        reported = network["reported"].removeprefix("The publisher reports ").rstrip(".")
        figure = f"none of Fovea's own: the publisher reports {reported} on ImageNet"
        return figure, f"about {4 * network['parameters'] / 1e6:.0f} MB, made of an {licence} package at set-up"
    held = json.loads(file.read_text(encoding="utf-8"))
    size = held["files"].get("model.tflite", {}).get("size", 0)
    if not size:
        return "described, its weights are not installed", "–"
    metrics = {metric["name"]: metric for metric in held["metrics"]}
    if "area under ROC" in metrics:
        area = metrics["area under ROC"]
        parts = ", ".join(_point(metrics[name]) for name in ("sensitivity", "specificity"))
        figure = f"AUC {_three(area)}; at its threshold {parts}; n = {area['n']:,}"
        return figure, _megabytes(size)
    accuracy = metrics["accuracy"]
    digits = 2 if accuracy["value"] > 0.99 else 1
    percent = [f"{100 * accuracy[key]:.{digits}f}" for key in ("value", "low", "high")]
    return f"accuracy {percent[0]} % ({percent[1]} to {percent[2]}), n = {accuracy['n']:,}", _megabytes(size)


def _three(metric: dict[str, Any]) -> str:
    value, low, high = (f"{metric[key]:.3f}".removeprefix("0") for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _point(metric: dict[str, Any]) -> str:
    return f"{metric['name']} {_three(metric)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def renewed(readme: str) -> str:
    """``readme`` with its table as the models' descriptions have it. Raises ValueError where the marks are missing."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError("README has lost the marks around its table of models")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main(argv: Sequence[str] = ()) -> int:
    """Write README; exit status 0."""
    del argv
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
