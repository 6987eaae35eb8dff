"""What Fovea remembers between two starts: sizes, folders, the last model, the theme.

One JSON file, written whole and put in place by a rename, in a thread of its own. A file that cannot be read is kept
beside, never overwritten; a home that cannot be written to is said once and Fovea works on without saving.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop import paths
from desktop.services.background import Aside, run_aside
from desktop.system.errors import FoveaError
from desktop.system.strict_json import JsonStore
from desktop.system.words import phrase

DEFAULTS: dict[str, Any] = {
    "theme": "system",
    "language": "system",
    "text_percent": 100,
    "motion": "system",
    "geometry": "",
    "splitters": {},
    "list_mode": "grid",
    "model": "",
    "first_models": True,
    "recent_folders": [],
    "recent_labelled": [],
    "last_folder": "",
    "save_folder": "",
    "top_k": 5,
    "error_rate": 0.05,
    "overlay": 60,
    "table_columns": "",
    "update_address": "",
    "draw_model": "",
    "draw_width": 55,
    "draw_pressure": True,
    "wizard_geometry": "",
    "train_at_once": 1,
    "train_by": "epoch",
    "train_tab": "jobs",
    "train_resume": [],
    "search_resume": "",
    "restore_images": True,
    "corrections_project": "",
    "sort_folder": "",
    "sort_how": "copy",
    "sort_pattern": "{answer} {number}",
    "teach_project": "",
    "cluster_address": "local",
    "help": {},
}
MAX_RECENT = 8
MAX_BYTES = 1_000_000
_DELAY_MS = 400


class Settings(QObject):
    """The remembered values; keys and their types are those of :data:`DEFAULTS`.

    ``problem`` says in one sentence what was wrong with the file at the start, empty if nothing. ``saving_failed`` is
    emitted once, with a sentence, when the file cannot be written.
    """

    saving_failed = Signal(str)
    _write_failed = Signal(str)

    def __init__(self, file: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        place = file if file is not None else paths.settings_file()
        self._store = JsonStore(place, phrase("the settings"), most_bytes=MAX_BYTES)
        self._values: dict[str, Any] = {}
        self._foreign: dict[str, Any] = {}
        self._said = False
        self._writer: Aside | None = None
        self.problem = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._save_aside)
        self._write_failed.connect(self._report)
        self._load()

    def get(self, key: str) -> Any:
        """The value of ``key``, or its default. Raises :class:`KeyError` for a key that does not exist."""
        value = self._values.get(key, DEFAULTS[key])
        return value.copy() if isinstance(value, (list, dict)) else value

    def set(self, key: str, value: Any) -> None:
        """Remember ``value``; written a moment later. Raises :class:`TypeError` for a value of another type."""
        if type(value) is not type(DEFAULTS[key]):
            raise TypeError(f"setting {key!r}: {type(value).__name__} found, {type(DEFAULTS[key]).__name__} expected")
        if self._values.get(key, DEFAULTS[key]) == value:
            return
        self._values[key] = value
        self._timer.start()

    def add_recent_folder(self, folder: str) -> None:
        """Put ``folder`` first among the recent ones."""
        held = [item for item in self.get("recent_folders") if item != folder]
        self.set("recent_folders", [folder, *held][:MAX_RECENT])

    def flush(self) -> None:
        """Write now what waits to be written; for the end of the program."""
        self._timer.stop()
        if self._writer is not None:
            self._writer.join(5.0)
        try:
            self._store.write(self._all())
        except FoveaError as error:
            self._report(error.message)

    def _load(self) -> None:
        try:
            values = self._store.read()
        except FoveaError as error:
            self.problem = self.tr("{0}. Fovea starts with its defaults and does not save over the file.").format(
                f"{error.message[0].upper()}{error.message[1:]}"
            )
            return
        if self._store.kept_as:
            self.problem = self.tr(
                "The settings file was damaged. Fovea starts with its defaults; the damaged file was kept as {0}."
            ).format(self._store.kept_as)
        for key, value in values.items():
            if key not in DEFAULTS:
                self._foreign[key] = value  # a newer Fovea's: handed back when saving
            elif type(value) is type(DEFAULTS[key]):
                self._values[key] = value
        folders = self._values.get("recent_folders", [])
        self._values["recent_folders"] = [f for f in folders if isinstance(f, str)][:MAX_RECENT]

    def _all(self) -> dict[str, Any]:
        return {**self._foreign, **self._values}

    @Slot()
    def _save_aside(self) -> None:
        """Write in a thread: waiting for a disk would stop the drawing."""
        if self._writer is not None and self._writer.is_alive():
            self._timer.start()
            return
        self._writer = run_aside(self._write, self._all(), name="settings")

    def _write(self, values: dict[str, Any]) -> None:
        try:
            self._store.write(values)
        except FoveaError as error:
            self._write_failed.emit(error.message)

    @Slot(str)
    def _report(self, reason: str) -> None:
        if not self._said:
            self._said = True
            self.saving_failed.emit(
                self.tr("Settings cannot be saved ({0}). Fovea works, but forgets them at the end.").format(reason)
            )
