"""What :mod:`fuzz` begins from: small files of every variant, most of them made here, anew at every run."""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases" / "pictures"


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
    from tests.studies import AXIAL, slice_bytes, write_directory

    placed = {"ImageOrientationPatient": list(AXIAL), "ImagePositionPatient": [0, 0, draw.uniform(-99, 99)]}
    out = [slice_bytes(draw.randrange(20), 8, InstanceNumber=at, **placed) for at in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        names = [("A", f"IM{at}") for at in range(5)] + [("..", "B"), "/etc/passwd"]
        out.append(write_directory(Path(folder), names).read_bytes())
    return [*out, out[-1]]


def _model_zip(draw: random.Random) -> bytes:
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
    """Whole models of another Fovea: a tiny one, and the bundled one of digits with all that goes with a network."""
    from desktop.store import archive
    from desktop.store.store import ModelStore

    with tempfile.TemporaryDirectory() as folder:
        digits = Path(folder) / "digits.zip"
        archive.write_zip(ModelStore(user=Path(folder) / "u").get("mnist-digits"), digits)
        return [_model_zip(draw), digits.read_bytes()]


def networks(draw: random.Random) -> list[bytes]:
    """``.keras``, ``.h5`` and ``.tflite``."""
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
