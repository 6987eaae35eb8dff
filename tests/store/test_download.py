"""Downloads from real servers that cut off, lie, change their file, send pages, or are not there."""

from __future__ import annotations

import hashlib
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from desktop.store import download
from desktop.store.connection import DownloadError
from desktop.store.download import DownloadControl, Expected, fetch
from tests.patience import patient
from tests.store.servers import CONTENT, serving

MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
RIGHT = Expected(len(CONTENT), True, MD5)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "")


def get(url: str, folder: Path, expected: Expected = RIGHT, **more: Any) -> download.Verified:
    return fetch(url, folder / "weights.h5", expected, stall_s=more.pop("stall_s", 5.0), patience_s=0.01, **more)


def refused(url: str, folder: Path, expected: Expected = RIGHT, **more: Any) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        get(url, folder, expected, **more)
    assert not (folder / "weights.h5").exists()
    return caught.value


def test_a_file_arrives_whole_with_progress_and_both_hashes(tmp_path: Path) -> None:
    seen: list[download.Transfer] = []
    with serving(lambda h: h.give()) as server:
        found = get(server.url, tmp_path, tell=seen.append)  # type: ignore[attr-defined]
    assert found.path.read_bytes() == CONTENT
    assert (found.md5, found.sha256, found.size) == (MD5, SHA256, len(CONTENT))
    assert seen[-1].done == seen[-1].total == len(CONTENT) and seen[-1].rate > 0
    assert [path.name for path in tmp_path.iterdir()] == ["weights.h5"]


def test_a_connection_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    said: list[str] = []
    with serving(lambda h: h.give(stop_after=400_000 if h.number < 3 else None)) as server:
        found = get(server.url, tmp_path, say=said.append)  # type: ignore[attr-defined]
        asked = server.asked  # type: ignore[attr-defined]
    assert found.sha256 == SHA256
    assert [h.get("Range") for h in asked] == [None, "bytes=400000-", "bytes=800000-"]
    assert asked[1]["If-Range"] == '"one"'
    assert len(said) == 2 and "400,000" in said[0]


def test_a_later_try_goes_on_and_a_changed_file_begins_anew(tmp_path: Path) -> None:
    with serving(lambda h: h.give(stop_after=300_000 if h.number == 1 else 0)) as server:
        error = refused(server.url, tmp_path)  # type: ignore[attr-defined]
        assert error.kind == "cut-off" and download.partly_there(tmp_path / "weights.h5") == 300_000
        server.behaviour = lambda h: h.give(etag='"two"')  # type: ignore[attr-defined]
        said: list[str] = []
        found = get(server.url, tmp_path, say=said.append)  # type: ignore[attr-defined]
    assert found.sha256 == SHA256
    assert any("beginning" in text for text in said)


def test_a_server_that_sends_a_part_of_another_file_is_not_believed(tmp_path: Path) -> None:
    def behave(h: Any) -> None:
        if h.number == 1:
            h.give(stop_after=1000)
        elif h.number == 2:  # ignores If-Range: the part of a newer file
            h.send_response(206)
            h.send_header("ETag", '"two"')
            h.send_header("Content-Length", "10")
            h.send_header("Content-Range", f"bytes 1000-1009/{len(CONTENT)}")
            h.end_headers()
            h.wfile.write(b"x" * 10)
        else:
            h.give(etag='"two"')

    with serving(behave) as server:
        assert get(server.url, tmp_path).sha256 == SHA256  # type: ignore[attr-defined]


def test_a_server_without_etag_or_ranges_starts_over(tmp_path: Path) -> None:
    with serving(lambda h: h.give(etag="", ranges=False, stop_after=1000 if h.number == 1 else None)) as server:
        assert get(server.url, tmp_path).sha256 == SHA256  # type: ignore[attr-defined]
        assert server.asked[1].get("Range") is None  # type: ignore[attr-defined]


def test_the_wrong_file_is_never_installed_and_both_hashes_are_shown(tmp_path: Path) -> None:
    other = CONTENT[:-1] + b"!"
    with serving(lambda h: h.give(other)) as server:
        error = refused(server.url, tmp_path)  # type: ignore[attr-defined]
    assert error.kind == "wrong-hash"
    assert MD5 in error.message and hashlib.md5(other, usedforsecurity=False).hexdigest() in error.message
    assert not list(tmp_path.iterdir())


def test_a_pinned_sha256_counts_even_where_the_md5_is_right(tmp_path: Path) -> None:
    with serving(lambda h: h.give()) as server:
        error = refused(server.url, tmp_path, Expected(len(CONTENT), True, MD5, "0" * 64))  # type: ignore[attr-defined]
    assert error.kind == "wrong-hash" and SHA256 in error.message


@pytest.mark.parametrize(
    ("behave", "kind", "word"),
    [
        (lambda h: h.give(b"<html>log in</html>", kind="text/html; charset=utf-8"), "web-page", "log in"),
        (lambda h: h.give(b"not what was asked for" * 50_000), "wrong-length", "1,024,008"),
        (lambda h: h.give(b"x" * len(CONTENT)), "not-weights", "HDF5"),
        (lambda h: h.give(length=len(CONTENT) * 9), "wrong-length", "9,216,072"),
        (lambda h: h.send_error(404), "server", "404"),
        (lambda h: h.send_error(407), "proxy", "password"),
        (lambda h: h.send_error(503), "server", "503"),
    ],
)
def test_what_a_server_does_wrong_is_said(tmp_path: Path, behave: Any, kind: str, word: str) -> None:
    with serving(behave) as server:
        error = refused(server.url, tmp_path)  # type: ignore[attr-defined]
    assert error.kind == kind and word in error.message + error.hint
    assert "--from" in error.hint or kind in ("wrong-length", "proxy", "server")


