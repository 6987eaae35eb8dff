"""PyTorch's files of weights (its format before version 1.6, which is no zip file), read without PyTorch.

Such a file is five pickles (a magic number, a version, facts about the machine that wrote it, the weights by name, the
list of storages), then the raw numbers of each storage. A pickle is a small program: its opcodes are looked at first,
against a short list, and it is then read by an unpickler that knows four names, each bound to an inert stand-in. What
was read once may not be used again but for names and texts, and nothing may be nested deeply: few bytes cannot stand
for a structure that takes forever to walk through.
A tensor is a view: where its numbers lie in the storage is told by its offset and its strides, and those are obeyed.
The layout of the file is that of ``torch.serialization`` (PyTorch 1.5).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop.core.types import StoreError
from desktop.system import strict_pickle
from desktop.system.strict_pickle import CarriesCodeError, StrictUnpickler, TooManyOpcodesError
from desktop.system.words import phrase

MAX_BYTES = 1 << 30
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_MAX_OPCODES = 200_000
_MAX_TENSORS = 20_000
_MAX_AXES = 8
_GENEROUS = 4  # all tensors together may be so many times as large as the file: storages may be shared

_OPCODE_NAMES = """
PROTO STOP MARK EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
BINUNICODE BININT BININT1 BININT2 LONG1 NONE NEWTRUE NEWFALSE
BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE BUILD BINPERSID
"""
_OPCODES = frozenset(_OPCODE_NAMES.split())
_DEEPEST = 8  # a tensor's arguments hold its storage, shape and strides: two would do
_PUTS, _GETS = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Named(dict[str, Any]):
    """Stands for ``OrderedDict``: keeps the entries, and of what is built onto it nothing."""

    def __setstate__(self, state: object) -> None:
        del state


def _ordered(entries: object = ()) -> _Named:
    if entries not in ((), []):
        raise ValueError("an ordered dictionary that is not empty at first")
    return _Named()


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    kind: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _view(storage: object, offset: object, shape: object, strides: object, *_: object) -> _View:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor without a storage")
    numbers = (offset, *_whole(shape), *_whole(strides))
    if not all(type(number) is int and 0 <= number <= MAX_BYTES for number in numbers):
        raise ValueError("a tensor whose shape is no shape")
    sides, steps = _whole(shape), _whole(strides)
    if len(sides) != len(steps) or len(sides) > _MAX_AXES:
        raise ValueError(f"a tensor of {len(sides)} axes with {len(steps)} strides")
    assert isinstance(offset, int)
    return _View(storage, offset, sides, steps)


def _whole(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (None,)


_FLOATS, _LONGS = np.dtype("<f4"), np.dtype("<i8")
_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _ordered,
    ("torch._utils", "_rebuild_tensor_v2"): _view,
    ("torch", "FloatStorage"): _FLOATS,
    ("torch", "LongStorage"): _LONGS,
}


class _Unpickler(StrictUnpickler):
    def persistent_load(self, told: Any) -> _Storage:
        """The storage that a tensor's numbers lie in."""
        if not isinstance(told, tuple) or len(told) != 6 or told[0] != "storage" or told[5] is not None:
            raise ValueError("a tensor whose storage is described otherwise than expected")
        _, kind, key, _, count, _ = told
        if not isinstance(kind, np.dtype) or not isinstance(key, str) or type(count) is not int:
            raise ValueError("a tensor whose storage is described otherwise than expected")
        return _Storage(key, kind, count)


def read(data: bytes) -> dict[str, np.ndarray]:
    """The tensors of a file of weights by name: float32 or int64, C-contiguous, in the shapes that PyTorch gives them.

    ``data`` is the whole file. Raises :class:`StoreError`: ``carries-code`` for one that asks for anything but tensors,
    ``too-large``, ``not-weights`` for everything that is no such file. Nothing in it is ever run.
    """
    if len(data) > MAX_BYTES:
        raise StoreError(
            "too-large", phrase("the file has {count:.1f} GB; at most 1.1 GB are opened", count=len(data) / 1e9)
        )
    try:
        return _read(data)
    except CarriesCodeError as error:
        raise StoreError(
            "carries-code",
            phrase("the file carries code ('{error}'); it was not run", error=str(error)[:80]),
            "Get the weights from their publisher again.",
        ) from None
    except TooManyOpcodesError:
        raise StoreError("too-large", "the file lists far more than a network's weights") from None
    except StoreError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        words = " ".join(str(error).split())[:120] or type(error).__name__
        raise StoreError(
            "not-weights",
            phrase("this is no file of PyTorch weights in the expected form: {words}", words=words),
            "Get the weights from their publisher again.",
        ) from None


