"""Are photographs read as well as tiles: ``python -m benchmarks.cats_dogs [--model ID | --folder DIR]``.

Photographs of cats and dogs are decoded, prepared and answered as if dropped on the window; counted is how often the
better placed of the two classes is the right one, and how often it is the model's answer. Choose models on the train
split (2,000 photographs); the test split (another 2,000) is for the card.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
from pathlib import Path

import numpy as np

from benchmarks.common import Report, finish, share_of


def main(argv: list[str]) -> int:
    """Print both shares with their intervals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cats_dogs", description="Photographs of cats and dogs.")
    parser.add_argument("--model", default="cifar10", metavar="ID", help="a model of the store that knows both")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="a model folder instead")
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(argv)
    from desktop import paths
    from desktop.core.figures.intervals import wilson
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.preprocess import prepare
    from desktop.core.types import ImageSource
    from desktop.ml.convert.litert import LiteRT
    from desktop.store.manifest import from_json
    from desktop.store.store import ModelStore

    shared = paths.shared_data()
    if shared is None or not (shared / "cats-dogs-160.tar.gz").is_file():
        print("the photographs are not here: set FOVEA_DATA to the folder that holds cats-dogs-160.tar.gz")
        return 2
    folder = options.folder or ModelStore().require(options.model).folder
    manifest = from_json((folder / "model.json").read_bytes())
    places = {f"{name}s": manifest.labels.index(name) for name in ("cat", "dog")}
    prepared, truth = [], []
    with tarfile.open(shared / "cats-dogs-160.tar.gz") as archive:
        for member in archive:
            parts = member.name.strip("./").split("/")
            if not member.isfile() or parts[:2] != ["cats_dogs", options.split] or parts[2] not in places:
                continue
            stream = archive.extractfile(member)
            if stream is not None:
                source = ImageSource(parts[-1], data=stream.read())
                prepared.append(prepare(decode(source), manifest.preprocess).pixels)
                truth.append(places[parts[2]])
    place = manifest.outputs["probabilities"]
    (scores,) = LiteRT(folder / "model.tflite").run(np.stack(prepared), only=(place,))
    known, right = np.array(truth), np.array(list(places.values()))
    better = right[scores[:, right].argmax(axis=1)] == known
    answer = scores.argmax(axis=1) == known
    report = Report("cats_dogs", manifest.id, False)
    for name, hits in (("the better placed of cat and dog is right", better), ("the answer is right", answer)):
        low, high = wilson(int(hits.sum()), len(hits))
        report.figures.append(share_of(f"{name}, {options.split}", float(hits.mean()), low, high, len(hits)))
        if not options.json:
            print(f"{name:42} {hits.mean():.4f} ({low:.4f} to {high:.4f}), {options.split}, n = {len(hits)}")
    return finish(report, True) if options.json else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
