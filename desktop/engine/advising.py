"""Which model at hand suits a picture: gates are asked, and what the everyday network sees in it.

The rule is :mod:`desktop.core.trust.suiting`'s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from desktop.core.pictures.decode_in_child import bring_in
from desktop.core.trust import suiting
from desktop.core.types import DomainVerdict, ImageSource, StoreError
from desktop.engine.answers import with_notices
from desktop.engine.model import LoadedModel
from desktop.system.workers import Workers


def suiting_model(
    source: ImageSource,
    asked: str,
    load: Callable[[str], LoadedModel],
    decoders: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> str:
    """The id of the model that suits the picture ``source`` better than ``asked``; '' where none does, or none
    that does is there. Raises what decoding, preparing and predicting raise."""
    verdicts: dict[str, DomainVerdict | None] = {}
    for name in suiting.CLAIMING:
        model = _loaded(name, load) if name != asked else None
        if model is None:
            continue
        brought = bring_in(source, model.manifest.preprocess, decoders, cancelled)
        _, (verdict,) = model.answer(brought.prepared.pixels[np.newaxis], gated=True)
        verdicts[name] = with_notices(verdict, brought.notices)
    shares = None
    model = _loaded(suiting.EVERYDAY, load)
    if model is not None and {"embedding", "stages"} <= set(model.manifest.outputs):
        pixels = bring_in(source, model.manifest.preprocess, decoders, cancelled).prepared.pixels
        seen = model.outputs(pixels[np.newaxis])
        row = np.concatenate([seen["embedding"], seen["stages"]], axis=1)
        kinds = suiting.Kinds.load()
        if row.shape[1] == len(kinds.kernel):
            shares = kinds.shares(row)[0]
    found = suiting.claimed(verdicts, shares)
    if found or asked == suiting.EVERYDAY or shares is None:
        return found
    return suiting.EVERYDAY if suiting.everyday(shares) else ""


def _loaded(name: str, load: Callable[[str], LoadedModel]) -> LoadedModel | None:
    """The model, where it can answer: one that is not installed or damaged is not offered."""
    try:
        return load(name)
    except StoreError:
        return None
