"""``fovea evaluate``: how good a model is on labelled pictures, with intervals, tables and a report."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from desktop.app import evaluating, exports
from desktop.app.evaluating import Comparison, Evaluation
from desktop.cli import console, predict_cluster
from desktop.cli.parser import Parser, add_layout
from desktop.core.data.dataset import DatasetError, LabelledDataset
from desktop.core.data.label_map import parse_pairs
from desktop.core.data.open_data import open_dataset
from desktop.core.figures.intervals import FEWEST, Estimate
from desktop.core.figures.intervals import shown as figures_shown
from desktop.core.figures.public_names import public_naming
from desktop.core.figures.result import EvaluationResult, Figures, figures
from desktop.core.figures.table import CLASS_METRICS, METRICS, by_key, rows_of, written
from desktop.core.figures.works_here import compatible_with_card
from desktop.core.notices import NOTICES
from desktop.core.types import FoveaError, StoreError
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import EvaluationProgress, EventEngine
from desktop.store.model_facts import model_facts
from desktop.store.store import ModelEntry, ModelStore
from desktop.system.duration import duration
from desktop.system.words import Template, phrase

_SHOWN_CLASSES = 30
_SHOWN_PROBLEMS = 10
_USAGE_KINDS = frozenset(
    {
        "needs-layout",
        "bad-layout",
        "bad-map",
        "labels-differ",
        "bad-threshold",
        "bad-suffix",
        "split-needed",
        "no-split",
        "bad-address",
    }
)

_EPILOG = """\
DATA is a folder with one folder for each class (with or without train, val, test folders above them), an .npz file in
Keras' layout, MNIST's IDX files, or CIFAR-10's python batches. Without --split the split 'test' is taken where there
is one. Class names that are not the model's labels are mapped with --map; nothing is guessed, but names that differ in
upper and lower case only are taken for the same and the fact is told.

exit status: 0 every picture was answered; 1 some were not (they are listed and never counted), or the model or the
data cannot be used; 2 wrong usage, an unknown model or class mapping among it; 130 stopped by Ctrl-C (what was
answered by then is kept as an incomplete result, which Evaluate in the window opens).
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 all answered, 1 some failed, 2 usage)."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.cluster and (options.out or options.resume or options.send_pictures):
        parser.error(phrase("--out, --resume and --send-pictures go with --cluster"))
    if options.out and options.resume:
        parser.error(phrase("--cluster needs either --out FOLDER or --resume FOLDER"))
    if bool(options.data) == options.cross_validation:
        parser.error(phrase("name either DATA or --cross-validation"))
    if options.cross_validation and (options.cluster or options.compare or options.reuse):
        parser.error(phrase("--cross-validation answers no picture anew; it goes without a cluster and --compare"))
    store = ModelStore()
    try:
        _check_outputs(options)
        if options.cluster:
            predict_cluster.require(options.cluster)
        entries = [store.require(name) for name in (options.model, options.compare) if name]
        for entry in entries:
            assert entry.manifest is not None
            model_facts(entry.manifest, options.threshold)
        return _crossed(options, entries[0]) if options.cross_validation else _run(options, entries)
    except FoveaError as error:
        console.complain(console.printable(error.message), console.printable(error.hint))
        usage = error.kind in _USAGE_KINDS or (isinstance(error, StoreError) and error.kind == "no-such-model")
        return 2 if usage else 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea evaluate",
        description="Measure a model on labelled pictures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", required=True, metavar="ID", help="the model; 'fovea models list' names them")
    add("data", metavar="DATA", nargs="?", help="labelled pictures: class folders, .npz, IDX or CIFAR batches")
    add(
        "--cross-validation", action="store_true",
        help="instead of DATA: what the model's own cross-validation kept of the pictures that it was made of",
    )  # fmt: skip
    add_layout(parser)
    add("--split", metavar="S", help="which of the data's splits; 'all' for all of them")
    add(
        "--map", action="append", default=[], metavar="A=B", help="class A of the data is label B; empty B: leave A out"
    )
    add("--map-numbers", action="store_true", help="classes called 0, 1, 2 … are the model's own label numbers")
    add("--threshold", type=float, metavar="T", help="two labels: the score from which on the positive one is answered")
    add("--compare", metavar="ID2", help="a second model on the same pictures, with McNemar's test")
    add("--json", metavar="FILE", help="all figures, for programs ('-': stdout instead of the table)")
    add("--csv", metavar="FILE", help="one row for every picture")
    add("--report", metavar="FILE", help="a report to hand on: .html or .pdf")
    add("--no-pictures", action="store_true", help="no pictures in the report")
    add(
        "--keep-names", action="store_true",
        help="show all file names: a medical model's, and those that read like a person's, become numbers otherwise",
    )  # fmt: skip
    add("--key", action="store_true", help="write beside each file which number is which picture; not to be handed on")
    add("--reuse", action="store_true", help="take the kept result where the same model saw the same data before")
    about = phrase(
        "The nodes of a Ray cluster answer the pictures, each as this computer would; they lie on storage that\n"
        "all nodes reach by the same paths, or are sent. docs/cluster.md tells how to set a cluster up."
    )
    group = parser.add_argument_group("on a cluster", about)
    predict_cluster.add_address(group)
    group.add_argument("--out", type=Path, metavar="FOLDER", help="keep the answers in this new folder, to go on later")
    group.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with the answers in this folder")
    predict_cluster.add_sending(group)
    return parser


