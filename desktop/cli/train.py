"""``fovea train``: train a classifier on pictures, evaluate it and put it into the store."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.cli import console, train_plan
from desktop.cli.parser import Parser
from desktop.core.notices import medical_notice
from desktop.core.types import CROSSED, FoveaError
from desktop.system.duration import duration
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase, worded

if TYPE_CHECKING:
    from desktop.ml.plans.plan import TrainingPlan

_EPILOG = """\
A training is kept as a run: its plan, which pictures were on which side, its curves, and a checkpoint of every epoch
('fovea runs list'). --resume takes it up exactly where it stopped, also after a crash. Ctrl-C once: stop after this
batch, with a checkpoint; twice: stop now (the last checkpoint is kept).

examples:
  fovea train --data photos --name "My pets"
  fovea train --preset mnist-lenet --name digits --epochs 5
  fovea train --data photos --from cifar10 --how features --name pets
  fovea train --data photos --architecture C32k3s,P2,flatten,D128 --size 64 --set optimizer.rate=0.002 --name small
  fovea train --resume last

With --json every event is one JSON object a line ("event": started, phase, batch-done, epoch-done, note, checkpointed,
finished); the run and the model's figures come as "event": "run" and "model".

exit status: 0 the model is in the store; 1 it failed; 2 wrong usage or a bad plan; 130 stopped by Ctrl-C
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    console.quiet_libraries()
    if options.list_presets:
        return _list_presets(options.json)
    if options.resume is not None:
        others = [flag for flag in _given(parser, options) if flag not in ("--resume", "--data", "--out", "--json")]
        if others:
            parser.error(
                phrase("a run that is taken up keeps its plan: --resume goes without {others}", others=list(others))
            )
    if options.resume is None and not (options.plan or options.preset or options.data):
        parser.error("say what to train: --data DATA, --preset ID, --plan FILE or --resume RUN")
    if options.list_starts and not options.data:
        parser.error("--list-starts goes with --data DATA")
    try:
        return _list_starts(options) if options.list_starts else _run(options)
    except FoveaError as error:
        console.tell_failed(error, options.json)
        return 2 if error.kind == "bad-plan" else 1
    except KeyboardInterrupt:
        return console.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea train",
        description="Train a classifier, evaluate it and put it into the store.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train_plan.add_options(parser)
    run = parser.add_argument_group("the run")
    run.add_argument("--name", metavar="NAME", help="what the model is called")
    run.add_argument("--resume", metavar="RUN", help="take up a run: its id, its folder, or 'last'")
    run.add_argument("--run", type=Path, metavar="DIR", help="a folder of your own for the run (default: the runs)")
    run.add_argument("--out", type=Path, metavar="DIR", help="the model folder (default: the user's models)")
    run.add_argument("--save-plan", type=Path, metavar="FILE", help="write the plan to FILE and train nothing")
    run.add_argument("--exact", action="store_true", help="keep exact copies together, do not look for near ones")
    run.add_argument("--list-presets", action="store_true", help="show the named systems and end")
    run.add_argument(
        "--list-starts",
        action="store_true",
        help="with --data: show what a training of these pictures can begin from, with the expected time, and end",
    )
    run.add_argument("--json", action="store_true", help="events as JSON lines")
    return parser


