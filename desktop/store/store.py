"""The model store: one folder a model, in read-only roots and a user root.

Read only are the models that come with the program and, in a virtual environment, those that were made once for all its
users (:func:`desktop.paths.prepared_models`); both count as bundled.

Reading trusts nothing: a manifest must parse, every file must have its checksum. Writing is atomic: a
staging folder beside the target, every file flushed to disk, the manifest last, one rename.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from desktop import paths
from desktop.core.types import StoreError
from desktop.store import locks
from desktop.store.manifest import MAX_MANIFEST_BYTES, FileEntry, Manifest, from_json
from desktop.system.files import flush_file, flush_folder, write_atomically
from desktop.system.liveness import is_alive
from desktop.system.words import phrase

MANIFEST = "model.json"
STAGING = ".staging-"
_ASIDE = ".replaced-"
TRASH = ".trash"
_LOCK = ".changes.lock"
_WAIT_S = 10.0

EntryState = Literal["ready", "weights-not-installed", "damaged"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model folder as found: its manifest, or what is wrong with it."""

    id: str
    folder: Path
    bundled: bool
    state: EntryState
    manifest: Manifest | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """The verdict over one file of a model: ``ok``, ``missing``, ``changed`` or ``unreadable``."""

    name: str
    verdict: Literal["ok", "missing", "changed", "unreadable"]


class ModelStore:
    """The models in the bundled roots and the user root; of one id the newest valid version wins."""

    def __init__(self, bundled: Path | None = None, user: Path | None = None) -> None:
        self.bundled_root = bundled if bundled is not None else paths.bundled_models()
        self.user_root = user if user is not None else paths.user_models()
        # Prepared models belong to this installation: another set of bundled models knows nothing of them.
        own = self.bundled_root == paths.program_root() / "model_store"
        self.prepared_root = paths.prepared_models() if own else None

    def entries(self) -> list[ModelEntry]:
        """Every model, one entry an id, in the order of their names; damaged ones are listed, not hidden."""
        best: dict[str, ModelEntry] = {}
        roots = ((self.bundled_root, True), (self.prepared_root, True), (self.user_root, False))
        for root, bundled in roots:
            if root is None:
                continue
            for name, folder in _folders(root).items():
                entry = _read_entry(name, folder, bundled)
                held = best.get(entry.id)
                if held is None or _rank(entry) > _rank(held):
                    best[entry.id] = entry
        return sorted(best.values(), key=lambda e: ((e.manifest.name if e.manifest else e.id).casefold(), e.id))

    def get(self, model_id: str) -> ModelEntry:
        """The entry of ``model_id``. Raises :class:`StoreError` of kind ``no-such-model``."""
        entries = self.entries()
        for entry in entries:
            if entry.id == model_id:
                return entry
        known = [entry.id for entry in entries] or phrase("none")
        raise StoreError(
            "no-such-model",
            phrase("there is no model '{model_id}'", model_id=model_id),
            phrase("Models in the store: {known}.", known=known),
        )

    def require(self, model_id: str) -> ModelEntry:
        """Like :meth:`get`, but only a model that can answer. Raises ``damaged`` or ``not-installed``."""
        entry = self.get(model_id)
        check_usable(entry)
        return entry

    def verify(self, model_id: str, progress: Callable[[str], None] | None = None) -> list[FileCheck]:
        """Compare every file of the model with its checksum; nothing is changed."""
        entry = self.get(model_id)
        if entry.manifest is None:
            raise StoreError(
                "damaged", phrase("model '{model_id}' is damaged: {problem}", model_id=model_id, problem=entry.problem)
            )
        checks = []
        for name, expected in sorted(entry.manifest.files.items()):
            if progress:
                progress(name)
            checks.append(FileCheck(name, _check_file(entry.folder / name, expected)))
        return checks

    @contextmanager
    def stage(self, manifest: Manifest, root: Path | None = None, keep_replaced: bool = False) -> Iterator[Path]:
        """Write a model: yields an empty staging folder; on leaving it without error the model is committed.

        Every file put there gets its checksum into the manifest. An existing model of the same id is replaced in one
        rename; until then it stays whole, and an error or a kill leaves only a staging folder, removed later. With
        ``keep_replaced`` the replaced one lies in the trash afterwards, where :mod:`desktop.store.changes` finds it.
        """
        root = root if root is not None else self.user_root
        root.mkdir(parents=True, exist_ok=True)
        with changing(root):
            clear_stale(root)
        staging = root / f"{STAGING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        staging.mkdir()
        try:
            yield staging
            _complete(staging, manifest)
            with changing(root):
                _put(staging, root / manifest.id, keep_replaced)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def check_usable(entry: ModelEntry) -> Manifest:
    """The manifest of a model that can answer; else a :class:`StoreError` that says why not and what to do."""
    if entry.state == "damaged" or entry.manifest is None:
        raise StoreError(
            "damaged",
            phrase("model '{id}' is damaged: {problem}", id=entry.id, problem=entry.problem),
            "Install Fovea again to restore it." if entry.bundled else "Import or train it again.",
        )
    if entry.state == "weights-not-installed":
        raise StoreError(
            "not-installed",
            phrase("the weights of '{name}' are not installed", name=entry.manifest.name),
            phrase(
                "Install them under Models, or with 'fovea models install {id}', or choose another model.", id=entry.id
            ),
        )
    return entry.manifest


