"""Bringing the classes of some data and the labels of a model together, with what the user once said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.data.label_map import LabelMap
    from desktop.core.figures.store import EvaluationStore
    from desktop.core.types import FoveaError
    from desktop.store.store import ModelEntry


class Matching:
    """Mappings that were confirmed, read once each from what ``open_store`` opens."""

    def __init__(self, open_store: Callable[[], EvaluationStore]) -> None:
        self._open_store = open_store
        self._held: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}

    def known(self, model_id: str, classes: tuple[str, ...]) -> dict[str, str]:
        """What the user said before of these classes for this model."""
        key = (model_id, tuple(sorted(classes)))
        if key not in self._held:
            self._held[key] = self._open_store().recall_mapping(model_id, classes) or {}
        return self._held[key]

    def keep(self, model_id: str, classes: tuple[str, ...], mapping: dict[str, str]) -> None:
        """The user said this."""
        self._held[model_id, tuple(sorted(classes))] = mapping

    def labels(self, data: LabelledDataset, entry: ModelEntry) -> LabelMap:
        """Which label each class means. Raises :class:`FoveaError` where that is not plain."""
        from desktop.app.evaluating import labels_for

        return labels_for(entry, data, self.known(entry.id, data.classes))

    def obstacle(self, data: LabelledDataset | None, entry: ModelEntry | None, split_known: bool) -> FoveaError | None:
        """Why an evaluation cannot begin; ``None`` where it can."""
        from desktop.core.types import FoveaError
        from desktop.store.store import check_usable

        try:
            if data is None:
                return FoveaError("no-data", "no labelled folder is open", "Open one.")
            if not split_known:
                listing = ", ".join(data.splits)
                return FoveaError("split-needed", f"'{data.title}' has the splits {listing}", "Say which one is meant.")
            if entry is None:
                return FoveaError("no-such-model", "no model is chosen", "Choose one.")
            check_usable(entry)
            self.labels(data, entry)
        except FoveaError as error:
            return error
        return None
