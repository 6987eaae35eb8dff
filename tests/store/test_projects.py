"""Labelling projects on disk: nothing that was said is lost, whatever ends the process; undo, history, two windows."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.types import StoreError
from desktop.store.project import Project
from desktop.store.project_database import DATABASE
from desktop.store.project_facts import PictureState
from desktop.store.project_rows import FeatureRows
from desktop.store.projects import ProjectStore

NAMES = ("Äpfel", "日本語", "عربى", "नमस्ते", "קיפוד", "a/b:c*?", "..", "con", "👩‍🔬", "x" * 120)


@pytest.fixture
def store(tmp_path: Path) -> ProjectStore:
    return ProjectStore(tmp_path / "projects")


def filled(store: ProjectStore, count: int = 12, name: str = "pets") -> Project:
    project = store.create(name)
    project.add([(f"/pictures/p{number}.jpg", 100 + number, number) for number in range(count)])
    return project


def labels(project: Project) -> list[int]:
    return [int(label) for label in project.index().labels]


def test_a_project_is_made_listed_renamed_copied_deleted_and_taken_back(store: ProjectStore) -> None:
    with filled(store) as project:
        cat = project.add_class("cat")
        project.label([1, 2, 3], cat.id)
        assert (project.id, project.name) == ("pets", "pets")
    store.rename("pets", "Katzen 日本")
    (entry,) = store.entries()
    assert (entry.name, entry.pictures, entry.labelled, entry.classes, entry.problem) == ("Katzen 日本", 12, 3, 1, "")
    copy = store.duplicate("pets", "other")
    token = store.delete("pets")
    assert [entry.id for entry in store.entries()] == [copy]
    assert [held[:2] for held in store.deleted()] == [(token, "pets")]
    with store.open(copy) as project:
        assert labels(project)[:4] == [1, 1, 1, 0]
        project.undo()
        assert labels(project)[:4] == [0, 0, 0, 0]
    assert store.restore(token) == "pets"
    with store.open("pets") as project:
        assert labels(project)[:4] == [1, 1, 1, 0]
    assert store.find("Katzen 日本") == "pets"


def test_a_name_of_no_latin_letter_gets_an_id(store: ProjectStore) -> None:
    ids = [store.create(name).id for name in ("日本", "日本", "Model")]
    assert ids == ["project", "project-2", "model"]
    with pytest.raises(StoreError, match="2 projects are called"):
        store.find("日本")
    with pytest.raises(StoreError, match="there is no project"):
        store.find("nothing")
    for bad in ("", " \n", "\u200d", "y" * 121):
        with pytest.raises(StoreError):
            store.create(bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_may_be_called_in_any_script(store: ProjectStore, name: str) -> None:
    with filled(store) as project:
        made = project.add_class(name)
        assert project.find_class(name) == made
        project.label([1], made.id)
        assert project.history(1)[0].after == made.name
    with store.open("pets") as project:
        assert [c.name for c in project.classes()] == [made.name] and labels(project)[0] == made.id


def test_classes_that_read_alike_are_one(store: ProjectStore) -> None:
    with filled(store) as project:
        cafe = project.add_class("Café")
        for same in ("café", "CAFE\u0301", "  Café ", "\uff23\uff41\uff46é"):
            assert project.class_named(same).id == cafe.id
            with pytest.raises(StoreError, match="there is a class"):
                project.add_class(same)
        other = project.add_class("tea")
        with pytest.raises(StoreError, match="there is a class"):
            project.rename_class(other.id, "cafÉ")
        project.rename_class(cafe.id, "CAFÉ")
        assert [c.name for c in project.classes()] == ["CAFÉ", "tea"]


def test_keys_belong_to_one_class_each(store: ProjectStore) -> None:
    with store.create("k") as project:
        made = [project.add_class(f"c{n}") for n in range(11)]
        assert [c.key for c in made] == [*"123456789", "", ""]
        project.set_key(made[10].id, "1")
        keys = {c.name: c.key for c in project.classes()}
        assert keys["c10"] == "1" and keys["c0"] == ""
        project.undo()
        assert {c.name: c.key for c in project.classes()}["c0"] == "1"
        with pytest.raises(StoreError):
            project.set_key(made[0].id, "ab")


def test_undo_and_redo_go_over_everything_and_forget_nothing(store: ProjectStore) -> None:
    with filled(store, 6) as project:
        cat, dog = project.add_class("cat"), project.add_class("dog")
        project.label([1, 2], cat.id)
        project.label([2, 3], dog.id, "suggestion")
        project.star([1])
        project.note(1, "blurred")
        project.merge(dog.id, cat.id)
        assert labels(project) == [1, 1, 1, 0, 0, 0] and [c.name for c in project.classes()] == ["cat"]
        project.remove([1, 4])
        assert len(project.index()) == 4
        steps = 0
        while project.undo() is not None:
            steps += 1
        assert steps == 9 and len(project.index()) == 0 and project.classes() == []
        for _ in range(steps):
            assert project.redo() is not None
        assert project.redo() is None and len(project.index()) == 4
        picture = project.picture(1)
        assert picture.star and picture.note == "blurred" and picture.label == cat.id
        assert [(change.before, change.after, change.how) for change in project.history(2)] == [
            ("", "cat", "hand"), ("cat", "dog", "suggestion"), ("dog", "cat", "hand"),
        ]  # fmt: skip
        project.undo()
        project.label([5], cat.id)
        assert project.to_redo() is None  # a new step: what was undone cannot be done again, and stays in the history
        assert any(action.undone for action in project.actions())


def test_one_step_holds_all_that_was_done_in_it_or_nothing(store: ProjectStore) -> None:
    with filled(store, 3) as project:
        before = project.revision
        with project.one_step("import", "import"):
            made = project.class_named("cat")
            project.label([1, 2], made.id)
        assert project.revision == before + 1
        action = project.undo()
        assert action is not None and action.count == 2 and project.classes() == [] and labels(project) == [0, 0, 0]
        with pytest.raises(StoreError):
            fail_within(project)
        assert project.classes() == []
        project.redo()
        assert labels(project) == [made.id, made.id, 0]


def fail_within(project: Project) -> None:
    with project.one_step("import", "import"):
        project.class_named("dog")
        project.label([1], 77)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(0, 3)), max_size=25))
def test_undoing_everything_gives_what_was_before(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
) -> None:
    store = ProjectStore(tmp_path_factory.mktemp("p"))
    with filled(store, 6) as project:
        ids = [project.add_class(name).id for name in ("a", "b", "c")]
        states = []
        for what, picture, which in steps:
            states.append(state_of(project))
            alive = [c.id for c in project.classes()]
            chosen = ids[which - 1] if which and ids[which - 1] in alive else None
            if what <= 2:
                project.label([picture, picture % 6 + 1], chosen)
            elif what == 3:
                project.remove([picture])
            elif what == 4 and chosen is not None:
                project.remove_class(chosen)
            elif what == 5 and chosen is not None and len(alive) > 1:
                project.merge(chosen, next(other for other in alive if other != chosen))
            else:
                project.star([picture], bool(which))
        after = state_of(project)
        for state in reversed(states):
            assert project.undo() is not None
            assert state_of(project) == state
        for _ in states:
            project.redo()
        assert state_of(project) == after


def state_of(project: Project) -> object:
    index = project.index()
    return (
        index.ids.tolist(), index.labels.tolist(), index.stars.tolist(), [(c.id, c.name) for c in project.classes()],
    )  # fmt: skip


def test_paths_of_any_kind_come_back_as_they_were(store: ProjectStore) -> None:
    odd = ["/p/Ünï 日本 نص.jpg", os.fsdecode(b"/p/no-text-\xff\xfe.png"), "/p/new\nline.jpg", "/p/" + "x" * 250]
    with store.create("paths") as project:
        ids = project.add([(path, 1, 1) for path in odd])
        own = str(project.folder / "kept" / "k.png")
        ids += project.add([(own, 1, 1)])
        assert [picture.path for picture in project.pictures(ids)] == [*odd, own]
        assert project.find(odd) == dict(zip(odd, ids, strict=False))
        assert project.add([(odd[0], 1, 1)]) == []
    copy = store.duplicate("paths", "copy")
    with store.open(copy) as project:  # what lies in the project's folder is looked for in the copy's
        assert project.pictures(ids)[-1].path == str(project.folder / "kept" / "k.png")


def test_two_windows_see_each_others_changes(store: ProjectStore) -> None:
    first = filled(store)
    second = store.open("pets")
    made = first.add_class("cat")
    seen = second.revision
    first.label([1], made.id)
    assert second.revision == seen + 1 and labels(second)[0] == made.id
    second.label([2], made.id)
    first.undo()
    assert labels(first)[:2] == [made.id, 0]
    errors: list[Exception] = []

    def write(project: Project, start: int) -> None:
        try:
            for number in range(40):
                project.label([start + number % 5], made.id if number % 2 else None)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(project, start)) for project, start in ((first, 1), (second, 6))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and labels(first) == labels(second)
    assert len(first.actions(200)) == 2 + 1 + 1 + 80  # add, class; two labels, of which one was undone; all of both
    first.close()
    second.close()


LABELLER = """
import sys
from pathlib import Path
from desktop.store.project import Project
with Project(Path(sys.argv[1])) as project:
    count = len(project.index())
    for number in range(100_000):
        project.label([number % count + 1], 1 + number // count % 2)
        print(number, flush=True)
"""


def test_a_kill_at_any_moment_loses_no_label_that_was_said(store: ProjectStore) -> None:
    """The process is killed while it labels; each label whose call had returned is there, and the file is whole."""
    with filled(store, 50) as project:
        project.add_class("a")
        project.add_class("b")
        folder = project.folder
    rng = np.random.default_rng(1)
    total = 0
    for _ in range(8):
        with Project(folder) as project:
            before = len(project.actions(1_000_000))
        child = subprocess.Popen([sys.executable, "-c", LABELLER, str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = -1
        for line in child.stdout:
            said = int(line)
            if said >= int(rng.integers(3, 60)):
                os.kill(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
                break
        for line in child.stdout:  # what it had said before it died
            if line.endswith("\n"):
                said = int(line)
        child.wait()
        with Project(folder) as project:
            done = len(project.actions(1_000_000)) - before
            assert said + 1 <= done <= said + 2
            last = project.actions(1)[0]
            (change,) = project.history((done - 1) % 50 + 1)[-1:]
            assert last.kind == "label" and change.after == "ab"[(done - 1) // 50 % 2]
            total += done
        with sqlite3.connect(folder / DATABASE) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert total > 8


def test_a_kill_at_every_write_of_a_label_leaves_it_whole_or_unsaid(store: ProjectStore, tmp_path: Path) -> None:
    """What the disk holds after each part of each write: SQLite appends to its log, so every beginning of the log is
    what a kill or a power cut may leave. A label whose call had returned is there, the one under way is there or not,
    and the next label can be given."""
    with filled(store, 30) as project:
        made = [project.add_class(name).id for name in "ab"]
        log = project.folder / f"{DATABASE}-wal"
        known = len(project.actions(1000))
        lengths = [log.stat().st_size]
        for number in range(6):
            project.label([number + 1], made[number % 2])
            lengths.append(log.stat().st_size)
        whole, base = log.read_bytes(), (project.folder / DATABASE).read_bytes()
        folder = project.folder
        assert lengths == sorted(set(lengths)), "each label appends to the log"
    half = (4096 + 24) // 2  # half of a page with its head: every second cut is the end of a page
    for cut in range(lengths[0], lengths[-1] + 1, half):
        place = tmp_path / "cut" / folder.name
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns(f"{DATABASE}*"))
        (place / DATABASE).write_bytes(base)
        (place / f"{DATABASE}-wal").write_bytes(whole[:cut])
        said = sum(length <= cut for length in lengths[1:])
        with Project(place) as left:
            there = len(left.actions(1000)) - known
            assert there in (said, said + 1)
            assert labels(left)[:there] == [made[n % 2] for n in range(there)]
            assert not any(labels(left)[there:])
            left.label([30], made[0])
            assert labels(left)[29] == made[0]
            with left.database.reading() as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        shutil.rmtree(tmp_path / "cut")


def test_a_full_disk_is_said_and_loses_nothing(store: ProjectStore) -> None:
    with filled(store, 400) as project:
        made = project.add_class("a" * 100)
        project.label([1], made.id)
        with project.database.reading() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError) as caught:
            fill_up(project, made.id)
        assert caught.value.kind == "disk-full" and "full" in caught.value.message
        told = len(project.actions(1000))
    with store.open("pets") as project:
        assert len(project.actions(1000)) == told
        project.label([2], made.id)
        assert labels(project)[1] == made.id


def fill_up(project: Project, class_id: int) -> None:
    for _ in range(200):
        project.label(list(range(1, 400)), class_id)
        project.label(list(range(1, 400)), None)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_disk_that_may_not_be_written_to_is_said(store: ProjectStore) -> None:
    with filled(store) as project:
        folder = project.folder
    folder.chmod(0o500)
    (folder / DATABASE).chmod(0o400)
    try:
        with pytest.raises(StoreError, match="may not be written to"), Project(folder) as project:
            project.add_class("a")
    finally:
        folder.chmod(0o700)


def test_damaged_projects_are_listed_with_what_is_wrong(store: ProjectStore) -> None:
    for name, content in (("empty", b""), ("noise", b"\x07" * 5000), ("cut", None)):
        with filled(store, 300, name) as project:
            file = project.folder / DATABASE
        for other in file.parent.glob(f"{DATABASE}-*"):
            other.unlink()
        file.write_bytes(file.read_bytes()[:4096] if content is None else content)
    (store.root / "no-project").mkdir()
    found = {entry.id: entry.problem for entry in store.entries()}
    assert set(found) == {"empty", "noise", "cut", "no-project"} and all(found.values())
    for name in found:
        with pytest.raises(StoreError):
            store.open(name)
        store.delete(name)
    assert store.entries() == []


def test_a_newer_project_is_left_alone(store: ProjectStore) -> None:
    with filled(store) as project:
        file = project.folder / DATABASE
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError) as caught:
        store.open("pets")
    assert caught.value.kind == "newer"


def test_a_hundred_thousand_pictures(store: ProjectStore) -> None:
    with store.create("large") as project:
        project.add((f"/p/{number // 1000}/{number}.jpg", number, number) for number in range(100_000))
        index = project.index()
        assert len(index) == 100_000 and index.names[-1] == "99999.jpg"
        places = index.places(np.array([1, 100_000, 100_001, 0]))
        assert places.tolist() == [0, 99_999]


def test_a_label_given_again_means_what_the_file_holds_now(store: ProjectStore) -> None:
    with filled(store, 2) as project:
        made = project.add_class("a")
        project.label([1], made.id)
        with project.database.changing("looked") as connection:
            connection.execute(
                "UPDATE pictures SET state = ?, sha256 = ? WHERE id = 1", (PictureState.REPLACED, b"n" * 32)
            )
        assert project.picture(1).state is PictureState.REPLACED
        project.label([1], made.id)
        assert project.picture(1).state is PictureState.NEW
        with project.database.reading() as connection:
            assert connection.execute("SELECT labelled_sha256 FROM pictures WHERE id = 1").fetchone()[0] == b"n" * 32


def test_rows_are_whole_or_absent_and_shared(store: ProjectStore) -> None:
    with filled(store) as project:
        rng = np.random.default_rng(0)
        made = {(bytes([n]) * 32, 0): rng.normal(size=24).astype(np.float32) for n in range(50)}
        rows = FeatureRows(project.database, "ab" * 32, 24)
        rows.add(dict(list(made.items())[:30]))
        with rows.path.open("ab") as stream:
            stream.write(b"\x01" * 17)  # a kill in the middle of a row
        rows.add(dict(list(made.items())[20:]))
        with store.open("pets") as other:
            theirs = FeatureRows(other.database, "ab" * 32, 24)
            places = theirs.places()
            assert len(places) == 50
            found = theirs.take([places[key] for key in made])
            assert np.abs(found - np.stack(list(made.values()))).max() < 2e-3
            assert FeatureRows(other.database, "cd" * 32, 24).places() == {}
            theirs.close()
        rows.close()


def test_leftovers_of_a_kill_while_a_project_was_made_are_cleared(store: ProjectStore) -> None:
    filled(store).close()
    old = store.root / ".building-abc"
    old.mkdir()
    os.utime(old, (1, 1))
    store.create("other").close()
    assert not old.exists() and [entry.id for entry in store.entries()] != []
