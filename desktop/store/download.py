"""Fetches one large file whose hash is known: resumed after an interruption, refused where it is not the right one.

The file grows as ``NAME.part`` with a note beside it of where it comes from and which version (ETag) it is. A later
try asks for the rest with ``Range`` and ``If-Range`` (RFC 9110, sections 13.1.5 and 14): a server whose file
has changed sends it whole again, and the old beginning is thrown away. Only a file with the expected hash ever gets
its name.

Proxies come from the system's settings (``HTTPS_PROXY`` … or the system's own), certificates from the system,
``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE``.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop.store.connection import FROM_FILE, Again, DownloadError, hang_up, lost, open_url, refused
from desktop.system import strict_json
from desktop.system.files import OWN_DISK, check_room, flush, not_written, put_in_place, write_atomically
from desktop.system.words import phrase, sentences

CHUNK = 256 * 1024
TRIES = 5  # without a single byte between them
STALL_S = 30.0
_TELL_EVERY_S = 0.1
_RATE_OVER_S = 5.0
_LONGEST = 4 << 30
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the file must be. ``size`` in bytes is exact where ``exact``, else a guide; at least one hash is given."""

    size: int
    exact: bool
    md5: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.md5 is None and self.sha256 is None:
            raise ValueError("a file without a known hash is not fetched")


@dataclass(frozen=True, slots=True)
class Verified:
    """A file that has the expected hash."""

    path: Path
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """How far a download is: bytes ``done`` of ``total``, ``rate`` in bytes a second, ``left_s`` where known."""

    done: int
    total: int
    rate: float
    left_s: float | None


@dataclass(slots=True)
class DownloadControl:
    """Pause, go on, cancel: set from any thread. A paused download closes its connection and keeps what it has."""

    _cancel: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)
    _hang_up: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self._go.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancel.is_set()

    @property
    def paused(self) -> bool:
        """Whether the download waits for :meth:`resume`."""
        return not self._go.is_set()

    def pause(self) -> None:
        """Stop after the bytes that are under way."""
        self._go.clear()
        self._interrupt()

    def resume(self) -> None:
        """Go on where it was."""
        self._go.set()

    def cancel(self) -> None:
        """End it; what was fetched stays for a later try."""
        self._cancel.set()
        self._go.set()
        self._interrupt()

    @contextlib.contextmanager
    def watching(self, hang_up: Callable[[], None]) -> Iterator[None]:
        """While the block runs, call ``hang_up`` on pause and cancel, so that nobody waits for a silent server."""
        self._hang_up = hang_up
        try:
            yield
        finally:
            self._hang_up = None

    def _interrupt(self) -> None:
        hang_up = self._hang_up
        if hang_up is not None:
            hang_up()

    def wait_here(self) -> None:
        """Block while paused. Raises :class:`DownloadError` ``cancelled``."""
        self._go.wait()
        if self.cancelled:
            raise cancelled()

    def sleep(self, seconds: float) -> None:
        """Wait, unless cancelled meanwhile. Raises :class:`DownloadError` ``cancelled``."""
        if self._cancel.wait(seconds):
            raise cancelled()


def cancelled() -> DownloadError:
    """The error that says the user ended it."""
    return DownloadError("cancelled", "cancelled; what was fetched is kept for the next try")


Tell = Callable[[Transfer], None]
Say = Callable[[str], None]


def fetch(
    url: str,
    target: Path,
    expected: Expected,
    tell: Tell = lambda transfer: None,
    say: Say = lambda text: None,
    control: DownloadControl | None = None,
    stall_s: float = STALL_S,
    patience_s: float = 1.0,
) -> Verified:
    """Fetch ``url`` into ``target``, whose folder exists. ``tell`` hears of progress, ``say`` of tries and restarts.

    ``stall_s``: seconds without a byte until the connection counts as lost; ``patience_s``: the first wait between two
    tries, doubled each time. Raises :class:`DownloadError`; ``NAME.part`` stays where a later try can go on from it.
    """
    return _Fetch(url, target, expected, tell, say, control or DownloadControl(), stall_s, patience_s).run()


def partly_there(target: Path) -> int:
    """Bytes of an interrupted download of ``target``; 0 where there is none."""
    try:
        return _part(target).stat().st_size
    except OSError:
        return 0


