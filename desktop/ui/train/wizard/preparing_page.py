"""How a picture becomes the network's input, before and after side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.core.types import PreprocessSpec
from desktop.ml.plans.nettables import for_channels
from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.widgets import image_of, make_label, sentence
from desktop.ui.train.wizard.draft import MAX_SIDE
from desktop.ui.train.wizard.origins import layers_trouble
from desktop.ui.train.wizard.page import Pixels, WizardPage, inset, row
from desktop.ui.train.wizard.state import Sampler, WizardState
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel
from desktop.ui.widgets.prepared_view import PreparedView

if TYPE_CHECKING:
    from desktop.engine.messages import Failure, Samples
    from desktop.ml.plans.plan import Step

_SIDES = (28, 32, 64, 96, 128, 160, 224)


class PreparingPage(WizardPage):
    """Size, colour and fit, with one of the user's own pictures as it is and as the network will see it."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Preparing"),
            self.tr("What should the network see of a picture?"),
            self.tr(
                "Every picture is brought to one size. Larger inputs keep finer detail and take longer to learn from."
            ),
        )
        self.side = QSpinBox()
        self.side.setRange(8, MAX_SIDE)
        self.side.setSuffix(self.tr(" pixels"))
        self.side.setKeyboardTracking(False)
        inset(self.side)
        self.side.setAccessibleName(self.tr("Side of the input in pixels"))
        self.side.valueChanged.connect(self._on_side)
        sizes = QHBoxLayout()
        sizes.setSpacing(4)
        sizes.addWidget(self.side)
        self._sizes: list[QWidget] = [self.side]
        self._largest: tuple[object, int] = (None, MAX_SIDE)
        self._fitted: tuple[Step, PreprocessSpec, int] | None = None  # what was last asked whether it can be built
        for side in _SIDES:
            button = QPushButton(str(side))
            button.setProperty("role", "link")
            button.setProperty("side", side)
            button.setAccessibleName(self.tr("{0} pixels").format(side))
            button.clicked.connect(self._choose_side)
            sizes.addWidget(button)
            self._sizes.append(button)
        sizes.addStretch(1)
        self._colours = self._choices({"rgb": self.tr("Colour"), "grey": self.tr("Grey")}, "colour")
        self._fits = self._choices(
            {
                "center_crop": self.tr("Cut from the middle"),
                "letterbox": self.tr("Whole picture, padded"),
                "stretch": self.tr("Stretched"),
                "mnist": self.tr("Ink found and centred (28×28 drawings)"),
            },
            "fit",
            vertical=True,
        )
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(12)
        form.addRow(self.tr("Size"), sizes)
        form.addRow(self.tr("Colours"), self._colours[1])
        form.addRow(self.tr("Fit"), self._fits[1])
        self._fixed = make_label("", "secondary", wrap=True)
        self._before = Pixels(self.tr("The picture as it is"), 240)
        self.after = PreparedView()
        self._name = make_label("", "secondary")
        another = QPushButton(self.tr("Another picture"))
        another.clicked.connect(state.next_picture)
        self._facts = make_label("", "secondary", wrap=True)
        self.failure = ErrorPanel()
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(make_label(self.tr("Your picture")))
        left.addWidget(self._before, 1)
        left.addWidget(self._facts)
        pair = QHBoxLayout()
        pair.setSpacing(16)
        pair.addLayout(left, 1)
        pair.addWidget(self.after, 1)
        self.body.addLayout(form)
        self.body.addWidget(self._fixed)
        self._unfit = CautionStrip()
        self._unfit.hide()
        self.body.addWidget(self._unfit)
        self.body.addLayout(pair, 1)
        self.body.addWidget(self.failure)
        self.body.addLayout(row(another, self._name))
        self._sampler = Sampler(state, "wizard-preparing", 0)
        self._sampler.arrived.connect(self._on_samples)
        self._sampler.failed.connect(self._on_failure)
        state.opened.connect(self._empty)
        state.changed.connect(self._show)
        self._show()

    def _choices(self, words: dict[str, str], what: str, vertical: bool = False) -> tuple[QButtonGroup, QWidget]:
        group, holder = QButtonGroup(self), QWidget()
        layout: QHBoxLayout | QVBoxLayout = QVBoxLayout(holder) if vertical else QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 if vertical else 12)
        for key, word in words.items():
            button = QRadioButton(word)
            button.setProperty(what, key)
            group.addButton(button)
            layout.addWidget(button)
        layout.addStretch(1)
        group.buttonClicked.connect(self._choose)
        return group, holder

    def initializePage(self) -> None:
        self._sampler.set_active(True)

    def cleanupPage(self) -> None:
        self._sampler.set_active(False)

    def isComplete(self) -> bool:
        return not self._unfit.isVisibleTo(self)

    def settled(self) -> bool:
        return self.after.image is not None

    def use(self, **changes: object) -> None:
        """Change the preparing; what no longer fits together follows."""
        spec = self.state.draft.settings.preprocess
        values: dict[str, Any] = {
            "height": spec.height, "width": spec.width, "colour": spec.colour, "fit": spec.fit,
            "interpolation": spec.interpolation, "resize_shorter": spec.resize_shorter, "pad_value": spec.pad_value,
        } | changes  # fmt: skip
        if values["fit"] == "mnist":
            values |= {"height": 28, "width": 28, "colour": "grey"}
        side = max(values["height"], values["width"])
        if values["fit"] != "center_crop" or side > (values["resize_shorter"] or 9999):
            values["resize_shorter"] = None
        chosen = PreprocessSpec(**values)
        network = for_channels(self.state.draft.settings.architecture, chosen.channels)
        self.state.change_settings(preprocess=chosen, architecture=network)
        self._show()  # what was clicked may not have been taken, and then nothing else says so

    @Slot(int)
    def _on_side(self, side: int) -> None:
        self.use(height=side, width=side)

    @Slot()
    def _choose_side(self) -> None:
        side = self.sender().property("side")
        self.use(height=side, width=side)

    @Slot()
    def _choose(self) -> None:
        for what, (group, _) in (("colour", self._colours), ("fit", self._fits)):
            button = group.checkedButton()
            if button is not None and button.property(what) != getattr(self.state.draft.settings.preprocess, what):
                self.use(**{what: button.property(what)})

    @Slot()
    def _show(self) -> None:
        draft, spec = self.state.draft, self.state.draft.settings.preprocess
        with QSignalBlocker(self.side):
            self.side.setRange(8, self._most())
            self.side.setValue(spec.height)
        for what, (group, _) in (("colour", self._colours), ("fit", self._fits)):
            for button in group.buttons():
                button.setChecked(button.property(what) == getattr(spec, what))
        inherited = draft.settings.start.kind in ("weights", "features", "fine-tune")
        drawings = spec.fit == "mnist"  # 28×28 and grey by its nature
        for widget in (*self._sizes, self._colours[1]):
            widget.setEnabled(not inherited and not drawings)
        self._fits[1].setEnabled(not inherited)
        self._fixed.setVisible(inherited)
        # Said where it can be mended: the layer table is on an earlier page.
        fresh = draft.settings.start.kind == "fresh"
        asked = (draft.settings.architecture, spec, len(draft.learned)) if fresh else None
        if asked != self._fitted:  # a table of layers is too much for each step of another page's slider
            self._fitted = asked
            trouble = layers_trouble(*asked) if asked else ""
            self._unfit.set_text(sentence(trouble) if trouble else "")
            self._unfit.setVisible(bool(trouble))
            self.completeChanged.emit()
        self._fixed.setText(
            self.tr("The model that it starts from was made for this input, so it stays as it is.") if inherited else ""
        )
        self._name.setText(self.state.picture_name)

    def _most(self) -> int:
        """The largest side that can be asked for: that of the starting point, where it brought a larger one."""
        draft = self.state.draft
        origin = (draft.settings.preset, draft.settings.start, draft.settings.architecture.name)
        before = self._largest[1] if self._largest[0] == origin else MAX_SIDE
        self._largest = (origin, max(before, draft.settings.preprocess.height))
        return self._largest[1]

    @Slot(object)
    def _on_samples(self, answer: Samples) -> None:
        self.failure.clear()
        spec = self.state.draft.settings.preprocess
        self._before.set_image(image_of(answer.original))
        self._facts.setText(self.tr("{0}×{1} pixels").format(*answer.original_size))
        colour = self.tr("grey") if spec.colour == "grey" else self.tr("colour")
        facts = [f"{spec.width}×{spec.height} · {colour}", *(notice.text for notice in answer.notices)]
        self.after.show_prepared(answer.prepared, facts)

    @Slot()
    def _empty(self) -> None:
        self._before.set_image(None)
        self.after.show_prepared(None, [])
        self._facts.setText("")
        self.failure.clear()

    @Slot(object)
    def _on_failure(self, answer: Failure) -> None:
        self._empty()
        self._facts.setText(sentence(answer.message))
        show_failure(self.failure, answer)
