"""The views beside Classify: made on their first visit, handed the engine, closed in order.

A new view is one line in :data:`desktop.ui.shell.views.LATER` and a class that fills in
:class:`desktop.ui.kit.later_view.LaterView`.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from PySide6.QtCore import QObject, Slot

from desktop.ui.shell.views import LATER

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStackedWidget, QWidget

    from desktop.ml.plans.plan import TrainingPlan
    from desktop.services.background import DiskWork
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.retraining import OldAgainstNew, Retraining
    from desktop.services.settings import Settings
    from desktop.store.run_record import RunRecord
    from desktop.ui.classify.view import ClassifyView
    from desktop.ui.evaluate.view import EvaluateView
    from desktop.ui.kit.later_view import LaterView
    from desktop.ui.shell.menus import Menus
    from desktop.ui.shell.rail import Rail
    from desktop.ui.teach.view import TeachView
    from desktop.ui.train.view import TrainView
    from desktop.ui.widgets.message_bar import MessageBar


class Frame(Protocol):
    """What a :class:`ViewHost` needs of the window around the views, each made when it is first asked for."""

    @property
    def messages(self) -> MessageBar:
        """Where views say what happened."""
        ...

    @property
    def menus(self) -> Menus:
        """Which commands can be used follows from the view that is shown."""
        ...

    @property
    def classify(self) -> ClassifyView:
        """The view that is always there."""
        ...

    def show_classify(self) -> None:
        """Show it."""
        ...

    def show_card(self, model_id: str) -> None:
        """Show a model's card over the window."""
        ...


def _unfinished_runs() -> list[RunRecord]:
    """The runs that nobody trains and that have not come to an end; for a thread."""
    from desktop.store.runs import RunStore

    return [record for record in RunStore().list() if record.state in ("interrupted", "queued")]


