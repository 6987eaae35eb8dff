"""Which model at hand would suit a picture that is not of the asked one's kind: words and rule.

What a picture is (a digit, a chest X-ray, a photograph, something else) is told by a linear classifier on what the
everyday network sees in it (``resources/suiting.npz``, made by ``python -m tools.fit_suiting``; it holds no picture).
A model of the table suits where that and its own domain gate agree; of several the one whose own pictures it is nearest
to. The everyday network suits what is a photograph, where no gate claims it. Nothing is changed by itself: a model is
offered.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from desktop import paths
from desktop.core.translate import QT_TRANSLATE_NOOP
from desktop.core.types import StoreError
from desktop.system.words import phrase

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.types import DomainVerdict

CONTEXT = "Suiting"
"""The context in which a window translates the words."""
EVERYDAY = "efficientnet-lite0"
CLAIMING = ("mnist-digits", "chest-xray-pneumonia")
"""The models that are asked, by id."""

WORDS: dict[str, str] = {
    "mnist-digits": QT_TRANSLATE_NOOP("Suiting", "This looks like a handwritten digit."),
    "chest-xray-pneumonia": QT_TRANSLATE_NOOP("Suiting", "This looks like a chest X-ray."),
    EVERYDAY: QT_TRANSLATE_NOOP("Suiting", "This looks like an everyday photo."),
}

FILE = "suiting.npz"
DIGIT, X_RAY, PHOTO, OTHER = "digit", "x-ray", "photo", "other"
KINDS = (DIGIT, X_RAY, PHOTO, OTHER)
"""What a picture may be; of ``other`` no model is offered."""
_KIND_OF = {"mnist-digits": DIGIT, "chest-xray-pneumonia": X_RAY}
LEAST, LEAST_PHOTO = 0.5, 0.8
"""The share of a kind from which on a model for it is offered; more of a photograph, which no gate has to confirm."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """A linear classifier of :data:`KINDS`: ``kernel`` float (d, kinds) and ``bias`` (kinds,), for what the everyday
    network sees in a picture: its embedding, then the ends of its stages."""

    kernel: np.ndarray
    bias: np.ndarray

    @classmethod
    def load(cls, file: Path | None = None) -> Kinds:
        """The one that comes with the program, or that of ``file``. Raises :class:`StoreError` (``damaged``)."""
        import numpy as np  # not with the window, which wants the words: it starts without

        path = file or paths.resources() / FILE
        try:
            with np.load(path, allow_pickle=False) as held:
                found = cls(held["kernel"].astype(np.float32), held["bias"].astype(np.float32))
            if found.kernel.shape[1:] != found.bias.shape or found.bias.shape != (len(KINDS),):
                raise ValueError("the arrays do not go together")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise StoreError("damaged", phrase("'{name}' is missing or damaged", name=path.name)) from error
        return found

    def shares(self, rows: np.ndarray) -> np.ndarray:
        """How much each of ``rows`` float32 (n, d) is of each kind: float (n, kinds), with a sum of 1."""
        import numpy as np

        logits = rows @ self.kernel.astype(np.float32) + self.bias
        found: np.ndarray = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return found


def claimed(verdicts: Mapping[str, DomainVerdict | None], shares: np.ndarray | None = None) -> str:
    """The id of the model whose kind the picture is, by the verdicts of those that were asked; '' for none.

    With ``shares`` (kinds,) of the picture, of one row of :meth:`Kinds.shares`, they must agree.
    """
    inside = [
        (found.score, name)
        for name, found in verdicts.items()
        if found is not None
        and found.inside
        and (shares is None or name not in _KIND_OF or shares[KINDS.index(_KIND_OF[name])] >= LEAST)
    ]
    return min(inside)[1] if inside else ""


def everyday(shares: np.ndarray) -> bool:
    """Whether a picture with those ``shares`` (kinds,) is an everyday photograph."""
    return bool(shares[KINDS.index(PHOTO)] >= LEAST_PHOTO)
