"""Finding pictures: the one walk through files and folders for the window and the command line.

Incremental (a generator: stop asking and it stops), bounded (a folder is entered once, whatever the links), and it
goes on after whatever cannot be read. Which formats Fovea opens is the decoder's affair; it hands its suffixes in. A
file whose suffix says nothing, or that has none, is judged by its first bytes: Siemens calls its DICOM files ``.IMA``.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from desktop.core.pictures.formats import HEAD_BYTES, sniff
from desktop.system.words import Template, hold, phrase

# What systems leave in folders of pictures. A DICOMDIR is the index of a disc: the pictures it lists are found anyway.
# Network drives (Synology's @eaDir, QNAP's @Recycle) keep small copies of each picture beside it.
CLUTTER = frozenset(
    [
        ".ds_store",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "dicomdir",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "recycler",
        "recycled",
        "found.000",
        "lost+found",
        "@eadir",
        "@tmp",
        "@recycle",
        "#recycle",
        "#snapshot",
        "@recently-snapshot",
        "@synoresource",
        "@synoeastream",
        "@__thumb",
        "picasa.ini",
        "_gsdata_",
        "_thumbs",
        "node_modules",
        "network trash folder",
        "temporary items",
        "thevolumesettingsfolder",
    ]
)
"""Names, in small letters, of what systems, network drives and recycle bins leave behind."""
_DIGITS = re.compile(r"([0-9]+)")

# Suffixes of other things, which are not even opened: a walk through a home folder should not read all of it. Camera
# raw files and previews begin like TIFF or JPEG, unfinished downloads and safety copies like what they are of.
_OTHER_SUFFIXES = """
.txt .md .rst .log .csv .tsv .json .jsonl .xml .html .htm .css .yaml .yml .toml .ini .cfg .conf .tex .bib .rtf .nfo
.py .pyc .pyi .ipynb .js .ts .c .h .cpp .hpp .java .class .rs .go .r .m .mat .sh .bat .ps1 .exe .dll .so .dylib .o
.pdf .ps .eps .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .epub .db .sqlite .mdb
.zip .gz .tgz .tar .bz2 .xz .7z .rar .zst .iso .dmg .deb .rpm .whl
.mp4 .mov .avi .mkv .webm .m4v .mpg .mpeg .wmv .3gp .mp3 .wav .flac .ogg .m4a .aac
.npy .npz .h5 .hdf5 .pkl .pickle .pt .pth .ckpt .keras .tflite .onnx .pb .safetensors .parquet .arrow .tfrecord
.nii .nrrd .mha .mhd .fits .fit .psd .xcf .ai .svg .indd .blend .stl .obj .ttf .otf .woff .woff2 .ico .cur
.nef .nrw .cr2 .cr3 .crw .arw .srf .sr2 .dng .orf .raf .rw2 .pef .srw .3fr .fff .iiq .x3f .erf .kdc .dcr .mrw .rwl
.thm .lrv .xmp .aae .part .partial .crdownload .download .tmp .temp .bak .swp .lock .lnk .url
"""
_OTHER = frozenset(_OTHER_SUFFIXES.split())


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may hold a picture; ``path`` starts as the user gave it."""

    path: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A path that could not be looked at. ``message`` is one sentence that names no folder.

    Kinds: ``not-found``, ``no-access``, ``not-a-file`` (a pipe, a device), ``unreadable``.
    """

    path: str
    kind: str
    message: str

    def __post_init__(self) -> None:
        hold(self, "message")


def natural_key(name: str) -> tuple[Any, ...]:
    """A sort key that puts ``scan2`` before ``scan10`` and does not mind upper case; total over all names."""
    parts: list[Any] = _DIGITS.split(name.casefold())
    # Numbers compare by length, then text: int() refuses more than 4,300 digits.
    parts[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    return tuple(parts), name


def walk_images(paths: Iterable[str | os.PathLike[str]], suffixes: Collection[str]) -> Iterator[FoundFile | Problem]:
    """Every picture among ``paths`` and, through all levels, in the folders among them.

    A file named outright is always found, whatever it is called: the decoder says what is wrong with it. Inside folders
    a file counts when its suffix (lower case, with the dot) is one of ``suffixes``, or when its suffix is unknown or
    missing and its first bytes are those of a format that Fovea opens. Hidden files and folders and what systems leave
    behind are passed over. The order is natural, files of a folder before its folders. Links are followed; each folder
    is entered once for every path given. Never raises for what the disk holds: what cannot be looked at comes as a
    :class:`Problem`.
    """
    known = frozenset(suffix.lower() for suffix in suffixes)
    for given in paths:
        path = os.fspath(given)
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            yield _problem(path, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _walk_folder(path, known)
        elif stat.S_ISREG(mode):
            yield FoundFile(path)
        else:
            yield Problem(path, "not-a-file", phrase("This is neither a file nor a folder."))


def _walk_folder(root: str, suffixes: frozenset[str]) -> Iterator[FoundFile | Problem]:
    """Walk with a stack of our own: folders nested a thousand deep must not exhaust Python's."""
    seen: set[tuple[int, int]] = set()
    stack = [root]
    while stack:
        folder = stack.pop()
        try:
            facts = os.stat(folder)  # not the entry's: on Windows that one carries no file number
        except (OSError, ValueError) as error:
            yield _problem(folder, error)
            continue
        identity = (facts.st_dev, facts.st_ino)
        if identity in seen:
            continue
        if facts.st_ino:  # some network drives number nothing
            seen.add(identity)
        files, folders, trouble = _list(folder, suffixes)
        if trouble:
            yield trouble
        for path in files:
            item = _judge(path, suffixes)
            if item:
                yield item
        stack.extend(reversed(folders))


