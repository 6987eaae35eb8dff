"""The pictures of a project as a Qt model: an order over their ids, and small pictures asked for as they are seen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTimer,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QPixmap

from desktop.core.types import ImageSource
from desktop.services.teaching import Teaching
from desktop.store.project_facts import PictureState
from desktop.ui.kit.formatting import number
from desktop.ui.kit.widgets import tip
from desktop.ui.widgets.small_pictures import SmallPictures

if TYPE_CHECKING:
    from desktop.services.engine_service import EngineService

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
MIME = "application/x-fovea-teach-pictures"
_SOURCES = 4000


class PicturesModel(QAbstractListModel):
    """``ids`` (int64) are the pictures that are listed, in order. ``pictures_changed`` says that what is painted has
    changed though the rows have not."""

    pictures_changed = Signal()

    def __init__(self, teaching: Teaching, parent: Any = None) -> None:
        super().__init__(parent)
        self.ids: np.ndarray = np.empty(0, np.int64)
        self._teaching = teaching
        self._sources: dict[int, ImageSource | None] = {}
        self._wanted: set[int] = set()
        self._small = SmallPictures(self._source, parent=self)
        self._small.changed.connect(self.pictures_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._ask_sources)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for small pictures."""
        self._small.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._small.detach()

    # Rows

    def set_ids(self, ids: np.ndarray) -> None:
        """List these pictures, in this order."""
        self.beginResetModel()
        self.ids = np.asarray(ids, np.int64)
        self.endResetModel()

    def replace_after(self, place: int, ids: np.ndarray) -> None:
        """Keep what is listed before ``place``; from there on list those of ``ids`` that are not."""
        kept = self.ids[:place]
        rest = ids[~np.isin(ids, kept)]
        if len(self.ids) > place:
            self.beginRemoveRows(QModelIndex(), place, len(self.ids) - 1)
            self.ids = kept
            self.endRemoveRows()
        if len(rest):
            self.beginInsertRows(QModelIndex(), place, place + len(rest) - 1)
            self.ids = np.concatenate([kept, rest])
            self.endInsertRows()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.ids)

    def id_at(self, row: int) -> int:
        """The picture in a row; 0 for none."""
        return int(self.ids[row]) if 0 <= row < len(self.ids) else 0

    def row_of(self, picture_id: int) -> int:
        """The row of a picture; -1 where it is not listed."""
        found = np.flatnonzero(self.ids == picture_id)
        return int(found[0]) if len(found) else -1

    def forget(self) -> None:
        """Another project, or pictures that lie elsewhere now."""
        self._small.forget()
        self._sources.clear()

    # What is known of a picture

    def facts(self, picture_id: int) -> tuple[str, int, PictureState, bool]:
        """Name, the class's id (0 for none), state, starred."""
        index = self._teaching.index
        if index is None:
            return "", 0, PictureState.NEW, False
        places = index.places(np.array([picture_id], np.int64))
        if not len(places):
            return "", 0, PictureState.NEW, False
        place = int(places[0])
        return (
            index.names[place],
            int(index.labels[place]),
            PictureState(int(index.states[place])),
            bool(index.stars[place]),
        )

    def note(self, picture_id: int) -> str:
        """The note on a picture, '' for none."""
        index = self._teaching.index
        return index.notes.get(picture_id, "") if index is not None else ""

    def words(self, picture_id: int) -> str:
        """One picture in words, for tool tips and screen readers."""
        name, label, state, star = self.facts(picture_id)
        parts = [name]
        known = self._teaching.class_of(label)
        suggested = self._teaching.suggestions.best_of(picture_id) if self._teaching.suggestions else None
        if known is not None:
            parts.append(self.tr("labelled {0}").format(known.name))
        elif suggested is not None and (found := self._teaching.class_of(suggested[0])) is not None:
            parts.append(self.tr("no label; suggested {0}, model score {1}").format(found.name, number(suggested[1])))
        else:
            parts.append(self.tr("no label"))
        if star:
            parts.append(self.tr("starred"))
        if note := self.note(picture_id):
            parts.append(self.tr("note: {0}").format(note))
        if state in _STATES:
            parts.append(self.state_words(state))
        return ", ".join(parts)

    def state_words(self, state: PictureState) -> str:
        """What is wrong with a picture's file; '' for nothing."""
        return {
            PictureState.BROKEN: self.tr("cannot be opened"),
            PictureState.MISSING: self.tr("not where it was"),
            PictureState.REPLACED: self.tr("the file holds another picture now"),
        }.get(state, "")

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        picture_id = self.id_at(index.row())
        if not picture_id:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.facts(picture_id)[0]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = self.words(picture_id)
            return tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    # Dragging onto a class

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Pictures can be dragged."""
        return super().flags(index) | (Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else Qt.ItemFlag.NoItemFlags)

    def mimeTypes(self) -> list[str]:
        return [MIME, "text/uri-list"]

    def supportedDragActions(self) -> Qt.DropAction:
        """Other programs get a copy; they cannot take a file away."""
        return Qt.DropAction.CopyAction

    def mimeData(self, indexes: Any) -> QMimeData:
        """The ids of the dragged pictures, which mean nothing outside this window; for other programs the files, as far
        as is known where they lie."""
        data = QMimeData()
        ids = list(dict.fromkeys(self.id_at(index.row()) for index in indexes))
        data.setData(MIME, ",".join(map(str, ids)).encode())
        data.setUrls([QUrl.fromLocalFile(path) for path in self.paths_of(ids)])
        return data

    def paths_of(self, ids: Sequence[int]) -> list[str]:
        """The files of pictures, as far as is known where they lie (those on screen are)."""
        found = [self._sources.get(picture_id) for picture_id in ids]
        return list(dict.fromkeys(source.path for source in found if source is not None and source.path is not None))

    # Small pictures

    def picture(self, picture_id: int) -> QPixmap | None:
        """The small picture, ``None`` while there is none; asks for it."""
        if picture_id not in self._sources:
            self._wanted.add(picture_id)
            if not self._timer.isActive():
                self._timer.start()
            return None
        return self._small.get(picture_id)

    def is_missing(self, picture_id: int) -> bool:
        """Whether it is known that there is no picture to be had."""
        return self._small.is_missing(picture_id)

    def awaited(self, ids: list[int]) -> bool:
        """Whether one of ``ids`` still waits for its picture."""
        return self._small.awaited(ids)

    def source(self, picture_id: int) -> ImageSource | None:
        """What the decoder opens, where that is known already."""
        return self._sources.get(picture_id)

    def want_source(self, picture_id: int) -> None:
        """Find out what the decoder opens; ``pictures_changed`` follows."""
        if picture_id not in self._sources:
            self._wanted.add(picture_id)
            self._timer.start()

    def _source(self, key: Hashable) -> ImageSource | None:
        assert isinstance(key, int)
        return self._sources.get(key)

    @Slot()
    def _ask_sources(self) -> None:
        wanted, self._wanted = sorted(self._wanted), set()
        project = self._teaching.project
        if not wanted:
            return

        def heard(found: dict[int, ImageSource]) -> None:
            if self._teaching.project is not project:
                return
            for picture_id in wanted:
                self._sources[picture_id] = found.get(picture_id)
            while len(self._sources) > _SOURCES:
                self._sources.pop(next(iter(self._sources)))
            self.pictures_changed.emit()

        self._teaching.sources(wanted, heard)


_STATES = (PictureState.BROKEN, PictureState.MISSING, PictureState.REPLACED)
