"""Words that stand in tables below the window (notices, figures, formats, recipes), translated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale

from desktop.core import notices
from desktop.core.trust import reasons

if TYPE_CHECKING:
    from desktop.core.figures.table import Measure
    from desktop.core.notices import NoticeKind


def translated(context: str, text: str) -> str:
    """``text``, which a table below marks with :func:`desktop.core.translate.QT_TRANSLATE_NOOP` for ``context``."""
    return QCoreApplication.translate(context, text) if text else ""


def notice(kind: NoticeKind) -> str:
    """A notice of the table, all of it."""
    words = notices.NOTICES[kind]
    return " ".join(part for part in (brief_notice(kind), translated(notices.CONTEXT, words.rest)) if part)


def brief_notice(kind: NoticeKind) -> str:
    """Its first sentence."""
    return translated(notices.CONTEXT, notices.NOTICES[kind].brief)


def reason(code: str) -> str:
    """Why a picture is not of a model's kind: the sentence for a code of its table."""
    return translated(reasons.CONTEXT, reasons.REASONS[code])


def score_notice() -> str:
    """What a medical model's output is, and is not."""
    return translated(notices.CONTEXT, notices.NOTICES["medical"].rest)


def title_of(row: Measure, label: str = "") -> str:
    """What a figure is called; ``label`` is the positive class, where there is one."""
    from desktop.core.figures.table import CONTEXT

    if label or "{label}" not in row.title:
        return translated(CONTEXT, row.title).format(label=label)
    return translated(CONTEXT, row.brief)


def brief_title(row: Measure) -> str:
    """The same where room is short."""
    from desktop.core.figures.table import CONTEXT

    return translated(CONTEXT, row.brief)


def head_of(row: Measure) -> str:
    """The same over a column whose cells leave the unit out."""
    return f"{brief_title(row)} %" if row.percent else brief_title(row)


def card_title(name: str) -> str:
    """What the figure is called that a model's card keeps under ``name``; the name itself where nobody knows it."""
    from desktop.core.figures.table import of_card

    row = of_card(name)
    return title_of(row) if row is not None else name[:1].upper() + name[1:]


def card_value(name: str, value: float) -> str:
    """Its value: percent where the figure is a share, else three decimals."""
    from desktop.core.figures.table import of_card

    row = of_card(name)
    if row is not None and row.percent:
        return QLocale().toString(value * 100, "f", 1) + " %"
    return QLocale().toString(value, "f", 3)
