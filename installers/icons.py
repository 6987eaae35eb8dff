"""The program's icon, drawn from its SVG in the forms that the systems want, and Windows' version resource."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SVG = ROOT / "resources" / "icons" / "app.svg"


def draw(side: int, path: Path) -> Path:
    """Draw the icon ``side`` pixels wide into ``path``; the form (PNG, ICO, ICNS) follows from its ending."""
    from PIL import Image
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(side, side, QImage.Format.Format_RGBA8888)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SVG)).render(painter)
    painter.end()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.frombuffer("RGBA", (side, side), bytes(image.constBits()), "raw", "RGBA", 0, 1).save(path)
    return path


def for_program(work: Path) -> str | None:
    """The icon file of this system's programs, drawn into ``work``; Linux' programs carry none."""
    ending = {"win32": "ico", "darwin": "icns"}.get(sys.platform)
    return str(draw(512, work / f"fovea.{ending}")) if ending else None


def version_resource(name: str, version: str, work: Path) -> str | None:
    """The file that PyInstaller makes Windows' version resource of; ``None`` on other systems."""
    if sys.platform == "win32":
        path = work / f"{name}.version.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(version_text(name, version), encoding="utf-8")
        return str(path)
    return None


def version_text(name: str, version: str) -> str:
    """Windows' version resource as the Python expression that PyInstaller reads."""
    numbers = tuple([*(int(part) for part in version.split(".")[:3] if part.isdigit()), 0, 0, 0, 0][:4])
    words = {
        "FileDescription": "Fovea",
        "FileVersion": version,
        "InternalName": name,
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "Fovea",
        "ProductVersion": version,
    }
    lines = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in words.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}), kids=["
        f"StringFileInfo([StringTable('040904B0', [{lines}])]), "
        "VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )
