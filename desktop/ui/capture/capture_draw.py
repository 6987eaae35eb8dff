"""A picture of the Draw view after its real answer; see :mod:`desktop.ui.capture.capture`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from desktop.core.drawings import strokes
from desktop.ui.capture.capture import save, staged, wait_for

if TYPE_CHECKING:
    from desktop.ui.draw.view import DrawView


def capture_draw(
    file: str, model_id: str, size: tuple[int, int], theme: str, out: str, timeout_s: float = 60, under: str = ""
) -> None:
    """Save the Draw view with the strokes of ``file`` ('' leaves the sheet empty) over the picture ``under``.

    Raises :class:`DrawingError` for a file that is no drawing, :class:`FoveaError` of kind ``timeout`` and those of
    :func:`desktop.ui.capture.capture.staged`.
    """
    drawing = strokes.load(Path(file)) if file else ()
    with staged(size, theme, model_id, (), timeout_s) as shell:
        shell.window.show_view("draw")
        view = cast("DrawView", shell.window.later("draw"))
        if model_id:
            view.choose_model(model_id)
        if under:
            view.open_paths([under])
            wait_for(lambda: view.canvas.under is not None, timeout_s, "the picture below")
        if drawing:
            view.canvas.set_drawing(drawing, view.canvas.under)
        if drawing or under:
            wait_for(lambda: view.answered, timeout_s, "the answer")
        save(shell.window, out)
