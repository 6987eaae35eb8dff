"""A second model on the same pictures: figures side by side, McNemar's test, pictures that only one gets right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.figures.table import METRICS
from desktop.core.translate import on_card
from desktop.services.background import Task
from desktop.services.evaluation import EvaluationService
from desktop.ui.classify.panes import show_failure
from desktop.ui.evaluate.head import RunStrip, choose_box, titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import count
from desktop.ui.kit.tabled import title_of
from desktop.ui.kit.tables import FiguresModel, figure, fit_columns, table, words
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.core.data.label_map import LabelMap
    from desktop.core.figures.result import EvaluationResult, Figures, PairedResult
    from desktop.services.catalog import ModelCatalog
    from desktop.store.store import ModelEntry


class CompareTab(QWidget):
    """``compared`` carries (second result, its figures, the test), or ``None``; ``pictures_wanted`` rows of the first
    result and words for them."""

    compared = Signal(object)  # a result, its figures and the test between the two, or None
    pictures_wanted = Signal(tuple, str)

    def __init__(
        self, state: EvaluationState, catalog: ModelCatalog, service: EvaluationService, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._catalog, self._service = state, catalog, service
        self._found: tuple[EvaluationResult, Figures, PairedResult] | None = None
        self._task: Task | None = None
        self._build()
        service.progressed.connect(self.strip.show_progress)
        service.counting.connect(self.strip.say_counting)
        service.finished.connect(self._on_finished)
        service.failed.connect(self._on_failed)
        catalog.changed.connect(self._list_models)
        state.changed.connect(self._on_state)
        state.decided.connect(self._on_decided)
        state.measured.connect(self._on_decided)
        state.pictures_changed.connect(self._list_models)
        self._on_state()

    def _build(self) -> None:
        self.models = choose_box(self.tr("The model to compare with"))
        self.models.setMinimumContentsLength(24)
        self.models.activated.connect(self._forget)
        self.start = QPushButton(self.tr("Compare"))
        self.start.setProperty("role", "primary")
        self.start.clicked.connect(self.begin)
        label = make_label(self.tr("Compare with"))
        label.setBuddy(self.models)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.models)
        row.addWidget(self.start)
        row.addStretch(1)
        self.strip = RunStrip()
        self.strip.cancelled.connect(self.cancel)
        self.strip.hide()
        self.failure = ErrorPanel()
        self.match = QPushButton(self.tr("Match class names…"))
        self.match.clicked.connect(self._ask_mapping)
        self.match.hide()
        self.sentence = make_label("", "title", wrap=True, selectable=True)
        self._difference = make_label("", "secondary", wrap=True, selectable=True)
        self.model = FiguresModel(["", "", ""])
        self.table = table(self.model, self.tr("Figures of both models"))
        self.only_first = QPushButton(self.tr("Only the first is right"))
        self.only_second = QPushButton(self.tr("Only the second is right"))
        self.only_first.clicked.connect(self._show_first)
        self.only_second.clicked.connect(self._show_second)
        only = QHBoxLayout()
        only.addWidget(self.only_first)
        only.addWidget(self.only_second)
        only.addStretch(1)
        self._body = QFrame()
        self._body.setProperty("card", "true")
        column = QVBoxLayout(self._body)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        column.addWidget(titled(self.tr("On the pictures that both answered")))
        column.addWidget(self.sentence)
        column.addWidget(self._difference)
        column.addLayout(only)
        column.addWidget(self.table, 1)
        self._hint = make_label(
            self.tr("The second model answers the same pictures; a kept result of it is used at once."), "secondary"
        )
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self.strip)
        layout.addWidget(self.failure)
        layout.addWidget(self.match, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._body, 1)
        layout.addWidget(self._hint, 1)

    @Slot()
    def _on_state(self) -> None:
        self.cancel()
        self._show(None)
        self._list_models()

    @Slot()
    def _list_models(self) -> None:
        result = self._state.result
        held = self.models.currentData()
        own = result.model.id if result is not None else ""
        self.models.clear()
        ready = [e for e in self._catalog.entries if e.state == "ready" and e.manifest is not None and e.id != own]
        fitting = [entry for entry in ready if self._fits(entry)]
        for entry in fitting:
            assert entry.manifest is not None
            self.models.addItem(on_card(entry.manifest.name), entry.id)
        # Another model may mean the same classes by other words: it can be asked for, and says what it lacks.
        others = [entry for entry in ready if entry not in fitting and self._may_fit(entry)]
        if fitting and others:
            self.models.insertSeparator(self.models.count())
        for entry in others:
            assert entry.manifest is not None
            self.models.addItem(self.tr("{0} (classes to be matched)").format(on_card(entry.manifest.name)), entry.id)
        self.models.setCurrentIndex(max(0, self.models.findData(held)) if self.models.count() else -1)
        self.start.setEnabled(self.models.count() > 0 and self._state.data is not None)
        if self._state.data is None:
            tip = self.tr("The pictures are not at hand: open their folder again.")
        else:
            tip = "" if self.models.count() else self.tr("No other model that is ready answers these classes.")
        self.start.setToolTip(tip)
        if tip:
            self._hint.setText(tip)

    def _fits(self, entry: ModelEntry) -> bool:
        """Whether the model's labels are these pictures' classes, by name or as they were matched before."""
        from desktop.core.types import FoveaError

        if self._state.data is None or self._state.result is None or entry.manifest is None:
            return False
        if set(entry.manifest.labels) == set(self._state.result.model.labels):
            return True
        try:
            self._labels(entry)
        except FoveaError:
            return False
        return True

    def _may_fit(self, entry: ModelEntry) -> bool:
        """Whether matching could be meant: as many labels as there are classes, or some in common."""
        result = self._state.result
        if result is None or entry.manifest is None or entry.manifest.medical != result.model.medical:
            return False
        mine = {name.casefold() for name in (*result.data.classes, *result.model.labels)}
        theirs = {name.casefold() for name in entry.manifest.labels}
        return bool(mine & theirs) or len(theirs) == len(result.model.labels)

    # Running

    def _labels(self, entry: ModelEntry) -> LabelMap:
        from desktop.app.evaluating import labels_for

        data = self._state.data
        assert data is not None
        return labels_for(entry, data, self._service.store().recall_mapping(entry.id, data.classes))

    @Slot()
    def begin(self) -> None:
        """Answer the same pictures with the second model, or take its kept result."""
        from desktop.core.types import FoveaError

        entry, data, result = self._catalog.entry(str(self.models.currentData())), self._state.data, self._state.result
        if entry is None or entry.manifest is None or data is None or result is None or self._service.running:
            return
        self._show(None)
        try:
            labels = self._labels(entry)
        except FoveaError as error:
            self.failure.set_failure(error.message, "", error.kind)
            self.match.setVisible(error.kind == "labels-differ")
            return
        self._entry, self._map = entry, labels
        fingerprint = result.data.fingerprint

        hear = self._service.hear

        def find(task: Task) -> object:
            from desktop.app.evaluating import find_kept
            from desktop.core.figures.result import figures

            held = find_kept(entry, data, labels, fingerprint, heard=hear)
            return (held, figures(held)) if held is not None else None

        self.strip.begin()
        self.strip.show()
        self._hint.hide()
        self.start.setEnabled(False)
        self._launch(find, self._on_looked)

    def _launch(self, work: Any, slot: Any) -> None:
        self._task = Task(work)
        self._task.answered.connect(slot)
        self._task.failed.connect(self._on_failed)
        self._task.launch()

    @Slot(object)
    def _on_looked(self, found: Any) -> None:
        if self.sender() is not self._task:
            return
        self._task = None
        if found is not None:
            self._pair(*found)
        elif self._state.data is not None:
            self._service.start(self._entry, self._state.data, self._map)

    @Slot(object, object, str)
    def _on_finished(self, result: EvaluationResult, figures: Figures, trouble: str) -> None:
        self._pair(result, figures)

    def _pair(self, second: EvaluationResult, figures: Figures) -> None:
        from desktop.app.evaluating import compare

        first, mine = self._state.result, self._state.figures

        def pair(task: Task) -> object:
            assert first is not None and mine is not None
            found = compare(first, mine, second, figures)
            return (found.result, found.figures, found.paired), found.shared

        if first is not None and mine is not None:
            self._launch(pair, self._on_paired)

    @Slot(object)
    def _on_paired(self, found: Any) -> None:
        if self.sender() is self._task:
            self._task = None
            self._show(*found)

    @Slot(object)
    def _on_failed(self, error: Any) -> None:
        self._task = None
        self._show(None)
        from desktop.core.types import FoveaError

        shown = error if isinstance(error, FoveaError) else FoveaError("not-compared", str(error))
        show_failure(self.failure, shown)  # type: ignore[arg-type]

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing of the second evaluation is kept."""
        self._service.cancel()
        self._task = None
        self.strip.hide()
        self.start.setEnabled(self.models.count() > 0 and self._state.data is not None)
        self._hint.setVisible(self._found is None)

    @Slot()
    def _forget(self) -> None:
        self.failure.clear()
        self.match.hide()

    @Slot()
    def _on_decided(self) -> None:
        if self._found is not None:
            self._pair(self._found[0], self._found[1])

    @Slot()
    def _ask_mapping(self) -> None:
        from desktop.ui.evaluate.mapping import MappingDialog

        entry, data = self._catalog.entry(str(self.models.currentData())), self._state.data
        if entry is not None and entry.manifest is not None and data is not None:
            known = self._service.store().recall_mapping(entry.id, data.classes) or {}
            self.dialog = MappingDialog(data.classes, entry.manifest.labels, known, self)
            self.dialog.accepted.connect(self._on_mapping)
            self.dialog.open()

    @Slot()
    def _on_mapping(self) -> None:
        from desktop.core.types import FoveaError

        data = self._state.data
        if data is not None:
            try:
                self._service.store().remember_mapping(
                    str(self.models.currentData()), data.classes, self.dialog.mapping
                )
            except FoveaError as error:
                show_failure(self.failure, error)  # type: ignore[arg-type]
                return
            self.begin()

    # What was found

    def _show(
        self,
        found: tuple[EvaluationResult, Figures, PairedResult] | None,
        shared: tuple[Figures, Figures] | None = None,
    ) -> None:
        self._found = found
        self.strip.hide()
        self.failure.clear()
        self.match.hide()
        self.start.setEnabled(self.models.count() > 0 and self._state.data is not None)
        self._body.setVisible(found is not None)
        self._hint.setVisible(found is None)
        self.compared.emit(found)
        first = self._state.result
        if found is None or first is None or shared is None:
            return
        (second, _, paired), (mine, theirs) = found, shared
        a, b = first.model.name, second.model.name
        self.sentence.setText(paired.test.sentence(a, b))
        label = self._state.labels[self._state.positive] if mine.point is not None else ""
        found_rows = [(row, row.get(mine), row.get(theirs)) for row in METRICS]
        cells = [
            [words(title_of(row, label)), figure(x, row.percent), figure(y, row.percent)]
            for row, x, y in found_rows
            if x is not None and y is not None
        ]
        self.model.set_rows(cells, [self.tr("Figure (95 % interval)"), a, b])
        fit_columns(self.table)
        difference = figure(paired.test.difference).text
        self._difference.setText(
            self.tr(
                "Difference in accuracy, first minus second: {0}. Both right: {1}. Both wrong: {2}. All figures here "
                "are of the {3} pictures that both answered."
            ).format(difference, count(paired.test.both), count(paired.test.neither), count(len(paired.a)))
        )
        self.only_first.setText(self.tr("Only {0} is right: {1} pictures").format(a, count(len(paired.only_a))))
        self.only_second.setText(self.tr("Only {0} is right: {1} pictures").format(b, count(len(paired.only_b))))
        self.only_first.setEnabled(bool(paired.only_a))
        self.only_second.setEnabled(bool(paired.only_b))

    def _rows_of(self, names: tuple[str, ...]) -> tuple[int, ...]:
        wanted, result = set(names), self._state.result
        return tuple(i for i, name in enumerate(result.names) if name in wanted) if result is not None else ()

    @Slot()
    def _show_first(self) -> None:
        if self._found is not None:
            self.pictures_wanted.emit(self._rows_of(self._found[2].only_a), self.tr("Only this model is right"))

    @Slot()
    def _show_second(self) -> None:
        if self._found is not None:
            words_ = self.tr("Only {0} is right").format(self._found[0].model.name)
            self.pictures_wanted.emit(self._rows_of(self._found[2].only_b), words_)
