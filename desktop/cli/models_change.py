"""The actions of ``fovea models`` that change the user's models: install, import, export, rename, duplicate, delete."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop.cli import console
from desktop.cli.table_words import word
from desktop.core.types import INTERPOLATIONS, FoveaError, StoreError
from desktop.ml.exchange.export_formats import MODEL_FORMATS
from desktop.ml.exchange.foreign import SCALINGS, ForeignFacts
from desktop.store import catalogue, changes
from desktop.store.download import DownloadControl, Transfer
from desktop.store.store import ModelStore
from desktop.system.duration import duration
from desktop.system.words import Template, phrase

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
        console.say_json(facts, indent=1)
        return 0
    rows = [("id", "installed", "weights", "parameters", "licence")]
    for network, fact in zip(known.networks, facts, strict=True):
        rows.append(
            (
                network.id,
                word("yes" if fact["installed"] else "no"),
                _weights_of(network),
                f"{network.parameters:,}",
                network.licence,
            )
        )
    console.say(console.table(rows, right=(2, 3)))
    console.say(
        phrase(
            "\nAddresses and hashes are from {source}, sizes from public logs of downloads. "
            "Fovea's authors have not downloaded the files: the first one that passes on this "
            "computer is remembered by its SHA-256. What a package carries is compared with the "
            "SHA-256 that Fovea's authors computed, and needs no connection.",
            source=known.source,
        )
    )
    return 0


def _weights_of(network: catalogue.Network) -> str:
    """Where the weights of a network are, and how large."""
    from desktop.store import weight_packages

    size = f"{network.size / 1e6:.0f} MB"
    if network.package is None:
        text = "{size} to download" if network.size_exact else "about {size} to download"
        return phrase(text, size=size)
    if weight_packages.is_there(network.package):
        return phrase("{size}, here", size=size)
    return phrase("{size}: pip install {distribution}", size=size, distribution=network.package.distribution)


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
        from desktop.ml.plans.job_steps import STEPS, JobStep, StepSaid

        if isinstance(event, Transfer):
            left = None if event.left_s is None else duration(event.left_s)
            self._progress.update(
                phrase(
                    Template("{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s")
                    if left is None
                    else Template("{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s, {left} left"),
                    done=event.done / 1e6,
                    total=event.total / 1e6,
                    rate=event.rate / 1e6,
                    left=left,
                )
            )
        elif isinstance(event, JobStep):
            self._progress.clear()
            console.note(phrase("fovea: {get} …", get=STEPS.get(event.name, event.name)))
        elif isinstance(event, StepSaid):
            self._progress.clear()
            console.note(phrase("fovea: {text}", text=event.text))


def _install(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.ml.exchange.install import InstallRequest, install

    network = catalogue.load().get(options.id)
    digest = (options.sha256 or "").lower()
    if digest and (options.source is None or not re.fullmatch("[0-9a-f]{64}", digest)):
        console.complain("--sha256 takes 64 hexadecimal digits and goes with --from")
        return 2
    if options.source is not None and not options.source.is_file():
        console.complain(phrase("there is no file '{source}'", source=console.printable(str(options.source))))
        return 2
    request = InstallRequest(
        network, options.source, options.url, "float16" if options.half else "float32", digest or None
    )
    if network.package is not None and options.url is not None:
        console.complain(
            phrase(
                "'{id}' comes as a package ({distribution}), not from an address",
                id=network.id,
                distribution=network.package.distribution,
            )
        )
        return 2
    if options.source is None and network.package is not None:
        console.note(
            phrase(
                "fovea: {name}: from the package {distribution}, offline",
                name=network.name,
                distribution=network.package.distribution,
            )
        )
    elif options.source is None:
        about = "" if network.size_exact else "about "
        console.note(
            phrase(
                "fovea: {name}: {about}{size:,} bytes from {value}; licence: {licence}",
                name=network.name,
                about=about,
                size=network.size,
                value=options.url or network.url,
                licence=network.licence,
            )
        )
    with JobWatch() as watch:
        made = install(request, store, watch.tell, watch.control)
    if made is None:
        console.say(phrase("the weights of '{id}' are installed, to build upon", id=network.id))
    else:
        assert made.parity is not None
        console.say(
            phrase(
                "model '{id}' is installed; Keras and LiteRT differ by {largest_difference:.1e} at most",
                id=made.id,
                largest_difference=made.parity.largest_difference,
            )
        )
    return 0


def _prepare(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.ml.exchange.prepare import missing, prepare

    wanted = missing(store)
    if wanted:
        names = [f"'{network.name}'" for network in wanted]
        console.note(
            phrase("fovea: making {names} once, from what was installed; this takes up to a minute", names=names)
        )
    with JobWatch() as watch:
        made = prepare(store, watch.tell, watch.control, options.shared)
    for manifest in made:
        console.say(phrase("model '{id}' is ready", id=manifest.id))
    return 0


def _import(store: ModelStore, options: argparse.Namespace) -> int:
    from desktop.app import models

    if not options.file.exists():
        console.complain(phrase("there is no file '{file}'", file=console.printable(str(options.file))))
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
    console.say(phrase("model '{id}' is in the store: {count} classes", id=made.id, count=len(made.labels)))
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
            raise FoveaError(
                "bad-name",
                phrase("--input-size {input_size}: expected WxH", input_size=console.printable(options.input_size)),
            )
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
        console.say(phrase("{out}: the whole model", out=options.out))
    elif done.difference is None:
        console.say(
            phrase(
                "{out}: a copy of the only form that the model has: there is nothing to compare it with",
                out=options.out,
            )
        )
    else:
        console.say(
            phrase(
                "{out}: answers differ by {difference:.1e} at most over {pictures} pictures",
                out=options.out,
                difference=done.difference,
                pictures=done.pictures,
            )
        )
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
    console.say(
        phrase(
            "'{name}' is in the trash; 'fovea models restore {quote}' takes it back", name=name, quote=shlex.quote(name)
        )
    )
    return 0


def _restore(store: ModelStore, options: argparse.Namespace) -> int:
    found = changes.deleted(store)
    if options.id is None:
        for item in found:
            console.say(console.printable(item.id))
        return 0
    token = next((item.token for item in found if item.id == options.id), None)
    if token is None:
        raise StoreError("not-in-trash", phrase("'{id}' is not in the trash", id=console.printable(options.id)))
    changes.restore(store, token)
    return 0
