"""What moves by itself on the screen, in one place, so that it can be still for those whom it disturbs.

Fovea moves little: bars that say 'at work' without a length, and the menus and lists that the desktop lets fade in.
Both stop where the system or Settings say so. (WCAG 2.2, 2.2.2 'Pause, stop, hide' and 2.3.3 'Animation from
interactions'.)
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QProgressBar, QProgressDialog

from desktop.services.background import run_aside
from desktop.system.motion import system_wants_little

Wish = Literal["system", "little"]
WISHES: tuple[Wish, ...] = ("system", "little")
_EFFECTS = (
    Qt.UIEffect.UI_General, Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu, Qt.UIEffect.UI_AnimateCombo,
    Qt.UIEffect.UI_AnimateTooltip, Qt.UIEffect.UI_FadeTooltip, Qt.UIEffect.UI_AnimateToolBox,
)  # fmt: skip


class Motion(QObject):
    """``changed`` is emitted when things that moved are to be still, or may move again."""

    changed = Signal()
    _told = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._told.connect(self.reduce)
        self._little = False
        self._before: dict[Qt.UIEffect, bool] = {}

    @property
    def little(self) -> bool:
        """Whether nothing may move by itself."""
        return self._little

    def follow(self, wish: str) -> None:
        """Do as the system says (``system``), which a thread asks, or be still (``little``)."""
        if wish == "little":
            self.reduce(True)
        else:
            run_aside(self._ask, name="motion")

    def _ask(self) -> None:
        self._told.emit(system_wants_little())

    @Slot(bool)
    def reduce(self, little: bool) -> None:
        """Be still, or move as designed."""
        if little == self._little:
            return
        self._little = little
        if little:
            self._before = {effect: QApplication.isEffectEnabled(effect) for effect in _EFFECTS}
        for effect, enabled in self._before.items():
            QApplication.setEffectEnabled(effect, enabled and not little)
        self.changed.emit()


_motion: Motion | None = None


def motion() -> Motion:
    """The application's motion: the one object of its kind."""
    global _motion
    if _motion is None:
        _motion = Motion()
    return _motion


def at_work(bar: QProgressBar | QProgressDialog) -> None:
    """Let ``bar`` say that something goes on of which nobody knows how long: it runs to and fro, or stands half full
    where nothing may move."""
    if motion().little:
        bar.setRange(0, 2)
        bar.setValue(1)
    else:
        bar.setRange(0, 0)
