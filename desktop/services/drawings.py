"""The user's own labelled drawings: one folder a class, one PNG a drawing, ready to be trained on.

The folder is made with the first drawing. A drawing is written beside its place and renamed into it, so that what lies
there is whole; nothing that was kept is ever written over.
"""

from __future__ import annotations

import datetime
import os
import re
import threading
from pathlib import Path
from urllib.parse import quote, unquote

from desktop import paths
from desktop.core.data.file_names import RESERVED
from desktop.core.types import FoveaError
from desktop.system.files import reason_of, write_atomically
from desktop.system.words import phrase

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,60}[A-Za-z0-9]|[A-Za-z0-9]")


class OwnDrawings:
    """The drawings kept for one model's labels, under ``root`` (default: among the user's data)."""

    def __init__(self, model_id: str, root: Path | None = None) -> None:
        self.folder = (root or paths.user_data() / "drawings") / folder_name(model_id)
        self._kept: list[Path] = []
        self._one_at_a_time = threading.Lock()

    def keep(self, png: bytes, label: str) -> Path:
        """Write a drawing under its true ``label``; returns its file. Threads may call it.

        Raises :class:`FoveaError` of kind ``disk``.
        """
        with self._one_at_a_time:  # two at once would find the same name free
            return self._keep(png, label)

    def _keep(self, png: bytes, label: str) -> Path:
        folder = self.folder / self._name_of(label)
        moment = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(10_000):
                path = folder / f"{moment}-{number:03d}.png"
                if not path.exists():
                    break
            write_atomically(path, png)
        except OSError as error:
            raise FoveaError(
                "disk",
                phrase("the drawing was not kept: {reason_of}", reason_of=reason_of(error)),
                "Make room on the disk, or allow Fovea to write to its folder.",
            ) from error
        self._kept.append(path)
        return path

    def _name_of(self, label: str) -> str:
        """The folder's name for ``label``: another one where a label that differs in case alone has it, since Windows
        and macOS would take both for one."""
        name = folder_name(label)
        try:
            there = set(os.listdir(self.folder))
        except OSError:
            return name  # the first drawing
        coded = "".join(f"%{byte:02X}" for byte in label.encode())
        taken = name not in there and any(other.casefold() == name.casefold() for other in there)
        return coded if coded in there or taken else name

    @property
    def can_undo(self) -> bool:
        """Whether a drawing was kept since the program was started, and lies there still."""
        return any(path.exists() for path in self._kept)

    def undo(self) -> str:
        """Take the drawing kept last away again; returns its label, or '' where there is none."""
        while self._kept:
            path = self._kept.pop()
            try:
                path.unlink()
            except FileNotFoundError:
                continue  # the user has moved it: the one before is meant
            except OSError as error:
                raise FoveaError(
                    "disk", phrase("the drawing stays: {reason_of}", reason_of=reason_of(error))
                ) from error
            return unquote(path.parent.name)
        return ""

    def counts(self) -> dict[str, int]:
        """How many drawings there are by label."""
        result: dict[str, int] = {}
        try:
            for entry in os.scandir(self.folder):
                if entry.is_dir():
                    files = [file for file in os.scandir(entry.path) if file.name.endswith(".png")]
                    if files:
                        label = unquote(entry.name)
                        result[label] = result.get(label, 0) + len(files)
        except OSError:
            return result  # not made yet, or taken away meanwhile
        return result


def own_folders() -> list[Path]:
    """The folders that hold drawings of the user, one for each model, that of the newest drawing first."""
    found = []
    for folder in (paths.user_data() / "drawings").glob("*"):
        # A folder's own time is that of its newest file: thousands of drawings need not be asked one by one.
        times = [label.stat().st_mtime for label in folder.glob("*") if next(label.glob("*.png"), None) is not None]
        if times:
            found.append((max(times), folder))
    return [folder for _, folder in sorted(found, reverse=True)]


def folder_name(label: str) -> str:
    """``label`` as the name of a folder on every system; ``urllib.parse.unquote`` brings it back."""
    if _PLAIN.fullmatch(label) and label.split(".")[0].lower() not in RESERVED:
        return label
    coded = quote(label, safe="").replace(".", "%2E") or "%00"
    # A word of plain letters that a system keeps for itself: its first letter coded.
    return coded if coded != label else f"%{ord(label[0]):02X}{label[1:]}"
