"""Whether a picture is of the kind that a model was trained on: a score, its limit at 1, and why.

Three views of a picture are weighed, for colour models four, each a distance brought to the scale of the model's own
unseen pictures (0 at their median, 1 at their 95 % point), and summed, each with its share:

- ``look``: brightness, contrast, colour and sharpness of the network's input; Mahalanobis distance to the nearest class
  of training pictures.
- ``features``: what the network computes of it (embedding, mean and spread of its last map, together with the look);
  relative Mahalanobis distance (Ren et al. 2021, arXiv:2106.09022), in the space of the leading principal axes.
- ``foreign``: odds of a softmax regression between training pictures and foreign ones made by program at the end of the
  training (outlier exposure, Hendrycks et al. 2019), such as negatives, noise, scrambled and doubled pictures.
- ``tones``: of colour pictures, log odds of being a negative, by a network of its own
  (:mod:`desktop.core.trust.polarity`).

The numbers (:class:`Gate`) are fitted by :mod:`desktop.ml.packaging.fit_domain_gate` and lie beside the model as
``domain.json``, which holds no picture. NumPy alone is needed, well under a millisecond, with ``tones`` about one more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from desktop.core.trust import packed, polarity, reasons
from desktop.core.types import DomainVerdict, PreprocessSpec, StoreError
from desktop.system import strict_json
from desktop.system.words import phrase

FILE = "domain.json"
METHOD = "look, features, foreign odds and, in colour, tones"
TONES = "tones"
_GREY_PARTS = ("look", "features", "foreign")
PARTS = (*_GREY_PARTS, TONES)
MAX_BYTES = 16 * 1024 * 1024
_SCHEMA = 2
_FIRST_SCHEMA = 1  # gates of three parts, which do not name them
LIMIT = 1.0
"""The score above which a picture is taken for another kind."""
LEAST_FLAGGED = 1.0001
"""What is flagged must not read as 1."""
CLIP = 8.0  # standard deviations: what is farther is as foreign as can be, and would drown the rest
_FLOOR = -1.0  # the most that one view can speak for a picture
_EPS = 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """The numbers of one model's gate.

    Sizes: d features, of which the last s are the look, and the first the tones where ``views`` has them; c classes, k
    axes, f foreign kinds, v views. ``views`` are the :data:`PARTS` that are weighed. ``shift`` and ``scale``
    (d,) standardise the features. ``look_axes`` (s, s) and ``look_means`` (c, s) whiten the look within classes;
    ``axes`` (d, k) whiten the features as a whole, ``within`` (k, k) and ``means`` (c, k) within classes. ``weights``
    (d, 1 + f) and ``bias`` (1 + f,) are the regression's, the model's own kind first; ``kinds`` names the foreign ones.
    ``middle`` and ``spread`` (v,) bring the parts to their common scale, ``share`` (v,) weighs them; ``centre`` and
    ``limit`` are the sum's median on own pictures and its limit.
    """

    shift: np.ndarray
    scale: np.ndarray
    look_axes: np.ndarray
    look_means: np.ndarray
    axes: np.ndarray
    within: np.ndarray
    means: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    share: np.ndarray
    kinds: tuple[str, ...]
    centre: float
    limit: float
    views: tuple[str, ...] = _GREY_PARTS

    @property
    def toned(self) -> bool:
        """Whether it weighs the tones, which its features must then hold."""
        return TONES in self.views

    def raw_parts(self, found: np.ndarray) -> np.ndarray:
        """The distances before they are scaled: float64 (n, v) of ``found`` (n, d), see :func:`features`."""
        z = np.clip((found - self.shift) / self.scale, -CLIP, CLIP)
        look = _nearest(z[:, -len(self.look_axes) :] @ self.look_axes, self.look_means)
        whole = z @ self.axes
        relative = _nearest(whole @ self.within, self.means) - (whole**2).sum(axis=1)
        logits = z @ self.weights + self.bias
        # Log-odds of being foreign of whichever kind.
        odds = np.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0]
        parts = [np.log(look + 1e-3), relative, odds]
        if self.toned:
            parts.append(found[:, 0])
        return np.stack(parts, axis=1).astype(np.float64)

    def parts(self, found: np.ndarray) -> np.ndarray:
        """The distances on their common scale: float64 (n, v)."""
        result: np.ndarray = np.clip((self.raw_parts(found) - self.middle) / self.spread, _FLOOR, 50.0)
        return result

    def sums(self, found: np.ndarray) -> np.ndarray:
        """The weighed sum of the parts: float64 (n,)."""
        result: np.ndarray = self.parts(found) @ self.share
        return result

    def scores(self, found: np.ndarray) -> np.ndarray:
        """Scores float64 (n,): 0 at the median of the model's own pictures, flagged above 1."""
        result: np.ndarray = (self.sums(found) - self.centre) / (self.limit - self.centre)
        return result

    def verdicts(self, found: np.ndarray, laid_out: bool = False) -> list[DomainVerdict]:
        """What the gate says of each row of ``found`` (n, d); ``laid_out`` inputs tell nothing of their pictures' look,
        see :mod:`desktop.core.trust.reasons`."""
        broken = ~np.isfinite(found).all(axis=1)
        found = np.where(broken[:, None], self.shift, found)
        looked = len(self.look_axes)
        standard = ((found - self.shift) / self.scale)[:, -looked:]
        verdicts = []
        for score, z, bad in zip(self.scores(found), standard, broken, strict=True):
            shown = told_score(score, bad)
            inside = shown <= LIMIT
            silent = bad or inside or laid_out
            verdicts.append(DomainVerdict(shown, inside, () if silent else reasons.measured(z)))
        return verdicts

    def to_json(self) -> str:
        """The numbers as JSON text with a final newline: arrays in base64, half precision where it suffices."""
        return packed.to_json(self, _SCHEMA)


