"""``fovea screenshot``: the real window, after the real prediction, drawn into a PNG file without a display."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from desktop.cli import console, offscreen
from desktop.cli.parser import Parser
from desktop.core.types import StoreError
from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelStore
from desktop.system.words import phrase

_SIZE = (1280, 720)
_SMALLEST = (1024, 640)  # the window takes no smaller size
_LARGEST = 8192
_TABS = ("pictures", "curves", "calibration", "classes", "compare", "here", "report", "data")
_MODEL_TABS = ("card", "curves", "evaluation", "layers", "files")
_TRAIN_TABS = ("jobs", "runs", "searches")
_ORDERS = ("all", "without", "uncertain", "drawn", "mistakes", "unlike", "suggested", "newest")
_ALL_TABS = tuple(dict.fromkeys((*_TABS, *_TRAIN_TABS, *_MODEL_TABS)))
_PREFERRED = (EVERYDAY, "cifar10", "mnist-digits")

_EPILOG = """\
exit status: 0 the picture was written (its path is printed); 1 it could not be drawn; 2 wrong usage.
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 written, 1 not drawn, 2 usage)."""
    options = _parser().parse_args(argv)
    store = ModelStore()
    try:
        model = store.get(options.model).id if options.model else default_model(store)
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "no-such-model" else 1
    given = [*options.image, *(str(path) for path in (options.data, options.strokes) if path is not None)]
    missing = [path for path in given if not Path(path).exists()]
    if missing:
        console.complain(phrase("there is no file or folder '{missing}'", missing=console.printable(missing[0])))
        return 2
    if not options.out.absolute().parent.is_dir():
        console.complain("the folder of --out does not exist")
        return 2
    try:
        _VIEWS[options.view](options, model)
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 1
    console.say(str(options.out))
    return 0


def _classify(options: argparse.Namespace, model: str) -> None:
    model = ModelStore().require(model).id if options.model else model
    images = [str(Path(path).absolute()) for path in options.image]
    out, why = options.out.absolute(), options.why or ""
    offscreen.capture(images, model, options.size, options.theme, out, why=why, frame=options.frame)


def _draw(options: argparse.Namespace, model: str) -> None:
    chosen = ModelStore().require(model).id if options.model else ""
    file = str(options.strokes.absolute()) if options.strokes is not None else ""
    under = str(Path(options.image[0]).absolute()) if options.image else ""
    offscreen.capture_drawing(file, chosen, options.size, options.theme, options.out.absolute(), under)


def _evaluate(options: argparse.Namespace, model: str) -> None:
    model = ModelStore().require(model).id if options.model else model
    out = options.out.absolute()
    offscreen.capture_evaluation(_data(options), model, options.size, options.theme, out, options.split, options.tab)


def _wizard(options: argparse.Namespace, model: str) -> None:
    out = options.out.absolute()
    offscreen.capture_wizard(_data(options), options.page, options.size, options.theme, out, options.origin)


def _train(options: argparse.Namespace, model: str) -> None:
    tab = options.tab if options.tab in _TRAIN_TABS else "jobs"
    out = options.out.absolute()
    offscreen.capture_training(options.run, options.demo, tab, options.size, options.theme, out)


def _models(options: argparse.Namespace, model: str) -> None:
    tab = options.tab if options.tab in _MODEL_TABS else "card"
    offscreen.capture_models(options.model or "", tab, options.size, options.theme, options.out.absolute())


def _teach(options: argparse.Namespace, model: str) -> None:
    out = options.out.absolute()
    offscreen.capture_teaching(options.project, options.order, options.size, options.theme, out)


def _data(options: argparse.Namespace) -> str:
    return str(options.data.absolute()) if options.data is not None else ""


# A view's name, and what draws it from the options and the id of a model.
_VIEWS: dict[str, Callable[[argparse.Namespace, str], None]] = {
    "classify": _classify,
    "draw": _draw,
    "evaluate": _evaluate,
    "train": _train,
    "wizard": _wizard,
    "models": _models,
    "teach": _teach,
}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea screenshot",
        description="Draw the window into a PNG file, without a display.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--view", choices=tuple(_VIEWS), required=True, help="which view")
    parser.add_argument("--image", nargs="+", action="extend", default=[], metavar="PATH", help="pictures to open")
    parser.add_argument("--strokes", type=Path, metavar="FILE.json", help="draw: the drawing, as Export saves it")
    parser.add_argument(
        "--why",
        nargs="?",
        const="quickest",
        choices=("quickest", "cam", "grad-cam", "occlusion"),
        help="classify: show where the network looked",
    )
    parser.add_argument(
        "--frame", type=_frame, default=0, metavar="N", help="classify: which frame of a series, 1 is the first"
    )
    parser.add_argument("--data", type=Path, metavar="DATA", help="evaluate, wizard: labelled data (default: none yet)")
    parser.add_argument("--split", metavar="S", help="evaluate: which of the data's splits")
    parser.add_argument(
        "--tab",
        choices=_ALL_TABS,
        default="pictures",
        help="evaluate, train, models: which part of the view",
    )
    parser.add_argument("--run", default="", metavar="ID", help="train: the run to look at (default: none)")
    parser.add_argument("--demo", action="store_true", help="train: a small net trained now on drawn shapes")
    parser.add_argument("--project", default="", metavar="ID", help="teach: the project (default: the list of them)")
    parser.add_argument("--order", choices=_ORDERS, default="", help="teach: what is shown next (default: all)")
    parser.add_argument("--page", type=int, choices=range(1, 9), default=1, help="wizard: which page (default: 1)")
    parser.add_argument("--origin", default="", metavar="ID", help="wizard: the starting point (default: recommended)")
    parser.add_argument("--model", metavar="ID", help="the model (default: the first that can answer)")
    parser.add_argument("--size", type=_size, default=_SIZE, metavar="WxH", help="pixels (default: 1280x720)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="default: light")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the file to write")
    return parser


def _frame(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_frame.__name__ = "frame"  # argparse names the type in its error


def _size(text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.lower().replace("×", "x").split("x"))
    if not (_SMALLEST[0] <= width <= _LARGEST and _SMALLEST[1] <= height <= _LARGEST):
        smallest = "x".join(map(str, _SMALLEST))
        raise argparse.ArgumentTypeError(
            phrase("{text}: expected {smallest} to {largest}x{largest}", text=text, smallest=smallest, largest=_LARGEST)
        )
    return width, height


_size.__name__ = "WxH"  # argparse names the type in its error


def default_model(store: ModelStore) -> str:
    """The id of a model that can answer; empty where there is none."""
    ready = [entry.id for entry in store.entries() if entry.state == "ready"]
    return next((name for name in _PREFERRED if name in ready), ready[0] if ready else "")
