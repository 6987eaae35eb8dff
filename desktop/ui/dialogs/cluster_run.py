"""'Run on a cluster…': a folder of pictures answered by the nodes of a cluster, with its progress and its end."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.cluster.connection import check_address, has_ray, require
from desktop.cluster.run_events import JobOrder, NodeNews
from desktop.core.translate import on_card
from desktop.core.types import FoveaError
from desktop.system.words import worded
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.formatting import count, duration
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import at_least, make_label, sentence, set_usable
from desktop.ui.widgets.notices import ErrorPanel, MedicalNotice

if TYPE_CHECKING:
    from desktop.services.catalog import ModelCatalog
    from desktop.services.cluster_job import ClusterJob
    from desktop.services.settings import Settings
    from desktop.store.manifest import Manifest

_NODES_SHOWN = 8


class ClusterRunDialog(QDialog):
    """Begins ``job``, shows how far it is, stops it, goes on with it. Closing the dialog lets the job run.

    ``results_wanted`` carries the folder of a job that has ended.
    """

    results_wanted = Signal(str)

    def __init__(
        self, job: ClusterJob, catalog: ModelCatalog, settings: Settings, model: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._job, self._catalog, self._settings = job, catalog, settings
        self.setWindowTitle(self.tr("Run on a Cluster"))
        give_help(self, "classify#more-pictures-than-one-computer")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._form_page(model))
        self._pages.addWidget(self._run_page())
        self._build_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(self._pages, 1)
        layout.addLayout(self._buttons)
        at_least(self, 620)
        for field in (self.pictures, self.address, self.folder):
            field.textChanged.connect(self._check)
        for chooser in (self.new, self.model):
            chooser.currentIndexChanged.connect(self._check)
        job.changed.connect(self._show)
        self._another = job.last is None and not job.running
        self._show()

    # What is asked

    def _form_page(self, model: str) -> QWidget:
        self.new = QComboBox()
        self.new.setAccessibleName(self.tr("What is to be done"))
        self.new.addItem(self.tr("Classify a folder of pictures"), True)
        self.new.addItem(self.tr("Go on with a job that was stopped or cut off"), False)
        self.pictures, pictures = self._folder_field(self.tr("Folder of pictures"), self._ask_pictures)
        before, recent = self._job.order, self._settings.get("recent_folders")
        known = list(before.paths) if before is not None else []
        self.pictures.setText(next(iter([*known, *recent]), ""))
        self.model = QComboBox()
        self.model.setAccessibleName(self.tr("Model"))
        for entry in self._catalog.entries:
            if entry.manifest is not None and entry.state == "ready":
                self.model.addItem(on_card(entry.manifest.name), entry.manifest.id)
        self.model.setCurrentIndex(max(0, self.model.findData(model)))
        self.medical = MedicalNotice()
        self.address = QLineEdit(self._settings.get("cluster_address"))
        self.address.setAccessibleName(self.tr("Address of the cluster"))
        self.address.setPlaceholderText(self.tr("10.0.0.1:6379, or 'local' for this computer alone"))
        self.folder, folder = self._folder_field(self.tr("Folder of the job"), self._ask_folder)
        self.send = QCheckBox(self.tr("Send the pictures to the nodes, which do not reach their folder"))
        self.failure = ErrorPanel()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(8)
        form.addRow(self.tr("Do"), self.new)
        form.addRow(self.tr("Pictures"), pictures)
        form.addRow(self.tr("Model"), self.model)
        form.addRow(self.tr("Cluster"), self.address)
        form.addRow(self.tr("Answers into"), folder)
        form.addRow("", self.send)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        about = self.tr(
            "For folders of 50,000 pictures and more: the nodes of a Ray cluster answer them, each as this computer "
            "would. The answers are kept in a folder, so a job can be stopped and gone on with at any time. Every node "
            "sees the pictures: for patients' pictures each is a place where they are processed."
        )
        column.addWidget(make_label(about, "secondary", wrap=True))
        column.addLayout(form)
        column.addWidget(self.medical)
        column.addWidget(self.failure)
        column.addStretch(1)
        return page

    def _folder_field(self, name: str, ask: Callable[[], None]) -> tuple[QLineEdit, QHBoxLayout]:
        field = QLineEdit()
        field.setAccessibleName(name)
        choose = QPushButton(self.tr("Choose…"))
        choose.setAccessibleName(self.tr("{0}: choose…").format(name))
        choose.clicked.connect(ask)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(field, 1)
        row.addWidget(choose)
        return field, row

    @Slot()
    def _ask_pictures(self) -> None:
        dialog = FileDialog(self, self.tr("The Folder of Pictures"), "folder")
        dialog.fileSelected.connect(self.pictures.setText)
        dialog.open()

    @Slot()
    def _ask_folder(self) -> None:
        """A folder for a new job: one of its own within what is chosen; or that of the job to go on with."""
        dialog = FileDialog(self, self.tr("The Folder of the Job"), "folder")
        dialog.fileSelected.connect(self._take_folder)
        dialog.open()

    @Slot(str)
    def _take_folder(self, chosen: str) -> None:
        if self.is_new:
            stem = os.path.basename(os.path.normpath(self.pictures.text().strip())) or "pictures"
            chosen = os.path.join(chosen, f"{stem} {datetime.datetime.now():%Y-%m-%d %H-%M}")
        self.folder.setText(chosen)

    @property
    def is_new(self) -> bool:
        """Whether a new job is wanted, and not to go on with one."""
        return bool(self.new.currentData())

    def _manifest(self) -> Manifest | None:
        entry = self._catalog.entry(str(self.model.currentData() or ""))
        return entry.manifest if entry is not None else None

    def _missing(self) -> str:
        """What is still to be said before the job can begin; '' where nothing is."""
        if self.is_new and not self.pictures.text().strip():
            return self.tr("Choose the folder of pictures first.")
        if self.is_new and self.model.count() == 0:
            return self.tr("No model is ready to answer.")
        if not self.address.text().strip():
            return self.tr("Give the address of the cluster, or 'local'.")
        if not self.folder.text().strip():
            return self.tr("Choose where the answers are kept.")
        return ""

    @Slot()
    def _check(self) -> None:
        new = self.is_new
        for widget in (self.pictures, self.model, self.send):
            set_usable(widget, new, self.tr("A job that goes on has its pictures and its model."))
        manifest = self._manifest()
        self.medical.show_for(new and manifest is not None and manifest.medical)
        missing = self._missing()
        set_usable(self._begin, has_ray() and not missing, missing or self.tr("This installation has no Ray."))

    @Slot()
    def begin(self) -> None:
        """Begin the job that the form describes, or say what is wrong with it."""
        self.failure.clear()
        address = self.address.text().strip()
        try:
            require()
            check_address(address)
        except FoveaError as error:
            self.failure.set_failure(error.message, error.hint, error.kind)
            return
        # Asked once, here, and not at each key: the drive may be a slow one.
        if self.is_new and not os.path.isdir(self.pictures.text().strip()):
            self.failure.set_failure(self.tr("Choose the folder of pictures first."))
            return
        self._settings.set("cluster_address", address)
        folder = os.path.abspath(self.folder.text().strip())
        if self.is_new:
            pictures = os.path.abspath(self.pictures.text().strip())
            model = str(self.model.currentData())
            self._start(JobOrder(address, folder, model, (pictures,), self.send.isChecked()))
        else:
            self._start(JobOrder(address, folder, resume=True))

    def _start(self, order: JobOrder) -> None:
        self._another = False
        self._job.start(order)

    # How far it is

    def _run_page(self) -> QWidget:
        self.headline = make_label("", "title", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress of the job"))
        self.words = make_label("", "secondary", wrap=True)
        self.nodes = make_label("", wrap=True, selectable=True)
        self.nodes.setAccessibleName(self.tr("Nodes of the cluster"))
        self.run_notice = MedicalNotice()
        self.trouble = ErrorPanel()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (self.headline, self.bar, self.words, self.nodes, self.run_notice, self.trouble):
            column.addWidget(widget)
        column.addStretch(1)
        return page

    def _build_buttons(self) -> None:
        self._begin = QPushButton(self.tr("Start the job"))
        self._begin.setProperty("role", "primary")
        self._begin.setDefault(True)
        self._begin.clicked.connect(self.begin)
        self._stop = QPushButton(self.tr("Stop"))
        self._stop.setToolTip(self.tr("What has been answered is kept; the job can go on later"))
        self._stop.clicked.connect(self._job.stop)
        self._go_on = QPushButton(self.tr("Go on"))
        self._go_on.clicked.connect(self._resume)
        self._results = QPushButton(self.tr("Show the results"))
        self._results.clicked.connect(self._show_results)
        self._new = QPushButton(self.tr("Another job"))
        self._new.clicked.connect(self._show_form)
        self._close = QPushButton(self.tr("Close"))
        self._close.clicked.connect(self.reject)
        self._buttons = QHBoxLayout()
        self._buttons.addStretch(1)
        for button in (self._new, self._stop, self._go_on, self._results, self._begin, self._close):
            self._buttons.addWidget(button)

    @Slot()
    def _show(self) -> None:
        job, last = self._job, self._job.last
        running, ended = job.running, last is not None and not job.running
        form = self._another and not running
        self._pages.setCurrentIndex(0 if form else 1)
        self._begin.setVisible(form)
        self._stop.setVisible(running)
        set_usable(self._stop, not job.stopping, self.tr("The job is ending."))
        done = ended and last is not None and last.state == "done"
        self._results.setVisible(done and not form)
        self._go_on.setVisible(ended and not done and not form and job.progress is not None)
        self._new.setVisible(ended and not form)
        self._close.setText(self.tr("Let it run") if running else self.tr("Close"))
        if form:
            if not has_ray():
                self._say_no_ray()
            self._check()
            return
        self._show_progress(running)

    def _say_no_ray(self) -> None:
        try:
            require()
        except FoveaError as error:
            self.failure.set_failure(error.message, error.hint, error.kind)

    def _show_progress(self, running: bool) -> None:
        job, state, last = self._job, self._job.progress, self._job.last
        self.bar.setVisible(running or state is not None)
        self.bar.setRange(0, state.total if state is not None else 0)
        if state is not None:
            self.bar.setValue(state.done)
        self.trouble.clear()
        self.headline.setText(self._headline(running))
        self.words.setText(self._words())
        shown = list(job.nodes.values())
        lines = [self._node_words(news) for news in shown[:_NODES_SHOWN]]
        if len(shown) > _NODES_SHOWN:
            lines.append(self.tr("… and {0} more").format(count(len(shown) - _NODES_SHOWN)))
        self.nodes.setText("\n".join(lines))
        self.nodes.setVisible(bool(lines))
        entry = self._catalog.entry(job.order.model) if job.order is not None else None
        self.run_notice.show_for(entry is not None and entry.manifest is not None and entry.manifest.medical)
        if last is not None and last.state == "failed":
            self.trouble.set_failure(worded(last.message), worded(last.hint), last.kind)

    def _headline(self, running: bool) -> str:
        job, last = self._job, self._job.last
        if running:
            if job.stopping:
                return self.tr("Stopping…")
            if job.progress is None:
                return self.tr("Looking for pictures…")
            if not job.nodes:
                return self.tr("Reaching the cluster…")
            return self.tr("The cluster answers")
        if last is None or last.state == "stopped":
            return self.tr("Stopped")
        return self.tr("All pictures have their answer") if last.state == "done" else self.tr("The job has failed")

    def _words(self) -> str:
        job, state, last = self._job, self._job.progress, self._job.last
        if last is not None:
            said = self.tr("{0} answered, {1} without an answer")
            parts = [said.format(count(last.answered), count(last.failed_pictures))]
            left = state.total - last.answered - last.failed_pictures if state is not None else 0
            if left > 0:
                parts.append(self.tr("{0} not asked yet").format(count(left)))
            return " · ".join(parts)
        if state is None:
            return self.tr("{0} found so far").format(count(job.found)) if job.found else ""
        parts = [self.tr("{0} of {1} pictures").format(count(state.done), count(state.total))]
        if state.failed:
            parts.append(self.tr("{0} without an answer").format(count(state.failed)))
        if state.rate is not None:
            parts.append(self.tr("{0} a second").format(count(round(state.rate))))
        if state.left_s is not None:
            parts.append(self.tr("{0} left").format(duration(state.left_s)))
        return " · ".join(parts)

    def _node_words(self, news: NodeNews) -> str:
        if news.state == "joined":
            return self.tr("{0}: takes part · cores: {1}").format(news.name, count(news.cores))
        if news.state == "lost":
            return self.tr("{0}: lost; others answer what it had").format(news.name)
        return self.tr("{0}: left out. {1}").format(news.name, sentence(worded(news.why)))

    @Slot()
    def _resume(self) -> None:
        order = self._job.order
        if order is not None:
            self._start(replace(order, resume=True))

    @Slot()
    def _show_results(self) -> None:
        if self._job.order is not None:
            self.results_wanted.emit(self._job.order.folder)
            self.accept()

    @Slot()
    def _show_form(self) -> None:
        """The form again; after a job that did not come to its end it is filled in to go on with that."""
        last, order = self._job.last, self._job.order
        unfinished = order is not None and self._job.progress is not None and last is not None and last.state != "done"
        self.new.setCurrentIndex(int(unfinished))
        self.folder.setText(order.folder if unfinished and order is not None else "")
        self._another = True
        self._show()
