"""The tabs beside the pictures, each made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from desktop.services.catalog import ModelCatalog
    from desktop.services.evaluation import EvaluationService
    from desktop.ui.evaluate.exports import Exports
    from desktop.ui.evaluate.results import ResultsPage
    from desktop.ui.evaluate.state import EvaluationState


def builders(
    state: EvaluationState,
    catalog: ModelCatalog,
    second: EvaluationService,
    use_comparison: Callable[[Any], None],
    results: Callable[[], ResultsPage],
    exports: Callable[[], Exports],
) -> dict[str, Callable[[], QWidget]]:
    """What makes each tab, by its name; ``second`` evaluates for comparisons, which ``use_comparison`` hears of.

    ``results`` and ``exports`` are asked for when a tab is made: they are there by then.
    """

    def curves() -> QWidget:
        from desktop.ui.evaluate.curves_tab import CurvesTab

        return CurvesTab(state, results().threshold)

    def calibration() -> QWidget:
        from desktop.ui.evaluate.calibration_tab import CalibrationTab

        return CalibrationTab(state)

    def classes() -> QWidget:
        from desktop.ui.evaluate.classes_tab import ClassesTab

        tab = ClassesTab(state)
        tab.class_chosen.connect(results().show_class)
        return tab

    def compare() -> QWidget:
        from desktop.ui.evaluate.compare_tab import CompareTab

        tab = CompareTab(state, catalog, second)
        tab.compared.connect(use_comparison)
        tab.pictures_wanted.connect(results().show_only)
        return tab

    def here() -> QWidget:
        from desktop.ui.evaluate.here_tab import HereTab

        return HereTab(state)

    def report() -> QWidget:
        from desktop.ui.evaluate.report_tab import ReportTab

        return ReportTab(state, exports())

    def data() -> QWidget:
        from desktop.ui.evaluate.data_tab import DataTab

        return DataTab(state)

    return {
        "curves": curves,
        "calibration": calibration,
        "classes": classes,
        "compare": compare,
        "here": here,
        "report": report,
        "data": data,
    }
