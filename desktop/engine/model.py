"""A model loaded into LiteRT: the only place in the program that predicts.

Used inside the engine's child process, and by self-tests that ask about one model alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from desktop.core.trust import domain, general_words, saliency, second
from desktop.core.trust.neighbours import Neighbour, Neighbours
from desktop.core.types import DomainVerdict, FoveaError, StoreError
from desktop.engine.mapped import release
from desktop.store.manifest import Manifest
from desktop.store.store import ModelEntry, check_usable, read_verified
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.ml.data.second_look import SecondLook

BATCH = 16  # images a call in a batch: throughput is flat beyond it on CPUs, latency is not
_MAX_THREADS = 8
_LANE_CALLS = (BATCH, 8, 4)  # images a call in a lane: fewer where a network's intermediate values are large
_LANES_BYTES = 512 * 2**20  # what all lanes of a model may take together
_LARGE_BYTES = 128 * 2**20
"""A file of a larger network is asked one picture at a time: a second interpreter would hold all its weights again."""
_SCORES = ("probabilities",)


class ModelAnswers(NamedTuple):
    """Scores float32 (n, classes), and for each picture the domain gate's verdict where it was asked for."""

    scores: np.ndarray
    verdicts: tuple[DomainVerdict | None, ...]


def default_threads() -> int:
    """Threads that one prediction may use: the cores of this computer, at most eight."""
    return max(1, min(_MAX_THREADS, os.cpu_count() or 1))


