"""One training in a real process: its events, its commands, and every way in which it can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from desktop.engine.training_client import TrainerLost, TrainingClient
from desktop.ml.plans.events import EpochDone, Event, Finished, Note, Paused, Resumed, Started, TrainBatchDone
from desktop.store.runs import LOG, RunStore
from tests.engine.jobs import run_with
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("obedient_job")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill with")
Heard = list[Event | TrainerLost]


def hear(client: TrainingClient, until: Callable[[Heard], bool], limit_s: float = 60) -> Heard:
    """Events until ``until`` holds or the last one came."""
    heard: Heard = []
    end = time.monotonic() + patient(limit_s)
    while not until(heard) and not client.ended:
        heard += client.events(1.0)
        assert time.monotonic() < end, heard
    return heard


def to_the_end(client: TrainingClient) -> Heard:
    return hear(client, lambda _: False)


def has(kind: type) -> Callable[[Heard], bool]:
    return lambda heard: any(isinstance(event, kind) for event in heard)


@pytest.fixture
def store() -> RunStore:
    return RunStore()


def test_every_epoch_arrives_and_batches_are_thinned(store: RunStore) -> None:
    with TrainingClient(run_with(store, "batches 5000", "epochs 200")) as client:
        heard = to_the_end(client)
        assert client.events(None) == []
    epochs = [event.epoch for event in heard if isinstance(event, EpochDone)]
    assert epochs == list(range(200))
    assert 1 <= len([event for event in heard if isinstance(event, TrainBatchDone)]) < 200
    assert isinstance(next(event for event in heard if not isinstance(event, TrainBatchDone)), Started)
    assert heard[-1] == Finished("done", "made", "the model is in the store")
    assert [isinstance(event, Finished) for event in heard].count(True) == 1


def test_pause_holds_until_resumed_and_a_stop_after_the_epoch_makes_a_model(store: RunStore) -> None:
    with TrainingClient(run_with(store, "slow", "epochs 1000")) as client:
        hear(client, has(EpochDone))
        client.pause()
        hear(client, has(Paused))
        assert client.events(0.3) == []
        client.resume()
        heard = hear(client, has(EpochDone))
        assert has(Resumed)(heard) and has(EpochDone)(heard)
        client.stop_after_epoch()
        heard = to_the_end(client)
    assert isinstance(heard[-1], Finished) and heard[-1].state == "done" and heard[-1].model_id == "made"


def test_a_paused_training_can_be_stopped_with_its_checkpoint(store: RunStore) -> None:
    folder = run_with(store, "slow", "epochs 1000")
    with TrainingClient(folder) as client:
        hear(client, has(EpochDone))
        client.pause()
        hear(client, has(Paused))
        client.stop_now()
        heard = to_the_end(client)
    assert isinstance(heard[-1], Finished) and heard[-1].state == "stopped"
    done = store.get(folder.name).epochs_done
    with TrainingClient(folder) as client:
        started = next(event for event in hear(client, has(Started)) if isinstance(event, Started))
        client.cancel()
        to_the_end(client)
    assert started.epoch == done >= 1


def test_a_deaf_trainer_is_cancelled_all_the_same(store: RunStore) -> None:
    with TrainingClient(run_with(store, "deaf")) as client:
        hear(client, has(Note))
        pid = client.pid
        client.cancel()
        heard = to_the_end(client)
    assert heard == [Finished("cancelled", None, "the training was cancelled")]
    assert pid is not None and not psutil.pid_exists(pid)


@needs_signals
def test_a_killed_trainer_is_noticed_and_its_run_can_go_on(store: RunStore) -> None:
    folder = run_with(store, "slow", "epochs 1000")
    with TrainingClient(folder) as client:
        hear(client, has(EpochDone))
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        heard = to_the_end(client)
        lost = heard[-1]
        assert isinstance(lost, TrainerLost) and "SIGKILL" in lost.reason
    assert [record.id for record in store.interrupted()] == [folder.name]
    with TrainingClient(folder) as client:
        heard = hear(client, has(EpochDone))
        client.cancel()
        to_the_end(client)
    started = next(event for event in heard if isinstance(event, Started))
    assert started.epoch >= 1


@needs_signals
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGTERM"])
def test_every_other_death_has_its_name(store: RunStore, name: str) -> None:
    with TrainingClient(run_with(store, f"die {name}")) as client:
        heard = to_the_end(client)
    assert heard == [TrainerLost(name)]


@pytest.mark.parametrize(
    ("order", "kind", "words"),
    [
        ("fault", "internal", "RuntimeError"),
        ("refuse", "not-finite", "no longer a number in epoch 2"),
        ("memory", "out-of-memory", "not enough memory"),
    ],
)
def test_a_failure_comes_in_words(store: RunStore, order: str, kind: str, words: str) -> None:
    folder = run_with(store, order)
    with TrainingClient(folder) as client:
        end = to_the_end(client)[-1]
    assert isinstance(end, Finished)
    assert (end.state, end.kind) == ("failed", kind) and words in end.message and end.hint
    assert "secret" not in end.message + end.hint
    log = (folder / LOG).read_text(encoding="utf-8") if (folder / LOG).exists() else ""
    assert ("obedient.py" in log) == (order == "fault") and "secret" not in log


@needs_signals
def test_a_trainers_own_children_end_with_it(store: RunStore) -> None:
    with TrainingClient(run_with(store, "child")) as client:
        note = next(event for event in hear(client, has(Note)) if isinstance(event, Note))
        client.cancel()
        to_the_end(client)
    child = int(note.text)
    _gone(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process's memory this way")
def test_a_trainer_may_not_take_all_memory(store: RunStore) -> None:
    import resource

    from desktop.engine import child

    total = child.memory_of_system()
    assert 0 < total <= psutil.virtual_memory().total
    with TrainingClient(run_with(store, "slow", "epochs 1000")) as client:
        hear(client, has(EpochDone))
        assert client.pid is not None
        held = Path(f"/proc/{client.pid}")
        assert int((held / "oom_score_adj").read_text()) > int(Path("/proc/self/oom_score_adj").read_text())
        limit, _ = resource.prlimit(client.pid, resource.RLIMIT_DATA)
        gpu = os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/kfd")
        assert gpu or 0 < limit <= total * 0.9 + 1
        assert psutil.Process(client.pid).nice() > psutil.Process().nice()
        client.cancel()
        to_the_end(client)


def test_closing_the_client_ends_the_training(store: RunStore) -> None:
    folder = run_with(store, "slow", "epochs 1000")
    with TrainingClient(folder) as client:
        hear(client, has(EpochDone))
        pid = client.pid
    assert pid is not None and not psutil.pid_exists(pid)
    assert store.get(folder.name).state == "stopped"


_WITHOUT_STREAMS = """
import os, sys
from pathlib import Path
from desktop.engine.training_client import TrainingClient
if __name__ == "__main__":
    out = open(sys.argv[2], "w")
    for number in (0, 1, 2):
        os.close(number)
    sys.stdin = sys.stdout = sys.stderr = None
    events = []
    with TrainingClient(Path(sys.argv[1])) as client:
        while not client.ended:
            events += client.events(None)
    out.write(events[-1].state)
