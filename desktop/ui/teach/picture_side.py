"""The chosen picture large, what is suggested for it, and what can be pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.engine.messages import Failure, Preview
from desktop.services.teaching import Teaching
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.widgets import count, image_of, make_label
from desktop.ui.teach.pictures_model import PicturesModel
from desktop.ui.widgets.picture_view import PictureView
from desktop.ui.widgets.probability_bars import ProbabilityBars

if TYPE_CHECKING:
    from desktop.services.engine_service import EngineService

_SIDE = 1400
_SLOT = "teach"
_AHEAD = "teach-ahead"


class PictureSide(QWidget):
    """``show_picture`` with the id of a picture (0 for none) and how many are selected; ``shown`` when it is there:
    ``image``, with the size of the picture itself."""

    shown = Signal()

    def __init__(self, teaching: Teaching, model: PicturesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching, self._model = teaching, model
        self._engine: EngineService | None = None
        self._id = 0
        self._asked_for = 0
        self._request = 0
        self.image: tuple[QImage | None, tuple[int, int] | None] = (None, None)
        self.next_of: Callable[[], int] = lambda: 0
        """The picture that a label will go on to, 0 for none: it is opened ahead, and is there with the key."""
        self._ahead = 0
        self._ahead_request = 0
        self._ahead_image: tuple[QImage, tuple[int, int]] | None = None
        self._name = ElidedLabel(file=True)
        self._name.setProperty("role", "title")
        self.picture = PictureView()
        self.picture.setAccessibleName(self.tr("Picture"))
        self.picture.setMinimumHeight(200)
        self.bars = ProbabilityBars()
        self.said = make_label("", wrap=True)
        self.keys = make_label("", "secondary", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(self._name)
        layout.addWidget(self.picture, 3)
        layout.addWidget(self.said)
        # Where there is little room the bars scroll: squeezed they would lie over each other.
        self._room = QScrollArea()
        self._room.setWidgetResizable(True)
        self._room.setFrameShape(QFrame.Shape.NoFrame)
        self._room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._room.setWidget(self.bars)
        layout.addWidget(self._room, 2)
        layout.addWidget(self.keys)
        teaching.closed.connect(self._forget)
        teaching.learned.connect(self.refresh)
        teaching.changed_labels.connect(self.refresh)
        teaching.changed_classes.connect(self.refresh)
        model.pictures_changed.connect(self._ask)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for the picture."""
        self._engine = engine
        engine.preview_arrived.connect(self._on_preview)
        self._ask()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        if self._engine is not None:
            self._engine.preview_arrived.disconnect(self._on_preview)
        self._engine = None

    @property
    def picture_id(self) -> int:
        """The id of the picture that is shown, or on its way; 0 for none."""
        return self._id

    def show_picture(self, picture_id: int, selected: int) -> None:
        """Show this picture; where several are selected, say so."""
        changed = picture_id != self._id
        self._id, self._selected = picture_id, selected
        if changed:
            self._asked_for = 0
            if not picture_id:
                self.picture.set_image(None)
                self.picture.set_message("")
            self._ask()
        self.refresh()

    _selected = 0

    @Slot()
    def _ask(self) -> None:
        """Ask for the picture when it is known where it lies."""
        if not self._id or self._engine is None:
            return
        if self._asked_for == self._id:
            self._look_ahead()  # it may be known only now where the next one lies
            return
        source = self._model.source(self._id)
        if source is None:
            self._model.want_source(self._id)
            return
        self._asked_for = self._id
        if self._ahead == self._id and self._ahead_image is not None:
            self._request = 0
            self._show(*self._ahead_image)
        elif self._ahead == self._id and self._ahead_request:
            self._request = self._ahead_request  # it is being opened
        else:
            self._request = self._engine.preview(source, _SIDE, _SLOT, self._on_failure)

    @Slot(Preview)
    def _on_preview(self, answer: Preview) -> None:
        if answer.id == self._request:
            self._show(image_of(answer.pixels), answer.original_size)
        elif answer.id == self._ahead_request:
            self._ahead_image = image_of(answer.pixels), answer.original_size

    def _show(self, image: QImage, size: tuple[int, int]) -> None:
        self.image = image, size
        self.picture.set_image(image, size)
        self.shown.emit()
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Open the picture that is likely to be next, while this one is looked at."""
        number = self.next_of()
        if self._engine is None or not number or number in (self._id, self._ahead):
            return
        source = self._model.source(number)
        if source is None:
            self._model.want_source(number)
            return
        self._ahead, self._ahead_image = number, None
        self._ahead_request = self._engine.preview(source, _SIDE, _AHEAD, self._on_no_ahead)

    def _on_no_ahead(self, failure: Failure) -> None:
        """It is said when its turn comes, or has come."""
        self._ahead_request = 0
        if failure.id == self._request:
            self._on_failure(failure)

    @Slot()
    def _forget(self) -> None:
        """Another project: its ids mean other pictures."""
        self._ahead, self._ahead_request, self._ahead_image = 0, 0, None

    def _on_failure(self, failure: Failure) -> None:
        self.image = (None, None)
        self.picture.set_image(None)
        self.shown.emit()
        self.picture.set_message(failure.message)

    @Slot()
    def refresh(self) -> None:
        """Name, label, bars and keys as they are now."""
        teaching = self._teaching
        name, label, state, _star = self._model.facts(self._id) if self._id else ("", 0, None, False)
        self._name.set_text(name)
        known = teaching.class_of(label)
        suggestions = teaching.suggestions
        pairs = suggestions.scores_of(self._id) if suggestions is not None and self._id else []
        named = [(found, score) for class_id, score in pairs if (found := teaching.class_of(class_id)) is not None]
        if self._selected > 1:
            self.said.setText(self.tr("{0} pictures are selected.").format(count(self._selected)))
        elif known is not None:
            self.said.setText(self.tr("You said: {0}").format(known.name))
        elif state is not None and self._model.state_words(state):
            self.said.setText(self.tr("This picture {0}.").format(self._model.state_words(state)))
        else:
            self.said.setText(self.tr("No label yet") if self._id else "")
        if named:
            truth = next((i for i, (c, _) in enumerate(named) if known is not None and c.id == known.id), None)
            self.bars.set_scores([c.name for c, _ in named], [score for _, score in named], 0, "", truth)
            self._room.show()
        else:
            self.bars.clear()
            self._room.hide()
        self._show_keys(bool(named))

    def _show_keys(self, suggested: bool) -> None:
        keys = [f"{c.key.upper()} {c.name}" for c in self._teaching.classes if c.key][:12]
        parts = []
        if keys:
            parts.append(self.tr("Keys: {0}").format("  ·  ".join(keys)))
        if suggested:
            parts.append(self.tr("Enter takes the suggestion."))
        if self._id:
            parts.append(self.tr("Backspace takes the label back, Space shows the picture large."))
        self.keys.setText("\n".join(parts))
        self.keys.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
