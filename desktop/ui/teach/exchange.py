"""Labels into the open project and out of it: which file, which folder, how far, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QMenu, QProgressDialog, QWidget

from desktop.engine.teaching_events import AskMissing, Missing, Refused
from desktop.services.background import Task
from desktop.services.teaching import Teaching, words_of
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.widgets import caption, count, sentence

if TYPE_CHECKING:
    from desktop.app.teaching_exchange import ExportedLabels, Imported
    from desktop.store.project import Project

Work = Callable[["Project", Callable[[int, "int | None"], None], Callable[[], bool]], Any]
_MOST = 12


class Exchange(QObject):
    """``told`` says what was done, ``said`` what went wrong."""

    told = Signal(str)
    said = Signal(str)

    def __init__(self, teaching: Teaching, parent: QWidget) -> None:
        super().__init__(parent)
        self._teaching, self._parent = teaching, parent
        self._task: Task | None = None
        self.progress: QProgressDialog | None = None
        self._kept: QMenu | None = None
        self._missing = 0
        teaching.missing.connect(self._on_missing)
        teaching.refused.connect(self._on_refused)

    def fill(self, menu: QMenu, can_export: bool) -> None:
        """The commands as two menus."""
        taking = menu.addMenu(self.tr("Import labels"))
        taking.addAction(self.tr("Class folders…"), self.ask_folders)
        taking.addAction(self.tr("A table of names and labels (CSV)…"), self.ask_table)
        self._kept = taking.addMenu(self.tr("What was judged in Evaluate"))
        self._kept.aboutToShow.connect(self._list_kept)
        drawn = taking.addMenu(self.tr("Drawings kept in Draw"))
        drawn.aboutToShow.connect(partial(self._list_drawings, drawn))
        giving = menu.addMenu(self.tr("Export labels"))
        giving.setEnabled(can_export)
        giving.addAction(self.tr("A table (CSV)…"), self.ask_csv)
        giving.addAction(self.tr("Class folders, copied…"), partial(self._ask_target, "copy"))
        giving.addAction(self.tr("Class folders, linked (take no room)…"), partial(self._ask_target, "link"))
        giving.addAction(self.tr("COCO (JSON)…"), self.ask_coco)

    # In

    @Slot()
    def ask_folders(self) -> None:
        """Choose a folder of class folders."""
        dialog = FileDialog(self._parent, self.tr("Import Class Folders"), "folder")
        dialog.fileSelected.connect(self.import_folders)
        dialog.open()

    @Slot(str)
    def import_folders(self, path: str) -> None:
        """Take over a folder of class folders, or an archive of one."""

        def work(project: Project, progress: Any, cancelled: Any) -> Imported:
            from desktop.app.teaching_exchange import import_dataset

            return import_dataset(project, path, progress, cancelled)

        self._run(work, self._imported, self.tr("Importing labels…"))

    @Slot()
    def ask_table(self) -> None:
        """Choose a table."""
        dialog = FileDialog(self._parent, self.tr("Import a Table of Labels"))
        dialog.setNameFilters([self.tr("Tables (*.csv *.tsv *.txt)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self.import_table)
        dialog.open()

    @Slot(str)
    def import_table(self, path: str) -> None:
        """Take over a table ``file,label``."""

        def work(project: Project, progress: Any, cancelled: Any) -> Imported:
            from desktop.app.teaching_exchange import import_table

            return import_table(project, Path(path), None, progress, cancelled)

        self._run(work, self._imported, self.tr("Importing labels…"))

    @Slot()
    def _list_kept(self) -> None:
        from desktop.core.figures.store import EvaluationStore

        menu = self._kept
        if menu is None:
            return
        menu.clear()
        for kept in EvaluationStore().entries()[:_MOST]:
            action = menu.addAction(caption(f"{kept.model.name}: {kept.data.title}"))
            action.triggered.connect(partial(self.import_judgements, kept.key))
        if menu.isEmpty():
            menu.addAction(self.tr("None yet")).setEnabled(False)

    def import_judgements(self, key: str, _on: bool = False) -> None:
        """Take over what was said of labels in a kept evaluation."""

        def work(project: Project, _progress: Any, _cancelled: Any) -> Imported:
            from desktop.app.teaching_exchange import import_judgements

            return import_judgements(project, key)

        self._run(work, self._imported, self.tr("Importing labels…"))

    def _list_drawings(self, menu: QMenu) -> None:
        from desktop.services.drawings import own_folders

        menu.clear()
        for folder in own_folders()[:_MOST]:
            action = menu.addAction(caption(folder.name))
            action.triggered.connect(partial(self.import_drawings, folder))
        if menu.isEmpty():
            menu.addAction(self.tr("None yet")).setEnabled(False)

    def import_drawings(self, folder: Path, _on: bool = False) -> None:
        """Take over drawings that were kept."""

        def work(project: Project, progress: Any, cancelled: Any) -> Imported:
            from desktop.app.teaching_exchange import import_drawings

            return import_drawings(project, folder, progress, cancelled)

        self._run(work, self._imported, self.tr("Importing drawings…"))

    def _imported(self, found: Imported) -> None:
        parts = [self.tr("{0} labels were taken over").format(count(found.labelled))]
        if found.added:
            parts.append(self.tr("{0} pictures are new").format(count(found.added)))
        if found.kept:
            parts.append(self.tr("{0} had their label already").format(count(found.kept)))
        self.told.emit(", ".join(parts) + ".")
        troubles = []
        if found.missing_count:
            first = ", ".join(found.missing[:3])
            text = self.tr("{0} rows name pictures that are not there ({1} …).")
            troubles.append(text.format(count(found.missing_count), first))
        if found.contradicting:
            troubles.append(
                self.tr("{0} rows contradict others: those pictures have no label.").format(count(found.contradicting))
            )
        if troubles:
            self.said.emit(" ".join(troubles))

    # Out

    @Slot()
    def ask_csv(self) -> None:
        """Where the table shall lie."""
        self._ask_file(self.tr("Export Labels as a Table"), "labels.csv", self.export_csv)

    @Slot(str)
    def export_csv(self, path: str) -> None:
        """Write the table."""

        def work(project: Project, _progress: Any, _cancelled: Any) -> tuple[int, int]:
            from desktop.app.teaching_exchange import export_csv, person_names

            return export_csv(project, Path(path)), person_names(project)

        self._run(work, self._written, self.tr("Writing…"))

    @Slot()
    def ask_coco(self) -> None:
        """Where the JSON shall lie."""
        self._ask_file(self.tr("Export Labels as COCO"), "labels.json", self.export_coco)

    @Slot(str)
    def export_coco(self, path: str) -> None:
        """Write COCO's JSON."""

        def work(project: Project, _progress: Any, _cancelled: Any) -> tuple[int, int]:
            from desktop.app.teaching_exchange import export_coco, person_names

            return export_coco(project, Path(path)), person_names(project)

        self._run(work, self._written, self.tr("Writing…"))

    def _ask_file(self, title: str, name: str, then: Callable[[str], None]) -> None:
        dialog = FileDialog(self._parent, title, "save")
        dialog.setDefaultSuffix(name.rsplit(".", 1)[1])
        dialog.selectFile(name)
        dialog.fileSelected.connect(then)
        dialog.open()

    def _ask_target(self, way: str) -> None:
        dialog = FileDialog(self._parent, self.tr("Export Class Folders into a New Folder"), "save")
        dialog.selectFile(self._teaching.name)
        dialog.fileSelected.connect(partial(self.export_folders, way))
        dialog.open()

    def export_folders(self, way: str, path: str) -> None:
        """Write class folders."""

        def work(project: Project, progress: Any, cancelled: Any) -> tuple[ExportedLabels, int]:
            from desktop.app.teaching_exchange import export_folders, person_names

            done = export_folders(project, Path(path), way, progress, cancelled)  # type: ignore[arg-type]
            return done, person_names(project)

        self._run(work, self._exported, self.tr("Writing class folders…"))

    def _written(self, written: tuple[int, int]) -> None:
        rows, named = written
        self.told.emit(self.tr("{0} labels were written.").format(count(rows)))
        self._say_named(named)

    def _say_named(self, named: int) -> None:
        """Names of files are what labels are told by: they are written as they are, and what they may hold is said."""
        if named:
            text = self.tr(
                "Files are called in it as they are, and {0} of the names read like a person's: look before you hand "
                "it on."
            )
            self.said.emit(text.format(count(named)))

    def _exported(self, exported: tuple[ExportedLabels, int]) -> None:
        found, named = exported
        self.told.emit(self.tr("{0} pictures were written into class folders.").format(count(found.pictures)))
        self._say_named(named)
        if found.left_out:
            name, reason = found.left_out[0]
            text = self.tr("{0} pictures could not be read ({1}: {2}).")
            self.said.emit(text.format(count(len(found.left_out)), name, reason))

    # Moved pictures

    @Slot()
    def ask_moved(self) -> None:
        """Choose where pictures that are not found may lie now."""
        dialog = FileDialog(self._parent, self.tr("Where May the Pictures Lie Now?"), "folder")
        dialog.fileSelected.connect(self.find_moved)
        dialog.open()

    @Slot(str)
    def find_moved(self, *folders: str) -> None:
        """Look below ``folders`` for pictures that are not where they were, by their content."""
        self._missing = self._teaching.ask(lambda n: AskMissing(n, folders))
        self.told.emit(self.tr("Looking for pictures that were moved…"))

    @Slot(Missing)
    def _on_missing(self, answer: Missing) -> None:
        if answer.number != self._missing:
            return
        self._teaching.refresh()
        if answer.missing:
            text = self.tr("{0} pictures were found again; {1} are still missing.")
            self.said.emit(text.format(count(len(answer.found)), count(len(answer.missing))))
        elif answer.found:
            self.told.emit(self.tr("{0} pictures were found again.").format(count(len(answer.found))))
        else:
            self.told.emit(self.tr("No picture is missing."))
        if answer.replaced:
            text = self.tr("{0} files hold another picture now: they are not learned from until you label them again.")
            self.said.emit(text.format(count(len(answer.replaced))))

    @Slot(Refused)
    def _on_refused(self, refused: Refused) -> None:
        if refused.number and refused.number == self._missing:
            self.said.emit(" ".join(part for part in (sentence(refused.message), refused.hint) if part))

    # Work with progress and Cancel

    def _run(self, work: Work, then: Callable[[Any], None], words: str) -> None:
        project = self._teaching.project
        if project is None or self._task is not None:
            return
        self._task = task = Task(
            lambda t: work(project, lambda done, total: t.progressed.emit((done, total)), lambda: t.cancelled)
        )
        self.progress = dialog = QProgressDialog(words, self.tr("Cancel"), 0, 1, self._parent)
        at_work(dialog)
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.setMinimumDuration(300)
        dialog.canceled.connect(task.cancel)
        self._then = then
        task.progressed.connect(self._on_progress)
        task.answered.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.launch()

    @Slot(object)
    def _on_progress(self, told: tuple[int, int | None]) -> None:
        if self.progress is not None:
            done, total = told
            if total:
                self.progress.setRange(0, total)
                self.progress.setValue(min(done, total))
            else:
                at_work(self.progress)

    def _end(self) -> None:
        self._task = None
        dialog, self.progress = self.progress, None
        if dialog is not None:
            dialog.canceled.disconnect()
            dialog.close()
            dialog.deleteLater()
        self._teaching.refresh()

    @Slot(object)
    def _on_done(self, result: Any) -> None:
        then = self._then
        self._end()
        then(result)

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        self._end()
        self.said.emit(sentence(words_of(error)))

    _then: Callable[[Any], None]
