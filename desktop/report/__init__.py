"""Reports that can be handed on: one self-contained HTML file, or a PDF. No Qt; matplotlib is imported only here.

Below the command line, the window and the services, above core: it takes finished results and writes files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desktop.core.types import FoveaError
from desktop.report.content import Report
from desktop.system.files import disk_of, saying, write_atomically
from desktop.system.words import phrase

SUFFIXES = (".html", ".htm", ".pdf")


def write_report(report: Report, path: Path, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write ``report`` to ``path``, whose suffix (``.html``, ``.htm``, ``.pdf``) says the format; atomically.

    ``cancelled`` is asked at every page of a PDF. Raises :class:`FoveaError`: ``bad-suffix``, ``disk-full``,
    ``not-writable``, ``not-saved``; ``stopped`` where it was cancelled, and ``path`` is as it was.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FoveaError("bad-suffix", phrase("'{name}' names no report format", name=path.name), "Use .html or .pdf.")
    with saying("the report", disk_of(path)):
        if suffix == ".pdf":
            from desktop.report.pdf import write_pdf

            write_atomically(path, lambda place: write_pdf(report, place, cancelled))
        else:
            from desktop.report.html import html_of

            write_atomically(path, html_of(report))
