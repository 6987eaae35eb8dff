"""The Evaluate view: from a labelled folder to what a model gets wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.services.evaluation import EvaluationService
from desktop.ui.evaluate.exports import Exports
from desktop.ui.evaluate.judging import Judging
from desktop.ui.evaluate.kept import KeptShelf
from desktop.ui.evaluate.matching import Matching
from desktop.ui.evaluate.opening import DataOpener, ask_data
from desktop.ui.evaluate.results import ResultsPage
from desktop.ui.evaluate.start import StartPage
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.evaluate.tabs import builders
from desktop.ui.evaluate.words import count, moment
from desktop.ui.panes import show_failure
from desktop.ui.view import LaterView
from desktop.ui.widgets._kit import sentence

if TYPE_CHECKING:
    from desktop.core.datasets import LabelledDataset
    from desktop.core.evaluation import EvaluationResult, Figures
    from desktop.core.label_map import LabelMap
    from desktop.core.types import FoveaError
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.store.store import ModelEntry

MAX_RECENT = 8


class EvaluateView(LaterView):
    """From a labelled folder to figures, curves and the pictures behind them."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self._labels: LabelMap | None = None
        self.matching = Matching()
        self.compared: Any = None
        self._split_known = True
        self._at_once = ""
        self.model_id = ""
        self.data: LabelledDataset | None = None
        self.service = EvaluationService(self)
        self.second = EvaluationService(self)
        self.state = EvaluationState(self)
        self.judging = Judging(self.service, self.state, self)
        self.opener = DataOpener(self)
        self.shelf = KeptShelf(self)
        self.exports = Exports(self)
        self.start = StartPage()
        self.results = ResultsPage(self.state, builders(self))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(self.results)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self._connect()
        self.start.empty.set_recent(self._recent())
        self._on_catalog()
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
        setup.split_chosen.connect(self._on_split)
        setup.model_chosen.connect(self.choose_model)
        setup.card_wanted.connect(self.card_requested)
        setup.mapping_wanted.connect(self.ask_mapping)
        setup.kept_wanted.connect(self.open_kept)
        setup.start_wanted.connect(self.begin)
        setup.cancel_wanted.connect(self._cancel_opening)
        self.opener.progressed.connect(self._on_opening)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_open_failed)
        service.progressed.connect(self.results.show_progress)
        service.streamed.connect(self.results.stream)
        service.counting.connect(self.results.strip.say_counting)
        service.finished.connect(self._on_finished)
        service.failed.connect(self._on_failed)
        service.not_remembered.connect(self.said)
        self.exports.said.connect(self.said)
        self.shelf.listed.connect(self.start.kept.set_kept)
        self.shelf.listed.connect(self._offer_kept)
        self.shelf.loaded.connect(self._on_loaded)
        self.shelf.failed.connect(self.said)
        self.shelf.deleted.connect(start.kept.say_deleted)
        self.shelf.deleted.connect(self.changed)
        results = self.results
        results.back_wanted.connect(self.show_start)
        results.cancel_wanted.connect(self.cancel)
        results.gallery.opened.connect(self.open_picture)
        results.gallery.judged.connect(self.judging.judge)
        self.judging.said.connect(self.said)
        results.gallery.undo_changed.connect(self.changed)
        results.threshold.settled.connect(self._keep_threshold)
        results.threshold.reset.connect(self._forget_threshold)
        self.pages.currentChanged.connect(self.changed)
        results.gallery.list_wanted.connect(self.exports.ask_list)
        results.gallery.copies_wanted.connect(self.exports.ask_copies)
        results.split.splitterMoved.connect(self._remember_sizes)
        self.state.changed.connect(self.changed)
        self.catalog.changed.connect(self._on_catalog)
        held = self._settings.get("splitters").get("evaluate")
        if isinstance(held, list) and len(held) == 2 and all(isinstance(size, int) for size in held):
            results.split.setSizes(held)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started, for pictures to look at."""
        super().attach(engine)
        self.results.gallery.model.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self.results.gallery.model.detach()
        super().detach()

    def close_down(self) -> None:
        """Stop what runs; for the end of the program."""
        self.opener.cancel()
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
        ask_data(self, self._settings.get("last_folder"), True).fileSelected.connect(self.open_path)
        return True

    @Slot()
    def ask_file(self) -> None:
        """Choose a file of labelled arrays."""
        ask_data(self, self._settings.get("last_folder"), False).fileSelected.connect(self.open_path)

    @Slot(str)
    def open_path(self, path: str, split: str | None = None) -> None:
        """Read a labelled folder (or file of labelled arrays); ``split`` names the part of it that is meant."""
        if self.service.running:
            self.said.emit(self.tr("An evaluation is running. Cancel it, then open other data."))
            return
        self.show_start()
        self._at_once = ""
        self.data = self._labels = None
        self.start.parts.setCurrentWidget(self.start.setup)
        name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        self.start.setup.show_busy(self.tr("Reading…"), name)
        self.opener.open(path, split)

    def open_validation(self, model_id: str, path: str, names: tuple[str, ...]) -> None:
        """Evaluate a model, at once, on the pictures of these names in the data at ``path``: its validation split."""
        if self.service.running:
            self.said.emit(self.tr("An evaluation is running. Cancel it, then open other data."))
            return
        self.open_path(path)
        self.opener.open(path, names=names)
        self._at_once = model_id

    @Slot(str)
    def _on_split(self, split: str) -> None:
        self.open_path(self.opener.path, split)

    @Slot()
    def _cancel_opening(self) -> None:
        self.opener.cancel()
        self.start.setup.show_busy(None)
        self.start.parts.setCurrentWidget(self.start.empty)

    @Slot(object)
    def _on_opening(self, done: int) -> None:
        self.start.setup.show_busy(self.tr("{0} images found…").format(count(done)))

    @Slot(object, bool)
    def _on_opened(self, data: LabelledDataset, chosen: bool) -> None:
        self.data = data
        setup = self.start.setup
        setup.show_busy(None)
        setup.show_data(data, chosen)
        self._split_known = chosen
        folders = [data.root, *(held for held in self._recent() if held != data.root)][:MAX_RECENT]
        self._settings.set("recent_labelled", folders)
        self.start.empty.set_recent(folders)
        self._prefer_fitting()
        self._match()
        if self._at_once and self.catalog.entry(self._at_once) is not None:
            self.choose_model(self._at_once)
            if self._labels is not None:
                self.begin()
                return
        if self._labels is not None:
            self.service.prepare(self.model_id)
        setup.start.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(object)
    def _on_open_failed(self, error: Any) -> None:
        self.start.setup.show_busy(None)
        show_failure(self.start.setup.failure, error)

    def _recent(self) -> list[str]:
        return [folder for folder in self._settings.get("recent_labelled") if isinstance(folder, str)]

    # The model and its labels

    @Slot()
    def _on_catalog(self) -> None:
        self.start.setup.chooser.set_entries(self.catalog.entries)
        if not self.model_id and self.catalog.entries:
            self.choose_model(self.catalog.first_choice(self._settings.get("model")))
            self._prefer_fitting()

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model, where it can answer."""
        entry = self.catalog.entry(self.model_id)
        return entry if entry is not None and entry.state == "ready" and entry.manifest is not None else None

    @Slot(str)
    def choose_model(self, model_id: str) -> None:
        """Evaluate this model."""
        self.model_id = model_id
        self.start.setup.chooser.set_current(model_id)
        manifest = self.entry.manifest if self.entry is not None else None
        medical = manifest is not None and manifest.medical
        notice = manifest.card.notice if manifest is not None and medical else ""
        self.start.setup.show_medical((notice or self.results.medical_words()) if medical else "")
        self._match()

    def _prefer_fitting(self) -> None:
        """Where the chosen model does not know these classes and another one knows them all by name, take that one."""
        if self.data is None:
            return
        classes = set(self.data.classes)
        fitting = [
            entry.id
            for entry in self.catalog.entries
            if entry.state == "ready" and entry.manifest is not None and classes <= set(entry.manifest.labels)
        ]
        if fitting and self.model_id not in fitting:
            self.choose_model(fitting[0])

    def _match(self) -> None:
        """Bring the classes and the model's labels together; without that nothing can begin."""
        from desktop.core.label_map import LabelMismatch
        from desktop.core.types import FoveaError

        setup, data, entry = self.start.setup, self.data, self.entry
        self._labels = None
        if data is None or entry is None or entry.manifest is None:
            setup.show_names("", False)
            setup.start.setEnabled(False)
            return
        known = self.matching.known(entry.id, data.classes)
        try:
            self._labels = self.matching.labels(data, entry)
        except LabelMismatch as error:
            setup.show_names(
                self.tr("{0} of {1} class names are not labels of this model. Say which label each means.").format(
                    count(len(error.unmatched)), count(len(data.classes))
                ),
                True,
                True,
            )
        except FoveaError as error:
            setup.show_names(error.message, True, True)
        else:
            words = self.tr("Class names matched as you said.") if known else self.tr("The class names fit the model.")
            setup.show_names(" ".join([words, *(sentence(note) for note in self._labels.notes)]), False, True)
        setup.start.setEnabled(self._labels is not None and self._split_known)
        self._offer_kept()

    @Slot()
    def ask_mapping(self) -> None:
        """Ask which label each class means."""
        from desktop.ui.evaluate.mapping import MappingDialog

        data, entry = self.data, self.entry
        if data is None or entry is None or entry.manifest is None:
            return
        known = self.matching.known(entry.id, data.classes)
        self.mapping_dialog = MappingDialog(data.classes, entry.manifest.labels, known, self)
        self.mapping_dialog.accepted.connect(self._on_mapping)
        self.mapping_dialog.open()

    @Slot()
    def _on_mapping(self) -> None:
        if self.data is not None:
            mapping = self.mapping_dialog.mapping
            self.matching.keep(self.model_id, self.data.classes, mapping)
            self.service.remember_mapping(self.model_id, self.data.classes, mapping)
            self._match()

    def obstacle(self) -> FoveaError | None:
        """Why an evaluation cannot begin now; ``None`` where it can."""
        return self.matching.obstacle(self.data, self.catalog.entry(self.model_id), self._split_known)

    # Running

    @Slot()
    def begin(self) -> None:
        """Evaluate the chosen model on the data."""
        data, entry, labels = self.data, self.entry, self._labels
        if data is None or entry is None or entry.manifest is None or labels is None:
            return
        manifest = entry.manifest
        name = f"{data.title}, {data.split}" if data.split else data.title
        medical = (manifest.card.notice or self.results.medical_words()) if manifest.medical else ""
        self.state.clear()
        self.compared = None
        self.judging.begin()
        self.results.begin(self.tr("{0} on {1}").format(manifest.name, name), manifest.labels, medical)
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
        self.said.emit(self.tr("The evaluation was stopped; nothing of it was kept."))

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
        from desktop.core.evaluation_store import EvaluationStore

        store = EvaluationStore()
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

    @Slot()
    def _offer_kept(self) -> None:
        """A kept result of this model and folder can be opened instead of asking again."""
        entry = self.entry
        kept = None
        if self.data is not None and entry is not None and entry.manifest is not None:
            from desktop.engine.evaluation_facts import model_facts

            kept = self.shelf.of(self.data, model_facts(entry.manifest))
        words = self.tr("Open the result of {0}").format(moment(kept.created)) if kept is not None else ""
        self.start.setup.show_kept(words, kept.key if kept is not None else "")

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
            self.opener.reopen(result, self.state)

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

    @Slot()
    def _remember_sizes(self) -> None:
        self._settings.set("splitters", {**self._settings.get("splitters"), "evaluate": self.results.split.sizes()})

    @Slot(object)
    def use_comparison(self, found: Any) -> None:
        """Put this comparison into reports; ``None`` leaves it out."""
        self.compared = found
