"""Imports a network that comes from elsewhere: look through it, ask for what it does not say, build, compare, commit.

Everything that opens the foreign file runs in child processes with limits of memory and time; this module imports
neither Keras nor TensorFlow, so that the window's services may drive it. The user's file is only read.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop.core.types import PreprocessSpec
from desktop.ml.convert.convert import convert, memory_for
from desktop.ml.convert.sandbox import GIB, SandboxLimits, run
from desktop.ml.exchange.foreign import SCALINGS, ForeignFacts, Format, FoundInFile, contradiction, missing
from desktop.ml.exchange.install import PARITY_LIMIT, own_disk, work_folder
from desktop.ml.nets.keras_check import ImportRefused, saved_model
from desktop.ml.plans.job_steps import JobStep
from desktop.store import archive, changes
from desktop.store.download import DownloadControl
from desktop.store.manifest import Card, Decision, FileEntry, Manifest, Parity, Provenance
from desktop.store.store import MANIFEST, ModelStore, sha256_of
from desktop.system.words import phrase, sentences

SECONDS = 600.0
_MOST_MEMORY = 12 * GIB
_FIRST = 3 * GIB  # what TensorFlow, and the building of any small network, need
Tell = Callable[[Any], None]

_REFUSED_ENDINGS = {
    ".pt": phrase("a PyTorch file, which is a pickle and can run code of its own when it is opened"),
    ".pth": phrase("a PyTorch file, which is a pickle and can run code of its own when it is opened"),
    ".pkl": phrase("a pickle, which can run code of its own when it is opened"),
    ".joblib": phrase("a pickle, which can run code of its own when it is opened"),
    ".onnx": phrase("an ONNX file, which Fovea writes but does not read"),
    ".pb": phrase("a TensorFlow graph, which is a program and cannot be checked layer by layer"),
    ".ckpt": phrase("a checkpoint, which holds weights without their network"),
    ".safetensors": phrase("a file of weights without their network"),
}


def kind_of(path: Path) -> Format | None:
    """What ``path`` holds by its content; ``None``: a whole model of another Fovea. Raises :class:`ImportRefused`."""
    if path.is_dir():
        if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
            raise saved_model()
        raise ImportRefused("not-a-model", "this is a folder", "Choose a .keras, .h5, .tflite or .zip file.")
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise ImportRefused(
            "not-a-model", phrase("'{name}' cannot be read", name=path.name), "Choose another file."
        ) from error
    if head[:4] == b"PK\x03\x04" and path.suffix.lower() not in (".pt", ".pth"):
        return None if archive.looks_like_model(path) else "keras"
    if head == b"\x89HDF\r\n\x1a\n":
        return "h5"
    if head[4:8] == b"TFL3":
        return "tflite"
    if path.suffix.lower() in _REFUSED_ENDINGS:
        raise ImportRefused(
            "not-allowed",
            phrase("this is {refused_endings}", refused_endings=_REFUSED_ENDINGS[path.suffix.lower()]),
            "Where it was made, save it as .keras or convert it to .tflite.",
        )
    if path.suffix.lower() in (".keras", ".zip", ".h5", ".hdf5", ".tflite"):
        raise ImportRefused("damaged", "the file is damaged, cut off or empty", "Fetch or copy it again.")
    raise ImportRefused("not-a-model", "this is no file of a network", "Choose a .keras, .h5, .tflite or .zip file.")


def look(path: Path, tell: Tell = lambda event: None, control: DownloadControl | None = None) -> FoundInFile | None:
    """Look through ``path`` and say what it tells by itself; ``None`` for a whole model of another Fovea, which says
    everything. Raises :class:`desktop.core.types.FoveaError` for a file that is not imported."""
    form = kind_of(path)
    if form is None:
        return None
    tell(JobStep("check"))
    with work_folder() as work:
        found: FoundInFile = run(
            "desktop.ml.exchange.import_steps:inspect",
            (str(path), form, str(work)),
            _limits(path),
            tell,
            _cancelled(control),
        )
    return found


def bring_in(
    path: Path,
    facts: ForeignFacts,
    store: ModelStore,
    tell: Tell = lambda event: None,
    control: DownloadControl | None = None,
    found: FoundInFile | None = None,
) -> Manifest:
    """Import ``path`` into the user's models and return its description.

    ``found`` spares a second look where :func:`look` was called before. Raises :class:`ImportRefused` ``needs-facts``
    while something is still to be told, ``does-not-fit`` where the file denies what is told, and what :func:`look`
    raises.
    """
    form = kind_of(path)
    if form is None:
        return _whole_model(path, store, tell, control)
    found = found or look(path, tell, control)
    assert found is not None
    wanted = missing(found, facts)
    if wanted:
        raise ImportRefused(
            "needs-facts", phrase("the file does not say everything: {values}", values=sentences(list(wanted.values())))
        )
    denied = contradiction(found, facts)
    if denied:
        raise ImportRefused("does-not-fit", denied, "Its outputs are probabilities: say so, or leave it to the file.")
    with work_folder() as work:
        tell(JobStep("build"))
        if form == "tflite":
            made = run(
                "desktop.ml.exchange.import_steps:wrap_tflite",
                (str(path), facts, str(work)),
                _limits(path),
                tell,
                _cancelled(control),
            )
            spec, outputs = made["spec"], {"probabilities": 0}
            parity = Parity(made["gap"], made["pictures"], "pictures drawn by Fovea; the file as it came, and as it is")
            files = ["model.tflite", "selftest"]
        else:
            arguments = (str(path), form, facts, str(work))
            made = run("desktop.ml.exchange.import_steps:build", arguments, _limits(path), tell, _cancelled(control))
            spec = made["spec"]
            tell(JobStep("convert"))
            convert(work / "model.keras", work / "model.tflite", SECONDS, cancelled=_cancelled(control))
            tell(JobStep("compare"))
            gap, outputs, count = run(
                "desktop.ml.exchange.install_steps:compare", (str(work), spec), _limits(path), tell, _cancelled(control)
            )
            parity = Parity(gap, count, "pictures drawn by Fovea")
            files = ["model.keras", "model.tflite", "selftest"]
        if not parity.largest_difference <= PARITY_LIMIT["imported"]:
            raise ImportRefused(
                "does-not-fit",
                phrase(
                    "after its conversion the network answers otherwise, by {largest_difference:.1e} in "
                    "a score; {parity_limit:.0e} at most expected",
                    largest_difference=parity.largest_difference,
                    parity_limit=PARITY_LIMIT["imported"],
                ),
            )
        manifest = _described(path, facts, found, spec, outputs, parity, made.get("parameters"), store)
        tell(JobStep("write"))
        return changes.commit_as_new(store, manifest, lambda folder: _move(work, folder, files))


def _move(work: Path, folder: Path, files: list[str]) -> None:
    for name in files:
        os.rename(work / name, folder / name)


def _cancelled(control: DownloadControl | None) -> Callable[[], bool]:
    return lambda: control is not None and control.cancelled


def _limits(path: Path) -> SandboxLimits:
    return SandboxLimits(min(_MOST_MEMORY, max(_FIRST, memory_for(path.stat().st_size))), SECONDS, patient=True)


def _described(
    path: Path,
    facts: ForeignFacts,
    found: FoundInFile,
    spec: PreprocessSpec,
    outputs: dict[str, int],
    parity: Parity,
    parameters: int | None,
    store: ModelStore,
) -> Manifest:
    origin = facts.origin.strip() or phrase("not stated")
    scaling = phrase("as the file itself scales bytes") if found.quantised else SCALINGS[facts.scaling]
    card = Card(
        summary=phrase("Imported from a file of the kind {format}.", format=found.format),
        intended_use=phrase("Not stated: whoever imported it knows what it is for."),
        limits=(
            phrase("Nobody has measured it in Fovea: see 'Evaluate' with labelled pictures of your own."),
            phrase(
                "Labels and preprocessing are what its user said on importing it; where they are wrong, its "
                "answers are."
            ),
            phrase("Pixels go in {scaling}.", scaling=scaling),
        ),
        architecture=f"{len(found.layers)} layers" if found.format != "tflite" else ", ".join(found.layers)[:300],
        parameters=parameters,
    )
    return Manifest(
        id=changes.free_id(store, facts.name),
        name=" ".join(facts.name.split())[:120],
        task="classification",
        version=1,
        state="ready",
        preprocess=spec,
        labels=facts.labels,
        label_ids=facts.label_ids,
        activation="softmax",
        outputs=outputs,
        scores="model score",
        decision=Decision(),
        card=card,
        provenance=Provenance(
            data=origin,
            data_licence=facts.licence.strip() or phrase("not stated"),
            fingerprint=f"imported file sha256 {sha256_of(path)}",
            plan={"imported": found.format, "scaling": facts.scaling or "none", "ends": facts.ends or found.ends},
            seed=None,
            parent=None,
            versions={},
            device="not known",
            created=datetime.datetime.now().replace(microsecond=0).isoformat(),
        ),
        parity=parity,
        medical=facts.medical,
        files={"model.tflite": FileEntry("0" * 64, 0)},
    )


def _whole_model(path: Path, store: ModelStore, tell: Tell, control: DownloadControl | None) -> Manifest:
    """A model that another Fovea exported: unpack, look at its networks in a child, commit under a free id."""
    with work_folder() as work:
        inside = work / "model"
        tell(JobStep("check"))
        with own_disk(phrase("the unpacked model")):
            inside.mkdir()
            manifest = archive.unpack(path, inside)
        arguments = (str(inside), manifest)
        run("desktop.ml.exchange.import_steps:look_at_archive", arguments, _limits(path), tell, _cancelled(control))
        tell(JobStep("write"))

        def fill(folder: Path) -> None:
            for item in inside.iterdir():
                if item.name != MANIFEST:
                    os.rename(item, folder / item.name)

        return changes.commit_as_new(store, manifest, fill)
