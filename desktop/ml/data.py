"""The public image sets as prepared arrays: official split, validation cut from train, fingerprint.

Pictures go through :func:`desktop.core.decode.decode` and :func:`desktop.core.preprocess.prepare`, as a user's own do.
Prepared arrays are kept in the user's cache, never beside the program.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from desktop import paths
from desktop.core.decode import decode
from desktop.core.groups import group_of_name
from desktop.core.preprocess import prepare
from desktop.core.types import FoveaError, ImageSource
from desktop.ml.plan import DataPlan, TrainingPlan

Split = Literal["train", "test"]


class DataError(FoveaError):
    """Data that is not there, or does not look as expected."""


@dataclass(frozen=True, slots=True)
class Source:
    """A public image set: its file, the folder inside it, and what a model card must say of it."""

    file: str
    folder: str
    title: str
    licence: str
    sha256: str


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
    ),
    "chest-xray": Source(
        "chest-xray-224.tar.gz",
        "chest_xray",
        "Chest X-ray images (Kermany et al., Cell 2018; children aged one to five, Guangzhou), stretched to 224×224",
        "CC BY 4.0",
        "b4847e59ac149b0290a45a9baf4f52480636b397dfb85f6083dc9175f6178b9b",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Prepared pictures: ``images`` uint8 (n, height, width, channels), ``labels`` int64 (n,), ``names`` of the files
    inside their set (never a path of this computer)."""

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Pictures:
        """The pictures at ``indices``, in that order."""
        return Pictures(self.images[indices], self.labels[indices], tuple(self.names[i] for i in indices))

    def fingerprint(self) -> str:
        """SHA-256 over the prepared bytes and labels, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def source_of(plan: DataPlan) -> Source:
    """The public set that a plan names. Raises :class:`DataError` that lists the known ones."""
    if plan.source not in SOURCES:
        known = ", ".join(sorted(SOURCES))
        raise DataError("no-data", f"there is no data set '{plan.source}'", f"Known ones: {known}.")
    return SOURCES[plan.source]


def load_split(plan: TrainingPlan, split: Split, root: Path | None = None) -> Pictures:
    """The official ``split``, prepared for the plan's network, in a fixed order (class by class, names sorted).

    ``root`` is the folder with the packed or unpacked sets; without it :func:`desktop.paths.shared_data` is asked.
    Raises :class:`DataError` when the set is not there.
    """
    root = root or paths.shared_data()
    source = source_of(plan.data)
    if root is None:
        raise DataError("no-data", f"'{source.title}' was not found", "Set FOVEA_DATA to the folder that holds it.")
    key = json.dumps([plan.data.source, plan.data.classes, asdict(plan.preprocess), split, 2], sort_keys=True)
    cached = paths.cache() / "prepared" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if cached.is_file():
        try:
            with np.load(cached, allow_pickle=False) as held:
                return Pictures(held["images"], held["labels"], tuple(held["names"].tolist()))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            cached.unlink(missing_ok=True)
    pictures = _mnist(plan, split, root) if plan.data.source == "mnist" else _folders(plan, source, split, root)
    _keep(cached, pictures)
    return pictures


def _keep(target: Path, pictures: Pictures) -> None:
    """Put the prepared pictures into the cache; a full or read-only disk only costs time next time."""
    temporary = target.with_suffix(f".{os.getpid()}.tmp.npz")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, images=pictures.images, labels=pictures.labels, names=np.array(pictures.names))
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)


def _mnist(plan: TrainingPlan, split: Split, root: Path) -> Pictures:
    path = root / "mnist.npz"
    if not path.is_file():
        raise DataError("no-data", "'mnist.npz' was not found", "Set FOVEA_DATA to the folder that holds it.")
    with np.load(path, allow_pickle=False) as held:
        raw, labels = held[f"x_{split}"], held[f"y_{split}"].astype(np.int64)
    images = np.stack([prepare(image, plan.preprocess).pixels for image in raw])
    return Pictures(images, labels, tuple(f"{split}/{i:05d}" for i in range(len(labels))))


def _folders(plan: TrainingPlan, source: Source, split: Split, root: Path) -> Pictures:
    found: list[tuple[str, int, bytes]] = []
    for name, data in _files(source, split, root):
        parts = name.split("/")
        if parts[-2] in plan.data.classes:
            found.append((name, plan.data.classes.index(parts[-2]), data))
    if not found:
        raise DataError("no-data", f"'{source.title}' holds no pictures of its '{split}' split")
    found.sort(key=lambda item: (item[1], item[0]))
    images = []
    for name, _, data in found:
        decoded = decode(ImageSource(name=name.rsplit("/", 1)[-1], data=data))
        images.append(prepare(decoded, plan.preprocess).pixels)
    labels = np.array([label for _, label, _ in found], np.int64)
    return Pictures(np.stack(images), labels, tuple(name for name, _, _ in found))


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
        raise DataError("no-data", f"neither '{source.folder}' nor '{source.file}' was found", hint)


def cut_validation(pictures: Pictures, plan: TrainingPlan) -> tuple[Pictures, Pictures]:
    """Training and validation parts of ``pictures``: stratified by class, related pictures on one side, by the seed."""
    groups = [(group_of_name(n) if plan.data.group == "person" else None) or n for n in pictures.names]
    rng = np.random.default_rng([plan.seed, 1])
    held: list[int] = []
    taken: set[str] = set()
    for label in range(len(plan.labels)):
        members: dict[str, list[int]] = {}
        for index in np.nonzero(pictures.labels == label)[0]:
            members.setdefault(groups[index], []).append(int(index))
        order = list(members)
        rng.shuffle(order)
        wanted = plan.data.validation * int((pictures.labels == label).sum())
        count = 0
        for group in order:
            if count >= wanted:
                break
            held.extend(members[group])
            taken.add(group)
            count += len(members[group])
    # A person with pictures in two classes goes to validation with all of them.
    chosen = np.array([i for i, group in enumerate(groups) if group in taken])
    rest = np.setdiff1d(np.arange(len(pictures)), chosen)
    return pictures.take(rest), pictures.take(chosen)
