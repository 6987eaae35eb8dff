"""The main window's share in the Evaluate view: made on its first visit, handed the engine, closed in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStackedWidget

    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.ui.evaluate.view import EvaluateView
    from desktop.ui.menus import Menus
    from desktop.ui.rail import Rail
    from desktop.ui.widgets.message_bar import MessageBar


class EvaluateHost:
    """Mixed into the main window, which has the attributes named here and stays shorter for it."""

    if TYPE_CHECKING:
        settings: Settings
        views: QStackedWidget
        messages: MessageBar
        rail: Rail
        menus: Menus
        _catalog: ModelCatalog
        show_card: object

    _engine: EngineService | None = None
    _evaluate: EvaluateView | None = None

    @property
    def engine(self) -> EngineService | None:
        """The engine that looks and predicts, once it was started."""
        return self._engine

    @engine.setter
    def engine(self, engine: EngineService) -> None:
        self._engine = engine
        if self._evaluate is not None:
            self._evaluate.attach(engine)

    @property
    def evaluate(self) -> EvaluateView:
        """The Evaluate view, made when it is first asked for."""
        if self._evaluate is None:
            from desktop.ui.evaluate.view import EvaluateView

            self._evaluate = EvaluateView(self._catalog, self.settings)
            self._evaluate.said.connect(self.messages.say)
            self._evaluate.card_requested.connect(self.show_card)
            self._evaluate.state.changed.connect(self.menus.refresh)
            self.views.addWidget(self._evaluate)
            if self._engine is not None:
                self._evaluate.attach(self._engine)
        return self._evaluate

    @property
    def in_evaluate(self) -> bool:
        """Whether the Evaluate view is shown."""
        return self._evaluate is not None and self.views.currentWidget() is self._evaluate

    def close_evaluate(self) -> None:
        """End what the Evaluate view started, where there is one."""
        if self._evaluate is not None:
            self._evaluate.close_down()
            self._evaluate.detach()

    def show_evaluate(self) -> None:
        """Show the Evaluate view."""
        self.views.setCurrentWidget(self.evaluate)
        self.rail.set_view("evaluate")
        self.evaluate.take_focus()
