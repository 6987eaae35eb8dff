"""The pictures that a domain gate is fitted on, and what a network makes of them, as many as time and memory allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from desktop.core.progress import Progress
from desktop.core.trust import domain
from desktop.core.types import FoveaError, PreprocessSpec
from desktop.ml.data import disturbed, drawn_digits, outliers
from desktop.ml.data.arrays import Images
from desktop.system.words import phrase

_PICTURES = 4000  # training pictures looked at, at 128×128 pixels or less; larger inputs take longer, so fewer
_EACH = 500  # foreign pictures of a kind, likewise
# Disturbed copies of a kind, where each is a drawing to be prepared again: that takes 50 ms. Three in a hundred of 60
# are two, and a limit that one odd copy sets is loose: of many pictures there are more.
_LAID_OUT, _LAID_OUT_OF_MANY, _MANY = 60, 150, 1500
_DIGITS_EACH = 300  # foreign pictures of a kind for a model of digits: they are drawn, some kinds more often
_NEGATIVES = 6  # times as many of those
_MADE = {"drawn": (400, 400), "printed": (700, 400), "upright": (100, 100)}
"""Digits made by program, by kind: how many to learn from, and how many to set the limit with."""
_ASKED_OWN, _ASKED_EACH = 1500, 400  # pictures that the everyday network is asked about: 2 ms each
_FEWEST_DISTURBED = 60  # own pictures on either side, below which their copies would outweigh them
FEWEST = 12
"""Own pictures on either side, below which distances say nothing."""
_PIECE = 256  # pictures looked at together, at most
_PIECE_BYTES = 128 * 1024 * 1024  # what they and the network's outputs for them may take
_VALUES = 1 << 25  # features of all pictures of a kind: of wide ones fewer pictures are looked at
_FILE_SHARE = 0.9  # of the bytes that a gate's file may have, for what grows with the number of features

Look = Callable[[np.ndarray], np.ndarray]
"""From pictures uint8 (n, height, width, channels) to features (n, d)."""


class DomainError(FoveaError):
    """A gate that cannot be made: too few pictures, or features that say nothing."""


@dataclass(frozen=True, slots=True)
class GateFeatures:
    """What was made of each picture, float64 (n, d): of training pictures (``own``), of ``held`` ones that training had
    not seen, of foreign ones by kind (``others``), and of disturbed copies of the first (``copies``) and of the second
    (``told``), by kind."""

    own: np.ndarray
    held: np.ndarray
    others: list[np.ndarray]
    copies: list[np.ndarray]
    told: list[np.ndarray]

    def finite(self) -> bool:
        """Whether all are numbers."""
        return all(np.isfinite(rows).all() for rows in (self.own, self.held, *self.others, *self.copies, *self.told))


@dataclass(frozen=True, slots=True)
class GatePictures:
    """What a gate is fitted on, uint8 (n, height, width, channels) each.

    ``images`` with ``labels`` are of the training part, at the places ``picked`` of it; ``held_out`` of the part that
    training had not seen; ``made`` foreign ones by their kind. ``copied`` with ``copied_labels`` and ``held_copies``
    are disturbed copies by kind, of ``images`` and of the pictures at ``held_origins``; of digits also drawn and
    printed ones, which are copies of none (their ``held_origins`` only say with whom each is judged). None where there
    are too few pictures.
    """

    images: np.ndarray
    labels: np.ndarray
    picked: np.ndarray
    held_out: np.ndarray
    made: dict[str, np.ndarray]
    copied: list[np.ndarray]
    copied_labels: list[np.ndarray]
    held_copies: list[np.ndarray]
    held_origins: list[np.ndarray]

    @classmethod
    def of(
        cls,
        images: Images,
        labels: np.ndarray,
        unseen: Images,
        spec: PreprocessSpec,
        width: int,
        seed: int,
        digits: bool = False,
    ) -> GatePictures:
        """A sample of ``images`` and ``unseen``, for ``width`` features of each picture; ``digits``: the classes are
        the ten digits, in order. Raises :class:`DomainError` for too few pictures and too many features."""
        if min(len(images), len(unseen)) < FEWEST:
            raise DomainError(
                "too-few",
                phrase(
                    "{count} training and {count2} validation pictures are too few for a domain gate",
                    count=len(images),
                    count2=len(unseen),
                ),
                phrase("At least {fewest} of each are needed.", fewest=FEWEST),
            )
        rng = np.random.default_rng([seed, 6])
        most, each = affordable(width, *budget(spec))
        picked = rng.permutation(len(images))[:most]
        own, labels = images[picked], labels[picked]
        made = outliers.make(own, spec, min(each, len(own)), rng)
        held_out = np.asarray(unseen[rng.permutation(len(unseen))[:most]])
        copied: list[np.ndarray] = []
        copied_labels: list[np.ndarray] = []
        held: list[np.ndarray] = []
        held_origins: list[np.ndarray] = []
        if min(len(own), len(held_out)) >= _FEWEST_DISTURBED:
            copied, origins = _copies(own, spec, each, rng)
            copied_labels = [labels[places] for places in origins]
            held, held_origins = _copies(held_out, spec, each, rng)
            for kind in drawn_digits.KINDS if digits and spec.fit == "mnist" else ():
                learnt, judged = _MADE[kind]
                drawn, values = drawn_digits.make(kind, learnt, spec, rng)
                copied.append(drawn)
                copied_labels.append(values)
                held.append(drawn_digits.make(kind, judged, spec, rng)[0])
                held_origins.append(np.arange(judged) % len(held_out))
        return cls(own, labels, picked, held_out, made, copied, copied_labels, held, held_origins)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of foreign pictures."""
        return tuple(kind for kind in outliers.KINDS if kind in self.made)

    def _jobs(self) -> Iterator[np.ndarray]:
        yield from (self.images, self.held_out, *(self.made[kind] for kind in self.kinds))
        yield from (*self.copied, *self.held_copies)

    def __len__(self) -> int:
        return sum(map(len, self._jobs()))

    def fewer(self) -> GatePictures:
        """Some of each: as many as a network is asked about that takes milliseconds for each."""
        return replace(
            self,
            images=some(self.images, _ASKED_OWN),
            held_out=some(self.held_out, _ASKED_OWN),
            made={kind: some(pictures, _ASKED_EACH) for kind, pictures in self.made.items()},
            copied=[some(pictures, _ASKED_EACH) for pictures in self.copied],
            held_copies=[some(pictures, _ASKED_EACH) for pictures in self.held_copies],
        )

    def looked_at(self, look: Look, before: int, total: int, progress: Progress, piece: int) -> GateFeatures:
        """What ``look`` makes of all, ``piece`` pictures at a time; ``progress`` hears of them behind ``before`` of
        ``total``."""
        outputs = []
        for job in self._jobs():
            outputs.append(_looked(job, look, before, total, progress, piece))
            before += len(job)
        own, held, *rest = outputs
        made, copied = len(self.made), len(self.made) + len(self.copied)
        return GateFeatures(own, held, rest[:made], rest[made:copied], rest[copied:])


