"""The process that learns from a project's labels: real pictures, a real child, killed, crowded out, and gone."""

from __future__ import annotations

import collections
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from PIL import Image, ImageFilter

from desktop.app import teaching
from desktop.engine.teacher import Teacher
from desktop.engine.teaching import TeachClient
from desktop.engine.teaching_events import (
    AskCopies,
    AskHeaps,
    AskMissing,
    AskOrder,
    Copies,
    Heaps,
    LabelCurve,
    Learned,
    LookAgain,
    LookAheadAt,
    LookedAt,
    Missing,
    Ordered,
    Refused,
    Request,
    TeachEvent,
    TeachingEnded,
)
from desktop.ml.teaching.looking import LookingProgress
from desktop.store.project import Project
from desktop.store.project_facts import PictureState
from desktop.store.projects import ProjectStore
from tests.patience import patient

MODEL = "cifar10"  # small and bundled; what holds for it holds for the large one
KINDS = ("stripes", "dots", "flat")


def paint(path: Path, kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = np.full((64, 64, 3), random.integers(90, 160, 3), np.uint8)
    if kind == "stripes":
        pixels[:, :: int(random.integers(4, 9))] = (240, 30, 20)
    elif kind == "dots":
        for _ in range(40):
            y, x = random.integers(0, 60, 2)
            pixels[y : y + 4, x : x + 4] = (10, 40, 240)
    pixels = np.clip(pixels + random.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(90):
        kind = KINDS[number % 3]
        paint(tmp_path / "photos" / f"{kind}_{number:02d}.png", kind, number)
    return tmp_path / "photos"


@pytest.fixture
def project(tmp_path: Path, pictures: Path) -> Iterator[Project]:
    with ProjectStore(tmp_path / "projects").create("kinds") as made:
        for name in KINDS:
            made.add_class(name)
        teaching.add_pictures(made, [pictures])
        yield made


def truth(project: Project, number: int) -> int:
    kind = project.picture(number).name.split("_")[0]
    return KINDS.index(kind) + 1


_LEFT: WeakKeyDictionary[TeachClient, list[TeachEvent]] = WeakKeyDictionary()
_LOOKED: WeakKeyDictionary[TeachClient, int] = WeakKeyDictionary()


def until(client: TeachClient, done: Callable[[TeachEvent], bool]) -> TeachEvent:
    """The first event that is meant; those behind it, which came along, are left for the next question."""
    end = time.monotonic() + patient(60)
    held = _LEFT.setdefault(client, [])
    while time.monotonic() < end:
        held += client.events(0.5) if not held else []
        while held:
            event = held.pop(0)
            if isinstance(event, LookedAt):
                _LOOKED[client] = event.done
            if done(event):
                return event
            assert not isinstance(event, TeachingEnded), event
    raise AssertionError("nothing came")


def looked(client: TeachClient, count: int) -> None:
    if _LOOKED.get(client, 0) < count:
        until(client, lambda event: isinstance(event, LookedAt) and event.done >= count)


def asked(client: TeachClient, request: object, kind: type) -> TeachEvent:
    client.send(request)  # type: ignore[arg-type]
    return until(client, lambda event: isinstance(event, kind))


def taught(client: TeachClient, project: Project) -> Learned:
    revision = project.revision
    client.send(LookAgain())
    found = until(client, lambda event: isinstance(event, Learned) and event.revision >= revision)
    assert isinstance(found, Learned)
    return found


def test_it_looks_learns_suggests_and_says_how_good_it_is(project: Project) -> None:
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)
        order = asked(client, AskOrder(1, "uncertain", 12), Ordered)
        assert isinstance(order, Ordered) and len(order.ids) == 12 == len(set(order.ids.tolist()))
        for number in order.ids.tolist():
            project.label([number], truth(project, number))
        learned = taught(client, project)
        assert len(learned.ids) == 90 and len(learned.labelled) == 12 and learned.accuracy.value is None
        for _ in range(4):
            order = asked(client, AskOrder(2, "uncertain", 10), Ordered)
            assert isinstance(order, Ordered) and not set(order.ids.tolist()) & set(learned.labelled.tolist())
            project.label_each({number: truth(project, number) for number in order.ids.tolist()}, "hand")
            learned = taught(client, project)
        right = [
            learned.suggestion(place)[0] == truth(project, number) for place, number in enumerate(learned.ids.tolist())
        ]
        assert np.mean(right) > 0.8
        assert np.allclose(learned.scores.sum(axis=1), 1, atol=1e-4) and len(learned.held_out) == 52
        estimate = learned.accuracy
        while estimate.value is None:  # the draw decides how many of these it came upon
            order = asked(client, AskOrder(3, "drawn", 6), Ordered)
            assert isinstance(order, Ordered)
            project.label_each({number: truth(project, number) for number in order.ids.tolist()}, "hand")
            learned = taught(client, project)
            estimate = learned.accuracy
        assert estimate.low is not None and estimate.low <= estimate.value <= estimate.high  # type: ignore[operator]
        assert learned.drawn >= 20
        curve = until(client, lambda event: isinstance(event, LabelCurve))
        assert isinstance(curve, LabelCurve) and (curve.points or curve.reason)


def test_each_order_shows_what_it_says(project: Project) -> None:
    ids = project.index().ids.tolist()
    for number in ids[:45]:
        project.label([number], truth(project, number))
    wrong = ids[3]
    project.label([wrong], truth(project, wrong) % 3 + 1)
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)
        mistakes = asked(client, AskOrder(1, "mistakes", 5), Ordered)
        assert isinstance(mistakes, Ordered) and wrong in mistakes.ids.tolist()
        nearest = asked(client, AskOrder(2, "nearest", 10, near=ids[0], without_label=False), Ordered)
        assert isinstance(nearest, Ordered) and ids[0] not in nearest.ids.tolist()
        assert sum(truth(project, int(number)) == truth(project, ids[0]) for number in nearest.ids) >= 8
        file = project.picture(ids[1]).path
        outside = asked(client, AskOrder(3, "nearest", 3, near_file=file, without_label=False), Ordered)
        assert isinstance(outside, Ordered) and outside.ids[0] == ids[1]
        sure = asked(client, AskOrder(4, "suggested", 90, class_id=2, at_least=0.5), Ordered)
        assert isinstance(sure, Ordered) and (np.diff(sure.values) <= 0).all() and (sure.values >= 0.5).all()
        newest = asked(client, AskOrder(5, "newest", 4, without_label=False), Ordered)
        assert isinstance(newest, Ordered) and newest.ids.tolist() == ids[::-1][:4]
        unlike = asked(client, AskOrder(6, "unlike", 5), Ordered)
        assert isinstance(unlike, Ordered) and not set(unlike.ids.tolist()) & set(ids[:45])
        refused = asked(client, AskOrder(7, "nearest", 5, near=99_999), Refused)
        assert isinstance(refused, Refused) and refused.number == 7
        heaps = asked(client, AskHeaps(8, heaps=3), Heaps)
        assert isinstance(heaps, Heaps) and sum(len(heap.ids) for heap in heaps.heaps) == 45
        pure = [max(np.bincount([truth(project, n) for n in heap.ids])) / len(heap.ids) for heap in heaps.heaps]
        assert np.mean(pure) > 0.8


