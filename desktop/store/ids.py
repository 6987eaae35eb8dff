"""Ids of models: made of their names, and free where a new model must not take another one's place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

from desktop.core.data.file_names import RESERVED
from desktop.core.types import FoveaError
from desktop.store.runs import RunStore
from desktop.system import strict_json

_LONGEST = 56  # with a number behind it an id stays below the 64 characters that a manifest takes


def id_of(name: str) -> str:
    """An id (lower-case letters, digits, hyphens) from a name; ``model`` where nothing of it is Latin.

    It is the name of a folder as well, so it is never that of a device of Windows: no folder there can be ``con``.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "model"
    return found if is_folder_everywhere(found) else f"{found}-1"


def is_folder_everywhere(model_id: str) -> bool:
    """Whether a folder may be called ``model_id``, an id by its letters, on every system."""
    return model_id not in RESERVED


def free_among(name: str, taken: Collection[str], there: Callable[[str], bool] = lambda found: False) -> str:
    """:func:`id_of`, with a number behind it where that id is ``taken`` or ``there``."""
    stem = chosen = id_of(name)
    number = 2
    while chosen in taken or there(chosen):
        chosen = f"{stem}-{number}"
        number += 1
    return chosen


def taken_ids(models: Iterable[str], runs: RunStore) -> set[str]:
    """The ids that a new training must not have: those of ``models``, and of those that trainings will still make."""
    taken = set(models)
    try:
        waiting = [record for record in runs.list() if record.state not in ("done", "cancelled")]
    except (FoveaError, OSError):  # runs that cannot be read will make no model either
        return taken
    for record in waiting:
        try:
            taken.add(str(strict_json.loads_object(runs.plan_text(record.id))["id"]))
        except (FoveaError, OSError, ValueError, KeyError, TypeError):
            continue
    return taken
