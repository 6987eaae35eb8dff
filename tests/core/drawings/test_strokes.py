"""Drawings as files: written and read back the same, and refused with a reason where they are not ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.drawings import strokes
from desktop.core.drawings.strokes import DrawingError, Stroke

POINT = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5), st.floats(0, 1))
STROKE = st.builds(
    Stroke,
    st.lists(POINT, min_size=1, max_size=20).map(tuple),
    st.floats(strokes.THINNEST, strokes.WIDEST),
    st.booleans(),
)


@given(st.lists(STROKE, max_size=8).map(tuple))
def test_what_is_written_is_read_back(drawing: strokes.Drawing) -> None:
    found = strokes.loads(strokes.dumps(drawing))
    assert len(found) == len(drawing)
    for one, other in zip(found, drawing, strict=True):
        assert one.erase == other.erase and one.width == pytest.approx(other.width, abs=1e-5)
        for a, b in zip(one.points, other.points, strict=True):
            assert a == pytest.approx(b, abs=1e-3)
    assert strokes.dumps(found) == strokes.dumps(strokes.loads(strokes.dumps(found)))


def file_of(**changes: object) -> str:
    one = {"width": 0.05, "erase": False, "points": [[0.1, 0.2], [0.3, 0.4, 0.5]]}
    whole: dict[str, object] = {"kind": strokes.KIND, "schema": 1, "strokes": [one]}
    return json.dumps(whole | changes)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "unreadable"),
        ("[" * 100_000, "unreadable"),
        ("[]", "no-drawing"),
        (file_of(kind="else"), "no-drawing"),
        (file_of(schema=2), "newer-drawing"),
        (file_of(strokes={}), "bad-drawing"),
        (file_of(strokes=[{"width": 0.05, "points": []}]), "bad-drawing"),
        (file_of(strokes=[{"width": 5, "points": [[0, 0]]}]), "bad-drawing"),
        (file_of(strokes=[{"width": 10**400, "points": [[0, 0]]}]), "unreadable"),
        (file_of(strokes=[{"width": 0.05, "points": [[0, -(10**400)]]}]), "unreadable"),
        (file_of(strokes=[{"width": True, "points": [[0, 0]]}]), "bad-drawing"),
        (file_of(strokes=[{"width": 0.05, "points": [[0]]}]), "bad-drawing"),
        (file_of(strokes=[{"width": 0.05, "points": [[0, 9]]}]), "bad-drawing"),
        (file_of(strokes=[{"width": 0.05, "points": [[0, "a"]]}]), "bad-drawing"),
        ('{"kind": "fovea-drawing", "schema": 1, "strokes": [{"width": 0.05, "points": [[NaN, 0]]}]}', "unreadable"),
        (file_of(strokes=[{"width": 0.05, "points": [[0, 0]]}] * (strokes.MOST_STROKES + 1)), "bad-drawing"),
    ],
)
def test_other_files_are_refused(text: str, kind: str) -> None:
    with pytest.raises(DrawingError) as caught:
        strokes.loads(text, "x.json")
    assert caught.value.kind == kind and caught.value.message


def test_files_that_are_large_or_no_text_are_refused(tmp_path: Path) -> None:
    large, binary = tmp_path / "large.json", tmp_path / "binary.json"
    large.write_bytes(b" " * (strokes.MOST_BYTES + 1))
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (large, binary, tmp_path / "none.json"):
        with pytest.raises(DrawingError) as caught:
            strokes.load(path)
        assert str(tmp_path) not in caught.value.message


def test_pressure_makes_a_stroke_wider() -> None:
    stroke = Stroke(((0, 0, 0.0), (0.5, 0.5, 0.5), (1, 1, 1.0)), 0.1)
    widths = [stroke.width_at(index) for index in range(3)]
    assert widths == sorted(widths) and widths[0] > 0.03 and widths[2] == pytest.approx(0.1)
