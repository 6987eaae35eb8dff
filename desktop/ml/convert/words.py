"""What other programs say when they fail, as a sentence of ours may quote it."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f]")
_MOST = 300


def plain(text: str, most: int = _MOST) -> str:
    """``text`` in one line without the escape codes of terminals; a long one ends with a whole sentence or word and an
    ellipsis, never in the middle of a word."""
    words = " ".join(_ESCAPES.sub("", text).split())
    if len(words) <= most:
        return words
    cut = words[: most - 1]
    end = max(cut.rfind(". "), cut.rfind("; "))
    if end >= most // 3:
        return cut[: end + 1]
    return cut.rpartition(" ")[0].rstrip(" ,;:") + " …"
