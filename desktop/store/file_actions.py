"""Copying, moving and renaming a user's files, on an explicit command only: each written down before it is done.

A journal a command (JSON, one object a line) lies in Fovea's own data: first all that is to be done, on the disk before
the first file is touched; then what was done. It is the log, what undo reads, after a restart as well, and what a kill
is mended by: a file is at its old place or at its new one, whole, and no file is ever written over.

On one disk a move is one rename (:func:`desktop.system.files.move_new`). To another disk it is a copy beside the
target, flushed, read again and compared by SHA-256, put in place, and only then is the file at the old place deleted.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desktop import paths
from desktop.core.progress import Progress
from desktop.store import locks
from desktop.store.file_journal import ActionRecord, FileActionError, FileStep, Journal, JournalStep, Kind
from desktop.system import privacy
from desktop.system.errors import FoveaError
from desktop.system.files import flush_file, flush_folder, move_new, part_beside, reason_of
from desktop.system.words import as_said, english, phrase, worded

KEPT = 200
"""Journals that are kept; of older ones there is no undo any more."""
_CHUNK = 1 << 20
_WAIT_S = 10.0


@dataclass(slots=True)
class FileOutcome:
    """What a command or its undo did: ``done`` steps by their place, and ``left`` for each other step why.

    ``stopped`` says why it ended early ('' where it did not), ``cancelled`` that the user wished it.
    """

    id: str
    done: list[int] = field(default_factory=list)
    left: dict[int, str] = field(default_factory=dict)
    stopped: str = ""
    cancelled: bool = False


class FileActions:
    """The journals below ``root`` (default: Fovea's own data). One command at a time, of all processes."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else paths.user_data() / "file-actions"

    # Doing

    def run(
        self,
        kind: Kind,
        title: str,
        steps: Sequence[FileStep],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> FileOutcome:
        """Do ``steps`` in their order; for a thread. ``progress`` hears of steps done and of all.

        Raises :class:`FileActionError`: before anything is touched, where it cannot be written down.
        """
        with self._alone():
            self._mend()
            journal = Journal.begin(self.root, kind, title, steps)
            with contextlib.closing(journal):
                outcome = FileOutcome(journal.id)
                data = {number: step.data for number, step in enumerate(steps) if step.data is not None}
                work = _Work(journal, kind, outcome, data)
                work.through(journal.steps, work.do, progress, cancelled)
                work.close("end")
            self._forget_old()
            return outcome

    def undo(
        self,
        action_id: str,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> FileOutcome:
        """Take a command back: moved files go where they were, copies are deleted, folders made for it too where they
        are empty. What was changed since, or whose old place is taken, is left and said. Raises FileActionError."""
        with self._alone():
            self._mend()
            journal = Journal.load(self._file(action_id))
            with contextlib.closing(journal):
                journal.note({"at": "undo"}, hard=True)
                outcome = FileOutcome(action_id)
                work = _Work(journal, journal.kind, outcome, {})
                steps = [step for step in reversed(journal.steps) if step.state == "done"]
                work.through(steps, work.undo, progress, cancelled)
                for folder in reversed(journal.folders):
                    with contextlib.suppress(OSError):  # not empty: it holds what somebody put there
                        os.rmdir(folder)
                work.close("undo-end")
            return outcome

    def recover(self) -> int:
        """Finish or take back what a killed process was in the middle of; returns how many commands that concerned.
        Nothing is raised: what cannot be mended now is mended before the next command."""
        if not self.root.is_dir():
            return 0
        try:
            with self._alone(0.0):
                return self._mend()
        except (FileActionError, OSError):
            return 0

    # Looking

    def records(self) -> list[ActionRecord]:
        """The commands of the past, newest first; damaged journals are passed over."""
        found = []
        for file in sorted(self.root.glob("*.jsonl"), reverse=True) if self.root.is_dir() else ():
            with contextlib.suppress(FoveaError, OSError):
                found.append(Journal.load(file, reading=True).record())
        return found

    def latest(self) -> ActionRecord | None:
        """The newest command that has something to take back."""
        return next((record for record in self.records() if record.done), None)

    def rows(self, action_id: str) -> list[tuple[str, str, str, str]]:
        """The log of a command: old place, new place, what became of it (``planned``, ``done``, ``left``, ``undone``),
        and why. Raises FileActionError."""
        journal = Journal.load(self._file(action_id), reading=True)
        return [(step.source, step.target, step.state, worded(step.why)) for step in journal.steps]

    # Inside

    def _file(self, action_id: str) -> Path:
        name = f"{action_id}.jsonl"
        if os.path.basename(name) != name or not (self.root / name).is_file():
            raise FileActionError("no-such-action", "there is no such command in the log", "List what there is.")
        return self.root / name

    @contextlib.contextmanager
    def _alone(self, wait_s: float | None = None) -> Iterator[None]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with locks.hold(self.root / "lock", _WAIT_S if wait_s is None else wait_s):
                yield
        except locks.Busy as error:
            text = "another Fovea is moving files now"
            raise FileActionError("busy", text, "Wait until it has finished, then try again.") from error

    def _mend(self) -> int:
        """The lock is held: a journal without its end is of a process that is gone."""
        count = 0
        for file in self.root.glob("*.jsonl"):
            try:
                journal = Journal.load(file, only_open=True)
            except (FoveaError, OSError):
                continue
            with contextlib.closing(journal):
                if journal.open:
                    _Mending(journal).mend()
                    count += 1
        return count

    def _forget_old(self) -> None:
        for file in sorted(self.root.glob("*.jsonl"))[:-KEPT]:
            with contextlib.suppress(OSError):
                file.unlink()


class _Stays(Exception):  # noqa: N818 - why a file stays where it is
    def __init__(self, why: str) -> None:
        self.why: str = as_said(why)
        super().__init__(self.why)


class _Left(_Stays):
    """This one file."""


class _Full(_Stays):
    """This one, and no further one would fare better."""


class _Work:
    """Does the steps of a journal, or takes them back."""

    def __init__(self, journal: Journal, kind: Kind, outcome: FileOutcome, data: dict[int, bytes]) -> None:
        self._journal, self._kind, self._outcome, self._data = journal, kind, outcome, data
        self._touched: set[Path] = set()
        self.recorded = True  # whether the journal holds all that was done

    def through(
        self,
        steps: Sequence[JournalStep],
        work: Callable[[JournalStep], None],
        progress: Progress | None,
        cancelled: Callable[[], bool],
    ) -> None:
        """``work`` for every step, until the user wishes to stop or the disk is full."""
        outcome = self._outcome
        for count, step in enumerate(steps):
            if cancelled():
                outcome.cancelled = True
                outcome.stopped = phrase("stopped at your wish")
                break
            try:
                work(step)
                outcome.done.append(step.number)
            except _Left as reason:
                self._leave(step, reason.why)
            except _Full as reason:
                self._leave(step, reason.why)
                outcome.stopped = reason.why
                break
            except OSError as error:  # of the journal: without it nothing more is touched; the next command mends this
                outcome.left[step.number] = outcome.stopped = phrase(
                    "the log could not be written ({reason})", reason=reason_of(error)
                )
                self.recorded = False
                break
            if progress:
                progress(count + 1, len(steps))
        for folder in self._touched:
            flush_folder(folder)

    def close(self, end: str) -> None:
        """Write the end. Not where something was done that is not written down: the next command looks into that."""
        if self.recorded:
            with contextlib.suppress(OSError):
                self._journal.note({"at": end, "stopped": english(self._outcome.stopped)})

    def _leave(self, step: JournalStep, why: str) -> None:
        self._outcome.left[step.number] = why
        if step.state in ("done", "undoing"):
            self._journal.mark(step, "done", why=english(why), size=step.target_size, mtime=step.target_mtime_ns)
        else:
            self._journal.mark(step, "left", why=english(why))

    def do(self, step: JournalStep) -> None:
        """One file to its target."""
        target = Path(step.target)
        data = self._data.get(step.number)
        if data is None:
            _check_unchanged(step.source, step.size, step.mtime_ns)
        elif step.source:
            raise _Left("it has a file of its own")
        self._make_folder(target.parent)
        if os.path.lexists(target) and not _same_file(step.source, step.target):
            raise _Left("there is a file of that name now")
        with _explained():
            if data is not None or self._kind == "copy":
                self._bring(step, step.source, target, data, "do")
            else:
                self._move(step, Path(step.source), target, "do")
            facts = os.stat(target)
        self._journal.mark(step, "done", size=facts.st_size, mtime=facts.st_mtime_ns)
        self._touched |= {target.parent} | ({Path(step.source).parent} if step.source else set())

    def undo(self, step: JournalStep) -> None:
        """One file back from its target."""
        target = Path(step.target)
        _check_unchanged(step.target, step.target_size, step.target_mtime_ns)
        with _explained():
            if self._kind == "copy" or not step.source:
                self._journal.mark(step, "undoing", way="undo")
                os.unlink(target)
            else:
                source = Path(step.source)
                if os.path.lexists(source) and not _same_file(step.source, step.target):
                    raise _Left("there is another file at its old place now")
                source.parent.mkdir(parents=True, exist_ok=True)
                self._move(step, target, source, "undo")
                self._touched.add(source.parent)
        self._journal.mark(step, "undone")
        self._touched.add(target.parent)

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            if os.path.lexists(folder):
                raise _Left(phrase("'{name}' is a file, not a folder", name=folder.name))
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            self._journal.note({"at": "folder", "path": str(each)})
            self._journal.folders.append(str(each))
            with _explained():
                each.mkdir(exist_ok=True)
                _open_to_others(each)

    def _move(self, step: JournalStep, source: Path, target: Path, way: str) -> None:
        if _same_file(str(source), str(target)):
            os.rename(source, target)  # one file by two spellings of its name: nothing else can be in the way
            return
        try:
            move_new(source, target)
            return
        except FileExistsError as error:
            raise _Left("there is a file of that name now") from error
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        if not os.access(source.parent, os.W_OK):
            raise _Left("its folder may not be written to, so it could only be copied")
        facts = os.stat(source)
        self._bring(step, str(source), target, None, way)
        # Only now, whole and flushed and compared, is there a second one.
        _check_unchanged(str(source), facts.st_size, facts.st_mtime_ns)
        try:
            os.unlink(source)
        except OSError as error:
            os.unlink(target)
            told = phrase("it could not be taken from its old place ({reason})", reason=reason_of(error))
            raise _Left(told) from error

    def _bring(self, step: JournalStep, source: str, target: Path, data: bytes | None, way: str) -> None:
        """A whole, flushed, compared copy at ``target``, which is not there yet."""
        part = part_beside(target)
        self._journal.mark(step, "copying", part=part.name, way=way)
        try:
            sha256 = _copied(source, part) if data is None else _written(data, part)
            flush_file(part)
            if _sha256_of(part) != sha256:
                raise _Left("what was copied is not what was read; the disk may be failing")
            if data is None:
                with contextlib.suppress(OSError):  # rights or times that this file system does not keep
                    shutil.copystat(source, part)
            else:
                _open_to_others(part)
            self._journal.mark(step, "placing", hard=True, part=part.name, sha256=sha256, way=way)
            try:
                move_new(part, target)
            except FileExistsError as error:
                raise _Left("there is a file of that name now") from error
            flush_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)


class _Mending:
    """What a killed process left in the middle becomes one or the other."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def mend(self) -> None:
        """Settle every step, then write the end."""
        for step in self._journal.steps:
            with contextlib.suppress(OSError):
                self._settle(step)
        self._journal.note({"at": "end", "stopped": "the program ended in the middle"}, hard=True)

    def _settle(self, step: JournalStep) -> None:
        journal = self._journal
        back = step.direction == "undo"
        here, there = (step.target, step.source) if back else (step.source, step.target)
        if step.state in ("copying", "placing"):
            part = Path(there).with_name(os.path.basename(step.part)) if step.part else None
            placed = step.state == "placing" and os.path.isfile(there) and _sha256_of(Path(there)) == step.sha256
            if part is not None:
                part.unlink(missing_ok=True)
            if placed and journal.kind == "move" and here:
                if os.path.isfile(here) and _sha256_of(Path(here)) == step.sha256:
                    os.unlink(here)
                placed = not os.path.lexists(here)
            self._say(step, placed, back)
        elif step.state == "undoing":
            self._say(step, not os.path.lexists(step.target), True)
        elif step.state in ("planned", "done") and journal.kind == "move" and step.source:
            # The rename and the line that tells of it: the kill may have come between them.
            moved = os.path.isfile(step.target) and not os.path.lexists(step.source)
            returned = os.path.isfile(step.source) and not os.path.lexists(step.target)
            if step.state == "planned" and moved and os.stat(step.target).st_size == step.size:
                self._say(step, True, False)
            elif step.state == "done" and returned and os.stat(step.source).st_size == step.target_size:
                self._say(step, True, True)

    def _say(self, step: JournalStep, through: bool, back: bool) -> None:
        there = through != back
        if there and os.path.isfile(step.target):
            facts = os.stat(step.target)
            self._journal.mark(step, "done", size=facts.st_size, mtime=facts.st_mtime_ns)
        elif back and through:
            self._journal.mark(step, "undone")
        else:
            self._journal.mark(step, "left", why="the program ended before its turn")


def _check_unchanged(path: str, size: int, mtime_ns: int) -> None:
    """Raise _Left unless ``path`` is the plain file that it was."""
    try:
        facts = os.lstat(path)
    except OSError as error:
        raise _Left("it is not there any more" if error.errno == errno.ENOENT else reason_of(error)) from error
    if not stat.S_ISREG(facts.st_mode):
        raise _Left("it is a link or no plain file")
    if (facts.st_size, facts.st_mtime_ns) != (size, mtime_ns):
        raise _Left("it was changed meanwhile")


def _same_file(one: str, other: str) -> bool:
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """An OSError as the reason why a file stays; a full disk ends the command."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _Full("the disk is full") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise _Left("its folder, or the one it goes to, may not be written to") from error
        raise _Left(reason_of(error)) from error


def _open_to_others(path: Path) -> None:
    """Give what was made in a user's own folder the rights that the user's own mask gives."""
    mode = privacy.mode_for(path.absolute())
    if mode is not None:
        os.chmod(path, mode | (mode & 0o444) >> 2 if path.is_dir() else mode)


def _copied(source: str, target: Path) -> str:
    digest = hashlib.sha256()
    with open(source, "rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def _written(data: bytes, target: Path) -> str:
    with target.open("xb") as writer:
        writer.write(data)
    return hashlib.sha256(data).hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
