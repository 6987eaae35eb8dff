"""A small valid model for tests of the store and the engine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop.core.types import PreprocessSpec
from desktop.store.manifest import Card, Decision, FileEntry, Manifest, Provenance
from desktop.store.store import ModelStore

COLOURS = Path(__file__).resolve().parent.parent / "models" / "colours.tflite"


def manifest(**changes: Any) -> Manifest:
    """The description of the tiny network that tells red, green and blue pictures apart."""
    base = Manifest(
        id="colours",
        name="Colours",
        task="classification",
        version=1,
        state="ready",
        preprocess=PreprocessSpec(8, 8, "rgb", "stretch", "area"),
        labels=("red", "green", "blue"),
        activation="softmax",
        outputs={"probabilities": 0},
        scores="model score",
        decision=Decision(),
        card=Card("Tells red, green and blue apart.", "Tests.", ("Knows three colours.",)),
        provenance=Provenance("none", "none", "none", {}, None, None, {}, "CPU", "2026-01-01"),
        files={"model.tflite": FileEntry("0" * 64, 0)},
    )
    return replace(base, **changes)


def add_colours(store: ModelStore, **changes: Any) -> None:
    """Commit the colours network to the user root of ``store``."""
    with store.stage(manifest(**changes)) as folder:
        shutil.copy(COLOURS, folder / "model.tflite")
