"""The store on real folders: what is damaged is said, what is written is whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.types import PreprocessSpec, StoreError
from desktop.store import changes
from desktop.store import store as store_module
from desktop.store.manifest import QUANTILES, Conformal, Decision, Domain, FileEntry, Manifest, Metric, from_json
from desktop.store.store import MANIFEST, ModelStore, read_verified
from tests.store.makers import COLOURS, add_colours, manifest

GATE = Domain("domain.json", "features", "validation", 100, 0.05, tuple(i / 20 for i in range(QUANTILES)))


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "bundled", tmp_path / "user")


def test_round_trip_keeps_every_field() -> None:
    full = manifest(
        metrics=(Metric("accuracy", 0.9, "drawn", "test", 10, 0.6, 0.98),),
        label_ids=("a", "b", "c"),
        files={"model.tflite": FileEntry("0" * 64, 0), "domain.json": FileEntry("1" * 64, 5)},
        domain=GATE,
        conformal=Conformal("lac", "validation", 100, (0.05, 0.1), (0.2, 0.4), "test", 50, (0.96, 0.9), (1.2, 1.0)),
    )
    assert from_json(full.to_json()) == full


def test_a_manifest_of_schema_1_has_neither_gate_nor_answer_sets() -> None:
    raw = json.loads(manifest().to_json())
    del raw["domain"], raw["conformal"]
    read = from_json(json.dumps(raw | {"schema": 1}))
    assert read == manifest()
    with pytest.raises(StoreError, match="conformal"):
        from_json(json.dumps(raw | {"schema": 1, "conformal": None}))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rates": [0.1, 0.05], "cutoffs": [0.2, 0.4]}, "rising"),
        ({"rates": [0.05], "cutoffs": [0.2, 0.4]}, "2 cutoffs"),
        ({"cutoffs": [0.2, 1.4]}, "cutoffs"),
        ({"cutoffs": [0.2, True]}, "numbers"),
        ({"covered": [0.9]}, "coverage"),
    ],
)
def test_answer_sets_that_cannot_be_are_refused(change: dict[str, object], word: str) -> None:
    sets = Conformal("lac", "validation", 100, (0.05, 0.1), (0.2, 0.4))
    raw = json.loads(manifest(conformal=sets).to_json())
    raw["conformal"] |= change
    with pytest.raises(StoreError) as caught:
        from_json(json.dumps(raw))
    assert word in caught.value.message


def test_a_gate_without_its_file_or_with_falling_quantiles_is_refused() -> None:
    with pytest.raises(StoreError, match=r"domain\.json"):
        manifest(domain=GATE)
    files = {name: FileEntry("0" * 64, 0) for name in ("model.tflite", "domain.json")}
    with pytest.raises(StoreError, match="quantiles"):
        manifest(files=files, domain=replace(GATE, quantiles=GATE.quantiles[::-1]))


@pytest.mark.parametrize("name", [field for field in Manifest.__dataclass_fields__ if field != "schema"])
def test_a_missing_field_is_named(name: str) -> None:
    raw = json.loads(manifest().to_json())
    del raw[name]
    with pytest.raises(StoreError) as caught:
        from_json(json.dumps(raw))
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": 99}, "99"),
        ({"id": "../../etc"}, "id"),
        ({"labels": ["red"]}, "labels"),
        ({"labels": ["red", "red", "blue"]}, "alike"),
        ({"labels": "red"}, "labels"),
        ({"outputs": {}}, "probabilities"),
        ({"preprocess": {"height": 8}}, "preprocess"),
        ({"files": {"../x": {"sha256": "0", "size": 1}}}, "../x"),
        ({"version": "1; rm"}, "model.json"),
        ({"decision": {"rule": "threshold", "positive": 0, "value": 0.5, "reason": ""}}, "threshold"),
    ],
)
def test_a_wrong_field_is_refused(change: dict[str, object], word: str) -> None:
    raw = json.loads(manifest().to_json()) | change
    with pytest.raises(StoreError) as caught:
        from_json(json.dumps(raw))
    assert word in caught.value.message


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_json_is_refused_or_read_but_never_crashes(value: object) -> None:
    raw = json.loads(manifest().to_json())
    for name in raw:
        try:
            read = from_json(json.dumps(raw | {name: value}))
        except StoreError:
            continue
        assert read == from_json(read.to_json())


def test_a_threshold_decides_two_classes() -> None:
    rule = Decision("threshold", positive=1, value=0.3)
    assert rule.choose([0.65, 0.35]) == 1
    assert rule.choose([0.71, 0.29]) == 0
    assert Decision().choose([0.65, 0.35]) == 0


def test_committed_model_is_listed_and_whole(store: ModelStore) -> None:
    add_colours(store)
    entry = store.require("colours")
    assert entry.state == "ready" and not entry.bundled
    assert [check.verdict for check in store.verify("colours")] == ["ok"]
    assert [path.name for path in store.user_root.iterdir()] == ["colours"]


def test_one_changed_byte_is_found_and_others_work(store: ModelStore) -> None:
    add_colours(store)
    add_colours(store, id="other", name="Other")
    path = store.user_root / "colours" / "model.tflite"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError) as caught:
        read_verified(store.get("colours"), "model.tflite")
    assert caught.value.kind == "damaged" and "checksum" in caught.value.message
    assert read_verified(store.get("other"), "model.tflite").is_file()
    assert {check.verdict for check in store.verify("colours")} == {"changed"}


def test_a_file_compared_once_is_read_again_only_when_it_was_written_to(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.store import store as module

    add_colours(store)
    path = store.user_root / "colours" / "model.tflite"
    read: list[Path] = []
    real = module.sha256_of
    monkeypatch.setattr(module, "sha256_of", lambda p: read.append(p) or real(p))
    entry = store.get("colours")
    for _ in range(2):  # written just now: its clock may not have ticked since
        read_verified(entry, "model.tflite")
    assert len(read) == 2
    monkeypatch.setattr(module, "_SETTLED_NS", -(10**18))
    for _ in range(3):
        read_verified(entry, "model.tflite")
    assert len(read) == 3
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # a restored date does not hide it
    with pytest.raises(StoreError, match="checksum"):
        read_verified(entry, "model.tflite")


def test_shortened_file_and_broken_manifest_are_listed_as_damaged(store: ModelStore) -> None:
    add_colours(store)
    add_colours(store, id="other", name="Other")
    (store.user_root / "colours" / "model.tflite").write_bytes(b"short")
    (store.user_root / "other" / "model.json").write_text("{", encoding="utf-8")
    states = {entry.id: (entry.state, entry.problem) for entry in store.entries()}
    assert states["colours"][0] == "damaged" and "bytes" in states["colours"][1]
    assert states["other"][0] == "damaged" and "JSON" in states["other"][1]


def test_newest_valid_version_wins(store: ModelStore, tmp_path: Path) -> None:
    add_colours(store, version=2)
    shutil.copytree(store.user_root / "colours", store.bundled_root / "colours")
    with store.stage(manifest(version=3)) as folder:
        (folder / "model.tflite").write_bytes(b"new")
    assert store.get("colours").manifest.version == 3  # type: ignore[union-attr]
    (store.user_root / "colours" / "model.tflite").write_bytes(b"broken!")
    assert store.get("colours").bundled


def test_a_model_that_is_replaced_can_be_kept_in_the_trash(store: ModelStore) -> None:
    """What a training made under a name used twice: the first one is not lost."""
    add_colours(store)
    with store.stage(manifest(version=2), keep_replaced=True) as folder:
        for path in store.get("colours").folder.iterdir():
            if path.is_file() and path.name != MANIFEST:
                (folder / path.name).write_bytes(path.read_bytes())
    assert store.get("colours").manifest.version == 2  # type: ignore[union-attr]
    (held,) = changes.deleted(store)
    with pytest.raises(StoreError, match="another model"):
        changes.restore(store, held.token)
    changes.delete(store, "colours")
    assert changes.restore(store, held.token) == "colours"
    assert store.get("colours").manifest.version == 1  # type: ignore[union-attr]


def test_unknown_model_names_the_known(store: ModelStore) -> None:
    add_colours(store)
    with pytest.raises(StoreError) as caught:
        store.get("nope")
    assert caught.value.kind == "no-such-model" and "colours" in caught.value.hint


def test_an_error_while_staging_keeps_the_old_model(store: ModelStore) -> None:
    add_colours(store)
    before = store.get("colours")
    with pytest.raises(OSError, match="No space left"):
        _stage_on_a_full_disk(store)
    assert store.get("colours") == before
    assert [path.name for path in store.user_root.iterdir()] == ["colours"]


def _stage_on_a_full_disk(store: ModelStore) -> None:
    with store.stage(manifest(version=2)) as folder:
        (folder / "model.tflite").write_bytes(b"half")
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("system", [os.name, "nt"])
def test_one_writer_leaves_the_staging_folder_of_another(
    store: ModelStore, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "os", SimpleNamespace(**{**vars(os), "name": system}))
    with store.stage(manifest(id="first")) as first:
        shutil.copy(COLOURS, first / "model.tflite")
        with store.stage(manifest(id="second")) as second:
            shutil.copy(COLOURS, second / "model.tflite")
            assert (first / "model.tflite").is_file()
    assert [entry.id for entry in store.entries()] == ["first", "second"]
    assert {entry.state for entry in store.entries()} == {"ready"}


_WRITER = """
import os, signal, sys
from pathlib import Path
from desktop.store.store import ModelStore
import desktop.store.store as module
from tests.store.makers import manifest
root, victim, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0
def deadly(name, real):
    def call(*arguments, **keywords):
        global calls
        if name == victim:
            calls += 1
            if calls == count:
                os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keywords)
    return call
