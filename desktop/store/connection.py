"""One connection to a publisher: opened with the system's proxies and certificates, its failures put into words."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any

from desktop.core.types import StoreError
from desktop.system.words import phrase, sentences

FROM_FILE = phrase(
    "Or fetch the file on another computer and install it from there: choose 'From a file', or --from FILE."
)


class DownloadError(StoreError):
    """A file that was not fetched. Kinds: ``offline``, ``proxy``, ``certificate``, ``timeout``, ``server``,
    ``web-page``, ``not-weights``, ``wrong-length``, ``wrong-hash``, ``cut-off``, ``disk-full``, ``cancelled``,
    ``unsafe-address``, ``not-saved``."""


class Again(Exception):  # noqa: N818 - an answer, not a fault
    """This connection gave what it could; try once more. ``error`` is what to say when no try is left."""

    def __init__(self, error: DownloadError) -> None:
        super().__init__(error.message)
        self.error = error


def refused(host: str, error: urllib.error.HTTPError) -> DownloadError | Again:
    """What an answer that is no success means; :class:`Again` where another try may help."""
    error.close()
    if error.code == 407:
        return _proxy_wants_a_name()
    said = DownloadError(
        "server",
        phrase(
            "{host} answers {code} ({reason})",
            host=host,
            code=error.code,
            reason=http.client.responses.get(error.code, phrase("no reason")),
        ),
    )
    if error.code in (408, 429) or error.code >= 500:
        return Again(DownloadError(said.kind, said.message, sentences([phrase("Try again later."), FROM_FILE])))
    return DownloadError(said.kind, said.message, sentences([phrase("The file may have moved."), FROM_FILE]))


def lost(host: str, scheme: str, error: OSError | http.client.HTTPException) -> DownloadError | Again:
    """What a connection that failed means; :class:`Again` where another try may help."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    words = str(reason)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            "certificate",
            phrase(
                "the certificate of {host} is not trusted here: {verify_message}",
                host=host,
                verify_message=reason.verify_message,
            ),
            sentences(
                [
                    phrase(
                        "Where your network looks into connections, its certificate has to be known: "
                        "SSL_CERT_FILE names it."
                    ),
                    FROM_FILE,
                ]
            ),
        )
    if "Tunnel connection failed: 407" in words:
        return _proxy_wants_a_name()
    if "Tunnel connection failed" in words:
        return DownloadError(
            "proxy", phrase("the proxy refuses: {partition}", partition=words.partition(": ")[2]), FROM_FILE
        )
    if scheme in urllib.request.getproxies() and isinstance(error, urllib.error.URLError) and _bypass(host) is False:
        told = DownloadError(
            "proxy", "the proxy of your settings does not answer", sentences([phrase("Check it."), FROM_FILE])
        )
    elif isinstance(reason, socket.gaierror):
        told = DownloadError(
            "offline", phrase("{host} was not found: this computer seems to be offline", host=host), FROM_FILE
        )
    elif isinstance(reason, TimeoutError):
        told = DownloadError("timeout", phrase("{host} has not sent anything for a while", host=host), FROM_FILE)
    else:
        told = DownloadError(
            "offline",
            phrase("no connection to {host}", host=host),
            sentences([phrase("Is there a network?"), FROM_FILE]),
        )
    return Again(told)


def _bypass(host: str) -> bool:
    return bool(urllib.request.proxy_bypass(host.partition(":")[0]))


def _proxy_wants_a_name() -> DownloadError:
    return DownloadError(
        "proxy",
        "the proxy asks for a name and a password",
        sentences([phrase("Put them into its address (HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT)."), FROM_FILE]),
    )


class _SameOrSafer(urllib.request.HTTPRedirectHandler):
    """Follows a redirection, but never from an encrypted connection to an open one, nor to another kind of address."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.lower().startswith(allowed):
            raise DownloadError(
                "unsafe-address", phrase("{host} points to an address that is not safe", host=req.host), FROM_FILE
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_url(url: str, headers: dict[str, str], timeout: float) -> Any:
    """An open answer of ``url``; ``timeout`` in seconds for every wait. Raises what urllib raises, and
    :class:`DownloadError` ``unsafe-address``."""
    if not url.startswith(("https://", "http://")):
        raise DownloadError("unsafe-address", "only addresses that begin with https:// or http:// are fetched")
    context = ssl.create_default_context()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        bundle = os.environ.get(name)
        if bundle and os.path.isfile(bundle):
            context.load_verify_locations(bundle)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _SameOrSafer())
    return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)


def hang_up(answer: Any) -> None:
    """End the connection of an open answer from another thread: whoever waits for its bytes stops waiting."""
    with contextlib.suppress(AttributeError, OSError):  # it may be over, or not be a socket any more
        answer.fp.raw._sock.shutdown(socket.SHUT_RDWR)
