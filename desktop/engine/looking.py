"""Pictures to look at, as the engine answers for them: as they are, as samples of an augmentation, as a radiograph."""

from __future__ import annotations

from collections.abc import Callable

from desktop.core.pictures.decode_in_child import one, show
from desktop.engine.messages import (
    Answer,
    Preview,
    PreviewRequest,
    RadiographAnswer,
    RadiographRequest,
    SampleRequest,
)
from desktop.system.workers import Workers

LookRequest = PreviewRequest | SampleRequest | RadiographRequest


def picture_of(request: LookRequest, decoders: Workers, cancelled: Callable[[], bool]) -> Answer:
    """The answer to ``request``, opened by ``decoders``. Raises FoveaError for a picture that does not open, and
    :class:`desktop.system.workers.WorkCancelled`."""
    if isinstance(request, SampleRequest):
        from desktop.engine.sampling import samples_of  # draws OpenCV in, which most engines never need

        return samples_of(request, decoders, cancelled)
    if isinstance(request, RadiographRequest):
        item = (request.source, request.max_side, request.reveal)
        study = one("desktop.core.pictures.dicom.study:read_item", item, decoders, cancelled)
        return RadiographAnswer(request.id, request.source, study)
    shown = show(request.source, request.max_side, None, decoders, cancelled)
    return Preview(
        request.id,
        request.source,
        shown.pixels,
        shown.original_size,
        shown.format,
        shown.frames,
        shown.notices,
        request.slot,
    )
