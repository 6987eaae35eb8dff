"""The application: made, dressed, shown; everything heavy begins after the first paint."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.services.single_instance import SingleInstance
from desktop.system import crash
from desktop.ui.kit.theme import MODES, STYLE, theme
from desktop.ui.shell.crash_offer import CrashOffer
from desktop.ui.shell.main_window import MainWindow

if TYPE_CHECKING:
    from desktop.services.engine_service import EngineService


def make_application(arguments: Sequence[str]) -> QApplication:
    """The application with its names and high-DPI rules; the one there is, where there is one."""
    held = QApplication.instance()
    if isinstance(held, QApplication):
        return held
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication(["fovea", *STYLE, *arguments])
    app.setApplicationName("Fovea")
    app.setApplicationDisplayName("Fovea")
    app.setDesktopFileName("fovea")
    return app


class Shell(QObject):
    """The window and what stands behind it: made light, started after the first paint, closed in order."""

    def __init__(self, settings: Settings, paths: Sequence[str] = (), instance: SingleInstance | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.catalog = ModelCatalog(self)
        self.window = MainWindow(settings, self.catalog)
        self.engine: EngineService | None = None
        self._paths = list(paths)
        self._instance = instance
        self.window.painted.connect(self._start)

    @Slot()
    def _start(self) -> None:
        """After the first paint: models, engine, the paths given, the ear for a second instance."""
        from desktop.services.engine_service import EngineService
        from desktop.ui.kit import file_dialogs

        # The processes take longest to come up and do so beside this one: they go first.
        engine = EngineService(self)
        engine.start()
        if self._paths and self.settings.get("model"):
            engine.warm(self.settings.get("model"))
        self.catalog.refresh()
        file_dialogs.remember_in(self.settings)
        self.window.classify.complete()
        self.window.setWindowIcon(theme().icon("app", 64))
        # With 100,000 images listed a full collection takes 150 ms and frees nothing: what lives now is left out of it,
        # and it comes once in a hundred million allocations. Young garbage is collected as ever.
        gc.freeze()
        gc.set_threshold(5000, 20, 1000)
        # Imported by a thread now, so that the first answer, minutes later, does not stop the window for it.
        threading.Thread(target=import_module, args=("numpy",), name="numpy", daemon=True).start()
        threading.Thread(target=_clear_leftovers, name="leftovers", daemon=True).start()
        self.engine = engine
        self.window.engine = engine
        self.window.classify.attach(engine)
        if self.settings.problem:
            self.window.messages.say(self.settings.problem)
        if self._paths:
            self.window.open_paths(self._paths)
        self.window.offer_unfinished()
        if self._instance is not None:
            self._instance.received.connect(self.window.take_over)
            if not self._instance.listen():
                self.window.messages.say(
                    self.window.tr(
                        "A file that is opened from the desktop will not come to this window: no connection for it "
                        "could be made. Drop it here instead."
                    )
                )

    def close_down(self) -> None:
        """End threads and processes, write the settings."""
        self.window.classify.close_down()
        self.window.close_later()
        self.catalog.stop()
        engine = self.engine
        if engine is not None:
            self.window.classify.detach()
            engine.stop()
        self.settings.flush()
        if self._instance is not None:
            self._instance.release()


def build_window(settings: Settings | None = None, paths: Sequence[str] = (), mode: str | None = None) -> Shell:
    """A shell whose window is not yet shown, dressed in ``mode`` (a theme) or what the settings say."""
    app = make_application(())
    settings = settings if settings is not None else Settings()
    wanted = mode if mode is not None else settings.get("theme")
    theme().set_mode(wanted if wanted in MODES else "system")
    theme().apply(app, sheet=False)
    shell = Shell(settings, paths)
    theme().dress()
    return shell


def _clear_leftovers() -> None:
    """What killed processes have left goes at the next start."""
    from desktop.store.housekeeping import clear_leftovers

    clear_leftovers()


def say_busy() -> None:
    """Say that another Fovea runs and does not answer."""
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox()
    box.setWindowTitle("Fovea")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText(box.tr("Fovea is running already, but does not answer."))
    box.setInformativeText(box.tr("Wait until its window answers, or end it, then try again. Nothing was opened."))
    box.exec()


def run(paths: list[str]) -> int:
    """Show the window with ``paths`` opened; returns the exit status when it was closed."""
    app = make_application(())
    instance = SingleInstance()
    if not instance.acquire():
        if instance.hand_over(paths):
            return 0
        # It may have ended just now; else there is another, and two must not write into one store.
        if not instance.acquire():
            say_busy()
            return 1
    crash.watch("window")
    settings = Settings()
    wanted = settings.get("theme")
    theme().set_mode(wanted if wanted in MODES else "system")
    theme().apply(app, sheet=False)
    shell = Shell(settings, paths, instance)
    theme().dress()
    shell.window.painted.connect(CrashOffer(shell.window).look)
    if sys.platform == "darwin":
        from desktop.ui.shell.file_open import FileOpener

        app.installEventFilter(FileOpener(shell.window))
    shell.window.show()
    status = app.exec()
    shell.close_down()
    crash.unwatch()
    return status
