"""Every key of the window: those of the menus are read off their commands, the others stand in :data:`KEYS`.

The help, the dialog of shortcuts, ``fovea help shortcuts`` and the documentation show this one list. A test finds keys
that are missing here, keys with two meanings, and a page that has fallen behind; ``make shortcuts`` renews the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from desktop.core.translate import QT_TRANSLATE_NOOP

_CONTEXT = "Keys"
_SPECIAL = re.compile(r"(?:\w+\+)*(?:Ins|Del|Backspace|[A-Z][a-z]+(?: [A-Z][a-z]+)*)")
_PLAIN = {"Right", "Left", "Up", "Down", "Return", "Space", "Delete", "Home", "End", "Esc"}


class Key(NamedTuple):
    """A key that belongs to a part of the window: ``where`` it works, what it does, and the module that hears it.

    Keys are written as :class:`QKeySequence` reads them ('Ctrl+Right'), several separated by blanks; the words
    'letters' and 'digits' stand for themselves.
    """

    where: str
    module: str
    keys: str
    words: str


T = QT_TRANSLATE_NOOP
_LIST = T("Keys", "Classify: the list of images")
_BARS = T("Keys", "Classify: the scores of the classes")
_CAMERA = T("Keys", "The camera")
_PICTURE = T("Keys", "Pictures, in every view")
_FRAMES = T("Keys", "A series, or a file of several frames")
_LARGE = T("Keys", "A picture looked at large")
_DRAW = T("Keys", "Draw: the sheet")
_EVALUATE = T("Keys", "Evaluate")
_TRAIN = T("Keys", "Train")
_RUNS = T("Keys", "Train: the list of runs")
_MODELS = T("Keys", "Choosing a model")
_TEACH = T("Keys", "Teach: the pictures")
_TEACH_LARGE = T("Keys", "Teach: a picture shown large")
_TEACH_CLASSES = T("Keys", "Teach: the classes")
_HELP = T("Keys", "The help")

KEYS: tuple[Key, ...] = (
    Key(_LIST, "classify.image_list", "Up Down", T("Keys", "Go through the images")),
    Key(_LIST, "classify.image_list", "Space", T("Keys", "Look at the image large")),
    Key(_LIST, "classify.image_list", "Return", T("Keys", "Go to the picture")),
    Key(_LIST, "classify.image_list", "Delete Backspace", T("Keys", "Remove from the list; the file stays")),
    Key(_LIST, "classify.picture_actions", "Shift+F10", T("Keys", "The menu of an image, a row, a bar or a map")),
    Key(_LIST, "classify.picture_pane", "Ctrl+C", T("Keys", "Copy the picture, or the files that are selected")),
    Key(_LIST, "classify.image_list", "letters", T("Keys", "Filter by name")),
    Key(_LIST, "classify.image_list", "Esc", T("Keys", "Show all names again")),
    Key(_LIST, "widgets.gallery", "PgUp PgDown Home End", T("Keys", "Go through the images by pages, to the ends")),
    Key(_BARS, "widgets.probability_bars", "Ctrl+C", T("Keys", "Copy the scores, where the keyboard is on them")),
    Key(_CAMERA, "widgets.camera_pane", "Return", T("Keys", "Keep the frame that is shown")),
    Key(_CAMERA, "widgets.camera_pane", "Esc", T("Keys", "Turn the camera off and close it")),
    Key(_CAMERA, "teach.camera_part", "digits letters", T("Keys", "In Teach, held: record as the class of that key")),
    Key(_PICTURE, "widgets.picture_view", "+ -", T("Keys", "Zoom in, zoom out")),
    Key(_PICTURE, "widgets.picture_view", "0", T("Keys", "Fit to the window")),
    Key(_PICTURE, "widgets.picture_view", "1", T("Keys", "Actual size")),
    Key(_PICTURE, "widgets.picture_view", "Left Right Up Down", T("Keys", "Move an enlarged picture; Shift: finer")),
    Key(_FRAMES, "widgets.picture_view", "Up Down", T("Keys", "The frame before, the next one; so does the wheel")),
    Key(_FRAMES, "widgets.picture_view", "PgUp PgDown Home End", T("Keys", "Ten frames back or on, to the ends")),
    Key(_PICTURE, "widgets.prepared_view", "Return Space", T("Keys", "Enlarge what the network saw")),
    Key(_LARGE, "widgets.large_look", "Left Right", T("Keys", "The image before, the next one")),
    Key(_LARGE, "widgets.large_look", "Esc Space Return", T("Keys", "Back")),
    Key(_DRAW, "draw.view", "P E", T("Keys", "Pen, eraser (unless a class has that letter)")),
    Key(_DRAW, "draw.canvas", "digits letters", T("Keys", "Keep the drawing with this true label")),
    Key(_DRAW, "draw.canvas", "Left Right", T("Keys", "Of several digits: the one whose scores are shown")),
    Key(_DRAW, "draw.canvas", "Delete Backspace", T("Keys", "A new sheet; can be undone")),
    Key(_DRAW, "draw.canvas", "Esc", T("Keys", "Drop the stroke that is being drawn")),
    Key(_EVALUATE, "evaluate.matrix", "Space Return", T("Keys", "Show the cell's pictures; open the picture")),
    Key(_EVALUATE, "evaluate.matrix", "Esc", T("Keys", "Show all mistakes again")),
    Key(_EVALUATE, "evaluate.gallery_pane", "+ - ?", T("Keys", "The label of the picture is right, wrong, unsure")),
    Key(_EVALUATE, "evaluate.gallery_pane", "letters", T("Keys", "Search the pictures by name")),
    Key(_EVALUATE, "evaluate.large", "Left Right", T("Keys", "Of a picture that was opened: the one before, the next")),
    Key(_EVALUATE, "evaluate.kept_part", "Delete Backspace", T("Keys", "Delete the chosen evaluations")),
    Key(_TRAIN, "train.job_list", "Alt+Up Alt+Down", T("Keys", "Move a waiting training")),
    Key(_TRAIN, "train.job_list", "Delete", T("Keys", "Take a training off the list")),
    Key(_TRAIN, "train.wizard.wizard", "Up Down", T("Keys", "The wizard's step before, the next")),
    Key(_RUNS, "train.runs_tab", "Delete", T("Keys", "Delete the chosen runs; Undo brings them back")),
    Key(_MODELS, "widgets.model_chooser", "Up Down Return Space", T("Keys", "Open the list of models")),
    Key(_TEACH, "teach.labelling", "digits letters", T("Keys", "Label the pictures with the class of that key")),
    Key(_TEACH, "teach.labelling", "Return", T("Keys", "Take the suggestion")),
    Key(_TEACH, "teach.labelling", "Backspace", T("Keys", "Take the label back")),
    Key(_TEACH, "teach.labelling", "Space", T("Keys", "Show the picture large")),
    Key(_TEACH, "teach.labelling", "*", T("Keys", "Star the pictures")),
    Key(_TEACH, "teach.labelling", "Delete", T("Keys", "Remove from the project; the file stays")),
    Key(_TEACH_LARGE, "teach.large", "Space Esc", T("Keys", "Back from the large picture")),
    Key(_TEACH_CLASSES, "teach.classes_pane", "F2", T("Keys", "Rename the class")),
    Key(_TEACH_CLASSES, "teach.classes_pane", "Delete", T("Keys", "Remove the class; Undo brings it back")),
    Key(_HELP, "help.window", "Ctrl+F", T("Keys", "Search the help")),
    Key(_HELP, "help.window", "Alt+Left Alt+Right", T("Keys", "Back, forward")),
    Key(_HELP, "help.window", "Alt+Home", T("Keys", "The first page")),
    Key(_HELP, "help.window", "F3 Shift+F3", T("Keys", "The next place found, the one before")),
    Key(_HELP, "help.window", "Ctrl++ Ctrl+- Ctrl+0", T("Keys", "Larger text, smaller, as at first")),
    Key(_HELP, "help.window", "Esc", T("Keys", "End the search, then close the help")),
)


class KeyGroup(NamedTuple):
    """Keys that are listed together: each with what it does. Keys are as Qt writes them in files ('Ctrl+O')."""

    title: str
    rows: tuple[tuple[tuple[str, ...], str], ...]


def groups(menus: Sequence[QMenu]) -> list[KeyGroup]:
    """The whole list: a group for each of the window's menus, then one for each part of the window."""
    found = [KeyGroup(bare(menu.title()), tuple(_commands(menu))) for menu in menus]
    for where in dict.fromkeys(key.where for key in KEYS):
        rows = tuple((tuple(key.keys.split()), translated(key.words)) for key in KEYS if key.where == where)
        found.append(KeyGroup(translated(where), rows))
    return [group for group in found if group.rows]


