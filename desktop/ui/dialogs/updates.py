"""Check for updates: where to look is the user's to say, and nothing is looked for before the button is pressed."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop import __version__
from desktop.services.settings import Settings
from desktop.services.update_check import UpdateCheck
from desktop.system.updates import Release
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import first_size, make_label, set_role


class UpdatesDialog(QDialog):
    """Tells whether there is a newer version. It downloads and installs nothing."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._check = UpdateCheck(self)
        self._check.found.connect(self._on_found)
        self._check.failed.connect(self._on_failed)
        self.setWindowTitle(self.tr("Check for Updates"))
        give_help(self, "privacy#updates")
        here = make_label(self.tr("This is Fovea {0}.").format(__version__), "answer")
        words = make_label(
            self.tr(
                "Fovea never looks for updates by itself. When you ask, it reads one small file at the address below "
                "and tells you what it says. Nothing about you, this computer or your pictures is sent."
            ),
            "secondary",
            wrap=True,
        )
        self._address = QLineEdit(settings.get("update_address"))
        self._address.setPlaceholderText(self.tr("https://… (empty: off)"))
        self._address.setAccessibleName(self.tr("Address of the update file"))
        self._address.setMinimumWidth(theme().scaled(340))
        self._address.setClearButtonEnabled(True)
        self._address.textChanged.connect(self._on_address)
        form = QFormLayout()
        form.addRow(self.tr("&Address"), self._address)
        self._ask = QPushButton(self.tr("Check &now"))
        self._ask.clicked.connect(self._on_ask)
        self._stop = QPushButton(self.tr("Cancel the check"))
        self._stop.setAutoDefault(False)
        self._stop.clicked.connect(self._on_stop)
        self._busy = QProgressBar()
        at_work(self._busy)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName(self.tr("Reading the update file"))
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._ask)
        row.addWidget(self._busy, 1)
        row.addWidget(self._stop)
        row.addStretch(0)
        self._answer = make_label("", wrap=True, selectable=True)
        self._notes = make_label("", "secondary", wrap=True, selectable=True)
        # The only label with a link: its text is made here, and what the file says is escaped.
        self._page = QLabel()
        self._page.setTextFormat(Qt.TextFormat.RichText)
        self._page.setOpenExternalLinks(True)
        self._page.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(here)
        layout.addWidget(words)
        layout.addLayout(form)
        layout.addLayout(row)
        for label in (self._answer, self._notes, self._page):
            layout.addWidget(label)
        layout.addStretch(1)
        layout.addWidget(buttons)
        first_size(self, 560, 380)
        self._found: Release | None = None
        theme().changed.connect(self._show_page)
        self._refresh()

    @property
    def said(self) -> str:
        """The answer as it is shown."""
        return self._answer.text()

    @Slot(str)
    def _on_address(self, address: str) -> None:
        self._settings.set("update_address", address.strip())
        self._refresh()

    @Slot()
    def _on_ask(self) -> None:
        self._say("")
        self._check.ask(self._address.text())
        self._refresh()

    @Slot()
    def _on_stop(self) -> None:
        self._check.cancel()
        self._say(self.tr("The check was cancelled."))
        self._refresh()
        self._ask.setFocus()

    @Slot(object)
    def _on_found(self, release: Release) -> None:
        if release.is_newer:
            self._say(
                self.tr("Fovea {0} of {1} is newer than this one.").format(release.version, release.date),
                release,
            )
        else:
            self._say(self.tr("This is the newest version that the file tells of ({0}).").format(release.version))
        self._refresh()

    @Slot(str)
    def _on_failed(self, words: str) -> None:
        self._say(words, role="caution")
        self._refresh()

    def _say(self, words: str, release: Release | None = None, role: str = "") -> None:
        self._found = release
        self._answer.setText(words)
        set_role(self._answer, role)
        self._notes.setText(release.notes if release else "")
        self._show_page()

    @Slot()
    def _show_page(self) -> None:
        page = self._found.page if self._found else ""
        link = f'<a style="color:{theme().tokens.accent};" href="{escape(page)}">{escape(page)}</a>'
        self._page.setText(self.tr("Files and their checksums: {0}").format(link) if page else "")

    def _refresh(self) -> None:
        asking = self._check.is_asking
        self._ask.setEnabled(not asking and bool(self._address.text().strip()))
        self._address.setEnabled(not asking)
        self._busy.setVisible(asking)
        self._stop.setVisible(asking)
        for label in (self._answer, self._notes, self._page):
            label.setVisible(bool(label.text()))

    def done(self, result: int) -> None:
        """Closing takes a question back."""
        self._check.cancel()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As above, by the window's own cross."""
        self._check.cancel()
        super().closeEvent(event)
