"""Fovea's colours, fonts and icons: one module owns them; both themes, switched live.

Colours are read as ``theme().tokens.accent`` when something is painted, never kept: ``Theme.changed`` says that they
have moved. Icons are SVG outlines in ``resources/icons``, drawn in black and tinted here.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from desktop import paths
from desktop.ui.kit.tokens import DARK as DARK
from desktop.ui.kit.tokens import LIGHT as LIGHT
from desktop.ui.kit.tokens import Tokens as Tokens
from desktop.ui.kit.tokens import blend as blend
from desktop.ui.kit.tokens import on_accent as on_accent

STYLE = ("-style", "fusion")
"""Arguments that give an application its style: ``QApplication.setStyle`` returns an object whose class, with all its
enumerations, would first have to be made, which costs a tenth of the time to the first paint."""

Mode = Literal["system", "light", "dark"]
MODES: tuple[Mode, ...] = ("system", "light", "dark")
FontRole = Literal["text", "secondary", "answer", "title"]


class Theme(QObject):
    """The look of the application. ``changed`` is emitted after the colours have changed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode: Mode = "system"
        self._dark = False
        self._app: QApplication | None = None
        self._icons: dict[tuple[str, int, str], QIcon] = {}
        self._base_font = QFont()
        self._system_font: QFont | None = None
        self._base_px = 13
        self._percent = 100

    @property
    def mode(self) -> Mode:
        """What the user chose: follow the system, or always one of the two."""
        return self._mode

    @property
    def is_dark(self) -> bool:
        """Whether the dark tokens are in use."""
        return self._dark

    @property
    def tokens(self) -> Tokens:
        """The colours now in use."""
        return DARK if self._dark else LIGHT

    def apply(self, app: QApplication, *, sheet: bool = True) -> None:
        """Give ``app`` the palette, font and stylesheet; call once, before the first window.

        The style, Fusion, is chosen with the application's arguments (see :data:`STYLE`).

        With ``sheet`` false the stylesheet waits for :meth:`dress`: built first and dressed then, a window of many
        widgets is there in a third of the time, because each widget is polished once and not at every new parent.
        """
        self._app = app
        self._choose_font(app)
        hints = app.styleHints()
        hints.colorSchemeChanged.connect(self._follow_system)
        self._announce_scheme()
        self._dark = self._wants_dark()
        self._app.setPalette(_palette(self.tokens, self._dark))
        if sheet:
            self.dress()

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or use one of the themes whatever the system does."""
        if mode not in MODES:
            raise ValueError(f"theme {mode!r}: expected one of {MODES}")
        self._mode = mode
        self._announce_scheme()
        self._refresh()

    def set_text(self, percent: int) -> None:
        """Make text ``percent`` of its size, 100 to 200; taken by :meth:`apply` and by widgets that are made then."""
        self._percent = min(200, max(100, percent))

    def scaled(self, pixels: int) -> int:
        """``pixels`` of a width or height that was designed for text of the usual size, for text as it is now."""
        return max(pixels, round(pixels * self._base_px / 13))

    def font(self, role: FontRole = "text") -> QFont:
        """The font of a kind of text; figures are of equal width in all of them where the font offers it."""
        font = QFont(self._base_font)
        scale = {"text": 13, "secondary": 12, "answer": 20, "title": 15}[role]
        font.setPixelSize(round(scale * self._base_px / 13))
        if role in ("answer", "title"):
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def icon(self, name: str, size: int = 24, color: str | None = None) -> QIcon:
        """The icon ``resources/icons/NAME.svg`` in ``color`` (the text colour unless told), ``size`` px wide.

        Made anew after ``changed``; an unknown name gives an empty icon.
        """
        chosen = color or self.tokens.text
        key = (name, size, chosen)
        if key not in self._icons:
            self._icons[key] = _load_icon(name, size, chosen, blend(chosen, self.tokens.surface, 0.6))
        return self._icons[key]

    def stylesheet(self) -> str:
        """The application's stylesheet in the colours now in use."""
        from desktop.ui.kit.stylesheet import build

        return build(self.tokens, self._dark, self._base_px)

    def _choose_font(self, app: QApplication) -> None:
        if self._system_font is None:
            self._system_font = QFont(app.font())
        font = QFont(self._system_font)
        pixels = font.pixelSize()
        if pixels <= 0:
            screen = app.primaryScreen()
            dots = screen.logicalDotsPerInch() if screen else 96.0
            pixels = round(font.pointSizeF() * dots / 72)
        # 13 px as designed, unless the user asked the system for visibly larger text.
        self._base_px = round((pixels if pixels > 15 else 13) * self._percent / 100)
        font.setPixelSize(self._base_px)
        if hasattr(font, "setFeature") and hasattr(QFont, "Tag"):
            font.setFeature(QFont.Tag("tnum"), 1)
        self._base_font = font
        app.setFont(font)

    def _wants_dark(self) -> bool:
        if self._mode != "system":
            return self._mode == "dark"
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark

    def _announce_scheme(self) -> None:
        """Tell Qt, so that title bars and the system's own dialogs follow."""
        schemes = {
            "system": Qt.ColorScheme.Unknown,
            "light": Qt.ColorScheme.Light,
            "dark": Qt.ColorScheme.Dark,
        }
        if QGuiApplication.instance() is not None:
            QGuiApplication.styleHints().setColorScheme(schemes[self._mode])

    def _follow_system(self) -> None:
        if self._mode == "system":
            self._refresh()

    def _refresh(self) -> None:
        dark = self._wants_dark()
        if dark == self._dark and self._app is not None:
            return
        self._dark = dark
        if self._app is not None:
            self._app.setPalette(_palette(self.tokens, self._dark))
            self.dress()
        self.changed.emit()

    def dress(self) -> None:
        """Put the stylesheet on, in the colours now in use."""
        if self._app is not None:
            self._app.setStyleSheet(self.stylesheet())


