"""The process that learns from a project's labels: looks at pictures ahead of the eye, fits a head after each change.

Three threads: one reads the pipe, one looks at pictures (:mod:`desktop.ml.teaching.looking`), one learns and answers
what is asked. A change of labels goes before everything else; what is learned from labels that have changed meanwhile
is thrown away. When the other side of the pipe is gone, the process ends.
"""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from desktop.core.figures.intervals import Estimate, shown
from desktop.core.types import FoveaError, ImageSource, StoreError
from desktop.engine import child
from desktop.engine.teaching_events import (
    AskCopies,
    AskHeaps,
    AskMissing,
    AskOrder,
    Copies,
    CopyGroup,
    CurvePoint,
    Heap,
    Heaps,
    LabelCurve,
    Learned,
    LookAgain,
    LookAheadAt,
    LookedAt,
    Missing,
    Ordered,
    Pause,
    Refused,
    Request,
    TeachEvent,
    TeachingEnded,
)
from desktop.ml.convert.embeddings import Embedder
from desktop.ml.teaching import alike, found_again, orders
from desktop.ml.teaching.accuracy import curve_of
from desktop.ml.teaching.learner import Learner, Lesson
from desktop.ml.teaching.looking import Looker, LookingProgress
from desktop.ml.teaching.pool import Kin, Pool, kin_of, load
from desktop.store.embedding_cache import EmbeddingCache
from desktop.store.project import Project
from desktop.store.project_rows import FeatureRows
from desktop.store.store import ModelStore
from desktop.system.words import phrase

_QUIET_S = 1.2  # nobody has changed anything for so long: time for the curve and for near copies
_NEW_PICTURES_S, _POOL_A_SECOND = 1.0, 5_000  # between two lessons that only new pictures ask for, longer for many
_OTHERS_S = 0.5  # between two looks whether another window has changed something
_AGAIN_S = 5.0  # after the disk has refused
_LAST_S = 2.0


def serve(connection: Connection, folder: str, network: str, threads: int | None) -> None:
    """Entry point of the child process. It does not step back behind others: after each label somebody waits for it."""
    child.quiet_native_output()
    multiprocessing.current_process().daemon = False  # pictures are opened in children
    child.lead_group()
    child.go_first_when_memory_ends()
    child.limit_memory()
    ended = TeachingEnded()
    teacher: Teacher | None = None
    try:
        teacher = Teacher(connection, Path(folder), network, threads)
        teacher.begin()
        teacher.listen()
    except FoveaError as error:
        ended = TeachingEnded(error.message, error.hint)
    except MemoryError:
        ended = TeachingEnded("there is not enough memory to learn from this project", "Close other programs.")
    except Exception as error:  # its own words may hold a path or a name
        ended = TeachingEnded(
            phrase("an unexpected fault stopped the learning ({name})", name=type(error).__name__),
            "Every label is kept.",
        )
    if teacher is not None:
        if teacher.fault is not None and not ended.message:
            ended = teacher.fault
        teacher.stop()
    with contextlib.suppress(OSError):
        connection.send(ended)
        connection.close()
    threading.Thread(target=_end_anyway, name="end", daemon=True).start()


def _end_anyway() -> None:
    time.sleep(_LAST_S)
    os._exit(0)


