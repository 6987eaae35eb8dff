"""What is said of labels: written at once where the data is known, kept until then while an evaluation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

if TYPE_CHECKING:
    from desktop.services.evaluation import EvaluationService
    from desktop.ui.evaluate.state import EvaluationState


class Judging(QObject):
    """Judgements belong to the data's fingerprint, which is known at the end of a run only. ``said`` tells of those
    that cannot be kept."""

    said = Signal(str)

    def __init__(self, service: EvaluationService, state: EvaluationState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service, self._state = service, state
        self._waiting: dict[str, Any] = {}

    def begin(self) -> None:
        """A run begins: nothing was said during it yet."""
        self._waiting = {}

    @Slot(str, object)
    def judge(self, name: str, judgement: Any) -> None:
        """Say of the label of the picture ``name`` that it is right, wrong or unsure; ``None`` takes that back."""
        if self._state.result is not None:
            self._service.judge(self._state.result.data.fingerprint, {name: judgement})
        elif not self._service.running:
            self._say_lost(1)
        elif judgement is None:
            self._waiting.pop(name, None)  # what was said in an earlier run is not touched
        else:
            self._waiting[name] = judgement

    def finish(self, fingerprint: str, held: dict[str, Any]) -> dict[str, Any]:
        """The run is done: write what was said during it. Returns that, added to what was ``held`` of this data."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._service.judge(fingerprint, waiting)
        return {**held, **waiting}

    def fail(self) -> None:
        """The run has no result: what was said during it cannot be kept, and that is told."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._say_lost(len(waiting))

    def _say_lost(self, lost: int) -> None:
        one = self.tr("What you said of this label is not kept: the evaluation did not come to its end.")
        more = self.tr("What you said of {0} labels is not kept: the evaluation did not come to its end.")
        self.said.emit(one if lost == 1 else more.format(lost))
