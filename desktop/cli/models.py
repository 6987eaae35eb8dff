"""``fovea models``: list, show, verify, install, import, export, rename, duplicate, delete models."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import asdict
from functools import partial
from typing import Any

from desktop.cli import console, models_change
from desktop.cli.parser import Parser
from desktop.cli.table_words import word
from desktop.core.notices import NOTICES, medical_notice
from desktop.core.translate import on_card
from desktop.core.types import FoveaError, StoreError
from desktop.store.manifest import Manifest, Metric
from desktop.store.store import FileCheck, ModelEntry, ModelStore
from desktop.system.words import listed, phrase

_EPILOG = """\
With --json: 'list' prints one list of objects (id, name, state, bundled, version, labels, input, size, medical, notice,
problem), 'show' one object (the same fields and 'manifest'), 'verify' one list of objects (id, state, holds, problem,
files with name and verdict).

exit status: 0 all well (a model whose weights are not installed is no fault); 1 a model is damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was fetched is kept for the next try).
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 well, 1 damaged, 2 usage)."""
    options = _parser().parse_args(argv)
    actions = {"list": _list, "show": _show, "verify": _verify, **models_change.actions()}
    try:
        return actions[options.action](ModelStore(), options)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        if error.kind == "cancelled":
            return 130
        return 2 if error.kind in ("no-such-model", "no-such-network", "bad-name", "bad-labels", "needs-facts") else 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea models",
        description="What is in the model store.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
    listing = actions.add_parser("list", help="every model, with its state")
    showing = actions.add_parser("show", help="the card of one model: what it is for, how good it is, its limits")
    showing.add_argument("id", metavar="ID")
    verifying = actions.add_parser("verify", help="compare every file with its checksum")
    verifying.add_argument("id", metavar="ID", nargs="?", help="one model (default: all)")
    models_change.add_actions(actions)
    for action in (listing, showing, verifying):
        action.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _facts(entry: ModelEntry) -> dict[str, Any]:
    """The stable JSON form of an entry of the list; ``size`` in bytes."""
    manifest = entry.manifest
    spec = manifest.preprocess if manifest else None
    return {
        "id": entry.id,
        "name": manifest.name if manifest else entry.id,
        "state": entry.state,
        "bundled": entry.bundled,
        "version": manifest.version if manifest else None,
        "labels": len(manifest.labels) if manifest else None,
        "input": {"width": spec.width, "height": spec.height, "colour": spec.colour} if spec else None,
        "size": sum(file.size for file in manifest.files.values()) if manifest else None,
        "medical": manifest.medical if manifest else None,
        "notice": medical_notice(manifest is not None and manifest.medical),
        "problem": entry.problem,
    }


def _list(store: ModelStore, options: argparse.Namespace) -> int:
    entries = store.entries()
    if options.json:
        console.say_json([_facts(entry) for entry in entries], indent=1)
        return _status(entries)
    if not entries:
        console.note("fovea: there are no models; install Fovea again, or import one")
        return 0
    rows = [("id", "name", "state", "from", "labels", "input", "size")]
    for entry in entries:
        manifest = entry.manifest
        rows.append(
            (
                entry.id,
                console.printable(manifest.name) if manifest else "",
                word(entry.state.replace("-", " ")),
                "Fovea" if entry.bundled else word("you"),
                str(len(manifest.labels)) if manifest else "",
                _input(manifest) if manifest else "",
                _size(sum(file.size for file in manifest.files.values())) if manifest else "",
            )
        )
    console.say(console.table(rows, right=(4, 6)))
    for entry in entries:
        if entry.problem:
            console.note(phrase("fovea: {id}: {problem}", id=entry.id, problem=entry.problem))
    return _status(entries)


def _status(entries: list[ModelEntry]) -> int:
    """1 where a model is damaged: a script must not go on as if all were well."""
    return 1 if any(entry.state == "damaged" for entry in entries) else 0


def _show(store: ModelStore, options: argparse.Namespace) -> int:
    entry = store.get(options.id)
    if options.json:
        manifest = asdict(entry.manifest) if entry.manifest else None
        console.say_json({**_facts(entry), "manifest": manifest}, indent=1)
        return 1 if entry.state == "damaged" else 0
    if entry.manifest is None:
        raise StoreError("damaged", phrase("model '{id}' is damaged: {problem}", id=entry.id, problem=entry.problem))
    console.say("\n".join(_card(entry, entry.manifest)))
    return 1 if entry.state == "damaged" else 0


def _card(entry: ModelEntry, manifest: Manifest) -> list[str]:
    card = manifest.card
    name = console.printable(on_card(manifest.name))
    lines = [phrase("{name} ({id}, version {version})", name=name, id=manifest.id, version=manifest.version)]
    if manifest.medical:
        lines.append(NOTICES["medical"].text)
    lines.append("")
    state = word(entry.state.replace("-", " ")) + (f": {entry.problem}" if entry.problem else "")
    facts: list[tuple[str, str]] = [
        ("State", state),
        ("About", on_card(card.summary)),
        ("For", on_card(card.intended_use)),
        ("Must not", " ".join(map(on_card, card.must_not))),
        ("Data", on_card(card.population)),
        ("Notice", on_card(card.notice)),
        ("Input", _input(manifest)),
        ("Labels", _labels(manifest.labels)),
        ("Numbers", phrase("called '{scores}'", scores=word(manifest.scores))),
        ("Answer", _rule(manifest)),
        ("Network", card.architecture + (f" ({card.parameters:,} parameters)" if card.parameters else "")),
        ("Trained on", f"{manifest.provenance.data} ({manifest.provenance.data_licence})"),
    ]
    for title, text in facts:
        lines.extend(_paragraph(title, text))
    for title, texts in (("Limits", card.limits), ("Fails on", card.known_failures), ("Credits", card.credits)):
        for number, text in enumerate(texts):
            lines.extend(_paragraph(title if number == 0 else "", f"- {on_card(text)}"))
    for number, metric in enumerate(manifest.metrics):
        lines.extend(_paragraph("Measured" if number == 0 else "", _metric(metric)))
    return lines


def _paragraph(title: str, text: str) -> list[str]:
    if not text.strip():
        return []
    wrapped = textwrap.wrap(console.printable(text), 100)
    return [f"{console.beside(title, 12)}{wrapped[0]}", *(f"{'':<12}{line}" for line in wrapped[1:])]


def _rule(manifest: Manifest) -> str:
    decision = manifest.decision
    if decision.rule == "argmax" or decision.positive is None:
        return phrase("the label with the highest score")
    positive, other = manifest.labels[decision.positive], manifest.labels[1 - decision.positive]
    rule = phrase(
        "'{positive}' from a score of {value:.6g} on, else '{other}'",
        positive=positive,
        value=decision.value,
        other=other,
    )
    return f"{rule} ({on_card(decision.reason)})" if decision.reason else rule


def _labels(labels: tuple[str, ...]) -> str:
    shown = list(labels[:20])
    return listed(shown) if len(labels) <= 20 else phrase("{shown} … {count:,} in all", shown=shown, count=len(labels))


def _metric(metric: Metric) -> str:
    from desktop.core.figures.table import card_words

    return f"{card_words(metric.name, metric.shown())}; {metric.data} {metric.split}"


def _input(manifest: Manifest) -> str:
    spec = manifest.preprocess
    return f"{spec.width}×{spec.height} {word('grey') if spec.colour == 'grey' else 'RGB'}"


def _size(count: int) -> str:
    return "–" if count == 0 else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _verify(store: ModelStore, options: argparse.Namespace) -> int:
    entries = [store.get(options.id)] if options.id else store.entries()
    progress = console.ProgressLine()
    reports = []
    for entry in entries:
        checks: list[FileCheck] = []
        if entry.manifest is not None:
            model = entry.id
            checks = store.verify(model, partial(_tell_file, progress, model))
        holds = entry.state != "damaged" and all(check.verdict == "ok" for check in checks)
        reports.append((entry, checks, holds))
    progress.clear()
    if options.json:
        console.say_json([_report(*report) for report in reports], indent=1)
    else:
        for entry, checks, holds in reports:
            console.say(f"{entry.id}: {_verdict(entry, checks, holds)}")
            for check in checks:
                if check.verdict != "ok":
                    console.say(f"  {check.name}: {check.verdict}")
    return 0 if all(holds for _, _, holds in reports) else 1


def _verdict(entry: ModelEntry, checks: list[FileCheck], holds: bool) -> str:
    if not holds:
        return f"{word('damaged')}{': ' + entry.problem if entry.problem else ''}"
    files = phrase("{count} files as they should be", one="{count} file as it should be", count=len(checks))
    if entry.state == "weights-not-installed":
        return word("weights not installed") + (f", {files}" if checks else "")
    return files


def _tell_file(progress: console.ProgressLine, model: str, name: str) -> None:
    progress.update(f"{model}: {name} …")


def _report(entry: ModelEntry, checks: list[FileCheck], holds: bool) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": entry.state,
        "holds": holds,
        "notice": medical_notice(entry.manifest is not None and entry.manifest.medical),
        "problem": entry.problem,
        "files": [{"name": check.name, "verdict": check.verdict} for check in checks],
    }