class Teacher:
    """The child's side. Raises :class:`FoveaError` where project or network cannot be opened."""

    def __init__(self, connection: Connection, folder: Path, network: str, threads: int | None) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._project = Project(folder)
        entry = ModelStore().require(network)
        stages = "stages" in (entry.manifest.outputs if entry.manifest is not None else {})
        self._embedder = Embedder(entry, EmbeddingCache(), threads, stages=stages)
        self._rows = FeatureRows(self._project.database, self._embedder.identity, self._embedder.size)
        self._looker = Looker(self._project, self._rows, self._embedder, self._looked)
        self._learner = Learner(self._rows, self._embedder.widths)
        self._bell = threading.Condition()
        self._asked: collections.deque[Request] = collections.deque()
        self._heard: float | None = 0.0  # when a change was heard of that nothing was learned from yet
        self._new_pictures = True
        self._stopped = False
        self.fault: TeachingEnded | None = None
        self._pool: Pool | None = None
        self._lesson: Lesson | None = None
        self._kin = Kin.none()
        self._kin_of = -1
        self._kin_found: Kin | None = None
        self._kin_thread: threading.Thread | None = None
        self._revision = -1
        self._looked_at = -1
        self._curve_of = -1
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Start looking and learning."""
        for name, work in (("look", self._look), ("learn", self._learn)):
            thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def listen(self) -> None:
        """Hear requests until the pipe closes, or something has failed."""
        while not self._stopped:
            try:
                if not self._connection.poll(0.5):
                    continue
                request = self._connection.recv()
            except (EOFError, OSError):
                return
            self._hear(request)

    def _hear(self, request: Request) -> None:
        if isinstance(request, LookAheadAt):
            self._looker.ahead(request.ids)
        elif isinstance(request, Pause):
            self._looker.pause(request.paused)
        else:
            with self._bell:
                if isinstance(request, LookAgain):
                    self._heard = self._heard or time.monotonic()
                else:
                    self._asked.append(request)
                self._bell.notify_all()
            if isinstance(request, LookAgain):
                self._looker.wake()

    def stop(self) -> None:
        """End both threads."""
        self._stopped = True
        self._looker.stop()
        with self._bell:
            self._bell.notify_all()
        for thread in self._threads:
            thread.join(_LAST_S)
        self._rows.close()
        self._project.close()

    # Threads

    def _guarded(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except FoveaError as error:
            self._fail(TeachingEnded(error.message, error.hint))
        except MemoryError:
            self._fail(TeachingEnded("there is not enough memory to learn from this project", "Close other programs."))
        except Exception as error:
            import traceback

            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
            self._fail(
                TeachingEnded(
                    phrase("an unexpected fault stopped the learning ({place})", place=place), "Every label is kept."
                )
            )

    def _fail(self, ended: TeachingEnded) -> None:
        if not self._stopped:
            self.fault = self.fault or ended
            self._stopped = True
            self._looker.stop()

    def _look(self) -> None:
        """Look at pictures; what the disk refuses is said, and tried again: labels are learned from meanwhile."""
        while not self._stopped:
            try:
                self._looker.run()
            except FoveaError as error:
                self._tell(Refused(0, error.kind, error.message, error.hint))
                with self._bell:
                    self._bell.wait_for(lambda: self._stopped, _AGAIN_S)

    def _looked(self, progress: LookingProgress) -> None:
        # Before it is told: who hears of pictures and asks about them at once must not be answered without them.
        if progress.ids:
            with self._bell:
                self._new_pictures = True
                self._bell.notify_all()
        self._tell(LookedAt(progress.done, progress.total, progress.broken, progress.rate, progress.ids))

    def _learn(self) -> None:
        last_lesson = quiet_since = time.monotonic()
        while not self._stopped:
            now = time.monotonic()
            with self._bell:
                pause = _NEW_PICTURES_S + (0 if self._pool is None else len(self._pool) / _POOL_A_SECOND)
                heard, new = self._heard, self._new_pictures and now - last_lesson >= pause
                request = self._asked[0] if self._asked and heard is None else None
                if heard is None and not new and request is None:
                    self._bell.wait(_OTHERS_S if not self._new_pictures else 0.1)
                    heard = self._heard
                    if heard is None and not self._asked:
                        request = None
                if heard is not None:
                    self._heard = None
                elif request is not None:
                    self._asked.popleft()
            if heard is None and request is not None:  # taken off the queue: no lesson may come in its place
                self._answer(request)
                quiet_since = time.monotonic()
            elif heard is not None or new:
                self._teach(heard or now)
                last_lesson = quiet_since = time.monotonic()
            elif self._project.revision != self._revision:  # another window
                self._looker.wake()
                self._teach(time.monotonic())
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= _QUIET_S:
                self._at_leisure()

    def _stale(self) -> bool:
        return self._heard is not None or self._stopped

    def _teach(self, heard: float) -> None:
        with self._looker.waiting():
            self._new_pictures = False
            revision = self._project.revision
            pool = self._current_pool()
            # Always to its end, however fast somebody labels: what is shown is at most one lesson old.
            lesson = self._learner.lesson(pool, self._kin)
            self._lesson, self._revision = lesson, revision
            self._tell(self._told(lesson, revision, time.monotonic() - heard if heard else 0.0))

    def _current_pool(self) -> Pool:
        with self._project.database.reading() as connection:
            facts = dict(connection.execute("SELECT name, value FROM facts WHERE name IN ('looked')").fetchall())
            (count,) = connection.execute("SELECT count(*) FROM pictures WHERE removed = 0 AND state = 1").fetchone()
        looked = int(facts.get("looked", 0))
        if self._pool is None or looked != self._looked_at or count != len(self._pool):
            self._pool, self._looked_at = load(self._project, self._rows), looked
        else:
            self._pool = self._pool.labelled_now(self._project)
        return self._pool

    @staticmethod
    def _told(lesson: Lesson, revision: int, seconds: float) -> Learned:
        accuracy: Estimate = shown(lesson.accuracy)
        return Learned(
            revision, lesson.classes, lesson.pool.ids, lesson.scores, lesson.labelled, lesson.held_out, accuracy,
            int(lesson.counted.sum()), lesson.groups, lesson.method, lesson.waiting_for, seconds,
        )  # fmt: skip

    def _at_leisure(self) -> None:
        """What nobody waits for: near copies, which belong together, then the curve."""
        lesson, pool = self._lesson, self._pool
        if self._kin_found is not None:
            before, self._kin, self._kin_found = self._kin, self._kin_found, None
            if _differ(before, self._kin):
                self._teach(time.monotonic())
                lesson = self._lesson
        if pool is not None and len(pool) != self._kin_of and self._kin_thread is None:
            # Minutes for a hundred thousand pictures: beside the labels, not before them.
            self._kin_of = len(pool)
            self._kin_thread = threading.Thread(target=self._guarded, args=(self._find_kin,), name="kin", daemon=True)
            self._kin_thread.start()
        if lesson is None or self._curve_of == self._revision or self._stale():
            self._rest()
            return
        revision = self._revision
        if lesson.head is None:
            self._curve_of = revision
            return
        scaled = self._learner.scaled(lesson.pool.places[lesson.pool.positions(lesson.labelled)])
        curve = curve_of(
            scaled, lesson.targets, lesson.group_of, lesson.counted, lesson.head.penalty, stale=self._stale
        )
        if curve is not None:
            self._curve_of = revision
            points = tuple(CurvePoint(point.labels, shown(point.accuracy)) for point in curve.points)
            self._tell(LabelCurve(revision, points, curve.more, curve.then, curve.reason))

    def _find_kin(self) -> None:
        pool = self._pool
        if pool is not None:
            self._kin_found = kin_of(self._project, pool, self._rows, lambda: self._stopped)
        self._kin_thread = None
        with self._bell:
            self._bell.notify_all()

    def _rest(self) -> None:
        with self._bell:
            if self._heard is None and not self._asked and not self._stopped:
                self._bell.wait(_OTHERS_S)

    # Answers

    def _answer(self, request: Request) -> None:
        number = getattr(request, "number", 0)
        try:
            with self._looker.waiting():
                if isinstance(request, AskOrder):
                    self._tell(self._order(request))
                elif isinstance(request, AskHeaps):
                    self._tell(self._heaps(request))
                elif isinstance(request, AskCopies):
                    self._tell(self._copies(request))
                elif isinstance(request, AskMissing):
                    missing, found, replaced = found_again.search(self._project, request.folders, lambda: self._stopped)
                    self._tell(Missing(request.number, missing, found, replaced))
                    self._looker.wake()
        except FoveaError as error:
            self._tell(Refused(number, error.kind, error.message, error.hint))

    def _now(self) -> Lesson:
        if self._lesson is None or self._project.revision != self._revision or self._new_pictures:
            self._teach(time.monotonic())
        if self._lesson is None:
            raise StoreError("not-yet", "nothing has been looked at yet", "Wait a moment.")
        return self._lesson

    def _order(self, asked: AskOrder) -> Ordered:
        lesson = self._now()
        pool, most = lesson.pool, max(1, asked.most)
        values: np.ndarray
        if asked.order == "uncertain":
            places, values = orders.uncertain(lesson, self._learner, most)
        elif asked.order == "mistakes":
            places, values = orders.mistakes(lesson, most)
        elif asked.order == "unlike":
            places, values = orders.unlike(pool, self._learner, most)
        elif asked.order == "suggested":
            places, values = orders.suggested(lesson, asked.class_id, asked.at_least, most, asked.without_label)
        elif asked.order == "drawn":
            places, values = orders.by_draw(pool, most)
        elif asked.order == "newest":
            places, values = orders.newest(pool, most, asked.without_label)
        else:
            among = np.flatnonzero(pool.labels == 0) if asked.without_label else np.arange(len(pool))
            among = among[pool.ids[among] != asked.near]
            places, values = orders.nearest(pool, self._learner, self._rows, self._row_of(asked, pool), among, most)
        return Ordered(asked.number, asked.order, pool.ids[places], np.asarray(values, np.float64), self._revision)

    def _row_of(self, asked: AskOrder, pool: Pool) -> np.ndarray:
        if not asked.near_file:
            at = int(pool.positions(np.array([asked.near]))[0])
            if at < 0:
                raise StoreError("not-yet", "this picture was not looked at yet", "Wait a moment.")
            row: np.ndarray = self._rows.take([int(pool.places[at])])[0]
            return row
        found = self._embedder.sources([ImageSource.from_path(asked.near_file)])
        if found.failures:
            raise found.failures[0]
        return np.asarray(found.rows[0], np.float32)

    def _heaps(self, asked: AskHeaps) -> Heaps:
        pool = self._now().pool
        chosen = pool.positions(np.array(asked.ids, np.int64)) if asked.ids else np.flatnonzero(pool.labels == 0)
        chosen = chosen[chosen >= 0]
        made = alike.heaps(pool, self._learner, chosen, asked.heaps)
        return Heaps(asked.number, tuple(Heap(heap.ids, heap.tightness) for heap in made))

    def _copies(self, asked: AskCopies) -> Copies:
        pool = self._now().pool
        if not np.array_equal(pool.ids, self._kin.ids):
            self._kin, self._kin_of = kin_of(self._project, pool, self._rows, lambda: self._stopped), len(pool)
        groups = alike.same_groups(self._project, pool, self._kin)
        return Copies(asked.number, tuple(CopyGroup(group.kind, group.ids, group.ids[0]) for group in groups))

    def _tell(self, event: TeachEvent) -> None:
        try:
            with self._sending:
                self._connection.send(event)
        except (BrokenPipeError, OSError):
            self._stopped = True


def _differ(before: Kin, now: Kin) -> bool:
    """Whether pictures belong together now that did not before."""
    return bool((now.near >= 0).any() or (now.shots >= 0).any()) and not (
        len(before.ids) == len(now.ids)
        and np.array_equal(before.near, now.near)
        and np.array_equal(before.shots, now.shots)
    )