def _given(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[str]:
    """The options that say something else than their default, as they are written."""
    flags = {action.dest: action.option_strings[-1] for action in parser._actions if action.option_strings}
    return [flags[name] for name, value in vars(options).items() if value != parser.get_default(name)]


class Stop(console.Interrupts):
    """Ctrl-C asks to stop after this batch; the second one stops at once."""

    def __init__(self) -> None:
        super().__init__("stopping after this batch; Ctrl-C again stops now")
        self._told = False

    def command(self) -> Any:
        """What the training asks for after every step."""
        if self.asked and not self._told:
            self._told = True
            return "stop-after-batch"
        return None


def _run(options: Any) -> int:
    from desktop.ml.plans import plan as plans
    from desktop.store.runs import PLAN

    sets = moved = None
    if options.resume:
        folder = _held_run(options.resume)
        chosen = plans.load(folder / PLAN)
        sets, moved = _moved(chosen, options.data) if options.data else (None, None)
    else:
        chosen, sets = train_plan.plan_of(options)
        if options.save_plan:
            with saying(phrase("the plan"), disk_of(options.save_plan)):
                write_atomically(options.save_plan, chosen.to_json())
            console.note(
                phrase("the plan was written; 'fovea train --plan {name}' trains it", name=options.save_plan.name)
            )
            return 0
        chosen, folder = _started(chosen, options)
    teller: Any = JsonTeller() if options.json else TextTeller()
    teller.run(folder.name, chosen)
    try:
        with Stop() as stop:
            from desktop.ml import job  # Keras takes seconds: Ctrl-C is ours before

            finished = job.execute(folder, teller, stop, sets, options.out, teller.model, moved)
    finally:
        teller.close()
    if finished.state == "failed":
        if not options.json:
            console.complain(finished.message, finished.hint)
        return 2 if finished.kind == "bad-plan" else 1
    if not options.json:
        console.say(finished.message)
        if finished.state == "done" and options.out is None:
            console.say(phrase("'fovea predict --model {model_id} PICTURE' asks it", model_id=finished.model_id))
        if finished.state != "done":
            console.say(phrase("'fovea train --resume {name}' takes it up", name=folder.name))
    return 0 if finished.state == "done" else console.INTERRUPTED


def _held_run(given: str) -> Path:
    """The folder of the run to take up. Raises :class:`desktop.store.runs.RunError`."""
    from desktop.store.runs import PLAN, RunError, RunStore

    if (Path(given) / PLAN).is_file():
        return Path(given)
    store = RunStore()
    if given == "last":
        waiting = [record for record in store.list() if record.state in ("interrupted", "stopped", "failed")]
        if not waiting:
            raise RunError("no-such-run", "there is no run to take up", "'fovea runs list' shows the runs there are.")
        return store.folder(waiting[0].id)
    store.get(given)
    return store.folder(given)


def _moved(plan: Any, given: str) -> tuple[Path | None, Path | None]:
    """``--data`` with ``--resume``: where the public sets lie, or where the user's own pictures lie now.

    Raises :class:`desktop.core.data.dataset.DatasetError` for a path that holds no labelled pictures, before the run
    hears of it.
    """
    from desktop.core.data.dataset import ALL
    from desktop.core.data.open_data import open_dataset
    from desktop.ml.plans.plan import USER

    if plan.data.source != USER:
        return Path(given), None
    open_dataset(given, ALL)
    return None, Path(given).absolute()


def _started(plan: TrainingPlan, options: Any) -> tuple[TrainingPlan, Path]:
    """A new run of ``plan``, among the runs or in a folder of the user's own; the plan as it was kept."""
    from desktop.app import starting
    from desktop.store.runs import RunStore

    wanted = plan.id
    if options.run is not None:
        plan = plan if options.out is not None else starting.with_free_id(plan)
        folder = _own_run(plan, options.run)
    else:
        plan, record = starting.start_training(plan, own_place=options.out is not None)
        folder = RunStore().folder(record.id)
    if plan.id != wanted:
        console.note(
            phrase(
                "there is a model or an unfinished training '{wanted}': this one becomes '{id}'",
                wanted=wanted,
                id=plan.id,
            )
        )
    return plan, folder


def _own_run(plan: TrainingPlan, own: Path) -> Path:
    from desktop.store.runs import CHECKPOINT, HISTORY, PLAN, RECORD, RunError
    from desktop.system.files import write_atomically

    if any((own / name).exists() for name in (RECORD, PLAN, CHECKPOINT, HISTORY)):
        hint = phrase("'fovea train --resume {own}' takes it up; for a new one name another folder.", own=own)
        raise RunError("run-exists", phrase("the folder '{name}' holds a run already", name=own.name), hint)
    own.mkdir(parents=True, exist_ok=True)
    write_atomically(own / PLAN, plan.to_json())
    return own


class TextTeller:
    """Events in lines for people; what is under way in between on a terminal."""

    def __init__(self) -> None:
        self._bar = console.ProgressLine()

    def run(self, name: str, plan: Any) -> None:
        """The run that begins."""
        console.say(phrase("run {name}: {name2}", name=name, name2=console.printable(plan.name)))

    def __call__(self, event: Any) -> None:
        from desktop.ml.plans.events import EpochDone, Note, Phase, Started, TrainBatchDone

        if isinstance(event, TrainBatchDone):
            self._bar.update(
                phrase(
                    "epoch {epoch}  batch {step}/{steps}  loss {loss:.4f}  accuracy {accuracy:.4f}  "
                    "{images_per_s:,.0f} pictures/s",
                    epoch=event.epoch + 1,
                    step=event.step,
                    steps=event.steps,
                    loss=event.loss,
                    accuracy=event.accuracy,
                    images_per_s=event.images_per_s,
                )
            )
            return
        if isinstance(event, Phase):
            what = worded(_PHASES.get(event.name, event.name))
            if event.total:
                self._bar.update(phrase("{what}: {done:,} of {total:,}", what=what, done=event.done, total=event.total))
            else:
                self._bar.update(what)
            return
        self._bar.clear()
        if isinstance(event, Started):
            left = (
                phrase("epochs {epoch} to {epochs}", epoch=event.epoch + 1, epochs=event.epochs)
                if event.epoch < event.epochs
                else phrase("no epoch left")
            )
            pictures = phrase(
                "{train} training and {validation} validation pictures", train=event.train, validation=event.validation
            )
            if event.folds:
                pictures = phrase(
                    "{train} pictures, cross-validated in {folds} parts", train=event.train, folds=event.folds
                )
            console.say(
                phrase(
                    "{parameters} parameters on {device}; {pictures}; {left}",
                    parameters=event.parameters, device=event.device, pictures=pictures, left=left,
                )
            )  # fmt: skip
        elif isinstance(event, EpochDone):
            marks = ["", phrase("best")] if event.best else [""]
            marks += [phrase("{time} left", time=duration(event.left_s))] if event.left_s > 0 else []
            console.say(
                phrase(
                    "epoch {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}  validation loss "
                    "{val_loss:.4f}  accuracy {val_accuracy:.4f}  {seconds:.0f} s{marks}",
                    epoch=event.epoch + 1,
                    epochs=event.epochs,
                    loss=event.loss,
                    accuracy=event.accuracy,
                    val_loss=event.val_loss,
                    val_accuracy=event.val_accuracy,
                    seconds=event.seconds,
                    marks="  ".join(marks),
                )
            )
        elif isinstance(event, Note):
            console.say(console.printable(event.text))

    def model(self, manifest: Any) -> None:
        """The finished model's figures."""
        self._bar.clear()
        from desktop.core.figures.table import card_words

        for metric in manifest.metrics:
            console.say(f"{card_words(metric.name, metric.shown())}; {metric.split}")
        if any(metric.split == CROSSED for metric in manifest.metrics):
            console.say(
                phrase(
                    "'fovea evaluate --model {id} --cross-validation' shows which pictures it took for what",
                    id=manifest.id,
                )
            )
        if manifest.medical:
            console.say(medical_notice(True))

    def close(self) -> None:
        """The end of it."""
        self._bar.clear()


class JsonTeller:
    """Events as JSON lines."""

    def run(self, name: str, plan: Any) -> None:
        """The run that begins."""
        told = {"event": "run", "run": name, "name": plan.name, "preset": plan.preset}
        self._say({**told, "notice": medical_notice(plan.medical)})

    def __call__(self, event: Any) -> None:
        self._say(event.to_dict())

    def model(self, manifest: Any) -> None:
        """The finished model's figures."""
        from dataclasses import asdict

        metrics = [asdict(metric) for metric in manifest.metrics]
        notice = medical_notice(manifest.medical)
        self._say({"event": "model", "id": manifest.id, "metrics": metrics, "notice": notice})

    def close(self) -> None:
        """Nothing is open."""
        sys.stdout.flush()

    def _say(self, values: dict[str, Any]) -> None:
        console.say_json(values)


_PHASES = {
    "data": phrase("preparing pictures"),
    "features": phrase("computing features"),
    "calibrating": phrase("calibrating"),
    "exporting": phrase("exporting"),
    "evaluating": phrase("evaluating"),
    "writing": phrase("writing the model"),
}


def _list_presets(as_json: bool) -> int:
    from desktop.ml.plans.presets import PRESETS

    if as_json:
        keys = ("id", "title", "description", "data_hint", "reported", "shape")
        console.say_json([{key: getattr(preset, key) for key in keys} for preset in PRESETS.values()], indent=1)
        return 0
    rows: list[tuple[str, ...]] = [("preset", phrase("made for"), phrase("what it is"))]
    rows += [(preset.id, worded(preset.data_hint), worded(preset.title)) for preset in PRESETS.values()]
    console.say(console.table(rows))
    return 0


def _list_starts(options: Any) -> int:
    """The starting points of the wizard, the recommended one first, with what each is expected to take."""
    from desktop.app import expected_time, recipes
    from desktop.ml.plans.base_models import usable
    from desktop.ml.plans.presets import DEFAULT, find
    from desktop.store.store import ModelStore

    data, labels, seen, pictures = train_plan.looked_at(options)
    found: list[dict[str, Any]] = []
    slowness = expected_time.trial()
    best = recipes.recommended(seen)
    plan = recipes.make_plan("fresh", data, labels, seen)
    own = find(DEFAULT)
    ways: list[tuple[str, str, str, TrainingPlan, Any]] = [
        ("fresh", "", worded(own.title), plan, None),
        *(
            (
                recipe.id,
                model.id,
                worded(recipe.title).format(model.name),
                recipes.make_plan(recipe.id, data, labels, seen, model=model),
                model,
            )
            for recipe, model in recipes.beginnings(usable(ModelStore().entries()))
        ),
    ]
    for how, start, title, made, model in sorted(ways, key=lambda way: (way[0], way[1]) != best):
        seconds = expected_time.seconds(made, pictures, slowness, model)
        found.append(
            {
                "how": how,
                "from": start or None,
                "title": title,
                "recommended": (how, start) == best,
                "seconds": None if seconds is None else round(seconds),
            }
        )
    if options.json:
        console.say_json(found, indent=1)
        return 0
    rows: list[tuple[str, ...]] = [(phrase("options"), phrase("expected time"), phrase("what it is"))]
    for one in found:
        words = f"--from {one['from']} --how {one['how']}" if one["from"] else f"--preset {DEFAULT}"
        told = duration(one["seconds"]) if one["seconds"] is not None else "?"
        title = phrase("{title} (recommended)", title=one["title"]) if one["recommended"] else one["title"]
        rows.append((words, told, title))
    console.say(console.table(rows))
    return 0
