"""The navigation rail: the views, and at its foot help and settings."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop.ui.theme import theme


class Rail(QFrame):
    """``view_chosen`` carries a view's id; only views that exist have a button."""

    view_chosen = Signal(str)
    help_requested = Signal()
    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Views"))
        self.setProperty("ground", "surface")
        self._icons: dict[QToolButton, str] = {}
        self._views: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(6, 8, 6, 8)
        self._layout.setSpacing(4)
        self._layout.addStretch(1)
        help_button = self._button("help", self.tr("Help"), self.tr("Help and shortcuts (F1)"))
        help_button.clicked.connect(self.help_requested)
        settings = self._button("settings", self.tr("Settings"), self.tr("Settings"))
        settings.clicked.connect(self.settings_requested)
        self._layout.addWidget(help_button)
        self._layout.addWidget(settings)
        theme().changed.connect(self._dress)

    def add_view(self, view_id: str, icon: str, word: str, tip: str) -> None:
        """Add a view's button below those before it."""
        button = self._button(icon, word, tip)
        button.setCheckable(True)
        button.setProperty("view", view_id)
        button.clicked.connect(self._choose)
        self._group.addButton(button)
        self._layout.insertWidget(len(self._views), button)
        self._views[view_id] = button
        self._dress()

    def set_view(self, view_id: str) -> None:
        """Mark the view that is shown."""
        self._views[view_id].setChecked(True)
        self._dress()

    def _button(self, icon: str, word: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setText(word)
        button.setToolTip(tip)
        button.setAccessibleName(word)
        button.setAccessibleDescription(tip)
        button.setIconSize(QSize(24, 24))
        button.setMinimumSize(66, 54)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setFont(theme().font("secondary"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._icons[button] = icon
        button.setIcon(theme().icon(icon, 24))
        return button

    @Slot()
    def _choose(self) -> None:
        button = self.sender()
        if isinstance(button, QToolButton):
            self._dress()
            self.view_chosen.emit(button.property("view"))

    @Slot()
    def _dress(self) -> None:
        for button, icon in self._icons.items():
            colour = theme().tokens.accent if button.isChecked() else theme().tokens.text
            button.setIcon(theme().icon(icon, 24, colour))
