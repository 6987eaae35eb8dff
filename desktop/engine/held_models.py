"""The models that an engine keeps in memory, so that who is asked again need not be loaded again."""

from __future__ import annotations

import collections
import threading
from typing import TYPE_CHECKING

from desktop.engine.model import LoadedModel
from desktop.store.store import ModelStore

if TYPE_CHECKING:
    from desktop.ml.data.second_look import SecondLook

_MOST = 5  # three that were asked for in turn, and those that may be asked whether they would suit


class HeldModels:
    """The models of ``store`` that were asked for last, each with ``threads`` for one prediction. One thread loads;
    :meth:`second_look` may be asked for from any."""

    def __init__(self, store: ModelStore, threads: int) -> None:
        self._store, self._threads = store, threads
        self._held: collections.OrderedDict[str, tuple[str, LoadedModel]] = collections.OrderedDict()
        self._second_looks: list[SecondLook | None] = []  # at most one
        self._second_lock = threading.Lock()

    def load(self, model_id: str) -> LoadedModel:
        """The model, from memory where its file is still the one that was loaded. Raises :class:`StoreError`."""
        entry = self._store.require(model_id)
        assert entry.manifest is not None
        held = self._held.get(model_id)
        checksum = entry.manifest.files["model.tflite"].sha256
        if held is not None and held[0] == checksum and held[1].manifest == entry.manifest:
            self._held.move_to_end(model_id)
            return held[1]
        model = LoadedModel(entry, self._threads, self.second_look)
        self._held[model_id] = (checksum, model)
        while len(self._held) > _MOST:
            self._held.popitem(last=False)
        return model

    def held(self, model_id: str) -> LoadedModel | None:
        """The model of that id as it is in memory, ``None`` where it is not."""
        checksum_and_model = self._held.get(model_id)
        return None if checksum_and_model is None else checksum_and_model[1]

    def close_other_lanes(self, model: LoadedModel) -> None:
        """Take the lanes of all models but ``model`` away: their interpreters need memory."""
        for _, other in self._held.values():
            if other is not model:
                other.close_lanes()

    def second_look(self) -> SecondLook | None:
        """The everyday network for second opinions, loaded once; ``None`` where it is not installed."""
        with self._second_lock:
            if not self._second_looks:
                from desktop.ml.data.second_look import SecondLook  # most engines never need it

                self._second_looks.append(SecondLook.of(self._store, self._threads))
            return self._second_looks[0]
