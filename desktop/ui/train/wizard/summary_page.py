"""The last page: a name, everything at a glance, and Start."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QSignalBlocker, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.app import starting
from desktop.app.exports import CONTEXT, exports_of
from desktop.ml.plans.plan import SOLVED
from desktop.services.background import Task
from desktop.system.files import reason_of, write_atomically
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.formatting import count, duration, share
from desktop.ui.kit.tabled import translated
from desktop.ui.kit.widgets import make_label, sentence
from desktop.ui.train.wizard.augment_page import describe
from desktop.ui.train.wizard.origins import time_of, trouble_of
from desktop.ui.train.wizard.page import WizardPage, row
from desktop.ui.train.wizard.state import WizardState
from desktop.ui.widgets.notices import CautionStrip

OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}


class SummaryPage(WizardPage):
    """What will be trained from what, and how; the plan can be saved for the command line."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(
            state,
            self.tr("Start"),
            self.tr("Ready to learn"),
            self.tr(
                "Training goes on in the background while you work; you can pause it, stop it, close Fovea and take it "
                "up again. The model then stands beside the others."
            ),
        )
        self.setFinalPage(True)
        self.name = QLineEdit()
        self.name.setMaxLength(80)
        self.name.setAccessibleName(self.tr("Name of the model"))
        self.name.textEdited.connect(self._on_name)
        self._id = make_label("", "secondary")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(20)
        self._form.setVerticalSpacing(8)
        self._lines: dict[str, object] = {}
        self._taken: set[str] = set()
        for key, word in (
            ("data", self.tr("Pictures")), ("split", self.tr("Checked with")), ("start", self.tr("Network")),
            ("input", self.tr("Input")), ("augment", self.tr("Variety")), ("learn", self.tr("Learning")),
            ("time", self.tr("Expected time")),
        ):  # fmt: skip
            label = make_label("", wrap=True, selectable=True)
            self._lines[key] = label
            self._form.addRow(make_label(word, "secondary"), label)
        self._problem = CautionStrip()
        self._problem.hide()
        save = QPushButton(self.tr("Save as a plan file…"))
        save.setToolTip(self.tr("'fovea train --plan FILE' follows it in the terminal"))
        save.clicked.connect(self._ask_save)
        inside = QWidget()
        inside.setProperty("ground", "none")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.addLayout(self._form)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        top = QFormLayout()
        top.setHorizontalSpacing(20)
        top.addRow(self.tr("Name"), self.name)
        top.addRow("", self._id)
        self.body.addLayout(top)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self._problem)
        self.body.addLayout(row(save))
        self._stale = True
        self._asked: object = None  # for which draft the time is being told
        self._time = ""
        state.changed.connect(self._on_changed)

    def initializePage(self) -> None:
        """Show what was chosen; a name is there already."""
        draft = self.state.draft
        self._taken = starting.ids_in_use(entry.id for entry in self.state.catalog.entries)
        if not draft.model_id or draft.model_id in self._taken:
            names = [entry.manifest.name for entry in self.state.catalog.entries if entry.manifest is not None]
            self._name_it(starting.free_name(draft.name or draft.data.title, names))
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up; Back initializes nothing, nor does a step whose page was initialized before."""
        super().showEvent(event)
        if self._stale:
            self._show()

    def settled(self) -> bool:
        return self._asked is None or bool(self._time)

    def isComplete(self) -> bool:
        return bool(self.state.draft.name.strip()) and not self._trouble()

    def _trouble(self) -> str:
        from desktop.core.types import FoveaError

        try:
            plan = self.state.draft.plan()
        except FoveaError as error:
            return error.message
        return trouble_of(plan, self.state.catalog.entries)

    @Slot(str)
    def _on_name(self, text: str) -> None:
        self._name_it(text)

    def _name_it(self, text: str) -> None:
        self.state.change(name=text.strip(), model_id=starting.free_id(text, self._taken))

    @Slot()
    def _on_changed(self) -> None:
        """Another draft: a whole plan is made of it here, which no slider's step on another page should wait for."""
        self._stale = True
        if self.current:
            self._show()

    def _show(self) -> None:
        self._stale = False
        draft = self.state.draft
        if self.name.text().strip() != draft.name:
            with QSignalBlocker(self.name):
                self.name.setText(draft.name)
        self._id.setText(self.tr("On the command line: {0}").format(draft.model_id))
        spec = draft.settings.preprocess
        split = self.state.split_counts()
        colour = self.tr("grey") if spec.colour == "grey" else self.tr("colour")
        fits = {
            "stretch": self.tr("stretched"), "center_crop": self.tr("cut from the middle"),
            "letterbox": self.tr("whole picture, padded"), "mnist": self.tr("ink found and centred"),
        }  # fmt: skip
        texts = {
            "data": self._data_words(),
            "split": self.tr("the data's own validation pictures")
            if draft.data.own_validation
            else self.tr("all of them, each by a last layer that did not learn from it (cross-validation)")
            if draft.crossed
            else self.tr("{0} of them, about {1} pictures, drawn with the seed {2}").format(
                share(draft.data.validation, 0), count(sum(h for _, h in split)), draft.seed
            ),
            "start": self._start_words(),
            "input": f"{spec.width}×{spec.height} · {colour} · {fits[spec.fit]}",
            "augment": describe(draft.settings.augment),
            "learn": self._learning_words(),
            "time": self._time,
        }
        for key, label in self._lines.items():
            label.setText(texts[key])  # type: ignore[attr-defined]
        self._ask_time()
        trouble = self._trouble()
        self._problem.setVisible(bool(trouble))
        if trouble:
            self._problem.set_text(sentence(trouble))
        self.completeChanged.emit()

    def _ask_time(self) -> None:
        """Find out, in a thread, how long it takes: by the rule of the starting points' times, with what was chosen."""
        from desktop.app import expected_time

        draft, known = self.state.draft, self.state.slowness
        if draft == self._asked:
            return
        self._asked = draft
        entry = self.state.catalog.entry(draft.settings.start.model or "")
        model = entry.manifest if entry is not None else None

        def work(_: Task) -> object:
            slowness = known if known is not None else expected_time.trial()
            return draft, time_of(draft, slowness, model), slowness

        task = Task(work)
        task.answered.connect(self._on_time)
        task.launch()

    @Slot(object)
    def _on_time(self, answer: tuple[object, float | None, float]) -> None:
        self.state.slowness = answer[2] if self.state.slowness is None else self.state.slowness
        if answer[0] != self._asked:
            return
        self._time = (
            self.tr("about {0} on this computer, as busy as it is now").format(duration(answer[1]))
            if answer[1] is not None
            else self.tr("not known")
        )
        self._lines["time"].setText(self._time)  # type: ignore[attr-defined]

    def _learning_words(self) -> str:
        fit, optimizer = self.state.draft.settings.fit, self.state.draft.settings.optimizer
        if optimizer.name == SOLVED:
            words = self.tr("{0} linear classifiers, worked out without epochs; the best on pictures held out is kept")
            return words.format(count(fit.epochs))
        return self.tr("{0}, batches of {1}, {2} at a rate of {3}").format(
            self.tr("1 epoch") if fit.epochs == 1 else self.tr("{0} epochs").format(count(fit.epochs)),
            count(fit.batch),
            OPTIMIZERS[optimizer.name],
            QLocale().toString(optimizer.rate, "g", 6),
        )

    def _data_words(self) -> str:
        draft = self.state.draft
        total, names = sum(draft.learned_counts), ", ".join(draft.labels[:12]) + "…" * (len(draft.learned) > 12)
        words = self.tr("{0}: {1} pictures in {2} classes ({3})").format(
            draft.data.title, count(total), count(len(draft.learned)), names
        )
        held = dict(zip(draft.data.classes, draft.data.counts, strict=True))
        if without := sum(held[name] for name in draft.learned) - total:
            words += self.tr(" · {0} left out").format(count(without))
        if draft.data.limit:
            words += self.tr(" · at most {0} of them are learned from").format(count(draft.data.limit))
        return words

    def _start_words(self) -> str:
        settings = self.state.draft.settings
        start = settings.start
        entry = self.state.catalog.entry(start.model or "")
        model = entry.manifest.name if entry is not None and entry.manifest is not None else start.model
        if start.kind == "weights":
            return self.tr("goes on with the model {0}").format(model)
        if start.kind == "features":
            return self.tr("a new last layer on top of {0}").format(model)
        if start.kind == "fine-tune":
            if start.unfreeze == 1:
                return self.tr("{0}, its last layer tuned").format(model)
            return self.tr("{0}, its last {1} layers tuned").format(model, count(start.unfreeze))
        return self.state.origin or settings.architecture.name

    @Slot()
    def _ask_save(self) -> None:
        dialog = FileDialog(self, self.tr("Save the Plan"), "save")
        dialog.setNameFilters([translated(CONTEXT, export.words) for export in exports_of("plan")])
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"{self.state.draft.model_id or 'plan'}.json")
        dialog.fileSelected.connect(self.save)
        dialog.open()

    @Slot(str)
    def save(self, path: str) -> None:
        """Write the plan, the place of the data included, into a file of the user's."""
        from pathlib import Path

        from desktop.core.types import FoveaError

        try:
            write_atomically(Path(path), self.state.draft.plan().to_json())
        except FoveaError as error:
            self._problem.set_text(sentence(error.message))
            self._problem.show()
        except OSError as error:
            self._problem.set_text(self.tr("The plan was not written ({0}).").format(reason_of(error)))
            self._problem.show()