class LoadedModel:
    """A verified model of the store, ready to answer.

    ``second_look`` is asked, when it is first needed, for what gives a second opinion on pictures that the model's gate
    takes for its kind; without one the gate alone decides. Raises :class:`StoreError` (``damaged``, ``not-installed``,
    ``mismatch``) when its files do not carry their checksums or do not fit their description.
    """

    def __init__(
        self,
        entry: ModelEntry,
        threads: int | None = None,
        second_look: Callable[[], SecondLook | None] = lambda: None,
    ) -> None:
        self.manifest: Manifest = check_usable(entry)
        self.file_sha256 = self.manifest.files["model.tflite"].sha256
        self._path = str(read_verified(entry, "model.tflite"))
        self._threads = threads or default_threads()
        large = self.manifest.files["model.tflite"].size > _LARGE_BYTES
        self._main = _Lane(self._path, self.manifest, self._threads, 1 if large else BATCH)
        self.lane_call = self._largest_call(self._main.runner(1).largest_bytes)
        self._idle: list[_Lane] = []
        self.gate = self._gate(entry)
        self._second = _SecondOpinion(entry, second_look) if second.FILE in self.manifest.files else None
        self.head = self._head(entry)
        self.words = general_words.for_labels(self.manifest.label_ids)
        self._neighbours = Neighbours.read(self.file_sha256) if self.gate is not None else None

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Scores of prepared images; one thread at a time may ask.

        ``batch``: uint8 (n, height, width, channels). Returns float32 (n, classes); rows may hold NaN where the
        network failed, see :func:`check_scores`.
        """
        return self._main.outputs(batch, _SCORES)["probabilities"]

    def answer(self, batch: np.ndarray, gated: bool) -> ModelAnswers:
        """As :meth:`predict`, with the domain gate's verdicts where ``gated`` and the model has one."""
        return self._judged(batch, self._main.outputs(batch, self._names(gated)), gated)

    def nearest(self, pixels: np.ndarray) -> tuple[Neighbour, ...]:
        """The user's training pictures nearest to prepared ``pixels`` (height, width, channels), where known."""
        if self.gate is None or self._neighbours is None:
            return ()
        found = self.outputs(pixels[np.newaxis])
        row = domain.features(pixels[np.newaxis], found.get("embedding"), found.get("map"), self.gate.toned)[0]
        return self._neighbours.nearest(self.gate, row)

    @property
    def map_shape(self) -> tuple[int, ...] | None:
        """The shape (1, rows, columns, features) of the network's last map, where it gives one."""
        return self._main.runner(1).shape_of("map")

    def outputs(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs of the network by name (``probabilities``, and ``embedding`` and ``map`` where it has them)."""
        return self._main.outputs(batch, tuple(self.manifest.outputs))

    @property
    def lanes(self) -> int:
        """How many threads may call :meth:`predict_apart` at once, best with ``lane_call`` images each; 0 where the
        network is too large for that, or one thread is all it may use."""
        return self._threads if self.lane_call else 0

    def predict_apart(self, batch: np.ndarray) -> np.ndarray:
        """As :meth:`predict`, for several threads at once; see :meth:`answer_apart`."""
        return self.answer_apart(batch, False).scores

    def answer_apart(self, batch: np.ndarray, gated: bool) -> ModelAnswers:
        """As :meth:`answer`, for several threads at once: each call has interpreters of its own with one thread.

        In a batch that is faster than one interpreter with many threads, whose threads wait for each other after every
        layer, and for the pictures to be decoded.
        """
        try:
            lane = self._idle.pop()
        except IndexError:
            lane = _Lane(self._path, self.manifest, 1, self.lane_call)
        try:
            return self._judged(batch, lane.outputs(batch, self._names(gated)), gated)
        finally:
            self._idle.append(lane)

    def _names(self, gated: bool) -> tuple[str, ...]:
        if not gated or self.gate is None:
            return _SCORES
        return tuple(name for name in self.manifest.outputs if name in ("probabilities", "embedding", "map"))

    def _judged(self, batch: np.ndarray, found: dict[str, np.ndarray], gated: bool) -> ModelAnswers:
        if not gated or self.gate is None:
            return ModelAnswers(found["probabilities"], (None,) * len(batch))
        seen = domain.features(batch, found.get("embedding"), found.get("map"), self.gate.toned)
        verdicts = self.gate.verdicts(seen, self.manifest.preprocess.fit == "mnist")
        if self._second is not None:
            verdicts = self._second.beside(batch, verdicts)
        return ModelAnswers(found["probabilities"], tuple(verdicts))

    def _gate(self, entry: ModelEntry) -> domain.Gate | None:
        """The model's domain gate. Raises ``mismatch`` where it was made for another network."""
        if self.manifest.domain is None:
            return None
        gate = domain.from_json(read_verified(entry, self.manifest.domain.file).read_bytes())
        spec = self.manifest.preprocess
        blank = np.zeros((1, spec.height, spec.width, spec.channels), np.uint8)
        found = self._main.outputs(blank, tuple(self.manifest.outputs))
        if gate.toned and spec.channels != 3:
            raise StoreError(
                "mismatch", phrase("the domain gate of model '{id}' is for colour; it takes grey", id=self.manifest.id)
            )
        size = domain.features(blank, found.get("embedding"), found.get("map"), gate.toned).shape[1]
        if gate.shift.shape != (size,):
            raise StoreError(
                "mismatch",
                phrase(
                    "the domain gate of model '{id}' takes {count} features; its network gives {size}",
                    id=self.manifest.id,
                    count=len(gate.shift),
                    size=size,
                ),
            )
        return gate

    def _head(self, entry: ModelEntry) -> saliency.Head | None:
        """The end of the network, where the model tells it. Raises ``mismatch`` where it does not fit."""
        if saliency.FILE not in self.manifest.files:
            return None
        head = saliency.head_from_json(read_verified(entry, saliency.FILE).read_bytes())
        if head.kernel.shape != ((self.map_shape or (0,))[-1], len(self.manifest.labels)):
            raise StoreError(
                "mismatch",
                phrase("'{file}' of model '{id}' does not fit its network", file=saliency.FILE, id=self.manifest.id),
            )
        return head

    def close_lanes(self) -> None:
        """Give back the memory of :meth:`predict_apart`; it may be called again later."""
        self._idle.clear()

    def _largest_call(self, largest_bytes: int) -> int:
        """Images a call with which as many lanes as threads keep within their memory; 0 where no number does.

        A lane holds its weights for two interpreters, of one image and of several, and at once about three arrays as
        large as the network's largest, which grow with the images of a call.
        """
        if self._threads < 2:
            return 0
        room = _LANES_BYTES // self._threads - 2 * self.manifest.files["model.tflite"].size
        return next((call for call in _LANE_CALLS if 3 * call * largest_bytes <= room), 0)


class _SecondOpinion:
    """What the everyday network says of pictures that a model's gate takes for its kind; several threads may ask."""

    def __init__(self, entry: ModelEntry, second_look: Callable[[], SecondLook | None]) -> None:
        self._gate = second.from_json(read_verified(entry, second.FILE).read_bytes())
        self._second_look = second_look

    def beside(self, batch: np.ndarray, verdicts: list[DomainVerdict]) -> list[DomainVerdict]:
        """``verdicts`` on a batch, and what this says of those that are inside."""
        inside = [place for place, verdict in enumerate(verdicts) if verdict.inside]
        if not inside:
            return verdicts
        look = self._second_look()
        if look is None or look.size(batch) != len(self._gate.shift):
            return verdicts
        found = look.features(batch[inside])
        agreed = list(verdicts)
        for place, verdict in zip(inside, self._gate.beside([verdicts[i] for i in inside], found), strict=True):
            agreed[place] = verdict
        return agreed


class _Lane:
    """The interpreters for one thread: one for single images, one for ``call`` images at once, made when needed."""

    def __init__(self, path: str, manifest: Manifest, threads: int, call: int) -> None:
        self._path, self._manifest, self._threads, self._call = path, manifest, threads, call
        self._runners: dict[int, _Runner] = {}
        # A file from elsewhere may take one picture at a time and nothing else.
        self._one_by_one = call < 2 or self.runner(1).one_by_one

    def outputs(self, batch: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """The outputs of those ``names`` for uint8 (n, height, width, channels): float32 (n, …)."""
        count = batch.shape[0]
        if count == 1:
            return self.runner(1).run(batch, names)
        parts = []
        for start in range(0, count, self._call):
            part = batch[start : start + self._call]
            group = self._group() if len(part) == self._call else None
            if group is not None:
                parts.append(group.run(part, names))
            else:
                parts.extend(self.runner(1).run(part[index : index + 1], names) for index in range(len(part)))
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _group(self) -> _Runner | None:
        """The interpreter for full groups; ``None`` where the network answers single pictures alone.

        A file may accept any number at its input and fix one inside: what it answers alone is no reason to refuse it.
        """
        if not self._one_by_one:
            try:
                return self.runner(self._call)
            except StoreError:
                self._one_by_one = True
        return None

    def runner(self, count: int) -> _Runner:
        """The interpreter for ``count`` images at once."""
        runner = self._runners.get(count)
        if runner is None:
            runner = self._runners[count] = _Runner(self._path, count, self._threads, self._manifest)
        return runner


class _Runner:
    """One interpreter with its batch size fixed: resizing a tensor would plan its memory anew each time."""

    def __init__(self, path: str, count: int, threads: int, manifest: Manifest) -> None:
        from ai_edge_litert.interpreter import Interpreter

        spec = manifest.preprocess
        shape = (count, spec.height, spec.width, spec.channels)
        try:
            interpreter: Any = Interpreter(model_path=path, num_threads=threads)
            details = interpreter.get_input_details()[0]
            self._check_input(details, shape)
            self.one_by_one = int(details.get("shape_signature", details["shape"])[0]) != -1
            interpreter.resize_tensor_input(details["index"], shape, strict=True)
            interpreter.allocate_tensors()
            outputs = interpreter.get_output_details()
            if any(len(output["shape"]) == 0 or output["shape"][0] != count for output in outputs):
                # Behind a reshape LiteRT knows a shape only once it has run, and tells the file's own until then.
                interpreter.set_tensor(details["index"], np.zeros(shape, np.uint8))
                interpreter.invoke()
                outputs = interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise StoreError("damaged", phrase("model '{id}' cannot be loaded by LiteRT", id=manifest.id)) from error
        position = manifest.outputs["probabilities"]
        if position >= len(outputs) or tuple(outputs[position]["shape"]) != (count, len(manifest.labels)):
            found = tuple(outputs[position]["shape"]) if position < len(outputs) else phrase("no such output")
            raise StoreError(
                "mismatch",
                phrase(
                    "model '{id}' gives {found}; expected {count} scores, one a label",
                    id=manifest.id,
                    found=found,
                    count=len(manifest.labels),
                ),
            )
        self._interpreter = interpreter
        self._packed_from = path if os.path.getsize(path) > _LARGE_BYTES else ""
        self._input = details["index"]
        for name, place in manifest.outputs.items():
            if place >= len(outputs):
                raise StoreError(
                    "mismatch",
                    phrase("model '{id}' has no output {place} for '{name}'", id=manifest.id, place=place, name=name),
                )
        self._outputs = {name: outputs[place] for name, place in manifest.outputs.items()}
        shapes = [tuple(tensor["shape"]) for tensor in interpreter.get_tensor_details()]
        # Filters may begin with the same number; they are small beside the arrays of images.
        self.largest_bytes = max(4 * int(np.prod(of)) for of in [shape, *shapes] if len(of) > 1 and of[0] == count)

    @staticmethod
    def _check_input(details: dict[str, Any], shape: tuple[int, ...]) -> None:
        signature = tuple(details.get("shape_signature", details["shape"]))
        if details["dtype"] != np.uint8 or len(signature) != 4 or tuple(signature[1:]) != shape[1:]:
            raise StoreError(
                "mismatch",
                phrase(
                    "the network takes {name} {signature}; its description says uint8 {value}",
                    name=np.dtype(details["dtype"]).name,
                    signature=signature,
                    value=("n", *shape[1:]),
                ),
            )

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """The shape of an output, ``None`` where there is none of that name."""
        details = self._outputs.get(name)
        return tuple(details["shape"]) if details is not None else None

    def run(self, batch: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """The outputs of those ``names`` for as many images as this interpreter was made for."""
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        if self._packed_from:  # the first run has packed the weights; the file's own pages are not read again
            release(self._packed_from)
            self._packed_from = ""
        return {name: self._interpreter.get_tensor(self._outputs[name]["index"]) for name in names}


def check_scores(scores: np.ndarray) -> None:
    """Refuse scores that are no answer: NaN or infinity (whose argmax would be a class). Raises ``no-result``."""
    if not np.isfinite(scores).all():
        raise FoveaError(
            "no-result",
            "the network gave no usable numbers for this picture",
            "The picture was read correctly; try another model.",
        )
