"""A model's description as a page to read: HTML for the dialog, built from the manifest alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from desktop.core.translate import on_card
from desktop.ui.kit.tabled import card_title, card_value, notice, translated
from desktop.ui.kit.theme import blend, theme
from desktop.ui.kit.widgets import sentence

if TYPE_CHECKING:
    from desktop.store.manifest import Manifest, Metric
    from desktop.store.store import ModelEntry

translate = QCoreApplication.translate

_LABELS_SHOWN = 60
CLASSES = "Classes"
"""The context of the classes of the models that come with Fovea (tools/texts.py collects them)."""


def card_html(entry: ModelEntry) -> str:
    """The whole card of ``entry`` as HTML in the colours now in use. Everything from the manifest is escaped."""
    parts = [_problem(entry)]
    manifest = entry.manifest
    if manifest is not None:
        if manifest.card.notice or manifest.medical:
            said = dict.fromkeys((notice("medical") if manifest.medical else "", on_card(manifest.card.notice)))
            text = " ".join(words for words in said if words)  # the card's own words once, where they are the same
            parts.append(_box("▲ " + translate("ModelCardDialog", "Notice"), text, "caution"))
        parts += [*_use(manifest), _figures(manifest), _labels(manifest, entry.bundled), _input(manifest)]
        parts += [_origin(manifest), _technical(entry, manifest)]
    else:
        parts.append(_bare_facts(entry))
    return f"<html><head><style>{_css()}</style></head><body>{''.join(parts)}</body></html>"


def _css() -> str:
    t = theme().tokens
    size = theme().font("text").pixelSize()
    small = theme().font("secondary").pixelSize()
    return f"""
body {{ color: {t.text}; font-size: {size}px; line-height: 130%; }}
p.head {{ font-size: {size + 2}px; font-weight: 600; margin-top: 16px; margin-bottom: 4px; }}
p {{ margin-top: 0; margin-bottom: 6px; }}
p.lead {{ font-size: {size + 1}px; margin-top: 12px; }}
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
        f'<td style="color:{ink}; padding:10px"><b>{escape(title)}</b><br>{escape(text)}</td></tr></table>'
    )


def _problem(entry: ModelEntry) -> str:
    if entry.state == "damaged":
        remedy = (
            translate("ModelCardDialog", "Install Fovea again to restore it.")
            if entry.bundled
            else translate("ModelCardDialog", "Import it or train it again.")
        )
        text = translate("ModelCardDialog", "This model cannot answer: {problem}.").format(
            problem=entry.problem or translate("ModelCardDialog", "it cannot be read")
        )
        return _box("✗ " + translate("ModelCardDialog", "Damaged"), f"{text} {remedy}", "wrong")
    if entry.state == "weights-not-installed":
        text = translate(
            "ModelCardDialog",
            "Its description is here, its weights are not: it answers once they are installed under Models. "
            "Until then choose another model.",
        )
        return _box("▲ " + translate("ModelCardDialog", "Weights not installed"), text, "caution")
    return ""


def _head(title: str) -> str:
    # A paragraph, not <h2>: Qt makes its own headings far larger, whatever the style says.
    return f'<p class="head">{escape(title)}</p>'