def _commands(menu: QMenu) -> Iterator[tuple[tuple[str, ...], str]]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _commands(below)
        elif keys := keys_of(action):
            yield _usual(keys), bare(action.text())


def _usual(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Without the keys that few keyboards have ('Open', 'Find') and the twins of old ones ('Ctrl+Ins')."""
    usual = tuple(k for k in keys if not _SPECIAL.fullmatch(k) or k.rpartition("+")[2] in _PLAIN)
    return usual or keys[:1]


def keys_of(action: QAction) -> tuple[str, ...]:
    """The keys of a command, as Qt writes them in files."""
    portable = QKeySequence.SequenceFormat.PortableText
    return tuple(text for key in action.shortcuts() if (text := key.toString(portable)))


def bare(text: str) -> str:
    """A menu's words without the mark of the key that chooses them."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def translated(text: str) -> str:
    """A text of this table in the window's language."""
    return QCoreApplication.translate(_CONTEXT, text)


def native(key: str) -> str:
    """A key as this system writes it; words that are no key stay as they are."""
    if key in ("letters", "digits"):
        return {"letters": translated("letters"), "digits": translated("digits")}[key]
    return {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}.get(key) or (
        QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) or key
    )


_WORDS = (T("Keys", "letters"), T("Keys", "digits"))


def markdown(listed: Sequence[KeyGroup], *, natively: bool = False) -> str:
    """The list as tables of Markdown, with keys as this system writes them or as they are written everywhere."""
    parts = []
    for group in listed:
        rows = [
            f"| {' '.join(_code(native(key) if natively else _plain(key)) for key in keys)} | {words} |"
            for keys, words in group.rows
        ]
        parts.append("\n".join([f"## {group.title}", "", "| key | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _code(key: str) -> str:
    return key if key in ("letters", "digits") else f"`{key}`"


def _plain(key: str) -> str:
    return {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}.get(key, key)


def into_page(text: str, listed: Sequence[KeyGroup], *, natively: bool = False) -> str:
    """The page of shortcuts: what stands above its first list, with the lists made anew."""
    return text.partition("\n## ")[0].rstrip() + "\n\n" + markdown(listed, natively=natively)
