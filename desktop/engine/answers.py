"""From results and errors to the messages that leave the engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from desktop.core.pictures.decode_in_child import PreparedFile, show
from desktop.core.pictures.mnist_layout import NOT_INK, SEVERAL, TOO_MANY
from desktop.core.trust.domain import LEAST_FLAGGED
from desktop.core.types import DomainVerdict, FoveaError, ImageSource, Notice, StoreError
from desktop.engine.messages import Elapsed, Failure, Prediction, Thumbnail, ThumbnailRequest
from desktop.engine.model import LoadedModel, ModelAnswers, check_scores
from desktop.system.words import phrase
from desktop.system.workers import Workers

DEVICE = "CPU"
_REASONS = {
    NOT_INK: "paper",
    TOO_MANY: "too-many",
    SEVERAL: "several",
}  # what the preparing may notice, as reasons of a verdict


def prediction_of(
    request_id: int,
    source: ImageSource,
    position: int,
    model: LoadedModel,
    opened: PreparedFile,
    scores: np.ndarray,
    predict_ms: float,
    with_input: bool,
    verdict: DomainVerdict | None = None,
    ask: Callable[[np.ndarray, bool], ModelAnswers] | None = None,
) -> Prediction:
    """The answer for one row of scores; raises ``no-result`` where they are no numbers. ``ask`` reads the digits of
    a picture that holds several, as :meth:`LoadedModel.answer` does.

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
        prepared=opened.prepared.pixels if with_input else None,
        prepared_sha256=opened.prepared.sha256(),
        original_size=opened.original_size,
        format=opened.format,
        frames=opened.frames,
        notices=opened.notices,
        elapsed=Elapsed(opened.decode_ms, opened.prepare_ms, predict_ms),
        device=DEVICE,
        position=position,
        domain=with_notices(verdict, opened.notices),
        wording=model.words.answer(scores) if model.words is not None else None,
        several=_read(opened, model, ask) if ask is not None else (),
    )


def _read(
    opened: PreparedFile, model: LoadedModel, ask: Callable[[np.ndarray, bool], ModelAnswers]
) -> tuple[tuple[str, float], ...]:
    """The answer and its score for each digit of a picture that holds several; none where a piece is no digit."""
    if not opened.prepared.pieces:
        return ()
    manifest, found = model.manifest, []
    for row, verdict in zip(*ask(np.stack(opened.prepared.pieces), True), strict=True):
        check_scores(row)
        if verdict is not None and not verdict.inside:
            return ()
        index = manifest.decision.choose(row)
        found.append((manifest.labels[index], float(row[index])))
    return tuple(found)


def with_notices(verdict: DomainVerdict | None, notices: tuple[Notice, ...]) -> DomainVerdict | None:
    """The domain gate's ``verdict`` on a picture, and what its preparing noticed: no drawing is no digit, and neither
    are two of them or a page."""
    noticed = [_REASONS[notice.code] for notice in notices if notice.code in _REASONS]
    if verdict is None or not noticed:
        return verdict
    return DomainVerdict(max(verdict.score, LEAST_FLAGGED), False, (*noticed, *verdict.reasons))


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
    text = phrase("an unexpected fault stopped this picture ({name})", name=type(error).__name__)
    return Failure(request_id, "internal", text, "", source, position, model_failed)


def thumbnail_of(
    request: ThumbnailRequest, decoders: Workers, cancelled: Callable[[], bool] = lambda: False
) -> Thumbnail:
    """The small picture that was asked for; without pixels where the file cannot be opened."""
    try:
        # Twice the side: the decoder's own reduction is coarse, the last step is antialiased.
        pixels = show(request.source, request.side, 2 * request.side, decoders, cancelled).pixels
    except FoveaError:  # a list shows a broken picture as such; its reason comes with its prediction
        return Thumbnail(request.id, request.source, None)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return Thumbnail(request.id, request.source, np.ascontiguousarray(pixels))
