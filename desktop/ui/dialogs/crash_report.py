"""What was noted down when Fovea last ended unexpectedly: shown, copied, deleted; never sent."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import first_size, make_label


class CrashReportDialog(QDialog):
    """The ``reports`` (text files) one after another."""

    def __init__(self, reports: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reports = list(reports)
        self.setWindowTitle(self.tr("Error Report"))
        give_help(self, "privacy#error-reports")
        words = make_label(
            self.tr(
                "This is all that was noted down: which kind of error, and where in the program. It holds no file "
                "names, no pictures and nothing about you, and it stays on this computer. If you want to help, copy "
                "it and add it to a report of your own."
            ),
            wrap=True,
        )
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setAccessibleName(self.tr("Error report"))
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.document().setDocumentMargin(10)
        texts = []
        for path in self._reports:
            with contextlib.suppress(OSError):
                texts.append(path.read_text(encoding="utf-8", errors="replace").strip())
        line = "\n\n" + "-" * 60 + "\n\n"
        self._text.setPlainText(line.join(texts) or self.tr("The report is no longer there."))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        copy = QPushButton(self.tr("Copy"))
        copy.setAutoDefault(False)
        copy.clicked.connect(self._copy)
        delete = QPushButton(self.tr("Delete the report"))
        delete.setAutoDefault(False)
        delete.clicked.connect(self._delete)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(delete, QDialogButtonBox.ButtonRole.DestructiveRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(words)
        layout.addWidget(self._text, 1)
        layout.addWidget(buttons)
        first_size(self, 680, 480)

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text.toPlainText()

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)

    @Slot()
    def _delete(self) -> None:
        for path in self._reports:
            with contextlib.suppress(OSError):
                path.unlink()
        self.accept()
