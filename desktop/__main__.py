"""Where Fovea starts: ``fovea``, ``python -m desktop`` and the frozen program all come through :func:`main`.

Light on purpose. A spawned child (engine, trainer) imports this module again, and ``fovea --version`` must answer at
once: whatever is heavy is imported after the decision what to do.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.engine.client import EngineClient

# A small edition has none of these, a full one some: whatever needs a missing one says so instead of breaking.
OPTIONAL = ("keras", "tensorflow", "torch", "jax")
_MOST_SETTINGS = 1_000_000  # bytes
NO_DISPLAY = 3  # exit status: a window was asked for where none can be shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run Fovea with ``argv`` (default: the command line); returns the exit status."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()  # first: in a frozen child it does the child's work and never returns
    from desktop.cli import console
    from desktop.system import privacy, words

    console.prepare_streams()
    privacy.begin()
    arguments = list(sys.argv[1:] if argv is None else argv)
    wish = _take_language(arguments)
    if wish:
        os.environ[words.VARIABLES[0]] = wish  # for children that draw the window
    if words.speak() != wish and wish and not words.is_there(wish):
        known = words.languages()
        console.complain(
            words.phrase("there is no translation into '{language}'", language=console.printable(wish)),
            words.phrase("Languages: {known}.", known=known),
        )
        return 2
    return console.guarded(lambda: _dispatch(arguments))


def _take_language(arguments: list[str]) -> str:
    """The language that ``--lang`` names, '' where it is not there; it goes from ``arguments``."""
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--lang" and place + 1 < len(arguments):
            del arguments[place]
            return arguments.pop(place)
        if word.startswith("--lang="):
            return arguments.pop(place).partition("=")[2]
    return ""


def _dispatch(arguments: list[str]) -> int:
    from desktop import cli
    from desktop.cli import console

    first = arguments[0] if arguments else ""
    # A command's name is the command even where a file has that name too: such a file is opened as ./NAME.
    if first in cli.COMMANDS or first in ("-h", "--help", "help", "-V", "--version"):
        return _command(arguments)
    if first == "--":
        return _window(arguments[1:])
    if not os.path.lexists(first):
        if first.startswith("-"):
            console.complain(f"there is no option {console.printable(first)}", "'fovea --help' lists the commands.")
            return 2
        if re.fullmatch("[a-z]+", first):
            console.complain(f"'{first}' is neither a command nor a file", "'fovea --help' lists the commands.")
            return 2
    return _window(arguments)


def _command(arguments: list[str]) -> int:
    from desktop import cli
    from desktop.cli import console

    try:
        return cli.main(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in OPTIONAL:
            raise
        console.complain(
            f"'fovea {arguments[0]}' needs {package}, which is not part of this installation",
            "Classifying and evaluating need none of it; the full edition has Keras and TensorFlow.",
        )
        return 1


def _window(paths: list[str]) -> int:
    if not has_display():
        from desktop.cli import console

        console.complain("there is no display to open a window on", "Without one there is 'fovea demo'.")
        return NO_DISPLAY
    predictor = _predictor() if paths else None
    from desktop.ui.shell import app

    return app.run(paths, predictor)


def _predictor() -> EngineClient:
    """The engine, started where pictures wait for it: it comes up and loads the model that was used last while this
    process loads Qt. Another Fovea that takes the pictures ends it again."""
    from desktop import paths
    from desktop.engine.client import EngineClient
    from desktop.engine.messages import WarmRequest
    from desktop.system import strict_json

    model = ""
    with contextlib.suppress(OSError, ValueError):  # the window says what is wrong with its settings
        with paths.settings_file().open("rb") as stream:
            held = strict_json.loads_object(stream.read(_MOST_SETTINGS + 1), _MOST_SETTINGS)
        model = held.get("model", "")
    client = EngineClient()
    client.start(*[WarmRequest(0, model)] * bool(model and isinstance(model, str)))
    return client


def has_display() -> bool:
    """Whether a window can be shown here; where none can, Qt would abort the process."""
    if not sys.platform.startswith(("linux", "freebsd")):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


if __name__ == "__main__":
    sys.exit(main())
