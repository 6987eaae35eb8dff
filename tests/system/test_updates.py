"""The update file: read over real HTTP on this computer, refused in every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import __version__
from desktop.system import updates
from installers import update_file
from tests.patience import patient


class Server:
    """Serves ``answers`` (path: status, body); notes what it was asked and with which headers."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, dict(self.headers)))
                status, body = server.answers.get(self.path, (404, b""))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                    body = b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on stderr."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/latest.json"

    def publish(self, body: bytes, checksum: str | None = None) -> None:
        text = checksum if checksum is not None else hashlib.sha256(body).hexdigest() + "  latest.json\n"
        self.answers = {"/latest.json": (200, body), "/latest.json.sha256": (200, text.encode())}

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    held = Server()
    yield held
    held.close()


def body(**changes: object) -> bytes:
    held: dict[str, object] = {"schema": 1, "version": "99.1.0", "date": "2027-01-02", "notes": "New."}
    held |= {"page": "https://example.org/", "files": {}}
    return json.dumps({**held, **changes}).encode()


def refused(address: str) -> updates.UpdateError:
    with pytest.raises(updates.UpdateError) as caught:
        updates.fetch(address)
    return caught.value


def test_a_newer_version_is_told_and_nothing_is_sent(server: Server) -> None:
    server.publish(body())
    release = updates.fetch(server.address)
    assert release.version == "99.1.0" and release.is_newer and release.page == "https://example.org/"
    assert [path for path, _ in server.asked] == ["/latest.json", "/latest.json.sha256"]
    for _, headers in server.asked:
        assert headers.get("User-Agent") == "Fovea" and "Cookie" not in headers


@pytest.mark.parametrize("version", [__version__, "0.0.1"])
def test_the_same_or_an_older_version_is_not_newer(version: str, server: Server) -> None:
    server.publish(body(version=version))
    assert not updates.fetch(server.address).is_newer


def test_versions_are_compared_as_numbers() -> None:
    assert updates.number("0.10.0") > updates.number("0.9.9")
    with pytest.raises(ValueError, match="no version"):
        updates.number("new")


@pytest.mark.parametrize(
    "wrong",
    [
        b"<html>Sign in</html>",
        b"[]",
        b"\xff\xfe",
        b"[" * 50_000,
        body(schema=2),
        body(version="new"),
        body(page="javascript:alert(1)"),
        body(notes=7),
        body(notes="x" * 3000),
        body(files=3),
    ],
)
def test_what_is_no_update_file_is_refused(wrong: bytes, server: Server) -> None:
    server.publish(wrong)
    assert refused(server.address).kind == "bad-file"


def test_a_file_that_disagrees_with_its_checksum_is_refused(server: Server) -> None:
    server.publish(body(), hashlib.sha256(b"other").hexdigest())
    assert "checksum" in refused(server.address).message
    server.publish(body(), "<html>")
    assert "checksum" in refused(server.address).message
    server.answers.pop("/latest.json.sha256")
    assert refused(server.address).kind == "offline"


def test_a_huge_file_is_not_read_to_its_end(server: Server) -> None:
    server.publish(b" " * (updates.MAX_BYTES + 1))
    assert "too large" in refused(server.address).message


def test_a_server_that_is_not_there(server: Server) -> None:
    address = server.address
    server.close()
    error = refused(address)
    assert error.kind == "offline" and "reached" in error.message
    server.__init__()  # type: ignore[misc]  # for the fixture's end


def test_a_redirection_may_not_lead_to_an_open_connection(server: Server) -> None:
    server.answers = {"/latest.json": (302, b"http://example.org/latest.json")}
    assert refused(server.address).kind == "bad-address"


@pytest.mark.parametrize(
    "address",
    ["", "latest.json", "http://example.org/x", "file:///etc/passwd", "https://a:b@example.org/", "https://[x"],
)
def test_addresses_that_are_refused_before_anything_is_asked(address: str) -> None:
    assert refused(address).kind == "bad-address"


def test_what_the_tool_writes_is_what_is_read(server: Server, tmp_path: Path) -> None:
    package = tmp_path / "Fovea.deb"
    package.write_bytes(b"package")
    path = update_file.write(tmp_path / "out", "https://example.org/files", "Better.", [package], "2027-01-02")
    server.publish(path.read_bytes(), path.with_name("latest.json.sha256").read_text())
    release = updates.fetch(server.address)
    assert release.version == __version__
    assert release.files == {"Fovea.deb": hashlib.sha256(b"package").hexdigest()}


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import threading

    monkeypatch.setattr(updates, "WHOLE_S", 1.0)
    ear = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        held, _ = ear.accept()
        with held:
            for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000:
                if over.wait(0.05):
                    return
                held.sendall(bytes([letter]))

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(updates.UpdateError) as caught:
        updates.fetch(f"http://127.0.0.1:{ear.getsockname()[1]}/latest.json")
    over.set()
    thread.join(patient(20))
    ear.close()
    assert caught.value.kind == "offline" and "within 1 seconds" in caught.value.message
