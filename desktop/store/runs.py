"""Runs: trainings on disk, one folder each, whether they run, wait, have ended or were cut off.

A run's folder holds ``run.json`` (the :class:`RunRecord`), ``plan.json``, ``split.json`` (which pictures were on which
side), ``checkpoint.npz``, ``history.csv`` (a row an epoch), ``batches.csv`` (thinned), ``log.txt`` and ``export/``.

Window, trainer and command line may write to one run at the same time: every change is read, merged and put in place by
a rename under a lock, so a reader sees the old record or the new one, and a change of one field never undoes another's.
Who trains holds the run's lock; the system frees it when that process dies, so a run that says 'running' and is not
held was cut off.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil
import time
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol

from desktop import paths
from desktop.core.types import FoveaError
from desktop.store import locks
from desktop.store.run_record import RunRecord, record_from_json
from desktop.system.files import OWN_DISK, not_written, patiently, reason_of, remove_leftovers, write_atomically
from desktop.system.words import phrase

RECORD, PLAN, SPLIT, CHECKPOINT = "run.json", "plan.json", "split.json", "checkpoint.npz"
HISTORY, BATCHES, LOG, EXPORT = "history.csv", "batches.csv", "log.txt", "export"

_TRAINS = ".training.lock"
_CHANGES = ".change.lock"
_NEW, _TRASH = ".new-", ".trash"
_KEEP_TRASH_S = 30 * 24 * 3600
_CHANGE_WAIT_S = 10.0
_TRAIN_WAIT_S = 1.0  # a look at the lock holds it for a moment
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
Records = list[RunRecord]
Names = list[str]
_OWN = ("id", "created", "updated", "schema")


class RunError(FoveaError):
    """A run that is not there, is damaged, in use, or could not be written.

    Kinds: ``no-such-run``, ``run-exists``, ``damaged-run``, ``run-in-use``, ``disk-full``, ``not-writable``,
    ``not-saved``.
    """


class Plan(Protocol):
    """What a run keeps of its plan; :class:`desktop.ml.plans.plan.TrainingPlan` fits."""

    def to_json(self) -> str:
        """The plan as JSON text."""
        ...


class RunStore:
    """The runs below ``root`` (default: ``runs`` in the user's data)."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else paths.user_data() / "runs"

    def create(self, plan: Plan, name: str, **facts: Any) -> RunRecord:
        """A new run in state ``queued`` with its plan; ``facts`` are further fields of its record.

        The folder appears whole or not at all. Raises :class:`RunError` where it cannot be written.
        """
        moment = _now()
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        stem = f"{stamp}-{_slug(name)}"
        staging = self.root / f"{_NEW}{uuid.uuid4().hex[:12]}"
        try:
            staging.mkdir(parents=True)
            for number in range(1, 1000):
                record = RunRecord(stem if number == 1 else f"{stem}-{number}", name, moment, moment, **facts)
                text = record.to_json()
                record_from_json(text)  # what is written must be what will be read
                write_atomically(staging / PLAN, plan.to_json())
                write_atomically(staging / RECORD, text)
                target = self.root / record.id
                if not target.exists():
                    with contextlib.suppress(FileExistsError):  # a race with another process: the next number
                        os.rename(staging, target)
                        return record
        except OSError as error:
            raise not_written("the run", OWN_DISK, error, RunError) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        raise RunError(
            "not-saved", phrase("there are too many runs called '{name}' now", name=name), "Choose another name."
        )

    def folder(self, run_id: str) -> Path:
        """The folder of a run. Raises :class:`RunError` ``no-such-run`` for what cannot be an id; nothing is read."""
        if not _ID.fullmatch(run_id):
            raise RunError(
                "no-such-run",
                phrase("'{run_id}' is no run", run_id=run_id[:80]),
                "'fovea runs list' shows the runs there are.",
            )
        return self.root / run_id

    def get(self, run_id: str) -> RunRecord:
        """The record of a run; its state is ``interrupted`` where its trainer is gone.

        Raises :class:`RunError`: ``no-such-run``, ``damaged-run``.
        """
        return _as_found(self._read(run_id), self.folder(run_id))

    def list(self) -> Records:
        """All runs, the newest first. A damaged record is listed as a failed run that says so."""
        found = []
        for run_id in self._ids():
            try:
                found.append(self.get(run_id))
            except RunError as error:
                if error.kind == "damaged-run":
                    found.append(RunRecord(run_id, run_id, "", "", state="failed", message=error.message))
        return sorted(found, key=lambda record: (record.created, record.id), reverse=True)

    def update(self, run_id: str, **changes: Any) -> RunRecord:
        """Change fields of a record and return the new one; other fields stay as they are on disk.

        Raises :class:`RunError`; TypeError for a field that there is not, or that a run never changes.
        """
        wrong = [key for key in changes if key in _OWN or key not in {f.name for f in fields(RunRecord)}]
        if wrong:
            raise TypeError(f"a run's {', '.join(wrong)} cannot be changed")
        folder = self.folder(run_id)
        if not folder.is_dir():
            raise _no_such(run_id)
        try:
            with locks.hold(folder / _CHANGES, _CHANGE_WAIT_S):
                record = replace(self._read(run_id), updated=_now(), **changes)
                text = record.to_json()
                record_from_json(text)
                write_atomically(folder / RECORD, text)
        except locks.Busy:
            raise RunError(
                "run-in-use", phrase("the run '{run_id}' is being written by another program", run_id=run_id)
            ) from None
        except OSError as error:
            raise not_written(phrase("the run's state"), OWN_DISK, error, RunError) from error
        return _as_found(record, folder)

    @contextlib.contextmanager
    def training(self, run_id: str) -> Iterator[Path]:
        """Be the run's only trainer: yields its folder, records this process's number.

        Raises :class:`RunError` ``run-in-use`` while another process (or thread) trains it.
        """
        folder = self.folder(run_id)
        self._read(run_id)
        with training_lock(folder):
            self.update(run_id, pid=os.getpid())
            yield folder

    def interrupted(self) -> Records:
        """The runs whose trainer was cut off and that can be taken up again, the newest first."""
        return [record for record in self.list() if record.state == "interrupted"]

    def delete(self, run_id: str) -> str:
        """Move a run into the trash and return the token that :meth:`restore` takes; kept there for thirty days.

        Raises :class:`RunError` ``run-in-use`` while it trains.
        """
        folder = self.folder(run_id)
        if not folder.is_dir():
            raise _no_such(run_id)
        if locks.is_held(folder / _TRAINS):
            raise RunError("run-in-use", phrase("the run '{run_id}' is training", run_id=run_id), "Stop it first.")
        self._empty_old_trash()
        token = f"{int(time.time())}.{run_id}"
        trash = self.root / _TRASH
        try:
            trash.mkdir(exist_ok=True)
            os.rename(folder, trash / token)
        except OSError as error:
            raise RunError(
                "not-saved",
                phrase(
                    "the run '{run_id}' could not be moved to the trash ({reason_of})",
                    run_id=run_id,
                    reason_of=reason_of(error),
                ),
            ) from error
        return token

    def restore(self, token: str) -> RunRecord:
        """Take a run out of the trash again. Raises :class:`RunError` ``no-such-run`` where it is not there."""
        run_id = token.partition(".")[2]
        held, target = self.root / _TRASH / os.path.basename(token), self.folder(run_id)
        try:
            if held.is_dir() and target.exists():
                raise RunError("not-saved", phrase("there is another run '{run_id}' now", run_id=run_id))
            os.rename(held, target)
        except OSError as error:
            raise RunError(
                "no-such-run", phrase("the run '{run_id}' is not in the trash any more", run_id=run_id)
            ) from error
        return self.get(run_id)

    def deleted(self) -> Names:
        """The tokens of the runs in the trash, the newest first."""
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.root / _TRASH):
                moment, _, run_id = entry.name.partition(".")
                if moment.isdigit() and _ID.fullmatch(run_id) and entry.is_dir():
                    found.append((int(moment), entry.name))
        return [token for _, token in sorted(found, reverse=True)]

    def plan_text(self, run_id: str) -> str:
        """The run's ``plan.json``. Raises :class:`RunError` ``damaged-run`` where it cannot be read."""
        try:
            return (self.folder(run_id) / PLAN).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(
                "damaged-run", phrase("the plan of the run '{run_id}' cannot be read", run_id=run_id)
            ) from error

    def _ids(self) -> Names:
        try:
            return [entry.name for entry in os.scandir(self.root) if _ID.fullmatch(entry.name) and entry.is_dir()]
        except OSError:
            return []

    def _read(self, run_id: str) -> RunRecord:
        path = self.folder(run_id) / RECORD
        try:
            text = patiently(lambda: path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _no_such(run_id) from None
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(
                "damaged-run", phrase("the record of the run '{run_id}' cannot be read", run_id=run_id)
            ) from error
        try:
            record = record_from_json(text)
        except ValueError as error:
            raise RunError(
                "damaged-run",
                phrase("the record of the run '{run_id}' is damaged: {error}", run_id=run_id, error=error),
            ) from error
        if record.id != run_id:
            raise RunError(
                "damaged-run", phrase("the run '{run_id}' carries the record of '{id}'", run_id=run_id, id=record.id)
            )
        return record

    def _empty_old_trash(self) -> None:
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.root / _TRASH):
                moment = entry.name.partition(".")[0]
                if moment.isdigit() and time.time() - int(moment) > _KEEP_TRASH_S:
                    shutil.rmtree(entry.path, ignore_errors=True)


@contextlib.contextmanager
def training_lock(folder: Path) -> Iterator[None]:
    """The lock of whoever trains in ``folder``, wherever that lies; what a killed trainer left half written goes.

    Raises :class:`RunError` ``run-in-use``.
    """
    try:
        with locks.hold(folder / _TRAINS, _TRAIN_WAIT_S):
            remove_leftovers(folder)
            yield
    except locks.Busy:
        raise RunError(
            "run-in-use", "this run is being trained by another process", "Wait for it, or stop it there."
        ) from None


def _as_found(record: RunRecord, folder: Path) -> RunRecord:
    """``record``, with the state that it really has: one that runs needs a trainer who holds its lock."""
    if record.state in ("running", "paused") and not locks.is_held(folder / _TRAINS):
        return replace(
            record,
            state="interrupted",
            message=record.message or phrase("it was cut off: its process is gone"),
        )
    return record


def _no_such(run_id: str) -> RunError:
    return RunError(
        "no-such-run",
        phrase("there is no run '{run_id}'", run_id=run_id),
        "'fovea runs list' shows the runs there are.",
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "run"
