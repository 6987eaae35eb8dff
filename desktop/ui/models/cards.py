"""The list of cards: every model of the store, then the networks that can be installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.core.translate import on_card
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import tip
from desktop.ui.models import words

if TYPE_CHECKING:
    from desktop.store.catalogue import Network
    from desktop.store.store import ModelEntry

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_GAP = 8
_INSIDE = 12


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One card: a model of the store, or a network of the catalogue, or both (described, not installed)."""

    id: str
    name: str
    entry: ModelEntry | None
    network: Network | None
    installed: bool

    @property
    def state(self) -> str:
        """``ready``, ``damaged``, ``absent`` (can be installed) or ``base`` (installed, only to build upon)."""
        if self.entry is not None and self.entry.state == "damaged":
            return "damaged"
        if self.entry is not None and self.entry.state == "ready":
            return "ready"
        return "base" if self.installed else "absent"

    def lines(self) -> tuple[str, str]:
        """What stands under the name: what it is; how good it is, or what is the matter."""
        manifest = self.entry.manifest if self.entry is not None else None
        first = words.about(manifest) if manifest is not None else ""
        if not first and self.network is not None:
            classes = words.tr("{0} classes").format(QLocale().toString(1000))
            first = words.tr("{0} · {1}×{1} colour").format(
                classes if self.network.top else words.tr("Has no classes of its own"), self.network.input
            )
        if self.state == "damaged":
            return first, words.tr("Damaged: {0}").format(self.entry.problem if self.entry else "")
        if self.state == "absent" and self.network is not None and self.network.package is not None:
            return first, words.tr("Not made yet · nothing to fetch")
        if self.state == "absent":
            fetch = words.to_fetch(self.network) if self.network is not None else ""
            return first, words.tr("Not installed · {0} to fetch").format(fetch) if fetch else words.tr("Not installed")
        if self.state == "base":
            return first, words.tr("Installed, to build upon")
        told = words.figure(manifest) if manifest is not None else ""
        return first, told or words.tr("Not measured")

    def origin(self) -> str:
        """Where it comes from, in a word."""
        if self.entry is None or self.state == "absent":
            return ""
        if self.entry.bundled:
            return words.tr("With Fovea")
        return words.tr("Installed") if self.network is not None else words.tr("Yours")


def cards_of(entries: Sequence[ModelEntry], networks: Sequence[tuple[Network, bool]]) -> list[ModelCard]:
    """The cards in their order: models that answer, damaged ones, then what can be installed."""
    known = {network.id: (network, installed) for network, installed in networks}
    cards = []
    for entry in entries:
        network, installed = known.pop(entry.id, (None, False))
        name = on_card(entry.manifest.name) if entry.manifest is not None else entry.id
        cards.append(ModelCard(entry.id, name, entry, network, installed))
    cards += [ModelCard(network.id, network.name, None, network, installed) for network, installed in known.values()]
    order = {"ready": 0, "damaged": 0, "base": 1, "absent": 2}
    return sorted(cards, key=lambda card: order[card.state])


