"""The report as one HTML file: no script, nothing loaded from anywhere, readable light, dark and on paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from string import Template

import matplotlib as mpl
import numpy as np
from PIL import Image

from desktop.core.figures.intervals import FEWEST, shown
from desktop.core.figures.table import in_one, written
from desktop.report import plots
from desktop.report.content import CLASS_NOTE, Mistake, Report, text_of
from desktop.system.words import direction, language, phrase, worded

_TABLE_CLASSES = 25  # classes up to which the matrix is a table; more become a drawing
_CSS = """
:root { color-scheme: light dark; --window: #f6f7f9; --surface: #fff; --border: #dfe3e9; --text: #1a1e26;
  --secondary: #5a6472; --accent: #2b6ce6; --soft: 43 108 230; --wrong: #c93c3c; --caution: #8a5a00;
  --ground: #fff6e0; }
@media (prefers-color-scheme: dark) { :root { --window: #14171c; --surface: #1c2027; --border: #2d333d;
  --text: #e9ecf1; --secondary: #9ba5b3; --accent: #6ea0ff; --soft: 110 160 255; --wrong: #ff7b72; --caution: #f2c66d;
  --ground: #33290f; } }
@media print { :root { --window: #fff; --surface: #fff; --border: #dfe3e9; --text: #1a1e26; --secondary: #5a6472;
  --accent: #2b6ce6; --soft: 43 108 230; --wrong: #c93c3c; --caution: #8a5a00; --ground: #fff6e0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--window); color: var(--text); font: 14px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
main { max-width: 1000px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; } h2 { font-size: 16px; margin: 0 0 10px; }
section { background: var(--surface); border: 1px solid var(--border); border-radius: 8px; padding: 16px;
  margin: 16px 0; overflow-x: auto; }
p { margin: 6px 0; } .quiet { color: var(--secondary); } td, th { overflow-wrap: anywhere; }
.notice { background: var(--ground); color: var(--caution); border: 1px solid currentColor; border-radius: 8px;
  padding: 8px 12px; margin: 12px 0; font-weight: 600; }
.key { display: flex; flex-wrap: wrap; gap: 16px; } .key div { flex: 1 1 180px; } .key b { display: block;
  font-size: 26px; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 4px 12px 4px 0; vertical-align: top; }
table.lines td, table.lines th { border-bottom: 1px solid var(--border); } th { font-weight: 600; }
.n td, .n th { text-align: right; white-space: nowrap; } .n td:first-child, .n th:first-child { text-align: left;
  white-space: normal; min-width: 7em; }
.m td { text-align: center; padding: 6px 8px; border: 1px solid var(--border); min-width: 3em; }
.m td.d { outline: 2px solid var(--secondary); outline-offset: -2px; } .m th { padding: 4px 8px; max-width: 11em; }
.m thead th { text-align: center; font-weight: 400; }
.g { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 12px; }
figure { margin: 0; font-size: 12px; overflow-wrap: anywhere; } figure .pic { background: #0e1013; height: 128px;
  display: flex; align-items: center; justify-content: center; border-radius: 4px; color: #9ba5b3; }
figure img { max-width: 128px; max-height: 128px; image-rendering: auto; } img.px { image-rendering: pixelated;
  width: 128px; height: 128px; object-fit: contain; }
.ok { color: var(--accent); } .no { color: var(--wrong); } svg { max-width: 100%; height: auto; }
@media print { body { font-size: 11px; } main { padding: 0; } h2, h3 { break-after: avoid; }
  section { overflow: visible; padding: 10px; margin: 10px 0; break-inside: avoid-page; }
  section.long { break-inside: auto; } tr, figure { break-inside: avoid; } }
"""
_SILENT = phrase("The model's card says nothing of its use.")
_PAGE = Template("""<!DOCTYPE html>
<html lang="$lang" dir="$dir"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title><style>$css</style></head><body><main>
$body
</main></body></html>
""")


def html_of(report: Report) -> str:
    """The whole file as text; every name in it is escaped."""
    unanswered = report.unanswered
    parts = [
        f"<header><h1>{escape(report.title)}</h1><p class='quiet'>{escape(_subtitle(report))}</p></header>",
        f"<p class='notice' role='note'>⚠ {escape(report.notice)}</p>" if report.notice else "",
        f"<p class='notice' role='note'>⚠ {escape(unanswered)}</p>" if unanswered else "",
        _section("", _key(report)),
        _section(phrase("What was measured"), _facts(report), "long"),
        _section(phrase("Does it work here?"), "".join(map(_here, report.works_here()))) if report.works_here() else "",
        _section(phrase("Figures"), _measures(report)),
        _section(phrase("Confusion matrix"), _matrix(report)),
        _section(phrase("Per class"), _classes(report), "long"),
        _curves(report),
        _section(phrase("Calibration"), _calibration(report)),
        _comparison(report),
        _section(phrase("Wrong answers, the worst first"), _gallery(report), "long"),
        _section(phrase("Images without an answer"), _skipped(report), "long") if report.result.skipped else "",
        _section(phrase("About the data"), _list(report.result.data.problems)) if report.result.data.problems else "",
        _section(phrase("About the model: intended use and limits"), _card(report), "long"),
        _section(phrase("How the figures were made"), _list(report.methods())),
    ]
    title, body = escape(report.title), "\n".join(part for part in parts if part)
    return _PAGE.substitute(lang=language().replace("_", "-"), dir=direction(), title=title, css=_CSS, body=body)


def _here(told: tuple[str, str]) -> str:
    name, sentence = told
    return f"<p>{f'<b>{escape(name)}:</b> ' if name else ''}{escape(sentence)}</p>"


def _subtitle(report: Report) -> str:
    text = "{count:,} images; {day}; made by Fovea"
    if report.result.data.split:
        text = "{count:,} images, split '{split}'; {day}; made by Fovea"
    day = report.result.created[:10]
    return phrase(text, count=len(report.result), split=report.result.data.split, day=day)


def _section(head: str, body: str, kind: str = "") -> str:
    heading = f"<h2>{escape(head)}</h2>" if head else ""
    return f"<section class='{kind}'>{heading}{body}</section>"


def _key(report: Report) -> str:
    cells = []
    for row, estimate in report.key_figures():
        figure, below = map(escape, written(row, estimate, 1 if row.percent else 3))
        if shown(estimate).low is not None:
            below = escape(phrase("95 % interval {bounds}", bounds=written(row, estimate, 1 if row.percent else 3)[1]))
        name = escape(report.title_of(row))
        cells.append(f"<div><span class='quiet'>{name}</span><b>{figure}</b>{below}</div>")
    return f"<div class='key'>{''.join(cells)}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "lines") -> str:
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f"<table class='{kind}'>{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _quiet(text: str) -> str:
    return f"<p class='quiet'>{escape(text)}</p>"


def _facts(report: Report) -> str:
    return _table((), report.facts())


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _measures(report: Report) -> str:
    rows = [(report.title_of(row), *written(row, e), e.method) for row, e in report.measures()]
    return _table((phrase("Figure"), phrase("Value"), phrase("95 % interval"), phrase("Method")), rows, "lines n")


def _matrix(report: Report) -> str:
    labels, matrix = report.result.model.labels, report.figures.matrix
    note = _quiet(phrase("Rows: truth. Columns: answer. Tint: share of the row."))
    if len(labels) > _TABLE_CLASSES:
        with mpl.rc_context(plots.style()):
            drawing = plots.svg_of(plots.matrix_figure(matrix, labels), "matrix")
        rows = [(t, a, phrase("{count:,} of {total:,}", count=n, total=of)) for t, a, n, of in report.confusions()]
        return (
            note
            + drawing
            + f"<p>{escape(phrase('Most frequent confusions:'))}</p>"
            + _table((phrase("Truth"), phrase("Answer"), phrase("Images")), rows)
        )
    sums = np.maximum(matrix.sum(axis=1), 1)
    head = "".join(f"<th scope='col'>{escape(label)}</th>" for label in labels)
    body = []
    for i, label in enumerate(labels):
        cells = []
        for j, other in enumerate(labels):
            share = matrix[i, j] / sums[i]
            few = int(matrix[i].sum()) < FEWEST
            text = "{truth} answered as {other}: of {total:,}" if few else "{truth} answered as {other}: {share:.1%}"
            title = phrase(text, truth=label, other=other, total=int(matrix[i].sum()), share=float(share))
            tint = f"background: rgb(var(--soft) / {0.75 * share:.3f})"
            mark = " class='d'" if i == j else ""
            cells.append(f"<td{mark} style='{tint}' title='{escape(title)}'>{int(matrix[i, j]):,}</td>")
        body.append(f"<tr><th scope='row'>{escape(label)}</th>{''.join(cells)}<td>{int(matrix[i].sum()):,}</td></tr>")
    foot = "".join(f"<td>{int(n):,}</td>" for n in matrix.sum(axis=0))
    total = f"<tr><th scope='row'>{escape(phrase('all'))}</th>{foot}<td>{int(matrix.sum()):,}</td></tr>"
    corner, every = escape(phrase("truth ↓ answer →")), escape(phrase("all"))
    top = f"<thead><tr><th>{corner}</th>{head}<th scope='col'>{every}</th></tr></thead>"
    return note + f"<table class='m'>{top}<tbody>{''.join(body)}{total}</tbody></table>"


def _classes(report: Report) -> str:
    return _quiet(worded(CLASS_NOTE)) + _table(report.class_heads(), report.class_rows(), "lines n")


def _curves(report: Report) -> str:
    f = report.figures
    if f.curves is None or f.point is None:
        return ""
    used = None
    if f.point.specificity.value is not None and f.point.sensitivity.value is not None:
        used = (1 - f.point.specificity.value, f.point.sensitivity.value)
    with mpl.rc_context(plots.style()):
        drawing = plots.svg_of(plots.curves_figure(f.curves, used, report.positive_label()), "curves")
    text = f"<p>{escape(report.group_words('ranking'))}</p>"
    rows = [(share, text_of(ppv, True), text_of(npv, True)) for share, ppv, npv in report.predictive()]
    told = phrase("What an answer means where the positive class is rarer or commoner, at this threshold:")
    table = f"<p>{escape(told)}</p>"
    table += _table(
        (phrase("Share of positives"), phrase("Positive predictive value"), phrase("Negative predictive value")),
        rows,
        "lines n",
    )
    return _section(phrase("Curves and threshold"), drawing + text + (table if rows else ""))


def _calibration(report: Report) -> str:
    f = report.figures
    with mpl.rc_context(plots.style()):
        drawing = plots.svg_of(plots.calibration_figure(f), "calibration")
    rows = [
        (
            phrase("{low:.2f} to {high:.2f}", low=b.low, high=b.high),
            f"{b.n:,}",
            f"{b.confidence:.3f}",
            text_of(b.accuracy, True),
        )
        for b in f.reliability
        if b.confidence is not None
    ]
    text = f"<p>{escape(report.group_words('calibration'))}</p>"
    text += _table((phrase("Top score"), phrase("Images"), phrase("Mean score"), phrase("Right")), rows, "lines n")
    text += f"<p>{escape(phrase('Accuracy where the least sure images are left to a person:'))}</p>"
    return (
        drawing
        + text
        + _table(
            (phrase("Images answered"), phrase("From a score of"), phrase("Right among them")),
            report.steps(),
            "lines n",
        )
    )


def _comparison(report: Report) -> str:
    if report.paired is None or report.other is None or report.shared is None:
        return ""
    a, b, test = report.result.model, report.other.model, report.paired.test
    rows = [(report.title_of(row), in_one(row, x), in_one(row, y)) for row, x, y in report.compared()]
    apart = phrase("Difference in accuracy: {difference}.", difference=text_of(test.difference, True))
    both = phrase("All of this is of the {count:,} images that both answered.", count=len(report.paired.a))
    head = f"<p>{escape(test.sentence(a.name, b.name))} {escape(apart)}</p><p>{escape(both)}</p>"
    return _section(
        phrase("Compared on the same images"), head + _table((phrase("Figure"), a.name, b.name), rows, "lines n")
    )


def _gallery(report: Report) -> str:
    if not report.wrong:
        return f"<p>{escape(phrase('There are none.'))}</p>"
    text = (
        "The {shown:,} worst of {wrong:,}, by the score that the truth got."
        if report.wrong > len(report.mistakes)
        else "All, by the score that the truth got."
    )
    shown = phrase(text, shown=len(report.mistakes), wrong=report.wrong)
    check = phrase("Check some labels, too.")
    text = f"<p class='quiet'>{escape(shown)} {escape(check)}</p>"
    return text + f"<div class='g'>{''.join(_mistake(m, report.pictures) for m in report.mistakes)}</div>"


def _mistake(m: Mistake, pictures: bool) -> str:
    if not pictures:
        picture = ""
    elif m.picture is None:
        picture = f"<div class='pic'>{escape(phrase('no picture'))}</div>"
    else:
        small = " class='px'" if max(m.picture.shape[:2]) <= 64 else ""
        alt = escape(phrase("picture {name}", name=m.name))
        picture = f"<div class='pic'><img{small} alt='{alt}' src='data:{_data(m.picture)}'></div>"
    return (
        f"<figure>{picture}<figcaption><span class='ok'>✓ {escape(m.truth)} {m.truth_score:.3f}</span><br>"
        f"<span class='no'>✗ {escape(m.answer)} {m.score:.3f}</span><br>"
        f"<span class='quiet'>{escape(m.name)}</span></figcaption></figure>"
    )


def _data(pixels: np.ndarray) -> str:
    held = io.BytesIO()
    small = max(pixels.shape[:2]) <= 64
    picture = Image.fromarray(pixels)
    if small:
        picture.save(held, "PNG", optimize=True)
    else:
        picture.save(held, "JPEG", quality=85)
    return f"image/{'png' if small else 'jpeg'};base64,{base64.b64encode(held.getvalue()).decode('ascii')}"


def _skipped(report: Report) -> str:
    rows = report.skipped()
    more = len(report.result.skipped) - len(rows)
    text = _quiet(phrase("and {rest:,} more", rest=more)) if more else ""
    return _table((phrase("Image"), phrase("Class"), phrase("Why")), rows) + text


def _card(report: Report) -> str:
    parts = []
    for head, texts in report.card():
        body = f"<p>{escape(texts[0])}</p>" if len(texts) == 1 else _list(texts)
        parts.append(f"<h3>{escape(head)}</h3>{body}")
    notice = f"<p><b>{escape(report.notice)}</b></p>" if report.notice else ""
    return notice + ("".join(parts) or f"<p>{escape(worded(_SILENT))}</p>")
