"""A camera as the window sees it: on, off, a frame at a time. A thread supervises the process that has it open.

Whoever shows it asks for nothing: frames come as fast as they are taken, each when the one before has been dealt with.
Nothing is stored: what is recorded or kept comes as a PNG file's bytes, and is the receiver's.

Lives in the main thread.
"""

from __future__ import annotations

import atexit
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from desktop.services.background import Task

if TYPE_CHECKING:
    from desktop.engine.camera_client import CameraClient
    from desktop.engine.camera_messages import CameraEvent, CameraFrame, CameraSource, Command

State = Literal["off", "starting", "on", "ended", "failed"]
RATE = 5.0
"""Frames a second that are recorded while a key is held, unless another rate is asked for."""
BURST = 300
"""Frames that one recording holds at most."""


class _Runner(QThread):
    heard = Signal(object)  # one of the events of desktop.engine.camera_messages

    def __init__(self, source: CameraSource) -> None:
        super().__init__()
        from desktop.engine.camera_client import CameraClient

        self.setObjectName("camera")
        self._client: CameraClient = CameraClient(source)
        _running.add(self)  # a thread must outlive its run even where whoever started it is gone
        self.finished.connect(self._release)

    @Slot()
    def _release(self) -> None:
        _running.discard(self)

    def run(self) -> None:
        """Start the process, hand its events on until the last one or until told to stop."""
        with self._client as client:
            while not client.ended and not self.isInterruptionRequested():
                for event in client.events(None):
                    if not self.isInterruptionRequested():
                        self.heard.emit(event)

    def send(self, command: Command) -> None:
        self._client.send(command)

    def halt(self) -> None:
        self.requestInterruption()
        self._client.interrupt()


_running: set[_Runner] = set()


@atexit.register
def _end_all() -> None:
    for runner in list(_running):
        runner.halt()
    for runner in list(_running):
        runner.wait(5000)


