"""Change files at random and see whether anything breaks: ``make fuzz``, or ``python tools/fuzz.py --minutes 10 jpeg``.

Every run makes fresh seeds (files of every variant, drawn here) and changes them in many ways; ``--seed`` repeats one.
Pictures go through a real engine, as a folder that is classified does, the engine being watched; archives, networks
and JSON through the functions that an import calls, in the children that it calls them in.

A family fails when the engine ends or holds more than a gigabyte, when nothing comes for longer than a picture may take
twice over, or when something else than an error in words comes out. A library that crashes, loops or swells in its
child is contained: it is counted and kept, but fails nothing. What was found lies in ``--keep`` (``fuzz-found``), one
file each beside what it did; copy it into ``tests/cases`` once it is mended.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import io
import json
import os
import random
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

CASES = ROOT / "tests" / "cases" / "pictures"
_AT_ONCE = 64
_SILENT_S = 60.0  # a picture may take ten seconds of work, on a busy computer several times as long
_MOST_MEMORY = 1 << 30
_MODEL = "cifar10"
_CONTAINED = ("decoder-crashed", "took-too-long")
_NUMBERS = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


@dataclass
class Found:
    """What became of a family's mutants."""

    family: str
    seed: int
    mutants: int = 0
    opened: int = 0
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    contained: int = 0
    failures: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    memory: int = 0
    seconds: float = 0.0


# Changing


def mutated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """``data`` changed in one to a dozen places; near its head as often as anywhere else."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5, 12))):
        if not out:
            break
        place = draw.randrange(min(len(out), 512)) if draw.random() < 0.5 else draw.randrange(len(out))
        match draw.randrange(9):
            case 0:
                out[place] ^= 1 << draw.randrange(8)
            case 1:
                out[place] = draw.randrange(256)
            case 2:
                size = draw.choice(("B", "<H", ">H", "<I", ">I"))
                width = struct.calcsize(size)
                out[place : place + width] = struct.pack(size, draw.choice(_NUMBERS) % (1 << 8 * width))
            case 3:
                del out[place : place + draw.randrange(1, 64)]
            case 4:
                out[place:place] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 32)))
            case 5:
                end = min(len(out), place + draw.randrange(1, 256))
                out[place:place] = out[place:end] * draw.choice((1, 1, 4))
            case 6:
                del out[place:]
            case 7:
                other = draw.choice(others)
                start = draw.randrange(len(other) or 1)
                piece = other[start : start + draw.randrange(1, 256)]
                out[place : place + len(piece)] = piece
            case 8:
                end = min(len(out), place + draw.randrange(1, 64))
                out[place:end] = bytes([draw.choice((0, 255))]) * (end - place)
    return bytes(out)


def mutated_zip(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """An archive whose bytes, or whose members' own, are changed: then its checksums hold and more of it is read."""
    if draw.random() < 0.3:
        return mutated(data, others, draw)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        names = source.namelist()
        chosen = draw.choice(names)
        for name in names:
            content = source.read(name)
            if name == chosen:
                change = mutated_json if name.endswith(".json") and draw.random() < 0.7 else mutated
                content = change(content, others, draw)
                if draw.random() < 0.1:
                    name = draw.choice(("../x", "/x", "a/../../x", "x" * 300, "con", "\\x", name.upper(), "ü/é"))
            out.writestr(name, content)
    return target.getvalue()


