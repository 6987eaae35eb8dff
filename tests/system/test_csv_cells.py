"""No cell is a formula, whatever it begins with."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.system.csv_cells import CsvWriter, csv_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", " =1+1", "   +cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\ttext", "\0=1",
     "\u00a0=1", "\u200b=1", "\ufeff=1", "\u2003-2+3", "＝1+1", " ＠x", "\x1f=1", "-", "+", "=", "--1", "+-2", "-1 ",
     "-1,2", "-0x10"],
)  # fmt: skip
def test_what_might_be_a_formula_is_guarded(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["", "cat", "cat = dog", "1", "-1", "+1.5", "-0.25e-7", "1e9", ".5", "-inf", "nan", "'=1", "a\tb", "é-1", "   ",
     "0=1"],
)  # fmt: skip
def test_what_is_none_stays(text: str) -> None:
    assert csv_cell(text) == text


@given(st.text())
def test_no_guarded_text_begins_as_a_formula(text: str) -> None:
    guarded = csv_cell(text)
    assert guarded in (text, f"'{text}")
    seen = guarded.lstrip("".join(c for c in guarded if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs")))
    try:
        float(guarded)
    except ValueError:
        assert not seen.startswith(("=", "+", "-", "@")) and not guarded.startswith(("\t", "\r", "\n", "\0"))


cells = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)))


@given(st.lists(st.lists(cells, min_size=1), min_size=1))
def test_every_cell_that_is_written_is_guarded_and_read_back(rows: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    CsvWriter(stream).writerows(rows)
    stream.seek(0)
    assert list(csv.reader(stream)) == [[csv_cell(cell) for cell in row] for row in rows]


def test_numbers_and_nothing_are_written_as_they_are() -> None:
    stream = io.StringIO()
    CsvWriter(stream, "\n", "\t").writerow([-1, -0.5, None, "=x", True])
    assert stream.getvalue() == "-1\t-0.5\t\t'=x\tTrue\n"


def test_letters_are_no_formula_and_every_kind_of_blank_counts_for_nothing() -> None:
    for text in ("Xray.png", "a=1", "x+y", "1 - 2"):
        assert csv_cell(text) == text
    for blank in ("\u2028", "\u2029", "\u3000", "\x85", "\u200b"):  # lines' ends of Unicode's own among them
        assert csv_cell(f"{blank}=1+1") == f"'{blank}=1+1"
