"""A cluster in the place of an engine: an evaluation asks it as it would ask the engine of this computer.

Each request of an evaluation is a block for the pool, several are under way at once. With a folder what was answered is
kept there, request by request, by what was asked: an evaluation that begins again finds it, and asks for the rest.
"""

from __future__ import annotations

import collections
import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from desktop.cluster import packing
from desktop.cluster.job import JobError
from desktop.cluster.node import AskedSource, Worker, versions
from desktop.cluster.pool import BlockDone, WorkerPool
from desktop.cluster.rows import packed, unpacked
from desktop.cluster.run_events import NodeNews
from desktop.core.types import DomainVerdict, ImageSource
from desktop.engine.answers import DEVICE
from desktop.engine.messages import (
    Answer,
    BatchAnswers,
    BatchDone,
    BatchRequest,
    CancelRequest,
    Elapsed,
    Failure,
    Prediction,
    Ready,
    Request,
)
from desktop.store.store import ModelStore, check_usable
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase

WIDTH = 8
"""Requests of an evaluation that are under way at once on a small cluster."""
_MARK = "evaluation.json"
_KEPT = pa.schema(
    [("scores", pa.list_(pa.float32())), ("index", pa.int32()), ("inside", pa.bool_()), ("kind", pa.string()),
     ("message", pa.string())]
)  # fmt: skip


