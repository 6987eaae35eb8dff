"""The Draw view: draw, and see while drawing what the network reads; keep what it should learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt, Slot
from PySide6.QtGui import QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QVBoxLayout, QWidget

from desktop.core.drawings import strokes
from desktop.core.types import FoveaError, ImageSource
from desktop.services.drawing_reader import DrawingReader
from desktop.ui.draw.answer import AnswerColumn, read_as
from desktop.ui.draw.canvas import READ_SIDE, DrawingCanvas, Mark
from desktop.ui.draw.exporting import ask_where, encoded, write_drawing
from desktop.ui.draw.history import DrawingHistory, Sheet
from desktop.ui.draw.keeping import Keeping
from desktop.ui.draw.tools import PEN_KEYS, Tools
from desktop.ui.draw.truth import TruthPanel
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.later_view import LaterView
from desktop.ui.kit.remembered_sizes import RememberedSizes
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of
from desktop.ui.widgets.correcting import Correcting
from desktop.ui.widgets.prepared_view import PreparedView, facts_of

if TYPE_CHECKING:
    from desktop.core.drawings.strokes import Drawing
    from desktop.engine.messages import Failure, Preview, Reading
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings
    from desktop.store.store import ModelEntry

PREFERRED = "mnist-digits"
_UNDER_SIDE = 1024
_EXPORT_SIDE = 1024
_SLOT = "draw"


class DrawView(LaterView):
    """See the module. ``reader`` asks the engine; ``canvas`` holds the drawing."""

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(catalog, settings, parent)
        self._reading: Reading | None = None
        self._chosen = 0
        self._under_id = 0
        self._told = 0  # labels told of this sheet while its answer is awaited
        self._last: tuple[Drawing, QImage | None, QImage] | None = None  # the sheet before its newest change
        self._correcting: Correcting | None = None
        self.keeping = Keeping(self)
        self.canvas = DrawingCanvas()
        self.reader = DrawingReader(self._encoded, self)
        self._build()
        self._connect()
        self.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.canvas.customContextMenuRequested.connect(self._show_menu)
        self._restore()
        self._list_models()
        self._refresh()

    def _build(self) -> None:
        self.tools = Tools()
        self.canvas.hint = self.tr(
            "Draw a digit here, with mouse, pen or finger: any size, any place, several in a row"
        )
        self.right = AnswerColumn(self._settings)
        self.truth = TruthPanel()
        self.prepared = PreparedView()
        self.history = DrawingHistory()
        left, middle = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.tools)
        column.addWidget(self.canvas, 1)
        column = QVBoxLayout(middle)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.prepared, 1)
        column.addWidget(self.truth)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        for part, stretch in ((left, 5), (middle, 2), (self.right, 3)):
            self.split.addWidget(part)
            self.split.setStretchFactor(self.split.count() - 1, stretch)
        middle.setMinimumWidth(theme().scaled(240))
        self.split.setSizes([600, 270, 320])
        below = QWidget()
        row = QHBoxLayout(below)
        row.setContentsMargins(12, 0, 12, 8)
        row.addWidget(self.history)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.split, 1)
        layout.addWidget(below)
        self.setAccessibleName(self.tr("Draw"))

    def _connect(self) -> None:
        tools, canvas = self.tools, self.canvas
        tools.erase_chosen.connect(self._choose_tool)
        tools.width_chosen.connect(self._choose_width)
        tools.pressure_chosen.connect(self._choose_pressure)
        tools.undo_wanted.connect(self.undo)
        tools.redo_wanted.connect(self.redo)
        tools.clear_wanted.connect(self.canvas.clear)
        tools.under_wanted.connect(self._ask_under)
        tools.export_wanted.connect(self.export)
        canvas.changed.connect(self._on_changed)
        canvas.finished.connect(self._refresh)
        canvas.mark_chosen.connect(self._choose_digit)
        canvas.key_typed.connect(self._on_key)
        canvas.step_wanted.connect(self._step)
        self.reader.read.connect(self._on_reading)
        self.reader.failed.connect(self._on_failure)
        self.reader.settled.connect(self._go_on_from_told)
        self.reader.late.connect(self._on_late)
        self.keeping.kept.connect(self.truth.show_kept)
        self.keeping.failed.connect(self.said)
        self.right.chooser.selected.connect(self.choose_model)
        self.right.chooser.card_requested.connect(self.card_requested)
        self.truth.label_chosen.connect(self.keep)
        self.truth.said.connect(self.said)
        self.history.sheet_chosen.connect(self._lay_out)
        self.catalog.changed.connect(self._list_models)

    def _restore(self) -> None:
        width = self._settings.get("draw_width")
        self.tools.width_slider.setValue(width)
        self.canvas.pen_width = self.tools.width_slider.value() / 1000
        self.tools.pressure.setChecked(self._settings.get("draw_pressure"))
        self.canvas.use_pressure = self.tools.pressure.isChecked()
        RememberedSizes(self._settings, {"draw": self.split}, self).restore()

    # The protocol of views

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        super().attach(engine)
        engine.preview_arrived.connect(self._on_preview)
        self.reader.attach(engine)
        self._say_state()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        if self._engine is not None:
            self._engine.preview_arrived.disconnect(self._on_preview)
            self.reader.detach()
        super().detach()

    def close_down(self) -> None:
        """Wait for the drawings that are being written."""
        self.keeping.wait()
        if self._correcting is not None:
            self._correcting.finish()

    def take_focus(self) -> None:
        """The keyboard belongs to the sheet."""
        self.canvas.setFocus()

    def drop_words(self) -> str:
        """What a drop does here."""
        return self.tr("Drop a picture to put it below the strokes, or a drawing (JSON)")

    def open_paths(self, paths: list[str]) -> None:
        """Open a drawing, or put a picture below the strokes."""
        path = Path(paths[0])
        if path.suffix.lower() == ".json":
            try:
                drawing = strokes.load(path)
            except FoveaError as error:
                self.said.emit(" ".join(part for part in (error.message + ".", error.hint) if part))
                return
            self._new_sheet()
            self.canvas.set_drawing(drawing)
            return
        self._load_under(str(path))

    def can_undo(self) -> bool:
        """Whether a change of the sheet can be taken back."""
        return self.canvas.can_undo

    def can_redo(self) -> bool:
        """Whether a change can be done again."""
        return self.canvas.can_redo

    @Slot()
    def undo(self) -> None:
        """Take the last change of the sheet back."""
        self.canvas.undo()

    @Slot()
    def redo(self) -> None:
        """Do it again."""
        self.canvas.redo()

    def can_correct(self) -> bool:
        """Whether something is drawn."""
        return self.can_copy()

    @Slot()
    def correct(self) -> None:
        """Ask what the drawing really is, and add it with that label to a Teach project."""
        if not self.can_correct():
            return
        if self._correcting is None:
            self._correcting = Correcting(self._settings, self)
            self._correcting.failed.connect(self.said)
            self._correcting.told.connect(self.told)
            self._correcting.done.connect(self._on_corrected)
        entry = self.entry
        labels = entry.manifest.labels if entry is not None and entry.manifest is not None else ()
        picture = self.canvas.large(_EXPORT_SIDE)
        source = ImageSource(name=self.tr("drawing") + ".png", data=encoded(picture, "PNG"))
        self._correcting.ask([source], labels, QPixmap.fromImage(picture))

    @Slot(str, object)
    def _on_corrected(self, words: str, corrected: object) -> None:
        self.told.emit(words + " " + self.tr("Edit › Corrections takes it back."))

    @Slot(QPoint)
    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        commands = (
            (self.tr("Copy the drawing"), self.copy),
            (self.tr("Export…"), self.export),
            (self.tr("This is a…"), self.correct),
        )
        for words, slot in commands:
            action = menu.addAction(words)
            action.triggered.connect(slot)
            action.setEnabled(self.can_copy())
        menu.popup(self.canvas.mapToGlobal(place))

    def can_copy(self) -> bool:
        """Whether there is a drawing to copy."""
        return not self.canvas.blank

    @Slot()
    def copy(self) -> None:
        """Put the drawing onto the clipboard as a picture."""
        QGuiApplication.clipboard().setImage(self.canvas.large(_EXPORT_SIDE))

    def can_export(self) -> bool:
        """Whether there is a drawing to save."""
        return not self.canvas.blank

    @Slot()
    def export(self) -> None:
        """Ask where to save the drawing, as a picture or as strokes."""
        ask_where(self, self.save)

    # Models

    def usable_models(self) -> list[ModelEntry]:
        """The models whose input is a drawing of a digit or letter."""
        return [e for e in self.catalog.entries if e.manifest is not None and e.manifest.preprocess.fit == "mnist"]

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model's entry."""
        return self.catalog.entry(self.reader.model)

    @Slot()
    def _list_models(self) -> None:
        entries = self.usable_models()
        self.right.chooser.set_entries(entries)
        ready = [entry.id for entry in entries if entry.state == "ready"]
        wanted = (self.reader.model, self._settings.get("draw_model"), PREFERRED, *ready)
        self._use(next((model for model in wanted if model in ready), ""))

    @Slot(str)
    def choose_model(self, model_id: str) -> None:
        """Read with another model and remember it."""
        self._settings.set("draw_model", model_id)
        self._use(model_id)

    def _use(self, model_id: str) -> None:
        self.right.chooser.set_current(model_id)
        if model_id != self.reader.model:
            self._told = 0
        self.reader.set_model(model_id)
        entry = self.entry
        manifest = entry.manifest if entry is not None else None
        self.truth.set_model(model_id, manifest.labels if manifest is not None else ())
        self.tools.show_keys(*(self._label_of(key) is None for key in PEN_KEYS))
        self.right.set_medical(manifest is not None and manifest.medical)
        self._say_state()

    # The sheet

    @Slot(bool)
    def _choose_tool(self, erase: bool) -> None:
        self.canvas.erasing = erase

    @Slot(int)
    def _choose_width(self, value: int) -> None:
        self.canvas.pen_width = value / 1000
        self._settings.set("draw_width", value)

    @Slot(bool)
    def _choose_pressure(self, use: bool) -> None:
        self.canvas.use_pressure = use
        self._settings.set("draw_pressure", use)

    def _encoded(self) -> bytes | None:
        return None if self.canvas.blank else encoded(self.canvas.picture())

    @Slot()
    def _on_changed(self) -> None:
        if self.canvas.blank:
            self._new_sheet()
            self._reading = None
            self._show_reading()
        else:
            self._last = (self.canvas.drawing, self.canvas.under, self.canvas.picture())
        self.reader.changed()

    @Slot()
    def _refresh(self) -> None:
        """Bring tools and menus into line with the sheet."""
        canvas = self.canvas
        self.tools.show_state(canvas.can_undo, canvas.can_redo, canvas.blank, canvas.under is not None)
        self.truth.set_usable(not canvas.blank)
        self.changed.emit()

    def _new_sheet(self) -> None:
        """The sheet is over; what was to be read of it is read still, so that the strip shows what it held."""
        last, self._last = self._last, None
        if last is not None and self.reader.busy:
            drawing, under, picture = last
            sheet = self.history.show_sheet(drawing, under, picture, "…")
            self.reader.also(encoded(picture), sheet)
        self.history.end_sheet()
        self._chosen = self._told = 0

    @Slot(object, object)
    def _on_late(self, sheet: Sheet, reading: Reading | None) -> None:
        digits = reading.digits if reading is not None else ()
        text = " ".join(read_as(digit.prediction) for digit in digits)
        self.history.set_answer(sheet, text or self.tr("nothing"))

    @Slot(object)
    def _lay_out(self, sheet: Sheet) -> None:
        self._new_sheet()
        self.canvas.set_drawing(sheet.drawing, sheet.under)
        self.canvas.setFocus()

    # A picture below

    @Slot()
    def _ask_under(self) -> None:
        if self.canvas.under is not None:
            self.canvas.set_under(None)
            return
        self._refresh()  # the button is down only when there is a picture
        from desktop.core.pictures.formats import SUPPORTED_SUFFIXES

        dialog = FileDialog(self, self.tr("Picture Below the Strokes"))
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(SUPPORTED_SUFFIXES))
        dialog.setNameFilters([self.tr("Images ({0})").format(patterns), self.tr("All files (*)")])
        dialog.fileSelected.connect(self._load_under)
        dialog.open()

    @Slot(str)
    def _load_under(self, path: str) -> None:
        if self._engine is not None:
            self._under_id = self._engine.preview(
                ImageSource.from_path(path), _UNDER_SIDE, _SLOT, self._on_preview_failure
            )

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        if preview.id == self._under_id:
            self._under_id = 0
            self.canvas.set_under(image_of(preview.pixels))
            self.canvas.setFocus()

    def _on_preview_failure(self, failure: Failure) -> None:
        self._under_id = 0
        self.said.emit(" ".join(part for part in (failure.message + ".", failure.hint) if part))

    # Answers

    @Slot(object)
    def _on_reading(self, reading: Reading) -> None:
        if self.canvas.blank or reading.model != self.reader.model:
            return
        self._reading = reading
        self._chosen = min(self._chosen, max(0, len(reading.digits) - 1))
        self._show_reading()
        # While the drawing has gone on, this is the answer for what it was: the strip waits for the newest.
        text = "…" if self.reader.behind else self._read_text() or self.tr("nothing")
        self.history.show_sheet(self.canvas.drawing, self.canvas.under, self.canvas.picture(), text)

    @Slot(object)
    def _on_failure(self, failure: Failure) -> None:
        self._reading = None
        self._show_reading()
        self.right.show_failure(failure)

    @property
    def answered(self) -> bool:
        """Whether what is shown is the answer, or the failure, for the sheet as it is."""
        return not self.reader.busy and (self._reading is not None or self.right.failure.isVisible())

    def _read_text(self) -> str:
        digits = self._reading.digits if self._reading is not None else ()
        return " ".join(read_as(digit.prediction) for digit in digits)

    def _show_reading(self) -> None:
        reading, entry = self._reading, self.entry
        manifest = entry.manifest if entry is not None else None
        self.right.show_reading(reading, manifest, self._chosen, self.reader.last_ms)
        self._show_marks()
        if reading is None or not reading.digits or manifest is None:
            self.prepared.show_prepared(None, [])
            self._say_state()
            return
        prediction = reading.digits[self._chosen].prediction
        self.prepared.show_prepared(prediction.prepared, facts_of(prediction, manifest))

    def _say_state(self) -> None:
        """Without an answer: what to do, or what is awaited."""
        if self._reading is not None and self._reading.digits:
            return
        if not self.usable_models() and self.catalog.loaded:
            words = self.tr("No installed model reads drawings. Train one on pictures of digits, or install one.")
        elif self.canvas.blank:
            words = self.tr("The answer appears here while you draw.")
        elif self._reading is not None:
            words = self.tr("No ink was found.")
        else:
            words = self.tr("Reading…") if self._engine is not None else self.tr("Starting the engine…")
        self.right.show_words(words)

    def _show_marks(self) -> None:
        digits = self._reading.digits if self._reading is not None else ()
        marks = []
        for number, digit in enumerate(digits if len(digits) > 1 else ()):
            x, y, width, height = (value / READ_SIDE for value in digit.box)
            marks.append(Mark(QRectF(x, y, width, height), read_as(digit.prediction), number == self._chosen))
        self.canvas.set_marks(marks)

    @Slot(int)
    def _choose_digit(self, number: int) -> None:
        """Show another of the digits found."""
        if self._reading is not None and 0 <= number < len(self._reading.digits):
            self._chosen = number
            self._show_reading()

    @Slot(int)
    def _step(self, by: int) -> None:
        self._choose_digit(self._chosen + by)

    # Own drawings

    def _label_of(self, text: str) -> str | None:
        """The model's label that a key means: the very one, or the only one that differs in case alone."""
        entry = self.entry
        labels = entry.manifest.labels if entry is not None and entry.manifest is not None else ()
        if text in labels:
            return text
        alike = [label for label in labels if label.casefold() == text.casefold()]
        return alike[0] if len(alike) == 1 else None

    @Slot(str)
    def _on_key(self, text: str) -> None:
        match = self._label_of(text)
        if match is not None:
            self.keep(match)
        elif text.upper() in PEN_KEYS:
            self.tools.pick(text.upper())

    @Slot(str)
    def keep(self, label: str) -> None:
        """Keep the drawing, or the chosen one of several digits, with its true label.

        That waits for no answer: the sheet as it is now is what the label was told of.
        """
        own = self.truth.own
        if self.canvas.blank or own is None:
            return
        if not self.reader.busy and self._reading is not None and not self._reading.digits:
            self.said.emit(self.tr("No ink was found: there is nothing to keep."))
            return
        self.keeping.keep(own, self.canvas.picture(), self._chosen + self._told, label)
        if self.reader.busy:
            self._told += 1
        else:
            self._step(1)

    @Slot()
    def _go_on_from_told(self) -> None:
        """The answer has come: the next label told is that of the next digit."""
        told, self._told = self._told, 0
        digits = len(self._reading.digits) if self._reading is not None else 0
        if told and digits:
            self._choose_digit(min(self._chosen + told, digits - 1))

    # Files

    @Slot(str)
    def save(self, path: str) -> None:
        """Write the drawing to ``path``: strokes where it ends in .json, else a PNG picture."""
        trouble = write_drawing(Path(path), self.canvas.drawing, self.canvas.large(_EXPORT_SIDE))
        if not trouble and path.lower().endswith(".json") and self.canvas.under is not None:
            trouble = self.tr("The strokes were written, without the picture below them: export a PNG to keep both.")
        if trouble:
            self.said.emit(trouble)
