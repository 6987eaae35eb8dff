"""What killed processes have left behind in Fovea's own folders: cleared at the next start, never while they live."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

from desktop import paths
from desktop.core.types import StoreError
from desktop.store.store import changing, clear_stale
from desktop.system.files import remove_leftovers
from desktop.system.liveness import is_alive

WORK = "work"
"""The folder of scratch copies below the user's data; each is called by its process's number."""
_SCRATCH = re.compile(r"(\d+)-[0-9a-f]{8}")


def clear_leftovers() -> None:
    """Remove half-written files, staged models and scratch copies of processes that have ended. Never raises."""
    data, models = paths.user_data(), paths.user_models()
    for folder in (data, paths.settings_file().parent, paths.cache(), data / "evaluations", data / "searches"):
        remove_leftovers(folder)
    clear_work(data / WORK)
    if not models.is_dir():
        return
    with contextlib.suppress(OSError, StoreError):
        with changing(models):
            clear_stale(models)
        for folder in models.iterdir():
            if folder.is_dir():
                remove_leftovers(folder)


def clear_work(folder: Path) -> None:
    """Remove the scratch copies in ``folder`` whose process has ended. Never raises."""
    with contextlib.suppress(OSError):
        for held in folder.iterdir():
            found = _SCRATCH.fullmatch(held.name)
            if found and not is_alive(int(found[1])):
                shutil.rmtree(held, ignore_errors=True)
