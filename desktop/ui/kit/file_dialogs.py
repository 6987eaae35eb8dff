"""The dialogs that ask for a file or a folder: one kind, which remembers where the last one was, opened or saved."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QStandardPaths, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

if TYPE_CHECKING:
    from desktop.services.settings import Settings

Purpose = Literal["open", "folder", "save"]
_KEYS = {"open": "last_folder", "folder": "last_folder", "save": "save_folder"}
_held: list[Settings] = []


def remember_in(settings: Settings) -> None:
    """Keep the folders in ``settings`` from now on."""
    _held[:] = [settings]


def folder_for(purpose: Purpose) -> str:
    """Where a dialog begins: the folder used last for that purpose, as long as it is there, else the documents'."""
    folder = str(_held[0].get(_KEYS[purpose])) if _held else ""
    if folder and os.path.isdir(folder):
        return folder
    return QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation) if folder else ""


class FileDialog(QFileDialog):
    """``purpose`` says whether a file is opened, a folder chosen or a file saved; ``start`` begins elsewhere."""

    def __init__(self, parent: QWidget | None, title: str, purpose: Purpose = "open", start: str = "") -> None:
        super().__init__(parent, title, start or folder_for(purpose))
        self._purpose = purpose
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if purpose == "save":
            self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        elif purpose == "folder":
            self.setFileMode(QFileDialog.FileMode.Directory)
            self.setOption(QFileDialog.Option.ShowDirsOnly, True)
        else:
            self.setFileMode(QFileDialog.FileMode.ExistingFile)
        self.filesSelected.connect(self._remember)

    @Slot(list)
    def _remember(self, paths: list[str]) -> None:
        if _held and paths:
            _held[0].set(_KEYS[self._purpose], os.path.dirname(paths[0]))
