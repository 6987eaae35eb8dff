"""The window under the stopwatch: child processes that show the real one, or an empty one, offscreen.

``python -m benchmarks.windows ROLE ...`` prints one JSON object. Times are those of :func:`time.monotonic`, which all
processes of a computer share, or durations in milliseconds.

- ``empty``: an empty PySide6 window; ``painted``.
- ``launch PICTURE``: Fovea as from the command line; ``painted``, ``answered`` (the answer is on the screen).
- ``drops PICTURE...``: pictures dropped one after another; ``milliseconds`` from each drop to its painted answer.
- ``pulse FOLDER``: Fovea classifies a folder; ``gaps`` between the beats of its event loop, and ``answered``.
- ``empty-pulse``: the same of an empty window, until the input ends.
- ``train-pulse``, ``train-alone``: see :mod:`benchmarks.training_window`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, cast

_SETTLE_MS = 150  # from an answer to the next drop: preview and thumbnail come meanwhile
_BEAT_MS = 1
_LIMIT_MS = 300_000


def main(arguments: list[str]) -> int:
    """Play one role."""
    from benchmarks import training_window

    roles: dict[str, Callable[[list[str]], dict[str, Any]]] = {
        "empty": _empty,
        "launch": _launch,
        "drops": _drops,
        "pulse": _pulse,
        "empty-pulse": _empty_pulse,
        "train-pulse": training_window.train_pulse,
        "train-alone": training_window.train_alone,
    }
    print(json.dumps(roles[arguments[0]](arguments[1:])), flush=True)
    return 0


def _first_paint(window: Any, then: Callable[[float], None]) -> Any:
    """Call ``then`` with the time after the first paint of ``window``; keep what is returned alive."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() == QEvent.Type.Paint:
                window.removeEventFilter(self)
                QTimer.singleShot(0, lambda: then(time.monotonic()))  # when the whole window has been drawn
            return False

    watch = Watch()
    window.installEventFilter(watch)
    return watch


def _empty(_: list[str]) -> dict[str, Any]:
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication(sys.argv[:1])
    window = QMainWindow()
    window.resize(1280, 720)
    result: dict[str, Any] = {}

    def painted(moment: float) -> None:
        result["painted"] = moment
        app.quit()

    watch = _first_paint(window, painted)
    window.show()
    app.exec()
    del watch
    return result


