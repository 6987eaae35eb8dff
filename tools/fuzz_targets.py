"""What :mod:`fuzz` attacks in children with limits: the functions that an import, a look or a start calls.

Each takes the bytes of a file and returns; it may refuse in words (:class:`FoveaError`), all else is a fault.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def attack_archive(data: bytes) -> str:
    """Unpack a model and look at all it holds, as an import does."""
    from desktop.ml.exchange import import_steps
    from desktop.store import archive

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(data)
        archive.looks_like_model(path)
        inside = Path(folder) / "out"
        inside.mkdir()
        manifest = archive.unpack(path, inside)
        (inside / "model.keras").unlink(missing_ok=True)  # 'networks' attacks those; Keras takes seconds to come up
        import_steps.look_at_archive(str(inside), manifest, lambda event: None)
    return "opened"


def attack_study(data: bytes) -> str:
    """Read a header, put it beside itself, and read the file as the list of a disc."""
    from desktop.core.pictures.dicom.directory import FileFinder, read_directory
    from desktop.core.pictures.dicom.series import grouped, read_head
    from desktop.core.types import DecodeError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(data)
        refused = None
        try:
            head = read_head(str(path))
            series = grouped([("1", head), ("2", head), ("3", head)])
            assert not head.picture or sum(len(one.frames) for one in series) >= 1
        except DecodeError as error:
            refused = error
        finder = FileFinder(folder)
        for parts in read_directory(str(path)).files[:1000]:
            try:
                found = finder.find(parts)
            except PermissionError:
                continue
            assert found is None or os.path.realpath(found).startswith(os.path.realpath(folder))
        if refused is not None:
            raise refused
    return "opened"


def attack_network(data: bytes) -> str:
    """Look through a network by its description, as an import does before anything is built."""
    from desktop.ml.exchange import import_model, import_steps
    from desktop.ml.exchange.h5_check import check_h5
    from desktop.ml.exchange.keras_check import clean_copy

    with tempfile.TemporaryDirectory() as folder:
        suffix = ".keras" if data[:2] == b"PK" else ".h5" if data[:4] == b"\x89HDF" else ".tflite"
        path = Path(folder) / f"x{suffix}"
        path.write_bytes(data)
        form = import_model.kind_of(path)
        if form == "tflite":
            import_steps.inspect(str(path), "tflite", folder, lambda event: None)
        elif form == "keras":
            step: Callable[..., Any] = import_steps._in_words(lambda: _look_at_keras(path, Path(folder), clean_copy))
            step()
        elif form == "h5":
            import_steps._in_words(lambda: (check_h5(path, 1 << 30), import_steps._check_h5_config(path)))()
    return "opened"


def _look_at_keras(path: Path, folder: Path, clean_copy: Callable[..., Any]) -> None:
    from desktop.ml.exchange import import_steps
    from desktop.ml.exchange.h5_check import check_h5

    clean_copy(path, folder / "clean.keras")
    with import_steps._weights_of(folder / "clean.keras", folder) as weights:
        check_h5(weights, 1 << 30)


def attack_json(data: bytes) -> str:
    """Every reader of JSON that comes from elsewhere or from the disk."""
    from desktop.core.trust import domain, first_layer, saliency
    from desktop.core.types import FoveaError
    from desktop.ml.plans import plan
    from desktop.store import manifest
    from desktop.system import strict_json, updates

    opened = 0
    readers: tuple[Callable[[bytes], Any], ...] = (
        manifest.from_json, domain.from_json, saliency.head_from_json, first_layer.from_json, updates.parse,
        strict_json.loads,
    )  # fmt: skip
    for reader in readers:
        with contextlib.suppress(FoveaError, strict_json.JsonError):
            reader(data)
            opened += 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.json"
        path.write_bytes(data)
        store = strict_json.JsonStore(path, "the settings")
        store.read()
        store.write({"a": 1})
        assert store.read() == {"a": 1}
        path.write_bytes(data)
        with contextlib.suppress(FoveaError):
            plan.load(path)
            opened += 1
    if not opened:
        raise FoveaError("refused", "no reader takes it")
    return "opened"
