"""The Teach view: label, learn and correct in one loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from desktop.engine.teaching_events import Refused, TeachingEnded
from desktop.services.background import DiskWork
from desktop.services.teaching import Teaching, words_of
from desktop.store.project_facts import ProjectAction
from desktop.store.projects import ProjectStore
from desktop.ui.kit.closing_question import ClosingQuestion
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.later_view import LaterView
from desktop.ui.kit.remembered_sizes import RememberedSizes
from desktop.ui.kit.scrolled import Scrolled
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, sentence
from desktop.ui.teach.camera_part import TeachCamera
from desktop.ui.teach.classes_pane import ClassesPane
from desktop.ui.teach.copies import CopiesDialog
from desktop.ui.teach.exchange import Exchange
from desktop.ui.teach.heaps import HeapsDialog
from desktop.ui.teach.large import LargeTaught
from desktop.ui.teach.learned_card import LearnedCard
from desktop.ui.teach.making import MakingDialog
from desktop.ui.teach.picture_menu import TaughtPictureMenu
from desktop.ui.teach.picture_side import PictureSide
from desktop.ui.teach.pictures_pane import PicturesPane
from desktop.ui.teach.project_dialogs import ask_name
from desktop.ui.teach.projects_bar import ProjectsBar
from desktop.ui.teach.sort_files import SortFiles
from desktop.ui.teach.start import TeachStart

if TYPE_CHECKING:
    from desktop.app.teaching import Added
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.store.project import Project
    from desktop.store.project_facts import ProjectEntry


class TeachView(LaterView):
    """The list of projects, or the project that is open."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self.store = ProjectStore()
        self.teaching = Teaching(self)
        self.disk = DiskWork("projects", self)
        self.dialog: QWidget | None = None
        self._deleted: list[tuple[str, str]] = []
        self._waiting: list[str] = []
        self._closing = False  # as soon as all pictures are added
        self.question: ClosingQuestion | None = None
        self._build()
        self._connect()
        RememberedSizes(self._settings, {"teach": self.split}, self).restore()
        self.list_projects()

    def _build(self) -> None:
        self.start = TeachStart()
        self.bar = ProjectsBar(self.teaching)
        self.classes = ClassesPane(self.teaching)
        self.learned = LearnedCard(self.teaching)
        self.pictures = PicturesPane(self.teaching)
        self.side = PictureSide(self.teaching, self.pictures.model)
        self.side.next_of = self.pictures.next_id
        self.menu = TaughtPictureMenu(self.teaching, self.pictures, self.side, self)
        self.exchange = Exchange(self.teaching, self)
        self.sort_files = SortFiles(self.teaching, self.exchange, self._settings, self.disk, self)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 8, 8, 12)
        column.setSpacing(12)
        column.addWidget(self.classes, 1)
        card = Scrolled(whole=True)
        card.setWidget(self.learned)
        column.addWidget(card)
        left.setMinimumWidth(theme().scaled(210))
        self.side.setMinimumWidth(theme().scaled(230))
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.pictures)
        self.cameras = TeachCamera(self.teaching, self.middle, self.pictures)
        for part, stretch in ((left, 0), (self.middle, 1), (self.side, 0)):
            self.split.addWidget(part)
            self.split.setStretchFactor(self.split.count() - 1, stretch)
        self.split.setSizes([240, 620, 320])
        self.room = QWidget()
        layout = QVBoxLayout(self.room)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.split, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.addWidget(self.room)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)
        self.setAccessibleName(self.tr("Teach"))

    def _connect(self) -> None:
        teaching, bar, pictures = self.teaching, self.bar, self.pictures
        self.start.new_wanted.connect(self.new_project)
        self.start.folder_wanted.connect(self.ask_folder)
        self.start.opened.connect(self.open_project)
        bar.left.connect(self.leave)
        bar.add_files_wanted.connect(self.ask_files)
        bar.add_folder_wanted.connect(self.ask_folder)
        bar.camera_wanted.connect(self.cameras.open)
        bar.heaps_wanted.connect(self.show_heaps)
        bar.copies_wanted.connect(self.show_copies)
        bar.undo_wanted.connect(self.undo)
        bar.redo_wanted.connect(self.redo)
        bar.menu.aboutToShow.connect(self._fill_menu)
        self.classes.labels_wanted.connect(teaching.label)
        self.classes.new_wanted.connect(self._new_class)
        self.classes.class_chosen.connect(self._show_class)
        self.classes.left.connect(pictures.view.setFocus)
        pictures.chosen.connect(self.side.show_picture)
        pictures.large_wanted.connect(self.look_large)
        pictures.menu_wanted.connect(self._show_picture_menu)
        self.learned.model_wanted.connect(self.make_model)
        self.exchange.told.connect(self.told)
        self.exchange.said.connect(self.said)
        teaching.opened.connect(self._on_opened)
        teaching.closed.connect(self._on_closed)
        teaching.failed.connect(self._on_failed)
        teaching.refused.connect(self._on_refused)
        teaching.lost.connect(self._on_lost)
        teaching.added.connect(self._on_added)
        teaching.changed_pictures.connect(self._close_if_added)
        teaching.undid.connect(self._on_undid)
        teaching.changed_classes.connect(self.changed)

    # The window's side

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for pictures."""
        super().attach(engine)
        self.pictures.attach(engine)
        self.side.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self.pictures.detach()
        self.side.detach()
        super().detach()

    def close_down(self) -> None:
        """Let go of the project; every label is on the disk."""
        self.cameras.finish()
        self.teaching.shut()
        self.disk.stop()

    def may_close(self) -> bool:
        """Whether nothing is on its way into the project; else it is asked whether to wait for it."""
        if not self.teaching.is_adding:
            return True
        if self._closing:
            return False  # the window closes by itself when the pictures are there
        self.question = asked = ClosingQuestion(
            self,
            self.tr("Pictures are still being added to “{0}”.").format(self.teaching.name),
            self.tr("Those that are in the project stay there whenever Fovea closes."),
        )
        asked.offer(self.tr("Close when all are added")).clicked.connect(self._close_when_added)
        asked.offer(self.tr("Add no more and close"), discards=True).clicked.connect(self._close_now)
        asked.ask()
        return False

    @Slot()
    def _close_when_added(self) -> None:
        self._closing = True
        self.told.emit(self.tr("Fovea closes when all pictures are added."))
        self._close_if_added()

    @Slot()
    def _close_now(self) -> None:
        self.teaching.close()
        self.window().close()

    @Slot()
    def _close_if_added(self) -> None:
        if self._closing and not self.teaching.is_adding:
            self._closing = False
            self.window().close()

    def take_focus(self) -> None:
        """Give the keyboard to the pictures, or to what begins a project."""
        if self.teaching.project is None:
            (self.start.list if self.start.list.count() else self.start.new).setFocus()
        elif not self.teaching.classes:
            self.classes.field.setFocus()
        else:
            self.pictures.view.setFocus()

    def drop_words(self) -> str:
        """Pictures may be dropped here."""
        if self.teaching.project is None:
            return self.tr("Drop pictures, folders or archives to begin a project with them")
        return self.tr("Drop pictures, folders or archives to add them to “{0}”").format(self.teaching.name)

    def open_paths(self, paths: list[str]) -> None:
        """Add what was dropped; without a project, begin one with it."""
        if self.teaching.project is not None:
            self.teaching.add(paths)
            return
        first = Path(paths[0])
        name = first.name if first.is_dir() else (first.parent.name or self.tr("Pictures"))
        self._waiting = list(paths)
        self._create(name)

    def can_undo(self) -> bool:
        """Whether a step of the project, or a deleted project, can be taken back."""
        return self.teaching.to_undo is not None if self.teaching.project is not None else bool(self._deleted)

    def can_redo(self) -> bool:
        """Whether a step can be done again."""
        return self.teaching.to_redo is not None

    @Slot()
    def undo(self) -> None:
        """Take back the step done last; in the list of projects, the deletion."""
        if self.teaching.project is not None:
            self.teaching.undo()
        elif self._deleted:
            token, name = self._deleted.pop()
            self._change_list(lambda: self.store.restore(token), self.tr("The project “{0}” is back.").format(name))

    @Slot()
    def redo(self) -> None:
        """Do again what was undone."""
        self.teaching.redo()

    def can_export(self) -> bool:
        """Whether there are labels to write."""
        return any(c.count for c in self.teaching.classes)

    @Slot()
    def export(self) -> None:
        """Save the labels as a table."""
        if self.can_export():
            self.exchange.ask_csv()

    def can_copy(self) -> bool:
        """Whether a picture of the project is chosen."""
        return self.teaching.project is not None and self.pictures.model.rowCount() > 0

    @Slot()
    def copy(self) -> None:
        """Put the chosen pictures onto the clipboard."""
        self.menu.copy()

    def focus_filter(self) -> None:
        """Put the keyboard into the search for names."""
        self.pictures.search.setFocus()

    # Projects

    def list_projects(self) -> None:
        """Read the projects anew."""
        self.disk.run(self.store.entries, self._on_listed)

    def _on_listed(self, entries: list[ProjectEntry]) -> None:
        self.start.set_projects(entries)

    @Slot(str)
    def open_project(self, project_id: str) -> None:
        """Open a project by its id."""
        store = self.store
        self.teaching.open(lambda: store.open(project_id))

    @Slot()
    def new_project(self) -> None:
        """Ask for a name, and begin."""
        ask_name(self, self.tr("New Project"), self.tr("Name of the project"), "", self._create)

    def _create(self, name: str) -> None:
        store = self.store

        def make() -> Project:
            return store.create(name)

        self.teaching.open(make)

    def create_then_add(self, name: str, paths: list[str]) -> None:
        """Begin a project with pictures."""
        self._waiting = list(paths)
        self._create(name)

    @Slot()
    def leave(self) -> None:
        """Back to the list of projects."""
        self.teaching.close()

    @Slot()
    def _on_opened(self) -> None:
        self.stack.setCurrentWidget(self.room)
        project = self.teaching.project
        if project is not None:
            self._settings.set("teach_project", project.id)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.teaching.add(waiting)
        if self.isVisible():
            self.take_focus()
        self.changed.emit()

    @Slot()
    def _on_closed(self) -> None:
        self.stack.setCurrentWidget(self.start)
        self.side.show_picture(0, 0)
        self.list_projects()
        self.changed.emit()

    def _change_list(self, work: Any, told: str) -> None:
        def then(_result: object) -> None:
            self.told.emit(told)
            self.list_projects()
            self.changed.emit()

        self.disk.run(work, then, self._on_failed)

    @Slot()
    def _fill_menu(self) -> None:
        menu = self.bar.menu
        menu.clear()
        menu.addAction(self.tr("Rename…"), self._rename)
        menu.addAction(self.tr("Duplicate"), self._duplicate)
        menu.addAction(self.tr("Delete…"), self._delete)
        menu.addSeparator()
        self.exchange.fill(menu, can_export=self.can_export())
        menu.addSeparator()
        sort = menu.addAction(self.tr("Sort the files by label…"), self.sort_files.ask)
        sort.setEnabled(self.can_export())
        menu.addAction(self.tr("Find moved pictures…"), self.exchange.ask_moved)
        menu.addAction(self.tr("Make it a model…"), self.make_model)
        menu.addAction(self.tr("Retrain with the corrections"), self.retrain)

    def _rename(self) -> None:
        def rename(name: str) -> None:
            project = self.teaching.project
            if project is not None:
                self.teaching.change(lambda p: self.store.rename(p.id, name))

        ask_name(self, self.tr("Rename the Project"), self.tr("Name of the project"), self.teaching.name, rename)

    def _duplicate(self) -> None:
        project = self.teaching.project
        if project is None:
            return
        self._change_list(
            lambda: self.store.duplicate(project.id), self.tr("“{0}” was duplicated.").format(self.teaching.name)
        )

    def _delete(self) -> None:
        project, name = self.teaching.project, self.teaching.name
        if project is None:
            return
        self.teaching.close()

        def then(token: str) -> None:
            self._deleted.append((token, name))
            self.told.emit(self.tr("“{0}” was deleted; Undo brings it back. Your files were not touched.").format(name))
            self.list_projects()
            self.changed.emit()

        self.disk.run(lambda: self.store.delete(project.id), then, self._on_failed)

    # Adding

    @Slot()
    def ask_files(self) -> None:
        """Choose pictures or archives."""
        dialog = FileDialog(self, self.tr("Add Pictures"))
        dialog.setFileMode(FileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.open_paths)
        dialog.open()

    @Slot()
    def ask_folder(self) -> bool:
        """Choose a folder of pictures, as File › Open Folder does here."""
        dialog = FileDialog(self, self.tr("A Folder of Pictures"), "folder")
        dialog.filesSelected.connect(self.open_paths)
        dialog.open()
        return True

    @Slot(object)
    def _on_added(self, added: Added | None) -> None:
        if added is None:
            return
        if not added.ids and not added.known:
            self.said.emit(
                self.tr("No pictures were found there. Fovea reads JPEG, PNG, TIFF, HEIC, WebP, DICOM and more.")
            )
        elif added.ids and added.known:
            text = self.tr("{0} pictures were added; {1} were here already.")
            self.told.emit(text.format(count(len(added.ids)), count(added.known)))
        elif added.ids:
            self.told.emit(self.tr("{0} pictures were added.").format(count(len(added.ids))))
        else:
            self.told.emit(self.tr("All {0} pictures were here already.").format(count(added.known)))
        if added.problems:
            self.said.emit(self.tr("{0} places could not be read.").format(count(len(added.problems))))

    # Classes and pictures

    @Slot(str)
    def _new_class(self, name: str) -> None:
        self.teaching.change(lambda project: project.add_class(name))

    @Slot(int)
    def _show_class(self, class_id: int) -> None:
        self.pictures.choose("all", only_class=class_id)

    @Slot(QPoint)
    def _show_picture_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.menu.fill(menu)
        self.dialog = menu
        menu.popup(place)

    @Slot(int)
    def look_large(self, picture_id: int) -> None:
        """Show a picture as large as the window."""
        if picture_id and self._engine is not None:
            self.dialog = LargeTaught(self.pictures, self.side, self)
            self.dialog.show()

    @Slot()
    def show_heaps(self) -> None:
        """Group what is alike."""
        dialog = HeapsDialog(self.teaching, self.pictures.model, self)
        dialog.show_wanted.connect(self._show_heap)
        self.dialog = dialog
        dialog.show()

    @Slot()
    def show_copies(self) -> None:
        """Find copies and bursts."""
        dialog = CopiesDialog(self.teaching, self.pictures.model, self)
        dialog.show_wanted.connect(self._show_heap)
        self.dialog = dialog
        dialog.show()

    @Slot(tuple)
    def _show_heap(self, ids: tuple[int, ...]) -> None:
        self.pictures.choose("heap", heap=np.array(ids, np.int64))

    # A model of it

    @Slot()
    def make_model(self) -> None:
        """Ask how, and hand the labels to a training."""
        from desktop.app.teaching_models import ready_to_make

        dialog = MakingDialog(self.teaching, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.made.connect(self._make)
        self.dialog = dialog
        project = self.teaching.project
        if project is not None:
            self.disk.run(lambda: ready_to_make(project), dialog.set_ready, self._on_failed)
        dialog.open()

    @Slot(str, str)
    def _make(self, name: str, how: str) -> None:
        from desktop.app.teaching_models import prepare_training

        project = self.teaching.project
        if project is None:
            return

        def then(plan: TrainingPlan) -> None:
            self.train_wanted.emit((plan, name))

        self.disk.run(lambda: prepare_training(project, how, name), then, self._on_failed)  # type: ignore[arg-type]

    @Slot()
    def retrain(self) -> None:
        """Make the model of this project anew with what was labelled since, and compare both."""
        if self.teaching.project is not None:
            self.retrain_wanted.emit(self.teaching.project.id, "")

    # What went wrong, and what was done

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        self.said.emit(sentence(words_of(error)))

    @Slot(Refused)
    def _on_refused(self, refused: Refused) -> None:
        if refused.number == 0:
            self.said.emit(" ".join(part for part in (sentence(refused.message), refused.hint) if part))

    @Slot(TeachingEnded)
    def _on_lost(self, ended: TeachingEnded) -> None:
        if ended.message:
            self.said.emit(" ".join(part for part in (sentence(ended.message), ended.hint) if part))

    @Slot(ProjectAction, bool)
    def _on_undid(self, action: ProjectAction, back: bool) -> None:
        words = {
            "label": self.tr("labelling {0} pictures"),
            "unlabel": self.tr("taking back {0} labels"),
            "add": self.tr("adding {0} pictures"),
            "remove": self.tr("removing {0} pictures"),
            "star": self.tr("starring {0} pictures"),
            "note": self.tr("writing a note"),
            "merge": self.tr("merging a class of {0} pictures"),
            "import": self.tr("importing {0} labels"),
        }
        what = words.get(action.kind, self.tr("a change of the classes")).format(count(action.count))
        self.told.emit((self.tr("Undone: {0}.") if back else self.tr("Done again: {0}.")).format(what))
