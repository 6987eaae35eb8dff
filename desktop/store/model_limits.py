"""How large each part of a model may be: no file, text or list of somebody else's is read beyond it.

The limits are far above what Fovea writes itself (the largest of the bundled models' files beside the networks has
0.4 MB) and low enough that everything within them is read and shown in well under a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.core.data.class_names import is_label
from desktop.system.words import phrase

MIB = 1 << 20
MOST_FILES = 400
_NETWORK_BYTES = 8 << 30
_OTHER_BYTES = 16 * MIB
_FILE_BYTES = {
    "model.keras": _NETWORK_BYTES,
    "model.tflite": 2 << 30,  # what the format itself can address
    "history.csv": 4 * MIB,
    "evaluation.json": 16 * MIB,
    "domain.json": 64 * MIB,
    "second.json": 4 * MIB,
    "head.json": 256 * MIB,
    "filters.json": 16 * MIB,
}

MOST_NAME = 200
MOST_LABEL = 300
"""Characters of a class's name: more than a folder's name can have."""
_MOST_TEXT = 4_000
_MOST_ITEMS = 100
_MOST_METRICS = 500
_MOST_VERSIONS = 200


def most_bytes(name: str) -> int:
    """The most bytes that the file ``name`` of a model may have."""
    return _FILE_BYTES.get(name, _OTHER_BYTES)


def problem_of_files(sizes: Mapping[str, int]) -> str | None:
    """The first file by name that is larger than it may be, in words; or too many files."""
    if len(sizes) > MOST_FILES:
        return phrase("{count:,} files found, at most {most_files} expected", count=len(sizes), most_files=MOST_FILES)
    for name, size in sorted(sizes.items()):
        if size > most_bytes(name):
            return phrase(
                "'{name}' has {size:,} bytes, at most {most_bytes:,} expected",
                name=name[:60],
                size=size,
                most_bytes=most_bytes(name),
            )
    return None


def problem_of_texts(m: Any) -> str | None:
    """The first text or list of a manifest (which reads with this module, and checks itself by it) that is longer than
    it may be, in words."""
    for name, text, most in (("name", m.name, MOST_NAME), ("activation", m.activation, MOST_NAME)):
        if len(text) > most:
            return _long(f"'{name}'", text, most)
        if not is_label(text):
            return phrase("'{name}' holds characters that are no text", name=name)
    for name, labels in (("labels", m.labels), ("label_ids", m.label_ids)):
        for label in labels:
            if len(label) > MOST_LABEL:
                return _long(phrase("one of its '{name}'", name=name), label, MOST_LABEL)
            if not is_label(label):
                return phrase("one of its '{name}' holds characters that are no text", name=name)
    if len(m.metrics) > _MOST_METRICS:
        return phrase(
            "{count:,} metrics found, at most {most_metrics} expected", count=len(m.metrics), most_metrics=_MOST_METRICS
        )
    texts = [text for metric in m.metrics for text in (metric.name, metric.data, metric.split)]
    texts += [m.decision.reason, m.provenance.data, m.provenance.data_licence, m.provenance.fingerprint]
    texts += [m.provenance.device, m.provenance.created, m.provenance.parent or ""]
    texts += [*m.provenance.versions.keys(), *(str(value) for value in m.provenance.versions.values())]
    if len(m.provenance.versions) > _MOST_VERSIONS:
        return phrase(
            "{count:,} versions found, at most {most_versions} expected",
            count=len(m.provenance.versions),
            most_versions=_MOST_VERSIONS,
        )
    for part in (m.calibration, m.parity, m.domain, m.conformal):
        texts += [value for key in (part.__slots__ if part else ()) if isinstance(value := getattr(part, key), str)]
    for text in texts:
        if len(text) > _MOST_TEXT:
            return _long("a text", text, _MOST_TEXT)
    return _problem_of_card(m.card)


def _problem_of_card(card: Any) -> str | None:
    for name in card.__slots__:
        value = getattr(card, name)
        items: Sequence[object] = value if isinstance(value, tuple) else (value,)
        if len(items) > _MOST_ITEMS:
            return phrase(
                "card.{name}: {count:,} sentences found, at most {most_items} expected",
                name=name,
                count=len(items),
                most_items=_MOST_ITEMS,
            )
        for item in items:
            if isinstance(item, str) and len(item) > _MOST_TEXT:
                return _long(f"card.{name}", item, _MOST_TEXT)
    return None


def _long(what: str, text: str, most: int) -> str:
    return phrase(
        "{what} has {count:,} characters, at most {most:,} expected ('{text}…')",
        what=what,
        count=len(text),
        most=most,
        text=text[:24],
    )