def discard(target: Path) -> None:
    """Throw an interrupted download away."""
    _part(target).unlink(missing_ok=True)
    _note(target).unlink(missing_ok=True)


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _note(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


class _Fetch:
    def __init__(
        self,
        url: str,
        target: Path,
        expected: Expected,
        tell: Tell,
        say: Say,
        control: DownloadControl,
        stall_s: float,
        patience_s: float,
    ) -> None:
        self._url, self._target, self._expected = url, target, expected
        self._tell, self._say, self._control = tell, say, control
        self._stall_s, self._patience_s = stall_s, patience_s
        request = urllib.request.Request(url)
        self._host, self._scheme = str(request.host), str(request.type)
        self._total = expected.size
        self._rate = _Rate()
        self._told = 0.0

    def run(self) -> Verified:
        tries, waited = 0, self._patience_s
        part = _part(self._target)
        if not self._is_ours():
            discard(self._target)
        while True:
            before = partly_there(self._target)
            try:
                self._once()
                break
            except Again as again:
                if self._control.paused:
                    continue
                grown = partly_there(self._target) > before
                tries, waited = (1, self._patience_s) if grown else (tries + 1, waited * 2)
                if tries >= TRIES:
                    raise again.error from again
                self._say(phrase("{message}; trying again", message=again.error.message))
                self._control.sleep(min(waited, 30.0))
            except OSError as error:
                raise not_written(phrase("the file"), OWN_DISK, error, DownloadError) from error
        verified = check(part, self._expected, self._control)
        try:
            put_in_place(part, self._target)
        except OSError as error:
            raise not_written(phrase("the file"), OWN_DISK, error, DownloadError) from error
        _note(self._target).unlink(missing_ok=True)
        return Verified(self._target, verified.size, verified.md5, verified.sha256)

    def _is_ours(self) -> bool:
        """Whether what lies there came from this address and can be gone on with."""
        note = self._read_note()
        return note.get("url") == self._url and bool(note.get("etag")) and partly_there(self._target) > 0

    def _read_note(self) -> dict[str, Any]:
        try:
            return strict_json.read_object(_note(self._target), 1 << 16)
        except (OSError, ValueError):
            return {}

    def _once(self) -> None:
        """One connection, from what is there to the end; returns when all bytes are there."""
        self._control.wait_here()
        there = partly_there(self._target)
        note = self._read_note()
        headers = {"User-Agent": "Fovea", "Accept-Encoding": "identity"}
        if there and note.get("etag"):
            headers |= {"Range": f"bytes={there}-", "If-Range": str(note["etag"])}
        else:
            there = 0
        try:
            answer = open_url(self._url, headers, self._stall_s)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing after what is there: complete, or not the file it was
                error.close()
                if there == note.get("total"):
                    return
                discard(self._target)
                raise Again(
                    DownloadError("server", phrase("{host} has another file now", host=self._host), FROM_FILE)
                ) from error
            raise refused(self._host, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise lost(self._host, self._scheme, error) from error
        with answer, self._control.watching(lambda: hang_up(answer)):
            self._take(answer, there)

    def _take(self, answer: Any, there: int) -> None:
        begin, total = self._place(answer, there)
        kind = answer.headers.get_content_type()
        if kind in ("text/html", "application/xhtml+xml"):
            raise DownloadError(
                "web-page",
                phrase("{host} sent a web page instead of the file", host=self._host),
                sentences(
                    [
                        phrase("A network that asks you to log in does that: open a browser, log in, try again."),
                        FROM_FILE,
                    ]
                ),
            )
        if total is not None:
            self._check_length(total)
            self._total = total
        self._check_disk(self._total - begin)
        if begin != there or not begin:
            discard(self._target)
        self._write_note(answer.headers.get("ETag", ""), total)
        with _part(self._target).open("ab") as stream:
            try:
                self._copy(answer, stream, begin)
            finally:
                flush(stream)
        done = partly_there(self._target)
        if total is not None and done < total:
            raise Again(self._cut(done, total))

    def _place(self, answer: Any, there: int) -> tuple[int, int | None]:
        """Where the sent bytes begin, and the whole file's length where the server says it."""
        length = answer.headers.get("Content-Length")
        if answer.status != 206:
            if there:
                self._say(
                    phrase(
                        "the server starts from the beginning: its file has changed, or it cannot go on in the middle"
                    )
                )
            return 0, int(length) if length and length.isdigit() else None
        etag = self._read_note().get("etag")
        span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if not span.startswith(f"{there}-") or not total.isdigit() or answer.headers.get("ETag", etag) != etag:
            discard(self._target)
            raise Again(
                DownloadError(
                    "server", phrase("{host} sent another part, or of another file", host=self._host), FROM_FILE
                )
            )
        return there, int(total)

    def _check_length(self, total: int) -> None:
        wanted = self._expected.size
        if (self._expected.exact and total != wanted) or total > max(2 * wanted, 1 << 20):
            about = "" if self._expected.exact else "about "
            raise DownloadError(
                "wrong-length",
                phrase(
                    "{host} has a file of {total:,} bytes; {about}{wanted:,} expected",
                    host=self._host,
                    total=total,
                    about=about,
                    wanted=wanted,
                ),
                sentences([phrase("It is not the file that was published."), FROM_FILE]),
            )

    def _check_disk(self, need: int) -> None:
        check_room(self._target.parent, need, "what is still to come", kind=DownloadError)

    def _copy(self, answer: Any, stream: Any, done: int) -> None:
        limit = self._total if self._expected.exact else max(2 * self._expected.size, 1 << 20)
        self._rate.begin(done)
        while True:
            if self._control.paused:
                raise Again(DownloadError("cancelled", "paused"))
            if self._control.cancelled:
                raise cancelled()
            try:
                piece = answer.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise lost(self._host, self._scheme, error) from error
            if not piece:
                return
            if done == 0 and not piece.startswith(HDF5[: len(piece)]):
                raise DownloadError(
                    "not-weights",
                    phrase("{host} sent something that is no file of weights (HDF5)", host=self._host),
                    FROM_FILE,
                )
            stream.write(piece)
            done += len(piece)
            if done > min(limit, _LONGEST):
                raise DownloadError(
                    "wrong-length",
                    phrase("{host} sends more than the {total:,} bytes expected", host=self._host, total=self._total),
                )
            self._tell_of(done)

    def _tell_of(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_S or done == self._total:
            self._told = now
            rate = self._rate.at(done)
            left = max(0, self._total - done) / rate if rate > 0 else None
            self._tell(Transfer(done, self._total, rate, left))

    def _write_note(self, etag: str, total: int | None) -> None:
        # A weak ETag does not promise the same bytes: such a file is fetched anew after an interruption.
        strong = "" if etag.startswith("W/") else etag
        write_atomically(
            _note(self._target), strict_json.dumps({"url": self._url, "etag": strong, "total": total}, indent=None)
        )

    # What went wrong, in words

    def _cut(self, done: int, total: int) -> DownloadError:
        return DownloadError(
            "cut-off",
            phrase(
                "the connection to {host} ended after {done:,} of {total:,} bytes",
                host=self._host,
                done=done,
                total=total,
            ),
            "Try again: it goes on from there.",
        )


class _Rate:
    """Bytes a second over the last seconds."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def begin(self, done: int) -> None:
        self._seen = [(time.monotonic(), done)]

    def at(self, done: int) -> float:
        now = time.monotonic()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _RATE_OVER_S:
            self._seen.pop(0)
        first, before = self._seen[0]
        return (done - before) / (now - first) if now > first else 0.0


def check(path: Path, expected: Expected, control: DownloadControl | None = None, keep: bool = False) -> Verified:
    """Compare a file with what it must be. Raises :class:`DownloadError` ``wrong-hash`` with both hashes, and then
    removes the file unless ``keep``."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as stream:
            while piece := stream.read(4 * CHUNK):
                if control is not None and control.cancelled:
                    raise cancelled()
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
    except OSError as error:
        raise DownloadError("unreadable", "the file cannot be read", "Copy it again.") from error
    found = Verified(path, size, md5.hexdigest(), sha256.hexdigest())
    for name, wanted, got in (("SHA-256", expected.sha256, found.sha256), ("MD5", expected.md5, found.md5)):
        if wanted is not None and wanted.lower() != got:
            if not keep:
                path.unlink(missing_ok=True)
                path.with_name(path.name + ".json").unlink(missing_ok=True)
            raise DownloadError(
                "wrong-hash",
                phrase(
                    "this is not the published file: {name} {got} found, {lower} expected ({size:,} bytes)",
                    name=name,
                    got=got,
                    lower=wanted.lower(),
                    size=size,
                ),
                phrase("Nothing was installed. ")
                + (phrase("Look for the right file.") if keep else phrase("Try again, or ask the publisher.")),
            )
    return found
