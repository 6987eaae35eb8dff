"""Rename, duplicate, delete and take back: on real folders, killed at every step, and on a full disk."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.data.file_names import RESERVED
from desktop.core.types import StoreError
from desktop.store import changes, locks
from desktop.store.ids import id_of
from desktop.store.manifest import ID_PATTERN
from desktop.store.store import ModelStore, _lock_of
from tests.store.makers import COLOURS, add_colours, manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    made = ModelStore(tmp_path / "b", tmp_path / "u")
    add_colours(made)
    return made


def whole(store: ModelStore, model_id: str) -> bool:
    return store.get(model_id).state == "ready" and {c.verdict for c in store.verify(model_id)} == {"ok"}


def test_rename_keeps_id_and_files(store: ModelStore) -> None:
    changes.rename(store, "colours", "  My\ncolours\x07 ")
    entry = store.get("colours")
    assert entry.manifest is not None and entry.manifest.name == "My colours"
    assert whole(store, "colours")
    for name in ("", " \n", "x" * 200):
        with pytest.raises(StoreError) as caught:
            changes.rename(store, "colours", name)
        assert caught.value.kind == "bad-name"


def test_duplicate_is_a_model_of_its_own(store: ModelStore) -> None:
    first, second = (changes.duplicate(store, "colours") for _ in range(2))
    assert (first, second) == ("colours-copy", "colours-copy-2")
    copied = store.get(first).manifest
    assert copied is not None and copied.provenance.parent == "colours" and copied.name == "Colours copy"
    changes.delete(store, "colours")
    assert whole(store, first) and whole(store, second)


def test_a_damaged_file_is_not_duplicated(store: ModelStore) -> None:
    path = store.user_root / "colours" / "model.tflite"
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="checksum"):
        changes.duplicate(store, "colours")
    assert [entry.id for entry in store.entries()] == ["colours"]


def test_delete_can_be_taken_back_until_the_place_is_taken(store: ModelStore) -> None:
    token = changes.delete(store, "colours")
    assert store.entries() == [] and [item.id for item in changes.deleted(store)] == ["colours"]
    assert changes.restore(store, token) == "colours"
    assert whole(store, "colours") and changes.deleted(store) == []
    token = changes.delete(store, "colours")
    add_colours(store)
    with pytest.raises(StoreError) as caught:
        changes.restore(store, token)
    assert caught.value.kind == "id-taken"
    for wrong in ("../colours", "1-0.colours", token + "/../.."):
        with pytest.raises(StoreError) as caught:
            changes.restore(store, wrong)
        assert caught.value.kind == "not-in-trash"


def test_the_trash_empties_itself_after_thirty_days(store: ModelStore) -> None:
    token = changes.delete(store, "colours")
    trash = store.user_root / ".trash"
    os.rename(trash / token, trash / "1000000-0.colours")
    assert changes.empty_old(store) == 1
    assert changes.deleted(store) == []


def test_what_comes_with_fovea_is_not_changed(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "b", tmp_path / "u")
    with store.stage(manifest(), store.bundled_root) as folder:
        (folder / "model.tflite").write_bytes(COLOURS.read_bytes())
    for change in (lambda: changes.rename(store, "colours", "x"), lambda: changes.delete(store, "colours")):
        with pytest.raises(StoreError) as caught:
            change()
        assert caught.value.kind == "bundled" and "uplicate" in caught.value.hint
    assert whole(store, changes.duplicate(store, "colours", "Mine"))


def test_two_changes_at_once_wait_for_each_other(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.store.store._WAIT_S", 0.05)
    with locks.hold(_lock_of(store.user_root)), pytest.raises(StoreError) as caught:
        changes.delete(store, "colours")
    assert caught.value.kind == "busy"


@pytest.mark.parametrize("victim", ["rename", "replace", "copyfile"])
def test_a_full_disk_leaves_everything_as_it_was(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile" if victim == "copyfile" else f"os.{victim}", full)
        change = {
            "rename": lambda: changes.delete(store, "colours"),
            "replace": lambda: changes.rename(store, "colours", "x"),
            "copyfile": lambda: changes.duplicate(store, "colours"),
        }[victim]
        with pytest.raises(StoreError) as caught:
            change()
    assert caught.value.kind == "disk-full"
    entry = store.get("colours")
    assert entry.manifest is not None and entry.manifest.name == "Colours"
    assert whole(store, "colours") and len(store.entries()) == 1


_CHANGER = """
import os, signal, sys
from pathlib import Path
from desktop.store import changes
from desktop.store.store import ModelStore
root, victim, count, change = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
seen = 0
real = getattr(os, victim)
def call(*arguments, **keywords):
    global seen
    seen += 1
    if seen == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **keywords)
