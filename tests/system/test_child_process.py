"""Real children: what they said before their end is heard, and every one can be ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

import psutil
import pytest

from desktop.system.child_process import KILL, ChildProcess, Outbox
from tests.patience import patient


def last_words(connection: Connection, count: int) -> None:
    for number in range(count):
        connection.send(number)
    os._exit(7)


def echo(connection: Connection) -> None:
    try:
        while True:
            connection.send(connection.recv())
    except EOFError:
        return


def stubborn(connection: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection.send("deaf")
    while True:
        signal.pause()


def hear(process: ChildProcess, count: int | None = None) -> list[Any]:
    """``count`` messages, or all to the child's end."""
    heard: list[Any] = []
    while len(heard) != count and not process.over:
        process.wait(patient(60))
        heard += process.receive()
    return heard


def test_what_a_child_said_before_its_end_is_heard() -> None:
    process = ChildProcess(last_words, (500,), duplex=False)
    assert hear(process) == list(range(500))
    assert process.collect(20) == 7
    process.end()


def test_a_dead_child_hears_nothing_and_nobody_minds() -> None:
    process = ChildProcess(echo, ())
    process.send("there?")
    assert hear(process, 1) == ["there?"] and not process.over
    process.kill()
    assert hear(process) == []
    process.send("still there?")
    assert process.collect(20) == -KILL
    process.kill()
    process.end()


def test_a_child_ends_when_hung_up_on() -> None:
    process = ChildProcess(echo, ())
    process.hang_up()
    assert process.join(patient(60)) == 0
    process.end()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to ignore")
def test_a_child_that_does_not_listen_is_killed() -> None:
    process = ChildProcess(stubborn, ())
    assert hear(process, 1) == ["deaf"]
    process.end(terminated=0.1, killed=None)
    assert not psutil.pid_exists(process.pid)


def test_many_letters_from_many_threads_ring_once() -> None:
    outbox: Outbox[tuple[int, int]] = Outbox()
    each = 30_000  # more bytes than a pipe holds, were there one for each
    threads = [
        threading.Thread(target=lambda own=own: [outbox.put((own, n)) for n in range(each)], daemon=True)
        for own in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(60))
    assert outbox.bell.poll(0)
    letters, rung = outbox.take()
    assert rung and not outbox.bell.poll(0)
    for own in range(3):
        assert [n for thread, n in letters if thread == own] == list(range(each))
    assert outbox.take() == ([], False)
    outbox.put()
    assert outbox.take() == ([], True)


def test_a_letter_wakes_who_waits_for_a_child() -> None:
    outbox: Outbox[str] = Outbox()
    process = ChildProcess(echo, ())
    outbox.put("hello")
    process.wait(None, outbox.bell)
    assert outbox.take() == (["hello"], True) and not process.over
    process.hang_up()
    process.end(asked=60)


@pytest.mark.parametrize("before", ["", "import numpy"])
def test_linear_algebra_has_one_thread_whenever_numpy_was_imported(before: str) -> None:
    code = (
        f"{before}\nfrom desktop.system.child_process import compute_alone\ncompute_alone()\nimport numpy\n"
        "from threadpoolctl import threadpool_info\n"
        "print([pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas'])"
    )
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts and set(counts) == {1}
