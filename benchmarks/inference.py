"""How fast Fovea answers: ``python -m benchmarks.inference``.

A picture dropped onto the window until its answer is painted; the engine's own predict beside bare LiteRT; a folder of
photographs beside the usual Keras loop; memory over a very long folder.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks import common
from desktop.app.answers import answers
from desktop.core.pictures.preprocess import prepare
from desktop.core.pictures.walk import FoundFile
from desktop.core.types import ImageSource
from desktop.engine.client import EngineClient
from desktop.engine.messages import Failure, Prediction, PredictRequest, Warmed, WarmRequest
from desktop.engine.model import default_threads

DROP_LIMIT_MS = 30.0
ENGINE_LIMIT = 1.15
BATCH_LIMIT = 10.0
MEMORY_LIMIT = 1.05
_WARM_UP = 5


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = common.options(argv, "inference", "Drop to answer, the engine, a folder, memory.", rounds=4)
    subject = common.subject(options.model)
    report = common.Report("inference", subject.id, options.quick)
    quick = options.quick
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _drop(report, subject, common.small_pictures(folder / "small", 8 if quick else 60))
        _engine(report, subject, common.small_pictures(folder / "small", 20 if quick else 400))
        photos = common.photo_folder(folder / "photos", 60 if quick else 2000, 20 if quick else 60)
        _batch(report, subject, photos, options.rounds, 4 if quick else 40)
        _memory(report, subject, photos, 600 if quick else 20_000)
    return common.finish(report, options.json)


def _warm(subject: common.Subject) -> EngineClient:
    """An engine that has the model loaded."""
    engine = EngineClient()
    engine.start()
    engine.submit(WarmRequest(engine.next_id(), subject.id))
    while True:
        for event in engine.events(60.0):
            if isinstance(event, Warmed):
                return engine
            if isinstance(event, Failure):
                raise RuntimeError(event.message)


# A drop


def _drop(report: common.Report, subject: common.Subject, pictures: list[str]) -> None:
    """The real window, a real drop, until the answer is painted; the peer has only to predict."""
    with common.fresh_home(subject) as home:
        seen = common.ask_child("benchmarks.windows", "drops", *pictures, home=home)
    with _KerasLoop(subject) as peer:
        keras = [seconds * 1000 for seconds in peer.time(pictures)]
    milliseconds = seen["milliseconds"][min(_WARM_UP, len(pictures) // 2) :]
    figure = report.compare("drop to painted answer, 32×32", "ms", milliseconds, keras, "Keras: open, resize, predict")
    report.bars.append(common.at_most("drop to painted answer, ms, median", figure.fovea, DROP_LIMIT_MS))


# The engine


def _engine(report: common.Report, subject: common.Subject, pictures: list[str]) -> None:
    """The engine's own predict beside bare LiteRT on the same pictures, by turns, each after its own decoding."""
    bare = _BareLiteRT(subject)
    own: list[float] = []
    peer: list[float] = []
    engine = _warm(subject)
    try:
        for picture in [*pictures[:_WARM_UP], *pictures]:
            request = PredictRequest(engine.next_id(), subject.id, ImageSource.from_path(picture))
            engine.submit(request)
            own.append(_await(engine, request.id).elapsed.predict)
            peer.append(bare.time(picture))
    finally:
        engine.close()
    figure = report.compare("predict, one picture", "ms", own[_WARM_UP:], peer[_WARM_UP:], "bare LiteRT")
    report.bars.append(common.at_most("engine's predict, times bare LiteRT", figure.ratio or 0.0, ENGINE_LIMIT))


def _await(engine: EngineClient, request_id: int) -> Prediction:
    while True:
        for event in engine.events(60.0):
            if isinstance(event, Prediction) and event.id == request_id:
                return event
            if isinstance(event, Failure) and event.id == request_id:
                raise RuntimeError(event.message)


