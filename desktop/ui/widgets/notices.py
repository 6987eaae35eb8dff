"""What was done to a picture, what went wrong, and what a model is not for: three plain strips of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.system.words import worded
from desktop.ui.kit.tabled import notice
from desktop.ui.kit.widgets import Sign, make_label, put_beside, sentence

if TYPE_CHECKING:
    from desktop.core.types import Notice


class CautionStrip(QFrame):
    """One sentence on the caution ground, with its sign."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "caution")
        self._text = make_label("", wrap=True, selectable=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 7, 10, 7)
        put_beside(layout, Sign("caution", "caution", self.tr("Caution")), self._text)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """The sentence; it is shown as it is given."""
        self._text.setText(text)
        self.setAccessibleName(self.tr("Caution: {text}").format(text=text))

    @property
    def text(self) -> str:
        """The sentence."""
        return self._text.text()


class NoticeStrip(QWidget):
    """What was done to a picture: quiet words in one line, cautions below on a ground of their own.

    Takes no room while there is nothing to say.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = QWidget()
        self._words = make_label("", "secondary", wrap=True, selectable=True)
        row = QHBoxLayout(self._quiet)
        row.setContentsMargins(2, 0, 2, 0)
        put_beside(row, Sign("info", "secondary", self.tr("Note")), self._words)
        self._cautions: list[CautionStrip] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)
        self._layout.addWidget(self._quiet)
        self.setAccessibleName(self.tr("Notices"))
        self.set_notices(())

    def set_notices(self, notices: Sequence[Notice]) -> None:
        """Show these notices in place of the earlier ones."""
        quiet = [worded(notice.text) for notice in notices if notice.level == "info"]
        loud = [sentence(notice.text) for notice in notices if notice.level == "caution"]
        self._words.setText(" · ".join(quiet))
        self._quiet.setVisible(bool(quiet))
        while len(self._cautions) < len(loud):
            strip = CautionStrip()
            self._cautions.append(strip)
            self._layout.addWidget(strip)
        for index, strip in enumerate(self._cautions):
            strip.setVisible(index < len(loud))
            if index < len(loud):
                strip.set_text(loud[index])
        self.setAccessibleDescription(" ".join([sentence(text) for text in quiet] + loud))
        self.setVisible(bool(quiet or loud))


class MedicalNotice(CautionStrip):
    """The banner of a medical model: always there, never to be closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(notice("medical"), parent)

    def show_for(self, medical: bool, own: str = "") -> None:
        """Show what a model must carry, ``own`` for one that is not medical but has a notice of its own, or nothing."""
        text = notice("medical") if medical else own
        if text:
            self.set_text(text)
        self.setVisible(bool(text))


class ErrorPanel(QFrame):
    """A failure where it happened: what was found, what to do next, and the details for whoever wants them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "error")
        self._message = make_label("", wrap=True, selectable=True)
        self._hint = make_label("", "secondary", wrap=True, selectable=True)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setAccessibleName(self.tr("Details of the failure"))
        self._details.setFixedHeight(120)
        self._more = QPushButton(self.tr("Details"))
        self._more.setCheckable(True)
        self._more.setProperty("role", "link")
        self._more.toggled.connect(self._show_details)
        self._copy = QPushButton(self.tr("Copy"))
        self._copy.setProperty("role", "link")
        self._copy.clicked.connect(self._copy_details)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._message)
        column.addWidget(self._hint)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._more)
        buttons.addWidget(self._copy)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self._details)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 8)
        put_beside(layout, Sign("error", "wrong", self.tr("Failure")), body)
        self.clear()

    def set_failure(self, message: str, hint: str = "", kind: str = "", details: str = "") -> None:
        """Show a failure: ``message`` and ``hint`` as in ``FoveaError``, ``kind`` its stable word, ``details`` more."""
        self._message.setText(sentence(message))
        self._hint.setText(sentence(hint))
        self._hint.setVisible(bool(hint))
        kind_line = self.tr("Kind: {kind}").format(kind=kind) if kind else ""
        folded = "\n".join(part for part in (kind_line, details) if part)
        self._details.setPlainText(folded)
        self._more.setVisible(bool(folded))
        self._more.setChecked(False)
        self._show_details(False)
        self.setAccessibleName(self.tr("Failure"))
        self.setAccessibleDescription(f"{sentence(message)} {sentence(hint)}".strip())
        self.show()

    def clear(self) -> None:
        """Nothing failed: the panel hides."""
        self._message.clear()
        self._hint.clear()
        self._details.clear()
        self.hide()

    @property
    def text(self) -> str:
        """What the panel says: the sentence and the hint."""
        return " ".join(part for part in (self._message.text(), self._hint.text()) if part)

    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)
        self._more.setText(self.tr("Hide details") if shown else self.tr("Details"))

    def _copy_details(self) -> None:
        parts = (self._message.text(), self._hint.text(), self._details.toPlainText())
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))
