"""Talking to a terminal, a pipe or nobody: text that any stream can take, progress, and orderly ends.

A windowed program has no streams at all, a pipe may close early, and a file name may be no text: none of it may end in
a traceback.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TextIO
from unicodedata import combining, east_asian_width

from desktop.cli.table_words import word
from desktop.core.types import FoveaError
from desktop.system.words import english, phrase, worded

INTERRUPTED = 130
PIPE_CLOSED = 141
_PROGRESS_AFTER_S = 0.5
_PROGRESS_EVERY_S = 0.1


def prepare_streams() -> None:
    """Make stdout and stderr exist, and take any text: names that are no text go out as the bytes they are."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as we do
            continue
        unicode = str(getattr(stream, "encoding", "")).lower().replace("-", "") == "utf8"
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="surrogateescape" if unicode else "backslashreplace")


def quiet_libraries() -> None:
    """Send what native libraries write to stderr nowhere (it tells a user nothing); Fovea itself goes on writing there.

    ``FOVEA_ENGINE_OUTPUT`` leaves it as it is, for whoever looks for a fault.
    """
    stream = sys.stderr
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if os.environ.get("FOVEA_ENGINE_OUTPUT") or stream.fileno() != 2:
            return
        own = open(os.dup(2), "w", encoding=stream.encoding, errors=stream.errors, buffering=1)  # noqa: SIM115 - lives on
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        sys.stderr = own


class Interrupts:
    """Within this context the first Ctrl-C is a wish, ``asked``, told in ``words``; the second one raises
    :class:`KeyboardInterrupt`. For the main thread."""

    def __init__(self, words: str) -> None:
        self.asked = False
        self._words = words

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        note(self._words)


def printable(text: str) -> str:
    """``text`` without control characters: a file name must not move the cursor or add lines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or "\udc80" <= c <= "\udcff" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def say(text: str) -> None:
    """One line, or several, on stdout, at once: whoever reads a pipe sees each result when it is there."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_json(value: object, **how: Any) -> None:
    """``value`` as JSON on stdout; whatever language is spoken, JSON is in English: programs read it."""
    say(json.dumps(english(value), **how))


def note(text: str) -> None:
    """One line on stderr; where stderr is gone, nowhere."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(worded(text) + "\n")
        sys.stderr.flush()


def complain(message: str, hint: str = "") -> None:
    """An error for people: what is wrong, and what to do next."""
    said, more = worded(message).rstrip(".。"), worded(hint)
    note(f"fovea: {said}. {more}" if more else f"fovea: {said}")


def tell_failed(error: FoveaError, as_json: bool) -> None:
    """Say why a training, search or study failed: as its last event where the events are told as JSON."""
    if as_json:
        told = {"event": "finished", "state": "failed", "kind": error.kind}
        say_json({**told, "message": error.message, "hint": error.hint})
    else:
        complain(error.message, error.hint)


def guarded(run: Callable[[], int]) -> int:
    """Run a command to its exit status; Ctrl-C, a closed pipe and errors meant for the user end it quietly."""
    try:
        status = run()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        note("fovea: stopped")
        return INTERRUPTED
    except BrokenPipeError:
        _let_go(sys.stdout)
        return PIPE_CLOSED
    except FoveaError as error:
        complain(error.message, error.hint)
        return 1
    except OSError as error:
        complain(*refused_by_system(error))
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def refused_by_system(error: OSError) -> tuple[str, str]:
    """What the system refused, in words, and a hint: the last resort. Of a path only the file's own name is told."""
    reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
    name = error.filename if isinstance(error.filename, (str, bytes, os.PathLike)) else ""
    own = printable(os.path.basename(os.fsdecode(name).rstrip(os.sep)))
    hint = phrase("Look at the folder and the disk it lies on, then try again.")
    if own:
        return phrase("the system refused it: {reason} ('{name}')", reason=reason, name=own), hint
    return phrase("the system refused it: {reason}", reason=reason), hint


def _let_go(stream: TextIO) -> None:
    """Point a closed pipe's descriptor elsewhere: the interpreter flushes it once more at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextlib.contextmanager
def quiet_native() -> Iterator[None]:
    """Send what native libraries write past Python's streams nowhere; for a short while, from one thread."""
    sys.stderr.flush()
    try:
        kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no such stream: nothing to quiet
        yield
        return
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


class ProgressLine:
    """A line on a terminal's stderr that says how far a command is; silent elsewhere, and in the first half second."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._shown = False
        self._begin = time.monotonic()
        self._last = self._begin
        try:
            self._active = bool(self._stream.isatty())
        except (ValueError, AttributeError):
            self._active = False

    def update(self, text: str) -> None:
        """Show ``text`` in place of what was shown before."""
        now = time.monotonic()
        if not self._active or now - self._begin < _PROGRESS_AFTER_S or now - self._last < _PROGRESS_EVERY_S:
            return
        self._last = now
        self._shown = True
        self._stream.write(f"\r\x1b[K{worded(text)}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, before something is printed or at the end."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def table(rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    """``rows`` (the first is the head) in columns two blanks apart; columns named in ``right`` end flush."""
    rows = [tuple(map(word, rows[0])), *rows[1:]]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            " " * (width - _width(cell)) + cell if column in right else cell + " " * (width - _width(cell))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def beside(title: str, width: int) -> str:
    """``title``, a word of :mod:`desktop.cli.table_words`, filled up to ``width`` columns."""
    shown = word(title)
    return shown + " " * max(1, width - _width(shown)) if title else " " * width


def _width(text: str) -> int:
    """How many columns of a terminal ``text`` takes: those of East Asia take two, marks on a letter none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
