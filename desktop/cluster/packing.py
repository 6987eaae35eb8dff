"""The models that a job needs, as one block of bytes that is sent once to each node and laid down by its checksum.

Beside the model that is asked these are the ones that the engine consults on its own: which model would suit a picture
of another kind, and what the everyday network sees in it. With them a node answers what this computer would answer,
whatever is installed there. Weights for training stay at home.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from desktop import paths
from desktop.core.trust.suiting import CLAIMING, EVERYDAY
from desktop.core.types import StoreError
from desktop.store.store import MANIFEST, ModelStore, check_usable, read_verified
from desktop.system.files import write_atomically

_LEFT_AT_HOME = (".keras",)  # what only a training reads
_KEPT_S = 14 * 24 * 3600  # models that no job has asked for that long make room
_TIME = (1980, 1, 1, 0, 0, 0)  # the same files give the same bytes, whenever they are packed


def needed(model: str, store: ModelStore) -> list[str]:
    """The models that answering with ``model`` may consult, of those that can answer here."""
    found = [model]
    for other in (*CLAIMING, EVERYDAY):
        with contextlib.suppress(StoreError):
            if other not in found:
                store.require(other)
                found.append(other)
    return found


def pack(models: Iterable[str], store: ModelStore) -> tuple[bytes, str]:
    """Those models as a ZIP, and its SHA-256. Every file is compared with its checksum before. Raises
    :class:`StoreError`."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for model in sorted(models):
            entry = store.require(model)
            manifest = check_usable(entry)
            kept = {
                name: facts
                for name, facts in sorted(manifest.files.items())
                if not name.endswith(_LEFT_AT_HOME) and "/" not in name
            }
            _add(archive, f"{model}/{MANIFEST}", replace(manifest, files=kept).to_json().encode())
            for name in kept:
                _add(archive, f"{model}/{name}", read_verified(entry, name).read_bytes())
    data = held.getvalue()
    return data, hashlib.sha256(data).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _TIME), data)


def lay_down(data: bytes, digest: str) -> Path:
    """The folder with the models of ``data`` on this node; made where it is not there yet. Raises OSError, and
    :class:`StoreError` (``damaged``) where the bytes are not those that were sent."""
    shelf = paths.cache() / "cluster"
    place = shelf / digest
    if place.is_dir():
        with contextlib.suppress(OSError):
            os.utime(place)
        return place
    if hashlib.sha256(data).hexdigest() != digest:
        raise StoreError("damaged", "the models that came are not those that were sent")
    shelf.mkdir(parents=True, exist_ok=True)
    _clear(shelf)
    staging = shelf / f".{digest[:16]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                model, _, name = info.filename.partition("/")
                if Path(model).name != model or Path(name).name != name:
                    raise StoreError("damaged", "the models that came are not those that were sent")
                (staging / model).mkdir(parents=True, exist_ok=True)
                write_atomically(staging / model / name, archive.read(info))
        with contextlib.suppress(OSError):  # another worker of this node was faster
            staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not place.is_dir():
        raise OSError("the models could not be laid down")
    return place


def _clear(shelf: Path) -> None:
    now = time.time()
    for folder in shelf.iterdir():
        with contextlib.suppress(OSError):
            if now - folder.stat().st_mtime > _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
