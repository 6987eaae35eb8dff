"""The window's side of a cluster: the job that runs, its dialog, its results, and what becomes of it at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from desktop.services.cluster_job import ClusterJob
from desktop.ui.kit.closing_question import ClosingQuestion
from desktop.ui.kit.formatting import count

if TYPE_CHECKING:
    from desktop.cluster.run_events import JobEnded
    from desktop.services.catalog import ModelCatalog
    from desktop.services.settings import Settings
    from desktop.ui.dialogs.cluster_run import ClusterRunDialog
    from desktop.ui.widgets.message_bar import MessageBar

MANY = 50_000
"""Listed pictures from which on a cluster is offered."""


class ClusterFrame(Protocol):
    """What is needed of the window."""

    settings: Settings

    @property
    def messages(self) -> MessageBar:
        """Where it is said that a job has ended."""
        ...

    def show_dialog(self, dialog: QWidget) -> None:
        """Open a dialog over the window."""
        ...

    def show_classify(self) -> None:
        """Show the list of images."""
        ...

    def open_paths(self, paths: list[str]) -> None:
        """Open files."""
        ...

    def close(self) -> bool:
        """Close the window."""
        ...


class ClusterDesk(QObject):
    """One job at a time, for the window ``frame``, which is ``parent`` as well."""

    def __init__(self, frame: ClusterFrame, catalog: ModelCatalog, parent: QWidget) -> None:
        super().__init__(parent)
        self._frame, self._catalog, self._parent = frame, catalog, parent
        self.job = ClusterJob(self)
        self.job.ended.connect(self._on_ended)
        self.dialog: ClusterRunDialog | None = None
        self.question: ClosingQuestion | None = None
        self._leaving = False

    def show(self, model: str) -> None:
        """The form of a new job, with ``model`` chosen, or how far the one that runs is."""
        from desktop.ui.dialogs.cluster_run import ClusterRunDialog

        if self.dialog is None:
            self.dialog = ClusterRunDialog(self.job, self._catalog, self._frame.settings, model, self._parent)
            self.dialog.results_wanted.connect(self.show_results)
            self.dialog.finished.connect(self._forget)
            self._frame.show_dialog(self.dialog)
        self.dialog.raise_()

    @Slot()
    def _forget(self) -> None:
        self.dialog = None

    @Slot(str)
    def show_results(self, folder: str) -> None:
        """The answers of the job in ``folder``; a picture that is double-clicked opens in Classify."""
        from desktop.ui.dialogs.job_results import JobResultsDialog

        dialog = JobResultsDialog(Path(folder), self._parent)
        dialog.opened.connect(self._open_result)
        self._frame.show_dialog(dialog)

    @Slot(str)
    def _open_result(self, path: str) -> None:
        self._frame.show_classify()
        self._frame.open_paths([path])

    @Slot(object)
    def _on_ended(self, last: JobEnded) -> None:
        if self._leaving:
            self._leaving = False  # something else may keep the window open: then it stays
            self._parent.close()
            return
        if self.dialog is not None:
            return  # it says so itself
        if last.state == "done":
            words = self.tr(
                "The cluster has answered {0} pictures; {1} have no answer. 'Run on a Cluster…' shows them."
            )
            self._frame.messages.tell(words.format(count(last.answered), count(last.failed_pictures)))
        elif last.state == "failed":
            self._frame.messages.say(self.tr("The job on the cluster has failed: 'Run on a Cluster…' says why."))

    def may_close(self) -> bool:
        """Whether no job runs; else it is asked about, and the window closes when it has ended."""
        if not self.job.running:
            return True
        state = self.job.progress
        done = self.tr("{0} of {1} pictures are answered; that is kept, and the job can go on later.")
        self.question = asked = ClosingQuestion(
            self._parent,
            self.tr("A job on a cluster is still running. What should happen to it?"),
            done.format(count(state.done), count(state.total)) if state is not None else "",
        )
        asked.offer(self.tr("Stop it")).clicked.connect(self._stop_and_close)
        asked.ask()
        return False

    @Slot()
    def _stop_and_close(self) -> None:
        self._leaving = True
        self.job.stop()

    def close_down(self) -> None:
        """End what runs."""
        self.job.close()
