"""Real HTTP servers on loopback that behave, and that do not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 4000  # 1,024,008 bytes
Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's ``behaviour`` says; ``asked`` on the server keeps each request's headers."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        """One request."""
        self.server.asked.append(dict(self.headers))
        self.close_connection = True
        self.server.behaviour(self)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    @property
    def number(self) -> int:
        """Which request this is, from 1."""
        return len(self.server.asked)

    def begin(self) -> int:
        """Where the asked part begins; 0 for the whole."""
        span = self.headers.get("Range", "")
        return int(span.removeprefix("bytes=").rstrip("-")) if span else 0

    def give(
        self,
        content: bytes = CONTENT,
        etag: str = '"one"',
        stop_after: int | None = None,
        length: int | None = None,
        ranges: bool = True,
        kind: str = "application/octet-stream",
    ) -> None:
        """The content, or the part of it that was asked for; the connection ends after ``stop_after`` bytes."""
        start = self.begin() if ranges and self.headers.get("If-Range") == etag else 0
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if etag:
            self.send_header("ETag", etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body if stop_after is None else body[:stop_after])
            self.wfile.flush()


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[ThreadingHTTPServer]:
    """A server with that behaviour; its ``url`` names the file."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.behaviour, server.asked = behaviour, []
    server.url = f"http://127.0.0.1:{server.server_port}/weights.h5"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
