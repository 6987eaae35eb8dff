"""Reports of crashes, written on this computer and never sent: without names, file names, paths or messages' words.

A report says what kind of error it was and where in the program: modules, lines, functions. An error's own words are
left out, because they quote whatever was at hand. What ends a process from outside Python (a fault in a library) is
noted down by :mod:`faulthandler`, in a file that the next start turns into such a report.
"""

from __future__ import annotations

import contextlib
import datetime
import faulthandler
import os
import platform
import re
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import ClassVar, TextIO

from desktop import __version__, paths
from desktop.system.files import write_atomically
from desktop.system.liveness import is_alive

ENVIRONMENT = "FOVEA_CRASH_REPORTS"  # set by the window for its children: the folder that they write to
_KEPT = 20
_MAX_BYTES = 200_000
_NEW, _SEEN, _TRACE = ".new.txt", ".txt", ".trace"
_KNOWN = re.compile(r"^(Fatal Python error|Windows fatal exception|Current thread|Thread 0x|Extension modules)")
_FRAME = re.compile(r'^\s*File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)$')


def folder() -> Path:
    """Where reports lie."""
    return paths.logs() / "crashes"


class _State:
    """What :func:`watch` holds for this process."""

    trace: ClassVar[TextIO | None] = None
    process: ClassVar[str] = ""
    told: ClassVar[set[str]] = set()


def watch(process: str, where: Path | None = None) -> bool:
    """Write a report of every error that nobody catches in this process, called ``process`` ('window', 'engine' …).

    Returns whether it can; where the folder cannot be written to the program works without reports.
    """
    place = where if where is not None else folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        trace = (place / f"{process}-{os.getpid()}{_TRACE}").open("w", encoding="utf-8")
    except OSError:
        return False
    os.environ[ENVIRONMENT] = str(place)
    _State.trace, _State.process = trace, process
    faulthandler.enable(trace, all_threads=True)
    _hook(place)
    return True


def watch_child(process: str) -> None:
    """The same in a child of a program that watches; nothing in a child of one that does not."""
    if place := os.environ.get(ENVIRONMENT):
        watch(process, Path(place))


def unwatch() -> None:
    """The process ends in order: its empty trace goes."""
    if _State.trace is None:
        return
    faulthandler.disable()
    path = Path(_State.trace.name)
    _State.trace.close()
    _State.trace = None
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def _hook(place: Path) -> None:
    before, before_threads = sys.excepthook, threading.excepthook

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            write(error, threading.current_thread().name, place)
        before(kind, error, trace)

    def uncaught_in_thread(facts: threading.ExceptHookArgs) -> None:
        if facts.exc_value is not None and not issubclass(facts.exc_type, SystemExit):
            write(facts.exc_value, facts.thread.name if facts.thread is not None else "unknown", place)
        before_threads(facts)

    sys.excepthook, threading.excepthook = uncaught, uncaught_in_thread


def write(error: BaseException, thread: str, place: Path | None = None) -> Path | None:
    """Write a report of ``error``; ``None`` where it was told before in this process, or cannot be written."""
    body = "\n".join(_chain(error))
    if body in _State.told or len(_State.told) >= _KEPT:
        return None
    _State.told.add(body)
    text = f"{_head(_State.process or 'program')}Thread: {_plain(thread)}\n\n{body}\n"
    return _put(text, place if place is not None else folder())


def _head(process: str) -> str:
    frozen = "frozen" if getattr(sys, "frozen", False) else "not frozen"
    moment = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return (
        f"Fovea {__version__}, {frozen}\nPython {platform.python_version()} on {platform.system()} "
        f"{platform.release()}, {platform.machine()}\nTime: {moment}\nProcess: {process}\n"
    )


def _chain(error: BaseException) -> list[str]:
    """The error and those that led to it: kinds and places, no words."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < 10:
        seen.add(id(current))
        code = f" [{os.strerror(current.errno)}]" if isinstance(current, OSError) and current.errno else ""
        lines.append(f"{'caused by ' if lines else ''}{type(current).__module__}.{type(current).__qualname__}{code}")
        for frame in traceback.extract_tb(current.__traceback__)[-40:]:
            lines.append(f"  {_module(frame.filename)}, line {frame.lineno}, in {_plain(frame.name)}")
        current = current.__cause__ or current.__context__
    return lines


def _module(file: str) -> str:
    """A source file without the folders that lead to it, which may hold the user's name."""
    parts = file.replace("\\", "/").split("/")
    for anchor in ("site-packages", "dist-packages", "_internal"):
        if anchor in parts:
            return "/".join(parts[parts.index(anchor) + 1 :])
    if "desktop" in parts:
        last = len(parts) - 1 - parts[::-1].index("desktop")
        return "/".join(parts[last:])
    return parts[-1]


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.<>() -]", "?", text)[:80]


def _put(text: str, place: Path) -> Path | None:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    path = place / f"crash-{stamp}-{os.getpid()}{_NEW}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError:
        return None
    return path


# At the next start


def unseen(place: Path | None = None) -> list[Path]:
    """Reports that were not shown yet, the newest first; what faulthandler noted down becomes one first."""
    place = place if place is not None else folder()
    try:
        names = sorted(place.iterdir(), reverse=True)
    except OSError:
        return []
    for path in names:
        if path.name.endswith(_TRACE):
            _take_up(path, place)
    reports = sorted(place.glob("crash-*.txt"), reverse=True)
    for old in reports[_KEPT:]:
        with contextlib.suppress(OSError):
            old.unlink()
    return [path for path in reports[:_KEPT] if path.name.endswith(_NEW)]


def mark_seen(reports: list[Path]) -> list[Path]:
    """Do not offer these again; they stay, under the names returned, until newer ones take their places."""
    marked = []
    for path in reports:
        seen = path.with_name(path.name.removesuffix(_NEW) + _SEEN)
        with contextlib.suppress(OSError):
            os.rename(path, seen)
            marked.append(seen)
    return marked


def _take_up(path: Path, place: Path) -> None:
    """Make a report of a trace whose process has ended, and remove the trace: its paths are whole."""
    process, _, number = path.name.removesuffix(_TRACE).rpartition("-")
    if not number.isdigit() or is_alive(int(number)):
        return
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(_MAX_BYTES)
        path.unlink()
    except OSError:
        return  # on Windows: still open, so its process lives
    if text.strip():
        _put(f"{_head(_plain(process))}\n{scrubbed(text)}\n", place)


def scrubbed(text: str) -> str:
    """faulthandler's words without what may name a person: only the lines of its own known forms, files shortened."""
    lines = []
    for line in text.splitlines():
        if frame := _FRAME.match(line):
            lines.append(f"  {_module(frame['file'])}, line {frame['line']}, in {_plain(frame['function'])}")
        elif re.match(
            r"^(Fatal Python error|Windows fatal exception|Current thread|Thread 0x|Extension modules)", line
        ):
            lines.append(re.sub(r"[^A-Za-z0-9_.,:()+ -]", "", line)[:2000])
    return "\n".join(lines)
