"""A second opinion on a picture's kind, by what the network of everyday photographs sees in a model's input.

A network that has learned to tell two kinds of X-ray apart knows little of what else there is: one upside down looks to
it like any other. The everyday network has learned from a million photographs, and in its features a softmax regression
tells a model's own pictures from foreign ones that are made from them by program (outlier exposure, Hendrycks et al.
2019; the made kinds are those of :mod:`desktop.ml.data.outliers`). It is asked only of pictures that the model's own
gate (:mod:`desktop.core.trust.domain`) takes for its kind.

The numbers are fitted by :mod:`desktop.ml.packaging.fit_domain_gate` and lie beside the model as ``second.json``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from desktop.core.trust import packed
from desktop.core.trust.domain import CLIP, LIMIT, told_score
from desktop.core.types import DomainVerdict, StoreError
from desktop.system import strict_json
from desktop.system.words import phrase

FILE = "second.json"
MAX_BYTES = 4 * 1024 * 1024
_SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class SecondGate:
    """The numbers of one model's second opinion.

    ``shift`` and ``scale`` (d,) standardise the features (:meth:`desktop.ml.data.second_look.SecondLook.features`),
    ``weights`` (d, 1 + f) and ``bias`` (1 + f,) are the regression's, the model's own kind first; ``kinds`` names the
    foreign ones. ``centre`` and ``limit`` are the log odds' median on own pictures and their limit.
    """

    shift: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    kinds: tuple[str, ...]
    centre: float
    limit: float

    def odds(self, found: np.ndarray) -> np.ndarray:
        """The log odds of being foreign, of whichever kind: float64 (n,) of features ``found`` (n, d)."""
        z = np.clip((found - self.shift) / self.scale, -CLIP, CLIP)
        logits = z @ self.weights + self.bias
        result: np.ndarray = (np.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0]).astype(np.float64)
        return result

    def scores(self, found: np.ndarray) -> np.ndarray:
        """Scores float64 (n,): 0 at the median of the model's own pictures, flagged above 1."""
        result: np.ndarray = (self.odds(found) - self.centre) / (self.limit - self.centre)
        return result

    def beside(self, verdicts: list[DomainVerdict], found: np.ndarray) -> list[DomainVerdict]:
        """Both opinions as one: ``verdicts`` that took pictures for the model's kind, and ``found`` (n, d) of those
        pictures. The worse score counts; why is not known, so no reason is given."""
        agreed = []
        broken = ~np.isfinite(found).all(axis=1)
        scores = self.scores(np.where(broken[:, None], self.shift, found))
        for verdict, score, bad in zip(verdicts, scores, broken, strict=True):
            told = told_score(score, bad)
            if told > LIMIT:
                agreed.append(DomainVerdict(told, False))
            else:
                agreed.append(DomainVerdict(max(verdict.score, told), True, verdict.reasons))
        return agreed

    def to_json(self) -> str:
        """The numbers as JSON text with a final newline: arrays in base64, half precision where it suffices."""
        return packed.to_json(self, _SCHEMA)


def from_json(text: bytes | str) -> SecondGate:
    """Read a second opinion strictly. Raises :class:`StoreError` of kind ``damaged`` that says what does not fit."""
    try:
        raw = strict_json.loads_object(text, MAX_BYTES)
        if raw["schema"] != _SCHEMA:
            raise ValueError(f"schema {raw['schema']!r}")
        values = packed.read_fields(raw, {field.name for field in fields(SecondGate)})
        values["kinds"] = tuple(str(kind) for kind in values["kinds"])
        values |= {name: float(values[name]) for name in ("centre", "limit")}
        gate = SecondGate(**values)
        _check(gate)
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError, IndexError) as error:
        raise StoreError("damaged", phrase("'{file}' is no second opinion: {error}", file=FILE, error=error)) from error
    return gate


def _check(gate: SecondGate) -> None:
    """The arrays must go together. Raises :class:`ValueError` that names those that do not."""
    (d,), outputs = gate.shift.shape, 1 + len(gate.kinds)
    for name, shape in {"scale": (d,), "weights": (d, outputs), "bias": (outputs,)}.items():
        if getattr(gate, name).shape != shape:
            raise ValueError(f"'{name}' has shape {getattr(gate, name).shape}; {shape} expected")
    if outputs < 2 or not (gate.scale > 0).all():
        raise ValueError("no foreign kind, or a scale that is not above 0")
    if not (np.isfinite([gate.centre, gate.limit]).all() and gate.limit > gate.centre):
        raise ValueError("the limit is not above the centre")
