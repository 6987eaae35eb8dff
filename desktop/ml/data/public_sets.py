"""The public image sets, prepared: official split, validation cut from train, fingerprint.

Pictures are decoded and prepared as a user's own are, and kept by :mod:`desktop.ml.data.cache`, never beside the
program.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from desktop import paths
from desktop.core.data.persons import group_of_name
from desktop.core.data.splits import cut, together
from desktop.core.progress import Progress, untold
from desktop.core.types import FoveaError, ImageSource
from desktop.ml.data import cache
from desktop.ml.data.arrays import Images, Pictures, Rows
from desktop.ml.plans.plan import DataPlan, TrainingPlan
from desktop.system.words import phrase

__all__ = [
    "SOURCES",
    "DataError",
    "Images",
    "Pictures",
    "Rows",
    "Source",
    "cut_validation",
    "load_split",
    "mapped",
    "source_of",
]

Split = Literal["train", "test"]


class DataError(FoveaError):
    """Data that is not there, or does not look as expected."""


@dataclass(frozen=True, slots=True)
class Source:
    """A public image set: its file, the folder inside it, and what a model card must say of it. ``side``: its pictures
    are tiles of that many pixels a side, and no reduced copies of what people will show (0: they are, or drawings)."""

    file: str
    folder: str
    title: str
    licence: str
    sha256: str
    side: int = 0


SOURCES = {
    "mnist": Source(
        "mnist.npz",
        "",
        "MNIST (LeCun, Cortes, Burges)",
        "CC BY-SA 3.0",
        "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    ),
    "cifar10-jpeg": Source(
        "cifar10-jpeg.tar.gz",
        "cifar10",
        "CIFAR-10 (JPEG) (Krizhevsky 2009; copies of quality 75, 4:2:0)",
        "published for research; no licence stated by its author",
        "5955f9d5326ce8eead7592d9a802df41998436a594c4d643e9ae55b3b091e4c4",
        side=32,
    ),
    "chest-xray": Source(
        "chest-xray-224.tar.gz",
        "chest_xray",
        "Chest X-ray images (Kermany et al., Cell 2018; children aged one to five, Guangzhou), stretched to 224×224",
        "CC BY 4.0",
        "b4847e59ac149b0290a45a9baf4f52480636b397dfb85f6083dc9175f6178b9b",
    ),
    "cats-dogs": Source(
        "cats-dogs-160.tar.gz",
        "cats_dogs",
        "Cats and dogs (a subset of the Asirra / Kaggle set, shorter side 160 pixels)",
        "research and demonstration only",
        "b249c7260384c69442d89566b5f46197ace9dcdc5f1a99c985392d116465db93",
    ),
    "captcha-letters": Source("", "", "Letters drawn by Fovea", "drawn by the program", ""),
}


def source_of(plan: DataPlan) -> Source:
    """The public set that a plan names. Raises :class:`DataError` that lists the known ones."""
    if plan.source not in SOURCES:
        known = sorted(SOURCES)
        raise DataError(
            "no-data",
            phrase("there is no data set '{source}'", source=plan.source),
            phrase("Known ones: {known}.", known=known),
        )
    return SOURCES[plan.source]


def load_split(plan: TrainingPlan, split: Split, root: Path | None = None, progress: Progress = untold) -> Pictures:
    """The official ``split``, prepared for the plan's network, in a fixed order (class by class, names sorted).

    ``root`` is the folder with the packed or unpacked sets; without it :func:`desktop.paths.shared_data` is asked.
    The images are mapped from the cache. Raises :class:`DataError` when the set is not there,
    :class:`~desktop.ml.data.cache.CacheError` where the cache cannot be written, and what ``progress`` raises.
    """
    root = root or paths.shared_data()
    source = source_of(plan.data)
    if root is None and source.file:
        raise DataError(
            "no-data",
            phrase("'{title}' was not found", title=source.title),
            "Set FOVEA_DATA to the folder that holds it.",
        )
    key = cache.key_of([plan.data.source, source.sha256, plan.data.classes, split], plan.preprocess)
    found = cache.find(key)
    if found is None:
        found = cache.make(key, _feed(plan, source, split, root or Path()), plan.preprocess, progress)
    return mapped(found)


def mapped(found: cache.Prepared) -> Pictures:
    """A set of the cache as pictures, read from disk when they are asked for."""
    return Pictures(Rows(found.images, np.arange(len(found.labels))), found.labels, found.names, found.sha256)


class _Held:
    """Pictures of a public set in memory, undecoded where they are files; the largest set takes sixty megabytes."""

    def __init__(self, names: Sequence[str], labels: np.ndarray, held: Sequence[bytes | np.ndarray]) -> None:
        self.names, self.labels, self._held = names, labels, held

    def item(self, position: int) -> cache.CacheItem:
        content = self._held[position]
        if isinstance(content, np.ndarray):
            return content, (content.nbytes, hashlib.sha256(content.tobytes()).hexdigest())
        return ImageSource(self.names[position].rsplit("/", 1)[-1], data=content), None


def _feed(plan: TrainingPlan, source: Source, split: Split, root: Path) -> _Held:
    if plan.data.source == "captcha-letters":
        from desktop.ml.data.captcha_letters import draw

        images, letters = draw(split)
        return _numbered(images, letters, split)
    if plan.data.source == "mnist":
        path = root / "mnist.npz"
        if not path.is_file():
            raise DataError("no-data", "'mnist.npz' was not found", "Set FOVEA_DATA to the folder that holds it.")
        with np.load(path, allow_pickle=False) as held:
            return _numbered(held[f"x_{split}"], held[f"y_{split}"], split)
    found: list[tuple[str, int, bytes]] = []
    for name, data in _files(source, split, root):
        parts = name.split("/")
        if parts[-2] in plan.data.classes:
            found.append((name, plan.data.classes.index(parts[-2]), data))
    if not found:
        raise DataError(
            "no-data", phrase("'{title}' holds no pictures of its '{split}' split", title=source.title, split=split)
        )
    found.sort(key=lambda item: (item[1], item[0]))
    labels = np.array([label for _, label, _ in found], np.int64)
    return _Held([name for name, _, _ in found], labels, [data for _, _, data in found])


def _numbered(images: np.ndarray, labels: np.ndarray, split: str) -> _Held:
    return _Held([f"{split}/{i:05d}" for i in range(len(labels))], labels.astype(np.int64), list(images))


def _files(source: Source, split: Split, root: Path) -> Iterator[tuple[str, bytes]]:
    """Name within the set (``train/NORMAL/IM-0115-0001.jpeg``) and bytes of each file of one split."""
    unpacked, packed = root / source.folder / split, root / source.file
    if unpacked.is_dir():
        for path in unpacked.glob("*/*"):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(unpacked.parent).as_posix(), path.read_bytes()
    elif packed.is_file():
        with tarfile.open(packed) as archive:
            for member in archive:
                parts = member.name.strip("./").split("/")
                if member.isfile() and parts[:2] == [source.folder, split] and not parts[-1].startswith("."):
                    stream = archive.extractfile(member)
                    if stream is not None:
                        yield "/".join(parts[1:]), stream.read()
    else:
        hint = "Set FOVEA_DATA to the folder that holds it."
        raise DataError(
            "no-data", phrase("neither '{folder}' nor '{file}' was found", folder=source.folder, file=source.file), hint
        )


def cut_validation(
    pictures: Pictures, plan: TrainingPlan, groups: Sequence[Hashable] | None = None
) -> tuple[Pictures, Pictures]:
    """Training and validation parts of ``pictures``: stratified by class, by the plan's seed.

    Copies of one file stay on one side, and so do near copies that the plan names and pictures of one of ``groups``
    (equal values; without them persons and cases in the file names, where the plan wants that).
    """
    train, validation = cut(
        pictures.labels, belonging_together(pictures, plan, groups), plan.data.validation, plan.seed
    )
    return pictures.take(train), pictures.take(validation)


def belonging_together(pictures: Pictures, plan: TrainingPlan, groups: Sequence[Hashable] | None = None) -> list[int]:
    """The number of each picture's cluster: copies, near copies that the plan names, and pictures of one of ``groups``
    (equal values; by default the clusters that the pictures know, or their persons, else persons and cases in their
    names where the plan wants that) belong to one."""
    if groups is None and pictures.clusters is not None:
        groups = pictures.clusters.tolist()
    if groups is None and pictures.groups is not None and plan.data.group != "none":
        groups = pictures.groups.tolist()
    if groups is None:
        named = plan.data.group != "none"
        groups = [group_of_name(name) if named else None for name in pictures.names]
    content = [] if pictures.sha256 is None else [[row.tobytes() for row in pictures.sha256]]
    near = {name: number for number, names in enumerate(plan.data.kept_together) for name in names}
    alike = [near.get(name) for name in pictures.names]
    return together(groups, alike, *content)
