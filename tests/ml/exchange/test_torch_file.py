"""Weights in PyTorch's old format: read as they are meant, and nothing that a file carries is ever run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.types import StoreError
from desktop.ml.exchange import torch_file
from desktop.store import catalogue, weight_packages

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
FACTS = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class _Tensor:
    """What a file says of one tensor: written as PyTorch writes it."""

    def __init__(self, key: str, kind: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
        self.about = (key, kind, count, offset, shape, strides)

    def __reduce__(self) -> Any:
        key, kind, count, offset, shape, strides = self.about
        torch = sys.modules["torch"]
        storage = _Storage(("storage", getattr(torch, kind), key, "cpu", count, None))
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (storage, offset, shape, strides, False, collections.OrderedDict())


class _Storage:
    def __init__(self, told: tuple[Any, ...]) -> None:
        self.told = told


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> Any:
        return value.told if isinstance(value, _Storage) else None


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes files as PyTorch 1.5 did, without PyTorch: two modules of its names stand in."""
    return _prepared_writer(monkeypatch)


def _prepared_writer(monkeypatch: pytest.MonkeyPatch) -> Any:
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "ByteStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))

    def rebuild(*_: object) -> None: ...

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    torch._utils = utils  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return write


def write(tensors: dict[str, _Tensor], storages: dict[str, np.ndarray], listed: list[Any] | None = None) -> bytes:
    out = io.BytesIO()
    held = collections.OrderedDict(tensors)
    held._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    for value in (MAGIC, VERSION, FACTS):
        pickle.dump(value, out, 2)
    _Pickler(out, 2).dump(held)
    pickle.dump(sorted(storages) if listed is None else listed, out, 2)
    for key in sorted(storages):
        out.write(struct.pack("<q", storages[key].size) + storages[key].tobytes())
    return out.getvalue()


def test_strides_and_offsets_are_obeyed(writer: Any) -> None:
    numbers = np.arange(24, dtype=np.float32)
    tensors = {
        "plain": _Tensor("a", "FloatStorage", 24, 0, (2, 3, 4), (12, 4, 1)),
        "turned": _Tensor("a", "FloatStorage", 24, 0, (4, 3, 2), (1, 4, 12)),
        "middle": _Tensor("a", "FloatStorage", 24, 5, (2, 2), (6, 2)),
        "spread": _Tensor("a", "FloatStorage", 24, 7, (3, 2), (0, 1)),
        "none": _Tensor("a", "FloatStorage", 24, 0, (0, 3), (3, 1)),
        "count": _Tensor("b", "LongStorage", 1, 0, (), ()),
    }
    found = torch_file.read(writer(tensors, {"a": numbers, "b": np.array([7], np.int64)}))
    assert list(found) == list(tensors)
    whole = numbers.reshape(2, 3, 4)
    assert np.array_equal(found["plain"], whole) and np.array_equal(found["turned"], whole.T)
    assert np.array_equal(found["middle"], [[5, 7], [11, 13]])
    assert np.array_equal(found["spread"], [[7, 8]] * 3)
    assert found["none"].shape == (0, 3) and found["count"] == 7 and found["count"].dtype == np.int64
    assert all(each.flags.c_contiguous and each.flags.owndata for each in found.values())


def test_the_published_files_are_what_pytorch_reads() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    package = catalogue.load().get("efficientnet-lite0").package
    assert package is not None
    path = weight_packages.find(package)
    expected = torch.load(path, map_location="cpu", weights_only=True)
    found = torch_file.read(path.read_bytes())
    assert list(found) == list(expected) and len(found) == 296
    for name, tensor in expected.items():
        assert np.array_equal(found[name], tensor.numpy()), name


def refused(data: bytes) -> StoreError:
    with pytest.raises(StoreError) as caught:
        torch_file.read(data)
    return caught.value