def _read(data: bytes) -> dict[str, np.ndarray]:
    stream = io.BytesIO(data)
    magic, version = _load(stream), _load(stream)
    if type(magic) is not int or magic != _MAGIC:
        raise ValueError("it begins with another number")
    if type(version) is not int or version != _VERSION:
        raise ValueError(f"it has another version than {_VERSION}")
    facts = _load(stream)
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise ValueError("its numbers are not little-endian")
    named, keys = _load(stream), _load(stream)
    if not isinstance(named, _Named) or not all(isinstance(view, _View) for view in named.values()):
        raise ValueError("it holds something else than named tensors")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(named) > _MAX_TENSORS:
        raise ValueError("its list of storages is none")
    storages = _storages(data, stream.tell(), named, keys)
    room = _GENEROUS * len(data)
    tensors = {}
    for name, view in named.items():
        room -= int(np.prod(view.shape, dtype=object)) * view.storage.kind.itemsize
        if not isinstance(name, str) or room < 0:
            raise StoreError("too-large", "its tensors would take far more memory than the file itself")
        tensors[name] = _tensor(view, storages[view.storage.key])
    return tensors


def _load(stream: io.BytesIO) -> Any:
    """The next pickle of ``stream``, looked over before it is read."""
    begin = stream.tell()
    look = _Look()
    for opcode, argument in strict_pickle.opcodes(stream, _OPCODES, _NAMES, _MAX_OPCODES):
        look.at(opcode, argument)
    end = stream.tell()
    # Of these bytes alone: an unpickler that reads ahead would leave the stream somewhere else.
    stream.seek(begin)
    found = _Unpickler(io.BytesIO(stream.read(end - begin)), _NAMES).load()
    stream.seek(end)
    return found


class _Look:
    """Follows a pickle without reading it: how deep is what lies on its stack (-1: a mark), and what is remembered."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._plain: set[Any] = set()  # remembered names and texts
        self._before = ""

    def at(self, name: str, argument: Any) -> None:
        """The next opcode. Raises ValueError for a structure that no file of weights has."""
        stack = self._stack
        if name in _PUTS:
            if self._before in ("GLOBAL", "BINUNICODE"):
                self._plain.add(argument)
            else:
                self._plain.discard(argument)
        elif name in _GETS:
            if argument not in self._plain:
                raise ValueError("a part of it is used twice")
            stack.append(0)
        elif name == "MARK":
            stack.append(-1)
        elif name == "TUPLE":
            self._push(1 + self._to_mark())
        elif name in _TUPLES:
            self._push(1 + max(stack.pop() for _ in range(_TUPLES[name])))
        elif name in ("SETITEMS", "APPENDS"):
            inside = self._to_mark()
            self._push(max(stack.pop(), 1 + inside))
        elif name in ("SETITEM", "APPEND"):
            inside = max(stack.pop() for _ in range(2 if name == "SETITEM" else 1))
            self._push(max(stack.pop(), 1 + inside))
        elif name in ("REDUCE", "BUILD"):
            self._push(max(stack.pop(), stack.pop()))
        elif name == "BINPERSID":
            stack.pop()
            stack.append(0)
        elif name not in ("PROTO", "STOP"):
            stack.append(0)
        self._before = name

    def _to_mark(self) -> int:
        deepest = 0
        while (depth := self._stack.pop()) >= 0:
            deepest = max(deepest, depth)
        return deepest

    def _push(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        self._stack.append(depth)


def _storages(data: bytes, position: int, named: dict[str, _View], keys: list[Any]) -> dict[str, np.ndarray]:
    """The numbers of every storage, as views into ``data``; each is preceded by their count (8 bytes)."""
    known = {view.storage.key: view.storage for view in named.values()}
    if len(keys) != len(known) or set(keys) != known.keys():
        raise ValueError(f"{len(keys)} storages are listed, {len(known)} used")
    found = {}
    for key in keys:
        storage = known[key]
        (count,) = struct.unpack_from("<q", data, position)
        position += 8
        if count != storage.count or not 0 <= count * storage.kind.itemsize <= len(data) - position:
            raise ValueError(f"a storage of {count} numbers where {storage.count} are told")
        found[key] = np.frombuffer(data, storage.kind, count, position)
        position += count * storage.kind.itemsize
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes are left over")
    return found


def _tensor(view: _View, numbers: np.ndarray) -> np.ndarray:
    """The numbers that a view shows, in its own order."""
    if 0 in view.shape:
        return np.empty(view.shape, view.storage.kind)
    last = view.offset + sum((side - 1) * step for side, step in zip(view.shape, view.strides, strict=True))
    if last >= len(numbers):
        raise ValueError(f"a tensor reaches to number {last} of {len(numbers)}")
    strides = [step * view.storage.kind.itemsize for step in view.strides]
    seen = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides, writeable=False)
    return np.array(seen, order="C")