def _check_outputs(options: argparse.Namespace) -> None:
    """Wrong file names and missing folders come before the work, not after it."""
    if options.report:
        exports.export_for("evaluation", options.report, reports=True)
    for name in (options.json, options.csv, options.report):
        if name and name != "-" and not Path(name).absolute().parent.is_dir():
            raise FoveaError(
                "bad-suffix", phrase("the folder for '{name}' is not there", name=Path(name).name), "Make it first."
            )


def _run(options: argparse.Namespace, entries: Sequence[ModelEntry]) -> int:
    progress = console.ProgressLine()
    try:
        data = open_dataset(
            options.data,
            options.split,
            lambda done, total: progress.update(phrase("looking: {done:,} files …", done=done)),
        )
    except DatasetError as error:
        if error.kind == "split-needed":
            raise DatasetError(error.kind, error.message, "Choose one with --split.") from None
        raise
    progress.clear()
    if options.json != "-":
        _say_data(data)
    done: list[Evaluation] = []
    comparison: Comparison | None = None
    stopping = "stopping; what was answered by now is kept; Ctrl-C again stops at once and keeps nothing"
    with _engines(options, progress) as engine, console.Interrupts(stopping) as stop:
        for entry in entries:
            try:
                with engine(entry) as client:
                    found = _one(options, entry, data, client, progress, lambda: stop.asked)
            except FoveaError as error:
                if error.kind != "stopped":
                    raise
                console.note("stopped before the first answer: nothing is kept, no file was written")
                return console.INTERRUPTED
            if found.trouble:
                console.complain(found.trouble)  # the figures are still worth printing
            if not found.result.complete:
                return _stopped(found.result)
            # The engine tells its versions once, when it starts.
            versions = found.result.versions or (done[0].result.versions if done else {})
            done.append(replace(found, result=replace(found.result, versions=versions)))
        first = done[0]
        if len(done) == 2:
            comparison = evaluating.compare(first.result, first.figures, done[1].result, done[1].figures)
        with contextlib.ExitStack() as stack:
            local = None
            if options.report and not options.no_pictures:  # small pictures are no work for a cluster
                here = EngineClient() if options.cluster else engine(entries[0])
                local = stack.enter_context(here)
            _write(options, first, comparison, data, local)
    if options.json != "-":
        for found in done:
            _say_result(found.result, found.figures, options.keep_names)
        if comparison is not None:
            console.say("\n" + _comparison(first.result, comparison))
    return 1 if any(found.result.skipped for found in done) else 0


