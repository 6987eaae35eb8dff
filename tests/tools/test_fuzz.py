"""``make fuzz`` itself: the same seed makes the same changes, a fault is told and kept, a refusal in words is none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_mutants import tool


@pytest.fixture(scope="module")
def fuzz() -> Any:
    return tool("fuzz")


def test_a_seed_repeats_its_changes(fuzz: Any) -> None:
    for family in ("jpeg", "png", "tiff", "studies", "stores"):  # the others' files carry times and numbers
        make, change, _ = fuzz.FAMILIES[family]
        runs = []
        for _ in range(2):
            draw = random.Random(21)
            seeds = make(draw)
            runs.append([change(draw.choice(seeds), seeds, draw) for _ in range(20)])
        assert runs[0] == runs[1] and len({bytes(one) for one in runs[0]}) > 10


@pytest.mark.parametrize("family", ["studies", "stores", "archives"])
def test_a_short_run_through_the_children(fuzz: Any, family: str, tmp_path: Path) -> None:
    found = fuzz.run(family, 0.01, 21, tmp_path)
    assert found.failures == [] and found.mutants == fuzz._AT_ONCE
    assert found.opened + found.contained + sum(found.refused.values()) >= found.mutants


def test_a_fault_is_told_and_the_file_is_kept(fuzz: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, change, _ = fuzz.FAMILIES["stores"]
    # A function of the library that answers with errors of its own.
    monkeypatch.setitem(fuzz.FAMILIES, "stores", (make, change, "json:loads"))
    found = fuzz.run("stores", 0.01, 21, tmp_path)
    assert found.failures and any((tmp_path / "stores").glob("*.bin"))
