"""The navigation rail: the views, and at its foot help and settings."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.tokens import accent_text


class Rail(QFrame):
    """``view_chosen`` carries a view's id; only views that exist have a button."""

    view_chosen = Signal(str)
    help_requested = Signal()
    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Views"))
        self.setProperty("ground", "surface")
        # As wide as its longest word, in every language, however little room the views have.
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._icons: dict[QToolButton, str] = {}
        self._views: dict[str, QToolButton] = {}
        self._progress: dict[QToolButton, float] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(6, 8, 6, 8)
        self._layout.setSpacing(4)
        self._layout.addStretch(1)
        help_button = self._button("help", self.tr("Help"), self.tr("Help (F1)"))
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

    def button(self, view_id: str) -> QToolButton:
        """The button of a view."""
        return self._views[view_id]

    @property
    def shown(self) -> str:
        """The id of the view that is marked."""
        return next((view_id for view_id, button in self._views.items() if button.isChecked()), "")

    def set_view(self, view_id: str) -> None:
        """Mark the view that is shown."""
        self._views[view_id].setChecked(True)
        self._dress()

    def set_progress(self, view_id: str, share: float) -> None:
        """Draw a ring around a view's icon, ``share`` (0 to 1) of it filled; below 0 there is none."""
        button = self._views[view_id]
        held = self._progress.get(button)
        shown = round(100 * share) / 100
        if share < 0:
            self._progress.pop(button, None)
            button.setAccessibleDescription(button.toolTip())
        else:
            self._progress[button] = shown
            button.setAccessibleDescription(self.tr("{0}: {1} % done").format(button.toolTip(), round(100 * share)))
        if self._progress.get(button) != held:
            self._dress_button(button)

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
        for button in self._icons:
            self._dress_button(button)

    def _dress_button(self, button: QToolButton) -> None:
        colour = accent_text(theme().tokens) if button.isChecked() else theme().tokens.text
        icon = self._icons[button]
        share = self._progress.get(button)
        button.setIcon(theme().icon(icon, 24, colour) if share is None else self._ringed(icon, colour, share))

    def _ringed(self, icon: str, colour: str, share: float) -> QIcon:
        """The icon, smaller, within a ring of which ``share`` is filled."""
        from PySide6.QtGui import QPainter, QPixmap

        from desktop.ui.widgets.ring import paint_ring

        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QSize(round(24 * ratio), round(24 * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        theme().icon(icon, 14, colour).paint(painter, 5, 5, 14, 14)
        paint_ring(painter, QRectF(0, 0, 24, 24), share, theme().tokens.accent, 2.5)
        painter.end()
        return QIcon(pixmap)