class Camera(QObject):
    """One camera at a time.

    ``state_changed`` says that :attr:`state` is another; ``frame_arrived`` carries a ``CameraFrame``, the newest;
    ``recorded`` a ``Recorded`` and ``recording_done`` a ``RecordingDone`` with the number that :meth:`record` or
    :meth:`keep_shown` returned; ``found`` the list of ``CameraSource`` that :meth:`look` asked for.
    """

    state_changed = Signal()
    frame_arrived = Signal(object)  # a CameraFrame, of a module that is not imported with the window
    recorded = Signal(object)  # a Recorded, of a module that is not imported with the window
    recording_done = Signal(object)  # a RecordingDone, of a module that is not imported with the window
    found = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: State = "off"
        self.source: CameraSource | None = None
        self.message = ""
        """Why it is off, in a sentence, and below it what to do; '' where the user turned it off."""
        self.hint = ""
        self.kind = ""
        """The kind of the failure, of those of ``CameraFailed``."""
        self.frames = 0
        self.early = False
        """Whether a video ended before the length that it declares."""
        self.newest: CameraFrame | None = None
        self._ids = itertools.count(1)
        self._runner: _Runner | None = None
        self._recording = 0
        self.pace: Callable[[], float] = lambda: 0.0
        """Seconds to wait before the next frame is asked for; who has more urgent work for the processor sets it."""
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._ask_next)

    @property
    def is_on(self) -> bool:
        """Whether the camera is open, or being opened."""
        return self._runner is not None

    @property
    def recording(self) -> bool:
        """Whether frames are being recorded."""
        return self._recording != 0

    def look(self) -> None:
        """Look for the cameras of this computer; ``found`` follows within seconds."""
        task = Task(_cameras)
        task.answered.connect(self._on_found)
        task.failed.connect(self._on_not_found)
        task.launch()

    def start(self, source: CameraSource) -> None:
        """Turn a camera on, in place of the one before."""
        from desktop.engine.camera_messages import NextFrame

        self._drop()
        self.source, self.newest, self.frames = source, None, 0
        runner = self._runner = _Runner(source)
        runner.heard.connect(self._on_event)
        runner.send(NextFrame())
        runner.start()
        self._be("starting")

    @Slot()
    def stop(self) -> None:
        """Turn it off, at once. A recording ends with what it has."""
        if self._runner is not None:
            self._drop()
            self._be("off")

    def next_now(self) -> None:
        """Ask at once for the frame that :attr:`pace` put off, if one was."""
        if self._later.isActive():
            self._later.stop()
            self._ask_next()

    @Slot()
    def _ask_next(self) -> None:
        from desktop.engine.camera_messages import NextFrame

        if self._runner is not None:
            self._runner.send(NextFrame())

    def keep_shown(self) -> int:
        """Ask for the frame that was shown last as a file; returns the number that it comes with, 0 where there is
        none."""
        from desktop.engine.camera_messages import KeepShown

        return self._numbered(KeepShown) if self.newest is not None else 0

    def record(self, rate: float = RATE, most: int = BURST, unlike: float = 6.0) -> int:
        """Record frames, ``rate`` a second, until :meth:`stop_recording` or ``most``; none that is nearly the one
        before (``unlike`` 0 takes them too). Returns the number that they come with, 0 where no camera is on."""
        from functools import partial

        from desktop.engine.camera_messages import Record

        number = self._numbered(partial(Record, every_s=1.0 / rate, most=most, unlike=unlike))
        self._recording = number
        return number

    @Slot()
    def stop_recording(self) -> None:
        """End the recording; what was taken before still comes."""
        from desktop.engine.camera_messages import StopRecording

        if self._runner is not None and self._recording:
            self._runner.send(StopRecording())

    def wait(self) -> None:
        """Turn it off and wait until nothing of it runs: for the end of the program."""
        self.stop()
        for runner in list(_running):
            runner.wait(5000)

    def _numbered(self, command: object) -> int:
        if self._runner is None or self.state != "on":
            return 0
        number = next(self._ids)
        self._runner.send(command(number))  # type: ignore[operator]
        return number

    def _drop(self) -> None:
        self._later.stop()
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.heard.disconnect(self._on_event)
            runner.halt()
        self._end_recording()

    def _end_recording(self) -> None:
        """Say of a recording whose camera is gone that it is over; how much it holds its receiver has counted."""
        from desktop.engine.camera_messages import RecordingDone

        number, self._recording = self._recording, 0
        if number:
            self.recording_done.emit(RecordingDone(number, -1, -1))

    def _be(self, state: State, message: str = "", hint: str = "", kind: str = "") -> None:
        self.state, self.message, self.hint, self.kind = state, message, hint, kind
        self.state_changed.emit()

    @Slot(object)
    def _on_event(self, event: CameraEvent) -> None:
        from desktop.engine.camera_messages import (
            CameraEnded,
            CameraFailed,
            CameraFrame,
            CameraOpened,
            NextFrame,
            Recorded,
            RecordingDone,
        )

        runner = self._runner
        if runner is None or self.sender() is not runner:
            return
        match event:
            case CameraOpened():
                self._be("on")
            case CameraFrame():
                self.newest = event
                self.frames += 1
                self.frame_arrived.emit(event)
                wait = self.pace()
                if wait > 0:
                    self._later.start(round(1000 * wait))
                elif self._runner is runner:
                    runner.send(NextFrame())
            case Recorded():
                self.recorded.emit(event)
            case RecordingDone():
                if event.id == self._recording:
                    self._recording = 0
                self.recording_done.emit(event)
            case CameraFailed():
                self._drop()
                self._be("failed", event.message, event.hint, event.kind)
            case CameraEnded():
                self.early = event.early
                self._drop()
                self._be("ended")

    @Slot(object)
    def _on_found(self, sources: list[CameraSource]) -> None:
        self.found.emit(sources)

    @Slot(Exception)
    def _on_not_found(self, error: Exception) -> None:
        self.found.emit([])


def _cameras(task: Task) -> list[CameraSource]:
    from desktop.engine.camera_list import cameras

    return cameras()
