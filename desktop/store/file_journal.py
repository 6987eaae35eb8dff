"""The journal of one command on a user's files: what is to be done, then what was done, one JSON object a line.

Its first part is on the disk before the first file is touched. A line that a killed process wrote in part is passed
over.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop.system import strict_json
from desktop.system.errors import FoveaError
from desktop.system.files import flush, flush_folder, reason_of
from desktop.system.words import phrase

Kind = Literal["copy", "move"]
_SCHEMA = 1
_LINE = 1 << 20


class FileActionError(FoveaError):
    """A command on files that could not be begun or undone. Kinds: ``busy``, ``no-such-action``, ``not-saved``."""


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file: from ``source`` to ``target`` (absolute). ``size`` and ``mtime_ns`` are those of the source when the
    user saw what would happen: a file that is another by then is not touched.

    ``data`` are the bytes of a picture that has no file of its own; ``source`` is then ''.
    """

    source: str
    target: str
    size: int = 0
    mtime_ns: int = 0
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """A command of the past: ``when`` in seconds since 1970, ``done`` files that are at their new place now, ``undone``
    those that were taken back, ``left`` those that were never touched."""

    id: str
    kind: Kind
    title: str
    when: float
    done: int
    undone: int
    left: int
    finished: bool


@dataclass(slots=True)
class JournalStep:
    """A step, and how far it is: ``planned``, ``copying``, ``placing``, ``done``, ``left``, ``undoing``, ``undone``.

    ``direction`` is ``undo`` while it is taken back; ``part`` the name of what is being written beside its place.
    """

    number: int
    source: str
    target: str
    size: int
    mtime_ns: int
    state: str = "planned"
    why: str = ""
    part: str = ""
    sha256: str = ""
    target_size: int = -1
    target_mtime_ns: int = -1
    direction: str = "do"


class Journal:
    """One command's file: read whole, written to at its end."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.id = file.stem
        self.kind: Kind = "copy"
        self.title = ""
        self.when = 0.0
        self.steps: list[JournalStep] = []
        self.folders: list[str] = []
        self.open = True
        self._stream: Any = None

    @classmethod
    def begin(cls, root: Path, kind: Kind, title: str, steps: Sequence[FileStep]) -> Journal:
        now = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        journal = cls(root / f"{stamp}-{int(now % 1 * 1000):03d}-{uuid.uuid4().hex[:6]}.jsonl")
        journal.kind, journal.title, journal.when = kind, title, now
        for number, step in enumerate(steps):
            journal.steps.append(JournalStep(number, step.source, step.target, step.size, step.mtime_ns))
        head: dict[str, Any] = {"schema": _SCHEMA, "kind": kind, "title": title, "when": now, "steps": len(steps)}
        try:
            journal._stream = journal.file.open("x", encoding="ascii")
            journal.note(head)
            for each in journal.steps:
                journal.note(
                    {
                        "n": each.number,
                        "from": each.source,
                        "to": each.target,
                        "size": each.size,
                        "mtime": each.mtime_ns,
                    }
                )
            journal.note({"at": "begin"}, hard=True)
            flush_folder(root)
        except OSError as error:
            journal.close()
            with contextlib.suppress(OSError):
                journal.file.unlink()
            text = phrase(
                "nothing was moved: what is to be done could not be written down ({reason})", reason=reason_of(error)
            )
            raise FileActionError("not-saved", text, "Free some space on the disk of Fovea's own data.") from error
        return journal

    @classmethod
    def load(cls, file: Path, reading: bool = False, only_open: bool = False) -> Journal:
        journal = cls(file)
        begun = False
        with file.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n") or len(line) > _LINE:
                    break  # the last line of a process that was killed while it wrote it
                try:
                    begun = journal._take(strict_json.loads_object(line, _LINE)) or begun
                except (KeyError, TypeError, IndexError, ValueError) as error:
                    text = "a log of moved files is damaged"
                    raise FileActionError("no-such-action", text, "It can no longer be undone.") from error
        if not begun:
            journal.open = False  # killed before anything was touched
            journal.steps = []
        if not reading and (journal.open or not only_open):
            journal._cut_torn_line()
            journal._stream = file.open("a", encoding="ascii")
        return journal

    def _cut_torn_line(self) -> None:
        with self.file.open("rb+") as stream:
            data = stream.read()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                stream.truncate(whole)

    def _take(self, line: dict[str, Any]) -> bool:
        """Take a line; ``True`` where it says that the plan is complete."""
        at = line.get("at")
        if "schema" in line:
            if line["schema"] != _SCHEMA or line["kind"] not in ("copy", "move"):
                raise ValueError("another schema")
            self.kind, self.title, self.when = line["kind"], str(line["title"]), float(line["when"])
        elif at is None:
            if line["n"] != len(self.steps):
                raise ValueError("a step is missing")
            self.steps.append(
                JournalStep(line["n"], str(line["from"]), str(line["to"]), int(line["size"]), int(line["mtime"]))
            )
        elif at == "begin":
            return True
        elif at == "folder":
            self.folders.append(str(line["path"]))
        elif at in ("end", "undo-end"):
            self.open = False
        elif at == "undo":
            self.open = True
        else:
            self._take_step(self.steps[line["n"]], str(at), line)
        return False

    def _take_step(self, step: JournalStep, at: str, line: dict[str, Any]) -> None:
        step.state = at
        step.why = str(line.get("why", ""))
        step.part = str(line.get("part", ""))
        step.sha256 = str(line.get("sha256", step.sha256))
        step.direction = str(line.get("way", step.direction))
        if at == "done" and "size" in line:
            step.target_size, step.target_mtime_ns = int(line["size"]), int(line["mtime"])

    def note(self, line: dict[str, Any], hard: bool = False) -> None:
        """Add a line; ``hard``: it is on the disk when this returns. Raises OSError."""
        self._stream.write(json.dumps(line) + "\n")  # ASCII: paths that are no text survive as escapes
        self._stream.flush()
        if hard:
            flush(self._stream)

    def mark(self, step: JournalStep, at: str, hard: bool = False, **facts: Any) -> None:
        """Note what became of a step."""
        line = {"n": step.number, "at": at, **facts}
        self._take_step(step, at, line)
        self.note(line, hard)

    def record(self) -> ActionRecord:
        states = [step.state for step in self.steps]
        done, undone = states.count("done"), states.count("undone")
        left = len(states) - done - undone
        return ActionRecord(self.id, self.kind, self.title, self.when, done, undone, left, not self.open)

    def close(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None