def _list(folder: str, suffixes: frozenset[str]) -> tuple[list[str], list[str], Problem | None]:
    """The files worth a look and the folders of ``folder``, sorted; and what broke the listing off, if anything."""
    files: list[str] = []
    folders: list[str] = []
    trouble = None
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_clutter(entry):
                    continue
                if _is_folder(entry):
                    folders.append(entry.name)
                elif may_be_picture(entry.name, suffixes):
                    files.append(entry.name)
    except OSError as error:
        trouble = _problem(folder, error, "folder")
    files.sort(key=natural_key)
    folders.sort(key=natural_key)
    return [os.path.join(folder, name) for name in files], [os.path.join(folder, name) for name in folders], trouble


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; asked again as a file, it is reported
        return False


def _is_clutter(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name.casefold() in CLUTTER:
        return True
    if os.name == "nt":
        try:
            attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
        except OSError:
            return False
        return bool(attributes & 0x2)  # FILE_ATTRIBUTE_HIDDEN
    return False


def may_be_picture(name: str, suffixes: Collection[str]) -> bool:
    """Whether a file of this name can be a picture: by its suffix, or because that one is unknown or missing."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in suffixes or suffix not in _OTHER and not name.endswith("~")


def is_picture(path: str, suffixes: Collection[str]) -> bool:
    """Whether a walk through its folder finds the file ``path``. False for one that cannot be read."""
    return may_be_picture(os.path.basename(path), suffixes) and isinstance(_judge(path, frozenset(suffixes)), FoundFile)


def _judge(path: str, suffixes: frozenset[str]) -> FoundFile | Problem | None:
    """What becomes of a file inside a folder: ``None`` for one that is no picture."""
    by_content = os.path.splitext(path)[1].lower() not in suffixes
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None  # a pipe or a device called x.png: opening it could wait for ever
        if by_content:
            with open(path, "rb") as stream:
                if sniff(stream.read(HEAD_BYTES)) is None:
                    return None
    except (OSError, ValueError) as error:
        return None if by_content else _problem(path, error)
    return FoundFile(path)


_NO_SUCH = {
    "file or folder": Template("There is no such file or folder."),
    "folder": Template("There is no such folder."),
}
_NOT_ALLOWED = {
    "file or folder": Template("The file or folder may not be read by this user."),
    "folder": Template("The folder may not be read by this user."),
}
_NOT_READ = {
    "file or folder": Template("The file or folder cannot be read: {reason}."),
    "folder": Template("The folder cannot be read: {reason}."),
}


def _problem(path: str, error: Exception, what: str = "file or folder") -> Problem:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return Problem(path, "not-found", phrase(_NO_SUCH[what]))
    if number in (errno.EACCES, errno.EPERM):
        return Problem(path, "no-access", phrase(_NOT_ALLOWED[what]))
    if number == errno.ELOOP:
        return Problem(path, "unreadable", phrase("This link leads to itself."))
    reason = (os.strerror(number) if number else phrase("not a valid path")).lower()
    return Problem(path, "unreadable", phrase(_NOT_READ[what], reason=reason))
