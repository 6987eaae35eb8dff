"""Help's dialogs: licences, updates, and the report of a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from desktop.services.settings import Settings
from desktop.system import crash
from desktop.ui.dialogs.crash_report import CrashReportDialog
from desktop.ui.dialogs.licences import LicencesDialog
from desktop.ui.dialogs.updates import UpdatesDialog
from desktop.ui.shell.app import Shell
from desktop.ui.shell.crash_offer import CrashOffer
from tests.system.test_updates import Server, body, server  # noqa: F401


def button(widget: Any, words: str) -> QPushButton:
    return next(held for held in widget.findChildren(QPushButton) if held.text().replace("&", "") == words)


def test_licences_are_listed_filtered_and_shown(qtbot: Any) -> None:
    dialog = LicencesDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: len(dialog.names) > 20, timeout=20_000)
    assert dialog.names[0] == "fovea" and "Apache License" in dialog.text
    dialog._filter.setText("lgpl-3.0-only")
    assert "pyside6-essentials" in dialog.names and "numpy" not in dialog.names
    dialog._list.setCurrentIndex(dialog._shown.index(dialog.names.index("pyside6-essentials"), 0))
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in dialog.text and "download.qt.io" in dialog.text
    dialog._filter.setText("no such thing")
    assert dialog.names == [] and dialog.text == ""


def test_updates_are_off_until_an_address_is_set(qtbot: Any, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    dialog = UpdatesDialog(settings)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not button(dialog, "Check now").isEnabled()
    dialog._address.setText("http://example.org/latest.json")
    assert settings.get("update_address") == "http://example.org/latest.json"
    button(dialog, "Check now").click()
    qtbot.waitUntil(lambda: "https://" in dialog.said, timeout=10_000)


def test_a_newer_version_is_only_told(qtbot: Any, tmp_path: Path, server: Server) -> None:  # noqa: F811
    server.publish(body(notes="Draws <b>faster</b>."))
    settings = Settings(tmp_path / "settings.json")
    settings.set("update_address", server.address)
    dialog = UpdatesDialog(settings)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not server.asked  # opening the dialog asks nothing
    button(dialog, "Check now").click()
    assert button(dialog, "Cancel the check").isVisible()
    qtbot.waitUntil(lambda: "99.1.0" in dialog.said, timeout=10_000)
    assert "newer" in dialog.said
    assert dialog._notes.text() == "Draws <b>faster</b>." and "https://example.org/" in dialog._page.text()
    server.publish(body(version="0.0.1"))
    button(dialog, "Check now").click()
    qtbot.waitUntil(lambda: "newest" in dialog.said, timeout=10_000)
    assert not dialog._page.isVisible()


def test_a_cancelled_check_says_nothing_later(qtbot: Any, tmp_path: Path, server: Server) -> None:  # noqa: F811
    server.publish(body())
    settings = Settings(tmp_path / "settings.json")
    settings.set("update_address", server.address)
    dialog = UpdatesDialog(settings)
    qtbot.addWidget(dialog)
    dialog.show()
    with qtbot.waitSignal(dialog._check._ended, timeout=10_000):
        button(dialog, "Check now").click()
        button(dialog, "Cancel the check").click()
    assert dialog.said == "The check was cancelled."
    assert button(dialog, "Check now").isEnabled()


@pytest.fixture
def report(fovea_home: Path) -> Path:
    try:
        raise RuntimeError("Jane Doe")
    except RuntimeError as error:
        path = crash.write(error, "main")
    crash._State.told.clear()
    assert path is not None
    return path


def test_the_start_after_a_crash_offers_its_report_once(qtbot: Any, shell: Shell, report: Path) -> None:
    offer = CrashOffer(shell.window)
    offer.look()
    bar = shell.window.messages
    qtbot.waitUntil(lambda: "last time" in bar.text, timeout=10_000)
    button(bar, "Show the report").click()
    assert not bar.isVisible()
    (dialog,) = shell.window.findChildren(CrashReportDialog)
    assert "builtins.RuntimeError" in dialog.text and "Jane" not in dialog.text
    button(dialog, "Copy").click()
    assert "builtins.RuntimeError" in QGuiApplication.clipboard().text()
    button(dialog, "Delete the report").click()
    assert not list(report.parent.iterdir())
    assert crash.unseen() == []


def test_menu_has_both_and_opens_them(qtbot: Any, shell: Shell) -> None:
    words = {action.text().replace("&", ""): action for action in shell.window.top_menus[-1].actions()}
    words["Licences"].trigger()
    words["Check for Updates…"].trigger()
    assert shell.window.findChildren(LicencesDialog) and shell.window.findChildren(UpdatesDialog)
    for dialog in (*shell.window.findChildren(LicencesDialog), *shell.window.findChildren(UpdatesDialog)):
        dialog.close()


def test_files_that_the_system_hands_over_are_opened(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtGui import QFileOpenEvent
    from PySide6.QtWidgets import QApplication

    from desktop.ui.shell.file_open import FileOpener
    from tests.ui.conftest import write_image

    picture = write_image(tmp_path / "Ünï 日本.png")
    app = QApplication.instance()
    assert app is not None
    opener = FileOpener(shell.window)
    app.installEventFilter(opener)
    QCoreApplication.sendEvent(app, QFileOpenEvent(str(picture)))
    QCoreApplication.sendEvent(app, QEvent(QEvent.Type.User))
    app.removeEventFilter(opener)
    qtbot.waitUntil(lambda: len(shell.window.classify.session.items) == 1, timeout=10_000)
