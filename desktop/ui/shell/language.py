"""The window's language: the first of the system's wishes that a translation comes with; else English.

A translation is one file ``resources/translations/fovea_LANGUAGE.ts``; ``tools/translations.py`` begins it, keeps it in
step with the source, and makes the ``.qm`` file that is loaded here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop import paths

if TYPE_CHECKING:
    from PySide6.QtCore import QCoreApplication, QTranslator

_SOURCE = "en"
VARIABLE = "FOVEA_LANGUAGE"
"""Names a language in place of the system's: de, pt_BR, en …"""


def speak(app: QCoreApplication, wanted: Sequence[str] | None = None) -> QTranslator | None:
    """Install the translation into the first of ``wanted`` that there is one for (by default :data:`VARIABLE`, then
    the system's languages) and return it; ``None`` for English. Before any word is looked up."""
    folder = paths.resources() / "translations"
    if not folder.is_dir():
        return None
    from PySide6.QtCore import QLocale, QTranslator

    if wanted is None:
        chosen = os.environ.get(VARIABLE, "")
        wanted = [chosen] if chosen else QLocale.system().uiLanguages()
    for language in wanted:
        parts = language.replace("-", "_").split("_")
        if parts[0] == _SOURCE:
            return None
        for length in range(len(parts), 0, -1):  # zh_Hans_CN, zh_Hans, zh
            file = folder / f"fovea_{'_'.join(parts[:length])}.qm"
            translator = QTranslator(app)
            if file.is_file() and translator.load(str(file)):
                app.installTranslator(translator)
                return translator
    return None