def test_copies_and_bursts_are_found_the_sharpest_first(project: Project, pictures: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    scene = Image.fromarray(random.integers(0, 255, (24, 32, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    scene.save(tmp_path / "shot_b.png")
    scene.filter(ImageFilter.GaussianBlur(1)).save(tmp_path / "shot_a.png")
    (tmp_path / "same.png").write_bytes((pictures / "dots_01.png").read_bytes())
    extra = teaching.add_pictures(project, [tmp_path / n for n in ("shot_a.png", "shot_b.png", "same.png")]).ids
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 93)
        found = asked(client, AskCopies(1), Copies)
        assert isinstance(found, Copies)
        groups = {group.kind: group for group in found.groups if set(group.ids) & set(extra)}
        assert groups["near"].ids == (extra[1], extra[0]) and groups["near"].best == extra[1]
        assert extra[2] in groups["same"].ids and len(groups["same"].ids) == 2


def test_who_is_told_of_pictures_is_answered_with_them() -> None:
    """The flag that there are new pictures is up before they are told of, however fast the question comes."""
    heard: list[bool] = []
    teacher = Teacher.__new__(Teacher)
    teacher._bell, teacher._new_pictures = threading.Condition(), False
    teacher._tell = lambda event: heard.append(teacher._new_pictures)  # type: ignore[method-assign]
    teacher._looked(LookingProgress(3, 3, 0, 1.0, (1, 2, 3)))
    assert heard == [True]


def test_what_does_not_open_is_set_aside_and_what_comes_first_comes_first(project: Project, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_bytes(b"no picture at all")
    bad = teaching.add_pictures(project, [tmp_path / "text.png"]).ids[0]
    project.label([bad], 1)
    with TeachClient(project.folder, MODEL) as client:
        client.send(LookAheadAt((bad,)))
        first = until(client, lambda event: isinstance(event, LookedAt) and bool(event.ids))
        assert isinstance(first, LookedAt)
        looked(client, 91)
        picture = project.picture(bad)
        assert picture.state is PictureState.BROKEN and picture.problem and picture.label == 1
        learned = taught(client, project)
        assert bad not in learned.ids.tolist() and len(learned.ids) == 90


def test_moved_pictures_are_found_again_and_replaced_ones_are_not_learned_from(
    project: Project, pictures: Path, tmp_path: Path
) -> None:
    ids = project.index().ids.tolist()
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)
        project.label_each({number: truth(project, number) for number in ids[:30]}, "hand")
        moved, gone, replaced = (project.picture(number) for number in ids[:3])
        (tmp_path / "elsewhere").mkdir()
        os.rename(moved.path, tmp_path / "elsewhere" / "other name.png")
        os.unlink(gone.path)
        paint(Path(replaced.path), "flat", 12345)
        found = asked(client, AskMissing(1, (str(tmp_path / "elsewhere"),)), Missing)
        assert isinstance(found, Missing)
        assert (found.found, found.missing, found.replaced) == ((moved.id,), (gone.id,), (replaced.id,))
        assert project.picture(moved.id).path == str(tmp_path / "elsewhere" / "other name.png")
        assert [project.picture(n).state for n in (gone.id, replaced.id)] == [
            PictureState.MISSING,
            PictureState.REPLACED,
        ]
        assert all(project.picture(number).label is not None for number in ids[:3])
        looked(client, 90)
        learned = taught(client, project)
        assert {gone.id, replaced.id}.isdisjoint(learned.labelled.tolist())
        project.label([replaced.id], 3)  # said again: now it is about what the file holds
        client.send(LookAgain())
        until(client, lambda e: isinstance(e, Learned) and replaced.id in e.labelled.tolist())


def test_a_child_that_is_killed_is_told_and_the_next_one_goes_on(project: Project) -> None:
    with TeachClient(project.folder, MODEL) as client:
        until(client, lambda event: isinstance(event, LookedAt) and event.done >= 10)
        assert client.pid is not None
        os.kill(client.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        told: list[TeachEvent] = []
        while not client.ended:
            told += client.events(1.0)
        assert isinstance(told[-1], TeachingEnded) and "SIGKILL" in told[-1].message
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)


def test_two_windows_learn_from_one_project(project: Project) -> None:
    with TeachClient(project.folder, MODEL) as first, TeachClient(project.folder, MODEL) as second:
        looked(first, 90)
        looked(second, 90)
        ids = project.index().ids.tolist()
        project.label_each({number: truth(project, number) for number in ids[::4]}, "hand")
        revision = project.revision
        first.send(LookAgain())
        for client in (first, second):  # nobody told the second
            found = until(client, lambda e: isinstance(e, Learned) and e.revision >= revision and len(e.ids) == 90)
            assert isinstance(found, Learned) and len(found.labelled) == len(ids[::4])


def test_features_that_were_lost_are_made_again(project: Project) -> None:
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)
    for file in project.folder.glob("*.rows"):
        file.unlink()
    with TeachClient(project.folder, MODEL) as client:
        until(client, lambda event: isinstance(event, Learned) and len(event.ids) == 90)


def test_what_is_missing_is_said(tmp_path: Path, project: Project) -> None:
    with TeachClient(project.folder, MODEL) as client:
        looked(client, 90)
        learned = taught(client, project)
        assert learned.waiting_for == "labels"
        project.label([1], 1)
        assert taught(client, project).waiting_for == "a second class"
    with TeachClient(tmp_path / "no-project", MODEL) as client:
        told: list[TeachEvent] = []
        while not client.ended:
            told += client.events(1.0)
        assert isinstance(told[-1], TeachingEnded) and "not there" in told[-1].message
    with TeachClient(project.folder, "no-model") as client:
        told = []
        while not client.ended:
            told += client.events(1.0)
        assert isinstance(told[-1], TeachingEnded) and told[-1].message


def test_it_ends_with_its_window(project: Project) -> None:
    client = TeachClient(project.folder, MODEL)
    client.start()
    until(client, lambda event: isinstance(event, LookedAt))
    pid = client.pid
    assert pid is not None
    client.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_question_that_comes_with_new_pictures_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken off the queue and a lesson on the new pictures given in its place: whoever asked waited for ever."""
    monkeypatch.setattr("desktop.engine.teacher._NEW_PICTURES_S", -1.0)
    done: list[str] = []

    class Recording(Teacher):
        def __init__(self) -> None:
            self._bell = threading.Condition()
            self._asked = collections.deque([AskMissing(1, ()), AskMissing(2, ())])
            self._heard, self._new_pictures, self._stopped, self._pool = None, True, False, None

        def _answer(self, request: Request) -> None:
            done.append(f"answer {request.number}")

        def _teach(self, heard: float) -> None:
            done.append("lesson")
            self._stopped = True

    Recording()._learn()
    assert done == ["answer 1", "answer 2", "lesson"]
