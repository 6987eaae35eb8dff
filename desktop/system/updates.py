"""Whether there is a newer Fovea: one small file is read at an address that the user has set, and nothing is sent.

Two files lie at that address: the JSON file itself and, beside it with ``.sha256`` added to its name, its checksum as
``sha256sum`` prints it. The checksum finds what was cut off or changed on the way; who published the files is only as
certain as the https connection to their address. `python -m installers.update_file` writes both.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from desktop import __version__
from desktop.system import strict_json
from desktop.system.errors import FoveaError
from desktop.system.words import phrase

MAX_BYTES = 65_536
TIMEOUT_S = 10.0
WHOLE_S = 20.0
_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
_LOCAL = ("127.0.0.1", "::1", "localhost")


class UpdateError(FoveaError):
    """No answer can be given; kinds: ``bad-address``, ``offline``, ``bad-file``."""


@dataclass(frozen=True, slots=True)
class Release:
    """What the file says: the newest ``version``, its ``date`` (ISO), one paragraph of ``notes``, the ``page`` with the
    files, and each file's SHA-256 by name."""

    version: str
    date: str
    notes: str
    page: str
    files: dict[str, str]

    @property
    def is_newer(self) -> bool:
        """Than this program."""
        return number(self.version) > number(__version__)


def number(version: str) -> tuple[int, int, int]:
    """``1.2.3`` as numbers; what follows (``rc1``, ``.dev2``) does not count. Raises ValueError for anything else."""
    match = _VERSION.match(version)
    if match is None:
        raise ValueError(f"{version[:40]!r} is no version; expected three numbers with full stops")
    return int(match[1]), int(match[2]), int(match[3])


def check_address(address: str) -> str:
    """``address`` without blanks around it. Raises :class:`UpdateError` unless it is https (or this computer)."""
    address = address.strip()
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urllib.parse.urlsplit(""), ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    if not host or not secure or parts.username or parts.password:
        raise UpdateError(
            "bad-address",
            "this is no address of an update file; one begins with https:// and names no user",
            "For example https://example.org/fovea/latest.json",
        )
    return address


def fetch(address: str) -> Release:
    """Read the file at ``address`` and its checksum. Raises :class:`UpdateError`; takes up to :data:`WHOLE_S` seconds,
    however slowly a server drips."""
    address = check_address(address)
    until = time.monotonic() + WHOLE_S
    body = _within(until, address)
    checksum = _within(until, _beside(address)).decode("ascii", "replace").split()
    if not checksum or not re.fullmatch(r"[0-9a-f]{64}", checksum[0].lower()):
        raise UpdateError("bad-file", "the checksum beside the file is none", "Its publisher has to mend that.")
    if hashlib.sha256(body).hexdigest() != checksum[0].lower():
        raise UpdateError(
            "bad-file", "the file does not agree with its checksum: it was changed or cut off", "Try again later."
        )
    return parse(body)


def parse(body: bytes) -> Release:
    """The release that ``body`` (JSON) tells of. Raises :class:`UpdateError` of kind ``bad-file``."""
    try:
        held = strict_json.loads_object(body)
        if held.get("schema") != 1:
            raise ValueError("schema 1 expected")
        release = Release(
            _text(held, "version", 40),
            _text(held, "date", 40),
            _text(held, "notes", 2000),
            check_address(_text(held, "page", 500)),
            {str(name)[:200]: str(value)[:64] for name, value in dict(held["files"]).items()},
        )
        number(release.version)
    except (ValueError, KeyError, TypeError, RecursionError, UpdateError) as error:
        raise UpdateError(
            "bad-file", "what lies at this address is no update file of Fovea", "Is the address right?"
        ) from error
    return release


def _text(held: dict[str, Any], key: str, most: int) -> str:
    value = held[key]
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"{key}: a text of at most {most} characters expected")
    return "".join(c for c in value if c.isprintable() or c == "\n")


def _beside(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(path=parts.path + ".sha256"))


class _SameRules(urllib.request.HTTPRedirectHandler):
    """A redirection must lead to an address that the user could have set."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _within(until: float, address: str) -> bytes:
    """:func:`_read`, given up at ``until``: a time limit for each word of an answer is none for the whole."""
    answers: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()

    def read() -> None:
        try:
            answers.put(_read(address))
        except BaseException as error:
            answers.put(error)

    threading.Thread(target=read, name="update check", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.1, until - time.monotonic()))
    except queue.Empty:
        raise UpdateError(
            "offline",
            phrase("the server did not answer in full within {whole_s:.0f} seconds", whole_s=WHOLE_S),
            "Try again later.",
        ) from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _read(address: str) -> bytes:
    from desktop.system import tls

    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls.context()), _SameRules())
    # The version of the caller is nobody's business: the same words for everyone.
    request = urllib.request.Request(address, headers={"User-Agent": "Fovea"})
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise UpdateError(
            "offline", phrase("the server answered {code}", code=error.code), "Is the address right?"
        ) from None
    except UpdateError:
        raise
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or type(reason).__name__
        raise UpdateError(
            "offline",
            phrase("the address cannot be reached ({lower})", lower=str(words).lower()),
            "Is this computer connected?",
        ) from None
    except Exception as error:  # http.client's own: a server that speaks something else
        raise UpdateError(
            "offline", phrase("the server's answer makes no sense ({name})", name=type(error).__name__), ""
        ) from None
    if len(body) > MAX_BYTES:
        raise UpdateError("bad-file", "the file is far too large for an update file", "Is the address right?")
    return body
