"""What a network of the store makes of pictures before it names them: its embedding, through LiteRT, kept by content.

    with Embedder.of("efficientnet-lite0") as embedder:
        found = embedder.dataset(open_dataset(folder))      # or .sources([...]), .prepared(images, sha256)
        found.rows                                          # float32 (n, 1280); NaN where a picture did not open

The embedding of a network that has learned from many photographs tells alike pictures from unlike ones whatever they
show: a classifier, a search or a second opinion is built upon it in seconds. A picture is looked at once: the rows lie
in :class:`desktop.store.embedding_cache.EmbeddingCache`, and are found again by the content of the file, wherever it
lies. Neither Keras nor TensorFlow is needed. Not for the window's process: LiteRT computes here.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from desktop.core.data.dataset import LabelledDataset
from desktop.core.pictures.decode_in_child import bring_in_each, content_of
from desktop.core.pictures.preprocess import prepare
from desktop.core.progress import Progress, untold
from desktop.core.types import DecodedImage, FoveaError, ImageSource, StoreError
from desktop.ml.convert.litert import LiteRT
from desktop.ml.data.arrays import Images
from desktop.ml.data.cache import VERSION
from desktop.store.catalogue import EVERYDAY as EVERYDAY
from desktop.store.embedding_cache import EmbeddingCache
from desktop.store.store import ModelEntry, ModelStore, check_usable, read_verified
from desktop.system.words import phrase

_BATCH = 16
_AHEAD = 2  # pieces decoded ahead for each thread

Reader = Callable[[int], tuple[ImageSource, int, bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """``rows`` float32 (n, size), in the order asked for, NaN for pictures that did not open; ``failures`` says why, by
    position. ``computed``: how many the network looked at now, the others were known."""

    rows: np.ndarray
    failures: dict[int, FoveaError]
    computed: int

    @property
    def opened(self) -> np.ndarray:
        """Which pictures have a row: bool (n,)."""
        good = np.ones(len(self.rows), bool)
        good[list(self.failures)] = False
        return good


class Embedder:
    """A verified model with an embedding, ready to look at pictures; a context manager. One thread at a time.

    ``cache``: ``None`` keeps nothing. ``stages``: rows hold what the network knows at the ends of its stages behind the
    embedding, where it gives that (see :func:`desktop.ml.nets.imagenet.with_outputs`): better for a classifier, longer.
    ``mirrored``: rows are those of the pictures' mirror images.

    Raises :class:`StoreError` (``damaged``, ``not-installed``, ``no-embedding``).
    """

    def __init__(
        self,
        entry: ModelEntry,
        cache: EmbeddingCache | None,
        threads: int | None = None,
        stages: bool = False,
        mirrored: bool = False,
    ) -> None:
        self.manifest = check_usable(entry)
        position = self.manifest.outputs.get("embedding")
        if position is None:
            raise StoreError(
                "no-embedding",
                phrase(
                    "'{name}' gives scores alone, nothing that another classifier could build upon",
                    name=self.manifest.name,
                ),
                "Choose another model.",
            )
        self.spec = self.manifest.preprocess
        self._positions = [position]
        if stages:
            if "stages" not in self.manifest.outputs:
                raise StoreError(
                    "no-embedding",
                    phrase("'{name}' does not give what its stages know", name=self.manifest.name),
                    "Take its embedding, or install the model again.",
                )
            self._positions.append(self.manifest.outputs["stages"])
        self._mirrored = mirrored
        self._cores = threads or max(1, min(8, os.cpu_count() or 1))
        self._lite = LiteRT(read_verified(entry, "model.tflite"), self._cores)
        self._cache = cache
        about = [self.manifest.files["model.tflite"].sha256, asdict(self.spec), VERSION]
        about += ["stages"] * stages + ["mirrored"] * mirrored
        self._identity = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).digest()
        blank = np.zeros((1, self.spec.height, self.spec.width, self.spec.channels), np.uint8)
        parts = self._lite.run(blank, _BATCH, only=self._positions)
        self.widths = tuple(part.size for part in parts)
        """How many numbers of a row come from each place in the network: the embedding, then the stages' ends."""
        self.size = sum(self.widths)
        """Numbers in a row."""

    @classmethod
    def of(cls, model: str = EVERYDAY, store: ModelStore | None = None, threads: int | None = None) -> Embedder:
        """The embedder of the store's model of that id, with the user's cache. Raises :class:`StoreError`."""
        return cls((store or ModelStore()).require(model), EmbeddingCache(), threads)

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cache is not None:
            self._cache.close()

    @property
    def identity(self) -> str:
        """What rows depend on beside the picture: network, preparing. 64 hexadecimal digits."""
        return self._identity.hex()

    def prepared(self, images: Images, sha256: np.ndarray | None = None, progress: Progress = untold) -> np.ndarray:
        """The rows, float32 (n, size), of pictures that are prepared by :attr:`spec`: uint8 (n, height, width,
        channels), possibly mapped from disk.

        ``sha256``, uint8 (n, 32), of the contents that they were prepared from, as
        :class:`desktop.ml.data.cache.Prepared` has them: then rows that are known are not computed again.
        """
        count = len(images)
        rows = np.empty((count, self.size), np.float32)
        progress(0, count)
        for start in range(0, count, 8 * _BATCH):
            part = np.arange(start, min(count, start + 8 * _BATCH))
            keys = [self.key(sha256[i].tobytes()) for i in part] if sha256 is not None else []
            known = self._known(keys)
            left = [i for i, key in zip(part, keys, strict=True) if key not in known] if keys else list(part)
            for i, key in zip(part, keys, strict=False):
                if key in known:
                    rows[i] = known[key]
            if left:
                rows[left] = self._compute(np.asarray(images[left]))
                if sha256 is not None:
                    self._keep({self.key(sha256[i].tobytes()): rows[i] for i in left})
            progress(int(part[-1]) + 1, count)
        return rows

    def pictures(self, pictures: Sequence[DecodedImage | np.ndarray]) -> np.ndarray:
        """The rows of decoded pictures (or their pixels, see :func:`desktop.core.pictures.preprocess.prepare`), without
        the cache. Raises :class:`desktop.core.types.PrepareError`."""
        if not pictures:
            return np.empty((0, self.size), np.float32)
        return self._compute(np.stack([prepare(picture, self.spec).pixels for picture in pictures]))

    def sources(
        self, sources: Sequence[ImageSource], progress: Progress = untold, workers: int | None = None
    ) -> Embedded:
        """Look at files or bytes; what does not open is told in the result."""
        return self._look(len(sources), lambda position: content_of(sources[position]), progress, workers)

    def dataset(self, data: LabelledDataset, progress: Progress = untold, workers: int | None = None) -> Embedded:
        """Look at all pictures of ``data``, in its order."""

        def read(position: int) -> tuple[ImageSource, int, bytes]:
            source = data.source(position)
            return content_of(source, data.digest(position) if source.path is None else None)

        return self._look(len(data), read, progress, workers)

    def key(self, content_sha256: bytes, frame: int = 0) -> bytes:
        """What the row of a picture is kept under; ``content_sha256`` (32 bytes) of the file, ``frame`` of several."""
        return hashlib.sha256(self._identity + content_sha256 + frame.to_bytes(8, "little")).digest()

    def _look(self, count: int, read: Reader, progress: Progress, workers: int | None) -> Embedded:
        rows = np.full((count, self.size), np.nan, np.float32)
        failures: dict[int, FoveaError] = {}
        computed = 0
        progress(0, count)
        done = 0
        for piece in self._pieces(count, read, workers or max(2, self._cores)):
            fresh = [item for item in piece if isinstance(item.found, np.ndarray) and not item.known]
            pixels = [item.found for item in fresh if isinstance(item.found, np.ndarray)]
            made = self._compute(np.stack(pixels)) if pixels else ()
            for item, row in zip(fresh, made, strict=True):
                rows[item.position] = row
            self._keep({item.key: rows[item.position] for item in fresh if item.key})
            for item in piece:
                if isinstance(item.found, FoveaError):
                    failures[item.position] = item.found
                elif item.known:
                    rows[item.position] = item.found
            computed += len(fresh)
            done += len(piece)
            progress(done, count)
        return Embedded(rows, failures, computed)

    def _pieces(self, count: int, read: Reader, workers: int) -> Iterator[list[_Item]]:
        """The pictures in order, decoded and prepared or known already; some pieces are begun ahead."""
        waiting: collections.deque[Future[list[_Item]]] = collections.deque()
        starts = iter(range(0, count, _BATCH))
        stop = threading.Event()
        with ThreadPoolExecutor(workers, thread_name_prefix="embed") as pool:
            try:
                while True:
                    while len(waiting) < _AHEAD * workers and (start := next(starts, None)) is not None:
                        waiting.append(pool.submit(self._piece, read, start, min(start + _BATCH, count), stop.is_set))
                    if not waiting:
                        return
                    yield waiting.popleft().result()
            finally:
                stop.set()  # ends what is still at work
                for future in waiting:
                    future.cancel()

    def _piece(self, read: Reader, start: int, end: int, cancelled: Callable[[], bool]) -> list[_Item]:
        items, unknown = [], []
        for position in range(start, end):
            source, size, digest = read(position)
            key = self.key(digest, source.frame) if size >= 0 else b""
            row = self._known([key] if key else []).get(key)
            if row is not None:
                items.append(_Item(position, key, row, True))
                continue
            unknown.append((position, key, source))
        made = bring_in_each([source for _, _, source in unknown], self.spec, cancelled=cancelled)
        for (position, key, _), found in zip(unknown, made, strict=True):
            items.append(_Item(position, key, found if isinstance(found, FoveaError) else found.prepared.pixels, False))
        return items

    def _compute(self, images: np.ndarray) -> np.ndarray:
        if self._mirrored:
            images = np.ascontiguousarray(images[:, :, ::-1])
        parts = self._lite.run(images, _BATCH, only=self._positions)
        return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)

    def _known(self, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        return self._cache.get(keys, self.size) if self._cache is not None and keys else {}

    def _keep(self, rows: dict[bytes, np.ndarray]) -> None:
        if self._cache is not None:
            self._cache.put({key: row for key, row in rows.items() if np.isfinite(row).all()})


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """One picture on its way: its row where it is ``known``, else its prepared pixels, or why it does not open."""

    position: int
    key: bytes
    found: np.ndarray | FoveaError
    known: bool
