"""The ImageNet networks that can be installed: what they are, where their publisher keeps them, under which licence.

Their weights are no files of Fovea's. Those of ``source: package`` lie in a Python package that was installed beside it
(:mod:`desktop.store.weight_packages` finds them), with a SHA-256 that Fovea's authors computed. The others are fetched
once, and what the catalogue says of them is the publisher's word (``checked`` says so): an MD5 sum tells that a file is
the one that was published, but no longer that nobody made another with the same sum. Fovea therefore writes down the
SHA-256 of the first file that passed (:class:`Pins`), and later files must have it too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from desktop import paths
from desktop.core.trust import general_words
from desktop.core.types import Interpolation, PreprocessSpec, StoreError
from desktop.store.manifest import Card, Decision, Manifest, Provenance
from desktop.store.store import ModelStore
from desktop.system import strict_json
from desktop.system.errors import FoveaError
from desktop.system.strict_json import JsonStore
from desktop.system.words import phrase

EVERYDAY = "efficientnet-lite0"
"""The network that knows everyday photographs: a fresh Classify begins with it, and its embedding is built upon."""
LABELS_OF = "vgg16-imagenet"
"""The described model that holds the 1,000 class names and WordNet ids, in the order of the networks' outputs."""


@dataclass(frozen=True, slots=True)
class Package:
    """The Python package that carries a network's weights: distribution, version, the file's name without folders.

    ``extra`` is Fovea's own extra that brings it (``lite2``); ``None`` where every installation has it.
    """

    distribution: str
    version: str
    file: str
    extra: str | None


