"""Pictures of the training wizard's pages, after the real look at real data."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from desktop.core.types import FoveaError
from desktop.ui.capture.capture import save, staged, wait_for


def capture_wizard(
    data: str, page: int, size: tuple[int, int], theme: str, out: str, timeout_s: float = 600, origin: str = ""
) -> None:
    """Save page ``page`` (1 is the first) of the wizard as PNG, ``size`` (width, height) in pixels.

    ``data`` is labelled data, opened and looked through first; '' shows the first page as it begins. ``origin`` names a
    starting point. Raises :class:`FoveaError` where the data cannot be opened or the page is not reached.
    """
    from desktop.ui.train.wizard.wizard import TrainingWizard

    with staged(size, theme, "", (), timeout_s) as shell:
        wizard = TrainingWizard(shell.catalog, shell.settings, shell.engine, shell.window)
        failures: list[FoveaError] = []
        try:
            wizard.resize(*size)
            wizard.show()
            if data:
                wizard.folder.failed.connect(failures.append)
                wizard.findings.inspector.failed.connect(failures.append)
                wizard.open_path(data)
                wait_for(lambda: wizard.currentId() > 0 or bool(failures), timeout_s, "the data")
                wait_for(lambda: not wizard.findings.inspector.running or bool(failures), timeout_s, "the look")
                if failures:
                    raise failures[0]
            if origin:
                wizard.start.choose(origin)
            while wizard.currentId() > page - 1:
                wizard.back()
            while wizard.currentId() < page - 1:
                before = wizard.currentId()
                wizard.next()
                if wizard.currentId() == before:
                    raise FoveaError("not-reached", f"page {page} is not reached: page {before + 1} is not complete")
            seen = wizard.currentPage().settled  # type: ignore[attr-defined]
            wait_for(seen, timeout_s, "the page")
            QApplication.processEvents()
            save(wizard, out)
        finally:
            wizard.reject()
            wizard.findings.inspector.wait()
