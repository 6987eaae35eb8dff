"""The Classify view: list, picture, answer and results, and the paths between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from desktop.services.advising import Adviser
from desktop.services.classifying import Classifying
from desktop.services.explaining import Explainer
from desktop.services.folder_job import FolderJob
from desktop.services.last_images import LastImages
from desktop.services.opening import Opener
from desktop.services.samples import samples_for
from desktop.services.session import ImageItem, Session
from desktop.services.settings import Settings
from desktop.ui.classify.camera_part import CameraPart
from desktop.ui.classify.image_list import ImageList
from desktop.ui.classify.looking_for_row import LookingForRow
from desktop.ui.classify.picture_actions import PictureActions
from desktop.ui.kit.remembered_sizes import RememberedSizes
from desktop.ui.widgets.empty_state import EmptyState

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.scan import ScanDone
    from desktop.ui.classify.answer_pane import AnswerPane
    from desktop.ui.classify.picture_pane import PicturePane
    from desktop.ui.classify.results_pane import ResultsPane

ANSWER_WIDTH = 272
"""Room for the scores, and what is said of them, beside a scroll bar."""
MAP_HEIGHT = 240
"""A map on a smaller picture says little."""
MIDDLE_WIDTH = 472
"""Room for the picture with what the network saw beside it, and for name, answer and score in the table: in a narrow
window the list gives way first."""
_RESULTS_MS = 1500
"""The results of one picture are behind its answer: they are made when that has had its time to come."""


class ClassifyView(QWidget):
    """Three panes. ``files_wanted``, ``folder_wanted`` and ``paste_wanted`` ask the window for its dialogs."""

    files_wanted = Signal()
    folder_wanted = Signal()
    paste_wanted = Signal()
    card_requested = Signal(str)
    install_wanted = Signal(str)
    look_requested = Signal()
    said = Signal(str)
    told = Signal(str)

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = Session(self)
        self.job = FolderJob(self)
        self.classifying = Classifying(self.session, self.job, catalog, self)
        self.explainer = Explainer(self.session, catalog, self)
        self.explainer.opacity = settings.get("overlay")
        self.adviser = Adviser(self.session, self)
        self.opener = Opener(self.session, self)
        self.last_images = LastImages(self.session, self.job, self.classifying, settings, self)
        self._catalog = catalog
        self._settings = settings
        self._answer: AnswerPane | None = None
        self._picture: PicturePane | None = None
        self._results: ResultsPane | None = None
        self._before_map: list[int] | None = None  # how picture and table shared the room
        self._fresh = ""  # a model made just now, to begin with once it is listed
        self._build()
        self.cameras = CameraPart(self, self)
        self.doing = PictureActions(self, settings, self)
        self._connect()
        self._restore()
        self._show_empty()

    def _build(self) -> None:
        self.list = ImageList(self.session, self.classifying.said)
        self.looking_for = LookingForRow()
        left = QWidget()
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(0, 0, 0, 0)
        left_layout.setSpacing(0)
        left_layout.addWidget(self.list, 1)
        left_layout.addWidget(self.looking_for)
        self.empty = EmptyState()
        holder = QWidget()
        holder_layout = QVBoxLayout(holder)
        holder_layout.setContentsMargins(8, 12, 8, 12)
        holder_layout.addWidget(self.empty)
        self._middle = QSplitter(Qt.Orientation.Vertical)
        self._middle.setChildrenCollapsible(False)
        self._middle.setHandleWidth(4)
        self.stack = QStackedWidget()
        self.stack.addWidget(holder)
        self.stack.addWidget(self._middle)
        self.stack.setMinimumWidth(MIDDLE_WIDTH)
        self._answer_place = QWidget()
        self._answer_place.setMinimumWidth(ANSWER_WIDTH)
        self._panes = QSplitter(Qt.Orientation.Horizontal)
        self._panes.setChildrenCollapsible(False)
        self._panes.setHandleWidth(4)
        for pane in (left, self.stack, self._answer_place):
            self._panes.addWidget(pane)
        self._panes.setStretchFactor(0, 0)
        self._panes.setStretchFactor(1, 1)
        self._panes.setStretchFactor(2, 0)
        self._panes.setSizes([244, 648, 300])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._panes)
        self._sizes = RememberedSizes(self._settings, {"panes": self._panes, "middle": self._middle}, self)

    def _connect(self) -> None:
        self.empty.open_files.connect(self.files_wanted)
        self.empty.open_folder.connect(self.folder_wanted)
        self.empty.paste.connect(self.paste_wanted)
        self.empty.camera.connect(self.open_camera)
        self.list.camera_wanted.connect(self.open_camera)
        self.cameras.said.connect(self.told)
        doing = self.doing
        doing.said.connect(self.said)
        doing.told.connect(self.told)
        self.list.menu_wanted.connect(doing.show_list_menu)
        self.list.copy_wanted.connect(doing.copy)
        self.list.model.marked = self.job.marked = doing.marks.of
        self.list.model.score_of = self.job.score_of
        self.empty.sample_chosen.connect(self.opener.add_file)
        self.empty.folder_chosen.connect(self._open_folder)
        self.list.chosen.connect(self.session.set_current)
        self.list.opened.connect(self._open_item)
        self.list.look.connect(self.look_at)
        self.list.remove_requested.connect(self.remove)
        self.list.undo_requested.connect(self.undo)
        self.list.mode_changed.connect(self._remember_mode)
        self.opener.progressed.connect(self._show_scan)
        self.opener.reading.connect(self.looking_for.show_reading)
        self.doing.similar.progressed.connect(self.looking_for.show_compared)
        self.doing.similar.ended.connect(self._hide_scan)
        self.opener.finished.connect(self._on_opened)
        self.opener.idle.connect(self.looking_for.hide)
        self.looking_for.cancelled.connect(self._cancel_scan)
        self.opener.said.connect(self.said)
        self.opener.told.connect(self.told)
        self.opener.opened_one.connect(self.classifying.take_one)
        self.classifying.seen = self._small_pictures_are_there
        self.list.model.thumbnails_changed.connect(self.classifying.look_first)
        self._catalog.changed.connect(self._on_catalog)
        self.session.was_reset.connect(self._show_empty)
        self.session.inserted.connect(self._show_empty)
        self.last_images.told.connect(self.told)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(250)
        self._repaint.timeout.connect(self.list.view.viewport().update)
        self.job.answered.connect(self._repaint_soon)
        self.job.began.connect(self._on_began)
        self.classifying.wanted.connect(self._show_results)

    def _small_pictures_are_there(self) -> bool:
        return not self.isVisible() or not self.list.model.missing(self.list.visible_items())

    @Slot()
    def complete(self) -> None:
        """Build what has nothing to show at first: picture and answer. After the first paint; once is enough. The
        results are built later, or when they are first asked for."""
        if self._picture is not None:
            return
        from desktop.ui.classify.answer_pane import AnswerPane
        from desktop.ui.classify.picture_pane import PicturePane

        self._picture = PicturePane(self.session, self._catalog, self.explainer)
        self._middle.addWidget(self._picture)
        self._picture.look.connect(self.look_requested)
        self._picture.every_wanted.connect(self.classifying.every)
        self._picture.menu_wanted.connect(self._show_picture_menu)
        self._picture.copy_wanted.connect(self._copy_current)
        self._answer = AnswerPane(self.session, self._catalog, self.explainer, self.adviser)
        sizes = self._panes.sizes()
        self._answer.setMinimumWidth(ANSWER_WIDTH)
        self._panes.replaceWidget(2, self._answer)
        self._panes.setStretchFactor(2, 0)
        self._panes.setSizes(sizes)
        self._answer_place.deleteLater()
        self._answer.model_selected.connect(self.choose_model)
        self._answer.card_requested.connect(self.card_requested)
        self._answer.install_wanted.connect(self.install_wanted)
        self._answer.confidence.set_rate(self._settings.get("error_rate"))
        self._answer.confidence.rate_chosen.connect(self._remember_rate)
        self.explainer.opacity_changed.connect(self._remember_opacity)
        self.explainer.changed.connect(self._on_map)
        self._answer.bars.menu_wanted.connect(self.doing.show_class_menu)
        self._answer.bars.set_top_k(max(1, self._settings.get("top_k")))
        self._sizes.add("picture", self._picture.splitter)
        self._sizes.restore()
        self._results_later = QTimer(self)
        self._results_later.setSingleShot(True)
        self._results_later.setInterval(_RESULTS_MS)
        self._results_later.timeout.connect(self._make_results)
        self._results_later.start()

    @Slot()
    def _make_results(self) -> None:
        """Build the results, hidden; once is enough."""
        if self._results is not None:
            return
        self.complete()
        from desktop.ui.classify.results_pane import ResultsPane

        self._results = ResultsPane(self.session, self.job, self._catalog)
        self._results.hide()
        self._middle.addWidget(self._results)
        self._middle.setStretchFactor(0, 3)
        self._middle.setStretchFactor(1, 2)
        self._middle.setSizes([360, 290])
        self._results.again.connect(self.classify_all)
        self._results.closed.connect(self._close_results)
        self._results.table.row_activated.connect(self._show_source)
        self._results.table.row_opened.connect(self._look_at_source)
        self._results.table.menu_wanted.connect(self._show_row_menu)
        self.doing.marks.changed.connect(self._show_marks)
        self._show_marks()
        self._sizes.restore()
        self._results.catch_up()

    @Slot()
    def _on_began(self) -> None:
        if len(self.job.items) > 1:
            self._make_results()

    @Slot()
    def _on_map(self) -> None:
        """A map is asked for, or put away."""
        if self.explainer.wanted == (self._before_map is not None):
            return
        if self.explainer.wanted:
            self._before_map = self._middle.sizes()
            QTimer.singleShot(0, self._give_map_room)  # once its tools are laid out
        else:
            self._middle.setSizes(self._before_map or [])
            self._before_map = None

    @Slot()
    def _give_map_room(self) -> None:
        """Where the picture would be small below the tools of the map, the table gives way as far as it can."""
        sizes = self._middle.sizes()
        missing = MAP_HEIGHT - self.picture.picture.height()
        if (
            self._before_map is not None
            and missing > 0
            and len(sizes) == 2
            and self._results is not None
            and self._results.isVisible()
        ):
            self._middle.setSizes([sizes[0] + missing, sizes[1] - missing])

    @Slot()
    def _show_marks(self) -> None:
        marks = self.doing.marks
        self.results.table.show_marks(marks.any_star, marks.any_note)

    @property
    def answer(self) -> AnswerPane:
        """The pane of the model and its answer."""
        self.complete()
        assert self._answer is not None
        return self._answer

    @property
    def picture(self) -> PicturePane:
        """The pane of the picture."""
        self.complete()
        assert self._picture is not None
        return self._picture

    @property
    def results(self) -> ResultsPane:
        """The pane of the results."""
        self._make_results()
        assert self._results is not None
        return self._results

    @Slot()
    def _repaint_soon(self) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self.session.attach(engine)
        self.explainer.attach(engine)
        self.adviser.attach(engine)
        self.cameras.live.attach(engine)
        self._panel_engine(engine)
        self.job.attach(engine)
        self.list.model.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine, which is about to be stopped."""
        self.job.cancel()
        self.session.detach()
        self.explainer.detach()
        self.adviser.detach()
        self.cameras.live.detach()
        self.job.detach()
        self.list.model.detach()

    def take_focus(self) -> None:
        """Give the keyboard to the list, or to the first button while there is nothing to list."""
        target = self.list.view if self.session.items else self.empty.first_button
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_down(self) -> None:
        """Stop what runs; for the end of the program."""
        self.job.cancel()
        self.cameras.camera.wait()
        self.opener.stop()
        self.last_images.finish()
        self.doing.finish()

    def restore_images(self, nothing_else: bool) -> None:
        """As :meth:`LastImages.restore`."""
        self.last_images.restore(nothing_else)

    # Opening

    def add_paths(self, paths: list[str]) -> None:
        """List files and what is in folders; several are all classified, one is only shown."""
        self.opener.add_paths(paths)

    @Slot(int)
    def _show_scan(self, found: int) -> None:
        self.list.show_removed(0)
        self.looking_for.show_found(found)

    @Slot()
    def _hide_scan(self) -> None:
        if not self.opener.busy:
            self.looking_for.hide()

    @Slot()
    def _cancel_scan(self) -> None:
        self.opener.cancel()
        self.doing.similar.cancel()

    @Slot(list, object)
    def _on_opened(self, items: list[ImageItem], done: ScanDone) -> None:
        for folder in done.folders:
            self._settings.add_recent_folder(folder)
        self.empty.set_recent(self._settings.get("recent_folders"))
        if items and self.window().focusWidget() is None:
            self.list.view.setFocus(Qt.FocusReason.OtherFocusReason)
        items = list(dict.fromkeys(items))  # a file named twice is one row of the list
        if len(items) > 1 and not done.cancelled:
            self.classifying.take(items, done.folders[0] if len(done.folders) == 1 else None)
        elif items:
            self.classifying.take_one(items[0])

    @Slot()
    def open_camera(self) -> None:
        """Show what a camera sees, with the model's answer to every frame; choosing an image leaves it."""
        self.cameras.open()

    # The picture

    @Slot()
    def zoom_in(self) -> None:
        """One step nearer."""
        self.picture.picture.zoom_in()

    @Slot()
    def zoom_out(self) -> None:
        """One step farther."""
        self.picture.picture.zoom_out()

    @Slot()
    def fit(self) -> None:
        """The whole picture."""
        self.picture.picture.fit()

    @Slot()
    def actual_size(self) -> None:
        """One pixel for one pixel."""
        self.picture.picture.actual_size()

    @Slot(str)
    def _open_folder(self, folder: str) -> None:
        self.opener.add_paths([folder])

    # The list

    @Slot(list)
    def remove(self, items: Sequence[ImageItem]) -> None:
        """Take images off the list; offers to undo it."""
        if gone := self.session.remove(items):
            self.doing.remember(self._bring_back)
            self.list.show_removed(gone)

    @Slot()
    def undo(self) -> None:
        """Take back what was done last: a star or note, a correction, the removal of images."""
        if not self.doing.undo():
            self._bring_back()

    def _bring_back(self) -> bool:
        was_empty = not self.session.items
        back = self.session.undo_remove()
        self.list.show_removed(0)
        if back:
            self.session.set_current(back[0])
        if was_empty and back:
            self.classifying.put_back(back)
        return bool(back)

    @Slot(object)
    def _open_item(self, item: ImageItem) -> None:
        self.session.set_current(item)
        self.picture.picture.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(object)
    def look_at(self, item: ImageItem) -> None:
        """Show an image large."""
        self.session.set_current(item)
        self.look_requested.emit()

    @Slot(object)
    def _show_source(self, source: ImageSource) -> None:
        self.session.show(source)

    @Slot(object)
    def _look_at_source(self, source: ImageSource) -> None:
        item = self.session.find(source)
        if item is not None:
            self.look_at(item)

    @Slot(object, QPoint)
    def _show_row_menu(self, source: ImageSource, place: QPoint) -> None:
        item = self.session.find(source)
        if item is not None:
            self.doing.show_menu([item], place)

    @Slot(QPoint)
    def _show_picture_menu(self, place: QPoint) -> None:
        if self.session.current is not None:
            self.doing.show_menu([self.session.current], place, on_map=True)

    @Slot()
    def _copy_current(self) -> None:
        if self.session.current is not None:
            self.doing.copy([self.session.current])

    @Slot()
    def _show_empty(self) -> None:
        if self.session.items and self.empty.isAncestorOf(self.window().focusWidget() or self):
            self.list.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self.cameras.shown:
            self.stack.setCurrentIndex(1 if self.session.items else 0)
        if not self.session.items:
            self.classifying.cut_short()  # nobody would see it, nor could stop it
            if self._results is not None:
                self._results.hide()

    # Models and batches

    @Slot(str)
    def choose_model(self, model_id: str) -> None:
        """Use another model: the image is classified anew; so is a folder, at once or when asked. It is remembered."""
        if self._use_model(model_id):
            self._settings.set("model", model_id)

    def take_new(self, made: list[str]) -> None:
        """Models were made that a fresh start would begin with: begin with them now, where nothing was chosen or looked
        at yet; else say that they are there."""
        self._catalog.refresh()
        fresh = not self._settings.get("model") and not self.session.items
        self._fresh = made[0] if fresh else ""
        if not fresh:
            self.said.emit(self.tr("The model for everyday photographs is ready: choose it in the list of models."))

    def _use_model(self, model_id: str) -> bool:
        entry = self._catalog.entry(model_id)
        if entry is None:
            return False
        if model_id != self.session.model_id:
            self.classifying.cut_short()
        self.session.set_model(model_id, entry.state == "ready")
        self._offer_samples()
        self.classifying.follow_model()
        self._repaint_soon()
        return True

    @Slot()
    def classify_all(self) -> None:
        """Classify the whole list with the model chosen now: what has no answer yet, or, where all has, all anew."""
        self.classifying.all()

    @property
    def can_undo(self) -> bool:
        """Whether :meth:`undo` has something to take back."""
        return self.doing.can_undo or self.session.can_undo

    @property
    def undoes_removal(self) -> bool:
        """Whether what :meth:`undo` takes back next is a removal of images."""
        return self.doing.last == self._bring_back if self.doing.can_undo else self.session.can_undo

    @property
    def can_classify_all(self) -> bool:
        """Whether there is a list and a model that can answer."""
        return bool(self.session.items) and self.session.model_ready

    @Slot()
    def _on_catalog(self) -> None:
        if not self.session.model_id or self._fresh:
            # What is begun with is not remembered as if it had been chosen: a later start may begin with a better one.
            self._use_model(self._catalog.first_choice(self._settings.get("model") or self._fresh))
            self._fresh = ""
        else:
            entry = self._catalog.entry(self.session.model_id)
            ready, before = entry is not None and entry.state == "ready", self.session.model_ready
            self.session.set_model(self.session.model_id, ready)
            if ready and not before:
                self.classifying.follow_model()
            self._repaint_soon()  # answers of a model that is another one now are no longer shown
        self._offer_samples()

    def _offer_samples(self) -> None:
        self.empty.set_samples(samples_for(self.session.model_id))

    @Slot()
    def _show_results(self) -> None:
        self.results.show()

    @Slot()
    def _close_results(self) -> None:
        self.classifying.stop()
        self.results.hide()

    # What is remembered

    def _restore(self) -> None:
        self._sizes.restore()
        if self._settings.get("list_mode") == "rows":
            self.list.set_mode("rows")
        self.empty.set_recent(self._settings.get("recent_folders"))
        self.empty.set_samples([])

    def _panel_engine(self, engine: EngineService) -> None:
        self.complete()
        self.answer.confidence.attach(engine)
        self.picture.attach(engine)

    @Slot(float)
    def _remember_rate(self, rate: float) -> None:
        self._settings.set("error_rate", rate)

    @Slot(int)
    def _remember_opacity(self, percent: int) -> None:
        self._settings.set("overlay", percent)

    @Slot(str)
    def _remember_mode(self, mode: str) -> None:
        self._settings.set("list_mode", mode)
