"""Nothing moves by itself where the system or Settings say so."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QProgressBar

from desktop.services.settings import Settings
from desktop.system import motion as of_system
from desktop.ui.kit.motion import at_work, motion
from desktop.ui.kit.theme import theme
from desktop.ui.shell.settings_dialog import SettingsDialog

UI = Path(__file__).resolve().parents[3] / "desktop" / "ui"


@pytest.fixture
def moving(qapp: Any) -> Iterator[None]:
    yield
    motion().reduce(False)


def test_a_bar_without_a_length_runs_or_stands(qtbot: Any, moving: None) -> None:
    bar = QProgressBar()
    qtbot.addWidget(bar)
    at_work(bar)
    assert bar.minimum() == bar.maximum() == 0, "runs to and fro"
    motion().reduce(True)
    at_work(bar)
    assert bar.minimum() < bar.value() < bar.maximum(), "stands half full"


def test_menus_and_lists_do_not_fade(qapp: Any, moving: None) -> None:
    QApplication.setEffectEnabled(Qt.UIEffect.UI_General, True)
    QApplication.setEffectEnabled(Qt.UIEffect.UI_FadeMenu, True)
    motion().reduce(True)
    assert not QApplication.isEffectEnabled(Qt.UIEffect.UI_FadeMenu)
    motion().reduce(False)
    assert QApplication.isEffectEnabled(Qt.UIEffect.UI_FadeMenu)


def test_the_choice_of_settings_takes_effect(qtbot: Any, fovea_home: Path, moving: None) -> None:
    settings = Settings()
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    dialog.motion_chosen.connect(lambda: motion().follow(settings.get("motion")))
    dialog._still.click()
    assert settings.get("motion") == "little" and motion().little


def test_everything_that_moves_asks_first() -> None:
    free = re.compile(r"setRange\(0, 0\)|Q(Property|Variant)Animation|QTimeLine|QMovie|setAnimated\(True\)")
    found = [
        f"{path.name}:{number}"
        for path in sorted(UI.rglob("*.py"))
        if path.name != "motion.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if free.search(line)
    ]
    assert found == []


def test_what_systems_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_system.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert not of_system.system_wants_little()
    (tmp_path / "kdeglobals").write_text("[KDE]\nAnimationDurationFactor=0\n")
    assert of_system.system_wants_little()
    (tmp_path / "kdeglobals").write_text("[KDE\nbroken")
    (tmp_path / "gtk-3.0").mkdir()
    (tmp_path / "gtk-3.0" / "settings.ini").write_text("[Settings]\ngtk-enable-animations=false\n")
    assert of_system.system_wants_little()
    mac = tmp_path / "com.apple.universalaccess.plist"
    assert not of_system._of_macos(mac)
    mac.write_bytes(plistlib.dumps({"reduceMotion": True}))
    assert of_system._of_macos(mac)
    mac.write_bytes(b"damaged")
    assert not of_system._of_macos(mac)


def test_gnome_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "gsettings"
    tool.write_text("#!/bin/sh\necho false\n")
    tool.chmod(0o755)
    monkeypatch.setattr(of_system.sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert of_system.system_wants_little()


def test_text_of_twice_the_size(qapp: Any) -> None:
    usual = theme().font("text").pixelSize()
    theme().set_text(200)
    theme().apply(qapp)
    try:
        assert theme().font("text").pixelSize() == 2 * usual and theme().scaled(100) == 200
        assert theme().font("answer").pixelSize() > theme().font("text").pixelSize()
    finally:
        theme().set_text(100)
        theme().apply(qapp)
    assert theme().font("text").pixelSize() == usual
