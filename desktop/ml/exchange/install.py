"""Installs a network of the catalogue: find, fetch or take the weights, compare their hash, build, convert, commit.

Everything that opens the weights happens in child processes with limits (:mod:`desktop.ml.convert.sandbox`); this
module itself imports neither Keras nor TensorFlow, so that the window's services may drive it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.core.trust.first_layer import FILE as FILTERS_FILE
from desktop.core.trust.saliency import FILE as HEAD_FILE
from desktop.core.types import FoveaError, StoreError
from desktop.ml.convert.convert import Precision, convert, memory_for
from desktop.ml.convert.sandbox import SandboxLimits, run
from desktop.ml.plans.job_steps import JobStep, StepSaid
from desktop.store import catalogue, download, weight_packages
from desktop.store.catalogue import Network, Package, Pin, Pins
from desktop.store.connection import DownloadError
from desktop.store.download import DownloadControl, Expected, Verified
from desktop.store.housekeeping import WORK, clear_work
from desktop.store.manifest import FileEntry, Manifest, Parity
from desktop.store.store import STAGING, ModelStore
from desktop.system.files import OWN_DISK, check_room, put_in_place, saying
from desktop.system.words import phrase

PARITY_LIMIT: dict[str, float] = {"float32": 1e-5, "float16": 1e-2, "imported": 1e-4}
"""The largest difference of any probability between Keras and the converted file that is still the same network."""
_SECONDS = 1800.0
_NOT_HERE = phrase("Its weights do not come with Fovea")

KERAS_FILE = "model.keras"
KEPT = (KERAS_FILE, "model.tflite", "selftest")
EXTRAS = (HEAD_FILE, FILTERS_FILE)  # where the network has them
REVISION = 2
"""The version of the models that are made of packages: raised where they would come out otherwise than before."""

Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """What to install and from where.

    ``source``: a file of the user's in place of the download or of the package's; ``url``: a mirror of the same file.
    ``sha256``: the hash of a file that the user vouches for in place of the published one; the card says so then.
    ``root``: the folder of models to install into, by default the user's. ``patient``: lets other work go first.
    ``answers_only``: without the Keras form, for editions that cannot train; what is made so cannot be built upon.
    """

    network: Network
    source: Path | None = None
    url: str | None = None
    precision: Precision = "float32"
    sha256: str | None = None
    root: Path | None = None
    patient: bool = False
    answers_only: bool = False


def install(
    request: InstallRequest, store: ModelStore, tell: Tell = lambda event: None, control: DownloadControl | None = None
) -> Manifest | None:
    """Install ``request.network`` into the user's models; returns its description, or ``None`` for one without a top,
    whose weights are kept to build upon.

    ``tell`` hears :class:`desktop.store.download.Transfer` and, of :mod:`desktop.ml.plans.job_steps`, Step and
    StepSaid.
    Raises :class:`desktop.core.types.FoveaError`: those of the download, of the file, of the conversion; nothing is
    installed then.
    """
    control = control or DownloadControl()
    network = request.network
    _check_disk(network, request.root)
    if not network.top:
        weights = _weights(request, tell, control)
        _keep_base(network, request, weights, control, tell)
        _forget_download(network)
        return None
    manifest = catalogue.describe(network, catalogue.load(), store)
    weights = _weights(request, tell, control)
    with work_folder(request.root) as work:
        facts = _build(request, weights, work, control, tell)
        tell(JobStep("convert"))
        convert(
            work / "model.keras",
            work / "model.tflite",
            _SECONDS,
            request.precision,
            lambda: control.cancelled,
            request.patient,
        )
        gap, outputs, count = _compare(request, work, control, tell)
        ready = _described(manifest, request, weights, facts, outputs, Parity(gap, count, "pictures drawn by Fovea"))
        tell(JobStep("write"))
        with own_disk(), store.stage(ready, request.root) as folder:
            for item in (*KEPT, *(name for name in EXTRAS if (work / name).is_file())):
                if item == KERAS_FILE and request.answers_only:
                    continue
                os.rename(work / item, folder / item)
    _pin(network, request, weights)
    _forget_download(network)
    return ready


def download_path(network: Network) -> Path:
    """Where the download of ``network`` grows."""
    return paths.user_data() / "weights" / "downloads" / network.file_name


def is_installed(network: Network, store: ModelStore) -> bool:
    """Whether ``network`` can be used now."""
    if not network.top:
        return catalogue.base_weights(network).is_file()
    return any(entry.id == network.id and entry.state == "ready" for entry in store.entries())


def _check_disk(network: Network, root: Path | None) -> None:
    with own_disk():
        folder = root if root is not None else paths.user_data()
        folder.mkdir(parents=True, exist_ok=True)
        need = network.disk_need - download.partly_there(download_path(network))
        check_room(folder, need, phrase("installing {name} for a while", name=network.name), kind=StoreError)


def _weights(request: InstallRequest, tell: Tell, control: DownloadControl) -> Verified:
    network = request.network
    pin = Pins().get(network.id)
    if request.sha256 is not None:
        expected = Expected(network.size, False, None, request.sha256)
    else:
        expected = Expected(
            network.size, network.size_exact, network.md5, network.sha256 or (pin.sha256 if pin else None)
        )
    if request.source is not None:
        tell(JobStep("hash"))
        return download.check(request.source, expected, control, keep=True)
    if network.package is not None:
        tell(JobStep("hash"))
        return _of_package(network, network.package, expected, control)
    target = download_path(network)
    with own_disk():
        target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file():  # an earlier installation got as far as this
        with contextlib.suppress(DownloadError):
            return download.check(target, expected, control)
    return download.fetch(
        request.url or network.url, target, expected, tell, lambda text: tell(StepSaid(text)), control
    )


def _of_package(network: Network, package: Package, expected: Expected, control: DownloadControl) -> Verified:
    """The weights that a Python package carries; what is wrong with them is said with what to do about the package."""
    path = weight_packages.find(package)
    try:
        return download.check(path, expected, control, keep=True)
    except DownloadError as error:
        if error.kind == "cancelled":
            raise
        raise StoreError(error.kind, f"{network.name}: {error.message}", weight_packages.again(package)) from error


def _forget_download(network: Network) -> None:
    target = download_path(network)
    target.unlink(missing_ok=True)
    download.discard(target)


def _pin(network: Network, request: InstallRequest, weights: Verified) -> None:
    """Remember the published file by its SHA-256; one that the user vouched for would shut out the published one."""
    if request.sha256 is None and request.network.sha256 is None:
        with contextlib.suppress(FoveaError):  # the model is there; the next file is compared by MD5 alone
            Pins().set(network.id, Pin(weights.sha256, weights.md5, weights.size))


def _limits(request: InstallRequest) -> SandboxLimits:
    return SandboxLimits(memory_for(4 * request.network.parameters), _SECONDS, request.patient)


def _build(
    request: InstallRequest, weights: Verified, work: Path, control: DownloadControl, tell: Tell
) -> dict[str, Any]:
    tell(JobStep("build"))
    arguments = (request.network.id, str(weights.path), weights.sha256, str(work))
    result: dict[str, Any] = run(
        "desktop.ml.exchange.install_steps:build", arguments, _limits(request), tell, lambda: control.cancelled
    )
    return result


def _compare(
    request: InstallRequest, work: Path, control: DownloadControl, tell: Tell
) -> tuple[float, dict[str, int], int]:
    tell(JobStep("compare"))
    gap, outputs, count = run(
        "desktop.ml.exchange.install_steps:compare",
        (str(work), request.network.preprocess),
        _limits(request),
        tell,
        lambda: control.cancelled,
    )
    limit = PARITY_LIMIT[request.precision]
    if not gap <= limit:
        raise FoveaError(
            "parity",
            phrase(
                "the converted file differs from the network by {gap:.1e}; at most {limit:.0e} expected",
                gap=gap,
                limit=limit,
            ),
        )
    return gap, outputs, count


def _keep_base(
    network: Network, request: InstallRequest, weights: Verified, control: DownloadControl, tell: Tell
) -> None:
    """Try the weights of a network without a top on its architecture, then keep them."""
    target = catalogue.base_weights(network)
    with work_folder() as work:
        _build(request, weights, work, control, tell)
        part = work / "base.weights.h5"
        with own_disk():
            target.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(part, target)
    _pin(network, request, weights)


@contextlib.contextmanager
def own_disk(what: str = "the model") -> Iterator[None]:
    """Within this context what the disk of Fovea's own data refuses is said in words, as a :class:`StoreError`."""
    with saying(what, OWN_DISK, StoreError):
        yield


