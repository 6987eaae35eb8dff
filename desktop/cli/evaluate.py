"""``fovea evaluate``: how good a model is on labelled pictures, with intervals, tables and a report."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from desktop.cli import console
from desktop.cli.parser import Parser, add_layout
from desktop.core.data.dataset import DatasetError, LabelledDataset, open_dataset
from desktop.core.data.label_map import LabelMap, match_labels, parse_pairs
from desktop.core.figures.decision import answers_of
from desktop.core.figures.intervals import FEWEST, Estimate
from desktop.core.figures.intervals import shown as figures_shown
from desktop.core.figures.public_names import key_file, public_naming
from desktop.core.figures.result import EvaluationResult, Figures, ModelFacts, PairedResult, compare, figures
from desktop.core.figures.result_files import estimate_json, figures_json, write_csv
from desktop.core.figures.store import EvaluationStore
from desktop.core.types import FoveaError, StoreError
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import Progress, evaluate, thumbnails
from desktop.engine.evaluation_facts import model_facts
from desktop.store.store import ModelEntry, ModelStore
from desktop.system.duration import duration
from desktop.system.files import Content, disk_of, saying, write_atomically

MEDICAL_NOTICE = "research and education only; not a medical device; the output is a model score, not a diagnosis"
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
    }
)
_PERCENT = frozenset({"Accuracy", "Balanced accuracy", "Top-5 accuracy", "Sensitivity", "Specificity"})

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
    options = _parser().parse_args(argv)
    store = ModelStore()
    try:
        _check_outputs(options)
        entries = [store.require(name) for name in (options.model, options.compare) if name]
        for entry in entries:
            assert entry.manifest is not None
            model_facts(entry.manifest, options.threshold)
        return _run(options, entries)
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
    add("data", metavar="DATA", help="labelled pictures: class folders, .npz, IDX or CIFAR batches")
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
    return parser


def _check_outputs(options: argparse.Namespace) -> None:
    """Wrong file names and missing folders come before the work, not after it."""
    if options.report:
        from desktop.report import SUFFIXES

        if Path(options.report).suffix.lower() not in SUFFIXES:
            raise FoveaError(
                "bad-suffix", f"'{Path(options.report).name}' names no report format", "Use .html or .pdf."
            )
    for name in (options.json, options.csv, options.report):
        if name and name != "-" and not Path(name).absolute().parent.is_dir():
            raise FoveaError("bad-suffix", f"the folder for '{Path(name).name}' is not there", "Make it first.")


def _run(options: argparse.Namespace, entries: Sequence[ModelEntry]) -> int:
    progress = console.Progress()
    try:
        data = open_dataset(
            options.data, options.split, lambda done, total: progress.update(f"looking: {done:,} files …")
        )
    except DatasetError as error:
        if error.kind == "split-needed":
            raise DatasetError(error.kind, error.message, "Choose one with --split.") from None
        raise
    progress.clear()
    if options.json != "-":
        _say_data(data)
    kept = EvaluationStore()
    results: list[EvaluationResult] = []
    stopping = "stopping; what was answered by now is kept; Ctrl-C again stops at once and keeps nothing"
    with EngineClient() as client, console.Interrupts(stopping) as stop:
        for entry in entries:
            result = _one(options, entry, data, client, kept, progress, lambda: stop.asked)
            if not result.complete:
                return _stopped(result)
            # The engine tells its versions once, when it starts.
            results.append(result if result.versions or not results else replace(result, versions=results[0].versions))
        measured = [figures(result) for result in results]
        paired = compare(*results) if len(results) == 2 else None
        if options.report:
            _report(options, results, measured, paired, data, client)
    _write(options, results, measured, paired)
    if options.json != "-":
        for result, numbers in zip(results, measured, strict=True):
            _say_result(result, numbers, options.keep_names)
        if paired is not None:
            console.say("\n" + _comparison(results, paired))
    return 1 if any(result.skipped for result in results) else 0


def _labels_of(options: argparse.Namespace, entry: ModelEntry, data: LabelledDataset) -> LabelMap:
    assert entry.manifest is not None
    told = parse_pairs(options.map, data.classes)
    return match_labels(data.classes, entry.manifest.labels, told, options.map_numbers)


def _one(
    options: argparse.Namespace,
    entry: ModelEntry,
    data: LabelledDataset,
    client: EngineClient,
    kept: EvaluationStore,
    progress: console.Progress,
    stopped: Callable[[], bool],
) -> EvaluationResult:
    """One model's result: kept, or measured now and kept; incomplete where ``stopped`` said so meanwhile."""
    labels = _labels_of(options, entry, data)
    assert entry.manifest is not None
    facts = model_facts(entry.manifest, options.threshold)
    if facts.medical and options.json != "-":
        console.note(MEDICAL_NOTICE)
    if options.json != "-":
        for text in labels.notes:
            console.note(f"fovea: {console.printable(text)}")
    if options.map:
        # The window offers it from now on; on the command line nothing is matched unasked.
        with contextlib.suppress(FoveaError):  # a disk that is full is told of when the result is kept
            kept.remember_mapping(entry.id, data.classes, labels.as_dict(data.classes, facts.labels))
    if options.reuse:
        held = kept.find(facts, data.fingerprint(), labels.as_dict(data.classes, facts.labels))
        if held is not None:
            return held

    def told(state: Progress) -> None:
        share = f"{state.done:,} of {state.total:,}"
        answered = state.done - state.skipped
        right = f", {state.right / answered:.1%} right" if answered >= FEWEST else ""
        left = f", {duration(state.left_s)} left" if state.left_s is not None else ""
        progress.update(f"{share}{right}{left}")

    try:
        result = evaluate(client, entry, data, labels, options.threshold, told, cancelled=stopped)
    finally:
        progress.clear()
    if len(result):
        try:
            _keep(kept, result, model_facts(entry.manifest))
        except FoveaError as error:
            console.complain(error.message, error.hint)  # the figures are still worth printing
    return result


