"""Looking at X-rays and other grey pictures as a reader does: window and level, inversion, a ruler, the header.

All of it is for the eye: what the network saw stays what it was, and is shown beside.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QPushButton, QToolButton, QVBoxLayout, QWidget

from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.widgets import decimals, image_of, make_label
from desktop.ui.widgets.picture_view import PictureView

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.pictures.dicom.study import Radiograph
    from desktop.engine.messages import Failure, Preview, RadiographAnswer
    from desktop.services.engine_service import EngineService
    from desktop.services.session import ImageItem, Session

_SIDE = 1024
_DRAW_MS = 25


class RulerLayer(QWidget):
    """Lies over the picture and draws the line that is measured."""

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self._picture = picture
        self.line: QLineF | None = None  # in the picture's pixels
        self.words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(picture.rect())

    # Where the picture is painted anew Qt paints what lies over it as well: the ends move with the picture unasked. Who
    # asked for it at each paint would have both painted without end.
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.line is None:
            return
        whole = self._picture.picture_rect()
        size = self._picture.picture_size()
        scale = whole.width() / max(1, size.width())
        a, b = (whole.topLeft() + point * scale for point in (self.line.p1(), self.line.p2()))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((QColor(0, 0, 0, 200), 5), (QColor("#FFD54A"), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(a, b)
            for end in (a, b):
                painter.drawEllipse(end, 3, 3)
        if self.words:
            metrics = painter.fontMetrics()
            wide, high = metrics.horizontalAdvance(self.words) + 12, metrics.height() + 6
            left = min(max(4.0, b.x() + 10), self.width() - wide - 4.0)
            top = min(max(4.0, b.y() - high - 6), self.height() - high - 4.0)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 190))
            painter.drawRoundedRect(round(left), round(top), wide, high, 4, 4)
            painter.setPen(QColor("#FFFFFF"))
            painter.drawText(round(left) + 6, round(top) + 3 + metrics.ascent(), self.words)


class RadiologyBar(QWidget):
    """A row of tools below the picture's head; in sight while a grey picture is. ``header_wanted`` asks for the table
    of the header."""

    header_wanted = Signal()

    def __init__(self, session: Session, picture: PictureView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._picture = session, picture
        self._engine: EngineService | None = None
        self._values: np.ndarray | None = None
        self._study: Radiograph | None = None
        self._asked = 0
        self._item: ImageItem | None = None  # what the window was chosen for
        self.draws = False
        """Whether the frame on its way is drawn here, through the window chosen before."""
        self._press: QPointF | None = None
        self._begun = (0.0, 1.0)
        self.centre, self.width_ = 127.5, 255.0
        self.ruler = RulerLayer(picture)
        self.window_tool = self._tool(self.tr("Window"), self.tr("Drag in the picture: across: width, down: level"))
        self.presets = QComboBox()
        self.presets.setAccessibleName(self.tr("Windows"))
        self.presets.setToolTip(self.tr("Windows of the file and usual ones"))
        self.presets.setMinimumContentsLength(9)
        self.presets.setPlaceholderText(self.tr("Custom window"))
        self.presets.activated.connect(self._on_preset)
        self.invert = self._tool(self.tr("Invert"), self.tr("Exchange dark and light"))
        self.invert.toggled.connect(self._draw_soon)
        self.measure = self._tool(self.tr("Ruler"), self.tr("Drag in the picture to measure"))
        self.header = QPushButton(self.tr("Header…"))
        self.header.setToolTip(self.tr("The header of the DICOM file; the patient's data stay hidden until asked for"))
        self.header.clicked.connect(self.header_wanted)
        self.facts = make_label("", "secondary", wrap=True)
        self.facts.hide()
        self.window_tool.toggled.connect(self._on_window_tool)
        self.measure.toggled.connect(self._on_measure)
        row = FlowLayout(spacing=6)
        for part in (self.window_tool, self.presets, self.invert, self.measure, self.header):
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.facts)
        self._drawing = QTimer(self)
        self._drawing.setSingleShot(True)
        self._drawing.setInterval(_DRAW_MS)
        self._drawing.timeout.connect(self._draw)
        picture.installEventFilter(self)
        session.preview_changed.connect(self._on_preview)
        self.hide()

    def _tool(self, text: str, about: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setToolTip(about)
        button.setAccessibleName(text)
        button.setAccessibleDescription(about)
        return button

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for the values and the header of DICOM files."""
        self._engine = engine
        engine.radiograph_arrived.connect(self._on_radiograph)
        self._on_preview()

    @property
    def study(self) -> Radiograph | None:
        """What is known of the DICOM file that is shown."""
        return self._study

    @property
    def changed(self) -> bool:
        """Whether the picture is shown otherwise than it was opened."""
        return self._values is not None and self._touched

    _touched = False

    @property
    def settled(self) -> bool:
        """Whether what was asked of the file has come, and is drawn."""
        return self._asked == 0 and not self._drawing.isActive()

    # The picture

    @Slot()
    def _on_preview(self) -> None:
        preview, item = self._session.preview, self._session.current
        self.draws = False
        if item is not None and item is self._item and item.count > 1:
            self._on_frame(preview)
            return
        if preview is not None:
            self._item = item
        self._values, self._study, self._touched, self._asked = None, None, False, 0
        self.ruler.line = None
        self.ruler.update()
        for button in (self.window_tool, self.invert, self.measure):
            with QSignalBlocker(button):
                button.setChecked(False)
        self._picture.unsetCursor()
        grey = preview is not None and preview.pixels.ndim == 2
        dicom = preview is not None and preview.format == "DICOM"
        self.setVisible(grey or dicom)
        self.header.setVisible(dicom)
        if preview is None:
            return
        if grey:
            self._values = preview.pixels
            self._set_presets((("Picture", 127.5, 255.0),))
        self._use(127.5, 255.0)
        if dicom and self._engine is not None:
            self._asked = self._engine.radiograph(preview.source, _SIDE, failed=self._on_failure)
        self._say()

    def _on_frame(self, preview: Preview | None) -> None:
        """Another frame of the same series: window, inversion and tool stay as they were chosen."""
        if preview is None:
            self._asked = 0
            return
        self.ruler.line = None
        self.ruler.update()
        grey, dicom = preview.pixels.ndim == 2, preview.format == "DICOM"
        self._values = preview.pixels if grey and not dicom else None
        self.draws = self._touched and (self._values is not None or (dicom and self._engine is not None))
        if dicom and self._engine is not None:
            self._asked = self._engine.radiograph(preview.source, _SIDE, failed=self._on_failure)
        elif self.draws:
            self._draw()

    @Slot(object)
    def _on_failure(self, answer: Failure) -> None:
        """A frame whose values cannot be had is shown as it was opened."""
        if answer.id == self._asked and answer.id != 0:
            self._asked = 0
            self._show_as_opened()

    def _show_as_opened(self) -> None:
        preview = self._session.preview
        if self.draws and preview is not None:
            self.draws = False
            self._picture.refine(image_of(preview.pixels), preview.original_size)

    @Slot(object)
    def _on_radiograph(self, answer: RadiographAnswer) -> None:
        if answer.id != self._asked or answer.id == 0:
            return
        self._asked = 0
        self._study = answer.study
        if answer.study.values is None:
            self._show_as_opened()
        else:
            self._values = answer.study.values
            self._set_presets(answer.study.windows)
            if self._touched:
                held = (self.centre, self.width_)
                same = (row for row in range(self.presets.count()) if self.presets.itemData(row) == held)
                self.presets.setCurrentIndex(next(same, -1))
                self._draw()
            else:
                _, self.centre, self.width_ = answer.study.windows[0]
        self._say()

    def _set_presets(self, windows: tuple[tuple[str, float, float], ...]) -> None:
        names = {
            "Picture": self.tr("Picture"),
            "Whole range": self.tr("Whole range"),
            "Lung": self.tr("Lung"),
            "Soft tissue": self.tr("Soft tissue"),
            "Bone": self.tr("Bone"),
            "Brain": self.tr("Brain"),
        }
        self.presets.clear()
        for name, centre, width in windows:
            told = names.get(name, name.replace("File", self.tr("File")))
            self.presets.addItem(told, (centre, width))
        self.presets.setCurrentIndex(0)  # with words for 'none', Qt chooses none

    # Window and level

    def _use(self, centre: float, width: float) -> None:
        self.centre, self.width_ = centre, max(width, 1e-3)

    @Slot(int)
    def _on_preset(self, row: int) -> None:
        held = self.presets.itemData(row)
        if held is not None:
            self.set_window(*held)

    def set_window(self, centre: float, width: float) -> None:
        """Show the picture through this window."""
        self._use(centre, width)
        self._draw_soon()

    @Slot()
    def _draw_soon(self) -> None:
        self._touched = True
        if not self._drawing.isActive():
            self._drawing.start()
        self._say()

    @Slot()
    def _draw(self) -> None:
        if self._values is None:
            return
        from desktop.core.pictures.dicom.study import shown

        inverted = self.invert.isChecked() != (self._study is not None and self._study.inverted)
        preview = self._session.preview
        if preview is not None:
            pixels = shown(self._values, self.centre, self.width_, inverted)
            self._picture.refine(image_of(pixels), preview.original_size)

    def _say(self) -> None:
        units = f" {self._study.units}" if self._study is not None and self._study.units else ""
        parts = []
        if self._touched:
            parts.append(self.tr("Centre {0}, width {1}{2}").format(
                decimals(self.centre, 0), decimals(self.width_, 0), units
            ))  # fmt: skip
            parts.append(self.tr("for viewing only: the network used its own"))
        if self.measure.isChecked() and self._spacing is None:
            parts.append(self.tr("no scale in this file: measured in pixels"))
        self.facts.setText(" · ".join(parts))
        self.facts.setVisible(bool(parts))

    # The mouse

    @Slot(bool)
    def _on_window_tool(self, used: bool) -> None:
        if used:
            self.measure.setChecked(False)
        self._dress_cursor()

    @Slot(bool)
    def _on_measure(self, used: bool) -> None:
        if used:
            self.window_tool.setChecked(False)
        else:
            self.ruler.line = None
            self.ruler.update()
        self._dress_cursor()
        self._say()

    def _dress_cursor(self) -> None:
        if self.window_tool.isChecked():
            self._picture.setCursor(Qt.CursorShape.SizeAllCursor)
        elif self.measure.isChecked():
            self._picture.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self._picture.unsetCursor()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What the mouse does in the picture while a tool is chosen."""
        if event.type() == QEvent.Type.Resize:
            self.ruler.setGeometry(self._picture.rect())
            return False
        if not isinstance(event, QMouseEvent) or not (self.window_tool.isChecked() or self.measure.isChecked()):
            return False
        place = event.position()
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._press, self._begun = place, (self.centre, self.width_)
            return True
        if event.type() == QEvent.Type.MouseMove and self._press is not None:
            self._drag(place)
            return True
        if event.type() == QEvent.Type.MouseButtonRelease and self._press is not None:
            self._press = None
            return True
        return event.type() == QEvent.Type.MouseButtonDblClick

    def _drag(self, place: QPointF) -> None:
        assert self._press is not None
        if self.measure.isChecked():
            size = self._picture.picture_size()
            ends = [self._picture.to_picture(spot) for spot in (self._press, place)]
            inside = [QPointF(min(max(0.0, p.x()), size.width()), min(max(0.0, p.y()), size.height())) for p in ends]
            self.ruler.line = QLineF(*inside)
            self.ruler.words = self.length_words(self.ruler.line)
            self.ruler.update()
            return
        across, down = place.x() - self._press.x(), place.y() - self._press.y()
        self.presets.setCurrentIndex(-1)  # what the hand chose has no name
        centre, width = self._begun
        span = max(width, 1e-3) / max(200.0, float(min(self._picture.width(), self._picture.height())))
        self.set_window(centre + down * span, max(width * 0.005, width + across * 2 * span))

    @property
    def _spacing(self) -> tuple[float, float] | None:
        return self._study.spacing if self._study is not None else None

    def length_words(self, line: QLineF) -> str:
        """How long a line of the picture is: in millimetres where the file has a scale, else in pixels."""
        if self._spacing is None:
            return self.tr("{0} pixels").format(decimals(line.length(), 0))
        down, across = self._spacing
        text = self.tr("{0} mm").format(decimals(math.hypot(line.dx() * across, line.dy() * down), 1))
        where = self._study.spacing_at if self._study is not None else ""
        return self.tr("{0} at {1}").format(text, where) if where else text
