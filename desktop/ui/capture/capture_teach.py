"""The Teach view as a picture, with a project of the user's open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.engine.teaching_events import Learned, LookedAt, TeachingEnded
from desktop.ui.capture.capture import save, staged, wait_for

if TYPE_CHECKING:
    from desktop.ui.teach.view import TeachView


def capture_teach(
    project: str, order: str, size: tuple[int, int], theme: str, out: str, timeout_s: float = 300
) -> None:
    """Save the Teach view as PNG; see :func:`desktop.ui.capture.capture.staged`.

    ``project`` is an id or a name ('' for the list of projects), ``order`` what is shown next ('' for all pictures).
    Waits until every picture was looked at and what is labelled was learned. Raises :class:`FoveaError` of the kinds
    ``no-project`` and ``not-learned``, and those of ``staged`` and ``save``.
    """
    with staged(size, theme) as shell:
        shell.window.show_view("teach")
        view: TeachView = shell.window.later("teach")  # type: ignore[assignment]
        teaching = view.teaching
        wait_for(lambda: not view.disk.busy, timeout_s, "the projects")
        if project:
            looked: list[LookedAt] = []
            learned: list[Learned] = []
            ended: list[str] = []
            teaching.looked.connect(looked.append)
            teaching.learned.connect(learned.append)

            def on_end(event: TeachingEnded) -> None:
                ended.append(event.message)

            teaching.lost.connect(on_end)
            view.open_project(view.store.find(project))
            wait_for(lambda: teaching.project is not None, timeout_s, "the project")

            def settled() -> bool:
                done = bool(looked) and looked[-1].done >= looked[-1].total
                labels = sum(shown.count for shown in teaching.classes)
                known = bool(learned) and (len(learned[-1].labelled) + looked[-1].broken >= labels) if looked else False
                return bool(ended) or (done and known)

            wait_for(settled, timeout_s, "what is learned")
            if ended:
                raise FoveaError("not-learned", ended[-1] or "the learning process has ended")
            if order:
                view.pictures.choose(order)
            gallery = view.pictures

            def complete() -> bool:
                seen = gallery.view.visible_rows()
                ids = [gallery.model.id_at(row) for row in seen]
                plots = view.learned.plot
                return (
                    not gallery.waiting
                    and bool(ids)
                    and not gallery.model.awaited(ids)
                    and (plots.isHidden() or plots.settled)
                )

            wait_for(complete, timeout_s, "the pictures")
            wait_for(lambda: view.side.image[0] is not None or not view.side.picture_id, timeout_s, "the picture")
        save(shell.window, out)
