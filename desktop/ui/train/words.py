"""How the Train view says things: states, times, sizes, in the user's way of writing numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale

from desktop.ui.kit.formatting import both, count, duration, moment, number, seen, share, value_of

if TYPE_CHECKING:
    from desktop.services.training_job import TrainingJob

__all__ = [
    "accuracy",
    "brief_accuracy",
    "count",
    "duration",
    "left",
    "megabytes",
    "moment",
    "number",
    "rate",
    "run_state",
    "share",
    "state",
    "tr",
]  # fmt: skip


def tr(text: str) -> str:
    """A translated text of the Train view."""
    return QCoreApplication.translate("Train", text)


def state(job: TrainingJob) -> str:
    """What a job does now, in a few words."""
    words = {
        "waiting": tr("Waiting for its turn"),
        "starting": tr("Starting…"),
        "preparing": _phase(job),
        "training": _epoch(job),
        "pausing": tr("Pausing after this batch…"),
        "paused": tr("Paused in epoch {0} of {1}").format(count(job.epochs_done + 1), count(job.epochs)),
        "finishing": tr("Stopping after epoch {0}…").format(count(job.epochs_done + 1)),
        "packaging": _phase(job),
        "stopping": tr("Stopping, keeping what it learned…"),
        "cancelling": tr("Cancelling…"),
        "done": tr("Done, the model is ready"),
        "stopped": tr("Stopped after {0} of {1} epochs").format(count(job.epochs_done), count(job.epochs)),
        "cancelled": tr("Cancelled"),
        "failed": tr("Failed"),
        "interrupted": tr("Cut off after {0} of {1} epochs").format(count(job.epochs_done), count(job.epochs)),
    }
    if job.kind == "left-waiting" and job.state == "interrupted":
        return tr("Waits since Fovea was closed")
    return words[job.state]


def _epoch(job: TrainingJob) -> str:
    at = min(job.epochs_done + 1, job.epochs)
    return tr("Epoch {0} of {1}").format(count(at), count(job.epochs))


def _phase(job: TrainingJob) -> str:
    names = {
        "data": tr("Preparing the images"),
        "features": tr("Computing features"),
        "calibrating": tr("Calibrating the scores"),
        "exporting": tr("Exporting the model"),
        "confidence": tr("Measuring where it can be trusted"),
        "evaluating": tr("Evaluating"),
        "writing": tr("Writing the model"),
    }
    if job.phase is None:
        return tr("Starting…")
    name = names.get(job.phase.name, job.phase.name)
    if job.phase.total > 1:
        return tr("{0}: {1} of {2}").format(name, count(job.phase.done), count(job.phase.total))
    return name + "…"


def left(job: TrainingJob) -> str:
    """How long it will still take; '' while that cannot be told."""
    seconds = job.left_s()
    if seconds is None:
        return ""
    return tr("about {0} left").format(duration(seconds)) if seconds >= 2 else tr("a moment left")


def accuracy(value: float, n: float) -> str:
    """A validation accuracy as it may be written: with its interval and of how many pictures."""
    from desktop.core.figures.intervals import share_of

    return both(share_of(value, int(n)))


def brief_accuracy(value: float, n: int) -> str:
    """The same where there is no room for the interval: '90.0 %, n = 60', or '9 of 10'."""
    from desktop.core.figures.intervals import share_of

    found = share_of(value, n)
    text = value_of(found)
    return tr("{0}, n = {1}").format(text, count(n)) if seen(found).value is not None and n else text


def run_state(value: str) -> str:
    """The state of a run on disk."""
    words = {
        "queued": tr("Waiting"),
        "running": tr("Running"),
        "paused": tr("Paused"),
        "stopped": tr("Stopped"),
        "failed": tr("Failed"),
        "done": tr("Done"),
        "interrupted": tr("Cut off"),
    }
    return words.get(value, value)


def megabytes(size: int) -> str:
    """An amount of memory."""
    if size >= 1 << 30:
        return f"{number(size / (1 << 30), 1)} GB"
    return f"{count(round(size / (1 << 20)))} MB"


def rate(value: float) -> str:
    """A learning rate: three figures that matter, however small it is."""
    return QLocale().toString(float(value), "g", 3)