setattr(os, victim, call)
store = ModelStore(root / "b", root / "u")
if change == "rename":
    changes.rename(store, "colours", "Other")
elif change == "duplicate":
    changes.duplicate(store, "colours")
else:
    changes.delete(store, "colours")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize(
    ("change", "victim", "count"),
    [
        ("rename", "fsync", 1),
        ("rename", "replace", 1),
        ("duplicate", "fsync", 1),
        ("duplicate", "fsync", 2),
        ("duplicate", "rename", 1),
        ("delete", "rename", 1),
    ],
)
def test_a_kill_at_every_step_leaves_whole_models(
    store: ModelStore, tmp_path: Path, change: str, victim: str, count: int
) -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", _CHANGER, str(tmp_path), victim, str(count), change],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert [entry.id for entry in store.entries()] == ["colours"] and whole(store, "colours")
    changes.rename(store, "colours", "Still mine")  # the dead one's lock is free
    assert whole(store, changes.duplicate(store, "colours"))
    assert sorted(p.name for p in store.user_root.iterdir() if p.name not in (".changes.lock", ".trash")) == [
        "colours",
        "still-mine-copy",
    ]


@pytest.mark.parametrize("name", ["colours (copy)", "Kopie von Farben", "1-2.three", "ein\nzwei", "ünï"])
def test_a_folder_with_any_name_can_be_deleted_and_taken_back(store: ModelStore, name: str) -> None:
    os.rename(store.user_root / "colours", store.user_root / name)  # as a file manager copies: damaged, but the user's
    token = changes.delete(store, name)
    assert store.entries() == [] and [item.id for item in changes.deleted(store)] == [name]
    assert changes.restore(store, token) == name
    assert [entry.id for entry in store.entries()] == [name] and changes.deleted(store) == []
    changes.delete(store, name)
    assert changes.empty_old(store, -1) == 1 and not list((store.user_root / ".trash").iterdir())


@pytest.mark.parametrize("token", ["1-0...", "1-0.../x", "1-0./etc", "1-0.", "1-0.a\0b", "../1-0.a"])
def test_a_token_that_leads_elsewhere_is_none(store: ModelStore, token: str) -> None:
    with pytest.raises(StoreError) as caught:
        changes.restore(store, token)
    assert caught.value.kind == "not-in-trash"


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "Lpt9", "aux. ", "CON.", " prn ", "..con..", "ｃｏｎ"])
def test_no_id_is_the_name_of_a_device_of_windows(store: ModelStore, name: str) -> None:
    for made in (id_of(name), changes.free_id(store, name), changes.duplicate(store, "colours", name)):
        assert ID_PATTERN.fullmatch(made) and not made.endswith("-")
        assert made.split(".")[0] not in RESERVED


def test_a_model_from_elsewhere_that_is_called_like_a_device_gets_another_id(store: ModelStore) -> None:
    def fill(folder: Path) -> None:
        shutil.copy(COLOURS, folder / "model.tflite")

    for device in ("con", "nul", "com1", "con"):
        kept = changes.commit_as_new(store, replace(manifest(), id=device), fill)
        assert kept.id not in RESERVED and kept.id.startswith(device) and store.get(kept.id).state == "ready"
