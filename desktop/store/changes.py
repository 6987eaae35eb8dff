"""What a user does with whole models: rename, duplicate, delete into a trash and take back.

Each change is one rename on disk, so a kill or a full disk leaves the model as it was or as it should be. Models that
come with Fovea are never changed; they can be duplicated.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from desktop.core.types import StoreError
from desktop.store.ids import free_among, is_folder_everywhere
from desktop.store.manifest import FileEntry, Manifest
from desktop.store.store import MANIFEST, TRASH, ModelEntry, ModelStore, changing, sha256_of, trash_place
from desktop.system.files import OWN_DISK, not_written, write_atomically
from desktop.system.words import phrase

KEEP_S = 30 * 24 * 3600
"""Seconds that a deleted model stays in the trash."""
_COPY = 1 << 20
# The name behind the dot is that of the folder, which for a damaged model may be no id: "digits (copy)".
_TOKEN = re.compile(r"(\d{1,12})-(\d{1,6})\.((?!\.)[^\0" + re.escape(os.sep + (os.altsep or "")) + "]+)")
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Deleted:
    """A model in the trash: ``token`` takes it back, ``when`` is in seconds since 1970."""

    token: str
    id: str
    when: int


def rename(store: ModelStore, model_id: str, name: str) -> None:
    """Call one of the user's models ``name``; its id, by which others know it, stays. Raises :class:`StoreError`."""
    name = _clean_name(name)
    with _changing(store):
        entry = _own(store, model_id)
        if entry.manifest is None:
            raise StoreError(
                "damaged",
                phrase("model '{model_id}' is damaged: {problem}", model_id=model_id, problem=entry.problem),
                "It can be deleted.",
            )
        text = replace(entry.manifest, name=name).to_json()
        write_atomically(entry.folder / MANIFEST, text)


def duplicate(
    store: ModelStore, model_id: str, name: str = "", progress: Callable[[str], None] = lambda name: None
) -> str:
    """Copy a model, a bundled one too, into the user's models; returns the copy's id.

    Every file is compared with its checksum on the way. Raises :class:`StoreError`.
    """
    entry = store.get(model_id)
    manifest = entry.manifest
    if manifest is None or entry.state != "ready":
        raise StoreError(
            "damaged",
            phrase(
                "model '{model_id}' cannot be copied: {value}",
                model_id=model_id,
                value=entry.problem or phrase("it has no weights"),
            ),
        )
    name = _clean_name(name or f"{manifest.name} copy")
    with _changing(store):
        new = replace(
            manifest, id=free_id(store, name), name=name, provenance=replace(manifest.provenance, parent=manifest.id)
        )
        with store.stage(new) as folder:
            for item, expected in sorted(manifest.files.items()):
                progress(item)
                _copy_checked(entry, item, expected, folder / item)
    return new.id


def delete(store: ModelStore, model_id: str) -> str:
    """Move one of the user's models into the trash; returns the token that :func:`restore` takes."""
    with _changing(store):
        entry = _own(store, model_id)
        empty_old(store)
        place = trash_place(store.user_root, entry.id)
        os.rename(entry.folder, place)
    return place.name


def restore(store: ModelStore, token: str) -> str:
    """Take a deleted model back; returns its id. Raises :class:`StoreError` ``not-in-trash``, ``id-taken``."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise StoreError("not-in-trash", "this is no deleted model")
    model_id = match[3]
    with _changing(store):
        held = store.user_root / TRASH / token
        if not held.is_dir():
            raise StoreError(
                "not-in-trash", phrase("model '{model_id}' is not in the trash any more", model_id=model_id)
            )
        target = store.user_root / model_id
        if target.exists():
            raise StoreError(
                "id-taken",
                phrase("there is another model '{model_id}' now", model_id=model_id),
                "Delete or move that one first, then undo.",
            )
        os.rename(held, target)
    return model_id


def deleted(store: ModelStore) -> list[Deleted]:
    """What is in the trash, the newest first."""
    found = []
    with contextlib.suppress(OSError):
        for item in os.scandir(store.user_root / TRASH):
            match = _TOKEN.fullmatch(item.name)
            if match is not None:
                found.append(Deleted(item.name, match[3], int(match[1])))
    return sorted(found, key=lambda item: (item.when, item.token), reverse=True)


def empty_old(store: ModelStore, keep_s: float = KEEP_S) -> int:
    """Remove for good what was deleted longer than ``keep_s`` seconds ago; returns how many models."""
    old = [item for item in deleted(store) if time.time() - item.when > keep_s]
    for item in old:
        shutil.rmtree(store.user_root / TRASH / item.token, ignore_errors=True)
    return len(old)


def free_id(store: ModelStore, name: str) -> str:
    """An id made of ``name`` that no model has."""
    return free_among(name, {entry.id for entry in store.entries()}, lambda found: (store.user_root / found).exists())


def _clean_name(name: str) -> str:
    kept = " ".join("".join(c for c in name if c.isprintable() or c.isspace()).split())
    if not kept:
        raise StoreError("bad-name", "a model needs a name", "Type one that says what it is for.")
    if len(kept) > _LONGEST_NAME:
        raise StoreError(
            "bad-name",
            phrase(
                "the name has {count} characters; at most {longest_name} expected",
                count=len(kept),
                longest_name=_LONGEST_NAME,
            ),
        )
    return kept


def _own(store: ModelStore, model_id: str) -> ModelEntry:
    entry = store.get(model_id)
    if entry.bundled:
        raise StoreError(
            "bundled",
            phrase("model '{model_id}' comes with Fovea and is not changed", model_id=model_id),
            "Duplicate it and change the copy.",
        )
    return entry


def _copy_checked(entry: ModelEntry, name: str, expected: FileEntry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(entry.folder / name, target)
    except FileNotFoundError as error:
        raise StoreError(
            "damaged", phrase("model '{id}' is damaged: '{name}' is missing", id=entry.id, name=name)
        ) from error
    if target.stat().st_size != expected.size or sha256_of(target) != expected.sha256:
        raise StoreError(
            "damaged", phrase("model '{id}' is damaged: '{name}' does not match its checksum", id=entry.id, name=name)
        )


@contextlib.contextmanager
def _changing(store: ModelStore) -> Iterator[None]:
    """One change at a time, over all processes; what the disk refuses is said in words."""
    try:
        store.user_root.mkdir(parents=True, exist_ok=True)
        with changing(store.user_root):
            yield
    except OSError as error:
        raise not_written(phrase("the change"), OWN_DISK, error, StoreError) from error


def commit_as_new(store: ModelStore, manifest: Manifest, fill: Callable[[Path], None]) -> Manifest:
    """Commit a model that comes from elsewhere under an id that is free; ``fill`` puts its files into the folder it is
    given. Returns the manifest as committed. Raises what ``fill`` raises, and :class:`StoreError`."""
    with _changing(store):
        taken = any(entry.id == manifest.id for entry in store.entries())
        fits = not taken and is_folder_everywhere(manifest.id)
        chosen = manifest if fits else replace(manifest, id=free_id(store, manifest.id))
        with store.stage(chosen) as folder:
            fill(folder)
    return chosen
