"""Searching for good settings: a grid, or Optuna's tree-structured Parzen estimator; poor trials end early.

Trials are kept in a database (SQLite in the user's data, or any that Optuna's storage takes), so a search can be taken
up again, and several computers can share one. Every trial is a run like any other. What was found is also written as
``NAME.json`` beside, for programs that do not want to open a database.

Sources: Bergstra et al. 2011 (TPE); Golovin et al. 2017 (the median rule for ending trials early); Akiba et al. 2019
(Optuna).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from desktop.core.types import FoveaError
from desktop.ml.data import assemble
from desktop.ml.plans.control import Cancelled, Command
from desktop.ml.plans.events import EpochDone, Event
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.plans.plan import load as load_plan
from desktop.ml.plans.plan_changes import with_settings
from desktop.ml.plans.search_results import (
    Goal,
    SearchError,
    SearchResult,
    TrialResult,
    folder,
    names,
    read_kept,
    stem,
)
from desktop.ml.plans.search_space import Choices, Dimension, Range, check, digest_of, grid_size, shared_by_all
from desktop.store.ids import id_of
from desktop.store.run_record import TRIAL_OF
from desktop.store.runs import PLAN, RunError, RunStore
from desktop.system import strict_json
from desktop.system.files import write_atomically
from desktop.system.words import english, phrase

__all__ = [
    "Choices", "Dimension", "Goal", "Halt", "Range", "SearchError", "SearchPart", "SearchResult", "TrialResult",
    "folder", "grid_size", "load", "names", "read_kept", "release", "run_search", "under_way",
]  # fmt: skip


_UNBEGUN = "unbegun"  # marks a trial whose run could not be made, so that it is tried again
_CUT_OFF = "interrupted"  # counts how often a trial ended with its process
_CUT_OFF_MOST = 2  # then it is taken for the cause
_WORKER = "worker"  # who runs a trial, of a search that several share under one driver
_BEAT_S, _SILENT_S = 30, 120  # a trial whose process tells nothing for so long has ended with it


class Halt:
    """Stops a search: asked for once, the trial at work ends after its batch with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False


class SearchPart(NamedTuple):
    """What one of several that share a search does of it: at most ``most`` trials, known by the name of ``worker``;
    none to begin with is the driver's part: to open the search and to queue again what was cut off. ``checked`` says
    that this process has compared the data before."""

    worker: str
    most: int
    checked: bool = False


