"""The more general word, where a network of many classes cannot decide between kinds: 'dog', not 'Labrador .31'.

The scores of the classes under a word add up. The answer is the best class where its score reaches :data:`ENOUGH`, else
the most particular word above it whose score does, with the best class as a perhaps: 'dog .97, perhaps a Labrador'.
Where neither does, the network knows no word for what it sees: it is not sure.

The idea is that of Deng, Krause, Berg and Fei-Fei, Hedging Your Bets (CVPR 2012): be as particular as the evidence
allows. The words and what lies under them are WordNet's hierarchy, derived by ``tools/derive_words.py``. It holds for
every network whose labels carry WordNet ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from desktop import paths
from desktop.core.types import StoreError
from desktop.system import strict_json

ENOUGH = 0.5
"""The score that a class or a word must reach: more than everything else together (docs/confidence.md)."""
FILE = "words.json"
_SCHEMA = 1
_MOST_BYTES = 1 << 20

Kind = Literal["class", "word", "unsure"]


@dataclass(frozen=True, slots=True)
class Wording:
    """What to answer. ``class``: the best class itself. ``word``: ``word``, with the best class as a perhaps.
    ``unsure``: neither. ``score``, 0 to 1, is the word's, else the best class's; ``word`` is empty but for the second.
    """

    kind: Kind
    word: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class GeneralWords:
    """The words for a model's labels, the most particular ones first: ``under`` bool (words, classes)."""

    words: tuple[str, ...]
    under: np.ndarray

    def answer(self, scores: np.ndarray) -> Wording:
        """What to answer for one row of ``scores``: finite float (classes,), sum 1."""
        best = int(np.argmax(scores))
        top = float(scores[best])
        if top >= ENOUGH:
            return Wording("class", "", top)
        above = np.flatnonzero(self.under[:, best])
        sums = self.under[above] @ scores.astype(np.float64)
        reached = np.flatnonzero(sums >= ENOUGH)
        if not len(reached):
            return Wording("unsure", "", top)
        return Wording("word", self.words[above[reached[0]]], min(1.0, float(sums[reached[0]])))


def for_labels(label_ids: Sequence[str]) -> GeneralWords | None:
    """The words for a model whose labels carry WordNet ids (``n02084071``), in the order of its outputs.

    ``None`` for one whose labels carry none, or of whose classes the table knows too few to speak of kinds. Raises
    :class:`StoreError` ``damaged`` where the table that comes with the program cannot be read.
    """
    place = {each: index for index, each in enumerate(label_ids)}
    found: list[tuple[int, int, str, list[int]]] = []
    for word, held in _table().items():
        inside = [place[each] for each in held if each in place]
        if len(inside) > 1:
            found.append((len(inside), len(found), word, inside))
    if not found:
        return None
    found.sort()
    under = np.zeros((len(found), len(label_ids)), bool)
    for row, (_, _, _, inside) in enumerate(found):
        under[row, inside] = True
    return GeneralWords(tuple(word for _, _, word, _ in found), under)


def names() -> dict[str, str]:
    """What people call each class, by its WordNet id. Raises as :func:`for_labels`."""
    return dict(_read()["names"])


@cache
def _table() -> dict[str, list[str]]:
    return dict(_read()["words"])


def _read() -> dict[str, Any]:
    try:
        with (paths.resources() / FILE).open("rb") as stream:
            raw = strict_json.loads(stream.read(_MOST_BYTES))
        if raw["schema"] != _SCHEMA:
            raise ValueError(f"schema {raw['schema']}")
        return {"names": raw["names"], "words": raw["words"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError("damaged", "the table of general words is damaged", "Install Fovea again.") from error
