"""At the first start of an installation: the models whose weights came with it are made, beside the window.

What is heavy happens in child processes that let everything else go first; the window works meanwhile with the models
that are there. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

if TYPE_CHECKING:
    from desktop.core.types import FoveaError
    from desktop.store.download import Control


class _Maker(QThread):
    begun = Signal(list)
    told = Signal(object)
    made = Signal(list)
    failed = Signal(object)

    def __init__(self, parent: QObject, make: Callable[[Callable[[Any], None], Control], list[str]] | None) -> None:
        super().__init__(parent)
        from desktop.store.download import Control

        self.setObjectName("first-models")
        self.control = Control()
        self._make = make or self._prepare

    def run(self) -> None:
        """The thread itself."""
        from desktop.core.types import FoveaError

        try:
            made = self._make(self.told.emit, self.control)
        except FoveaError as error:
            self.failed.emit(error)
        except Exception as error:  # its text may hold a path: the type has to do
            self.failed.emit(FoveaError("failed", f"it could not be made ({type(error).__name__})"))
        else:
            self.made.emit(made)

    def _prepare(self, tell: Callable[[Any], None], control: Control) -> list[str]:
        from desktop.ml.exchange.prepare import check_package, missing, prepare
        from desktop.store.store import ModelStore

        store = ModelStore()
        check_package(store)
        wanted = missing(store)
        if not wanted or control.cancelled:
            return []
        self.begun.emit([network.name for network in wanted])
        return [manifest.id for manifest in prepare(store, tell, control, patient=True)]


class FirstModels(QObject):
    """Makes what is missing, once; lives in the main thread.

    ``begun`` carries the names of what is being made (not emitted where nothing is missing); ``told`` what
    :mod:`desktop.ml.plans.job_steps` says; then one of ``made``, with the ids (none where nothing was missing), and
    ``failed``, with a :class:`FoveaError` of kind ``cancelled`` where the user ended it.
    """

    begun = Signal(list)
    told = Signal(object)
    made = Signal(list)
    failed = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        make: Callable[[Callable[[Any], None], Control], list[str]] | None = None,
    ) -> None:
        super().__init__(parent)
        self._make = make
        self._maker: _Maker | None = None

    @property
    def running(self) -> bool:
        """Whether models are being made, or looked for."""
        return self._maker is not None

    def start(self) -> None:
        """Look for what is missing and make it."""
        if self._maker is not None:
            return
        self._maker = maker = _Maker(self, self._make)
        maker.begun.connect(self.begun)
        maker.told.connect(self.told)
        maker.made.connect(self._on_made)
        maker.failed.connect(self._on_failed)
        maker.finished.connect(maker.deleteLater)
        maker.start(QThread.Priority.LowPriority)

    @Slot()
    def cancel(self) -> None:
        """End it; ``failed`` with kind ``cancelled`` follows."""
        if self._maker is not None:
            self._maker.control.cancel()

    def stop(self) -> None:
        """End the thread: for the end of the program."""
        maker, self._maker = self._maker, None
        if maker is not None:
            maker.control.cancel()
            maker.wait(15_000)

    @Slot(list)
    def _on_made(self, made: list[str]) -> None:
        self._maker = None
        self.made.emit(made)

    @Slot(object)
    def _on_failed(self, error: FoveaError) -> None:
        self._maker = None
        self.failed.emit(error)
