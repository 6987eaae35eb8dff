"""A language that nobody speaks: English with accents, and 40 % longer. It shows what is not translated, what is glued
from parts, and which layout has no room; the places for values, accelerators and tags of a text stay as they are."""

from __future__ import annotations

import gettext
import re

_LONGER = 0.4
_KEPT = re.compile(r"\{[^{}]*\}|\{\{|\}\}|%\([a-z_]+\)[a-z]|%[0-9a-zL]|%|<[^<>]+>|&\w+;|\(\*[^()]*\)|--[a-z-]+")
_ACCENTS = str.maketrans("ACDEGHIJKLNORSTUWYZacdeghijklnorstuwyz", "ÀÇÐÉĜĤÎĴĶĻÑÕŔŠŢÛŴÝŽàçđéĝĥîĵķļñõŕšţûŵýž")


class PseudoCatalogue(gettext.NullTranslations):
    """Every text in the made-up language."""

    def pgettext(self, context: str, message: str) -> str:
        """``message``, accented and longer."""
        return pseudo(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """The same for texts with forms by number."""
        return pseudo(msgid1 if n == 1 else msgid2)


def pseudo(text: str) -> str:
    """``text`` accented, in brackets and two fifths longer; blanks at its ends and its last sign stay."""
    inner = text.strip()
    if not any(c.isalpha() for c in _KEPT.sub("", inner)):
        return text
    parts, place = [], 0
    for match in _KEPT.finditer(inner):
        parts += [inner[place : match.start()].translate(_ACCENTS), match[0]]
        place = match.end()
    parts.append(inner[place:].translate(_ACCENTS))
    letters = sum(c.isalpha() for c in _KEPT.sub("", inner))
    more = "·" * max(1, round(letters * _LONGER) - 2)
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}[{''.join(parts)}{more}]{after}"
