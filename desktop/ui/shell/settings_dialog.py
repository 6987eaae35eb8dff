"""The settings; each takes effect at once and is remembered."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.services.settings import Settings
from desktop.system import words
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import MODES, theme
from desktop.ui.kit.widgets import at_least
from desktop.ui.shell import language


class SettingsDialog(QDialog):
    """``theme_chosen`` carries the mode, ``top_k_chosen`` the number of classes shown at first,
    ``at_once_chosen`` the number of trainings that run side by side, ``language_chosen`` a language or ``system``,
    ``text_chosen`` the size of text in percent; ``motion_chosen``: whether things move was decided anew."""

    theme_chosen = Signal(str)
    top_k_chosen = Signal(int)
    at_once_chosen = Signal(int)
    language_chosen = Signal(str)
    text_chosen = Signal(int)
    motion_chosen = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Settings"))
        give_help(self, "settings")
        modes = {"system": self.tr("Like the system"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        self._modes = QButtonGroup(self)
        row = QHBoxLayout()
        for mode in MODES:
            button = QRadioButton(modes[mode])
            button.setProperty("mode", mode)
            button.setChecked(mode == theme().mode)
            button.setAccessibleName(self.tr("Theme: {0}").format(modes[mode]))
            self._modes.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self._modes.buttonClicked.connect(self._choose_theme)
        self._language = QComboBox()
        self._language.addItem(self.tr("Like the system"), language.SYSTEM)
        for each in words.languages():
            self._language.addItem(language.name_of(each), each)
        self._language.setCurrentIndex(max(0, self._language.findData(settings.get("language"))))
        self._language.setAccessibleName(self.tr("Language"))
        self._language.setToolTip(self.tr("The window is drawn anew in it; your images stay."))
        self._language.activated.connect(self._choose_language)
        self._text = QComboBox()
        for percent in (100, 125, 150, 175, 200):
            self._text.addItem(self.tr("{0} %").format(percent), percent)
        self._text.setCurrentIndex(max(0, self._text.findData(settings.get("text_percent"))))
        self._text.setAccessibleName(self.tr("Size of text"))
        self._text.setToolTip(self.tr("The window is drawn anew with it; your images stay."))
        self._text.activated.connect(self._choose_text)
        self._still = QCheckBox(self.tr("Nothing moves by itself"))
        self._still.setChecked(settings.get("motion") == "little")
        self._still.setToolTip(self.tr("Otherwise as the system says. Bars stand still while something is at work."))
        self._still.toggled.connect(self._choose_motion)
        self._top_k = QSpinBox()
        self._top_k.setRange(1, 50)
        self._top_k.lineEdit().setTextMargins(6, 0, 0, 0)
        self._top_k.setValue(settings.get("top_k"))
        self._top_k.setAccessibleName(self.tr("Classes shown at first"))
        self._top_k.valueChanged.connect(self._choose_top_k)
        self._at_once = QSpinBox()
        self._at_once.setRange(1, 8)
        self._at_once.lineEdit().setTextMargins(6, 0, 0, 0)
        self._at_once.setValue(settings.get("train_at_once"))
        self._at_once.setAccessibleName(self.tr("Trainings at the same time"))
        self._at_once.setToolTip(self.tr("More than one makes each of them slower; they share the computer."))
        self._at_once.valueChanged.connect(self._choose_at_once)
        forget = QPushButton(self.tr("Forget recent folders"))
        forget.setEnabled(bool(settings.get("recent_folders")))
        forget.clicked.connect(self._forget)
        self._forget_button = forget
        self._restore = QCheckBox(self.tr("Start with the images from last time"))
        self._restore.setChecked(settings.get("restore_images"))
        self._restore.setToolTip(self.tr("Their places are kept among Fovea's own data on this computer."))
        self._restore.toggled.connect(self._choose_restore)
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(14)
        form.addRow(self.tr("Theme"), row)
        form.addRow(self.tr("Language"), self._language)
        form.addRow(self.tr("Size of text"), self._text)
        form.addRow(self.tr("Motion"), self._still)
        form.addRow(self.tr("Classes shown at first"), self._top_k)
        form.addRow(self.tr("Trainings at the same time"), self._at_once)
        form.addRow(self.tr("Images"), self._restore)
        form.addRow(self.tr("Folders"), forget)
        note = QLabel(self.tr("Everything here stays on this computer."))
        note.setProperty("role", "secondary")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addStretch(1)
        layout.addWidget(buttons)
        at_least(self, 400)

    @Slot()
    def _choose_theme(self) -> None:
        button = self._modes.checkedButton()
        if button is not None:
            self.theme_chosen.emit(button.property("mode"))

    @Slot(int)
    def _choose_language(self, place: int) -> None:
        self._settings.set("language", self._language.itemData(place))
        self.language_chosen.emit(self._language.itemData(place))

    @Slot(int)
    def _choose_text(self, place: int) -> None:
        percent = self._text.itemData(place)
        if percent != self._settings.get("text_percent"):
            self._settings.set("text_percent", percent)
            self.text_chosen.emit(percent)

    @Slot(bool)
    def _choose_motion(self, still: bool) -> None:
        self._settings.set("motion", "little" if still else "system")
        self.motion_chosen.emit()

    @Slot(int)
    def _choose_top_k(self, value: int) -> None:
        self._settings.set("top_k", value)
        self.top_k_chosen.emit(value)

    @Slot(int)
    def _choose_at_once(self, value: int) -> None:
        self._settings.set("train_at_once", value)
        self.at_once_chosen.emit(value)

    @Slot(bool)
    def _choose_restore(self, wanted: bool) -> None:
        self._settings.set("restore_images", wanted)

    @Slot()
    def _forget(self) -> None:
        self._settings.set("recent_folders", [])
        self._forget_button.setEnabled(False)
