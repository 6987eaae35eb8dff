"""What the window asks of a view that is made on its first visit: Draw, Evaluate, Train, Models.

Every method has a harmless default, so a view overrides what it has and the window asks all of them alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings


class LaterView(QWidget):
    """A view of the window beside Classify.

    ``said`` carries a sentence for the message bar on what went wrong or is missing, ``told`` one on what was done;
    ``card_requested`` the id of a model whose card is wanted;
    ``changed`` says that something has changed on which menus depend; ``classify_wanted`` asks for Classify with the
    model of that id; ``evaluate_wanted`` for Evaluate with a model's id and the path of labelled data ('' for none);
    ``errors_wanted`` for Evaluate with a model's id, the path of its data and the names of its validation pictures;
    ``kept_wanted`` for Evaluate with the evaluation that was kept under that key;
    ``view_wanted`` for another view by its id; ``train_wanted`` for a training: a plan and a name;
    ``teach_wanted`` for Teach with the project of that id, ``retrain_wanted`` for a better model of a project's labels
    than the model of that id ('': the one made of it last). ``progressed`` says how far its work is, 0 to 1, for the
    ring on its button; below 0: none is under way.
    """

    said = Signal(str)
    told = Signal(str)
    card_requested = Signal(str)
    changed = Signal()
    classify_wanted = Signal(str)
    evaluate_wanted = Signal(str, str)
    errors_wanted = Signal(str, str, tuple)
    kept_wanted = Signal(str)
    view_wanted = Signal(str)
    train_wanted = Signal(tuple)
    teach_wanted = Signal(str)
    retrain_wanted = Signal(str, str)
    progressed = Signal(float)

    def __init__(self, catalog: ModelCatalog, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.catalog = catalog
        self._settings = settings
        self._engine: EngineService | None = None

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    def close_down(self) -> None:
        """Stop what runs; for the end of the program. May be called twice."""

    def may_close(self) -> bool:
        """Whether the window may be closed now; a view with work under way asks the user."""
        return True

    def take_focus(self) -> None:
        """Give the keyboard to what comes first."""
        self.setFocus()

    # Opening: drops, and File › Open Folder

    def drop_words(self) -> str:
        """What the window says while something is dragged over this view; '' leaves the drop to Classify."""
        return ""

    def open_paths(self, paths: list[str]) -> None:
        """Open files or folders that were dropped here; only called where :meth:`drop_words` says something."""

    def ask_folder(self) -> bool:
        """Ask for a folder, as File › Open Folder does here; ``False`` leaves it to Classify."""
        return False

    # Commands of the menus that mean the view that is shown

    def can_undo(self) -> bool:
        """Whether :meth:`undo` has something to take back."""
        return False

    def can_redo(self) -> bool:
        """Whether :meth:`redo` has something to do again."""
        return False

    @Slot()
    def undo(self) -> None:
        """Take back what was done last."""

    @Slot()
    def redo(self) -> None:
        """Do again what was taken back last."""

    def can_export(self) -> bool:
        """Whether :meth:`export` has something to write."""
        return False

    @Slot()
    def export(self) -> None:
        """Offer what can be saved."""

    def can_copy(self) -> bool:
        """Whether :meth:`copy` has something for the clipboard."""
        return False

    @Slot()
    def copy(self) -> None:
        """Put what is shown onto the clipboard."""

    def can_correct(self) -> bool:
        """Whether :meth:`correct` has pictures to ask about."""
        return False

    def correct(self) -> None:
        """Ask what the chosen pictures really are, and add them with that label to a Teach project."""

    def focus_filter(self) -> None:
        """Put the keyboard into the view's search field, where it has one."""
