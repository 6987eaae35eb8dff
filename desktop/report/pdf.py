"""The report as a PDF of A4 pages, drawn with matplotlib: nothing else is needed to write it."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from desktop.core.figures.intervals import shown
from desktop.core.figures.table import in_one, written
from desktop.core.types import FoveaError
from desktop.report import plots
from desktop.report.content import CLASS_NOTE, Mistake, Report, text_of
from desktop.report.plots import ACCENT, BORDER, SECONDARY, TEXT, WRONG
from desktop.system.words import english, phrase, worded

_WIDTH, _HEIGHT = 8.27, 11.69  # A4 in inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.7, 7.57, 11.0, 0.75
_COLUMNS = 4


class _Pages:
    """A cursor that runs down one page after the other; lengths in inches from the page's lower left corner."""

    def __init__(self, pdf: PdfPages, title: str, notice: str, cancelled: Callable[[], bool]) -> None:
        self._pdf = pdf
        self._title = title
        self._notice = notice
        self._cancelled = cancelled
        self._count = 0
        self.figure: Figure | None = None
        self.y = 0.0

    def page(self) -> Figure:
        """Begin a page. Raises ``stopped`` where that was asked for."""
        if self._cancelled():
            raise FoveaError("stopped", "the report was not written: it was cancelled")
        self.close()
        self._count += 1
        self.figure = Figure(figsize=(_WIDTH, _HEIGHT))
        self.y = _TOP
        foot = f"{_cut(self._title, 80)}  ·  page {self._count}"
        self._put(_LEFT, 0.4, foot, 7.5, SECONDARY)
        if self._notice:
            self._put(_LEFT, 0.55, self._notice, 7.5, WRONG)
        return self.figure

    def close(self) -> None:
        """Write the page that is open."""
        if self.figure is not None:
            self._pdf.savefig(self.figure)
            self.figure = None

    def need(self, height: float) -> None:
        """Begin a page unless ``height`` inches are left on this one."""
        if self.figure is None or self.y - height < _BOTTOM:
            self.page()

    def _put(self, x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> None:
        assert self.figure is not None
        self.figure.text(x / _WIDTH, y / _HEIGHT, _clean(text), fontsize=size, color=colour, weight=weight, va="top")

    def heading(self, text: str, size: float = 12, keep: float = 1.2) -> None:
        """A heading that stays with the next ``keep`` inches."""
        self.need(keep)
        if self.y < _TOP:
            self.y -= 0.18
        for line in textwrap.wrap(text, int(900 / size)) or [""]:
            self._put(_LEFT, self.y, line, size, TEXT, "bold")
            self.y -= size / 72 * 1.35
        self.y -= 0.06

    def text(self, text: str, size: float = 9, colour: str = TEXT, x: float = _LEFT, width: int = 0) -> None:
        """A paragraph."""
        for line in textwrap.wrap(text, width or int(940 / size), break_on_hyphens=False) or [""]:
            self.need(0.2)
            self._put(x, self.y, line, size, colour)
            self.y -= size / 72 * 1.4
        self.y -= 0.03

    def row(self, cells: Sequence[str], places: Sequence[float], size: float = 8, weight: str = "normal") -> None:
        """A line of a table; each cell is wrapped into the room up to the next place."""
        ends = [*places[1:], _RIGHT]
        rooms = [int((end - place) * 128 / size) for place, end in zip(places, ends, strict=True)]
        wrapped = [
            textwrap.wrap(cell, max(6, room), break_on_hyphens=False)[:6] or [""]
            for cell, room in zip(cells, rooms, strict=True)
        ]
        height = size / 72 * 1.38 * max(map(len, wrapped)) + 0.015
        self.need(height)
        for lines, place in zip(wrapped, places, strict=True):
            for number, line in enumerate(lines):
                self._put(place, self.y - number * size / 72 * 1.4, line, size, TEXT, weight)
        self.y -= height
        self._rule()

    def _rule(self) -> None:
        assert self.figure is not None
        y = (self.y + 0.02) / _HEIGHT
        line = mpl.lines.Line2D([_LEFT / _WIDTH, _RIGHT / _WIDTH], [y, y], color=BORDER, linewidth=0.5)
        self.figure.add_artist(line)
        self.y -= 0.015

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], places: Sequence[float]) -> None:
        """A table that may run over several pages, its head repeated."""
        if head:
            self.need(0.9)
            self.row(head, places, weight="bold")
        page = self._count
        for row in rows:
            self.need(0.35)
            if self._count != page and head:
                self.row(head, places, weight="bold")
                page = self._count
            self.row(row, places)

    def drawing(self, figure: Figure) -> None:
        """A whole figure as a picture of its own within the page, drawn sharp."""
        import io

        from matplotlib.image import imread

        width, height = figure.get_size_inches()
        self.need(height + 0.1)
        assert self.figure is not None
        held = io.BytesIO()
        figure.savefig(held, format="png", dpi=220)
        held.seek(0)
        box = (_LEFT / _WIDTH, (self.y - height) / _HEIGHT, width / _WIDTH, height / _HEIGHT)
        axes = self.figure.add_axes(box)
        axes.imshow(imread(held), interpolation="antialiased", aspect="auto")
        axes.axis("off")
        self.y -= height + 0.1


