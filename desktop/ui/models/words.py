"""Words of the Models view: sizes, states, steps, and one line that says what a model is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale

from desktop.ui.kit.formatting import both, duration
from desktop.ui.kit.tabled import brief_title

if TYPE_CHECKING:
    from desktop.store.catalogue import Network, Package
    from desktop.store.download import Transfer
    from desktop.store.manifest import Manifest


def tr(text: str) -> str:
    """A translated text of the Models view."""
    return QCoreApplication.translate("Models", text)


def size(count: int) -> str:
    """Bytes in the user's way of writing."""
    return QLocale().formattedDataSize(count, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def about(manifest: Manifest) -> str:
    """Classes, input and size in one line."""
    spec = manifest.preprocess
    colour = tr("grey") if spec.colour == "grey" else tr("colour")
    parts = [
        tr("{0} classes").format(QLocale().toString(len(manifest.labels))),
        f"{spec.width}×{spec.height} {colour}",
    ]
    total = sum(file.size for file in manifest.files.values())
    if total:
        parts.append(size(total))
    return " · ".join(parts)


def figure(manifest: Manifest) -> str:
    """The figure that tells most, with the split it was measured on; '' where nothing was measured."""
    from desktop.core.figures.table import METRICS

    for row in METRICS:
        for metric in manifest.metrics:
            if row.card and metric.name == row.card:
                return tr("{0} {1}, {2}").format(brief_title(row), both(metric.shown()), metric.split)
    return ""


def package(package: Package) -> str:
    """The Python package that carries a network's weights."""
    return tr("the Python package {0} {1}").format(package.distribution, package.version)


def published_hash(network: Network) -> tuple[str, str]:
    """The best hash that is known of a network's weights: its name and its digits."""
    if network.sha256:
        return tr("SHA-256"), network.sha256
    return tr("MD5 as published"), network.md5 or tr("none")


def to_fetch(network: Network) -> str:
    """How large the download is; nothing where a package brought the weights."""
    text = size(network.size)
    if network.package is not None:
        return tr("none: the package holds {0}").format(text)
    return text if network.size_exact else tr("about {0}").format(text)


def transfer(event: Transfer) -> str:
    """How far a download is."""
    text = tr("{0} of {1}").format(size(event.done), size(event.total))
    if event.rate > 0:
        text += tr(" · {0} a second").format(size(int(event.rate)))
    if event.left_s is not None:
        text += tr(" · {0} left").format(duration(event.left_s))
    return text


def step(name: str) -> str:
    """What a job does now."""
    words = {
        "hash": tr("Checking the file…"),
        "check": tr("Looking through the file…"),
        "build": tr("Building the network…"),
        "convert": tr("Making it ready to answer…"),
        "convert-form": tr("Converting it…"),
        "compare": tr("Comparing the two forms…"),
        "write": tr("Writing the model…"),
        "copy": tr("Copying…"),
        "verify": tr("Comparing checksums…"),
    }
    return words.get(name, name)
