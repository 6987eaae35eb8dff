"""A photograph given to a model of tiles: the everyday network says whether it shows anything that the model knows.

The rule is :mod:`desktop.core.trust.shown`'s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from desktop.core.trust import shown
from desktop.core.types import DomainVerdict, PreprocessSpec, StoreError
from desktop.engine.model import LoadedModel, check_scores
from desktop.store.catalogue import EVERYDAY


def looked_at(
    model_id: str,
    size: tuple[int, int],
    verdict: DomainVerdict | None,
    prepared: Callable[[PreprocessSpec], np.ndarray],
    load: Callable[[str], LoadedModel],
) -> DomainVerdict | None:
    """``verdict`` on a picture of ``size`` (pixels across and down), or a graver one where the picture shows nothing
    that the model knows. ``prepared`` gives the picture as the everyday network takes it; it is called only where that
    has to be asked. Without the everyday network the verdict stays. Raises what preparing and predicting raise."""
    if verdict is None or not shown.asked(model_id, size, verdict):
        return verdict
    try:
        everyday = load(EVERYDAY)
    except StoreError:
        return verdict
    if everyday.words is None:
        return verdict
    scores = everyday.predict(prepared(everyday.manifest.preprocess)[np.newaxis])[0]
    check_scores(scores)
    return shown.agreed(verdict, shown.share(model_id, everyday.words, scores))
