"""The ledger of the retraining benchmark: what is measured stays measured."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import retrain


def test_a_ledger_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = retrain.Ledger(path, resume=False, again=False)
    first = ledger.row("waste", 10, 0)
    first |= {"fovea": 0.9, "seconds": 20.0, "load": 1.0, "regression": 0.8, "recipe": 0.85, "pictures": 60}
    ledger.row("waste", 30, 0)["fovea"] = 0.5
    ledger.write()
    resumed = retrain.Ledger(path, resume=True, again=False)
    assert resumed.row("waste", 10, 0) == first
    assert resumed.row("waste", 30, 0) == {"set": "waste", "size": 30, "draw": 0, "fovea": 0.5}
    assert resumed.row("steel", 10, 0) == {"set": "steel", "size": 10, "draw": 0}
    renewed = retrain.Ledger(path, resume=True, again=True).row("waste", 10, 0)
    assert "fovea" not in renewed and "seconds" not in renewed and renewed["recipe"] == 0.85
    assert retrain.Ledger(path, resume=False, again=False).row("waste", 10, 0) == {
        "set": "waste",
        "size": 10,
        "draw": 0,
    }
    # Only whole rows have a say: .9 beside the better of the two.
    total = json.loads(path.read_text())["bars"][0]
    assert total["what"].startswith("mean accuracy above the better of the two: +5.00 points") and total["holds"]


def test_rows_that_are_not_finished_have_no_bars() -> None:
    assert retrain.bars_of([{"set": "waste", "size": 10, "draw": 0, "fovea": 0.9}]) == []
