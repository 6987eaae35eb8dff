"""What is known of one model: its card, the curves of its training, its evaluation, its layers, its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from desktop.system import strict_json
from desktop.system.errors import FoveaError
from desktop.system.words import listed
from desktop.ui.dialogs._card_text import card_html
from desktop.ui.kit.tabled import card_title
from desktop.ui.kit.tables import Cell, FiguresModel, figure, fit_columns, fit_height, table, whole
from desktop.ui.kit.tables import words as text_cell
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.models import words
from desktop.ui.models.filter_sheet import FilterSheet
from desktop.ui.widgets.plot import CurvePlot
from desktop.ui.widgets.plot_drawing import PlotFrame, Series

if TYPE_CHECKING:
    import numpy as np

    from desktop.ui.models.cards import ModelCard

MOST_JSON = 16 << 20
_MOST_ROWS = 5_000  # of a table: a file from elsewhere may hold any number
_MOST_TEXT = 300  # characters that are laid out of a text that nobody has checked
_MOST_CONFIG = 32 << 20
_MOST_DEPTH = 200


def read_layers(path: Path) -> list[tuple[str, str, str]]:
    """The layers of a ``.keras`` file as (name, kind, settings), from its description alone; for a thread.

    Empty where the file cannot be read as one.
    """
    import zipfile

    from desktop.store.zip_check import read_member

    try:
        with zipfile.ZipFile(path) as archive:
            text = read_member(archive, "config.json", _MOST_CONFIG)
        raw = strict_json.loads_object(text, _MOST_CONFIG, _MOST_DEPTH, finite=False)
        return [_layer(item) for item in _layers(raw)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, FoveaError):
        return []


def _layers(raw: Any) -> list[Any]:
    found: list[Any] = []
    for item in raw["config"]["layers"]:
        inner = item.get("config", {})
        found += _layers(item) if isinstance(inner, dict) and "layers" in inner else [item]
    return found


_TOLD = ("filters", "units", "kernel_size", "strides", "padding", "pool_size", "rate", "activation", "batch_shape")


def _layer(item: Any) -> tuple[str, str, str]:
    config = item["config"]
    told = []
    for key in _TOLD:
        value = config.get(key)
        if value in (None, "linear", "valid", [1, 1], 1) or isinstance(value, dict):
            continue
        shown = "×".join("n" if side is None else str(side) for side in value) if isinstance(value, list) else value
        told.append(f"{key.replace('_', ' ')} {shown}")
    return str(config.get("name", item.get("name", ""))), str(item["class_name"]), ", ".join(told)


class CardTab(QTextBrowser):
    """The card, as text that can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.setAccessibleName(self.tr("Model card"))
        self.document().setDocumentMargin(12)
        self._card: ModelCard | None = None
        theme().changed.connect(self._render)

    def show_card(self, card: ModelCard) -> None:
        """Another model's."""
        self._card = card
        self._render()

    def _render(self) -> None:
        if self._card is None:
            self.clear()
        elif self._card.entry is not None:
            self.setHtml(card_html(self._card.entry))
        else:
            self.setHtml(_network_html(self._card))


def _network_html(card: ModelCard) -> str:
    from html import escape

    network = card.network
    assert network is not None
    rows = (
        (words.tr("Network"), network.architecture),
        (words.tr("Parameters"), QLocale().toString(network.parameters)),
        (words.tr("Reported"), network.reported),
        (words.tr("Comes from"), network.url if network.package is None else words.package(network.package)),
        (words.tr("Size of the download"), words.to_fetch(network)),
        (words.tr("Licence"), f"{network.licence}, {network.licence_url}"),
        words.published_hash(network),
        (words.tr("Checked"), network.checked),
        (words.tr("Credit"), network.credit),
    )
    t = theme().tokens
    body = "".join(
        f'<tr><td style="color:{t.secondary}; padding:3px 18px 3px 0">{escape(key)}</td><td>{escape(value)}</td></tr>'
        for key, value in rows
        if value
    )
    size = theme().font("text").pixelSize()
    return (
        f'<html><body style="color:{t.text}; font-size:{size}px"><p style="font-size:{size + 1}px">'
        f'{escape(network.summary)}</p><table cellspacing="0">{body}</table></body></html>'
    )


