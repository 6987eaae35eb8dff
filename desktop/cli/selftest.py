"""``fovea selftest``: does this installation answer as it should? Each part is tried for real, in a home of its own."""

from __future__ import annotations

import argparse
import math
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.cli import console, offscreen, selftest_parts
from desktop.cli.parser import Parser
from desktop.core.types import FoveaError, ImageSource
from desktop.engine.evaluation import EventEngine
from desktop.engine.messages import EngineLost, Failure, Prediction, PredictRequest, Ready
from desktop.store.store import ModelEntry, ModelStore
from desktop.system import strict_json
from desktop.system.words import phrase

if TYPE_CHECKING:
    import numpy as np

    from desktop.engine.model import LoadedModel

EXPECTED = "selftest/expected.json"
_START_S = 60.0
_WINDOW = (1280, 720)

_EPILOG = """\
With --json one object: holds, version, edition, system, checks (list of name, state, detail, seconds).
A check's state is ok, failed, or not-installed: a model without its weights, or a part that this edition leaves out,
is reported, not failed.

exit status: 0 everything holds; 1 something does not; 2 wrong usage.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, and how it went; ``seconds`` it took."""

    name: str
    state: Literal["ok", "failed", "not-installed"]
    detail: str
    seconds: float


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 all holds, 1 not, 2 usage)."""
    parser = Parser(
        prog="fovea selftest",
        description="Check this installation: models, engine, window.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--skip", action="append", default=[], metavar="NAME", help="leave a check out, for example 'training'"
    )
    options = parser.parse_args(argv)
    shown = _ignore if options.json else _show
    # The user's own models have no part in this: the program is tested as it was delivered.
    with tempfile.TemporaryDirectory(prefix="fovea-selftest-", ignore_cleanup_errors=True) as nowhere:
        folder = Path(nowhere)
        with selftest_parts.home(folder):
            checks = run(ModelStore(user=folder / "models"), shown)
            for name, work in _parts(folder):
                if name in options.skip:
                    continue
                checks.append(_timed(name, work))
                shown(checks[-1])
    holds = all(check.state != "failed" for check in checks)
    if options.json:
        from desktop import __version__

        report = {
            "holds": holds,
            "version": __version__,
            "edition": selftest_parts.edition(),
            "system": platform.platform(terse=True),
            "checks": [asdict(check) for check in checks],
        }
        console.say_json(report, indent=1)
    else:
        console.say("everything holds" if holds else "something does not hold")
    return 0 if holds else 1


def _parts(folder: Path) -> list[tuple[str, Callable[[], str]]]:
    """What is tried beside engine and models, by name."""
    parts = selftest_parts
    return [
        ("edition", parts.edition),
        ("pictures", parts.pictures),
        *((f"DICOM {syntax}", partial(parts.dicom, file)) for syntax, file in parts.DICOM.items()),
        ("evaluation", lambda: parts.evaluation(folder)),
        ("training", lambda: parts.training(folder)),
        ("certificates", parts.certificates),
        ("translations", parts.translations),
        ("window", lambda: _window(folder)),
    ]


def run(store: ModelStore, shown: Callable[[Check], None]) -> list[Check]:
    """Check the engine and every model of ``store``; each check is handed to ``shown`` when it is done."""
    from desktop.engine.client import EngineClient

    checks: list[Check] = []

    def add(check: Check) -> None:
        checks.append(check)
        shown(check)

    with EngineClient(store.bundled_root, store.user_root) as engine:
        add(_timed("engine", lambda: _started(engine)))
        for entry in store.entries():
            if entry.state == "weights-not-installed":
                add(Check(f"model {entry.id}", "not-installed", "its weights are not installed", 0.0))
            elif checks[0].state == "ok":
                add(_timed(f"model {entry.id}", partial(check_model, store, engine, entry)))
            else:
                add(Check(f"model {entry.id}", "failed", "not tried: the engine does not start", 0.0))
    return checks


def _timed(name: str, work: Callable[[], str]) -> Check:
    begin = time.monotonic()
    try:
        detail = work()
    except selftest_parts.NotThereError as reason:
        return Check(name, "not-installed", str(reason), 0.0)
    except FoveaError as error:
        return Check(name, "failed", error.message, round(time.monotonic() - begin, 3))
    except ImportError as error:
        # A part of a library that the build left out: exactly what is looked for here.
        return Check(
            name, "failed", phrase("{value} is missing", value=error.name or error), round(time.monotonic() - begin, 3)
        )
    return Check(name, "ok", detail, round(time.monotonic() - begin, 3))


def _started(engine: EventEngine) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        for event in engine.events(1.0):
            if isinstance(event, Ready):
                return f"{event.device}, LiteRT {event.versions.get('litert', 'unknown')}"
            if isinstance(event, EngineLost) and not event.restarting:
                raise FoveaError("engine-lost", phrase("the engine process ended: {reason}", reason=event.reason))
    raise FoveaError(
        "engine-lost", phrase("the engine process was not ready within {start_s:.0f} seconds", start_s=_START_S)
    )


def check_model(store: ModelStore, engine: EventEngine, entry: ModelEntry) -> str:
    """Compare a model's files with their checksums and its answers with the stored ones; then ask the engine for one.

    Returns what was found, in words; raises :class:`FoveaError` (``damaged``, ``no-expectation``, ``differs``, or the
    engine's own kind) where something does not hold.
    """
    if entry.state == "damaged":
        raise FoveaError("damaged", entry.problem or "damaged")
    changed = [check.name for check in store.verify(entry.id) if check.verdict != "ok"]
    if changed:
        raise FoveaError("damaged", phrase("not as delivered: {changed}", changed=list(changed)))
    from desktop.engine.model import LoadedModel

    tolerance, cases = _expectation(entry)
    with console.quiet_native():
        model = LoadedModel(entry)
        worst = max(_difference(case, model.predict(case.prepared[None])[0]) for case in cases)
        worst = max(worst, _worst_of_a_group(model, cases))
    if not worst <= tolerance:
        raise FoveaError(
            "differs",
            phrase(
                "its answers differ by {worst:.2g}, at most {tolerance:.2g} expected", worst=worst, tolerance=tolerance
            ),
        )
    _ask_engine(engine, entry, cases[0], tolerance)
    return phrase(
        "{count} stored answers repeated, largest difference {worst:.1g}; the engine answers",
        count=len(cases),
        worst=worst,
    )


def _worst_of_a_group(model: LoadedModel, cases: list[Case]) -> float:
    """The largest difference where a full group of pictures is asked about at once, as a batch does."""
    import numpy as np

    from desktop.engine.model import BATCH

    group = [cases[place % len(cases)] for place in range(BATCH)]
    pictures = np.stack([case.prepared for case in group])
    found = (*model.predict(pictures), *(model.predict_apart(pictures) if model.lanes else ()))
    return max(_difference(case, scores) for case, scores in zip(group * 2, found, strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A stored input, uint8 (height, width, channels), and the scores that the network must give for it."""

    name: str
    prepared: np.ndarray
    expected: list[float]


def _expectation(entry: ModelEntry) -> tuple[float, list[Case]]:
    """The tolerance and the cases of ``selftest/expected.json``."""
    import numpy as np

    assert entry.manifest is not None
    if EXPECTED not in entry.manifest.files:
        raise FoveaError("no-expectation", "it has no stored answers to compare with")
    try:
        raw = strict_json.read_object(entry.folder / EXPECTED)
        folder = (entry.folder / EXPECTED).parent
        cases = [
            Case(item["file"], np.load(folder / item["file"], allow_pickle=False), list(item["probabilities"]))
            for item in raw["cases"]
        ]
        tolerance = float(raw["tolerance"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FoveaError("no-expectation", "its stored answers cannot be read") from error
    if not cases:
        raise FoveaError("no-expectation", "it has no stored answers to compare with")
    return tolerance, cases


def _difference(case: Case, scores: np.ndarray) -> float:
    """The largest difference in any score; infinite where one is no number."""
    if len(case.expected) != len(scores):
        raise FoveaError(
            "differs", phrase("{count} scores found, {count2} expected", count=len(scores), count2=len(case.expected))
        )
    differences = [abs(float(a) - float(b)) for a, b in zip(case.expected, scores, strict=True)]
    return max(differences) if all(map(math.isfinite, differences)) else math.inf


def _ask_engine(engine: EventEngine, entry: ModelEntry, case: Case, tolerance: float) -> None:
    """The same picture the whole way: encoded, sent to the engine process, decoded, prepared and answered there."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    pixels = case.prepared[:, :, 0] if case.prepared.shape[2] == 1 else case.prepared
    Image.fromarray(pixels).save(stream, "PNG")
    request = PredictRequest(engine.next_id(), entry.id, ImageSource(case.name, data=stream.getvalue()))
    engine.submit(request)
    result = _await(engine, request.id)
    assert entry.manifest is not None
    # Only there is a picture of the input's own size its own prepared form.
    if entry.manifest.preprocess.fit == "stretch" and not _difference(case, result.probabilities) <= tolerance:
        raise FoveaError("differs", "the engine process answers differently")


def _await(engine: EventEngine, request_id: int) -> Prediction:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        for event in engine.events(1.0):
            if isinstance(event, Prediction) and event.id == request_id:
                return event
            if isinstance(event, Failure) and event.id == request_id:
                raise FoveaError(event.kind, event.message)
    raise FoveaError("engine-lost", phrase("the engine did not answer within {start_s:.0f} seconds", start_s=_START_S))


def _window(folder: Path) -> str:
    """Draw the window with a picture and its answer, as far as there is a model to give one."""
    from PIL import Image

    from desktop.cli.screenshot import default_model
    from desktop.services.samples import samples

    out = folder / "window.png"
    store = ModelStore(user=folder / "models")
    model = default_model(store)
    images = [samples()[0].path] if model and samples() else []
    offscreen.capture(images, model, _WINDOW, "light", out)
    with Image.open(out) as picture:
        picture.load()
        width, height = picture.size
        colours = picture.convert("RGB").getcolors(256)
    if colours is not None and len(colours) < 4:
        raise FoveaError("no-window", "the window was drawn empty")
    return phrase("drawn offscreen at {width}×{height}", width=width, height=height)


def _show(check: Check) -> None:
    word = {"ok": "ok", "failed": "FAILED", "not-installed": phrase("not installed")}[check.state]
    console.say(f"{word:<14}{check.name:<42}{check.detail}")


def _ignore(check: Check) -> None:
    """Nothing: the whole report is printed at the end."""
