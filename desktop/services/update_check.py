"""Asking for updates in a thread; only ever when the user says so."""

from __future__ import annotations

import contextlib

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import run_aside


class UpdateCheck(QObject):
    """``found`` carries the :class:`~desktop.system.updates.Release` that was read, ``failed`` why there is none.

    The answer to a question that was taken back never comes; its thread waits for the network on its own and keeps
    neither the window nor the program's end waiting.
    """

    found = Signal(object)  # what is new, or None
    failed = Signal(str)
    _ended = Signal(int, object)  # an answer, or a sentence that says why there is none

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._asking = False
        self._ended.connect(self._on_end)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is awaited."""
        return self._asking

    def ask(self, address: str) -> None:
        """Read the file at ``address``; a question under way is taken back."""
        self._number += 1
        self._asking = True
        run_aside(self._ask, self._number, address, name="updates")

    def cancel(self) -> None:
        """Take the question back."""
        self._number += 1
        self._asking = False

    def _ask(self, number: int, address: str) -> None:
        from desktop.system import updates

        answer: object
        try:
            answer = updates.fetch(address)
        except updates.UpdateError as error:
            answer = f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".strip()
        with contextlib.suppress(RuntimeError):  # the window was closed meanwhile
            self._ended.emit(number, answer)

    @Slot(int, object)
    def _on_end(self, number: int, answer: object) -> None:
        if number != self._number or not self._asking:
            return
        self._asking = False
        if isinstance(answer, str):
            self.failed.emit(answer)
        else:
            self.found.emit(answer)
