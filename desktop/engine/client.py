"""The other side of the pipe: starts the engine process, keeps it alive, hands requests in and answers out.

No Qt here: a thread of the window and the command line drive the same client. Any thread may submit and cancel;
one thread calls :meth:`EngineClient.events`, which also does all sending, so no caller ever waits for a pipe.

When the process ends unasked it is started again, and what it had begun is asked again, of a batch one by one; a
picture that was alone in work when it ended twice more is blamed and left out. Files are opened in children of the
engine's, so what ends it is seldom a picture: most often the system did, for want of memory.
"""

from __future__ import annotations

import collections
import itertools
import time
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.core.types import ImageSource
from desktop.engine import child
from desktop.engine.child_client import ChildClient
from desktop.engine.messages import (
    AdviseRequest,
    Answer,
    BatchAnswers,
    BatchDone,
    BatchRequest,
    CancelRequest,
    EngineLost,
    ExplainRequest,
    Explanation,
    Failure,
    Prediction,
    PredictRequest,
    PreviewRequest,
    RadiographRequest,
    ReadRequest,
    Ready,
    Request,
    RequestStarted,
    SampleRequest,
    Shutdown,
    Thumbnail,
    ThumbnailRequest,
)
from desktop.system.child_process import ChildProcess, Outbox
from desktop.system.words import phrase

_STALL_S = 120.0  # longer than any picture within the pixel limit or model within the size limit needs
_CAREFUL = 256  # pictures taken one by one after a crash within a batch: all that were under way, and the unsent
_START_TRIES = 3
_BLAMED_AFTER = 3  # ends of the engine with one picture in work, of a batch the first with others and all else alone


class _BatchState:
    """How far a batch has come, so that its rest can be asked for again."""

    def __init__(self, request: BatchRequest) -> None:
        self.request = request
        self.answered = 0
        self.careful_until = 0
        self.cancelled = False
        self.begun = False  # whether the first picture without an answer is known to be in work, alone
        self.deaths = 0  # of the engine, since it was first in work

    @property
    def careful(self) -> bool:
        return self.answered < self.careful_until

    def next_request(self) -> BatchRequest:
        """The part to send next: a careful stretch, or all the rest."""
        end = min(self.careful_until, len(self.request.sources)) if self.careful else len(self.request.sources)
        part = (
            self.request.sources
            if (self.answered, end) == (0, len(self.request.sources))
            else (self.request.sources[self.answered : end])
        )
        return replace(self.request, sources=part, one_by_one=self.careful, offset=self.answered)


