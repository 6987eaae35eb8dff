"""The tutorials: every command is run as it stands there, in their order, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import patient

ROOT = Path(__file__).resolve().parents[1]
HELP = ROOT / "docs" / "help"
TUTORIALS = {path.stem: path for path in sorted(HELP.glob("*.md")) if path.read_text("utf-8").startswith("# Tutorial:")}
# What they train takes a minute on a busy computer.
_SLOW = {"own-classifier"}


def commands(page: Path) -> list[list[str]]:
    """The words of each command of the page's indented blocks."""
    lines = re.findall(r"^ {4}(\S.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def test_there_is_one_for_each_kind_of_user() -> None:
    assert set(TUTORIALS) == {"first-photo", "x-rays-for-teaching", "digit-lesson", "own-classifier"}
    assert all(words[0] == "fovea" for page in TUTORIALS.values() for words in commands(page))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in _SLOW else ()) for name in TUTORIALS]
)
def test_its_commands_do_what_it_says(name: str, tmp_path: Path) -> None:
    made = 0
    for words in commands(TUTORIALS[name]):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "desktop", *words[1:]],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=patient(300),
        )  # fmt: skip
        if "efficientnet-lite0" in done.stderr and "not installed" in done.stderr:
            pytest.skip("the model for everyday photographs was not made in this environment")
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        made += 1
        for option in ("--out", "--report"):
            if option in words:
                assert (tmp_path / words[words.index(option) + 1]).stat().st_size > 100
    assert made > 1
