"""What a job on a model file tells its watcher, beside the transfer of a download."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.system.words import hold, phrase


@dataclass(frozen=True, slots=True)
class JobStep:
    """A step has begun: ``name`` is one of :data:`STEPS`; how long it takes is not known beforehand."""

    name: str


@dataclass(frozen=True, slots=True)
class StepSaid:
    """Something worth a line, in words."""

    text: str

    def __post_init__(self) -> None:
        hold(self, "text")


STEPS: dict[str, str] = {
    "hash": phrase("comparing the file's hash"),
    "check": phrase("looking through the file"),
    "build": phrase("building the network"),
    "convert": phrase("converting it to LiteRT"),
    "convert-form": phrase("converting it"),
    "compare": phrase("comparing the two forms"),
    "write": phrase("writing the model"),
    "copy": phrase("copying"),
    "verify": phrase("comparing checksums"),
}
"""Every step by its name, in words."""
