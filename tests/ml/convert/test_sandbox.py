"""Children with limits: what they may not do ends them, and the one who asked goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.core.types import StoreError
from desktop.ml.convert.sandbox import GIB, ChildError, SandboxLimits, run
from tests.patience import patient

ROOMY = SandboxLimits(2 * GIB, 60.0)
HERE = "tests.ml.convert.test_sandbox"


def add(a: int, b: int, tell: Any) -> int:
    tell(f"adding {a}")
    return a + b


def refuse(path: str, tell: Any) -> None:
    raise StoreError("hostile", "it is hostile", "Look elsewhere.")


def fail(path: str, tell: Any) -> None:
    raise ValueError(f"cannot read {path} at all")


def allocate(at_once: bool, tell: Any) -> None:
    if at_once:
        bytearray(64 * GIB)
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 20)) * 32)


def wait(tell: Any) -> None:
    while True:
        signal.pause()


def tell_pid_and_wait(path: str, tell: Any) -> None:
    Path(path).write_text(str(os.getpid()), encoding="ascii")
    wait(tell)


def die(tell: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_result_and_events_come_back() -> None:
    told: list[str] = []
    assert run(f"{HERE}:add", (2, 3), ROOMY, told.append) == 5
    assert told == ["adding 2"]


def test_an_error_for_the_user_keeps_its_words() -> None:
    with pytest.raises(ChildError) as caught:
        run(f"{HERE}:refuse", ("x",), ROOMY)
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "hostile",
        "it is hostile",
        "Look elsewhere.",
    )


def test_other_errors_name_no_folder(tmp_path: Path) -> None:
    path = str(tmp_path / "Jane Doe" / "net.keras")
    with pytest.raises(ChildError) as caught:
        run(f"{HERE}:fail", (path,), ROOMY)
    assert "net.keras" in caught.value.message and "Jane Doe" not in caught.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is watched, not limited beforehand")
def test_one_huge_allocation_fails_at_once() -> None:
    with pytest.raises(ChildError) as caught:
        run(f"{HERE}:allocate", (True,), ROOMY)
    assert caught.value.kind == "too-much-memory"


def test_memory_that_grows_is_ended() -> None:
    with pytest.raises(ChildError) as caught:
        run(f"{HERE}:allocate", (False,), SandboxLimits(GIB // 4, 60.0))
    assert caught.value.kind == "too-much-memory" and "0.2 GiB" in caught.value.message


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_time_cancel_and_crash_are_told_apart() -> None:
    for function, limits, cancelled, kind in (
        ("wait", SandboxLimits(GIB, 0.3), lambda: False, "too-long"),
        ("wait", ROOMY, lambda: True, "cancelled"),
        ("die", ROOMY, lambda: False, "crashed"),
    ):
        with pytest.raises(ChildError) as caught:
            run(f"{HERE}:{function}", (), limits, cancelled=cancelled)
        assert caught.value.kind == kind


@pytest.mark.skipif(sys.platform == "win32", reason="waits for a signal")
def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Nobody would look at its memory any more, and nobody waits for what it makes."""
    note = tmp_path / "pid"
    os.mkfifo(note)
    call = f"run('{HERE}:tell_pid_and_wait', ({str(note)!r},), ROOMY)"
    script = f"from {HERE} import ROOMY, run\nif __name__ == '__main__':\n    {call}\n"
    (tmp_path / "parent.py").write_text(script, encoding="utf-8")
    root = str(Path(__file__).parents[3])
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env={**os.environ, "PYTHONPATH": root})
    child = psutil.Process(int(note.read_text(encoding="ascii")))  # waits until somebody writes
    parent.kill()
    parent.wait()
    child.wait(timeout=patient(60))  # raises where it goes on
