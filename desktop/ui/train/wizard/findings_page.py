"""What is in the data and what is wrong with it: each finding with its pictures and a choice."""

from __future__ import annotations

import collections
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop.services.inspection import Inspector
from desktop.system.words import listed
from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.formatting import count, duration
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.tables import FiguresModel, even_table, whole, words
from desktop.ui.kit.widgets import Sign, image_of, make_label, put_beside, sentence, tip
from desktop.ui.train.wizard import repeat
from desktop.ui.train.wizard.page import Pixels, WizardPage, row
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel

if TYPE_CHECKING:
    from desktop.core.data.findings import Finding
    from desktop.core.data.inspection import Inspection
    from desktop.core.types import ImageSource
    from desktop.engine.messages import Thumbnail

_SHOWN = 8  # pictures of a finding
_SIDE = 64
_NAMED = 3  # classes in a sentence

_SIGNS = {"stops-training": ("error", "wrong"), "caution": ("caution", "caution"), "info": ("info", "secondary")}


class FindingsPage(WizardPage):
    """``express_wanted``: everything else may stay as recommended; ``start_wanted``: and the training shall begin."""

    express_wanted = Signal()
    start_wanted = Signal()

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Findings"),
            self.tr("What Fovea found in it"),
            self.tr("Every picture is opened once, before a training could stumble over it."),
        )
        self._cards: list[FindingCard] = []
        self._further: tuple[str, ...] = ()  # left out for no reason that was found
        self.inspector = Inspector(self)
        self.inspector.progressed.connect(self._on_progress)
        self.inspector.glimpsed.connect(self._on_glimpse)
        self.inspector.finished.connect(self._on_finished)
        self._glimpsed = self._stop_soon = False
        self.inspector.failed.connect(self._on_failed)
        self._line = make_label("", "title", wrap=True)
        self._facts = make_label("", "secondary", wrap=True)
        self._bar = QProgressBar()
        self._stage = make_label("", "secondary")
        self._skip = QPushButton(self.tr("Skip the look"))
        self._skip.setToolTip(self.tr("Broken pictures are then found, and left out, when the training begins"))
        self._skip.clicked.connect(self._on_skip)
        self._busy = QWidget()
        busy = QHBoxLayout(self._busy)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.setSpacing(12)
        for part in (self._bar, self._stage, self._skip):
            busy.addWidget(part)
        self.failure = ErrorPanel()
        self._stop = CautionStrip()
        self._stop.hide()
        self.model = FiguresModel([self.tr("Class"), self.tr("Pictures")], self)
        self.classes = even_table(self.model, self.tr("Pictures of each class"))
        inside = QWidget()
        inside.setProperty("ground", "none")
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(8)
        self._list.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(self.tr("Findings"))
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setChildrenCollapsible(False)
        both.addWidget(self.classes)
        both.addWidget(scroll)
        both.setSizes([230, 600])
        self.express = QPushButton(self.tr("Look at the recommended settings"))
        self.express.setToolTip(self.tr("Skips to the last page; everything between stays as recommended"))
        self.express.clicked.connect(self.express_wanted)
        self.body.addWidget(self._line)
        self.body.addWidget(self._facts)
        self.body.addWidget(self._busy)
        self.body.addWidget(self._stop)
        self.body.addWidget(self.failure)
        self.body.addWidget(both, 1)
        self.now = QPushButton(self.tr("Start with the recommended settings"))
        self.now.setToolTip(self.tr("Begins the training at once; everything else stays as recommended"))
        self.now.clicked.connect(self.start_wanted)
        self.body.addLayout(row(self.now, self.express))
        state.opened.connect(self._begin)

    def isComplete(self) -> bool:
        return not self.inspector.running and not self.trouble()

    def settled(self) -> bool:
        return not any(card.awaited for card in self._cards)

    def trouble(self) -> str:
        """Why nothing can be learned from this data, in a sentence; empty where it can."""
        draft, inspection = self.state.draft, self.state.inspection
        data = self.state.data
        known = inspection is None and data is not None and any(p.severity == "stops-training" for p in data.problems)
        if known or inspection is not None and inspection.stops_training:
            return self.tr("This has to be mended before a training can start; change the folder, then look again.")
        return {
            "": "",
            "no data": self.tr("There are no pictures yet."),
            "one class": self.tr("A classifier needs pictures of two classes or more, each in a folder of its own."),
            "too few": self.tr("Every class needs a picture to learn from; leave out the classes that have none.")
            if draft.data.own_validation
            else self.tr("Every class needs two pictures or more: one to learn from and one to check with."),
            "emptied": self.tr("Too few pictures of {0} stay with what is left out below; keep some of them.").format(
                few_of(draft.emptied, self.tr("{0} and {1} more"))
            ),
        }[draft.obstacle()]

    def stop(self) -> None:
        """Look no further."""
        self.inspector.stop()

    @Slot()
    def _begin(self) -> None:
        draft, data = self.state.draft, self.state.data
        self._further = ()
        self.failure.clear()
        self._clear()
        if data is None:
            return
        for problem in data.problems:
            if problem.severity == "stops-training":
                self._add(FindingCard(problem.severity, problem.message, "", (), {}, self.state))
        self._show_counts()
        self._busy.show()
        at_work(self._bar)
        self._glimpsed = self._stop_soon = False
        self._skip.setEnabled(True)
        self.inspector.start(draft.data.path)
        self._show()

    def _clear(self) -> None:
        for card in self._cards:
            card.hide()
            card.deleteLater()
        self._cards = []

    def _add(self, card: FindingCard) -> None:
        self._cards.append(card)
        self._list.insertWidget(self._list.count() - 1, card)

    @Slot()
    def _on_skip(self) -> None:
        if not self._glimpsed:
            # A moment more: colours and sizes of a few pictures decide what is recommended.
            self._stop_soon = True
            self._skip.setEnabled(False)
            return
        self.inspector.stop()
        self._busy.hide()
        self._show()

    @Slot(str, int, object, float)
    def _on_progress(self, stage: str, done: int, total: int | None, left_s: float) -> None:
        texts = {
            "reading": self.tr("Reading the folder"),
            "opening": self.tr("Opening the pictures"),
            "comparing": self.tr("Looking for copies"),
            "grouping": self.tr("Looking for pictures of one person"),
        }
        self._bar.setRange(0, total or 0)
        self._bar.setValue(done)
        amount = f"{count(done)} / {count(total)}" if total else count(done)
        left = self.tr(" · {0} left").format(duration(left_s)) if left_s >= 2 else ""
        self._stage.setText(f"{texts.get(stage, stage)}: {amount}{left}")

    @Slot(bool, int)
    def _on_glimpse(self, colour: bool, side: int) -> None:
        """What recommends size and colours, also where the rest of the look is skipped."""
        self._glimpsed = True
        self.state.change_data(colour=colour, side=side)
        self.state.looked.emit()
        if self._stop_soon:
            self._on_skip()

    @Slot(object)
    def _on_finished(self, found: Inspection) -> None:
        self._busy.hide()
        self.state.inspection = found
        self._clear()
        held = repeat.still_of(self.state.held, self.state.draft.data.path, found)
        before = repeat.choices_of(held, found) if held is not None else {}
        self._further = repeat.further_left_out(held, found) if held is not None else ()
        for finding in found.findings:
            card = FindingCard(
                finding.severity, finding.message, finding.hint, finding.choices, _pictures(finding, found), self.state
            )
            card.kind = finding.kind
            card.choose(before.get(finding.kind, ""))
            card.chosen.connect(self._on_choice)
            self._add(card)
        if not found.findings:
            self._add(
                FindingCard(
                    "info", self.tr("nothing odd: every picture opens, and none is there twice"), "", (), {}, self.state
                )
            )
        draft = self.state.draft.with_data(
            counts=self._of_each_class(found.counts),
            fingerprint=found.fingerprint,
            colour=2 * found.colours.get("colour", 0) > found.total,
            side=min(found.sizes.median) if found.sizes is not None else 0,
        )
        unlearned = repeat.classes_left_out(held, found) if held is not None else ()
        self.state.put(replace(draft, unlearned=unlearned, groups=found.groups or 0))
        self._apply_choices()
        self._show_counts()
        self.express.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(object)
    def _on_failed(self, error: Any) -> None:
        self._busy.hide()
        show_failure(self.failure, error)
        self._show()

    @Slot()
    def _on_choice(self) -> None:
        self._apply_choices()

    def _apply_choices(self) -> None:
        choices = {card.kind: card.choice for card in self._cards if card.choice}
        found = self.state.inspection
        if found is not None:
            left_out = tuple(sorted({*found.left_out(choices), *self._further}))
            draft = self.state.draft.with_data(left_out=left_out, kept_together=found.kept_together(left_out))
            gone = self._of_each_class(found.counted(left_out))
            self.state.put(replace(draft, choices=tuple(sorted(choices.items())), counts_left_out=gone))
        self.state.looked.emit()
        self._show()

    def _of_each_class(self, counts: dict[str, dict[str, int]]) -> tuple[int, ...]:
        """Numbers by split and class, added up over what is learned from, in the order of the classes."""
        wanted = self.state.data.split if self.state.data is not None else ""
        total: collections.Counter[str] = collections.Counter()
        for split, numbers in counts.items():
            if wanted in ("", "all") or split == wanted:
                total.update(numbers)
        return tuple(total[name] for name in self.state.draft.data.classes)

    def _show_counts(self) -> None:
        draft = self.state.draft
        self.model.set_rows([(words(n), whole(c)) for n, c in zip(draft.data.classes, draft.data.counts, strict=True)])

    def _show(self) -> None:
        draft, found = self.state.draft, self.state.inspection
        self._line.setText(
            self.tr("{0}: {1} pictures in {2} classes").format(
                draft.data.title, count(sum(draft.data.counts)), count(len(draft.data.classes))
            )
        )
        parts = []
        if found is not None:
            if found.sizes is not None:
                least, median, largest = found.sizes.least, found.sizes.median, found.sizes.largest
                if least == largest:
                    parts.append(self.tr("all {0}×{1} pixels").format(*median))
                else:
                    parts.append(self.tr("{0}×{1} to {2}×{3} pixels, median {4}×{5}").format(*least, *largest, *median))
            parts += [f"{count(number)} {kind}" for kind, number in found.colours.items()]
            parts += [f"{count(number)} {kind}" for kind, number in found.formats.items()]
            if found.splits:
                parts.append(self.tr("splits: {0}").format(listed(found.splits)))
        self._facts.setText(" · ".join(parts))
        self._facts.setVisible(bool(parts))
        trouble = self.trouble() if not self.inspector.running else ""
        self._stop.setVisible(bool(trouble))
        if trouble:
            self._stop.set_text(trouble)
        for button in (self.now, self.express):
            button.setEnabled(not trouble and not self.inspector.running)
        self.completeChanged.emit()