def some(rows: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` of ``rows`` (n, …), from all over them."""
    if len(rows) <= most:
        return rows
    taken: np.ndarray = rows[np.linspace(0, len(rows) - 1, most).astype(int)]
    return taken


def budget(spec: PreprocessSpec) -> tuple[int, int]:
    """How many training pictures, and how many foreign ones of a kind, a gate for ``spec`` is fitted on."""
    share = min(1.0, 128 * 128 / (spec.height * spec.width))
    each = _DIGITS_EACH if spec.fit == "mnist" else _EACH
    return max(600, int(_PICTURES * share)), max(100, int(each * share))


def _copies(
    images: np.ndarray, spec: PreprocessSpec, each: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Disturbed copies of some of ``images`` by kind, fewer of a kind than of foreign ones, and the places of
    their originals."""
    laid_out = _LAID_OUT_OF_MANY if len(images) >= _MANY else _LAID_OUT
    count = laid_out if spec.fit == "mnist" else max(100, each // 2)
    copied, origins = [], []
    for kind in disturbed.kinds_for(spec):
        # A negative is prepared as it is, in no time, and is further from the originals than all else: it takes many.
        chosen = rng.permutation(len(images))[: count * (_NEGATIVES if kind == disturbed.NEGATIVE else 1)]
        copied.append(disturbed.copies(np.asarray(images[chosen]), kind, spec, rng))
        origins.append(chosen)
    return copied, origins


def affordable(width: int, most: int, each: int) -> tuple[int, int]:
    """:func:`budget` where there are ``width`` features of every picture. Raises :class:`DomainError` for too many."""
    if storable_axes(width, len(outliers.KINDS)) < 2:
        raise DomainError(
            "too-wide", phrase("the network computes {width:,} features of a picture: too many for a gate", width=width)
        )
    fewer = max(FEWEST, _VALUES // width)
    return min(most, fewer), min(each, max(FEWEST, fewer // len(outliers.KINDS)))


def storable_axes(width: int, kinds: int) -> int:
    """How many axes along ``width`` features fit into a gate's file, in half precision and base64."""
    numbers = int(_FILE_SHARE * domain.MAX_BYTES * 3 / 4 / 2)
    return numbers // width - (3 + kinds)  # shift, scale and the regression's weights


def piece_of(spec: PreprocessSpec, bytes_each: int) -> int:
    """How many pictures of ``spec`` are looked at together, where the network's outputs take ``bytes_each`` of one."""
    # A picture's look is taken in float32.
    each, piece = 4 * spec.height * spec.width * spec.channels + bytes_each, _PIECE
    # Halved, so that the network's own batches of 64 stay whole.
    while piece > 1 and piece * each > _PIECE_BYTES:
        piece //= 2
    return piece


def _looked(images: np.ndarray, look: Look, before: int, total: int, progress: Progress, piece: int) -> np.ndarray:
    parts = []
    for start in range(0, len(images), piece):
        progress(before + start, total)
        parts.append(look(np.ascontiguousarray(images[start : start + piece])))
    progress(before + len(images), total)
    return np.concatenate(parts).astype(np.float64)
