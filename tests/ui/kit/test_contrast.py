"""Contrast of both themes: 4.5:1 for words, 3:1 for lines and signs that carry meaning (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from desktop.ui.evaluate.matrix import _tones
from desktop.ui.kit import stylesheet
from desktop.ui.kit.tokens import DARK, LIGHT, Tokens, accent_text, blend, contrast, control_line, on_accent

THEMES = pytest.mark.parametrize(("tokens", "dark"), [(LIGHT, False), (DARK, True)], ids=["light", "dark"])


def test_the_measure_is_the_standards() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_words(tokens: Tokens, dark: bool) -> None:
    hover = blend(tokens.surface, tokens.text, 0.06)
    pairs = {
        "text": (tokens.text, (tokens.window, tokens.surface, tokens.soft, hover)),
        "secondary": (tokens.secondary, (tokens.window, tokens.surface, tokens.soft)),
        "links and marked tools": (accent_text(tokens), (tokens.window, tokens.surface, tokens.soft)),
        "errors": (tokens.wrong, (tokens.window, tokens.surface)),
        "right answers": (tokens.right, (tokens.surface,)),
        "cautions": (tokens.caution, (tokens.window, tokens.surface, tokens.caution_ground)),
        "primary buttons": (on_accent(tokens, dark), (tokens.accent, blend(tokens.accent, tokens.text, 0.12))),
    }
    low = {
        f"{name} on {ground}": round(contrast(ink, ground), 2)
        for name, (ink, grounds) in pairs.items()
        for ground in grounds
        if contrast(ink, ground) < 4.5
    }
    assert low == {}


@THEMES
def test_lines_and_signs(tokens: Tokens, dark: bool) -> None:
    pairs = {
        "fields": (control_line(tokens), (tokens.surface, tokens.window)),
        "ticks": (tokens.secondary, (tokens.surface, tokens.window)),
        "the ring of the focus": (tokens.accent, (tokens.surface, tokens.window, tokens.soft)),
        "the outline of the gate's histogram": (tokens.secondary, (tokens.surface, tokens.soft)),
        "the bar of a caution": (tokens.caution, (tokens.caution_ground,)),
        "bars": (tokens.accent, (tokens.surface, tokens.border)),
    }
    low = {
        f"{name} on {ground}": round(contrast(ink, ground), 2)
        for name, (ink, grounds) in pairs.items()
        for ground in grounds
        if contrast(ink, ground) < 3.0
    }
    assert low == {}


@THEMES
def test_words_in_the_matrix(tokens: Tokens, dark: bool) -> None:
    for tone in (tokens.right, tokens.wrong):
        for strength in range(101):
            for wanted in (tokens.text, tokens.secondary):
                ground, ink = _tones(tokens.surface, tone, tokens.text, wanted, strength)
                assert contrast(ground, ink) >= 4.5, (tone, strength, wanted)


@THEMES
def test_signs_of_the_stylesheet_can_be_seen(tokens: Tokens, dark: bool) -> None:
    sheet = stylesheet.build(tokens, dark, 13)
    files = {Path(name) for name in re.findall(r'url\("?([^")]+)"?\)', sheet)}
    assert any("cross" in file.name for file in files)
    for file in files:
        colours = re.findall(r"#[0-9A-Fa-f]{6}", file.read_text("utf-8"))
        ground = tokens.accent if "check" in file.name or "dot" in file.name else tokens.surface
        assert colours and all(contrast(colour, ground) >= 3.0 for colour in colours), file


def test_right_and_wrong_differ_without_hue() -> None:
    """Blue and red are told apart with every common colour blindness, and never stand without a sign."""
    for tokens in (LIGHT, DARK):
        assert tokens.right != tokens.wrong
        blue = [int(tokens.right[i : i + 2], 16) for i in (1, 3, 5)]
        red = [int(tokens.wrong[i : i + 2], 16) for i in (1, 3, 5)]
        assert blue[2] - red[2] > 80  # the blue channel is what protanopia and deuteranopia keep
