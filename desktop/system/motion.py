"""Whether the system is told to move as little as possible on its screen."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

_WAIT_S = 2
_CLIENT_AREA_ANIMATION = 0x1042  # SPI_GETCLIENTAREAANIMATION of winuser.h


def system_wants_little() -> bool:
    """Whether animations are switched off in the system's settings; false where it does not say.

    Windows: 'Animation effects'. macOS: 'Reduce motion'. GNOME and what reads its settings: 'Animations', asked of
    ``gsettings``; KDE: an animation speed of nothing; others: ``gtk-enable-animations`` of GTK's files. May start a
    process: not for the drawing thread.
    """
    if sys.platform == "win32":
        import ctypes

        on = ctypes.c_int(1)
        asked = ctypes.windll.user32.SystemParametersInfoW(_CLIENT_AREA_ANIMATION, 0, ctypes.byref(on), 0)
        return bool(asked) and not on.value
    if sys.platform == "darwin":
        return _of_macos(Path.home() / "Library" / "Preferences" / "com.apple.universalaccess.plist")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return _of_gnome() or _of_kde(config / "kdeglobals") or any(
        _of_gtk(config / f"gtk-{version}.0" / "settings.ini") for version in (4, 3)
    )  # fmt: skip


def _of_macos(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return bool(plistlib.load(stream).get("reduceMotion"))
    except (OSError, ValueError, plistlib.InvalidFileException, AttributeError):
        return False


def _of_gnome() -> bool:
    tool = shutil.which("gsettings")
    if tool is None:
        return False
    try:
        told = subprocess.run(
            [tool, "get", "org.gnome.desktop.interface", "enable-animations"],
            capture_output=True, text=True, timeout=_WAIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return False
    return told.stdout.strip() == "false"


def _of_kde(file: Path) -> bool:
    return _value(file, "KDE", "AnimationDurationFactor").strip() in ("0", "0.0")


def _of_gtk(file: Path) -> bool:
    return _value(file, "Settings", "gtk-enable-animations").strip().lower() in ("0", "false")


def _value(file: Path, part: str, key: str) -> str:
    reader = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        reader.read_string(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, configparser.Error):
        return ""
    return reader.get(part, key, fallback="")