def _bullets(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"{_head(title)}<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _paragraph(title: str, text: str) -> str:
    return f"{_head(title)}<p>{escape(text)}</p>" if text else ""


def _use(manifest: Manifest) -> list[str]:
    card = manifest.card
    return [
        f'<p class="lead">{escape(on_card(card.summary))}</p>',
        _paragraph(translate("ModelCardDialog", "Intended use"), on_card(card.intended_use)),
        _bullets(translate("ModelCardDialog", "Must not be used for"), [on_card(text) for text in card.must_not]),
        _bullets(translate("ModelCardDialog", "Limits"), [on_card(text) for text in card.limits]),
        _bullets(translate("ModelCardDialog", "Known failures"), [on_card(text) for text in card.known_failures]),
        _paragraph(translate("ModelCardDialog", "Population"), on_card(card.population)),
    ]


def _figures(manifest: Manifest) -> str:
    title = _head(translate("ModelCardDialog", "Figures"))
    if not manifest.metrics:
        return (
            title
            + f'<p class="quiet">{escape(translate("ModelCardDialog", "Not measured."))}</p>'
            + _calibration(manifest)
        )
    heads = (
        translate("ModelCardDialog", "Figure"),
        translate("ModelCardDialog", "Value"),
        translate("ModelCardDialog", "95 % interval"),
        translate("ModelCardDialog", "Images"),
        translate("ModelCardDialog", "Measured on"),
    )
    rows = "".join(_figure_row(metric) for metric in manifest.metrics)
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return title + f'<table cellspacing="0"><tr>{head}</tr>{rows}</table>' + _calibration(manifest)


def _figure_row(metric: Metric) -> str:
    seen, interval = metric.shown(), "–"
    if seen.low is not None and seen.high is not None:
        interval = f"{card_value(metric.name, seen.low)} – {card_value(metric.name, seen.high)}"
    cells = (
        escape(card_title(metric.name)),
        f"<b>{card_value(metric.name, seen.value)}</b>" if seen.value is not None else escape(seen.reason),
        interval,
        QLocale().toString(metric.n),
        escape(f"{metric.data}, {metric.split}"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _calibration(manifest: Manifest) -> str:
    c = manifest.calibration
    if c is None:
        text = translate(
            "ModelCardDialog",
            "The numbers beside the bars are model scores: they have not been calibrated to be probabilities.",
        )
    else:
        text = translate(
            "ModelCardDialog",
            "The numbers beside the bars are calibrated on {n} images of the {split} split (temperature {t}): the "
            "expected calibration error went from {before} to {after}.",
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
        sure = not 0.001 <= decision.value <= 0.999  # three places would make 0 or 1 of it
        value = QLocale().toString(decision.value, "g" if sure else "f", 6 if sure else 3)
        rule = translate("ModelCardDialog", "'{label}' is answered where its score is at least {value}.").format(
            label=manifest.labels[decision.positive], value=value
        )
        lines.append(f"{rule} {sentence(decision.reason)}".strip())
    return _head(translate("ModelCardDialog", "Scores and decision")) + "".join(
        f"<p>{escape(line)}</p>" for line in lines
    )


def _labels(manifest: Manifest, explain: bool) -> str:
    labels = manifest.labels
    shown = " · ".join(_explained(label) if explain else label for label in labels[:_LABELS_SHOWN])
    if len(labels) > _LABELS_SHOWN:
        shown += " · " + translate("ModelCardDialog", "and {count} more").format(
            count=QLocale().toString(len(labels) - _LABELS_SHOWN)
        )
    title = translate("ModelCardDialog", "Classes ({count})").format(count=QLocale().toString(len(labels)))
    return _paragraph(title, shown)


def _explained(label: str) -> str:
    """A class, which is the same in every language, and what it means, where the model came with Fovea."""
    told = translated(CLASSES, label)
    return label if told.casefold() == label.casefold() else f"{label} ({told})"


def _input(manifest: Manifest) -> str:
    spec = manifest.preprocess
    fits = {
        "stretch": translate("ModelCardDialog", "stretched to that size, whatever its shape"),
        "center_crop": translate("ModelCardDialog", "scaled, and the middle cut out"),
        "letterbox": translate("ModelCardDialog", "scaled whole, the rest padded"),
        "mnist": translate("ModelCardDialog", "ink found, cropped, scaled into 20×20 and centred by mass"),
    }
    colour = (
        translate("ModelCardDialog", "grey") if spec.colour == "grey" else translate("ModelCardDialog", "colour (RGB)")
    )
    text = translate(
        "ModelCardDialog", "{width} × {height} pixels, {colour}; the picture is {fit} ({interpolation})."
    ).format(width=spec.width, height=spec.height, colour=colour, fit=fits[spec.fit], interpolation=spec.interpolation)
    return _paragraph(translate("ModelCardDialog", "Input"), text)


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
        (translate("ModelCardDialog", "Data"), escape(p.data)),
        (translate("ModelCardDialog", "Licence of the data"), escape(p.data_licence)),
        (translate("ModelCardDialog", "Continues"), escape(p.parent or "")),
        (translate("ModelCardDialog", "Seed"), "" if p.seed is None else str(p.seed)),
        (translate("ModelCardDialog", "Made on"), escape(p.device)),
        (translate("ModelCardDialog", "Made with"), escape(versions)),
        (translate("ModelCardDialog", "Date"), escape(day)),
    ]
    thanks = _bullets(translate("ModelCardDialog", "Credits"), [on_card(text) for text in manifest.card.credits])
    return _head(translate("ModelCardDialog", "Training")) + _table(rows) + thanks


def _home(entry: ModelEntry) -> tuple[str, str]:
    place = translate("ModelCardDialog", "Fovea itself")
    if not entry.bundled:
        place = translate("ModelCardDialog", "your own models")
    return translate("ModelCardDialog", "Comes from"), escape(place)


def _bare_facts(entry: ModelEntry) -> str:
    """What is known of a model whose description cannot be read."""
    rows = [
        (translate("ModelCardDialog", "Id"), f'<span class="code">{escape(entry.id)}</span>'),
        _home(entry),
        (translate("ModelCardDialog", "Folder"), f'<span class="code">{escape(str(entry.folder))}</span>'),
    ]
    return "<p></p>" + _table(rows)


def _technical(entry: ModelEntry, manifest: Manifest) -> str:
    card = manifest.card
    weights = manifest.files.get("model.tflite")
    size = sum(file.size for file in manifest.files.values())
    parity = ""
    if manifest.parity is not None:
        parity = translate("ModelCardDialog", "{difference} at most in any score, over {n} images").format(
            difference=f"{manifest.parity.largest_difference:.1e}", n=QLocale().toString(manifest.parity.n)
        )
    rows = [
        (translate("ModelCardDialog", "Id"), f'<span class="code">{escape(manifest.id)}</span>'),
        (translate("ModelCardDialog", "Version"), str(manifest.version)),
        (translate("ModelCardDialog", "Architecture"), escape(card.architecture)),
        (
            translate("ModelCardDialog", "Parameters"),
            "" if card.parameters is None else QLocale().toString(card.parameters),
        ),
        (translate("ModelCardDialog", "Size on disk"), QLocale().formattedDataSize(size) if size else ""),
        (translate("ModelCardDialog", "Difference after export"), escape(parity)),
        (
            translate("ModelCardDialog", "SHA-256 of the weights"),
            f'<span class="code">{weights.sha256}</span>' if weights else "",
        ),
        _home(entry),
    ]
    return _head(translate("ModelCardDialog", "Technical")) + _table(rows)
