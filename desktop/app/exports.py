"""EXPORTS: every file format that results can be handed on in, and the writing of those of an evaluation.

Window and command line list the formats of this table and write through :func:`save_evaluation`, :func:`write_rows` or
the writer of the thing itself; neither has a list, a guard or a name's ending of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from desktop.core.figures.intervals import estimate_json
from desktop.core.figures.public_names import key_file, public_naming
from desktop.core.figures.result import figures as measure
from desktop.core.figures.result_files import figures_json, write_csv
from desktop.core.translate import QT_TRANSLATE_NOOP
from desktop.core.types import FoveaError
from desktop.ml.exchange.export_formats import ARCHIVE, MODEL_FORMATS
from desktop.system.csv_cells import CsvWriter
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import english, phrase

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.public_names import PublicNames
    from desktop.core.figures.result import EvaluationResult, Figures, PairedResult
    from desktop.engine.evaluation import EventEngine

CONTEXT = "Exports"
"""The context in which a window translates the words of this table."""

Subject = Literal["evaluation", "list", "batch", "curves", "drawing", "model", "plan"]
Thumbnails = Callable[[Sequence[int]], Sequence["np.ndarray | None"]]
Other = tuple["EvaluationResult", "Figures", "PairedResult"]


@dataclass(frozen=True, slots=True)
class ToSave:
    """An evaluation to be handed on. ``figures`` may be left to be worked out; ``other`` is a second model on the same
    pictures, ``pictures`` opens those of the gallery in a report (``None``: without)."""

    result: EvaluationResult
    figures: Figures | None = None
    other: Other | None = None
    pictures: Thumbnails | None = None
    keep_names: bool = False
    key: bool = False


Save = Callable[[ToSave, Path, Callable[[], bool]], None]


@dataclass(frozen=True, slots=True)
class Export:
    """One format of one ``subject``: its endings (the first one is the usual), its ``name``, the words of a button or
    a dialog, and what to say ``about`` it. ``report`` says that it is one to read. ``save`` writes an evaluation; other
    subjects have writers of their own, chosen by the ending. ``form`` is what a model's format is called in
    :data:`desktop.ml.exchange.export_formats.MODEL_FORMATS`."""

    subject: Subject
    endings: tuple[str, ...]
    name: str
    words: str = ""
    about: str = ""
    report: bool = False
    save: Save | None = None
    form: str = ""

    @property
    def ending(self) -> str:
        """The usual ending, with its dot."""
        return self.endings[0]


def _report(found: ToSave, path: Path, cancelled: Callable[[], bool]) -> None:
    from desktop.report import write_report
    from desktop.report.content import build_report

    measured = found.figures or measure(found.result)
    write_report(build_report(found.result, measured, found.pictures, found.keep_names, found.other), path, cancelled)


def _predictions(found: ToSave, path: Path, cancelled: Callable[[], bool]) -> None:
    naming = public_naming(found.result, found.keep_names)

    def rows(place: Path) -> None:
        with place.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            write_csv(found.result, stream, naming)

    _put(path, rows)


def _figures(found: ToSave, path: Path, cancelled: Callable[[], bool]) -> None:
    _put(path, figures_text(found))


EXPORTS: tuple[Export, ...] = (
    Export(
        "evaluation",
        (".html", ".htm"),
        "HTML",
        QT_TRANSLATE_NOOP("Exports", "HTML report…"),
        QT_TRANSLATE_NOOP("Exports", "One file for any browser: figures, curves, mistakes, limits."),
        True,
        _report,
    ),
    Export(
        "evaluation",
        (".pdf",),
        "PDF",
        QT_TRANSLATE_NOOP("Exports", "PDF report…"),
        QT_TRANSLATE_NOOP("Exports", "The same on pages, to print or to file."),
        True,
        _report,
    ),
    Export(
        "evaluation",
        (".csv",),
        "CSV",
        QT_TRANSLATE_NOOP("Exports", "Predictions (CSV)…"),
        QT_TRANSLATE_NOOP("Exports", "One line for every picture: truth, answer, scores."),
        False,
        _predictions,
    ),
    Export(
        "evaluation",
        (".json",),
        "JSON",
        QT_TRANSLATE_NOOP("Exports", "Figures (JSON)…"),
        QT_TRANSLATE_NOOP("Exports", "All figures with their intervals, for programs."),
        False,
        _figures,
    ),
    Export("list", (".csv",), "CSV", QT_TRANSLATE_NOOP("Exports", "Table (*.csv)")),
    Export("batch", (".csv",), "CSV", QT_TRANSLATE_NOOP("Exports", "Table (*.csv)")),
    Export("curves", (".csv",), "CSV", QT_TRANSLATE_NOOP("Exports", "Table (*.csv)")),
    Export("curves", (".png",), "PNG", QT_TRANSLATE_NOOP("Exports", "Picture of both plots (*.png)")),
    Export("drawing", (".png",), "PNG", QT_TRANSLATE_NOOP("Exports", "Picture (*.png)")),
    Export("drawing", (".json",), "JSON", QT_TRANSLATE_NOOP("Exports", "Strokes, to draw on later (*.json)")),
    Export("plan", (".json",), "JSON", QT_TRANSLATE_NOOP("Exports", "Training plan (*.json)")),
    Export(
        "model",
        (".zip",),
        "Fovea",
        QT_TRANSLATE_NOOP("Exports", "Complete, for another Fovea (.zip)"),
        QT_TRANSLATE_NOOP("Exports", "everything, with its card and checksums"),
        form=ARCHIVE,
    ),
    *(Export("model", (row.ending,), row.name, row.words, row.about, form=row.id) for row in MODEL_FORMATS.values()),
)
"""Every format that something is exported in, in the order shown; those of a model's network have a table of their own,
:data:`desktop.ml.exchange.export_formats.MODEL_FORMATS`."""


def exports_of(subject: Subject) -> tuple[Export, ...]:
    """The formats of a subject."""
    return tuple(export for export in EXPORTS if export.subject == subject)


def endings_of(subject: Subject, reports: bool | None = None) -> tuple[str, ...]:
    """Their endings; ``reports``: only those of reports, or of everything else."""
    chosen = (e for e in exports_of(subject) if reports is None or e.report is reports)
    return tuple(ending for export in chosen for ending in export.endings)


def export_for(subject: Subject, path: str | Path, reports: bool | None = None) -> Export:
    """The format that the ending of ``path`` names. Raises :class:`FoveaError` ``bad-suffix``."""
    ending, known = Path(path).suffix.lower(), endings_of(subject, reports)
    if ending not in known:
        what = phrase("report format") if reports else phrase("format of {a}", a=_A[subject])
        raise FoveaError(
            "bad-suffix",
            phrase("'{name}' names no {what}", name=Path(path).name, what=what),
            phrase("Use {listed} or {last}.", listed=list(known[:-1]), last=known[-1])
            if len(known) > 1
            else phrase("Use {listed}.", listed=known[0]),
        )
    return next(export for export in exports_of(subject) if ending in export.endings)


_A: dict[Subject, str] = {
    "evaluation": phrase("an evaluation"),
    "list": "a list",
    "batch": phrase("a table of answers"),
    "curves": "curves",
    "drawing": "a drawing",
    "model": "a model",
    "plan": "a plan",
}


def save_evaluation(found: ToSave, path: Path, cancelled: Callable[[], bool] = lambda: False, ending: str = "") -> None:
    """Write an evaluation to ``path`` in the format that its ending (or ``ending``) names; whole or not at all.

    With ``key`` a table beside it says which number stands for which hidden name. Raises :class:`FoveaError`:
    ``bad-suffix``, ``disk-full``, ``not-writable``, ``not-saved``, and ``stopped`` where a report was ``cancelled``.
    """
    export = export_for("evaluation", ending and f"file{ending}" or path)
    assert export.save is not None
    export.save(found, path, cancelled)
    naming = public_naming(found.result, found.keep_names)
    if found.key and naming.hidden:
        _write_key(naming, key_file(path))


def _write_key(naming: PublicNames, path: Path) -> None:
    def rows(place: Path) -> None:
        with place.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
            naming.write_key(stream)

    _put(path, rows)


def figures_text(found: ToSave) -> str:
    """All figures as JSON, and those of the second model with the test between the two where there is one."""
    naming = public_naming(found.result, found.keep_names)
    value = figures_json(found.result, found.figures or measure(found.result), naming)
    if found.other is not None:
        second, theirs, paired = found.other
        value["compared_with"] = figures_json(second, theirs, naming)
        value["mcnemar"] = _paired_json(paired, naming)
    return json.dumps(english(value), indent=1, allow_nan=False) + "\n"


def _paired_json(paired: PairedResult, naming: Callable[[str], str]) -> dict[str, Any]:
    test = paired.test
    return {
        "both_right": test.both,
        "only_first": test.only_a,
        "only_second": test.only_b,
        "both_wrong": test.neither,
        "p": test.p,
        "exact": test.exact,
        "difference": estimate_json(test.difference),
        "only_first_right": [naming(name) for name in paired.only_a],
        "only_second_right": [naming(name) for name in paired.only_b],
    }


def pictures_by(client: EventEngine, result: EvaluationResult, data: LabelledDataset) -> Thumbnails:
    """Opens pictures of ``result`` small, in the process of ``client``."""
    from desktop.app.evaluating import ResultPictures
    from desktop.engine.evaluation import thumbnails
    from desktop.report.content import THUMBNAIL_SIDE

    behind = ResultPictures(result, data)

    def opened(rows: Sequence[int]) -> Sequence[np.ndarray | None]:
        found = [behind.source(int(row)) for row in rows]
        pictures = iter(thumbnails(client, [source for source in found if source is not None], THUMBNAIL_SIDE))
        return [next(pictures) if source is not None else None for source in found]

    return opened


def write_rows(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for spreadsheets and programs: UTF-8 with a byte-order mark, without which Excel garbles every umlaut;
    every cell guarded; whole or not at all. Raises :class:`FoveaError`."""

    def fill(place: Path) -> None:
        with place.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
            writer = CsvWriter(stream)
            writer.writerow(head)
            writer.writerows(rows)

    _put(path, fill)


def _put(path: Path, content: str | Callable[[Path], object]) -> None:
    with saying(f"'{path.name}'", disk_of(path)):
        write_atomically(path, content)
