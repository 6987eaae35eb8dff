"""The wizard itself: the list of steps at the left, the pages, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget, QWizard

from desktop.ui.kit.help_key import desk, explain, give_help
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import set_role
from desktop.ui.train.wizard.augment_page import AugmentPage
from desktop.ui.train.wizard.findings_page import FindingsPage
from desktop.ui.train.wizard.folder_page import FolderPage
from desktop.ui.train.wizard.page import WizardPage
from desktop.ui.train.wizard.preparing_page import PreparingPage
from desktop.ui.train.wizard.repeat import divided_as
from desktop.ui.train.wizard.settings_page import SettingsPage
from desktop.ui.train.wizard.split_page import SplitPage
from desktop.ui.train.wizard.start_page import StartingPointPage
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.train.wizard.summary_page import SummaryPage

if TYPE_CHECKING:
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.services.catalog import ModelCatalog
    from desktop.services.engine_service import EngineService
    from desktop.services.settings import Settings

FIRST_SIZE = QSize(1040, 680)
TOPICS = tuple(
    f"train-wizard#{step}"
    for step in ("pictures", "findings", "check", "network", "preparing", "variety", "learning", "start")
)
"""What explains each page."""


class TrainingWizard(QWizard):
    """From a folder to a training. ``started`` carries the plan and its name as a tuple when Start was pressed."""

    started = Signal(tuple)

    def __init__(
        self,
        catalog: ModelCatalog,
        settings: Settings,
        engine: EngineService | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New Training"))
        self.setWizardStyle(QWizard.WizardStyle.ClassicStyle)
        self.setOption(QWizard.WizardOption.NoBackButtonOnStartPage, False)
        self.setButtonText(QWizard.WizardButton.FinishButton, self.tr("Start training"))
        self.setButtonText(QWizard.WizardButton.CancelButton, self.tr("Cancel"))
        self.setButtonText(QWizard.WizardButton.NextButton, self.tr("Next"))
        self.setButtonText(QWizard.WizardButton.BackButton, self.tr("Back"))
        self._settings = settings
        self.state = WizardState(catalog, settings, engine, self)
        self.folder = FolderPage(self.state)
        self.findings = FindingsPage(self.state)
        self.split = SplitPage(self.state)
        self.start = StartingPointPage(self.state)
        self.preparing = PreparingPage(self.state)
        self.augment = AugmentPage(self.state)
        self.learning = SettingsPage(self.state)
        self.summary = SummaryPage(self.state)
        self.pages: list[WizardPage] = [
            self.folder, self.findings, self.split, self.start, self.preparing, self.augment, self.learning,
            self.summary,
        ]  # fmt: skip
        for number, page in enumerate(self.pages):
            self.setPage(number, page)
        self.setOption(QWizard.WizardOption.HaveHelpButton)
        self.setButtonText(QWizard.WizardButton.HelpButton, self.tr("Help"))
        self.helpRequested.connect(desk().hear)
        give_help(self, TOPICS[0])
        self.currentIdChanged.connect(self._explain)
        self.findings.express_wanted.connect(self.go_to_summary)
        self.findings.start_wanted.connect(self.start_as_recommended)
        self.start.recommended_changed.connect(self._on_recommended)
        self.steps = StepList([page.step for page in self.pages])
        self.setSideWidget(self.steps)
        self.currentIdChanged.connect(self.steps.set_current)
        self.steps.wanted.connect(self.go_to)
        for which in (QWizard.WizardButton.NextButton, QWizard.WizardButton.FinishButton):
            set_role(self.button(which), "primary")
        self.accepted.connect(self._on_accepted)
        self.finished.connect(self._on_finished)
        self._on_recommended()
        held = QByteArray.fromBase64(QByteArray(settings.get("wizard_geometry").encode("ascii", "ignore")))
        if held.isEmpty() or not self.restoreGeometry(held):
            screen = self.screen()
            self.resize(FIRST_SIZE.boundedTo(screen.availableSize()) if screen is not None else FIRST_SIZE)

    @Slot(int)
    def _explain(self, step: int) -> None:
        if 0 <= step < len(TOPICS):
            explain(self, TOPICS[step])

    def open_path(self, path: str) -> None:
        """Begin with this folder or file."""
        self.folder.open_path(path)

    def use_plan(self, plan: TrainingPlan, path: str = "") -> None:
        """Begin with the settings of ``plan`` ('repeat with changes'), and with the data at ``path`` or the plan's.

        Every page then shows the plan's values; they are applied once more when data has been read.
        """
        self.state.held = plan
        self.state.put(divided_as(self.state.draft.with_plan(plan), plan))
        self._on_recommended()
        if path or plan.data.path:
            self.folder.open_path(path or str(plan.data.path))

    @Slot(int)
    def go_to(self, step: int) -> None:
        """Go to a step: back to any, on as far as the pages between have what they need."""
        while self.currentId() > step >= 0:
            before = self.currentId()
            self.back()
            if self.currentId() == before:
                return
        while self.currentId() < min(step, len(self.pages) - 1):
            page, before = self.currentPage(), self.currentId()
            if page is None or not page.isComplete():
                return
            self.next()
            if self.currentId() == before:
                return

    @Slot()
    def start_as_recommended(self) -> None:
        """Go to the last page and start; where something is missing there, stay on it."""
        self.go_to_summary()
        if self.currentPage() is self.summary and self.summary.isComplete():
            self.accept()

    @Slot()
    def go_to_summary(self) -> None:
        """Skip the pages between: everything on them stays as recommended."""
        last = len(self.pages) - 1
        while self.currentId() != last and self.currentPage() is not None:
            before = self.currentId()
            self.next()
            if self.currentId() == before:
                return

    @Slot()
    def _on_recommended(self) -> None:
        draft = self.state.draft
        self.augment.recommended = draft.settings.augment
        self.learning.recommended = (draft.settings.optimizer, draft.settings.fit)
        self.learning.recommended_dropout = draft.settings.architecture.settings.get("dropout")

    @Slot()
    def _on_accepted(self) -> None:
        draft = self.state.draft
        self.started.emit((draft.plan(), draft.name))

    @Slot()
    def _on_finished(self) -> None:
        for page in (self.preparing, self.augment):
            page.cleanupPage()
        self.folder.cancel()
        self.findings.stop()
        self._settings.set("wizard_geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))


class StepList(QWidget):
    """The steps at the left: done with a tick, the current one in the accent, the rest quiet.

    ``wanted`` carries the number of a step that was clicked, or reached with the arrow keys.
    """

    wanted = Signal(int)

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self._steps, self._current, self._hovered = steps, 0, -1
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)
        self.set_current(0)

    def sizeHint(self) -> QSize:
        widest = max(self.fontMetrics().horizontalAdvance(step) for step in self._steps)
        return QSize(max(150, widest + 72), 300)

    def _step_at(self, place: QPoint) -> int:
        number = (place.y() - 13) // 36
        return number if 0 <= number < len(self._steps) and place.y() >= 13 else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show which step a click would go to."""
        hovered = self._step_at(event.position().toPoint())
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """None."""
        self._hovered = -1
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the step that was clicked."""
        number = self._step_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and number >= 0:
            self.wanted.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go to the neighbours."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if by and 0 <= self._current + by < len(self._steps):
            self.wanted.emit(self._current + by)
        else:
            super().keyPressEvent(event)

    @Slot(int)
    def set_current(self, step: int) -> None:
        """Mark the step that is shown."""
        self._current = step
        if 0 <= step < len(self._steps):
            words = self.tr("Step {0} of {1}: {2}").format(step + 1, len(self._steps), self._steps[step])
            self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(t.surface))
        painter.setPen(QColor(t.border))
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.drawLine(edge, 0, edge, self.height())
        flag = Qt.AlignmentFlag
        for number, word in enumerate(self._steps):
            box = self.style().visualRect(self.layoutDirection(), self.rect(), self.rect().adjusted(0, 0, 0, 0))
            top = 20 + number * 36
            left = 18 if not self.isRightToLeft() else box.width() - 40
            dot = QRectF(left, top, 22, 22)
            here, done = number == self._current, number < self._current
            if number == self._hovered or here and self.hasFocus():
                painter.setPen(QPen(QColor(t.accent), 2) if here and self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(QColor(t.soft))
                painter.drawRoundedRect(QRectF(8, top - 5, self.width() - 18, 32), 6, 6)
            colour = QColor(t.accent if here or done else t.secondary)
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(colour if here else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(dot)
            painter.setFont(theme().font("secondary"))
            painter.setPen(QColor(t.surface) if here else colour)
            painter.drawText(dot, int(flag.AlignCenter), "✓" if done else str(number + 1))
            font = theme().font("text")
            font.setBold(here)
            painter.setFont(font)
            painter.setPen(QColor(t.text if here else t.secondary))
            words = QRectF(52, top, self.width() - 60, 22)
            if self.isRightToLeft():
                words = QRectF(8, top, self.width() - 60, 22)
            painter.drawText(
                words, int(flag.AlignVCenter | (flag.AlignRight if self.isRightToLeft() else flag.AlignLeft)), word
            )
        painter.end()
