"""The head of a labelling project: kernel ridge regression of class indicators on a network's features.

It has what labelling asks for: it is solved in closed form, and so is its cross-validation (for any parts, of all
pictures, from one inverse), so 2,000 labels and an honest accuracy take half a second. With few labels it answers
better than the heads of :mod:`desktop.ml.training.linear_heads`, with many as well (docs/teach.md).

Method: least-squares classification with a penalty on the weights (Rifkin, Yeo and Poggio 2003, 'Regularized
least-squares classification'); held-out answers of part b are y_b − (Q_bb)⁻¹ (Q y)_b with Q = (K + λ W⁻¹)⁻¹ (Rifkin and
Lippert 2007, 'Notes on regularized least squares', for parts of one; An, Liu and Venkatesh 2007 for larger ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from desktop.ml.training.linear_heads import scaling, suiting_temperature

PENALTIES = (30.0, 100.0, 10.0)
"""λ, for features scaled to a mean square length of 100; the first is the usual one, the others are tried where there
is time for it."""
BIAS = 10.0
"""A constant feature: the middle of the answers is hardly penalised."""
_STEPS = 8  # of a class's weight between one and twice as much


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """``mean`` and ``factor`` float32 (size,) that bring features to one scale, from all pictures looked at."""

    mean: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, widths: Sequence[int]) -> Scaling:
        """From rows float (n, size); see :func:`desktop.ml.training.linear_heads.scaling`."""
        mean, factor = scaling(rows, widths)
        return cls(mean.astype(np.float32), factor.astype(np.float32))

    def scaled(self, rows: np.ndarray) -> np.ndarray:
        """Rows on the common scale: float32 (n, size)."""
        scaled: np.ndarray = (np.asarray(rows, np.float32) - self.mean) * self.factor
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class RidgeHead:
    """``kernel`` float32 (size, classes) and ``bias`` (classes,) on scaled features; logits are its answers times
    ``sharpness``, which was chosen on pictures held out. ``held_out`` float32 (n, classes): scores of the pictures that
    it learned from, each by a head that had not. ``inverse`` float32 (n, n) of the system that was solved, by which is
    known what it does not know; ``None`` where there are more pictures than features.
    """

    kernel: np.ndarray
    bias: np.ndarray
    sharpness: float
    penalty: float
    held_out: np.ndarray
    inverse: np.ndarray | None = None

    def scores(self, scaled: np.ndarray) -> np.ndarray:
        """Model scores float32 (n, classes) for scaled rows; each row sums to 1."""
        return softmax((scaled @ self.kernel + self.bias) * self.sharpness)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis, in float32."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


class System(Protocol):
    """The kernel of the labelled rows and themselves, to be solved with a diagonal."""

    def inverse(self, diagonal: np.ndarray) -> np.ndarray:
        """The inverse of the kernel with ``diagonal`` float32 (n,) added to it: float32 (n, n)."""
        ...


def kernel_of(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How alike scaled rows float32 (n, size) and (m, size) are, the constant feature among them: float32 (n, m)."""
    return np.asarray(rows @ others.T + BIAS**2, np.float32)


def solve(
    scaled: np.ndarray,
    labels: np.ndarray,
    classes: int,
    parts: np.ndarray,
    penalties: Sequence[float] = PENALTIES[:1],
    known: System | None = None,
) -> RidgeHead:
    """The head for scaled rows float32 (n, size) with ``labels`` int (n,), 0 to ``classes`` − 1, each of which occurs.

    ``parts`` int (n,): the part of the cross-validation that each picture is in. Of ``penalties`` the one with the
    lowest loss on pictures held out counts. Classes weigh alike up to a factor of four in their numbers. ``known``:
    what is known of the system from the lesson before, most of the work.
    """
    counts = np.bincount(labels, minlength=classes)
    weight = np.sqrt(counts.mean() / np.maximum(counts, 1))[labels]  # between each picture alike and each class alike
    # In steps: one more label changes no other's weight, for the most part, so the system before can be mended.
    weight = (2.0 ** (np.round(_STEPS * np.log2(np.clip(weight, 0.5, 2.0))) / _STEPS)).astype(np.float32)
    targets = np.zeros((len(labels), classes), np.float32)
    targets[np.arange(len(labels)), labels] = 1.0
    best: tuple[float, RidgeHead] | None = None
    few = len(scaled) <= scaled.shape[1]
    solver = _Dual(scaled, weight, known or _Fresh(scaled)) if few else _Primal(scaled, weight)
    for penalty in penalties:
        alpha, held_out, inverse = solver.solved(targets, penalty, parts)
        sharpness = 1.0 / suiting_temperature(held_out.astype(np.float64), labels)
        scores = softmax(held_out * sharpness)
        loss = float(-np.log(np.maximum(scores[np.arange(len(labels)), labels], 1e-9)).mean())
        if best is None or loss < best[0]:
            best = loss, RidgeHead(alpha[:-1], BIAS * alpha[-1], sharpness, penalty, scores, inverse)
    assert best is not None
    return best[1]


