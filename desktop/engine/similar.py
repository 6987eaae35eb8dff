"""Which pictures are like one: looked at by a network that knows photographs, in a process of its own.

For a thread: :func:`similar_to` starts the process, hears of its progress and sees it end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desktop.core.types import FoveaError, ImageSource
from desktop.engine import child, launch
from desktop.system.child_process import ChildProcess
from desktop.system.words import phrase

_LOOK_S = 0.2


class SimilarCancelled(Exception):  # noqa: N818 - the user's wish, not an error
    """``cancelled`` answered true."""


def similar_to(
    wanted: ImageSource,
    sources: Sequence[ImageSource],
    model: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[float | None]:
    """How alike each of ``sources`` is to ``wanted``: the cosine of their embeddings, -1 to 1; ``None`` for one that
    does not open.

    The embedding is that of the network for everyday photographs, where that is installed, else of ``model``. What was
    looked at before is known by its content. Raises FoveaError: no network with an embedding, ``wanted`` does not open;
    :class:`SimilarCancelled`.
    """
    try:
        process = ChildProcess(launch.similar, (wanted, tuple(sources), model), "fovea-similar")
    except (OSError, MemoryError) as error:
        raise FoveaError("no-process", "no process could be started to look at the pictures", "Try again.") from error
    try:
        while True:
            process.wait(_LOOK_S)
            for message in process.receive():
                if isinstance(message, FoveaError):
                    raise message
                if isinstance(message, list):
                    return message
                progress(*message)
            if cancelled():
                raise SimilarCancelled
            if process.over:
                reason = child.reason(process.collect(2.0))
                told = phrase("what looks at the pictures stopped ({reason})", reason=reason)
                raise FoveaError("crashed", told, "Try again.")
    finally:
        process.kill()
        process.end(killed=2.0)
