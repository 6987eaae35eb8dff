"""A page with the picture and what the model made of it, in a preview first."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, QObject, QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter
from PySide6.QtPrintSupport import QPrinter, QPrintPreviewDialog
from PySide6.QtWidgets import QWidget


@dataclass(slots=True)
class PrintedPage:
    """What is printed: ``title`` (the picture's name), ``answer``, further ``lines``, ``cautions`` in a frame."""

    image: QImage
    title: str
    answer: str = ""
    lines: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)


class Printing(QObject):
    """Shows the preview of pages, from which they are printed or saved as PDF."""

    def __init__(self, pages: list[PrintedPage], parent: QWidget) -> None:
        super().__init__(parent)
        self._pages = pages
        self.printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        self.printer.setDocName(pages[0].title if len(pages) == 1 else "Fovea")
        self.dialog = QPrintPreviewDialog(self.printer, parent)
        self.dialog.setWindowTitle(QCoreApplication.translate("Printing", "Print"))
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.resize(900, 680)
        self.dialog.paintRequested.connect(self.paint)
        self.dialog.finished.connect(self.deleteLater)

    def show(self) -> None:
        """Open the preview."""
        self.dialog.open()

    @Slot(QPrinter)
    def paint(self, printer: QPrinter) -> None:
        """Draw all pages."""
        painter = QPainter()
        if not painter.begin(printer):
            return
        for number, page in enumerate(self._pages):
            if number:
                printer.newPage()
            _draw(painter, page, QRect(QPoint(0, 0), painter.viewport().size()), printer.resolution())
        painter.end()


def _draw(painter: QPainter, page: PrintedPage, room: QRect, dpi: int) -> None:
    unit = dpi / 72  # a point
    gap = round(10 * unit)
    plain, bold, small = QFont(), QFont(), QFont()
    plain.setPointSizeF(10)
    bold.setPointSizeF(16)
    bold.setBold(True)
    small.setPointSizeF(9)
    texts = [(page.title, small, "#444444"), (page.answer, bold, "#000000")]
    texts += [(line, plain, "#000000") for line in page.lines]
    flags = int(Qt.TextFlag.TextWordWrap)
    laid: list[tuple[str, QFont, str, int]] = []
    for text, font, colour in texts:
        if text:
            box = QFontMetrics(font, painter.device()).boundingRect(QRect(0, 0, room.width(), 1 << 20), flags, text)
            laid.append((text, font, colour, box.height() + round(3 * unit)))
    metrics = QFontMetrics(small, painter.device())
    inner = room.width() - 2 * gap
    framed = [
        (text, metrics.boundingRect(QRect(0, 0, inner, 1 << 20), flags, text).height() + gap) for text in page.cautions
    ]
    below = sum(height for *_, height in laid) + sum(height + gap // 2 for _, height in framed) + gap
    place = QSize(page.image.size()).scaled(
        QSize(room.width(), max(room.height() // 4, room.height() - below)), Qt.AspectRatioMode.KeepAspectRatio
    )
    picture = QRect(QPoint((room.width() - place.width()) // 2, 0), place)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(picture, page.image)
    y = picture.bottom() + gap
    for text, font, colour, height in laid:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QRect(0, y, room.width(), height), flags, text)
        y += height
    painter.setFont(small)
    painter.setPen(QColor("#000000"))
    for text, height in framed:
        frame = QRect(0, y, room.width(), height)
        painter.drawRect(frame)
        painter.drawText(frame.adjusted(gap, gap // 2, -gap, 0), flags, text)
        y += height + gap // 2
