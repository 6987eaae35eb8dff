"""The questions of the Models view: what will be installed, what a foreign file does not say, how to export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.app.exports import CONTEXT, exports_of
from desktop.core.types import FoveaError
from desktop.ml.exchange.export_formats import ARCHIVE, MODEL_FORMATS
from desktop.ml.exchange.foreign import SCALINGS, ForeignFacts, FoundInFile, check_labels, missing, read_labels
from desktop.system.words import listed
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.tabled import brief_notice, translated
from desktop.ui.kit.widgets import breakable, first_size, hint_in, make_label, sentence
from desktop.ui.models import words
from desktop.ui.widgets.notices import CautionStrip

if TYPE_CHECKING:
    from desktop.store.catalogue import Network


class InstallDialog(QDialog):
    """What will be fetched, from where, how large, under which licence; 16 bits or 32; or a file in its place.

    ``wanted`` carries the file ('' to download it) and the precision (``float32`` or ``float16``).
    """

    wanted = Signal(str, str)

    def __init__(self, network: Network, partly: int, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.setWindowTitle(self.tr("Install {0}").format(network.name))
        give_help(self, "models#installing")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        package = network.package
        rows = (
            (self.tr("From"), network.url if package is None else words.package(package)),
            (self.tr("Download"), words.to_fetch(network)),
            (self.tr("Free disk needed for a while"), words.size(network.disk_need)),
            (self.tr("Licence"), network.licence),
            (self.tr("SHA-256"), network.sha256)
            if network.sha256
            else (self.tr("MD5 as published"), network.md5 or ""),
        )
        for key, value in rows:
            form.addRow(make_label(key, "secondary"), make_label(breakable(value), wrap=True, selectable=True))
        told = make_label(
            self.tr(
                "The weights came with the installation: nothing is fetched. Fovea checks that they are unchanged and "
                "makes the model of them, in about a minute."
            )
            if package is not None
            else self.tr(
                "Fovea checks by its checksum that the file is the published one and installs nothing else. Fovea's "
                "authors have not downloaded the file themselves; the first one that passes is remembered."
            ),
            "secondary",
            wrap=True,
        )
        self.full = QRadioButton(self.tr("Weights in 32 bits: as published"))
        self.half = QRadioButton(self.tr("Weights in 16 bits: half the size; scores differ by up to 0.01"))
        self.full.setChecked(True)
        buttons = QDialogButtonBox()
        self.start = buttons.addButton(self.tr("Install"), QDialogButtonBox.ButtonRole.AcceptRole)
        if partly:
            self.start.setText(self.tr("Continue ({0} already downloaded)").format(words.size(partly)))
        self.start.setProperty("role", "primary")
        self.file = buttons.addButton(self.tr("From a file…"), QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._on_start)
        buttons.rejected.connect(self.reject)
        self.file.clicked.connect(self._ask_file)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(make_label(network.summary, wrap=True))
        layout.addLayout(form)
        layout.addWidget(told)
        if network.top:
            layout.addWidget(self.full)
            layout.addWidget(self.half)
        layout.addWidget(buttons)
        first_size(self, 620)

    @property
    def precision(self) -> str:
        """The chosen one."""
        return "float16" if self.half.isChecked() else "float32"

    @Slot()
    def _on_start(self) -> None:
        self.wanted.emit("", self.precision)
        self.accept()

    @Slot()
    def _ask_file(self) -> None:
        dialog = FileDialog(self, self.tr("The file of weights"), start=self._folder)
        dialog.setNameFilters([self.tr("Weights (*.h5 *.hdf5)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self._on_file)
        dialog.open()

    @Slot(str)
    def _on_file(self, path: str) -> None:
        self.wanted.emit(path, self.precision)
        self.accept()


class ImportDialog(QDialog):
    """Asks what the file ``name`` does not say. ``told`` carries the :class:`ForeignFacts`; until all is known it
    cannot be accepted, and it says what is missing."""

    told = Signal(ForeignFacts)

    def __init__(
        self,
        name: str,
        found: FoundInFile,
        imagenet: tuple[tuple[str, ...], tuple[str, ...]],
        folder: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._found, self._imagenet, self._folder = found, imagenet, folder
        self._outputs = 2 if found.outputs == 1 else found.outputs
        self.setWindowTitle(self.tr("Import {0}").format(name))
        give_help(self, "models#importing")
        self._build(name)
        self._refresh()

    def _build(self, name: str) -> None:
        found = self._found
        sides = f"{found.width}×{found.height}"
        size = self.tr("any size") if found.height is None else self.tr("{0} pixels").format(sides)
        kind = self.tr("grey") if found.channels == 1 else self.tr("colour")
        count = QLocale().toString(self._outputs)
        known = self.tr("It takes {0} pictures of {1} and tells {2} classes apart.").format(kind, size, count)
        if found.parameters is not None:
            known += " " + self.tr("{0} parameters.").format(QLocale().toString(found.parameters))
        self.name = QLineEdit(Path(name).stem.replace("_", " "))
        self.labels = QPlainTextEdit()
        self.labels.setPlaceholderText(self.tr("One class a line, in the order of the network's outputs"))
        self.labels.setTabChangesFocus(True)
        self.labels.setMinimumHeight(96)
        self.scaling = _choices(
            [("", self.tr("Choose…")), *((key, _scaling_word(key)) for key in SCALINGS if _suits(key, found))]
        )
        self.fit = _choices(
            [
                ("", self.tr("Choose…")),
                ("stretch", self.tr("Stretched to that size")),
                ("center_crop", self.tr("Scaled, and the middle cut out")),
                ("letterbox", self.tr("Scaled whole, the rest padded")),
            ]
        )
        self.ends = _choices(
            [
                ("", self.tr("Choose…")),
                ("probabilities", self.tr("Probabilities (they sum to 1)")),
                ("logits", self.tr("Raw values (logits)")),
            ]
        )
        self.width_box, self.height_box = QSpinBox(), QSpinBox()
        for box in (self.width_box, self.height_box):
            box.setRange(0, 4096)
            box.lineEdit().setTextMargins(6, 0, 0, 0)
            box.setSpecialValueText("–")
            box.valueChanged.connect(self._refresh)
        self.origin, self.licence = QLineEdit(), QLineEdit()
        self.origin.setPlaceholderText(self.tr("For its card; may stay empty"))
        self.licence.setPlaceholderText(self.tr("For its card; may stay empty"))
        self.medical = QCheckBox(self.tr("It is about medical pictures. {0}").format(brief_notice("medical")))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Classes"), self._labels_part())
        if not found.quantised:
            form.addRow(self.tr("Pixels were given as"), self.scaling)
        form.addRow(self.tr("Pictures were"), self.fit)
        if found.height is None or found.width is None:
            side = QHBoxLayout()
            side.addWidget(self.width_box)
            side.addWidget(make_label("×"))
            side.addWidget(self.height_box)
            side.addStretch(1)
            form.addRow(self.tr("Size (width × height)"), side)
        if found.ends is None:
            form.addRow(self.tr("Its outputs are"), self.ends)
        form.addRow(self.tr("Trained on"), self.origin)
        form.addRow(self.tr("Licence"), self.licence)
        form.addRow("", self.medical)
        self._missing = make_label("", "caution", wrap=True)
        buttons = QDialogButtonBox()
        self.accept_button = buttons.addButton(self.tr("Import"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setProperty("role", "primary")
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._on_accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(make_label(known, wrap=True))
        why = self.tr(
            "The file does not say the rest, and Fovea does not guess: wrong answers would look like right ones."
        )
        layout.addWidget(make_label(why, "secondary", wrap=True))
        if found.scales_itself and not found.quantised:
            hint = self.tr("It begins with a layer that scales: pixels most likely go in as they are, 0 to 255.")
            layout.addWidget(CautionStrip(hint))
        layout.addLayout(form)
        layout.addWidget(self._missing)
        layout.addWidget(buttons)
        for line in (self.name, self.origin, self.licence):
            line.textChanged.connect(self._refresh)
        self.labels.textChanged.connect(self._refresh)
        for choice in (self.scaling, self.fit, self.ends):
            choice.currentIndexChanged.connect(self._refresh)
        first_size(self, 640, 640)

    def _labels_part(self) -> QWidget:
        part = QWidget()
        buttons = QHBoxLayout()
        load = QPushButton(self.tr("From a file…"))
        load.clicked.connect(self._ask_labels)
        buttons.addWidget(load)
        if self._outputs == len(self._imagenet[0]):
            known = QPushButton(self.tr("ImageNet's 1,000"))
            known.clicked.connect(self._use_imagenet)
            buttons.addWidget(known)
        buttons.addStretch(1)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.labels)
        column.addLayout(buttons)
        return part

    @Slot()
    def _ask_labels(self) -> None:
        dialog = FileDialog(self, self.tr("A file of class names"), start=self._folder)
        dialog.setNameFilters([self.tr("Text or JSON (*.txt *.json *.csv)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self.load_labels)
        dialog.open()

    @Slot(str)
    def load_labels(self, path: str) -> None:
        """Take the class names from a file."""
        try:
            self.labels.setPlainText("\n".join(read_labels(Path(path))))
        except FoveaError as error:
            self._missing.setText(sentence(error.message))

    @Slot()
    def _use_imagenet(self) -> None:
        self.labels.setPlainText("\n".join(self._imagenet[0]))

    def facts(self) -> ForeignFacts:
        """What was told so far."""
        lines = tuple(line.strip() for line in self.labels.toPlainText().splitlines() if line.strip())
        sized = self.width_box.value() > 0 and self.height_box.value() > 0
        return ForeignFacts(
            name=self.name.text(),
            labels=lines,
            scaling=self.scaling.currentData() or "",
            fit=self.fit.currentData() or None,
            size=(self.width_box.value(), self.height_box.value()) if sized else None,
            ends=self.ends.currentData() or None,
            origin=self.origin.text(),
            licence=self.licence.text(),
            medical=self.medical.isChecked(),
            label_ids=self._imagenet[1] if lines == self._imagenet[0] else (),
        )

    @Slot()
    def _refresh(self) -> None:
        facts = self.facts()
        wanted = missing(self._found, facts)
        trouble = ""
        if "labels" not in wanted:
            try:
                check_labels(facts.labels)
            except FoveaError as error:
                trouble = sentence(error.message)
        self.accept_button.setEnabled(not wanted and not trouble)
        if "labels" in wanted and facts.labels:
            count = QLocale().toString(len(facts.labels))
            trouble = self.tr("{0} classes are named, the network has {1}.").format(
                count, QLocale().toString(self._outputs)
            )
        elif wanted:
            trouble = self.tr("Still to be told: {0}.").format(listed([_word(key) for key in wanted]))
        self._missing.setText(trouble)

    @Slot()
    def _on_accept(self) -> None:
        self.told.emit(self.facts())
        self.accept()


def _word(fact: str) -> str:
    return {
        "name": words.tr("its name"),
        "labels": words.tr("its classes"),
        "scaling": words.tr("how pixels were given"),
        "fit": words.tr("how pictures got their size"),
        "size": words.tr("its size"),
        "ends": words.tr("what its outputs are"),
    }[fact]


def _scaling_word(key: str) -> str:
    return {
        "0-255": words.tr("0 to 255, as they are"),
        "0-1": words.tr("0 to 1 (divided by 255)"),
        "minus1-1": words.tr("−1 to 1"),
        "torch": words.tr("0 to 1, less ImageNet's means, by its deviations (PyTorch)"),
        "caffe": words.tr("blue, green, red, less ImageNet's means (Caffe)"),
    }[key]


def _suits(key: str, found: FoundInFile) -> bool:
    return found.channels == 3 or key not in ("torch", "caffe")


def _choices(items: list[tuple[str, str]]) -> QComboBox:
    box = QComboBox()
    for key, text in items:
        box.addItem(text, key)
    box.setMinimumContentsLength(16)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


class ExportDialog(QDialog):
    """In which form, and on whose pictures to compare. ``wanted`` carries the form and the folder ('' for none)."""

    wanted = Signal(str, str)

    def __init__(self, name: str, has_keras: bool, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._start = folder
        self.setWindowTitle(self.tr("Export {0}").format(name))
        give_help(self, "models#exporting")
        self.forms = {
            export.form: QRadioButton(f"{translated(CONTEXT, export.words)}: {translated(CONTEXT, export.about)}")
            for export in exports_of("model")
        }
        self.forms[ARCHIVE].setChecked(True)
        for of_network in MODEL_FORMATS.values():
            if of_network.source == "keras" and not has_keras:
                self.forms[of_network.id].setEnabled(False)
                self.forms[of_network.id].setToolTip(self.tr("It was imported as .tflite and has no Keras form."))
        self._told = make_label("", "secondary", wrap=True)
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        hint_in(self.folder, self.tr("Only the pictures drawn by Fovea"))
        self.folder.setAccessibleName(self.tr("Pictures to compare on"))
        choose = QPushButton(self.tr("Choose…"))
        choose.clicked.connect(self._ask_folder)
        self._compare = QWidget()
        beside = FlowLayout(self._compare)
        beside.addWidget(make_label(self.tr("Compare on a folder of yours, too")))
        beside.addWidget(self.folder)
        beside.addWidget(choose)
        buttons = QDialogButtonBox()
        go = buttons.addButton(self.tr("Export…"), QDialogButtonBox.ButtonRole.AcceptRole)
        go.setProperty("role", "primary")
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._on_accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(10)
        for button in self.forms.values():
            layout.addWidget(button)
            button.toggled.connect(self._refresh)
        layout.addWidget(self._told)
        layout.addWidget(self._compare)
        layout.addWidget(buttons)
        self._refresh()
        first_size(self, 600)

    @property
    def form(self) -> str:
        """The chosen form."""
        return next(key for key, button in self.forms.items() if button.isChecked())

    @Slot()
    def _refresh(self) -> None:
        archive = self.form == ARCHIVE
        self._compare.setEnabled(not archive)
        self._told.setText(
            self.tr("The checksums travel with it: the other Fovea compares every file.")
            if archive
            else self.tr(
                "Beside it lies a certificate that says how far its answers are from the model's own. It names no "
                "picture."
            )
        )

    @Slot()
    def _ask_folder(self) -> None:
        dialog = FileDialog(self, self.tr("Pictures to compare on"), "folder", self._start)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    @Slot()
    def _on_accept(self) -> None:
        self.wanted.emit(self.form, self.folder.text())
        self.accept()