def run_search(
    name: str,
    plan: TrainingPlan,
    space: Sequence[Dimension],
    trials: int | None = None,
    storage: str | None = None,
    goal: Goal = "val_accuracy",
    prune: bool = True,
    data_root: Path | None = None,
    listener: Callable[[int, Event], None] = lambda number, event: None,
    ended: Callable[[TrialResult], None] = lambda trial: None,
    halt: Halt | None = None,
    part: SearchPart | None = None,
) -> SearchResult:
    """Try settings of ``space`` on ``plan``; a grid where ``trials`` is ``None``, else that many trials in all.

    Trials that a search of this name and storage has finished already count: calling again goes on. ``listener`` hears
    a trial's number and events, ``ended`` each finished trial. A trial whose training fails counts as failed, and the
    search goes on; a plan that cannot be (a setting that there is not), data that cannot be read, and another plan or
    other data than the search was begun with are refused before the first.

    Raises :class:`SearchError`, :class:`desktop.ml.plans.plan.PlanError`, what :func:`desktop.ml.data.assemble.gather`
    raises, and :class:`desktop.store.runs.RunError` where the run of a trial cannot be made: the next one's could not
    either, and all are tried again later. ``part`` is for one of several that share a search.
    """
    optuna = _optuna()
    wanted = grid_size(space) if trials is None else trials
    if not space or wanted < 1:
        raise SearchError("bad-search", "there is nothing to try", "Give settings to vary and one trial or more.")
    check(plan, space)
    halt = halt or Halt()
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1) if prune else optuna.pruners.NopPruner()
    try:
        study = optuna.create_study(
            study_name=name,
            storage=_storage(name, storage, part is not None),
            pruner=pruner,
            direction="maximize" if goal == "val_accuracy" else "minimize",
            load_if_exists=True,
        )
        facts = _facts(study, goal, plan, space)
    except SearchError:
        raise
    except Exception as error:  # the database's driver raises what it likes
        text = phrase("the search '{name}' cannot be opened ({name2})", name=name, name2=type(error).__name__)
        raise SearchError("bad-search", text, "Check --storage, or give the search another --name.") from error
    try:
        if part is None or not part.checked:
            _keep_facts(study, facts, shared_by_all(plan, space), data_root, listener, halt)
    except Cancelled:  # before there was a trial
        return _result(name, study)
    if part is None or not part.most:
        _take_up(study)
    sampler: Any
    if trials is None:
        grid = {item.key: list(item.values) for item in space if isinstance(item, Choices)}
        sampler = optuna.samplers.GridSampler(grid, seed=plan.seed)  # which also numbers the grid's points
    else:
        begin = _sampling_seed(plan.seed, len(study.get_trials(deepcopy=False)), storage is not None)
        # Where others are at work, their trials count as poor until they end: nobody tries the same beside them.
        sampler = optuna.samplers.TPESampler(seed=begin, constant_liar=storage is not None)
    study.sampler = sampler
    work = _Trials(optuna, name, plan, space, goal, data_root, listener, halt, part.worker if part else "")
    begun = 0
    while not halt.asked and _done(study) < wanted and (part is None or begun < part.most):
        begun += 1
        before = len(study.get_trials(deepcopy=False))
        study.optimize(work, n_trials=1, catch=(FoveaError,), gc_after_trial=True)
        result = _result(name, study)
        _write(result)
        if len(result.trials) > before:
            ended(result.trials[-1])
        if work.ended_by is not None:
            raise work.ended_by
        waiting = any(trial.state == "waiting" for trial in result.trials)
        if trials is None and not waiting and sampler.is_exhausted(study):
            break
    return _result(name, study)


def release(name: str, storage: str, worker: str) -> None:
    """The ``worker`` of that name is gone: what it was at is tried again by another, from its beginning."""
    study = _optuna().load_study(study_name=name, storage=_storage(name, storage))
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "RUNNING" and trial.user_attrs.get(_WORKER) == worker:
            with contextlib.suppress(Exception):  # it told its end in this moment
                study.tell(trial.number, state=_optuna().trial.TrialState.FAIL)
    _take_up(study)


def under_way(name: str, storage: str) -> list[tuple[int, int, float]]:
    """The trials at work: number, epochs so far, and what the last one reached."""
    study = _optuna().load_study(study_name=name, storage=_storage(name, storage))
    found = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "RUNNING" and trial.intermediate_values:
            last = max(trial.intermediate_values)
            found.append((trial.number, last + 1, trial.intermediate_values[last]))
    return found


def load(name: str, storage: str | None = None) -> SearchResult:
    """The search of that name. Raises :class:`SearchError` ``no-such-search``."""
    optuna = _optuna()
    if storage is None and not (folder() / f"{stem(name)}.db").is_file():
        raise SearchError(
            "no-such-search",
            phrase("there is no search '{name}'", name=name),
            phrase("Searches: {value}.", value=names() or phrase("none")),
        )
    try:
        study = optuna.load_study(study_name=name, storage=_storage(name, storage))
    except Exception as error:
        raise SearchError(
            "no-such-search",
            phrase("the search '{name}' cannot be read ({name2})", name=name, name2=type(error).__name__),
        ) from error
    return _result(name, study)


