"""'Run on a Cluster…' in the window: a real job on a real Ray, stopped and gone on with, and what keeps one from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.cluster import connection
from desktop.cluster.run_events import Connecting, JobEnded, JobOrder, JobProgress, NodeNews, PicturesFound
from desktop.services.catalog import ModelCatalog
from desktop.services.cluster_job import ClusterJob
from desktop.services.settings import Settings
from desktop.store.store import ModelStore
from desktop.ui.dialogs.cluster_run import ClusterRunDialog
from desktop.ui.kit.formatting import count, duration
from desktop.ui.shell.main_window import MainWindow
from tests.cluster.conftest import has_ray
from tests.patience import patient

SOON = round(1000 * patient(120))
needs_ray = pytest.mark.skipif(not has_ray(), reason="the extra 'cluster' is not installed")


@pytest.fixture
def window(qtbot: QtBot, store: ModelStore, tmp_path: Path) -> Iterator[MainWindow]:
    catalog = ModelCatalog()
    held = MainWindow(Settings(tmp_path / "settings.json"), catalog)
    qtbot.addWidget(held)
    catalog.refresh()
    qtbot.waitUntil(lambda: catalog.entry("colours") is not None, timeout=SOON)
    yield held
    held.cluster.close_down()


def filled(window: MainWindow, pictures: Path, folder: Path) -> ClusterRunDialog:
    """The form with everything said."""
    window.run_on_cluster()
    dialog = window.cluster.dialog
    assert dialog is not None
    dialog.model.setCurrentIndex(dialog.model.findData("colours"))
    dialog.pictures.setText(str(pictures))
    dialog.folder.setText(str(folder))
    return dialog


def stored(job: Path) -> list[int]:
    import pyarrow.parquet as pq

    parts = sorted((job / "parts").glob("*.parquet"))
    return [at for part in parts for at in pq.read_table(part, columns=["position"])["position"].to_pylist()]


@needs_ray
def test_a_folder_is_answered_stopped_and_gone_on_with(
    window: MainWindow, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "job"
    dialog = filled(window, pictures, folder)
    job = window.cluster.job
    dialog._begin.click()
    assert job.running and dialog._stop.isVisibleTo(dialog) and not dialog._begin.isVisibleTo(dialog)
    qtbot.waitUntil(lambda: bool(job.nodes), timeout=SOON)
    dialog._stop.click()
    qtbot.waitUntil(lambda: not job.running, timeout=SOON)
    assert job.last is not None and job.last.state in ("stopped", "done")
    if job.last.state == "stopped":  # a quick computer may have ended before it heard
        assert dialog.headline.text() == "Stopped" and dialog._go_on.isVisibleTo(dialog)
        dialog._go_on.click()
        qtbot.waitUntil(lambda: not job.running, timeout=SOON)
    assert job.last == JobEnded("done", 298, 2)
    assert stored(folder) == list(range(300))
    assert dialog.headline.text() == "All pictures have their answer"
    assert dialog.words.text() == "298 answered, 2 without an answer" and "takes part" in dialog.nodes.text()
    dialog._results.click()
    qtbot.waitUntil(lambda: window.cluster.dialog is None, timeout=SOON)
    # The same folder again is refused, by name.
    window.run_on_cluster()
    again = window.cluster.dialog
    assert again is not None and again._results.isVisibleTo(again)
    again._new.click()
    again.folder.setText(str(folder))
    assert again._begin.isEnabled(), again._begin.toolTip()
    again._begin.click()
    assert job.running, again.failure.text
    qtbot.waitUntil(lambda: not job.running, timeout=SOON)
    assert "holds a job already" in again.trouble.text and not again._go_on.isVisibleTo(again)
    again.reject()


@needs_ray
def test_a_job_is_stopped_while_its_process_is_only_being_started(
    qtbot: QtBot, store: ModelStore, pictures: Path, tmp_path: Path
) -> None:
    job = ClusterJob()
    with qtbot.waitSignal(job.ended, timeout=SOON) as ended:
        job.start(JobOrder("local", str(tmp_path / "job"), "colours", (str(pictures),)))
        job.stop()
        assert job.stopping
    assert ended.args[0].state == "stopped" and not job.running


def test_what_is_still_to_be_said_stands_on_the_button(window: MainWindow, pictures: Path, tmp_path: Path) -> None:
    window.run_on_cluster()
    dialog = window.cluster.dialog
    assert dialog is not None and dialog.address.text() == "local"
    assert not dialog._begin.isEnabled() and "folder of pictures first" in dialog._begin.toolTip()
    dialog.pictures.setText(str(pictures))
    assert "where the answers are kept" in dialog._begin.toolTip()
    dialog._take_folder(str(tmp_path))
    assert Path(dialog.folder.text()).parent == tmp_path and dialog.folder.text().count("pictures ") == 1
    dialog.address.clear()
    assert "address of the cluster" in dialog._begin.toolTip()
    dialog.new.setCurrentIndex(1)  # a job that goes on has its pictures and its model
    assert not dialog.pictures.isEnabled() and not dialog.model.isEnabled() and not dialog.send.isEnabled()
    dialog.reject()


@needs_ray
def test_an_address_that_is_none_and_a_folder_without_a_job_are_refused(
    window: MainWindow, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = filled(window, pictures, tmp_path / "job")
    dialog.address.setText("ray://somewhere")
    dialog._begin.click()
    assert "no address of a cluster" in dialog.failure.text and not window.cluster.job.running
    dialog.address.setText("local")
    dialog.pictures.setText(str(pictures / "nowhere"))
    dialog._begin.click()
    assert "folder of pictures first" in dialog.failure.text and not window.cluster.job.running
    dialog.new.setCurrentIndex(1)
    dialog._begin.click()
    qtbot.waitUntil(lambda: window.cluster.job.last is not None and not window.cluster.job.running, timeout=SOON)
    assert window.cluster.job.last.kind == "no-such-job" and dialog.trouble.isVisibleTo(dialog)
    assert window.settings.get("cluster_address") == "local"
    dialog.reject()


def test_without_ray_the_form_says_what_to_install(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "has_ray", lambda: False)
    monkeypatch.setattr("desktop.ui.dialogs.cluster_run.has_ray", lambda: False)
    window.run_on_cluster()
    dialog = window.cluster.dialog
    assert dialog is not None and "pip install" in dialog.failure.text
    assert not dialog._begin.isEnabled()
    dialog.reject()


class Told(ClusterJob):
    """A job that runs nowhere, and is told."""

    @property
    def running(self) -> bool:
        return self.order is not None and self.last is None

    def start(self, order: JobOrder) -> None:
        self.order = order

    def tell(self, *events: Any) -> None:
        """Hear ``events``."""
        for event in events:
            self._on_heard(event)


def test_each_state_is_said(qtbot: QtBot, store: ModelStore, tmp_path: Path) -> None:
    job = Told()
    job.start(JobOrder("local", str(tmp_path), "colours", ("pictures",)))
    dialog = ClusterRunDialog(job, ModelCatalog(), Settings(tmp_path / "settings.json"), "colours")
    qtbot.addWidget(dialog)
    assert dialog.headline.text() == "Looking for pictures…" and dialog.bar.maximum() == 0
    job.tell(PicturesFound(70_000))
    assert f"{count(70_000)} found so far" in dialog.words.text()
    job.tell(Connecting(80_000, 500))
    assert dialog.headline.text() == "Reaching the cluster…" and dialog.bar.value() == 500
    job.tell(NodeNews("joined", "a (10.0.0.1)", 8), NodeNews("refused", "b (10.0.0.2)", why="it has Fovea 0.1"))
    job.tell(JobProgress(20_000, 80_000, 3, 412.6, 145.0, 8))
    assert dialog.headline.text() == "The cluster answers"
    assert dialog.words.text() == (
        f"{count(20_000)} of {count(80_000)} pictures · 3 without an answer · 413 a second · {duration(145.0)} left"
    )
    assert "a (10.0.0.1): takes part · cores: 8" in dialog.nodes.text() and "It has Fovea 0.1" in dialog.nodes.text()
    job.tell(NodeNews("lost", "a (10.0.0.1)"))
    assert "a (10.0.0.1): lost" in dialog.nodes.text() and "takes part" not in dialog.nodes.text()
    job.tell(JobEnded("failed", 30_000, 3, "the cluster is gone", "Go on with it.", "cluster-lost"))
    assert "The cluster is gone" in dialog.trouble.text and dialog._go_on.isVisibleTo(dialog)
    assert dialog.words.text() == (f"{count(30_000)} answered, 3 without an answer · {count(49_997)} not asked yet")


def test_a_running_job_is_asked_about_at_the_end(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    job = window.cluster.job = Told()
    job.ended.connect(window.cluster._on_ended)
    job.start(JobOrder("local", str(tmp_path), "colours"))
    job.tell(Connecting(80_000, 500))
    window.show()
    window.close()
    question = window.cluster.question
    assert question is not None and window.isVisible() and f"500 of {count(80_000)}" in question.informativeText()
    stops: list[bool] = []
    job.stop = lambda: stops.append(True)  # type: ignore[method-assign]
    next(each for each in question.buttons() if each.text() == "Stop it").click()
    assert stops and window.isVisible()
    job.last = JobEnded("stopped", 900, 0)
    job.ended.emit(job.last)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=SOON)
    assert not window.cluster._leaving


def test_many_pictures_are_told_where_a_cluster_is(window: MainWindow) -> None:
    window._offer_cluster([SimpleNamespace()] * 49_999)  # type: ignore[list-item]
    assert window.messages.text == ""
    window._offer_cluster([SimpleNamespace()] * 50_000)  # type: ignore[list-item]
    assert f"{count(50_000)} pictures" in window.messages.text and "Run on a Cluster" in window.messages.text


def test_an_end_that_nobody_watches_is_told(window: MainWindow) -> None:
    window.cluster.job.ended.emit(JobEnded("done", 70_000, 12))
    assert f"{count(70_000)} pictures; 12 have no answer" in window.messages.text
    window.cluster.job.ended.emit(JobEnded("failed", 1, 0, "gone"))
    assert "has failed" in window.messages.text