class FindingCard(QFrame):
    """One finding: its sign, its sentence, what to do, some of its pictures, and the choice where there is one."""

    chosen = Signal()

    def __init__(
        self,
        severity: str,
        message: str,
        hint: str,
        choices: tuple[str, ...],
        pictures: dict[str, ImageSource],
        state: WizardState,
    ) -> None:
        super().__init__()
        self.setProperty("card", "true")
        self.kind = ""
        self.awaited: dict[int, Pixels] = {}
        self._state = state
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(make_label(sentence(message), wrap=True, selectable=True))
        if hint:
            column.addWidget(make_label(hint, "secondary", wrap=True))
        if pictures and state.engine is not None and state.engine.running:
            column.addLayout(self._strip(pictures))
        self.box: QComboBox | None = None
        if choices:
            said = {
                "keep": self.tr("Keep them all"),
                "keep-one": self.tr("Keep one of each"),
                "leave-out": self.tr("Leave them out"),
            }
            self.box = QComboBox()
            for choice in choices:
                self.box.addItem(said[choice], choice)
            self.box.setAccessibleName(self.tr("What to do about it"))
            self.box.activated.connect(self.chosen)
            column.addLayout(row(self.box))
        icon, tone = _SIGNS[severity]
        names = {
            "stops-training": self.tr("Must be mended"), "caution": self.tr("Caution"), "info": self.tr("Note"),
        }  # fmt: skip
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        put_beside(layout, Sign(icon, tone, names[severity]), body)
        self.setAccessibleName(f"{names[severity]}: {message}")

    @property
    def choice(self) -> str:
        """What was chosen; empty where there is nothing to choose."""
        return self.box.currentData() if self.box is not None else ""

    def choose(self, choice: str) -> None:
        """Show another choice than the first, where it is one of them."""
        if self.box is not None and (place := self.box.findData(choice)) >= 0:
            self.box.setCurrentIndex(place)

    def _strip(self, pictures: dict[str, ImageSource]) -> FlowLayout:
        line = FlowLayout(spacing=4)
        engine = self._state.engine
        assert engine is not None
        engine.thumbnail_arrived.connect(self._on_thumbnail)
        for name, source in list(pictures.items())[:_SHOWN]:
            cell = Pixels(name, _SIDE)
            cell.setFixedSize(_SIDE, _SIDE)
            cell.setToolTip(tip(name))
            self.awaited[engine.thumbnail(source, 2 * _SIDE)] = cell
            line.addWidget(cell)
        if len(pictures) > _SHOWN:
            more: QLabel = make_label(self.tr("and {0} more").format(count(len(pictures) - _SHOWN)), "secondary")
            line.addWidget(more)
        return line

    @Slot(object)
    def _on_thumbnail(self, answer: Thumbnail) -> None:
        cell = self.awaited.pop(answer.id, None)
        if cell is None:
            return
        if answer.pixels is None:
            cell.set_broken()
        else:
            cell.set_image(image_of(answer.pixels))


def few_of(names: tuple[str, ...], and_more: str) -> str:
    """Some of ``names`` in quotes, and by ``and_more`` how many others there are."""
    said = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return and_more.format(said, count(len(names) - _NAMED)) if len(names) > _NAMED else said


def _pictures(finding: Finding, found: Inspection) -> dict[str, ImageSource]:
    """The pictures to show with a finding, in its order."""
    names = [name for group in finding.groups for name in group] + list(finding.names)
    return {name: found.sources[name] for name in names if name in found.sources}
