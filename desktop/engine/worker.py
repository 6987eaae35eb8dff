"""The engine process: has pictures decoded and prepared, and predicts. It reads requests from a pipe until that closes.

Three kinds of threads share it. The main thread only reads the pipe, so a sender never waits for a
prediction. One thread predicts: the newest interactive request first, then the next group of a batch, whose
pictures a small pool brings in ahead; where the network is small the pool predicts them too (:mod:`.lanes`). Two
threads serve pictures to look at, large ones and small ones. No file is opened here: children with limits do that
(:mod:`desktop.core.pictures.decode_in_child`), some for what somebody waits for and others for batches.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from desktop.core.pictures.decode_in_child import WARM, PreparedFile, bring_in, one, show
from desktop.core.trust.saliency import seen_box
from desktop.core.types import FoveaError, ImageSource, PreprocessSpec
from desktop.engine.advising import suiting_model
from desktop.engine.answers import DEVICE, failure_of, prediction_of, thumbnail_of
from desktop.engine.batching import FLUSH_S, Batch, milliseconds_since
from desktop.engine.explaining import activation_map, best_method, grid_for, occlusion
from desktop.engine.lanes import Lanes
from desktop.engine.messages import (
    Advice,
    AdviseRequest,
    Answer,
    BatchDone,
    BatchRequest,
    CancelRequest,
    ExplainRequest,
    Explanation,
    Failure,
    Prediction,
    PredictRequest,
    Preview,
    PreviewRequest,
    RadiographAnswer,
    RadiographRequest,
    ReadRequest,
    Ready,
    Request,
    RequestStarted,
    SampleRequest,
    Shutdown,
    ThumbnailRequest,
    Warmed,
    WarmRequest,
)
from desktop.engine.model import BATCH, LoadedModel, check_scores, default_threads
from desktop.engine.photographs import looked_at
from desktop.store.store import ModelStore
from desktop.system.words import phrase
from desktop.system.workers import WorkCancelled, Workers, cores

if TYPE_CHECKING:
    from desktop.ml.data.second_look import SecondLook

_KEPT_MODELS = 5  # three that were asked for in turn, and those that may be asked whether they would suit
_CAREFUL_GROUP = 1
_NICE = 5  # on Unix: 0 is usual, 19 the most patient
_BATCHES_S = 1.0  # after a model was loaded: children for a folder, should one come
_GIVE_UP_S = 2.0  # a picture that takes longer to open is let go when a newer one is asked for


def serve(connection: Connection, bundled: str, user: str, threads: int | None, decoders: Workers) -> None:
    """The work of the child process; returns when told to, or when the other side of the pipe is gone. ``decoders``
    open the pictures that somebody waits for: one an answer, one to look at, one small."""
    engine = _Engine(connection, ModelStore(Path(bundled), Path(user)), threads or default_threads(), decoders)
    engine.run()
    # Threads inside native code must not delay the end, and there is nothing to save.
    os._exit(0)


def _step_back() -> None:
    """Let the window, and an answer that somebody waits for, go before the decoding of a batch.

    On Linux a thread has a priority of its own; elsewhere it would be the whole process's.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # an error here would break the whole pool
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class _Engine:
    def __init__(self, connection: Connection, store: ModelStore, threads: int, decoders: Workers) -> None:
        self._connection = connection
        self._store = store
        self._threads = threads
        self._send_lock = threading.Lock()
        self._wake = threading.Condition()
        self._predict: PredictRequest | None = None
        self._read: ReadRequest | None = None
        self._advise: AdviseRequest | None = None
        self._warm: collections.deque[WarmRequest] = collections.deque()
        self._batches: collections.deque[Batch] = collections.deque()
        self._previews: dict[tuple[type, str], PreviewRequest | SampleRequest | RadiographRequest] = {}
        self._thumbnails: list[ThumbnailRequest] = []
        self._models: collections.OrderedDict[str, tuple[str, LoadedModel]] = collections.OrderedDict()
        self._second_looks: list[SecondLook | None] = []  # at most one
        self._second_lock = threading.Lock()
        self._explain: ExplainRequest | None = None
        self._explaining = 0  # the id of the request whose map is being made; 0 once it is no longer wanted
        self._lanes: Lanes | None = None  # of the first batch, once it has begun
        self._answering = False
        self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="batch", initializer=_step_back)
        self._decoders = decoders
        self._batch_decoders = Workers(cores(), patient=True)
        self._at_work: set[int] = set()  # the requests that somebody waits for and that are being answered
        self._unwanted: set[int] = set()  # those of them that were cancelled

    def run(self) -> None:
        """Read requests until told to stop."""
        self.send(Ready(os.getpid(), DEVICE, _versions()))
        for target in (self._predicting, self._picturing, self._thumbnailing):
            threading.Thread(target=target, daemon=True).start()
        while True:
            try:
                request = self._connection.recv()
            except (EOFError, OSError):
                return
            if isinstance(request, Shutdown):
                return
            with self._wake:
                self._accept(request)
                self._wake.notify_all()

    def send(self, answer: Answer) -> None:
        """Send one answer; when the other side is gone there is nobody left to work for."""
        try:
            with self._send_lock:
                self._connection.send(answer)
        except (BrokenPipeError, OSError):
            os._exit(0)

    def _accept(self, request: Request) -> None:
        match request:
            case PredictRequest():
                self._predict = request  # the newest wins; the client has forgotten the older one
            case ReadRequest():
                self._read = request
            case AdviseRequest():
                self._advise = request
            case WarmRequest():
                self._warm.append(request)
            case BatchRequest():
                self._batches.append(Batch(request))
            case ExplainRequest():
                self._explain, self._explaining = request, 0
            case PreviewRequest() | SampleRequest() | RadiographRequest():
                self._previews[type(request), request.slot] = request
            case ThumbnailRequest():
                self._thumbnails.append(request)
            case CancelRequest():
                self._cancel(request.target)

    def _cancel(self, target: int) -> None:
        if target in self._at_work:
            self._unwanted.add(target)
        for batch in self._batches:
            if batch.request.id == target:
                batch.cancelled = True
        if self._predict is not None and self._predict.id == target:
            self._predict = None
        if self._read is not None and self._read.id == target:
            self._read = None
        if self._advise is not None and self._advise.id == target:
            self._advise = None
        if self._explain is not None and self._explain.id == target:
            self._explain = None
        if self._explaining == target:
            self._explaining = 0
        self._previews = {slot: r for slot, r in self._previews.items() if r.id != target}
        self._thumbnails = [r for r in self._thumbnails if r.id != target]

    # Predicting

    def _predicting(self) -> None:
        while True:
            with self._wake:
                while not (self._read or self._asked or self._batches):
                    self._wake.wait()
                single: PredictRequest | ReadRequest | None
                if self._read is not None:
                    single, self._read = self._read, None
                else:
                    single, self._predict = self._predict, None
                warm = self._warm.popleft() if self._warm and single is None else None
                explain = None
                if self._explain is not None and single is None and warm is None:
                    explain, self._explain = self._explain, None
                    self._explaining = explain.id
                advise = None
                if single is None and warm is None and explain is None:
                    advise, self._advise = self._advise, None
                idle = single is None and warm is None and explain is None and advise is None
                batch = self._batches[0] if self._batches and idle else None
                self._answering = single is not None
            if single is not None:
                self._guarded(single.id, single.source, partial(self._answer, single))
                with self._wake:
                    self._answering = False
                    self._wake.notify_all()
            elif warm is not None:
                self._guarded(warm.id, None, partial(self._warm_up, warm))
            elif explain is not None:
                self._guarded(explain.id, explain.source, partial(self._explained, explain))
            elif advise is not None:
                self._guarded(advise.id, advise.source, partial(self._advised, advise))
            elif batch is not None:
                self._step(batch)

    @property
    def _asked(self) -> bool:
        """Whether something waits that goes before the next group of a batch."""
        return any(waits for waits in (self._predict, self._warm, self._advise, self._explain))

    def _guarded(self, request_id: int, source: ImageSource | None, work: Callable[[], None]) -> None:
        self.send(RequestStarted(request_id))
        with self._wake:
            self._at_work.add(request_id)
        try:
            work()
        except WorkCancelled:  # nobody waits for it; the client still has to know that the engine is past it
            self.send(Failure(request_id, "cancelled", "cancelled", source=source))
        except Exception as error:
            self.send(failure_of(request_id, error, source))
        finally:
            with self._wake:
                self._at_work.discard(request_id)
                self._unwanted.discard(request_id)

    def _let_go(self, request_id: int, newer: Callable[[], bool]) -> Callable[[], bool]:
        """What tells that the picture of a request need not be opened any more: cancelled, or ``newer`` says that
        another is waited for instead. Within a moment's work it is finished all the same: a child would be lost."""
        since = time.monotonic()
        return lambda: time.monotonic() - since > _GIVE_UP_S and (request_id in self._unwanted or newer())

    def _warm_up(self, request: WarmRequest) -> None:
        begin = time.perf_counter()
        held = self._models.get(request.model)
        model = self._load(request.model)
        if held is None or held[1] is not model:
            spec = model.manifest.preprocess
            # The first run of an interpreter packs its weights; better now than with the first picture.
            model.answer(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8), gated=True)
        # A picture that waits already goes first.
        threading.Timer(_BATCHES_S, self._batch_decoders.warm, WARM, {"count": cores()}).start()
        self.send(Warmed(request.id, request.model, milliseconds_since(begin)))

    def _answer(self, request: PredictRequest | ReadRequest) -> None:
        model = self._load(request.model)
        if isinstance(request, ReadRequest):
            from desktop.engine.reading import read  # most engines are never asked to

            self.send(read(request, model, self._decoders, self._let_go(request.id, lambda: self._read is not None)))
            return
        unwanted = self._let_go(request.id, lambda: self._predict is not None)
        opened = bring_in(request.source, model.manifest.preprocess, self._decoders, unwanted)
        begin = time.perf_counter()
        scores, verdicts = model.answer(opened.prepared.pixels[np.newaxis], gated=True)
        spent = milliseconds_since(begin)
        answer = prediction_of(
            request.id, request.source, 0, model, opened, scores[0], spent, True, verdicts[0], model.answer
        )
        answer = self._looked_at(answer, self._decoders, unwanted)
        if answer.domain is not None and not answer.domain.inside:
            answer = replace(answer, nearest=model.nearest(opened.prepared.pixels))
        if request.source.data is not None:  # whoever asked has it: a camera's frame is a megabyte
            answer = replace(answer, source=replace(request.source, data=b""))
        self.send(answer)

    def _looked_at(self, answer: Prediction, decoders: Workers, cancelled: Callable[[], bool]) -> Prediction:
        """``answer``, its verdict beside what the everyday network sees in a photograph."""

        def prepared(spec: PreprocessSpec) -> np.ndarray:
            return bring_in(answer.source, spec, decoders, cancelled).prepared.pixels

        verdict = looked_at(answer.model, answer.original_size, answer.domain, prepared, self._load)
        return answer if verdict is answer.domain else replace(answer, domain=verdict)

    def _advised(self, request: AdviseRequest) -> None:
        unwanted = self._let_go(request.id, lambda: bool(self._advise or self._predict or self._read))
        suits = suiting_model(request.source, request.model, self._load, self._decoders, unwanted)
        self.send(Advice(request.id, request.model, request.source, suits))

    def _with_advice(self, batch: Batch, answer: Prediction | Failure) -> Prediction | Failure:
        """An answer of a batch, with what the everyday network says of its picture, and with the model that would suit
        it where that was asked for."""
        with contextlib.suppress(FoveaError, WorkCancelled):  # opened once more, it may be gone: the answer stands
            if isinstance(answer, Prediction):
                answer = self._looked_at(answer, self._batch_decoders, lambda: batch.cancelled)
        if not batch.request.advised or isinstance(answer, Failure) or answer.several:
            return answer
        if answer.domain is None or answer.domain.inside:
            return answer
        try:
            suits = suiting_model(
                answer.source, answer.model, self._load, self._batch_decoders, lambda: batch.cancelled
            )
        except (FoveaError, WorkCancelled):
            return answer  # it was answered, and opened for that: without the advice it still is
        return replace(answer, suits=suits)

    def _explained(self, request: ExplainRequest) -> None:
        """Send the map that was asked for; an interactive request goes first, a newer one instead."""
        begin = time.perf_counter()
        model = self._load(request.model)
        manifest = model.manifest
        unwanted = self._let_go(request.id, lambda: bool(self._explain or self._predict or self._read))
        try:
            opened = bring_in(request.source, manifest.preprocess, self._decoders, unwanted)
        except WorkCancelled:
            with self._wake:
                if self._explain is None and request.id not in self._unwanted:
                    self._explain = request  # only an answer goes first
                    return
            raise
        pixels = opened.prepared.pixels
        since = time.perf_counter()
        scores = model.predict(pixels[np.newaxis])[0]
        spent = time.perf_counter() - since
        check_scores(scores)
        index = manifest.decision.choose(scores) if request.index is None else request.index
        if not 0 <= index < len(manifest.labels):
            raise FoveaError(
                "no-such-class",
                phrase(
                    "the model has {count} classes, none is number {index}", count=len(manifest.labels), index=index
                ),
            )
        method = request.method or best_method(model)
        answer = Explanation(
            request.id,
            request.source,
            manifest.id,
            method,
            index,
            np.zeros((1, 1), np.float32),
            seen_box(opened.original_size, manifest.preprocess),
            pixels,
            0.0,
            pooling=model.head.pooling if model.head is not None and method == "cam" else "",
        )
        if method == "cam":
            heat = activation_map(model, pixels, index)
            self.send(replace(answer, heat=heat, elapsed_ms=milliseconds_since(begin)))
            return
        for done, total, heat in occlusion(model, pixels, index, grid_for(spent)):
            part = replace(answer, heat=heat, elapsed_ms=milliseconds_since(begin), done=done, total=total)
            with self._wake:
                if self._explaining != request.id:
                    return
                waiting = [awaited for awaited in (self._read, self._predict) if awaited is not None]
                self._read = self._predict = None
            self.send(part)
            for single in waiting:
                self._guarded(single.id, single.source, partial(self._answer, single))

    def _step(self, batch: Batch) -> None:
        """Do the next group of a batch, or end it."""
        request = batch.request
        try:
            model = batch.model or self._load(request.model)
        except Exception as error:
            failure = failure_of(request.id, error, None, model_failed=True)
            self.send(failure)
            self._end(batch, cancelled=True)
            return
        batch.model = model
        if batch.cancelled:
            self._end(batch, cancelled=True)
            return
        if model.lanes and not request.one_by_one:
            self._step_apart(batch, model)
            return
        group_size = _CAREFUL_GROUP if request.one_by_one else BATCH
        ahead = 1 if request.one_by_one else 3 * BATCH
        if request.one_by_one:
            self.send(RequestStarted(request.id))
        batch.fill(self._pool, self._batch_decoders, model.manifest, ahead)
        if not batch.waiting:
            self._end(batch, cancelled=False)
            return
        self._group(batch, model, group_size)
        batch.flush(self.send, force=request.one_by_one)

    def _step_apart(self, batch: Batch, model: LoadedModel) -> None:
        """Hand on what the lanes have answered, or end the batch; a request that comes meanwhile goes first."""
        if self._lanes is None:
            for _, other in self._models.values():
                if other is not model:
                    other.close_lanes()
            held = lambda: self._answering or self._predict is not None  # noqa: E731
            self._lanes = Lanes(batch, model, self._batch_decoders, self._wake, held)
            self._lanes.start(self._pool)
        lanes = self._lanes
        with self._wake:
            if not (lanes.ready or lanes.finished or batch.cancelled or self._asked):
                self._wake.wait(FLUSH_S if batch.unsent else None)
            answers = lanes.collect()
        for answer in answers:
            batch.add(self._with_advice(batch, answer))
        if lanes.finished:
            self._end(batch, cancelled=False)
        else:
            batch.flush(self.send, force=False)

    def _group(self, batch: Batch, model: LoadedModel, size: int) -> None:
        ready = [batch.waiting.popleft() for _ in range(min(size, len(batch.waiting)))]
        opened: list[tuple[int, PreparedFile]] = []
        for position, future in ready:
            source = batch.request.sources[position]
            try:
                opened.append((position, future.result()))
            except Exception as error:
                batch.add(failure_of(batch.request.id, error, source, batch.request.offset + position))
        if not opened:
            return
        begin = time.perf_counter()
        try:
            pixels = np.stack([item.prepared.pixels for _, item in opened])
            found = model.answer(pixels, batch.request.gated)
        except Exception as error:
            for position, _ in opened:
                source = batch.request.sources[position]
                batch.add(failure_of(batch.request.id, error, source, batch.request.offset + position))
            return
        each = milliseconds_since(begin) / len(opened)
        for row, verdict, (position, item) in zip(*found, opened, strict=True):
            source = batch.request.sources[position]
            place = batch.request.offset + position
            try:
                answer = prediction_of(
                    batch.request.id, source, place, model, item, row, each, False, verdict, model.answer
                )
                batch.add(self._with_advice(batch, answer))
            except FoveaError as error:
                batch.add(failure_of(batch.request.id, error, source, place))

    def _end(self, batch: Batch, cancelled: bool) -> None:
        batch.drop()
        self._lanes = None
        batch.flush(self.send, force=True)
        with self._wake:
            self._batches.remove(batch)
        self.send(BatchDone(batch.request.id, batch.done, cancelled))

    def _load(self, model_id: str) -> LoadedModel:
        """The model, from memory where its file is still the one that was loaded."""
        entry = self._store.require(model_id)
        assert entry.manifest is not None
        held = self._models.get(model_id)
        checksum = entry.manifest.files["model.tflite"].sha256
        if held is not None and held[0] == checksum and held[1].manifest == entry.manifest:
            self._models.move_to_end(model_id)
            return held[1]
        model = LoadedModel(entry, self._threads, self._second_look)
        self._models[model_id] = (checksum, model)
        while len(self._models) > _KEPT_MODELS:
            self._models.popitem(last=False)
        return model

    def _second_look(self) -> SecondLook | None:
        """The everyday network for second opinions, loaded once; ``None`` where it is not installed."""
        with self._second_lock:
            if not self._second_looks:
                from desktop.ml.data.second_look import SecondLook  # most engines never need it

                self._second_looks.append(SecondLook.of(self._store, self._threads))
            return self._second_looks[0]

    # Pictures to look at

    def _picturing(self) -> None:
        while True:
            with self._wake:
                while not self._previews:
                    self._wake.wait()
                request = self._previews.pop(max(self._previews, key=lambda place: self._previews[place].id))
            if isinstance(request, RadiographRequest):
                self._guarded(request.id, request.source, partial(self._study, request))
                continue
            work = self._show if isinstance(request, PreviewRequest) else self._sample
            self._guarded(request.id, request.source, partial(work, request))  # type: ignore[arg-type]

    def _thumbnailing(self) -> None:
        while True:
            with self._wake:
                while not self._thumbnails:
                    self._wake.wait()
                request = self._thumbnails.pop()
            self._guarded(request.id, request.source, partial(self._thumbnail, request))

    def _thumbnail(self, request: ThumbnailRequest) -> None:
        self.send(thumbnail_of(request, self._decoders, self._let_go(request.id, lambda: False)))

    def _superseded(self, request: PreviewRequest | SampleRequest | RadiographRequest) -> Callable[[], bool]:
        return self._let_go(request.id, lambda: (type(request), request.slot) in self._previews)

    def _sample(self, request: SampleRequest) -> None:
        from desktop.engine.sampling import samples_of  # draws OpenCV in, which most engines never need

        self.send(samples_of(request, self._decoders, self._superseded(request)))

    def _study(self, request: RadiographRequest) -> None:
        item = (request.source, request.max_side, request.reveal)
        study = one("desktop.core.pictures.dicom.study:read_item", item, self._decoders, self._superseded(request))
        self.send(RadiographAnswer(request.id, request.source, study))

    def _show(self, request: PreviewRequest) -> None:
        shown = show(request.source, request.max_side, None, self._decoders, self._superseded(request))
        self.send(
            Preview(
                request.id,
                request.source,
                shown.pixels,
                shown.original_size,
                shown.format,
                shown.frames,
                shown.notices,
                request.slot,
            )
        )


def _versions() -> dict[str, str]:
    import ai_edge_litert
    import PIL

    from desktop import __version__

    return {
        "fovea": __version__,
        "python": sys.version.split()[0],
        "litert": str(getattr(ai_edge_litert, "__version__", "unknown")),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }
