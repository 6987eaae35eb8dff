"""Pictures of the real window after a real answer, for the documentation and for looking at it critically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop.core.types import FoveaError
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ui.shell.app import Shell


@contextmanager
def staged(
    size: tuple[int, int], theme: str, model_id: str = "", paths: Sequence[str] = (), timeout_s: float = 60
) -> Iterator[Shell]:
    """The real window without a display, ``size`` (width, height) in pixels, in ``theme`` ('light' or 'dark').

    Models and engine are there when the block begins. The user's settings are neither read nor changed. Raises
    :class:`FoveaError` of kind ``no-such-model`` for an unknown ``model_id`` ('' takes the first).
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from desktop.services.settings import Settings
    from desktop.ui.shell.app import build_window, make_application

    make_application(())
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        settings = Settings(Path(folder) / "settings.json")
        settings.set("model", model_id)
        shell = build_window(settings, paths, theme)
        try:
            shell.window.resize(*size)
            shell.window.show()
            wait_for(lambda: shell.catalog.loaded and shell.engine is not None, timeout_s, "the models")
            if model_id and shell.catalog.entry(model_id) is None:
                raise FoveaError("no-such-model", f"there is no model '{model_id}'")
            yield shell
        finally:
            shell.window.close()
            shell.close_down()


def save(window: QWidget, out: str) -> None:
    """Write what ``window`` shows into the PNG file ``out``. Raises :class:`FoveaError` of kind ``not-written``."""
    QApplication.processEvents()
    if not window.grab().save(out, "PNG"):
        raise FoveaError("not-written", "the picture was not written", "Choose another folder.")


def capture_classify(
    images: list[str],
    model_id: str,
    size: tuple[int, int],
    theme: str,
    out: str,
    timeout_s: float = 60,
    why: str = "",
    frame: int = 0,
) -> None:
    """Save the Classify view as PNG; see :func:`staged`.

    ``why`` opens the map of where the network looked: a method, or ``quickest``; ``frame`` (1 is the first, 0 where it
    began) chooses one of a series or of a file of several.

    ``images`` are files and folders; several are classified as a folder is. Without any the empty view is taken.
    Waits until answer, picture and the thumbnails in sight are there. Raises :class:`FoveaError` of kind ``timeout``
    when they do not come, and those of :func:`staged` and :func:`save`.
    """
    with staged(size, theme, model_id, images, timeout_s) as shell:
        view = shell.window.classify

        def complete() -> bool:
            session = view.session
            if not images:
                return True
            answered = session.prediction or session.failure or not session.model_ready
            seen = session.preview or session.preview_failure
            idle = not view.opener.busy and not view.job.running and view.picture.radiology.settled
            return bool(answered and seen and idle and not view.list.model.missing(view.list.visible_items()))

        wait_for(complete, timeout_s, "the answer")
        if frame and images:
            item = view.session.current
            if item is None or frame > item.count:
                text = phrase("the first picture has {count:,} frames", count=item.count if item is not None else 0)
                raise FoveaError("no-frame", text, "Choose one of them, or leave out --frame.")
            view.session.set_frame(frame - 1)
            wait_for(complete, timeout_s, "the frame")
        if why and images:
            explainer = view.explainer
            explainer.method = None if why == "quickest" else why  # type: ignore[assignment]
            explainer.show(True)
            wait_for(lambda: not explainer.waiting, timeout_s, "the map")
            if explainer.failure is not None:
                raise FoveaError(explainer.failure.kind, explainer.failure.message, explainer.failure.hint)
        save(shell.window, out)


def capture_evaluate(
    data: str,
    model_id: str,
    size: tuple[int, int],
    theme: str,
    out: str,
    timeout_s: float = 600,
    split: str | None = None,
    tab: str = "pictures",
) -> None:
    """Save the Evaluate view after a real evaluation of ``data``, at the tab ``tab``; see :func:`staged`.

    The evaluation is kept like any other. Raises the :class:`FoveaError` that ended it, where one did; kind
    ``labels-differ`` where the class names are not the model's labels and were never matched, ``split-needed`` where
    the data has several splits and none was named.
    """
    with staged(size, theme, model_id, (), timeout_s) as shell:
        shell.window.host.show_evaluate()
        view = shell.window.evaluate
        failures: list[FoveaError] = []
        view.choosing.opener.failed.connect(failures.append)
        view.service.failed.connect(failures.append)
        if data:
            view.open_path(data, split)
            wait_for(lambda: view.data is not None or bool(failures), timeout_s, "the data")
            if not failures:
                view.choose_model(model_id or view.model_id)
                trouble = view.obstacle()
                if trouble is not None:
                    raise trouble
                view.begin()
                wait_for(lambda: view.state.result is not None or bool(failures), timeout_s, "the result")
            if failures:
                raise failures[0]
            view.results.open_tab(tab)
            gallery = view.results.gallery

            def complete() -> bool:
                rows = [gallery.model.row_at(place) for place in gallery.view.visible_rows()]
                return tab != "pictures" or not gallery.model.awaited(rows)

            QApplication.processEvents()
            wait_for(complete, timeout_s, "the pictures")
        save(shell.window, out)


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Run the event loop until ``condition`` holds. Raises :class:`FoveaError` of kind ``timeout``."""
    if condition():
        return
    deadline = QDeadlineTimer(int(timeout_s * 1000))
    loop = QEventLoop()
    tick = QTimer()
    tick.setInterval(10)
    met = False

    def look() -> None:
        nonlocal met
        met = met or condition()  # it may hold for a moment only, while something is drawn
        if met or deadline.hasExpired():
            loop.quit()

    tick.timeout.connect(look)
    tick.start()
    loop.exec()
    tick.stop()
    if not met:
        raise FoveaError("timeout", f"{what} did not come within {timeout_s:g} seconds")
