"""Handing results on: reports, tables, lists and copies of pictures, all written in a thread.

The user's own files are read, never changed; nothing that exists is overwritten but what the file dialog asked about.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from desktop.app import exports
from desktop.app.exports import ToSave
from desktop.core.figures.public_names import PublicNames, naming_of, public_naming
from desktop.services.background import Task
from desktop.system.files import disk_of, not_written
from desktop.ui.kit.file_dialogs import FileDialog, folder_for
from desktop.ui.kit.formatting import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult
    from desktop.services.answers import GalleryAnswers
    from desktop.ui.evaluate.gallery_model import GalleryModel
    from desktop.ui.evaluate.state import EvaluationState


class Exports(QObject):
    """One export at a time. ``began`` and ``ended`` frame it; ``said`` tells how it ended."""

    began = Signal(str)
    ended = Signal(str, bool)
    said = Signal(str)

    def __init__(
        self,
        state: EvaluationState,
        gallery: GalleryModel,
        compared: Callable[[], Any],
        medical: Callable[[], bool],
        parent: QWidget,
    ) -> None:
        """``compared`` gives the comparison that is shown, ``medical`` tells whether the model shown is."""
        super().__init__(parent)
        self._state, self._gallery, self._compared, self._medical = state, gallery, compared, medical
        self._parent = parent
        self._task: Task | None = None
        self._rows: np.ndarray = np.empty(0, np.int64)

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._task is not None

    def cancel(self) -> None:
        """Stop copying, or writing a report: what was copied stays, of a report nothing does."""
        if self._task is not None:
            self._task.cancel()

    # Lists and copies of selected pictures

    @Slot(object)
    def ask_list(self, rows: np.ndarray) -> None:
        """Ask where a list of these rows goes."""
        self._rows = rows
        self._ask(self.tr("Save the List"), self._suggest(self.tr("pictures"), ".csv"), "csv", self.save_list)

    @Slot(object)
    def ask_copies(self, rows: np.ndarray) -> None:
        """Ask in which folder a new one with copies is made."""
        self._rows = rows
        dialog = FileDialog(self._parent, self.tr("Where Should the New Folder Be?"), "folder", folder_for("save"))
        dialog.fileSelected.connect(self.copy_pictures)
        dialog.open()

    @Slot(str)
    def save_list(self, path: str) -> None:
        """Write name, truth, answer, scores and what was said of the label, one picture a line; names are shown as in
        reports."""
        gallery, rows, result = self._gallery, self._rows, self._state.result
        answers, labels, said = gallery.answers, gallery.labels, dict(gallery.judgements)
        if answers is not None:
            self._run(
                self.tr("Saving the list…"),
                path,
                lambda task: _write_list(path, answers, result, labels, said, rows, self._medical()),
            )

    @Slot(str)
    def copy_pictures(self, parent: str) -> None:
        """Copy the pictures into a new folder below ``parent``, class by class."""
        gallery, rows = self._gallery, self._rows
        answers, labels = gallery.answers, gallery.labels
        if answers is not None:
            result = self._state.result
            title = public_naming(result).title if result is not None else self.tr("data")
            medical = self._medical()
            folder = _fresh(Path(parent), self.tr("{0} – selected pictures").format(title))
            words = self.tr("Copying {0} pictures…").format(count(len(rows)))
            self._run(words, str(folder), lambda task: _copy(folder, answers, result, labels, rows, medical, task))

    # Reports

    def ask_report(self, suffix: str, pictures: bool, keep_names: bool, key: bool = False) -> None:
        """Ask where a report or table goes: ``.html``, ``.pdf``, ``.csv`` or ``.json``; with ``key`` a key to the
        hidden names is written beside it."""
        self._options = (pictures, keep_names, key)
        title = self.tr("Save as {0}").format(exports.export_for("evaluation", f"file{suffix}").name)
        self._ask(title, self._suggest(self.tr("evaluation"), suffix), suffix[1:], self._save_chosen)

    @Slot(str)
    def _save_chosen(self, path: str) -> None:
        self.save(path, *self._options)

    def save(self, path: str, pictures: bool = True, keep_names: bool = False, key: bool = False) -> None:
        """Write the report or table that the suffix of ``path`` names."""
        state = self._state
        result, figures = state.result, state.figures if state.fresh else None
        if result is None:
            return
        other = self._compared()
        data = state.data if pictures else None
        self._run(
            self.tr("Writing {0}…").format(Path(path).name),
            path,
            lambda task: _write(Path(path), ToSave(result, figures, other, None, keep_names, key), data, task),
        )

    # The work

    def _suggest(self, what: str, suffix: str) -> str:
        result = self._state.result
        title = public_naming(result).title if result is not None else ""  # a file's own name tells as much
        parts = [result.model.id, title, result.data.split, what] if result is not None else [what]
        name = " ".join(part for part in parts if part)
        return "".join("_" if c in '\\/:*?"<>|' else c for c in name) + suffix

    def _ask(self, title: str, name: str, suffix: str, slot: Any) -> None:
        dialog = FileDialog(self._parent, title, "save")
        dialog.setDefaultSuffix(suffix)
        dialog.setNameFilters([f"{suffix.upper()} (*.{suffix})"])
        dialog.selectFile(name)
        dialog.fileSelected.connect(slot)
        dialog.open()

    def _run(self, words: str, path: str, work: Any) -> None:
        if self._task is not None:
            self.said.emit(self.tr("Something is still being written. Try again in a moment."))
            return
        self._path = path
        self._task = Task(work)
        self._task.answered.connect(self._on_done)
        self._task.failed.connect(self._on_failed)
        self.began.emit(words)
        self._task.launch()

    @Slot(object)
    def _on_done(self, skipped: Any) -> None:
        self._task = None
        name = Path(self._path).name
        words = self.tr("Saved: {0}").format(name)
        if isinstance(skipped, int) and skipped:
            words = self.tr("{0}: {1} pictures could not be copied.").format(name, count(skipped))
            self.said.emit(words)
        self.ended.emit(words, True)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:

        self._task = None
        name = Path(self._path).name
        if isinstance(error, OSError):
            error = not_written(f"'{name}'", disk_of(name), error)
        words = getattr(error, "message", f"{type(error).__name__}: {error}")
        text = self.tr("Not saved: {0}").format(words)
        self.said.emit(text)
        self.ended.emit(text, False)


def _fresh(parent: Path, name: str) -> Path:
    name = "".join("_" if c in '\\/:*?"<>|' else c for c in name)
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name} {number}"
    return folder


def _naming(answers: GalleryAnswers, result: EvaluationResult | None, medical: bool) -> PublicNames:
    """How names are shown; of a run on its way, which has no result yet, as its result will have it."""
    if result is not None:
        return public_naming(result)
    from desktop.core.data.persons import patients_in

    names, asked = [], []
    for row in answers.rows.tolist():
        name, source = answers.name(row), answers.source(row)
        names.append(name)
        asked.append((source.path if source is not None else None, (name,)))
    private = [name for found in patients_in(asked) for name in found]
    return naming_of(names, medical, private)


def _write_list(
    path: str,
    answers: GalleryAnswers,
    result: EvaluationResult | None,
    labels: tuple[str, ...],
    said: dict[str, str],
    rows: np.ndarray,
    medical: bool,
) -> None:

    shown = _naming(answers, result, medical)

    def cells(row: int) -> tuple[object, ...]:
        truth, answer = int(answers.truth[row]), int(answers.predicted[row])
        name, scores = answers.name(row), answers.scores[row]
        figures = (f"{float(scores[answer]):.6f}", f"{float(scores[truth]):.6f}")
        right = "yes" if truth == answer else "no"
        return shown(name), labels[truth], labels[answer], right, *figures, said.get(name, "")

    head = ("name", "truth", "answer", "right", "score of the answer", "score of the truth", "label is")
    exports.write_rows(Path(path), head, map(cells, rows.tolist()))


def _copy(
    folder: Path,
    answers: GalleryAnswers,
    result: EvaluationResult | None,
    labels: tuple[str, ...],
    rows: np.ndarray,
    medical: bool,
    task: Task,
) -> int:
    """Returns how many could not be copied. Names that reports hide are numbers here too, in folders of their classes.

    Raises OSError where the disk is full or may not be written to.
    """
    missing, shown = 0, _naming(answers, result, medical)
    folder.mkdir()
    for row in rows.tolist():
        if task.cancelled:
            break
        source = answers.source(row)
        name = answers.name(row)
        hidden = shown(name)
        if hidden != name:
            name = f"{labels[int(answers.truth[row])].replace('/', '_')}/{hidden}{Path(name).suffix}"
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        target = folder.joinpath(*(parts or ["picture"]))
        if source is None or (source.path is not None and not Path(source.path).is_file()):
            missing += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.path is not None:
            shutil.copy2(source.path, target)
        else:
            target.with_name(f"{target.name}.png").write_bytes(source.data or b"")
    return missing


def _write(path: Path, found: ToSave, data: LabelledDataset | None, task: Task) -> None:
    """Write an evaluation; pictures are opened in a process of their own, where the data is at hand and they show."""
    if data is None or not exports.export_for("evaluation", path).report:
        exports.save_evaluation(found, path, lambda: task.cancelled)
        return
    from desktop.engine.client import EngineClient

    with EngineClient(threads=1) as client:
        pictures = exports.pictures_by(client, found.result, data)
        exports.save_evaluation(replace(found, pictures=pictures), path, lambda: task.cancelled)