def _keep(kept: EvaluationStore, result: EvaluationResult, own: ModelFacts) -> None:
    """Keep a result by the model's ``own`` decision, and another threshold beside it."""
    predicted = answers_of(result.scores, own.positive, own.threshold)
    key = kept.save(replace(result, model=own, predicted=predicted))
    differs = result.model.threshold != own.threshold
    kept.choose(key, result.model.threshold if differs else None, result.model.reason)


def _stopped(result: EvaluationResult) -> int:
    """Tell of a result that was stopped early; no file is written of it."""
    if not len(result):
        console.note("stopped before the first answer: nothing is kept, no file was written")
        return console.INTERRUPTED
    right = int((result.predicted == result.truth).sum())
    console.note(
        f"stopped early: {right:,} of the {len(result):,} answered pictures are right, about the same share of every "
        "class was seen; kept as incomplete (Evaluate in the window opens it), no file was written"
    )
    return console.INTERRUPTED


# Files


def _report(
    options: argparse.Namespace,
    results: list[EvaluationResult],
    measured: list[Figures],
    paired: PairedResult | None,
    data: LabelledDataset,
    client: EngineClient,
) -> None:
    from desktop.report import write_report
    from desktop.report.content import THUMBNAIL_SIDE, build_report

    result = results[0]

    def pictures(positions: Sequence[int]) -> Sequence[np.ndarray | None]:
        sources = [data.source(int(result.positions[position])) for position in positions]
        return thumbnails(client, sources, THUMBNAIL_SIDE)

    other = (results[1], measured[1], paired) if paired is not None else None
    report = build_report(result, measured[0], None if options.no_pictures else pictures, options.keep_names, other)
    write_report(report, Path(options.report))
    _write_key(options, options.report, result)


def _write(
    options: argparse.Namespace, results: list[EvaluationResult], measured: list[Figures], paired: PairedResult | None
) -> None:
    naming = public_naming(results[0], options.keep_names)
    if options.csv:

        def rows(path: Path) -> None:
            with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                write_csv(results[0], stream, naming)

        _put(options.csv, rows)
        _write_key(options, options.csv, results[0])
    if options.json:
        from desktop.report.content import works_here_json

        value: dict[str, Any] = {"notice": MEDICAL_NOTICE if results[0].model.medical else ""}
        value |= figures_json(results[0], measured[0], naming)
        value["works_here"] = works_here_json(results[0], measured[0])
        if paired is not None:
            value["compared_with"] = figures_json(results[1], measured[1], naming)
            value["mcnemar"] = _paired_json(paired, naming)
        text = json.dumps(value, indent=1, allow_nan=False) + "\n"
        if options.json == "-":
            console.say(text.rstrip("\n"))
        else:
            _put(options.json, text)
            _write_key(options, options.json, results[0])


def _write_key(options: argparse.Namespace, beside: str, result: EvaluationResult) -> None:
    naming = public_naming(result, options.keep_names)
    if not options.key or not naming.hidden:
        return

    def rows(path: Path) -> None:
        with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
            naming.write_key(stream)

    _put(str(key_file(Path(beside))), rows)


def _paired_json(paired: PairedResult, naming: Callable[[str], str]) -> dict[str, Any]:
    test = paired.test
    return {
        "both_right": test.both,
        "only_first": test.only_a,
        "only_second": test.only_b,
        "both_wrong": test.neither,
        "p": test.p,
        "exact": test.exact,
        "difference": estimate_json(test.difference),
        "only_first_right": [naming(name) for name in paired.only_a],
        "only_second_right": [naming(name) for name in paired.only_b],
    }


