"""Trainings beside the window: a queue, a process for each that runs, a thread that supervises it.

All trainings are runs on disk (:mod:`desktop.store.runs`) before they begin, so whatever happens to the window they can
be listed and taken up later. Lives in the main thread; the disk is asked in another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from desktop.core.types import FoveaError
from desktop.engine.training_client import TrainerLost
from desktop.services.background import DiskWork
from desktop.services.training_job import JobState, TrainingCurves, TrainingJob
from desktop.system import strict_json
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.engine.training_client import TrainingClient
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.store.run_record import RunRecord
    from desktop.store.runs import RunStore

_TOLD_EVERY_MS = 100


class _Supervisor(QThread):
    """Drives one :class:`TrainingClient`; emits what it tells, in portions, from its own thread."""

    heard = Signal(list)

    def __init__(self, client: TrainingClient, run_id: str) -> None:
        super().__init__()
        self.setObjectName(f"training {run_id}")
        self.run_id = run_id
        self.client = client

    def run(self) -> None:
        """Start the process, hand out what it tells until its end."""
        try:
            self.client.start()
        except Exception as error:  # no process, no pipe: whatever it is, the job must not wait for ever
            reason = phrase(
                "it could not be started: {value}", value=getattr(error, "strerror", None) or type(error).__name__
            )
            self.heard.emit([TrainerLost(reason)])
            return
        while not self.client.ended:
            events = self.client.events(None)
            if events:
                self.heard.emit(events)
        self.client.close()


class TrainingService(QObject):
    """The trainings of this window; ``jobs`` in the order in which they will run, finished ones where they were.

    ``changed``: jobs came, went, moved or changed their state. ``heard`` (run id): a job has new figures, at most ten
    times a second. ``ended`` carries a :class:`TrainingJob` that has come to its end, ``model_made`` a model's id.
    ``added`` carries the id of a run that was put into the queue. ``failed`` carries a :class:`FoveaError` that no job
    can show. ``runs_changed``: the runs on disk are others than before. ``deleted`` carries the token that
    :meth:`restore` takes, and the run's name.
    """

    changed = Signal()
    heard = Signal(str)
    ended = Signal(TrainingJob)
    model_made = Signal(str)
    added = Signal(str)
    failed = Signal(Exception)
    runs_changed = Signal()
    deleted = Signal(str, str)

    def __init__(self, at_once: int = 1, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[TrainingJob] = []
        self.disk_work = DiskWork("runs", self)
        self._at_once = max(1, at_once)
        self._supervisors: dict[str, _Supervisor] = {}
        self._stopping = self._held = False
        self._news: set[str] = set()
        self._teller = QTimer(self)
        self._teller.setSingleShot(True)
        self._teller.setInterval(_TOLD_EVERY_MS)
        self._teller.timeout.connect(self._tell)

    @property
    def store(self) -> RunStore:
        """The runs on disk; reading and writing them is work for a thread."""
        from desktop.store.runs import RunStore

        return RunStore()

    @property
    def running(self) -> list[TrainingJob]:
        """The jobs whose process is at work."""
        return [job for job in self.jobs if job.active]

    @property
    def waiting(self) -> list[TrainingJob]:
        """The jobs that wait for their turn, the next one first."""
        return [job for job in self.jobs if job.state == "waiting"]

    def job(self, run_id: str) -> TrainingJob | None:
        """The job of a run, ``None`` where this window has none."""
        return next((job for job in self.jobs if job.id == run_id), None)

    def trainer_pid(self, run_id: str) -> int | None:
        """The process that trains a run, ``None`` while there is none."""
        supervisor = self._supervisors.get(run_id)
        return supervisor.client.pid if supervisor is not None else None

    def progress(self) -> float | None:
        """How far the running jobs are together, 0 to 1; ``None`` while none runs."""
        running = self.running
        if not running:
            return None
        return sum(job.progress() or 0.0 for job in running) / len(running)

    # What can be asked for

    def submit(self, plan: TrainingPlan, name: str, parent: str = "") -> None:
        """Put a new training into the queue: ``added`` (or ``failed``) follows, and it begins when its turn comes."""
        from desktop.app.starting import start_training

        store = self.store
        self.disk_work.run(lambda: start_training(plan, name, parent, store)[1], self._on_created, self._on_failed)

    def take_up(self, record: RunRecord) -> None:
        """Go on with a run that was stopped, cut off or has failed, or begin one that waits since the last time."""
        held = self.job(record.id)
        if held is not None and (held.active or held.state == "waiting"):
            return
        if record.state in ("running", "paused"):  # as found: its trainer is alive
            hint = "Wait for it, or stop it there."
            self.failed.emit(
                FoveaError("run-in-use", phrase("“{name}” is being trained by another process", name=record.name), hint)
            )
            return
        if held is not None:
            self.jobs.remove(held)
        self._on_created(record)

    def put_aside(self, records: list[RunRecord]) -> None:
        """List runs that are left from the last time; they begin when :meth:`take_up` is called."""
        for record in records:
            if self.job(record.id) is None:
                job = _job_of(record)
                job.state = "interrupted"
                job.kind = "left-waiting" if record.state == "queued" else ""
                self.jobs.append(job)
                self._read_curves(record.id)
        self.changed.emit()

    def forget(self, run_id: str) -> None:
        """Take a job that does not run off the list; its run stays on disk, and is not offered again by itself."""
        job = self.job(run_id)
        if job is None or job.active:
            return
        self.jobs.remove(job)
        if job.state in ("waiting", "interrupted"):
            self._write(run_id, state="stopped")
        self.changed.emit()

    def move(self, run_id: str, places: int) -> None:
        """Let a waiting job change places with others that wait; negative is earlier."""
        waiting = self.waiting
        ids = [job.id for job in waiting]
        if run_id not in ids:
            return
        at = ids.index(run_id)
        to = max(0, min(len(waiting) - 1, at + places))
        if to == at:
            return
        slots = [i for i, job in enumerate(self.jobs) if job.state == "waiting"]
        waiting.insert(to, waiting.pop(at))
        for slot, job in zip(slots, waiting, strict=True):
            self.jobs[slot] = job
        self.changed.emit()

    def set_at_once(self, count: int) -> None:
        """How many trainings run side by side."""
        self._at_once = max(1, count)
        self._begin_next()

    def pause(self, run_id: str) -> None:
        """Wait after the batch at hand."""
        self._command(run_id, "pausing", lambda client: client.pause(), lambda job: job.can_pause)

    def resume(self, run_id: str) -> None:
        """Go on after a pause; a wish to end after this epoch still holds."""
        job = self.job(run_id)
        state: JobState = "finishing" if job is not None and job.finish_wished else "training"
        self._command(run_id, state, lambda client: client.resume(), lambda job: job.state in ("pausing", "paused"))

    def stop_after_epoch(self, run_id: str) -> None:
        """End after this epoch and make a model of the best one."""
        job = self.job(run_id)
        if job is not None and job.can_finish:
            job.finish_wished = True
        self._command(run_id, "finishing", lambda client: client.stop_after_epoch(), lambda job: job.can_finish)

    def stop_now(self, run_id: str) -> None:
        """End in a moment with a checkpoint to go on from."""
        self._command(run_id, "stopping", lambda client: client.stop_now(), lambda job: job.active)

    def cancel(self, run_id: str, discard: bool) -> None:
        """End in a moment without a model; with ``discard`` the run goes into the trash as well."""
        job = self.job(run_id)
        if job is not None:
            job.discard = discard
        self._command(run_id, "cancelling", lambda client: client.cancel(), lambda job: job.active)

    def hold_queue(self) -> None:
        """Begin nothing more of what waits: the window is about to close."""
        self._held = True

    def release_queue(self) -> None:
        """Go on with what waits: the window stays after all."""
        if self._held:
            self._held = False
            self._begin_next()
            self.changed.emit()

    def stop(self) -> None:
        """End all processes and threads, with checkpoints: for the end of the program. Blocks for some seconds."""
        self._stopping = True
        for run_id, supervisor in self._supervisors.items():
            job = self.job(run_id)
            if job is not None and job.state not in ("stopping", "cancelling"):
                supervisor.client.stop_now()
        for run_id, supervisor in list(self._supervisors.items()):
            supervisor.wait()
            job = self.job(run_id)
            if job is not None and job.state != "cancelling":
                # One that had to be ended counts as cut off by itself; why it was is known here.
                self._write(run_id, "stopped", "interrupted", state="interrupted", message=phrase("Fovea was closed"))
        self._supervisors.clear()
        self.disk_work.stop()

    # Inside

    def _command(
        self,
        run_id: str,
        state: JobState,
        give: Callable[[TrainingClient], None],
        allowed: Callable[[TrainingJob], bool],
    ) -> None:
        job, supervisor = self.job(run_id), self._supervisors.get(run_id)
        if job is None or supervisor is None or not allowed(job):
            return
        job.state = state
        give(supervisor.client)
        self.changed.emit()

    @Slot(object)
    def _on_created(self, record: RunRecord) -> None:
        job = _job_of(record)
        self.jobs.append(job)
        if record.epochs_done:
            self._read_curves(record.id)
        if record.state != "queued":
            self._write(record.id, record.state, state="queued", message="", hint="")
        self.added.emit(record.id)
        self.runs_changed.emit()
        self._begin_next()
        self.changed.emit()

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, FoveaError):
            error = FoveaError(
                "not-saved", phrase("the training could not be written down ({name})", name=type(error).__name__)
            )
        self.failed.emit(error)

    def _read_curves(self, run_id: str) -> None:
        folder = self.store.folder(run_id)

        def read() -> tuple[str, TrainingCurves]:
            return run_id, read_curves(folder)

        self.disk_work.run(read, self._on_curves)

    def _on_curves(self, found: tuple[str, TrainingCurves]) -> None:
        run_id, curves = found
        job = self.job(run_id)
        if job is None or not curves.done:
            return
        fresh = job.curves
        job.curves = curves
        if job.started is not None:
            curves.cut(job.started.epoch)
        curves.go_on(fresh)  # the training may have been quicker than the disk
        self._note(run_id)

    def _begin_next(self) -> None:
        from desktop.engine.training_client import TrainingClient

        while not (self._stopping or self._held) and len(self._supervisors) < self._at_once:
            # One that is taken up again waits until the thread that trained it before has ended.
            job = next((job for job in self.waiting if job.id not in self._supervisors), None)
            if job is None:
                return
            job.state = "starting"
            supervisor = _Supervisor(TrainingClient(self.store.folder(job.id)), job.id)
            supervisor.heard.connect(self._on_heard)
            supervisor.finished.connect(self._on_thread_end)
            self._supervisors[job.id] = supervisor
            supervisor.start(QThread.Priority.LowPriority)

    @Slot(object)
    def _on_heard(self, events: list[Any]) -> None:
        supervisor = self.sender()
        if not isinstance(supervisor, _Supervisor):
            return
        job = self.job(supervisor.run_id)
        if job is None:
            return
        before = job.state
        for event in events:
            job.hear(event)
        self._note(job.id)
        if job.state != before:
            if not job.active:
                self._on_end(job)
            self.changed.emit()

    def _on_end(self, job: TrainingJob) -> None:
        if job.discard and job.state != "done":
            job.state = "cancelled"
        elif job.state in ("failed", "interrupted") and job.kind != "run-in-use":  # whose record is somebody else's
            self._write(job.id, state=job.state, message=job.message, hint=job.hint)
        if job.state == "done" and job.model_id:
            self.model_made.emit(job.model_id)
        self.ended.emit(job)

    @Slot()
    def _on_thread_end(self) -> None:
        supervisor = self.sender()
        if not isinstance(supervisor, _Supervisor) or self._stopping:
            return
        self._supervisors.pop(supervisor.run_id, None)
        supervisor.deleteLater()
        job = self.job(supervisor.run_id)
        if job is not None and job.discard and job.state == "cancelled":
            self.jobs.remove(job)
            self.delete(job.id, job.name)
        elif job is not None and job.state == "stopped":
            # A trainer too busy to stop in time was ended, and has not written down that this was wished.
            self._write(job.id, "interrupted", "queued", state="stopped", message=job.message)
        self._begin_next()
        self.changed.emit()
        self.runs_changed.emit()

    def delete(self, run_id: str, name: str) -> None:
        """Move a run into the trash: ``deleted`` follows."""
        store = self.store
        self.disk_work.run(lambda: (store.delete(run_id), name), self._on_deleted, self._on_failed)

    def restore(self, token: str) -> None:
        """Take a deleted run out of the trash again."""
        store = self.store
        self.disk_work.run(lambda: store.restore(token), self._on_restored, self._on_failed)

    def _on_deleted(self, found: tuple[str, str]) -> None:
        self.deleted.emit(*found)
        self.runs_changed.emit()

    def _on_restored(self, _: RunRecord) -> None:
        self.runs_changed.emit()

    def _write(self, run_id: str, *if_state: str, **changes: Any) -> None:
        """Note something in a run's record, in a thread; with ``if_state`` only where one of these is its state."""
        store = self.store

        def write() -> None:
            try:
                if not if_state or store.get(run_id).state in if_state:
                    store.update(run_id, **changes)
            except FoveaError:
                return  # the run itself is what it was; its state is told by its lock and checkpoint

        self.disk_work.run(write)

    def _note(self, run_id: str) -> None:
        self._news.add(run_id)
        if not self._teller.isActive():
            self._teller.start()

    @Slot()
    def _tell(self) -> None:
        news, self._news = self._news, set()
        for run_id in news:
            self.heard.emit(run_id)


def read_curves(folder: Any) -> TrainingCurves:
    """The curves of a run from its folder."""
    from desktop.store.run_files import read_curve
    from desktop.store.runs import BATCHES, HISTORY, PLAN

    try:
        keep = str(strict_json.read_object(folder / PLAN)["fit"]["keep"])
    except (OSError, ValueError, KeyError, TypeError):
        keep = ""  # the curves are worth seeing all the same
    curves = TrainingCurves()
    curves.set_history(read_curve(folder / HISTORY), read_curve(folder / BATCHES), keep)
    return curves


def _job_of(record: RunRecord) -> TrainingJob:
    return TrainingJob(
        record.id, record.name, epochs=record.epochs, model_id=record.model_id, message=record.message,
        hint=record.hint, recorded=record.epochs_done, figures=dict(record.figures),
    )  # fmt: skip