class _Trials:
    """Runs one trial when Optuna asks for it."""

    def __init__(
        self,
        optuna: Any,
        name: str,
        plan: TrainingPlan,
        space: Sequence[Dimension],
        goal: Goal,
        data_root: Path | None,
        listener: Callable[[int, Event], None],
        halt: Halt,
        worker: str = "",
    ) -> None:
        self._worker = worker
        self._optuna, self._name, self._plan, self._space = optuna, name, plan, space
        self._goal, self._root, self._listener, self._halt = goal, data_root, listener, halt
        self.ended_by: RunError | None = None
        """Why no trial can begin: a run could not be made."""

    def __call__(self, trial: Any) -> float:
        settings = {dimension.key: _suggest(trial, dimension) for dimension in self._space}
        trial.set_user_attr("settings", settings)
        if self._worker:
            trial.set_user_attr(_WORKER, self._worker)
        watch = _Watch(trial, self._goal, self._halt, self._listener)
        from desktop.ml.trial import run_trial  # Keras is imported with the first trial

        try:
            plan, run = self._begun(trial, with_settings(self._plan, settings))
            outcome = run_trial(plan, run, watch, watch, self._root)
        except Cancelled:
            trial.set_user_attr("epochs", watch.epochs)
            raise self._optuna.TrialPruned from None
        except FoveaError as error:
            trial.set_user_attr("message", str(error) or type(error).__name__)
            raise
        except Exception as error:  # whatever Keras or a picture raises: without a message it would be tried for ever
            # Its own words may name a path, and the database may be shared.
            text = (error.strerror or "") if isinstance(error, OSError) else ""
            text = phrase("it failed ({filter})", filter=": ".join(filter(None, (type(error).__name__, text.lower()))))
            trial.set_user_attr("message", text)
            raise SearchError("trial-failed", text) from error
        if not outcome.complete and self._halt.asked:
            raise SearchError("stopped", "stopped")  # without a message it does not count, and is tried again
        for key in ("val_accuracy", "val_loss", "val_n", "epochs", "seconds"):
            trial.set_user_attr(key, getattr(outcome, key))
        value = outcome.val_accuracy if self._goal == "val_accuracy" else outcome.val_loss
        if not math.isfinite(value):  # with a message it counts as failed; without one it would be tried for ever
            trial.set_user_attr("message", f"its {self._goal} is no number")
            raise SearchError("not-finite", phrase("its {goal} is no number", goal=self._goal))
        return value

    def _begun(self, trial: Any, plan: TrainingPlan) -> tuple[TrainingPlan, Path]:
        """The trial's plan and the folder of its run: its own from before where it was stopped or cut off.

        The plan is called as the trial, so that the models of several searches and trials can lie side by side.
        """
        store, run = RunStore(), str(trial.user_attrs.get("run", ""))
        if run and store.folder(run).is_dir():
            held = load_plan(store.folder(run) / PLAN)  # its checkpoint knows it by this id
            return replace(plan, id=held.id, name=held.name), store.folder(run)
        name, parent = f"{self._name} #{trial.number}", f"{TRIAL_OF}{self._name}"
        own = f"{id_of(self._name)[:48].strip('-')}-{trial.number}"  # a long name must not push the number out
        plan = replace(plan, id=own, name=name)
        try:
            run = store.create(plan, name, epochs=plan.fit.epochs, preset=plan.preset, parent=parent).id
        except RunError as error:
            trial.set_user_attr(_UNBEGUN, True)
            self.ended_by = error
            raise
        trial.set_user_attr("run", run)
        return plan, store.folder(run)


class _Watch:
    """Listens to a trial, tells Optuna its epochs, and ends it where others did better or somebody wants to stop."""

    def __init__(self, trial: Any, goal: Goal, halt: Halt, listener: Callable[[int, Event], None]) -> None:
        self._trial, self._goal, self._halt, self._listener = trial, goal, halt, listener
        self._poor = False
        self._told = False
        self.epochs = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, EpochDone):
            self.epochs = event.epoch + 1
            self._trial.report(getattr(event, self._goal), event.epoch)
            self._poor = self.epochs < event.epochs and self._trial.should_prune()
        self._listener(self._trial.number, event)

    def command(self) -> Command | None:
        """What the training asks for after every step."""
        if self._told or not (self._poor or self._halt.asked):
            return None
        self._told = True
        return "stop-after-batch" if self._halt.asked else "cancel"