class TrainingTab(QWidget):
    """Loss and accuracy by epoch, as the training wrote them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = CurvePlot(self.tr("Loss"))
        self.accuracy = CurvePlot(self.tr("Accuracy"))
        self._model = FiguresModel([], self)
        self._table = table(self._model, self.tr("Figures by epoch"))
        plots = QHBoxLayout()
        plots.setSpacing(8)
        plots.addWidget(self.loss, 1)
        plots.addWidget(self.accuracy, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(plots, 3)
        layout.addWidget(self._table, 2)

    def show_curves(self, curves: dict[str, list[float]], checked: int = 0) -> None:
        """Columns of ``history.csv``; empty where there is none. ``checked``: how many validation pictures there were,
        0 where that is not known."""
        epochs = curves.get("epoch", [])
        if not epochs:
            why = self.tr("This model came without the story of its training.")
            self.loss.set_nothing(PlotFrame(self.tr("Loss"), ""), why)
            self.accuracy.set_nothing(PlotFrame(self.tr("Accuracy"), ""), why)
            self._model.set_rows([], [])
            self._table.hide()
            return
        self._table.show()
        for plot, key, kind, title in (
            (self.loss, "loss", "loss", self.tr("Loss")),
            (self.accuracy, "accuracy", "share", self.tr("Accuracy")),
        ):
            series = [
                Series(name, epochs, curves[column], tone, width)
                for column, name, tone, width in (
                    (key, self.tr("training"), "secondary", 1.2),
                    (f"val_{key}", self.tr("validation"), "accent", 2.0),
                )
                if len(curves.get(column, ())) == len(epochs)
            ]
            plot.set_content(PlotFrame(title, self.tr("epoch"), epochs[-1], kind), series)  # type: ignore[arg-type]
        heads = {
            "epoch": self.tr("Epoch"),
            "loss": self.tr("Loss"),
            "accuracy": self.tr("Accuracy"),
            "val_loss": self.tr("Validation loss"),
            "val_accuracy": self.tr("Validation accuracy"),
            "seconds": self.tr("Seconds"),
        }
        names = [name for name in heads if name in curves]
        rows = [[_number(name, curves[name][i], checked) for name in names] for i in range(len(epochs))[:_MOST_ROWS]]
        self._model.set_rows(rows, [heads[name] for name in names])
        fit_columns(self._table)


def _number(name: str, value: float, checked: int) -> Cell:
    if value != value:
        return Cell("–")
    if name == "epoch":
        return whole(int(value))
    if name == "val_accuracy":
        from desktop.core.figures.intervals import share_of  # NumPy, without which the window starts

        return figure(share_of(value, checked))
    if "accuracy" in name:
        return Cell(QLocale().toString(100 * value, "f", 2) + " %", value)
    return Cell(QLocale().toString(value, "f", 1 if name == "seconds" else 4), value)


class EvaluationTab(QWidget):
    """The figures on the test split, class by class; and the way to an evaluation of the user's own."""

    evaluate_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = make_label("", "secondary", wrap=True, selectable=True)
        self._figures = FiguresModel(
            [self.tr("Figure"), self.tr("Value"), self.tr("95 % interval"), self.tr("n")], self
        )
        self._figures_table = table(self._figures, self.tr("Figures of the model"))
        self._classes = FiguresModel([], self)
        self._classes_table = table(self._classes, self.tr("Figures by class"), sortable=True)
        self.button = QPushButton(self.tr("Evaluate on pictures of your own"))
        self.button.clicked.connect(self.evaluate_wanted)
        row = QHBoxLayout()
        row.addWidget(self._words, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self._figures_table)
        layout.addWidget(self._classes_table, 1)
        layout.addStretch(0)

    def show_evaluation(self, card: ModelCard, document: dict[str, Any]) -> None:
        """The model's own figures, and what ``evaluation.json`` holds beside them ('{}' for none)."""
        manifest = card.entry.manifest if card.entry is not None else None
        metrics = manifest.metrics if manifest is not None else ()
        self.button.setEnabled(card.state == "ready")
        if metrics:
            data = sorted({f"{metric.data}, {metric.split}" for metric in metrics})
            self._words.setText(self.tr("Measured on: {0}").format("; ".join(data)))
        else:
            self._words.setText(
                self.tr("Nobody has measured this model in Fovea. A folder of labelled pictures is enough to do so.")
            )
        rows = []
        for metric in metrics:
            seen, interval = metric.shown(), "–"
            if seen.low is not None and seen.high is not None:
                interval = self.tr("{0} to {1}").format(_plain(seen.low), _plain(seen.high))
            value = Cell(_plain(seen.value)) if seen.value is not None else Cell("–", None, seen.reason)
            rows.append([text_cell(card_title(metric.name)), value, Cell(interval), whole(metric.n)])
        self._figures.set_rows(rows)
        self._figures_table.setVisible(bool(rows))
        fit_columns(self._figures_table)
        fit_height(self._figures_table)
        self._show_classes(document.get("per_class"))

    def _show_classes(self, found: Any) -> None:
        rows = []
        if isinstance(found, list):
            for item in found[:_MOST_ROWS]:
                if not isinstance(item, dict) or not isinstance(item.get("label"), str):
                    continue
                cells = [text_cell(item["label"][:_MOST_TEXT])]
                for key in ("support", "precision", "recall", "f1"):
                    value = item.get(key)
                    if isinstance(value, int):
                        cells.append(whole(value))
                    elif isinstance(value, float):
                        cells.append(Cell(_plain(value), value))
                    else:
                        cells.append(Cell("–"))
                rows.append(cells)
        heads = [self.tr("Class"), self.tr("Pictures"), self.tr("Precision"), self.tr("Recall"), self.tr("F1")]
        self._classes.set_rows(rows, heads)
        self._classes_table.setVisible(bool(rows))
        fit_columns(self._classes_table)


