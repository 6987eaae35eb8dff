"""Fits a model's domain gate at the end of its training: what is stored as :class:`desktop.core.trust.domain.Gate`.

Needs the exported network's outputs alone, so it serves every model, a user's own included.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from desktop.core.progress import Progress, untold
from desktop.core.trust import domain, second
from desktop.core.trust.domain import CLIP, LIMIT, Gate
from desktop.core.trust.second import SecondGate
from desktop.core.types import PreprocessSpec, StoreError
from desktop.ml.data.arrays import Images
from desktop.ml.packaging.gate_pictures import (
    DomainError,
    GateFeatures,
    GatePictures,
    Look,
    piece_of,
    some,
    storable_axes,
)
from desktop.store.manifest import QUANTILES, Domain
from desktop.system.words import phrase

REFUSED = 0.05
"""The share of the model's own unseen pictures that the gate may flag."""
REFUSED_DISTURBED = 0.07
"""The share that it may flag of them under each kind of disturbance (:mod:`desktop.ml.data.disturbed`)."""
REFUSED_SECOND, DISTURBED_SECOND = 0.02, 0.03
"""The same for a second opinion, which comes on top of it."""
GAIN = 0.01
"""The share of foreign pictures that a second opinion has to find beyond those that the gate flags, to be worth its
time."""
_FOLDS = 10  # parts of the unseen pictures, each judged by a limit that the others set
_AXES = 128
# What the views count, chosen on validation pictures. Every drawing is laid out like a digit, so its look says little
# there; of a grey picture it says most; beside the tones of a colour picture it says no more than the others.
_SHARES = {"mnist": (1.0, 1.0, 1.0), "grey": (2.0, 1.0, 1.0), "rgb": (1.0, 1.0, 1.0, 1.5)}
_RIDGE = 100.0  # weight decay of the regression, as 1/C of scikit-learn's
_WIDE = 4096  # features, above which their covariance is not written out: it would take gigabytes


@contextlib.contextmanager
def _memory_told() -> Iterator[None]:
    """Memory that does not suffice as a :class:`DomainError`."""
    try:
        yield
    except MemoryError as error:
        raise DomainError("memory", "there is not enough memory for a domain gate") from error


def fit(
    images: Images,
    labels: np.ndarray,
    unseen: Images,
    spec: PreprocessSpec,
    look: Look,
    seed: int,
    progress: Progress = untold,
    seen: Callable[[Gate, np.ndarray, np.ndarray], None] = lambda gate, picked, rows: None,
    bytes_each: int = 0,
) -> tuple[Gate, Domain]:
    """:func:`fit_both` without a second look."""
    gate, entry, _ = fit_both(images, labels, unseen, spec, look, None, seed, progress, seen, bytes_each)
    return gate, entry


