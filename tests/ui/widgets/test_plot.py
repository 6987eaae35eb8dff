"""Curves in a narrow place: title, legend and numbers stay apart and whole."""

from __future__ import annotations

from typing import Any

import pytest

from desktop.ui.widgets.plot import CurvePlot
from desktop.ui.widgets.plot_drawing import PlotFrame, Series
from tests.patience import WAIT

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("wide", [300, 340, 420, 800])
def test_title_legend_and_numbers_stay_apart(qtbot: Any, qapp: Any, wide: int) -> None:
    plot = CurvePlot("Accuracy")
    qtbot.addWidget(plot)
    plot.resize(wide, 240)
    plot.show()
    epochs = list(range(1, 9))
    series = [
        Series("training", epochs, [0.0014 + 0.0001 * i for i in epochs], "secondary", 1.2),
        Series("validation", epochs, [0.003 - 0.0001 * i for i in epochs], mark=5, mark_name="best epoch"),
    ]
    plot.set_content(PlotFrame("Accuracy", "epoch", 8.0), series)
    qtbot.waitUntil(lambda: plot.settled and plot._axes is not None, timeout=WAIT)
    axes: Any = plot._axes
    renderer = axes.figure.canvas.get_renderer()
    title, legend = axes._left_title.get_window_extent(renderer), axes.get_legend().get_window_extent(renderer)
    assert not title.overlaps(legend), (title, legend)
    whole = axes.figure.bbox
    for artist in (axes._left_title, axes.get_legend(), *axes.get_yticklabels(), axes.xaxis.label):
        box = artist.get_window_extent(renderer)
        assert box.x0 >= whole.x0 - 1 and box.y0 >= whole.y0 - 1 and box.y1 <= whole.y1 + 1, artist
