"""Jobs on models beside the window: install, import, export, verify; and the quick changes, each in a thread.

One long job at a time, with progress, pause (of a download) and cancel. Every signal belongs to the job begun last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QThread, Signal, Slot

from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile
    from desktop.ml.exchange.install import InstallRequest
    from desktop.store.download import DownloadControl
    from desktop.store.store import ModelEntry

Kind = Literal["install", "look", "import", "export", "verify", "rename", "duplicate", "delete", "restore"]
Work = Callable[[Callable[[Any], None], "DownloadControl"], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A job has ended well: its kind, what it was about (an id or a file's name), and what came of it."""

    kind: Kind
    subject: str
    result: Any


class _Runner(QThread):
    told = Signal(object)  # a transfer, a step or a line: desktop.ml.plans.job_steps
    done = Signal(Done)
    failed = Signal(Exception)

    def __init__(self, kind: Kind, subject: str, work: Work) -> None:
        super().__init__()
        from desktop.store.download import DownloadControl

        self.setObjectName(f"models-{kind}")
        self.kind, self.subject = kind, subject
        self.control = DownloadControl()
        self._work = work

    def run(self) -> None:
        """The thread itself."""
        from desktop.core.types import FoveaError

        try:
            result = self._work(self.told.emit, self.control)
        except FoveaError as error:
            self.failed.emit(error)
        except Exception as error:
            self.failed.emit(
                FoveaError(
                    "failed", phrase("this did not work: {name}: {error}", name=type(error).__name__, error=error)
                )
            )
        else:
            self.done.emit(Done(self.kind, self.subject, result))


class ModelJobs(QObject):
    """Runs one job at a time; lives in the main thread.

    ``began`` and ``ended`` frame a job; ``told`` carries :class:`desktop.store.download.Transfer` and, of
    :mod:`desktop.ml.plans.job_steps`, Step and Said; ``done`` a :class:`Done`; ``failed`` a :class:`FoveaError` of kind
    ``cancelled`` where the user ended it. ``changed`` says that the store has other models now.
    """

    began = Signal()
    told = Signal(object)  # a transfer, a step or a line: desktop.ml.plans.job_steps
    done = Signal(Done)
    failed = Signal(Exception)
    ended = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner: _Runner | None = None
        self._ending: set[_Runner] = set()

    @property
    def kind(self) -> Kind | None:
        """The kind of the job that runs."""
        return self._runner.kind if self._runner is not None else None

    @property
    def subject(self) -> str:
        """What the running job is about."""
        return self._runner.subject if self._runner is not None else ""

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._runner is not None

    @property
    def paused(self) -> bool:
        """Whether a download waits."""
        return self._runner is not None and self._runner.control.paused

    def install(self, request: InstallRequest) -> None:
        """Install a network of the catalogue."""

        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.ml.exchange.install import install
            from desktop.store.store import ModelStore

            return install(request, ModelStore(), tell, control)

        self._begin("install", request.network.id, work)

    def look(self, path: Path) -> None:
        """Look through a foreign file; the result is (path, :class:`FoundInFile` or ``None``)."""

        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.app import models

            return path, models.look(path, tell, control).found

        self._begin("look", path.name, work)

    def bring_in(self, path: Path, facts: ForeignFacts, found: FoundInFile | None) -> None:
        """Import a file that was looked through."""

        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.app import models

            return models.import_file(models.Looked(path, found), facts, tell, control)

        self._begin("import", path.name, work)

    def export(self, entry: ModelEntry, form: str, target: Path, folder: Path | None) -> None:
        """Write a model for other programs."""

        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.app import models

            return models.export_file(entry, target, folder, tell, control, form)

        self._begin("export", entry.id, work)

    def verify(self, model_id: str) -> None:
        """Compare a model's files with their checksums; the result is a list of ``FileCheck``."""

        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.ml.plans.job_steps import JobStep
            from desktop.store.store import ModelStore

            tell(JobStep("verify"))
            return ModelStore().verify(model_id)

        self._begin("verify", model_id, work)

    def rename(self, model_id: str, name: str) -> None:
        """Call a model something else."""
        self._change("rename", model_id, lambda store, changes: changes.rename(store, model_id, name))

    def duplicate(self, model_id: str) -> None:
        """Copy a model; the result is the copy's id."""
        self._change("duplicate", model_id, lambda store, changes: changes.duplicate(store, model_id))

    def delete(self, model_id: str) -> None:
        """Move a model into the trash; the result is the token that takes it back."""
        self._change("delete", model_id, lambda store, changes: changes.delete(store, model_id))

    def restore(self, token: str) -> None:
        """Take a deleted model back; the result is its id."""
        self._change("restore", token, lambda store, changes: changes.restore(store, token))

    def pause(self) -> None:
        """Let a download wait, or go on."""
        if self._runner is not None:
            control = self._runner.control
            (control.resume if control.paused else control.pause)()

    @Slot()
    def cancel(self) -> None:
        """End the job; ``failed`` with kind ``cancelled`` follows."""
        if self._runner is not None:
            self._runner.control.cancel()

    def stop(self) -> None:
        """End all threads: for the end of the program."""
        if self._runner is not None:
            self._runner.control.cancel()
            self._ending.add(self._runner)
            self._runner = None
        for runner in list(self._ending):
            runner.wait(15_000)

    def _change(self, kind: Kind, subject: str, change: Callable[[Any, Any], Any]) -> None:
        def work(tell: Callable[[Any], None], control: DownloadControl) -> Any:
            from desktop.store import changes
            from desktop.store.store import ModelStore

            return change(ModelStore(), changes)

        self._begin(kind, subject, work)

    def _begin(self, kind: Kind, subject: str, work: Work) -> None:
        if self._runner is not None:
            raise RuntimeError("a job on models is already under way")
        self._runner = runner = _Runner(kind, subject, work)
        runner.told.connect(self._on_told)
        runner.done.connect(self._on_done)
        runner.failed.connect(self._on_failed)
        runner.finished.connect(self._sweep)
        self.began.emit()
        runner.start(QThread.Priority.LowPriority)

    def _end(self) -> bool:
        """Whether the sender is the job begun last; it is over then."""
        if self._runner is None or self.sender() is not self._runner:
            return False
        self._ending.add(self._runner)
        self._runner = None
        return True

    @Slot(object)
    def _on_told(self, event: object) -> None:
        if self._runner is not None and self.sender() is self._runner:
            self.told.emit(event)

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        if self._end():
            if done.kind not in ("look", "export", "verify"):
                self.changed.emit()
            self.ended.emit()
            self.done.emit(done)

    @Slot(object)
    def _on_failed(self, error: object) -> None:
        if self._end():
            self.ended.emit()
            self.failed.emit(error)

    @Slot()
    def _sweep(self) -> None:
        self._ending = {runner for runner in self._ending if not runner.isFinished()}
