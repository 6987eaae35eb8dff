"""The self-test's checks beyond models and engine: DICOM, evaluation, training, certificates, translations.

Each function returns in words what was found and raises :class:`FoveaError` where something does not hold;
:class:`NotThereError` where this installation has no such part.
"""

from __future__ import annotations

import contextlib
import io
import ssl
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from desktop import paths
from desktop.core.types import FoveaError, ImageSource
from desktop.system import strict_json
from desktop.system.child_process import ChildProcess
from desktop.system.edition import trains
from desktop.system.words import phrase

# Every transfer syntax that core.pictures.decode answers for: the file among pydicom's own that tries it, '' where it
# has none.
DICOM: dict[str, str] = {
    "Implicit VR Little Endian": "rtdose_1frame.dcm",
    "Explicit VR Little Endian": "MR_small.dcm",
    "Deflated Explicit VR Little Endian": "image_dfl.dcm",
    "Explicit VR Big Endian": "SC_rgb_small_odd_big_endian.dcm",
    "RLE Lossless": "SC_rgb_rle.dcm",
    "JPEG Baseline": "SC_rgb_small_odd_jpeg.dcm",
    "JPEG Extended": "JPGExtended.dcm",
    "JPEG Lossless": "",
    "JPEG Lossless SV1": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG-LS Lossless": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-LS Near-Lossless": "JPEGLSNearLossless_16.dcm",
    "JPEG 2000 Lossless": "MR_small_jp2klossless.dcm",
    "JPEG 2000": "JPEG2000.dcm",
    "High-Throughput JPEG 2000 Lossless": "",
    "High-Throughput JPEG 2000 RPCL": "",
    "High-Throughput JPEG 2000": "",
}
_TRAINING_S = 300.0
_DIGITS = "mnist-digits"
_EACH = 12


class NotThereError(Exception):
    """This installation has no such part; the text says what."""


def edition() -> str:
    """Which Fovea this is."""
    import platform
    import sys

    frozen = phrase("frozen") if getattr(sys, "frozen", False) else phrase("not frozen")
    from PySide6.QtCore import qVersion

    flavour = phrase("full") if trains() else phrase("viewer")
    return phrase(
        "{flavour}, {frozen}, Python {python_version}, Qt {qversion}",
        flavour=flavour,
        frozen=frozen,
        python_version=platform.python_version(),
        qversion=qVersion(),
    )


def pictures() -> str:
    """Write a picture in every format that Pillow writes, and decode each as a user's; HEIF is only asked for."""
    import numpy as np
    from PIL import Image

    from desktop.core.pictures.decode import decode

    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, 24:] = (200, 120, 40)
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        stream = io.BytesIO()
        try:
            Image.fromarray(pixels).save(stream, form)
        except (KeyError, OSError) as error:
            raise FoveaError("differs", phrase("{form} cannot be written: a library is missing", form=form)) from error
        image = decode(ImageSource("picture", data=stream.getvalue()))
        if image.format != form or np.abs(image.pixels.astype(int) - pixels).mean() > 8:
            raise FoveaError("differs", phrase("a picture in {form} decodes to another one", form=form))
    import pi_heif

    return phrase(
        "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF decoded; HEIF by libheif {libheif_version}",
        libheif_version=pi_heif.libheif_version(),
    )


def dicom(name: str) -> str:
    """Decode the sample file of a transfer syntax as any picture is."""
    from desktop.core.pictures.decode import decode

    if not name:
        raise NotThereError(phrase("pydicom brings no test file of this transfer syntax"))
    path = paths.resources() / "dicom" / name
    if not path.is_file():
        import pydicom.data

        path = Path(str(pydicom.data.__file__)).parent / "test_files" / name
    image = decode(ImageSource.from_path(str(path)))
    if image.pixels.min() == image.pixels.max():
        raise FoveaError("differs", "it decodes to a blank picture")
    height, width = image.pixels.shape[:2]
    return phrase("decoded at {width}×{height}", width=width, height=height)


