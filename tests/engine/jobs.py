"""A job for children under test that does what the run's ``orders.txt`` says instead of training.

Children find it in place of :mod:`desktop.ml.job`, so everything around the training (process, pipe, commands, queue,
window) is the real one and no test waits for a network that the matter at hand does not need.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.ml.plans.plan import TrainingPlan, load
from desktop.store.runs import RunStore

_SITE = """
import importlib.util, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "desktop.ml.job":
            return importlib.util.spec_from_file_location(name, {file!r})
        return None
sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def obedient_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainers started in this test run :mod:`tests.engine.obedient`."""
    folder = tmp_path / "site"
    folder.mkdir()
    job = Path(__file__).with_name("obedient.py")
    (folder / "sitecustomize.py").write_text(_SITE.format(file=str(job)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))


def plan() -> TrainingPlan:
    """A plan that is valid; nothing in these tests trains it."""
    from desktop import paths

    return load(paths.resources() / "recipes" / "mnist-digits.json")


def run_with(store: RunStore, *orders: str, name: str = "A run", epochs: int = 4) -> Path:
    """A new run whose job follows ``orders``; returns its folder."""
    record = store.create(plan(), name, epochs=epochs)
    folder = store.folder(record.id)
    (folder / "orders.txt").write_text("\n".join(orders), encoding="utf-8")
    return folder
