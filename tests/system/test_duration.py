"""Time spans in words."""

from __future__ import annotations

import pytest

from desktop.system.duration import DurationWords, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0, "0 s"), (0.4, "0 s"), (119.4, "119 s"), (119.6, "2 min"), (3599, "60 min"), (7169, "119 min"),
     (7170, "2 h 0 min"), (7199, "2 h 0 min"), (7200, "2 h 0 min"), (8999, "2 h 30 min"), (100_000, "27 h 47 min")],
)  # fmt: skip
def test_a_span_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.04, "0.0 s"), (3.25, "3.2 s"), (9.94, "9.9 s"), (9.96, "10 s")])
def test_short_spans_with_a_tenth(seconds: float, words: str) -> None:
    assert duration(seconds, fine=True) == words


def test_words_and_numbers_of_another_language() -> None:
    words = DurationWords("{0} Sekunden", "{0} Minuten", "{0} Std. {1} Min.")
    assert duration(3_600_000, words=words, count="{:,}".format) == "1,000 Std. 0 Min."
    assert (
        duration(1.5, fine=True, words=words, tenths=lambda value: f"{value:.1f}".replace(".", ",")) == "1,5 Sekunden"
    )
