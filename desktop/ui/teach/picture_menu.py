"""What can be done with the selected pictures of a project: the menu of a right click, and the commands behind it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from desktop.services.revealing import reveal
from desktop.services.teaching import Teaching
from desktop.ui.kit.widgets import caption

if TYPE_CHECKING:
    from desktop.ui.teach.picture_side import PictureSide
    from desktop.ui.teach.pictures_pane import PicturesPane


class TaughtPictureMenu(QObject):
    """The menu on the selection of ``pane``; ``side`` has the picture that is looked at."""

    def __init__(self, teaching: Teaching, pane: PicturesPane, side: PictureSide, parent: QWidget) -> None:
        super().__init__(parent)
        self._teaching, self._pane, self._side, self._widget = teaching, pane, side, parent
        self.dialog: QInputDialog | None = None

    def fill(self, menu: QMenu) -> None:
        """Add what can be done with the selected pictures."""
        doing, ids = self._pane.labelling, self._pane.view.selected_ids()
        for shown in self._teaching.classes:
            action = menu.addAction(caption(shown.name))
            if shown.key:
                action.setText(f"{action.text()}\t{shown.key.upper()}")
            action.triggered.connect(lambda _on=False, class_id=shown.id: doing.label(class_id))
        if self._teaching.classes:
            menu.addSeparator()
        take = menu.addAction(self.tr("Take the suggestion") + "\t" + self.tr("Enter"), doing.accept_selected)
        take.setEnabled(self._teaching.suggestions is not None)
        back = menu.addAction(self.tr("Take the label back") + "\t" + self.tr("Backspace"))
        back.setEnabled(any(self._teaching.label_of(i) for i in ids))
        back.triggered.connect(lambda: doing.label(None))
        menu.addSeparator()
        menu.addAction(self.tr("Find similar pictures"), lambda: self._pane.choose("nearest", ids[0]))
        menu.addAction(self.tr("Star") + "\t*", doing.star)
        if len(ids) == 1:
            menu.addAction(self.tr("Note…"), partial(self.ask_note, ids[0]))
        menu.addAction(self.tr("Show large") + "\t" + self.tr("Space"), doing.look)
        menu.addSeparator()
        paths = self._pane.model.paths_of(ids)
        copy = menu.addAction(self.tr("Copy the picture") if len(ids) == 1 else self.tr("Copy the files"), self.copy)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown, not heard: the window hears it
        where = menu.addAction(self.tr("Show in the file manager"), lambda: reveal(paths[0]))
        where.setEnabled(bool(paths))
        printed = menu.addAction(self.tr("Print…"), self.print_picture)
        printed.setEnabled(len(ids) == 1 and self._side.picture_id == ids[0] and self._side.image[0] is not None)
        menu.addSeparator()
        menu.addAction(self.tr("Remove from the project") + "\t" + self.tr("Del"), doing.remove)

    def copy(self) -> None:
        """Put the selected pictures' files onto the clipboard, and of one that is looked at the picture, too."""
        ids = self._pane.view.selected_ids()
        mime = QMimeData()
        paths = self._pane.model.paths_of(ids)
        if paths:
            mime.setUrls([QUrl.fromLocalFile(os.path.abspath(path)) for path in paths])
        image = self._side.image[0]
        if len(ids) == 1 and self._side.picture_id == ids[0] and image is not None:
            mime.setImageData(image)
        if mime.formats():
            QGuiApplication.clipboard().setMimeData(mime)

    def ask_note(self, picture_id: int) -> None:
        """Ask for a note on a picture."""
        pictures = self._pane.model
        self.dialog = dialog = QInputDialog(self._widget)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        dialog.setWindowTitle(self.tr("Note"))
        name = pictures.facts(picture_id)[0]
        dialog.setLabelText(self.tr("Note on {0}. It is kept in the project, not in the file.").format(name))
        dialog.setTextValue(pictures.note(picture_id))
        dialog.textValueSelected.connect(partial(self._pane.labelling.note, picture_id))
        dialog.open()

    def print_picture(self) -> None:
        """A page with the picture that is looked at and what it is, in a preview first."""
        from desktop.ui.classify.printing import PrintedPage, Printing

        image, picture_id = self._side.image[0], self._side.picture_id
        if image is None or not picture_id:
            return
        pictures = self._pane.model
        name, label, _, _ = pictures.facts(picture_id)
        page = PrintedPage(image, name)
        known = self._teaching.class_of(label)
        page.answer = known.name if known is not None else ""
        note = pictures.note(picture_id)
        page.lines += [self.tr("Note: {0}").format(note)] if note else []
        self.printing = Printing([page], self._widget)
        self.printing.show()
