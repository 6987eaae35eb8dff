"""Runs on a real disk: whole whatever happens, one trainer a run, nothing lost by deleting."""

from __future__ import annotations

import errno
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.store import run_files, runs
from desktop.store.run_record import RunRecord, record_from_json
from desktop.store.runs import RunError, RunStore

ROOT = Path(__file__).parents[2]


class Text:
    """A plan that is nothing but its text."""

    def to_json(self) -> str:
        return '{"seed": 3}\n'


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def child(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_new_run_waits_with_its_plan(store: RunStore) -> None:
    made = store.create(Text(), "Müller's cats & dogs", epochs=5, data="pets", preset="mnist-cnn")
    assert store.get(made.id) == made and made.state == "queued" and made.epochs == 5
    assert made.id.endswith("-muller-s-cats-dogs")
    assert store.plan_text(made.id) == Text().to_json()
    assert [record.id for record in store.list()] == [made.id]


def test_two_runs_of_one_second_and_name_are_two(store: RunStore) -> None:
    made = {store.create(Text(), "日本").id for _ in range(5)}
    assert len(made) == 5 and {record.id for record in store.list()} == made
    assert not [path for path in store.root.iterdir() if path.name.startswith(".new-")]


def test_an_update_changes_what_it_names_and_nothing_else(store: RunStore) -> None:
    made = store.create(Text(), "a", epochs=5)
    store.update(made.id, epochs_done=2, figures={"val_accuracy": 0.5, "loss": math.nan})
    read = store.update(made.id, name="b")
    assert (read.name, read.epochs_done, read.figures["val_accuracy"]) == ("b", 2, 0.5)
    assert math.isnan(read.figures["loss"]) and read.updated >= made.updated
    with pytest.raises(TypeError, match="id"):
        store.update(made.id, id="other")
    with pytest.raises(TypeError, match="colour"):
        store.update(made.id, colour="red")


@pytest.mark.parametrize("name", ["../../etc", "", "A", "nope", "a/b", ".trash"])
def test_what_is_no_run_is_said_so(store: RunStore, name: str) -> None:
    for work in (store.get, store.update, store.delete):
        with pytest.raises(RunError) as caught:
            work(name)
        assert caught.value.kind == "no-such-run"


def test_a_damaged_record_is_listed_and_says_so(store: RunStore) -> None:
    made = store.create(Text(), "a")
    (store.folder(made.id) / runs.RECORD).write_text('{"id": 3', encoding="utf-8")
    (record,) = store.list()
    assert record.state == "failed" and "damaged" in record.message
    with pytest.raises(RunError) as caught:
        store.update(made.id, epochs_done=1)
    assert caught.value.kind == "damaged-run"


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s), max_leaves=5))
def test_any_value_is_read_or_refused_in_words(value: object) -> None:
    import json

    good = json.loads(RunRecord("a", "a", "t", "t").to_json())
    for name in good:
        try:
            read = record_from_json(json.dumps(good | {name: value}))
        except ValueError as error:
            assert str(error)
            continue
        assert record_from_json(read.to_json()).to_dict() == read.to_dict()


def test_a_deleted_run_comes_back_whole(store: RunStore) -> None:
    made = store.create(Text(), "a")
    (store.folder(made.id) / runs.CHECKPOINT).write_bytes(b"weights")
    token = store.delete(made.id)
    assert store.list() == []
    assert store.restore(token) == made
    assert (store.folder(made.id) / runs.CHECKPOINT).read_bytes() == b"weights"
    with pytest.raises(RunError) as caught:
        store.restore(token)
    assert caught.value.kind == "no-such-run"
    with pytest.raises(RunError):
        store.restore(f"../../{made.id}")


