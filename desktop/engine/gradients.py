"""The process that explains by gradients: it alone of the window's helpers loads Keras, when it is first asked.

It speaks the engine's language (:mod:`desktop.engine.messages`) and is driven by the same client, so a crash or a
network that takes too much memory ends this process and nothing else.
"""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from desktop.core.pictures.decode_in_child import bring_in
from desktop.core.trust.saliency import seen_box
from desktop.core.types import FoveaError, StoreError
from desktop.engine import child
from desktop.engine.answers import DEVICE, failure_of
from desktop.engine.messages import Answer, CancelRequest, ExplainRequest, Explanation, Ready, RequestStarted, Shutdown
from desktop.store.store import ModelStore, read_verified
from desktop.system.words import phrase

_NICE = 5


def serve(connection: Connection, bundled: str, user: str) -> None:
    """Entry point of the child process; returns when told to, or when the other side of the pipe is gone."""
    child.quiet_native_output()
    child.step_back(_NICE)
    # Networks that were imported are opened here: what one of them takes must not be taken from the window.
    child.go_first_when_memory_ends()
    child.limit_memory()
    _Explainer(connection, ModelStore(Path(bundled), Path(user))).run()
    os._exit(0)


class _Explainer:
    def __init__(self, connection: Connection, store: ModelStore) -> None:
        self._connection = connection
        self._store = store
        self._held: tuple[str, object] | None = None

    def run(self) -> None:
        """Answer the newest request that waits, until told to stop."""
        self._send(Ready(os.getpid(), DEVICE, {}))
        while True:
            try:
                requests = [self._connection.recv()]
                while self._connection.poll(0):
                    requests.append(self._connection.recv())
            except (EOFError, OSError):
                return
            if any(isinstance(request, Shutdown) for request in requests):
                return
            cancelled = {request.target for request in requests if isinstance(request, CancelRequest)}
            wanted = [r for r in requests if isinstance(r, ExplainRequest) and r.id not in cancelled]
            if wanted:
                self._guarded(wanted[-1])

    def _send(self, answer: Answer) -> None:
        try:
            self._connection.send(answer)
        except (BrokenPipeError, OSError):
            os._exit(0)

    def _guarded(self, request: ExplainRequest) -> None:
        try:
            # Keras takes seconds to import, which is not the picture's fault: only then has work on it begun.
            from desktop.ml.explain import grad_cam

            self._send(RequestStarted(request.id))
            begin = time.perf_counter()
            entry = self._store.require(request.model)
            manifest = entry.manifest
            assert manifest is not None
            checksum = manifest.files.get("model.keras")
            if checksum is None:
                raise StoreError(
                    "no-keras", phrase("'{name}' has no Keras network to ask for gradients", name=manifest.name)
                )
            if self._held is None or self._held[0] != checksum.sha256:
                self._held = None
                self._held = checksum.sha256, grad_cam.GradCam(read_verified(entry, "model.keras"))
            cam = self._held[1]
            assert isinstance(cam, grad_cam.GradCam)
            opened = bring_in(request.source, manifest.preprocess)
            pixels = opened.prepared.pixels
            scores = cam.scores(pixels)
            index = manifest.decision.choose(scores) if request.index is None else request.index
            if not 0 <= index < len(manifest.labels):
                raise StoreError(
                    "no-such-class",
                    phrase("the model has {count} classes, none is {index}", count=len(manifest.labels), index=index),
                )
            self._send(
                Explanation(
                    id=request.id,
                    source=request.source,
                    model=manifest.id,
                    method="grad-cam",
                    index=index,
                    heat=cam.heat(pixels, index),
                    box=seen_box(opened.original_size, manifest.preprocess),
                    prepared=pixels,
                    elapsed_ms=(time.perf_counter() - begin) * 1000,
                )
            )
        except ImportError:
            error = FoveaError(
                "no-gradients", "this edition of Fovea comes without TensorFlow", "Choose 'covering parts' (occlusion)."
            )
            self._send(failure_of(request.id, error, request.source))
        except Exception as error:
            self._send(failure_of(request.id, error, request.source))