class CardList(QListView):
    """``chosen`` carries the id of the card that is current; empty where none is."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wished = ""  # what was chosen last: a filter may hide it for a while
        self._quiet = False
        self._cards = _Cards(self)
        self.setModel(self._cards)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(self.tr("Models"))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setStyleSheet("QListView { background: transparent; border: none; }")
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.selectionModel().currentChanged.connect(self._on_current)
        self.clicked.connect(self._on_current)  # a click on what a filter made current is a choice as well
        theme().changed.connect(self.viewport().update)

    @property
    def cards(self) -> list[ModelCard]:
        """All cards, in their order, whether the filter shows them or not."""
        return self._cards.all

    @property
    def current(self) -> ModelCard | None:
        """The chosen card."""
        return self._cards.card(self.currentIndex().row())

    def set_cards(self, cards: list[ModelCard]) -> None:
        """Show other cards; the choice stays where its card is still there, else it is the first."""
        self._changed(lambda: self._cards.set_cards(cards))

    def choose(self, card_id: str) -> bool:
        """Make the card of that id current; whether it is shown."""
        row = next((i for i, card in enumerate(self._cards.shown) if card.id == card_id), -1)
        if row < 0:
            return False
        index = self._cards.index(row)
        if self.currentIndex() == index and not self._quiet:
            self.chosen.emit(card_id)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        return True

    def filter(self, text: str) -> None:
        """Show the cards whose name or id holds ``text``; the first of them is chosen where the choice is hidden."""
        self._changed(lambda: self._cards.filter(text))

    def _changed(self, change: Callable[[], None]) -> None:
        """Show what ``change`` leaves to be shown, and choose among it: nothing unseen is ever the current card."""
        before = self.current.id if self.current is not None else ""
        self._quiet = True
        change()
        first = self._cards.shown[0].id if self._cards.shown else ""
        any(self.choose(card_id) for card_id in (self._wished, before, first))
        self._quiet = False
        now = self.current.id if self.current is not None else ""
        if not any(card.id == self._wished for card in self._cards.all):
            self._wished = now
        if now != before:
            self.chosen.emit(now)

    def _on_current(self, current: QModelIndex, _before: QModelIndex | None = None) -> None:
        card = self._cards.card(current.row())
        if card is not None and not self._quiet:
            self._wished = card.id
            self.chosen.emit(card.id)


class _Cards(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.all: list[ModelCard] = []
        self.shown: list[ModelCard] = []
        self._text = ""

    def set_cards(self, cards: list[ModelCard]) -> None:
        self.beginResetModel()
        self.all = cards
        self.shown = [card for card in cards if self._matches(card)]
        self.endResetModel()

    def filter(self, text: str) -> None:
        self._text = text.strip().casefold()
        self.set_cards(self.all)

    def _matches(self, card: ModelCard) -> bool:
        return self._text in card.name.casefold() or self._text in card.id

    def card(self, row: int) -> ModelCard | None:
        return self.shown[row] if 0 <= row < len(self.shown) else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        card = self.card(index.row())
        if card is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return card.name
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            words = ". ".join(part for part in (card.name, *card.lines()) if part)
            return tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None


class _Delegate(QStyledItemDelegate):
    """Draws a card: sign and name, what it is, how good it is."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        text, small = QFontMetrics(self._bold()), QFontMetrics(theme().font("secondary"))
        return QSize(200, 2 * _INSIDE + text.height() + 2 * small.height() + 6 + _GAP)

    @staticmethod
    def _bold() -> QFont:
        font = theme().font("text")
        font.setBold(True)
        return font

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        card = model.card(index.row()) if isinstance(model, _Cards) else None
        if card is None:
            return
        t = theme().tokens
        state: Any = option.state
        rect: QRect = option.rect
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        frame = QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5 - _GAP)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(t.soft if chosen else t.surface))
        painter.setPen(QPen(QColor(t.accent if chosen else t.border), 1))
        painter.drawRoundedRect(frame, 8, 8)
        if chosen and state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(t.accent), 2))
            painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        self._words(painter, frame.adjusted(_INSIDE, _INSIDE, -_INSIDE, -_INSIDE), card, option)
        painter.restore()

    def _words(self, painter: QPainter, area: QRectF, card: ModelCard, option: QStyleOptionViewItem) -> None:
        t = theme().tokens
        icon, tone = {
            "ready": ("check", "accent"),
            "base": ("check", "accent"),
            "damaged": ("error", "wrong"),
            "absent": ("drop", "secondary"),
        }[card.state]
        right_to_left = option.direction == Qt.LayoutDirection.RightToLeft
        side = Qt.AlignmentFlag.AlignRight if right_to_left else Qt.AlignmentFlag.AlignLeft
        side |= Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        bold = self._bold()
        line = QFontMetrics(bold).height()
        at = QPointF(area.right() - 18 if right_to_left else area.left(), area.top() + (line - 18) / 2)
        pixels = theme().icon(icon, 18, getattr(t, tone)).pixmap(QSize(18, 18), painter.device().devicePixelRatioF())
        painter.drawPixmap(at, pixels)
        row = area.adjusted(0, 0, -24, 0) if right_to_left else area.adjusted(24, 0, 0, 0)
        painter.setFont(bold)
        painter.setPen(QColor(t.text))
        name = QFontMetrics(bold).elidedText(card.name, Qt.TextElideMode.ElideMiddle, int(row.width()))
        painter.drawText(QRectF(row.left(), area.top(), row.width(), line), int(side), name)
        small = theme().font("secondary")
        metrics = QFontMetrics(small)
        painter.setFont(small)
        top = area.top() + line + 3
        first, second = card.lines()
        for text, colour in ((first, t.secondary), (second, t.wrong if card.state == "damaged" else t.secondary)):
            painter.setPen(QColor(colour))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(row.width()))
            painter.drawText(QRectF(row.left(), top, row.width(), metrics.height()), int(side), shown)
            top += metrics.height() + 3
