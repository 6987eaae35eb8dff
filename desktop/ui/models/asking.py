"""What the Models view asks before it begins a job: names, files, forms, and what a foreign network does not say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from desktop.ui.kit.file_dialogs import FileDialog

if TYPE_CHECKING:
    from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile
    from desktop.services.catalog import ModelCatalog
    from desktop.services.model_jobs import ModelJobs
    from desktop.services.settings import Settings
    from desktop.ui.models.detail import Detail


class Asking(QObject):
    """The dialogs of the view ``parent``, on the model that ``detail`` shows. ``said`` tells why nothing is asked."""

    said = Signal(str)

    def __init__(
        self, detail: Detail, jobs: ModelJobs, catalog: ModelCatalog, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._detail, self._jobs, self._catalog, self._settings = detail, jobs, catalog, settings
        self._parent = parent
        self._waiting: tuple[Path, FoundInFile | None] | None = None

    @Slot()
    def ask_rename(self) -> None:
        """Ask for another name."""
        from PySide6.QtWidgets import QInputDialog

        card = self._detail.card
        if card is None or self._jobs.running:
            return
        dialog = QInputDialog(self._parent)
        dialog.setWindowTitle(self.tr("Rename"))
        dialog.setLabelText(self.tr("The model's name"))
        dialog.setTextValue(card.name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self.rename)
        dialog.open()

    @Slot(str)
    def rename(self, name: str) -> None:
        """Call the chosen model ``name``."""
        card = self._detail.card
        if card is not None and not self._jobs.running:
            self._jobs.rename(card.id, name)

    @Slot()
    def ask_install(self) -> None:
        """Show what will be fetched, and ask."""
        from desktop.ml.exchange.install import download_path
        from desktop.store.download import partly_there
        from desktop.ui.models.dialogs import InstallDialog

        card = self._detail.card
        if card is None or card.network is None or self._jobs.running:
            return
        partly = partly_there(download_path(card.network))
        dialog = InstallDialog(card.network, partly, self._settings.get("last_folder"), self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._install)
        dialog.open()

    @Slot(str, str)
    def _install(self, path: str, precision: str) -> None:
        from desktop.ml.exchange.install import InstallRequest

        card = self._detail.card
        if card is None or card.network is None or self._jobs.running:
            return
        source = Path(path) if path else None
        if source is not None:
            self._settings.set("last_folder", str(source.parent))
        self._jobs.install(InstallRequest(card.network, source, precision=precision))  # type: ignore[arg-type]

    @Slot()
    def ask_import(self) -> None:
        """Choose a file to import."""
        dialog = FileDialog(self._parent, self.tr("Import a Model"))
        dialog.setNameFilters([self.tr("Models (*.keras *.h5 *.hdf5 *.tflite *.zip)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self._on_import_file)
        dialog.open()

    @Slot(str)
    def _on_import_file(self, path: str) -> None:
        self.import_file(Path(path))

    def import_file(self, path: Path) -> None:
        """Look through ``path``, then ask for what it does not say."""
        if self._jobs.running:
            self.said.emit(self.tr("Another job on models runs: wait for it, or cancel it."))
            return
        self._jobs.look(path)

    def ask_facts(self, path: Path, found: FoundInFile) -> None:
        """Ask for what the looked-through file at ``path`` does not say."""
        from desktop.store.catalogue import LABELS_OF
        from desktop.ui.models.dialogs import ImportDialog

        entry = self._catalog.entry(LABELS_OF)
        known = entry.manifest if entry is not None else None
        imagenet = (known.labels, known.label_ids) if known is not None else ((), ())
        self._waiting = (path, found)
        dialog = ImportDialog(path.name, found, imagenet, str(path.parent), self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.told.connect(self._on_told)
        dialog.open()

    @Slot(object)
    def _on_told(self, facts: ForeignFacts) -> None:
        if self._waiting is not None and not self._jobs.running:
            path, found = self._waiting
            self._waiting = None
            self._jobs.bring_in(path, facts, found)

    @Slot()
    def export(self) -> None:
        """Ask in which form, then where to."""
        from desktop.ui.models.dialogs import ExportDialog

        card = self._detail.card
        if card is None or card.entry is None or card.entry.manifest is None:
            return
        if card.state != "ready" or self._jobs.running:
            return
        has_keras = "model.keras" in card.entry.manifest.files
        dialog = ExportDialog(card.name, has_keras, self._settings.get("last_folder"), self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._ask_target)
        dialog.open()

    @Slot(str, str)
    def _ask_target(self, form: str, folder: str) -> None:
        from desktop.app.exports import exports_of

        card = self._detail.card
        if card is None:
            return
        dialog = FileDialog(self._parent, self.tr("Export"), "save")
        ending = next(export.ending for export in exports_of("model") if export.form == form)
        dialog.selectFile(f"{card.id}{ending}")
        dialog.setProperty("form", form)
        dialog.setProperty("folder", folder)
        dialog.fileSelected.connect(self._on_target)
        dialog.open()

    @Slot(str)
    def _on_target(self, path: str) -> None:
        from PySide6.QtWidgets import QFileDialog

        dialog = self.sender()
        assert isinstance(dialog, QFileDialog)
        target = Path(path)
        self.export_to(dialog.property("form"), target, dialog.property("folder"))

    def export_to(self, form: str, target: Path, folder: str = "") -> None:
        """Write the chosen model to ``target``."""
        card = self._detail.card
        if card is not None and card.entry is not None and not self._jobs.running:
            self._jobs.export(card.entry, form, target, Path(folder) if folder else None)
