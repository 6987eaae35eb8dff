"""The benchmarks of data and training run in their smallest size; their figures mean nothing here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import augmentation, reference_systems, scanning
from benchmarks.common import Report
from desktop.cli import search, study, train, train_plan


def test_every_command_of_the_reference_table_is_one_that_fovea_takes() -> None:
    from desktop.ml.search import grid_size

    rows = reference_systems.ROWS
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        name, *arguments = row.arguments
        if name == "train" and "DATA" not in arguments:
            plan, _ = train_plan.plan_of(train._parser().parse_args([*arguments, "--json"]))
            assert plan.fit.epochs >= 3
        elif name == "search":
            options = search._parser().parse_args(arguments)
            assert grid_size(search.space_of(options)) == 8
        elif name == "study":
            assert study._sizes(study._parser().parse_args(arguments).images)[-1] == 5900


def test_the_table_says_what_was_not_run_and_keeps_the_words_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_systems, "TABLE", tmp_path / "results.md")
    monkeypatch.setattr(reference_systems, "FIGURES", tmp_path / "results.json")
    (tmp_path / "results.md").write_text("# Results\n\nbefore\n", encoding="utf-8")
    lines = [
        {"event": "epoch-done", "accuracy": 0.99},
        {
            "event": "model",
            "metrics": [{"name": "accuracy", "value": 0.9876, "low": 0.98, "high": 0.99, "split": "test"}],
        },
    ]
    found = {"seconds": 61.0, "machine": {"processor": "p", "cores": 2}, **reference_systems._figures(lines)}
    reference_systems.keep("mnist-cnn", found)
    for _ in range(2):
        reference_systems.write_table()
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text.startswith("# Results\n\nbefore") and text.count("| `mnist-cnn` |") == 1
    assert "accuracy 98.76% (98.00% to 99.00%) test" in text and "1.0 min" in text
    assert text.count("not run") == len(reference_systems.ROWS) - 1
    assert reference_systems.main(["--table"]) == 0
    with pytest.raises(SystemExit):
        reference_systems.main(["--only", "nope"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_scanning_measures_rates_and_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scanning.main(["--quick", "--json"])
    raw = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure["fovea"] for figure in raw["figures"]}
    assert figures["listing"] > 0 and figures["trainer, all files: cache on disk"] > 5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_both_ways_of_augmenting_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    augmentation.main(["--quick", "--json"])
    raw = json.loads(capsys.readouterr().out)
    assert {bar["name"].split(":")[0] for bar in raw["bars"]} == {"32×32", "96×96"}


def test_the_peer_s_transforms_turn_about_the_middle() -> None:
    found = augmentation._transforms(np.random.default_rng(0), 50, 32)
    assert found.shape == (50, 8) and found.dtype == np.float32
    determinant = found[:, 0] * found[:, 4] - found[:, 1] * found[:, 3]
    np.testing.assert_allclose(np.abs(determinant), 1, atol=1e-5)
    middle = np.stack(
        [found[:, 0] * 15.5 + found[:, 1] * 15.5 + found[:, 2], found[:, 3] * 15.5 + found[:, 4] * 15.5 + found[:, 5]]
    )
    assert np.abs(middle - 15.5).max() <= 3.3
    assert Report("x", "m", True).bars == []
