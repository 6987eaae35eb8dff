"""Searching for good settings: a grid, or Optuna's tree-structured Parzen estimator; poor trials end early.

Trials are kept in a database (SQLite in the user's data, or any that Optuna's storage takes), so a search can be taken
up again, and several computers can share one. Every trial is a run like any other. What was found is also written as
``NAME.json`` beside, for programs that do not want to open a database.

Sources: Bergstra et al. 2011 (TPE); Golovin et al. 2017 (the median rule for ending trials early); Akiba et al. 2019
(Optuna).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from desktop.core.evaluation_json import write_atomically
from desktop.core.types import FoveaError
from desktop.ml.control import Cancelled, Command
from desktop.ml.events import EpochDone, Event
from desktop.ml.plan import PlanError, TrainingPlan, with_settings
from desktop.ml.plan import load as load_plan
from desktop.ml.search_results import (
    Goal,
    SearchError,
    SearchResult,
    TrialResult,
    folder,
    names,
    read_kept,
    stem,
)
from desktop.store.ids import id_of
from desktop.store.runs import PLAN, RunError, RunStore

__all__ = [
    "Choices", "Dimension", "Goal", "Halt", "Range", "SearchError", "SearchResult", "TrialResult", "folder",
    "grid_size", "load", "names", "read_kept", "run_search",
]  # fmt: skip


_UNBEGUN = "unbegun"  # marks a trial whose run could not be made, so that it is tried again
_COMBINED = 400  # combinations in which a value is looked for a place


@dataclass(frozen=True, slots=True)
class Choices:
    """A setting of the plan with the values to try, as text."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A setting of the plan with the numbers to try: ``low`` to ``high``, evenly or by order of magnitude (``log``)."""

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False


Dimension = Choices | Range


