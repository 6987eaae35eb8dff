"""The stylesheet of Fovea: what a palette cannot say, and nothing more.

Roles are dynamic properties, so that widgets stay plain Qt widgets: ``card`` (a framed surface), ``role`` on labels
(``secondary``, ``answer``, ``title``, ``caution``, ``error``) and on buttons (``primary``, ``quiet``, ``link``).
"""

from __future__ import annotations

from desktop import paths
from desktop.ui.kit.tokens import Tokens, accent_text, blend, control_line, on_accent


def build(t: Tokens, dark: bool, base_px: int) -> str:
    """The stylesheet in the colours ``t``, for text of ``base_px`` pixels."""
    hover = blend(t.surface, t.text, 0.06)
    pressed = blend(t.surface, t.text, 0.12)
    line = control_line(t)
    accent = accent_text(t)
    faded = blend(t.text, t.surface, 0.55)
    small = round(base_px * 12 / 13)
    title = round(base_px * 15 / 13)
    answer = round(base_px * 20 / 13)
    control = max(32, base_px * 2 + 4)
    inner = control - 8
    kind = "dark" if dark else "light"

    def sign(name: str) -> str:
        """A stylesheet takes files only, so these few are there in both colours."""
        return (paths.resources() / "icons" / f"sheet-{name}-{kind}.svg").as_posix()

    return f"""
QToolTip {{ background: {t.surface}; color: {t.text}; border: 1px solid {line}; padding: 4px 6px; }}
QFrame[card="true"] {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px; }}
QFrame[ground="surface"], QWidget[ground="surface"] {{ background: {t.surface}; }}
QLabel {{ background: transparent; }}
QLabel[role="secondary"] {{ color: {t.secondary}; font-size: {small}px; }}
QLabel[role="title"] {{ font-size: {title}px; font-weight: 600; }}
QLabel[role="answer"] {{ font-size: {answer}px; font-weight: 600; }}
QLabel[role="answer-muted"] {{ color: {t.secondary}; font-size: {answer}px; font-weight: 600; }}
QFrame[role="caution"] {{ background: {t.caution_ground}; border: 1px solid {blend(t.caution_ground, t.caution, 0.35)};
  border-radius: 8px; }}
QFrame[role="caution"] QLabel {{ color: {t.caution}; }}
QFrame[role="error"] {{ background: {t.surface}; border: 1px solid {t.wrong}; border-radius: 8px; }}

QLabel[role="caution"] {{ color: {t.caution}; background: transparent; border: none; }}
QLabel[role="error"] {{ color: {t.wrong}; background: transparent; border: none; }}

QPushButton {{ background: {t.surface}; border: 1px solid {line}; border-radius: 6px; padding: 3px 12px;
  min-height: {inner}px; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed {{ background: {pressed}; }}
QPushButton:focus {{ border: 2px solid {t.accent}; padding: 2px 11px; }}
QPushButton:disabled {{ color: {faded}; border-color: {t.border}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {on_accent(t, dark)}; border-color: {t.accent}; }}
QPushButton[role="primary"]:hover {{ background: {blend(t.accent, t.text, 0.12)}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {t.text}; }}
QPushButton[role="primary"]:disabled {{ background: {t.border}; color: {faded}; border-color: {t.border}; }}
QPushButton[role="link"] {{ background: transparent; border: 2px solid transparent; color: {accent};
  padding: 1px 4px; min-height: 20px; text-align: left; }}
QPushButton[role="link"]:hover {{ text-decoration: underline; }}
QPushButton[role="link"]:focus {{ border-color: {t.accent}; }}
QPushButton[role="link"]:disabled {{ color: {faded}; border-color: transparent; }}
QPushButton[role="menu"] {{ padding-right: 28px; }}
QPushButton[role="menu"]:focus {{ padding-right: 27px; }}
QPushButton::menu-indicator {{ image: url("{sign("down")}"); width: 14px; height: 14px;
  subcontrol-origin: padding; subcontrol-position: center right; right: 8px; }}

QToolButton {{ background: transparent; border: 2px solid transparent; border-radius: 6px; padding: 3px; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:pressed {{ background: {pressed}; }}
QToolButton:checked {{ background: {t.soft}; color: {accent}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:disabled {{ color: {faded}; }}
QToolButton::menu-indicator {{ image: none; }}

QLineEdit {{ background: {t.surface}; border: 1px solid {line}; border-radius: 6px; padding: 3px 7px;
  min-height: {inner}px; selection-background-color: {t.accent}; }}
QLineEdit, QPlainTextEdit, QTextEdit {{ qproperty-acceptDrops: false; }}
QLineEdit > QToolButton {{ qproperty-icon: url("{sign("cross")}"); }}
QLineEdit:focus {{ border: 2px solid {t.accent}; padding: 2px 6px; }}
QComboBox, QAbstractSpinBox {{ background: {t.surface}; border: 1px solid {line}; border-radius: 6px;
  padding: 3px 4px 3px 8px; min-height: {inner}px; selection-background-color: {t.accent}; }}
QComboBox:hover {{ background: {hover}; }}
QComboBox:focus, QAbstractSpinBox:focus {{ border: 2px solid {t.accent}; padding: 2px 3px 2px 7px; }}
QComboBox:disabled, QAbstractSpinBox:disabled {{ color: {faded}; border-color: {t.border}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("{sign("down")}"); width: 16px; height: 16px; }}
QComboBox QAbstractItemView, QComboBox QAbstractItemView:focus {{ border: 1px solid {line}; border-radius: 0;
  padding: 0; }}
QLineEdit#qt_spinbox_lineedit {{ border: none; background: transparent; min-height: 0; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 20px; background: transparent; }}
QAbstractSpinBox::up-arrow {{ image: url("{sign("up")}"); width: 12px; height: 12px; }}
QAbstractSpinBox::down-arrow {{ image: url("{sign("down")}"); width: 12px; height: 12px; }}
QCheckBox, QRadioButton {{ spacing: 8px; border: 2px solid transparent; border-radius: 4px; padding: 2px; }}
QCheckBox:focus, QRadioButton:focus {{ border-color: {t.accent}; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {faded}; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: 16px; height: 16px; background: {t.surface};
  border: 1px solid {t.secondary}; border-radius: 4px; }}
QRadioButton::indicator {{ border-radius: 9px; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {t.border}; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QCheckBox::indicator:checked {{ image: url("{sign("check")}"); }}
QRadioButton::indicator:checked {{ image: url("{sign("dot")}"); }}

QListView, Gallery, QTableView, QTreeView, QTextBrowser, QPlainTextEdit {{ background: {t.surface};
  border: 1px solid {t.border}; border-radius: 8px; padding: 1px; outline: none; }}
QListView:focus, QTableView:focus, QTreeView:focus, QTextBrowser:focus {{ border: 2px solid {t.accent}; padding: 0; }}
QTableView {{ gridline-color: transparent; alternate-background-color: {blend(t.surface, t.window, 0.6)};
  selection-background-color: {t.soft}; selection-color: {t.text}; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{ background: {t.surface}; color: {t.secondary}; border: none;
  border-bottom: 1px solid {t.border}; padding: 4px 8px; font-size: {small}px; }}
QHeaderView::section:first, QHeaderView::section:only-one {{ border-top-left-radius: 7px; }}
QHeaderView::section:last, QHeaderView::section:only-one {{ border-top-right-radius: 7px; }}
QTableCornerButton::section {{ background: {t.surface}; border: none; }}

QTabWidget::pane {{ border: none; border-top: 1px solid {t.border}; }}
QTabBar {{ background: transparent; qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; border: none; border-bottom: 2px solid transparent; color: {t.secondary};
  padding: 6px 4px; margin-right: 16px; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:disabled {{ color: {faded}; }}
QTabBar::tab:focus {{ background: {t.soft}; color: {accent}; }}

QSlider:horizontal {{ min-height: 24px; }}
QSlider::groove:horizontal {{ height: 4px; background: {line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; margin: -6px 0; background: {t.surface}; border: 2px solid {t.accent};
  border-radius: 7px; }}
QSlider::handle:horizontal:hover {{ background: {t.soft}; }}
QSlider::handle:horizontal:focus {{ background: {t.accent}; border-color: {t.text}; }}
QSlider::handle:horizontal:disabled {{ border-color: {t.border}; }}

QProgressBar {{ background: {t.border}; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}

QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {t.accent}; }}
QSplitter::handle:focus {{ background: {t.accent}; }}

QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: 12px; }}
QScrollBar:horizontal {{ height: 12px; }}
QScrollBar::handle {{ background: {blend(t.border, t.secondary, 0.45)}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:hover {{ background: {t.secondary}; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QMenuBar {{ background: {t.window}; border-bottom: 1px solid {t.border}; }}
QMenuBar::item {{ padding: 5px 10px; background: transparent; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {t.soft}; color: {t.text}; }}
QMenu {{ background: {t.surface}; border: 1px solid {line}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.soft}; color: {t.text}; }}
QMenu::item:disabled {{ color: {faded}; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget[ground="none"] {{ background: transparent; }}
"""