def _crossed(options: argparse.Namespace, entry: ModelEntry) -> int:
    """Print and write what was kept of a model's cross-validation; no picture is answered anew."""
    found = evaluating.crossed(entry, options.threshold)
    data, wanted = None, bool(options.report) and not options.no_pictures
    if wanted:
        with contextlib.suppress(FoveaError):  # without its pictures the report has their names
            data = open_dataset(found.result.data.root, found.result.data.split_to_open)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(EngineClient()) if data is not None else None
        _write(options, found, None, data, client)
    if options.json != "-":
        _say_result(found.result, found.figures, options.keep_names)
    return 0


Engines = Callable[[ModelEntry], contextlib.AbstractContextManager[EventEngine]]


@contextlib.contextmanager
def _engines(options: argparse.Namespace, progress: console.ProgressLine) -> Iterator[Engines]:
    """What answers for a model: the engine of this computer, or the workers of a cluster."""
    if not options.cluster:
        with EngineClient() as client:
            yield lambda entry: contextlib.nullcontext(client)
        return
    from desktop.cluster.connection import connected
    from desktop.cluster.engine import ClusterEngine, open_folder

    folder = options.out or options.resume
    if folder is not None:
        open_folder(folder, again=bool(options.resume))

    def heard(news: object) -> None:
        progress.clear()
        console.note(predict_cluster.node_words(news))

    progress.update("starting …")
    with connected(options.cluster) as ray:
        yield lambda entry: ClusterEngine(ray, entry.id, ModelStore(), heard, options.send_pictures, folder)


def _one(
    options: argparse.Namespace,
    entry: ModelEntry,
    data: LabelledDataset,
    client: EventEngine,
    progress: console.ProgressLine,
    stopped: Callable[[], bool],
) -> Evaluation:
    """One model's result: kept, or measured now and kept; incomplete where ``stopped`` said so meanwhile."""
    assert entry.manifest is not None
    told = parse_pairs(options.map, data.classes)
    # The window offers it from now on; on the command line nothing is matched unasked.
    heard, remember = console.complain, bool(options.map)
    labels = evaluating.labels_for(entry, data, told, options.map_numbers, remember, heard)
    if options.json != "-":
        if entry.manifest.medical:
            console.note(NOTICES["medical"].text)
        for text in labels.notes:
            console.note(phrase("fovea: {text}", text=console.printable(text)))
    if options.reuse:
        held = evaluating.find_kept(entry, data, labels, data.fingerprint(), options.threshold, heard)
        if held is not None:
            return Evaluation(held, figures(held))

    def say(state: EvaluationProgress) -> None:
        share = f"{state.done:,} of {state.total:,}"
        answered = state.done - state.skipped
        right = f", {state.right / answered:.1%} right" if answered >= FEWEST else ""
        left = f", {duration(state.left_s)} left" if state.left_s is not None else ""
        progress.update(f"{share}{right}{left}")

    try:
        return evaluating.evaluate_and_keep(client, entry, data, labels, options.threshold, say, cancelled=stopped)
    finally:
        progress.clear()


def _stopped(result: EvaluationResult) -> int:
    """Tell of a result that was stopped early; no file is written of it."""
    right = int((result.predicted == result.truth).sum())
    console.note(
        phrase(
            "stopped early: {right:,} of the {count:,} answered pictures are right, about the "
            "same share of every class was seen; kept as incomplete (Evaluate in the window "
            "opens it), no file was written",
            right=right,
            count=len(result),
        )
    )
    return console.INTERRUPTED


# Files


def _write(
    options: argparse.Namespace,
    found: Evaluation,
    comparison: Comparison | None,
    data: LabelledDataset | None,
    client: EventEngine | None,
) -> None:
    other = (comparison.result, comparison.figures, comparison.paired) if comparison is not None else None
    pictures = exports.pictures_by(client, found.result, data) if client is not None and data is not None else None
    saved = exports.ToSave(found.result, found.figures, other, pictures, options.keep_names, options.key)
    for name, ending in ((options.report, ""), (options.csv, ".csv"), (options.json, ".json")):
        if name == "-" and ending == ".json":
            console.say(exports.figures_text(saved).rstrip("\n"))
        elif name:
            exports.save_evaluation(saved, Path(name), ending=ending)


# Text for people


