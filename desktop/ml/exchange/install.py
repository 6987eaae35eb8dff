"""Installs a network of the catalogue: fetch or take the weights, compare their hash, build, convert, compare, commit.

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
from desktop.core.types import FoveaError, StoreError
from desktop.ml.convert.convert import Precision, convert, memory_for
from desktop.ml.convert.sandbox import Limits, run
from desktop.ml.plans.job_steps import Said, Step
from desktop.store import catalogue, download
from desktop.store.catalogue import Network, Pin, Pins
from desktop.store.connection import DownloadError
from desktop.store.download import Control, Expected, Verified
from desktop.store.manifest import FileEntry, Manifest, Parity
from desktop.store.store import ModelStore
from desktop.system.files import OWN_DISK, check_room, put_in_place, saying

PARITY_LIMIT: dict[str, float] = {"float32": 1e-5, "float16": 1e-2, "imported": 1e-4}
"""The largest difference of any probability between Keras and the converted file that is still the same network."""
_SECONDS = 1800.0
_NOT_HERE = "Its weights do not come with Fovea"

Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to install and from where.

    ``source``: a file of the user's in place of the download; ``url``: a mirror of the same file. ``sha256``: the hash
    of a file that the user vouches for in place of the published one; the card says so then.
    """

    network: Network
    source: Path | None = None
    url: str | None = None
    precision: Precision = "float32"
    sha256: str | None = None


def install(
    request: Request, store: ModelStore, tell: Tell = lambda event: None, control: Control | None = None
) -> Manifest | None:
    """Install ``request.network`` into the user's models; returns its description, or ``None`` for one without a top,
    whose weights are kept to build upon.

    ``tell`` hears :class:`desktop.store.download.Transfer` and, of :mod:`desktop.ml.plans.job_steps`, Step and Said.
    Raises :class:`desktop.core.types.FoveaError`: those of the download, of the file, of the conversion; nothing is
    installed then.
    """
    control = control or Control()
    network = request.network
    _check_disk(network)
    if not network.top:
        weights = _weights(request, tell, control)
        _keep_base(network, request, weights, control, tell)
        _forget_download(network)
        return None
    manifest = catalogue.describe(network, catalogue.load(), store)
    weights = _weights(request, tell, control)
    with work_folder() as work:
        facts = _build(network, weights.path, work, control, tell)
        tell(Step("convert"))
        convert(work / "model.keras", work / "model.tflite", _SECONDS, request.precision, lambda: control.cancelled)
        gap, outputs, count = _compare(network, work, request.precision, control, tell)
        ready = _described(manifest, request, weights, facts, outputs, Parity(gap, count, "pictures drawn by Fovea"))
        tell(Step("write"))
        with own_disk(), store.stage(ready) as folder:
            for item in ("model.keras", "model.tflite", "selftest"):
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


def _check_disk(network: Network) -> None:
    with own_disk():
        folder = paths.user_data()
        folder.mkdir(parents=True, exist_ok=True)
        need = network.disk_need - download.partly_there(download_path(network))
        check_room(folder, need, f"installing {network.name} for a while", kind=StoreError)


def _weights(request: Request, tell: Tell, control: Control) -> Verified:
    network = request.network
    pin = Pins().get(network.id)
    if request.sha256 is not None:
        expected = Expected(network.size, False, None, request.sha256)
    else:
        expected = Expected(
            network.size, network.size_exact, network.md5, network.sha256 or (pin.sha256 if pin else None)
        )
    if request.source is not None:
        tell(Step("hash"))
        return download.check(request.source, expected, control, keep=True)
    target = download_path(network)
    with own_disk():
        target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file():  # an earlier installation got as far as this
        with contextlib.suppress(DownloadError):
            return download.check(target, expected, control)
    return download.fetch(request.url or network.url, target, expected, tell, lambda text: tell(Said(text)), control)


def _forget_download(network: Network) -> None:
    target = download_path(network)
    target.unlink(missing_ok=True)
    download.discard(target)


def _pin(network: Network, request: Request, weights: Verified) -> None:
    """Remember the published file by its SHA-256; one that the user vouched for would shut out the published one."""
    if request.sha256 is None:
        with contextlib.suppress(
            FoveaError
        ):  # the model is there; without a pin the next file is compared by MD5 alone
            Pins().set(network.id, Pin(weights.sha256, weights.md5, weights.size))


def _limits(network: Network) -> Limits:
    return Limits(memory_for(4 * network.parameters), _SECONDS)


def _build(network: Network, weights: Path, work: Path, control: Control, tell: Tell) -> dict[str, Any]:
    tell(Step("build"))
    arguments = (network.id, str(weights), str(work))
    result: dict[str, Any] = run(
        "desktop.ml.exchange.install_steps:build", arguments, _limits(network), tell, lambda: control.cancelled
    )
    return result


def _compare(
    network: Network, work: Path, precision: Precision, control: Control, tell: Tell
) -> tuple[float, dict[str, int], int]:
    tell(Step("compare"))
    gap, outputs, count = run(
        "desktop.ml.exchange.install_steps:compare",
        (str(work), network.preprocess),
        _limits(network),
        tell,
        lambda: control.cancelled,
    )
    limit = PARITY_LIMIT[precision]
    if not gap <= limit:
        raise FoveaError(
            "parity", f"the converted file differs from the network by {gap:.1e}; at most {limit:.0e} expected"
        )
    return gap, outputs, count


def _keep_base(network: Network, request: Request, weights: Verified, control: Control, tell: Tell) -> None:
    """Try the weights of a network without a top on its architecture, then keep them."""
    target = catalogue.base_weights(network)
    with work_folder() as work:
        _build(network, weights.path, work, control, tell)
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
def work_folder() -> Iterator[Path]:
    """Scratch space on the store's own disk, so that finished files move there in one step."""
    folder = paths.user_data() / "work" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with own_disk("the scratch copy of the model"):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _described(
    manifest: Manifest,
    request: Request,
    weights: Verified,
    facts: dict[str, Any],
    outputs: dict[str, int],
    parity: Parity,
) -> Manifest:
    """The description of the installed model: as before, but with what its weights are and where they came from."""
    network, card = request.network, manifest.card
    limits = tuple(text for text in card.limits if not text.startswith(_NOT_HERE))
    if request.sha256 is not None:
        origin = "not the published file: its user vouched for it by its SHA-256"
        limits = (
            "These are not the published weights: whoever installed them vouched for their file. What it answers has "
            "not been checked.",
            *limits,
        )
    else:
        origin = f"the published file ({network.licence})"
    if request.precision == "float16":
        limits = (*limits, "Its weights are kept in 16 bits, which changes scores by up to a few thousandths.")
    return replace(
        manifest,
        state="ready",
        outputs=outputs,
        card=replace(card, limits=limits, parameters=facts["parameters"]),
        provenance=replace(
            manifest.provenance,
            fingerprint=f"weights file sha256 {weights.sha256}, md5 {weights.md5}: {origin}",
            plan={"installed": network.file_name, "precision": request.precision},
            versions=facts["versions"],
        ),
        parity=parity,
        files={"model.tflite": FileEntry("0" * 64, 0)},
    )
