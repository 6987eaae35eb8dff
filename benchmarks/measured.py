"""Which benchmarks there are, and which code each of them measures.

The map decides when a figure is older than the code it speaks of: a hash of those files is kept with every figure. It
is a hash of contents and names, so it needs no history of the repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT

_SUFFIXES = (".py", ".json", ".tflite", ".keras", ".spec", ".toml")
_WINDOW = (
    "desktop/__main__.py", "desktop/paths.py", "desktop/app", "desktop/core", "desktop/engine", "desktop/services",
    "desktop/store", "desktop/system", "desktop/ui/shell", "desktop/ui/kit", "desktop/ui/widgets",
    "desktop/ui/classify",
)  # fmt: skip
_ENGINE = ("desktop/core", "desktop/engine", "desktop/store", "desktop/system")
_TRAINING = ("desktop/core/data", "desktop/ml/data", "desktop/ml/nets", "desktop/ml/plans", "desktop/ml/training")
_EVERYDAY = "resources/catalogue.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """A benchmark: what it is about, and the files and folders that its figures speak of, from the repository's root.

    ``arguments`` make it tell its figures as JSON; with ``file`` it writes them to the file that follows. ``needs``
    says in words what must be there.
    """

    about: str
    paths: tuple[str, ...]
    arguments: tuple[str, ...] = ("--json",)
    file: bool = False
    needs: str = ""


BENCHMARKS: dict[str, Measured] = {
    "startup": Measured("launch to first paint and first answer", (*_WINDOW, "model_store/cifar10")),
    "inference": Measured("one picture, a folder, memory", (*_WINDOW, "model_store/cifar10")),
    "responsiveness": Measured(
        "pauses of the window at work", (*_WINDOW, *_TRAINING, "desktop/ui/train", "model_store/cifar10")
    ),
    "evaluation": Measured("a labelled folder measured", (*_ENGINE, "desktop/ui/evaluate", "model_store/cifar10")),
    "draw": Measured("from the stroke to the answer", (*_ENGINE, "desktop/ui/draw", "model_store/mnist-digits")),
    "explain": Measured("heat maps", (*_ENGINE, "model_store")),
    "camera": Measured("live answers to a camera", (*_ENGINE, "desktop/services", "desktop/ui/classify"), ()),
    "training": Measured("images a second while training", _TRAINING),
    "transfer": Measured(
        "few pictures: a start from a finished model", (*_TRAINING, "model_store/cifar10"), needs="the public sets"
    ),
    "retrain": Measured(
        "a classifier of one's own", (*_TRAINING, "desktop/app", _EVERYDAY), needs="the public sets"
    ),
    "scanning": Measured("a large data set looked through", ("desktop/core/data", "desktop/core/pictures", *_TRAINING)),
    "augmentation": Measured("rotating, shifting, mirroring", ("desktop/ml/data",)),
    "teach": Measured(
        "labels and suggestions", ("desktop/app", "desktop/ml/teaching", "desktop/store", "desktop/ui/teach"),
        ("--json",), True, "the public sets",
    ),
    "domain": Measured(
        "pictures that are none of a model's kind", ("desktop/core/trust", "desktop/core/pictures", "model_store"),
        needs="the public sets",
    ),
    "words": Measured("general words on photographs", ("desktop/core/trust", _EVERYDAY), needs="the public sets"),
    "cats_dogs": Measured("photographs beside tiles", ("desktop/core/pictures", "model_store/cifar10"),
                          needs="the public sets"),
    "xray_shortcuts": Measured(
        "what the X-ray model looks at", ("desktop/core/pictures", "model_store/chest-xray-pneumonia"),
        needs="the public sets",
    ),
    "vgg16": Measured("VGG16, with random weights", (*_ENGINE, "desktop/ml/exchange", "desktop/ml/nets/imagenet.py")),
    "walk": Measured("four users' goals", ("desktop/ui", "desktop/services", "desktop/app"), ("--json",)),
    "frozen": Measured("the frozen program", ("build.spec", "installers", "desktop"),
                       needs="dist/Fovea-viewer: FOVEA_FLAVOUR=viewer make package"),
}  # fmt: skip
"""Every benchmark by the name of its module, in the order in which all are run."""

ELSEWHERE = ("cluster", "cluster_cost", "gpu", "reference_systems", "suiting")
"""Benchmarks that keep their figures elsewhere: docs/cluster.md, docs/evidence, docs/results.json, docs/everyday.md."""
CHILDREN = (
    "cluster_nodes",
    "cluster_side",
    "evaluation_window",
    "keras_loop",
    "retrain_recipe",
    "training_side",
    "windows",
)
"""What others start."""


def files_of(name: str, root: Path = ROOT) -> Iterator[Path]:
    """The files that the figures of the benchmark ``name`` speak of, its own module among them, in order."""
    found: set[Path] = {root / "benchmarks" / f"{name}.py"}
    for part in BENCHMARKS[name].paths:
        place = root / part
        inside = place.rglob("*") if place.is_dir() else [place]
        found.update(path for path in inside if path.suffix in _SUFFIXES and "__pycache__" not in path.parts)
    return iter(sorted(path for path in found if path.is_file()))


def code_of(name: str, root: Path = ROOT) -> str:
    """A hash over the names and contents of those files; how lines end makes no difference."""
    total = hashlib.sha256()
    for path in files_of(name, root):
        content = path.read_bytes()
        if path.suffix not in (".tflite", ".keras"):
            content = content.replace(b"\r\n", b"\n")
        total.update(f"{path.relative_to(root).as_posix()} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()[:16]