def test_old_trash_is_emptied_and_young_kept(store: RunStore) -> None:
    old, young, third = (store.create(Text(), name) for name in ("old", "young", "third"))
    token = store.delete(old.id)
    store.delete(young.id)
    trash = store.root / ".trash"
    os.rename(trash / token, trash / f"1000.{old.id}")
    store.delete(third.id)
    assert {path.name.partition(".")[2] for path in trash.iterdir()} == {young.id, third.id}


def test_one_trainer_a_run_and_no_deleting_meanwhile(store: RunStore) -> None:
    made = store.create(Text(), "a")
    with store.training(made.id):
        store.update(made.id, state="running")
        assert store.get(made.id).state == "running" and store.get(made.id).pid == os.getpid()
        for work in (lambda: store.training(made.id).__enter__(), lambda: store.delete(made.id)):
            with pytest.raises(RunError) as caught:
                work()
            assert caught.value.kind == "run-in-use"
    assert [record.id for record in store.interrupted()] == [made.id]
    with store.training(made.id):
        assert store.interrupted() == []


_TRAINER = """
import sys
from pathlib import Path
from desktop.store.runs import RunStore
store = RunStore(Path(sys.argv[1]))
with store.training(sys.argv[2]):
    store.update(sys.argv[2], state="running")
    print("trains", flush=True)
    sys.stdin.read()
"""


def test_a_killed_trainer_frees_its_run_and_is_seen(store: RunStore) -> None:
    made = store.create(Text(), "a", epochs=9)
    with child(_TRAINER, store.root, made.id) as process:
        assert process.stdout is not None and process.stdout.readline() == "trains\n"
        assert store.get(made.id).state == "running"
        with pytest.raises(RunError) as caught, store.training(made.id):
            pytest.fail("two trainers on one run")
        assert caught.value.kind == "run-in-use"
        process.kill()
        process.wait()
        (cut,) = store.interrupted()
        assert cut.id == made.id and cut.message and cut.pid == process.pid
    with store.training(made.id):  # the lock of a dead process is nobody's
        store.update(made.id, state="running", message="")
        assert store.get(made.id).state == "running"


_WRITER = """
import os, signal, sys
from pathlib import Path
from desktop.system import files as module
from desktop.store import runs
victim, count = sys.argv[3], int(sys.argv[4])
calls = 0
class Os:
    def __getattr__(self, name):
        real = getattr(os, name)
        if name != victim:
            return real
        def call(*arguments, **keywords):
            global calls
            calls += 1
            if calls == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keywords)
        return call
store = runs.RunStore(Path(sys.argv[1]))
class Plan:
    def to_json(self):
        return "{}"
module.os = runs.os = Os()
if sys.argv[2]:
    store.update(sys.argv[2], epochs_done=2)
else:
    store.create(Plan(), "new")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize("step", [("fsync", 1), ("replace", 1)])
def test_a_kill_at_every_step_of_an_update_leaves_the_old_record(store: RunStore, step: tuple[str, int]) -> None:
    made = store.create(Text(), "a")
    store.update(made.id, epochs_done=1)
    with child(_WRITER, store.root, made.id, *step) as process:
        assert process.wait() == -signal.SIGKILL
    assert store.get(made.id).epochs_done == 1
    assert store.update(made.id, epochs_done=3).epochs_done == 3  # the dead writer's lock is free


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize("step", [("fsync", 1), ("replace", 1), ("fsync", 2), ("replace", 2), ("rename", 1)])
def test_a_kill_at_every_step_of_creating_leaves_no_half_run(store: RunStore, step: tuple[str, int]) -> None:
    with child(_WRITER, store.root, "", *step) as process:
        assert process.wait() == -signal.SIGKILL
    assert store.list() == []
    assert store.create(Text(), "a").id in {record.id for record in store.list()}


_ADDER = """
import sys
from pathlib import Path
from desktop.store.runs import RunStore
store = RunStore(Path(sys.argv[1]))
for number in range(60):
    store.update(sys.argv[2], **{sys.argv[3]: number + 1})
