"""``fovea data inspect`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.cli import data


def folder(root: Path, count: int = 25) -> Path:
    for name in ("cats", "dogs"):
        (root / name).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng([number, len(name), ord(name[0])]).integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(noise).save(root / name / f"{number}.png")
    return root


def test_text_says_what_is_there_and_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path / "pets")
    (root / "cats" / "bad.png").write_bytes(b"")
    assert data.main(["inspect", str(root)]) == 0
    text = capsys.readouterr().out
    assert "pets: 50 pictures in 2 classes, 1 more do not open" in text
    assert "cats/bad.png" in text and "all 20×20" in text and str(tmp_path) not in text


def test_json_is_one_object_and_the_status_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path / "pets", 4)
    (root / "none").mkdir()
    assert data.main(["inspect", str(root), "--json"]) == 1
    held = json.loads(capsys.readouterr().out)
    assert held["stops_training"] and held["counts"] == {"": {"cats": 4, "dogs": 4, "none": 0}}
    assert {"kind", "message", "severity", "hint", "names", "groups", "choices"} == held["findings"][0].keys()
    assert str(tmp_path) not in json.dumps(held)


def test_what_cannot_be_read_ends_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main(["inspect", str(tmp_path / "none")]) == 1
    assert "not there" in capsys.readouterr().err
    assert data.main(["inspect", str(tmp_path / "none"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "not-found"
    with pytest.raises(SystemExit) as caught:
        data.main(["inspect"])
    assert caught.value.code == 2


def test_the_cache_is_shown_and_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.ml.data.test_cache import SPEC, Feed, cache

    cache.make("a" * 32, Feed(), SPEC)
    held = cache.total_bytes()
    assert data.main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"bytes": held, "removed": 0, "limit": cache.LIMIT_BYTES}
    assert data.main(["cache", "--clear"]) == 0
    assert "were removed" in capsys.readouterr().out and cache.total_bytes() == 0
