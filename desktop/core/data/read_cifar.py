"""CIFAR's python batches, opened without running anything they carry.

A pickle is a small program. The opcodes of a file are looked at first, against a short list; then it is read by an
unpickler that knows three names, each bound to an inert stand-in that only keeps what it is given.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.data.dataset import ALL, DatasetError, LabelledDataset, choose_split
from desktop.core.data.read_arrays import Pair, from_arrays
from desktop.system import strict_pickle
from desktop.system.strict_pickle import CarriesCodeError, StrictUnpickler, TooManyOpcodesError
from desktop.system.words import phrase

MAX_BATCH_BYTES = 1024**3
_MAX_OPCODES = 5_000_000
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE

_OPCODE_NAMES = """
PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
"""
_OPCODES = frozenset(_OPCODE_NAMES.split())


class _ArrayStandIn:
    """Keeps the state of a pickled array; nothing of NumPy runs while the file is read."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, tuple) else ()

    def array(self) -> np.ndarray:
        """The array, if it holds unsigned bytes; raises ValueError."""
        if len(self.state) < 4:
            raise ValueError("no array")
        *_, shape, dtype, fortran, data = self.state
        of_bytes = isinstance(dtype, _TypeStandIn) and dtype.name in ("u1", "uint8", b"u1")
        if not of_bytes or not isinstance(data, bytes):
            raise ValueError("no array of bytes")
        return np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran else "C")


class _TypeStandIn:
    """Keeps the name of an array's element type."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        del state


def _array(*_: object) -> _ArrayStandIn:
    return _ArrayStandIn()


def _from_buffer(
    data: object = b"", dtype: object = None, shape: object = (), order: object = "C", *_: object
) -> object:
    """How protocol 5 writes an array."""
    stand_in = _ArrayStandIn()
    content = bytes(data) if isinstance(data, bytes | bytearray) else None
    stand_in.state = (shape, dtype, order == "F", content)
    return stand_in


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """What Python 3 writes for bytes in old protocols."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", b"latin1"):
        raise pickle.UnpicklingError("unexpected text")
    return text.encode("latin1")


_NAMES: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): _ArrayStandIn,
    ("numpy", "dtype"): _TypeStandIn,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
}


def load_batch(path: Path) -> dict[str, Any]:
    """The dictionary of a CIFAR python batch (or its ``batches.meta``): text keys; bytes, numbers, lists, uint8 arrays.

    Raises :class:`DatasetError`: ``carries-code`` for a pickle that asks for anything but arrays, ``too-large``,
    ``bad-data`` for everything that is no such dictionary. Nothing in the file is ever run.
    """
    size = path.stat().st_size
    if size > MAX_BATCH_BYTES:
        raise DatasetError(
            "too-large",
            phrase("'{name}' has {size:.1f} GiB; at most 1 GiB is opened", name=path.name, size=size / 1024**3),
        )
    data = path.read_bytes()
    try:
        for _ in strict_pickle.opcodes(data, _OPCODES, _NAMES, _MAX_OPCODES):
            pass  # it is looked over to its end before anything is read
        raw = StrictUnpickler(io.BytesIO(data), _NAMES, encoding="bytes").load()
        if not isinstance(raw, dict):
            raise ValueError("no dictionary")
        return {_text(key): _plain(value) for key, value in raw.items()}
    except CarriesCodeError as error:
        text = phrase(
            "'{name}' is a pickle that carries code ('{error}'); it was not run", name=path.name, error=str(error)[:80]
        )
        raise DatasetError("carries-code", text, "Get the data from its publisher again.") from None
    except TooManyOpcodesError:
        raise DatasetError("too-large", phrase("'{title}' is far larger than a CIFAR batch", title=path.name)) from None
    except Exception as error:  # a damaged pickle may raise anything
        text = phrase("'{name}' is damaged or no CIFAR batch ({name2})", name=path.name, name2=type(error).__name__)
        raise DatasetError("bad-data", text) from None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    return value.array() if isinstance(value, _ArrayStandIn) else value


def read_cifar(path: Path, split: str | None) -> LabelledDataset | None:
    """CIFAR-10 or -100 as python batches: their folder, or one batch; ``None`` for anything else.

    The folder has the splits ``train`` and ``test``; a single batch has none. Class names come from ``batches.meta`` or
    ``meta`` beside the batches, else they are numbers. Raises :class:`DatasetError`.
    """
    if path.is_dir():
        files = _batches_of(path)
        if not files:
            return None
        chosen, _ = choose_split(path.name, tuple(files), split)
        wanted = [name for name in files if chosen in (name, ALL)]
        pairs = {name: _joined([_pair(p) for p in files[name]]) if name in wanted else _nothing() for name in files}
        return from_arrays(path, "cifar", pairs, split, _class_names(path))
    if not _is_pickle(path):
        return None
    return from_arrays(path, "cifar", {"": _pair(path)}, split, _class_names(path.parent))


def _batches_of(folder: Path) -> dict[str, list[Path]]:
    train = sorted(p for p in folder.glob("data_batch_*") if p.is_file() and not p.suffix)
    if not train and (folder / "meta").is_file() and (folder / "train").is_file():
        train = [folder / "train"]  # CIFAR-100's names
    test = [p for name in ("test_batch", "test") if (p := folder / name).is_file()]
    return {name: files for name, files in (("train", train), ("test", test)) if files}


def _is_pickle(path: Path) -> bool:
    """Whether a file looks like a pickled dictionary: CIFAR's batches carry no suffix and start with a protocol."""
    if path.suffix.lower() not in ("", ".pkl", ".pickle"):
        return False
    with path.open("rb") as stream:
        head = stream.read(2)
    # Protocols 0 and 1 have no mark: a dictionary then starts with "(d" or "}q".
    return (head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or head in (b"(d", b"}q")


def _pair(path: Path) -> Pair:
    batch = load_batch(path)
    pixels = batch.get("data")
    labels = next((batch[key] for key in ("labels", "fine_labels") if key in batch), None)
    planes = isinstance(pixels, np.ndarray) and pixels.ndim == 2 and pixels.shape[1] == _PIXELS
    if not planes or pixels is None or not isinstance(labels, list):
        raise DatasetError(
            "bad-data",
            phrase(
                "'{name}' is no CIFAR batch: expected 'data' (n, {pixels}) and 'labels'", name=path.name, pixels=_PIXELS
            ),
        )
    if len(labels) != len(pixels) or not all(isinstance(label, int) and 0 <= label < 1000 for label in labels):
        raise DatasetError(
            "bad-data",
            phrase(
                "'{name}': {count} labels for {count2} pictures, or odd ones",
                name=path.name,
                count=len(labels),
                count2=len(pixels),
            ),
        )
    # Rows hold three colour planes, each row by row.
    images = np.ascontiguousarray(pixels.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))
    return images, np.array(labels, dtype=np.int64)


def _joined(pairs: list[Pair]) -> Pair:
    return np.concatenate([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])


def _nothing() -> Pair:
    return np.empty((0, _SIDE, _SIDE, 3), np.uint8), np.empty(0, np.int64)


def _class_names(folder: Path) -> tuple[str, ...] | None:
    for name in ("batches.meta", "meta"):
        if (folder / name).is_file():
            meta = load_batch(folder / name)
            listed = meta.get("label_names", meta.get("fine_label_names"))
            if isinstance(listed, list) and listed and len(set(map(_text, listed))) == len(listed):
                return tuple(_text(item) for item in listed)
    return None
