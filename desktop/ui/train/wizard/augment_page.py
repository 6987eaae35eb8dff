"""Augmentation: which changes of a picture the network shall learn not to mind, shown on one of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from desktop.ml.plans.plan import SOLVED, Step
from desktop.system.words import listed
from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.formatting import number
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of, make_label
from desktop.ui.train.wizard.page import Pixels, WizardPage, row
from desktop.ui.train.wizard.state import Sampler, WizardState
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.engine.messages import Failure, Samples

ROWS, COLUMNS = 3, 4


@dataclass(frozen=True, slots=True)
class Knob:
    """One slider: the setting ``key`` of the augmentation ``step`` from 0 to ``most``; ``unit`` behind the number.

    ``pair`` says that the setting is a range about 1 (a zoom of 0.2 is 0.8 to 1.25).
    """

    step: str
    key: str
    most: float
    unit: str
    places: int
    words: str
    tip: str
    pair: bool = False


def _tr(text: str) -> str:
    return QCoreApplication.translate("AugmentPage", text)


def knobs() -> tuple[Knob, ...]:
    """The sliders, in the order of the page."""
    return (
        Knob("affine", "rotate", 180, "°", 0, _tr("Rotation"), _tr("Turned by up to so many degrees either way.")),
        Knob("affine", "shift", 0.5, "%", 0, _tr("Shift"), _tr("Moved by up to this share of the side.")),
        Knob("affine", "shear", 45, "°", 0, _tr("Shear"), _tr("Slanted by up to so many degrees.")),
        Knob("affine", "zoom", 0.5, "%", 0, _tr("Zoom"), _tr("Made larger or smaller by up to this share."), True),
        Knob("tone", "brightness", 0.5, "%", 0, _tr("Brightness"), _tr("Lighter or darker by up to this share.")),
        Knob("tone", "contrast", 1.0, "%", 0, _tr("Contrast"), _tr("Stronger or weaker contrast.")),
    )


class AugmentPage(WizardPage):
    """Sliders on the left, a grid of live samples on the right. Steps that the page does not know stay as they are."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Variety"),
            self.tr("Which changes should it learn not to mind?"),
            self.tr(
                "In each epoch every picture comes a little different, so few pictures go further. Choose only changes "
                "after which the right answer is still the same: a mirrored 'b' is a 'd'."
            ),
        )
        self._sliders: dict[tuple[str, str], QSlider] = {}
        self._values: dict[tuple[str, str], Any] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        for line, knob in enumerate(knobs()):
            name = make_label(knob.words)
            name.setToolTip(knob.tip)
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(0, 100)
            slider.setMinimumWidth(theme().scaled(110))
            slider.setAccessibleName(knob.words)
            slider.setAccessibleDescription(knob.tip)
            slider.setToolTip(knob.tip)
            slider.setProperty("knob", line)
            slider.valueChanged.connect(self._on_slider)
            name.setBuddy(slider)
            value = make_label("", "secondary")
            value.setMinimumWidth(theme().scaled(64))
            self._sliders[knob.step, knob.key] = slider
            self._values[knob.step, knob.key] = value
            for column, part in enumerate((name, slider, value)):
                grid.addWidget(part, line, column)
        self.across = QCheckBox(self.tr("Mirror left and right"))
        self.across.toggled.connect(self._on_flips)
        self.upside = QCheckBox(self.tr("Mirror up and down"))
        self.upside.toggled.connect(self._on_flips)
        self.fill = QComboBox()
        for key, word in (
            ("nearest", self.tr("the edge drawn out")),
            ("reflect", self.tr("the picture mirrored")),
            ("wrap", self.tr("the other side")),
            ("constant", self.tr("black")),
        ):
            self.fill.addItem(word, key)
        self.fill.setAccessibleName(self.tr("What fills the corners that come into view"))
        self.fill.activated.connect(self._on_fill)
        self._others = make_label("", "secondary", wrap=True)
        none, recommended = QPushButton(self.tr("None")), QPushButton(self.tr("Recommended"))
        none.clicked.connect(self._use_none)
        recommended.clicked.connect(self._use_recommended)
        inside = QWidget()
        inside.setProperty("ground", "none")
        left = QVBoxLayout(inside)
        left.setContentsMargins(0, 0, 8, 0)
        left.setSpacing(10)
        left.addLayout(grid)
        left.addWidget(self.across)
        left.addWidget(self.upside)
        left.addLayout(row(make_label(self.tr("Corners filled with")), self.fill))
        left.addWidget(self._others)
        left.addLayout(row(recommended, none))
        left.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumWidth(theme().scaled(330))
        self.cells = [Pixels(self.tr("Sample {0}").format(i + 1)) for i in range(ROWS * COLUMNS)]
        self.cells[0].setAccessibleName(self.tr("The picture as it is prepared"))
        samples = QGridLayout()
        samples.setSpacing(4)
        for i, cell in enumerate(self.cells):
            samples.addWidget(cell, i // COLUMNS, i % COLUMNS)
        self._name = make_label("", "secondary")
        dice, another = QPushButton(self.tr("Again")), QPushButton(self.tr("Another picture"))
        another.clicked.connect(state.next_picture)
        self.failure = ErrorPanel()
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(
            make_label(self.tr("Top left: the picture as prepared; the others: what training makes of it"), wrap=True)
        )
        right.addLayout(samples, 1)
        right.addWidget(self.failure)
        right.addLayout(row(dice, another, self._name))
        both = QHBoxLayout()
        both.setSpacing(20)
        both.addWidget(scroll, 4)
        both.addLayout(right, 6)
        self.body.addLayout(both, 1)
        self._unused = make_label("", "secondary", wrap=True)
        self.body.addWidget(self._unused)
        self.sampler = Sampler(state, "wizard-augment", ROWS * COLUMNS - 1)
        dice.clicked.connect(self.sampler.again)
        self.sampler.arrived.connect(self._on_samples)
        self.sampler.failed.connect(self._on_failure)
        self.recommended: tuple[Step, ...] = ()
        state.opened.connect(self._empty)
        state.changed.connect(self._show)
        self._show()

    def initializePage(self) -> None:
        self.sampler.set_active(True)

    def cleanupPage(self) -> None:
        self.sampler.set_active(False)

    def settled(self) -> bool:
        return all(cell.image is not None for cell in self.cells)

    # From the controls to the draft

    def set_steps(self, values: dict[tuple[str, str], Any]) -> None:
        """Change settings, each named by its augmentation and its key; an augmentation that does nothing goes."""
        steps = {step.name: dict(step.settings) for step in self.state.draft.settings.augment}
        for (name, key), value in values.items():
            steps.setdefault(name, {})[key] = value
        for name, idle in _IDLE.items():
            if name in steps and all(steps[name].get(key, rest) == rest for key, rest in idle.items()):
                del steps[name]
        order = sorted(steps, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
        self.state.change_settings(augment=tuple(Step(name, steps[name]) for name in order))

    @Slot(int)
    def _on_slider(self, place: int) -> None:
        knob = knobs()[self.sender().property("knob")]
        amount = round(knob.most * place / 100, 4)
        value: Any = [round(1 - amount, 4), round(1 / (1 - amount), 4)] if knob.pair else amount
        self.set_steps({(knob.step, knob.key): value})

    @Slot()
    def _on_flips(self) -> None:
        self.set_steps({("flip", "p"): 0.5 if self.across.isChecked() else 0.0,
                        ("flip_vertical", "p"): 0.5 if self.upside.isChecked() else 0.0})  # fmt: skip

    @Slot()
    def _on_fill(self) -> None:
        self.set_steps({("affine", "border"): self.fill.currentData()})

    @Slot()
    def _use_none(self) -> None:
        self.state.change_settings(augment=())

    @Slot()
    def _use_recommended(self) -> None:
        self.state.change_settings(augment=self.recommended)

    # From the draft to the controls

    @Slot()
    def _show(self) -> None:
        steps = {step.name: dict(step.settings) for step in self.state.draft.settings.augment}
        for knob in knobs():
            amount = _amount(steps, knob)
            slider = self._sliders[knob.step, knob.key]
            with QSignalBlocker(slider):
                slider.setValue(round(100 * amount / knob.most))
            shown = 100 * amount if knob.unit == "%" else amount
            off = amount <= 0
            self._values[knob.step, knob.key].setText(
                self.tr("off") if off else f"± {number(shown, knob.places)} {knob.unit}"
            )
        for box, name in ((self.across, "flip"), (self.upside, "flip_vertical")):
            with QSignalBlocker(box):
                box.setChecked(steps.get(name, {}).get("p", 0.5 if name in steps else 0.0) > 0)
        with QSignalBlocker(self.fill):
            self.fill.setCurrentIndex(max(0, self.fill.findData(steps.get("affine", {}).get("border", "constant"))))
        known = {knob.step for knob in knobs()} | {"flip", "flip_vertical"}
        others = [name for name in steps if name not in known]
        self._others.setVisible(bool(others))
        self._others.setText(self.tr("Also, from the starting point: {0}").format(listed(others)))
        idle = self.state.draft.settings.start.kind == "features"
        mirrors = idle and self.state.draft.settings.optimizer.name == SOLVED  # such a head learns from both
        for control in (*self._sliders.values(), self.upside):
            control.setEnabled(not idle)
        self.across.setEnabled(mirrors or not idle)
        self.fill.setEnabled("affine" in steps and not idle)
        self._unused.setVisible(idle)
        words = self.tr("Not used here: the features of each picture are computed once.") if idle else ""
        if mirrors:
            words = self.tr(
                "Only mirroring left and right is used here: the features of each picture are computed once."
            )
        self._unused.setText(words)
        self._name.setText(self.state.picture_name)

    @Slot(object)
    def _on_samples(self, answer: Samples) -> None:
        self.failure.clear()
        for cell, pixels in zip(self.cells, (answer.prepared, *answer.augmented), strict=False):
            cell.set_image(image_of(pixels))

    @Slot()
    def _empty(self) -> None:
        for cell in self.cells:
            cell.set_image(None)
        self.failure.clear()

    @Slot(object)
    def _on_failure(self, answer: Failure) -> None:
        self._empty()
        show_failure(self.failure, answer)


def describe(steps: tuple[Step, ...]) -> str:
    """Augmentations in words: 'mirrored, rotation ± 15 °, shift ± 10 %'; those without a knob by their own names."""
    held = {step.name: step.settings for step in steps}
    parts = []
    if held.get("flip", {"p": 0}).get("p", 0.5):
        parts.append(_tr("mirrored left and right"))
    if held.get("flip_vertical", {"p": 0}).get("p", 0.5):
        parts.append(_tr("mirrored up and down"))
    for knob in knobs():
        amount = _amount(held, knob)
        if amount > 0:
            shown = 100 * amount if knob.unit == "%" else amount
            parts.append(f"{knob.words.lower()} ± {number(shown, knob.places)} {knob.unit}")
    known = {knob.step for knob in knobs()} | {"flip", "flip_vertical"}
    return ", ".join(parts + [name for name in held if name not in known]) or _tr("none")


def _amount(steps: dict[str, dict[str, Any]], knob: Knob) -> float:
    value = steps.get(knob.step, {}).get(knob.key, [1, 1] if knob.pair else 0.0)
    return 1 - min(value[0], 1) if knob.pair else float(value)


# What each augmentation's settings are while it does nothing, and the order in which they are applied.
_IDLE: dict[str, dict[str, Any]] = {
    "flip": {"p": 0.0},
    "flip_vertical": {"p": 0.0},
    "affine": {"rotate": 0.0, "shift": 0.0, "shear": 0.0, "zoom": [1.0, 1.0], "aspect": 0.0},
    "tone": {"brightness": 0.0, "contrast": 0.0, "gamma": 0.0},
}
_ORDER = ("flip", "flip_vertical", "shift", "affine", "elastic", "stroke", "tone", "colour")
