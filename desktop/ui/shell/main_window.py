"""The main window: rail, menus, drops, dialogs; everything else is a view's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from desktop.services.settings import Settings
from desktop.ui.kit.drops import take_a_copy
from desktop.ui.kit.theme import theme
from desktop.ui.shell.host import ViewHost
from desktop.ui.shell.rail import Rail
from desktop.ui.shell.views import LATER

if TYPE_CHECKING:
    # Each of Qt's classes costs time when its name is first looked up: before the first paint only what is drawn is.
    from PySide6.QtGui import (
        QCloseEvent,
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QPaintEvent,
        QResizeEvent,
    )

    from desktop.services.catalog import ModelCatalog
    from desktop.services.session import ImageItem
    from desktop.ui.classify.view import ClassifyView
    from desktop.ui.evaluate.view import EvaluateView
    from desktop.ui.help.window import HelpWindow
    from desktop.ui.kit.file_dialogs import FileDialog
    from desktop.ui.kit.later_view import LaterView
    from desktop.ui.shell.cluster import ClusterDesk
    from desktop.ui.shell.menus import Menus
    from desktop.ui.widgets.drop_overlay import DropOverlay
    from desktop.ui.widgets.message_bar import MessageBar

SMALLEST = (1024, 640)
FIRST_SIZE = (1280, 720)


class MainWindow(QMainWindow):
    """``painted`` is emitted once, after the first paint: only then may anything heavy begin.

    The first paint shows the frame, the menu bar and the rail; the views and the menus' commands are made right after
    it, or when they are first asked for.
    """

    painted = Signal()
    anew = Signal()
    """The window was closed to come again in another language."""

    def __init__(self, settings: Settings, catalog: ModelCatalog) -> None:
        super().__init__()
        self.settings = settings
        self._catalog = catalog
        self._has_painted = False
        self._classify: ClassifyView | None = None
        self._menus: Menus | None = None
        self._messages: MessageBar | None = None
        self._overlay: DropOverlay | None = None
        self._help: HelpWindow | None = None
        self._cluster: ClusterDesk | None = None
        self.setWindowTitle("Fovea")
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self._build()
        self._restore()

    def _build(self) -> None:
        self.rail = Rail()
        self.rail.add_view("classify", "classify", self.tr("Classify"), self.tr("Classify images"))
        for later in LATER:
            self.rail.add_view(later.id, later.id, self.tr(later.word), self.tr(later.tip))
        self.rail.set_view("classify")
        self.rail.help_requested.connect(self.show_help)
        self.rail.settings_requested.connect(self.show_settings)
        self.views = QStackedWidget()
        self.host = ViewHost(self, self.views, self.rail, self._catalog, self.settings)
        self.rail.view_chosen.connect(self.host.show_view)
        self.settings.saving_failed.connect(self._say)
        self._column = column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.views, 1)
        self._middle = middle = QWidget()
        layout = QHBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addLayout(column, 1)
        self.setCentralWidget(middle)
        titles = (self.tr("&File"), self.tr("&Edit"), self.tr("&View"), self.tr("&Model"), self.tr("&Help"))
        self.top_menus = [self.menuBar().addMenu(title) for title in titles]

    @property
    def messages(self) -> MessageBar:
        """The bar above the views that says what went wrong."""
        if self._messages is None:
            from desktop.ui.widgets.message_bar import MessageBar

            self._messages = MessageBar()
            self._column.insertWidget(0, self._messages)
        return self._messages

    def put_above(self, bar: QWidget) -> None:
        """Show ``bar`` above the views."""
        self._column.insertWidget(0, bar)

    @Slot(str)
    def _say(self, text: str) -> None:
        self.messages.say(text)

    @property
    def classify(self) -> ClassifyView:
        """The Classify view, made after the first paint or when it is first asked for."""
        if self._classify is None:
            from desktop.ui.classify.view import ClassifyView

            self._classify = ClassifyView(self._catalog, self.settings)
            self.views.insertWidget(0, self._classify)
            self.views.setCurrentWidget(self._classify)
            self._connect(self._classify)
            self._classify.take_focus()
        return self._classify

    @property
    def menus(self) -> Menus:
        """The commands of the menus; they need the Classify view, which asks for them when it is made."""
        if self.classify is not None and self._menus is None:
            from desktop.ui.kit.help_key import desk
            from desktop.ui.shell.menus import Menus

            self._menus = Menus(self, self)
            desk().asked.connect(self.show_help_on)
        return self._menus

    def _connect(self, view: ClassifyView) -> None:
        view.files_wanted.connect(self.open_files)
        view.folder_wanted.connect(self.open_folder)
        view.paste_wanted.connect(self.paste)
        view.card_requested.connect(self.show_card)
        view.look_requested.connect(self.look_large)
        view.said.connect(self.messages.say)
        view.told.connect(self.messages.tell)
        view.install_wanted.connect(self.host.install_model)
        view.opener.finished.connect(self._offer_cluster)
        self._classify = view
        view.session.current_changed.connect(self.menus.refresh)
        view.session.current_changed.connect(self._show_title)
        view.session.undo_changed.connect(self.menus.refresh)
        view.session.preview_changed.connect(self.menus.refresh)
        view.doing.changed.connect(self.menus.refresh)
        view.doing.retrain_wanted.connect(self.host.retrain)
        view.session.model_changed.connect(self.menus.refresh)
        view.job.ended.connect(self.menus.refresh)
        view.job.began.connect(self.menus.refresh)
        view.job.answered.connect(self.menus.refresh)
        view.list.model.counts_changed.connect(self.menus.refresh)
        self.views.currentChanged.connect(self.menus.refresh)

    # The views beside Classify, which the host holds

    @property
    def shown(self) -> LaterView | None:
        """The view that is shown, unless that is Classify."""
        return self.host.shown

    @property
    def evaluate(self) -> EvaluateView:
        """The Evaluate view, made when it is first asked for."""
        return self.host.evaluate

    def later(self, view_id: str) -> LaterView:
        """The view of that id, made when it is first asked for. Raises :class:`KeyError` for an unknown one."""
        return self.host.later(view_id)

    @Slot(str)
    def show_view(self, view_id: str) -> None:
        """Show the view of that id, as the rail names it."""
        self.host.show_view(view_id)

    # Commands

    def open_paths(self, paths: list[str]) -> None:
        """Open files and folders, as from the command line or a second start; brings the window to the front."""
        self.show_classify()
        self.classify.add_paths(paths)

    @Slot(list)
    def take_over(self, paths: list[str]) -> None:
        """A second Fovea was started: come to the front and open what it was given."""
        if self.isMinimized():
            self.showNormal()
        self.raise_()
        self.activateWindow()
        if paths:
            self.open_paths(paths)

    @Slot()
    def open_files(self) -> None:
        """Choose image files."""
        from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
        from desktop.ui.kit.file_dialogs import FileDialog

        dialog = FileDialog(self, self.tr("Open Images"))
        dialog.setFileMode(FileDialog.FileMode.ExistingFiles)
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(SUPPORTED_SUFFIXES))
        dialog.setNameFilters([self.tr("Images ({0})").format(patterns), self.tr("All files (*)")])
        self._open_dialog(dialog)

    @Slot()
    def open_folder(self) -> None:
        """Choose a folder; a view may ask for one of its own kind."""
        if self.shown is not None and self.shown.ask_folder():
            return
        from desktop.ui.kit.file_dialogs import FileDialog

        dialog = FileDialog(self, self.tr("Open a Folder of Images"), "folder")
        self._open_dialog(dialog)

    @Slot()
    def open_results(self) -> None:
        """Choose the folder of a job that a cluster has done, and show its answers."""
        from desktop.ui.kit.file_dialogs import FileDialog

        dialog = FileDialog(self, self.tr("Open the Folder of a Cluster's Job"), "folder")
        dialog.fileSelected.connect(self.show_results)
        dialog.open()

    @Slot(str)
    def show_results(self, folder: str) -> None:
        """The answers of the job in ``folder``; a picture that is double-clicked opens in Classify."""
        self.cluster.show_results(folder)

    @property
    def cluster(self) -> ClusterDesk:
        """What a cluster does for this window, made when it is first asked for."""
        if self._cluster is None:
            from desktop.ui.shell.cluster import ClusterDesk

            self._cluster = ClusterDesk(self, self._catalog, self)
        return self._cluster

    @Slot()
    def run_on_cluster(self) -> None:
        """Have a folder answered by a cluster, or see how far it is."""
        self.cluster.show(self.classify.session.model_id)

    @Slot(list)
    def _offer_cluster(self, items: list[ImageItem]) -> None:
        from desktop.ui.kit.formatting import count
        from desktop.ui.shell.cluster import MANY

        if len(items) >= MANY:
            words = self.tr("{0} pictures: several computers answer them sooner, by File › Run on a Cluster….")
            self.messages.tell(words.format(count(len(items))))

    @Slot()
    def open_camera(self) -> None:
        """Show in Classify what a camera sees, with live answers."""
        self.show_classify()
        self.classify.open_camera()

    def _open_dialog(self, dialog: FileDialog) -> None:
        dialog.filesSelected.connect(self._on_files)
        dialog.directoryEntered.connect(self._remember_folder)
        dialog.open()

    @Slot(list)
    def _on_files(self, paths: list[str]) -> None:
        if paths:
            self.messages.clear()
            self.open_paths(paths)

    @Slot(str)
    def _remember_folder(self, folder: str) -> None:
        self.settings.set("last_folder", folder)

    @Slot()
    def paste(self) -> None:
        """Open what is on the clipboard; words go into the text field that has the keyboard."""
        from PySide6.QtCore import QMimeData
        from PySide6.QtGui import QGuiApplication
        from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QTextEdit

        from desktop.services.clipboard import read_mime

        mime = QGuiApplication.clipboard().mimeData() or QMimeData()
        field = self.focusWidget()
        words = mime.hasText() and not mime.hasUrls() and not mime.hasImage()
        if words and isinstance(field, QLineEdit | QPlainTextEdit | QTextEdit) and field.isVisible():
            field.paste()
            return
        self.messages.clear()
        intake = read_mime(mime)
        if not intake.message:
            self.show_classify()
        self.classify.opener.add_intake(intake)

    @Slot()
    def export(self) -> None:
        """Ask where to write the results, or what of the shown view can be saved."""
        if self.shown is not None:
            self.shown.export()
            return
        self.classify.results.show()
        self.classify.results.table.ask_export()

    @Slot()
    def remove_selected(self) -> None:
        """Take the selected images off the list."""
        self.classify.remove(self.classify.list.selected())

    @Slot()
    def focus_filter(self) -> None:
        """Put the keyboard into the filter."""
        if self.shown is not None:
            self.shown.focus_filter()
            return
        self.classify.list.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.classify.list.filter.selectAll()

    @Slot()
    def focus_chooser(self) -> None:
        """Put the keyboard on the models."""
        self.classify.answer.chooser.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def show_classify(self) -> None:
        """Show the Classify view."""
        self.views.setCurrentWidget(self.classify)
        self.rail.set_view("classify")

    @Slot()
    def undo(self) -> None:
        """Take back what was done last in the view that is shown."""
        (self.shown or self.classify).undo()

    @Slot()
    def redo(self) -> None:
        """Do again what was taken back last in the view that is shown."""
        if self.shown is not None:
            self.shown.redo()

    @Slot()
    def copy(self) -> None:
        """Put what the shown view offers onto the clipboard."""
        if self.shown is not None:
            self.shown.copy()

    @Slot()
    def next_image(self) -> None:
        """Go to the next image of the list."""
        self.classify.list.step(1)

    @Slot()
    def previous_image(self) -> None:
        """Go to the one before."""
        self.classify.list.step(-1)

    @Slot()
    def look_large(self) -> None:
        """Show the current picture on the whole screen."""
        if self.classify.session.current is None:
            return
        from desktop.ui.widgets.large_look import LargeLook

        dialog = LargeLook(self.classify.session, self.classify.explainer, self)
        dialog.step.connect(self.classify.list.step)
        screen = self.screen()
        if screen is not None:
            dialog.setGeometry(screen.availableGeometry())
        dialog.showFullScreen()

    @Slot()
    def show_current_card(self) -> None:
        """The card of the chosen model."""
        self.show_card(self.classify.session.model_id)

    def project_of_current(self) -> str:
        """The id of the Teach project that the chosen model was made of; '' for none."""
        from desktop.store.project_facts import project_state

        entry = self._catalog.entry(self.classify.session.model_id)
        if entry is None or entry.manifest is None:
            return ""
        return project_state(entry.manifest.provenance.plan)[0]

    @Slot()
    def teach_current(self) -> None:
        """Open the Teach project of the chosen model."""
        project = self.project_of_current()
        if project:
            self.host.teach(project)

    @Slot(str)
    def show_card(self, model_id: str) -> None:
        """The card of a model."""
        entry = self._catalog.entry(model_id)
        if entry is not None:
            from desktop.ui.dialogs.model_card import ModelCardDialog

            self.show_dialog(ModelCardDialog(entry, self))

    @Slot()
    def show_help(self) -> None:
        """The help, at the page of what one is at."""
        from desktop.ui.kit.help_key import topic_at

        held = self.focusWidget()
        self.show_help_on(topic_at(held if held is not None and held.isVisible() else None))

    @Slot(str)
    def show_help_on(self, topic: str) -> None:
        """The help at ``topic``; '' means the view that is shown."""
        self.help_window.show_topic(topic or self.rail.shown)

    @property
    def help_window(self) -> HelpWindow:
        """The window of the help, made when it is first asked for."""
        if self._help is None:
            from desktop.ui.help.window import HelpWindow
            from desktop.ui.shell.keys import groups, into_page

            _ = self.menus  # made now: the list of keys is read off them
            menus = self.top_menus
            self._help = HelpWindow(self.settings, lambda text: into_page(text, groups(menus), natively=True))
        return self._help

    @Slot()
    def show_keys(self) -> None:
        """Every key, in a list to look through."""
        from desktop.ui.shell.keys import groups
        from desktop.ui.shell.shortcuts_dialog import ShortcutsDialog

        self.show_dialog(ShortcutsDialog(groups(self.top_menus), self))

    @Slot()
    def show_about(self) -> None:
        """Version, licence, parts."""
        from desktop.ui.dialogs.about import AboutDialog

        self.show_dialog(AboutDialog(self))

    @Slot()
    def show_updates(self) -> None:
        """Whether there is a newer version, where the user has said where to look."""
        from desktop.ui.dialogs.updates import UpdatesDialog

        self.show_dialog(UpdatesDialog(self.settings, self))

    @Slot()
    def show_licences(self) -> None:
        """Every component with its licence."""
        from desktop.ui.dialogs.licences import LicencesDialog

        self.show_dialog(LicencesDialog(self))

    @Slot()
    def show_settings(self) -> None:
        """Theme and the number of classes shown."""
        from desktop.ui.shell.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.settings, self)
        dialog.theme_chosen.connect(self.set_theme)
        dialog.top_k_chosen.connect(self.classify.answer.bars.set_top_k)
        dialog.at_once_chosen.connect(self.host.set_trainings_at_once)
        dialog.language_chosen.connect(self.change_language, Qt.ConnectionType.QueuedConnection)
        dialog.text_chosen.connect(self.change_text, Qt.ConnectionType.QueuedConnection)
        dialog.motion_chosen.connect(self.follow_motion)
        self.show_dialog(dialog)

    @Slot(str)
    def change_language(self, chosen: str) -> None:
        """Close the window, where nothing keeps it open, and have it come again with what is in it."""
        from desktop.system import words
        from desktop.ui.shell import language

        if language.wished(chosen) == words.language():
            return
        if not self._come_again():
            self.messages.tell(self.tr("Fovea speaks the chosen language from its next start on."))

    @Slot(int)
    def change_text(self, percent: int) -> None:
        """The same for another size of text."""
        if not self._come_again():
            self.messages.tell(self.tr("Text has the chosen size from the next start of Fovea on."))

    def _come_again(self) -> bool:
        self.anew.emit()
        if self.close():
            return True
        self.anew.emit()  # twice is not at all
        return False

    @Slot()
    def follow_motion(self) -> None:
        """Let things move, or not, as Settings say; where they leave it to the system, as the system says."""
        from desktop.ui.kit.motion import motion

        motion().follow(self.settings.get("motion"))

    def show_dialog(self, dialog: QWidget) -> None:
        """Open a dialog over the window; it goes when it is closed."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()  # type: ignore[attr-defined]

    @Slot(str)
    def set_theme(self, mode: str) -> None:
        """Use a theme and remember it."""
        theme().set_mode(mode)  # type: ignore[arg-type]
        self.settings.set("theme", mode)
        self.menus.show_theme()

    @Slot()
    def _show_title(self) -> None:
        current = self.classify.session.current
        self.setWindowTitle(f"{current.name} – Fovea" if current is not None else "Fovea")

    # Drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show that something may be dropped here."""
        from desktop.services.clipboard import can_take

        if event.source() is not None:
            return  # dragged out of this window: it is listed already
        if can_take(event.mimeData()) and take_a_copy(event):
            if self._overlay is None:
                from desktop.ui.widgets.drop_overlay import DropOverlay

                self._overlay = DropOverlay(self)
            here = self.shown.drop_words() if self.shown is not None else ""
            self._overlay.words = here or self.tr("Drop images or folders to classify them")
            self._overlay.setGeometry(self._middle.geometry())
            self._overlay.show()
            self._overlay.raise_()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """It stays a copy, whatever keys are held."""
        from desktop.services.clipboard import can_take

        if can_take(event.mimeData()):
            take_a_copy(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take that back."""
        self._hide_overlay()

    def _hide_overlay(self) -> None:
        if self._overlay is not None:
            self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self._hide_overlay()
        if not take_a_copy(event):
            self.messages.say(self.tr("The other program would only move this, and Fovea moves nothing. Open it here."))
            return
        self.messages.clear()
        local = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if local and self.shown is not None and self.shown.drop_words():
            self.shown.open_paths(local)
            return
        self.show_classify()
        self.classify.opener.add_mime(event.mimeData())

    # The window itself

    def _restore(self) -> None:
        geometry = QByteArray.fromBase64(QByteArray(self.settings.get("geometry").encode("ascii", "ignore")))
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            self.resize(*FIRST_SIZE)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Note the first paint."""
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the overlay over the views."""
        super().resizeEvent(event)
        if self._overlay is not None:
            self._overlay.setGeometry(self._middle.geometry())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window's place, stop what runs; a view with work under way may keep the window open."""
        if not self.host.may_close() or (self._cluster is not None and not self._cluster.may_close()):
            event.ignore()
            return
        self.settings.set("geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        if self._classify is not None:
            self._classify.close_down()
        self.host.close_later()
        if self._cluster is not None:
            self._cluster.close_down()
        if self._help is not None:
            self._help.close_down()
        super().closeEvent(event)
