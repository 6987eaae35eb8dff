"""The engine behind Qt's signals, with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import shiboken6
from PIL import Image
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from desktop import paths
from desktop.core.types import ImageSource
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from desktop.services.engine_service import EngineService
from desktop.services.folder_job import FolderJob
from desktop.services.samples import samples_for
from desktop.services.session import ImageItem
from desktop.store.store import ModelStore
from tests.store.makers import add_colours


@pytest.fixture
def service(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineService]:
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "home"))
    add_colours(ModelStore(user=paths.user_models()))
    service = EngineService()
    with qtbot.waitSignals([service.ready, service.ready], timeout=30_000):
        service.start()
    yield service
    service.stop()


def picture(folder: Path, name: str, colour: tuple[int, int, int]) -> ImageSource:
    Image.new("RGB", (50, 40), colour).save(folder / name)
    return ImageSource.from_path(str(folder / name))


def test_answers_come_as_signals(service: EngineService, qtbot: QtBot, tmp_path: Path) -> None:
    source = picture(tmp_path, "a.png", (0, 0, 250))
    with qtbot.waitSignals([service.prediction, service.preview_arrived, service.thumbnail_arrived], timeout=30_000):
        service.predict("colours", source)
        service.preview(source, 32)
        service.thumbnail(source, 16)


def test_a_predictor_that_came_up_before_the_window_is_used_and_has_its_model(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "home"))
    add_colours(ModelStore(user=paths.user_models()))
    client = EngineClient()
    client.start(m.WarmRequest(0, "colours"))
    service = EngineService(predictor=client)
    first = client.pid
    with qtbot.waitSignals([service.ready, service.ready, service.warmed], timeout=30_000):
        service.start()
    assert client.pid == first is not None  # the same process, which nobody started again
    with qtbot.waitSignal(service.prediction, timeout=30_000):
        service.predict("colours", picture(tmp_path, "a.png", (0, 0, 250)))
    service.stop()


def test_a_predictor_whose_window_never_came_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "home"))
    client = EngineClient()
    client.start()
    assert client.pid is not None
    process = psutil.Process(client.pid)
    EngineService(predictor=client).stop()
    assert not process.is_running()


def test_batch_comes_whole(service: EngineService, qtbot: QtBot, tmp_path: Path) -> None:
    items: list[m.Prediction | m.Failure] = []
    service.batch_answers.connect(lambda answers: items.extend(answers.items))
    sources = [picture(tmp_path, f"{index}.png", (250, 0, 0)) for index in range(20)]
    with qtbot.waitSignal(service.batch_done, timeout=30_000) as done:
        request = service.batch("colours", sources)
    assert done.args == [m.BatchDone(request, 20, False)]
    assert [item.position for item in items] == list(range(20))


def test_a_batch_says_which_pictures_are_not_of_the_models_kind(
    service: EngineService, qtbot: QtBot, tmp_path: Path
) -> None:
    job = FolderJob()
    job.attach(service)
    manifest = next(entry.manifest for entry in ModelStore().entries() if entry.id == "mnist-digits")
    assert manifest is not None
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    drawn = next(sample for sample in samples_for("mnist-digits"))
    items = [ImageItem(ImageSource.from_path(path)) for path in (str(tmp_path / "noise.png"), drawn.path)]
    with qtbot.waitSignal(job.ended, timeout=60_000):
        job.begin(items, manifest)
    said = [job.said(item) for item in items]
    assert [told.unlike for told in said if told is not None] == [True, False]
    assert all(told is not None and told.answer and not told.failed for told in said)


def test_viewers_death_leaves_the_predictor_alone(service: EngineService, qtbot: QtBot, tmp_path: Path) -> None:
    predictor, viewer = service._predictor, service._viewer
    assert predictor is not None and viewer is not None and viewer.pid is not None
    before = predictor.pid
    with qtbot.waitSignal(service.engine_lost, timeout=30_000):
        psutil.Process(viewer.pid).kill()
    assert predictor.pid == before
    with qtbot.waitSignal(service.thumbnail_arrived, timeout=30_000):
        service.thumbnail(picture(tmp_path, "a.png", (0, 250, 0)), 16)


def test_stop_ends_every_process(service: EngineService) -> None:
    clients = (service._predictor, service._viewer)
    children = [psutil.Process(client.pid) for client in clients if client is not None and client.pid is not None]
    assert len(children) == 2
    service.stop()
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert not service.running
    # A window that closes still asks: nothing comes up again for it, and nothing is raised.
    source = ImageSource("x.png", data=b"x")
    asked = [
        service.preview(source, 16), service.radiograph(source, 16), service.predict("m", source),
        service.explain("m", source), service.explain("m", source, method="grad-cam"),
    ]  # fmt: skip
    assert len(set(asked)) == 5
    service.cancel(asked[-1])
    assert not service.running and service._gradients is None


def test_what_was_never_started_says_so(qapp: Any) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        EngineService().preview(ImageSource("x.png", data=b"x"), 16)


class Client:
    """Takes requests as an engine's client does, and answers nothing by itself."""

    def submit(self, request: m.Request) -> None:
        pass

    def cancel(self, number: int) -> None:
        pass


class Asker(QObject):
    """Whoever asks: notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []

    def no_answer(self, failure: m.Failure) -> None:
        self.told.append(("answer", failure.id))

    def no_picture(self, failure: m.Failure) -> None:
        self.told.append(("picture", failure.id))


@pytest.fixture
def unstarted(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> EngineService:
    held = EngineService()
    monkeypatch.setattr(held, "_predictor", Client())
    monkeypatch.setattr(held, "_viewer", Client())
    return held


SOMETHING = ImageSource("x.png", data=b"x")


def test_a_failure_goes_to_who_asked_and_to_nobody_else(unstarted: EngineService) -> None:
    one, other = Asker(), Asker()
    first = unstarted.predict("m", SOMETHING, one.no_answer)
    second = unstarted.preview(SOMETHING, 64, failed=one.no_picture)
    third = unstarted.batch("m", [SOMETHING], other.no_answer)
    silent = unstarted.predict("m", SOMETHING)
    for number in (third, second, silent, first, first):
        unstarted._route_predictor(m.Failure(number, "memory", "the memory does not suffice"))
    assert one.told == [("picture", second), ("answer", first)], "once each"
    assert other.told == [("answer", third)]


def test_nobody_hears_of_what_is_not_wanted_any_more(unstarted: EngineService) -> None:
    asker = Asker()
    older = unstarted.predict("m", SOMETHING, asker.no_answer)
    newer = unstarted.predict("m", SOMETHING, asker.no_answer)
    cancelled = unstarted.preview(SOMETHING, 64, failed=asker.no_picture)
    unstarted.cancel(cancelled)
    for number in (older, cancelled, newer):
        unstarted._route_viewer(m.Failure(number, "truncated", "it is cut off"))
    assert asker.told == [("answer", newer)]


def test_who_asked_and_is_gone_is_not_called(unstarted: EngineService) -> None:
    gone, deleted = Asker(), Asker()
    first = unstarted.predict("m", SOMETHING, gone.no_answer)
    second = unstarted.preview(SOMETHING, 64, failed=deleted.no_picture)
    del gone
    shiboken6.delete(deleted)
    for number in (first, second):
        unstarted._route_predictor(m.Failure(number, "memory", "the memory does not suffice"))
    assert deleted.told == []
    unstarted.predict("m", SOMETHING)
    assert not unstarted._askers, "nothing is kept for who is gone"