"""


def test_two_writers_and_a_reader_never_lose_or_tear(store: RunStore) -> None:
    made = store.create(Text(), "a")
    seen: list[tuple[int, int]] = []
    with child(_ADDER, store.root, made.id, "epochs_done") as one, child(_ADDER, store.root, made.id, "epochs") as two:
        while one.poll() is None or two.poll() is None:
            record = store.get(made.id)
            seen.append((record.epochs_done, record.epochs))
        assert (one.returncode, two.returncode) == (0, 0)
    final = store.get(made.id)
    assert (final.epochs_done, final.epochs) == (60, 60)
    assert seen == sorted(seen, key=lambda pair: pair[0]) == sorted(seen, key=lambda pair: pair[1])


def test_threads_of_one_process_do_not_lose_changes_either(store: RunStore) -> None:
    made = store.create(Text(), "a")

    def write(field: str) -> None:
        for number in range(20):
            store.update(made.id, **{field: number + 1})

    threads = [threading.Thread(target=write, args=(field,)) for field in ("epochs", "epochs_done", "pid")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = store.get(made.id)
    assert (final.epochs, final.epochs_done, final.pid) == (20, 20, 20)


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, "disk-full"), (errno.EROFS, "not-writable")])
def test_a_full_or_read_only_disk_keeps_the_old_record_and_is_named(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    made = store.create(Text(), "a")

    def full(descriptor: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", full)
    for work in (lambda: store.update(made.id, epochs_done=2), lambda: store.create(Text(), "b")):
        with pytest.raises(RunError) as caught:
            work()
        assert caught.value.kind == kind and "not saved" in caught.value.message
    monkeypatch.undo()
    assert store.list() == [made]
    assert sorted(p.name for p in store.folder(made.id).iterdir()) == [".change.lock", "plan.json", "run.json"]


def test_the_batch_log_is_bounded_and_forgets_what_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "MOST_BATCH_ROWS", 10)
    path = tmp_path / "batches.csv"
    log = run_files.BatchLog(path)
    for step in range(64):
        log.add({"epoch": step // 32, "step": step % 32, "loss": 1 / (step + 1)})
    log.close()
    curve = run_files.read_curve(path)
    assert 5 <= len(curve["epoch"]) <= 10 and curve["epoch"] == sorted(curve["epoch"])
    assert all(math.isnan(value) for value in curve["rate"])
    with path.open("a") as stream:
        stream.write("1,33")  # torn by a kill
    again = run_files.BatchLog(path, epoch=1)
    again.add({"epoch": 1, "step": 0, "loss": 0.5})
    again.close()
    assert run_files.read_curve(path)["epoch"][-2:] == [0, 1]


@pytest.mark.parametrize("text", ["", "a", "a,b\n1\n", '"', "a,b\n1,x\n", "\0\0\n", "a\n" * 3])
def test_a_damaged_curve_is_empty_not_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(text, encoding="utf-8")
    assert not any(run_files.read_curve(path).values())
    assert run_files.read_curve(tmp_path / "none.csv") == {}


def test_names_that_are_no_text_can_be_kept(store: RunStore) -> None:
    made = store.create(Text(), "\udc80 pets", data="\udcff")
    assert store.get(made.id).data == "\udcff" and store.update(made.id, message="\udc80").message == "\udc80"


def test_half_a_checkpoint_goes_with_the_next_training(store: RunStore) -> None:
    folder = store.folder(store.create(Text(), "pets").id)
    half, whole = folder / ".checkpoint.npz.4194400-0123abcd.part", folder / runs.CHECKPOINT
    half.write_bytes(b"half")
    whole.write_bytes(b"whole")
    with runs.training_lock(folder):
        assert not half.exists() and whole.read_bytes() == b"whole"
        half.write_bytes(b"the trainer's own")
        with pytest.raises(RunError), runs.training_lock(folder):
            pass
        assert half.exists()  # whoever does not get the lock removes nothing
