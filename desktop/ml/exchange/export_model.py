"""Writes a model of the store for other programs: its network in one of the formats of
:data:`desktop.ml.exchange.export_formats.MODEL_FORMATS`, or all of it as an archive.

Beside a network lie ``FILE.parity.json``: how far the file's answers are from Fovea's own, over real
pictures; ``FILE.json``: how a picture is prepared, and the labels, which the file carries inside as well; and
``FILE.example.py``, a program that answers pictures with it. The work runs in a child process with limits; this module
imports neither Keras nor TensorFlow.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.types import FoveaError
from desktop.ml.convert.convert import memory_for
from desktop.ml.convert.sandbox import GIB, SandboxLimits, run
from desktop.ml.exchange.export_formats import ARCHIVE, FILES, MODEL_FORMATS
from desktop.ml.exchange.install import work_folder
from desktop.ml.exchange.preparing_facts import example
from desktop.ml.plans.job_steps import JobStep
from desktop.store import archive
from desktop.store.download import DownloadControl
from desktop.store.store import ModelEntry, check_usable, read_verified
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase

LIMIT = 1e-4
"""The largest difference of any score that an exported file may have."""
LIMIT_HALF = 1e-2
"""The same for a model whose LiteRT file keeps its weights in 16 bits while the Keras file has 32."""
_SECONDS = 1800.0
Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how far its answers are from Fovea's over ``pictures`` pictures. ``difference`` is ``None``
    where there is no other form to compare with, and for an archive, which has checksums (no ``certificate`` then)."""

    path: Path
    certificate: Path | None
    difference: float | None
    pictures: int


def export(
    entry: ModelEntry,
    form: str,
    target: Path,
    folder: Path | None = None,
    tell: Tell = lambda event: None,
    control: DownloadControl | None = None,
) -> Exported:
    """Write the model of ``entry`` to ``target`` in the format ``form``, :data:`ARCHIVE` or an id of
    :data:`MODEL_FORMATS`; ``folder`` holds pictures of the user's to compare on (else the
    photographs of :mod:`desktop.core.pictures.photographs`), beside those that Fovea draws.

    An older ``target`` stays whole until the new one is. Raises :class:`FoveaError`: ``no-keras`` for a model without
    its Keras form, ``missing-package`` where ONNX cannot be written here, ``parity`` where the answers differ.
    """
    manifest = check_usable(entry)
    if not target.parent.is_dir():
        raise FoveaError("not-saved", "the folder to write into does not exist", "Choose another place.")
    if form == ARCHIVE:
        tell(JobStep("copy"))
        archive.write_zip(entry, target)
        return Exported(target, None, None, 0)
    chosen = MODEL_FORMATS[form]
    if FILES[chosen.source] not in manifest.files:
        raise FoveaError(
            "no-keras",
            phrase("'{name}' has no Keras form: it was imported as .tflite", name=manifest.name),
            "Export it as .tflite.",
        )
    lite = read_verified(entry, "model.tflite")
    wanted = "keras" in chosen.own and "model.keras" in manifest.files
    keras_file = read_verified(entry, "model.keras") if wanted else None
    half = manifest.provenance.plan.get("precision") == "float16" or (
        manifest.parity is not None and manifest.parity.largest_difference > LIMIT  # its file's weights have 16 bits
    )
    with work_folder() as work:
        tell(JobStep(chosen.step))
        arguments = (
            str(keras_file or ""),
            str(lite),
            form,
            manifest.to_json(),
            str(folder) if folder else "",
            str(work),
        )
        limits = SandboxLimits(memory_for(lite.stat().st_size) + GIB, _SECONDS)
        facts = run(
            "desktop.ml.exchange.export_steps:write",
            arguments,
            limits,
            tell,
            lambda: control is not None and control.cancelled,
        )
        limit = LIMIT_HALF if half and chosen.source != chosen.peer else LIMIT
        if facts["difference"] is not None and not facts["difference"] <= limit:
            raise FoveaError(
                "parity",
                phrase(
                    "the exported file differs from the model by {facts:.1e} in a score; {limit:.0e} at most expected",
                    facts=facts["difference"],
                    limit=limit,
                ),
                "Nothing was written.",
            )
        certificate = target.with_name(target.name + ".parity.json")
        _put(work / f"out{chosen.ending}", target)
        _put(work / "parity.json", certificate)
        _put(work / "facts.json", target.with_name(target.name + ".json"))
        program = work / "example.py"
        program.write_text(example(chosen, target.name, manifest), encoding="utf-8", newline="\n")
        _put(program, target.with_name(target.name + ".example.py"))
    return Exported(target, certificate, facts["difference"], facts["pictures"])


def _put(source: Path, target: Path) -> None:
    with saying(phrase("the exported file"), disk_of(target)):
        write_atomically(target, lambda part: shutil.copyfile(source, part))
    os.chmod(target, 0o644)
