"""From results and errors to the messages that leave the engine."""

from __future__ import annotations

import numpy as np

from desktop.core.pictures.decode import decode
from desktop.core.pictures.mnist_layout import NOT_INK
from desktop.core.types import DomainVerdict, FoveaError, ImageSource, Notice, StoreError
from desktop.engine.batching import Brought
from desktop.engine.messages import Elapsed, Failure, Prediction, Thumbnail, ThumbnailRequest
from desktop.engine.model import LoadedModel, check_scores

DEVICE = "CPU"
TOO_MANY = "too-many"
"""The code of the notice that a drawing holds more pieces of ink than are read."""
_REASONS = {NOT_INK: "paper", TOO_MANY: TOO_MANY}  # what the preparing may notice, as reasons of a verdict


def prediction_of(
    request_id: int,
    source: ImageSource,
    position: int,
    model: LoadedModel,
    brought: Brought,
    scores: np.ndarray,
    predict_ms: float,
    with_input: bool,
    verdict: DomainVerdict | None = None,
) -> Prediction:
    """The answer for one row of scores; raises ``no-result`` where they are no numbers.

    A picture that the preparing found to be no drawing is not of its model's kind, whatever the ink in it looks like.
    """
    check_scores(scores)
    index = model.manifest.decision.choose(scores)
    return Prediction(
        id=request_id,
        model=model.manifest.id,
        source=source,
        index=index,
        label=model.manifest.labels[index],
        probabilities=scores,
        prepared=brought.prepared.pixels if with_input else None,
        prepared_sha256=brought.prepared.sha256(),
        original_size=brought.original_size,
        format=brought.format,
        frames=brought.frames,
        notices=brought.notices,
        elapsed=Elapsed(brought.decode_ms, brought.prepare_ms, predict_ms),
        device=DEVICE,
        position=position,
        domain=with_notices(verdict, brought.notices),
        wording=model.words.answer(scores) if model.words is not None else None,
    )


def with_notices(verdict: DomainVerdict | None, notices: tuple[Notice, ...]) -> DomainVerdict | None:
    """The domain gate's ``verdict`` on a picture, and what its preparing noticed: no drawing is no digit, and neither
    is a page of them."""
    noticed = [_REASONS[notice.code] for notice in notices if notice.code in _REASONS]
    if verdict is None or not noticed:
        return verdict
    return DomainVerdict(max(verdict.score, 1.0001), False, (*noticed, *verdict.reasons), verdict.likest)


def failure_of(
    request_id: int, error: Exception, source: ImageSource | None, position: int = 0, model_failed: bool = False
) -> Failure:
    """An error as a message: a :class:`FoveaError` in its own words, anything else by its type alone."""
    if isinstance(error, FoveaError):
        at_fault = model_failed or isinstance(error, StoreError)
        return Failure(request_id, error.kind, error.message, error.hint, source, position, at_fault)
    if isinstance(error, MemoryError):
        text = "there is not enough memory for this picture"
        return Failure(
            request_id, "out-of-memory", text, "Close other programs or use a smaller picture.", source, position
        )
    # The text of a foreign exception may hold a path: its type says enough.
    text = f"an unexpected fault stopped this picture ({type(error).__name__})"
    return Failure(request_id, "internal", text, "", source, position, model_failed)


def thumbnail_of(request: ThumbnailRequest) -> Thumbnail:
    """The small picture that was asked for; without pixels where the file cannot be opened."""
    try:
        # Twice the side: the decoder's own reduction is coarse, the last step is antialiased.
        image = decode(request.source, reduce_to=2 * request.side)
        pixels = shrunk(image.pixels, request.side)
    except Exception:  # a list shows a broken picture as such; its reason comes with its prediction
        return Thumbnail(request.id, request.source, None)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return Thumbnail(request.id, request.source, np.ascontiguousarray(pixels))


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """``pixels`` with its longer side at most ``side``, antialiased."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
