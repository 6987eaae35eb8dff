"""A whole training, from a run's plan to a model in the store.

The command line and the training process both call :func:`execute` and nothing else. Called again on the same folder it
goes on from the last checkpoint; a training whose epochs are done is only packaged again. The calling process must be
allowed children of its own: the conversion to LiteRT runs in one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desktop import paths
from desktop.core.types import CROSSED, FoveaError
from desktop.ml.plans import plan as plans
from desktop.ml.plans.control import Cancelled, Control, Steering, Undisturbed
from desktop.ml.plans.events import Event, Finished, Note
from desktop.ml.training.recorder import Recorder
from desktop.store.manifest import Manifest
from desktop.store.runs import CHECKPOINT, EXPORT, PLAN, training_lock
from desktop.system.files import write_atomically
from desktop.system.words import phrase

Listener = Callable[[Event], None]


def execute(
    run: Path,
    listener: Listener = lambda event: None,
    control: Control | None = None,
    data_root: Path | None = None,
    models: Path | None = None,
    reveal: Callable[[Manifest], None] = lambda manifest: None,
    moved: Path | None = None,
) -> Finished:
    """Train what ``run/plan.json`` says and put the model into ``models`` (default: the user's).

    Every event goes to ``listener``, a :class:`Finished` last, which is also returned: ``done``; ``stopped`` (to be
    taken up by calling again); ``cancelled``; ``failed`` with what the user can do. The run's record, curves and log
    are kept up to date. ``data_root`` is where public sets lie; ``reveal`` is handed the finished model's description.
    ``moved`` is where the user's own pictures lie now; the plan is changed once they are found to be the run's.

    Faults that nobody foresaw are raised, after the record says that the run failed.
    """
    recorder = Recorder(run, listener)
    try:
        with training_lock(run):
            recorder.change(state="running")
            finished = _guarded(run, recorder, control or Undisturbed(), data_root, models, reveal, moved)
            recorder(finished)
            return finished
    finally:
        recorder.close()


def _guarded(
    run: Path,
    recorder: Recorder,
    control: Control,
    data_root: Path | None,
    models: Path | None,
    reveal: Callable[[Manifest], None],
    moved: Path | None,
) -> Finished:
    try:
        return _work(run, recorder, control, data_root, models or paths.user_models(), reveal, moved)
    except Cancelled:
        return Finished("cancelled", None, "cancelled; no model was made", "Its last checkpoint stays with the run.")
    except FoveaError as error:
        return Finished("failed", None, error.message, error.hint, error.kind)
    except KeyboardInterrupt:
        recorder.change(state="stopped", message="stopped at once; the last checkpoint stays")
        raise
    except BaseException as error:
        recorder.change(
            state="failed", message=phrase("an unexpected fault stopped it ({name})", name=type(error).__name__)
        )
        raise


def _work(
    run: Path,
    recorder: Recorder,
    control: Control,
    data_root: Path | None,
    models: Path,
    reveal: Callable[[Manifest], None],
    moved: Path | None,
) -> Finished:
    plan = plans.load(run / PLAN)
    if moved is not None:
        plan = replace(plan, data=replace(plan.data, path=str(moved)))
    # Keras takes seconds to import: a plan that cannot be read is told before.
    from desktop.ml.data import assemble, features
    from desktop.ml.packaging import package
    from desktop.ml.training import tensorboard_log, train

    steering = Steering(control)

    gathered = assemble.gather(plan, run, data_root, assemble.told(recorder, steering.check))
    if moved is not None:
        write_atomically(run / PLAN, plan.to_json())
    recorder.change(data=gathered.title, preset=plan.preset)
    for name, reason in gathered.set_aside[:20]:
        recorder.pass_on(
            Note(phrase("set aside: '{rsplit}' ({reason})", rsplit=name.rsplit("/", 1)[-1], reason=reason))
        )  # a file's name may be a patient's
    if gathered.set_aside:
        recorder(Note(phrase("set aside: {count} pictures that cannot be read", count=len(gathered.set_aside))))
    for text in gathered.notes:
        recorder(Note(text))
    if plan.fit.tensorboard:
        recorder.write_tensorboard()
        recorder(Note(tensorboard_log.HOW))
    resume = (run / CHECKPOINT).is_file()
    trained = train.run(
        plan, gathered.train, gathered.validation, run, recorder, resume, steering, models, gathered.own_validation
    )
    if trained.history:
        recorder.settle(trained.kept(plan.fit.keep))
    if not trained.complete:
        return Finished(
            "stopped",
            None,
            phrase("stopped after {count} epochs; the checkpoint is kept", count=len(trained.history)),
            "Take it up again.",
        )
    work = run / EXPORT
    manifest = package.package(plan, trained, gathered, models, work, recorder, steering.check)
    for scratch in (work, run / features.FOLDER):
        shutil.rmtree(scratch, ignore_errors=True)
    for metric in manifest.metrics:
        if metric.name == "accuracy" and metric.split in ("validation", CROSSED):
            recorder.settle_model(metric.value, metric.n)
    reveal(manifest)
    return Finished("done", manifest.id, phrase("the model '{name}' is in the store", name=manifest.name))
