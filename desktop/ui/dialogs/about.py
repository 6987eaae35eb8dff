"""About Fovea: version, licence, and the parts that it is built on."""

from __future__ import annotations

import platform
from html import escape
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

import desktop
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.tabled import notice
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import first_size

_PARTS = ("PySide6_Essentials", "ai-edge-litert", "numpy", "pillow", "pydicom", "scikit-learn", "keras")


class AboutDialog(QDialog):
    """Says which Fovea this is; the versions can be copied for a report."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Fovea"))
        give_help(self, "index")
        sign = QLabel()
        sign.setAccessibleName("Fovea")
        sign.setPixmap(theme().icon("app", 64).pixmap(QSize(64, 64), self.devicePixelRatioF()))
        name = QLabel("Fovea")
        name.setProperty("role", "answer")
        number = QLabel(self.tr("Version {0}").format(getattr(desktop, "__version__", "")))
        number.setProperty("role", "secondary")
        words = QLabel(
            self.tr("Classifies images on your own computer, offline. Free software under the Apache License 2.0.")
        )
        words.setWordWrap(True)
        titles = QVBoxLayout()
        titles.setSpacing(2)
        for label in (name, number, words):
            titles.addWidget(label)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(titles, 1)
        self._page = QTextBrowser()
        self._page.setOpenExternalLinks(True)
        self._page.setTabChangesFocus(True)
        self._page.setAccessibleName(self.tr("Parts and licences"))
        self._page.document().setDocumentMargin(12)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        copy = QPushButton(self.tr("Copy versions"))
        copy.setAutoDefault(False)
        copy.clicked.connect(self._copy)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(self._page, 1)
        layout.addWidget(buttons)
        theme().changed.connect(self._render)
        self._render()
        first_size(self, 560, 460)

    def versions(self) -> list[tuple[str, str]]:
        """Fovea's parts and their versions, of what is installed."""
        rows = [("Fovea", str(getattr(desktop, "__version__", ""))), ("Python", platform.python_version())]
        rows.append(("Qt", qVersion()))
        for part in _PARTS:
            try:
                rows.append((part, version(part)))
            except PackageNotFoundError:
                continue
        rows.append((self.tr("System"), platform.platform(terse=True)))
        return rows

    def _render(self) -> None:
        cell = "<td style='padding:2px 24px 2px 0;'>"
        rows = "".join(
            f"<tr>{cell}{escape(name)}</td>{cell}{escape(number)}</td></tr>" for name, number in self.versions()
        )
        text = (
            self.tr(
                "Qt and PySide6 are used under the LGPL, version 3. A model's licence and credits are on its card."
            ),
            notice("program"),
        )
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text)
        self._page.setHtml(f"<div style='color:{theme().tokens.text};'>{paragraphs}<table>{rows}</table></div>")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name}: {number}" for name, number in self.versions()))
