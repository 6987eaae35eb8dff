"""Labelled pictures in arrays: Keras' ``.npz`` layout and IDX files (MNIST's own format, gzipped or not).

Sizes are read and checked before anything is allocated; nothing is unpickled.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from desktop.core.data.dataset import (
    ALL,
    DatasetError,
    DatasetProblem,
    Kind,
    LabelledDataset,
    choose_split,
    class_problems,
)
from desktop.core.pictures.walk import natural_key
from desktop.core.types import MAX_CLASSES, ImageSource
from desktop.system.words import phrase

MAX_ARRAY_BYTES = 4 * 1024**3
"""The most that one array may take in memory, in bytes."""
_MAX_ENTRIES = 64

_IDX_IMAGES = re.compile(r"(?P<head>.*?)images(?P<mid>[-.])idx3(?P<tail>-ubyte)?(?P<gz>\.gz)?\Z", re.IGNORECASE)
_IDX_NAMES = {"train": "train", "t10k": "test", "test": "test"}

Pair = tuple[np.ndarray, np.ndarray]


class ArrayEntries:
    """Pictures in a uint8 array of (n, H, W) or (n, H, W, 3); each becomes PNG bytes when it is asked for.

    ``parts`` are the splits in the order of the array, each with its first position; empty names for none.
    """

    def __init__(self, images: np.ndarray, parts: Sequence[tuple[str, int]]) -> None:
        self._images = images
        self._parts = parts

    def __len__(self) -> int:
        return len(self._images)

    def name(self, position: int) -> str:
        prefix, start = next(part for part in reversed(self._parts) if position >= part[1])
        return f"{prefix}/{position - start:06d}" if prefix else f"{position:06d}"

    def record(self, position: int) -> str:
        return f"{position:06d}"

    def source(self, position: int) -> ImageSource:
        held = io.BytesIO()
        Image.fromarray(self._images[position]).save(held, "PNG", compress_level=1)
        return ImageSource(name=f"{position:06d}.png", data=held.getvalue())

    def digest(self, position: int) -> tuple[int, str]:
        picture = np.ascontiguousarray(self._images[position])
        digest = hashlib.sha256(repr(picture.shape).encode())
        digest.update(picture.data)
        return picture.nbytes, digest.hexdigest()


def from_arrays(
    path: Path,
    kind: Kind,
    pairs: Mapping[str, Pair],
    split: str | None,
    class_names: tuple[str, ...] | None = None,
) -> LabelledDataset:
    """Labelled data from ``pairs``: a split's name (empty for none) to its images and labels.

    Images: uint8 (n, H, W), (n, H, W, 1) or (n, H, W, 3). Labels: whole numbers (n,) or (n, 1), at least 0. Classes are
    the numbers as text unless ``class_names`` names them. Raises :class:`DatasetError` of kind ``bad-data``.
    """
    title = path.name
    splits = tuple(name for name in pairs if name)
    chosen, notes = choose_split(title, splits, split)
    if chosen == ALL and splits:
        checked = [_checked(title, name, *pairs[name]) for name in splits]
        if len({images.shape[1:] for images, _ in checked}) > 1:
            raise DatasetError(
                "bad-data", phrase("the splits of '{title}' hold pictures of different shapes", title=title)
            )
        images = np.concatenate([images for images, _ in checked])
        labels = np.concatenate([labels for _, labels in checked])
        starts = np.cumsum([0] + [len(labels) for _, labels in checked[:-1]])
        parts = [(name, int(start)) for name, start in zip(splits, starts, strict=True)]
    else:
        images, labels = _checked(title, chosen, *pairs[chosen])
        parts = [(chosen, 0)]
    names = class_names or tuple(str(number) for number in range(_number_of_classes(title, pairs)))
    if labels.size and int(labels.max()) >= len(names):
        text = phrase(
            "'{title}' has a label {max}, but names only {count} classes",
            title=title,
            max=int(labels.max()),
            count=len(names),
        )
        raise DatasetError("bad-data", text)
    problems: list[DatasetProblem] = [*notes]
    if not len(labels):
        raise DatasetError("no-images", phrase("'{title}' holds no pictures", title=title))
    problems += class_problems(names, [int(c) for c in np.bincount(labels, minlength=len(names))])
    entries = ArrayEntries(images, parts)
    return LabelledDataset(
        title, kind, str(path), chosen, splits, names, labels.astype(np.int32), entries, np.arange(len(labels)),
        tuple(problems),
    )  # fmt: skip


def _number_of_classes(title: str, pairs: Mapping[str, Pair]) -> int:
    """From every split, so that a class missing from one keeps its number and its name."""
    numbered = [labels for _, labels in pairs.values() if labels.size and labels.dtype.kind in "iu"]
    most = max((int(labels.max()) for labels in numbered), default=0)
    if most >= MAX_CLASSES:
        raise DatasetError(
            "bad-data",
            phrase(
                "'{title}': a label {most} was found; at most {max_classes} is expected",
                title=title,
                most=most,
                max_classes=MAX_CLASSES - 1,
            ),
        )
    return most + 1


def _checked(title: str, split: str, images: np.ndarray, labels: np.ndarray) -> Pair:
    where = phrase("'{title}', split '{split}'", title=title, split=split) if split else f"'{title}'"
    good_shape = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3))
    if images.dtype != np.uint8 or not good_shape or (images.size == 0 and len(images)):
        expected = phrase("expected uint8 of (n, height, width), (n, height, width, 1) or (n, height, width, 3)")
        raise DatasetError(
            "bad-data",
            phrase(
                "{where}: pictures of {dtype} {shape}; {expected}",
                where=where,
                dtype=images.dtype,
                shape=images.shape,
                expected=expected,
            ),
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and len(labels) == len(images):
        text = phrase(
            "{where}: {shape} labels for each picture; Fovea learns one class a picture",
            where=where,
            shape=labels.shape[1],
        )
        raise DatasetError("unsupported-data", text, "Choose one of the questions, and give its answers as labels.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != len(images):
        expected = phrase("expected {count} whole numbers", count=len(images))
        raise DatasetError(
            "bad-data",
            phrase(
                "{where}: labels of {dtype} {shape}; {expected}",
                where=where,
                dtype=labels.dtype,
                shape=labels.shape,
                expected=expected,
            ),
        )
    if labels.size and int(labels.min()) < 0:
        raise DatasetError(
            "bad-data", phrase("{where}: a label {min}; expected 0 or more", where=where, min=int(labels.min()))
        )
    return (images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images), labels


# .npz


def read_npz(path: Path, split: str | None) -> LabelledDataset | None:
    """Keras' layout (``x_train y_train x_test y_test``), MedMNIST's (``train_images train_labels val_images …``), or
    ``x y`` / ``images labels``; ``None`` for other files.

    An optional text array ``classes`` names the classes. Raises :class:`DatasetError` for an .npz that does not fit.
    """
    if path.suffix.lower() != ".npz" or not path.is_file():
        return None
    try:
        return _read_npz(path, split)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError, struct.error) as error:
        text = phrase(
            "'{name}' is damaged or no .npz of plain arrays ({name2})", name=path.name, name2=type(error).__name__
        )
        raise DatasetError("bad-data", text) from error


def _read_npz(path: Path, split: str | None) -> LabelledDataset:
    with zipfile.ZipFile(path) as archive:
        stored = {key.lower(): key for key in _declared_sizes(path.name, archive)}  # 'X' and 'y', as scikit-learn says
    keras = {name: (f"x_{name}", f"y_{name}") for name in ("train", "val", "test")}
    medmnist = {name: (f"{name}_images", f"{name}_labels") for name in ("train", "val", "test")}
    there: dict[str, tuple[str, str]] = {}
    for layout in (keras, medmnist):
        there = there or {name: keys for name, keys in layout.items() if all(key in stored for key in keys)}
    if not there:
        plain = [keys for keys in (("x", "y"), ("images", "labels")) if all(key in stored for key in keys)]
        if not plain:
            found = sorted(stored.values()) or phrase("nothing")
            expected = phrase(
                "expected 'x_train y_train x_test y_test', 'train_images train_labels …', 'x y' or 'images labels'"
            )
            raise DatasetError(
                "bad-data", phrase("'{name}' holds {found}; {expected}", name=path.name, found=found, expected=expected)
            )
        there = {"": plain[0]}
    chosen, _ = choose_split(path.name, tuple(name for name in there if name), split)
    with np.load(path, allow_pickle=False) as held:
        pairs = {}
        for name, (x, y) in there.items():
            # Only the pictures that are asked for; the labels of all, for the number of classes.
            images = held[stored[x]] if chosen in (name, ALL) else np.empty((0, 1, 1), np.uint8)
            pairs[name] = (images, held[stored[y]])
        names = tuple(str(text) for text in held[stored["classes"]]) if "classes" in stored else None
    return from_arrays(path, "npz", pairs, split, names)


def _declared_sizes(title: str, archive: zipfile.ZipFile) -> dict[str, int]:
    """The bytes that each array will take, read from its head; refuses objects (code) and far too large ones."""
    sizes = {}
    members = archive.infolist()
    if len(members) > _MAX_ENTRIES:
        raise DatasetError(
            "too-large",
            phrase(
                "'{title}' holds {count:,} arrays; at most {max_entries} expected",
                title=title,
                count=len(members),
                max_entries=_MAX_ENTRIES,
            ),
        )
    for member in members:
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
        if dtype.hasobject:
            raise DatasetError(
                "carries-code",
                phrase("'{title}' holds Python objects, which may carry code", title=title),
                "Not opened.",
            )
        size = dtype.itemsize
        for length in shape:
            size *= length  # Python's integers: no overflow
        if size > MAX_ARRAY_BYTES or member.file_size > MAX_ARRAY_BYTES + 65_536:
            limit = f"{MAX_ARRAY_BYTES / 1024**3:.0f} GiB"
            text = phrase(
                "an array of '{title}' takes {size:.1f} GiB; at most {limit} are opened",
                title=title,
                size=size / 1024**3,
                limit=limit,
            )
            raise DatasetError("too-large", text, "Store the pictures as files in class folders.")
        if member.file_size < size:
            raise DatasetError("bad-data", phrase("'{title}' is cut off", title=title))
        sizes[member.filename.removesuffix(".npy")] = size
    return sizes


# IDX


def read_idx(path: Path, split: str | None) -> LabelledDataset | None:
    """IDX files: a folder that holds ``…images-idx3-ubyte`` files, or one of them; ``None`` for anything else.

    The labels lie beside, called the same with ``labels-idx1``. ``t10k`` is the split ``test``.
    """
    if path.is_dir():
        images = sorted((p for p in path.iterdir() if _IDX_IMAGES.match(p.name)), key=lambda p: natural_key(p.name))
    else:
        images = [path] if _IDX_IMAGES.match(path.name) else []
    if not images:
        return None
    files: dict[str, tuple[Path, Path]] = {}
    for image in images:
        word = _idx_split(image.name)
        files.setdefault("" if len(images) == 1 and not path.is_dir() else word, (image, _labels_beside(image)))
    chosen, _ = choose_split(path.name, tuple(name for name in files if name), split)
    pairs = {}
    for name, (image, label) in files.items():
        labels = _idx(label, 1)
        pairs[name] = (_idx(image, 3) if chosen in (name, ALL) else np.empty((0, 1, 1), np.uint8), labels)
    return from_arrays(path, "idx", pairs, split)


def _idx_split(name: str) -> str:
    match = _IDX_IMAGES.match(name)
    word = match.group("head").strip("-._").lower() if match else ""
    return _IDX_NAMES.get(word, word)


def _labels_beside(image: Path) -> Path:
    match = _IDX_IMAGES.match(image.name)
    assert match is not None
    stem = f"{match['head']}labels{match['mid']}idx1{match['tail'] or ''}"
    for name in (stem + (match["gz"] or ""), stem, stem + ".gz"):
        if (image.parent / name).is_file():
            return image.parent / name
    raise DatasetError(
        "not-found",
        phrase("the labels of '{name}' are not beside it", name=image.name),
        phrase("Expected: '{stem}'.", stem=stem),
    )


def _idx(path: Path, dimensions: int) -> np.ndarray:
    """One IDX file of unsigned bytes (LeCun): 0 0 8 d, then d big-endian lengths, then the bytes."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            head = stream.read(4 + 4 * dimensions)
            if len(head) < 4 + 4 * dimensions or head[:4] != bytes((0, 0, 8, dimensions)):
                raise DatasetError(
                    "bad-data",
                    phrase(
                        "'{name}' is no IDX file of bytes with {dimensions} dimensions",
                        name=path.name,
                        dimensions=dimensions,
                    ),
                )
            shape = struct.unpack(f">{dimensions}I", head[4:])
            size = 1
            for length in shape:
                size *= length
            if size > MAX_ARRAY_BYTES:
                raise DatasetError(
                    "too-large", phrase("'{name}' declares {size:.1f} GiB", name=path.name, size=size / 1024**3)
                )
            data = _read_exactly(stream, size)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError("bad-data", phrase("'{name}' is damaged or cannot be read", name=path.name)) from error
    if len(data) != size:
        raise DatasetError(
            "bad-data",
            phrase(
                "'{name}' is cut off: {count:,} of {size:,} bytes are there", name=path.name, count=len(data), size=size
            ),
        )
    array: np.ndarray = np.frombuffer(data, dtype=np.uint8).reshape(shape)
    return array


def _read_exactly(stream: io.IOBase | gzip.GzipFile | io.BufferedReader, size: int) -> bytes:
    """Up to ``size`` bytes, in pieces: a declared length alone must not allocate memory."""
    parts = []
    left = size
    while left:
        part = stream.read(min(left, 16 * 1024 * 1024))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
