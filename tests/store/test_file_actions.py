"""Moving and copying users' files: nothing written over, nothing lost, whatever happens in the middle."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.store import file_actions
from desktop.store.file_actions import FileActions, FileOutcome
from desktop.store.file_journal import FileActionError, FileStep, Journal, Kind
from desktop.system import files

CONTENT = {"a.jpg": b"A" * 3000, "b.jpg": b"B" * 2_500_000, "c.jpg": b""}


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    """A folder of three files."""
    folder = tmp_path / "heap"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (1_600_000_000, 1_600_000_000))
    return folder


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a rename out of a folder is refused, as between two disks."""
    rename = files.move_new

    def refusing(source: Path, target: Path) -> None:
        if source.parent != target.parent:
            raise OSError(errno.EXDEV, "another disk")
        rename(source, target)

    monkeypatch.setattr(file_actions, "move_new", refusing)


def step(source: Path, target: Path) -> FileStep:
    facts = source.stat()
    return FileStep(str(source), str(target), facts.st_size, facts.st_mtime_ns)


def into(heap: Path, target: Path) -> list[FileStep]:
    """Every file of ``heap`` into ``target``'s folders 'x' and 'y'."""
    return [step(heap / name, target / "xy"[n % 2] / name) for n, name in enumerate(sorted(CONTENT))]


def where(root: Path) -> dict[str, bytes]:
    """Every file below ``root``, those half written and journals too: path and content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "journals" not in path.parts
    }


def actions(tmp_path: Path) -> FileActions:
    return FileActions(tmp_path / "journals")


MOVED = {"out/x/a.jpg": CONTENT["a.jpg"], "out/y/b.jpg": CONTENT["b.jpg"], "out/x/c.jpg": CONTENT["c.jpg"]}
BEFORE = {f"heap/{name}": content for name, content in CONTENT.items()}


def test_moving_and_back_again(tmp_path: Path, heap: Path) -> None:
    heard: list[tuple[int, int]] = []
    done = actions(tmp_path).run("move", "by answer", into(heap, tmp_path / "out"), lambda *told: heard.append(told))
    assert done.done == [0, 1, 2] and not done.left and not done.stopped and heard == [(1, 3), (2, 3), (3, 3)]
    assert where(tmp_path) == MOVED
    record = actions(tmp_path).latest()  # another object, as after a restart
    assert record is not None and (record.kind, record.title, record.done) == ("move", "by answer", 3)
    undone = actions(tmp_path).undo(record.id)
    assert len(undone.done) == 3 and not undone.left
    assert where(tmp_path) == BEFORE and not (tmp_path / "out" / "x").exists()
    assert actions(tmp_path).latest() is None
    assert [row[2] for row in actions(tmp_path).rows(record.id)] == ["undone"] * 3


@pytest.mark.usefixtures("other_disk")
def test_moving_to_another_disk_and_back(tmp_path: Path, heap: Path) -> None:
    done = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert not done.left and where(tmp_path) == MOVED
    assert (tmp_path / "out/x/a.jpg").stat().st_mtime == 1_600_000_000
    actions(tmp_path).undo(done.id)
    assert where(tmp_path) == BEFORE


def test_copying_leaves_the_files_and_its_undo_deletes_the_copies(tmp_path: Path, heap: Path) -> None:
    done = actions(tmp_path).run("copy", "", into(heap, tmp_path / "out"))
    assert where(tmp_path) == BEFORE | MOVED
    (tmp_path / "out/x/a.jpg").write_bytes(b"somebody has drawn into it")
    undone = actions(tmp_path).undo(done.id)
    assert undone.left == {0: "it was changed meanwhile"}
    assert where(tmp_path) == BEFORE | {"out/x/a.jpg": b"somebody has drawn into it"}


def test_a_picture_without_a_file_is_written(tmp_path: Path) -> None:
    steps = [FileStep("", str(tmp_path / "out" / "frame.png"), data=b"pixels")]
    done = actions(tmp_path).run("move", "", steps)
    assert where(tmp_path) == {"out/frame.png": b"pixels"}
    assert actions(tmp_path).undo(done.id).done == [0] and where(tmp_path) == {}


# What is left alone


def test_nothing_is_ever_written_over(tmp_path: Path, heap: Path) -> None:
    steps = into(heap, tmp_path / "out")
    (tmp_path / "out/x").mkdir(parents=True)
    (tmp_path / "out/x/a.jpg").write_bytes(b"mine")
    done = actions(tmp_path).run("move", "", steps)
    assert done.left == {0: "there is a file of that name now"} and done.done == [1, 2]
    assert where(tmp_path) == {**MOVED, "out/x/a.jpg": b"mine", "heap/a.jpg": CONTENT["a.jpg"]}


def test_a_file_that_was_changed_or_is_gone_is_not_touched(tmp_path: Path, heap: Path) -> None:
    steps = into(heap, tmp_path / "out")
    (heap / "a.jpg").write_bytes(b"A" * 2999 + b"!")  # of the same size
    (heap / "b.jpg").unlink()
    (heap / "b.jpg").symlink_to(heap / "c.jpg")
    (heap / "c.jpg").unlink()
    done = actions(tmp_path).run("move", "", steps)
    assert done.done == []
    assert done.left == {
        0: "it was changed meanwhile",
        1: "it is a link or no plain file",
        2: "it is not there any more",
    }


def test_undo_leaves_what_would_be_in_the_way(tmp_path: Path, heap: Path) -> None:
    done = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    (heap / "a.jpg").write_bytes(b"new")
    undone = actions(tmp_path).undo(done.id)
    assert undone.left == {0: "there is another file at its old place now"}
    assert where(tmp_path) == {**BEFORE, "heap/a.jpg": b"new", "out/x/a.jpg": CONTENT["a.jpg"]}
    (heap / "a.jpg").unlink()
    assert actions(tmp_path).undo(done.id).done == [0]  # what was left can still be taken back
    assert where(tmp_path) == BEFORE


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folders_are_said(tmp_path: Path, heap: Path) -> None:
    steps = into(heap, tmp_path / "out")
    heap.chmod(0o555)
    try:
        done = actions(tmp_path).run("move", "", steps)
    finally:
        heap.chmod(0o755)
    assert len(done.left) == 3 and "may not be written to" in done.left[0]
    assert where(tmp_path) == BEFORE


@pytest.mark.usefixtures("other_disk")
@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS, errno.EBUSY])
def test_a_source_that_cannot_be_deleted_stays_the_only_one(
    tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    unlink = os.unlink

    def refusing(path: Any, *more: Any, **others: Any) -> None:
        if Path(path).parent == heap:
            raise OSError(error, os.strerror(error))
        unlink(path, *more, **others)

    monkeypatch.setattr(os, "unlink", refusing)
    done = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert len(done.left) == 3 and where(tmp_path) == BEFORE


@pytest.mark.parametrize("kind", ["copy", "move"])
@pytest.mark.usefixtures("other_disk")
def test_a_full_disk_stops_it_and_leaves_nothing_half(
    tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    def full(path: Path) -> None:
        if path.name.startswith(".b.jpg"):
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(file_actions, "flush_file", full)
    done = actions(tmp_path).run(kind, "", into(heap, tmp_path / "out"))
    assert done.stopped == "the disk is full" and done.done == [0]
    kept = where(tmp_path)
    assert kept["out/x/a.jpg"] == CONTENT["a.jpg"] and not any(".part" in name for name in kept)
    assert kept["heap/b.jpg"] == CONTENT["b.jpg"] and "out/y/b.jpg" not in kept and "out/x/c.jpg" not in kept


@pytest.mark.usefixtures("other_disk")
def test_a_disk_that_fails_is_noticed(tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read again is not what was written: the file at the old place stays."""

    def rotting(path: Path) -> None:
        data = bytearray(path.read_bytes())
        if data:
            data[0] ^= 1
            path.write_bytes(data)

    monkeypatch.setattr(file_actions, "flush_file", rotting)
    done = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert "may be failing" in done.left[0] and "may be failing" in done.left[1]
    kept = where(tmp_path)
    assert kept["heap/a.jpg"] == CONTENT["a.jpg"] and "out/x/a.jpg" not in kept


