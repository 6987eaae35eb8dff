"""Saving curves: as CSV, one row an epoch, or as the two plots in a PNG."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from desktop.app.exports import CONTEXT, exports_of
from desktop.services.background import Task
from desktop.services.training import read_curves
from desktop.system.csv_cells import CsvWriter
from desktop.system.files import reason_of, write_atomically
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.tabled import translated
from desktop.ui.train import words
from desktop.ui.train.runs_table import MOST_CURVES
from desktop.ui.widgets.plot_drawing import draw_file

if TYPE_CHECKING:
    from desktop.services.training import TrainingService
    from desktop.services.training_job import TrainingCurves
    from desktop.ui.train.jobs_tab import JobsTab
    from desktop.ui.train.runs_tab import RunsTab
    from desktop.ui.widgets.plot_drawing import PlotFrame, Series

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate", "seconds")


def curves_csv(runs: list[tuple[str, TrainingCurves]]) -> str:
    """The epochs of runs as CSV: the run's name, then :data:`COLUMNS`. RFC 4180 but for line feeds."""
    stream = io.StringIO()
    writer = CsvWriter(stream, "\n")
    writer.writerow(("run", *COLUMNS))
    for name, curves in runs:
        for row in zip(*(curves.epochs.get(column, ()) for column in COLUMNS), strict=True):
            writer.writerow((name, int(row[0]), *(f"{value:.6g}" for value in row[1:])))
    return stream.getvalue()


class CurveExports(QObject):
    """``told`` carries what was written, ``said`` why something was not."""

    said = Signal(str)
    told = Signal(str)

    def __init__(self, service: TrainingService, jobs: JobsTab, runs: RunsTab, parent: QWidget) -> None:
        super().__init__(parent)
        self._service, self._jobs, self._runs_tab, self._parent = service, jobs, runs, parent
        self._run_id = ""

    @Slot(str)
    def ask(self, run_id: str) -> None:
        """Ask where to save the curves of a job, or ('') of the chosen runs."""
        self._run_id = run_id
        runs = self._runs()
        if not runs:
            self.said.emit(self.tr("There is no finished epoch to save yet."))
            return
        name = re.sub(r"[^\w\- ]+", "", runs[0][0]).strip() or "curves"
        dialog = FileDialog(self._parent, self.tr("Save the Curves"), "save")
        dialog.setNameFilters([translated(CONTEXT, export.words) for export in exports_of("curves")])
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix("png" if "png" in chosen else "csv"))
        dialog.selectFile(f"{name}.csv")
        dialog.fileSelected.connect(self.save)
        dialog.open()

    @Slot(str)
    def save(self, path: str) -> None:
        """Write the file; its ending says which kind."""
        runs, plots, store = self._runs(), self._plots(), self._service.store
        first = {self._run_id} if self._run_id else {run.id for run in self._runs_tab.chosen()[:MOST_CURVES]}
        drawn = [run_id for _, run_id, own in runs if run_id in first and own is not None]

        def write(task: Task) -> tuple[str, int, int]:
            if path.lower().endswith(".png"):
                write_atomically(path, lambda part: draw_file(str(part), plots))
                saved = len(drawn)
            else:
                held = [(name, read_curves(store.folder(run_id)) if own is None else own) for name, run_id, own in runs]
                there = [(name, curves) for name, curves in held if curves.done]
                write_atomically(Path(path), curves_csv(there))
                saved = len(there)
            return Path(path).name, saved, len(runs)

        self._task = Task(write)
        self._task.answered.connect(self._on_written)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    def _runs(self) -> list[tuple[str, str, TrainingCurves | None]]:
        """Name, id and curves of what is to be saved; no curves where nothing had them drawn and they are not read."""
        if self._run_id:
            job = self._service.job(self._run_id)
            return [(job.name, job.id, job.curves)] if job is not None and job.curves.done else []
        tab = self._runs_tab
        held = [(run, tab.curves.get(run.id)) for run in tab.chosen()]
        return [(run.name, run.id, own) for run, own in held if (run.epochs_done if own is None else own.done)]

    def _plots(self) -> list[tuple[PlotFrame, list[Series]]]:
        source = self._jobs.page.curves if self._run_id else self._runs_tab
        return [source.content("loss", self.tr("Loss")), source.content("accuracy", self.tr("Accuracy"))]

    @Slot(object)
    def _on_written(self, written: tuple[str, int, int]) -> None:
        name, saved, wanted = written
        if saved == wanted:
            self.told.emit(self.tr("The curves were saved as {0}.").format(name))
            return
        text = self.tr("The curves of {0} of {1} runs were saved as {2}.")
        if name.lower().endswith(".png"):
            text = self.tr("The curves of {0} of {1} runs were saved as {2}. A table takes all of them.")
        self.said.emit(text.format(words.count(saved), words.count(wanted), name))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        reason = reason_of(error) if isinstance(error, OSError) else type(error).__name__.lower()
        self.said.emit(self.tr("The curves were not saved: {0}. Choose another folder.").format(reason))