class EngineClient(ChildClient):
    """One engine process and the conversation with it; a context manager.

    ``bundled`` and ``user`` are the model roots (default: those of :mod:`desktop.paths`); ``threads`` limits
    one prediction (default: all cores up to eight); a ``patient`` engine lets every other process go first. With
    ``gradients`` the process is the one that explains by gradients (:mod:`desktop.engine.gradients`).
    """

    def __init__(
        self,
        bundled: Path | None = None,
        user: Path | None = None,
        threads: int | None = None,
        patient: bool = False,
        gradients: bool = False,
    ) -> None:
        self._gradients = gradients
        self._arguments = (
            str(bundled if bundled is not None else paths.bundled_models()),
            str(user if user is not None else paths.user_models()),
            threads,
            patient,
        )
        self._ids = itertools.count(1)
        self._outbox: Outbox[Request] = Outbox()
        self._up = False  # whether this process has come as far as Ready
        self._refusal = ""  # why the last start failed; while it stands, events() has it to deal with
        # All below belongs to the thread that calls events().
        self._pending: dict[int, Request] = {}
        self._batches: dict[int, _BatchState] = {}
        self._started: dict[int, float] = {}
        self._let_go: set[int] = set()  # begun, and not wanted since: the engine may still be at work on them
        self._deaths: collections.Counter[int] = collections.Counter()
        self._failed_starts = 0
        self._heard = time.monotonic()
        self._closed = False

    def start(self, *requests: Request) -> None:
        """Start the engine process and send it the first ``requests``; returns at once, a :class:`Ready` follows among
        the events.

        Where the system refuses another process (none left, no memory), that counts as an engine that has died.
        """
        from desktop.engine import launch

        target, name = (launch.explainer, "fovea-gradients") if self._gradients else (launch.engine, "fovea-engine")
        self._up = False
        try:
            self._process = ChildProcess(target, self._arguments, name)
        except (OSError, MemoryError) as error:
            self._refusal = phrase(
                "no process could be started: {value}", value=getattr(error, "strerror", None) or type(error).__name__
            )
        self._heard = time.monotonic()
        for request in requests:
            self._take(request, [])

    def next_id(self) -> int:
        """A fresh request id, larger than all before."""
        return next(self._ids)

    def submit(self, request: Request) -> None:
        """Hand in a request; never blocks. A newer :class:`PredictRequest` supersedes an older one that waits."""
        self._outbox.put(request)

    def cancel(self, request_id: int) -> None:
        """Cancel a request: no answer follows, except :class:`BatchDone` for a batch."""
        self.submit(CancelRequest(self.next_id(), request_id))

    def interrupt(self) -> None:
        """Make a waiting :meth:`events` return, from any thread."""
        self._outbox.put()

    def events(self, timeout: float | None) -> list[Answer]:
        """Wait up to ``timeout`` seconds (``None``: until something comes or :meth:`interrupt`) for answers.

        Sends what was submitted, receives what has come, restarts a dead engine. Late answers to cancelled or
        superseded requests are left out.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            out: list[Answer] = []
            requests, woken = self._outbox.take()
            for request in requests:
                self._take(request, out)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if woken or out:
                left = 0.0
            elif self._awaited():
                left = min(left, 5.0) if left is not None else 5.0  # look after a stalled engine now and then
            if self._refusal:
                self._recover(out)
                return out
            if self._process is None:
                wait([self._outbox.bell], left)  # given up: only a new request or the end can come
                return out
            self._process.wait(left, self._outbox.bell)
            for answer in self._process.receive():
                self._heard = time.monotonic()
                self._note(answer, out)
            if self._process.over:
                self._recover(out)
            elif self._stalled():
                self._process.kill()
            if out or woken or (deadline is not None and time.monotonic() >= deadline):
                return out

    def close(self) -> None:
        """End the engine process: asked first, then terminated, then killed."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            process.send(Shutdown())
            process.hang_up()
            process.end(asked=1.0, terminated=1.0, killed=1.0)

    # All below runs in the thread that calls events().

    def _take(self, request: Request, out: list[Answer]) -> None:
        if isinstance(request, CancelRequest):
            self._forget(request.target)
            self._send(request)
            return
        if self._process is None and not self._refusal:
            out.append(_unavailable(request))
            return
        if not self._pending and not self._batches:
            self._heard = time.monotonic()  # until now it was quiet because it had nothing to do
        if isinstance(request, BatchRequest):
            state = self._batches[request.id] = _BatchState(request)
            request = state.next_request()
        else:
            if isinstance(request, PredictRequest | ReadRequest | AdviseRequest | ExplainRequest):
                own = type(request)
                self._drop(lambda held: isinstance(held, own))
            elif isinstance(request, PreviewRequest | SampleRequest | RadiographRequest):
                kind, slot = type(request), request.slot
                self._drop(lambda held: isinstance(held, kind) and held.slot == slot)
            self._pending[request.id] = request
        self._send(request)

    def _drop(self, superseded: Any) -> None:
        for key in [key for key, held in self._pending.items() if superseded(held)]:
            self._release(key)

    def _release(self, key: int) -> None:
        """Nobody waits for this request any longer: however late its answer comes, it is no stall."""
        self._pending.pop(key, None)
        self._deaths.pop(key, None)
        if self._started.pop(key, None) is not None:
            self._let_go.add(key)

    def _forget(self, target: int) -> None:
        self._release(target)
        state = self._batches.get(target)
        if state is not None:
            state.cancelled = True

    def _send(self, request: Request) -> None:
        if self._process is not None:
            self._process.send(request)  # to a dead one in vain: events() will notice and ask again

    def _note(self, answer: Answer, out: list[Answer]) -> None:
        match answer:
            case Ready():
                self._failed_starts = 0
                self._up = True
                out.append(answer)
            case RequestStarted():
                if answer.id in self._pending:
                    self._started[answer.id] = time.monotonic()
                elif answer.id in self._batches:
                    self._batches[answer.id].begun = True
                else:
                    self._let_go.add(answer.id)
            case BatchAnswers():
                state = self._batches.get(answer.id)
                if state is not None:
                    state.begun, state.deaths = False, 0
                    state.answered = answer.items[-1].position + 1
                    if not state.cancelled:
                        out.append(answer)
            case BatchDone():
                self._batch_done(answer, out)
            case Explanation() if answer.done < answer.total:
                if answer.id in self._pending:
                    out.append(answer)
            case Failure() if answer.id in self._batches:
                out.append(answer)  # the model's fault: the batch's end follows
            case _:
                self._started.pop(answer.id, None)
                self._deaths.pop(answer.id, None)
                self._let_go.discard(answer.id)
                asked = self._pending.pop(answer.id, None)
                if isinstance(answer, Prediction) and isinstance(asked, PredictRequest):
                    answer = replace(answer, source=asked.source)  # a picture in memory does not cross the pipe again
                if asked is not None:
                    out.append(answer)

    def _batch_done(self, answer: BatchDone, out: list[Answer]) -> None:
        state = self._batches.get(answer.id)
        if state is None:
            return
        complete = state.answered >= len(state.request.sources)
        if state.cancelled or answer.cancelled or complete:
            del self._batches[answer.id]
            out.append(BatchDone(answer.id, state.answered, not complete))
        else:
            self._send(state.next_request())

    def _awaited(self) -> bool:
        """Whether the engine must answer before long: it has begun on something that is wanted."""
        # What waits behind something let go has not begun, and never will where that hangs.
        return bool(self._started or self._batches or (self._let_go and self._pending))

    def _stalled(self) -> bool:
        if not self._awaited():
            return False
        begun = max([self._heard, *self._started.values()])
        return time.monotonic() - begun > _STALL_S

    def _recover(self, out: list[Answer]) -> None:
        """The process has ended unasked: say so, start it again, ask again for what it had not answered."""
        process, self._process = self._process, None
        reason, self._refusal = self._refusal, ""
        if self._closed or not (process or reason):
            return
        if process is not None:
            process.hang_up()
            reason = child.reason(process.collect(5.0))
            process.end()
        self._failed_starts += 1
        restarting = self._failed_starts < _START_TRIES
        out.append(EngineLost(reason, restarting))
        self._blame(out, reason)
        if not restarting:
            self._give_up(out)
            return
        self.start()
        for request in self._pending.values():
            self._send(request)
        for state in self._batches.values():
            self._send(state.next_request())

    def _blame(self, out: list[Answer], reason: str) -> None:
        """Find out what the process was working on when it ended: that alone can be to blame.

        A request that had begun comes before a batch, and of several batches the engine works on the oldest. One that
        nobody waits for any longer is not told of, but no picture of a batch is blamed in its stead.
        """
        one_begun = bool(self._started or self._let_go)
        for key in list(self._started):
            self._deaths[key] += 1
            if self._deaths[key] >= _BLAMED_AFTER:
                self._deaths.pop(key)
                request = self._pending.pop(key, None)
                if request is not None:
                    out.append(_culprit(request, reason))
        self._started.clear()
        self._let_go.clear()
        for key in [key for key, state in self._batches.items() if state.cancelled]:
            out.append(BatchDone(key, self._batches.pop(key).answered, True))
        if not self._up:
            return  # it has seen no picture: blaming them one by one would go on as long as there are any
        for key, state in list(self._batches.items())[:1]:
            # Where all are answered and only the end was still to come, no picture is left to blame.
            if not one_begun and state.answered < len(state.request.sources) and self._at_fault(state):
                position = state.answered
                source = state.request.sources[position]
                failure = _culprit(replace(state.request, sources=(source,)), reason, position)
                out.append(BatchAnswers(key, (failure,)))  # type: ignore[arg-type]
                state.answered += 1
                state.deaths = 0
                # Its end is the crash's, not the start's: the engine itself is well.
                self._failed_starts = 0
            state.begun = False
            state.careful_until = state.answered + _CAREFUL
            if state.answered >= len(state.request.sources):
                del self._batches[key]
                out.append(BatchDone(key, state.answered, False))

    def _at_fault(self, state: _BatchState) -> bool:
        """Whether the engine has ended so often with the first picture without an answer in work that it is to blame:
        once among others, and then each time alone."""
        if not state.careful:
            state.deaths = 1
        elif state.begun:
            state.deaths += 1
        return state.deaths >= _BLAMED_AFTER

    def _give_up(self, out: list[Answer]) -> None:
        for request in self._pending.values():
            out.append(_unavailable(request))
        for key, state in self._batches.items():
            out.append(_unavailable(state.request))
            out.append(BatchDone(key, state.answered, True))
        self._pending.clear()
        self._batches.clear()

    def restart(self) -> None:
        """Try again after the engine was given up; call between two :meth:`events`."""
        if self._process is None and not self._refusal and not self._closed:
            self._failed_starts = 0
            self.start()


def _source_of(request: Request) -> ImageSource | None:
    if isinstance(request, BatchRequest):
        return request.sources[0] if len(request.sources) == 1 else None
    return getattr(request, "source", None)


def _culprit(request: Request, reason: str, position: int = 0) -> Failure | Thumbnail:
    if isinstance(request, ThumbnailRequest):
        return Thumbnail(request.id, request.source, None)
    source = _source_of(request)
    text = phrase(
        "the engine ended {blamed_after} times while working on this ({reason})",
        blamed_after=_BLAMED_AFTER,
        reason=reason,
    )
    return Failure(request.id, "engine-died", text, "It was left out; everything else goes on.", source, position)


def _unavailable(request: Request) -> Failure:
    return Failure(
        request.id,
        "engine-unavailable",
        "the engine process does not start",
        "Start Fovea again; if that does not help, run 'fovea selftest'.",
        _source_of(request),
        model_failed=True,
    )
