"""What the process does that finds alike pictures: embeds all of them and compares."""

from __future__ import annotations

import contextlib
import os
import threading
from multiprocessing.connection import Connection

import numpy as np

from desktop.core.types import FoveaError, ImageSource, StoreError
from desktop.engine import child
from desktop.ml.convert.embeddings import EVERYDAY, Embedder
from desktop.system.words import phrase

_NICE = 5


def serve(connection: Connection, wanted: ImageSource, sources: tuple[ImageSource, ...], model: str) -> None:
    """Entry point: send how far it is, then the list of likenesses, or what went wrong; returns never."""
    child.quiet_native_output()
    child.lead_group()
    child.step_back(_NICE)
    threading.Thread(target=_listen, args=(connection,), daemon=True).start()
    told: object
    try:
        told = _likenesses(connection, wanted, sources, model)
    except FoveaError as error:
        told = error
    except Exception as error:  # its text may hold a path
        told = FoveaError(
            "unexpected", phrase("the pictures could not be compared ({fault})", fault=type(error).__name__)
        )
    with contextlib.suppress(OSError):
        connection.send(told)
    connection.close()
    os._exit(0)


def _listen(connection: Connection) -> None:
    """The other side never speaks: when its pipe ends, nobody waits any longer."""
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    os._exit(0)


def _embedder(model: str) -> Embedder:
    try:
        return Embedder.of(EVERYDAY)
    except StoreError:
        if not model:
            raise
        return Embedder.of(model)


def _likenesses(
    connection: Connection, wanted: ImageSource, sources: tuple[ImageSource, ...], model: str
) -> list[float | None]:
    def tell(done: int, total: int) -> None:
        with contextlib.suppress(OSError):
            connection.send((done, total))

    with _embedder(model) as embedder:
        found = embedder.sources([wanted, *sources], tell)
    if 0 in found.failures:
        raise found.failures[0]
    rows = found.rows / np.maximum(np.linalg.norm(found.rows, axis=1, keepdims=True), 1e-9)
    likeness = rows[1:] @ rows[0]
    return [float(value) if np.isfinite(value) else None for value in likeness]
