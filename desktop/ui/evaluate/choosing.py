"""What the Evaluate view is to evaluate: the labelled data, the model, and which label each class means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.ui.classify.panes import show_failure
from desktop.ui.evaluate.mapping import MappingDialog
from desktop.ui.evaluate.matching import Matching
from desktop.ui.evaluate.opening import DataOpener
from desktop.ui.kit.formatting import count, moment
from desktop.ui.kit.widgets import sentence

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.data.label_map import LabelMap
    from desktop.core.types import FoveaError
    from desktop.services.catalog import ModelCatalog
    from desktop.services.evaluation import EvaluationService
    from desktop.services.settings import Settings
    from desktop.store.store import ModelEntry
    from desktop.ui.evaluate.kept import KeptShelf
    from desktop.ui.evaluate.start import EvaluateStart

MAX_RECENT = 8


class Choosing(QObject):
    """``settled`` says that all is known and an evaluation was asked for at once.

    Shown on ``start``; ``service`` readies the engine and remembers what classes mean, ``shelf`` knows the kept results
    that answer the same question.
    """

    settled = Signal()

    def __init__(
        self,
        catalog: ModelCatalog,
        settings: Settings,
        start: EvaluateStart,
        service: EvaluationService,
        shelf: KeptShelf,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._catalog, self._settings, self._start = catalog, settings, start
        self._service, self._shelf, self._window = service, shelf, parent
        self._matching = Matching(service.store)
        self._split_known = True
        self._at_once = ""
        self.opener = DataOpener(self)
        self.model_id = ""
        self.data: LabelledDataset | None = None
        self.labels: LabelMap | None = None
        setup = start.setup
        setup.split_chosen.connect(self._on_split)
        setup.model_chosen.connect(self.choose_model)
        setup.mapping_wanted.connect(self.ask_mapping)
        setup.cancel_wanted.connect(self._cancel_opening)
        self.opener.progressed.connect(self._on_opening)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_open_failed)
        start.setup.layouts.chosen.connect(self._read_as)
        shelf.listed.connect(self._offer_kept)
        catalog.changed.connect(self._on_catalog)
        start.empty.set_recent(self._recent())
        self._on_catalog()

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model, where it can answer."""
        entry = self._catalog.entry(self.model_id)
        return entry if entry is not None and entry.state == "ready" and entry.manifest is not None else None

    def obstacle(self) -> FoveaError | None:
        """Why an evaluation cannot begin now; ``None`` where it can."""
        return self._matching.obstacle(self.data, self._catalog.entry(self.model_id), self._split_known)

    # The data

    def open(self, path: str, split: str | None = None) -> None:
        """Read labelled data; ``split`` names the part of it that is meant."""
        self._at_once = ""
        self.data = self.labels = None
        self._start.parts.setCurrentWidget(self._start.setup)
        name = path.partition("::")[0].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        self._start.setup.show_busy(self.tr("Reading…"), name)
        self.opener.open(path, split)

    def open_named(self, model_id: str, path: str, names: tuple[str, ...]) -> None:
        """Read the pictures of these names in the data at ``path``, and ask at once for this model's evaluation."""
        self.open(path)
        self.opener.open(path, names=names)
        self._at_once = model_id

    @Slot(str)
    def _on_split(self, split: str) -> None:
        self.open(self.opener.path, split)

    @Slot()
    def _cancel_opening(self) -> None:
        self.opener.cancel()
        self._start.setup.show_busy(None)
        self._start.parts.setCurrentWidget(self._start.empty)

    @Slot(object)
    def _on_opening(self, done: int) -> None:
        self._start.setup.show_busy(self.tr("{0} images found…").format(count(done)))

    @Slot(object, bool)
    def _on_opened(self, data: LabelledDataset, chosen: bool) -> None:
        self.data = data
        setup = self._start.setup
        setup.show_busy(None)
        setup.show_data(data, chosen)
        self._split_known = chosen
        folders = [data.root, *(held for held in self._recent() if held != data.root)][:MAX_RECENT]
        self._settings.set("recent_labelled", folders)
        self._start.empty.set_recent(folders)
        self._prefer_fitting()
        self._match()
        if self._at_once and self._catalog.entry(self._at_once) is not None:
            self.choose_model(self._at_once)
            if self.labels is not None:
                self.settled.emit()
                return
        if self.labels is not None:
            self._service.prepare(self.model_id)
        setup.start.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(object)
    def _on_open_failed(self, error: Any) -> None:
        from desktop.core.data.layouts import LayoutNeededError

        self._start.setup.show_busy(None)
        if isinstance(error, LayoutNeededError):
            self._start.setup.layouts.show_proposals(error.proposals)
        else:
            show_failure(self._start.setup.failure, error)

    @Slot(str)
    def _read_as(self, layout: str) -> None:
        """Read the same data again, the labels as they were confirmed."""
        from desktop.core.data.layouts import address_of

        self.open(address_of(self.opener.path, layout))

    def _recent(self) -> list[str]:
        return [folder for folder in self._settings.get("recent_labelled") if isinstance(folder, str)]

    # The model and its labels

    @Slot()
    def _on_catalog(self) -> None:
        self._start.setup.chooser.set_entries(self._catalog.entries)
        if not self.model_id and self._catalog.entries:
            self.choose_model(self._catalog.first_choice(self._settings.get("model")))
            self._prefer_fitting()

    @Slot(str)
    def choose_model(self, model_id: str) -> None:
        """Evaluate this model."""
        self.model_id = model_id
        self._start.setup.chooser.set_current(model_id)
        manifest = self.entry.manifest if self.entry is not None else None
        self._start.setup.show_medical(manifest is not None and manifest.medical)
        self._match()

    def _prefer_fitting(self) -> None:
        """Where the chosen model does not know these classes and another one knows them all by name, take that one."""
        if self.data is None:
            return
        classes = set(self.data.classes)
        fitting = [
            entry.id
            for entry in self._catalog.entries
            if entry.state == "ready" and entry.manifest is not None and classes <= set(entry.manifest.labels)
        ]
        if fitting and self.model_id not in fitting:
            self.choose_model(fitting[0])

    def _match(self) -> None:
        """Bring the classes and the model's labels together; without that nothing can begin."""
        from desktop.core.data.label_map import LabelMismatch
        from desktop.core.types import FoveaError

        setup, data, entry = self._start.setup, self.data, self.entry
        self.labels = None
        if data is None or entry is None or entry.manifest is None:
            setup.show_names("", False)
            setup.start.setEnabled(False)
            return
        known = self._matching.known(entry.id, data.classes)
        try:
            self.labels = self._matching.labels(data, entry)
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
            setup.show_names(" ".join([words, *(sentence(note) for note in self.labels.notes)]), False, True)
        setup.start.setEnabled(self.labels is not None and self._split_known)
        self._offer_kept()

    @Slot()
    def ask_mapping(self) -> None:
        """Ask which label each class means."""
        data, entry = self.data, self.entry
        if data is None or entry is None or entry.manifest is None:
            return
        known = self._matching.known(entry.id, data.classes)
        self.mapping_dialog = MappingDialog(data.classes, entry.manifest.labels, known, self._window)
        self.mapping_dialog.accepted.connect(self._on_mapping)
        self.mapping_dialog.open()

    @Slot()
    def _on_mapping(self) -> None:
        if self.data is not None:
            mapping = self.mapping_dialog.mapping
            self._matching.keep(self.model_id, self.data.classes, mapping)
            self._service.remember_mapping(self.model_id, self.data.classes, mapping)
            self._match()

    @Slot()
    def _offer_kept(self) -> None:
        """A kept result of this model and folder can be opened instead of asking again."""
        entry = self.entry
        kept = None
        if self.data is not None and entry is not None and entry.manifest is not None:
            from desktop.store.model_facts import model_facts

            kept = self._shelf.of(self.data, model_facts(entry.manifest))
        words = self.tr("Open the result of {0}").format(moment(kept.created)) if kept is not None else ""
        self._start.setup.show_kept(words, kept.key if kept is not None else "")
