"""How well the digit model reads digits that are not MNIST's: drawn hands, fonts, pens, polarity, place, paper.

``python -m tests.ml.packaging.digit_styles [MODEL_FOLDER]`` prints the share of right answers by style. Everything
passes through the program's own preparing path and the model's exported file.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from desktop import paths
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.convert.litert import LiteRT
from desktop.store.manifest import from_json

SPEC = PreprocessSpec(28, 28, "grey", "mnist", "area")
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral", "cmr10")


def samples_module() -> ModuleType:
    """``resources/make_samples.py``, which draws the digits."""
    path = paths.resources() / "make_samples.py"
    spec = importlib.util.spec_from_file_location("fovea_make_samples", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(repeats: int = 3) -> Iterator[tuple[str, int, np.ndarray]]:
    """(style, digit, picture) for every hand and pen; ``repeats`` shakes of each."""
    draw = samples_module()
    styles = {
        "pen": {"width": 0.09},
        "hairline, large canvas": {"width": 0.012, "size": 900, "height": 0.8},
        "thin": {"width": 0.03, "size": 500},
        "marker": {"width": 0.16},
        "brush": {"width": 0.22},
        "white on black": {"width": 0.1, "inverted": True},
        "corner, small": {"width": 0.1, "size": 800, "height": 0.12, "offset": (-0.38, 0.36)},
        "tiny canvas": {"width": 0.1, "size": 32, "height": 0.7},
        "leaning": {"slant": 0.35},
        "turned 12°": {"turn": 12.0},
        "turned -12°": {"turn": -12.0},
        "fills the canvas": {"height": 0.96, "width": 0.08},
    }
    for style, settings in styles.items():
        for value in range(10):
            for hand in range(draw.HANDS):
                for seed in range(repeats):
                    yield style, value, draw.digit(value, hand, seed=seed, wobble=0.012, **settings)
    for value in range(10):
        for hand in range(draw.HANDS):
            for seed in range(repeats):
                small = draw.digit(value, hand, 500, 0.08, 0.45, offset=(0.1, -0.06), wobble=0.012, seed=seed)
                yield "photo of paper", value, draw.on_paper(small, seed)


def printed() -> Iterator[tuple[str, int, np.ndarray]]:
    """(style, digit, picture) in the fonts that matplotlib ships."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in FONTS:
        font = ImageFont.truetype(str(folder / f"{name}.ttf"), 160)
        for value in range(10):
            picture = Image.new("L", (300, 300), 255)
            ImageDraw.Draw(picture).text((150, 150), str(value), 0, font=font, anchor="mm")
            yield f"font {name}", value, np.asarray(picture)


def measure(folder: Path, repeats: int = 3) -> dict[str, tuple[int, int, list[str]]]:
    """Right answers, pictures and mistakes (``4→9``) by style, for the model in ``folder``; see :func:`drawn`."""
    position = from_json((folder / "model.json").read_bytes()).outputs["probabilities"]
    items = [*drawn(repeats), *printed()]
    inputs = np.stack([prepare(picture, SPEC).pixels for _, _, picture in items])
    answers = LiteRT(folder / "model.tflite").run(inputs, only=(position,))[0].argmax(axis=1)
    result: dict[str, tuple[int, int, list[str]]] = {}
    for (style, value, _), answer in zip(items, answers, strict=True):
        right, total, wrong = result.get(style, (0, 0, []))
        if answer != value:
            wrong.append(f"{value}→{answer}")
        result[style] = (right + int(answer == value), total + 1, wrong)
    return result


def main(folder: Path) -> None:
    """Print the table for the model in ``folder``."""
    found = measure(folder)
    for style, (right, total, wrong) in found.items():
        print(f"{style:28} {right:4}/{total:<4} {' '.join(wrong[:12])}")
    right, total = sum(r for r, _, _ in found.values()), sum(t for _, t, _ in found.values())
    print(f"{'all':28} {right:4}/{total:<4} {right / total:.2%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else paths.bundled_models() / "mnist-digits")
