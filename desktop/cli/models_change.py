"""The actions of ``fovea models`` that change the user's models: install, import, export, rename, duplicate, delete."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop.cli import console
from desktop.core.types import INTERPOLATIONS, FoveaError, StoreError
from desktop.ml.exchange.export_formats import MODEL_FORMATS
from desktop.ml.exchange.foreign import SCALINGS, ForeignFacts
from desktop.store import catalogue, changes
from desktop.store.download import DownloadControl, Transfer
from desktop.store.store import ModelStore
from desktop.system.duration import duration

Action = Callable[[ModelStore, argparse.Namespace], int]


def add_actions(actions: Any) -> None:
    """Describe the actions to the parser of ``fovea models``."""
    add = actions.add_parser
    catalogue_ = add("catalogue", help="the ImageNet networks that can be installed")
    catalogue_.add_argument("--json", action="store_true", help="as JSON")
    installing = add("install", help="install the weights of a network of the catalogue")
    installing.add_argument("id", metavar="ID")
    installing.add_argument("--from", dest="source", type=Path, metavar="FILE", help="a file (.h5, .weights.h5)")
    installing.add_argument("--url", metavar="URL", help="a mirror of the same file; its hash is compared all the same")
    installing.add_argument(
        "--half", action="store_true", help="keep the weights in 16 bits: half the size, scores differ by up to 0.01"
    )
    installing.add_argument(
        "--sha256", metavar="HEX", help="with --from: take another file than the published one, if it has this hash"
    )
    preparing = add(
        "prepare", help="make the models whose weights came with the installation; quick where they are there"
    )
    preparing.add_argument(
        "--shared", action="store_true", help="for everybody who uses this Python environment (as make does)"
    )
    importing = add("import", help="bring in a network (.keras, .h5, .tflite) or a model of another Fovea (.zip)")
    importing.add_argument("file", type=Path, metavar="FILE")
    about = importing.add_argument_group("what the file does not say, and nobody guesses")
    about.add_argument("--name", default="", metavar="NAME", help="what the model is to be called")
    about.add_argument("--labels", metavar="FILE|a,b,…", help="its classes in the order of its outputs; 'imagenet'")
    about.add_argument("--scaling", choices=tuple(SCALINGS), help="how pixels were scaled when it was trained")
    about.add_argument("--fit", choices=("stretch", "center_crop", "letterbox"), help="how a picture gets its size")
    about.add_argument("--interpolation", choices=INTERPOLATIONS, default="bilinear", help="default: bilinear")
    about.add_argument("--resize-shorter", type=int, metavar="N", help="center_crop: the shorter side is scaled to N")
    about.add_argument("--input-size", metavar="WxH", help="for a network that takes any size")
    about.add_argument("--outputs", choices=("probabilities", "logits"), help="what its last layer gives")
    about.add_argument("--origin", default="", metavar="TEXT", help="what it was trained on, for its card")
    about.add_argument("--licence", default="", metavar="TEXT", help="the licence of that, for its card")
    about.add_argument("--medical", action="store_true", help="it is about medical pictures: its card says so")
    exporting = add("export", help="write a model for other programs, with a certificate of its answers")
    exporting.add_argument("id", metavar="ID")
    endings = ", ".join(row.ending for row in MODEL_FORMATS.values())
    exporting.add_argument("out", type=Path, metavar="FILE", help=f"ends in {endings}, or .zip (all of it)")
    exporting.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="pictures of yours to compare answers on (default: two photographs of scikit-learn)",
    )
    renaming = add("rename", help="call a model something else")
    renaming.add_argument("id", metavar="ID")
    renaming.add_argument("name", metavar="NAME")
    copying = add("duplicate", help="copy a model into your own")
    copying.add_argument("id", metavar="ID")
    copying.add_argument("name", metavar="NAME", nargs="?", default="")
    deleting = add("delete", help="move a model into the trash; it is kept there for 30 days")
    deleting.add_argument("id", metavar="ID")
    restoring = add("restore", help="take a deleted model back")
    restoring.add_argument("id", metavar="ID", nargs="?", help="its id (default: list what is in the trash)")


def actions() -> dict[str, Action]:
    """Each action by its name."""
    return {
        "catalogue": _catalogue,
        "install": _install,
        "prepare": _prepare,
        "import": _import,
        "export": _export,
        "rename": _rename,
        "duplicate": _duplicate,
        "delete": _delete,
        "restore": _restore,
    }


def _catalogue(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.ml.exchange.install import is_installed

    known = catalogue.load()
    facts = [
        {
            "id": network.id,
            "name": network.name,
            "installed": is_installed(network, store),
            "names_classes": network.top,
            "source": network.source,
            "package": asdict(network.package) if network.package is not None else None,
            "url": network.url,
            "size": network.size,
            "size_exact": network.size_exact,
            "md5": network.md5,
            "sha256": network.sha256,
            "licence": network.licence,
            "parameters": network.parameters,
            "checked": network.checked,
        }
        for network in known.networks
    ]
    if options.json:
        console.say(json.dumps(facts, indent=1))
        return 0
    rows = [("id", "installed", "weights", "parameters", "licence")]
    for network, fact in zip(known.networks, facts, strict=True):
        rows.append(
            (
                network.id,
                "yes" if fact["installed"] else "no",
                _weights_of(network),
                f"{network.parameters:,}",
                network.licence,
            )
        )
    console.say(console.table(rows, right=(2, 3)))
    console.say(
        f"\nAddresses and hashes are from {known.source}, sizes from public logs of downloads. Fovea's authors "
        "have not downloaded the files: the first one that passes on this computer is remembered by its SHA-256. What "
        "a package carries is compared with the SHA-256 that Fovea's authors computed, and needs no connection."
    )
    return 0


def _weights_of(network: catalogue.Network) -> str:
    """Where the weights of a network are, and how large."""
    from desktop.store import weight_packages

    size = f"{network.size / 1e6:.0f} MB"
    if network.package is None:
        return f"{'' if network.size_exact else 'about '}{size} to download"
    if weight_packages.is_there(network.package):
        return f"{size}, here"
    return f"{size}: pip install {network.package.distribution}"


class JobWatch:
    """Shows a job on a terminal; Ctrl-C ends it and keeps what was fetched. A context manager."""

    def __init__(self) -> None:
        self.control = DownloadControl()
        self._progress = console.ProgressLine()
        self._before: Any = None

    def __enter__(self) -> JobWatch:
        self._before = signal.signal(signal.SIGINT, lambda *_: self.control.cancel())
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._progress.clear()

    def tell(self, event: Any) -> None:
        """Show an event of a job."""
        from desktop.ml.plans.job_steps import STEPS, JobStep, Said

        if isinstance(event, Transfer):
            left = "" if event.left_s is None else f", {duration(event.left_s)} left"
            self._progress.update(
                f"{event.done / 1e6:.1f} of {event.total / 1e6:.1f} MB, {event.rate / 1e6:.1f} MB/s{left}"
            )
        elif isinstance(event, JobStep):
            self._progress.clear()
            console.note(f"fovea: {STEPS.get(event.name, event.name)} …")
        elif isinstance(event, Said):
            self._progress.clear()
            console.note(f"fovea: {event.text}")


def _install(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.ml.exchange.install import InstallRequest, install

    network = catalogue.load().get(options.id)
    digest = (options.sha256 or "").lower()
    if digest and (options.source is None or not re.fullmatch("[0-9a-f]{64}", digest)):
        console.complain("--sha256 takes 64 hexadecimal digits and goes with --from")
        return 2
    if options.source is not None and not options.source.is_file():
        console.complain(f"there is no file '{console.printable(str(options.source))}'")
        return 2
    request = InstallRequest(
        network, options.source, options.url, "float16" if options.half else "float32", digest or None
    )
    if network.package is not None and options.url is not None:
        console.complain(f"'{network.id}' comes as a package ({network.package.distribution}), not from an address")
        return 2
    if options.source is None and network.package is not None:
        console.note(f"fovea: {network.name}: from the package {network.package.distribution}, offline")
    elif options.source is None:
        about = "" if network.size_exact else "about "
        console.note(
            f"fovea: {network.name}: {about}{network.size:,} bytes from {options.url or network.url}; licence: "
            f"{network.licence}"
        )
    with JobWatch() as watch:
        made = install(request, store, watch.tell, watch.control)
    if made is None:
        console.say(f"the weights of '{network.id}' are installed, to build upon")
    else:
        assert made.parity is not None
        console.say(
            f"model '{made.id}' is installed; Keras and LiteRT differ by {made.parity.largest_difference:.1e} at most"
        )
    return 0


def _prepare(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.ml.exchange.prepare import missing, prepare

    wanted = missing(store)
    if wanted:
        names = ", ".join(f"'{network.name}'" for network in wanted)
        console.note(f"fovea: making {names} once, from what was installed; this takes up to a minute")
    with JobWatch() as watch:
        made = prepare(store, watch.tell, watch.control, options.shared)
    for manifest in made:
        console.say(f"model '{manifest.id}' is ready")
    return 0


def _import(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.app import models

    if not options.file.exists():
        console.complain(f"there is no file '{console.printable(str(options.file))}'")
        return 2
    with JobWatch() as watch:
        looked = models.look(options.file, watch.tell, watch.control)
        facts = _facts(store, options) if looked.found is not None else ForeignFacts()
        wanted = looked.missing(facts)
        if wanted:
            console.complain("the file does not say everything, and nothing is guessed:")
            for name, sentence in wanted.items():
                console.note(f"  {_OPTION[name]:<14} {sentence}")
            return 2
        made = models.import_file(looked, facts, watch.tell, watch.control)
    console.say(f"model '{made.id}' is in the store: {len(made.labels)} classes")
    return 0


_OPTION = {
    "name": "--name",
    "labels": "--labels",
    "scaling": "--scaling",
    "fit": "--fit",
    "size": "--input-size",
    "ends": "--outputs",
}


def _facts(store: ModelStore, options: argparse.Namespace) -> ForeignFacts:
    from desktop.app import models
    from desktop.ml.exchange import foreign

    labels: tuple[str, ...] = ()
    label_ids: tuple[str, ...] = ()
    if options.labels == "imagenet":
        labels, label_ids = models.imagenet_labels(store)
    elif options.labels and os.path.isfile(options.labels):  # Path.is_file() raises for what is too long for a name
        labels = foreign.read_labels(Path(options.labels))
    elif options.labels:
        labels = foreign.check_labels(options.labels.split(","))
    size = None
    if options.input_size:
        if not re.fullmatch(r"\d{1,4}x\d{1,4}", options.input_size):
            raise FoveaError("bad-name", f"--input-size {console.printable(options.input_size)}: expected WxH")
        width, height = options.input_size.split("x")
        size = int(width), int(height)
    return ForeignFacts(
        name=options.name,
        labels=labels,
        scaling=options.scaling or "",
        fit=options.fit,
        interpolation=options.interpolation,
        resize_shorter=options.resize_shorter,
        size=size,
        ends=options.outputs,
        origin=options.origin,
        licence=options.licence,
        medical=options.medical,
        label_ids=label_ids,
    )


def _export(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.app import exports, models

    try:
        exports.export_for("model", options.out)
    except FoveaError as error:
        console.complain(console.printable(error.message), error.hint)
        return 2
    if options.pictures is not None and not options.pictures.is_dir():
        console.complain("--pictures is no folder")
        return 2
    entry = store.require(options.id)
    with JobWatch() as watch:
        done = models.export_file(entry, options.out.absolute(), options.pictures, watch.tell, watch.control)
    if done.certificate is None:
        console.say(f"{options.out}: the whole model")
    elif done.difference is None:
        console.say(f"{options.out}: a copy of the only form that the model has: there is nothing to compare it with")
    else:
        console.say(f"{options.out}: answers differ by {done.difference:.1e} at most over {done.pictures} pictures")
    return 0


def _rename(store: ModelStore, options: argparse.Namespace) -> int:
    changes.rename(store, options.id, options.name)
    return 0


def _duplicate(store: ModelStore, options: argparse.Namespace) -> int:
    console.say(changes.duplicate(store, options.id, options.name))
    return 0


def _delete(store: ModelStore, options: argparse.Namespace) -> int:
    changes.delete(store, options.id)
    name = console.printable(options.id)
    console.say(f"'{name}' is in the trash; 'fovea models restore {shlex.quote(name)}' takes it back")
    return 0


def _restore(store: ModelStore, options: argparse.Namespace) -> int:
    found = changes.deleted(store)
    if options.id is None:
        for item in found:
            console.say(console.printable(item.id))
        return 0
    token = next((item.token for item in found if item.id == options.id), None)
    if token is None:
        raise StoreError("not-in-trash", f"'{console.printable(options.id)}' is not in the trash")
    changes.restore(store, token)
    return 0
