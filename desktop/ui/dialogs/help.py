"""Help: what can be done, in a few sentences, and every key."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.shell.views import LATER


def _tr(text: str) -> str:
    return QCoreApplication.translate("HelpDialog", text)


def shortcuts() -> list[tuple[str, str]]:
    """Every key with what it does, written as this system writes them."""
    rows: list[tuple[QKeySequence.StandardKey | str, str]] = [
        (QKeySequence.StandardKey.Open, _tr("Open images")),
        ("Ctrl+Shift+O", _tr("Open a folder")),
        (QKeySequence.StandardKey.Paste, _tr("Paste an image, files or paths")),
        ("Ctrl+E", _tr("Export the results as CSV")),
        ("↑ ↓ ← →", _tr("Go through the images")),
        ("↑ ↓ PgUp PgDown Home End", _tr("Go through the frames of a series, in the picture; so does the wheel")),
        ("Space", _tr("Look at the image large")),
        ("Return", _tr("Go to the picture")),
        ("Delete", _tr("Remove from the list; the file stays")),
        (QKeySequence.StandardKey.Copy, _tr("Copy what the view offers, the drawing for instance")),
        (QKeySequence.StandardKey.Undo, _tr("Undo removing")),
        (QKeySequence.StandardKey.Redo, _tr("Redo what was undone")),
        (QKeySequence.StandardKey.Find, _tr("Filter the list; typing in the list does it too")),
        (QKeySequence.StandardKey.SelectAll, _tr("Select all images")),
        ("Ctrl+Right", _tr("Next image, from anywhere")),
        ("Ctrl+Left", _tr("Previous image, from anywhere")),
        ("Ctrl+Return", _tr("Classify all images of the list")),
        (QKeySequence.StandardKey.Refresh, _tr("Classify this image again")),
        ("Ctrl+Shift+M", _tr("Choose a model")),
        ("Ctrl+I", _tr("About this model")),
        (QKeySequence.StandardKey.ZoomIn, _tr("Zoom in")),
        (QKeySequence.StandardKey.ZoomOut, _tr("Zoom out")),
        ("Ctrl+0", _tr("Fit to the window")),
        ("Ctrl+Alt+0", _tr("Actual size")),
        ("F11", _tr("Look large")),
        ("Ctrl+1", _tr("Classify view")),
        *((f"Ctrl+{view.place + 1}", _tr("{0} view").format(view.word)) for view in LATER),
        (QKeySequence.StandardKey.HelpContents, _tr("This help")),
    ]
    native = QKeySequence.SequenceFormat.NativeText
    return [(QKeySequence(key).toString(native) or str(key), words) for key, words in rows]


class HelpDialog(QDialog):
    """The help, as text that can be selected and searched by a screen reader."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Help and Shortcuts"))
        self._page = QTextBrowser()
        self._page.setOpenLinks(False)
        self._page.setTabChangesFocus(True)
        self._page.setAccessibleName(self.tr("Help"))
        self._page.document().setDocumentMargin(14)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.addWidget(self._page, 1)
        layout.addWidget(buttons)
        theme().changed.connect(self._render)
        self._render()
        self.resize(620, 640)

    def _render(self) -> None:
        steps = (
            self.tr("Drop images or folders onto the window, open them, or paste what you have copied."),
            self.tr("Choose a model on the right; its card says what it was made for and how well it does."),
            self.tr("One image is answered at once. A folder is worked through with a table of results below."),
            self.tr("A folder, a disc or a DICOMDIR with studies gives one item a series, called by its number."),
            self.tr("‘What the network saw’ is the input itself: if it looks wrong, so will the answer be."),
            self.tr("A score is not a certainty. Fovea calls it a probability only where it was checked against data."),
            self.tr("Everything happens on this computer; nothing is sent anywhere."),
        )
        t = theme().tokens
        rows = "".join(
            f"<tr><td style='padding:3px 24px 3px 0; white-space:nowrap;'><b>{escape(key)}</b></td>"
            f"<td style='padding:3px 0;'>{escape(words)}</td></tr>"
            for key, words in shortcuts()
            if key
        )
        bullets = "".join(f"<li style='margin-bottom:4px;'>{escape(step)}</li>" for step in steps)
        self._page.setHtml(
            f"<div style='color:{t.text};'><h3>{escape(self.tr('How it works'))}</h3><ul>{bullets}</ul>"
            f"<h3>{escape(self.tr('Keys'))}</h3><table>{rows}</table></div>"
        )