def _suggest(trial: Any, dimension: Dimension) -> str:
    if isinstance(dimension, Choices):
        return str(trial.suggest_categorical(dimension.key, list(dimension.values)))
    if dimension.whole:
        return str(trial.suggest_int(dimension.key, int(dimension.low), int(dimension.high), log=dimension.log))
    return repr(trial.suggest_float(dimension.key, dimension.low, dimension.high, log=dimension.log))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise SearchError("no-optuna", "this installation has no Optuna", "Install it: pip install optuna.") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _storage(name: str, url: str | None, beating: bool = False) -> Any:
    """The search's database; ``beating``: whoever runs a trial tells from time to time that it does."""
    if url is not None:
        url = _with_driver(url)
        if not beating:
            return url
        # A database closes connections that are silent for long, as they are within a trial.
        kept = {"pool_pre_ping": True}
        return _optuna().storages.RDBStorage(url, kept, heartbeat_interval=_BEAT_S, grace_period=_SILENT_S)
    folder().mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(folder() / (stem(name) + '.db')).as_posix()}"


def _with_driver(url: str) -> str:
    """The address of a database with the driver that is installed: SQLAlchemy would take psycopg2 for PostgreSQL."""
    scheme, colon, rest = url.partition("://")
    if scheme in ("postgresql", "postgres") and importlib.util.find_spec("psycopg2") is None:
        return f"postgresql+pg8000{colon}{rest}"
    return url


def _sampling_seed(seed: int, tried: int, shared: bool) -> int:
    """Where the sampler's random numbers begin: elsewhere after every trial, and on every computer that shares the
    search, or one that goes on would try the same points again."""
    who = [platform.node(), os.getpid()] if shared else []
    return int.from_bytes(hashlib.sha256(json.dumps([seed, tried, *who]).encode()).digest()[:4])


def _facts(study: Any, goal: Goal, plan: TrainingPlan, space: Sequence[Dimension]) -> dict[str, Any]:
    """What every trial of the search shares. Raises :class:`SearchError` where it was begun with something else."""
    facts = {
        "goal": goal,
        "space": strict_json.plain([asdict(dimension) for dimension in space]),
        "plan": digest_of(shared_by_all(plan, space)),
    }
    words = {
        "goal": phrase("another goal"),
        "space": phrase("other settings"),
        "plan": phrase("another plan: other classes, another network, or other settings beside those that are varied"),
    }
    for key, value in facts.items():
        held = study.user_attrs.get(key)
        if held is not None and held != value:
            raise _another(study, words[key])
    return facts


def _keep_facts(
    study: Any,
    facts: dict[str, Any],
    plan: TrainingPlan,
    data_root: Path | None,
    listener: Callable[[int, Event], None],
    halt: Halt,
) -> None:
    """Write down what the trials share, the data's fingerprint with it, or compare that with what was written.

    Searches of earlier versions know neither their plan nor their data, and go on as they are.
    """
    if "goal" in study.user_attrs and "plan" not in study.user_attrs:
        return
    number = len(study.get_trials(deepcopy=False))

    def going_on() -> None:
        if halt.asked:
            raise Cancelled

    progress = assemble.told(lambda phase: listener(number, phase), going_on)
    found, held = assemble.fingerprint(plan, data_root, progress), study.user_attrs.get("data")
    if held is not None and held != found:
        raise _another(study, phrase("other pictures, or these have changed since"))
    for key, value in {"data": found, "plan": facts["plan"], **facts}.items():
        if study.user_attrs.get(key) is None:
            study.set_user_attr(key, value)


