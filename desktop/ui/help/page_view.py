"""A page of the help, laid out: Qt reads the Markdown, this gives it Fovea's fonts, colours and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from desktop.app.help_pages import HelpPage, anchor_of, marks_of
from desktop.ui.kit.theme import theme
from desktop.ui.kit.tokens import blend

_WIDEST = 760
"""Pixels of a line at text of 13 px: longer lines are hard to read."""
_HEADINGS = {1: 20, 2: 16, 3: 14, 4: 13}
_KEY = re.compile(r"`((?:(?:Ctrl|Alt|Shift|Meta)\+)+(?:\w+|[+\-?])|F\d{1,2})`")
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


class PageView(QTextBrowser):
    """Shows one page. ``followed`` carries the topic of a link; ``went_back`` asks for the page before or after.

    The text can be selected, copied and read by a screen reader; Tab goes from link to link.
    """

    followed = Signal(str)
    went_back = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setAccessibleName(self.tr("Page of the help"))
        self.document().setDocumentMargin(20)
        self.anchorClicked.connect(self._follow)
        self.page: HelpPage | None = None
        self.zoom = 100
        self._places: dict[str, int] = {}
        self._marks: list[tuple[int, int]] = []

    def show_page(self, page: HelpPage, anchor: str = "", looked: Sequence[str] = ()) -> None:
        """Show ``page`` from ``anchor`` on, with the folded words ``looked`` marked."""
        if page is not self.page:
            self.page = page
            self.render_page()
            self.verticalScrollBar().setValue(0)
        self.mark(looked)
        self.go_to(anchor)

    def render_page(self) -> None:
        """Lay the page out anew, in the colours and at the size of now; the place in it stays."""
        if self.page is None:
            return
        share = self.share
        pixels = round(theme().font().pixelSize() * self.zoom / 100)
        font = theme().font()
        font.setPixelSize(pixels)
        document = self.document()
        document.setDefaultFont(font)
        document.setIndentWidth(pixels * 1.6)
        document.setMarkdown(_KEY.sub(_natively, self.page.markdown), _FEATURES)
        self._dress(pixels)
        self._keep_narrow()
        self.share = share

    @property
    def share(self) -> float:
        """How far down the page is seen: 0 its beginning, 1 its end."""
        bar = self.verticalScrollBar()
        return bar.value() / bar.maximum() if bar.maximum() else 0.0

    @share.setter
    def share(self, share: float) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(round(bar.maximum() * share))

    def go_to(self, anchor: str) -> bool:
        """Bring the heading of that anchor to the top; ``False`` where there is none."""
        block = self._places.get(anchor)
        if block is None:
            return False
        cursor = QTextCursor(self.document().findBlockByNumber(block))
        self.setTextCursor(cursor)
        top = self.document().documentLayout().blockBoundingRect(cursor.block()).top()
        self.verticalScrollBar().setValue(max(0, int(top) - 8))
        return True

    # What was looked for

    def mark(self, looked: Sequence[str]) -> None:
        """Mark every word that begins with one of the folded ``looked``."""
        t = theme().tokens
        text = self.document().toPlainText()
        self._marks = marks_of(text, looked)
        form = QTextCharFormat()
        form.setBackground(QColor(t.caution_ground))
        form.setForeground(QColor(t.caution))
        form.setFontUnderline(True)  # colour is not alone
        selections = []
        for begin, end in self._marks:
            selection = QTextEdit.ExtraSelection()
            selection.cursor = self._selected(begin, end)
            selection.format = form
            selections.append(selection)
        self.setExtraSelections(selections)

    @property
    def marked(self) -> int:
        """How many places are marked."""
        return len(self._marks)

    def step(self, by: int) -> bool:
        """Select the next marked place, or the one before; from the end on at the beginning."""
        if not self._marks:
            return False
        here = self.textCursor().selectionStart()
        if by > 0:
            place = next((mark for mark in self._marks if mark[0] > here), self._marks[0])
        else:
            place = next((mark for mark in reversed(self._marks) if mark[0] < here), self._marks[-1])
        self.setTextCursor(self._selected(*place))
        self.ensureCursorVisible()
        return True

    def first_mark_after(self, anchor: str) -> None:
        """Select the first marked place from a heading on."""
        block = self._places.get(anchor, 0)
        begin = self.document().findBlockByNumber(block).position()
        place = next((mark for mark in self._marks if mark[0] >= begin), None)
        if place is not None:
            self.setTextCursor(self._selected(*place))
            self.ensureCursorVisible()

    def _selected(self, begin: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(begin)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    # The looks

    def _dress(self, pixels: int) -> None:
        t = theme().tokens
        self._places = {}
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        quiet = QColor(blend(t.surface, t.text, 0.05))
        once = QTextCursor(self.document())
        once.beginEditBlock()  # else the page would be laid out at every step
        for block in _blocks(self.document()):
            self._dress_block(block, pixels, quiet)
            self._dress_words(block, fixed, QColor(t.accent))
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                _dress_table(frame, pixels)
        once.endEditBlock()

    def _anchor(self, number: int, heading: str) -> str:
        """The anchor of the heading ``number``; a translated page has those of the English one."""
        parts = self.page.sections if self.page is not None else ()
        return parts[number].anchor if number < len(parts) else anchor_of(heading)

    def _dress_block(self, block: QTextBlock, pixels: int, quiet: QColor) -> None:
        form = QTextBlockFormat(block.blockFormat())
        level, after = form.headingLevel(), block.next()
        if level:
            self._places.setdefault(self._anchor(len(self._places), block.text()), block.blockNumber())
            self._dress_heading(block, round(_HEADINGS.get(level, 13) * pixels / 13))
            form.setTopMargin(pixels * (0.2 if level == 1 else 1.4))
            form.setBottomMargin(pixels * 0.5)
        elif _is_code(block):
            form.setBackground(quiet)
            form.setLeftMargin(pixels * 0.5)
            form.setNonBreakableLines(True)
            form.setBottomMargin(0 if after.isValid() and _is_code(after) else pixels * 0.8)
        elif block.textList() is not None:
            last = not after.isValid() or after.textList() is None
            form.setBottomMargin(pixels * (0.8 if last else 0.25))
        elif QTextCursor(block).currentTable() is None:
            form.setBottomMargin(pixels * 0.6)
        if not level and not _is_code(block):
            form.setLineHeight(128, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        QTextCursor(block).setBlockFormat(form)

    def _dress_heading(self, block: QTextBlock, pixels: int) -> None:
        for position, length, form in _parts(block):
            words = QTextCharFormat(form)
            words.clearProperty(QTextFormat.Property.FontSizeAdjustment)  # it would win over the size
            words.setProperty(QTextFormat.Property.FontPixelSize, pixels)
            words.setFontWeight(QFont.Weight.DemiBold)
            self._selected(position, position + length).setCharFormat(words)

    def _dress_words(self, block: QTextBlock, fixed: str, accent: QColor) -> None:
        for position, length, form in _parts(block):
            words = QTextCharFormat()
            if form.isAnchor():
                words.setForeground(accent)
                words.setFontUnderline(True)
            elif form.fontFixedPitch():
                words.setFontFamilies([fixed])
            else:
                continue
            self._selected(position, position + length).mergeCharFormat(words)

    def _keep_narrow(self) -> None:
        """No line is longer than can be read: what is left of a wide window stays empty at its end."""
        wide = self.viewport().width() - 2 * self.document().documentMargin()
        spare = max(0.0, wide - _WIDEST * self.zoom / 100 * theme().font().pixelSize() / 13)
        frame = self.document().rootFrame()
        form = QTextFrameFormat(frame.frameFormat())
        margin = self.document().documentMargin()
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            form.setLeftMargin(margin + spare)
        else:
            form.setRightMargin(margin + spare)
        frame.setFrameFormat(form)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep lines readable, and the place."""
        share = self.share
        super().resizeEvent(event)
        self._keep_narrow()
        self.share = share

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A mouse's own keys for back and forward."""
        if event.button() in (Qt.MouseButton.BackButton, Qt.MouseButton.ForwardButton):
            self.went_back.emit(event.button() == Qt.MouseButton.BackButton)
            return
        super().mouseReleaseEvent(event)

    @Slot(QUrl)
    def _follow(self, link: QUrl) -> None:
        topic = link.toString()
        if topic.startswith("#") and self.page is not None:
            topic = self.page.id + topic
        self.followed.emit(topic.replace(".md", ""))


