"""How the pictures are divided: what it learns from, and what checks it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSlider, QSpinBox, QVBoxLayout, QWidget

from desktop.system.words import listed
from desktop.ui.kit.formatting import count
from desktop.ui.kit.tables import FiguresModel, even_table, whole, words
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.train.wizard.draft import SOME_PICTURES
from desktop.ui.train.wizard.page import Folded, WizardPage, row
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.notices import CautionStrip


class SplitPage(WizardPage):
    """The share kept aside for validation, by person where names tell one, and the seed behind it."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Check"),
            self.tr("How many pictures are kept aside to check it?"),
            self._aside(),
        )
        self.share = QSlider(Qt.Orientation.Horizontal)
        self.share.setRange(5, 50)
        self.share.setPageStep(5)
        self.share.setAccessibleName(self.tr("Share kept aside, in percent"))
        self.share.valueChanged.connect(self._on_share)
        self._share_words = make_label("")
        self._share_words.setMinimumWidth(theme().scaled(180))
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.share, 1)
        line.addWidget(self._share_words)
        self._own = make_label("", wrap=True)
        self.together = QCheckBox(self.tr("Keep all pictures of one person on one side (recommended)"))
        self.together.toggled.connect(self._on_together)
        self._together_words = make_label("", "secondary", wrap=True)
        self._caution = CautionStrip()
        self.model = FiguresModel([self.tr("Class"), self.tr("Learns from"), self.tr("Checked with")], self)
        self.table = even_table(self.model, self.tr("Pictures of each class on either side"))
        self.seed = QSpinBox()
        self.seed.lineEdit().setTextMargins(6, 0, 0, 0)
        self.seed.setRange(0, 2**31 - 1)  # as far as a box can: a plan that is repeated may bring any
        self.seed.setAccessibleName(self.tr("Seed of the draw"))
        self.seed.valueChanged.connect(self._on_seed)
        redraw = QPushButton(self.tr("Draw differently"))
        redraw.clicked.connect(self._redraw)
        self.test = QCheckBox(self.tr("Open the data's own test split once, at the end, for the model's card"))
        self.test.toggled.connect(self._on_test)
        details = QWidget()
        folded = QVBoxLayout(details)
        folded.setContentsMargins(20, 0, 0, 0)
        folded.addLayout(row(make_label(self.tr("Seed")), self.seed, redraw))
        folded.addWidget(
            make_label(
                self.tr(
                    "The same seed draws the same pictures and starts from the same weights, so a training can be "
                    "repeated. The lists are kept with the run."
                ),
                "secondary",
                wrap=True,
            )
        )
        self.body.addLayout(line)
        self.body.addWidget(self._own)
        self.body.addWidget(self.together)
        self.body.addWidget(self._together_words)
        self.body.addWidget(self._caution)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.test)
        self.body.addWidget(Folded(self.tr("Details"), details))
        state.changed.connect(self._show)
        state.looked.connect(self._show)
        self._show()

    def _aside(self) -> str:
        return self.tr(
            "It never learns from these. After every epoch they show how well it does on pictures it has not seen; "
            "they also choose the best epoch and set how sure it may sound."
        )

    def _crossed(self) -> str:
        return self.tr(
            "None is lost: the pictures are divided into five parts, each is checked by a head that learned from the "
            "other four (cross-validation), and the model then learns from all of them. The figures count them all."
        )

    @Slot(int)
    def _on_share(self, percent: int) -> None:
        self.state.change_data(validation=percent / 100)

    @Slot(bool)
    def _on_together(self, together: bool) -> None:
        self.state.change_data(group="auto" if together else "none")

    @Slot(bool)
    def _on_test(self, used: bool) -> None:
        self.state.change_data(use_test=used)

    @Slot(int)
    def _on_seed(self, seed: int) -> None:
        self.state.change(seed=seed)

    @Slot()
    def _redraw(self) -> None:
        self.seed.setValue(self.seed.value() + 1)

    @Slot()
    def _show(self) -> None:
        draft = self.state.draft
        percent = round(100 * draft.data.validation)
        for widget, value in ((self.share, percent), (self.seed, draft.seed)):
            with QSignalBlocker(widget):
                widget.setValue(value)
        with QSignalBlocker(self.together):
            self.together.setChecked(draft.data.group != "none")
        with QSignalBlocker(self.test):
            self.test.setChecked(draft.data.use_test)
        split = self.state.split_counts()
        held = sum(h for _, h in split)
        own, crossed = draft.data.own_validation, draft.crossed
        self.intro.setText(self._crossed() if crossed else self._aside())
        self.share.setEnabled(not own and not crossed)
        self._share_words.setText(
            ""
            if own
            else self.tr("every picture is used once for checking")
            if crossed
            else self.tr("{0} % · about {1} pictures").format(count(percent), count(held))
        )
        self._own.setVisible(own)
        self._own.setText(self.tr("The data brings its own pictures for checking; those are used."))
        inspection = self.state.inspection
        grouped = inspection is not None and 0 < draft.groups < inspection.total
        self.together.setVisible(grouped and not own)
        self._together_words.setVisible(grouped and not own)
        self._together_words.setText(
            self.tr(
                "The names of files or folders (or DICOM headers) tell {0} people or cases apart, several with more "
                "than one picture. With pictures of one person on both sides the check would be too kind."
            ).format(count(draft.groups))
        )
        self.test.setVisible(draft.data.own_test)
        fewest = min((h for _, h in split), default=0)
        if crossed:
            fewest = min((learned + h for learned, h in split), default=0)
        few = not own and bool(split) and fewest < SOME_PICTURES
        self._caution.setVisible(few)
        none = [name for name, (_, h) in zip(draft.labels, split, strict=True) if not h and not crossed]
        if few and not fewest:
            self._caution.set_text(
                self.tr(
                    "No picture is left to check {0}: all of its pictures belong together (copies, or of one "
                    "person), so they "
                    "stay on one side. Whether it knows this class will not be known."
                ).format(listed(none[:5]))
            )
        elif few:
            self._caution.set_text(
                self.tr("Only 1 picture is left to check the smallest class: no figure can be given for it.")
                if fewest == 1
                else self.tr(
                    "Only {0} pictures are left to check the smallest class: under 20, no figure can be given for it."
                ).format(count(fewest))
            )
        dash = words("–")
        self.model.set_rows(
            [
                (words(name), whole(learned + check), whole(learned + check))
                if crossed
                else (words(name), whole(learned), dash if own else whole(check))
                for name, (learned, check) in zip(draft.labels, split, strict=True)
            ]
        )