class Os:
    def __getattr__(self, name):
        real = getattr(os, name)
        return deadly(name, real) if name == victim else real
from desktop.system import files
module.os = files.os = Os()
with ModelStore(root / "b", root / "u").stage(manifest(version=2)) as folder:
    (folder / "model.tflite").write_bytes(b"second")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize(
    ("victim", "count"),
    [*(("fsync", count) for count in range(1, 5)), ("replace", 1), ("rename", 1), ("rename", 2)],
)
def test_a_kill_at_every_write_step_leaves_the_old_or_the_new_model(tmp_path: Path, victim: str, count: int) -> None:
    store = ModelStore(tmp_path / "b", tmp_path / "u")
    add_colours(store)
    run = subprocess.run(
        [sys.executable, "-c", _WRITER, str(tmp_path), victim, str(count)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    before = store.get("colours")
    assert before.state == "ready"
    assert {check.verdict for check in store.verify("colours")} == {"ok"}
    with store.stage(manifest(id="other", name="Other")) as folder:  # the next writer cleans up
        (folder / "model.tflite").write_bytes(b"x")
    entry = store.get("colours")
    assert entry.state == "ready"
    assert {check.verdict for check in store.verify("colours")} == {"ok"}
    assert sorted(path.name for path in store.user_root.iterdir()) == ["colours", "other"]


def test_preprocess_spec_refuses_nonsense() -> None:
    good = PreprocessSpec(8, 8, "rgb", "stretch")
    for change in ({"height": 0}, {"colour": "cmyk"}, {"fit": "squash"}, {"pad_value": 256}, {"resize_shorter": 9}):
        with pytest.raises(ValueError):  # noqa: PT011
            replace(good, **change)
    with pytest.raises(ValueError, match="mnist"):
        PreprocessSpec(32, 32, "grey", "mnist")


def test_checksum_entry_is_flat() -> None:
    assert from_json(manifest().to_json()).files["model.tflite"] == FileEntry("0" * 64, 0)
