"""A model's description as a page to read: HTML for the dialog, built from the manifest alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from desktop.ui.theme import blend, theme

if TYPE_CHECKING:
    from desktop.store.manifest import Manifest, Metric
    from desktop.store.store import ModelEntry

_LABELS_SHOWN = 60
_SHARES = ("accuracy", "sensitivity", "specificity", "precision", "recall", "f1", "top-5", "top5", "error")


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelCardDialog", text)


def card_html(entry: ModelEntry) -> str:
    """The whole card of ``entry`` as HTML in the colours now in use. Everything from the manifest is escaped."""
    parts = [_problem(entry)]
    manifest = entry.manifest
    if manifest is not None:
        if manifest.card.notice or manifest.medical:
            notice = manifest.card.notice or _tr("Research only – not a medical device.")
            parts.append(_box("▲ " + _tr("Notice"), notice, "caution"))
        parts += [*_use(manifest), _figures(manifest), _labels(manifest), _input(manifest)]
        parts += [_origin(manifest), _technical(entry, manifest)]
    return f"<html><head><style>{_css()}</style></head><body>{''.join(parts)}</body></html>"


def _css() -> str:
    t = theme().tokens
    size = theme().font("text").pixelSize()
    small = theme().font("secondary").pixelSize()
    return f"""
