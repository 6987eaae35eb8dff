"""The strict reader, and small files of the program's own that are never lost silently."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.system import strict_json
from desktop.system.errors import FoveaError
from desktop.system.strict_json import JsonError, JsonStore

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    text = strict_json.dumps(value)
    assert strict_json.loads(text) == value == strict_json.loads(text.encode())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": NaN}', "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("[1e999]", "too large"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        ("[" * 65 + "]" * 65, "nested more than 64 deep"),
        ("[" * 100_000, "nested more than 64 deep"),
        ('{"a":' * 900 + "1" + "}" * 900, "nested more than 64 deep"),
        ("[1, 2", "not valid JSON (line 1)"),
        ('{"a": 1}\n{', "not valid JSON"),
        ("", "not valid JSON"),
        ("[" + "9" * 5000 + "]", "too large"),
        ("[9223372036854775808]", "the number 9223372036854775808 is too large"),
        ('{"a": -9223372036854775809}', "too large"),
        (b"\xff\xfe[\x00", "not UTF-8"),
        (b"[1]" + b" " * 2000, "2,003 bytes found, at most 1,000 expected"),
    ],
)
def test_what_is_not_strict_is_refused_in_words(text: str | bytes, words: str) -> None:
    with pytest.raises(JsonError, match=None) as caught:
        strict_json.loads(text, most_bytes=1_000_000 if isinstance(text, str) else 1000)
    assert words in str(caught.value)


def test_whole_numbers_of_64_bits_are_taken_and_longer_ones_where_they_are_allowed() -> None:
    assert strict_json.loads("[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]
    assert strict_json.loads(f"[{2**127}]", finite=False) == [2**127]  # the state of a random generator


def test_brackets_within_texts_are_no_nesting() -> None:
    value = {"[" * 200: "{" * 200, 'a"[': '\\"' + "[" * 100}
    assert strict_json.loads(json.dumps(value)) == value
    assert strict_json.loads("[" * 64 + "]" * 64)


def test_a_byte_order_mark_is_passed_over_and_nan_where_it_is_allowed() -> None:
    assert strict_json.loads(b"\xef\xbb\xbf[1]") == [1]
    assert strict_json.loads("[Infinity]", finite=False) == [float("inf")]


def test_a_file_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    place = tmp_path / "a.json"
    place.write_bytes(b"[" + b" " * 5000 + b"]")
    with pytest.raises(JsonError, match="at most 100 expected"):
        strict_json.read(place, most_bytes=100)
    with pytest.raises(JsonError, match="a list found, an object expected"):
        strict_json.read_object(place)
    with pytest.raises(JsonError, match="a list of texts expected"):
        strict_json.as_texts(["a", 1])


# Small files


def store(place: Path) -> tuple[JsonStore, list[str]]:
    said: list[str] = []
    return JsonStore(place, "what was said of labels", said.append), said


def test_a_store_keeps_what_it_is_given(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "labels.json"
    held, said = store(place)
    assert held.read() == {}
    held.write({"a": 1})
    held.change(lambda values: values.update(b="\udcff"))
    assert store(place)[0].read() == {"a": 1, "b": "\udcff"} and not said


@pytest.mark.parametrize("text", [b"{", b"[1]", b'{"a": 1, "a": 2}', b"\xff", b'{"a": NaN}'])
def test_a_damaged_file_is_kept_beside_and_said(tmp_path: Path, text: bytes) -> None:
    place = tmp_path / "labels.json"
    for name in ("labels.damaged.json", "labels.damaged-2.json"):
        place.write_bytes(text)
        held, said = store(place)
        held.change(lambda values: values.update(new=1))
        assert (tmp_path / name).read_bytes() == text and held.kept_as == name
        assert len(said) == 1 and name in said[0] and said[0].startswith("what was said of labels")
        assert strict_json.read(place) == {"new": 1}


def refusing(monkeypatch: pytest.MonkeyPatch, victim: Path) -> None:
    real = Path.open

    def refuse(self: Path, *arguments: Any, **named: Any) -> Any:
        if self == victim:
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)


def test_a_file_that_cannot_be_read_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "labels.json"
    place.write_text('{"five hundred": 1}')
    held, said = store(place)
    with monkeypatch.context() as patch:
        refusing(patch, place)
        for attempt in (held.read, lambda: held.write({}), lambda: held.change(lambda values: None)):
            with pytest.raises(FoveaError) as caught:
                attempt()
            assert caught.value.kind == "not-readable" and caught.value.hint
    # It can be read again, but what it holds has not been seen by whoever writes now.
    with pytest.raises(FoveaError):
        held.write({})
    assert place.read_text() == '{"five hundred": 1}' and len(said) == 1
    assert held.read() == {"five hundred": 1}
    held.write({"seen": True})
    assert strict_json.read(place) == {"seen": True}


def test_a_damaged_file_that_cannot_be_put_aside_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "labels.json"
    place.write_text("{")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(FoveaError, match="put aside"):
        store(place)[0].write({"a": 1})
    assert place.read_text() == "{"


def test_what_an_object_should_hold_is_checked(tmp_path: Path) -> None:
    place = tmp_path / "a.json"
    place.write_text('{"n": "two"}')

    def check(held: dict[str, Any]) -> None:
        if not all(isinstance(value, int) for value in held.values()):
            raise ValueError("a number expected")

    held = JsonStore(place, "the counts", check=check)
    assert held.read() == {} and "a number expected" in held.problem