def _put(name: str, content: Content) -> None:
    with saying(f"'{Path(name).name}'", disk_of(name)):
        write_atomically(name, content)


# Text for people


def _say_data(data: LabelledDataset) -> None:
    for problem in data.problems[:_SHOWN_PROBLEMS]:
        console.note(f"fovea: {console.printable(problem.message)}")


def _say_result(result: EvaluationResult, numbers: Figures, keep_names: bool) -> None:
    model, data = result.model, result.data
    split = f", split '{data.split}'" if data.split else ""
    console.say(f"{model.name} ({model.id}) on '{console.printable(data.title)}'{split}")
    console.say(f"{len(result):,} images, {result.elapsed_s:.1f} s on {result.device or 'the engine'}")
    console.say(f"fingerprint {data.fingerprint}\n")
    if result.unanswered:
        console.say(f"CAUTION: {console.printable(result.unanswered)}\n")
    rows = [("figure", "value", "95 % interval")]
    for name, estimate in _measures(numbers, model.labels[model.positive] if model.positive is not None else ""):
        rows.append((name, *_cells(estimate, name.split(" for ")[0] in _PERCENT)))
    console.say(console.table(rows, right=(1,)))
    from desktop.report.content import compatible_with_card

    for compared in compatible_with_card(result, numbers):
        console.say(f"\nDoes it work here? {console.printable(compared.verdict.sentence)}")
    if numbers.persons is not None:
        console.say(f"\nThe intervals rest on the {numbers.persons:,} people or cases that the names tell of.")
    if len(model.labels) <= _SHOWN_CLASSES:
        console.say("\n" + _class_table(numbers))
        console.say("\n" + _matrix_table(numbers, model.labels))
    naming = public_naming(result, keep_names)
    for item in result.skipped[:_SHOWN_PROBLEMS]:
        console.note(f"no answer: {console.printable(naming(item.name))}: {naming.clean(item.message)}")
    if len(result.skipped) > _SHOWN_PROBLEMS:
        console.note(f"and {len(result.skipped) - _SHOWN_PROBLEMS:,} more without an answer; --csv lists all")


def _measures(f: Figures, positive: str) -> list[tuple[str, Estimate]]:
    rows = [("Accuracy", f.accuracy), ("Balanced accuracy", f.balanced_accuracy)]
    if f.top5 is not None:
        rows.append(("Top-5 accuracy", f.top5))
    if f.point is not None:
        name = console.printable(positive)
        rows += [(f"Sensitivity for '{name}'", f.point.sensitivity), (f"Specificity for '{name}'", f.point.specificity)]
    rows += [(n, e) for n, e in (("AUC", f.auc), ("Average precision", f.average_precision)) if e is not None]
    rows += [("Macro F1", f.means.macro_f1), ("Calibration error (ECE)", f.ece), ("Brier score", f.brier)]
    return rows


def _cells(e: Estimate, percent: bool) -> tuple[str, str]:
    e = figures_shown(e)
    if e.value is None:
        return "–", e.reason
    scale, digits, unit = (100, 2, " %") if percent else (1, 4, "")
    bounds = e.reason
    if e.low is not None and e.high is not None:
        bounds = f"{scale * e.low:.{digits}f} to {scale * e.high:.{digits}f}{unit}, n = {e.n:,}"
    return f"{scale * e.value:.{digits}f}{unit}", bounds


def _class_table(numbers: Figures) -> str:
    rows: list[tuple[str, ...]] = [("class", "images", "answers", "precision", "recall", "specificity", "F1")]
    for c in numbers.classes:
        cells = (_short(e) for e in (c.precision, c.recall, c.specificity, c.f1))
        rows.append((console.printable(c.label), f"{c.support:,}", f"{c.predicted:,}", *cells))
    return console.table(rows, right=(1, 2))


def _short(e: Estimate) -> str:
    e = figures_shown(e)
    if e.value is None or e.low is None or e.high is None:
        return f"– ({e.reason})"
    return f"{e.value:.3f} ({e.low:.3f}–{e.high:.3f})"


def _matrix_table(numbers: Figures, labels: tuple[str, ...]) -> str:
    names = [console.printable(label) for label in labels]
    short = [name if len(name) <= 9 else f"{name[:8]}…" for name in names]
    rows = [("truth \\ answer", *short)]
    rows += [(name, *(f"{n:,}" for n in row)) for name, row in zip(names, numbers.matrix.tolist(), strict=True)]
    return console.table(rows, right=tuple(range(1, len(labels) + 1)))


def _comparison(results: list[EvaluationResult], paired: PairedResult) -> str:
    a, b = (result.model.name for result in results)
    difference = paired.test.difference
    value, bounds = _cells(difference, True)
    return f"{paired.test.sentence(a, b)}\nDifference in accuracy: {value} ({bounds})"
