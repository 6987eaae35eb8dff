"""Looking through a folder in a process of its own, so that the window neither waits nor falls with a bad picture.

For the window: start an :class:`InspectionClient`, ask :meth:`~InspectionClient.events` from a thread until one of
:class:`InspectionDone` and :class:`InspectionFailed` has come, and :meth:`~InspectionClient.close` it. Cancelling is
:meth:`~InspectionClient.cancel` (an :class:`InspectionFailed` of kind ``cancelled`` follows) or just closing.

    with InspectionClient(folder) as client:
        while not client.ended:
            for event in client.events(timeout=0.2):
                ...
"""

from __future__ import annotations

from desktop.engine import launch
from desktop.engine.child_client import EventsClient
from desktop.engine.inspection_events import InspectionDone, InspectionEvent, InspectionFailed
from desktop.system.words import phrase


class InspectionClient(EventsClient[InspectionEvent]):
    """One inspection in a child process; a context manager. One thread uses it, :meth:`cancel` may come from any."""

    last_events = (InspectionDone, InspectionFailed)

    def __init__(self, path: str, near: bool = True) -> None:
        super().__init__(launch.inspector, (str(path), near), "fovea-inspector")

    def cancel(self) -> None:
        """Ask the child to stop; an :class:`InspectionFailed` of kind ``cancelled`` follows soon."""
        self._hand_in("cancel")

    def _lost(self, code: int | None) -> InspectionEvent:
        text = phrase("the inspection ended without a result (exit status {patience_s})", patience_s=code)
        hint = "A picture or the lack of memory may have ended it: try a part of the data."
        return InspectionFailed("inspector-died", text, hint)
