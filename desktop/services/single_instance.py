"""One Fovea at a time: a second start hands its paths to the first and ends.

A lock file decides who is first, so that the usual start needs no network module before its first paint. The socket
belongs to the user alone; what comes over it is a list of paths, nothing else.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile, QObject, Signal, Slot

from desktop import paths
from desktop.system import strict_json

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

MAX_BYTES = 4_000_000
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
    def name(self) -> str:
        """The socket's name: one for each user and data folder."""
        import getpass
        import hashlib

        key = f"{getpass.getuser() if _has_user() else ''}|{self._folder}"
        return f"fovea-{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def acquire(self) -> bool:
        """Whether this is the first instance, or nothing can be locked here (a read-only home)."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
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
            socket.connectToServer(self.name)
            if socket.waitForConnected(300):
                socket.write(message)
                patience = time.monotonic() + _ANSWER_S
                while socket.bytesToWrite():
                    if not socket.waitForBytesWritten(_left_ms(patience)):
                        return False
                # What has come meanwhile is not waited for again.
                return socket.bytesAvailable() > 0 or socket.waitForReadyRead(_left_ms(patience))
            time.sleep(0.05)  # the first one may not have got as far as listening
        return False

    def listen(self) -> None:
        """Take what later instances hand over; call after the first paint."""
        from PySide6.QtNetwork import QLocalServer

        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(self.name)  # left by a crash: the lock says that nobody else listens
        if server.listen(self.name):
            server.newConnection.connect(self._accept)
            self._server = server

    def release(self) -> None:
        """Stop listening and let another instance be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()

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


def _has_user() -> bool:
    import getpass

    try:
        return bool(getpass.getuser())
    except (KeyError, OSError, ImportError):
        return False
