"""A batch begins without holding up the drawing thread, however many pictures there are."""

from __future__ import annotations

import os
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop.core.types import ImageSource
from desktop.services import folder_job
from desktop.services.folder_job import FolderJob
from desktop.services.session import ImageItem


class Engine(QObject):
    """Takes batches and notes them; says nothing by itself."""

    batch_answers = Signal(object)
    batch_done = Signal(object)
    failure = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[ImageSource]] = []

    def batch(self, model_id: str, sources: list[ImageSource]) -> int:
        self.asked.append(list(sources))
        return len(self.asked)

    def cancel(self, number: int) -> None:
        pass


def some(count: int) -> list[ImageItem]:
    return [ImageItem(ImageSource.from_path(os.path.join(os.sep, "data", f"{i}.png"))) for i in range(count)]


@pytest.fixture
def engine(qapp: Any) -> Engine:
    return Engine()


@pytest.fixture
def job(engine: Engine) -> FolderJob:
    made = FolderJob()
    made.attach(engine)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("count", [1, 10 * folder_job._AT_ONCE])
def test_a_batch_asks_for_every_picture(job: FolderJob, engine: Engine, qtbot: QtBot, count: int) -> None:
    items = some(count)
    with qtbot.waitSignal(job.began, timeout=30_000, raising=count > folder_job._AT_ONCE):
        job.begin(items, "colours", root="/data")
        # Of many pictures nothing is touched before the window had its turn.
        assert bool(job.items) == (count <= folder_job._AT_ONCE) and job.running
    assert job.items == items and job.root == "/data" and job.kept is None and job.done == 0
    assert engine.asked == [[item.source for item in items]]


def test_going_on_asks_for_what_is_missing_and_gives_answers_back(job: FolderJob, engine: Engine, qtbot: QtBot) -> None:
    count = 3 * folder_job._AT_ONCE
    items = some(count)
    with qtbot.waitSignal(job.began, timeout=30_000):
        job.begin(items, "colours")
    for at in range(0, count, 2):
        job._said[at] = ("cat", False, False)
    job._said[0] = ("damaged", True, False)
    again = [*(ImageItem(items[at].source) for at in (4, 5, 0)), *items[100:], *some(1)[:0]]
    with qtbot.waitSignal(job.began, timeout=30_000):
        job.begin(again, "colours", keep=True)
    assert job.kept is not None and job.kept[:4] == [4, 5, 0, 100]
    assert [item.answer for item in again[:3]] == ["cat", "", "damaged"] and again[2].failed
    assert job.failures == 1 and job.done == len(again) - len(engine.asked[-1])
    assert engine.asked[-1][0] is again[1].source and len(engine.asked[-1]) == 1 + (count - 100) // 2


def test_another_frame_of_a_file_is_another_picture(job: FolderJob, engine: Engine) -> None:
    first = [ImageItem(ImageSource.from_path("/data/a.dcm", 0))]
    job.begin(first, "colours")
    job._said[0] = ("cat", False, False)
    job.begin([ImageItem(ImageSource.from_path("/data/a.dcm", 1))], "colours", keep=True)
    assert job.kept == [-1] and len(engine.asked[-1]) == 1


def test_a_batch_stopped_while_it_is_looked_up_never_begins(job: FolderJob, engine: Engine, qtbot: QtBot) -> None:
    began: list[object] = []
    job.began.connect(lambda *_: began.append(1))
    with qtbot.waitSignal(job.ended) as ended:
        job.begin(some(2 * folder_job._AT_ONCE), "colours")
        job.cancel()
    assert ended.args == [True] and not job.running
    with qtbot.waitSignal(job.began, timeout=30_000):  # the next one's
        job.begin(some(folder_job._AT_ONCE + 1), "colours")
    assert len(began) == 1 and len(engine.asked) == 1