def read_verified(entry: ModelEntry, name: str) -> Path:
    """The path of one file of a model after its checksum was compared. Raises ``damaged`` when it differs.

    A file that this process has compared before, and that nobody has written to since, is not read again: half a
    gigabyte takes about a second.
    """
    manifest = check_usable(entry)
    expected = manifest.files.get(name)
    if expected is None:
        raise StoreError("damaged", phrase("model '{id}' has no file '{name}'", id=entry.id, name=name))
    verdict = _check_once(entry.folder / name, expected)
    if verdict != "ok":
        word = {
            "changed": phrase("does not match its checksum"),
            "missing": phrase("is missing"),
            "unreadable": phrase("cannot be read"),
        }
        raise StoreError(
            "damaged",
            phrase("model '{id}' is damaged: '{name}' {word}", id=entry.id, name=name, word=word[verdict]),
            "Install Fovea again to restore it." if entry.bundled else "Import or train it again.",
        )
    return entry.folder / name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def clear_stale(root: Path) -> None:
    """Remove staging folders whose process has ended."""
    for folder in root.glob(f"{STAGING}*"):
        owner = folder.name[len(STAGING) :].split("-")[0]
        if owner.isdigit() and not is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    # A kill between the two renames of a replacement leaves the old model set aside: put it back.
    for aside in root.glob(f"{_ASIDE}*"):
        target = root / aside.name.removeprefix(_ASIDE)
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, target)


def _folders(root: Path) -> dict[str, Path]:
    """Model folders by id. A kill between the two renames of a replacement leaves the old model set aside under
    another name: it counts until the next writer puts it back."""
    try:
        found = sorted(p for p in root.iterdir() if p.is_dir())
    except OSError:
        return {}
    folders = {p.name.removeprefix(_ASIDE): p for p in found if p.name.startswith(_ASIDE)}
    return folders | {p.name: p for p in found if not p.name.startswith(".")}


def _rank(entry: ModelEntry) -> tuple[bool, int, bool]:
    manifest = entry.manifest
    return entry.state != "damaged", manifest.version if manifest else -1, not entry.bundled


def _read_entry(model_id: str, folder: Path, bundled: bool) -> ModelEntry:
    try:
        with (folder / MANIFEST).open("rb") as stream:
            manifest = from_json(stream.read(MAX_MANIFEST_BYTES + 1))
    except StoreError as error:
        return ModelEntry(model_id, folder, bundled, "damaged", None, error.message)
    except OSError as error:
        reason = (
            phrase("model.json is missing")
            if isinstance(error, FileNotFoundError)
            else phrase("model.json cannot be read")
        )
        return ModelEntry(model_id, folder, bundled, "damaged", None, reason)
    if manifest.id != model_id:
        problem = phrase("its folder is called '{model_id}', its manifest '{id}'", model_id=model_id, id=manifest.id)
        return ModelEntry(model_id, folder, bundled, "damaged", manifest, problem)
    for name, entry in manifest.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError:
            return ModelEntry(
                manifest.id, folder, bundled, "damaged", manifest, phrase("'{name}' is missing", name=name)
            )
        if size != entry.size:
            problem = phrase("'{name}' has {size} bytes, {size2} expected", name=name, size=size, size2=entry.size)
            return ModelEntry(manifest.id, folder, bundled, "damaged", manifest, problem)
    return ModelEntry(manifest.id, folder, bundled, manifest.state, manifest)