@contextlib.contextmanager
def work_folder(root: Path | None = None) -> Iterator[Path]:
    """Scratch space on the disk of the store (``root``, by default the user's), so that finished files move there in
    one step. What a kill leaves in ``root`` is removed with other staging folders."""
    name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder = paths.user_data() / WORK / name if root is None else root / f"{STAGING}{name}"
    with own_disk(phrase("the scratch copy of the model")):
        clear_work(folder.parent)
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _described(
    manifest: Manifest,
    request: InstallRequest,
    weights: Verified,
    facts: dict[str, Any],
    outputs: dict[str, int],
    parity: Parity,
) -> Manifest:
    """The description of the installed model: as before, but with what its weights are and where they came from."""
    network, card = request.network, manifest.card
    limits = tuple(text for text in card.limits if not text.startswith(_NOT_HERE))
    if request.sha256 is not None:
        origin = phrase("not the published file: its user vouched for it by its SHA-256")
        limits = (
            phrase(
                "These are not the published weights: whoever installed them vouched for their file. What it "
                "answers has "
                "not been checked."
            ),
            *limits,
        )
    else:
        origin = phrase("the published file ({licence})", licence=network.licence)
        if network.package is not None:
            origin += phrase(
                " of the package {distribution} {version}",
                distribution=network.package.distribution,
                version=network.package.version,
            )
    if request.precision == "float16":
        limits = (*limits, phrase("Its weights are kept in 16 bits, which changes scores by up to a few thousandths."))
    return replace(
        manifest,
        state="ready",
        version=REVISION if network.package is not None else manifest.version,
        outputs=outputs,
        card=replace(card, limits=limits, parameters=facts["parameters"]),
        provenance=replace(
            manifest.provenance,
            fingerprint=phrase(
                "weights file sha256 {sha256}, md5 {md5}: {origin}",
                sha256=weights.sha256,
                md5=weights.md5,
                origin=origin,
            ),
            plan={"installed": network.file_name, "precision": request.precision},
            versions=facts["versions"],
        ),
        parity=parity,
        files={"model.tflite": FileEntry("0" * 64, 0)},
    )