class _BareLiteRT:
    """What anyone would write with LiteRT alone: an interpreter, its input, invoke, its output."""

    def __init__(self, subject: common.Subject) -> None:
        from ai_edge_litert.interpreter import Interpreter

        from desktop.cli.console import quiet_native
        from desktop.store.store import ModelStore

        manifest = ModelStore().require(subject.id).manifest
        assert manifest is not None
        self._spec = subject.spec
        with quiet_native():
            path = str(subject.folder / "model.tflite")
            self._interpreter: Any = Interpreter(model_path=path, num_threads=default_threads())
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[manifest.outputs["probabilities"]]["index"]

    def time(self, picture: str) -> float:
        """Milliseconds from the prepared input to the scores."""
        with Image.open(picture) as image:
            prepared = prepare(np.asarray(image.convert("RGB")), self._spec).pixels
        begin = time.perf_counter()
        self._interpreter.set_tensor(self._input, prepared[np.newaxis])
        self._interpreter.invoke()
        self._interpreter.get_tensor(self._output)
        return (time.perf_counter() - begin) * 1000


# A folder


def _batch(report: common.Report, subject: common.Subject, photos: list[str], rounds: int, sampled: int) -> None:
    """A folder by the engine, and a sample of it by the usual loop, by turns; images a second of both."""
    parts = [photos[start::rounds] for start in range(rounds)]
    each = max(1, sampled // rounds)
    engine = _warm(subject)
    own: list[float] = []
    peer: list[float] = []
    try:
        with _KerasLoop(subject) as loop:
            for part in parts:
                own.append(_rate(engine, subject, part))
                peer.append(each / sum(loop.time(part[:each])))
    finally:
        engine.close()
    name = f"folder of {len(photos):,} JPEGs, 1000×800"
    figure = report.compare(name, "images/s", own, peer, f"Keras loop, {each * rounds} of them")
    report.bars.append(common.at_least("folder, images a second, times the loop", figure.ratio or 0.0, BATCH_LIMIT))


def _rate(engine: EngineClient, subject: common.Subject, photos: list[str]) -> float:
    begin = time.perf_counter()
    for item, result in answers(engine, subject.id, map(FoundFile, photos)):
        if isinstance(result, Failure):
            raise RuntimeError(f"{Path(item.path).name}: {result.message}")
    return len(photos) / (time.perf_counter() - begin)


class _KerasLoop:
    """The peer in a process of its own, loaded and warm; idle while Fovea has its turn."""

    def __init__(self, subject: common.Subject) -> None:
        self._subject = subject
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _KerasLoop:
        spec = self._subject.spec
        arguments = (str(self._subject.keras), str(spec.width), str(spec.height), spec.colour)
        self._process = common.start_child("benchmarks.keras_loop", *arguments)
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.communicate()

    def time(self, pictures: list[str]) -> list[float]:
        """Seconds that each picture took."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(pictures) + "\n")
        self._process.stdin.flush()
        seconds: list[float] = self._read()["seconds"]
        return seconds

    def _read(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError("the Keras loop ended early")


# Memory


def _memory(report: common.Report, subject: common.Subject, photos: list[str], count: int) -> None:
    """Memory of engine and caller while ``count`` files are answered: the last tenth beside the second."""
    engine = _warm(subject)
    sizes: list[int] = []
    try:
        assert engine.pid is not None
        processes = [psutil.Process(), psutil.Process(engine.pid)]
        for number, _ in enumerate(answers(engine, subject.id, _over_and_over(photos, count))):
            if number % 20 == 0:
                sizes.append(sum(process.memory_info().rss for process in processes))
    finally:
        engine.close()
    tenth = max(1, len(sizes) // 10)
    early, late = statistics.median(sizes[tenth : 2 * tenth]), statistics.median(sizes[-tenth:])
    name = f"memory over {count:,} files"
    mib = 2**20
    report.figures.append(common.Figure(name, "MiB", late / mib, early / mib, "its own second tenth", count))
    report.bars.append(common.at_most("memory at the end, times its second tenth", late / early, MEMORY_LIMIT))


def _over_and_over(photos: list[str], count: int) -> Iterator[FoundFile]:
    for number in range(count):
        yield FoundFile(photos[number % len(photos)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
