"""The menus: every command with its key, and which of them can be used now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from desktop.ui.kit.theme import MODES, theme
from desktop.ui.kit.widgets import caption
from desktop.ui.shell.views import LATER

if TYPE_CHECKING:
    from desktop.services.settings import Settings
    from desktop.ui.classify.view import ClassifyView
    from desktop.ui.kit.later_view import LaterView


class Commands(Protocol):
    """What the menus can have done: the main window."""

    settings: Settings
    top_menus: list[QMenu]

    @property
    def classify(self) -> ClassifyView: ...
    @property
    def shown(self) -> LaterView | None: ...

    def close(self) -> bool: ...
    def copy(self) -> None: ...
    def export(self) -> None: ...
    def focus_chooser(self) -> None: ...
    def focus_filter(self) -> None: ...
    def look_large(self) -> None: ...
    def next_image(self) -> None: ...
    def open_camera(self) -> None: ...
    def open_files(self) -> None: ...
    def open_folder(self) -> None: ...
    def open_results(self) -> None: ...
    def open_paths(self, paths: list[str]) -> None: ...
    def paste(self) -> None: ...
    def previous_image(self) -> None: ...
    def redo(self) -> None: ...
    def remove_selected(self) -> None: ...
    def set_theme(self, mode: str) -> None: ...
    def show_about(self) -> None: ...
    def show_classify(self) -> None: ...
    def show_current_card(self) -> None: ...
    def project_of_current(self) -> str: ...
    def teach_current(self) -> None: ...
    def show_help(self) -> None: ...
    def show_keys(self) -> None: ...
    def show_licences(self) -> None: ...
    def show_settings(self) -> None: ...
    def show_updates(self) -> None: ...
    def run_on_cluster(self) -> None: ...
    def show_view(self, view_id: str) -> None: ...
    def tr(self, text: str) -> str: ...
    def undo(self) -> None: ...


class Menus(QObject):
    """The menu bar of ``window``; :meth:`refresh` after anything that its commands depend on."""

    def __init__(self, window: Commands, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._parent = window, parent
        self._build()

    def _build(self) -> None:
        window = self._window
        files, edit, views, models, helps = window.top_menus
        key = QKeySequence.StandardKey
        view = window.classify
        self._add(files, self.tr("&Open Images…"), window.open_files, key.Open)
        self._add(files, self.tr("Open &Folder…"), window.open_folder, "Ctrl+Shift+O")
        self._add(files, self.tr("Open the &Camera"), window.open_camera, "Ctrl+K")
        self._recent = files.addMenu(self.tr("&Recent Folders"))
        self._recent.aboutToShow.connect(self._fill_recent)
        self._add(files, self.tr("R&un on a Cluster…"), window.run_on_cluster)
        self._add(files, self.tr("Open the Results of a C&luster…"), window.open_results)
        files.addSeparator()
        self._export = self._add(files, self.tr("&Export Results as CSV…"), window.export, "Ctrl+E")
        self._print = self._add(files, self.tr("&Print…"), view.doing.print_current, key.Print)
        files.addSeparator()
        leave = self._add(files, self.tr("&Quit"), window.close, key.Quit)
        leave.setMenuRole(QAction.MenuRole.QuitRole)
        self._undo = self._add(edit, self.tr("&Undo"), window.undo, key.Undo)
        self._redo = self._add(edit, self.tr("&Redo"), window.redo, key.Redo)
        edit.addSeparator()
        self._copy = self._add(edit, self.tr("&Copy"), window.copy, key.Copy)
        self._add(edit, self.tr("&Paste Image"), window.paste, key.Paste)
        self._all = self._add(edit, self.tr("Select &All Images"), view.list.select_all, key.SelectAll)
        self._remove = self._add(edit, self.tr("&Remove from the List"), window.remove_selected)
        edit.addSeparator()
        self._picture_commands = [
            self._add(edit, self.tr("S&tar"), self._star, "Ctrl+D"),
            self._add(edit, self.tr("&Note…"), self._note, "Ctrl+Shift+N"),
            self._add(edit, self.tr("S&ort by Answer…"), self._sort, "Ctrl+Shift+S"),
        ]
        self._correct = self._add(edit, self.tr("This &Is a…"), self._correct_it, "Ctrl+T")
        self._add(edit, self.tr("&Corrections…"), view.doing.show_corrections)
        self._add(edit, self.tr("Fi&les Sorted…"), view.doing.show_sorted)
        edit.addSeparator()
        self._add(edit, self.tr("&Filter Images"), window.focus_filter, key.Find)
        settings = self._add(edit, self.tr("&Settings…"), window.show_settings, key.Preferences)
        settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        self._build_view_menu(views)
        self._classify_all = self._add(models, self.tr("&Classify All Images"), view.classify_all, "Ctrl+Return")
        self._again = self._add(models, self.tr("Classify This Image &Again"), view.session.ask_again, key.Refresh)
        models.addSeparator()
        self._card = self._add(models, self.tr("&About This Model"), window.show_current_card, "Ctrl+I")
        self._teach = self._add(models, self.tr("&Teach This Model More…"), window.teach_current)
        self._add(models, self.tr("C&hoose a Model"), window.focus_chooser, "Ctrl+Shift+M")
        self._add(helps, self.tr("&Help"), window.show_help, key.HelpContents)
        self._add(helps, self.tr("&Keyboard Shortcuts"), window.show_keys, "Ctrl+F1")
        helps.addSeparator()
        self._add(helps, self.tr("Check for &Updates…"), window.show_updates)
        self._add(helps, self.tr("&Licences"), window.show_licences)
        about = self._add(helps, self.tr("&About Fovea"), window.show_about)
        about.setMenuRole(QAction.MenuRole.AboutRole)
        self.refresh()

    def _build_view_menu(self, menu: QMenu) -> None:
        window, view = self._window, self._window.classify
        self._add(menu, self.tr("&Classify"), window.show_classify, "Ctrl+1")
        for place, later in enumerate(LATER, 2):
            action = self._add(menu, window.tr(later.word), self._show_later, f"Ctrl+{place}")
            action.setData(later.id)
        menu.addSeparator()
        key = QKeySequence.StandardKey
        self._picture_actions = [
            self._add(menu, self.tr("Zoom &In"), view.zoom_in, key.ZoomIn),
            self._add(menu, self.tr("Zoom &Out"), view.zoom_out, key.ZoomOut),
            self._add(menu, self.tr("&Fit to the Window"), view.fit, "Ctrl+0"),
            self._add(menu, self.tr("&Actual Size"), view.actual_size, "Ctrl+Alt+0"),
            self._add(menu, self.tr("&Look Large"), window.look_large, "F11"),
        ]
        self._add(menu, self.tr("&Next Image"), window.next_image, "Ctrl+Right")
        self._add(menu, self.tr("&Previous Image"), window.previous_image, "Ctrl+Left")
        menu.addSeparator()
        themes = menu.addMenu(self.tr("&Theme"))
        self._themes = QActionGroup(self)
        words = {"system": self.tr("Like the System"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        for mode in MODES:
            action = themes.addAction(words[mode])
            action.setCheckable(True)
            action.setData(mode)
            action.setChecked(mode == theme().mode)
            self._themes.addAction(action)
        self._themes.triggered.connect(self._choose_theme)

    def _add(
        self,
        menu: QMenu,
        words: str,
        slot: Callable[..., object],
        shortcut: QKeySequence.StandardKey | str | None = None,
    ) -> QAction:
        action = QAction(words, self._parent)
        if isinstance(shortcut, str):
            action.setShortcut(QKeySequence(shortcut))
        elif shortcut is not None:
            action.setShortcuts(shortcut)
        action.triggered.connect(slot)
        menu.addAction(action)
        return action

    @Slot()
    def refresh(self) -> None:
        """Bring what can be done now into line with the state."""
        view = self._window.classify
        session, job = view.session, view.job
        # These are about the list of the Classify view: where that is not seen, their keys belong to what is.
        shown = self._window.shown
        here = shown is None
        has_image = here and session.current is not None
        for action in self._picture_actions:
            action.setEnabled(has_image)
        self._again.setEnabled(has_image)
        for action in self._picture_commands:
            action.setEnabled(here and bool(session.items))
        self._correct.setEnabled(here and bool(session.items) if shown is None else shown.can_correct())
        self._print.setEnabled(has_image and session.preview is not None)
        self._undo.setEnabled(view.can_undo if shown is None else shown.can_undo())
        self._undo.setText(self.tr("&Undo Removing Images") if here and view.undoes_removal else self.tr("&Undo"))
        self._redo.setEnabled(shown is not None and shown.can_redo())
        self._copy.setEnabled(shown is not None and shown.can_copy())
        self._all.setEnabled(here and bool(session.items))
        self._remove.setEnabled(here and bool(session.items))
        self._card.setEnabled(here and bool(session.model_id))
        self._teach.setEnabled(here and bool(self._window.project_of_current()))
        self._classify_all.setEnabled(here and view.can_classify_all)
        self._export.setEnabled(job.done > 0 if shown is None else shown.can_export())
        self._export.setText(self.tr("&Export Results as CSV…") if here else self.tr("&Export…"))

    @Slot()
    def _star(self) -> None:
        doing = self._window.classify.doing
        if doing.chosen():
            doing.star(doing.chosen())

    @Slot()
    def _correct_it(self) -> None:
        (self._window.shown or self._window.classify.doing).correct()

    @Slot()
    def _note(self) -> None:
        doing = self._window.classify.doing
        if doing.chosen():
            doing.note(doing.chosen())

    @Slot()
    def _sort(self) -> None:
        doing = self._window.classify.doing
        if doing.chosen():
            doing.sort(doing.chosen())

    @Slot()
    def _show_later(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self._window.show_view(action.data())

    @Slot()
    def _fill_recent(self) -> None:
        self._recent.clear()
        folders = self._window.settings.get("recent_folders")
        for folder in folders:
            action = self._recent.addAction(caption(folder))
            action.setData(folder)
            action.triggered.connect(self._open_recent)
        if not folders:
            self._recent.addAction(self.tr("None yet")).setEnabled(False)

    @Slot()
    def _open_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self._window.open_paths([action.data()])

    @Slot(QAction)
    def _choose_theme(self, action: QAction) -> None:
        self._window.set_theme(action.data())

    @Slot()
    def show_theme(self) -> None:
        """Mark the theme that is in use."""
        for action in self._themes.actions():
            action.setChecked(action.data() == theme().mode)
