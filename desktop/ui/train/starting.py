"""Every way to a new training: the wizard, a plan file, a run to repeat, a model to train further, a drop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from desktop.app.recipes import taken_further
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import TrainingPlan
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.train.plan_dialog import PlanDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.services.training import TrainingService
    from desktop.store.run_record import RunRecord
    from desktop.store.runs import RunStore


class Starter(QObject):
    """``ready`` carries a plan, the training's name and the run it comes from ('' for none); ``failed`` a
    :class:`FoveaError`; ``said`` a sentence."""

    ready = Signal(TrainingPlan, str, str)
    failed = Signal(Exception)
    said = Signal(str)

    def __init__(self, service: TrainingService, catalog: ModelCatalog, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._service, self._catalog, self._settings, self._parent = service, catalog, settings, parent
        self.engine: EngineService | None = None
        self.dialog: QDialog | None = None
        self._parent_run = ""

    # The ways

    @Slot()
    def new(self) -> None:
        """A new training from nothing."""
        self._open_wizard()

    @Slot()
    def ask_folder(self) -> None:
        """Choose a folder of class folders first."""
        dialog = FileDialog(self._parent, self.tr("Open a Labelled Folder"), "folder")
        self._show_files(dialog)

    @Slot()
    def ask_plan(self) -> None:
        """Choose a plan file, as the command line and Fovea's runs write them."""
        dialog = FileDialog(self._parent, self.tr("Start from a Plan File"))
        dialog.setNameFilters([self.tr("Training plans (*.json)"), self.tr("All files (*)")])
        self._show_files(dialog)

    @Slot(str)
    def open_path(self, path: str) -> None:
        """A plan file, or labelled data."""
        self._settings.set("last_folder", str(Path(path).parent))
        if path.lower().endswith(".json"):
            self._service.disk_work.run(lambda: plans.load(Path(path)), self._on_plan, self.failed.emit)
        else:
            self._open_wizard(path)

    @Slot(object)
    def repeat(self, run: RunRecord) -> None:
        """The plan of a run again, to be changed."""
        self._read(run, self._on_repeat)

    @Slot(object)
    def further(self, run: RunRecord) -> None:
        """The plan of a finished run again, starting from the model that came of it."""
        self._read(run, self._on_further)

    # Inside

    def _show_files(self, dialog: FileDialog) -> None:
        dialog.fileSelected.connect(self.open_path)
        dialog.open()

    def _read(self, run: RunRecord, then: Callable[[tuple[TrainingPlan, RunRecord]], None]) -> None:
        store = self._service.store
        self._service.disk_work.run(lambda: (plans.from_json(store.plan_text(run.id)), run), then, self.failed.emit)

    def _on_plan(self, plan: TrainingPlan) -> None:
        self._ask(plan, plan.name, "")

    def _on_repeat(self, found: tuple[TrainingPlan, RunRecord]) -> None:
        plan, run = found
        if plan.data.source == plans.USER:
            self._open_wizard(plan=plan, parent_run=run.id)
        else:  # the wizard begins with a folder, and a public set has none of its own
            self._ask(plan, run.name, run.id)

    def _on_further(self, found: tuple[TrainingPlan, RunRecord]) -> None:
        plan, run = found
        entry = self._catalog.entry(run.model_id)
        if entry is None or entry.manifest is None:
            self.said.emit(self.tr("The model that came of this training is not there any more; repeat it."))
            return
        self._on_repeat((taken_further(plan, entry.manifest), run))

    def _ask(self, plan: TrainingPlan, name: str, parent_run: str) -> None:
        self._parent_run = parent_run
        dialog = PlanDialog(plan, name, self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.started.connect(self._on_started)
        self.dialog = dialog
        dialog.open()

    def _open_wizard(self, path: str = "", plan: TrainingPlan | None = None, parent_run: str = "") -> None:
        """The wizard, with labelled data or another run's plan to begin with."""
        from desktop.ui.train.wizard.wizard import TrainingWizard

        self._parent_run = parent_run
        wizard = TrainingWizard(self._catalog, self._settings, self.engine, self._parent)
        wizard.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        wizard.started.connect(self._on_started)
        self.dialog = wizard
        if plan is not None:
            wizard.use_plan(plan, path)
        elif path:
            wizard.open_path(path)
        wizard.open()

    @Slot(object)
    def _on_started(self, wanted: tuple[TrainingPlan, str]) -> None:
        self.ready.emit(*wanted, self._parent_run)


def validation_of(store: RunStore, run_id: str) -> tuple[str, tuple[str, ...]]:
    """Where the data of a run lies, and the names of its validation pictures; for a thread.

    Raises :class:`FoveaError` where that is not known: the images of a public set lie in an archive.
    """
    from desktop.core.data.splits import read_split
    from desktop.core.types import FoveaError
    from desktop.store.runs import SPLIT

    path = plans.from_json(store.plan_text(run_id)).data.path
    if not path:
        raise FoveaError(
            "no-data",
            "the images of this training are a public set's, which has no folder on this computer",
            "Open Evaluate and choose a folder of labelled images.",
        )
    try:
        return path, read_split(store.folder(run_id) / SPLIT).validation
    except FileNotFoundError:
        raise FoveaError("no-split", "this run does not say which images it was checked with") from None