def from_json(text: bytes | str) -> Gate:
    """Read a gate strictly. Raises :class:`StoreError` of kind ``damaged`` that says what does not fit."""
    try:
        raw = strict_json.loads_object(text, MAX_BYTES)
        if raw["schema"] not in (_FIRST_SCHEMA, _SCHEMA):
            raise ValueError(f"schema {raw['schema']!r}")
        names = {field.name for field in fields(Gate)} - ({"views"} if raw["schema"] == _FIRST_SCHEMA else set())
        values = packed.read_fields(raw, names)
        values |= {name: tuple(str(part) for part in values[name]) for name in ("kinds", "views") if name in values}
        values |= {name: float(values[name]) for name in ("centre", "limit")}
        gate = Gate(**values)
        _check(gate)
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError, IndexError) as error:
        raise StoreError("damaged", phrase("'{file}' is no domain gate: {error}", file=FILE, error=error)) from error
    return gate


def told_score(score: float, broken: bool) -> float:
    """``score`` as it is told: four places, at most 99; so much has what is no number, and whatever is ``broken``.
    Rounded upwards at the limit (:data:`LEAST_FLAGGED`)."""
    value = 99.0 if broken or not np.isfinite(score) else min(float(score), 99.0)
    return round(value, 4) if value <= LIMIT else max(round(value, 4), LEAST_FLAGGED)


def views_for(spec: PreprocessSpec) -> tuple[str, ...]:
    """The views that a new gate for pictures of ``spec`` weighs."""
    return PARTS if spec.channels == 3 else _GREY_PARTS


def features(
    pixels: np.ndarray, embedding: np.ndarray | None, last_map: np.ndarray | None, toned: bool = False
) -> np.ndarray:
    """What the gate looks at, float32 (n, d).

    ``pixels`` uint8 (n, height, width, channels) is the network's input, ``embedding`` (n, e) and ``last_map``
    (n, rows, columns, f) its further outputs where it has them. The look comes last, and first, where ``toned``, the
    log odds that a colour picture is a negative.
    """
    columns = []
    if toned:
        columns.append(polarity.odds(pixels)[:, np.newaxis])
    if embedding is not None:
        columns.append(_soft_log(embedding))
    if last_map is not None:
        columns.append(_soft_log(last_map.mean(axis=(1, 2))))
        columns.append(_soft_log(last_map.std(axis=(1, 2))))
    columns.append(look(pixels))
    return np.concatenate(columns, axis=1).astype(np.float32)


