"""Fovea's command line. Each command lives in a module of its own, imported when it is called.

The words, options, JSON fields and exit statuses here are stable: other tools rely on them.
Exit status of every command: 0 all well, 1 something failed (its text says what), 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import importlib
import importlib.util

from desktop.system.words import languages, phrase, worded

# Command -> what it does, for the overview; each is ``desktop.cli.<command>`` with ``main(argv) -> int``.
COMMANDS: dict[str, str] = {
    "predict": phrase("classify pictures: files and whole folders"),
    "sort": phrase("copy or move pictures into folders by answer, or rename them; with undo"),
    "models": phrase("list, verify, install, import, export, rename, delete models"),
    "explain": phrase("draw where in a picture a model found its answer"),
    "evaluate": phrase("measure a model on a folder of labelled pictures"),
    "teach": phrase("label pictures, with suggestions from what was labelled; make it a model"),
    "train": phrase("train a classifier"),
    "runs": phrase("list, show, compare and delete trainings"),
    "search": phrase("try many settings of a training and see which won"),
    "study": phrase("see how accuracy grows with the number of pictures"),
    "data": phrase("look through a folder of labelled pictures"),
    "samples": phrase("copy the samples that come with Fovea into a folder"),
    "selftest": phrase("check this installation: models, engine, window"),
    "screenshot": phrase("draw the window into a PNG file, without a display"),
    "stopwatch": phrase("how long until the window is there, and until it answers"),
    "licences": phrase("every component of this program with its licence"),
    "demo": phrase("classify a few samples with every model, with pictures of the window"),
    "help": phrase("read the help: its topics, one of them, or where words stand"),
}


_WRITING = ("models", "runs", "search", "study", "teach", "train")
"""Commands that change what Fovea keeps: what killed processes have left there is cleared before them."""


def main(argv: list[str]) -> int:
    """Run one command; ``argv`` holds its name and arguments. Returns the exit status, raises nothing."""
    from desktop.cli import console

    console.prepare_streams()
    if not argv or argv[0] in ("-h", "--help"):
        console.say(_overview())
        return 0 if argv else 2
    if argv[0] in ("-V", "--version"):
        from desktop import __version__

        console.say(phrase("Fovea {version}", version=__version__))
        return 0
    name = argv[0]
    if name not in available():
        console.complain(
            phrase("there is no command '{name}'", name=console.printable(name)),
            phrase("Commands: {available}.", available=list(available())),
        )
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
    lines = [f"  {name:<{width}}  {worded(COMMANDS[name])}" for name in available()]
    return "\n".join(
        [
            phrase("usage: fovea COMMAND …      (without a command: the window)"),
            "",
            *lines,
            "",
            phrase("'fovea COMMAND --help' tells more, 'fovea help' explains the program."),
            phrase("FOVEA_HOME=FOLDER moves all of Fovea's own files there."),
            phrase("--lang LANGUAGE (or FOVEA_LANG) names a language: {languages}.", languages=list(languages())),
        ]
    )
