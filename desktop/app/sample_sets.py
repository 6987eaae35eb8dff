"""Pictures to learn with, as folders: those that come with Fovea, laid out as labelled pictures are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop import paths
from desktop.core.pictures.photographs import photographs
from desktop.core.types import FoveaError
from desktop.system.words import phrase

SHAPES = ("circles", "crosses", "squares")
_EACH = 90


@dataclass(frozen=True, slots=True)
class SampleSet:
    """A folder of samples: ``fill`` makes it, ``words`` says what is in it."""

    id: str
    words: str
    fill: Callable[[Path], None]


def write(kind: str, folder: Path) -> tuple[Path, int]:
    """Make the set ``kind`` as a new folder of that name in ``folder``; its place and how many pictures it holds.

    Raises :class:`FoveaError`: ``no-such-set``; ``exists`` where something of that name is there; ``no-samples`` where
    this edition comes without them.
    """
    held = next((item for item in SETS if item.id == kind), None)
    if held is None:
        raise FoveaError(
            "no-such-set",
            phrase("there are no samples '{kind}'", kind=kind),
            phrase("There are: {names}.", names=[s.id for s in SETS]),
        )
    there = folder / held.id
    if there.exists() or there.is_symlink():
        raise FoveaError(
            "exists",
            phrase("there is something called '{name}' in that folder", name=held.id),
            "Choose another folder, or remove it.",
        )
    there.mkdir(parents=True)
    held.fill(there)
    found = sum(path.is_file() for path in there.rglob("*"))
    if not found:
        there.rmdir()
        raise FoveaError(
            "no-samples",
            phrase("this installation comes without the samples '{kind}'", kind=kind),
            "Choose another set.",
        )
    return there, found


def draw_shapes(folder: Path) -> None:
    """Class folders of drawn circles, crosses and squares, some of them hard to tell: always the same ones."""
    import numpy as np
    from PIL import Image, ImageDraw

    random = np.random.default_rng(11)
    for kind in SHAPES:
        (folder / kind).mkdir(parents=True)
        for number in range(_EACH):
            ground = int(random.integers(150, 220))
            image = Image.new("L", (40, 40), ground)
            pen = ImageDraw.Draw(image)
            x, y, r = random.uniform(13, 27), random.uniform(13, 27), random.uniform(5, 12)
            ink, width = int(ground - random.integers(30, 140)), int(random.integers(1, 4))
            if kind == "circles":
                pen.ellipse((x - r, y - r, x + r, y + r), outline=ink, width=width)
            elif kind == "squares":
                pen.rectangle((x - r, y - r, x + r, y + r), outline=ink, width=width)
            else:
                pen.line((x - r, y - r, x + r, y + r), fill=ink, width=width)
                pen.line((x - r, y + r, x + r, y - r), fill=ink, width=width)
            noise = random.normal(0, 18, (40, 40))
            pixels = np.clip(np.asarray(image, np.float64) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{number:03d}.png")


def _photos(folder: Path) -> None:
    for photograph in photographs():
        shutil.copyfile(photograph.path, folder / photograph.path.name)


def _digits(folder: Path) -> None:
    """Class folders 0 to 9: the samples' names say which digit each shows."""
    for path in sorted(_own().glob("digit-?-*.png")):
        label = path.stem.split("-")[1]
        (folder / label).mkdir(exist_ok=True)
        shutil.copyfile(path, folder / label / path.name)


def _phantom(folder: Path) -> None:
    for path in sorted(_own().glob("phantom-*.png")):
        shutil.copyfile(path, folder / path.name)


def _own() -> Path:
    return paths.resources() / "samples"


SETS = (
    SampleSet("photos", "two photographs, by danielbuechele and vultilion (Creative Commons Attribution 2.0)", _photos),
    SampleSet("digits", "drawn digits in folders 0 to 9", _digits),
    SampleSet("shapes", "drawn circles, crosses and squares in three folders, to train on", draw_shapes),
    SampleSet("phantom", "a drawn phantom of a chest; it is no X-ray", _phantom),
)
