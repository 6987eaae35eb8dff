"""Other scripts in plots and PDF files: Chinese and Japanese where a font is there, and from right to left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import _text_helpers
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from desktop.report import plots

CHINESE, JAPANESE = "混淆矩阵：肺炎", "混同行列：肺炎とキャベツ"
CJK = pytest.mark.skipif(bool(plots.missing(CHINESE + JAPANESE)), reason="no font with them (Debian: fonts-noto-cjk)")
HEBREW, ARABIC = "\u05d0\u05d1\u05d2", "\u0628\u0628\u0628"


def page(text: str, path: Path) -> None:
    with mpl.rc_context(plots.style()):
        figure = Figure(figsize=(6, 2))
        figure.text(0.05, 0.4, text, fontsize=20)
        figure.savefig(path)


def order(text: str) -> list[str]:
    """The characters of ``text`` from left to right as they are drawn."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    return [item.char for item in sorted(_text_helpers.layout(text, font), key=lambda item: item.x)]


@CJK
@pytest.mark.parametrize("text", [CHINESE, JAPANESE])
def test_chinese_and_japanese_are_words_of_the_pdf(tmp_path: Path, text: str) -> None:
    page(text, tmp_path / "page.pdf")
    assert b"CJK" in (tmp_path / "page.pdf").read_bytes() or plots.fonts()[1:]
    tool = shutil.which("pdftotext")
    if tool is not None:
        read = subprocess.run([tool, str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True)
        assert text in read.stdout


@CJK
@pytest.mark.parametrize("text", [CHINESE, JAPANESE])
def test_they_are_drawn_and_not_boxes(tmp_path: Path, text: str, recwarn: pytest.WarningsRecorder) -> None:
    page(text, tmp_path / "page.png")
    assert not [warning for warning in recwarn if "missing" in str(warning.message)]


def test_where_no_font_has_a_character_it_is_named() -> None:
    assert plots.missing("a\U0010fffdä") in ("", "\U0010fffd")  # a private character: no font of a system has it
    assert plots.missing("Genauigkeit: größer") == ""


def test_hebrew_goes_from_right_to_left() -> None:
    assert order(HEBREW) == list(reversed(HEBREW)), "the first letter stands at the right"
    assert order(f"ab {HEBREW} cd")[:2] == ["a", "b"]


def test_arabic_letters_are_joined() -> None:
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    shapes = [item.glyph_index for item in _text_helpers.layout(ARABIC, font)]
    assert len(set(shapes)) == 3, "one letter has three forms at the begin, in the middle and at the end of a word"
