"""Learning from a project's labels in a process of its own: features ahead of the eye, a new head after each label.

    with TeachClient(project.folder) as client:
        client.send(LookAgain())
        while not client.ended:
            for event in client.events(timeout=0.2):
                ...

The child looks at the project's pictures as soon as it is started, and learns from the labels that are there. After
each change that was made through :class:`desktop.store.project.Project` say :class:`LookAgain`; several that come
while it is learning count as one.
"""

from __future__ import annotations

from pathlib import Path

from desktop.engine import child, launch
from desktop.engine.child_client import EventsClient
from desktop.engine.teaching_events import Request, TeachEvent, TeachingEnded
from desktop.store.catalogue import EVERYDAY
from desktop.system.words import phrase


class TeachClient(EventsClient[TeachEvent]):
    """The process that learns from the project in ``folder``; a context manager. One thread asks :meth:`events`,
    :meth:`send` may come from any. ``network`` is the model whose features are learned from."""

    last_events = (TeachingEnded,)
    asked_s = 2.0

    def __init__(self, folder: Path, network: str = EVERYDAY, threads: int | None = None) -> None:
        super().__init__(launch.teacher, (str(folder), network, threads), "fovea-teacher")

    def send(self, *requests: Request) -> None:
        """Hand requests in; returns at once."""
        self._hand_in(*requests)

    def _lost(self, code: int | None) -> TeachEvent:
        text = phrase("the process that learns from labels has ended ({why})", why=child.reason(code))
        return TeachingEnded(text, "Every label is kept. Open the project again: it goes on.")
