"""Why did the network answer so: maps made in the engine, without Keras.

The class activation map comes from the network's own last map at once. Occlusion (Zeiler, Fergus 2014) covers one part
of the picture after the other and looks how much the class's score falls; it knows nothing of the network and serves as
a check on the other ways.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from desktop.core.trust.saliency import class_map
from desktop.core.types import FoveaError
from desktop.engine.messages import Method
from desktop.engine.model import BATCH, LoadedModel
from desktop.system.words import phrase

_FINE = 5  # places a side from which on a map says more than 'somewhere in the picture'
_FINEST = 12  # places a side
_COARSEST = 5
_BUDGET_S = 0.7  # what covering may take, about: a slow network gets a coarser grid
_COVER = 2.0  # the side of a cover, in grid steps: neighbours overlap, so a part on a border is not missed


class ExplainError(FoveaError):
    """A map that this model cannot give in the way that was asked for."""


def best_method(model: LoadedModel) -> Method:
    """The quick way that shows most: the model's own map where that is fine enough to show a place, else occlusion."""
    shape = model.map_shape
    fine = shape is not None and min(shape[1:3]) >= _FINE
    return "cam" if model.head is not None and fine else "occlusion"


def activation_map(model: LoadedModel, pixels: np.ndarray, index: int) -> np.ndarray:
    """The class activation map of prepared ``pixels`` (height, width, channels) for class ``index``: (rows, columns).

    Raises :class:`ExplainError` of kind ``no-map`` for a network that does not end in pooling and one dense layer.
    """
    if model.head is None:
        raise ExplainError(
            "no-map",
            phrase(
                "'{name}' does not end in pooling and one dense layer; it has no class activation map",
                name=model.manifest.name,
            ),
            "Choose gradients (grad-cam) or occlusion.",
        )
    return class_map(model.outputs(pixels[np.newaxis])["map"][0], model.head, index)


def grid_for(seconds: float) -> int:
    """Places a side for a network that takes ``seconds`` a picture."""
    return int(np.clip(np.sqrt(_BUDGET_S / max(seconds, 1e-6)), _COARSEST, _FINEST))


def occlusion(model: LoadedModel, pixels: np.ndarray, index: int, grid: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """How much covering each part lowers the log odds of class ``index``: ``(done, total, map)`` while it goes on.

    The map is float32 (grid, grid); what was not looked at yet is 0. The cover has the picture's mean colour.
    """
    height, width = pixels.shape[:2]
    whole = _log_odds(model.predict(pixels[np.newaxis]), index)[0]
    colour = pixels.reshape(-1, pixels.shape[2]).mean(axis=0).round().astype(np.uint8)
    rows, columns = np.linspace(0, height, grid + 1), np.linspace(0, width, grid + 1)
    reach_y, reach_x = (_COVER - 1) / 2 * height / grid, (_COVER - 1) / 2 * width / grid
    places = [(row, column) for row in range(grid) for column in range(grid)]
    found = np.zeros((grid, grid), np.float32)
    for start in range(0, len(places), BATCH):
        group = places[start : start + BATCH]
        covered = np.repeat(pixels[np.newaxis], len(group), axis=0)
        for picture, (row, column) in zip(covered, group, strict=True):
            top, bottom = max(0, round(rows[row] - reach_y)), min(height, round(rows[row + 1] + reach_y))
            left, right = max(0, round(columns[column] - reach_x)), min(width, round(columns[column + 1] + reach_x))
            picture[top : max(bottom, top + 1), left : max(right, left + 1)] = colour
        falls = whole - _log_odds(model.predict(covered), index)
        for fall, (row, column) in zip(falls, group, strict=True):
            found[row, column] = fall
        yield start + len(group), len(places), found.copy()


def _log_odds(scores: np.ndarray, index: int) -> np.ndarray:
    """Log odds of one class: differences stay visible where a score is all but 0 or 1."""
    values = np.clip(scores[:, index].astype(np.float64), 1e-9, 1 - 1e-7)
    result: np.ndarray = np.log(values / (1 - values))
    return result