"""


def test_it_trains_where_there_are_no_streams(store: RunStore, tmp_path: Path) -> None:
    script, out = tmp_path / "windowed.py", tmp_path / "out.txt"
    script.write_text(_WITHOUT_STREAMS)
    folder = run_with(store, "print", "epochs 2")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    subprocess.run(
        [sys.executable, str(script), str(folder), str(out)], env=environment, timeout=patient(60), check=True
    )
    assert out.read_text() == "done"


_WINDOW = """
import sys, time
from pathlib import Path
from desktop.engine.training_client import TrainingClient
from desktop.ml.plans.events import EpochDone
if __name__ == "__main__":
    client = TrainingClient(Path(sys.argv[1]))
    client.start()
    while not any(isinstance(event, EpochDone) for event in client.events(1.0)):
        pass
    print(client.pid, flush=True)
    sys.stdin.read()
"""


@needs_signals
def test_a_trainer_whose_window_was_killed_stops_with_its_checkpoint(store: RunStore, tmp_path: Path) -> None:
    script = tmp_path / "window.py"
    script.write_text(_WINDOW)
    folder = run_with(store, "slow", "epochs 1000")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    window = subprocess.Popen(
        [sys.executable, str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    with window:
        assert window.stdout is not None
        trainer = int(window.stdout.readline())
        window.kill()
        window.wait()
    _gone(trainer)
    assert [run.id for run in store.interrupted()] == [folder.name]
    assert store.get(folder.name).epochs_done >= 1


def _gone(pid: int) -> None:
    """Wait until the process is no more than a remainder that nobody has collected."""
    end = time.monotonic() + patient(30)
    try:
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end, f"process {pid} lives on"
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        return
