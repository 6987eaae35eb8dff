"""The middle of the window: the picture with its name and zoom, what the network saw, notices and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.services.explaining import Explainer
from desktop.services.session import PREVIEW_SIDE, ImageItem, Session
from desktop.ui.classify.frame_bar import FrameBar
from desktop.ui.classify.panes import show_failure
from desktop.ui.classify.radiology import RadiologyBar
from desktop.ui.classify.why_bar import WhyBar
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.scrolled import Scrolled
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of
from desktop.ui.widgets.heat import WHOLE, layer_of
from desktop.ui.widgets.notices import ErrorPanel, NoticeStrip
from desktop.ui.widgets.picture_view import PictureView
from desktop.ui.widgets.prepared_view import PREPARING_CODES, PreparedView, facts_of

if TYPE_CHECKING:
    from desktop.engine.messages import Preview, RadiographAnswer
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.ui.classify.header_dialog import HeaderDialog

DETAIL_SIDE = 16_384
_BUSY_MS = 300


class PicturePane(QWidget):
    """Shows the session's picture. ``look`` asks for the large view, ``again`` to ask the engine anew,
    ``every_wanted`` for answers of all the frames of an item."""

    look = Signal()
    again = Signal()
    every_wanted = Signal(ImageItem)
    menu_wanted = Signal(QPoint)
    copy_wanted = Signal()

    def __init__(
        self, session: Session, catalog: ModelCatalog, explainer: Explainer, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._catalog = catalog
        self._explainer = explainer
        self.why = WhyBar(session, explainer)
        self._detail_asked = False
        self._tools: dict[QToolButton, str] = {}
        self.picture = PictureView()
        self.picture.setAccessibleName(self.tr("Picture"))
        self.prepared = PreparedView()
        for shown in (self.picture, self.prepared):
            shown.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            shown.customContextMenuRequested.connect(self._ask_menu)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.picture)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_wanted)
        self._notices = NoticeStrip()
        self.failure = ErrorPanel()
        self.frames = FrameBar(session)
        self.frames.every_wanted.connect(self.every_wanted)
        self.picture.stepped.connect(self.frames.step)
        self._shown: ImageItem | None = None  # of which a frame is on screen
        self.radiology = RadiologyBar(session, self.picture)
        self.radiology.header_wanted.connect(self._show_header)
        self._header: HeaderDialog | None = None
        self._header_id = 0
        self._engine: EngineService | None = None
        self._build()
        self._busy = QTimer(self)
        self._busy.setSingleShot(True)
        self._busy.setInterval(_BUSY_MS)
        self._busy.timeout.connect(self._say_busy)
        session.current_changed.connect(self._show_name)
        session.preview_changed.connect(self._show_preview)
        session.prediction_changed.connect(self._show_prediction)
        session.detail_arrived.connect(self._show_detail)
        self.picture.zoom_changed.connect(self._show_zoom)
        explainer.changed.connect(self._show_map)
        explainer.opacity_changed.connect(self._show_map)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_name()
        self._show_preview()
        self._show_prediction()

    def _build(self) -> None:
        self._name = ElidedLabel(file=True)
        self._name.setProperty("role", "title")
        self._facts = QLabel()
        self._facts.setProperty("role", "secondary")
        self._zoom = QLabel()
        self._zoom.setProperty("role", "secondary")
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._zoom.setMinimumWidth(52)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self._name, 1)
        head.addSpacing(8)
        head.addWidget(self._facts)
        head.addSpacing(8)
        for icon, words, slot in (
            ("zoom-out", self.tr("Zoom out"), self.picture.zoom_out),
            ("", "", None),
            ("zoom-in", self.tr("Zoom in"), self.picture.zoom_in),
            ("fit", self.tr("Fit to the window"), self.picture.fit),
            ("actual", self.tr("Actual size, 100 %"), self.picture.actual_size),
            ("large", self.tr("Look at it large (Space)"), self.look.emit),
        ):
            if slot is None:
                head.addWidget(self._zoom)
                continue
            head.addWidget(self._tool(icon, words, slot))
        right = QFrame()
        right_layout = QVBoxLayout(right)
        right_layout.setContentsMargins(8, 0, 0, 0)
        column = Scrolled()
        column.setWidget(self.prepared)
        right_layout.addWidget(column)
        right.setMinimumWidth(theme().scaled(132))
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(4)
        self.splitter.addWidget(self.picture)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setSizes([520, 190])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.radiology)
        layout.addWidget(self.why)
        layout.addWidget(self.splitter, 1)
        layout.addWidget(self.frames)
        layout.addWidget(self._notices)
        layout.addWidget(self.failure)

    def _tool(self, icon: str, words: str, slot: object) -> QToolButton:
        button = QToolButton()
        button.setIconSize(QSize(20, 20))
        button.setMinimumSize(32, 32)
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.clicked.connect(lambda: slot())  # type: ignore[operator]
        self._tools[button] = icon
        return button

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for values and headers of DICOM files."""
        self._engine = engine
        self.radiology.attach(engine)
        engine.radiograph_arrived.connect(self._on_header)

    @Slot()
    def _show_header(self) -> None:
        from desktop.ui.classify.header_dialog import HeaderDialog

        item = self._session.current
        if item is None or self._engine is None:
            return
        self._header = HeaderDialog(item.source.name, self.window())
        self._header.reveal_wanted.connect(self._ask_header)
        self._header.open()
        self._ask_header(False)

    @Slot(bool)
    def _ask_header(self, reveal: bool) -> None:
        item = self._session.current
        if item is not None and self._engine is not None:
            self._header_id = self._engine.radiograph(item.source, 16, reveal, "header")

    @Slot(object)
    def _on_header(self, answer: RadiographAnswer) -> None:
        if answer.id == self._header_id and self._header is not None:
            self._header_id = 0
            self._header.show_rows(answer.study.header)

    @Slot(QPoint)
    def _ask_menu(self, place: QPoint) -> None:
        shown = self.sender()
        if isinstance(shown, QWidget):
            self.menu_wanted.emit(shown.mapToGlobal(place))

    # What is shown

    @Slot()
    def _show_name(self) -> None:
        item = self._session.current
        self._name.set_text(item.name if item is not None else "")
        self.picture.set_stepping(self.frames.several)
        self._facts.clear()

    @Slot()
    def _show_preview(self) -> None:
        self._detail_asked = False
        preview, failure = self._session.preview, self._session.preview_failure
        for button in self._tools:
            button.setEnabled(preview is not None)
        if preview is not None:
            self._busy.stop()
            self.picture.set_message("")
            self._show_pixels(preview)
            width, height = preview.original_size
            facts = [f"{width} × {height}", preview.format]
            self._facts.setText(" · ".join(facts))
        elif failure is None and self._session.current is not None and self._session.current is self._shown:
            # The next frame is there in a moment: an empty ground between the two would flicker.
            self._busy.start()
            return
        else:
            self.picture.set_image(None)
            self._shown = None
            self._zoom.clear()
            if failure is not None:
                self._busy.stop()
                self.picture.set_message(self.tr("This image cannot be shown."))
            else:
                self.picture.set_message("")
                if self._session.current is not None:
                    self._busy.start()
        self._show_failure()
        self._show_notices()

    def _show_pixels(self, preview: Preview) -> None:
        """A frame after another of the same series keeps zoom and place, and waits for the window that was chosen."""
        item = self._session.current
        self.picture.set_stepping(self.frames.several)
        if item is not self._shown:
            self._shown = item
            self.picture.set_image(_displayable(image_of(preview.pixels)), preview.original_size)
        elif not self.radiology.draws:
            self.picture.refine(_displayable(image_of(preview.pixels)), preview.original_size)

    @Slot()
    def _say_busy(self) -> None:
        if self._session.preview is None:
            self.picture.set_image(None)
            self._shown = None
            self._zoom.clear()
        self.picture.set_message(self.tr("Opening…"))

    @Slot()
    def _show_prediction(self) -> None:
        prediction = self._session.prediction
        entry = self._catalog.entry(self._session.model_id)
        if prediction is not None and prediction.prepared is not None and entry is not None and entry.manifest:
            self.prepared.show_prepared(prediction.prepared, facts_of(prediction, entry.manifest))
        else:
            self.prepared.show_prepared(None, [])
        self.why.set_manifest(entry.manifest if entry is not None and prediction is not None else None)
        self._show_map()
        self._show_failure()
        self._show_notices()

    @Slot()
    def _show_map(self) -> None:
        """Lay the map over the picture, or over the input where that is the only place that it fits."""
        explainer = self._explainer
        found = explainer.explanation if explainer.wanted else None
        opacity = explainer.opacity / 100
        if found is None or self._session.prediction is None:
            self.picture.set_layer(None, WHOLE, opacity)
            self.prepared.set_layer(None, opacity)
            return
        layer = layer_of(found.heat)
        self.picture.set_layer(layer if found.box is not None else None, found.box or WHOLE, opacity)
        self.prepared.set_layer(layer if found.box is None else None, opacity)

    def _show_failure(self) -> None:
        failure = self._session.preview_failure or self._session.failure
        if failure is None or failure.model_failed:
            self.failure.clear()
        else:
            show_failure(self.failure, failure)

    def _show_notices(self) -> None:
        preview, prediction = self._session.preview, self._session.prediction
        source = prediction if prediction is not None else preview
        notices = [n for n in source.notices if n.code not in PREPARING_CODES] if source is not None else []
        self._notices.set_notices(notices)

    @Slot(float)
    def _show_zoom(self, zoom: float) -> None:
        if not self.picture.has_image:
            self._zoom.clear()
            return
        self._zoom.setText(self.locale().toString(zoom * 100, "f", 0) + " %")
        preview = self._session.preview
        if preview is None or self._detail_asked or self.picture.is_fitted:
            return
        height, width = preview.pixels.shape[:2]
        shown = max(width, height) / max(preview.original_size)
        if shown < 1 and zoom > shown and max(preview.original_size) > PREVIEW_SIDE:
            # Nearer than the copy has pixels: ask for the whole picture, the view keeps its place.
            self._detail_asked = True
            self._session.ask_detail(DETAIL_SIDE)

    @Slot(object)
    def _show_detail(self, detail: Preview) -> None:
        self.picture.refine(_displayable(image_of(detail.pixels)), detail.original_size)

    @Slot()
    def _dress(self) -> None:
        for button, icon in self._tools.items():
            button.setIcon(theme().icon(icon, 20))


def _displayable(image: QImage) -> QImage:
    """The format that is painted without converting each time."""
    return (
        image
        if image.format() == QImage.Format.Format_Grayscale8
        else image.convertToFormat(QImage.Format.Format_RGB32)
    )
