"""An empty view: what to do, and buttons that do it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from desktop.services.samples import Sample
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import caption, make_label, tip


class EmptyFrame(QFrame):
    """The middle of an empty view: a sign, what to do, room for buttons, recent folders, on a dashed ground.

    ``icon`` names the sign. ``row`` takes the buttons side by side, ``column`` what stands below them.
    ``folder_chosen`` carries a recent folder; ``levels`` of its path are shown.
    """

    folder_chosen = Signal(str)

    def __init__(self, icon: str, title: str, words: str, recent: str, levels: int, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("emptyFrame")
        self._icon, self._levels = icon, levels
        self._sign = QLabel()
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sign.setAccessibleName(title)
        head, below = make_label(title, "answer", wrap=True), make_label(words, "secondary", wrap=True)
        self._recent_title = make_label(recent, "secondary")
        for label in (head, below, self._recent_title):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.row = FlowLayout(spacing=8, centred=True)
        self.column = QVBoxLayout()
        self.column.setSpacing(12)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 24, 12, 24)
        layout.setSpacing(12)
        layout.addStretch(3)
        layout.addWidget(self._sign)
        layout.addWidget(head)
        layout.addWidget(below)
        layout.addSpacing(8)
        layout.addLayout(self.row)
        layout.addLayout(self.column)
        layout.addSpacing(16)
        layout.addWidget(self._recent_title)
        layout.addLayout(self._recent)
        layout.addStretch(4)
        theme().changed.connect(self._dress)
        self._dress()
        self.set_recent([])

    def set_recent(self, folders: list[str]) -> None:
        """The recent folders, newest first."""
        while (entry := self._recent.takeAt(0)) is not None:
            if (button := entry.widget()) is not None:
                button.deleteLater()
        self._recent_title.setVisible(bool(folders))
        for folder in folders[:4]:
            name = "/".join(folder.replace("\\", "/").rstrip("/").split("/")[-self._levels :]) or folder
            button = QPushButton(theme().icon("folder", 16, theme().tokens.accent), caption(name))
            button.setProperty("role", "link")
            button.setProperty("folder", folder)
            button.setToolTip(tip(folder))
            button.setAccessibleName(self.tr("Open the folder {0}").format(name))
            button.clicked.connect(self._choose_folder)
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    @Slot()
    def _choose_folder(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.folder_chosen.emit(button.property("folder"))

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        icon = theme().icon(self._icon, 48, t.secondary)
        self._sign.setPixmap(icon.pixmap(QSize(48, 48), self.devicePixelRatioF()))
        self.setStyleSheet(
            f"#emptyFrame {{ border: 2px dashed {t.border}; border-radius: 8px; background: {t.surface}; }}"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow panes drop the sign first."""
        super().resizeEvent(event)
        self._sign.setVisible(self.height() > 300)


class EmptyState(EmptyFrame):
    """The drop zone before the first image. Each signal is one of its buttons."""

    open_files = Signal()
    open_folder = Signal()
    paste = Signal()
    camera = Signal()
    sample_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        paste = QKeySequence(QKeySequence.StandardKey.Paste).toString(QKeySequence.SequenceFormat.NativeText)
        words = self.tr(
            "Photos, scans, drawings and DICOM files, one or thousands. "
            "{0} pastes what you have copied. Nothing leaves this computer."
        ).format(paste)
        # Two levels: many folders are called 'test'.
        super().__init__("images", self.tr("Drop images or folders here"), words, self.tr("Recent folders"), 2, parent)
        self.setAccessibleName(self.tr("No images yet"))
        self._samples: list[Sample] = []
        self._files = QPushButton(self.tr("Open images…"))
        self._files.setProperty("role", "primary")
        self._files.clicked.connect(self.open_files)
        self._folder = QPushButton(self.tr("Open a folder…"))
        self._folder.clicked.connect(self.open_folder)
        self._sample = QPushButton(self.tr("Try a sample"))
        self._sample.clicked.connect(self._choose_sample)
        self._camera = QPushButton(self.tr("Camera"))
        self._camera.clicked.connect(self.camera)
        for button in (self._files, self._folder, self._camera, self._sample):
            self.row.addWidget(button)

    @property
    def first_button(self) -> QPushButton:
        """The button that most will want."""
        return self._files

    def set_samples(self, samples: list[Sample]) -> None:
        """The samples that the button offers; none hides it."""
        self._samples = samples
        self._sample.setVisible(bool(samples))

    @Slot()
    def _choose_sample(self) -> None:
        if len(self._samples) == 1:
            self.sample_chosen.emit(self._samples[0].path)
            return
        menu = QMenu(self)
        for sample in self._samples[:24]:
            action = menu.addAction(sample.title)
            action.setData(sample.path)
        chosen = menu.exec(self._sample.mapToGlobal(self._sample.rect().bottomLeft()))
        if chosen is not None:
            self.sample_chosen.emit(chosen.data())
