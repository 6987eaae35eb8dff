"""The user's own training pictures that are nearest to a picture: small, with class and name below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from desktop.ui.kit.widgets import image_of, make_label, tip

if TYPE_CHECKING:
    from desktop.core.trust.neighbours import Neighbour
    from desktop.engine.messages import Thumbnail
    from desktop.services.engine_service import EngineService

_SIDE = 64


class NearestStrip(QWidget):
    """Hidden while there is nothing to show. A picture that is no longer there is told by its name alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine: EngineService | None = None
        self._asked: dict[int, QLabel] = {}
        self._words = make_label(self.tr("Nearest training pictures"), "secondary", wrap=True)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.addWidget(self._words, 0, 0, 1, 3)
        self._cells: list[QWidget] = []
        self.setAccessibleName(self.tr("Nearest training pictures"))
        self.hide()

    def attach(self, engine: EngineService) -> None:
        """Ask ``engine`` for the small pictures."""
        if self._engine is not engine:
            self._engine = engine
            engine.thumbnail_arrived.connect(self._on_thumbnail)

    def clear(self) -> None:
        """Nothing to show."""
        for cell in self._cells:
            cell.hide()
            cell.deleteLater()
        self._cells.clear()
        self._asked.clear()
        self.hide()

    def show_pictures(self, found: Sequence[Neighbour], labels: Sequence[str]) -> None:
        """Show ``found``, the nearest first; ``labels`` are the model's."""
        from desktop.core.types import ImageSource

        self.clear()
        for column, neighbour in enumerate(found):
            name = neighbour.name.rsplit("/", 1)[-1]
            label = labels[neighbour.label] if 0 <= neighbour.label < len(labels) else ""
            picture = QLabel()
            picture.setFixedSize(QSize(_SIDE, _SIDE))
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
            picture.setAccessibleName(f"{name}, {label}")
            picture.setToolTip(tip(name))
            text = make_label(label if neighbour.path is not None else f"{label}\n{name}", "secondary", wrap=True)
            text.setToolTip(tip(name))
            self._grid.addWidget(picture, 1, column)
            self._grid.addWidget(text, 2, column)
            self._cells += [picture, text]
            picture.setVisible(neighbour.path is not None)
            if neighbour.path is not None and self._engine is not None:
                source = ImageSource.from_path(neighbour.path)
                self._asked[self._engine.thumbnail(source, 2 * _SIDE)] = picture
        self.setVisible(bool(found))

    @Slot(object)
    def _on_thumbnail(self, answer: Thumbnail) -> None:
        picture = self._asked.pop(answer.id, None)
        if picture is None or answer.pixels is None:
            return
        ratio = self.devicePixelRatioF()
        small = QPixmap.fromImage(image_of(answer.pixels)).scaled(
            QSize(round(_SIDE * ratio), round(_SIDE * ratio)),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        small.setDevicePixelRatio(ratio)
        picture.setPixmap(small)
