"""What a drop or a paste brings: files and folders, a picture's bytes, or a picture that must first be packed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QMimeData, QObject, QUrl, Signal
from PySide6.QtGui import QImage

from desktop.core.pictures.formats import PICTURE_FORMATS
from desktop.services.background import run_aside

# Taken as they are, so that the engine decodes what the other program really handed over.
_RAW = {row.mime: row.suffixes[0] for row in PICTURE_FORMATS if row.mime.startswith("image/")}


@dataclass(frozen=True, slots=True)
class Intake:
    """Exactly one of these is filled; ``message`` says in one sentence why there is nothing to open."""

    paths: tuple[str, ...] = ()
    data: bytes | None = field(default=None, repr=False)
    suffix: str = ".png"
    image: QImage | None = None
    message: str = ""


def can_take(mime: QMimeData) -> bool:
    """Whether something in ``mime`` may be opened; cheap, for the moment of dragging."""
    return mime.hasUrls() or mime.hasImage() or any(mime.hasFormat(kind) for kind in _RAW) or mime.hasText()


def read_mime(mime: QMimeData) -> Intake:
    """What ``mime`` holds: local files first, then a picture's bytes, then paths written as text."""
    local = [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
    if local:
        return Intake(paths=tuple(local))
    for kind, suffix in _RAW.items():
        if mime.hasFormat(kind):
            data = bytes(mime.data(kind).data())
            if data:
                return Intake(data=data, suffix=suffix)
    if mime.hasImage():
        image = mime.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Intake(image=image)
    if mime.hasUrls():
        return Intake(message=_tr("That is a web address. Fovea works offline: save the picture, then open it."))
    if mime.hasText():
        return _read_text(mime.text())
    return Intake(message=_tr("There is no image and no file on the clipboard. Copy one, then paste it here."))


def _read_text(text: str) -> Intake:
    paths = []
    for line in text.splitlines():
        words = line.strip().strip("\"'")
        if words.lower().startswith("file:"):
            words = QUrl(words).toLocalFile()
        words = os.path.expanduser(words)
        if not words:
            continue
        if not os.path.isabs(words):
            return Intake(message=_tr("The text on the clipboard is not the path of a file. Copy an image or a file."))
        paths.append(words)
    if paths:
        return Intake(paths=tuple(paths))
    return Intake(message=_tr("There is no image and no file on the clipboard. Copy one, then paste it here."))


class Packer(QObject):
    """Packs a picture from the clipboard as PNG in a thread; ``packed`` carries the :class:`ImageSource`."""

    packed = Signal(object)  # an ImageSource: its class would be loaded before the first paint

    def pack(self, image: QImage, name: str) -> None:
        """Begin; a picture of 50 megapixels takes seconds."""
        run_aside(self._work, QImage(image), name, name="pack")

    def _work(self, image: QImage, name: str) -> None:
        from desktop.core.types import ImageSource

        store = QByteArray()
        buffer = QBuffer(store)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        # 80: little compression, for it is only passed on. The stub asks for bytes, which are refused when it runs.
        if image.save(buffer, "PNG", 80):  # type: ignore[call-overload]
            self.packed.emit(ImageSource(name=name, data=bytes(store.data())))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Intake", text)