def test_cancelling_stops_between_two_files(tmp_path: Path, heap: Path) -> None:
    seen: list[int] = []
    outcome = actions(tmp_path).run(
        "move", "", into(heap, tmp_path / "out"), lambda done, of: seen.append(done), lambda: len(seen) == 1
    )
    assert outcome.cancelled and outcome.done == [0]
    actions(tmp_path).undo(outcome.id)
    assert where(tmp_path) == BEFORE


def test_without_a_journal_nothing_is_touched(tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Journal, line: Any, hard: bool = False) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Journal, "note", full)
    with pytest.raises(FileActionError) as error:
        actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert error.value.kind == "not-saved" and where(tmp_path) == BEFORE


def test_a_log_that_cannot_be_written_in_the_middle_stops_it(
    tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Journal.note

    def failing(self: Journal, line: Any, hard: bool = False) -> None:
        if line.get("at") == "done":
            raise OSError(errno.ENOSPC, "full")
        note(self, line, hard)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "note", failing)
        outcome = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert "log" in outcome.stopped
    record = actions(tmp_path).records()[0]
    actions(tmp_path).recover()
    actions(tmp_path).undo(record.id)
    assert where(tmp_path) == BEFORE


def test_two_at_once_wait_for_each_other(tmp_path: Path, heap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_actions, "_WAIT_S", 0.0)
    held = actions(tmp_path)
    with held._alone(), pytest.raises(FileActionError) as error:
        actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    assert error.value.kind == "busy" and where(tmp_path) == BEFORE


