"""pytest-qt's bot, with limits that suit a busy machine: what a test waits for comes, or the test hangs."""

from __future__ import annotations

from typing import Any

from pytestqt.qtbot import QtBot

from tests.patience import milliseconds


class PatientBot(QtBot):  # type: ignore[misc]
    """Waits at least as long as :func:`tests.patience.milliseconds` says, whatever limit a test names; one that names
    ``raising=False`` wants to know what comes within its own."""

    def waitUntil(self, callback: Any, *, timeout: int = 0) -> None:
        super().waitUntil(callback, timeout=milliseconds(timeout))

    def waitSignal(self, signal: Any, *, timeout: int = 5000, raising: bool | None = None, **how: Any) -> Any:
        limit = milliseconds(timeout) if raising is None or raising else timeout
        return super().waitSignal(signal, timeout=limit, raising=raising, **how)

    def waitSignals(self, signals: list[Any], *, timeout: int = 5000, raising: bool | None = None, **how: Any) -> Any:
        limit = milliseconds(timeout) if raising is None or raising else timeout
        return super().waitSignals(signals, timeout=limit, raising=raising, **how)

    def waitActive(self, widget: Any, *, timeout: int = 0) -> Any:
        return super().waitActive(widget, timeout=milliseconds(timeout))
