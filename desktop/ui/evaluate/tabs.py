"""The tabs beside the pictures, each made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from desktop.ui.evaluate.view import EvaluateView


def builders(view: EvaluateView) -> dict[str, Callable[[], QWidget]]:
    """What makes each tab, by its name."""

    def curves() -> QWidget:
        from desktop.ui.evaluate.curves_tab import CurvesTab

        return CurvesTab(view.state, view.results.threshold)

    def calibration() -> QWidget:
        from desktop.ui.evaluate.calibration_tab import CalibrationTab

        return CalibrationTab(view.state)

    def classes() -> QWidget:
        from desktop.ui.evaluate.classes_tab import ClassesTab

        tab = ClassesTab(view.state)
        tab.class_chosen.connect(view.results.show_class)
        return tab

    def compare() -> QWidget:
        from desktop.ui.evaluate.compare_tab import CompareTab

        tab = CompareTab(view.state, view.catalog, view.second)
        tab.compared.connect(view.use_comparison)
        tab.pictures_wanted.connect(view.results.show_only)
        return tab

    def here() -> QWidget:
        from desktop.ui.evaluate.here_tab import HereTab

        return HereTab(view.state)

    def report() -> QWidget:
        from desktop.ui.evaluate.report_tab import ReportTab

        return ReportTab(view.state, view.exports)

    def data() -> QWidget:
        from desktop.ui.evaluate.data_tab import DataTab

        return DataTab(view.state)

    return {
        "curves": curves,
        "calibration": calibration,
        "classes": classes,
        "compare": compare,
        "here": here,
        "report": report,
        "data": data,
    }
