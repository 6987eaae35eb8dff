"""What a user said of labels is never lost to a damaged or unreadable file: kept beside, said, not written over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.core.figures.store import EvaluationStore
from desktop.core.types import FoveaError

DATA = "f" * 64


def said_500(folder: Path) -> tuple[EvaluationStore, list[str], Path]:
    """A store in which 500 labels were judged, what it says, and the file with them."""
    heard: list[str] = []
    store = EvaluationStore(folder, heard=heard.append)
    for number in range(500):
        store.judge(DATA, f"a/{number}.png", "wrong")
    (kept,) = folder.glob("labels-*.json")
    return store, heard, kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-40],
        lambda text: b"",
        lambda text: b"\xff\xfe" + text,
        lambda text: text.replace(b"{", b"[", 1),
        lambda text: text[: len(text) // 2] + b"\0" * 64,
        lambda text: b"[" * 5000,
        lambda text: text[:-2] + b', "x": NaN}',
    ],
    ids=["cut off", "empty", "no text", "a list", "nulls", "deep", "nan"],
)
def test_a_damaged_file_is_kept_beside_whole_and_said(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    _, _, kept = said_500(tmp_path)
    harmed = damage(kept.read_bytes())
    kept.write_bytes(harmed)
    heard: list[str] = []
    store = EvaluationStore(tmp_path, heard=heard.append)
    assert store.judgements(DATA) == {}
    store.judge(DATA, "b/1.png", "wrong")
    beside = [path for path in tmp_path.glob("labels-*.damaged*") if path.read_bytes() == harmed]
    assert len(beside) == 1 and any(beside[0].name in text for text in heard)
    assert EvaluationStore(tmp_path).judgements(DATA) == {"b/1.png": "wrong"}


@pytest.mark.parametrize("which", ["labels", "mappings.json"])
def test_a_file_that_cannot_be_read_now_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    store, _, kept = said_500(tmp_path)
    store.remember_mapping("m", ("cats", "dogs"), {"cats": "cat", "dogs": "dog"})
    held = {path.name: path.read_bytes() for path in (kept, tmp_path / "mappings.json")}
    opened = Path.open

    def refuse(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if which in path.name and "r" in mode:
            raise OSError(5, "Input/output error")  # a drive that fails for a moment
        return opened(path, mode, *rest, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", refuse)
        write: dict[str, Callable[[], None]] = {
            "labels": lambda: store.judge(DATA, "b/1.png", "wrong"),
            "mappings.json": lambda: store.remember_mapping("m", ("a", "b"), {"a": "cat", "b": "dog"}),
        }
        with pytest.raises(FoveaError) as caught:
            write[which]()
    assert caught.value.message
    assert {name: (tmp_path / name).read_bytes() for name in held} == held
    assert len(EvaluationStore(tmp_path).judgements(DATA)) == 500
