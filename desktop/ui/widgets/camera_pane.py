"""A camera in a view: which one, what it sees, that it is on, and why it is not.

Off at once when it is no longer seen: another view is shown, the window is hidden or made small. It does not go on by
itself then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.services.camera import Camera
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.help_key import explain
from desktop.ui.kit.theme import theme
from desktop.ui.kit.tokens import on_accent
from desktop.ui.kit.widgets import make_label, sentence
from desktop.ui.widgets.camera_screen import CameraScreen, OnSign

if TYPE_CHECKING:
    from desktop.engine.camera_messages import CameraFrame, CameraSource

_FILE, _ADDRESS, _LOOK = "file", "address", "look"
VIDEOS = "*.mp4 *.avi *.mkv *.webm *.mov *.m4v *.mpg *.mpeg"


class CameraPane(QWidget):
    """Shows ``camera``. ``closed`` says that the user has done with it; ``kept`` carries a ``Recorded`` that the button
    'Keep this frame' asked for. ``tools`` takes further buttons, ``below`` what a view shows under the picture."""

    closed = Signal()
    kept = Signal(object)  # a Recorded, of a module that is not imported with the window

    def __init__(self, camera: Camera, parent: QWidget | None = None, *, keeps: bool = True) -> None:
        super().__init__(parent)
        self.camera = camera
        self._found: list[CameraSource] = []
        self._own: CameraSource | None = None  # a file or an address
        self._looked = False
        self._wanted: int = 0  # the number of the frame that is to be kept
        self._start_when_found = False
        self._last = ""
        self._build(keeps)
        explain(self, "camera")
        camera.state_changed.connect(self._show_state)
        camera.frame_arrived.connect(self._show_frame)
        camera.found.connect(self._on_found)
        camera.recorded.connect(self._on_recorded)
        camera.recording_done.connect(self._on_recording_done)
        theme().changed.connect(self._dress)
        self._dress()
        self._fill()
        self._show_state()

    def _build(self, keeps: bool) -> None:
        self.chooser = QComboBox()
        self.chooser.setAccessibleName(self.tr("Camera"))
        self.chooser.setMinimumWidth(theme().scaled(180))
        self.chooser.setMaximumWidth(theme().scaled(320))
        self.chooser.activated.connect(self._choose)
        self.power = QPushButton()
        self.power.clicked.connect(self._switch)
        self.keep = QPushButton(self.tr("Keep this frame"))
        self.keep.setToolTip(self.tr("Put the frame that is shown into the list of images (Return)"))
        self.keep.setProperty("role", "primary")
        self.keep.clicked.connect(self._keep)
        self.keep.setVisible(keeps)
        self.sign = OnSign()
        self._close = QToolButton()
        self._close.setMinimumSize(32, 32)
        self._close.setIconSize(QSize(20, 20))
        self._close.setToolTip(self.tr("Turn the camera off and close it (Escape)"))
        self._close.setAccessibleName(self.tr("Close the camera"))
        self._close.clicked.connect(self.close_camera)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.chooser)
        head.addWidget(self.power)
        head.addWidget(self.sign)
        head.addStretch(1)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(8)
        head.addLayout(self.tools)
        head.addWidget(self.keep)
        head.addWidget(self._close)
        self.screen_of = CameraScreen()
        self._told = make_label("", "secondary", wrap=True)
        self.below = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.screen_of, 1)
        layout.addWidget(self._told)
        layout.addLayout(self.below)
        self.setAccessibleName(self.tr("Camera"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # What can be done

    def begin(self) -> None:
        """Turn on what was used last, or the first camera there is; looks for cameras first."""
        if self.camera.is_on:
            return
        if self._own is not None:
            self.camera.start(self._own)
        else:
            self._start_when_found = True
            self._look()

    def show_source(self, source: CameraSource) -> None:
        """Turn on this camera, file or address."""
        self._start_when_found = False
        if source.kind != "camera":
            self._own = source
        elif source not in self._found:
            self._found.append(source)
        self._last = source.where
        self._fill()
        self.camera.start(source)

    def close_camera(self) -> None:
        """Turn it off; the view closes the pane."""
        self.camera.stop()
        self.closed.emit()

    @Slot()
    def _switch(self) -> None:
        if self.camera.is_on:
            self.camera.stop()
            return
        chosen = self.chooser.currentData()
        if isinstance(chosen, int) and 0 <= chosen < len(self._found):
            self.camera.start(self._found[chosen])
        else:
            self.begin()

    @Slot()
    def _keep(self) -> None:
        self._wanted = self.camera.keep_shown()

    def _look(self) -> None:
        self._looked = True
        self.screen_of.set_message(self.tr("Looking for cameras…"))
        self.camera.look()

    @Slot(list)
    def _on_found(self, sources: list[CameraSource]) -> None:
        self._found = sources
        self._fill()
        if not self._start_when_found:
            self._show_state()
            return
        self._start_when_found = False
        if not sources:
            self._show_state()
        elif self.isVisible():
            held = [source for source in sources if source.where == self._last]
            self.show_source((held or sources)[0])

    def _fill(self) -> None:
        with QSignalBlocker(self.chooser):
            self.chooser.clear()
            for place, source in enumerate(self._found):
                self.chooser.addItem(source.name, place)
            if self._own is not None:
                self.chooser.addItem(self._own.name, "own")
            if not self._found:
                self.chooser.addItem(self.tr("No camera"), "")
            self.chooser.insertSeparator(self.chooser.count())
            self.chooser.addItem(self.tr("A video file…"), _FILE)
            self.chooser.addItem(self.tr("A network camera…"), _ADDRESS)
            self.chooser.addItem(self.tr("Look for cameras again"), _LOOK)
            self._show_chosen()

    def _show_chosen(self) -> None:
        source: Any = self.camera.source or self._own
        place = 0
        if source is not None and source.kind != "camera":
            place = self.chooser.findData("own")
        elif source in self._found:
            place = self.chooser.findData(self._found.index(source))
        self.chooser.setCurrentIndex(max(0, place))

    @Slot(int)
    def _choose(self, row: int) -> None:
        chosen = self.chooser.itemData(row)
        if isinstance(chosen, int):
            self.show_source(self._found[chosen])
        elif chosen == "own" and self._own is not None:
            self.show_source(self._own)
        elif chosen == _FILE:
            self.ask_file()
        elif chosen == _ADDRESS:
            self.ask_address()
        elif chosen == _LOOK:
            self._start_when_found = not self.camera.is_on
            self._look()
        with QSignalBlocker(self.chooser):
            self._show_chosen()

    def ask_file(self) -> None:
        """Ask for a video to play as if it were a camera."""
        dialog = FileDialog(self.window(), self.tr("Open a Video as a Camera"))
        dialog.setNameFilters([self.tr("Videos ({0})").format(VIDEOS), self.tr("All files (*)")])
        dialog.fileSelected.connect(self.open_text)
        dialog.open()

    def ask_address(self) -> None:
        """Ask for the address of a network camera."""
        dialog = QInputDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Network Camera"))
        dialog.setLabelText(self.tr("Address of the camera (rtsp://, http:// or https://):"))
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.textValueSelected.connect(self.open_text)
        dialog.open()

    @Slot(str)
    def open_text(self, text: str) -> None:
        """Open a file's path or an address that a user gave."""
        from desktop.engine.camera_messages import CameraError, source_of

        try:
            self.show_source(source_of(text))
        except CameraError as error:
            self._told.setText(f"{sentence(error.message)} {error.hint}")

    # What is shown

    @Slot()
    def _show_state(self) -> None:
        camera = self.camera
        state, on = camera.state, camera.is_on
        self.sign.set_on(on, camera.recording)
        self.screen_of.recording = camera.recording
        self.keep.setEnabled(state == "on" and camera.newest is not None)
        self.power.setText(self.tr("Turn off") if on else self.tr("Turn on"))
        self.power.setEnabled(on or bool(self._found) or self._own is not None or not self._looked)
        words = ""
        if state == "starting":
            self.screen_of.show_frame(None)
            words = self.tr("Turning on…")
        elif state == "failed":
            self.screen_of.show_frame(None)
            words = "\n".join(sentence(part) for part in (camera.message, camera.hint) if part)
        elif state == "ended":
            words = self.tr("The video is over.")
            if camera.early:
                words = self.tr("The video breaks off before its end: the file is cut short or damaged.")
        elif state == "off":
            self.screen_of.show_frame(None)
            words = self.tr("The camera is off.")
            if self._looked and not self._found and self._own is None and not self._start_when_found:
                words = self.tr(
                    "No camera was found. Plug one in, then look for cameras again; "
                    "a video file or a network camera can be chosen above."
                )
        self.screen_of.set_message(words)
        source = camera.source
        told = ""
        if on and source is not None and source.kind == "address":
            told = self.tr("This comes over the network from {0}.").format(source.name)
        elif on:
            told = self.tr("Nothing is stored unless you keep it.")
        self._told.setText(told)
        if source is not None:
            with QSignalBlocker(self.chooser):
                self._show_chosen()

    @Slot(object)
    def _show_frame(self, frame: CameraFrame) -> None:
        if self.isVisible():
            self.screen_of.show_frame(frame)
        if not self.keep.isEnabled():
            self.keep.setEnabled(self.camera.state == "on")

    @Slot(object)
    def _on_recorded(self, recorded: Any) -> None:
        if self._wanted and recorded.id == self._wanted:
            self._wanted = 0
            self.kept.emit(recorded)

    @Slot(object)
    def _on_recording_done(self, done: object) -> None:
        self._show_state()

    def set_recording(self, recording: bool) -> None:
        """Show that frames are being kept now; for views that record."""
        self.sign.set_on(self.camera.is_on, recording)
        self.screen_of.recording = recording
        self.screen_of.update()

    @Slot()
    def _dress(self) -> None:
        self._close.setIcon(theme().icon("cross", 20))
        self.keep.setIcon(theme().icon("camera", 16, on_accent(theme().tokens, theme().is_dark)))

    # Seen or not

    def showEvent(self, event: QShowEvent) -> None:
        """Watch the window: made small, it hides nothing of its own on some systems."""
        super().showEvent(event)
        self.window().installEventFilter(self)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: off."""
        super().hideEvent(event)
        self._start_when_found = False
        self.window().removeEventFilter(self)
        self.camera.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window made small: off as well."""
        if event.type() in (QEvent.Type.WindowStateChange, QEvent.Type.Hide, QEvent.Type.Close):
            window = self.window()
            if watched is window and (window.isMinimized() or not window.isVisible()):
                self.camera.stop()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return keeps the frame, Escape closes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.keep.isEnabled() and not self.keep.isHidden():
            self._keep()
        elif event.key() == Qt.Key.Key_Escape:
            self.close_camera()
        else:
            super().keyPressEvent(event)
