"""What a job on a model file tells its watcher, beside the transfer of a download."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobStep:
    """A step has begun: ``name`` is one of :data:`STEPS`; how long it takes is not known beforehand."""

    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something worth a line, in words."""

    text: str


STEPS: dict[str, str] = {
    "hash": "comparing the file's hash",
    "check": "looking through the file",
    "build": "building the network",
    "convert": "converting it to LiteRT",
    "convert-form": "converting it",
    "compare": "comparing the two forms",
    "write": "writing the model",
    "copy": "copying",
    "verify": "comparing checksums",
}
"""Every step by its name, in words."""
