"""The Train view: the trainings that run, all runs there were, and what can be begun from here."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QTabWidget, QVBoxLayout, QWidget

from desktop.services.training import TrainingService
from desktop.system.edition import trains
from desktop.ui.kit.help_key import explain
from desktop.ui.kit.later_view import LaterView
from desktop.ui.kit.remembered_sizes import RememberedSizes
from desktop.ui.kit.widgets import sentence
from desktop.ui.train import words
from desktop.ui.train.asking import CancelQuestion, CloseQuestion, LeftQuestion
from desktop.ui.train.exports import CurveExports
from desktop.ui.train.jobs_tab import JobsTab
from desktop.ui.train.runs_tab import RunsTab
from desktop.ui.train.search_closing import SearchCloser
from desktop.ui.train.search_dialog import SearchDialog
from desktop.ui.train.searches_tab import SearchesTab
from desktop.ui.train.starting import Starter, validation_of

if TYPE_CHECKING:
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.services.training_job import TrainingJob
    from desktop.store.manifest import Manifest
    from desktop.store.run_record import RunRecord
    from desktop.store.runs import RunStore

_MOST_BASES = 40
_TABS = ("jobs", "runs", "searches")


class TrainView(LaterView):
    """Jobs, runs, and the way to new ones."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self.service = TrainingService(settings.get("train_at_once"), self)
        self.starter = Starter(self.service, catalog, settings, self)
        self.jobs = JobsTab(self.service, settings.get("train_by"))
        self.runs = RunsTab(self.service)
        self.searches = SearchesTab(self.service)
        self.exports = CurveExports(self.service, self.jobs, self.runs, self)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(self.tr("Trainings, runs and searches"))
        self.tabs.setStyleSheet("QTabWidget::tab-bar { left: 12px; }")
        self.tabs.addTab(self.jobs, self.tr("Trainings"))
        self.tabs.addTab(self.runs, self.tr("Runs"))
        self.tabs.addTab(self.searches, self.tr("Searches"))
        explain(self.runs, "train#runs")
        explain(self.searches, "train#searching-over-settings")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self.tabs)
        if not trains():
            self._explain(layout)
        self.closer = SearchCloser(self.searches, settings, self)
        self.closer.told.connect(self.told)
        self._undo: list[tuple[str, str]] = []
        self._closing = ""
        self.question: CancelQuestion | CloseQuestion | None = None
        self._connect()
        self._restore()
        self.runs.refresh()

    def _explain(self, layout: QVBoxLayout) -> None:
        """The viewer edition: say so, and begin nothing that could only fail. Runs can still be looked at."""
        from desktop.ui.train.edition_note import EditionNote

        layout.setContentsMargins(0, 0, 0, 0)
        layout.insertWidget(0, EditionNote())
        for button in (self.jobs.new, self.jobs.plan, self.jobs.empty.button, self.jobs.empty.plan, self.runs.way_on):
            button.setEnabled(False)
        self.searches.forbid()

    def _connect(self) -> None:
        service, jobs, page, runs = self.service, self.jobs, self.jobs.page, self.runs
        service.changed.connect(self._on_changed)
        service.heard.connect(jobs.news)
        service.heard.connect(self._on_heard)
        service.added.connect(self._on_added)
        service.ended.connect(self._on_ended)
        service.model_made.connect(self._on_model)
        service.failed.connect(self._on_failed)
        service.deleted.connect(self._on_deleted)
        jobs.new.clicked.connect(self.new_training)
        jobs.empty.new_wanted.connect(self.new_training)
        jobs.plan.clicked.connect(self.starter.ask_plan)
        jobs.empty.plan_wanted.connect(self.starter.ask_plan)
        jobs.empty.runs_wanted.connect(self.show_runs)
        jobs.list.moved.connect(service.move)
        jobs.list.removed.connect(self.remove)
        page.pause_wanted.connect(service.pause)
        page.resume_wanted.connect(service.resume)
        page.finish_wanted.connect(service.stop_after_epoch)
        page.cancel_wanted.connect(self.ask_cancel)
        page.continue_wanted.connect(self.continue_run)
        page.remove_wanted.connect(self.remove)
        page.move_wanted.connect(service.move)
        page.classify_wanted.connect(self.classify_wanted)
        page.card_wanted.connect(self.card_requested)
        page.errors_wanted.connect(self.show_errors)
        page.export_wanted.connect(self.exports.ask)
        page.curves.way_chosen.connect(partial(self._settings.set, "train_by"))
        runs.continue_wanted.connect(self.take_up)
        runs.repeat_wanted.connect(self.starter.repeat)
        runs.further_wanted.connect(self.starter.further)
        runs.card_wanted.connect(self.card_requested)
        runs.folder_wanted.connect(self.open_folder)
        runs.export_wanted.connect(self.exports.ask)
        runs.said.connect(self.said)
        self.searches.runs_wanted.connect(self.look_at_runs)
        self.searches.model_wanted.connect(self.continue_run)
        self.searches.new_wanted.connect(self.new_search)
        self.searches.training_wanted.connect(self.new_training)
        runs.new_wanted.connect(self.new_training)
        self.searches.said.connect(self.said)
        self.searches.told.connect(self.told)
        self.starter.ready.connect(service.submit)
        self.starter.failed.connect(self._on_failed)
        self.starter.said.connect(self.said)
        self.exports.said.connect(self.said)
        self.exports.told.connect(self.told)
        self.tabs.currentChanged.connect(self._on_tab)

    # What is remembered

    def _restore(self) -> None:
        splitters = {
            "train": self.jobs.split,
            "train_curves": self.jobs.page.curves.split,
            "train_runs": self.runs.split,
            "train_plots": self.runs.plots,
            "train_searches": self.searches.split,
        }
        RememberedSizes(self._settings, splitters, self).restore()
        if self._settings.get("train_tab") in _TABS:
            self.tabs.setCurrentIndex(_TABS.index(self._settings.get("train_tab")))

    @Slot()
    def _on_tab(self) -> None:
        self._settings.set("train_tab", _TABS[self.tabs.currentIndex()])
        if self.tabs.currentWidget() is self.runs:
            self.runs.refresh()
        elif self.tabs.currentWidget() is self.searches:
            self.searches.refresh()
        self.changed.emit()

    # The window's side

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for the wizard's pictures."""
        super().attach(engine)
        self.starter.engine = engine

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self.starter.engine = None
        super().detach()

    def take_focus(self) -> None:
        """Give the keyboard to what comes first."""
        if self.tabs.currentWidget() is self.jobs:
            self.jobs.focus_first()
        elif self.tabs.currentWidget() is self.runs:
            self.runs.table.setFocus()
        else:
            self.searches.list.setFocus()

    def close_down(self) -> None:
        """Stop what runs, with checkpoints; for the end of the program."""
        self.searches.searching.close()
        self.service.stop()

    def may_close(self) -> bool:
        """Ask what becomes of a running search and of trainings; the window closes when that has happened."""
        if not self.closer.may_close():
            return False
        running = self.service.running
        if not running:
            return True
        if self._closing == "later":
            self._closing = ""  # an answer holds for one try: another view may refuse, and then trainings go on
            return True
        if self._closing != "asked":
            self._closing = "asked"
            self.question = asked = CloseQuestion(running, len(self.service.waiting), self)
            asked.finish.connect(self._close_after_epoch)
            asked.later.connect(self._close_now)
            asked.discard.connect(self._close_discarding)
            asked.finished.connect(self._on_question_end)
            asked.open()
        return False

    @Slot()
    def _on_question_end(self) -> None:
        if self._closing == "asked":
            self._stay()

    def _remember_to_go_on(self, running: list[TrainingJob]) -> None:
        """Those that run, and what waits, go on at the next start."""
        self._settings.set("train_resume", [job.id for job in (*running, *self.service.waiting)])
        self._settings.flush()

    def _stay(self) -> None:
        """The window does not close after all: what waits has its turn again."""
        self._closing = ""
        self.closer.stay()
        self._settings.set("train_resume", [])
        self.service.release_queue()

    @Slot()
    def _close_after_epoch(self) -> None:
        self._closing = "finish"
        self._remember_to_go_on([])
        self.service.hold_queue()
        for job in self.service.running:
            self.service.stop_after_epoch(job.id)
        self.told.emit(self.tr("Fovea closes when the running epoch is done and its model is in the store."))
        self._close_if_idle()  # the last one may have ended while the question stood there

    @Slot()
    def _close_now(self) -> None:
        self._closing = "later"
        self._remember_to_go_on(self.service.running)
        if not self.window().close():
            self._stay()

    @Slot()
    def _close_discarding(self) -> None:
        self._closing = "finish"
        self._remember_to_go_on([])
        self.service.hold_queue()
        for job in self.service.running:
            self.service.cancel(job.id, discard=True)
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        idle = not self.service.running and not self.service.disk_work.busy
        if self._closing == "finish" and idle and not self.window().close():
            self._stay()  # another view has work under way and asks what becomes of that

    def can_undo(self) -> bool:
        """Whether a deleted run can be brought back."""
        return bool(self._undo)

    @Slot()
    def undo(self) -> None:
        """Bring back the run that was deleted last."""
        if self._undo:
            token, name = self._undo.pop()
            self.service.restore(token)
            self.told.emit(self.tr("“{0}” is back among the runs.").format(name))
            self.changed.emit()

    def can_export(self) -> bool:
        """Whether there are curves to save."""
        if self.tabs.currentWidget() is self.runs:
            return bool(self.runs.chosen())
        return self.jobs.page.job is not None and self.jobs.page.job.curves.done > 0

    @Slot()
    def export(self) -> None:
        """Save the curves that are shown."""
        job = self.jobs.page.job
        self.exports.ask("" if self.tabs.currentWidget() is self.runs or job is None else job.id)

    def focus_filter(self) -> None:
        """Put the keyboard into the filter of the runs."""
        self.show_runs()
        self.runs.filter.setFocus()

    def drop_words(self) -> str:
        """Labelled data or a plan may be dropped here."""
        return self.tr("Drop a folder of class folders, or a training plan, to train a model")

    def open_paths(self, paths: list[str]) -> None:
        """Train from what was dropped: the first of it."""
        self.starter.open_path(paths[0])

    def ask_folder(self) -> bool:
        """Choose a labelled folder to train from."""
        self.starter.ask_folder()
        return True

    # Starting and taking up

    @Slot()
    def new_training(self) -> None:
        """Open the wizard."""
        self.starter.new()

    @Slot(str)
    def _on_added(self, run_id: str) -> None:
        self.tabs.setCurrentWidget(self.jobs)
        self.jobs.refresh()
        self.jobs.look_at(run_id)
        self.jobs.list.setFocus()

    @Slot(object)
    def take_up(self, record: RunRecord) -> None:
        """Go on with a run."""
        self.service.take_up(record)

    @Slot(str)
    def continue_run(self, run_id: str) -> None:
        """Go on with a run that is listed among the jobs."""
        store = self.service.store
        self.service.disk_work.run(lambda: store.get(run_id), self.service.take_up, self._on_failed)

    def offer_left(self, records: list[RunRecord]) -> None:
        """Runs that were cut off, or waited, when Fovea ended. Those that are to go on at the next start, as the user
        said when closing, do so; of others, which nobody was asked about, it is asked now, once. A trial goes on with
        its search and never as a training of its own."""
        self.closer.offer([record for record in records if record.search])
        records = [record for record in records if not record.search]
        wished = self._settings.get("train_resume")
        self._settings.set("train_resume", [])
        for record in sorted((r for r in records if r.id in wished), key=lambda r: wished.index(r.id)):
            self.service.take_up(record)
        rest = [record for record in records if record.id not in wished]
        self.service.put_aside(rest)
        self.jobs.refresh()
        going = [record for record in records if record.id in wished]
        if len(going) == 1 and going[0].epochs_done:
            text = self.tr("“{0}” goes on where it was: after epoch {1} of {2}.")
            done, total = words.count(going[0].epochs_done), words.count(going[0].epochs)
            self.told.emit(text.format(going[0].name, done, total))
        elif going:
            self.told.emit(self.tr("Trainings were taken up again, as you asked: {0}.").format(words.count(len(going))))
        if rest:
            self.left = LeftQuestion(rest, self.window())
            self.left.go_on.connect(partial(self._take_up_all, rest))
            self.left.open()

    def _take_up_all(self, records: list[RunRecord]) -> None:
        for record in reversed(records):  # the newest is listed first
            self.service.take_up(record)

    @Slot(str)
    def remove(self, run_id: str) -> None:
        """Take a job off the list."""
        self.service.forget(run_id)

    @Slot(str)
    def ask_cancel(self, run_id: str) -> None:
        """Ask how a running training shall end."""
        job = self.service.job(run_id)
        if job is None or not job.active:
            return
        self.question = asked = CancelQuestion(job, self)
        asked.kept.connect(partial(self.service.stop_now, run_id))
        asked.discarded.connect(partial(self.service.cancel, run_id, True))
        asked.open()

    @Slot()
    def new_search(self) -> None:
        """Ask what a new search shall try; it begins from the plan of an earlier training."""
        store = self.service.store
        self.service.disk_work.run(lambda: _bases(store), self._ask_search, self._on_failed)

    def _ask_search(self, bases: list[tuple[str, TrainingPlan]]) -> None:
        if not bases:
            self.said.emit(
                self.tr("A search varies the settings of a training. Make a training first; it may be short.")
            )
            return
        self.search_dialog = SearchDialog(bases, [result.name for result in self.searches.found], self)
        self.search_dialog.started.connect(self.searches.begin)
        self.search_dialog.open()

    # What happens

    @Slot()
    def _on_changed(self) -> None:
        self.jobs.refresh()
        self._tell_progress()
        self.changed.emit()
        self._close_if_idle()

    @Slot(str)
    def _on_heard(self, run_id: str) -> None:
        self._tell_progress()

    def _tell_progress(self) -> None:
        share = self.service.progress()
        self.progressed.emit(-1.0 if share is None else share)

    @Slot(object)
    def _on_ended(self, job: TrainingJob) -> None:
        QApplication.alert(self.window())  # whoever works elsewhere meanwhile sees it in the task bar
        if job.state == "done":
            self.told.emit(self.tr("“{0}” is trained and can now be chosen as a model.").format(job.name))
        elif job.state in ("failed", "interrupted"):
            self.said.emit(self.tr("The training “{0}” ended: {1}").format(job.name, sentence(job.message)))

    @Slot(str)
    def _on_model(self, model_id: str) -> None:
        self.catalog.refresh()

    @Slot(object)
    def _on_failed(self, error: Any) -> None:
        text = sentence(getattr(error, "message", str(error)))
        self.said.emit(f"{text} {sentence(getattr(error, 'hint', ''))}".strip())

    @Slot(str, str)
    def _on_deleted(self, token: str, name: str) -> None:
        self._undo.append((token, name))
        self.told.emit(self.tr("“{0}” was deleted. Undo brings it back, for thirty days.").format(name))
        self.changed.emit()
        self._close_if_idle()

    @Slot()
    def show_runs(self) -> None:
        """Show all runs."""
        self.tabs.setCurrentWidget(self.runs)

    @Slot(object)
    def look_at_runs(self, ids: list[str]) -> None:
        """Show these runs among all."""
        self.show_runs()
        self.runs.filter.clear()
        self.runs.choose(ids)

    @Slot(str)
    def open_folder(self, run_id: str) -> None:
        """Show a run's folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.service.store.folder(run_id))))

    @Slot(str)
    def show_errors(self, run_id: str) -> None:
        """Show what the new model gets wrong of the pictures that were its validation split, which are evaluated now,
        or what its cross-validation got wrong."""
        job = self.service.job(run_id)
        if job is not None:
            store, model_id = self.service.store, job.model_id
            from desktop.core.types import CROSSED

            entry = self.catalog.entry(model_id)
            manifest = entry.manifest if entry is not None else None
            if manifest is not None and any(metric.split == CROSSED for metric in manifest.metrics):
                self.service.disk_work.run(lambda: _crossed_of(manifest), self._show_crossed, self._on_failed)
                return
            self.service.disk_work.run(
                lambda: validation_of(store, run_id), partial(self._evaluate, model_id), self._on_failed
            )

    def _show_crossed(self, key: str) -> None:
        if key:
            self.kept_wanted.emit(key)
            return
        self.said.emit(
            self.tr(
                "This model has learned from all of its pictures. How good it is was measured by "
                "cross-validation, and stands on its card; evaluate it on other pictures."
            )
        )

    def _evaluate(self, model_id: str, found: tuple[str, tuple[str, ...]]) -> None:
        self.errors_wanted.emit(model_id, *found)


def _crossed_of(manifest: Manifest) -> str:
    """What the answers of a model's cross-validation are kept under, '' where they are not; for a thread."""
    from desktop.core.figures.store import EvaluationStore
    from desktop.store.model_facts import model_facts

    store = EvaluationStore()
    key = store.crossed_key(model_facts(manifest))
    return key if store.holds(key) else ""


def _bases(store: RunStore) -> list[tuple[str, TrainingPlan]]:
    """The plans of the newest runs, one of each name; for a thread."""
    from desktop.core.types import FoveaError
    from desktop.ml.plans import plan as plans

    found: dict[str, TrainingPlan] = {}
    for record in store.list():
        if len(found) >= _MOST_BASES:
            break
        if record.name not in found:
            with contextlib.suppress(FoveaError, OSError):
                found[record.name] = plans.from_json(store.plan_text(record.id))
    return list(found.items())