@dataclass(frozen=True, slots=True)
class Network:
    """One network. ``top`` says whether it names classes; one without is only to build upon.

    ``source``: ``package`` where a Python package carries the weights (``package`` says which), else ``download``.
    ``size`` in bytes is exact where ``size_exact`` says so, else an estimate. ``md5`` and ``sha256`` are the
    publisher's, 32 and 64 hexadecimal digits; ``network`` is the name :mod:`desktop.ml.nets.imagenet` builds it by;
    ``multiplications`` are those of one picture's forward pass at the network's own size, by its publisher.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    network: str
    top: bool
    source: Literal["download", "package"]
    package: Package | None
    url: str
    size: int
    size_exact: bool
    md5: str | None
    sha256: str | None
    licence: str
    licence_url: str
    checked: str
    parameters: int
    summary: str
    architecture: str
    reported: str
    credit: str
    input: int
    resize_shorter: int
    multiplications: int
    interpolation: Interpolation

    @property
    def file_name(self) -> str:
        """The publisher's name of the file."""
        return self.package.file if self.package is not None else self.url.rsplit("/", 1)[-1]

    @property
    def disk_need(self) -> int:
        """Bytes of free disk that an installation needs at its height: the download, both forms, their copies."""
        return 5 * self.size + (64 << 20)

    @property
    def preprocess(self) -> PreprocessSpec:
        """How a picture becomes the network's input."""
        return PreprocessSpec(
            self.input, self.input, "rgb", "center_crop", self.interpolation, resize_shorter=self.resize_shorter
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of them, and what they were trained on."""

    source: str
    data: str
    data_licence: str
    networks: tuple[Network, ...]

    def get(self, name: str) -> Network:
        """The network of that id or alias. Raises :class:`StoreError` ``no-such-network``."""
        for network in self.networks:
            if name == network.id or name in network.aliases:
                return network
        known = [network.id for network in self.networks]
        raise StoreError(
            "no-such-network",
            phrase("there is no network '{name}' to install", name=name[:80]),
            phrase("There are: {known}.", known=known),
        )


def load(path: Path | None = None) -> Catalogue:
    """The catalogue that comes with the program. Raises :class:`StoreError` ``damaged`` where it cannot be read."""
    path = path if path is not None else paths.resources() / "catalogue.json"
    try:
        raw = strict_json.read_object(path)
        networks = tuple(_network(item) for item in raw["networks"])
        return Catalogue(raw["source"], raw["data"], raw["data_licence"], networks)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "damaged", "the list of networks that can be installed is damaged", "Install Fovea again."
        ) from error


def _network(raw: dict[str, Any]) -> Network:
    names = {f.name for f in fields(Network)}
    if raw.keys() != names:
        raise ValueError(f"fields {sorted(names ^ raw.keys())}")
    package = Package(**raw["package"]) if raw["package"] is not None else None
    if (raw["source"] == "package") != (package is not None) or (package is not None and raw["sha256"] is None):
        raise ValueError(f"the source of {raw['id']}")
    return Network(**{**raw, "aliases": tuple(raw["aliases"]), "package": package})


def describe(network: Network, catalogue: Catalogue, store: ModelStore) -> Manifest:
    """The description of ``network`` as a model without weights yet; its labels come from the described VGG16.

    Raises :class:`StoreError` where ``network`` has no top, or where the labels are missing.
    """
    if not network.top:
        raise StoreError(
            "no-top",
            phrase("'{name}' names no classes", name=network.name),
            "It is there to build a classifier of your own upon.",
        )
    labelled = store.get(LABELS_OF).manifest
    if labelled is None or len(labelled.labels) != 1000:
        raise StoreError("damaged", "the list of the 1,000 classes is damaged", "Install Fovea again.")
    if network.id == labelled.id:
        return labelled
    names = general_words.names() if network.package is not None else {}
    card = Card(
        summary=network.summary
        if network.package is not None
        else phrase("{summary} It knows the 1,000 classes of the ImageNet challenge of 2012.", summary=network.summary),
        intended_use=labelled.card.intended_use,
        limits=(
            phrase(
                "It answers with one of its 1,000 classes whatever the picture shows: there is no class for "
                "'something else'."
            ),
            phrase("{reported} Fovea has not measured it.", reported=network.reported),
            "Its scores are model scores: nobody has checked here how often a score of 0.9 is right.",
            phrase(
                "The picture is scaled until its shorter side has {resize_shorter} pixels and the "
                "middle {input}×{input} is used: what lies outside is not seen.",
                resize_shorter=network.resize_shorter,
                input=network.input,
            ),
            *(_LIMITS_OF_PACKAGES if network.package is not None else ()),
        ),
        known_failures=labelled.card.known_failures,
        must_not=labelled.card.must_not,
        population=labelled.card.population,
        architecture=network.architecture,
        parameters=network.parameters,
        credits=(
            phrase(
                "Network: {credit} Weights as published {where}; licence: {licence}.",
                credit=network.credit,
                where=_where(network),
                licence=network.licence,
            ),
            *labelled.card.credits[1:],
        ),
    )
    return Manifest(
        id=network.id,
        name=network.name,
        task="classification",
        version=1,
        state="weights-not-installed",
        preprocess=network.preprocess,
        labels=tuple(names.get(key, label) for key, label in zip(labelled.label_ids, labelled.labels, strict=True)),
        label_ids=labelled.label_ids,
        activation="softmax",
        outputs={"probabilities": 0},
        scores="model score",
        decision=Decision(),
        card=card,
        provenance=Provenance(
            data=catalogue.data,
            data_licence=catalogue.data_licence,
            fingerprint="not known: the network was not trained by Fovea",
            plan={},
            seed=None,
            parent=None,
            versions={},
            device="not known",
            created="not known",
        ),
    )


_LIMITS_OF_PACKAGES = (
    phrase(
        "Where no class holds half of the score it answers with the more general word whose classes do ('dog, perhaps "
        "Labrador retriever'), and where no word does, that it is not sure. On 2,600 photographs of cats, "
        "dogs and clothes, by which this was chosen, 94.7 % of the answers so given were true of the picture."
    ),
    phrase(
        "It has no answer sets and no check of the kind of picture: both would have to be fitted on "
        "ImageNet's pictures, "
        "which may not be handed on."
    ),
    phrase(
        "ImageNet's pictures were handed out for non-commercial research and education, under the terms of "
        "image-net.org. "
        "None of them comes with Fovea. Whether those terms reach a network that has learned from them is "
        "not settled: who "
        "uses it commercially should look into it."
    ),
)


def _where(network: Network) -> str:
    package = network.package
    return (
        phrase("with Keras")
        if package is None
        else phrase(
            "in the package {distribution} {version}", distribution=package.distribution, version=package.version
        )
    )


@dataclass(frozen=True, slots=True)
class Pin:
    """The file that passed first on this computer."""

    sha256: str
    md5: str
    size: int


class Pins:
    """The pinned files, one a network, in one JSON file of the user's data."""

    def __init__(self, path: Path | None = None) -> None:
        place = path if path is not None else paths.user_data() / "weights" / "pins.json"
        self._file = JsonStore(place, phrase("the list of installed files"))

    def get(self, network_id: str) -> Pin | None:
        """The pin of a network; ``None`` where there is none yet, or where the file of pins cannot be read."""
        try:
            raw = self._file.read().get(network_id)
            return Pin(str(raw["sha256"]), str(raw["md5"]), int(raw["size"])) if isinstance(raw, dict) else None
        except (FoveaError, KeyError, TypeError, ValueError):
            return None

    def set(self, network_id: str, pin: Pin) -> None:
        """Pin a file. Raises :class:`FoveaError` where it cannot be written."""
        self._file.change(
            lambda known: known.update({network_id: {"sha256": pin.sha256, "md5": pin.md5, "size": pin.size}})
        )


def base_weights(network: Network) -> Path:
    """Where the weights of a network without a top lie once they are installed, in Keras 3's own layout."""
    return paths.user_data() / "weights" / f"{network.id}.weights.h5"