@_memory_told()
def fit_both(
    images: Images,
    labels: np.ndarray,
    unseen: Images,
    spec: PreprocessSpec,
    look: Look,
    second_look: Look | None,
    seed: int,
    progress: Progress = untold,
    seen: Callable[[Gate, np.ndarray, np.ndarray], None] = lambda gate, picked, rows: None,
    bytes_each: int = 0,
    digits: bool = False,
) -> tuple[Gate, Domain, SecondGate | None]:
    """The gate of a network, the manifest's entry for it, and a second opinion where that finds what the gate misses.

    ``images`` uint8 (n, height, width, channels) and ``labels`` (n,) are of the training part, ``unseen`` own pictures
    that training had not seen (validation), on which the limit is set. Copies of both with mild disturbances
    (:mod:`desktop.ml.data.disturbed`) count as own pictures where there are sixty of either: :data:`REFUSED` of
    ``unseen`` may lie beyond the limit, and :data:`REFUSED_DISTURBED` of their copies of each kind.

    ``look`` maps pictures to :func:`desktop.core.trust.domain.features` by way of the network, toned for colour;
    ``seen`` gets the gate, which of ``images`` were looked at, and their features. ``bytes_each`` is what ``look``
    holds of the network's outputs for one picture. ``second_look`` maps pictures to what the everyday network makes of
    them; the second opinion may flag :data:`REFUSED_SECOND` of ``unseen`` and :data:`DISTURBED_SECOND` of their copies
    of each kind, and is kept where it flags :data:`GAIN` more of the foreign pictures than the gate alone. With fewer
    than sixty pictures on either side there is none. ``digits``: the classes are the ten digits, in order; then drawn
    and printed ones (:mod:`desktop.ml.data.drawn_digits`) count as own pictures like the disturbed copies.

    Raises :class:`DomainError` with fewer than twelve pictures on either side, and where the features are infinite, no
    numbers, too many, or otherwise such that no distance follows from them, and where the memory does not suffice: a
    model without a gate is still a model.
    """
    width = look(np.ascontiguousarray(images[:1])).shape[1] if len(images) else 0
    pictures = GatePictures.of(images, labels, unseen, spec, width, seed, digits)
    if not pictures.copied:
        second_look = None
    fewer = pictures.fewer() if second_look else None
    total = len(pictures) + (len(fewer) if fewer is not None else 0)
    found = pictures.looked_at(look, 0, total, progress, piece_of(spec, bytes_each))
    if not found.finite():
        raise DomainError("no-features", "what the network computes of some pictures is infinite or no number")
    try:
        gate = _limited(_gate_of(found, pictures, spec), found.held, found.told)
    except (np.linalg.LinAlgError, StoreError) as error:  # the latter of numbers that cannot be stored
        raise DomainError(
            "no-features", phrase("no distances follow from the pictures' features: {error}", error=error)
        ) from error
    seen(gate, pictures.picked, found.own)
    scores, refused = gate.scores(found.held), _refused(gate, found.held, found.told, pictures.held_origins)
    kept = None
    if second_look is not None and fewer is not None:
        again = fewer.looked_at(second_look, len(pictures), total, progress, piece_of(spec, 0))
        opinion = _second(again, pictures.kinds)
        if _gain(gate, found, opinion, again) >= GAIN:
            kept, both = opinion, opinion.scores(again.held)
            scores = some(scores, len(both))
            refused = min(1.0, refused + float(((both > LIMIT) & (scores <= LIMIT)).mean()))
            scores = np.maximum(scores, both)
    points = np.quantile(np.minimum(scores, 99.0), np.linspace(0, 1, QUANTILES))
    entry = Domain(
        file=domain.FILE,
        method=domain.METHOD,
        split="validation",
        n=len(found.held),
        refused=round(refused, 4),
        quantiles=tuple(round(float(point), 4) for point in points),
    )
    return gate, entry, kept


def _gate_of(found: GateFeatures, pictures: GatePictures, spec: PreprocessSpec) -> Gate:
    """The gate of own pictures and of their copies, which count as what they are copies of."""
    labels = np.concatenate([pictures.labels, *pictures.copied_labels])
    if np.unique(pictures.labels, return_counts=True)[1].max() < 2:
        # One picture of each class tells nothing of how pictures differ within one: all are taken as one class.
        labels = np.zeros(len(labels), int)
    learnt = np.concatenate([found.own, *found.copies])
    return _fitted(learnt, labels, found.others, pictures.kinds, spec)


def _gain(gate: Gate, found: GateFeatures, opinion: SecondGate, again: GateFeatures) -> float:
    """The share of foreign pictures that a second opinion flags beyond those that the gate flags."""
    gains = [
        (opinion.scores(others) > LIMIT)[gate.scores(some(rows, len(others))) <= LIMIT]
        for rows, others in zip(found.others, again.others, strict=True)
    ]
    return float(np.concatenate(gains).sum() / sum(map(len, again.others)))


