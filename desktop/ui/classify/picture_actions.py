"""What can be done with the images of Classify, once: right-click menus, keys and the menu bar all end here."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QPoint, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage, QKeySequence, QPixmap
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from desktop.services.corrections import Corrected
from desktop.services.marks import Marks
from desktop.services.revealing import reveal
from desktop.services.session import MAX_UNDO, ImageItem
from desktop.services.similar import Similar
from desktop.services.sorting import Sorter
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import caption, decimals, image_of
from desktop.ui.widgets.correcting import OFFERED, Correcting

if TYPE_CHECKING:
    from desktop.engine.messages import Explanation
    from desktop.services.settings import Settings
    from desktop.store.manifest import Manifest
    from desktop.store.marks import PictureMark
    from desktop.ui.classify.printing import PrintedPage
    from desktop.ui.classify.whole import Whole

_LISTED = 5


class PictureActions(QObject):
    """The commands on ``view``'s images. ``said`` carries a sentence on what went wrong, ``told`` on what was done;
    ``changed`` says that what can be undone is another thing now; ``retrain_wanted`` carries a project and the model
    that shall learn it."""

    said = Signal(str)
    told = Signal(str)
    changed = Signal()
    retrain_wanted = Signal(str, str)

    def __init__(self, view: Whole, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._view, self._settings, self._widget = view, settings, parent
        self.marks = Marks(view.session, self)
        self.correcting = Correcting(settings, parent)
        self.sorter = Sorter(self)
        self.similar = Similar(view.session, self)
        self.similar.found.connect(self._show_similar)
        self.similar.failed.connect(self.said)
        self._undo: list[Callable[[], bool | None]] = []  # the last one last; ``False``: there was nothing to take back
        self.marks.changed.connect(self._show_marks)
        self.marks.failed.connect(self.said)
        self.correcting.failed.connect(self.said)
        self.correcting.told.connect(self.told)
        self.correcting.done.connect(self._on_corrected)
        self.correcting.retrain_wanted.connect(self._on_retrain)

    def finish(self) -> None:
        """Wait until all is on the disk; for the end of the program."""
        self.sorter.cancel()
        self.similar.cancel()
        self.marks.finish()
        self.correcting.finish()

    @property
    def manifest(self) -> Manifest | None:
        """The model chosen now."""
        entry = self._view.answer.entry
        return entry.manifest if entry is not None else None

    def chosen(self) -> list[ImageItem]:
        """What a command of the menu bar means: the selected images, else the one that is looked at."""
        current = self._view.session.current
        return self._view.list.selected() or ([current] if current is not None else [])

    # Menus

    def menu(self, items: list[ImageItem], on_map: bool = False) -> QMenu:
        """The menu for ``items``; with ``on_map`` that of the picture or map that is looked at."""
        menu = QMenu(self._widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        one, files = len(items) == 1, [item for item in items if item.source.path is not None]

        def add(
            icon: str, words: str, slot: Callable[[], None], key: QKeySequence | None = None, on: bool = True
        ) -> None:
            action = menu.addAction(theme().icon(icon, 16), words)
            action.triggered.connect(lambda _=False: slot())
            action.setEnabled(on)
            if key is not None:
                action.setShortcut(key)
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown, not heard: the views hear it

        add("large", self.tr("Look at it large"), partial(self.look, items), QKeySequence(Qt.Key.Key_Space))
        menu.addSeparator()
        if on_map and self._map() is not None:
            add("copy", self.tr("Copy the map with its legend"), self.copy_map)
            add("save", self.tr("Save the map with its legend…"), self.save_map)
        copied = self.tr("Copy the picture") if one else self.tr("Copy the files")
        add("copy", copied, partial(self.copy, items), QKeySequence(QKeySequence.StandardKey.Copy), one or bool(files))
        if files:
            add("copy", self.tr("Copy the path") if one else self.tr("Copy the paths"), partial(self.copy_paths, items))
            add("folder", self.tr("Show in the file manager"), partial(self.reveal, items))
        menu.addSeparator()
        starred = all(self.marks.is_starred(item) for item in items)
        star = self.tr("Take the star away") if starred else self.tr("Star")
        add("star", star, partial(self.star, items), QKeySequence("Ctrl+D"))
        if one:
            add("note", self.tr("Note…"), partial(self.note, items), QKeySequence("Ctrl+Shift+N"))
        self.correcting.add_to(menu, [i.source for i in items], self._likely(items), self._labels, self._small(items))
        others = len(self._view.session.items) > 1
        add("search", self.tr("Find similar"), partial(self.find_similar, items), None, one and others)
        menu.addSeparator()
        add("folder", self.tr("Sort by answer…"), partial(self.sort, items))
        add("print", self.tr("Print…"), partial(self.print_pictures, items), None, self._can_print(items))
        menu.addSeparator()
        remove = self.tr("Remove from the list")
        add("remove", remove, partial(self._view.remove, items), QKeySequence(QKeySequence.StandardKey.Delete))
        return menu

    def _likely(self, items: list[ImageItem]) -> list[str]:
        manifest, session = self.manifest, self._view.session
        if manifest is None:
            return []
        if len(manifest.labels) <= 2 * OFFERED:
            return list(manifest.labels)
        answer = session.prediction
        if len(items) == 1 and items[0] is session.current and answer is not None and answer.model == manifest.id:
            order = sorted(range(len(manifest.labels)), key=lambda at: -float(answer.probabilities[at]))
            return [manifest.labels[at] for at in order[:OFFERED]]
        return []

    def show_menu(self, items: list[ImageItem], place: QPoint, on_map: bool = False) -> None:
        """Open the menu at ``place`` of the screen."""
        if items:
            self.menu(items, on_map).popup(place)

    @Slot(QPoint)
    def show_list_menu(self, place: QPoint) -> None:
        """The menu of the list, at a place of its viewport; from the keyboard at the image that is chosen."""
        view = self._view.list.view
        if not view.indexAt(place).isValid() and view.currentIndex().isValid():
            place = view.visualRect(view.currentIndex()).center()
        self.show_menu(self._view.list.selected(), view.viewport().mapToGlobal(place))

    def show_class_menu(self, index: int, place: QPoint) -> None:
        """The menu of a bar: class number ``index`` of the model."""
        manifest, session, current = self.manifest, self._view.session, self._view.session.current
        if manifest is None or not 0 <= index < len(manifest.labels):
            return
        label = manifest.labels[index]
        menu = QMenu(self._widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        answer = session.prediction
        if answer is not None:
            text = f"{label}\t{float(answer.probabilities[index])!r}"
            menu.addAction(theme().icon("copy", 16), self.tr("Copy class and score")).triggered.connect(
                partial(_copy_text, text)
            )
        if current is not None and answer is not None:
            where = self.tr("Where does it see ‘{0}’?").format(caption(label))
            menu.addAction(theme().icon("search", 16), where).triggered.connect(partial(self._explain, index))
            right = self.tr("This is a ‘{0}’").format(caption(label))
            menu.addAction(theme().icon("check", 16), right).triggered.connect(partial(self._take_as, current, label))
        menu.addAction(self.tr("Only images with this answer")).triggered.connect(
            partial(self._view.list.show_answer, label)
        )
        menu.popup(place)

    def _explain(self, index: int, *_: object) -> None:
        explainer = self._view.explainer
        explainer.set_index(index)
        explainer.show(True)

    # Looking, copying, showing

    def look(self, items: list[ImageItem]) -> None:
        """Look at the first of them large."""
        self._view.look_at(items[0])

    def copy(self, items: list[ImageItem]) -> None:
        """Put the files onto the clipboard, and of one that is looked at the picture, too."""
        mime = QMimeData()
        urls = [QUrl.fromLocalFile(os.path.abspath(i.source.path)) for i in items if i.source.path is not None]
        if urls:
            mime.setUrls(urls)
        session = self._view.session
        if len(items) == 1 and items[0] is session.current and session.preview is not None:
            mime.setImageData(image_of(session.preview.pixels))
        elif len(items) == 1 and items[0].source.data is not None:
            mime.setData("image/png", items[0].source.data)
        if urls or mime.hasImage() or mime.formats():
            QGuiApplication.clipboard().setMimeData(mime)

    def copy_paths(self, items: list[ImageItem]) -> None:
        """Put the files' places onto the clipboard, a line each."""
        QGuiApplication.clipboard().setText("\n".join(i.source.path for i in items if i.source.path))

    def reveal(self, items: list[ImageItem]) -> None:
        """Show the first file in the system's file manager."""
        path = next((item.source.path for item in items if item.source.path is not None), None)
        if path is not None:
            reveal(path)

    # Maps

    def _map(self) -> Explanation | None:
        explainer = self._view.explainer
        return explainer.explanation if explainer.wanted else None

    def _map_picture(self) -> QImage | None:
        from desktop.ui.widgets.heat_picture import heat_picture

        found, preview, manifest = self._map(), self._view.session.preview, self.manifest
        if found is None or preview is None or manifest is None:
            return None
        return heat_picture(image_of(preview.pixels), found, manifest, self._view.explainer.opacity / 100)

    def copy_map(self) -> None:
        """Put the map over the picture, with its legend, onto the clipboard."""
        picture = self._map_picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)

    def save_map(self) -> None:
        """Ask where the map goes, as PNG."""
        picture = self._map_picture()
        if picture is None:
            return
        dialog = FileDialog(self._widget, self.tr("Save the Map"), "save")
        dialog.setDefaultSuffix("png")
        dialog.setNameFilters([self.tr("PNG pictures (*.png)")])
        dialog.selectFile(self.tr("where it looked") + ".png")
        dialog.fileSelected.connect(partial(self._write_map, picture))
        dialog.open()

    def _write_map(self, picture: QImage, path: str) -> None:
        from desktop.core.types import FoveaError
        from desktop.system.files import disk_of, saying, write_atomically

        try:
            with saying("the map", disk_of(path)):
                write_atomically(path, lambda place: picture.save(str(place), "PNG"))  # type: ignore[call-overload]
        except FoveaError as error:
            self.said.emit(f"{error.message}. {error.hint}")
        else:
            self.told.emit(self.tr("The map was saved as {0}.").format(os.path.basename(path)))

    # Marks

    @Slot()
    def _show_marks(self) -> None:
        model = self._view.list.model
        if model.filter or model.rule in ("star", "note"):
            model.refresh()
        self._view.list.view.viewport().update()

    def star(self, items: list[ImageItem]) -> None:
        """Give them a star; where all have one, take it."""
        star = not all(self.marks.is_starred(item) for item in items)
        self._marked(self.marks.star(items, star))

    def note(self, items: list[ImageItem]) -> None:
        """Ask for a note on the first of them."""
        item = items[0]
        dialog = QInputDialog(self._widget)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        dialog.setWindowTitle(self.tr("Note"))
        dialog.setLabelText(self.tr("Note on {0}. It is kept by Fovea, not in the file.").format(item.name))
        dialog.setTextValue(self.marks.note_of(item))
        dialog.textValueSelected.connect(partial(self._write_note, item))
        dialog.open()

    def _write_note(self, item: ImageItem, text: str) -> None:
        self._marked(self.marks.note(item, text))

    def _marked(self, before: dict[ImageItem, PictureMark]) -> None:
        if before:
            self.remember(partial(self.marks.put_back, before))

    # This is a …

    @property
    def _labels(self) -> tuple[str, ...]:
        manifest = self.manifest
        return manifest.labels if manifest is not None else ()

    def _small(self, items: list[ImageItem]) -> QPixmap | None:
        return self._view.list.model.thumbnail(items[0]) if len(items) == 1 else None

    @Slot()
    def correct(self) -> None:
        """Ask what the chosen images really are."""
        items = self.chosen()
        if items:
            self.correcting.ask([item.source for item in items], self._labels, self._small(items))

    def _take_as(self, item: ImageItem, label: str, *_: object) -> None:
        self.correcting.corrections.correct([item.source], label)

    @Slot(str, object)
    def _on_corrected(self, words: str, corrected: Corrected) -> None:
        self.offer_undo(words, partial(self.correcting.corrections.take_back, corrected))

    @Slot()
    def show_corrections(self) -> None:
        """List what was corrected."""
        self.correcting.show_list()

    @Slot(str)
    def _on_retrain(self, project: str) -> None:
        manifest = self.manifest
        self.retrain_wanted.emit(project, manifest.id if manifest is not None else "")

    # Similar ones

    def find_similar(self, items: list[ImageItem]) -> None:
        """List the images by how alike they are to the first of ``items``."""
        self.similar.find(items[0])

    @Slot(list)
    def _show_similar(self, items: list[ImageItem]) -> None:
        self._view.list.show_ranking(items, self.tr("like {0}, the most alike first").format(items[0].source.name))

    # Sorting

    def sort(self, items: list[ImageItem]) -> None:
        """Ask how ``items``, or where it is one all images, shall be sorted by their answers."""
        from desktop.app.sorting import Answered, answered_of
        from desktop.ui.classify.sort_dialog import SortDialog

        view, manifest = self._view, self.manifest
        if manifest is None:
            return
        wanted = [item for item in (items if len(items) > 1 else view.session.items) if item.stack is None]
        if not wanted:
            self.said.emit(self.tr("A series is not sorted: its files belong together."))
            return
        job = view.job
        held = job.answers if job.model_id == manifest.id else None
        pictures = []
        for item in wanted:
            at = job.place_of(item) if held is not None else -1
            pictures.append(answered_of(held, at) if held is not None and at >= 0 else Answered(item.source))
        dialog = SortDialog(pictures, manifest, self.sorter, self._settings, self._widget)
        dialog.moved.connect(self._relocate)
        dialog.open()

    def show_sorted(self) -> None:
        """List what was copied, moved and renamed, to take it back."""
        from desktop.ui.classify.sort_log import SortLog

        dialog = SortLog(self.sorter, self._widget)
        dialog.moved.connect(self._relocate)
        dialog.open()

    @Slot(object)
    def _relocate(self, places: dict[str, str]) -> None:
        session = self._view.session
        found = {
            item: places[path]
            for item in session.items
            if item.stack is None
            and item.source.path is not None
            and (path := os.path.abspath(item.source.path)) in places
        }
        session.relocate(found)
        self._view.job.relocate(found)
        self._view.list.model.refresh()

    # Printing

    def _can_print(self, items: list[ImageItem]) -> bool:
        session = self._view.session
        return bool(items) and items[0] is session.current and session.preview is not None

    def print_current(self) -> None:
        """Print the picture that is looked at."""
        current = self._view.session.current
        if current is not None:
            self.print_pictures([current])

    def print_pictures(self, items: list[ImageItem]) -> None:
        """A page with the picture that is looked at and its answer, in a preview first."""
        if self._can_print(items):
            from desktop.ui.classify.printing import Printing

            self.printing = Printing([self.page()], self._widget)
            self.printing.show()

    def page(self) -> PrintedPage:
        """What is printed of the picture that is looked at."""
        from desktop.core.figures.public_names import NameHider
        from desktop.ui.classify.printing import PrintedPage
        from desktop.ui.kit.tabled import notice

        session, manifest = self._view.session, self.manifest
        assert session.preview is not None and session.current is not None
        name = session.current.source.name
        hider = NameHider(manifest is not None and manifest.medical)
        shown = hider.take(name, session.items.index(session.current) + 1)
        page = PrintedPage(self._map_picture() or image_of(session.preview.pixels), shown)
        if shown != name:
            page.lines.append(self.tr("The file's name is not printed: it may be a person's."))
        answer = session.prediction
        if answer is not None and manifest is not None:
            page.answer = self._view.answer.bars.headline
            outside = answer.domain is not None and not answer.domain.inside
            page.lines.append(self.tr("Model: {0}").format(f"{manifest.name} {manifest.version}"))
            if not outside:
                word = self.tr("probability") if manifest.scores == "probability" else self.tr("model score")
                order = sorted(range(len(manifest.labels)), key=lambda at: -float(answer.probabilities[at]))
                page.lines += [
                    f"{manifest.labels[at]}  {decimals(float(answer.probabilities[at]))} ({word})"
                    for at in order[:_LISTED]
                ]
            own = notice("medical") if manifest.medical else manifest.card.notice
            page.cautions += [own] if own else []
        note = self.marks.note_of(session.current)
        page.lines += [self.tr("Note: {0}").format(note)] if note else []
        return page

    # Undo

    def offer_undo(self, words: str, undo: Callable[[], None]) -> None:
        """Say what was done, with a button that takes it back; Edit › Undo does so, too."""
        self.remember(undo)
        self._view.list.offer_undo(words)

    def remember(self, undo: Callable[[], bool | None]) -> None:
        """``undo`` takes back what was just done; it gives ``False`` where there is nothing to take back any more."""
        self._undo = [*self._undo, undo][-MAX_UNDO:]
        self._view.list.show_removed(0)
        self.changed.emit()

    @property
    def can_undo(self) -> bool:
        """Whether :meth:`undo` has something to take back."""
        return bool(self._undo)

    @property
    def last(self) -> Callable[[], bool | None] | None:
        """What :meth:`undo` calls next."""
        return self._undo[-1] if self._undo else None

    def undo(self) -> bool:
        """Take back what was done last; whether there was something."""
        done = False
        while self._undo and not done:
            self._view.list.show_removed(0)
            done = self._undo.pop()() is not False
        self.changed.emit()
        return done


def _copy_text(text: str, *_: object) -> None:
    QGuiApplication.clipboard().setText(text)
