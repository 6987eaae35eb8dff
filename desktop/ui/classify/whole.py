"""What the parts of Classify ask of the view that holds them; as a protocol, so that none of them imports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStackedWidget

    from desktop.services.classifying import Classifying
    from desktop.services.explaining import Explainer
    from desktop.services.folder_job import FolderJob
    from desktop.services.session import ImageItem, Session
    from desktop.ui.classify.answer_pane import AnswerPane
    from desktop.ui.classify.image_list import ImageList


class Whole(Protocol):
    """The Classify view."""

    session: Session
    job: FolderJob
    classifying: Classifying
    explainer: Explainer
    list: ImageList
    stack: QStackedWidget

    @property
    def answer(self) -> AnswerPane: ...

    def look_at(self, item: ImageItem) -> None: ...
    def remove(self, items: Sequence[ImageItem]) -> None: ...
    def take_focus(self) -> None: ...
