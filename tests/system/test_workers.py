"""Children with limits, real ones: what they are given is done, and what ends them is blamed when it was alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop.core.types import FoveaError
from desktop.system import workers
from desktop.system.workers import Fault, NoWorkerError, WorkCancelled, WorkerLimits, Workers
from tests.patience import patient

ACT = "tests.system.works:act"


@pytest.fixture
def pool() -> Iterator[Workers]:
    found = Workers(2, WorkerLimits(work_s=1.0, wait_s=4.0, memory=1 << 30))
    yield found
    pids = found.pids()
    found.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_results_come_in_order_and_an_error_for_the_user_keeps_its_words(pool: Workers) -> None:
    assert pool.run("tests.system.works:double", list(range(50))) == [2 * i for i in range(50)]
    (refused,) = pool.run("tests.system.works:refuse", ["this"])
    assert isinstance(refused, FoveaError)
    assert (refused.kind, refused.message, refused.hint) == ("refused", "not this", "Try another.")
    assert pool.run(ACT, []) == []


def test_a_warm_child_has_imported_what_its_first_item_needs(pool: Workers) -> None:
    loaded = "tests.system.works:loaded"
    assert pool.run(loaded, ["colorsys"]) == [False]
    warm = Workers(1)
    warm.warm("colorsys:rgb_to_hsv", loaded)
    (pid,) = warm.pids()
    assert warm.run(loaded, ["colorsys"]) == [True]
    assert warm.pids() == [pid]
    warm.close()


def test_children_are_kept_and_are_no_more_than_allowed(pool: Workers) -> None:
    seen: list[int] = []

    def ask() -> None:
        for _ in range(10):
            seen.extend(pool.run("tests.system.works:pid", [0]))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 50 and 1 <= len(set(seen)) <= 2 and os.getpid() not in seen


@pytest.mark.parametrize(
    ("what", "kind"),
    [("abort", "crashed"), ("wait", "too-long"), ("swell", "too-much-memory"), ("fail", "unexpected")],
)
def test_what_ends_a_child_is_blamed_and_its_neighbours_are_done(pool: Workers, what: str, kind: str) -> None:
    first, fault, last = pool.run(ACT, ["before", what, "after"])
    assert (first, last) == ("before", "after")
    assert isinstance(fault, Fault) and fault.kind == kind and "secret" not in fault.detail


def test_a_loop_that_holds_everything_up_ends_by_its_own_work(pool: Workers) -> None:
    (fault,) = pool.run(ACT, ["loop"])
    assert fault == Fault("too-long")


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_an_item_at_work_when_others_ended_its_child_is_done_all_the_same(pool: Workers, tmp_path: Path) -> None:
    items = ["a", ("once", str(tmp_path / "1")), "b", ("once", str(tmp_path / "2"))]
    assert pool.run(ACT, items) == ["a", "done", "b", "done"]


def test_a_portion_ends_early_when_it_is_enough(pool: Workers) -> None:
    found = pool.run(ACT, [("slow", 0.2)] * 20, enough_s=0.3)
    assert 1 <= len(found) < 20 and set(found) == {"slept"}
    found = pool.run(ACT, ["abort", "x", "y"], enough_s=10.0)
    assert isinstance(found[0], Fault)


def test_cancelling_ends_the_child_that_is_at_work(pool: Workers) -> None:
    asked = threading.Event()
    threading.Timer(0.3, asked.set).start()
    with pytest.raises(WorkCancelled):
        pool.run(ACT, ["wait"], cancelled=asked.is_set)
    assert pool.run(ACT, ["well"]) == ["well"]


def test_closing_lets_go_of_those_that_wait(pool: Workers) -> None:
    raised: list[type[BaseException]] = []

    def ask() -> None:
        try:
            pool.run(ACT, ["wait"])
        except WorkCancelled as error:
            raised.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    while not pool.pids():
        time.sleep(0.01)
    pool.close()
    thread.join(patient(20))
    assert raised == [WorkCancelled]
    with pytest.raises(WorkCancelled):
        pool.run(ACT, ["late"])


def test_children_that_never_come_up_are_nobodys_fault(
    pool: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'from multiprocessing.spawn' in ' '.join(sys.orig_argv): raise SystemExit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NoWorkerError) as caught:
        pool.run(ACT, ["a", "b"])
    assert caught.value.kind == "no-process" and caught.value.hint


def test_an_idle_child_ends_when_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_IDLE_S", 0.05)
    pool = Workers(2, keep=0)
    (pid,) = pool.run("tests.system.works:pid", [0])
    psutil.Process(pid).wait(patient(30))
    assert pool.pids() == []
    pool.close()


def test_a_child_that_holds_much_memory_is_not_kept(pool: Workers) -> None:
    (first,) = pool.run("tests.system.works:pid", [0])
    pool.run("tests.system.works:hold", [600 << 20])
    assert first not in pool.pids()
