"""What Fovea keeps is its user's alone, on a computer that several people use.

Settings, judgements, models, runs and logs say what somebody looked at. Folders get mode 0700 and files 0600, by the
process's own mask (umask(2)), which children inherit; files that the user has written elsewhere, an export for a
colleague, keep the rights that the user's own mask gives. Windows protects a user's folders by itself.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from desktop import paths

_OTHERS = 0o077
_usual: int | None = None  # the mask that the user's session gave


def begin() -> None:
    """From now on what this process and its children write is the user's alone. Folders that are there already are
    closed to others, where they are the user's."""
    global _usual
    if os.name == "nt":
        return
    if _usual is None:
        _usual = os.umask(_OTHERS)
        os.umask(_OTHERS | _usual)
    for folder in _own_folders():
        close(folder)


def close(folder: Path) -> None:
    """Take others' rights from ``folder`` and from the files directly in it, where they are this user's. Never
    raises."""
    with contextlib.suppress(OSError, AttributeError):
        facts = os.lstat(folder)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            return
        if facts.st_mode & _OTHERS:
            os.chmod(folder, stat.S_IMODE(facts.st_mode) & ~_OTHERS)
            for entry in os.scandir(folder):
                with contextlib.suppress(OSError):
                    if entry.is_file(follow_symlinks=False):
                        os.chmod(entry.path, stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) & ~_OTHERS)


def mode_for(path: Path) -> int | None:
    """The mode that a new file at ``path`` is to have where the mask alone would be too strict: the user chose a place
    outside of Fovea's own folders. ``None``: as it is."""
    if _usual is None or any(path.is_relative_to(folder) for folder in _own_folders()):
        return None
    return 0o666 & ~_usual


def is_private(folder: Path) -> bool:
    """Whether ``folder`` is a real folder of this user that nobody else may enter or change."""
    try:
        facts = os.lstat(folder)
        return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & _OTHERS
    except (OSError, AttributeError):
        return False


def runtime_folder() -> Path:
    """A folder for sockets that is this user's alone and has a short name: the session's own where there is one
    (XDG Base Directory Specification, XDG_RUNTIME_DIR), else a new one that nobody can have made before."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and os.path.isabs(given) and is_private(Path(given)):
        return Path(given)
    return Path(tempfile.mkdtemp(prefix="fovea-"))


def _own_folders() -> tuple[Path, ...]:
    return tuple({paths.user_data(), paths.settings_file().parent, paths.cache(), paths.logs()})