class Halt:
    """Stops a search: asked for once, the trial at work ends after its batch with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False


def grid_size(space: Sequence[Dimension]) -> int:
    """The number of points of a grid. Raises :class:`SearchError` where a dimension is a range."""
    ranges = [dimension.key for dimension in space if isinstance(dimension, Range)]
    if ranges:
        hint = "Give the values to try: --vary KEY=a|b|c."
        raise SearchError("bad-search", f"a grid needs values, and {', '.join(ranges)} is a range", hint)
    return math.prod(len(dimension.values) for dimension in space if isinstance(dimension, Choices))


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
) -> SearchResult:
    """Try settings of ``space`` on ``plan``; a grid where ``trials`` is ``None``, else that many trials in all.

    Trials that a search of this name and storage has finished already count: calling again goes on. ``listener`` hears
    a trial's number and events, ``ended`` each finished trial. A trial whose training fails counts as failed, and the
    search goes on; a plan that cannot be (a setting that there is not) is refused before the first.

    Raises :class:`SearchError`, :class:`desktop.ml.plan.PlanError`, and :class:`desktop.store.runs.RunError` where the
    run of a trial cannot be made: the next one's could not either, and all are tried again later.
    """
    optuna = _optuna()
    wanted = grid_size(space) if trials is None else trials
    if not space or wanted < 1:
        raise SearchError("bad-search", "there is nothing to try", "Give settings to vary and one trial or more.")
    _check(plan, space)
    sampler: Any
    if trials is None:
        grid = {item.key: list(item.values) for item in space if isinstance(item, Choices)}
        sampler = optuna.samplers.GridSampler(grid, seed=plan.seed)
    else:
        sampler = optuna.samplers.TPESampler(seed=plan.seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1) if prune else optuna.pruners.NopPruner()
    try:
        study = optuna.create_study(
            study_name=name,
            storage=_storage(name, storage),
            sampler=sampler,
            pruner=pruner,
            direction="maximize" if goal == "val_accuracy" else "minimize",
            load_if_exists=True,
        )
        _keep_facts(study, goal, space)
    except SearchError:
        raise
    except Exception as error:  # the database's driver raises what it likes
        text = f"the search '{name}' cannot be opened ({type(error).__name__})"
        raise SearchError("bad-search", text, "Check --storage, or give the search another --name.") from error
    _take_up(study)
    halt = halt or Halt()
    work = _Trials(optuna, name, plan, space, goal, data_root, listener, halt)
    while not halt.asked and _done(study) < wanted:
        before = len(study.get_trials(deepcopy=False))
        study.optimize(work, n_trials=1, catch=(FoveaError, OSError), gc_after_trial=True)
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


def load(name: str, storage: str | None = None) -> SearchResult:
    """The search of that name. Raises :class:`SearchError` ``no-such-search``."""
    optuna = _optuna()
    if storage is None and not (folder() / f"{stem(name)}.db").is_file():
        raise SearchError(
            "no-such-search", f"there is no search '{name}'", f"Searches: {', '.join(names()) or 'none'}."
        )
    try:
        study = optuna.load_study(study_name=name, storage=_storage(name, storage))
    except Exception as error:
        raise SearchError("no-such-search", f"the search '{name}' cannot be read ({type(error).__name__})") from error
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
    ) -> None:
        self._optuna, self._name, self._plan, self._space = optuna, name, plan, space
        self._goal, self._root, self._listener, self._halt = goal, data_root, listener, halt
        self.ended_by: RunError | None = None
        """Why no trial can begin: a run could not be made."""

    def __call__(self, trial: Any) -> float:
        settings = {dimension.key: _suggest(trial, dimension) for dimension in self._space}
        trial.set_user_attr("settings", settings)
        watch = _Watch(trial, self._goal, self._halt, self._listener)
        from desktop.ml.trial import run_trial  # Keras is imported with the first trial

        try:
            plan, run = self._begun(trial, with_settings(self._plan, settings))
            outcome = run_trial(plan, run, watch, watch, self._root)
        except Cancelled:
            trial.set_user_attr("epochs", watch.epochs)
            raise self._optuna.TrialPruned from None
        except (FoveaError, OSError) as error:
            trial.set_user_attr("message", str(error) or type(error).__name__)
            raise
        if not outcome.complete and self._halt.asked:
            raise SearchError("stopped", "stopped")  # without a message it does not count, and is tried again
        for key in ("val_accuracy", "val_loss", "epochs", "seconds"):
            trial.set_user_attr(key, getattr(outcome, key))
        value = outcome.val_accuracy if self._goal == "val_accuracy" else outcome.val_loss
        if not math.isfinite(value):  # with a message it counts as failed; without one it would be tried for ever
            trial.set_user_attr("message", f"its {self._goal} is no number")
            raise SearchError("not-finite", f"its {self._goal} is no number")
        return value

    def _begun(self, trial: Any, plan: TrainingPlan) -> tuple[TrainingPlan, Path]:
        """The trial's plan and the folder of its run: its own from before where it was stopped or cut off.

        The plan is called as the trial, so that the models of several searches and trials can lie side by side.
        """
        store, run = RunStore(), str(trial.user_attrs.get("run", ""))
        if run and store.folder(run).is_dir():
            held = load_plan(store.folder(run) / PLAN)  # its checkpoint knows it by this id
            return replace(plan, id=held.id, name=held.name), store.folder(run)
        name, parent = f"{self._name} #{trial.number}", f"search {self._name}"
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


def _check(plan: TrainingPlan, space: Sequence[Dimension]) -> None:
    """Refuse now what would fail in every trial: a value that goes neither with the plan nor with other values."""
    tried = {dimension.key: _tried(dimension) for dimension in space}
    for key, values in tried.items():
        others = {other: held for other, held in tried.items() if other != key}
        for value in values:
            try:
                with_settings(plan, {key: value})
            except PlanError:
                if not any(_goes(plan, {key: value, **dict(zip(others, rest, strict=True))}) for rest in _some(others)):
                    raise


def _tried(dimension: Dimension) -> tuple[str, ...]:
    """The values, or the ends of the range. Raises :class:`SearchError` for a range that is none."""
    if isinstance(dimension, Choices):
        return dimension.values
    if not dimension.low < dimension.high or (dimension.log and dimension.low <= 0):
        text = f"the range of {dimension.key} is {dimension.low:g} to {dimension.high:g}"
        raise SearchError("bad-search", text, "The smaller number first; above 0 with log.")
    ends = (dimension.low, dimension.high)
    return tuple(map(str, (int(end) for end in ends) if dimension.whole else ends))


def _some(values: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Combinations of one value each, at most some hundreds of them."""
    return itertools.islice(itertools.product(*values.values()), _COMBINED) if values else iter(())


