"""``fovea predict --camera``: what a camera sees, answered frame after frame; the newest frame wins."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

from desktop.cli import console
from desktop.core.notices import NOTICES
from desktop.core.types import FoveaError, ImageSource
from desktop.engine.camera_messages import CameraEnded, CameraFailed, CameraFrame, NextFrame, source_of
from desktop.engine.messages import EngineLost, Failure, Prediction, PredictRequest
from desktop.store.manifest import Manifest
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.engine.camera_client import CameraClient
    from desktop.engine.client import EngineClient

_WAIT_S = 0.5


class Writer(Protocol):
    """What prints the answers."""

    def write(self, path: str, result: Prediction | Failure, manifest: Manifest) -> None: ...


def run(options: argparse.Namespace, manifest: Manifest, writer: Writer) -> int:
    """Answer frames until the video ends, ``--frames`` are answered, or Ctrl-C; returns the exit status."""
    from desktop.engine.camera_client import CameraClient
    from desktop.engine.client import EngineClient

    try:
        source = source_of(options.camera)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        return 2
    if manifest.medical and not options.json:
        console.note(NOTICES["medical"].text)
    answered = failed = 0
    with EngineClient() as engine, CameraClient(source) as camera:
        while options.frames is None or answered + failed < options.frames:
            camera.send(NextFrame())
            frame = _frame(camera)
            if isinstance(frame, CameraFailed):
                console.complain(frame.message, frame.hint)
                return 1
            if isinstance(frame, CameraEnded):
                if frame.early:
                    console.note(phrase("fovea: the video breaks off before its end"))
                break
            name = f"{source.name}:{frame.number}"
            result = _answer(engine, PredictRequest(engine.next_id(), manifest.id, ImageSource(name, data=frame.bmp)))
            answered += isinstance(result, Prediction)
            failed += isinstance(result, Failure)
            writer.write(name, result, manifest)
            if isinstance(result, Failure) and result.model_failed:
                return 1
    if not options.json:
        console.note(phrase("{answered:,} frames answered, {failed:,} failed", answered=answered, failed=failed))
    return 1 if failed or not answered else 0


def _frame(camera: CameraClient) -> CameraFrame | CameraFailed | CameraEnded:
    while True:
        for event in camera.events(_WAIT_S):
            if isinstance(event, CameraFrame | CameraFailed | CameraEnded):
                return event


def _answer(engine: EngineClient, request: PredictRequest) -> Prediction | Failure:
    engine.submit(request)
    while True:
        for event in engine.events(_WAIT_S):
            if isinstance(event, EngineLost):
                console.note(phrase("fovea: the engine ended ({reason})", reason=event.reason))
                if not event.restarting:
                    return Failure(request.id, "engine-lost", event.reason, "Start Fovea again.", model_failed=True)
            if isinstance(event, Prediction | Failure) and event.id == request.id:
                return event
