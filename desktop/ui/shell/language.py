"""The window's language: Fovea's own words from the catalogue that the command line reads as well, Qt's from Qt.

:func:`speak` chooses: the environment's wish (``FOVEA_LANG``), else the one of Settings, else the system's, English
where there is no translation. A change at run time is told by Qt to every widget (``LanguageChange``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, Qt, QTranslator
from PySide6.QtGui import QFontDatabase, QGuiApplication

from desktop.system import words
from desktop.system.words import phrase

VARIABLE = words.VARIABLES[0]
"""Names a language in place of the system's: de, pt_BR, en …"""
SYSTEM = "system"
"""The choice of Settings that follows the system."""

_installed: list[QTranslator] = []


class CatalogueTranslator(QTranslator):
    """Answers Qt's questions for words from the catalogue of :mod:`desktop.system.words`."""

    def translate(self, context: str, sourceText: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        """The words; ``None`` where there are none, so that Qt asks on."""
        found = words.plural(context, sourceText, n) if n >= 0 else words.translated(context, sourceText)
        return None if found == sourceText else found

    def isEmpty(self) -> bool:
        """Never: Qt asks no empty one."""
        return False


def wished(chosen: str = "") -> str:
    """The language that :func:`speak` would speak for what Settings say."""
    return words.resolved(_wishes(chosen))


def _wishes(chosen: str) -> list[str]:
    named = next((os.environ[name] for name in words.VARIABLES if os.environ.get(name)), "")
    chosen = "" if chosen == SYSTEM else chosen
    return [named] if named else [chosen] if chosen else QLocale.system().uiLanguages()


def speak(app: QCoreApplication, wanted: Sequence[str] | None = None, chosen: str = "") -> str:
    """Speak the first of ``wanted`` that there is a translation for; returns the language (``en`` for English).

    By default: what :data:`desktop.system.words.VARIABLES` name, else ``chosen`` (of Settings), else the system's
    languages. May be called again at any time.
    """
    if wanted is None:
        wanted = _wishes(chosen)
    spoken = words.speak(wanted)
    for translator in _installed:
        app.removeTranslator(translator)
    _installed.clear()
    locale = QLocale.system() if spoken == words.SOURCE and chosen in ("", SYSTEM) else QLocale(_plain(spoken))
    QLocale.setDefault(locale)
    if spoken != words.SOURCE:
        own = QTranslator(app)  # the words of Qt itself: buttons of dialogs, menus of text fields
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if own.load(QLocale(_plain(spoken)), "qtbase", "_", folder):
            _install(app, own)
        _install(app, CatalogueTranslator(app))
    if isinstance(app, QGuiApplication):
        rtl = words.direction() == "rtl"
        app.setLayoutDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    return spoken


def _install(app: QCoreApplication, translator: QTranslator) -> None:
    app.installTranslator(translator)
    _installed.append(translator)


def _plain(language: str) -> str:
    return words.SOURCE if language in (words.PSEUDO, words.PSEUDO_RTL) else language


_WRITING = {
    "ja": QFontDatabase.WritingSystem.Japanese, "zh": QFontDatabase.WritingSystem.SimplifiedChinese,
    "ko": QFontDatabase.WritingSystem.Korean, "ar": QFontDatabase.WritingSystem.Arabic,
    "he": QFontDatabase.WritingSystem.Hebrew,
}  # fmt: skip
_NO_FONT = phrase(
    "No font of this computer has the characters of this language: they are drawn as boxes. Install one, for instance "
    "'Noto Sans CJK' (fonts-noto-cjk), and start Fovea again."
)


def lacking_font(spoken: str) -> str:
    """What is to be said where no font has the characters of a language, in English, whose letters there are; ''
    where there is one. Asks Qt for the fonts of the system: not before the first paint."""
    writing = _WRITING.get(spoken.partition("_")[0])
    return str(words.english(_NO_FONT)) if writing is not None and not QFontDatabase.families(writing) else ""


_NAMES = {
    "en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ja": "日本語", "pt_BR": "Português (Brasil)",
    "zh_CN": "简体中文",
}  # fmt: skip


def name_of(language: str) -> str:
    """What a language calls itself: 'Deutsch', 'Português (Brasil)'. Of others Qt says it, with their country."""
    if language in _NAMES:
        return _NAMES[language]
    name = QLocale(language).nativeLanguageName() or language
    return name[:1].upper() + name[1:]
