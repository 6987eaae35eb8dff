"""Makes Fovea's own models of the weights that Python packages brought: once, offline, within a minute.

``make run`` and ``make test`` do it for everybody who uses the environment; ``fovea models install`` and the window at
its first start do it for one user. Light: neither Keras nor TensorFlow is imported here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.core.types import StoreError
from desktop.ml.exchange import install
from desktop.store import catalogue, locks, weight_packages
from desktop.store.catalogue import Network
from desktop.store.download import DownloadControl
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore
from desktop.system.words import phrase

_WAIT_S = 300.0  # for another process that is making the same models
_LOCK = ".prepare.lock"


def missing(store: ModelStore) -> list[Network]:
    """The networks whose weights an installed package carries and of which no current model is there.

    Empty in an installation that cannot convert (without TensorFlow): a frozen viewer has its models ready made.
    """
    if not can_convert():
        return []
    ready = {
        entry.id
        for entry in store.entries()
        if entry.state == "ready" and entry.manifest is not None and entry.manifest.version >= install.REVISION
    }
    return [
        network
        for network in catalogue.load().networks
        if network.package is not None and network.id not in ready and weight_packages.is_there(network.package)
    ]


def check_package(store: ModelStore) -> None:
    """Raise :class:`StoreError`, which says what to do, where the model for everyday photographs is not there and the
    package that it is made of is not installed either."""
    network = catalogue.load().get(catalogue.EVERYDAY)
    there = any(entry.id == network.id and entry.state == "ready" for entry in store.entries())
    if not there and can_convert() and network.package is not None:
        weight_packages.find(network.package)


def can_convert() -> bool:
    """Whether this installation has what a conversion needs; nothing is imported to find out."""
    return all(importlib.util.find_spec(name) is not None for name in ("keras", "tensorflow"))


def prepare(
    store: ModelStore,
    tell: Callable[[Any], None] = lambda event: None,
    control: DownloadControl | None = None,
    shared: bool = False,
    patient: bool = False,
) -> list[Manifest]:
    """Make every model that :func:`missing` names; returns their descriptions.

    With ``shared`` they go where all users of the environment find them, if that can be written to; else to the user's
    models. Another process that is at it is waited for. Raises :class:`desktop.core.types.FoveaError`: those of
    :func:`desktop.ml.exchange.install.install`, and ``busy``.
    """
    if not missing(store):
        return []
    root = _shared_root() if shared else None
    made = []
    with _alone(root if root is not None else store.user_root):
        for network in missing(store):  # looked at again: another process may have made them meanwhile
            request = install.InstallRequest(network, root=root, patient=patient)
            manifest = install.install(request, store, tell, control)
            if manifest is not None:
                made.append(manifest)
    return made


def _shared_root() -> Path | None:
    """The environment's folder of models, made where it is missing; ``None`` where there is none to write to."""
    root = paths.prepared_models()
    if root is None:
        return None
    with contextlib.suppress(OSError):
        root.mkdir(parents=True, exist_ok=True)
        if os.access(root, os.W_OK):
            return root
    return None


@contextlib.contextmanager
def _alone(root: Path) -> Any:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locks.hold(root / _LOCK, _WAIT_S):
            yield
    except locks.Busy:
        raise StoreError(
            "busy", "another Fovea has been preparing its models for minutes", "Try again a little later."
        ) from None
    except OSError as error:
        raise StoreError(
            "not-saved",
            phrase("the folder of models cannot be written to ({lower})", lower=os.strerror(error.errno or 0).lower()),
            "Look at the folder of Fovea's own data, then try again.",
        ) from error
