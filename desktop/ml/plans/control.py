"""How somebody outside steers a running training. Pure Python: the window's process may use it."""

from __future__ import annotations

from typing import Literal, Protocol

Command = Literal["pause", "resume", "stop-after-epoch", "stop-after-batch", "cancel"]


class Control(Protocol):
    """Polled after every step of the training and between its phases, and every tenth of a second in a pause."""

    def command(self) -> Command | None:
        """The next wish that has not been handed out yet, or ``None``.

        ``pause`` and ``resume``; ``stop-after-epoch``: end this epoch, then make the model of what there is;
        ``stop-after-batch``: write a checkpoint now and end, to be taken up later; ``cancel``: end now.
        """
        ...


class Undisturbed:
    """Nobody wants anything."""

    def command(self) -> Command | None:
        """Nothing."""
        return None


class Cancelled(Exception):  # noqa: N818 - the user's wish, not an error
    """``cancel`` was asked for."""


class Steering:
    """What was asked for so far: keeps a wish until the loop comes to where it can be granted."""

    def __init__(self, control: Control) -> None:
        self.source = control
        self.paused = False
        self.stop_after_epoch = False
        self.stop_after_batch = False
        self.cancelled = False

    def poll(self) -> None:
        """Take in every wish that waits."""
        while (wish := self.source.command()) is not None:
            if wish == "pause":
                self.paused = True
            elif wish == "resume":
                self.paused = False
            elif wish == "stop-after-epoch":
                self.stop_after_epoch, self.paused = True, False
            elif wish == "stop-after-batch":
                self.stop_after_batch, self.paused = True, False
            elif wish == "cancel":
                self.cancelled, self.paused = True, False

    def check(self) -> None:
        """For work that can only be cancelled. Raises :class:`Cancelled`."""
        self.poll()
        if self.cancelled:
            raise Cancelled

    @property
    def interrupted(self) -> bool:
        """Whether the epoch at work has to end here."""
        return self.cancelled or self.stop_after_batch
