"""What the program can say, collected once a process: reading every module for it takes seconds."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from texts import Text, every


@functools.cache
def program_texts() -> tuple[Text, ...]:
    """Every text of the program, as ``tools/texts.py`` finds it."""
    return tuple(every())
