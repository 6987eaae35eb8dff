"""Which model is offered for pictures of known kinds: ``python -m benchmarks.suiting [--count N] [--only KIND …]``.

Pictures that ``cifar10`` was given by mistake, so to speak: digits, chest X-rays, photographs, and much that no model
at hand suits. Photographs, X-rays, surfaces and blood cells are of the public sets' test splits (``FOVEA_DATA``);
slices and scans of other kinds are pydicom's test files. Nothing here was used to fit the classifier
(:mod:`desktop.core.trust.suiting`). Bars: 90 % of what a model suits get the right offer, 5 % of all others any.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import disturbances, kinds
from benchmarks.common import machine
from desktop import paths
from desktop.core.types import FoveaError, ImageSource
from desktop.engine.advising import suiting_model
from desktop.engine.model import LoadedModel
from desktop.ml.data.second_look import SecondLook
from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelStore

DIGITS, X_RAYS = "mnist-digits", "chest-xray-pneumonia"
RIGHT, WRONG = 0.9, 0.05


def sources(root: Path, count: int) -> dict[str, tuple[str, Iterator[np.ndarray]]]:
    """Kinds of pictures, with the model that suits them ('' for none)."""
    return {
        "digits on paper": (DIGITS, _on_paper(root, count)),
        "samples of digits": (DIGITS, _samples()),
        "chest X-rays": (X_RAYS, kinds.x_rays(root, count)),
        "X-rays with grain": (X_RAYS, disturbances.disturbed(kinds.x_rays(root, count), "grain of 3", False)),
        "cats and dogs": (EVERYDAY, kinds.photos(root, count)),
        "other photographs": (EVERYDAY, kinds.other_photos(root, count)),
        "surfaces, blood cells": ("", kinds.close_ups(root, count)),
        "slices and scans of DICOM": ("", _slices()),
        "letters": ("", kinds.letters(count, 1, lambda letter: letter not in kinds.LOOKALIKES)),
        "letters by hand": ("", kinds.hand_letters(count, 1)),
        "signs": ("", kinds.symbols(count, 1)),
        "pages and charts": ("", kinds.pages(count, 1)),
        "patterns": ("", kinds.patterns(count, 1)),
        "noise": ("", kinds.noise(count, 1)),
        "blank": ("", kinds.blanks(count, 1)),
    }


def _on_paper(root: Path, count: int) -> Iterator[np.ndarray]:
    for digit in kinds.digits(root, count):
        large = Image.fromarray(digit).resize((140, 140), Image.Resampling.BICUBIC)
        yield np.pad(np.asarray(Image.eval(large, lambda value: round(235 - 200 * value / 255))), 40, "edge")


def _samples() -> Iterator[np.ndarray]:
    for path in sorted((paths.resources() / "samples").glob("digit-*.png")):
        yield np.asarray(Image.open(path).convert("L"))


def _slices() -> Iterator[np.ndarray]:
    """One picture of each of pydicom's test files that are slices of CT or MR, or nuclear and ultrasound pictures."""
    from pydicom.data import get_testdata_files

    from desktop.core.pictures.decode import decode

    for name in (
        "CT_small.dcm",
        "MR_small.dcm",
        "693_J2KI.dcm",
        "examples_ybr_color.dcm",
        "JPEG2000.dcm",
        "emri_small.dcm",
    ):
        for path in get_testdata_files(name)[:1]:
            try:
                yield decode(ImageSource(name="picture", data=Path(path).read_bytes())).pixels
            except FoveaError as error:
                print(f"left out: {name} ({error})", file=sys.stderr)


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=60, help="pictures of a kind")
    parser.add_argument("--only", nargs="+", metavar="KIND", help="these kinds (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    root = paths.shared_data()
    if root is None:
        print("the public image sets were not found; set FOVEA_DATA to their folder", file=sys.stderr)
        return 2
    store, look = ModelStore(), SecondLook.of()
    load = cache(lambda name: LoadedModel(store.require(name), second_look=lambda: look))
    table: dict[str, dict[str, Any]] = {}
    for kind, (suits, pictures) in sources(root, options.count).items():
        if options.only and kind not in options.only:
            continue
        found: Counter[str] = Counter()
        for pixels in pictures:
            held = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(pixels)).save(held, "PNG")
            found[suiting_model(ImageSource("picture", data=held.getvalue()), "cifar10", load)] += 1
        total = found.total()
        wrong = total - found[suits] - (found[""] if suits else 0)
        table[kind] = {"suits": suits, "pictures": total, "right": found[suits], "wrong": wrong, "offers": dict(found)}
        if not options.json:
            told = f"right {found[suits]:3} of {total:3}, wrong offers {wrong}"
            told += "".join(f", {name} {n}" for name, n in found.items() if name not in ("", suits))
            print(f"{kind:28} {suits or 'none':22} {told}", flush=True)
    missed = [kind for kind, row in table.items() if row["suits"] and row["right"] < RIGHT * row["pictures"]]
    shares = []
    for suited in (True, False):
        rows = [row for row in table.values() if bool(row["suits"]) == suited]
        shares.append(sum(row["wrong"] for row in rows) / max(1, sum(row["pictures"] for row in rows)))
    if options.json:
        print(json.dumps({"machine": machine(), "table": table}))
    told = f"{shares[0]:.1%} of what some model suits, {shares[1]:.1%} of all others"
    print(f"wrong offers: {told} (at most {WRONG:.0%}); fewer right than {RIGHT:.0%}: {', '.join(missed) or 'none'}")
    return 1 if missed or max(shares) > WRONG else 0


if __name__ == "__main__":
    raise SystemExit(main())
