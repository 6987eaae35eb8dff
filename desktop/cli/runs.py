"""``fovea runs``: the trainings on this computer, finished or not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from desktop.cli import console
from desktop.cli.parser import Parser
from desktop.cli.table_words import word
from desktop.core.data.person_names import may_name_a_person
from desktop.core.figures.table import accuracy_words
from desktop.core.notices import medical_notice
from desktop.store import run_files
from desktop.store.run_record import RunRecord
from desktop.store.runs import HISTORY, SPLIT, RunError, RunStore
from desktop.system import strict_json
from desktop.system.duration import duration
from desktop.system.words import phrase

_EPILOG = "exit status: 0 all well; 1 a run is not there, in use or damaged; 2 wrong usage"
_FIGURES = ("val_accuracy", "val_loss")


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(argv)
    store = RunStore()
    return int({"list": _list, "show": _show, "compare": _compare, "delete": _delete, "restore": _restore}[
        options.command
    ](store, options))  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea runs", description="The trainings on this computer.", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="every run, the newest first")
    listing.add_argument("--state", metavar="STATE", help="only runs in this state (done, stopped, interrupted …)")
    show = commands.add_parser("show", help="one run: its state, figures and settings")
    show.add_argument("run", metavar="RUN", help="the run's id, or 'last'")
    compare = commands.add_parser("compare", help="figures of several runs, and where their plans differ")
    compare.add_argument("run", nargs="+", metavar="RUN")
    delete = commands.add_parser("delete", help="move runs into the trash, where they stay thirty days")
    delete.add_argument("run", nargs="+", metavar="RUN")
    restore = commands.add_parser("restore", help="take a run out of the trash")
    restore.add_argument(
        "token", metavar="TOKEN", nargs="?", help="what 'delete' printed (default: list what is in the trash)"
    )
    for command in (listing, show, compare, delete, restore):
        command.add_argument("--json", action="store_true", help="JSON instead of text")
    return parser


def _list(store: RunStore, options: Any) -> int:
    records = [record for record in store.list() if options.state in (None, record.state)]
    if options.json:
        console.say_json([record.to_dict() for record in records], indent=1)
        return 0
    if not records:
        console.say("no runs yet; 'fovea train --data DATA --name NAME' begins one")
        return 0
    rows: list[tuple[str, ...]] = [("run", "name", "state", "epochs", "validation", "data", "time")]
    for record in records:
        rows.append(
            (
                record.id,
                console.printable(record.name),
                word(record.state),
                f"{record.epochs_done}/{record.epochs}" if record.epochs else "",
                _accuracy(record),
                console.printable(record.data),
                duration(record.seconds),
            )
        )
    console.say(console.table(rows, right=(3, 4, 6)))
    return 0


def _show(store: RunStore, options: Any) -> int:
    record = _find(store, options.run)
    history = run_files.read_curve(store.folder(record.id) / HISTORY)
    plan = _plan(store, record.id)
    lists = _lists(store, record.id)
    if options.json:
        raw: dict[str, Any] = {"run": record.to_dict(), "plan": plan, "history": history, "split": lists}
        raw["notice"] = medical_notice(plan.get("medical") is True)
        console.say_json(raw, indent=1)
        return 0
    facts = [
        ("run", record.id),
        ("name", record.name),
        ("state", word(record.state)),
        ("begun", record.created[:19].replace("T", " ") + " UTC"),
        ("epochs", phrase("{done} of {total}", done=record.epochs_done, total=record.epochs)),
        ("time", duration(record.seconds)),
        ("data", record.data),
        ("device", record.device),
        ("preset", record.preset),
        ("model", record.model_id),
        ("parent", record.parent),
        ("message", record.message),
        ("hint", record.hint),
    ]
    lines = [f"{console.beside(name, 10)}{console.printable(value)}" for name, value in facts if value]
    if lists:
        told = phrase(
            "{train:,} to learn from, {validation:,} to check with, {left_out:,} left out",
            train=lists["train"],
            validation=lists["validation"],
            left_out=lists["left_out"],
        )
        lines.append(f"{console.beside('pictures', 10)}{told}")
    if history:
        lines += ["", _curve(history)]
    lines += ["", *(f"{key} = {value}" for key, value in flattened(plan).items())]
    console.say("\n".join(lines))
    return 0


def _compare(store: RunStore, options: Any) -> int:
    records = [_find(store, run) for run in options.run]
    plans = [flattened(_plan(store, record.id)) for record in records]
    differing = differences(plans)
    if options.json:
        raw = {
            "runs": [record.to_dict() for record in records],
            "differences": {key: list(values) for key, values in differing.items()},
        }
        console.say_json(raw, indent=1)
        return 0
    head = ("", *(record.id for record in records))
    rows: list[tuple[str, ...]] = [head]
    rows.append((word("name"), *(console.printable(record.name) for record in records)))
    rows.append((word("state"), *(word(record.state) for record in records)))
    rows.append((word("epochs"), *(f"{record.epochs_done}/{record.epochs}" for record in records)))
    for name in _FIGURES:
        rows.append((word(name), *(_figure(record.figures, name) for record in records)))
    rows.append((word("time"), *(duration(record.seconds) for record in records)))
    console.say(console.table(rows))
    rows = [("the plans differ in", *(record.id for record in records))]
    rows += [(key, *("–" if value is None else value for value in values)) for key, values in differing.items()]
    console.say("\n" + (console.table(rows) if differing else phrase("the plans are the same")))
    return 0


def _delete(store: RunStore, options: Any) -> int:
    found = dict.fromkeys(_find(store, given).id for given in options.run)  # a wrong name ends it before the first
    tokens = {}
    try:
        for run_id in found:
            tokens[run_id] = store.delete(run_id)
            if not options.json:  # at once: whatever stops the next, the way back of this one is told
                console.say(
                    phrase(
                        "{run_id} is in the trash; 'fovea runs restore {tokens}' takes it out again",
                        run_id=run_id,
                        tokens=tokens[run_id],
                    )
                )
    finally:
        if options.json and tokens:
            console.say_json({"deleted": tokens})
    return 0


def _restore(store: RunStore, options: Any) -> int:
    if options.token is None:
        held = store.deleted()
        if options.json:
            console.say_json({"deleted": held})
        else:
            for token in held:
                console.say(console.printable(token))
        return 0
    record = store.restore(options.token)
    console.say_json(record.to_dict()) if options.json else phrase("{id} is back", id=record.id)
    return 0


def _find(store: RunStore, given: str) -> RunRecord:
    """A run by its id, by the beginning of it where only one begins so, or ``last``."""
    records = store.list()
    if given == "last" and records:
        return records[0]
    exact = [record for record in records if record.id == given]
    begin = exact or [record for record in records if record.id.startswith(given)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise RunError(
            "no-such-run",
            phrase("'{given}' begins {count} runs", given=given, count=len(begin)),
            "Write more of the id.",
        )
    return store.get(given)


def _plan(store: RunStore, run_id: str) -> dict[str, Any]:
    """The run's plan as it may be shown: without the place of the data, and a title that may name a person."""
    try:
        raw = strict_json.loads_object(store.plan_text(run_id))
    except ValueError as error:
        raise RunError("damaged-run", phrase("the plan of the run '{run_id}' is damaged", run_id=run_id)) from error
    if isinstance(raw.get("data"), dict):
        hidden = ("path", "left_out", "kept_together")
        raw["data"] = {key: value for key, value in raw["data"].items() if key not in hidden}
        if may_name_a_person(str(raw["data"].get("title", ""))):
            raw["data"]["title"] = ""
    return raw