body {{ color: {t.text}; font-size: {size}px; line-height: 140%; }}
h2 {{ font-size: {size + 2}px; font-weight: 600; margin-top: 18px; margin-bottom: 4px; }}
p {{ margin-top: 0; margin-bottom: 6px; }}
p.lead {{ font-size: {size + 1}px; }}
ul {{ margin-top: 0; margin-bottom: 6px; -qt-list-indent: 0; margin-left: 18px; }}
li {{ margin-bottom: 3px; }}
th {{ color: {t.secondary}; font-size: {small}px; font-weight: 400; text-align: left; }}
td, th {{ padding: 3px 18px 3px 0; }}
td.key {{ color: {t.secondary}; }}
.quiet {{ color: {t.secondary}; }}
.code {{ font-family: monospace; font-size: {small}px; }}
"""


def _box(title: str, text: str, tone: str) -> str:
    """A paragraph on a ground of its own (Qt's rich text has no borders on paragraphs, only on tables)."""
    t = theme().tokens
    ink = t.caution if tone == "caution" else t.wrong
    ground = t.caution_ground if tone == "caution" else blend(t.surface, t.wrong, 0.1)
    return (
        f'<table width="100%" cellspacing="0" cellpadding="10" bgcolor="{ground}"><tr>'
        f'<td style="color:{ink}; padding:10px"><b>{escape(title)}</b><br>{escape(text)}</td></tr></table><p></p>'
    )


def _problem(entry: ModelEntry) -> str:
    if entry.state == "damaged":
        remedy = _tr("Install Fovea again to restore it.") if entry.bundled else _tr("Import it or train it again.")
        text = _tr("This model cannot answer: {problem}.").format(problem=entry.problem or _tr("it cannot be read"))
        return _box("✗ " + _tr("Damaged"), f"{text} {remedy}", "wrong")
    if entry.state == "weights-not-installed":
        text = _tr(
            "Its description is here, its weights are not: it answers once they are installed under Models. "
            "Until then choose another model."
        )
        return _box("▲ " + _tr("Weights not installed"), text, "caution")
    return ""


def _bullets(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h2>{escape(title)}</h2><ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _paragraph(title: str, text: str) -> str:
    return f"<h2>{escape(title)}</h2><p>{escape(text)}</p>" if text else ""


def _use(manifest: Manifest) -> list[str]:
    card = manifest.card
    return [
        f'<p class="lead">{escape(card.summary)}</p>',
        _paragraph(_tr("Intended use"), card.intended_use),
        _bullets(_tr("Must not be used for"), card.must_not),
        _bullets(_tr("Limits"), card.limits),
        _bullets(_tr("Known failures"), card.known_failures),
        _paragraph(_tr("Population"), card.population),
    ]


def _number(value: float, metric: str) -> str:
    """A figure in the user's way of writing: shares of one as per cent, others with three decimals."""
    if any(word in metric.lower() for word in _SHARES) and 0 <= value <= 1:
        return QLocale().toString(value * 100, "f", 1) + " %"
    return QLocale().toString(value, "f", 3)


def _figures(manifest: Manifest) -> str:
    title = f"<h2>{escape(_tr('Figures'))}</h2>"
    if not manifest.metrics:
        return title + f'<p class="quiet">{escape(_tr("Not measured."))}</p>' + _calibration(manifest)
    heads = (_tr("Figure"), _tr("Value"), _tr("95 % interval"), _tr("Images"), _tr("Measured on"))
    rows = "".join(_figure_row(metric) for metric in manifest.metrics)
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return title + f'<table cellspacing="0"><tr>{head}</tr>{rows}</table>' + _calibration(manifest)


def _figure_row(metric: Metric) -> str:
    interval = "–"
    if metric.low is not None and metric.high is not None:
        interval = f"{_number(metric.low, metric.name)} – {_number(metric.high, metric.name)}"
    cells = (
        escape(metric.name),
        f"<b>{_number(metric.value, metric.name)}</b>",
        interval,
        QLocale().toString(metric.n),
        escape(f"{metric.data}, {metric.split}"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _calibration(manifest: Manifest) -> str:
    c = manifest.calibration
    if c is None:
        text = _tr("The numbers beside the bars are model scores: they have not been calibrated to be probabilities.")
    else:
        text = _tr(
            "The numbers beside the bars are calibrated on {n} images of the {split} split (temperature {t}): the "
            "expected calibration error went from {before} to {after}."
        ).format(
            n=QLocale().toString(c.n),
            split=c.split,
            t=QLocale().toString(c.temperature, "f", 2),
            before=QLocale().toString(c.ece_before, "f", 3),
            after=QLocale().toString(c.ece_after, "f", 3),
        )
    decision = manifest.decision
    lines = [text]
    if decision.rule == "threshold" and decision.positive is not None and decision.value is not None:
        rule = _tr("'{label}' is answered where its score is at least {value}.").format(
            label=manifest.labels[decision.positive], value=QLocale().toString(decision.value, "f", 3)
        )
        lines.append(f"{rule} {decision.reason}".strip())
    heading = escape(_tr("Scores and decision"))
    return f"<h2>{heading}</h2>" + "".join(f"<p>{escape(line)}</p>" for line in lines)


def _labels(manifest: Manifest) -> str:
    labels = manifest.labels
    shown = " · ".join(labels[:_LABELS_SHOWN])
    if len(labels) > _LABELS_SHOWN:
        shown += " · " + _tr("and {count} more").format(count=QLocale().toString(len(labels) - _LABELS_SHOWN))
    title = _tr("Classes ({count})").format(count=QLocale().toString(len(labels)))
    return _paragraph(title, shown)


def _input(manifest: Manifest) -> str:
    spec = manifest.preprocess
    fits = {
        "stretch": _tr("stretched to that size, whatever its shape"),
        "center_crop": _tr("scaled, and the middle cut out"),
        "letterbox": _tr("scaled whole, the rest padded"),
        "mnist": _tr("ink found, cropped, scaled into 20×20 and centred by mass"),
    }
    colour = _tr("grey") if spec.colour == "grey" else _tr("colour (RGB)")
    text = _tr("{width} × {height} pixels, {colour}; the picture is {fit} ({interpolation}).").format(
        width=spec.width, height=spec.height, colour=colour, fit=fits[spec.fit], interpolation=spec.interpolation
    )
    return _paragraph(_tr("Input"), text)


def _table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values; values are HTML already, names are not."""
    body = "".join(f'<tr><td class="key">{escape(key)}</td><td>{value}</td></tr>' for key, value in rows if value)
    return f'<table cellspacing="0">{body}</table>'


def _origin(manifest: Manifest) -> str:
    p = manifest.provenance
    created = QDateTime.fromString(p.created, "yyyy-MM-ddTHH:mm:ss") if len(p.created) == 19 else QDateTime()
    day = QLocale().toString(created.date(), QLocale.FormatType.LongFormat) if created.isValid() else p.created
    versions = ", ".join(f"{name} {version}" for name, version in sorted(p.versions.items()))
    rows = [
        (_tr("Data"), escape(p.data)),
        (_tr("Licence of the data"), escape(p.data_licence)),
        (_tr("Continues"), escape(p.parent or "")),
        (_tr("Seed"), "" if p.seed is None else str(p.seed)),
        (_tr("Made on"), escape(p.device)),
        (_tr("Made with"), escape(versions)),
        (_tr("Date"), escape(day)),
    ]
    credits = "".join(f"<li>{escape(line)}</li>" for line in manifest.card.credits)
    thanks = f"<p></p><ul>{credits}</ul>" if credits else ""
    return f"<h2>{escape(_tr('Training'))}</h2>" + _table(rows) + thanks


def _technical(entry: ModelEntry, manifest: Manifest) -> str:
    card = manifest.card
    weights = manifest.files.get("model.tflite")
    size = sum(file.size for file in manifest.files.values())
    parity = ""
    if manifest.parity is not None:
        parity = _tr("{difference} at most in any score, over {n} images").format(
            difference=f"{manifest.parity.largest_difference:.1e}", n=QLocale().toString(manifest.parity.n)
        )
    rows = [
        (_tr("Id"), f'<span class="code">{escape(manifest.id)}</span>'),
        (_tr("Version"), str(manifest.version)),
        (_tr("Architecture"), escape(card.architecture)),
        (_tr("Parameters"), "" if card.parameters is None else QLocale().toString(card.parameters)),
        (_tr("Size on disk"), QLocale().formattedDataSize(size) if size else ""),
        (_tr("Difference after export"), escape(parity)),
        (_tr("SHA-256 of the weights"), f'<span class="code">{weights.sha256}</span>' if weights else ""),
        (_tr("Comes from"), escape(_tr("Fovea itself") if entry.bundled else _tr("your own models"))),
    ]
    return f"<h2>{escape(_tr('Technical'))}</h2>" + _table(rows)