def unknown_of(
    head: RidgeHead, learned: np.ndarray, rows: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What ``head`` does not know, seen as a Gaussian process: the covariance float32 (n, m) of what it would say of
    ``rows`` and of ``others``, and the variance (n,) of ``rows``; all scaled, ``learned`` those it learned from."""
    assert head.inverse is not None
    half = kernel_of(rows, learned) @ head.inverse
    left = rows - half @ learned  # what of each row nothing that was learned stands for
    constant = BIAS**2 * (1.0 - half.sum(axis=1, keepdims=True))
    covariance = left @ others.T + constant
    variance = (left * rows).sum(axis=1) + constant[:, 0]
    return np.asarray(covariance, np.float32), np.maximum(np.asarray(variance, np.float32), 1e-6)


class _Fresh:
    """A system of which nothing is known."""

    def __init__(self, scaled: np.ndarray) -> None:
        self._kernel = kernel_of(scaled, scaled)

    def inverse(self, diagonal: np.ndarray) -> np.ndarray:
        """The inverse of the kernel with ``diagonal`` added to it."""
        system = self._kernel.copy()
        system[np.diag_indices_from(system)] += diagonal
        return inverse_of(system)


class _Dual:
    """As many unknowns as pictures."""

    def __init__(self, scaled: np.ndarray, weight: np.ndarray, system: System) -> None:
        self._scaled, self._weight, self._system = scaled, weight, system

    def solved(
        self, targets: np.ndarray, penalty: float, parts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Weights float32 (size + 1, classes), the last row of the constant feature; held-out answers; the
        inverse."""
        inverse = self._system.inverse(penalty / self._weight)
        alpha = inverse @ targets
        alone, several = _split(parts)
        held_out = np.empty_like(targets)
        held_out[alone] = targets[alone] - alpha[alone] / inverse[alone, alone][:, None]
        for inside in several:
            held_out[inside] = targets[inside] - np.linalg.solve(inverse[np.ix_(inside, inside)], alpha[inside])
        weights = np.concatenate([self._scaled.T @ alpha, BIAS * alpha.sum(axis=0, keepdims=True)])
        return weights, held_out, inverse


class _Primal:
    """As many unknowns as features, for more pictures than features."""

    def __init__(self, scaled: np.ndarray, weight: np.ndarray) -> None:
        constant = np.full((len(scaled), 1), BIAS, np.float32)
        self._rows = np.concatenate([scaled, constant], axis=1)
        self._weight = weight[:, None]
        self._gram = self._rows.T @ (self._weight * self._rows)

    def solved(
        self, targets: np.ndarray, penalty: float, parts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """As that of :class:`_Dual`."""
        system = self._gram.copy()
        system[np.diag_indices_from(system)] += penalty
        inverse = inverse_of(system)
        weights = inverse @ (self._rows.T @ (self._weight * targets))
        answers = self._rows @ weights
        alone, several = _split(parts)
        held_out = np.empty_like(targets)
        rows = self._rows[alone]
        own = self._weight[alone, 0] * np.einsum("nd,nd->n", rows @ inverse, rows)
        held_out[alone] = targets[alone] - (targets[alone] - answers[alone]) / np.maximum(1 - own, 1e-6)[:, None]
        for inside in several:
            rows = self._rows[inside]
            hat = rows @ inverse @ (rows * self._weight[inside]).T
            rest = np.linalg.solve(np.eye(len(inside), dtype=np.float32) - hat, targets[inside] - answers[inside])
            held_out[inside] = targets[inside] - rest
        return weights, held_out, None


def _split(parts: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The positions of parts of one picture, and those of each larger part."""
    _, numbers, counts = np.unique(parts, return_inverse=True, return_counts=True)
    order = np.argsort(numbers, kind="stable")
    pieces = np.split(order, np.cumsum(counts)[:-1])
    return np.flatnonzero(counts[numbers] == 1), [piece for piece in pieces if len(piece) > 1]


def inverse_of(system: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric positive definite matrix, float32, by its Cholesky factor."""
    from scipy.linalg import lapack

    factor, fault = lapack.spotrf(system.astype(np.float32, order="F", copy=False), lower=True, overwrite_a=True)
    if fault == 0:
        inverse, fault = lapack.spotri(factor, lower=True, overwrite_c=True)
    if fault != 0:
        return np.asarray(np.linalg.pinv(system.astype(np.float64)), np.float32)
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(inverse, -1).T, np.float32)
