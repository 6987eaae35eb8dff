"""``fovea demo``: a short tour in the terminal. Samples answered by every model, and pictures of the window."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from desktop.cli import console, offscreen
from desktop.cli.answers import answers
from desktop.cli.parser import Parser
from desktop.cli.predict import outside, scored, spoken, top_classes
from desktop.core.notices import NOTICES
from desktop.core.pictures.walk import FoundFile
from desktop.core.trust.suiting import WORDS
from desktop.core.types import FoveaError
from desktop.engine.messages import Failure, Prediction
from desktop.store.manifest import Manifest
from desktop.store.store import ModelEntry, ModelStore
from desktop.system.words import phrase

_SIZE = (1280, 720)
_TOP = 3
_MOST = 24  # rows a model
REMARKS = {"digit": "", "photo": NOTICES["photographs"].text, "xray": NOTICES["phantom"].text}

_EPILOG = """\
Without a display and without a network. The pictures of the window go to --out (default: ./out).

exit status: 0 every picture was answered and the window drawn; 1 something failed; 2 wrong usage.
"""


@dataclass(frozen=True, slots=True)
class Tour:
    """What the demo shows of one model: the pictures that it is given, and what people should know of them."""

    entry: ModelEntry
    pictures: tuple[str, ...]
    remark: str = ""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 all answered and drawn, 1 not, 2 usage)."""
    parser = Parser(
        prog="fovea demo",
        description="Classify a few samples with every model, and draw the window.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="default: ./out")
    options = parser.parse_args(argv)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        console.complain(
            phrase(
                "the folder of --out cannot be made: {lower}", lower=(error.strerror or phrase("no such place")).lower()
            )
        )
        return 2
    entries = ModelStore().entries()
    tours = [tour for tour in map(_tour, entries) if tour.entry.state == "ready" and tour.pictures]
    failed = _classify(tours)
    for entry in entries:
        if entry.state != "ready":
            failed |= entry.state == "damaged"
            console.say(f"\n{_title(entry)}: {entry.problem or 'its weights are not installed'}")
    if not tours:
        console.say("\nno model here can answer; 'fovea models list' says why")
    return 1 if _draw(tours, options.out) or failed or not tours else 0


def _tour(entry: ModelEntry) -> Tour:
    """The samples that fit a model: drawn digits, the phantom, or photographs."""
    from desktop.services.samples import samples

    manifest = entry.manifest
    digits = manifest is not None and manifest.preprocess.fit == "mnist"
    medical = manifest is not None and manifest.medical
    kind = "digit" if digits else "xray" if medical else "photo"
    pictures = [sample.path for sample in samples() if sample.kind == kind]
    if kind == "photo":
        pictures += _portrait()
    return Tour(entry, tuple(pictures[:_MOST]), REMARKS[kind])


def _portrait() -> list[str]:
    """The sample photograph of matplotlib, found without importing it."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return []
    path = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    return [str(path)] if path.is_file() else []


def _title(entry: ModelEntry) -> str:
    return f"{console.printable(entry.manifest.name)} ({entry.id})" if entry.manifest else entry.id


def _classify(tours: list[Tour]) -> bool:
    """Answer the samples and print a table for each model; whether anything failed."""
    from desktop.engine.client import EngineClient

    failed = False
    with EngineClient() as engine:
        for tour in tours:
            manifest = tour.entry.manifest
            assert manifest is not None
            console.say(f"\n{_title(tour.entry)}")
            for remark in (NOTICES["medical"].text if manifest.medical else "", tour.remark):
                if remark:
                    console.say(f"  {remark}")
            rows: list[tuple[str, ...]] = [("picture", "answer", manifest.scores, "next", "ms", "")]
            for item, result in answers(engine, manifest.id, map(FoundFile, tour.pictures), advised=True):
                name = console.printable(Path(item.path).name)
                if isinstance(result, Failure):
                    failed = True
                    rows.append((name, phrase("no answer"), "", result.message, "", ""))
                    continue
                rows.append((name, *_row(result, manifest)))
            console.say(console.table(rows, right=(2, 4)))
    return failed


def _row(result: Prediction, manifest: Manifest) -> tuple[str, ...]:
    """Answer, its score, what comes next, milliseconds, and a remark. Of a picture that is not of the model's kind no
    class is the answer: what it scored all the same comes next, in brackets."""
    elapsed = result.elapsed.decode + result.elapsed.prepare + result.elapsed.predict
    labels, away = manifest.labels, outside(result)
    others = ", ".join(
        f"{label} {score:.3f}" for label, score in top_classes(result, labels, _TOP) if away or label != result.label
    )
    if away:
        suits = _inner(WORDS[result.suits]) if result.suits else ""
        remark = "; ".join(filter(None, (_inner(NOTICES["other-kind"].text), suits)))
        return "no answer", "", f"({others})", f"{elapsed:.1f}", remark
    return spoken(result), scored(result, manifest), others, f"{elapsed:.1f}", ""


def _inner(sentence: str) -> str:
    """A sentence as a part of a line."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _draw(tours: list[Tour], out: Path) -> bool:
    """Draw the window for each model, light and dark by turns; whether anything failed."""
    failed = False
    if tours:
        console.say("\npictures of the window:")
    for number, tour in enumerate(tours):
        theme = ("light", "dark")[number % 2]
        target = out / f"classify-{tour.entry.id}-{theme}.png"
        try:
            offscreen.capture(tour.pictures, tour.entry.id, _SIZE, theme, target.absolute())
        except FoveaError as error:
            failed = True
            console.complain(error.message, error.hint)
        else:
            console.say(f"  {target}")
    return failed
