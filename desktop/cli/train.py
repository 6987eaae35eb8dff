"""``fovea train``: train, evaluate and store a model from a plan."""

from __future__ import annotations

import datetime
import signal
import sys
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.cli import console
from desktop.cli.parser import Parser
from desktop.core.types import FoveaError

_EPILOG = """\
A training keeps its plan, its history and a checkpoint of every epoch in a run folder; --resume takes it up exactly
where it stopped. Ctrl-C once: stop after this batch; twice: stop now (the last checkpoint is kept).

exit status: 0 the model is in the store; 1 it failed; 2 wrong usage or a bad plan; 130 stopped by Ctrl-C
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    if (options.plan is None) == (options.resume is None):
        parser.error("give either --plan or --resume")
    try:
        return _run(options)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "bad-plan" else 1
    except KeyboardInterrupt:
        return 130


def _parser() -> Any:
    import argparse

    parser = Parser(
        prog="fovea train",
        description="Train a model from a plan, evaluate it on the test split and put it into the store.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plan", type=Path, metavar="FILE", help="the training plan (JSON)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the new run's folder (default: among the user's data)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="take up the run in this folder")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the model folder (default: the user's models)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the image sets lie (default: FOVEA_DATA)")
    return parser


class _Stop:
    """Ctrl-C asks to stop after this batch; the second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._told = False

    def command(self) -> Any:
        """What the training asks for after every step."""
        if self.asked and not self._told:
            self._told = True
            return "stop-after-batch"
        return None

    def handle(self, *_: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("stopping after this batch; Ctrl-C again stops now", file=sys.stderr, flush=True)


def _run(options: Any) -> int:
    from desktop.ml import job, plan
    from desktop.ml.history import write_text

    if options.resume:
        folder = options.resume
    else:
        chosen = plan.load(options.plan)
        folder = options.run or _new_run(chosen.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint.npz").unlink(missing_ok=True)
        write_text(folder / "plan.json", chosen.to_json())
    stop = _Stop()
    before = signal.signal(signal.SIGINT, stop.handle)
    try:
        finished = job.execute(folder, _tell, stop, options.data, options.out, _reveal)
    finally:
        signal.signal(signal.SIGINT, before)
    if finished.state == "failed":
        console.complain(finished.message, finished.hint)
        return 2 if finished.kind == "bad-plan" else 1
    print(finished.message, flush=True)
    return 0 if finished.state == "done" else 130


def _reveal(manifest: Any) -> None:
    for metric in manifest.metrics:
        interval = f" ({metric.low:.4f} to {metric.high:.4f})" if metric.low is not None else ""
        print(f"{metric.name}: {metric.value:.4f}{interval}, {metric.split}, n = {metric.n}")


def _new_run(model_id: str) -> Path:
    moment = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return paths.user_data() / "runs" / f"{model_id}-{moment}"


def _tell(event: Any) -> None:
    from desktop.ml.events import EpochDone, Note, Started

    if isinstance(event, Started):
        left = f"epochs {event.epoch + 1} to {event.epochs}" if event.epoch < event.epochs else "no epoch left to do"
        print(
            f"{event.parameters} parameters on {event.device}; {event.train} training and {event.validation} "
            f"validation pictures; {left}",
            flush=True,
        )
    elif isinstance(event, EpochDone):
        print(
            f"epoch {event.epoch + 1}/{event.epochs}  loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  "
            f"validation loss {event.val_loss:.4f}  accuracy {event.val_accuracy:.4f}  {event.seconds:.0f} s",
            flush=True,
        )
    elif isinstance(event, Note):
        print(event.text, flush=True)