def evaluation(folder: Path) -> str:
    """Evaluate the digit model on the project's own drawn digits and write both kinds of report."""
    import shutil

    from desktop.cli import evaluate

    data = folder / "digits"
    for sample in sorted((paths.resources() / "samples").glob("digit-[0-9]-*.png")):
        place = data / sample.name.split("-")[1]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample, place)
    figures = folder / "figures.json"
    for ending in ("html", "pdf"):
        report = folder / f"report.{ending}"
        arguments = ["--model", _DIGITS, str(data), "--json", str(figures), "--report", str(report)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = evaluate.main(arguments)
        if status != 0 or not report.is_file():
            last = [line for line in said.getvalue().splitlines() if line.strip()]
            raise FoveaError(
                "differs",
                phrase(
                    "evaluating ended with {status}: {which}",
                    status=status,
                    which=last[-1] if last else phrase("nothing was said"),
                ),
            )
    n = len(list(data.rglob("*.png")))
    strict_json.read(figures)
    return phrase(
        "{n} drawn digits measured; a report as HTML ({st_size:,} bytes) and as PDF",
        n=n,
        st_size=(folder / "report.html").stat().st_size,
    )


def training(folder: Path) -> str:
    """Train one epoch in a spawned child: data, checkpoint, export, parity, commit; then ask the new model."""
    if not trains():
        raise NotThereError(phrase("this edition does not train"))
    data = folder / "colours"
    _draw_colours(data)
    # No daemon: the training converts its model in a child of its own.
    child = ChildProcess(_train, (str(folder), str(data)), "fovea-selftest-training", daemon=False, duplex=False)
    try:
        child.wait(_TRAINING_S)
        answer = next(child.receive(), None)
        if answer is None and child.over:
            answer = "failed", phrase("its process ended with status {value}", value=child.join(None))
        state, text = answer or ("failed", phrase("not done within {training_s:.0f} s", training_s=_TRAINING_S))
    finally:
        child.end(asked=10.0, killed=None)
    if state != "done":
        raise FoveaError("differs", phrase("the training ended: {text}", text=text))
    return _ask_trained(folder / "trained", text)


def _draw_colours(folder: Path) -> None:
    """Two classes that one epoch can tell apart: warm and cold pictures with some noise."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(1)
    for name, shade in (("warm", (210, 90, 40)), ("cold", (40, 90, 210))):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(_EACH):
            pixels = np.clip(random.normal(shade, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def _train(connection: Connection, folder: str, data: str) -> None:
    """The child's work: send (state, model id or message)."""
    from desktop.cli import console

    console.prepare_streams()
    try:
        from dataclasses import replace

        from desktop.ml import job
        from desktop.ml.plans.plan import DataPlan
        from desktop.ml.plans.presets import DEFAULT, find
        from desktop.store.runs import RunStore

        source = DataPlan("user", 0.3, classes=("cold", "warm"), path=data)
        plan = find(DEFAULT).build(("cold", "warm"), (16, 16, 3), source, "Self-test")
        plan = replace(plan, fit=replace(plan.fit, epochs=1, batch=8))
        runs = RunStore(Path(folder) / "runs")
        run = runs.folder(runs.create(plan, plan.name).id)
        with console.quiet_native():
            finished = job.execute(run, models=Path(folder) / "trained")
        connection.send((finished.state, finished.model_id or finished.message))
    except BaseException as error:
        connection.send(("failed", f"{type(error).__name__}: {error}"))


def _ask_trained(store: Path, model_id: str) -> str:
    """Load the trained model's LiteRT file, checksum first, and have it answer."""
    import numpy as np

    from desktop.cli import console
    from desktop.engine.model import LoadedModel
    from desktop.store.store import ModelStore

    models = ModelStore(bundled=store / "none", user=store)
    changed = [check.name for check in models.verify(model_id) if check.verdict != "ok"]
    if changed:
        raise FoveaError("damaged", phrase("not as it was saved: {changed}", changed=list(changed)))
    entry = models.get(model_id)
    assert entry.manifest is not None
    spec = entry.manifest.preprocess
    with console.quiet_native():
        scores = LoadedModel(entry).predict(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8))[0]
    if not np.isfinite(scores).all():
        raise FoveaError("differs", "the trained model gives no numbers")
    return phrase("one epoch in a child; exported, verified and asked: {count} scores", count=len(scores))


def certificates() -> str:
    """The authorities that an encrypted connection would be checked against; no connection is made."""
    from desktop.system import tls

    count = len(tls.context().get_ca_certs())
    if not count:
        raise FoveaError("no-certificates", "no authority is known: downloads over https would be refused")
    return f"{count} authorities, {ssl.OPENSSL_VERSION}"


def translations() -> str:
    """Load every translation that comes with the program."""
    import gettext

    files = sorted((paths.resources() / "translations").glob("fovea_*.mo"))
    if not files:
        raise NotThereError(phrase("no translation comes with this version; its words are English"))
    for file in files:
        try:
            with file.open("rb") as stream:
                gettext.GNUTranslations(stream)
        except (OSError, ValueError, UnicodeError, KeyError, IndexError) as error:
            raise FoveaError("damaged", phrase("the translation {name} cannot be loaded", name=file.name)) from error
    return f"{len(files)} loaded"


@contextlib.contextmanager
def home(folder: Path) -> Iterator[None]:
    """Have everything that Fovea writes in ``folder`` meanwhile, children included: the user's own is not touched."""
    import os

    before = os.environ.get("FOVEA_HOME")
    os.environ["FOVEA_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FOVEA_HOME"]
        else:
            os.environ["FOVEA_HOME"] = before
