"""Reports that can be handed on: one self-contained HTML file, or a PDF. No Qt; matplotlib is imported only here.

Below the command line, the window and the services, above core: it takes finished results and writes files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desktop.core.figures.result_files import write_atomically
from desktop.core.figures.store import not_written
from desktop.core.types import FoveaError
from desktop.report.content import Report

SUFFIXES = (".html", ".htm", ".pdf")


def write_report(report: Report, path: Path, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write ``report`` to ``path``, whose suffix (``.html``, ``.htm``, ``.pdf``) says the format; atomically.

    ``cancelled`` is asked at every page of a PDF. Raises :class:`FoveaError`: ``bad-suffix``, ``disk-full``,
    ``not-writable``, ``not-saved``; ``stopped`` where it was cancelled, and ``path`` is as it was.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FoveaError("bad-suffix", f"'{path.name}' names no report format", "Use .html or .pdf.")
    try:
        if suffix == ".pdf":
            from desktop.report.pdf import write_pdf

            write_atomically(path, lambda place: write_pdf(report, place, cancelled))
        else:
            from desktop.report.html import html_of

            text = html_of(report)
            write_atomically(path, lambda place: _put(place, text))
    except OSError as error:
        raise not_written("the report", f"the disk of '{path.name}'", error) from error


def _put(place: Path, text: str) -> None:
    # Names that are no text (lone surrogates) become visible escapes instead of an error.
    place.write_bytes(text.encode("utf-8", "backslashreplace"))
