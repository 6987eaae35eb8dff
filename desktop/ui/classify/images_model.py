"""The image list as a Qt model: a filtered view of the session's items, with thumbnails asked for as rows are seen."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QPixmap

from desktop.services.session import ImageItem, Session
from desktop.ui.kit.names import Shared
from desktop.ui.kit.widgets import tip
from desktop.ui.widgets.small_pictures import SmallPictures

if TYPE_CHECKING:
    from desktop.app.batch_columns import RowSaid
    from desktop.core.types import ImageSource
    from desktop.services.engine_service import EngineService
    from desktop.store.marks import PictureMark

AnyIndex = QModelIndex | QPersistentModelIndex
ITEM_ROLE = Qt.ItemDataRole.UserRole


class ImagesModel(QAbstractListModel):
    """Rows are the session's items whose names hold the filter text; ``said`` tells what a batch said of one.

    ``thumbnails_changed`` is emitted when some have come; the view repaints what it shows. Rows that are painted and
    have none are asked for together, a moment later; those no longer seen are taken back.
    """

    thumbnails_changed = Signal()
    counts_changed = Signal(int, int)

    def __init__(
        self, session: Session, said: Callable[[ImageItem], RowSaid | None], side: int, parent: Any = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.said = said
        self.marked: Callable[[ImageItem], PictureMark | None] = lambda item: None
        """The star and the note on an item; who keeps them sets it."""
        self.score_of: Callable[[ImageItem], float | None] = lambda item: None
        """The score of the answer to an item; who has the answers sets it."""
        self._filter = ""
        self._rule = ""
        self._ranking: list[ImageItem] = []  # of the rule 'similar'
        self._rows: list[ImageItem] | None = None  # None: all of the session's, without a copy
        self._shown = 0
        self._shared = Shared()
        self._small = SmallPictures(self._source, side, self)
        self._small.changed.connect(self.thumbnails_changed)
        session.about_to_insert.connect(self._before_insert)
        session.inserted.connect(self._after_insert)
        session.about_to_reset.connect(self._before_reset)
        session.was_reset.connect(self._after_reset)
        self._pending_rows: list[ImageItem] = []

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for thumbnails."""
        self._small.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._small.detach()

    # Rows

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """The number of rows that pass the filter."""
        return 0 if parent.isValid() else self._shown

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, tool tip, words for screen readers; the item itself under :data:`ITEM_ROLE`."""
        item = self.item(index.row())
        if item is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return item.name
        if role == ITEM_ROLE:
            return item
        if role == Qt.ItemDataRole.ToolTipRole:
            # What the files of a study are called is often a name.
            lines = [item.name if item.stack is not None else item.source.path or item.name]
            said, mark = self.said(item), self.marked(item)
            lines += [self._words(said)] if said is not None else []
            lines += [self.tr("Note: {0}").format(mark.note)] if mark is not None and mark.note else []
            return tip("\n".join(lines))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said, mark, name = self.said(item), self.marked(item), item.name
            if mark is not None:
                name += ", " + self.tr("with a star") if mark.star else ""
                name += ", " + self.tr("note: {0}").format(mark.note) if mark.note else ""
            if said is None:
                return name
            if said.failed:
                return self.tr("{0}, no result: {1}").format(name, said.answer)
            return f"{name}, {self._words(said)}"
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Images may be dragged out to other programs."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else super().flags(index)

    def supportedDragActions(self) -> Qt.DropAction:
        """Other programs get a copy; they cannot take the file away."""
        return Qt.DropAction.CopyAction

    def mimeTypes(self) -> list[str]:
        """Files, as file managers hand them over."""
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The files of the rows that are dragged."""
        items = [self.item(row) for row in sorted({index.row() for index in indexes})]
        paths = [item.source.path for item in items if item is not None and item.source.path is not None]
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(os.path.abspath(path)) for path in paths])
        return mime

    def _words(self, said: RowSaid) -> str:
        """What the batch said, and whether that can be relied on."""
        if said.unlike:
            return self.tr("no answer: it is not the kind of picture that the model learned from")
        return said.answer

    def item(self, row: int) -> ImageItem | None:
        """The item in ``row``."""
        if not 0 <= row < self._shown:
            return None
        return self._session.items[row] if self._rows is None else self._rows[row]

    def row_of(self, item: ImageItem) -> int:
        """The row of ``item``, -1 where the filter hides it."""
        rows = self._session.items if self._rows is None else self._rows
        try:
            return rows.index(item, 0, self._shown)
        except ValueError:
            return -1

    @property
    def filter(self) -> str:
        """The text that names must hold."""
        return self._filter

    def set_filter(self, text: str) -> None:
        """Show the rows whose name holds ``text``, whatever the case."""
        folded = text.strip().casefold()
        if folded == self._filter:
            return
        self.beginResetModel()
        self._filter = folded
        self._recount()
        self.endResetModel()
        self._announce()

    @property
    def rule(self) -> str:
        """Which images are listed beside the filter's text, '' for all; see :meth:`set_rule`."""
        return self._rule

    def set_rule(self, rule: str) -> None:
        """List only images with a ``star``, with a ``note``, ``unlike`` the model's kind, ``failed``, with one answer
        (``answer:LABEL``), with a score under (``below:0.5``) or from (``from:0.5``) one on; several, a line each, must
        all hold. '' lists all. Answers that come later count when :meth:`refresh` is called."""
        if rule != self._rule:
            self._rule = rule
            self.refresh()

    def set_ranking(self, items: list[ImageItem]) -> None:
        """List ``items`` alone, in their order: rule ``similar``."""
        self._ranking, self._rule = items, "similar"
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Marks, answers or names are others now: list what passes the filters."""
        self.beginResetModel()
        self._recount()
        self.endResetModel()
        self._announce()

    def answers_found(self) -> list[tuple[str, int]]:
        """The answers that images of the list have, and how many, the most frequent first."""
        found: Counter[str] = Counter()
        for item in self._session.items:
            said = self.said(item)
            if said is not None and not said.failed and not said.unlike:
                found[said.answer] += 1
        return found.most_common()

    def _passes(self, item: ImageItem) -> bool:
        mark = self.marked(item)
        held = f"{item.folded}\n{mark.note.casefold()}" if mark is not None else item.folded
        if self._filter and self._filter not in held:
            return False
        if not self._rule or self._rule == "similar":
            return True
        return all(self._holds(rule, item, mark) for rule in self._rule.split("\n"))

    def _holds(self, rule: str, item: ImageItem, mark: PictureMark | None) -> bool:
        if rule in ("star", "note"):
            return mark is not None and bool(mark.star if rule == "star" else mark.note)
        kind, _, wanted = rule.partition(":")
        if kind in ("below", "from"):
            score = self.score_of(item)
            return score is not None and (score < float(wanted)) == (kind == "below")
        said = self.said(item)
        if said is None:
            return False
        if rule in ("unlike", "failed"):
            return said.unlike if rule == "unlike" else said.failed
        return not (said.failed or said.unlike) and said.answer == wanted

    @property
    def _filtered(self) -> bool:
        return bool(self._filter or self._rule)

    def _recount(self) -> None:
        items = self._session.items
        if self._rule == "similar":
            listed = set(items)
            self._rows = [item for item in self._ranking if item in listed and self._passes(item)]
            self._shown = len(self._rows)
        elif self._filtered:
            self._rows = [item for item in items if self._passes(item)]
            self._shown = len(self._rows)
        else:
            self._rows, self._shown = None, len(items)

    def _announce(self) -> None:
        self.counts_changed.emit(self._shown, len(self._session.items))

    @Slot(int, int)
    def _before_insert(self, first: int, count: int) -> None:
        if not self._filtered:
            self.beginInsertRows(QModelIndex(), first, first + count - 1)

    @Slot(int, int)
    def _after_insert(self, first: int, count: int) -> None:
        self._shared.take(item.name for item in self._session.items[first : first + count])
        if not self._filtered:
            self._shown = len(self._session.items)
            self.endInsertRows()
        else:
            added = self._session.items[first : first + count] if self._rule != "similar" else []
            fresh = [item for item in added if self._passes(item)]
            if fresh and self._rows is not None:
                self.beginInsertRows(QModelIndex(), self._shown, self._shown + len(fresh) - 1)
                self._rows.extend(fresh)
                self._shown += len(fresh)
                self.endInsertRows()
        self._announce()

    @Slot()
    def _before_reset(self) -> None:
        self.beginResetModel()

    @Slot()
    def _after_reset(self) -> None:
        self._shared = Shared()
        self._shared.take(item.name for item in self._session.items)
        self._recount()
        self.endResetModel()
        self._announce()

    # Thumbnails

    def thumbnail(self, item: ImageItem) -> QPixmap | None:
        """The small picture of ``item``, ``None`` while there is none; asks for it."""
        return self._small.get(item)

    def is_unreadable(self, item: ImageItem) -> bool:
        """Whether the engine said that it cannot open ``item``."""
        return self._small.is_missing(item)

    @property
    def prefix(self) -> str:
        """The beginning that all names of the list share."""
        return self._shared.prefix

    def missing(self, items: list[ImageItem]) -> bool:
        """Whether one of ``items`` still waits for its small picture."""
        return self._small.awaited(items)

    @staticmethod
    def _source(item: Hashable) -> ImageSource:
        assert isinstance(item, ImageItem)
        return item.source