class ClusterEngine:
    """Answers batches for one model by the workers of a cluster; as :class:`desktop.engine.client.EngineClient`, for
    whoever asks for batches alone. A context manager; one thread uses it.

    ``send`` sends pictures along that lie in files; ``folder`` keeps what was answered. Raises what
    :class:`desktop.cluster.pool.WorkerPool` raises from :meth:`events`.
    """

    def __init__(
        self,
        ray: Any,
        model: str,
        store: ModelStore | None = None,
        heard: Callable[[NodeNews], None] = lambda news: None,
        send: bool = False,
        folder: Path | None = None,
    ) -> None:
        store = store or ModelStore()
        manifest = check_usable(store.require(model))
        self._model, self._labels = manifest.id, manifest.labels
        data, digest = packing.pack(packing.needed(model, store), store)
        wish = (ray.put(data), digest, model, manifest.files["model.tflite"].sha256)
        self._pool = WorkerPool(ray, Worker, wish, heard)
        self._package, self._send, self._folder = digest, send, folder
        self._ids = itertools.count(1)
        self._asked: dict[int, tuple[BatchRequest, Path | None]] = {}
        self._out: collections.deque[Answer] = collections.deque([Ready(os.getpid(), DEVICE, versions())])
        self.width = WIDTH

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def next_id(self) -> int:
        """A fresh request id, larger than all before."""
        return next(self._ids)

    def submit(self, request: Request) -> None:
        """Ask for a batch, or cancel one."""
        if isinstance(request, CancelRequest):
            self.cancel(request.target)
            return
        if not isinstance(request, BatchRequest):
            raise TypeError(f"a cluster answers batches, not {type(request).__name__}")
        kept = self._place(request) if self._folder is not None else None
        held = _read(kept, request, self._labels, self._model) if kept is not None else None
        if held is not None:
            self._tell(request, held)
            return
        self._asked[request.id] = (request, kept)
        self._pool.submit(request.id, "predictions", [self._travelling(s) for s in request.sources], request.gated)

    def cancel(self, request_id: int) -> None:
        """Let go of a batch: only its end follows."""
        if self._asked.pop(request_id, None) is not None:
            self._out.append(BatchDone(request_id, 0, True))

    def events(self, timeout: float | None) -> list[Answer]:
        """What has been answered, after at most about ``timeout`` seconds."""
        end = time.monotonic() + (timeout if timeout is not None else 3600.0)
        while not self._out:
            for ended in self._pool.wait(max(0.0, min(0.2, end - time.monotonic()))):
                self._take(ended)
            self.width = max(WIDTH, 3 * (self._pool.cores // 8 + 1))
            if time.monotonic() >= end:
                break
        found = list(self._out)
        self._out.clear()
        return found

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def _take(self, ended: BlockDone) -> None:
        request, kept = self._asked.pop(int(str(ended.key)), (None, None))
        if request is None:
            return  # it was cancelled
        if ended.error is not None:
            failed = Failure(request.id, ended.error.kind, ended.error.message)
            self._tell(request, [failed] * len(request.sources))
            return
        if kept is not None:
            _write(kept, ended.result)
        self._tell(request, ended.result)

    def _tell(self, request: BatchRequest, results: Sequence[Prediction | Failure]) -> None:
        placed = tuple(replace(each, id=request.id, position=at) for at, each in enumerate(results))
        self._out.append(BatchAnswers(request.id, placed))
        self._out.append(BatchDone(request.id, len(placed), False))

    def _travelling(self, source: ImageSource) -> AskedSource:
        data = source.data
        if data is None and self._send and source.path is not None:
            try:
                data = Path(source.path).read_bytes() or None
            except OSError:
                data = None  # its node says what is wrong with it
        return AskedSource(source.path or source.name, source.frame, source.name, data, None)

    def _place(self, request: BatchRequest) -> Path:
        """Where the answers to ``request`` are kept: by all that decides them."""
        assert self._folder is not None
        digest = hashlib.sha256(json.dumps([self._package, request.gated, versions()], sort_keys=True).encode())
        for source in request.sources:
            if source.data is not None:
                content: Any = hashlib.sha256(source.data).hexdigest()
            else:
                try:
                    facts = os.stat(source.path or "")
                    content = [facts.st_size, facts.st_mtime_ns]
                except (OSError, ValueError):
                    content = None
            digest.update(json.dumps([source.path, source.name, source.frame, content]).encode())
        return self._folder / f"{digest.hexdigest()[:32]}.arrow"


def open_folder(folder: Path, again: bool) -> Path:
    """The folder of an evaluation's answers: a new one, or (``again``) one that was begun. Raises
    :class:`JobError`."""
    mark = folder / _MARK
    if again and not mark.is_file():
        raise JobError(
            "no-such-job",
            phrase("'{name}' holds no evaluation", name=folder.name),
            phrase("Name the folder of one."),
        )
    if not again and mark.exists():
        raise JobError(
            "job-there",
            phrase("'{name}' holds an evaluation already", name=folder.name),
            phrase("Go on with it by --resume, or choose another folder."),
        )
    with saying(f"'{folder.name}'", disk_of(folder), JobError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(mark, json.dumps({"schema": 1}) + "\n")
    return folder


def _write(place: Path, results: Sequence[Prediction | Failure]) -> None:
    rows: list[dict[str, Any]] = []
    for each in results:
        if isinstance(each, Failure):
            rows.append({"kind": each.kind, "message": each.message})
        else:
            inside = each.domain.inside if each.domain is not None else None
            rows.append({"scores": each.probabilities.tolist(), "index": each.index, "inside": inside})
    with saying(f"'{place.parent.name}'", disk_of(place.parent), JobError):
        write_atomically(place, packed(pa.Table.from_pylist(rows, schema=_KEPT)))


def _read(place: Path, request: BatchRequest, labels: Sequence[str], model: str) -> list[Prediction | Failure] | None:
    """What is kept of the answers to ``request``; ``None`` where nothing is, or nothing whole."""
    try:
        rows = unpacked(place.read_bytes()).to_pylist()
    except (OSError, pa.ArrowException):
        return None
    if len(rows) != len(request.sources):
        return None
    found: list[Prediction | Failure] = []
    for row, source in zip(rows, request.sources, strict=True):
        if row["kind"] is not None:
            found.append(Failure(request.id, row["kind"], row["message"] or ""))
            continue
        verdict = DomainVerdict(0.0, row["inside"]) if row["inside"] is not None else None
        scores, label = np.array(row["scores"], np.float32), labels[row["index"]]
        held = Prediction(
            request.id, model, source, row["index"], label, scores, None, "", (0, 0), "", 1, (),
            Elapsed(0.0, 0.0, 0.0), DEVICE, domain=verdict,
        )  # fmt: skip
        found.append(held)
    return found