_BOXES = phrase(
    "Some characters are drawn as boxes: no font of this computer has them. Install one, for instance 'Noto Sans CJK' "
    "(fonts-noto-cjk), or write the report as HTML, which any browser shows."
)


def write_pdf(report: Report, path: Path, cancelled: Callable[[], bool]) -> None:
    """Write the report to ``path``; pages are A4, upright. Raises OSError, and ``stopped`` once it is ``cancelled``."""
    with (
        warnings.catch_warnings(),
        mpl.rc_context(plots.style()),
        PdfPages(path, metadata=_metadata(report)) as pdf,
    ):
        # A character that no installed font has is drawn as a box; a line on stderr for each helps nobody.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        pages = _Pages(pdf, report.title, report.notice, cancelled)
        _first(pages, report)
        _matrix(pages, report)
        _classes(pages, report)
        _drawings(pages, report)
        _gallery(pages, report)
        _rest(pages, report)
        pages.close()


def _metadata(report: Report) -> dict[str, str]:
    return {"Title": _clean(report.title), "Creator": "Fovea", "Subject": report.notice}


def _first(pages: _Pages, report: Report) -> None:
    pages.heading(report.title, 15)
    if report.notice:
        pages.text(report.notice, 10, WRONG)
    boxes = plots.missing("".join((report.title, report.notice, *(text for row in report.facts() for text in row))))
    if boxes:  # in English: the fonts that are there have its letters
        pages.text(english(_BOXES), 9, WRONG)
    if report.unanswered:
        pages.text(report.unanswered, 10, WRONG)
    pages.y -= 0.1
    top = pages.y
    for number, (row, estimate) in enumerate(report.key_figures()):
        pages.y = top
        x = _LEFT + number * 2.3
        figure, bounds = written(row, estimate, 1 if row.percent else 3)
        pages.text(report.title_of(row), 9, SECONDARY, x, 34)
        pages.text(figure, 20, TEXT, x, 34)
        pages.text(
            phrase("95 %: {bounds}", bounds=bounds) if shown(estimate).low is not None else bounds, 8, TEXT, x, 36
        )
    pages.y = top - 0.8
    if report.works_here():
        pages.heading(phrase("Does it work here?"))
        for name, sentence in report.works_here():
            pages.text(f"{name}: {sentence}" if name else sentence)
    pages.heading(phrase("What was measured"))
    pages.table((), report.facts(), (_LEFT, 2.4))
    pages.heading(phrase("Figures"), keep=2)
    rows = [(report.title_of(row), *written(row, e), e.method) for row, e in report.measures()]
    pages.table(
        (phrase("Figure"), phrase("Value"), phrase("95 % interval"), phrase("Method")), rows, (_LEFT, 3.4, 4.3, 6.6)
    )


def _matrix(pages: _Pages, report: Report) -> None:
    labels = report.result.model.labels
    width = 4.2 if len(labels) <= 3 else 6.8
    pages.heading(phrase("Confusion matrix"), keep=width + 0.4)
    pages.text(phrase("Rows: truth. Columns: answer. Tint: share of the row."), 8, SECONDARY)
    pages.drawing(plots.matrix_figure(report.figures.matrix, labels, width))
    confusions = report.confusions(12 if len(labels) > 2 else 0)
    if confusions:
        pages.heading(phrase("Most frequent confusions"))
        rows = [(t, a, phrase("{count:,} of {total:,}", count=n, total=of)) for t, a, n, of in confusions]
        pages.table((phrase("Truth"), phrase("Answer"), phrase("Images")), rows, (_LEFT, 3.2, 5.8))


def _classes(pages: _Pages, report: Report) -> None:
    pages.heading(phrase("Per class"), keep=1.5)
    pages.text(worded(CLASS_NOTE), 8, SECONDARY)
    heads = report.class_heads()
    room = (_RIGHT - 2.9) / (len(heads) - 3)
    places = (_LEFT, 1.8, 2.3, *(2.9 + room * number for number in range(len(heads) - 3)))
    pages.table(heads, report.class_rows(), places)


