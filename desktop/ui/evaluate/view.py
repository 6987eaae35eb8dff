"""The Evaluate view: from a labelled folder to what a model gets wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.core.translate import on_card
from desktop.services.evaluation import EvaluationService
from desktop.ui.evaluate.choosing import Choosing
from desktop.ui.evaluate.closing import EvaluationCloser
from desktop.ui.evaluate.exports import Exports
from desktop.ui.evaluate.judging import Judging
from desktop.ui.evaluate.kept import KeptShelf
from desktop.ui.evaluate.opening import ask_data
from desktop.ui.evaluate.picture_menu import PictureMenu
from desktop.ui.evaluate.results import ResultsPage
from desktop.ui.evaluate.start import EvaluateStart
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.evaluate.tabs import builders
from desktop.ui.kit.later_view import LaterView
from desktop.ui.kit.remembered_sizes import RememberedSizes

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult, Figures
    from desktop.core.types import FoveaError
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings


class EvaluateView(LaterView):
    """From a labelled folder to figures, curves and the pictures behind them."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self.compared: Any = None
        self.service = EvaluationService(self)
        self.second = EvaluationService(self)
        self.state = EvaluationState(self)
        self.judging = Judging(self.service, self.state, self)
        self.shelf = KeptShelf(self.service.store, self)
        self.start = EvaluateStart()
        self.choosing = Choosing(catalog, settings, self.start, self.service, self.shelf, self)
        later = builders(
            self.state, catalog, self.second, self.use_comparison, lambda: self.results, lambda: self.exports
        )
        self.results = ResultsPage(self.state, later)
        gallery = self.results.gallery.model
        self.exports = Exports(self.state, gallery, lambda: self.compared, lambda: self.medical, self)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(self.results)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self._connect()
        self.shelf.refresh()

    def _connect(self) -> None:
        start, setup, service = self.start, self.start.setup, self.service
        for part in (start.empty, setup):
            part.open_wanted.connect(self.ask_folder)
        start.empty.folder_chosen.connect(self.open_path)
        start.empty.file_wanted.connect(self.ask_file)
        start.kept.opened.connect(self.open_kept)
        start.kept.delete_wanted.connect(self.shelf.delete)
        start.kept.undo_wanted.connect(self.undo)
        setup.card_wanted.connect(self.card_requested)
        setup.kept_wanted.connect(self.open_kept)
        setup.start_wanted.connect(self.begin)
        self.choosing.settled.connect(self.begin)
        service.progressed.connect(self.results.show_progress)
        service.streamed.connect(self.results.stream)
        service.counting.connect(self.results.strip.say_counting)
        service.finished.connect(self._on_finished)
        service.failed.connect(self._on_failed)
        self.closer = EvaluationCloser(service, self._stop_keeping, self)
        for told in (service, self.second):
            told.not_remembered.connect(self.said)
        self.exports.said.connect(self.said)
        self.shelf.listed.connect(self.start.kept.set_kept)
        self.shelf.loaded.connect(self._on_loaded)
        self.shelf.failed.connect(self.said)
        self.shelf.deleted.connect(start.kept.say_deleted)
        self.shelf.deleted.connect(self.changed)
        results = self.results
        results.back_wanted.connect(self.show_start)
        results.cancel_wanted.connect(self.cancel)
        results.gallery.opened.connect(self.open_picture)
        self.menu = PictureMenu(results.gallery, self._settings)
        self.menu.said.connect(self.said)
        self.menu.told.connect(self.told)
        results.gallery.view.selectionModel().selectionChanged.connect(self.changed)
        results.gallery.judged.connect(self.judging.judge)
        self.judging.said.connect(self.said)
        results.gallery.undo_changed.connect(self.changed)
        results.threshold.settled.connect(self._keep_threshold)
        results.threshold.reset.connect(self._forget_threshold)
        self.pages.currentChanged.connect(self.changed)
        results.gallery.list_wanted.connect(self.exports.ask_list)
        results.gallery.copies_wanted.connect(self.exports.ask_copies)
        self.state.changed.connect(self.changed)
        RememberedSizes(self._settings, {"evaluate": results.split}, self).restore()

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started, for pictures to look at."""
        super().attach(engine)
        self.results.gallery.model.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self.results.gallery.model.detach()
        super().detach()

    def can_correct(self) -> bool:
        """Whether pictures of the gallery are selected."""
        return self._on_results and bool(len(self.results.gallery.selected_rows()))

    def correct(self) -> None:
        """Ask what the selected pictures really are."""
        self.menu.correct()

    def may_close(self) -> bool:
        """Whether no evaluation runs; else it is asked what becomes of it."""
        return self.closer.may_close()

    def _stop_keeping(self) -> None:
        """Stop the evaluation, unless it is stopping: asked once more it would keep nothing."""
        if not self.results.strip.stopping:
            self.cancel()

    def close_down(self) -> None:
        """Stop what runs; for the end of the program."""
        self.choosing.opener.cancel()
        self.menu.correcting.finish()
        self.exports.cancel()
        self.shelf.forget()
        self.service.stop()
        self.second.stop()

    def take_focus(self) -> None:
        """Give the keyboard to what comes first."""
        if self._on_results:
            self.results.focus_first()
        elif self.data is None:
            self.start.empty.button.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.start.setup.start.setFocus(Qt.FocusReason.OtherFocusReason)

    # The data

    def drop_words(self) -> str:
        """A labelled folder may be dropped here."""
        return self.tr("Drop a labelled folder to evaluate a model on it")

    def open_paths(self, paths: list[str]) -> None:
        """Open what was dropped: the first of them."""
        self.open_path(paths[0])

    @property
    def _on_results(self) -> bool:
        return self.pages.currentWidget() is self.results

    def can_undo(self) -> bool:
        """What was said of labels can be taken back, or, on the first page, the deletion of evaluations."""
        return self.results.gallery.can_undo if self._on_results else self.shelf.can_undo

    def can_redo(self) -> bool:
        """What was taken back of labels can be said again."""
        return self._on_results and self.results.gallery.can_redo

    @Slot()
    def undo(self) -> None:
        """Take back what was done last on the page that is shown."""
        if self._on_results:
            self.results.gallery.undo()
        else:
            self.shelf.undo()

    @Slot()
    def redo(self) -> None:
        """Say again what was taken back of a label."""
        if self._on_results:
            self.results.gallery.redo()

    def can_export(self) -> bool:
        """Whether there is a result to save."""
        return self.state.result is not None

    @Slot()
    def export(self) -> None:
        """Show what can be saved."""
        self.results.open_tab("report")

    def focus_filter(self) -> None:
        """Put the keyboard into the gallery's search field."""
        self.results.gallery.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot(result=bool)
    def ask_folder(self) -> bool:
        """Choose a labelled folder."""
        ask_data(self, True).fileSelected.connect(self.open_path)
        return True

    @Slot()
    def ask_file(self) -> None:
        """Choose a file of labelled arrays."""
        ask_data(self, False).fileSelected.connect(self.open_path)

    @Slot(str)
    def open_path(self, path: str, split: str | None = None) -> None:
        """Read a labelled folder (or file of labelled arrays); ``split`` names the part of it that is meant."""
        if self.service.running:
            self.said.emit(self.tr("An evaluation is running. Cancel it, then open other data."))
            return
        self.show_start()
        self.choosing.open(path, split)

    def open_validation(self, model_id: str, path: str, names: tuple[str, ...]) -> None:
        """Evaluate a model, at once, on the pictures of these names in the data at ``path``: its validation split."""
        if self.service.running:
            self.said.emit(self.tr("An evaluation is running. Cancel it, then open other data."))
            return
        self.show_start()
        self.choosing.open_named(model_id, path, names)

    @property
    def model_id(self) -> str:
        """The id of the chosen model; empty where there is none."""
        return self.choosing.model_id

    @property
    def medical(self) -> bool:
        """Whether the answers that are shown are those of a medical model."""
        if self.state.result is not None:
            return self.state.result.model.medical
        entry = self.choosing.entry
        return entry is not None and entry.manifest is not None and entry.manifest.medical

    @property
    def data(self) -> LabelledDataset | None:
        """The data that was opened."""
        return self.choosing.data

    @Slot(str)
    def choose_model(self, model_id: str) -> None:
        """Evaluate this model."""
        self.choosing.choose_model(model_id)

    def obstacle(self) -> FoveaError | None:
        """Why an evaluation cannot begin now; ``None`` where it can."""
        return self.choosing.obstacle()

    # Running

    @Slot()
    def begin(self) -> None:
        """Evaluate the chosen model on the data."""
        data, entry, labels = self.data, self.choosing.entry, self.choosing.labels
        if data is None or entry is None or entry.manifest is None or labels is None:
            return
        manifest = entry.manifest
        name = f"{data.title}, {data.split}" if data.split else data.title
        self.state.clear()
        self.compared = None
        self.judging.begin()
        self.results.begin(
            self.tr("{0} on {1}").format(on_card(manifest.name), name), manifest.labels, manifest.medical
        )
        self.pages.setCurrentWidget(self.results)
        self.results.gallery.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.service.start(entry, data, labels)

    @Slot()
    def cancel(self) -> None:
        """Stop the evaluation; what was answered by now is shown and kept as an incomplete result. Asked once more,
        while the engine has not stopped yet, nothing is kept."""
        if not self.service.running:
            return
        if not self.results.strip.stopping:
            self.results.strip.say_stopping()
            self.service.stop_early()
            return
        self.service.cancel()
        self.state.clear()
        self.show_start()
        self.told.emit(self.tr("The evaluation was stopped; nothing of it was kept."))

    @Slot(object)
    def _on_failed(self, error: FoveaError) -> None:
        self.judging.fail()
        if error.kind != "stopped":
            self.results.show_failure(error)
            return
        self.state.clear()
        self.show_start()
        self.said.emit(self.tr("The evaluation was stopped before a picture was answered; nothing was kept."))

    @Slot(object, object, str)
    def _on_finished(self, result: EvaluationResult, figures: Figures, trouble: str) -> None:
        store = self.service.store()
        fingerprint = result.data.fingerprint
        self.results.gallery.model.judgements = self.judging.finish(fingerprint, dict(store.judgements(fingerprint)))
        self.state.show(result, figures, self.data, store.chosen(store.key_of(result)))
        if trouble:
            self.said.emit(trouble)
        self.shelf.refresh()

    @Slot()
    def show_start(self) -> None:
        """The page where evaluations begin."""
        if self.service.running:
            return
        self.shelf.refresh()
        self.pages.setCurrentWidget(self.start)
        self.start.parts.setCurrentWidget(self.start.setup if self.data is not None else self.start.empty)

    # What was kept

    @Slot(str)
    def open_kept(self, key: str) -> None:
        """Open a kept evaluation."""
        if not self.service.running:
            self.shelf.open(key)

    @Slot(object, object, object, object)
    def _on_loaded(
        self,
        result: EvaluationResult,
        figures: Figures,
        judgements: dict[str, str],
        chosen: tuple[float, str] | None,
    ) -> None:
        if self.service.running:
            return
        data = self.data
        at_hand = data is not None and data.root == result.data.root and data.split == result.data.split
        self.results.gallery.model.judgements = judgements
        self.state.show(result, figures, data if at_hand else None, chosen)
        self.pages.setCurrentWidget(self.results)
        self.results.focus_first()
        if not at_hand:
            self.choosing.opener.reopen(result, self.state)

    # Pictures

    @Slot(int)
    def open_picture(self, place: int) -> None:
        """Look at a picture large."""
        from desktop.ui.evaluate.large import LargePicture

        if self._engine is None or self.state.result is None:
            return
        self.large = LargePicture(self.results.gallery, self.state, self.catalog, self._engine, self)
        self.large.show_place(place)
        self.large.open()

    @Slot(float, str)
    def _keep_threshold(self, threshold: float, reason: str) -> None:
        if self.state.result is not None:
            self.service.choose(self.state.result, threshold, reason)

    @Slot()
    def _forget_threshold(self) -> None:
        if self.state.result is not None:
            self.service.choose(self.state.result, None)

    @Slot(object)
    def use_comparison(self, found: Any) -> None:
        """Put this comparison into reports; ``None`` leaves it out."""
        self.compared = found
