"""Asking which label each class means, where the names differ: nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import first_size, make_label

_CHOOSE, _LEAVE = 0, 1


class MappingDialog(QDialog):
    """One drop-down for each class of the data. ``mapping`` is the answer: class to label, '' leaves the class out."""

    def __init__(
        self,
        classes: Sequence[str],
        labels: Sequence[str],
        known: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Match Class Names"))
        give_help(self, "evaluate#class-names")
        self._classes, self._labels = list(classes), list(labels)
        intro = make_label(
            self.tr(
                "The folder's class names are not the model's labels. Say which label each class means; "
                "a class that is left out is not evaluated. Fovea remembers this for the model and these names."
            ),
            wrap=True,
        )
        choices = QStringListModel([self.tr("Choose…"), self.tr("Leave this class out"), *self._labels], self)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.addWidget(make_label(self.tr("Class of the data"), "secondary"), 0, 0)
        grid.addWidget(make_label(self.tr("Label of the model"), "secondary"), 0, 1)
        self._boxes: list[QComboBox] = []
        exact = {label: index for index, label in enumerate(self._labels)}
        for row, name in enumerate(self._classes, 1):
            label = make_label(name)
            box = QComboBox()
            box.setModel(choices)
            box.setMinimumContentsLength(16)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setAccessibleName(self.tr("Label for the class {0}").format(name))
            label.setBuddy(box)
            told = known.get(name)
            if told == "":
                box.setCurrentIndex(_LEAVE)
            else:
                box.setCurrentIndex(2 + exact[told] if told in exact else 2 + exact[name] if name in exact else _CHOOSE)
            box.currentIndexChanged.connect(self._check)
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
            self._boxes.append(box)
        held = QWidget()
        held.setProperty("ground", "none")
        column = QVBoxLayout(held)
        column.setContentsMargins(0, 0, 8, 0)
        column.addLayout(grid)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(held)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._state = make_label("", "secondary", wrap=True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        ok = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setText(self.tr("Use these"))
        ok.setProperty("role", "primary")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(intro)
        if all(name.isdecimal() for name in self._classes):
            numbers = QPushButton(self.tr("The numbers are the model's own label numbers"))
            numbers.clicked.connect(self._by_number)
            layout.addWidget(numbers, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(area, 1)
        layout.addWidget(self._state)
        layout.addWidget(self._buttons)
        first_size(self, 560, min(640, 240 + 40 * len(self._classes)))
        self._check()

    @property
    def mapping(self) -> dict[str, str]:
        """Class to label; '' for a class that is left out."""
        return {
            name: "" if box.currentIndex() == _LEAVE else self._labels[box.currentIndex() - 2]
            for name, box in zip(self._classes, self._boxes, strict=True)
            if box.currentIndex() != _CHOOSE
        }

    def choose(self, name: str, label: str | None) -> None:
        """Choose for a class, as the user would; ``None`` leaves it out."""
        box = self._boxes[self._classes.index(name)]
        box.setCurrentIndex(_LEAVE if label is None else 2 + self._labels.index(label))

    def _by_number(self) -> None:
        for name, box in zip(self._classes, self._boxes, strict=True):
            if int(name) < len(self._labels):
                box.setCurrentIndex(2 + int(name))

    def _check(self) -> None:
        undecided = sum(box.currentIndex() == _CHOOSE for box in self._boxes)
        used = sum(box.currentIndex() > _LEAVE for box in self._boxes)
        if undecided:
            text = self.tr("1 class is undecided.") if undecided == 1 else self.tr("{0} classes are undecided.")
            self._state.setText(text.format(undecided))
        else:
            self._state.setText("" if used else self.tr("At least one class must mean a label."))
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(undecided == 0 and used > 0)