ONE = {"x": _Tensor("a", "FloatStorage", 4, 0, (4,), (1,))}
FOUR = {"a": np.arange(4, dtype=np.float32)}


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "kind"),
    [
        ((5,), (1,), 0, "not-weights"),  # one number too many
        ((4,), (1,), 1, "not-weights"),
        ((2, 2), (3, 1), 0, "not-weights"),
        ((4,), (1, 1), 0, "not-weights"),
        ((-1,), (1,), 0, "not-weights"),
        ((4,), (-1,), 3, "not-weights"),
        (("4",), (1,), 0, "not-weights"),
        ((1,) * 9, (0,) * 9, 0, "not-weights"),
        ((1 << 29, 1 << 29), (0, 0), 0, "too-large"),  # four bytes that would become exabytes
        ((1 << 20, 64), (0, 0), 0, "too-large"),
    ],
)
def test_views_beyond_their_storage(
    writer: Any, shape: tuple[Any, ...], strides: tuple[Any, ...], offset: int, kind: str
) -> None:
    data = writer({"x": _Tensor("a", "FloatStorage", 4, offset, shape, strides)}, FOUR)
    assert refused(data).kind == kind


def test_storages_that_do_not_fit(writer: Any) -> None:
    assert refused(writer(ONE, FOUR, ["a", "b"])).kind == "not-weights"
    assert refused(writer(ONE, FOUR, [["a"]])).kind == "not-weights"
    assert refused(writer(ONE, {"a": np.arange(5, dtype=np.float32)})).kind == "not-weights"
    assert refused(writer(ONE, FOUR)[:-1]).kind == "not-weights"
    assert refused(writer(ONE, FOUR) + b"\0").kind == "not-weights"
    bytes_ = {"x": _Tensor("a", "ByteStorage", 4, 0, (4,), (1,))}
    error = refused(writer(bytes_, FOUR))
    assert error.kind == "carries-code" and "torch.ByteStorage" in error.message


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", range(5))
def test_code_in_any_part_is_refused_and_not_run(writer: Any, tmp_path: Path, place: int) -> None:
    parts: list[Any] = [MAGIC, VERSION, FACTS, collections.OrderedDict(), []]
    parts[place] = _Runs(tmp_path / "made")
    error = refused(b"".join(pickle.dumps(part, 2) for part in parts))
    assert error.kind == "carries-code" and "mkdir" in error.message and "not run" in error.message
    assert not (tmp_path / "made").exists()


def test_little_bytes_cannot_ask_for_much() -> None:
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, VERSION))
    put_far = b"\x80\x02}r\xff\xff\xff\x7f."  # a memo of two thousand million places
    assert refused(head + put_far).kind == "too-large"
    deep = b"\x80\x02)" + b"\x85" * 150_000 + b"."
    assert "nested" in refused(head + deep).message
    doubling = b"\x80\x02)q\x00" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(100)
    )
    assert "twice" in refused(head + doubling + b".").message
    assert refused(head + b"\x80\x02" + b"N0" * 10 + b"N.").kind == "carries-code"  # an opcode that nobody needs
    assert refused(head + b"\x80\x02" + b"K\x01" * 300_000 + b".").kind == "too-large"
    assert refused(b"").kind == "not-weights"
    assert refused(b"PK\x03\x04" + bytes(100)).kind in ("not-weights", "carries-code")


@given(st.data())
def test_damaged_files_are_refused_or_read(data: st.DataObject) -> None:
    """Whatever bytes change, the reader gives arrays or says in words why not."""
    whole = bytearray(_SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for content in (bytes(whole), bytes(whole[:cut])):
        try:
            found = torch_file.read(content)
        except StoreError as error:
            assert error.kind in ("not-weights", "carries-code", "too-large")
        else:
            assert all(isinstance(each, np.ndarray) for each in found.values())


def _sample() -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        return _prepared_writer(patch)(
            {**ONE, "y": _Tensor("b", "LongStorage", 2, 1, (), ())}, {**FOUR, "b": np.arange(2, dtype=np.int64)}
        )


_SAMPLE = _sample()
