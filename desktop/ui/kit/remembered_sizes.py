"""How panes share their room, from one start to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from PySide6.QtWidgets import QSplitter

    from desktop.services.settings import Settings


class RememberedSizes(QObject):
    """Keeps the sizes of splitters, each by its name, in the settings whenever one is moved."""

    def __init__(self, settings: Settings, splitters: dict[str, QSplitter], parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._splitters: dict[str, QSplitter] = {}
        for name, splitter in splitters.items():
            self.add(name, splitter)

    def add(self, name: str, splitter: QSplitter) -> None:
        """Remember this one, too."""
        self._splitters[name] = splitter
        splitter.splitterMoved.connect(self._remember)

    def restore(self) -> None:
        """Give each the sizes that are remembered for as many panes as it has now."""
        held = self._settings.get("splitters")
        for name, splitter in self._splitters.items():
            sizes = held.get(name)
            if isinstance(sizes, list) and len(sizes) == splitter.count() and all(isinstance(s, int) for s in sizes):
                splitter.setSizes(sizes)

    @Slot()
    def _remember(self) -> None:
        held = self._settings.get("splitters")
        for name, splitter in self._splitters.items():
            sizes = splitter.sizes()
            # A hidden pane has no size worth remembering, and one alone none of its own.
            if all(sizes) and len(sizes) > 1:
                held[name] = sizes
        self._settings.set("splitters", held)
