"""A batch begins without holding up the drawing thread, however many pictures there are."""

from __future__ import annotations

import os
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop.app.batch_columns import RowSaid
from desktop.core.types import ImageSource
from desktop.engine.messages import BatchAnswers, Failure, Prediction
from desktop.services import folder_job
from desktop.services.folder_job import FolderJob
from desktop.services.session import ImageItem
from tests.store.makers import manifest
from tests.ui.widgets.makers import answer, failure

COLOURS = manifest(id="colours", labels=("well", "ill"))


class Engine(QObject):
    """Takes batches and notes them; says nothing by itself."""

    batch_answers = Signal(object)
    batch_done = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[ImageSource]] = []

    def batch(self, model_id: str, sources: list[ImageSource], failed: Any = None) -> int:
        self.asked.append(list(sources))
        return len(self.asked)

    def cancel(self, number: int) -> None:
        pass

    def answer(self, items: list[Prediction | Failure]) -> None:
        """Answers to what was asked for last."""
        self.batch_answers.emit(BatchAnswers(len(self.asked), tuple(items)))


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
        job.begin(items, COLOURS, root="/data")
        # Of many pictures nothing is touched before the window had its turn.
        assert bool(job.items) == (count <= folder_job._AT_ONCE) and job.running
    assert job.items == items and job.root == "/data" and job.done == 0 and job.model_id == "colours"
    assert [job.place_of(item) for item in items] == list(range(count))
    assert engine.asked == [[item.source for item in items]]


def test_going_on_asks_for_what_is_missing_and_gives_answers_back(job: FolderJob, engine: Engine, qtbot: QtBot) -> None:
    count = 3 * folder_job._AT_ONCE
    items = some(count)
    with qtbot.waitSignal(job.began, timeout=30_000):
        job.begin(items, COLOURS)
    engine.answer([answer(at, items[at].source, (0.1, 0.9)) for at in range(2, count, 2)])
    engine.answer([failure(0, items[0].source, "damaged")])
    assert job.done == count // 2 and job.failures == 1
    first = job.answers
    again = [*(ImageItem(items[at].source) for at in (4, 5, 0)), *items[100:]]
    with qtbot.waitSignal(job.began, timeout=30_000) as began:
        job.begin(again, COLOURS, keep=True)
    assert began.args == [True] and job.answers is not first
    assert [job.said(item) for item in again[:3]] == [RowSaid("ill"), None, RowSaid("damaged", failed=True)]
    assert [job.said(item) for item in again[3:5]] == [RowSaid("ill"), None]
    assert job.failures == 1 and job.done == len(again) - len(engine.asked[-1])
    assert engine.asked[-1][0] is again[1].source and len(engine.asked[-1]) == 1 + (count - 100) // 2


def test_another_frame_of_a_file_is_another_picture(job: FolderJob, engine: Engine) -> None:
    first = [ImageItem(ImageSource.from_path("/data/a.dcm", 0))]
    job.begin(first, COLOURS)
    engine.answer([answer(0, first[0].source, (0.9, 0.1))])
    assert job.said(first[0]) == RowSaid("well")
    other = ImageItem(ImageSource.from_path("/data/a.dcm", 1))
    job.begin([other], COLOURS, keep=True)
    assert job.said(other) is None and job.place_of(first[0]) == -1 and len(engine.asked[-1]) == 1


def test_an_answer_for_the_rest_lands_where_its_picture_stands(job: FolderJob, engine: Engine, qtbot: QtBot) -> None:
    """What is asked for anew is counted from 0; the batch knows which pictures those are."""
    items = some(6)
    job.begin(items, COLOURS)
    engine.answer([answer(at, items[at].source, (0.9, 0.1)) for at in (0, 2, 5)])
    job.begin(items, COLOURS, keep=True)
    assert engine.asked[-1] == [items[at].source for at in (1, 3, 4)]
    with qtbot.waitSignal(job.answered) as told:
        engine.answer([answer(2, items[4].source, (0.1, 0.9)), failure(0, items[1].source)])
    assert told.args == [1, 4] and job.done == 5
    assert [said.answer if (said := job.said(item)) else "" for item in items] == [
        *("well", "it is cut off", "well", "", "ill", "well")
    ]
    # What comes twice, as after an engine that had to be started again, counts once.
    with qtbot.assertNotEmitted(job.answered):
        engine.answer([answer(2, items[4].source, (0.9, 0.1))])
    assert job.said(items[4]) == RowSaid("ill") and job.done == 5


def test_answers_that_are_known_are_not_asked_for(job: FolderJob, engine: Engine) -> None:
    items, strange = some(3), ImageItem(ImageSource.from_path("/elsewhere.png"))
    given = answer(77, items[1].source, (0.1, 0.9))
    job.begin(items, COLOURS, given={items[1]: given, strange: given})
    assert job.said(items[1]) == RowSaid("ill") and job.said(strange) is None and job.done == 1
    assert engine.asked == [[items[0].source, items[2].source]]


def test_a_batch_stopped_while_it_is_looked_up_never_begins(job: FolderJob, engine: Engine, qtbot: QtBot) -> None:
    began: list[object] = []
    job.began.connect(lambda *_: began.append(1))
    with qtbot.waitSignal(job.ended) as ended:
        job.begin(some(2 * folder_job._AT_ONCE), COLOURS)
        job.cancel()
    assert ended.args == [True] and not job.running
    with qtbot.waitSignal(job.began, timeout=30_000):  # the next one's
        job.begin(some(folder_job._AT_ONCE + 1), COLOURS)
    assert len(began) == 1 and len(engine.asked) == 1
