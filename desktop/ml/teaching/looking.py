"""Looking at a project's pictures ahead of the eye: their features, facts, and what does not open.

One process looks at a project's pictures at a time, whoever has it open; the others see what it finds. Each picture is
opened once: by content, so that a file that was moved or copied is known already.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from desktop.core.data.glances import Glance, NotOpened, glances
from desktop.core.data.persons import group_of_name, headers_of
from desktop.core.types import ImageSource
from desktop.ml.convert.embeddings import Embedder
from desktop.store.locks import Busy, hold
from desktop.store.project import Project
from desktop.store.project_facts import PictureState
from desktop.store.project_rows import FeatureRows, RowKey
from desktop.system.workers import WorkCancelled

_BATCH = 16
_COMMIT_S, _COMMIT_AT = 0.4, 96
_IDLE_S = 0.5  # until it is asked again whether there is something new
LOCK = "looking.lock"


@dataclass(frozen=True, slots=True)
class LookingProgress:
    """``done`` of ``total`` pictures were looked at, ``broken`` do not open; ``ids`` of the last ones; pictures a
    second."""

    done: int
    total: int
    broken: int
    rate: float
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    id: int
    path: str
    frame: int
    sha256: bytes | None  # of what was labelled, where it was


class Looker:
    """Looks at the pictures of ``project`` that nobody has looked at; ``tell`` hears how far it is.

    ``run`` is for a thread of its own; the other methods may come from any.
    """

    def __init__(
        self, project: Project, rows: FeatureRows, embedder: Embedder, tell: Callable[[LookingProgress], None]
    ) -> None:
        self._project, self._rows, self._embedder, self._tell = project, rows, embedder, tell
        self._bell = threading.Condition()
        self._first: collections.deque[int] = collections.deque(maxlen=2_000)
        self._woken = True
        self._stopped = False
        self._paused = False
        self._busy = 0
        self._last: tuple[int, int, int] | None = None  # told last
        self._under_way: set[int] = set()  # begun and not on the disk yet

    def ahead(self, ids: Sequence[int]) -> None:
        """These come first."""
        with self._bell:
            self._first.extendleft(reversed(ids))
            self._woken = True
            self._bell.notify_all()

    def wake(self) -> None:
        """There may be new pictures."""
        with self._bell:
            self._woken = True
            self._bell.notify_all()

    def pause(self, paused: bool) -> None:
        """Look at nothing until ``False`` comes."""
        with self._bell:
            self._paused = paused
            self._bell.notify_all()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """While in this context, nothing new is begun: somebody waits for a head."""
        with self._bell:
            self._busy += 1
        try:
            yield
        finally:
            with self._bell:
                self._busy -= 1
                self._bell.notify_all()

    def stop(self) -> None:
        """End :meth:`run` within a batch's time."""
        with self._bell:
            self._stopped = True
            self._bell.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped

    def run(self) -> None:
        """Look until stopped. What the disk refuses ends it: raises :class:`desktop.core.types.StoreError`."""
        while not self._stopped:
            try:
                with hold(self._project.folder / LOCK):
                    self._as_the_one()
            except Busy:  # another window looks at them
                self._report(())
                self._rest()

    def _as_the_one(self) -> None:
        while not self._stopped:
            if not self._round():
                self._report(())
                self._rest()

    def _rest(self) -> None:
        with self._bell:
            if not self._woken and not self._stopped:
                self._bell.wait(_IDLE_S)
            if self._woken:
                self._last = None  # whoever woke it wants to hear how far it is
            self._woken = False

    def _round(self) -> bool:
        """Look at what there is; whether there was anything."""
        began, seen = time.monotonic(), 0
        done: list[tuple[_Wanted, Glance | NotOpened]] = []
        ids: list[int] = []
        rows: dict[RowKey, np.ndarray] = {}
        last = began
        with ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1)), thread_name_prefix="look") as pool:
            for portion in self._ahead(pool):
                rows |= self._embedded(portion)
                done += portion
                seen += len(portion)
                now = time.monotonic()
                if len(done) >= _COMMIT_AT or now - last >= _COMMIT_S:
                    ids = self._commit(done, rows)
                    self._report(tuple(ids), seen / max(1e-6, now - began))
                    done, rows, last = [], {}, now
            if done:
                ids = self._commit(done, rows)
                self._report(tuple(ids), seen / max(1e-6, time.monotonic() - began))
        return seen > 0

    def _ahead(self, pool: ThreadPoolExecutor) -> Iterator[list[tuple[_Wanted, Glance | NotOpened]]]:
        waiting: collections.deque[Future[list[tuple[_Wanted, Glance | NotOpened]]]] = collections.deque()
        under_way = self._under_way = set[int]()
        try:
            while True:
                while len(waiting) < 4 and (portion := self._next(under_way)):
                    waiting.append(pool.submit(self._glanced, portion))
                if not waiting:
                    return
                yield waiting.popleft().result()
                with self._bell:
                    while (self._busy or self._paused) and not self._stopped:
                        self._bell.wait(1.0)
                if self._stopped:
                    return
        except WorkCancelled:
            return
        finally:
            for future in waiting:
                future.cancel()

    def _next(self, under_way: set[int]) -> list[_Wanted]:
        """The next pictures to look at: those that will be seen soon, then in the order in which they were added."""
        if self._stopped:
            return []
        with self._bell:
            first = [self._first.popleft() for _ in range(min(len(self._first), 4 * _BATCH))]
        found: list[_Wanted] = []
        columns = "SELECT id, path, frame, labelled_sha256 FROM pictures WHERE state = 0 AND removed = 0"
        with self._project.database.reading() as connection:
            if first:
                asked = f"{columns} AND id IN ({','.join('?' * len(first))})"
                found += self._wanted(connection.execute(asked, first), under_way, _BATCH)
            if len(found) < _BATCH:
                rows = connection.execute(f"{columns} ORDER BY id LIMIT ?", (len(under_way) + _BATCH,))
                found += self._wanted(rows, under_way, _BATCH - len(found))
        left = first[_BATCH:]
        if left:
            with self._bell:
                self._first.extendleft(reversed([i for i in left if i not in under_way]))
        return found

    def _wanted(
        self, rows: Iterator[tuple[int, bytes, int, bytes | None]], under_way: set[int], most: int
    ) -> list[_Wanted]:
        out: list[_Wanted] = []
        for number, path, frame, labelled in rows:
            if number not in under_way and len(out) < most:
                under_way.add(number)
                out.append(_Wanted(number, self._project.path_of(path), frame, labelled))
        return out

    def _glanced(self, portion: list[_Wanted]) -> list[tuple[_Wanted, Glance | NotOpened]]:
        sources = [ImageSource.from_path(wanted.path, wanted.frame) for wanted in portion]
        return list(zip(portion, glances(sources, self._embedder.spec, lambda: self._stopped), strict=True))

    def _embedded(self, portion: Sequence[tuple[_Wanted, Glance | NotOpened]]) -> dict[RowKey, np.ndarray]:
        fresh = [(wanted, seen) for wanted, seen in portion if isinstance(seen, Glance)]
        if not fresh:
            return {}
        images = np.stack([seen.pixels for _, seen in fresh])
        digests = np.stack([np.frombuffer(seen.sha256, np.uint8) for _, seen in fresh])
        whole = all(wanted.frame == 0 for wanted, _ in fresh)  # the cache knows files by content alone
        made = self._embedder.prepared(images, digests if whole else None)
        return {(seen.sha256, wanted.frame): row for (wanted, seen), row in zip(fresh, made, strict=True)}

    def _commit(self, done: Sequence[tuple[_Wanted, Glance | NotOpened]], rows: dict[RowKey, np.ndarray]) -> list[int]:
        self._rows.add(rows)
        persons = self._persons([wanted for wanted, _ in done])
        with self._project.database.changing("looked") as connection:
            for (wanted, seen), person in zip(done, persons, strict=True):
                gone = isinstance(seen, NotOpened) and not os.path.exists(wanted.path)
                state, problem = _state_of(wanted, seen, gone)
                facts = (seen.sha256 if seen.length >= 0 else None, seen.length, state, problem)
                more: tuple[int, int, float | None, bytes | None, str]
                if isinstance(seen, Glance):
                    more = (*seen.size, seen.sharpness, seen.thumbnail, person)
                else:
                    more = (0, 0, None, None, person)
                connection.execute(
                    "UPDATE pictures SET sha256 = coalesce(?, sha256), size = ?, state = ?, problem = ?, width = ?,"
                    " height = ?, sharpness = ?, thumbnail = ?, person = ?,"
                    # Labelled before anybody had looked: what it holds now is what was labelled.
                    " labelled_sha256 = CASE WHEN label IS NOT NULL AND labelled_sha256 IS NULL THEN ?1"
                    " ELSE labelled_sha256 END WHERE id = ?",
                    (*facts, *more, wanted.id),
                )
        self._under_way.difference_update(wanted.id for wanted, _ in done)
        return [wanted.id for wanted, _ in done]

    def _persons(self, wanted: Sequence[_Wanted]) -> list[str]:
        """What tells whose pictures they are: of names as they are, of DICOM's patient number a keyed hash."""
        import hashlib

        secret = self._project.fact("secret", b"fovea")
        dicom = [w.path if not w.path.lower().endswith((".jpg", ".jpeg", ".png")) else None for w in wanted]
        out = []
        for item, header in zip(wanted, headers_of(dicom), strict=True):
            patient = header.get("PatientID", "").strip()
            if patient:
                out.append(hashlib.blake2b(patient.encode("utf-8", "replace"), key=secret, digest_size=12).hexdigest())
                continue
            folder, name = os.path.split(item.path)
            out.append(group_of_name(f"{os.path.basename(folder)}/{name}") or "")
        return out

    def _report(self, ids: tuple[int, ...], rate: float = 0.0) -> None:
        with self._project.database.reading() as connection:
            counts = dict(
                connection.execute("SELECT state, count(*) FROM pictures WHERE removed = 0 GROUP BY state").fetchall()
            )
        total = sum(counts.values())
        known = (counts.get(PictureState.NEW, 0), total, counts.get(PictureState.BROKEN, 0))
        if not ids and known == self._last:
            return
        self._last = known
        self._tell(
            LookingProgress(
                total - counts.get(PictureState.NEW, 0), total, counts.get(PictureState.BROKEN, 0), rate, ids
            )
        )


def _state_of(wanted: _Wanted, seen: Glance | NotOpened, gone: bool) -> tuple[int, str]:
    if gone:
        return PictureState.MISSING, "its file is not there any more"
    if wanted.sha256 is not None and seen.length >= 0 and wanted.sha256 != seen.sha256:
        return PictureState.REPLACED, "its file holds another picture than the one that was labelled"
    if isinstance(seen, NotOpened):
        return PictureState.BROKEN, seen.error.message[:500]
    return PictureState.READY, ""
