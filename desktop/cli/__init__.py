"""Fovea's command line. Each command lives in a module of its own, imported when it is called.

The words, options, JSON fields and exit statuses here are stable: other tools rely on them.
Exit status of every command: 0 all well, 1 something failed (its text says what), 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import importlib

# Command -> what it does, for the overview; each is ``desktop.cli.<command>`` with ``main(argv) -> int``.
COMMANDS: dict[str, str] = {
    "predict": "classify pictures: files and whole folders",
    "models": "list, show or verify the models",
    "train": "train a classifier from a plan",
    "selftest": "check this installation: models, engine, window",
    "screenshot": "draw the window into a PNG file, without a display",
    "demo": "classify a few samples with every model, with pictures of the window",
}


def main(argv: list[str]) -> int:
    """Run one command; ``argv`` holds its name and arguments. Returns the exit status, raises nothing."""
    from desktop.cli import console

    console.prepare_streams()
    if not argv or argv[0] in ("-h", "--help", "help"):
        console.say(_overview())
        return 0 if argv else 2
    if argv[0] in ("-V", "--version"):
        from desktop import __version__

        console.say(f"Fovea {__version__}")
        return 0
    name = argv[0]
    if name not in COMMANDS:
        console.complain(f"there is no command '{console.printable(name)}'", f"Commands: {', '.join(COMMANDS)}.")
        return 2
    return console.guarded(lambda: int(importlib.import_module(f"desktop.cli.{name}").main(argv[1:])))


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: fovea COMMAND …      (without a command: the window)",
            "",
            *lines,
            "",
            "'fovea COMMAND --help' tells more. FOVEA_HOME=FOLDER moves all of Fovea's own files there.",
        ]
    )
