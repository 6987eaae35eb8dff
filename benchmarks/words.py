"""Are the general words true of the picture: ``python -m benchmarks.words [--model ID]``.

Photographs of cats, dogs (train split) and clothes (train split of the retraining set) are answered; an answer is right
where the class or word lies under what the picture is known to show, or above it ('animal' for a cat). For several
thresholds the shares of classes, words and 'not sure' are printed, and how many of the given answers are right. The
threshold that is in use was chosen on these pictures; the test splits were not looked at.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.common import Report, finish, share_of

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8)
ARCHIVES = (("cats-dogs-160.tar.gz", "cats_dogs/train/"), ("retrain.tar.gz", "retrain/clothing/train/"))
KINDS = {"cats": "cat", "dogs": "dog", "clothing": "clothing"}


def main(argv: list[str]) -> int:
    """Print one line a threshold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.words", description="General words on photographs.")
    parser.add_argument("--model", default="efficientnet-lite0", metavar="ID", help="a model with WordNet ids")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(argv)
    from desktop import paths
    from desktop.core.figures.intervals import wilson
    from desktop.core.pictures.preprocess import prepare
    from desktop.core.trust import general_words
    from desktop.ml.convert.litert import LiteRT
    from desktop.store.store import ModelStore

    shared = paths.shared_data()
    if shared is None:
        print("the photographs are not here: set FOVEA_DATA to their folder")
        return 2
    entry = ModelStore().require(options.model)
    manifest = entry.manifest
    assert manifest is not None
    words = general_words.for_labels(manifest.label_ids)
    assert words is not None
    under = dict(zip(words.words, words.under, strict=True))
    lite, place = LiteRT(entry.folder / "model.tflite"), manifest.outputs["probabilities"]
    scores: list[np.ndarray] = []
    truths: list[str] = []
    batch: list[np.ndarray] = []
    for kind, pixels in _photographs(shared):
        batch.append(prepare(pixels, manifest.preprocess).pixels)
        truths.append(KINDS[kind])
        if len(batch) == 32:
            scores += list(lite.run(np.stack(batch), only=(place,))[0])
            batch = []
    if batch:
        scores += list(lite.run(np.stack(batch), only=(place,))[0])
    own = np.eye(len(manifest.labels), dtype=bool)
    report = Report("words", options.model, False)
    if not options.json:
        print(f"{len(scores)} photographs of cats, dogs and clothes; '{options.model}'")
    for threshold in THRESHOLDS:
        general_words.ENOUGH = threshold
        given, right = {"class": 0, "word": 0, "unsure": 0}, 0
        for row, truth in zip(scores, truths, strict=True):
            found = words.answer(row)
            given[found.kind] += 1
            held = under[found.word] if found.kind == "word" else own[int(row.argmax())]
            inside, above = (held <= under[truth]).all(), (under[truth] <= held).all()
            right += found.kind != "unsure" and bool(inside or above)
        answered = given["class"] + given["word"]
        low, high = wilson(right, answered)
        shares = ", ".join(f"{name} {count / len(scores):.1%}" for name, count in given.items())
        report.figures.append(share_of(f"right, from {threshold:.1f} on", right / answered, low, high, answered))
        if options.json:
            continue
        print(
            f"from {threshold:.1f} on: {shares}; right {right / answered:.1%} ({low:.1%} to {high:.1%}) of {answered}"
        )
    return finish(report, True) if options.json else 0


def _photographs(shared: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Kind and pixels of each photograph to choose by."""
    from desktop.core.pictures.decode import decode
    from desktop.core.types import ImageSource

    for archive, folder in (
        ("cats-dogs-160.tar.gz", "cats_dogs/train/"),
        ("retrain.tar.gz", "retrain/clothing/train/"),
    ):
        with tarfile.open(fileobj=io.BytesIO((shared / archive).read_bytes())) as opened:
            for member in opened:
                name = member.name.removeprefix("./")
                if not member.isfile() or not name.startswith(folder):
                    continue
                stream = opened.extractfile(member)
                kind = "clothing" if "clothing" in folder else name.split("/")[2]
                if stream is not None and kind in KINDS:
                    yield kind, decode(ImageSource(name.rsplit("/", 1)[-1], data=stream.read())).pixels


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