def _drawings(pages: _Pages, report: Report) -> None:
    f, model = report.figures, report.result.model
    if f.curves is not None and f.point is not None:
        used = None
        if f.point.specificity.value is not None and f.point.sensitivity.value is not None:
            used = (1 - f.point.specificity.value, f.point.sensitivity.value)
        pages.heading(phrase("Curves and threshold"), keep=4)
        pages.drawing(plots.curves_figure(f.curves, used, report.positive_label(), 6.8))
        pages.text(report.group_words("ranking"))
        rows = [(share, text_of(ppv, True), text_of(npv, True)) for share, ppv, npv in report.predictive()]
        pages.need(1.7)
        pages.text(phrase("What an answer means where the positive class is rarer or commoner, at this threshold:"))
        head = (
            phrase("Share of positives"),
            phrase("Positive predictive value (%)"),
            phrase("Negative predictive value (%)"),
        )
        pages.table(head, rows, (_LEFT, 2.4, 5.0))
    pages.heading(phrase("Calibration"), keep=4)
    pages.drawing(plots.calibration_figure(f, 6.8))
    pages.text(report.group_words("calibration"))
    pages.need(1.8)
    pages.text(phrase("Accuracy where the least sure images are left to a person:"))
    pages.table(
        (phrase("Images answered"), phrase("From a score of"), phrase("Right among them")),
        report.steps(),
        (_LEFT, 2.4, 4.0),
    )
    if report.paired is not None and report.other is not None and report.shared is not None:
        pages.heading(phrase("Compared on the same images"))
        pages.text(report.paired.test.sentence(model.name, report.other.model.name))
        pages.text(phrase("All of this is of the {count:,} images that both answered.", count=len(report.paired.a)))
        rows = [(report.title_of(row), in_one(row, x), in_one(row, y)) for row, x, y in report.compared()]
        pages.table((phrase("Figure"), model.name, report.other.model.name), rows, (_LEFT, 3.2, 5.4))


def _gallery(pages: _Pages, report: Report) -> None:
    pages.heading(phrase("Wrong answers, the worst first"), keep=2.5)
    if not report.wrong:
        pages.text(phrase("There are none."))
        return
    text = (
        "The {shown:,} worst of {wrong:,}, by the score that the truth got."
        if report.wrong > len(report.mistakes)
        else "All, by the score that the truth got."
    )
    shown = phrase(text, shown=len(report.mistakes), wrong=report.wrong)
    pages.text(shown, 8, SECONDARY)
    side, height = 1.55, 2.25 if report.pictures else 0.65
    for start in range(0, len(report.mistakes), _COLUMNS):
        pages.need(height)
        top = pages.y
        for column, mistake in enumerate(report.mistakes[start : start + _COLUMNS]):
            _mistake(pages, mistake, _LEFT + column * 1.75, top, side if report.pictures else 0.0)
        pages.y = top - height


def _mistake(pages: _Pages, m: Mistake, x: float, top: float, side: float) -> None:
    assert pages.figure is not None
    if side:
        axes = pages.figure.add_axes((x / _WIDTH, (top - side) / _HEIGHT, side / _WIDTH, side / _HEIGHT))
        axes.set_facecolor("#0e1013")
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if m.picture is not None:
            tall, wide = m.picture.shape[:2]
            most = max(tall, wide)
            axes.imshow(m.picture, extent=(-wide / most, wide / most, -tall / most, tall / most))
        axes.set(xlim=(-1, 1), ylim=(-1, 1))
    y = top - side - (0.05 if side else 0)
    for text, colour in (
        (phrase("truth {label} {score:.3f}", label=_cut(m.truth, 18), score=m.truth_score), ACCENT),
        (phrase("answer {label} {score:.3f}", label=_cut(m.answer, 17), score=m.score), WRONG),
        (_cut(m.name, 27), SECONDARY),
    ):
        pages._put(x, y, text, 7, colour)
        y -= 0.135


def _rest(pages: _Pages, report: Report) -> None:
    if report.result.skipped:
        pages.heading(phrase("Images without an answer"))
        pages.table((phrase("Image"), phrase("Class"), phrase("Why")), report.skipped(), (_LEFT, 3.2, 4.4))
        more = len(report.result.skipped) - len(report.skipped())
        if more:
            pages.text(phrase("and {rest:,} more", rest=more), 8, SECONDARY)
    if report.result.data.problems:
        pages.heading(phrase("About the data"))
        for line in report.result.data.problems:
            pages.text(f"– {line}")
    pages.heading(phrase("About the model: intended use and limits"))
    if report.notice:
        pages.text(report.notice, 9, WRONG)
    for head, texts in report.card():
        pages.heading(head, 9, keep=0.5)
        for text in texts:
            pages.text(text if len(texts) == 1 else f"– {text}")
    pages.heading(phrase("How the figures were made"))
    for line in report.methods():
        pages.text(f"– {line}")


def _cut(text: str, most: int) -> str:
    """``text`` shortened in its middle: the end of a file name tells more than its middle."""
    return text if len(text) <= most else f"{text[: most // 3]}…{text[-(most - most // 3 - 1) :]}"


def _clean(text: str) -> str:
    """Text that a font can be asked for: no control characters, no lone surrogates (names that are no text)."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in whole)
