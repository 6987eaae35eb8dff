"""Names that do not fit: what tells them apart stays."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QFontMetrics

from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.names import Shared, short_name
from desktop.ui.kit.theme import theme


def metrics() -> QFontMetrics:
    return QFontMetrics(theme().font("secondary"))


def shared(names: list[str]) -> str:
    held = Shared()
    held.take(names)
    return held.prefix


def test_a_cameras_numbers_stay(qapp: Any) -> None:
    found = metrics()
    names = [f"IMG_{number:07d}.JPEG" for number in range(9000, 9040)]
    width = found.horizontalAdvance("IMG_0…00")
    short = {short_name(name, found, width, shared(names)) for name in names}
    assert len(short) == len(names)
    assert all(found.horizontalAdvance(name) <= width for name in short)


def test_what_differs_in_the_middle_stays(qapp: Any) -> None:
    found = metrics()
    names = [f"ILSVRC2012_validation_{letter}_resized_and_cropped.JPEG" for letter in "abcdef"]
    width = found.horizontalAdvance("IL…a_resized")
    assert len({short_name(name, found, width, shared(names)) for name in names}) == len(names)


def test_a_name_that_fits_is_whole_and_without_room_only_its_suffix_goes(qapp: Any) -> None:
    found = metrics()
    assert short_name("cat.jpeg", found, 500) == "cat.jpeg"
    assert short_name("cat.jpeg", found, found.horizontalAdvance("cat.jpeg") - 1) == "cat"
    assert short_name("", found, 0) == ""


@example("0W0000LPY", 67, "")  # its letters take more room together than in two parts
@given(st.text(max_size=30), st.integers(0, 300), st.text(max_size=5))
@settings(max_examples=200, deadline=None)
def test_it_never_needs_more_room_than_there_is(name: str, width: int, prefix: str) -> None:
    found = metrics()
    short = short_name(name, found, width, prefix)
    assert short in ("", "…") or found.horizontalAdvance(short) <= width


def test_a_heading_with_the_name_of_a_file_keeps_what_tells_it_from_others(qtbot: Any, qapp: Any) -> None:
    label = ElidedLabel(file=True)
    qtbot.addWidget(label)
    label.set_text("IM-0001-0042.jpeg")
    label.show()
    label.resize(label.fontMetrics().horizontalAdvance("IM-0001-0042") + 2, 20)
    assert label.text() == "IM-0001-0042"
    label.resize(label.fontMetrics().horizontalAdvance("IM…-0042") + 2, 20)
    assert label.text().startswith("IM…") and label.text().endswith("0042")
    label.resize(400, 20)
    assert label.text() == "IM-0001-0042.jpeg" == label.accessibleName()
