"""General words: the scores under a word add up, and the word is never more particular than the evidence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import paths
from desktop.core.trust import general_words
from desktop.core.trust.general_words import ENOUGH, GeneralWords
from desktop.core.types import StoreError

ROOT = Path(__file__).resolve().parents[3]
# Four classes: two dogs, a cat, a car.
SMALL = GeneralWords(("dog", "animal"), np.array([[1, 1, 0, 0], [1, 1, 1, 0]], bool))


def described() -> tuple[list[str], list[str]]:
    held = json.loads((paths.bundled_models() / "vgg16-imagenet" / "model.json").read_text(encoding="utf-8"))
    return held["label_ids"], held["labels"]


@pytest.mark.parametrize(
    ("scores", "kind", "word", "score"),
    [
        ((0.5, 0.4, 0.1, 0.0), "class", "", 0.5),
        ((0.45, 0.44, 0.1, 0.01), "word", "dog", 0.89),
        ((0.3, 0.1, 0.35, 0.25), "word", "animal", 0.75),
        ((0.2, 0.1, 0.1, 0.45), "unsure", "", 0.45),  # of a car nothing more general is known
        ((0.26, 0.25, 0.0, 0.49), "unsure", "", 0.49),  # 'dog' holds half, but the best class is no dog
        ((0.25, 0.25, 0.25, 0.25), "word", "dog", 0.5),
    ],
)
def test_the_rule(scores: tuple[float, ...], kind: str, word: str, score: float) -> None:
    found = SMALL.answer(np.array(scores, np.float32))
    assert (found.kind, found.word) == (kind, word) and found.score == pytest.approx(score, abs=1e-6)


@given(st.integers(0, 2**32), st.sampled_from([1, 40, 400, 4000]), st.lists(st.integers(0, 999), max_size=6))
def test_words_hold_the_best_class_and_at_least_half(seed: int, peak: int, high: list[int]) -> None:
    ids, _ = described()
    words = general_words.for_labels(ids)
    assert words is not None
    scores = np.random.default_rng(seed).random(1000) ** peak + 1e-9
    scores[high] += scores.sum() * np.arange(len(high)) / 6
    scores = (scores / scores.sum()).astype(np.float32)
    found, best = words.answer(scores), int(scores.argmax())
    sums = dict(zip(words.words, words.under @ scores.astype(np.float64), strict=True))
    above = [word for word, under in zip(words.words, words.under, strict=True) if under[best]]
    assert 0 <= found.score <= 1
    if found.kind == "class":
        assert scores[best] >= ENOUGH
    elif found.kind == "word":
        assert scores[best] < ENOUGH <= sums[found.word] and found.word in above
        size = {word: int(under.sum()) for word, under in zip(words.words, words.under, strict=True)}
        assert not [w for w in above if sums[w] >= ENOUGH and size[w] < size[found.word]]
    else:
        assert not [word for word in above if sums[word] >= ENOUGH]


def test_the_table_is_of_this_world() -> None:
    ids, labels = described()
    words = general_words.for_labels(ids)
    assert words is not None
    held = {word: {labels[i] for i in np.flatnonzero(row)} for word, row in zip(words.words, words.under, strict=True)}
    assert {"Chihuahua", "Labrador retriever"} <= held["dog"] < held["animal"]
    assert "tabby" in held["cat"] and "lion" not in held["cat"] and "lion" in held["big cat"]
    assert "sports car" in held["car"] and held["car"] < held["motor vehicle"] < held["vehicle"]
    assert not held["container"] & held["vehicle"]
    assert {"pizza", "strawberry"} <= held["food"] and "menu" not in held["food"]
    assert all(len(classes) > 1 for classes in held.values())
    order = [len(held[word]) for word in words.words]
    assert order == sorted(order)
    names = general_words.names()
    assert list(names) == ids and len(set(names.values())) == 1000
    assert {"rooster", "polar bear", "T-shirt", "fridge", "computer mouse"} <= set(names.values())


def test_other_labels_have_no_words() -> None:
    assert general_words.for_labels(()) is None
    assert general_words.for_labels(("cat", "dog")) is None
    assert general_words.for_labels(("n02085620", "cat")) is None  # one class is no kind
    two = general_words.for_labels(("n02085620", "n02099712"))  # Chihuahua, Labrador
    assert two is not None and "dog" in two.words


def test_a_damaged_table_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    (tmp_path / "words.json").write_text('{"schema": 2}', encoding="utf-8")
    with pytest.raises(StoreError, match="general words is damaged"):
        general_words.names()


def test_the_table_is_what_the_tool_derives(tmp_path: Path) -> None:
    if not Path("/usr/share/wordnet/data.noun").is_file():
        pytest.skip("Debian's package wordnet-base is not installed")
    target = tmp_path / "words.json"
    code = "import sys; sys.path.insert(0, 'tools'); import derive_words; sys.exit(derive_words.main(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(target)], cwd=ROOT, check=True, capture_output=True)
    assert target.read_text(encoding="utf-8") == (ROOT / "resources" / "words.json").read_text(encoding="utf-8")


def test_a_word_is_answered_from_half_on_and_the_most_particular_one() -> None:
    assert general_words.ENOUGH == 0.5
    just = np.nextafter(np.float32(0.5), np.float32(0))
    assert SMALL.answer(np.array([0.5, 0.5, 0, 0], np.float32)) == general_words.Wording("class", "", 0.5)
    assert SMALL.answer(np.array([just, 0, 0, 0.4], np.float32)).kind == "unsure"
    rounded = SMALL.answer(np.array([0.49, 0.49, 0.49, 0], np.float32))  # a sum beyond 1 is told as 1
    assert (rounded.word, rounded.score) == ("dog", pytest.approx(0.98))
    assert SMALL.answer(np.array([0.1, 0.4, 0.45, 0], np.float32)).word == "animal"
    assert SMALL.answer(np.array([0.49, 0.4999, 0.4998, 0], np.float32)).score == pytest.approx(0.9899)
    wide = GeneralWords(("animal",), np.ones((1, 3), bool))
    assert wide.answer(np.array([0.4, 0.4, 0.4], np.float32)).score == 1.0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 1, "names": {}}', '{"schema": 0, "names": {}, "words": {}}']
)
def test_a_table_without_its_parts_is_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    for there in (False, True):
        if there:
            (tmp_path / "words.json").write_text(text, encoding="utf-8")
        with pytest.raises(StoreError) as refused:
            general_words.names()
        assert refused.value.kind == "damaged" and refused.value.hint == "Install Fovea again."
