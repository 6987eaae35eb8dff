"""Pictures of the real window after a real answer, for the documentation and for looking at it critically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from desktop.core.types import FoveaError


def capture_classify(
    images: list[str], model_id: str, size: tuple[int, int], theme: str, out: str, timeout_s: float = 60
) -> None:
    """Save the Classify view as PNG, ``size`` (width, height) in pixels, in ``theme`` ('light' or 'dark').

    ``images`` are files and folders; several are classified as a folder is. Without any the empty view is taken.
    Waits until answer, picture and the thumbnails in sight are there. Raises :class:`FoveaError` of kind ``timeout``
    when they do not come, ``no-such-model`` for an unknown ``model_id`` ('' takes the first), ``not-written`` when
    ``out`` cannot be written. The user's settings are neither read nor changed.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from desktop.services.settings import Settings
    from desktop.ui.app import build_window, make_application

    make_application(())
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        settings = Settings(Path(folder) / "settings.json")
        settings.set("model", model_id)
        shell = build_window(settings, images, theme)
        window = shell.window
        try:
            window.resize(*size)
            window.show()
            view = window.classify
            _wait_for(lambda: shell.catalog.loaded, timeout_s, "the models")
            if model_id and shell.catalog.entry(model_id) is None:
                raise FoveaError("no-such-model", f"there is no model '{model_id}'")

            def complete() -> bool:
                session = view.session
                if not images:
                    return True
                answered = session.prediction or session.failure or not session.model_ready
                seen = session.preview or session.preview_failure
                idle = not view.opener.busy and not view.job.running
                return bool(answered and seen and idle and not view.list.model.missing(view.list.visible_items()))

            _wait_for(complete, timeout_s, "the answer")
            QApplication.processEvents()
            if not window.grab().save(out, "PNG"):
                raise FoveaError("not-written", "the picture was not written", "Choose another folder.")
        finally:
            window.close()
            shell.close_down()


def _wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Run the event loop until ``condition`` holds. Raises :class:`FoveaError` of kind ``timeout``."""
    deadline = QDeadlineTimer(int(timeout_s * 1000))
    loop = QEventLoop()
    tick = QTimer()
    tick.setInterval(10)

    def look() -> None:
        if condition() or deadline.hasExpired():
            loop.quit()

    tick.timeout.connect(look)
    tick.start()
    if not condition():
        loop.exec()
    tick.stop()
    if not condition():
        raise FoveaError("timeout", f"{what} did not come within {timeout_s:g} seconds")
