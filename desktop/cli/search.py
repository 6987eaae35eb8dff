"""``fovea search``: try many settings of a training and see which won."""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop.cli import console, predict_cluster, train_plan
from desktop.cli.parser import Parser
from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.table import accuracy_words
from desktop.core.types import FoveaError
from desktop.system.csv_cells import CsvWriter
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase

_EPILOG = """\
What is varied are fields of the plan, as in 'fovea train --set':
  --vary optimizer.name=adam|sgd --vary architecture.dropout=0.1|0.2     values
  --range optimizer.rate=0.0001..0.01:log --range fit.batch=16..256:int   numbers

--grid tries every combination of values; --trials N lets Optuna's TPE choose N times, learning from what it saw.
Trials that do worse than the middle of the others at the same epoch end early (--no-prune: never). A search of the
same name goes on where it stopped. Several computers can share one: give each the same --name and --storage, for
instance postgresql://user@host/fovea.

Every trial is a run ('fovea runs show'); 'fovea train --resume RUN' makes the best one's model.

examples:
  fovea search --preset mnist-grid --name digits --grid --vary architecture.layers=flatten,D16|flatten,D32
  fovea search --data photos --name pets --trials 20 --range optimizer.rate=0.0003..0.01:log --vary fit.batch=16|32
  fovea search --show pets --plot pets.png --csv pets.csv
  fovea search --list

exit status: 0 all trials are done; 1 it failed, or there is no figure for --test; 2 wrong usage or a bad plan;
130 stopped by Ctrl-C
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    console.quiet_libraries()
    try:
        if options.list:
            return _list(options)
        if options.show:
            from desktop.ml import search

            return _tell(search.load(options.show, options.storage), options)
        if not options.name:
            parser.error("give the search a --name")
        if options.cluster and not options.storage:
            parser.error(phrase("--cluster needs --storage: a PostgreSQL database that all nodes reach"))
        if options.grid == (options.trials is not None):
            parser.error("give either --grid or --trials N")
        if not (options.plan or options.preset or options.data):
            parser.error("say what to train: --data DATA, --preset ID or --plan FILE")
        return _search(options)
    except FoveaError as error:
        console.tell_failed(error, options.json)
        return 2 if error.kind in ("bad-plan", "bad-search", "bad-address") else 1
    except KeyboardInterrupt:
        return console.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea search",
        description="Try many settings of a training and see which won.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train_plan.add_options(parser)
    what = parser.add_argument_group("the search")
    what.add_argument("--name", metavar="NAME", help="what the search is called")
    what.add_argument("--vary", action="append", default=[], metavar="KEY=A|B|C", help="values to try")
    what.add_argument(
        "--range", action="append", default=[], metavar="KEY=LOW..HIGH[:log][:int]", help="numbers to try"
    )
    what.add_argument("--grid", action="store_true", help="every combination of the values")
    what.add_argument("--trials", type=int, metavar="N", help="so many trials in all, chosen by TPE")
    what.add_argument("--goal", choices=("val_accuracy", "val_loss"), default="val_accuracy")
    what.add_argument("--no-prune", action="store_true", help="end no trial early")
    what.add_argument("--storage", metavar="URL", help="a database of its own, shared by several computers")
    predict_cluster.add_address(what)
    what.add_argument("--test", action="store_true", help="at the end measure the best trial on the test split")
    out = parser.add_argument_group("results")
    out.add_argument("--show", metavar="NAME", help="show a search instead of running one")
    out.add_argument("--list", action="store_true", help="the searches on this computer")
    out.add_argument("--csv", type=Path, metavar="FILE", help="the trials as a table")
    out.add_argument("--plot", type=Path, metavar="FILE", help="parallel coordinates, as PNG or HTML by the suffix")
    out.add_argument("--json", action="store_true", help="JSON lines instead of text; the last one is the result")
    return parser


def space_of(options: Any) -> list[Any]:
    """The dimensions that ``--vary`` and ``--range`` describe. Raises :class:`desktop.ml.search.SearchError`."""
    from desktop.ml.search import Choices, Range, SearchError

    out: list[Any] = []
    for text in options.vary:
        key, equals, values = text.partition("=")
        parts = [part.strip() for part in values.split("|") if part.strip()]
        if not equals or not key.strip() or not parts:
            raise SearchError("bad-search", phrase("'{text}' names no values", text=text), "Write KEY=A|B|C.")
        key = key.strip()
        out.append(Choices(key, tuple(dict.fromkeys(train_plan.as_setting(key, part) for part in parts))))
    for text in options.range:
        key, _, rest = text.partition("=")
        ends, *words = rest.split(":")
        low, dots, high = ends.partition("..")
        try:
            if not key.strip() or not dots or set(words) - {"log", "int"}:
                raise ValueError
            out.append(Range(key.strip(), float(low), float(high), "log" in words, "int" in words))
        except ValueError:
            raise SearchError(
                "bad-search", phrase("'{text}' is no range", text=text), "Write KEY=LOW..HIGH, with :log or :int."
            ) from None
    twice = [d.key for d in out if sum(other.key == d.key for other in out) > 1]
    if twice:
        raise SearchError("bad-search", phrase("'{twice}' is varied twice", twice=twice[0]), "Give each setting once.")
    return out


class _Teller:
    """Tells of a search while it runs: each epoch of a trial, and what came of each trial of ``wanted``."""

    def __init__(self, as_json: bool, wanted: int | None) -> None:
        self._json, self._wanted = as_json, wanted
        self._bar = console.ProgressLine()

    def hear(self, number: int, event: Any) -> None:
        """An event of the training of trial ``number``."""
        if self._json:
            console.say_json({"trial": number, **event.to_dict()})
        elif event.event == "epoch-done":
            self._bar.update(
                phrase(
                    "trial {number}: epoch {epoch}/{epochs}  validation {val_accuracy:.4f}",
                    number=number,
                    epoch=event.epoch + 1,
                    epochs=event.epochs,
                    val_accuracy=event.val_accuracy,
                )
            )

    def watch(self, number: int, epochs: int, value: float) -> None:
        """How many epochs trial ``number`` of another computer has, and what the last one reached."""
        if not self._json:
            self._bar.update(
                phrase("trial {number}: epoch {epoch}  {value:.4f}", number=number, epoch=epochs, value=value)
            )

    def ended(self, trial: Any) -> None:
        """A trial that has ended, in whichever way."""
        self.clear()
        if self._json:
            told = {"event": "trial", "number": trial.number, "state": trial.state, "value": trial.value}
            console.say_json({**told, "settings": trial.settings, "run": trial.run})
            return
        value = f"{trial.value:.4f}" if trial.value is not None else trial.message or trial.state
        chosen = "  ".join(f"{key}={_plain(text)}" for key, text in trial.settings.items())
        console.say(
            phrase(
                "trial {number} of {wanted}: {value}  ({state})  {chosen}",
                number=trial.number,
                wanted=self._wanted,
                value=value,
                state=trial.state,
                chosen=chosen,
            )
        )

    def clear(self) -> None:
        """Take the line of the epoch away."""
        self._bar.clear()


@contextlib.contextmanager
def _stopping(halt: Any) -> Iterator[None]:
    """Ctrl-C ends the search after the batch at hand; a second one at once."""

    def handle(*_: Any) -> None:
        if halt.asked:
            raise KeyboardInterrupt
        halt.asked = True
        console.note("stopping after this batch; Ctrl-C again stops now")

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _search(options: Any) -> int:
    from desktop.ml import search

    space = space_of(options)
    named = argparse.Namespace(**{**vars(options), "name": None})
    plan, sets = train_plan.plan_of(named)
    halt = search.Halt()
    teller = _Teller(options.json, search.grid_size(space) if options.grid else options.trials)
    try:
        with _stopping(halt):
            trials = None if options.grid else options.trials
            if options.cluster:
                result = _on_cluster(options, plan, space, trials, sets, teller, halt)
            else:
                result = search.run_search(
                    options.name, plan, space, trials, options.storage, options.goal, not options.no_prune, sets,
                    teller.hear, teller.ended, halt,
                )  # fmt: skip
    finally:
        teller.clear()
    tested = True
    if options.test and not halt.asked:
        tested = _tell_and_test(result, options, sets)
    else:
        _tell(result, options)
    if halt.asked:
        if not options.json:
            console.say("stopped; the same command goes on")
        return console.INTERRUPTED
    return 0 if result.best is not None and tested else 1


def _on_cluster(
    options: Any, plan: Any, space: Any, trials: int | None, sets: Path | None, teller: _Teller, halt: Any
) -> Any:
    """As :func:`desktop.ml.search.run_search`, by the nodes of a cluster."""
    predict_cluster.require(options.cluster)
    from desktop.cluster import searching
    from desktop.cluster.connection import connected

    def heard(news: Any) -> None:
        teller.clear()
        console.note(predict_cluster.node_words(news))

    with connected(options.cluster) as ray:
        return searching.run_search(
            ray, options.name, plan, space, trials, options.storage, options.goal, not options.no_prune, sets, heard,
            teller.watch, teller.ended, halt,
        )  # fmt: skip


def _tell_and_test(result: Any, options: Any, sets: Path | None) -> bool:
    """Tell what was found, then how the best trial does on the test split; whether there is a figure of that.

    The test may take long, or fail: what was found is told before, or is at least on disk.
    """
    if options.json:  # its last line holds everything
        _write_files(result, options)
        test, why = _test(result, sets)
        _tell(result, options, test, why)
        return test is not None
    _tell(result, options)
    test, why = _test(result, sets)
    console.say(_of_test(test) if test is not None else phrase("no figure on the test split: {why}", why=why))
    if test is not None:
        _write_files(result, options, test)
    return test is not None


def _test(result: Any, sets: Path | None) -> tuple[tuple[float, int] | None, str]:
    """The best trial on the test split, opened now, once: accuracy and number of pictures, or why there are none."""
    from desktop.ml.plans import plan as plans
    from desktop.ml.trial import run_trial
    from desktop.store.runs import PLAN, RunStore

    best = result.best_trial
    if best is None:
        return None, phrase("no trial has finished")
    if not _is_here(best.run):
        return None, phrase("the run of trial {number} is not on this computer", number=best.number)
    folder = RunStore().folder(best.run)
    try:
        plan = plans.load(folder / PLAN)
        outcome = run_trial(plan, folder, data_root=sets, open_test=True)
    except FoveaError as error:
        return None, error.message
    if outcome.test_accuracy is not None:
        return (outcome.test_accuracy, outcome.test_n), ""
    if not plan.data.use_test:
        return None, phrase("the plan leaves it closed (data.use_test)")
    return None, phrase("this data has none") if outcome.complete else phrase("the training was stopped")


def _is_here(run: str) -> bool:
    """Whether the run of a trial lies on this computer: others may share the search, and runs can be deleted."""
    from desktop.store.runs import RunError, RunStore

    try:
        return RunStore().folder(run).is_dir()
    except RunError:
        return False


def _of_test(test: tuple[float, int]) -> str:
    return phrase("accuracy on the test split {accuracy}", accuracy=accuracy_words(*test))


def _tell(result: Any, options: Any, test: tuple[float, int] | None = None, why: str = "") -> int:
    """Write the files that are asked for and say what was found."""
    _write_files(result, options, test)
    keys, head, rows = _table(result)
    best, summary = result.best_trial, _summary(result, test)
    if options.json:
        raw = result.to_dict() | {"event": "result", "summary": summary, "results": [list(row) for row in rows]}
        if test is not None or why:
            raw["test"] = {"accuracy": test[0], "n": test[1]} if test is not None else {"message": why}
        console.say_json(raw)
        return 0
    console.say(console.table([head, *rows], right=(0, len(keys) + 1, len(keys) + 2, len(keys) + 3)))
    console.say(summary)
    if best is not None:
        here = phrase("'fovea train --resume {run}' makes its model", run=best.run)
        console.say(here if _is_here(best.run) else "its run is not on this computer: no model can be made of it here")
    return 0


def _table(result: Any) -> tuple[list[str], tuple[str, ...], list[tuple[str, ...]]]:
    """The settings that were varied, and the trials as a table, the best first: its head and its rows."""
    keys = list(dict.fromkeys(key for trial in result.trials for key in trial.settings))
    head = ("trial", *keys, result.goal, "epochs", "time", "state", "run")
    sign = 1 if result.goal == "val_accuracy" else -1
    ranked = sorted(result.trials, key=lambda t: (t.value is None, -sign * (t.value or 0.0), t.number))
    rows = [
        (
            str(trial.number),
            *(_plain(trial.settings.get(key, "")) for key in keys),
            _value(result.goal, trial),
            str(trial.epochs),
            f"{trial.seconds:.0f} s",
            trial.state,
            trial.run,
        )
        for trial in ranked
    ]
    return keys, head, rows


def _value(goal: str, trial: Any, whole: bool = False) -> str:
    """What a trial reached; of too few validation pictures nothing. ``whole``: with interval and number of pictures."""
    if trial.value is None:
        return ""
    if goal == "val_accuracy" and whole:
        return accuracy_words(trial.value, trial.val_n)
    if goal == "val_accuracy" and 0 < trial.val_n < FEWEST:
        return phrase("{hits} of {n}", hits=round(trial.value * trial.val_n), n=trial.val_n)
    return f"{trial.value:.4f}"


def _summary(result: Any, test: tuple[float, int] | None) -> str:
    best = result.best_trial
    if best is None:
        return phrase("no trial has finished yet")
    chosen = [f"{key} {_plain(text)}" for key, text in best.settings.items()]
    n = phrase(", n = {count:,}", count=best.val_n) if result.goal == "val_loss" and best.val_n else ""
    summary: str = phrase(
        "best {goal} of {count} trials {value}{n}: {chosen}",
        goal=result.goal,
        count=len(result.trials),
        value=_value(result.goal, best, whole=True),
        n=n,
        chosen=chosen,
    )
    if len(result.trials) > 1:
        said = phrase("the best of several looks better than it is: --test measures it on other pictures")
        summary = f"{summary}; {said}"
    return summary if test is None else f"{summary}; {_of_test(test)}"


def _write_files(result: Any, options: Any, test: tuple[float, int] | None = None) -> None:
    """The table and the plot, where they are asked for."""
    keys, head, rows = _table(result)
    if options.csv:
        held = io.StringIO()
        writer = CsvWriter(held, "\n")
        writer.writerow(head)
        writer.writerows(rows)
        _put(options.csv, held.getvalue())
    if options.plot:
        _plot(result, keys, head, rows, _summary(result, test), options.plot)


def _plot(result: Any, keys: list[str], head: Any, rows: Any, summary: str, path: Path) -> None:
    from desktop.report.parallel import TrialLine, as_page, as_png, parallel_figure

    lines = [
        TrialLine(tuple(_plain(t.settings.get(key, "")) for key in keys), t.value if t.state == "done" else None)
        for t in result.trials
        if t.settings
    ]
    figure = parallel_figure(result.name, keys, lines, result.goal, result.goal == "val_accuracy")
    if path.suffix.lower() in (".html", ".htm"):
        page = as_page(f"Search {result.name}", summary, figure, head, rows)
        _put(path, page)
    else:
        _put(path, as_png(figure))


def _put(path: Path, content: str | bytes) -> None:
    with saying(f"'{path.name}'", disk_of(path)):
        write_atomically(path, content)


def _list(options: Any) -> int:
    from desktop.ml import search

    found = [result for name in search.names() if (result := search.read_kept(name)) is not None]
    if options.json:
        console.say_json([result.to_dict() for result in found], indent=1)
        return 0
    if not found:
        console.say("no searches yet; 'fovea search --help' shows how to begin one")
        return 0
    rows: list[tuple[str, ...]] = [("search", "trials", "goal", "best", "settings")]
    for result in found:
        best = result.best_trial
        value = _value(result.goal, best, whole=True) if best is not None else ""
        chosen = ", ".join(f"{k}={_plain(v)}" for k, v in best.settings.items()) if best is not None else ""
        rows.append((result.name, str(len(result.trials)), result.goal, value, chosen))
    console.say(console.table(rows, right=(1, 3)))
    return 0


def _plain(text: str) -> str:
    """A setting's value for people: lists without their signs, numbers in four digits."""
    if text.startswith("["):
        return text.strip("[]").replace('"', "").replace(", ", ",")
    try:
        number = float(text)
    except ValueError:
        return text
    return text if len(text) <= 6 else f"{number:.4g}"