def _check_file(path: Path, expected: FileEntry) -> Literal["ok", "missing", "changed", "unreadable"]:
    try:
        if path.stat().st_size != expected.size:
            return "changed"
        return "ok" if sha256_of(path) == expected.sha256 else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"


# Files that had their checksum, by path: what the system said of them then, and the checksum.
_compared: dict[str, tuple[tuple[int, ...], str]] = {}
_SETTLED_NS = 3_000_000_000  # the coarsest clock of a file system ticks every two seconds


def _check_once(path: Path, expected: FileEntry) -> Literal["ok", "missing", "changed", "unreadable"]:
    """As :func:`_check_file`, but a file that is still what it was at the last comparison is taken at its word.

    Device, inode, size, time of writing and time of change have to be the same; any write, replacement or restored date
    changes one of them (the time of change cannot be set). A file written to only just now may be written to again
    within one tick of the file system's clock: it is not remembered. :meth:`ModelStore.verify` always reads everything.
    """
    try:
        before = _stamp(path)
    except OSError:
        return _check_file(path, expected)
    if _compared.get(str(path)) == (before, expected.sha256):
        return "ok"
    verdict = _check_file(path, expected)
    with suppress(OSError):
        if verdict == "ok" and _stamp(path) == before and time.time_ns() - max(before[3:]) > _SETTLED_NS:
            _compared[str(path)] = (before, expected.sha256)
    return verdict


def _stamp(path: Path) -> tuple[int, ...]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def trash_place(root: Path, model_id: str) -> Path:
    """Where in the trash of ``root`` the model that is deleted now may lie; nothing lies there yet."""
    trash = root / TRASH
    trash.mkdir(exist_ok=True)
    number = 0
    while (place := trash / f"{int(time.time())}-{number}.{model_id}").exists():
        number += 1
    return place


@contextmanager
def changing(root: Path) -> Iterator[None]:
    """One change of the models in ``root`` at a time, over all processes and threads; a change within a change is part
    of it. Raises :class:`StoreError` ``busy`` where another takes longer than ten seconds."""
    held: set[Path] = _mine.__dict__.setdefault("roots", set())
    if root in held:
        yield
        return
    try:
        with locks.hold(_lock_of(root), _WAIT_S):
            held.add(root)
            try:
                yield
            finally:
                held.discard(root)
    except locks.Busy:
        raise StoreError("busy", "another Fovea is changing the models", "Wait a moment, then try again.") from None


_mine = threading.local()


def _lock_of(root: Path) -> Path:
    """The lock's file: among the user's models, or for a folder elsewhere, which it has no place in, in the cache."""
    if root == paths.user_models():
        return root / _LOCK
    place = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = paths.cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"models-{place}.lock"


def _complete(staging: Path, manifest: Manifest) -> None:
    """Flush the files of ``staging`` and write the description with their checksums, last of all."""
    files = {}
    for path in sorted(p for p in staging.rglob("*") if p.is_file() and p.name != MANIFEST):
        flush_file(path)
        files[path.relative_to(staging).as_posix()] = FileEntry(sha256_of(path), path.stat().st_size)
    complete = replace(manifest, files=files)
    write_atomically(staging / MANIFEST, complete.to_json())
    from_json(complete.to_json())  # what is written must be what will be read


def _put(staging: Path, target: Path, keep_replaced: bool) -> None:
    """Rename ``staging`` to ``target``; call within :func:`changing`."""
    aside = target.with_name(_ASIDE + target.name)
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(target, aside)
    try:
        os.rename(staging, target)
    except OSError:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        raise
    flush_folder(target.parent)
    if keep_replaced and aside.exists():
        with suppress(OSError):  # the new model is there: no reason to fail
            os.rename(aside, trash_place(target.parent, target.name))
    shutil.rmtree(aside, ignore_errors=True)
