"""The application: made, dressed, shown; everything heavy begins after the first paint."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from desktop.services.background import run_aside
from desktop.services.catalog import ModelCatalog
from desktop.services.garbage import GarbageKeeper
from desktop.services.settings import Settings
from desktop.services.single_instance import SingleInstance
from desktop.system import crash, words
from desktop.ui.kit.focus import FocusKeeper
from desktop.ui.kit.theme import MODES, STYLE, theme
from desktop.ui.shell import language
from desktop.ui.shell.crash_offer import CrashOffer
from desktop.ui.shell.main_window import MainWindow

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.engine.client import EngineClient
    from desktop.services.engine_service import EngineService
    from desktop.services.first_models import FirstModels


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
    FocusKeeper(app)
    GarbageKeeper(app)
    return app


def speak(app: QApplication, settings: Settings) -> None:
    """The language of Settings, or of the system, before the first word is shown."""
    language.speak(app, chosen=settings.get("language"))


class Shell(QObject):
    """The window and what stands behind it: made light, started after the first paint, closed in order."""

    def __init__(
        self,
        settings: Settings,
        paths: Sequence[str] = (),
        instance: SingleInstance | None = None,
        restore: bool = True,
        first_models: bool = False,
        predictor: EngineClient | None = None,
    ) -> None:
        """``first_models``: make the models whose weights came with the installation, where they are missing.
        ``predictor``: the engine that predicts, where it was started already."""
        super().__init__()
        self._restore = restore
        self.settings = settings
        self.engine: EngineService | None = None
        self._predictor = predictor
        self.catalog = ModelCatalog(self)
        self.window = MainWindow(settings, self.catalog)
        self._paths = list(paths)
        self._instance = instance
        self._wants_models = first_models
        self._first_models: FirstModels | None = None
        self.window.painted.connect(self._start)
        self.window.anew.connect(self._toggle_again)
        self.comes_again = False
        self._taken_over: tuple[list[ImageSource], int, str] | None = None

    @Slot()
    def _toggle_again(self) -> None:
        self.comes_again = not self.comes_again

    def successor(self, app: QApplication) -> Shell:
        """This one ended, and another in the language and the size of text that Settings say now, with the same images
        and view."""
        session = self.window.classify.session
        place = session.items.index(session.current) if session.current in session.items else -1
        kept = ([item.source for item in session.items], place, self.window.host.shown_id)
        instance, self._instance = self._instance, None
        self.close_down()
        self.window.deleteLater()
        speak(app, self.settings)
        theme().set_text(self.settings.get("text_percent"))
        theme().apply(app, sheet=False)
        shell = Shell(Settings(), (), instance, restore=False, first_models=False)
        shell._taken_over = kept
        return shell

    def _take_over(self) -> None:
        """List the images of the window before, show the view that it showed."""
        if self._taken_over is None:
            return
        sources, place, view = self._taken_over
        self.window.classify.last_images.list_again(sources, place)
        if view:
            self.window.host.show_view(view)

    @Slot()
    def _start(self) -> None:
        """After the first paint: models, engine, the paths given, the ear for a second instance."""
        from desktop.services.engine_service import EngineService
        from desktop.ui.kit import file_dialogs

        # The processes take longest to come up and do so beside this one: they go first.
        engine, self._predictor = EngineService(self, self._predictor), None
        engine.start()
        self.catalog.refresh()
        file_dialogs.remember_in(self.settings)
        self.window.classify.complete()
        self.window.setWindowIcon(theme().icon("app", 64))
        gc.freeze()  # what lives now lives to the end: no collection looks through it
        # Imported by a thread now, so that the first answer, minutes later, does not stop the window for it.
        run_aside(import_module, "numpy", name="numpy")
        run_aside(_clear_leftovers, name="leftovers")
        self.window.follow_motion()
        self.engine = engine
        self.window.host.engine = engine
        self.window.classify.attach(engine)
        if self.settings.problem:
            self.window.messages.say(self.settings.problem)
        if lacking := language.lacking_font(words.language()):
            self.window.messages.say(lacking)
        if self._restore:
            self.window.classify.restore_images(nothing_else=not self._paths)
        self._take_over()
        if self._paths:
            self.window.open_paths(self._paths)
        self.window.host.offer_unfinished()
        if self._instance is not None:
            self._instance.received.connect(self.window.take_over)
            if not self._instance.listen():
                self.window.messages.say(
                    self.window.tr(
                        "A file that is opened from the desktop will not come to this window: no connection for it "
                        "could be made. Drop it here instead."
                    )
                )
        if self._wants_models and self.settings.get("first_models"):
            # Once it is known what there is: the bar says what works meanwhile.
            self.catalog.changed.connect(self._make_models, Qt.ConnectionType.SingleShotConnection)

    @Slot()
    def _make_models(self) -> None:
        from desktop.services.first_models import FirstModels
        from desktop.store.catalogue import EVERYDAY

        entry = self.catalog.entry(EVERYDAY)
        if entry is not None and entry.state == "ready":
            return
        from desktop.ui.shell.first_models import FirstModelsBar

        self._first_models = FirstModels(self)
        FirstModelsBar(self.window, self._first_models)
        self._first_models.start()

    def close_down(self) -> None:
        """End threads and processes, write the settings."""
        if self._first_models is not None:
            self._first_models.stop()
        self.window.classify.close_down()
        self.window.host.close_later()
        self.catalog.stop()
        engine = self.engine
        if engine is not None:
            self.window.classify.detach()
            engine.stop()
        elif self._predictor is not None:  # closed before it was painted
            self._predictor.close()
        self.settings.flush()
        if self._instance is not None:
            self._instance.release()


def build_window(
    settings: Settings | None = None, paths: Sequence[str] = (), mode: str | None = None, restore: bool = False
) -> Shell:
    """A shell whose window is not yet shown, dressed in ``mode`` (a theme) or what the settings say. Only with
    ``restore`` does it list the images of the last time, and remember its own."""
    app = make_application(())
    settings = settings if settings is not None else Settings()
    speak(app, settings)
    wanted = mode if mode is not None else settings.get("theme")
    theme().set_mode(wanted if wanted in MODES else "system")
    theme().set_text(settings.get("text_percent"))
    theme().apply(app, sheet=False)
    shell = Shell(settings, paths, restore=restore)
    theme().dress()
    return shell


def _clear_leftovers() -> None:
    """What killed processes have left goes at the next start."""
    from desktop.store.housekeeping import clear_leftovers

    clear_leftovers()
    from desktop.store.file_actions import FileActions

    FileActions().recover()


def say_busy() -> None:
    """Say that another Fovea runs and does not answer."""
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox()
    box.setWindowTitle("Fovea")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText(box.tr("Fovea is running already, but does not answer."))
    box.setInformativeText(box.tr("Wait until its window answers, or end it, then try again. Nothing was opened."))
    box.exec()


def run(paths: list[str], predictor: EngineClient | None = None) -> int:
    """Show the window with ``paths`` opened; returns the exit status when it was closed. ``predictor``: the engine that
    predicts, where it was started already."""
    app = make_application(())
    settings = Settings()
    speak(app, settings)
    instance = SingleInstance()
    if not instance.acquire():
        taken = instance.hand_over(paths)
        # It may have ended just now; else there is another, and two must not write into one store.
        if taken or not instance.acquire():
            if predictor is not None:
                predictor.close()
            if not taken:
                say_busy()
            return 0 if taken else 1
    crash.watch("window")
    wanted = settings.get("theme")
    theme().set_mode(wanted if wanted in MODES else "system")
    theme().set_text(settings.get("text_percent"))
    theme().apply(app, sheet=False)
    shell = Shell(settings, paths, instance, first_models=True, predictor=predictor)
    while True:
        theme().dress()
        shell.window.painted.connect(CrashOffer(shell.window).look)
        if sys.platform == "darwin":
            from desktop.ui.shell.file_open import FileOpener

            app.installEventFilter(FileOpener(shell.window))
        shell.window.show()
        status = app.exec()
        if not shell.comes_again:
            break
        shell = shell.successor(app)
    shell.close_down()
    crash.unwatch()
    return status