class _Answers:
    """Tells when the answer for the current picture is on the screen."""

    def __init__(self, window: Any) -> None:
        from PySide6.QtCore import QEvent, QObject, QTimer
        from PySide6.QtWidgets import QApplication, QWidget

        self._then: Callable[[], None] | None = None
        self._view = window.classify
        self._app = app = cast("QApplication", QApplication.instance())
        answers = self

        class Watch(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
                if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget) and answers._shows(watched):
                    app.removeEventFilter(self)
                    QTimer.singleShot(0, answers._painted)
                return False

        self._watch = Watch()
        # Connected last, so that the view has already taken the answer; only now does every event pay for being seen.
        self._view.session.prediction_changed.connect(self._changed)

    def expect(self, then: Callable[[], None]) -> None:
        """Call ``then`` once, after the next answer was painted."""
        self._then = then

    def _shows(self, widget: Any) -> bool:
        bars = self._view.answer.bars
        return widget is bars or bars.isAncestorOf(widget)

    def _changed(self) -> None:
        if self._then is not None and self._view.session.prediction is not None:
            self._app.installEventFilter(self._watch)

    def _painted(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()


def _launch(arguments: list[str]) -> dict[str, Any]:
    """The program's own entrance; its event loop is met on the way in, Qt loaded no sooner than it loads it."""
    from desktop import __main__ as entrance

    result: dict[str, Any] = {}
    held: list[Any] = []
    predictor = entrance._predictor

    def begun() -> Any:
        client = predictor()
        _watch_launch(result, held)
        return client

    entrance._predictor = begun
    entrance.main(arguments)
    return result


def _watch_launch(result: dict[str, Any], held: list[Any]) -> None:
    """Note in ``result`` when the window that will come is painted, and when it shows its first answer."""
    from PySide6.QtWidgets import QApplication

    from desktop.ui.shell.main_window import MainWindow

    run_loop = QApplication.exec

    def exec_watched(*_: Any) -> int:
        window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        held.append(_first_paint(window, lambda moment: result.__setitem__("painted", moment)))

        def answered() -> None:
            result["answered"] = time.monotonic()
            window.close()

        def watch_answers() -> None:
            answers = _Answers(window)
            held.append(answers)
            answers.expect(answered)

        # Not before: the view that shows answers is made after the first paint, and asking for it would make it sooner.
        window.painted.connect(watch_answers)
        return run_loop()

    QApplication.exec = exec_watched  # type: ignore[method-assign]


class Fovea:
    """The real window, shown, its engine warm; :meth:`run` gives up ``limit_ms`` after the beginning."""

    def __init__(self, limit_ms: int = _LIMIT_MS) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        from desktop.ui.shell.app import build_window, make_application

        self.app = make_application(())
        self.shell = build_window()
        self.window = self.shell.window
        self.window.show()
        self._loop = QEventLoop()
        QTimer.singleShot(limit_ms, lambda: self._loop.exit(1))
        self.window.painted.connect(self._await_warm)
        self.run()

    def _await_warm(self) -> None:
        assert self.window.host.engine is not None
        self.window.host.engine.warmed.connect(self.done)

    def run(self) -> None:
        """Turn the event loop until :meth:`done`."""
        if self._loop.exec() != 0:
            raise TimeoutError("the window did not come to an end")

    def done(self, *_: Any) -> None:
        """End :meth:`run`."""
        self._loop.exit(0)

    def drop(self, paths: list[str]) -> None:
        """Let files or folders fall onto the window, as from a file manager."""
        from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
        from PySide6.QtGui import QDragEnterEvent, QDropEvent

        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
        place = QPointF(self.window.rect().center())
        button, key = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        copy = Qt.DropAction.CopyAction
        # Qt hands a drop only to a window that something was dragged over before.
        self.app.sendEvent(self.window, QDragEnterEvent(place.toPoint(), copy, mime, button, key))
        self.app.sendEvent(self.window, QDropEvent(place, copy, mime, button, key))

    def close(self) -> None:
        """Close the window and end its processes."""
        self.window.close()
        self.shell.close_down()


def _drops(pictures: list[str]) -> dict[str, Any]:
    from PySide6.QtCore import QTimer

    fovea = Fovea()
    answers = _Answers(fovea.window)
    milliseconds: list[float] = []
    waiting = list(reversed(pictures))
    begin = 0.0

    def next_drop() -> None:
        nonlocal begin
        if not waiting:
            fovea.done()
            return
        path = waiting.pop()
        answers.expect(arrived)
        begin = time.perf_counter()
        fovea.drop([path])

    def arrived() -> None:
        milliseconds.append((time.perf_counter() - begin) * 1000)
        QTimer.singleShot(_SETTLE_MS, next_drop)

    QTimer.singleShot(_SETTLE_MS, next_drop)
    fovea.run()
    fovea.close()
    return {"milliseconds": milliseconds}


class Beat:
    """A heart in the event loop: whenever it could not beat, neither could a user's click be heard.

    ``gaps`` between its beats in ms; ``busy``: how much of each the drawing thread itself computed.
    """

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.gaps: list[float] = []
        self.busy: list[float] = []
        self._last = self._worked = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._beat()

    def _beat(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.gaps.append((now - self._last) * 1000)
        self.busy.append((worked - self._worked) * 1000)
        self._last, self._worked = now, worked


def _pulse(arguments: list[str]) -> dict[str, Any]:
    fovea = Fovea()
    job = fovea.window.classify.job
    beat = Beat()
    begin = time.perf_counter()
    job.ended.connect(fovea.done)
    beat.start()
    fovea.drop([arguments[0]])
    fovea.run()
    beat.stop()
    answered = job.done
    seconds = time.perf_counter() - begin
    fovea.close()
    return {"gaps": beat.gaps, "answered": answered, "seconds": seconds}


def _empty_pulse(_: list[str]) -> dict[str, Any]:
    import threading

    from PySide6.QtCore import QMetaObject, Qt
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication(sys.argv[:1])
    window = QMainWindow()
    window.resize(1280, 720)
    window.show()
    beat = Beat()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        QMetaObject.invokeMethod(app, "quit", Qt.ConnectionType.QueuedConnection)

    def begin(_: float) -> None:
        print(json.dumps({"ready": True}), flush=True)
        beat.start()
        threading.Thread(target=wait_for_the_end, daemon=True).start()

    watch = _first_paint(window, begin)
    app.exec()
    beat.stop()
    del watch
    return {"gaps": beat.gaps}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