def _goes(plan: TrainingPlan, settings: dict[str, str]) -> bool:
    try:
        with_settings(plan, settings)
    except PlanError:
        return False
    return True


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise SearchError("no-optuna", "this installation has no Optuna", "Install it: pip install optuna.") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _storage(name: str, url: str | None) -> Any:
    if url is not None:
        return url
    folder().mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(folder() / (stem(name) + '.db')).as_posix()}"


def _keep_facts(study: Any, goal: Goal, space: Sequence[Dimension]) -> None:
    facts = {"goal": goal, "space": json.loads(json.dumps([asdict(dimension) for dimension in space]))}
    for key, value in facts.items():
        held = study.user_attrs.get(key)
        if held is not None and held != value:
            what = "another goal" if key == "goal" else "other settings"
            raise SearchError(
                "bad-search", f"the search '{study.study_name}' was begun with {what}", "Give another name."
            )
        if held is None:
            study.set_user_attr(key, value)


def _done(study: Any) -> int:
    """Trials that count: finished, ended early, or failed for good; not those that were stopped or never began."""
    kinds = ("COMPLETE", "PRUNED")
    trials = study.get_trials(deepcopy=False)
    return sum(t.state.name in kinds or (t.state.name == "FAIL" and _for_good(t)) for t in trials)


def _take_up(study: Any) -> None:
    """Queue again what was stopped, or cut off with its process on this computer; each goes on in its own run."""
    store, optuna = RunStore(), _optuna()
    # With a sampler that does not watch: the grid's ends the search when the last of its points is told.
    study = optuna.load_study(
        study_name=study.study_name, storage=study._storage, sampler=optuna.samplers.RandomSampler()
    )
    queued = {trial.user_attrs.get("again") for trial in study.get_trials(deepcopy=False)}
    for trial in study.get_trials(deepcopy=False):
        run, state = str(trial.user_attrs.get("run", "")), trial.state.name
        if state == "RUNNING" and run:
            try:
                cut_off = store.get(run).state == "interrupted"
            except RunError:
                continue  # another computer's
            if not cut_off:
                continue
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        elif state != "FAIL" or _for_good(trial):
            continue
        if trial.number not in queued:
            # As enqueue_trial does, and with its place in a grid: the grid's sampler asks every trial for that.
            place = {key: trial.system_attrs[key] for key in ("grid_id", "search_space") if key in trial.system_attrs}
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.WAITING,
                    system_attrs={"fixed_params": trial.params, **place},
                    user_attrs={"again": trial.number, "run": run},
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
            )
        )
    finished = [trial for trial in out if trial.state == "done" and trial.value is not None]
    sign = 1 if goal == "val_accuracy" else -1
    best = max(finished, key=lambda trial: sign * float(trial.value or 0.0), default=None)
    return SearchResult(name, goal, tuple(out), best.number if best else None)


def _write(result: SearchResult) -> None:
    """Keep the result where the window looks for it; the database holds it in any case."""

    def write(part: Path) -> None:
        part.write_text(json.dumps(result.to_dict(), indent=1), encoding="utf-8", newline="\n")

    with contextlib.suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        write_atomically(folder() / f"{stem(result.name)}.json", write)
