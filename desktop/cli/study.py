"""``fovea study``: how accuracy grows with the number of pictures."""

from __future__ import annotations

import argparse
import io
import json
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.cli import console, train_plan
from desktop.cli.parser import Parser
from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.table import accuracy_words
from desktop.core.types import FoveaError
from desktop.system.csv_cells import CsvWriter
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.strict_json import JsonStore
from desktop.system.words import Template, phrase

_EPILOG = """\
Each net is trained anew on each number of pictures, drawn in the classes' proportions, --repeats times with other
draws and other first weights; all are checked with the same validation pictures, or with --test on the data's own test
split. What was measured is kept: the same command goes on where it stopped. More pictures than there are to learn from
are refused before the first training.

example:
  fovea study small-data --preset mnist-lenet --against mnist-mlp-32 --images 300,1000,3000 --repeats 3 --epochs 4
      --name digits --plot digits.png

exit status: 0 all is measured; 1 it failed; 2 wrong usage or a bad plan; 130 stopped by Ctrl-C
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    console.quiet_libraries()
    try:
        return _study(options)
    except FoveaError as error:
        console.tell_failed(error, options.json)
        return 2 if error.kind in ("bad-plan", "bad-study") else 1
    except KeyboardInterrupt:
        console.note("stopped; the same command goes on")
        return console.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea study", description="How accuracy grows with the number of pictures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    small = commands.add_parser(
        "small-data",
        help="accuracy of some nets against the number of pictures to learn from",
        description="Train nets on fewer and fewer pictures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train_plan.add_options(small)
    what = small.add_argument_group("the study")
    what.add_argument("--name", required=True, metavar="NAME", help="what the study is called")
    what.add_argument(
        "--against", action="append", default=[], metavar="NET", help="another net: a preset's, or layers (repeatable)"
    )
    what.add_argument("--images", required=True, metavar="N,N,…", help="numbers of pictures to learn from")
    what.add_argument("--repeats", type=int, default=3, metavar="N", help="trainings of each (default: 3)")
    what.add_argument("--test", action="store_true", help="measure on the data's test split instead of on validation")
    what.add_argument("--csv", type=Path, metavar="FILE", help="every measurement as a table")
    what.add_argument("--plot", type=Path, metavar="FILE", help="the curves, as PNG or HTML by the suffix")
    what.add_argument("--json", action="store_true", help="JSON lines instead of text; the last one is the result")
    return parser


def _study(options: Any) -> int:
    from desktop.ml.search import SearchError

    sizes = _sizes(options.images)
    if options.repeats < 1:
        raise SearchError("bad-study", "at least one training of each is needed", "Give --repeats 1 or more.")
    plan, sets = train_plan.plan_of(argparse.Namespace(**{**vars(options), "name": None}))
    shape = plan.shape
    nets = {options.preset or options.architecture or plan.architecture.name: plan}
    for text in options.against:
        nets[text] = replace(plan, architecture=train_plan.architecture_of(text, shape), preset="")
    kept = JsonStore(paths.user_data() / "studies" / f"{_stem(options.name)}.json", "the study", console.complain)
    measured = kept.read()
    points = [
        (name, size, repeat, replace(net, seed=net.seed + repeat, data=replace(net.data, limit=size)))
        for name, net in nets.items()
        for size in sizes
        for repeat in range(options.repeats)
    ]
    keys = [_key(one, options.test, plan.seed) for *_, one in points]
    rows: list[dict[str, Any]] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    bar = console.ProgressLine()
    try:
        if any(key not in measured for key in keys):
            bar.update("looking at the pictures")
            _check(plan, options.test, sets, sizes)
        for (name, size, repeat, one), key in zip(points, keys, strict=True):
            told = {"net": name, "images": size, "repeat": repeat}
            if key in measured:
                rows.append({**measured[key], **told})  # it may have been measured under another name of the net
                continue
            bar.update(
                phrase(
                    "{name}: {size:,} pictures, training {repeat} of {repeats}",
                    name=name,
                    size=size,
                    repeat=repeat + 1,
                    repeats=options.repeats,
                )
            )
            row = {**told, **_measure(one, options.test, sets, plan.seed)}
            measured[key] = row
            rows.append(row)
            kept.write(measured)
            bar.clear()
            if options.json:
                console.say_json({"event": "measured", **row})
            else:
                console.say(
                    phrase(
                        Template("{name}: {size:,} pictures: accuracy on test pictures {accuracy}")
                        if options.test
                        else Template("{name}: {size:,} pictures: accuracy on validation pictures {accuracy}"),
                        name=name,
                        size=size,
                        accuracy=accuracy_words(row["accuracy"], row.get("n", 0)),
                    )
                )
    finally:
        signal.signal(signal.SIGINT, before)
        bar.clear()
    _check_sizes(sizes, max(row.get("train", sizes[-1]) for row in rows))  # of what was measured when nobody looked
    return _tell(rows, list(nets), sizes, options)


def _check(plan: Any, test: bool, sets: Path | None, sizes: list[int]) -> None:
    """Refuse before the first training what the data does not hold: so many pictures, or a test split."""
    from desktop.ml.data import assemble

    with tempfile.TemporaryDirectory(prefix="fovea-study-", ignore_cleanup_errors=True) as scratch:
        gathered = assemble.gather(replace(plan, data=replace(plan.data, limit=0)), Path(scratch), sets)
        _check_sizes(sizes, len(gathered.train))
        if test and gathered.open_test() is None:
            raise _no_test()


def _check_sizes(sizes: list[int], there: int) -> None:
    from desktop.ml.search import SearchError

    if sizes[-1] > there:
        text = phrase(
            "{sizes:,} pictures to learn from are asked for, and there are {there:,}", sizes=sizes[-1], there=there
        )
        raise SearchError("bad-study", text, phrase("Give --images up to {there}.", there=there))


def _no_test() -> FoveaError:
    from desktop.ml.search import SearchError

    return SearchError("bad-study", "this data has no test split", "Leave --test out: validation is measured then.")


def _sizes(text: str) -> list[int]:
    from desktop.ml.search import SearchError

    try:
        sizes = sorted({int(part) for part in text.split(",") if part.strip()})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 2:
        raise SearchError(
            "bad-study", phrase("'{text}' are no numbers of pictures", text=text), "Write for instance 300,1000,3000."
        )
    return sizes


def _stem(name: str) -> str:
    from desktop.store.ids import id_of

    return id_of(name)


def _key(plan: Any, test: bool, split_seed: int) -> str:
    """What a measurement is kept under: everything that decides it.

    With the seed of the cut, which every repetition shares: what was measured when each cut its own validation part is
    kept under other keys and never comes in.
    """
    import hashlib

    raw = plan.to_dict()
    for words in ("id", "name", "card"):
        raw.pop(words)
    return hashlib.sha256(json.dumps([raw, test, split_seed], sort_keys=True).encode()).hexdigest()[:24]


def _measure(plan: Any, test: bool, sets: Path | None, split_seed: int) -> dict[str, Any]:
    from desktop.ml.trial import run_trial

    with tempfile.TemporaryDirectory(prefix="fovea-study-", ignore_cleanup_errors=True) as scratch:
        outcome = run_trial(plan, Path(scratch), data_root=sets, open_test=test, split_seed=split_seed)
    if test and outcome.test_accuracy is None:
        raise _no_test()
    accuracy = outcome.test_accuracy if test else outcome.val_accuracy
    n = outcome.test_n if test else outcome.val_n
    facts: dict[str, Any] = {"train": outcome.train, "split": "test" if test else "validation", "n": n}
    facts["seconds"] = round(outcome.seconds, 1)
    return {"accuracy": accuracy, **facts}


def _put(path: Path, content: str | bytes) -> None:
    with saying(f"'{path.name}'", disk_of(path)):
        write_atomically(path, content)


def _tell(rows: list[dict[str, Any]], nets: list[str], sizes: list[int], options: Any) -> int:
    curves = []
    for net in nets:
        points = []
        for size in sizes:
            found = [row["accuracy"] for row in rows if (row["net"], row["images"]) == (net, size)]
            if found:
                points.append((float(size), sum(found) / len(found), min(found), max(found)))
        curves.append((net, points))
    head = ("pictures", *nets)
    table: list[tuple[str, ...]] = []
    for size in sizes:
        cells = []
        for _, points in curves:
            point = next((p for p in points if p[0] == size), None)
            spread = f" ({point[2]:.2%} to {point[3]:.2%})" if point and point[2] < point[3] else ""
            cells.append(f"{point[1]:.2%}{spread}" if point else "")
        table.append((f"{size:,}", *cells))
    split = "test" if options.test else "validation"
    summary = f"{split}: " + "; ".join(
        f"{net} " + ", ".join(f"{mean:.2%} at {size:,.0f}" for size, mean, _, _ in reversed(points))
        for net, points in curves
    )
    if options.csv:
        held = io.StringIO()
        columns = ("net", "images", "repeat", "train", "split", "accuracy", "n", "seconds")
        writer = CsvWriter(held, "\n")
        writer.writerow(columns)
        writer.writerows([row.get(name, "") for name in columns] for row in rows)
        _put(options.csv, held.getvalue())
    if options.plot:
        from desktop.report.parallel import as_page, as_png, curves_figure

        title = (
            Template("{name}: accuracy on test pictures")
            if options.test
            else Template("{name}: accuracy on validation pictures")
        )
        figure = curves_figure(phrase(title, name=options.name), curves)
        if options.plot.suffix.lower() in (".html", ".htm"):
            page = as_page(f"Study {options.name}", summary, figure, head, table)
            _put(options.plot, page)
        else:
            _put(options.plot, as_png(figure))
    if options.json:
        console.say_json({"event": "result", "summary": summary, "results": rows})
    else:
        console.say(console.table([head, *table], right=(0,)))
        checked = sorted({row["n"] for row in rows if row.get("n")})
        of: str = phrase(", n = {count:,}", count=checked[0]) if checked else ""
        if checked and checked[0] != checked[-1]:
            of = phrase(", n = {least:,} to {most:,}", least=checked[0], most=checked[-1])
        text = (
            Template("accuracy on test pictures, mean of {repeats} (least to most){of}")
            if options.test
            else Template("accuracy on validation pictures, mean of {repeats} (least to most){of}")
        )
        console.say(phrase(text, repeats=options.repeats, of=of))
        if checked and checked[0] < FEWEST:
            text = Template("With fewer than {fewest} pictures to check with these are no figures to compare by.")
            console.say(phrase(text, fewest=FEWEST))
    return 0
