"""A drawing as a file: a picture, or strokes to draw on later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from desktop.app.exports import CONTEXT, exports_of
from desktop.core.drawings import strokes
from desktop.core.drawings.strokes import Drawing
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.tabled import translated


def ask_where(parent: QWidget, save: Callable[[str], None]) -> None:
    """Ask for a file of either kind, and hand its path to ``save``."""
    dialog = FileDialog(parent, _tr("Export the Drawing"), "save")
    dialog.setNameFilters([translated(CONTEXT, export.words) for export in exports_of("drawing")])
    dialog.setDefaultSuffix("png")
    dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix("json" if "json" in text else "png"))
    dialog.selectFile(_tr("drawing") + ".png")
    dialog.fileSelected.connect(save)
    dialog.open()


def write_drawing(target: Path, drawing: Drawing, picture: QImage) -> str:
    """Write strokes where ``target`` ends in .json, else ``picture`` as PNG; what went wrong in words, or nothing."""
    from desktop.system.files import reason_of, write_atomically

    data = strokes.dumps(drawing).encode() if target.suffix.lower() == ".json" else png(picture)
    try:
        write_atomically(target, data)
    except OSError as error:
        return _tr("The drawing was not written: {0}. Choose another folder.").format(reason_of(error))
    return ""


def png(image: QImage) -> bytes:
    """The image as a PNG file."""
    return encoded(image, "PNG")


def encoded(image: QImage, form: str = "BMP") -> bytes:
    """The image as the bytes of a file: BMP, which costs next to nothing, or PNG."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, form)  # type: ignore[call-overload]
    buffer.close()
    return bytes(data.data())


def _tr(text: str) -> str:
    return QCoreApplication.translate("DrawView", text)
