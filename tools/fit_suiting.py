"""Fit what tells which model at hand would suit a picture, and write ``resources/suiting.npz``.

    python -m tools.fit_suiting [--data DIR] [--out resources/suiting.npz]

A linear classifier of four kinds (:data:`desktop.core.trust.suiting.KINDS`) on what the everyday network sees in a
picture. X-rays, photographs, surfaces and blood cells come from the training parts of the public sets (``FOVEA_DATA``),
digits from MNIST's and from :mod:`desktop.ml.data.drawn_digits`; what is none of these is drawn here: invented
characters, foreign letters, figures, pages, stripes, noise, plain tones. Every fifth picture of each is kept aside for
the figures that are printed. See :mod:`desktop.core.trust.suiting`.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from desktop import paths
from desktop.core.pictures.decode import decode
from desktop.core.trust import suiting
from desktop.core.types import ImageSource
from desktop.ml.convert.embeddings import Embedder
from desktop.ml.data import disturbed, drawn_digits, invented
from desktop.ml.training import linear_heads
from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelStore

EACH = 150
_HELD = 5  # every so manyeth is kept aside
_SEED = 11
_SIDE = 160


def pictures(root: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, np.ndarray]]:
    """What is learned from: kind, where it comes from, and decoded pixels."""
    retrain = root / "retrain.tar.gz"
    for kind, archive, parts in (
        (suiting.X_RAY, root / "chest-xray-224.tar.gz", ("/train/",)),
        (suiting.PHOTO, root / "cats-dogs-160.tar.gz", ("/train/",)),
        (suiting.PHOTO, retrain, tuple(f"/{name}/train/" for name in ("waste", "clothing", "textures", "signs"))),
        (suiting.OTHER, retrain, ("/steel/train/", "/blood/train/")),
    ):
        for part in parts:
            for pixels in _packed(archive, part, EACH if len(parts) < 3 else EACH // 2):
                yield kind, part, _disturbed(pixels, rng)
    with np.load(root / "mnist.npz", allow_pickle=False) as held:
        images = held["x_train"]
    for place in rng.permutation(len(images))[:EACH]:
        yield suiting.DIGIT, "mnist", disturbed.sheet(images[place][..., np.newaxis], rng)[..., 0]
    for number in range(2 * EACH):
        yield suiting.DIGIT, "drawn", drawn_digits.picture(drawn_digits.KINDS[number % 2], number // 2 % 10, rng)
    for name, draw in _DRAWN.items():
        for _ in range(EACH // 2):
            yield suiting.OTHER, name, draw(rng)


def _packed(archive: Path, part: str, count: int) -> Iterator[np.ndarray]:
    with tarfile.open(archive) as packed:
        members = [m for m in packed.getmembers() if m.isfile() and part in f"/{m.name}" and "/." not in m.name]
        chosen = {members[i].name for i in np.linspace(0, len(members) - 1, min(count, len(members))).astype(int)}
        for member in members:
            if member.name in chosen:
                stream = packed.extractfile(member)
                assert stream is not None
                yield decode(ImageSource(name="picture", data=stream.read())).pixels


def _disturbed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the pictures as another device or program would hand them over."""
    if rng.random() < 0.5:
        return pixels
    shaped = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    found = disturbed.disturb(shaped, disturbed.KINDS[int(rng.integers(len(disturbed.KINDS)))], rng)
    return found if pixels.ndim == 3 else found[..., 0]


