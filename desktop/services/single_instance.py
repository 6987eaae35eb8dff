"""One Fovea at a time: a second start hands its paths to the first and ends.

A lock file decides who is first, so that the usual start needs no network module before its first paint. The socket
lies in a folder of the user's alone, under a name that is drawn anew each time and written into the user's own data: on
a computer that several people use nobody can lie in wait for the paths under it. What comes over it is a list of paths,
nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile, QObject, Signal, Slot

from desktop import paths
from desktop.system import privacy, strict_json
from desktop.system.files import write_atomically

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

MAX_BYTES = 4_000_000
_ADDRESS = "fovea.address"
_LONGEST_ADDRESS = 1000
_PIPE = re.compile(r"fovea-[0-9a-f]{32}")
PORTION_BYTES = 1_000_000
"""More paths than fit into so much are handed over in several messages."""
_WAIT_S = 3.0
_ANSWER_S = 20.0  # a window that opens a large folder, or whose computer is busy, may be slow to answer


class SingleInstance(QObject):
    """``received`` carries a list of paths, possibly empty, each time a second instance was started."""

    received = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        folder = paths.user_data()
        self._lock = QLockFile(str(folder / "fovea.lock"))
        self._lock.setStaleLockTime(0)
        self._folder = folder
        self._server: QLocalServer | None = None
        self._buffers: dict[QLocalSocket, bytearray] = {}

    @property
    def address(self) -> str:
        """Where the first instance listens, as it wrote down; empty where it has not, or where what lies there is not
        this user's."""
        try:
            held = (self._folder / _ADDRESS).read_bytes()[:_LONGEST_ADDRESS].decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""
        if os.name == "nt":
            return held if _PIPE.fullmatch(held) else ""
        return held if os.path.isabs(held) and _is_own_socket(held) else ""

    def acquire(self) -> bool:
        """Whether this is the first instance, or nothing can be locked here (a read-only home)."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            privacy.close(self._folder)
        except OSError:
            return True
        if self._lock.tryLock(0):
            return True
        return self._lock.error() != QLockFile.LockError.LockFailedError

    def hand_over(self, files: Sequence[str]) -> bool:
        """Give ``files`` to the first instance and bring it to the front; whether it took them all.

        Waits up to 3 s for one that does not listen, and up to 20 s for one that is slow to answer.
        """
        return all(self._send(message) for message in _messages([os.path.abspath(path) for path in files]))

    def _send(self, message: bytes) -> bool:
        from PySide6.QtNetwork import QLocalSocket

        deadline = time.monotonic() + _WAIT_S
        while time.monotonic() < deadline:
            socket = QLocalSocket()
            address = self.address
            if address:
                socket.connectToServer(address)
            if address and socket.waitForConnected(300):
                socket.write(message)
                patience = time.monotonic() + _ANSWER_S
                while socket.bytesToWrite():
                    if not socket.waitForBytesWritten(_left_ms(patience)):
                        return False
                # What has come meanwhile is not waited for again.
                return socket.bytesAvailable() > 0 or socket.waitForReadyRead(_left_ms(patience))
            time.sleep(0.05)  # the first one may not have got as far as listening
        return False

    def listen(self) -> bool:
        """Take what later instances hand over; call after the first paint. Whether it could: else a later start cannot
        bring this one to the front."""
        from PySide6.QtNetwork import QLocalServer

        self._forget_address()  # left by a crash: the lock says that nobody else listens
        try:
            if os.name == "nt":
                address = f"fovea-{secrets.token_hex(16)}"
            else:  # short: such a path may have a hundred letters
                address = str(privacy.runtime_folder() / f"fovea-{secrets.token_hex(4)}.sock")
        except OSError:
            return False
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        if not server.listen(address):
            return False
        try:
            write_atomically(self._folder / _ADDRESS, address)
        except OSError:
            server.close()
            return False
        server.newConnection.connect(self._accept)
        self._server = server
        return True

    def release(self) -> None:
        """Stop listening and let another instance be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._forget_address()
        self._lock.unlock()

    def _forget_address(self) -> None:
        """Remove the address, and with it a socket that is left and the folder that was made for it alone."""
        address = self.address
        with contextlib.suppress(OSError):
            (self._folder / _ADDRESS).unlink(missing_ok=True)
        if address and os.name != "nt":
            with contextlib.suppress(OSError):
                os.unlink(address)
        folder = os.path.dirname(address)
        if os.path.basename(folder).startswith("fovea-"):
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    @Slot()
    def _accept(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            self._buffers[socket] = bytearray()
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(self._forget)
            self._take(socket)

    @Slot()
    def _read(self) -> None:
        from PySide6.QtNetwork import QLocalSocket

        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._take(socket)

    @Slot()
    def _forget(self) -> None:
        from PySide6.QtNetwork import QLocalSocket

        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._buffers.pop(socket, None)
            socket.deleteLater()

    def _take(self, socket: QLocalSocket) -> None:
        buffer = self._buffers.get(socket)
        if buffer is None:
            return
        buffer += bytes(socket.readAll().data())
        if len(buffer) > MAX_BYTES:
            self._buffers.pop(socket)
            socket.abort()
        elif b"\n" in buffer:
            self._buffers.pop(socket)
            socket.write(b"ok\n")
            socket.flush()
            files = _parse(bytes(buffer).split(b"\n", 1)[0])
            if files is not None:
                self.received.emit(files)


def _messages(files: Sequence[str]) -> list[bytes]:
    """``files`` in lists of a size that the first instance takes; one, empty, where there are none."""
    portions: list[list[str]] = [[]]
    size = 0
    for file in files:
        cost = len(json.dumps(file)) + 2
        if size + cost > PORTION_BYTES and portions[-1]:
            portions.append([])
            size = 0
        portions[-1].append(file)
        size += cost
    return [json.dumps(portion).encode() + b"\n" for portion in portions]


def _left_ms(deadline: float) -> int:
    return max(1, round(1000 * (deadline - time.monotonic())))


def _parse(line: bytes) -> list[str] | None:
    try:
        return strict_json.as_texts(strict_json.loads(line))
    except strict_json.JsonError:
        return None


def _is_own_socket(path: str) -> bool:
    """Whether a socket of this user lies at ``path``, in a folder that is this user's alone."""
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    own = stat.S_ISSOCK(facts.st_mode) and facts.st_uid == os.geteuid()
    return own and privacy.is_private(Path(path).parent)
