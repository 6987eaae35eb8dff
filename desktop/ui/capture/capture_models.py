"""The Models view as a picture, with a model chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.ui.capture.capture import save, staged, wait_for

if TYPE_CHECKING:
    from desktop.ui.models.view import ModelsView


def capture_models(
    model_id: str, tab: str, size: tuple[int, int], theme: str, out: str, timeout_s: float = 120
) -> None:
    """Save the Models view as PNG; see :func:`desktop.ui.capture.capture.staged`.

    ``model_id`` is a model's or a network's id ('' for the first); ``tab`` one of ``card``, ``curves``, ``evaluation``,
    ``layers``, ``files``. Raises :class:`FoveaError` of kind ``no-such-model``, and those of ``staged`` and ``save``.
    """
    with staged(size, theme) as shell:
        shell.window.show_view("models")
        view: ModelsView = shell.window.later("models")  # type: ignore[assignment]
        wait_for(lambda: view.settled and bool(view.list.cards), timeout_s, "the models")
        if model_id and not view.list.choose(model_id):
            raise FoveaError("no-such-model", f"there is no model '{model_id}'")
        view.detail.open_tab(tab)
        plots = (view.detail.curves.loss, view.detail.curves.accuracy)
        wait_for(lambda: view.settled, timeout_s, "the model")
        if tab == "curves":
            wait_for(lambda: all(plot.settled for plot in plots), timeout_s, "the curves")
        save(shell.window, out)
