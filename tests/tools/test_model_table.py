"""README's figures of the bundled models are those of the models' own descriptions."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("model_table", ROOT / "tools" / "model_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["model_table"] = module
    spec.loader.exec_module(module)
    return module


def test_readme_says_what_the_models_say(tool: ModuleType) -> None:
    readme = tool.README.read_text(encoding="utf-8")
    assert tool.renewed(readme) == readme, "run: python tools/model_table.py"
    bundled = {path.parent.name for path in (ROOT / "model_store").glob("*/model.json")}
    assert bundled <= set(tool.FOR)


def test_a_model_s_other_figure_is_another_row(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in tool.FOR:
        file = ROOT / "model_store" / model / "model.json"
        if file.is_file():
            (tmp_path / "model_store" / model).mkdir(parents=True)
            shutil.copy(file, tmp_path / "model_store" / model)
    (tmp_path / "resources").mkdir()
    shutil.copy(ROOT / "resources" / "catalogue.json", tmp_path / "resources")
    before = tool.table()
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.table() == before
    file = tmp_path / "model_store" / "cifar10" / "model.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    next(metric for metric in held["metrics"] if metric["name"] == "accuracy")["value"] = 0.5
    file.write_text(json.dumps(held), encoding="utf-8")
    assert "accuracy 50.0 % (" in tool.table()


def test_a_readme_without_its_marks_is_refused(tool: ModuleType) -> None:
    with pytest.raises(ValueError, match="marks"):
        tool.renewed("# Fovea\n")
