"""Manifests, answers and pixels for the tests of single widgets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtWidgets import QWidget

from desktop.app.batch_columns import BatchColumns
from desktop.core.types import ImageSource, Notice
from desktop.engine.messages import Elapsed, Failure, Prediction
from desktop.store.manifest import Calibration, Decision, Manifest, Metric
from desktop.store.store import ModelEntry
from desktop.ui.classify.results_columns import place_of
from desktop.ui.classify.results_model import ResultsModel
from desktop.ui.classify.results_table import ResultsTable
from tests.store.makers import manifest

XRAY = manifest(
    id="xray",
    name="Chest X-ray",
    labels=("Normal", "Pneumonia"),
    scores="probability",
    medical=True,
    decision=Decision("threshold", 1, 0.4, "chosen on the validation split"),
    calibration=Calibration(1.4, "validation", 524, 0.06, 0.02),
    metrics=(Metric("accuracy", 0.928, "Kermany", "test", 624, 0.905, 0.946),),
)


def entry(of: Manifest | None, state: str = "ready", problem: str = "", model_id: str = "") -> ModelEntry:
    """A model of the store in any state."""
    return ModelEntry(of.id if of else model_id, Path("/store/x"), True, state, of, problem)  # type: ignore[arg-type]


def sources(count: int, folder: str = "/data") -> list[ImageSource]:
    """Pictures in two folders below ``folder``; none of them exists."""
    return [ImageSource.from_path(f"{folder}/{'ab'[i % 2]}/picture {i}.png") for i in range(count)]


def answer(
    at: int, source: ImageSource, scores: Sequence[float], index: int | None = None, notices: tuple[Notice, ...] = ()
) -> Prediction:
    """An answer of the X-ray model for one picture of a batch."""
    values = np.array(scores, np.float32)
    chosen = int(values.argmax()) if index is None else index
    return Prediction(
        id=1,
        model=XRAY.id,
        source=source,
        index=chosen,
        label=XRAY.labels[chosen] if chosen < 2 else "",
        probabilities=values,
        prepared=None,
        prepared_sha256=f"{at:064x}",
        original_size=(100 + at, 90),
        format="PNG",
        frames=1,
        notices=notices,
        elapsed=Elapsed(1.0, 0.5, 2.0),
        device="CPU",
        position=at,
    )


def failure(at: int, source: ImageSource, message: str = "it is cut off") -> Failure:
    """A picture that could not be read."""
    return Failure(1, "truncated", message, "", source, at)


STRETCHED = (Notice("stretched", "stretched"),)


def some(count: int = 12) -> tuple[list[ImageSource], list[Prediction | Failure]]:
    """Pictures and answers: 0.50, 0.54 … for Pneumonia, number 3 unreadable."""
    found = sources(count)
    items: list[Prediction | Failure] = []
    for at, source in enumerate(found):
        if at == 3:
            items.append(failure(at, source))
        else:
            score = 0.5 + 0.04 * (at % 12)
            notices = STRETCHED if at % 2 else ()
            items.append(answer(at, source, (1 - score, score), 1 if at % 4 else 0, notices))
    return found, items


def batch_of(shown: ResultsModel | ResultsTable) -> BatchColumns:
    """The answers that are shown."""
    batch = shown.batch if isinstance(shown, ResultsModel) else shown.model.batch
    assert batch is not None
    return batch


def begin(
    shown: ResultsModel | ResultsTable,
    of: Sequence[ImageSource],
    model: Manifest,
    root: str | None = None,
    kept: Sequence[int] | None = None,
) -> None:
    """Show a batch, with ``kept`` one that goes on with the batch before, as a batch's job does."""
    batch = BatchColumns(of, model, root)
    if kept is not None:
        for _ in batch.take_over(batch_of(shown), kept):
            pass
    shown.begin(batch, kept is not None)


def add(shown: ResultsModel | ResultsTable, items: Sequence[Prediction | Failure]) -> None:
    """Answers come: into the batch, then it is told."""
    batch = batch_of(shown)
    placed = [item.position for item in items if batch.put(item.position, item)]
    if placed:
        shown.show_answers(min(placed), max(placed))


def column(model: ResultsModel, name: str) -> list[str]:
    """What the rows of a table say in a column."""
    which = place_of(name)
    return [model.index(row, which).data() for row in range(model.rowCount())]


def sort(model: ResultsModel, name: str, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
    """Sort a table by a column."""
    model.sort(place_of(name), order)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of an exported table."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def picture(width: int, height: int, form: QImage.Format = QImage.Format.Format_RGB888) -> QImage:
    """A picture whose left half is red and whose right half is blue."""
    image = QImage(width, height, form)
    image.fill(QColor("red"))
    for x in range(width // 2, width):
        for y in range(height):
            image.setPixelColor(x, y, QColor("blue"))
    return image


def double_click(widget: QWidget, x: float, y: float) -> None:
    """A double click at a position of ``widget``."""
    from PySide6.QtWidgets import QApplication

    spot = QPointF(x, y)
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(
        QEvent.Type.MouseButtonDblClick, spot, widget.mapToGlobal(spot), button, button, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