def _plain(value: float) -> str:
    return QLocale().toString(value, "f", 4)


class LayersTab(QWidget):
    """The layers by name: what features and fine-tuning can begin from."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = make_label("", "secondary", wrap=True)
        self._model = FiguresModel([self.tr("Layer"), self.tr("Kind"), self.tr("Settings")], self)
        self._table = table(self._model, self.tr("Layers"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._words)
        layout.addWidget(self._table, 1)
        self._filter_words = make_label(self.tr("What its first layer looks for (grey: no weight)"), "secondary")
        self.filters = FilterSheet()
        layout.addWidget(self._filter_words)
        layout.addWidget(self.filters)

    def show_layers(
        self, card: ModelCard, layers: list[tuple[str, str, str]], filters: np.ndarray | None = None
    ) -> None:
        """Other layers, and the filters of the first one; none where the model has no Keras form."""
        self.filters.set_filters(filters)
        self._filter_words.setVisible(filters is not None)
        self._model.set_rows([[text_cell(cell) for cell in row] for row in layers])
        self._table.setVisible(bool(layers))
        fit_columns(self._table)
        manifest = card.entry.manifest if card.entry is not None else None
        told = manifest.card.architecture if manifest is not None else ""
        if not layers:
            told = (
                self.tr("Its layers can be listed once it is installed.")
                if card.state == "absent"
                else self.tr("It came as .tflite: its operations are {0}").format(told or "–")
            )
        elif manifest is not None and manifest.card.parameters is not None:
            count = QLocale().toString(manifest.card.parameters)
            told = self.tr("{0} layers, {1} parameters").format(QLocale().toString(len(layers)), count)
        self._words.setText(told)


class FilesTab(QWidget):
    """Every file with its size and checksum, and whether it is still what it was."""

    verify_wanted = Signal()
    reveal_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = make_label("", "secondary", wrap=True, selectable=True)
        heads = [self.tr("File"), self.tr("Size"), self.tr("Checked"), self.tr("SHA-256")]
        self._model = FiguresModel(heads, self)
        self._table = table(self._model, self.tr("Files"))
        self.verify = QPushButton(self.tr("Verify"))
        self.verify.setToolTip(self.tr("Compare every file with its checksum"))
        self.verify.clicked.connect(self.verify_wanted)
        self.reveal = QPushButton(self.tr("Show folder"))
        self.reveal.clicked.connect(self.reveal_wanted)
        row = QHBoxLayout()
        row.addWidget(self._words, 1)
        row.addWidget(self.verify)
        row.addWidget(self.reveal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self._table, 1)

    def show_files(self, card: ModelCard, verdicts: dict[str, str]) -> None:
        """Other files; ``verdicts`` by name where they were compared since Fovea started."""
        entry = card.entry
        manifest = entry.manifest if entry is not None else None
        files = manifest.files if manifest is not None else {}
        spoken = {
            "ok": self.tr("✓ unchanged"),
            "changed": self.tr("✗ changed"),
            "missing": self.tr("✗ missing"),
            "unreadable": self.tr("✗ unreadable"),
        }
        rows = [
            [
                text_cell(name),
                Cell(words.size(item.size), item.size),
                text_cell(spoken.get(verdicts.get(name, ""), self.tr("not yet"))),
                text_cell(item.sha256),
            ]
            for name, item in sorted(files.items())
        ]
        self._model.set_rows(rows)
        self._table.setVisible(bool(rows))
        fit_columns(self._table)
        self.verify.setEnabled(bool(rows))
        self.reveal.setEnabled(entry is not None)
        if not rows:
            self._words.setText(self.tr("There are no files of it on this computer."))
            return
        bad = [name for name, verdict in verdicts.items() if verdict != "ok"]
        total = words.size(sum(item.size for item in files.values()))
        told = self.tr("{0} files, {1}.").format(QLocale().toString(len(rows)), total)
        if bad:
            told += " " + self.tr("Not as they were: {0}.").format(listed(bad))
        elif verdicts:
            told += " " + self.tr("All are what they were when the model was made.")
        self._words.setText(told)
