"""Fovea's command line. Each command lives in a module of its own, imported when it is called.

The words, options, JSON fields and exit statuses here are stable: other tools rely on them.
Exit status of every command: 0 all well, 1 something failed (its text says what), 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import importlib
import importlib.util

# Command -> what it does, for the overview; each is ``desktop.cli.<command>`` with ``main(argv) -> int``.
COMMANDS: dict[str, str] = {
    "predict": "classify pictures: files and whole folders",
    "sort": "copy or move pictures into folders by answer, or rename them; with undo",
    "models": "list, verify, install, import, export, rename, delete models",
    "explain": "draw where in a picture a model found its answer",
    "evaluate": "measure a model on a folder of labelled pictures",
    "train": "train a classifier",
    "runs": "list, show, compare and delete trainings",
    "search": "try many settings of a training and see which won",
    "study": "see how accuracy grows with the number of pictures",
    "data": "look through a folder of labelled pictures",
    "selftest": "check this installation: models, engine, window",
    "screenshot": "draw the window into a PNG file, without a display",
    "stopwatch": "how long until the window is there, and until it answers",
    "licences": "every component of this program with its licence",
    "demo": "classify a few samples with every model, with pictures of the window",
}


_WRITING = ("models", "runs", "search", "study", "train")
"""Commands that change what Fovea keeps: what killed processes have left there is cleared before them."""


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
    if name not in available():
        console.complain(f"there is no command '{console.printable(name)}'", f"Commands: {', '.join(available())}.")
        return 2
    if name in _WRITING:
        from desktop.store.housekeeping import clear_leftovers

        clear_leftovers()
    return console.guarded(lambda: int(importlib.import_module(f"desktop.cli.{name}").main(argv[1:])))


def available() -> list[str]:
    """The commands whose modules are there: a small installation may leave some out."""
    return [name for name in COMMANDS if importlib.util.find_spec(f"desktop.cli.{name}") is not None]


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {COMMANDS[name]}" for name in available()]
    return "\n".join(
        [
            "usage: fovea COMMAND …      (without a command: the window)",
            "",
            *lines,
            "",
            "'fovea COMMAND --help' tells more. FOVEA_HOME=FOLDER moves all of Fovea's own files there.",
        ]
    )
