"""Check an installed ImageNet network on pictures whose class is known.

    python tools/check_imagenet.py MODEL INDEX=PICTURE …

    python tools/check_imagenet.py vgg16-imagenet 285=cat.jpg 820=locomotive.jpg

Each picture goes the way of ``fovea predict``. The exit status is 0 when class INDEX is the first answer for every
picture, else 1; 2 for wrong usage. Index 285 is the Egyptian cat, 820 the steam locomotive.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import FoveaError, ImageSource
from desktop.engine.model import LoadedModel
from desktop.store.store import ModelStore


def main(arguments: list[str]) -> int:
    """Run the check; returns its exit status."""
    pairs = [argument.partition("=") for argument in arguments[1:]]
    if not pairs or any(not index.isdigit() or not path for index, _, path in pairs):
        print(__doc__)
        return 2
    try:
        model = LoadedModel(ModelStore().require(arguments[0]))
        right = [_check(model, int(index), path) for index, _, path in pairs]
    except FoveaError as error:
        print(f"{error.message}. {error.hint}")
        return 1
    return 0 if all(right) else 1


def _check(model: LoadedModel, wanted: int, path: str) -> bool:
    manifest = model.manifest
    pixels = prepare(decode(ImageSource.from_path(path)).pixels, manifest.preprocess).pixels
    scores = model.predict(pixels[None])[0]
    order = scores.argsort()[::-1][:5]
    print(f"{Path(path).name}: expected {wanted} {manifest.labels[wanted]} ({manifest.label_ids[wanted]})")
    for index in order:
        print(f"  {index:4d}  {scores[index]:.3f}  {manifest.labels[index]}")
    return int(order[0]) == wanted


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
