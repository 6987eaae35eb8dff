"""The images of the last time, listed again at the next start: their places, and what was pasted itself.

Paths stay in the user's own data folder, as those of the recent folders do. Nothing is copied but what has no file of
its own. The engine is not asked here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from desktop import paths
from desktop.core.pictures.dicom.series import DicomSeries
from desktop.core.types import FoveaError, ImageSource
from desktop.system.files import write_atomically
from desktop.system.strict_json import JsonStore

MOST = 20_000
"""Images that are remembered; longer lists are not."""
MOST_PASTED = 64 << 20
"""Bytes of pasted pictures that are remembered in all."""
_MOST_TEXT = 32 << 20
_SCHEMA = 1
_DAMAGED = "session.damaged*.json"


@dataclass(frozen=True, slots=True)
class LastSession:
    """What was listed: ``sources`` whose files are there, series among them, ``missing`` how many are not, ``current``
    the place of the one that was looked at (-1: none), ``root`` the folder that was opened, where it was one."""

    sources: tuple[ImageSource | DicomSeries, ...] = ()
    missing: int = 0
    current: int = -1
    root: str | None = None


def folder() -> Path:
    """Where it lies."""
    return paths.user_data() / "session"


def save(sources: Sequence[ImageSource | DicomSeries], current: int, root: str | None) -> None:
    """Remember a list, in place of the one before. For a thread. Raises OSError and :class:`FoveaError`; one that could
    not be read is left as it is, a damaged one is kept beside with the pictures that it may name."""
    place = folder()
    if not sources or sum(1 if isinstance(one, ImageSource) else len(one.frames) for one in sources) > MOST:
        clear()
        return
    place.mkdir(parents=True, exist_ok=True)
    room = MOST_PASTED
    entries: list[dict[str, Any]] = []
    for source in sources:
        if not isinstance(source, ImageSource):
            entries.append({"series": _series_entry(source)})
            continue
        entry: dict[str, Any] = {"frame": source.frame}
        if source.path is not None:
            entry["path"] = os.path.abspath(source.path)
        elif source.data is not None and len(source.data) <= room:
            room -= len(source.data)
            entry |= {"name": source.name, "file": _keep(place, source.data)}
        # One that is not kept has its place all the same: it is missed, and said to be, and those behind it stay where
        # they are.
        entries.append(entry)
    document = {"schema": _SCHEMA, "current": current, "root": root, "images": entries}
    _file().write(document)
    if any(place.glob(_DAMAGED)):
        return
    held = {entry.get("file") for entry in entries}
    for file in place.glob("*.picture"):
        if file.name not in held:
            with contextlib.suppress(OSError):
                file.unlink()


def _file() -> JsonStore:
    return JsonStore(folder() / "session.json", "the list of the last session", most_bytes=_MOST_TEXT)


def load() -> LastSession:
    """What was remembered; nothing where that cannot be read. For a thread: the files are looked for."""
    place = folder()
    try:
        document = _file().read()
        if document.get("schema") != _SCHEMA:
            return LastSession()
        images, current, root = document["images"], document["current"], document["root"]
        if not isinstance(images, list) or type(current) is not int or not isinstance(root, str | None):
            return LastSession()
    except (OSError, ValueError, KeyError, FoveaError):
        return LastSession()
    sources: list[ImageSource | DicomSeries] = []
    missing, chosen = 0, -1
    for number, entry in enumerate(images[:MOST]):
        source = _source(place, entry)
        if source is None:
            missing += 1
            continue
        if number == current:
            chosen = len(sources)
        sources.append(source)
    return LastSession(tuple(sources), missing, chosen, root)


def clear() -> None:
    """Remember nothing more."""
    place = folder()
    for file in (place / "session.json", *place.glob(_DAMAGED), *place.glob("*.picture")):
        with contextlib.suppress(OSError):
            file.unlink()


def _keep(place: Path, data: bytes) -> str:
    name = f"{hashlib.sha256(data).hexdigest()[:32]}.picture"
    target = place / name
    if not target.exists():
        write_atomically(target, data)
    return name


_NUMBERS = ("ordinal", "study", "studies", "part", "parts", "missing", "copies", "shared")
"""What is kept of a series beside its frames; all of it numbers, so that nothing of a header is written down."""


def _series_entry(series: DicomSeries) -> dict[str, Any]:
    numbers = {name: getattr(series, name) for name in _NUMBERS}
    frames = [[os.path.abspath(path), frame] for path, frame in series.frames]
    return {**numbers, "number": series.number, "kind": series.modality, "placed": series.placed, "frames": frames}


def _series(entry: object) -> DicomSeries | None:
    """A series, as far as its files are there."""
    if not isinstance(entry, dict) or not isinstance(entry.get("frames"), list):
        return None
    frames = [
        (pair[0], pair[1])
        for pair in entry["frames"][:MOST]
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)
        and type(pair[1]) is int and 0 <= pair[1] < 1 << 20
    ]  # fmt: skip
    there = {path for path in {path for path, _ in frames} if os.path.isfile(path)}
    numbers = {name: entry.get(name) for name in _NUMBERS}
    number, kind = entry.get("number"), entry.get("kind")
    if not there or any(type(value) is not int or value < 0 for value in numbers.values()):
        return None
    if not (number is None or type(number) is int) or not isinstance(kind, str) or not kind.isalpha() and kind:
        return None
    here = tuple(frame for frame in frames if frame[0] in there)
    held = {name: cast(int, value) for name, value in numbers.items()}
    gone = len(frames) - len(here)
    return DicomSeries(
        here, held["ordinal"], held["study"], held["studies"], number, kind[:8], held["part"], held["parts"],
        held["missing"] + gone, held["copies"], held["shared"], bool(entry.get("placed")),
    )  # fmt: skip


def _source(place: Path, entry: object) -> ImageSource | DicomSeries | None:
    if not isinstance(entry, dict):
        return None
    if "series" in entry:
        return _series(entry["series"])
    frame = entry.get("frame", 0)
    if type(frame) is not int or not 0 <= frame < 1 << 20:
        return None
    path, name, file = entry.get("path"), entry.get("name"), entry.get("file")
    if isinstance(path, str):
        return ImageSource.from_path(path, frame) if os.path.isfile(path) else None
    if isinstance(name, str) and isinstance(file, str) and os.path.basename(file) == file and file.endswith(".picture"):
        try:
            target = place / file
            if target.stat().st_size > MOST_PASTED:
                return None
            return ImageSource(name=os.path.basename(name) or "pasted", data=target.read_bytes(), frame=frame)
        except OSError:
            return None
    return None