def _on_paper(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light strokes on black as dark ones on light paper, at any place and size: uint8 (160, 160)."""
    side = int(rng.integers(40, 150))
    small = np.asarray(Image.fromarray(ink).resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
    paper, black = rng.uniform(200, 256), rng.uniform(0, 90)
    sheet = np.zeros((_SIDE, _SIDE), np.float32)
    top, left = rng.integers(0, _SIDE - side + 1, 2)
    sheet[top : top + side, left : left + side] = small
    return _bytes(paper + (black - paper) * sheet)


def _bytes(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return result


def _page(rng: np.random.Generator) -> np.ndarray:
    """Lines of made-up words, a table or a chart on paper, in the font that comes with Pillow."""
    width, height = (int(side) for side in rng.integers(160, 420, 2))
    page = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(225, 256, 3)))
    pen, size = ImageDraw.Draw(page), int(rng.integers(8, 22))
    font, black = ImageFont.load_default(size=size), tuple(int(v) for v in rng.integers(0, 90, 3))
    kind = rng.integers(3)
    if kind == 0:
        for top in range(size, height - 2 * size, int(1.5 * size)):
            words = " ".join(
                "".join(rng.choice(list("abcdefghiklmnoprstuvw0123456789"), int(rng.integers(2, 10))))
                for _ in range(12)
            )
            pen.text((size, top), words[: int(rng.integers(8, max(9, width // size)))], fill=black, font=font)
    elif kind == 1:
        step = int(rng.integers(2, 4)) * size
        for place in range(step, max(width, height), step):
            pen.line([(0, place), (width, place)], fill=black)
            pen.line([(2 * place, 0), (2 * place, height)], fill=black)
            for left in range(4, width, 2 * step):
                pen.text((left, place - size - 2), str(int(rng.integers(1, 9999))), fill=black, font=font)
    else:
        points = [(int(x), int(height * rng.uniform(0.1, 0.9))) for x in np.linspace(0.1, 0.9, 8) * width]
        pen.line(
            [(0.1 * width, 0.05 * height), (0.1 * width, 0.93 * height), (0.95 * width, 0.93 * height)], fill=black
        )
        colour = tuple(int(v) for v in rng.integers(0, 220, 3))
        if rng.random() < 0.5:
            pen.line(points, fill=colour, width=3)
        else:
            for x, y in points:
                pen.rectangle((x - width // 30, y, x + width // 30, int(0.93 * height)), fill=colour)
    return np.asarray(page)


def _regular(rng: np.random.Generator) -> np.ndarray:
    """Waves in two directions, in two colours, with or without soft edges."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    found = np.zeros((_SIDE, _SIDE))
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, np.pi)
        found += np.sin(2 * np.pi * rng.uniform(1, 20) * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
    share = ((found > 0) if rng.random() < 0.5 else (found - found.min()) / np.ptp(found))[..., np.newaxis]
    first, second = rng.integers(0, 256, (2, 3))
    return _bytes(share * first + (1 - share) * second)


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Grain of any size around a tone, grey or coloured; now and then hardly any."""
    channels, small = (1 if rng.random() < 0.5 else 3), int(rng.choice((5, 20, 80, 160)))
    values = rng.uniform(0, 255) + rng.uniform(0, 80) * rng.standard_normal((small, small, channels))
    tile = np.repeat(np.clip(values, 0, 255).astype(np.uint8), 3 // channels, axis=2)
    return np.asarray(Image.fromarray(tile).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))


def _saved(rng: np.random.Generator) -> np.ndarray:
    """A plain tone or a slope from one colour to another, as JPEG leaves it."""
    first, second = rng.integers(0, 256, (2, 1, 1, 3))
    slope = np.linspace(0, 1, _SIDE)[:, np.newaxis, np.newaxis] * (rng.random() < 0.7)
    picture = (first + (second - first) * slope) * np.ones((1, _SIDE, 1))
    held = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(held, "JPEG", quality=75)
    return np.asarray(Image.open(held))


_DRAWN = {
    "invented": lambda rng: _on_paper(invented.character(rng), rng),
    "letters": lambda rng: _on_paper(invented.foreign_letter(rng), rng),
    "pages": _page,
    "tables": _page,
    "regular": _regular,
    "noise": _noise,
    "tones": _saved,
}


def main() -> int:
    """Do as the module's text says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, help="where the public sets lie (default: FOVEA_DATA)")
    parser.add_argument("--out", type=Path, default=paths.resources() / suiting.FILE)
    options = parser.parse_args()
    root = options.data or paths.shared_data()
    if root is None:
        print("the public image sets were not found; set FOVEA_DATA to their folder")
        return 2
    names: list[str] = []
    labels: list[int] = []
    rows: list[np.ndarray] = []
    with Embedder(ModelStore().require(EVERYDAY), None, stages=True) as embedder:
        widths = embedder.widths
        for kind, name, pixels in pictures(root, np.random.default_rng(_SEED)):
            names.append(name)
            labels.append(suiting.KINDS.index(kind))
            rows.append(embedder.pictures([np.ascontiguousarray(pixels)])[0])
    known, found = np.array(labels), np.stack(rows)
    held = np.arange(len(known)) % _HELD == 0
    best: tuple[float, linear_heads.Linear] | None = None
    for candidate in linear_heads.CANDIDATES:
        head = linear_heads.solve(candidate, found[~held], known[~held], len(suiting.KINDS), widths, True)
        logits = found[held] @ head.kernel + head.bias
        temperature = linear_heads.suiting_temperature(logits, known[held])
        shifted = logits / temperature
        loss = float((np.logaddexp.reduce(shifted, axis=1) - shifted[np.arange(held.sum()), known[held]]).mean())
        right = float((logits.argmax(axis=1) == known[held]).mean())
        print(f"{candidate}: loss {loss:.4f}, right {right:.1%} of {held.sum()} kept aside")
        if best is None or loss < best[0]:
            best = loss, head.divided(temperature)
    assert best is not None
    head = best[1]
    answers = suiting.Kinds(head.kernel.astype(np.float16), head.bias.astype(np.float32)).shares(found[held])
    for name in dict.fromkeys(names):
        of = np.array([each == name for each in names])[held]
        said = answers[of].argmax(axis=1)
        print(f"  {name}: " + ", ".join(f"{kind} {np.sum(said == n)}" for n, kind in enumerate(suiting.KINDS)))
    np.savez_compressed(options.out, kernel=head.kernel.astype(np.float16), bias=head.bias.astype(np.float32))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
