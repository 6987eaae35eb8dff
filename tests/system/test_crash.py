"""Crash reports: written whatever goes wrong, read at the next start, and silent about people and places."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.system import crash

ROOT = Path(__file__).resolve().parents[2]
SECRET = "Jane Doe"


def crashed(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a watched process whose script lies in a folder with a person's name."""
    script = home / SECRET / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"from desktop.system import crash\nassert crash.watch('window')\n{code}\n", encoding="utf-8")
    environment = {**os.environ, "FOVEA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)


def reports(home: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in crash.unseen(home / "logs" / "crashes")]


def silent(text: str, *secrets: str) -> bool:
    return not any(word in text for word in (SECRET, "Jane", str(ROOT), "patient", *secrets))


def test_an_uncaught_error_is_reported_without_its_words(fovea_home: Path) -> None:
    code = f"def work():\n    open('/home/{SECRET}/patient 4711.dcm')\nwork()"
    done = crashed(code, fovea_home)
    assert done.returncode == 1 and "Traceback" in done.stderr
    (text,) = reports(fovea_home)
    assert "builtins.FileNotFoundError [No such file or directory]" in text
    assert "script.py, line 4, in work" in text and "Process: window" in text
    assert silent(text, "4711")


def test_an_error_in_a_thread_is_reported_with_its_cause(fovea_home: Path) -> None:
    code = (
        "import threading\ndef work():\n    try:\n        {}['patient']\n    except KeyError as error:\n"
        "        raise ValueError('patient') from error\n"
        "t = threading.Thread(target=work, name='scan')\nt.start()\nt.join()"
    )
    assert crashed(code, fovea_home).returncode == 0
    (text,) = reports(fovea_home)
    assert "Thread: scan" in text and "builtins.ValueError" in text and "caused by builtins.KeyError" in text
    assert silent(text)


def test_a_fault_in_a_library_becomes_a_report_at_the_next_start(fovea_home: Path) -> None:
    done = crashed("import ctypes\nctypes.string_at(0)", fovea_home)
    assert done.returncode not in (0, 1)
    (text,) = reports(fovea_home)
    assert "Segmentation fault" in text or "access violation" in text
    assert "script.py, line 4, in <module>" in text and silent(text)
    assert not list((fovea_home / "logs" / "crashes").glob("*.trace"))


def test_an_orderly_end_leaves_nothing(fovea_home: Path) -> None:
    assert crashed("crash.unwatch()", fovea_home).returncode == 0
    assert not list((fovea_home / "logs" / "crashes").iterdir())


def test_the_same_error_is_told_once_and_seen_reports_are_not_offered_again(fovea_home: Path) -> None:
    code = "\n".join(
        [
            "def work():",
            "    try:",
            "        raise RuntimeError('x')",
            "    except RuntimeError as error:",
            "        crash.write(error, 'main')",
            "for _ in range(50): work()",
        ]
    )
    assert crashed(code, fovea_home).returncode == 0
    place = fovea_home / "logs" / "crashes"
    (found,) = crash.unseen(place)
    crash.mark_seen([found])
    assert not crash.unseen(place)
    assert len(list(place.glob("crash-*.txt"))) == 1  # kept for who wants to read it later


def test_the_trace_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    trace = tmp_path / f"engine-{os.getppid()}.trace"
    trace.write_text("Fatal Python error: Aborted\n", encoding="utf-8")
    assert not crash.unseen(tmp_path)
    assert trace.exists() or os.name == "nt"


def test_only_the_newest_reports_are_kept(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"crash-20260101-0000{number:02}-1.new.txt").write_text("x", encoding="utf-8")
    assert len(crash.unseen(tmp_path)) == len(list(tmp_path.iterdir())) == 20
    assert (tmp_path / "crash-20260101-000029-1.new.txt").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert not crash.watch("window", tmp_path / "crashes")


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not crash.watch("window", tmp_path / "file" / "crashes")
    assert crash.unseen(tmp_path / "file" / "crashes") == []


def test_unknown_lines_of_a_trace_are_dropped() -> None:
    text = f'Fatal Python error: Aborted\n{SECRET} wrote this\n  File "/home/{SECRET}/desktop/ui/x.py", line 3 in f\n'
    assert crash.scrubbed(text) == "Fatal Python error: Aborted\n  desktop/ui/x.py, line 3, in f"