def test_a_length_that_is_a_lie_ends_in_a_refusal(tmp_path: Path) -> None:
    short = CONTENT[:-500]
    with serving(lambda h: h.give(short, length=len(CONTENT))) as server:
        assert refused(server.url, tmp_path).kind == "wrong-length"  # type: ignore[attr-defined]
        guess = Expected(len(CONTENT), False, MD5)
        assert refused(server.url, tmp_path, guess).kind == "wrong-hash"  # type: ignore[attr-defined]
    with serving(lambda h: h.give(length=1000)) as server:
        assert refused(server.url, tmp_path, guess).kind == "wrong-hash"  # type: ignore[attr-defined]


def test_a_server_that_never_ends_is_stopped(tmp_path: Path) -> None:
    def behave(h: Any) -> None:
        h.send_response(200)
        h.end_headers()  # no length at all
        try:
            while True:
                h.wfile.write(CONTENT)
        except OSError:
            return

    with serving(behave) as server:
        error = refused(server.url, tmp_path)  # type: ignore[attr-defined]
    assert error.kind == "wrong-length"
    assert download.partly_there(tmp_path / "weights.h5") <= 3 * len(CONTENT)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    quiet = threading.Event()
    with serving(lambda h: quiet.wait(patient(20))) as server:
        error = refused(server.url, tmp_path, stall_s=0.05)  # type: ignore[attr-defined]
        quiet.set()
    assert error.kind == "timeout"


def test_pause_keeps_what_is_there_and_cancel_ends(tmp_path: Path) -> None:
    control, paused = DownloadControl(), threading.Event()
    enough = threading.Event()

    def behave(h: Any) -> None:
        if h.number == 1:
            h.send_response(200)
            h.send_header("ETag", '"one"')
            h.send_header("Content-Length", str(len(CONTENT)))
            h.end_headers()
            h.wfile.write(CONTENT[:100_000])
            h.wfile.flush()
            paused.wait(patient(10))
            h.wfile.write(CONTENT[100_000:200_000])
            h.wfile.flush()
            enough.wait(patient(10))
        else:
            h.give()

    def tell(transfer: download.Transfer) -> None:
        if transfer.done < len(CONTENT) and not control.paused and len(server.asked) == 1:  # type: ignore[attr-defined]
            control.pause()
            paused.set()

    with serving(behave) as server:
        result: list[download.Verified] = []
        worker = threading.Thread(
            target=lambda: result.append(get(server.url, tmp_path, tell=tell, control=control))  # type: ignore[attr-defined]
        )
        worker.start()
        assert paused.wait(patient(10))
        enough.set()
        control.resume()
        worker.join(patient(10))
        assert result and result[0].sha256 == SHA256
        cancelling = DownloadControl()
        cancelling.cancel()
        assert refused(server.url, tmp_path / "..", control=cancelling).kind == "cancelled"  # type: ignore[attr-defined]


def test_offline_and_proxy_errors_are_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, not listening: refused
        error = refused(f"http://127.0.0.1:{port}/weights.h5", tmp_path)
        assert error.kind == "offline" and "--from" in error.hint
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy")
        error = refused("http://example.invalid/weights.h5", tmp_path)
        assert error.kind == "proxy" and "proxy" in error.message
    assert refused("ftp://example.invalid/weights.h5", tmp_path).kind == "unsafe-address"


def test_a_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda h: h.give()) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.delenv("no_proxy")
        found = get("http://publisher.invalid/weights.h5", tmp_path)
        assert found.sha256 == SHA256 and proxy.asked[0]["Host"] == "publisher.invalid"  # type: ignore[attr-defined]


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import collections

    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with serving(lambda h: h.give()) as server:
        error = refused(server.url, tmp_path)  # type: ignore[attr-defined]
    assert error.kind == "disk-full" and "1.0 kB free" in error.message
    assert not list(tmp_path.iterdir())


def test_a_file_from_a_stick_is_compared_too(tmp_path: Path) -> None:
    path = tmp_path / "stick.h5"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError) as caught:
        download.check(path, RIGHT, keep=True)
    assert caught.value.kind == "wrong-hash" and MD5 in caught.value.message
    assert path.read_bytes() == CONTENT[:-1]  # the user's file stays


@pytest.mark.parametrize("paused", [False, True])
def test_nobody_waits_for_a_silent_server_to_end_or_pause(tmp_path: Path, paused: bool) -> None:
    control, silent = DownloadControl(), threading.Event()
    begun = threading.Event()

    def behave(h: Any) -> None:
        if h.number > 1:
            h.give()
            return
        h.send_response(200)
        h.send_header("ETag", '"one"')
        h.send_header("Content-Length", str(len(CONTENT)))
        h.end_headers()
        h.wfile.write(CONTENT[:1000])
        h.wfile.flush()
        silent.wait(60)

    with serving(behave) as server:
        result: list[Any] = []
        url = server.url  # type: ignore[attr-defined]

        def work() -> None:
            try:
                result.append(get(url, tmp_path, control=control, stall_s=60.0, tell=lambda _: begun.set()))
            except DownloadError as error:
                result.append(error.kind)

        worker = threading.Thread(target=work)
        worker.start()
        assert begun.wait(patient(10))
        (control.pause if paused else control.cancel)()
        control.resume()
        worker.join(patient(30))
        silent.set()
        assert not worker.is_alive()
    assert result[0] == "cancelled" if not paused else result[0].sha256 == SHA256
