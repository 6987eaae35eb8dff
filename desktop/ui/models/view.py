"""The Models view: cards at the left, one model at the right; install, import, export, verify, rename, delete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMessageBox, QPushButton, QSplitter, QVBoxLayout, QWidget

from desktop.core.types import FoveaError
from desktop.services.background import Task
from desktop.services.model_jobs import Done, ModelJobs
from desktop.system.words import listed
from desktop.ui.kit.later_view import LaterView
from desktop.ui.kit.remembered_sizes import RememberedSizes
from desktop.ui.models.asking import Asking
from desktop.ui.models.cards import CardList, ModelCard, cards_of
from desktop.ui.models.detail import Detail
from desktop.ui.models.job_bar import JobBar
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.services.catalog import ModelCatalog
    from desktop.services.settings import Settings
    from desktop.store.catalogue import Network

_QUICK = ("rename", "duplicate", "delete", "restore")


class ModelsView(LaterView):
    """Everything that can be done with models; jobs run in :class:`ModelJobs`."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self.jobs = ModelJobs(self)
        self._undo: list[tuple[str, str]] = []  # (token, name) of what was deleted since Fovea started
        self._wanted_id = self._install_id = ""
        self._reading: Task | None = None
        self.detail = Detail()
        self.asking = Asking(self.detail, self.jobs, catalog, settings, self)
        self.asking.said.connect(self.said)
        self._build()
        self.jobs.began.connect(self._on_began)
        self.jobs.told.connect(self.job_bar.tell)
        self.jobs.ended.connect(self._on_ended)
        self.jobs.done.connect(self._on_done)
        self.jobs.failed.connect(self._on_failed)
        self.jobs.changed.connect(self.catalog.refresh)
        self.catalog.changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter models"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName(self.tr("Filter models"))
        self.import_button = QPushButton(self.tr("Import…"))
        self.import_button.setToolTip(self.tr("Bring in a .keras, .h5 or .tflite network, or a model of another Fovea"))
        self.import_button.clicked.connect(self.asking.ask_import)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.filter, 1)
        top.addWidget(self.import_button)
        self.list = CardList()
        self.filter.textChanged.connect(self.list.filter)
        self.list.chosen.connect(self._on_chosen)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 12, 4, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        self.job_bar = JobBar()
        self.job_bar.pause_wanted.connect(self._on_pause)
        self.job_bar.cancel_wanted.connect(self._on_cancel)
        self.failure = ErrorPanel()
        self._connect_detail()
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.job_bar)
        column.addWidget(self.failure)
        column.addWidget(self.detail, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(left)
        self.split.addWidget(right)
        self.split.setChildrenCollapsible(False)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([390, 810])
        RememberedSizes(self._settings, {"models": self.split}, self).restore()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.split)

    def _connect_detail(self) -> None:
        detail = self.detail
        detail.use_wanted.connect(self._use)
        detail.teach_wanted.connect(self.teach_wanted)
        detail.retrain_wanted.connect(self.retrain_wanted)
        detail.install_wanted.connect(self.asking.ask_install)
        detail.evaluate_wanted.connect(self._evaluate)
        detail.export_wanted.connect(self.asking.export)
        detail.verify_wanted.connect(self._verify)
        detail.rename_wanted.connect(self.asking.ask_rename)
        detail.duplicate_wanted.connect(self._duplicate)
        detail.delete_wanted.connect(self._delete)
        detail.reveal_wanted.connect(self._reveal)

    # The window asks

    def close_down(self) -> None:
        """End what runs; an interrupted download goes on at the next start."""
        self.jobs.stop()

    def may_close(self) -> bool:
        """Whether the window may be closed now; while a job runs the user is asked, and 'yes' closes it."""
        if not self.jobs.running or self.jobs.kind in _QUICK:
            return True
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle(self.tr("A job on models runs"))
        box.setText(self.tr("End “{0}” and close Fovea?").format(self._title()))
        box.setInformativeText(self.tr("What was fetched so far is kept; nothing half-done is installed."))
        end = box.addButton(self.tr("End and close"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(self.tr("Stay"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        end.clicked.connect(self._end_and_close)
        box.open()
        return False

    @Slot()
    def _end_and_close(self) -> None:
        self.jobs.stop()
        self._on_ended()
        self.window().close()

    def take_focus(self) -> None:
        """The keyboard goes to the cards."""
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def drop_words(self) -> str:
        """What a drop does here."""
        return self.tr("Drop a network or a model here to import it")

    def open_paths(self, paths: list[str]) -> None:
        """Import the first of what was dropped."""
        if len(paths) > 1:
            self.said.emit(self.tr("One model at a time: the first is being looked at."))
        self.asking.import_file(Path(paths[0]))

    def can_undo(self) -> bool:
        """Whether a deleted model can be taken back."""
        return bool(self._undo) and not self.jobs.running

    @Slot()
    def undo(self) -> None:
        """Take the model back that was deleted last."""
        if self.can_undo():
            self.jobs.restore(self._undo[-1][0])

    def can_export(self) -> bool:
        """Whether the chosen model can be exported now."""
        card = self.list.current
        return card is not None and card.state == "ready" and not self.jobs.running

    @Slot()
    def export(self) -> None:
        """Ask in which form, then where to."""
        self.asking.export()

    def focus_filter(self) -> None:
        """Put the keyboard into the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    # What is shown

    @property
    def settled(self) -> bool:
        """Whether nothing is being read or done."""
        return self._reading is None and not self.detail.loading and not self.jobs.running

    def choose_model(self, model_id: str) -> None:
        """Show the model of that id, now or when it is read."""
        if not self.list.choose(model_id):
            self._wanted_id = model_id

    def offer_install(self, model_id: str) -> None:
        """Show a model, and as soon as it is read ask how its weights shall be installed."""
        self._install_id = model_id
        self.choose_model(model_id)
        self._install_what_is_wanted()

    def _install_what_is_wanted(self) -> None:
        card = self.detail.card
        if self._install_id and card is not None and card.id == self._install_id and card.network is not None:
            self._install_id = ""
            self.asking.ask_install()

    @Slot()
    def refresh(self) -> None:
        """Read anew what is installed; the store's entries are there already."""
        entries = list(self.catalog.entries)
        self._reading = Task(lambda task: _installed(entries))
        self._reading.answered.connect(self._on_networks)
        self._reading.failed.connect(self._on_no_networks)
        self._reading.launch()

    @Slot(object)
    def _on_networks(self, networks: list[tuple[Network, bool]]) -> None:
        if self.sender() is not self._reading:
            return
        self._reading = None
        self.list.set_cards(cards_of(self.catalog.entries, networks))
        if self._wanted_id and self.list.choose(self._wanted_id):
            self._wanted_id = ""
        self._show_current()
        self._install_what_is_wanted()

    @Slot(object)
    def _on_no_networks(self, error: object) -> None:
        if self.sender() is self._reading:
            self._reading = None
            self._show_failure(error)
            self.list.set_cards(cards_of(self.catalog.entries, []))
            self._show_current()

    @Slot(str)
    def _on_chosen(self, model_id: str) -> None:
        self._show_current()

    def _show_current(self) -> None:
        self.detail.show_card(self.list.current, self.jobs.running)
        self.changed.emit()

    # Commands on the chosen model

    def _card(self) -> ModelCard | None:
        return self.detail.card

    @Slot()
    def _use(self) -> None:
        card = self._card()
        if card is not None:
            self.classify_wanted.emit(card.id)

    @Slot()
    def _evaluate(self) -> None:
        card = self._card()
        if card is not None:
            self.evaluate_wanted.emit(card.id, "")

    @Slot()
    def _verify(self) -> None:
        card = self._card()
        if card is not None and not self.jobs.running:
            self.jobs.verify(card.id)

    @Slot()
    def _duplicate(self) -> None:
        card = self._card()
        if card is not None and not self.jobs.running:
            self.jobs.duplicate(card.id)

    @Slot()
    def _delete(self) -> None:
        card = self._card()
        if card is not None and not self.jobs.running:
            self.jobs.delete(card.id)

    @Slot()
    def _reveal(self) -> None:
        card = self._card()
        if card is not None and card.entry is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(card.entry.folder)))

    # Jobs

    def _title(self) -> str:
        name = self.jobs.subject
        card = next((card for card in self.list.cards if card.id == name), None)
        shown = card.name if card is not None else name
        titles = {
            "install": self.tr("Installing {0}"),
            "look": self.tr("Looking at {0}"),
            "import": self.tr("Importing {0}"),
            "export": self.tr("Exporting {0}"),
            "verify": self.tr("Verifying {0}"),
            "duplicate": self.tr("Copying {0}"),
        }
        return titles.get(self.jobs.kind or "", self.tr("Changing {0}")).format(shown)

    @Slot()
    def _on_began(self) -> None:
        self.failure.clear()
        self.job_bar.begin(self._title())
        if self.jobs.kind in ("rename", "delete", "restore"):
            self.job_bar.hide()  # over in a moment
        self.detail.set_busy(True)
        self.import_button.setEnabled(False)
        self.changed.emit()

    @Slot()
    def _on_ended(self) -> None:
        self.job_bar.end()
        self.import_button.setEnabled(True)
        self.detail.set_busy(False)
        self.changed.emit()

    @Slot()
    def _on_pause(self) -> None:
        self.jobs.pause()
        self.job_bar.set_paused(self.jobs.paused)

    @Slot()
    def _on_cancel(self) -> None:
        self.job_bar.leave()
        self.jobs.cancel()

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        result: Any = done.result
        if done.kind == "look":
            path, found = result
            if found is None:
                from desktop.ml.exchange.foreign import ForeignFacts

                self.jobs.bring_in(path, ForeignFacts(), None)
            else:
                self.asking.ask_facts(path, found)
        elif done.kind == "verify":
            self.detail.set_verdicts(done.subject, {check.name: check.verdict for check in result})
            bad = [check.name for check in result if check.verdict != "ok"]
            count = len(result)
            if bad:
                self.said.emit(self.tr("{0}: {1} not as it was.").format(done.subject, listed(bad)))
            else:
                self.told.emit(self.tr("{0}: all {1} files are as they were.").format(done.subject, count))
        elif done.kind == "export":
            told = self.tr("Written: {0}.").format(result.path.name)
            if result.difference is not None:
                told += " " + self.tr("Its answers differ by {0} at most over {1} pictures; the certificate says so.")
                told = told.format(f"{result.difference:.1e}", result.pictures)
            elif result.certificate is not None:
                told += " " + self.tr("It is the only form of this model: there was nothing to compare it with.")
            self.told.emit(told)
        elif done.kind == "delete":
            card = next((card for card in self.list.cards if card.id == done.subject), None)
            name = card.name if card is not None else done.subject
            self._undo.append((result, name))
            self.told.emit(self.tr("“{0}” is in the trash; Undo takes it back.").format(name))
        elif done.kind == "restore":
            name = next((held for token, held in self._undo if token == done.subject), str(result))
            self._undo = [item for item in self._undo if item[0] != done.subject]
            self._wanted_id = result
            self.told.emit(self.tr("“{0}” is back among the models.").format(name))
        elif done.kind == "duplicate":
            self._wanted_id = result
        elif done.kind in ("install", "import") and result is not None:
            self._wanted_id = result.id
            self.told.emit(self.tr("“{0}” is ready.").format(result.name))
        self.changed.emit()

    @Slot(object)
    def _on_failed(self, error: object) -> None:
        if isinstance(error, FoveaError) and error.kind == "cancelled":
            self.told.emit(self.tr("Cancelled. What was fetched is kept for the next try."))
            return
        self._show_failure(error)

    def _show_failure(self, error: object) -> None:
        if isinstance(error, FoveaError):
            self.failure.set_failure(error.message, error.hint, error.kind)
        else:
            self.failure.set_failure(str(error))
        self.failure.show()


def _installed(entries: list[Any]) -> list[tuple[Network, bool]]:
    """The catalogue, and what of it is installed; for a thread."""
    from desktop.store import catalogue

    ready = {entry.id for entry in entries if entry.state == "ready"}
    return [
        (network, network.id in ready if network.top else catalogue.base_weights(network).is_file())
        for network in catalogue.load().networks
    ]
