"""Showing a file in the system's own file manager."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from urllib.parse import quote

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from desktop.services.background import run_aside


def reveal(path: str) -> None:
    """Open the folder of ``path`` in the file manager, with the file chosen where the system can do that."""
    run_aside(_reveal, os.path.abspath(path), name="file manager")


def _reveal(path: str) -> None:
    command = _command(path)
    if command is not None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
            if done.returncode == 0 or sys.platform == "win32":  # its explorer answers 1 also when all went well
                return
    QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.dirname(path)))


def _command(path: str) -> list[str] | None:
    """What tells the file manager to show ``path``; ``None`` where there is nothing for it."""
    if sys.platform == "win32":
        return ["explorer.exe", f"/select,{path}"]
    if sys.platform == "darwin":
        return ["/usr/bin/open", "-R", path]
    tool = shutil.which("gdbus")
    if tool is None:
        return None
    address = "file://" + quote(os.fsencode(path))
    service = ["--dest", "org.freedesktop.FileManager1", "--object-path", "/org/freedesktop/FileManager1"]
    call = ["--method", "org.freedesktop.FileManager1.ShowItems", f"['{address}']", ""]
    return [tool, "call", "--session", "--timeout", "5", *service, *call]