def look(pixels: np.ndarray) -> np.ndarray:
    """Brightness, contrast, sharpness, edges against middle, and colour of uint8 (n, height, width, channels).

    Returns float32 (n, 17), (n, 22) for colour.
    """
    values = pixels.astype(np.float32) / 255.0
    n, height, width, channels = values.shape
    grey = values.mean(axis=3)
    # A quantile needs no more than some thousand pixels.
    step = max(1, round(max(height, width) / 64))
    sampled = np.sort(grey[:, ::step, ::step].reshape(n, -1), axis=1)
    places = (np.array([0.02, 0.25, 0.5, 0.75, 0.98]) * (sampled.shape[1] - 1)).round().astype(int)
    mean, deviation = grey.mean(axis=(1, 2)), grey.std(axis=(1, 2))
    across = _mean_step(np.abs(np.diff(grey, axis=2)))
    down = _mean_step(np.abs(np.diff(grey, axis=1)))
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, 2:, 1:-1] + grey[:, :-2, 1:-1] + grey[:, 1:-1, 2:] + grey[:, 1:-1, :-2]
    bend = _mean_step(np.abs(around - 4 * inner))
    rim = np.concatenate(
        [part.reshape(n, -1) for part in (grey[:, :2], grey[:, -2:], grey[:, :, :2], grey[:, :, -2:])],
        axis=1,
    )
    middle = grey[:, height // 4 : height - height // 4, width // 4 : width - width // 4].reshape(n, -1)
    edges = across + down
    found = [
        mean,
        deviation,
        np.log(deviation + 0.01),
        *sampled[:, places].T,
        np.log(across + _EPS),
        np.log(down + _EPS),
        np.log(bend + _EPS),
        np.log((bend + _EPS) / (edges + 2 * _EPS)),
        np.log((edges + 2 * _EPS) / (deviation + 0.01)),
        rim.mean(axis=1),
        rim.std(axis=1),
        middle.std(axis=1),
        middle.mean(axis=1) - rim.mean(axis=1),
    ]
    if channels == 3:
        red_green = values[..., 0] - values[..., 1]
        yellow_blue = (values[..., 0] + values[..., 1]) / 2 - values[..., 2]
        strength = np.abs(red_green).mean(axis=(1, 2)) + np.abs(yellow_blue).mean(axis=(1, 2))
        found += [np.log(part.std(axis=(1, 2)) + _EPS) for part in (red_green, yellow_blue)]
        found += [part.mean(axis=(1, 2)) for part in (red_green, yellow_blue)]
        found.append(np.log(strength + _EPS))
    return np.stack(found, axis=1)


def _mean_step(values: np.ndarray) -> np.ndarray:
    """The mean over each picture, 0 where it is too small to have a neighbour."""
    result: np.ndarray = values.mean(axis=(1, 2)) if values.size else np.zeros(len(values), np.float32)
    return result


def _soft_log(values: np.ndarray) -> np.ndarray:
    """Logarithm that passes through 0 and keeps the sign: activations have long tails."""
    result: np.ndarray = np.sign(values) * np.log1p(np.abs(values))
    return result


def _nearest(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The squared distance of each row (n, k) to the nearest of ``means`` (c, k)."""
    squares = (rows**2).sum(axis=1)[:, None] + (means**2).sum(axis=1)[None] - 2.0 * rows @ means.T
    result: np.ndarray = np.maximum(squares.min(axis=1), 0.0)
    return result


def _check(gate: Gate) -> None:
    """The arrays must go together. Raises :class:`ValueError` that names those that do not."""
    (d,), (s,) = gate.shift.shape, gate.look_axes.shape[:1]
    k, c, outputs = gate.axes.shape[1], len(gate.means), 1 + len(gate.kinds)
    expected = {
        "scale": (d,),
        "look_axes": (s, s),
        "look_means": (c, s),
        "axes": (d, k),
        "within": (k, k),
        "means": (c, k),
        "weights": (d, outputs),
        "bias": (outputs,),
        "middle": (len(gate.views),),
        "spread": (len(gate.views),),
        "share": (len(gate.views),),
    }
    if gate.views not in (PARTS, _GREY_PARTS):
        raise ValueError(f"views {gate.views!r}")
    for name, shape in expected.items():
        if getattr(gate, name).shape != shape:
            raise ValueError(f"'{name}' has shape {getattr(gate, name).shape}; {shape} expected")
    if s > d or not (gate.scale > 0).all() or not (gate.spread > 0).all():
        raise ValueError("a scale is not above 0")
    if not (np.isfinite([gate.centre, gate.limit]).all() and gate.limit > gate.centre):
        raise ValueError("the limit is not above the centre")
