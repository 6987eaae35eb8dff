"""A folder that looks like a frozen program and takes a second to pack: small real executables under its names."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path


def program(folder: Path, words: str = "one") -> Path:
    """``Fovea-viewer`` in ``folder``: its program prints ``words`` and its arguments."""
    made = folder / "Fovea-viewer"
    (made / "_internal").mkdir(parents=True)
    script = made / "fovea"
    script.write_text(f'#!/bin/sh\necho "{words}" "$@"\n', encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    (made / "Fovea Window").symlink_to("fovea")
    (made / "_internal" / f"only-{words}.txt").write_text(words, encoding="utf-8")
    if tool := shutil.which("true"):
        shutil.copy(tool, made / "_internal" / "libtrue.so.1")
    return made