def _lists(store: RunStore, run_id: str) -> dict[str, int] | None:
    from desktop.core.data.splits import SplitError, read_split

    try:
        held = read_split(store.folder(run_id) / SPLIT)
    except (SplitError, OSError):
        return None
    return {"train": len(held.train), "validation": len(held.validation), "left_out": len(held.left_out)}


def flattened(plan: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A plan as its settings by dotted key, in words; the card is left out."""
    out: dict[str, str] = {}
    for key, value in plan.items():
        if not prefix and key in ("card", "schema"):
            continue
        if isinstance(value, Mapping):
            out |= flattened(value, f"{prefix}{key}.")
        elif key == "augment" and isinstance(value, list):
            out |= {f"augment.{step['name']}": json.dumps(step.get("settings", {})) for step in value}
        else:
            out[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return out


def differences(plans: list[dict[str, str]]) -> dict[str, tuple[str | None, ...]]:
    """The settings in which flattened plans are not all alike, with each plan's value."""
    keys = dict.fromkeys(key for plan in plans for key in plan)
    values = {key: tuple(plan.get(key) for plan in plans) for key in keys if key not in ("id", "name")}
    return {key: held for key, held in values.items() if len(set(held)) > 1}


def _curve(history: dict[str, list[float]], most: int = 20) -> str:
    names = [name for name in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy") if name in history]
    count = len(history[names[0]]) if names else 0
    shown = range(count) if count <= most else sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})
    rows: list[tuple[str, ...]] = [tuple(names)]
    rows += [tuple(f"{history[n][i]:.0f}" if n == "epoch" else f"{history[n][i]:.4f}" for n in names) for i in shown]
    return console.table(rows, right=tuple(range(len(names))))


def _accuracy(record: RunRecord) -> str:
    """The validation accuracy as it may be shown: the finished model's, else the best epoch's, with n and interval."""
    from desktop.core.figures.intervals import share_of, shown

    held = record.figures
    of_model = "model_accuracy" in held
    if not of_model and "val_accuracy" not in held:
        return ""
    value = held["model_accuracy" if of_model else "val_accuracy"]
    seen = shown(share_of(value, int(held.get("model_n" if of_model else "val_n", 0))))
    if seen.value is None:
        return seen.reason
    if seen.low is None or seen.high is None:
        return f"{seen.value:.4f}"
    return f"{seen.value:.4f} ({seen.low:.3f}–{seen.high:.3f}, n = {seen.n:,})"


def _figure(figures: Mapping[str, float], name: str) -> str:
    if name not in figures:
        return ""
    if name == "val_accuracy":
        return accuracy_words(figures[name], int(figures.get("val_n", 0)))
    return f"{figures[name]:.4f}" + (f" (n = {int(figures['val_n']):,})" if figures.get("val_n") else "")