def test_a_damaged_journal_stands_in_nobodys_way(tmp_path: Path, heap: Path) -> None:
    done = actions(tmp_path).run("move", "", into(heap, tmp_path / "out"))
    (tmp_path / "journals" / "20200101-000000-x.jsonl").write_text('{"schema": 1}\n')
    (tmp_path / "journals" / "20200101-000001-x.jsonl").write_text('{"at": "done", "n": 77}\n')
    (tmp_path / "journals" / "20200101-000002-x.jsonl").write_bytes(b"\xff\n")
    assert [record.id for record in actions(tmp_path).records()] == [done.id]
    for wrong in ("20200101-000000-x", "../../etc/passwd", "none", ""):
        with pytest.raises(FileActionError):
            actions(tmp_path).undo(wrong)
    actions(tmp_path).undo(done.id)
    assert where(tmp_path) == BEFORE


# Killed in the middle


def _killing(at: int, after: bool) -> Callable[[], None]:
    """Wrap every call that changes a disk: this process dies at the call with the number ``at``, before or after it."""
    count = [0]

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(*arguments: Any, **others: Any) -> Any:
            count[0] += 1
            if count[0] == at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            this = count[0]
            try:
                return call(*arguments, **others)
            finally:
                if this == at and after:
                    os.kill(os.getpid(), signal.SIGKILL)

        return calling

    def patch() -> None:
        Journal.note = wrapped(Journal.note)  # type: ignore[method-assign]
        for name in ("move_new", "flush_file", "flush_folder"):
            setattr(file_actions, name, wrapped(getattr(file_actions, name)))
        os.unlink = wrapped(os.unlink)
        Path.unlink = wrapped(Path.unlink)  # type: ignore[method-assign]
        Path.mkdir = wrapped(Path.mkdir)  # type: ignore[method-assign]
        os.rmdir = wrapped(os.rmdir)

    return patch


def _in_a_process_killed(at: int, after: bool, work: Callable[[], FileOutcome]) -> bool:
    """Whether ``work`` came to its end in a process that dies at its call number ``at``."""
    patch = _killing(at, after)
    pid = os.fork()
    if pid == 0:
        patch()
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("disk", ["same", "other"])
@pytest.mark.parametrize("way", ["move", "copy", "undo"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_every_file_is_in_one_place(
    tmp_path: Path, disk: str, way: str, after: bool, request: pytest.FixtureRequest
) -> None:
    if disk == "other":
        request.getfixturevalue("other_disk")
    at, through = 0, False
    while not through:
        at += 1
        root = tmp_path / str(at)
        heap = root / "heap"
        heap.mkdir(parents=True)
        few = {name: CONTENT[name][:5000] for name in ("a.jpg", "b.jpg")}
        for name, content in few.items():
            (heap / name).write_bytes(content)
        before = {f"heap/{name}": content for name, content in few.items()}
        steps = [step(heap / name, root / "out" / "xy"[n] / name) for n, name in enumerate(few)]
        store, kind = actions(root), cast(Kind, "copy" if way == "copy" else "move")
        work: Callable[[], FileOutcome] = partial(store.run, kind, "", steps)
        if way == "undo":
            work = partial(store.undo, work().id)
        through = _in_a_process_killed(at, after, work)
        # As at the next start.
        actions(root).recover()
        kept = where(root)
        assert not any(".part" in name for name in kept), at
        for old, content in before.items():
            new = f"out/{'x' if 'a.jpg' in old else 'y'}/{Path(old).name}"
            places = [name for name in (old, new) if name in kept]
            assert all(kept[name] == content for name in places), at
            if way == "copy":
                assert old in places, at
            else:
                assert len(places) == 1, (at, places)
        # And it can be taken back.
        for record in actions(root).records():
            if record.done:
                assert not actions(root).undo(record.id).left, at
        assert where(root) == before, at
        shutil.rmtree(root)
    assert at > 8


@settings(max_examples=60)
@given(st.integers(0, 400), st.binary(max_size=12))
def test_a_journal_cut_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, more: bytes
) -> None:
    root = tmp_path_factory.mktemp("cut")
    heap = root / "heap"
    heap.mkdir()
    (heap / "a.jpg").write_bytes(b"abc")
    done = actions(root).run("move", "", [step(heap / "a.jpg", root / "out" / "a.jpg")])
    file = root / "journals" / f"{done.id}.jsonl"
    file.write_bytes(file.read_bytes()[:at] + more)
    actions(root).recover()
    for record in actions(root).records():
        if record.done:
            actions(root).undo(record.id)
    assert sorted(where(root).values()) == [b"abc"]
