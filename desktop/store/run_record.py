"""What is known of a run at a glance, as a frozen dataclass and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from desktop.system import strict_json
from desktop.system.words import english

RunState = Literal["queued", "running", "paused", "stopped", "failed", "done", "interrupted"]
RUN_STATES: tuple[RunState, ...] = get_args(RunState)
SCHEMA = 1
TRIAL_OF = "search "
"""Before the name of a search, in the parent of its trials."""

_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run.

    ``created`` and ``updated`` are UTC, ISO 8601. ``stopped`` means on purpose (it may be taken up again),
    ``interrupted`` that its trainer was cut off. ``pid`` is the trainer's process, 0 while there was none.
    ``epochs_done`` of ``epochs`` are finished; ``seconds`` is the time spent training, all starts together. ``data``
    is the data's own name, never a path, ``fingerprint`` its checksum. ``model_id`` is the model that came of it.
    ``parent`` is the run that this one repeats or goes on from, ``preset`` what its plan was made from, ``message`` and
    ``hint`` the last words for people. ``figures`` holds the figures (``val_accuracy`` …) of the epoch that counts, so
    far or in the end, ``val_n`` of how many validation pictures they are; ``model_accuracy`` and ``model_n`` the same
    of the finished model on validation, where its card names that. In runs of earlier versions they are the best of
    each, perhaps of several epochs.
    """

    id: str
    name: str
    created: str
    updated: str
    state: RunState = "queued"
    pid: int = 0
    epochs_done: int = 0
    epochs: int = 0
    seconds: float = 0.0
    data: str = ""
    fingerprint: str = ""
    preset: str = ""
    device: str = ""
    model_id: str = ""
    parent: str = ""
    message: str = ""
    hint: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def search(self) -> str:
        """The name of the search that this run is a trial of; '' for a training of its own."""
        return self.parent.removeprefix(TRIAL_OF) if self.parent.startswith(TRIAL_OF) else ""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; a figure that is not a number becomes ``None``."""
        raw = asdict(self)
        raw["figures"] = {name: value if math.isfinite(value) else None for name, value in self.figures.items()}
        return raw

    def to_json(self) -> str:
        """The record as indented JSON with a final newline, in ASCII: names that are no text survive as escapes."""
        return json.dumps(english(self.to_dict()), indent=1) + "\n"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "pid": int, "epochs_done": int, "epochs": int, "schema": int, "seconds": (int, float), "figures": dict,
}  # fmt: skip


def record_from_json(text: str) -> RunRecord:
    """Read a record; fields that a later Fovea may add are passed over. Raises ValueError that says what is wrong."""
    raw = strict_json.loads_object(text, _MOST_BYTES)
    values: dict[str, Any] = {}
    for item in fields(RunRecord):
        if item.name not in raw:
            if item.name in ("id", "name", "created", "updated", "schema"):
                raise ValueError(f"'{item.name}' is missing")
            continue
        value, expected = raw[item.name], _TYPES.get(item.name, str)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ValueError(f"'{item.name}' is {type(value).__name__}")
        values[item.name] = value
    if values["schema"] != SCHEMA:
        raise ValueError(f"schema {values['schema']} found, {SCHEMA} expected; a newer Fovea may read it")
    if values.get("state", "queued") not in RUN_STATES:
        raise ValueError("'state' is none that there is")
    figures = values.get("figures", {})
    values["figures"] = {str(k): math.nan if v is None else float(v) for k, v in figures.items() if _number(v)}
    return RunRecord(**values)


def _number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
