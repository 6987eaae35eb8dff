"""What is refused before a cluster is asked."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from desktop.cli.evaluate import main as evaluate
from desktop.cli.predict import main as predict
from desktop.cluster import connection
from desktop.cluster.node import differences, versions
from desktop.store.store import ModelStore


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cluster", "local", "--model", "colours", "x.png"], "--out FOLDER or --resume FOLDER"),
        (["--out", "job", "--model", "colours", "x.png"], "go with --cluster"),
        (["--cluster", "local", "--resume", "job", "--model", "colours"], "from the job"),
        (["--cluster", "local", "--out", "job", "x.png"], "--model"),
        (["--cluster", "ray://elsewhere:10001", "--out", "job", "--model", "colours", "x.png"], "is no address"),
        (["--cluster", "elsewhere:many", "--out", "job", "--model", "colours", "x.png"], "is no address"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], store: ModelStore
) -> None:
    try:
        status = predict(arguments)
    except SystemExit as end:
        status = int(str(end.code))
    assert status == 2
    assert words in capsys.readouterr().err


def test_without_the_extra_the_way_to_it_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: ModelStore, tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else found(name, *rest))
    assert predict(["--cluster", "local", "--out", str(tmp_path / "job"), "--model", "colours", str(tmp_path)]) == 1
    assert 'pip install "fovea-classifier[cluster]"' in capsys.readouterr().err
    assert evaluate(["--cluster", "local", "--model", "colours", str(tmp_path)]) == 1
    assert 'pip install "fovea-classifier[cluster]"' in capsys.readouterr().err
    assert not (tmp_path / "job").exists()


@pytest.mark.parametrize(
    ("address", "expected"), [("local", "local"), ("10.0.0.7", "10.0.0.7:6379"), ("head:7000", "head:7000")]
)
def test_addresses(address: str, expected: str) -> None:
    assert connection.check_address(address) == expected


def test_a_cluster_of_ones_own_is_told_to_keep_to_itself() -> None:
    alone = connection._settings("local")
    assert alone["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"  # nothing listens beyond 127.0.0.1
    assert alone["RAY_AUTH_MODE"] == "token"
    assert len(alone["RAY_AUTH_TOKEN"]) == 64
    assert alone["RAY_AUTH_TOKEN"] != connection._settings("local")["RAY_AUTH_TOKEN"]
    assert connection._settings("10.0.0.7:6379")["RAY_USAGE_STATS_ENABLED"] == "0"


def test_what_differs_is_told() -> None:
    own = versions()
    assert differences(own, own) == ""
    assert differences(own, {**own, "fovea": "0.0.9"}) == f"Fovea 0.0.9, not {own['fovea']}"
    assert differences(own, {**own, "code": "else"}) == f"another state of Fovea {own['fovea']}"
    assert differences(own, {**own, "numpy": "1.0"}) == f"numpy 1.0, not {own['numpy']}"
