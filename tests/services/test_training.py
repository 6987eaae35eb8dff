"""The queue and what it tells, with real processes; no window."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import Any

import pytest

from desktop.engine.training_client import TrainingClient
from desktop.services.training import TrainingService
from desktop.services.training_job import TrainingJob
from desktop.store.runs import RunStore
from tests.engine.jobs import plan, run_with
from tests.patience import WAIT

pytestmark = pytest.mark.usefixtures("obedient_job", "qapp")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill with")


@pytest.fixture
def service(qtbot: Any) -> Any:
    held = TrainingService()
    yield held
    held.stop()


def begin(service: TrainingService, *orders: str, name: str = "A run") -> str:
    """Queue a run that follows ``orders``."""
    store = RunStore()
    folder = run_with(store, *orders, name=name)
    service.take_up(store.get(folder.name))
    return folder.name


def the(service: TrainingService, run_id: str) -> TrainingJob:
    job = service.job(run_id)
    assert job is not None
    return job


def test_trainings_run_one_after_the_other_in_an_order_that_can_be_changed(
    qtbot: Any, service: TrainingService
) -> None:
    ended: list[str] = []
    service.ended.connect(lambda job: ended.append(job.name))
    for name in ("first", "second", "third", "fourth"):
        begin(service, "slow", "epochs 3", name=name)
    assert [job.state for job in service.jobs] == ["starting", "waiting", "waiting", "waiting"]
    fourth = service.jobs[3].id
    service.move(fourth, -5)
    assert [job.name for job in service.jobs] == ["first", "fourth", "second", "third"]
    service.move(fourth, -1)
    service.move(service.jobs[0].id, 1)
    assert [job.name for job in service.jobs] == ["first", "fourth", "second", "third"]
    service.forget(service.jobs[2].id)
    qtbot.waitUntil(lambda: len(ended) == 3, timeout=WAIT)
    assert ended == ["first", "fourth", "third"]
    assert all(job.state == "done" and job.epochs_done == 3 for job in service.jobs)
    qtbot.waitUntil(lambda: not service.disk_work.busy, timeout=WAIT)
    states = {run.name: run.state for run in RunStore().list()}
    assert states == {"first": "done", "second": "stopped", "third": "done", "fourth": "done"}


def test_several_run_side_by_side_where_the_user_wants_it(qtbot: Any, service: TrainingService) -> None:
    for name in ("first", "second", "third"):
        begin(service, "slow", "epochs 1000", name=name)
    service.set_at_once(2)
    qtbot.waitUntil(lambda: [job.epochs_done > 0 for job in service.jobs[:2]] == [True, True], timeout=WAIT)
    assert service.jobs[2].state == "waiting"
    progress = service.progress()
    assert progress is not None and 0 < progress < 1
    service.cancel(service.jobs[0].id, discard=False)
    qtbot.waitUntil(lambda: service.jobs[2].epochs_done > 0, timeout=WAIT)


def test_a_new_training_is_written_down_before_it_begins(qtbot: Any, service: TrainingService) -> None:
    with qtbot.waitSignal(service.added, timeout=WAIT) as added:
        service.submit(replace(plan(), preset="mnist-conv"), "Digits again")
    record = RunStore().get(added.args[0])
    assert (record.name, record.data, record.preset, record.epochs) == (
        "Digits again", "mnist", "mnist-conv", plan().fit.epochs,
    )  # fmt: skip
    with qtbot.waitSignal(service.ended, timeout=WAIT) as ended:
        pass  # the job has no orders and fails: said in words, nothing hangs
    assert ended.args[0].state == "failed" and "FileNotFoundError" in ended.args[0].message


def test_a_run_that_cannot_be_written_is_said(qtbot: Any, service: TrainingService, fovea_home: Any) -> None:
    (fovea_home / "runs").write_text("in the way")
    with qtbot.waitSignal(service.failed, timeout=WAIT) as failed:
        service.submit(plan(), "Digits")
    assert failed.args[0].kind in ("not-writable", "not-saved", "disk-full")
    assert service.jobs == []


@needs_signals
def test_a_killed_trainer_leaves_a_run_that_goes_on(qtbot: Any, service: TrainingService) -> None:
    run_id = begin(service, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done >= 2, timeout=WAIT)
    pid = service.trainer_pid(run_id)
    with qtbot.waitSignal(service.ended, timeout=WAIT):
        os.kill(pid, signal.SIGKILL)
    job = the(service, run_id)
    assert job.state == "interrupted" and "SIGKILL" in job.message and job.can_continue and job.hint
    before = job.epochs_done
    qtbot.waitUntil(lambda: not service.disk_work.busy and service.trainer_pid(run_id) is None, timeout=WAIT)
    assert RunStore().get(run_id).state == "interrupted"
    service.take_up(RunStore().get(run_id))
    qtbot.waitUntil(lambda: the(service, run_id).started is not None, timeout=WAIT)
    started = the(service, run_id).started
    assert started is not None and started.epoch >= before - 1


def test_a_trainer_too_busy_to_stop_in_time_is_stopped_on_disk_too(qtbot: Any, service: TrainingService) -> None:
    """Else every start of Fovea would say that it was left unfinished."""
    run_id = begin(service, "deaf")
    qtbot.waitUntil(lambda: service.trainer_pid(run_id) is not None, timeout=WAIT)
    with qtbot.waitSignal(service.ended, timeout=WAIT):
        service.stop_now(run_id)
    assert the(service, run_id).state == "stopped"
    qtbot.waitUntil(lambda: not service.disk_work.busy and service.trainer_pid(run_id) is None, timeout=WAIT)
    qtbot.waitUntil(lambda: RunStore().get(run_id).state == "stopped", timeout=WAIT)
    assert RunStore().interrupted() == []


def test_a_training_taken_up_while_its_last_thread_still_tidies_waits_for_it(
    qtbot: Any, service: TrainingService
) -> None:
    """Two threads of one run at once: the first would be destroyed while it runs, and the program with it."""
    service.set_at_once(2)
    run_id = begin(service, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done >= 1, timeout=WAIT)
    with qtbot.waitSignal(service.ended, timeout=WAIT):
        service.ended.connect(lambda job: service.take_up(replace(RunStore().get(job.id), state="stopped")))
        service.stop_now(run_id)
    service.ended.disconnect()
    before = the(service, run_id).epochs_done
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done > before, timeout=WAIT)


def test_pause_holds_and_time_left_stands_still(qtbot: Any, service: TrainingService) -> None:
    run_id = begin(service, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done >= 1, timeout=WAIT)
    service.pause(run_id)
    assert the(service, run_id).state == "pausing"
    qtbot.waitUntil(lambda: the(service, run_id).state == "paused", timeout=WAIT)
    service.resume(run_id)
    done = the(service, run_id).epochs_done
    assert the(service, run_id).state == "training"
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done > done, timeout=WAIT)
    service.stop_after_epoch(run_id)
    service.pause(run_id)
    service.resume(run_id)
    assert the(service, run_id).state == "finishing"  # the earlier wish holds
    with qtbot.waitSignal(service.model_made, timeout=WAIT) as made:
        pass
    assert made.args == ["made"] and the(service, run_id).state == "done"


def test_a_discarded_training_lies_in_the_trash_and_comes_back(qtbot: Any, service: TrainingService) -> None:
    run_id = begin(service, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: the(service, run_id).epochs_done >= 1, timeout=WAIT)
    with qtbot.waitSignal(service.deleted, timeout=WAIT) as deleted:
        service.cancel(run_id, discard=True)
    assert service.jobs == [] and RunStore().list() == []
    with qtbot.waitSignal(service.runs_changed, timeout=WAIT):
        service.restore(deleted.args[0])
    assert [run.id for run in RunStore().list()] == [run_id]


def test_the_end_of_the_program_keeps_checkpoints(qtbot: Any) -> None:
    service = TrainingService()
    running = begin(service, "slow", "epochs 1000", name="running")
    waiting = begin(service, "slow", "epochs 1000", name="waiting")
    qtbot.waitUntil(lambda: the(service, running).epochs_done >= 1, timeout=WAIT)
    service.stop()
    store = RunStore()
    assert store.get(running).state == "interrupted" and store.get(running).epochs_done >= 1
    assert store.get(waiting).state == "queued"
    assert [run.id for run in store.interrupted()] == [running]


def test_a_run_that_another_process_trains_is_left_alone(qtbot: Any, service: TrainingService) -> None:
    store = RunStore()
    folder = run_with(store, "epochs 2")
    with store.training(folder.name):
        store.update(folder.name, state="running", epochs_done=1)
        with qtbot.waitSignal(service.failed, timeout=WAIT) as failed:
            service.take_up(store.get(folder.name))
        assert failed.args[0].kind == "run-in-use" and service.jobs == []
        # One that was begun elsewhere between the look at it and the start.
        with qtbot.waitSignal(service.ended, timeout=WAIT) as ended:
            service.take_up(replace(store.get(folder.name), state="stopped"))
        assert ended.args[0].state == "failed" and "another process" in ended.args[0].message
        qtbot.waitUntil(lambda: not service.disk_work.busy and service.trainer_pid(folder.name) is None, timeout=WAIT)
        record = store.get(folder.name)
    assert record.state == "running" and record.pid == os.getpid() and record.message == ""


def test_a_process_that_cannot_be_started_ends_the_job(
    qtbot: Any, service: TrainingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: TrainingClient) -> None:
        raise OSError(24, os.strerror(24))

    with monkeypatch.context() as patched:
        patched.setattr(TrainingClient, "start", refused)
        run = begin(service, "slow", "epochs 1")
        qtbot.waitUntil(lambda: the(service, run).state == "interrupted", timeout=WAIT)
        assert os.strerror(24) in the(service, run).message
        qtbot.waitUntil(lambda: service.trainer_pid(run) is None and not service._supervisors, timeout=WAIT)
    qtbot.waitUntil(lambda: not service.disk_work.busy, timeout=WAIT)
    service.take_up(RunStore().get(run))
    qtbot.waitUntil(lambda: the(service, run).state == "done", timeout=WAIT)
