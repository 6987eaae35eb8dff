"""The tabs beside the pictures, each made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from desktop.ui.evaluate.view import EvaluateView


def builders(view: EvaluateView) -> dict[str, Callable[[], QWidget]]:
    """What makes each tab, by its name."""

    def report() -> QWidget:
        from desktop.ui.evaluate.report_tab import ReportTab

        return ReportTab(view.state, view.exports)

    def data() -> QWidget:
        from desktop.ui.evaluate.data_tab import DataTab

        return DataTab(view.state)

    return {"report": report, "data": data}