class ViewHost(QObject):
    """Holds the views beside Classify in ``views``, with their places on ``rail``; a part of the window ``frame``."""

    def __init__(
        self, frame: Frame, views: QStackedWidget, rail: Rail, catalog: ModelCatalog, settings: Settings
    ) -> None:
        super().__init__(views)
        self._frame, self._views, self._rail = frame, views, rail
        self._catalog, self._settings = catalog, settings
        self._engine: EngineService | None = None
        self._later: dict[str, LaterView] = {}
        self._unfinished: DiskWork | None = None
        self._retraining: Retraining | None = None

    @property
    def engine(self) -> EngineService | None:
        """The engine that looks and predicts, once it was started."""
        return self._engine

    @engine.setter
    def engine(self, engine: EngineService) -> None:
        self._engine = engine
        for view in self._later.values():
            view.attach(engine)

    @property
    def visited(self) -> tuple[str, ...]:
        """The ids of the views that were made so far."""
        return tuple(self._later)

    def later(self, view_id: str) -> LaterView:
        """The view of that id, made when it is first asked for. Raises :class:`KeyError` for an unknown one."""
        view = self._later.get(view_id)
        if view is None:
            later = {item.id: item for item in LATER}[view_id]
            made = getattr(import_module(later.module), later.cls)(self._catalog, self._settings)
            view = self._later[view_id] = cast("LaterView", made)
            view.said.connect(self._frame.messages.say)
            view.told.connect(self._frame.messages.tell)
            view.card_requested.connect(self._frame.show_card)
            view.changed.connect(self._frame.menus.refresh)
            view.classify_wanted.connect(self.classify_with)
            view.evaluate_wanted.connect(self.evaluate_with)
            view.errors_wanted.connect(self.show_validation)
            view.kept_wanted.connect(self.show_kept)
            view.view_wanted.connect(self.show_view)
            view.train_wanted.connect(self.train)
            view.teach_wanted.connect(self.teach)
            view.retrain_wanted.connect(self.retrain)
            if view_id == "train":
                cast("TrainView", view).service.model_made.connect(self._on_model)
            view.progressed.connect(partial(self._rail.set_progress, view_id))
            self._views.addWidget(view)
            if self._engine is not None:
                view.attach(self._engine)
        return view

    @property
    def shown(self) -> LaterView | None:
        """The view that is shown, unless that is Classify."""
        current: QWidget | None = self._views.currentWidget()
        return next((view for view in self._later.values() if view is current), None)

    @property
    def shown_id(self) -> str:
        """The id of that view; '' for Classify."""
        return next((view_id for view_id, view in self._later.items() if view is self.shown), "")

    @property
    def evaluate(self) -> EvaluateView:
        """The Evaluate view, made when it is first asked for."""
        return cast("EvaluateView", self.later("evaluate"))

    @property
    def in_evaluate(self) -> bool:
        """Whether the Evaluate view is shown."""
        return self.shown is not None and self.shown is self._later.get("evaluate")

    @Slot(str)
    def show_view(self, view_id: str) -> None:
        """Show the view of that id, as the rail names it."""
        if view_id == "classify":
            self._frame.show_classify()
            return
        view = self.later(view_id)
        self._views.setCurrentWidget(view)
        self._rail.set_view(view_id)
        view.take_focus()

    def show_evaluate(self) -> None:
        """Show the Evaluate view."""
        self.show_view("evaluate")

    @Slot(str)
    def classify_with(self, model_id: str) -> None:
        """Show Classify with the model of that id."""
        self._frame.show_classify()
        if model_id:
            self._frame.classify.choose_model(model_id)

    @Slot(str, str)
    def evaluate_with(self, model_id: str, data: str) -> None:
        """Show Evaluate with a model and, where ``data`` is a path, labelled data."""
        self.show_evaluate()
        if model_id:
            self.evaluate.choose_model(model_id)
        if data:
            self.evaluate.open_path(data)

    @Slot(str, str, object)
    def show_validation(self, model_id: str, path: str, names: tuple[str, ...]) -> None:
        """Show in Evaluate what a model makes of its validation pictures."""
        self.show_evaluate()
        self.evaluate.open_validation(model_id, path, names)

    @Slot(str)
    def show_kept(self, key: str) -> None:
        """Show a kept evaluation."""
        self.show_evaluate()
        self.evaluate.open_kept(key)

    @Slot(tuple)
    def train(self, wanted: tuple[TrainingPlan, str]) -> None:
        """Show Train, and begin a training by a plan under a name."""
        self.show_view("train")
        cast("TrainView", self.later("train")).service.submit(*wanted)

    @Slot(str)
    def teach(self, project_id: str) -> None:
        """Show Teach with a project open."""
        self.show_view("teach")
        cast("TeachView", self.later("teach")).open_project(project_id)

    @property
    def retraining(self) -> Retraining:
        """What retrains models and compares old with new, made when it is first asked for."""
        if self._retraining is None:
            from desktop.services.retraining import Retraining

            self._retraining = made = Retraining(self)
            made.prepared.connect(self.train)
            made.compared.connect(self._show_compared)
            made.said.connect(self._frame.messages.say)
            made.told.connect(self._frame.messages.tell)
        return self._retraining

    @Slot(str, str)
    def retrain(self, project_id: str, model_id: str) -> None:
        """Make a better model of a project's labels, and compare it with the one before."""
        self.retraining.retrain(project_id, model_id)

    @Slot(str)
    def _on_model(self, model_id: str) -> None:
        self.retraining.look_at(model_id)

    @Slot(object)
    def _show_compared(self, found: OldAgainstNew) -> None:
        from desktop.ui.widgets.old_against_new import OldAgainstNewDialog

        self.compared = OldAgainstNewDialog(found, self._views)
        self.compared.classify_wanted.connect(self.classify_with)
        self.compared.evaluate_wanted.connect(self.evaluate_with)
        self.compared.open()

    @Slot(int)
    def set_trainings_at_once(self, count: int) -> None:
        """How many trainings run side by side; the Train view reads the setting itself when it is made."""
        if "train" in self._later:
            cast("TrainView", self._later["train"]).service.set_at_once(count)

    @Slot(str)
    def install_model(self, model_id: str) -> None:
        """Go to a model that lacks its weights, and ask how they shall be installed."""
        from desktop.ui.models.view import ModelsView

        self.show_view("models")
        models = self.later("models")
        assert isinstance(models, ModelsView)
        models.offer_install(model_id)

    def offer_unfinished(self) -> None:
        """Look for trainings that were cut off, or waited, when Fovea ended; where there are some, say so."""
        from desktop.services.background import DiskWork

        self._unfinished = DiskWork("unfinished")
        self._unfinished.run(_unfinished_runs, self._on_unfinished)

    def _on_unfinished(self, records: list[RunRecord]) -> None:
        if records or self._settings.get("search_resume"):
            train = cast("TrainView", self.later("train"))
            train.offer_left(records)

    def may_close(self) -> bool:
        """Whether every view agrees to the end; the first that does not has asked the user."""
        return all(view.may_close() for view in self._later.values())

    def close_later(self) -> None:
        """End what the views started."""
        if self._unfinished is not None:
            self._unfinished.stop()
            self._unfinished = None
        if self._retraining is not None:
            self._retraining.finish()
        for view in self._later.values():
            view.close_down()
            view.detach()
