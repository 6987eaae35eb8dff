"""What a screen reader really gets: the tree that the window gives to AT-SPI on a display, read from outside of it.

Every control has a role, a name, the states and the value that its kind has; every picture of figures has its words.
Debian: xvfb, at-spi2-core, python3-pyatspi, dbus (dbus-run-session).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience import patient
from tests.ui.stages import STAGES

ROOT = Path(__file__).resolve().parents[3]
READER = Path(__file__).with_name("reader.py")
SYSTEM_PYTHON = "/usr/bin/python3"
Node = dict[str, Any]

BUTTONS = {"push button", "toggle button", "check box", "radio button", "menu item", "button menu"}
CONTROLS = BUTTONS | {
    "combo box", "text", "spin button", "slider", "list", "table", "tree", "tree table", "page tab", "link",
    "progress bar", "chart", "image", "entry", "password text", "dial",
}  # fmt: skip
WITH_VALUE = {"slider", "spin button", "progress bar"}
TELLING = {"chart"}
NAMELESS = {"unknown", "invalid", "redundant object"}
PART_OF = {"spin button", "combo box", "table", "tree", "tree table", "list", "scroll bar"}


def missing() -> str:
    """What this machine lacks to read the tree; '' where nothing."""
    if sys.platform != "linux":
        return "AT-SPI is Linux'"
    for tool in ("Xvfb", "dbus-run-session", SYSTEM_PYTHON):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if not Path("/usr/libexec/at-spi2-registryd").exists() and not Path("/usr/lib/at-spi2-core").exists():
        return "at-spi2-core is not installed"
    asked = subprocess.run([SYSTEM_PYTHON, "-c", "import pyatspi"], capture_output=True, check=False)
    return "" if asked.returncode == 0 else "pyatspi is not installed (Debian: python3-pyatspi)"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.usefixtures("obedient_job"),
]


@contextmanager
def display() -> Iterator[str]:
    """A display that nobody sees; gives its name."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
        pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def trees(stage: str, tmp_path: Path) -> Iterator[tuple[str, list[Node]]]:
    """What is told of each thing that a stage shows."""
    with display() as name:
        environment = {
            **os.environ, "DISPLAY": name, "QT_QPA_PLATFORM": "xcb", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)]),
            "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        environment.pop("AT_SPI_BUS_ADDRESS", None)
        window = subprocess.Popen(
            ["dbus-run-session", "--", sys.executable, "-m", "tests.ui.screen_reader.window", stage],
            env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert window.stdin is not None and window.stdout is not None
        try:
            for line in window.stdout:
                if not line.startswith('{"stage"'):
                    continue
                told = json.loads(line)
                read = subprocess.run(
                    [SYSTEM_PYTHON, str(READER)], env={**environment, "DBUS_SESSION_BUS_ADDRESS": told["bus"]},
                    capture_output=True, text=True, timeout=patient(120), check=False,
                )  # fmt: skip
                assert read.returncode == 0, read.stdout[-500:] + read.stderr[-2000:]
                yield told["shown"], json.loads(read.stdout)
                window.stdin.write("\n")
                window.stdin.flush()
            assert window.wait(patient(60)) == 0
        finally:
            if window.poll() is None:
                window.terminate()
                window.wait()


def faults(where: str, windows: list[Node]) -> list[str]:
    """What a screen reader would not be told."""
    found: list[str] = []

    def walk(node: Node, above: tuple[Node, ...]) -> None:
        role, states = node["role"], set(node["states"])
        place = (
            f"{where}: {role} '{node['name'][:40]}' in {' < '.join(n['name'] or n['role'] for n in above[::-1][:3])}"
        )
        inner = any(n["role"] in PART_OF for n in above)
        if role in NAMELESS and not (above and above[-1]["role"] == "split pane" and "focusable" not in states):
            found.append(f"{place}: has no role")
        if "focusable" in states and not inner and not node["name"] and role not in ("frame", "dialog", "panel"):
            found.append(f"{place}: can have the keyboard and has no name")
        if role in CONTROLS and not inner and not node["name"]:
            found.append(f"{place}: has no name")
        if role in BUTTONS and not inner and not {"enabled", "sensitive"} <= states and "focused" in states:
            found.append(f"{place}: is off and has the keyboard")
        if role in ("check box", "radio button") and not {"checkable"} & states and "checked" not in states:
            found.append(f"{place}: does not say whether it is chosen")
        if role in WITH_VALUE and not inner:
            low, now, high = node.get("value") or (1, 0, 0)
            if not low <= now <= high:
                found.append(f"{place}: has no value ({low}, {now}, {high})")
        if role in TELLING and not node["about"]:
            found.append(f"{place}: says nothing of what it shows")
        for child in node.get("children", ()):
            walk(child, (*above, node))

    for window in windows:
        walk(window, ())
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_a_screen_reader_is_told_of_every_control(stage: str, tmp_path: Path) -> None:
    found: list[str] = []
    seen = 0
    for shown, windows in trees(stage, tmp_path):
        assert windows, f"{shown}: nothing is told"
        found += faults(f"{stage}/{shown}", windows)
        seen += 1
    assert seen and not found, "\n".join(dict.fromkeys(found))
