"""Models as ZIP archives: written whole, and read from hostile ones without harm."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.core.types import StoreError
from desktop.store import archive, zip_check
from desktop.store.store import ModelStore
from tests.store.makers import add_colours

MIB = 1 << 20


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    store = ModelStore(tmp_path / "b", tmp_path / "u")
    add_colours(store)
    archive.write_zip(store.get("colours"), tmp_path / "colours.fovea.zip")
    return tmp_path / "colours.fovea.zip"


def unpack(path: Path) -> Any:
    folder = path.parent / f"out-{path.stem}"
    folder.mkdir(exist_ok=True)
    return archive.unpack(path, folder)


def rewritten(packed: Path, change: Any) -> Path:
    """The archive with ``change(name, data) -> (name, data) | None`` applied to each member."""
    target = packed.with_name("changed.zip")
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(target, "w") as out:
        for name in source.namelist():
            kept = change(name, source.read(name))
            if kept is not None:
                out.writestr(*kept)
    return target


def test_there_and_back(packed: Path) -> None:
    assert unpack(packed).id == "colours"
    assert archive.looks_like_model(packed)
    again = packed.with_name("again.fovea.zip")
    store = ModelStore(packed.parent / "b", packed.parent / "u")
    archive.write_zip(store.get("colours"), again)
    assert again.read_bytes() == packed.read_bytes()


def test_a_damaged_model_is_not_packed_and_an_older_archive_stays(packed: Path) -> None:
    before = packed.read_bytes()
    store = ModelStore(packed.parent / "b", packed.parent / "u")
    path = store.user_root / "colours" / "model.tflite"
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="checksum"):
        archive.write_zip(store.get("colours"), packed)
    assert packed.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda n, d: (n, d[:-1] + b"!") if n.endswith("tflite") else (n, d), "checksum"),
        (lambda n, d: None if n.endswith("tflite") else (n, d), "no 'colours/model.tflite'"),
        (lambda n, d: (n, b"{") if n.endswith("json") else (n, d), "JSON"),
        (lambda n, d: None if n.endswith("json") else (n, d), "0 model descriptions"),
        (lambda n, d: (n, d + b"more") if n.endswith("tflite") else (n, d), "more than"),
    ],
)
def test_an_archive_that_was_changed_is_refused(packed: Path, change: Any, word: str) -> None:
    with pytest.raises(StoreError) as caught:
        unpack(rewritten(packed, change))
    assert word in caught.value.message


def test_a_stranger_in_the_archive_is_refused(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as out:
        out.writestr("colours/run_me.py", "print()")
    with pytest.raises(StoreError, match=r"run_me\.py"):
        unpack(packed)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\..\\evil", "./x"])
def test_names_that_lead_out_are_refused_and_nothing_is_written(packed: Path, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    with zipfile.ZipFile(packed, "a") as out:
        out.writestr(info, b"evil")
    with pytest.raises(StoreError) as caught:
        unpack(packed)
    assert caught.value.kind == "hostile"
    assert not list((packed.parent / f"out-{packed.stem}").iterdir())


def test_links_twins_bombs_and_passwords_are_refused(tmp_path: Path) -> None:
    def made(fill: Any) -> Path:
        path = tmp_path / "made.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            fill(out)
        return path

    def link(out: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(info, "/etc/passwd")

    def bomb(out: zipfile.ZipFile) -> None:
        with out.open("big", "w") as member:
            for _ in range(80):
                member.write(bytes(MIB))

    def twins(out: zipfile.ZipFile) -> None:
        out.writestr("model.json", "{}")
        out.writestr("Model.JSON", "{}")

    for fill, word in ((link, "link"), (bomb, "unpack to"), (twins, "twice")):
        with pytest.raises(zip_check.ArchiveError) as caught:
            zip_check.open_checked(made(fill), 1 << 30)
        assert word in caught.value.message
    with pytest.raises(zip_check.ArchiveError) as caught:
        zip_check.open_checked(made(lambda out: out.writestr("a", bytes(2000))), 1000)
    assert caught.value.kind == "too-large"


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        out.writestr("a", bytes(1000))
        out.writestr("b", bytes(1000))
        out.getinfo("b").header_offset = 0
        out.getinfo("b").filename = "c"
    path = tmp_path / "overlap.zip"
    path.write_bytes(held.getvalue())
    with pytest.raises(zip_check.ArchiveError, match="share"):
        zip_check.open_checked(path, 1 << 30)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.integers(0, 255), st.booleans())
def test_any_changed_byte_or_cut_is_refused_or_harmless(packed: Path, place: int, value: int, cut: bool) -> None:
    data = bytearray(packed.read_bytes())
    place = place % len(data)
    if cut:
        data = data[:place]
    else:
        data[place] = value
    path = packed.with_name("fuzzed.zip")
    path.write_bytes(data)
    folder = packed.parent / "fuzzed"
    folder.mkdir(exist_ok=True)
    for item in sorted(folder.rglob("*"), reverse=True):
        item.unlink() if item.is_file() else item.rmdir()
    try:
        found = archive.unpack(path, folder)
    except StoreError:
        return
    assert json.loads(found.to_json())["files"].keys() == {"model.tflite"}
