"""``fovea explain``: a picture of where in a picture the network found its answer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from desktop.cli import console
from desktop.cli.parser import Parser, share
from desktop.core.notices import NOTICES, medical_notice
from desktop.core.types import FoveaError, ImageSource, StoreError
from desktop.engine.messages import EngineLost, ExplainRequest, Explanation, Failure, Request
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore
from desktop.system.words import phrase

_OPACITY = 0.6
_LONGEST = 2048
_SMALLEST = 448
_WAIT_S = 0.5
_METHODS = ("cam", "grad-cam", "occlusion")

_EPILOG = """\
cam       the network's own last map, at once: for networks that end in pooling and one dense layer
grad-cam  gradients, for every network with a spatial map; loads TensorFlow, which takes seconds
occlusion covers one part after the other and looks how the score falls: slower, but blind to how the network works
A bright place speaks for the class. What lies outside of the network's input is darkened. For digits the map is drawn
on the prepared input, because the ink was moved and scaled. A map shows where a network looked, not that it is right.

exit status: 0 the picture was written (with --json a description is printed); 1 it could not be made; 2 wrong usage.
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(argv)
    try:
        manifest = ModelStore().require(options.model).manifest
        assert manifest is not None
        index = _class(options.wanted, manifest)
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind in ("no-such-model", "no-such-class") else 1
    if not options.out.absolute().parent.is_dir():
        console.complain("the folder of --out does not exist")
        return 2
    if Path(options.path).exists() and options.out.exists() and options.out.samefile(options.path):
        console.complain("--out would overwrite the picture itself", "Choose another file.")
        return 2
    try:
        found = _ask(ExplainRequest(1, options.model, ImageSource.from_path(options.path), options.method, index))
        _draw(found, options, manifest)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        return 1
    _say(found, options, manifest)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea explain",
        description="Draw where in a picture a model found its answer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, metavar="ID", help="the model; 'fovea models list' names them")
    parser.add_argument(
        "--method", choices=_METHODS, help="how (default: cam where its map is fine enough, else occlusion)"
    )
    parser.add_argument("--class", dest="wanted", metavar="NAME", help="which class (default: the model's answer)")
    parser.add_argument(
        "--opacity",
        type=share("opacity"),
        default=_OPACITY,
        metavar="X",
        help=phrase("0 to 1 (default: {opacity})", opacity=_OPACITY),
    )
    parser.add_argument("--json", action="store_true", help="print class, method and map as one JSON object")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the picture to write")
    parser.add_argument("path", metavar="PATH", help="the picture to explain")
    return parser


def _class(name: str | None, manifest: Manifest) -> int | None:
    """The index of the class called ``name``. Raises :class:`StoreError` of kind ``no-such-class``."""
    if name is None:
        return None
    folded = [label.casefold() for label in manifest.labels]
    if name.casefold() not in folded:
        known = [*manifest.labels[:12], *(["…"] if len(manifest.labels) > 12 else [])]
        raise StoreError(
            "no-such-class",
            phrase("the model has no class '{name}'", name=console.printable(name)),
            phrase("Classes: {known}.", known=known),
        )
    return folded.index(name.casefold())


def _ask(request: ExplainRequest) -> Explanation:
    """The finished map. Raises :class:`FoveaError` with the engine's words."""
    from desktop.engine.client import EngineClient

    progress = console.ProgressLine()
    with EngineClient(gradients=request.method == "grad-cam") as engine:
        wanted: Request = request
        engine.submit(wanted)
        while True:
            for event in engine.events(_WAIT_S):
                progress.clear()
                if isinstance(event, Explanation):
                    if event.done == event.total:
                        return event
                    progress.update(phrase("{done} of {total} parts covered …", done=event.done, total=event.total))
                elif isinstance(event, Failure):
                    raise FoveaError(event.kind, event.message, event.hint)
                elif isinstance(event, EngineLost):
                    console.note(phrase("fovea: the engine ended ({reason})", reason=event.reason))


def _draw(found: Explanation, options: argparse.Namespace, manifest: Manifest) -> None:
    """Write the PNG: the map over the picture, below it what it shows and, for a medical model, what that is not."""
    import numpy as np
    from PIL import Image

    from desktop.core.pictures.decode_in_child import show
    from desktop.core.trust.saliency import overlay
    from desktop.system.files import disk_of, saying, write_atomically

    if found.box is None:
        pixels = found.prepared[..., 0] if found.prepared.shape[2] == 1 else found.prepared
        scale = max(1, _SMALLEST // max(pixels.shape[:2]))
        pixels = np.kron(pixels, np.ones((scale, scale) + (1,) * (pixels.ndim - 2), np.uint8))
        box = (0.0, 0.0, 1.0, 1.0)
    else:
        pixels, box = _sized(show(found.source, _LONGEST).pixels), found.box
    drawn = Image.fromarray(overlay(pixels, found.heat, box, options.opacity))
    lines = [_words(found, manifest)] + ([NOTICES["medical"].text] if manifest.medical else [])
    sheet = _labelled(drawn, lines)
    with saying(phrase("the picture"), disk_of(options.out)):
        write_atomically(options.out, lambda place: sheet.save(place, "PNG"))


def _sized(pixels: Any) -> Any:
    """The picture at a size at which a map can be seen and a line of text be read."""
    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    longest = max(height, width)
    scale = min(_LONGEST / longest, max(1.0, _SMALLEST / longest))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def _labelled(picture: Any, lines: list[str]) -> Any:
    """The picture with ``lines`` on a strip below it, wrapped to its width.

    A narrow picture stands in the middle of a sheet that is wide enough to read them on.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(15)
    full = max(picture.width, _SMALLEST)
    room, wrapped = full - 16, []
    for line in lines:
        words: list[str] = []
        for word in line.split():
            if words and font.getlength(" ".join([*words, word])) > room:
                wrapped.append(" ".join(words))
                words = []
            words.append(word)
        wrapped.append(" ".join(words))
    sheet = Image.new("RGB", (full, picture.height + 12 + 20 * len(wrapped)), (14, 16, 19))
    sheet.paste(picture, ((full - picture.width) // 2, 0))
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(wrapped):
        pen.text((8, picture.height + 6 + 20 * number), line, fill=(233, 236, 241), font=font)
    return sheet


def _words(found: Explanation, manifest: Manifest) -> str:
    how = {"cam": phrase("class activation map"), "grad-cam": "Grad-CAM", "occlusion": "occlusion"}[found.method]
    return phrase(
        "Bright areas point towards '{labels}' ({how}, model {id})",
        labels=manifest.labels[found.index],
        how=how,
        id=manifest.id,
    )


def _say(found: Explanation, options: argparse.Namespace, manifest: Manifest) -> None:
    if not options.json:
        if manifest.medical:
            console.note(NOTICES["medical"].text)
        console.say(str(options.out))
        return
    value = {
        "path": options.path,
        "model": manifest.id,
        "label": manifest.labels[found.index],
        "index": found.index,
        "method": found.method,
        "box": list(found.box) if found.box is not None else None,
        "map": [[round(float(cell), 5) for cell in row] for row in found.heat],
        "elapsed_ms": round(found.elapsed_ms, 3),
        "out": str(options.out),
        "notice": medical_notice(manifest.medical),
    }
    console.say_json(value, allow_nan=False)