def _natively(key: re.Match[str]) -> str:
    return f"`{QKeySequence(key[1]).toString(QKeySequence.SequenceFormat.NativeText) or key[1]}`"


def _blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _parts(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    """The parts of a block that look alike: place, length and format of each."""
    found = []
    step = block.begin()
    while not step.atEnd():
        part = step.fragment()
        if part.isValid():
            found.append((part.position(), part.length(), part.charFormat()))
        step += 1
    return found


def _is_code(block: QTextBlock) -> bool:
    """Whether the whole block is in type of one width and stands in no sentence: a line of commands."""
    if block.textList() is not None or QTextCursor(block).currentTable() is not None:
        return False
    if block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeLanguage):
        return True
    parts = _parts(block)
    return bool(parts) and all(form.fontFixedPitch() for _, _, form in parts)


def _dress_table(table: QTextTable, pixels: int) -> None:
    t = theme().tokens
    form = table.format()
    form.setBorder(1)
    form.setBorderBrush(QColor(t.border))
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderCollapse(True)
    form.setCellSpacing(0)
    form.setCellPadding(pixels * 0.4)
    percent = QTextLength.Type.PercentageLength
    form.setWidth(QTextLength(percent, 100))
    if table.columns() == 2:  # a name, and what is said of it
        form.setColumnWidthConstraints([QTextLength(percent, 32), QTextLength(percent, 68)])
    form.setTopMargin(pixels * 0.3)
    form.setBottomMargin(pixels * 0.9)
    table.setFormat(form)
    head = QTextCharFormat()
    head.setBackground(QColor(blend(t.surface, t.text, 0.05)))
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        cell.setFormat(_with(cell.format(), head))


def _with(form: QTextCharFormat, more: QTextCharFormat) -> QTextCharFormat:
    merged = QTextCharFormat(form)
    merged.merge(more)
    return merged