def _second(found: GateFeatures, kinds: tuple[str, ...]) -> SecondGate:
    """The second opinion from what the everyday network makes of own, unseen and foreign pictures and of copies."""
    learnt = np.concatenate([found.own, *found.copies])
    shift = learnt.mean(axis=0)
    scale = np.maximum(learnt.std(axis=0), 0.01 * float(learnt.std()) + 1e-6)
    weights, bias = _regression(learnt, found.others, shift, scale)
    gate = SecondGate(shift, scale, weights, bias, kinds, 0.0, 1.0)
    # What is stored is rounded, and the limit must be set with those numbers.
    gate = second.from_json(gate.to_json())
    odds = gate.odds(found.held)
    limits = [_beyond(odds, REFUSED_SECOND), *(_beyond(gate.odds(rows), DISTURBED_SECOND) for rows in found.told)]
    centre, limit = float(np.median(odds)), max(limits)
    return replace(gate, centre=centre, limit=max(limit, centre + 1e-3))


def _fitted(
    own: np.ndarray, labels: np.ndarray, others: list[np.ndarray], kinds: tuple[str, ...], spec: PreprocessSpec
) -> Gate:
    """Distances and regression from features of training (n, d) and of foreign pictures; scales are set later."""
    shift = own.mean(axis=0)
    # A feature that never varies in training would make any foreign value infinitely far.
    scale = np.maximum(own.std(axis=0), 0.01 * float(own.std()) + 1e-6)
    z = (own - shift) / scale
    classes = [label for label in np.unique(labels) if (labels == label).sum() > 1]
    views = domain.views_for(spec)
    look_size = domain.look(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8)).shape[1]
    look_axes, look_means = _within(z[:, -look_size:], labels, classes)
    axes = _axes(z, min(_AXES, storable_axes(z.shape[1], len(kinds))))
    within, means = _within(z @ axes, labels, classes)
    weights, bias = _regression(own, others, shift, scale)
    return Gate(
        shift=shift,
        scale=scale,
        look_axes=look_axes,
        look_means=look_means,
        axes=axes,
        within=within,
        means=means,
        weights=weights,
        bias=bias,
        middle=np.zeros(len(views)),
        spread=np.ones(len(views)),
        share=np.array(_SHARES["mnist" if spec.fit == "mnist" else spec.colour]),
        kinds=kinds,
        centre=0.0,
        limit=1.0,
        views=views,
    )


def _shrunk(rows: np.ndarray) -> np.ndarray:
    """The covariance of ``rows`` (n, k), drawn towards a multiple of the identity: the more, the fewer rows."""
    n, k = rows.shape
    covariance = np.atleast_2d(np.cov(rows, rowvar=False))
    amount = _amount(n, k)
    mixed: np.ndarray = (1 - amount) * covariance + amount * np.trace(covariance) / k * np.eye(k)
    return mixed


def _amount(n: int, k: int) -> float:
    return max(0.05, min(0.9, k / n))


