"""What a job on a cluster tells while it runs, and what the window's job is given: light, for both sides of a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop.system.words import hold


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job is begun with: the cluster's ``address``, the job's ``folder``, and for a new one the ``model``, the
    ``paths`` of its pictures, and whether these are sent along. ``resume``: the job in ``folder`` goes on, and has all
    that already."""

    address: str
    folder: str
    model: str = ""
    paths: tuple[str, ...] = ()
    send: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class PicturesFound:
    """How many pictures the search has found so far."""

    count: int


@dataclass(frozen=True, slots=True)
class Connecting:
    """The pictures are written down; the cluster is being reached. ``total`` pictures, ``done`` answered before."""

    total: int
    done: int


@dataclass(frozen=True, slots=True)
class NodeNews:
    """What became of a node: ``state`` is joined, refused, lost or given-up; ``why`` in words."""

    state: str
    name: str
    cores: int = 0
    why: str = ""

    def __post_init__(self) -> None:
        hold(self, "why")


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: pictures ``done`` of ``total``, ``failed`` among them; pictures a second and seconds left,
    once that can be told; ``cores`` at work."""

    done: int
    total: int
    failed: int
    rate: float | None
    left_s: float | None
    cores: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The last event: every picture has its row (``done``), the job was ``stopped``, or it ``failed`` for the reason in
    the words. ``answered`` and ``failed_pictures`` count what is in its folder."""

    state: Literal["done", "stopped", "failed"]
    answered: int = 0
    failed_pictures: int = 0
    message: str = ""
    hint: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


JobEvent = PicturesFound | Connecting | NodeNews | JobProgress | JobEnded
