"""A whole model as one ZIP file: written for another Fovea, and read from one that may not be honest."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from desktop.core.types import StoreError
from desktop.store.manifest import MAX_MANIFEST_BYTES, Manifest, from_json
from desktop.store.store import MANIFEST, ModelEntry, check_usable, read_verified
from desktop.store.zip_check import ArchiveError, copy_member, open_checked, read_member
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase

MOST_BYTES = 8 << 30


def write_zip(entry: ModelEntry, target: Path, progress: Callable[[str], None] = lambda name: None) -> None:
    """Write the model of ``entry`` as one archive; every file is compared with its checksum first.

    Weights do not shrink, so files are stored as they are. An older ``target`` stays whole until the new one is.
    Raises :class:`StoreError` (``damaged``, ``not-installed``), :class:`desktop.core.types.FoveaError` of a full disk.
    """
    manifest = check_usable(entry)

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_info(f"{entry.id}/{MANIFEST}"), manifest.to_json())
            for name in sorted(manifest.files):
                progress(name)
                path = read_verified(entry, name)
                with path.open("rb") as source, archive.open(_info(f"{entry.id}/{name}", path), "w") as member:
                    while piece := source.read(1 << 20):
                        member.write(piece)

    with saying(phrase("the model"), disk_of(target)):
        write_atomically(target, write)


def _info(name: str, path: Path | None = None) -> zipfile.ZipInfo:
    """A member whose date says nothing, so that the same model gives the same archive."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    if path is not None:
        info.file_size = path.stat().st_size
    return info


def looks_like_model(path: Path) -> bool:
    """Whether ``path`` is an archive with a model's description in it; a ``.keras`` file is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.rsplit("/", 1)[-1] == MANIFEST for name in archive.namelist()[:5000])
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def unpack(path: Path, folder: Path, progress: Callable[[str], None] = lambda name: None) -> Manifest:
    """Unpack the model in the archive ``path`` into the empty ``folder``; returns its description.

    Only what the description names is unpacked, and only where size and checksum are as it says. What the files hold is
    not looked at here. Raises :class:`ArchiveError`, :class:`StoreError` ``bad-manifest``.
    """
    with open_checked(path, MOST_BYTES) as archive:
        found = [n for n in archive.namelist() if n == MANIFEST or (n.count("/") == 1 and n.endswith("/" + MANIFEST))]
        if len(found) != 1:
            raise ArchiveError(
                "damaged",
                phrase("the archive holds {count} model descriptions (model.json), one expected", count=len(found)),
            )
        inside = found[0].removesuffix(MANIFEST)
        manifest = from_json(read_member(archive, found[0], MAX_MANIFEST_BYTES))
        if manifest.state != "ready":
            raise StoreError(
                "not-installed", phrase("the archive describes '{name}' without its weights", name=manifest.name)
            )
        held = {name for name in archive.namelist() if not name.endswith("/")}
        extra = sorted(held - {found[0]} - {inside + name for name in manifest.files})
        if extra:
            raise ArchiveError(
                "hostile",
                phrase("the archive holds '{extra}', which its description does not name", extra=extra[0][:60]),
            )
        for name, expected in sorted(manifest.files.items()):
            progress(name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                size = copy_member(archive, inside + name, stream, expected.size)
            with target.open("rb") as stream:
                same = hashlib.file_digest(stream, "sha256").hexdigest() == expected.sha256
            if size != expected.size or not same:
                raise ArchiveError(
                    "damaged",
                    phrase("'{name}' in the archive does not match its checksum", name=name),
                    "Copy it again.",
                )
            os.chmod(target, 0o644)
    return manifest