def _axes(z: np.ndarray, most: int = _AXES) -> np.ndarray:
    """The leading principal axes of ``z`` (n, d), at most ``most``, scaled to unit variance: (d, k)."""
    kept = max(2, min(most, z.shape[1], len(z) // 4))
    if z.shape[1] > max(_WIDE, len(z)):
        return _axes_of_wide(z, kept)
    values, vectors = np.linalg.eigh(_shrunk(z))
    leading: np.ndarray = vectors[:, -kept:] / np.sqrt(values[-kept:])
    return leading


def _axes_of_wide(z: np.ndarray, kept: int) -> np.ndarray:
    """:func:`_axes` by way of the products of the rows (n, n): their covariance has the same axes, where it has any."""
    n, k = z.shape
    centred = z - z.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T / (n - 1))
    there = np.flatnonzero(values > 1e-9 * max(values[-1], 1e-9))[-kept:]
    if not len(there):
        raise np.linalg.LinAlgError("all pictures are alike")
    amount = _amount(n, k)
    variances = (1 - amount) * values[there] + amount * values.sum() / k
    axes: np.ndarray = centred.T @ (vectors[:, there] / np.sqrt((n - 1) * values[there] * variances))
    return axes


def _within(rows: np.ndarray, labels: np.ndarray, classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Axes (k, k) that whiten ``rows`` within their classes, and the classes' means along them (c, k)."""
    means = np.stack([rows[labels == label].mean(axis=0) for label in classes])
    spread = np.concatenate([rows[labels == label] - mean for label, mean in zip(classes, means, strict=True)])
    values, vectors = np.linalg.eigh(_shrunk(spread))
    axes = vectors / np.sqrt(np.maximum(values, 1e-9))
    return axes, means @ axes


def _regression(
    own: np.ndarray, others: list[np.ndarray], shift: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Softmax regression between own pictures and each foreign kind: weights (d, 1 + f) and bias (1 + f,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([own, *others]).astype(np.float32)
    z = np.clip((rows - shift) / scale, -CLIP, CLIP)
    kinds = np.repeat(np.arange(1 + len(others)), [len(own), *map(len, others)])
    # A second standardisation over all pictures makes the ridge fair to every feature; it is folded into the weights.
    middle, spread = z.mean(axis=0), z.std(axis=0) + 0.05
    model = LogisticRegression(C=1 / _RIDGE, max_iter=80, tol=1e-3)
    with warnings.catch_warnings():
        # The last digits of its weights decide nothing; the limit is set by what the finished gate says.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((z - middle) / spread, kinds)
    weights = model.coef_.T / spread[:, None]
    return weights, model.intercept_ - middle @ weights


def _refused(gate: Gate, held: np.ndarray, told: list[np.ndarray], origins: list[np.ndarray]) -> float:
    """The share of fresh own pictures that the gate has to be expected to flag.

    Measured on ``held`` (n, d), each part with the limit that the others set: on the pictures that set it themselves
    the limit flags none of nineteen or fewer. ``origins`` are the places in ``held`` of what ``told`` are copies of:
    those of a part have no say either. Not below 1 in n + 1, the chance that a fresh picture lies beyond all n.
    """
    fold = np.arange(len(held)) % _FOLDS
    flagged = []
    for part in range(_FOLDS):
        others = [rows[fold[places] != part] for rows, places in zip(told, origins, strict=True)]
        flagged.append(_scaled(gate, held[fold != part], others).scores(held[fold == part]) > LIMIT)
    return max(float(np.concatenate(flagged).mean()), 1 / (len(held) + 1))


def _limited(gate: Gate, held: np.ndarray, told: list[np.ndarray]) -> Gate:
    """:func:`_scaled` as it will be used: what is stored is rounded, and the limit must be set with those numbers."""
    scaled = _scaled(gate, held, told)
    scaled = domain.from_json(replace(scaled, centre=0.0, limit=1.0).to_json())
    return _bounded(scaled, held, told)


def _scaled(gate: Gate, held: np.ndarray, told: list[np.ndarray]) -> Gate:
    """The gate with its parts on a common scale, and its limit; ``told`` are features of disturbed copies by kind."""
    raw = gate.raw_parts(np.concatenate([held, *told]))
    middle, high = np.quantile(raw, [0.5, 1 - REFUSED], axis=0)
    return _bounded(replace(gate, middle=middle, spread=np.maximum(high - middle, 1e-3)), held, told)


def _bounded(gate: Gate, held: np.ndarray, told: list[np.ndarray]) -> Gate:
    """The gate with a limit beyond which lie no more than :data:`REFUSED` of ``held`` and :data:`REFUSED_DISTURBED` of
    each of ``told``."""
    sums = gate.sums(held)
    limits = [_beyond(sums, REFUSED)]
    limits += [_beyond(gate.sums(rows), REFUSED_DISTURBED) for rows in told]
    centre = float(np.median(sums))
    return replace(gate, centre=centre, limit=max(*limits, centre + 1e-3))


def _beyond(sums: np.ndarray, share: float) -> float:
    """The conformal quantile: of n ``sums`` the k-th lowest, k = ceil((n + 1)(1 - share)), at most the highest."""
    place = min(len(sums), math.ceil((len(sums) + 1) * (1 - share)))
    return float(np.sort(sums)[place - 1])
