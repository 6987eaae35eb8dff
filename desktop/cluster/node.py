"""What runs on the nodes: who they are, and the workers that answer pictures, each with an engine of its own.

A worker holds the same engine as window and command line (:class:`desktop.engine.client.EngineClient`): its process,
the children with limits that open files, its restart after a crash and the blame of a picture that causes one. What it
answers is therefore what one computer alone would answer.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import socket
import sys
import threading
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import desktop
from desktop import __version__
from desktop.core.types import FoveaError, ImageSource

CORES = "FOVEA_CORES"
"""Tells the engine of a worker how many processors are its own."""
_DECIDES = ("ai-edge-litert", "numpy", "pillow")
"""Packages whose versions may move a score by a bit, beside Fovea itself."""
_ROOMS = ("app", "cluster", "core", "engine", "store", "system")
_SECONDS = 0.5


class NodeFacts(NamedTuple):
    """What a node says of itself: ``versions`` of all that decides an answer, ``code`` is that of Fovea's sources."""

    host: str
    versions: dict[str, str]
    processor: str


class AskedSource(NamedTuple):
    """A picture as it travels to a node: where it lies on storage that the nodes share, or (``data``) itself; ``told``
    is what it is called, ``problem`` why it could not be found in the first place."""

    path: str
    frame: int
    told: str
    data: bytes | None
    problem: tuple[str, str] | None


def facts() -> NodeFacts:
    """What this node is."""
    return NodeFacts(socket.gethostname(), versions(), processor())


@functools.cache
def versions() -> dict[str, str]:
    """The versions of what decides an answer here."""
    found = {"fovea": __version__, "code": _code()}
    for name in _DECIDES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def processor() -> str:
    """The kind of processor: between two kinds scores may differ in their last bits."""
    return f"{platform.machine()} {platform.processor()}".strip()


def _code() -> str:
    """A checksum of Fovea's own sources as far as they decide an answer: two states of it may bear one version. ''
    in a frozen program, which has none."""
    root = Path(desktop.__file__).parent
    digest = hashlib.sha256()
    files = [file for room in _ROOMS for file in sorted((root / room).rglob("*.py"))]
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16] if files else ""


def differences(own: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What another node has in other versions, in words; '' where nothing differs."""
    if own.get("fovea") != theirs.get("fovea"):
        return f"Fovea {theirs.get('fovea', 'none')}, not {own.get('fovea')}"
    if own.get("code") != theirs.get("code"):
        return f"another state of Fovea {own.get('fovea')}"
    found = [f"{name} {theirs.get(name, 'none')}, not {own[name]}" for name in own if own[name] != theirs.get(name)]
    return "; ".join(found)


class Worker:
    """Answers blocks of pictures; Ray makes an actor of it. Two of its calls may run at once: while one makes a table
    of what has been answered, the engine answers for the other."""

    def __init__(self, cores: int) -> None:
        os.environ[CORES] = str(cores)
        hide_main()
        self._cores = cores
        self._turn = threading.Lock()
        self._engine: Any = None
        self._manifest: Any = None

    def ready(self, models: Any, digest: str, model: str, network: str) -> str:
        """Lay the models down and start the engine; why this node is no use, '' where it is."""
        from desktop.cluster.packing import lay_down
        from desktop.engine.client import EngineClient
        from desktop.store.store import ModelStore, check_usable, read_verified

        try:
            place = lay_down(bytes(models), digest)
            nothing = place.parent / ".none"
            entry = ModelStore(nothing, place).require(model)
            manifest = check_usable(entry)
            read_verified(entry, "model.tflite")
            if manifest.files["model.tflite"].sha256 != network:
                return f"another version of the model '{model}'"
            self._manifest = manifest
            self._engine = EngineClient(nothing, place, self._cores)
            self._engine.start()
        except FoveaError as error:
            return str(error)
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return ""

    def answer(
        self, first: int, pictures: list[AskedSource], top: int, error_rate: float
    ) -> tuple[bytes, bytes, int, float]:
        """The answers to ``pictures``, which are called by their positions from ``first`` on: a table, lines of CSV
        (:func:`desktop.cluster.rows.table_of`), how many have no answer, and the seconds that it took."""
        from desktop.cluster.rows import table_of
        from desktop.engine.messages import Failure

        begin = time.perf_counter()
        with self._turn:
            results = self._answers(pictures)
            spent = time.perf_counter() - begin
        table, lines = table_of(first, [each.told for each in pictures], results, self._manifest, top, error_rate)
        return table, lines, sum(isinstance(result, Failure) for result in results), spent

    def predictions(self, pictures: list[AskedSource], gated: bool) -> list[Any]:
        """The answers of the engine itself, for an evaluation: :class:`Prediction` or :class:`Failure`, in order."""
        with self._turn:
            return self._answers(pictures, gated, advised=False)

    def _answers(self, pictures: list[AskedSource], gated: bool = True, advised: bool = True) -> list[Any]:
        from desktop.engine.messages import BatchRequest, Failure

        results: list[Any] = [Failure(0, *each.problem) if each.problem else None for each in pictures]
        places = [at for at, result in enumerate(results) if result is None]
        if not places:
            return results
        sources = tuple(_source(pictures[at]) for at in places)
        request = BatchRequest(self._engine.next_id(), self._manifest.id, sources, gated=gated, advised=advised)
        self._engine.submit(request)
        for place, answer in _collected(self._engine, request.id, len(places)):
            results[places[place]] = answer
        return results

    def close(self) -> None:
        """End the engine."""
        if self._engine is not None:
            self._engine.close()


def _source(asked: AskedSource) -> ImageSource:
    if asked.data is not None:
        return ImageSource(os.path.basename(asked.path) or asked.path, data=asked.data, frame=asked.frame)
    return ImageSource.from_path(asked.path, asked.frame)


def _collected(engine: Any, request: int, count: int) -> Any:
    """The answers to a batch with their places, as they come. Raises :class:`FoveaError` where the engine or the model
    is beyond help: this worker has to go."""
    from desktop.engine.messages import BatchAnswers, BatchDone, EngineLost, Failure

    found: set[int] = set()
    while True:
        for event in engine.events(_SECONDS):
            if isinstance(event, EngineLost):
                if not event.restarting:
                    raise FoveaError("engine-lost", event.reason)
            elif event.id != request:
                continue
            elif isinstance(event, BatchAnswers):
                for item in event.items:
                    found.add(item.position)
                    yield item.position, item
            elif isinstance(event, Failure):
                raise FoveaError(event.kind, event.message, event.hint)
            elif isinstance(event, BatchDone):
                for place in range(count):
                    if place not in found:
                        yield (
                            place,
                            Failure(request, "no-result", "the engine ended without an answer for this picture"),
                        )
                return


def hide_main() -> None:
    """The engine's processes would run the script again that Ray started this one with, and import Ray for nothing."""
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__spec__", None) is None and hasattr(main, "__file__"):
        del main.__file__
