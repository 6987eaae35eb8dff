"""What is said of a map: on which way it was found, that it proves nothing, and what a medical model is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from desktop.core.types import ImageSource
from desktop.engine.messages import Explanation
from desktop.ui.classify.why_bar import WhyBar
from tests.store.makers import manifest

MEDICAL = "Research and education only; not a medical device."
HUMBLE = "It shows where the network looked, not whether it is right."


class Told(QObject):
    """An explainer whose answer is there."""

    changed = Signal()

    def __init__(self, explanation: Explanation | None, **changes: Any) -> None:
        super().__init__()
        facts = {
            "explanation": explanation, "wanted": True, "waiting": False, "stopped": False,
            "failure": None, "cancelled": False, "methods": ("cam", "grad-cam", "occlusion"), "chosen": "cam",
            "index": None, "opacity": 50,
        }  # fmt: skip
        for name, value in (facts | changes).items():
            setattr(self, name, value)

    def set_opacity(self, value: int) -> None: ...

    def cancel(self) -> None: ...

    def again(self) -> None: ...


def heat(**changes: Any) -> Explanation:
    facts: dict[str, Any] = {
        "id": 1, "method": "cam", "index": 0, "heat": np.ones((8, 8), np.float32), "box": (0.0, 0.0, 1.0, 1.0),
        "pooling": "average", "source": ImageSource("a.png", data=b"x"), "model": "colours",
        "prepared": np.zeros((8, 8, 3), np.uint8), "elapsed_ms": 1.0,
    }  # fmt: skip
    return Explanation(**(facts | changes))


def said(qtbot: Any, explanation: Explanation | None, medical: bool = False, **changes: Any) -> str:
    session: Any = SimpleNamespace(prediction=None)
    explainer: Any = Told(explanation, **changes)
    bar = WhyBar(session, explainer)
    qtbot.addWidget(bar)
    bar.set_manifest(manifest(medical=medical))
    return bar.words


@pytest.mark.parametrize("method", ["cam", "grad-cam", "occlusion"])
@pytest.mark.parametrize("empty", [False, True])
def test_a_map_says_what_it_is_not_and_leaves_the_notice_to_its_place(qtbot: Any, method: str, empty: bool) -> None:
    found = heat(method=method, heat=np.zeros((8, 8), np.float32)) if empty else heat(method=method)
    for medical in (True, False):
        words = said(qtbot, found, medical)
        assert HUMBLE in words and MEDICAL not in words
        assert ("Nothing in the picture points towards “red”" in words) == empty
        assert ("covering this part lowers the score of “red”" in words) == (method == "occlusion" and not empty)


def test_a_map_says_how_coarse_it_is_and_what_it_lies_on(qtbot: Any) -> None:
    coarse = np.ones((4, 9), np.float32)
    assert "The map is coarse: 9 × 4 places." in said(qtbot, heat(heat=coarse))
    assert "coarse" not in said(qtbot, heat(heat=np.ones((5, 5), np.float32)))
    assert "coarse" not in said(qtbot, heat(heat=coarse, method="occlusion"))
    assert "what the network saw" in said(qtbot, heat(box=None))
    assert "what the network saw" not in said(qtbot, heat())
    assert "single spots count" in said(qtbot, heat(pooling="maximum"))


def test_what_is_not_there_yet_is_no_map(qtbot: Any) -> None:
    assert said(qtbot, None) == ""
    assert said(qtbot, None, waiting=True) == "Looking…"
    assert "Asking the network" in said(qtbot, None, waiting=True, chosen="grad-cam")
    assert said(qtbot, None, cancelled=True) == "Cancelled before a map was there."
    part = heat(method="occlusion", done=3, total=9)
    assert said(qtbot, part) == "Covering one part after the other: 3 of 9"
    assert "3 of 9 parts were covered" in said(qtbot, part, cancelled=True)
