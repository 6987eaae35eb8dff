"""The models that a training may begin from: those of the store, and networks of the catalogue installed without their
top. Pure Python: the window's process may use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from desktop.core.types import FoveaError, StoreError
from desktop.store import catalogue
from desktop.store.manifest import Manifest
from desktop.store.store import ModelEntry, ModelStore
from desktop.system.words import phrase

KERAS_FILE = "model.keras"


def bare_manifests(store: ModelStore | None = None) -> list[Manifest]:
    """Descriptions of the networks that were installed to build upon, without classes of their own."""
    store = store or ModelStore()
    try:
        known = catalogue.load()
        there = [n for n in known.networks if not n.top and catalogue.base_weights(n).is_file()]
        return [_described(network, known, store) for network in there]
    except FoveaError:  # a damaged list offers nothing; the Models view says what is wrong with it
        return []


def usable(entries: Iterable[ModelEntry]) -> list[Manifest]:
    """Every model that a training can begin from: those of ``entries`` (the store's) that are ready and can be trained
    on, then the networks that were installed to build upon."""
    ready = [entry.manifest for entry in entries if entry.state == "ready" and entry.manifest is not None]
    return [*(manifest for manifest in ready if KERAS_FILE in manifest.files), *bare_manifests()]


def manifest_of(model: str, store: ModelStore | None = None) -> Manifest:
    """The description of the model or network ``model`` (an id; an alias for networks), to begin from.

    Raises :class:`StoreError` that says what is missing.
    """
    store = store or ModelStore()
    known = catalogue.load()
    network = next((n for n in known.networks if model in (n.id, *n.aliases)), None)
    if network is not None and not network.top:
        if not catalogue.base_weights(network).is_file():
            raise not_installed(network)
        return _described(network, known, store)
    manifest = store.require(network.id if network is not None else model).manifest
    assert manifest is not None
    return manifest


def check_there(model: str, entries: Iterable[ModelEntry]) -> None:
    """Raise :class:`StoreError` where a training cannot begin from ``model``: not there, not installed, no Keras file.

    ``entries`` are those of the store. For a whole network of the catalogue its form without the top serves as well.
    """
    networks = catalogue.load().networks
    named = next((n for n in networks if n.id == model), None)
    if named is not None and any(
        n.network == named.network and not n.top and catalogue.base_weights(n).is_file() for n in networks
    ):
        return
    entry = next((entry for entry in entries if entry.id == model), None)
    if named is not None and (entry is None or entry.state == "weights-not-installed"):
        raise not_installed(named)
    if entry is None or entry.state != "ready" or entry.manifest is None:
        raise StoreError(
            "no-such-model",
            phrase("the model '{model}' to begin from is not there", model=model),
            "Choose another start.",
        )
    if KERAS_FILE not in entry.manifest.files:
        raise StoreError(
            "no-keras-file",
            phrase(
                "'{name}' cannot be trained on: it has no {keras_file}", name=entry.manifest.name, keras_file=KERAS_FILE
            ),
            "Choose another model.",
        )


def _described(network: catalogue.Network, known: catalogue.Catalogue, store: ModelStore) -> Manifest:
    """A network without its top, as its whole form is described; it names none of those classes itself."""
    whole = next((n for n in known.networks if n.top and n.network == network.network), None)
    if whole is None:
        raise StoreError("damaged", phrase("'{name}' is not described", name=network.name), "Install Fovea again.")
    found = catalogue.describe(whole, known, store)
    return replace(found, id=network.id, name=network.name, preprocess=network.preprocess, files={})


def not_installed(network: catalogue.Network) -> StoreError:
    """What is said where the weights of ``network`` are wanted and not there."""
    return StoreError(
        "not-installed",
        phrase("the weights of '{name}' are not installed", name=network.name),
        phrase("Install them under Models, or with 'fovea models install {id}'.", id=network.id),
    )
