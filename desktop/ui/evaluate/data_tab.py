"""On what an evaluation rests: the data, what was odd about it, and the files without an answer."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from desktop.system.words import listed, worded
from desktop.ui.evaluate.head import titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import count, data_words, moment
from desktop.ui.kit.widgets import make_label

_LISTED = 5000


class DataTab(QWidget):
    """Facts above, problems and skipped files below as text that can be copied."""

    def __init__(self, state: EvaluationState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._facts = make_label("", wrap=True, selectable=True)
        self.problems = QPlainTextEdit()
        self.problems.setReadOnly(True)
        self.problems.setTabChangesFocus(True)
        self.problems.setAccessibleName(self.tr("Problems of the data and files without an answer"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(titled(self.tr("The data")))
        layout.addWidget(self._facts)
        layout.addWidget(titled(self.tr("What was odd, and files without an answer"), self.problems))
        layout.addWidget(self.problems, 1)
        state.changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        result = self._state.result
        if result is None:
            return
        data = result.data
        different = [f"{c} → {label or self.tr('left out')}" for c, label in data.mapping.items() if c != label]
        lines = [
            self.tr("Data: {0} · {1} images answered").format(data_words(data), count(len(result))),
            self.tr("Checksum of the data: {0}").format(data.fingerprint),
            self.tr("Model: {0}, version {1} · {2}").format(result.model.name, result.model.version, result.device),
            self.tr("Evaluated: {0}").format(moment(result.created)),
        ]
        if data.groups:
            lines.append(self.tr("The names speak of {0} people or cases.").format(count(data.groups)))
            if self._state.figures is not None and self._state.figures.persons is not None:
                lines[-1] += " " + self.tr("Several pictures of one count together in the intervals.")
        if different:
            lines.append(self.tr("Class names: {0}").format(listed(different)))
        self._facts.setText("\n".join(lines))
        odd = [f"• {text}" for text in data.problems]
        odd += [f"• {item.name}: {worded(item.message)}" for item in result.skipped[:_LISTED]]
        if len(result.skipped) > _LISTED:
            odd.append(self.tr("• and {0} more").format(count(len(result.skipped) - _LISTED)))
        self.problems.setPlainText("\n".join(odd) if odd else self.tr("Nothing was odd; every image was answered."))
