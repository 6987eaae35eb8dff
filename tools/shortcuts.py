"""Writes the list of keys into the help's page: ``python tools/shortcuts.py`` (``make shortcuts``).

The list is read off the window's own commands and the table of the other keys (:mod:`desktop.ui.shell.keys`).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "help" / "shortcuts.md"


def renewed() -> str:
    """The page as it should be."""
    from desktop.services.catalog import ModelCatalog
    from desktop.services.settings import Settings
    from desktop.ui.shell.app import make_application
    from desktop.ui.shell.keys import groups, into_page
    from desktop.ui.shell.main_window import MainWindow

    make_application(())
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        window = MainWindow(Settings(Path(folder) / "settings.json"), ModelCatalog())
        assert window.menus is not None
        page = into_page(PAGE.read_text(encoding="utf-8"), groups(window.top_menus))
        window.close()
    return page


def main() -> int:
    """Write the page; exit status 0."""
    PAGE.write_text(renewed(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
