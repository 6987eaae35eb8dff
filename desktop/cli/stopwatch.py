"""``fovea stopwatch``: how long until the window is there, and until it answers. For `python -m benchmarks.frozen`."""

from __future__ import annotations

import os

from desktop.cli import console
from desktop.cli.parser import Parser


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0, 1 no answer, 2 usage)."""
    parser = Parser(
        prog="fovea stopwatch",
        description="Open the window offscreen with a picture; print when it was painted and when it was answered.",
        epilog="One JSON object: painted and answered, in seconds on the computer's steady clock, which a caller that "
        "notes the moment of the start can subtract from.",
    )
    parser.add_argument("picture", help="a picture; the model is the one that the settings name")
    parser.add_argument("--limit", type=float, default=120.0, metavar="SECONDS", help="give up after (default: 120)")
    options = parser.parse_args(argv)
    # Whatever display there is would have its own part in the figures.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from desktop.ui.capture.stopwatch import Stopwatch

    watch = Stopwatch(os.path.abspath(options.picture), options.limit)
    watch.run()
    console.say_json({"painted": watch.painted, "answered": watch.answered})
    return 0