def text_width(font: QFont, text: str) -> int:
    """The width of ``text`` in pixels, rounded up."""
    return int(QFontMetricsF(font).horizontalAdvance(text)) + 1


def _palette(t: Tokens, dark: bool) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    colours = {
        role.Window: t.window,
        role.WindowText: t.text,
        role.Base: t.surface,
        role.AlternateBase: blend(t.surface, t.window, 0.6),
        role.Text: t.text,
        role.Button: t.surface,
        role.ButtonText: t.text,
        role.BrightText: t.wrong,
        role.Highlight: t.accent,
        role.HighlightedText: on_accent(t, dark),
        role.Accent: t.accent,
        role.Link: t.accent,
        role.LinkVisited: t.accent,
        role.PlaceholderText: t.secondary,
        role.ToolTipBase: t.surface,
        role.ToolTipText: t.text,
        role.Light: blend(t.surface, "#FFFFFF", 0.1 if dark else 1.0),
        role.Midlight: t.border,
        role.Mid: blend(t.border, t.secondary, 0.3),
        role.Dark: blend(t.border, t.secondary, 0.6),
        role.Shadow: "#000000",
    }
    for name, colour in colours.items():
        palette.setColor(name, QColor(colour))
    faded = QColor(blend(t.text, t.surface, 0.55))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, faded)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(t.border))
    return palette


def _load_icon(name: str, size: int, colour: str, faded: str) -> QIcon:
    try:
        with open(paths.resources() / "icons" / f"{name}.svg", "rb") as stream:
            drawing = stream.read()
    except OSError:
        return QIcon()
    icon = QIcon()
    for ratio in _ratios():
        icon.addPixmap(_render(drawing, size, ratio, colour), QIcon.Mode.Normal)
        if b"#000000" in drawing:  # an outline; other drawings have colours of their own
            icon.addPixmap(_render(drawing, size, ratio, faded), QIcon.Mode.Disabled)
    return icon


def _ratios() -> list[int]:
    """The pixel ratios worth drawing for: 1, and that of the finest screen."""
    finest = max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
    return [1] if finest <= 1 else [1, -int(-finest // 1)]


def _render(drawing: bytes, size: int, ratio: int, colour: str) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer

    tinted = drawing.replace(b"#000000", colour.encode("ascii"))
    pixmap = QPixmap(size * ratio, size * ratio)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(tinted)).render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


_theme: Theme | None = None


def theme() -> Theme:
    """The application's theme: the one object of its kind."""
    global _theme
    if _theme is None:
        _theme = Theme()
    return _theme