def _say_data(data: LabelledDataset) -> None:
    for problem in data.problems[:_SHOWN_PROBLEMS]:
        console.note(phrase("fovea: {message}", message=console.printable(problem.message)))


def _say_result(result: EvaluationResult, numbers: Figures, keep_names: bool) -> None:
    model, data = result.model, result.data
    where = (
        Template("{name} ({id}) on '{title}', split '{split}'")
        if data.split
        else Template("{name} ({id}) on '{title}'")
    )
    console.say(phrase(where, name=model.name, id=model.id, title=console.printable(data.title), split=data.split))
    console.say(
        phrase(
            "{count:,} images, {elapsed_s:.1f} s on {value}",
            count=len(result),
            elapsed_s=result.elapsed_s,
            value=result.device or phrase("the engine"),
        )
    )
    console.say(phrase("fingerprint {fingerprint}\n", fingerprint=data.fingerprint))
    if result.how:
        console.say(f"{result.how}\n")
    if result.unanswered:
        console.say(phrase("CAUTION: {unanswered}\n", unanswered=console.printable(result.unanswered)))
    rows = [("figure", "value", "95 % interval")]
    positive = console.printable(model.labels[model.positive]) if model.positive is not None else ""
    rows += [(row.titled(positive), *written(row, estimate)) for row, estimate in rows_of(numbers)]
    console.say(console.table(rows, right=(1,)))
    for compared in compatible_with_card(result, numbers):
        console.say(phrase("\nDoes it work here? {sentence}", sentence=console.printable(compared.verdict.sentence)))
    if numbers.persons is not None:
        console.say(
            phrase(
                "\nThe intervals rest on the {persons:,} people or cases that the names tell of.",
                persons=numbers.persons,
            )
        )
    if len(model.labels) <= _SHOWN_CLASSES:
        console.say("\n" + _class_table(numbers))
        console.say("\n" + _matrix_table(numbers, model.labels))
    naming = public_naming(result, keep_names)
    for item in result.skipped[:_SHOWN_PROBLEMS]:
        console.note(
            phrase(
                "no answer: {naming}: {clean}",
                naming=console.printable(naming(item.name)),
                clean=naming.clean(item.message),
            )
        )
    if len(result.skipped) > _SHOWN_PROBLEMS:
        console.note(
            phrase("and {count:,} more without an answer; --csv lists all", count=len(result.skipped) - _SHOWN_PROBLEMS)
        )


def _class_table(numbers: Figures) -> str:
    columns = [row for row in CLASS_METRICS if not row.wide]
    rows: list[tuple[str, ...]] = [
        ("class", "images", "answers", *(row.title if row.title.isupper() else row.title.lower() for row in columns))
    ]
    for c in numbers.classes:
        cells = (_short(row.get(c)) for row in columns)
        rows.append((console.printable(c.label), f"{c.support:,}", f"{c.predicted:,}", *cells))
    return console.table(rows, right=(1, 2))


def _short(e: Estimate | None) -> str:
    e = figures_shown(e) if e is not None else None
    if e is None or e.value is None or e.low is None or e.high is None:
        return f"– ({e.reason})" if e is not None else "–"
    return f"{e.value:.3f} ({e.low:.3f}–{e.high:.3f})"


def _matrix_table(numbers: Figures, labels: tuple[str, ...]) -> str:
    names = [console.printable(label) for label in labels]
    short = [name if len(name) <= 9 else f"{name[:8]}…" for name in names]
    rows = [("truth \\ answer", *short)]
    rows += [(name, *(f"{n:,}" for n in row)) for name, row in zip(names, numbers.matrix.tolist(), strict=True)]
    return console.table(rows, right=tuple(range(1, len(labels) + 1)))


def _comparison(first: EvaluationResult, comparison: Comparison) -> str:
    a, b, paired = first.model.name, comparison.result.model.name, comparison.paired
    difference = paired.test.difference
    value, bounds = written(by_key(METRICS, "accuracy"), difference)
    return phrase(
        "{sentence}\nDifference in accuracy: {value} ({bounds})",
        sentence=paired.test.sentence(a, b),
        value=value,
        bounds=bounds,
    )