def _another(study: Any, what: str) -> SearchError:
    hint = "Give another --name, or the options that this one was begun with."
    return SearchError(
        "bad-search",
        phrase("the search '{study_name}' was begun with {what}", study_name=study.study_name, what=what),
        hint,
    )


def _done(study: Any) -> int:
    """Trials that count: finished, ended early, or failed for good; not those that were stopped or never began."""
    kinds = ("COMPLETE", "PRUNED")
    trials = study.get_trials(deepcopy=False)
    return sum(t.state.name in kinds or (t.state.name == "FAIL" and _for_good(t)) for t in trials)


def _take_up(study: Any) -> None:
    """Queue again what was stopped, or cut off with its process on this computer; each goes on in its own run.

    One that was cut off again counts as failed: it may be what ends the process, and would do so for ever.
    """
    store, optuna = RunStore(), _optuna()
    # With a sampler that does not watch: the grid's ends the search when the last of its points is told.
    study = optuna.load_study(
        study_name=study.study_name, storage=study._storage, sampler=optuna.samplers.RandomSampler()
    )
    queued = {trial.user_attrs.get("again") for trial in study.get_trials(deepcopy=False)}
    for trial in study.get_trials(deepcopy=False):
        run, state = str(trial.user_attrs.get("run", "")), trial.state.name
        times = int(trial.user_attrs.get(_CUT_OFF, 0))
        if state == "RUNNING" and run:
            try:
                cut_off = store.get(run).state == "interrupted"
            except RunError:
                continue  # another computer's
            if not cut_off:
                continue
            times += 1
            if times >= _CUT_OFF_MOST:
                text = phrase("the program ended {times} times in the middle of it; it is not tried again", times=times)
                study._storage.set_trial_user_attr(trial._trial_id, "message", text)
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            if times >= _CUT_OFF_MOST:
                continue
        elif state != "FAIL" or _for_good(trial):
            continue
        if trial.number not in queued:
            # As enqueue_trial does, and with its place in a grid: the grid's sampler asks every trial for that.
            place = {key: trial.system_attrs[key] for key in ("grid_id", "search_space") if key in trial.system_attrs}
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.WAITING,
                    system_attrs={"fixed_params": trial.params, **place},
                    user_attrs={"again": trial.number, "run": run, _CUT_OFF: times},
                )
            )


def _for_good(trial: Any) -> bool:
    """Whether a failed trial would fail again."""
    return bool(_message(trial)) and not trial.user_attrs.get(_UNBEGUN)


def _message(trial: Any) -> str:
    return str(trial.user_attrs.get("message", ""))


def _result(name: str, study: Any) -> SearchResult:
    goal: Goal = study.user_attrs.get("goal", "val_accuracy")
    out = []
    for trial in study.get_trials(deepcopy=False):
        held: Mapping[str, Any] = trial.user_attrs
        out.append(
            TrialResult(
                trial.number,
                {"FAIL": "failed", "COMPLETE": "done"}.get(trial.state.name, trial.state.name.lower()),
                {key: str(value) for key, value in held.get("settings", trial.params).items()},
                trial.value,
                held.get("val_accuracy"),
                held.get("val_loss"),
                int(held.get("epochs", 0)),
                float(held.get("seconds", 0.0)),
                str(held.get("run", "")),
                _message(trial),
                int(held.get("val_n", 0)),
            )
        )
    finished = [trial for trial in out if trial.state == "done" and trial.value is not None]
    sign = 1 if goal == "val_accuracy" else -1
    best = max(finished, key=lambda trial: sign * float(trial.value or 0.0), default=None)
    return SearchResult(name, goal, tuple(out), best.number if best else None)


def _write(result: SearchResult) -> None:
    """Keep the result where the window looks for it; the database holds it in any case."""
    with contextlib.suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        write_atomically(folder() / f"{stem(result.name)}.json", json.dumps(english(result.to_dict()), indent=1))
