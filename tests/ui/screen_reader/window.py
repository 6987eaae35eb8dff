"""A real window on a real display for a screen reader's eyes: run by the test beside it, stage by stage.

Prints a line of JSON for each thing that is shown and goes on with the next when a line comes in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEventLoop

from tests.patience import patient


class Bot:
    """As much of pytest-qt's robot as the stages ask for."""

    @staticmethod
    def wait(milliseconds: int) -> None:
        """Let things happen for a while."""
        end = time.monotonic() + milliseconds / 1000
        while time.monotonic() < end:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def waitUntil(self, condition: Callable[[], bool], timeout: int = 60_000) -> None:
        """Let things happen until ``condition`` holds."""
        end = time.monotonic() + patient(timeout / 1000)
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("waitUntil timed out")
            self.wait(20)

    def waitSignal(self, signal: Any, timeout: int = 60_000) -> Any:
        """A block that ends with a signal."""
        return _Waiting(self, signal, timeout)


class _Waiting:
    def __init__(self, bot: Bot, signal: Any, timeout: int) -> None:
        self._bot, self._timeout, self._come = bot, timeout, False
        signal.connect(self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self._come = True

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._bot.waitUntil(lambda: self._come, self._timeout)


def main(stages: list[str]) -> int:
    """Show each of ``stages``; returns the exit status."""
    from desktop import paths
    from desktop.services.settings import Settings
    from desktop.store.manifest import Card
    from desktop.store.store import ModelStore
    from desktop.ui.shell.app import build_window
    from tests.store.makers import add_colours
    from tests.ui.stages import STAGES

    # Qt looks once, when it starts, whether somebody listens.
    asked = [
        "dbus-send",
        "--session",
        "--print-reply",
        "--dest=org.a11y.Bus",
        "/org/a11y/bus",
        "org.a11y.Bus.GetAddress",
    ]
    subprocess.run(asked, check=True, stdout=subprocess.DEVNULL)
    lines = _Lines()
    bot = Bot()
    with tempfile.TemporaryDirectory(prefix="fovea-reader-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["FOVEA_HOME"] = str(folder / "home")
        paths.bundled_models = lambda: folder / "bundled"
        store = ModelStore()
        add_colours(store)
        card = Card("Scores X-rays.", "Research.", ("Few data.",), notice="Research only. Not a medical device.")
        add_colours(store, id="xray", name="X-ray", medical=True, card=card, labels=("normal", "ill", "other"))
        shell = build_window(Settings(), mode="light")
        shell.window.resize(1280, 720)
        shell.window.show()
        shell.window.activateWindow()
        bot.waitUntil(lambda: shell.catalog.loaded and shell.window.classify.session.engine is not None)
        for stage in stages:
            for shown, _ in STAGES[stage](shell, bot, folder / stage):
                bot.wait(200)
                print(json.dumps({"stage": stage, "shown": shown, "bus": os.environ["DBUS_SESSION_BUS_ADDRESS"]}))
                sys.stdout.flush()
                bot.waitUntil(lines.more, 600_000)
        shell.window.close()
        shell.close_down()
    return 0


class _Lines:
    """What comes in, read by a thread so that the window goes on."""

    def __init__(self) -> None:
        self._come = threading.Semaphore(0)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for _ in sys.stdin:
            self._come.release()

    def more(self) -> bool:
        """Whether another line has come."""
        return self._come.acquire(blocking=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