def mutated_network(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A network's file, changed as what it is."""
    return (mutated_zip if data[:2] == b"PK" else mutated)(data, others, draw)


def mutated_json(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """JSON with one value replaced by another kind of value, or its bytes changed."""
    if draw.random() < 0.3:
        return mutated(data, others, draw)
    try:
        value = json.loads(data)
    except ValueError:
        return mutated(data, others, draw)
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in list(pairs):
            places.append((node, key))
            waiting.append(inner)
    if places:
        node, key = draw.choice(places)
        deep: Any = 0
        for _ in range(draw.choice((3, 70, 900))):
            deep = [deep]
        node[key] = draw.choice(
            (None, True, -1, 0, 1e308, float("nan"), float("inf"), "", "x" * 5000, [], {}, deep, 2**70, ["x"] * 3000)
        )
        if isinstance(node, dict) and draw.random() < 0.3:
            node[draw.choice(("class_name", "module", "config", "schema", "\ud800", "x" * 999))] = node.pop(key)
    return json.dumps(value).encode("utf-8", "surrogatepass")


# Seeds


def _scene(draw: random.Random, mode: str) -> Any:
    import numpy as np
    from PIL import Image

    width, height = draw.randrange(9, 70), draw.randrange(9, 70)
    rng = np.random.default_rng(draw.randrange(1 << 30))
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 4), np.uint8), "RGBA").resize((width, height))
    if mode == "I;16":
        return Image.fromarray(np.asarray(coarse.convert("L")).astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(np.asarray(coarse.convert("L")).astype(np.float32) / 255)
    return coarse.convert(mode)


def _saved(picture: Any, kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    picture.save(held, kind, **options)
    return held.getvalue()


def _pictures(draw: random.Random, variants: list[tuple[str, str, dict[str, Any]]]) -> list[bytes]:
    out = []
    for mode, kind, options in variants:
        picture = _scene(draw, mode)
        if options.pop("frames", 0):
            others = [_scene(draw, mode).resize(picture.size) for _ in range(2)]
            options |= {"save_all": True, "append_images": others}
        with contextlib.suppress(OSError, KeyError, ValueError):  # a variant that this build cannot write
            out.append(_saved(picture, kind, **options))
    return out


def jpeg(draw: random.Random) -> list[bytes]:
    """JPEG: grey, colour, printing colours, progressive, subsampled, with restarts, with EXIF."""
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    options: list[dict[str, Any]] = [
        {}, {"progressive": True}, {"subsampling": 0}, {"quality": 30, "optimize": True}, {"exif": exif},
        {"restart_marker_blocks": 2},
    ]  # fmt: skip
    return _pictures(draw, [(mode, "JPEG", dict(o)) for mode in ("L", "RGB", "CMYK") for o in options])


def png(draw: random.Random) -> list[bytes]:
    """PNG: every kind of pixel, transparency, animation."""
    modes = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    variants: list[tuple[str, str, dict[str, Any]]] = [(mode, "PNG", {}) for mode in modes]
    return _pictures(draw, [*variants, ("P", "PNG", {"transparency": 0}), ("RGBA", "PNG", {"frames": 3})])


def tiff(draw: random.Random) -> list[bytes]:
    """TIFF: every kind of pixel by every packing, pages."""
    packings = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma")
    modes = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "F")
    variants = [(mode, "TIFF", {"compression": packing}) for mode in modes for packing in packings]
    variants += [(mode, "TIFF", {"compression": "jpeg"}) for mode in ("L", "RGB")]
    variants += [("1", "TIFF", {"compression": packing}) for packing in ("group3", "group4", "tiff_ccitt")]
    made = _pictures(draw, [*variants, ("RGB", "TIFF", {"frames": 3}), ("L", "TIFF", {"big_tiff": True})])
    # What Pillow cannot write: planar, packed, deep, signed, with no-data values.
    return made + [path.read_bytes() for path in sorted((CASES / "brothers").glob("*.tif"))]


def web(draw: random.Random) -> list[bytes]:
    """GIF, WebP, AVIF, HEIC and JPEG 2000, moving ones too."""
    from tests.core.makers import HEIC, HEIC_TURNED

    variants: list[tuple[str, str, dict[str, Any]]] = [
        ("P", "GIF", {}), ("RGB", "GIF", {"frames": 3}), ("RGB", "WEBP", {}), ("RGBA", "WEBP", {"lossless": True}),
        ("RGBA", "WEBP", {"frames": 3}), ("RGB", "AVIF", {}), ("RGBA", "AVIF", {"frames": 3}), ("L", "AVIF", {}),
        ("RGB", "JPEG2000", {}), ("L", "JPEG2000", {"irreversible": True}), ("RGB", "BMP", {}), ("P", "BMP", {}),
    ]  # fmt: skip
    return [*_pictures(draw, variants), HEIC, HEIC_TURNED, HEIC, HEIC_TURNED]


def dicom(draw: random.Random) -> list[bytes]:
    """DICOM: every transfer syntax, as far as pydicom's own small files have it or it can be made here."""
    import numpy as np
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import RLELossless

    from tests.core.makers import dicom_bytes

    rng = np.random.default_rng(draw.randrange(1 << 30))
    out = []
    for shape, kind in (((9, 11), np.uint8), ((9, 11), np.uint16), ((9, 11), np.int16), ((8, 8, 3), np.uint8)):
        pixels = rng.integers(0, 120, shape).astype(kind)
        for syntax in (pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian):
            out.append(dicom_bytes(pixels, syntax))
        out.append(dicom_bytes(np.stack([pixels, pixels])))
        with contextlib.suppress(Exception):
            made = pydicom.dcmread(io.BytesIO(dicom_bytes(pixels)))
            made.compress(RLELossless)
            held = io.BytesIO()
            made.save_as(held)
            out.append(held.getvalue())
    for code, packing in (("1.2.840.10008.1.2.4.50", "JPEG"), ("1.2.840.10008.1.2.4.90", "JPEG2000")):
        frame = _saved(_scene(draw, "L").resize((11, 9)), packing)
        made = pydicom.dcmread(io.BytesIO(dicom_bytes(np.zeros((9, 11), np.uint8))))
        made.file_meta.TransferSyntaxUID = pydicom.uid.UID(code)
        made.PixelData = encapsulate([frame])
        made["PixelData"].is_undefined_length = True
        held = io.BytesIO()
        made.save_as(held)
        out.append(held.getvalue())
    folder = Path(pydicom.data.__file__).parent / "test_files"
    small = [path for path in folder.glob("*.dcm") if path.stat().st_size < 150_000]
    return out + [path.read_bytes() for path in (*small, *sorted(CASES.glob("*.dcm")))]


def studies(draw: random.Random) -> list[bytes]:
    """Headers of slices, and lists of discs."""
    import tempfile

    from tests.studies import AXIAL, slice_bytes, write_directory

    placed = {"ImageOrientationPatient": list(AXIAL), "ImagePositionPatient": [0, 0, draw.uniform(-99, 99)]}
    out = [slice_bytes(draw.randrange(20), 8, InstanceNumber=at, **placed) for at in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        names = [("A", f"IM{at}") for at in range(5)] + [("..", "B"), "/etc/passwd"]
        out.append(write_directory(Path(folder), names).read_bytes())
    return [*out, out[-1]]


def _model_zip(draw: random.Random) -> bytes:
    import tempfile

    from desktop.store import archive
    from desktop.store.store import ModelStore
    from tests.store.makers import COLOURS, manifest

    with tempfile.TemporaryDirectory() as folder:
        store = ModelStore(Path(folder) / "b", Path(folder) / "u")
        with store.stage(manifest()) as staging:
            (staging / "model.tflite").write_bytes(COLOURS.read_bytes())
            (staging / "history.csv").write_text("epoch,loss\n1,2\n")
            (staging / "evaluation.json").write_text('{"per_class": [{"label": "red", "f1": 0.5}]}')
        archive.write_zip(store.get("colours"), Path(folder) / "x.zip")
        return (Path(folder) / "x.zip").read_bytes()


def archives(draw: random.Random) -> list[bytes]:
    """A whole model of another Fovea."""
    return [_model_zip(draw)]


def networks(draw: random.Random) -> list[bytes]:
    """``.keras``, ``.h5`` and ``.tflite``."""
    import tempfile

    from tests.ml.exchange import foreign_files
    from tests.store.makers import COLOURS

    with tempfile.TemporaryDirectory() as folder:
        keras = foreign_files.keras_file(Path(folder) / "a.keras").read_bytes()
        held = foreign_files.h5_file(Path(folder) / "a.h5").read_bytes()
        lite = foreign_files.tflite_file(Path(folder) / "a.tflite").read_bytes()
    return [keras, keras, held, lite, COLOURS.read_bytes()]


def stores(draw: random.Random) -> list[bytes]:
    """The program's JSON: descriptions of models, gates, plans, settings, releases."""
    from desktop.ml.plans.plan import DataPlan
    from desktop.ml.plans.presets import DEFAULT, find
    from tests.store.makers import manifest

    data = DataPlan("user", 0.2, "auto", ("a", "b"), "/pictures", "pictures")
    plan = find(DEFAULT).build(("a", "b"), (32, 32, 3), data)
    texts = [manifest().to_json(), plan.to_json(), '{"model": "cifar10", "size": [1, 2.5], "open": true}']
    found = [path.read_bytes() for path in (ROOT / "model_store").glob("*/*.json") if path.stat().st_size < 60_000]
    return [text.encode() for text in texts] + found


# What is attacked


def attack_archive(data: bytes) -> str:
    """In the child: unpack a model, as an import does first."""
    import tempfile

    from desktop.store import archive

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(data)
        archive.looks_like_model(path)
        (Path(folder) / "out").mkdir()
        archive.unpack(path, Path(folder) / "out")
    return "opened"


def attack_study(data: bytes) -> str:
    """In the child: read a header, put it beside itself, and read the file as the list of a disc."""
    import tempfile

    from desktop.core.pictures.dicom.directory import FileFinder, read_directory
    from desktop.core.pictures.dicom.series import grouped, read_head
    from desktop.core.types import DecodeError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(data)
        refused = None
        try:
            head = read_head(str(path))
            series = grouped([("1", head), ("2", head), ("3", head)])
            assert not head.picture or sum(len(one.frames) for one in series) >= 1
        except DecodeError as error:
            refused = error
        finder = FileFinder(folder)
        for parts in read_directory(str(path)).files[:1000]:
            try:
                found = finder.find(parts)
            except PermissionError:
                continue
            assert found is None or os.path.realpath(found).startswith(os.path.realpath(folder))
        if refused is not None:
            raise refused
    return "opened"


def attack_network(data: bytes) -> str:
    """In the child: look through a network by its description, as an import does before anything is built."""
    import tempfile

    from desktop.ml.exchange import import_model, import_steps
    from desktop.ml.exchange.h5_check import check_h5
    from desktop.ml.nets.keras_check import clean_copy

    with tempfile.TemporaryDirectory() as folder:
        suffix = ".keras" if data[:2] == b"PK" else ".h5" if data[:4] == b"\x89HDF" else ".tflite"
        path = Path(folder) / f"x{suffix}"
        path.write_bytes(data)
        form = import_model.kind_of(path)
        if form == "tflite":
            import_steps.inspect(str(path), "tflite", folder, lambda event: None)
        elif form == "keras":
            step: Callable[..., Any] = import_steps._in_words(lambda: _look_at_keras(path, Path(folder), clean_copy))
            step()
        elif form == "h5":
            import_steps._in_words(lambda: (check_h5(path, 1 << 30), import_steps._check_h5_config(path)))()
    return "opened"


def _look_at_keras(path: Path, folder: Path, clean_copy: Callable[..., Any]) -> None:
    from desktop.ml.exchange import import_steps
    from desktop.ml.exchange.h5_check import check_h5

    clean_copy(path, folder / "clean.keras")
    with import_steps._weights_of(folder / "clean.keras", folder) as weights:
        check_h5(weights, 1 << 30)


def attack_json(data: bytes) -> str:
    """In the child: every reader of JSON that comes from elsewhere or from the disk."""
    import tempfile

    from desktop.core.trust import domain, first_layer, saliency
    from desktop.core.types import FoveaError
    from desktop.ml.plans import plan
    from desktop.store import manifest
    from desktop.system import strict_json, updates

    opened = 0
    readers: tuple[Callable[[bytes], Any], ...] = (
        manifest.from_json, domain.from_json, saliency.head_from_json, first_layer.from_json, updates.parse,
        strict_json.loads,
    )  # fmt: skip
    for reader in readers:
        with contextlib.suppress(FoveaError, strict_json.JsonError):
            reader(data)
            opened += 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.json"
        path.write_bytes(data)
        store = strict_json.JsonStore(path, "the settings")
        store.read()
        store.write({"a": 1})
        assert store.read() == {"a": 1}
        path.write_bytes(data)
        with contextlib.suppress(FoveaError):
            plan.load(path)
            opened += 1
    if not opened:
        raise FoveaError("refused", "no reader takes it")
    return "opened"


Mutate = Callable[[bytes, list[bytes], random.Random], bytes]
FAMILIES: dict[str, tuple[Callable[[random.Random], list[bytes]], Mutate, str]] = {
    "jpeg": (jpeg, mutated, ""),
    "png": (png, mutated, ""),
    "tiff": (tiff, mutated, ""),
    "web": (web, mutated, ""),
    "dicom": (dicom, mutated, ""),
    "studies": (studies, mutated, "fuzz:attack_study"),
    "archives": (archives, mutated_zip, "fuzz:attack_archive"),
    "networks": (networks, mutated_network, "fuzz:attack_network"),
    "stores": (stores, mutated_json, "fuzz:attack_json"),
}


# Running


def run(family: str, seconds: float, seed: int, keep: Path) -> Found:
    """Attack for about ``seconds``; returns what became of it."""
    make, change, target = FAMILIES[family]
    draw = random.Random(f"{family}-{seed}")
    seeds = make(draw)
    found = Found(family, seed)
    attack = _through_children(target, found, keep) if target else _through_engine(found, keep)
    begin = time.monotonic()
    next(attack)
    while time.monotonic() - begin < seconds and not found.failures:
        attack.send([change(draw.choice(seeds), seeds, draw) for _ in range(_AT_ONCE)])
    attack.close()
    found.seconds = time.monotonic() - begin
    return found


def _kept(keep: Path, family: str, data: bytes, words: str) -> None:
    name = hashlib.sha256(data).hexdigest()[:16]
    (keep / family).mkdir(parents=True, exist_ok=True)
    (keep / family / f"{name}.bin").write_bytes(data)
    (keep / family / f"{name}.txt").write_text(words + "\n", encoding="utf-8")


def _through_engine(found: Found, keep: Path) -> Generator[None, list[bytes], None]:
    """Portions of mutants as a folder that is classified: sent in, one by one."""
    from desktop.core.types import ImageSource
    from desktop.engine import messages as m
    from desktop.engine.client import EngineClient
    from desktop.system.memory import memory_of

    with EngineClient() as client:
        while True:
            portion = yield
            sources = tuple(ImageSource(f"{number}.bin", data=data) for number, data in enumerate(portion) if data)
            held = [data for data in portion if data]
            client.submit(m.BatchRequest(client.next_id(), _MODEL, sources))
            heard, over = time.monotonic(), False
            while not over:
                for answer in client.events(1.0):
                    now = time.monotonic()
                    found.longest_s, heard = max(found.longest_s, now - heard), now
                    if isinstance(answer, m.BatchAnswers):
                        for item in answer.items:
                            _note(found, item, held[item.position], keep)
                    elif isinstance(answer, m.EngineLost):
                        found.failures.append(f"the engine ended: {answer.reason}")
                    over = over or isinstance(answer, m.BatchDone)
                found.memory = max(found.memory, memory_of(client.pid or 0))
                if time.monotonic() - heard > _SILENT_S:
                    found.failures.append(f"nothing came for {_SILENT_S:.0f} seconds")
                if found.memory > _MOST_MEMORY:
                    found.failures.append(f"the engine holds {found.memory >> 20:,} MiB")
                if found.failures:
                    for data in held:
                        _kept(keep, found.family, data, "; ".join(found.failures))
                    break


def _note(found: Found, item: Any, data: bytes, keep: Path) -> None:
    from desktop.engine.messages import Failure

    found.mutants += 1
    if not isinstance(item, Failure):
        found.opened += 1
        return
    found.refused[item.kind] += 1
    if item.kind in _CONTAINED:
        found.contained += 1
        _kept(keep, found.family, data, f"{item.kind}: {item.message}")
        if "unexpected" in item.message:
            found.failures.append(item.message)
    elif item.kind in ("internal", "engine-died", "no-process"):
        found.failures.append(f"{item.kind}: {item.message}")
        _kept(keep, found.family, data, item.message)


def _through_children(target: str, found: Found, keep: Path) -> Generator[None, list[bytes], None]:
    """Portions of mutants through a function, in children with limits."""
    from desktop.core.types import FoveaError
    from desktop.system.workers import Fault, WorkerLimits, Workers

    sys.path.insert(0, str(ROOT / "tools"))  # children find this file as a module
    workers = Workers(2, WorkerLimits())
    try:
        while True:
            portion = yield
            begin = time.monotonic()
            for data, result in zip(portion, workers.run(target, portion), strict=True):
                found.mutants += 1
                if isinstance(result, FoveaError):
                    found.refused[result.kind] += 1
                elif isinstance(result, Fault):
                    found.refused[result.kind] += 1
                    _kept(keep, found.family, data, f"{result.kind} {result.detail}")
                    if result.kind == "unexpected":
                        found.failures.append(result.detail)
                    else:
                        found.contained += 1
                else:
                    found.opened += 1
            found.longest_s = max(found.longest_s, time.monotonic() - begin)
    finally:
        workers.close()


def main(argv: list[str] | None = None) -> int:
    """Run it; 0 when no family failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"of {', '.join(FAMILIES)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each family (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (default: a fresh one, printed)")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="where what was found is kept")
    parser.add_argument("--json", action="store_true", help="one JSON object a family")
    options = parser.parse_args(argv)
    unknown = [name for name in options.families if name not in FAMILIES]
    if unknown:
        parser.error(f"no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    failed = False
    for family in options.families or FAMILIES:
        found = run(family, options.minutes * 60, seed, options.keep)
        failed = failed or bool(found.failures)
        print(_json(found) if options.json else _line(found), flush=True)
        for text in found.failures[:5]:
            print(f"  FAILED: {text}", flush=True)
    return 1 if failed else 0


def _line(found: Found) -> str:
    reasons = ", ".join(f"{kind} {count:,}" for kind, count in found.refused.most_common(6))
    memory = f", engine at most {found.memory >> 20} MiB" if found.memory else ""
    return (
        f"{found.family}: seed {found.seed}, {found.mutants:,} mutants in {found.seconds:.0f} s, "
        f"{found.opened:,} opened, {found.contained:,} contained, longest wait {found.longest_s:.1f} s{memory}; "
        f"refused: {reasons}"
    )


def _json(found: Found) -> str:
    return json.dumps({**found.__dict__, "refused": dict(found.refused)})


if __name__ == "__main__":
    sys.exit(main())
