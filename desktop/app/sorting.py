"""Sorting pictures by their answers: copied or moved into folders, or renamed where they are. The rule of it, once.

First a plan, to be looked at: what would go where, under which name, and what would be left and why. Only then, on an
explicit command, :func:`carry_out` does it, written down beforehand (:mod:`desktop.store.file_actions`), and
:class:`desktop.store.file_actions.FileActions` takes it back. Nothing is ever written over.
"""

from __future__ import annotations

import os
import stat
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.core.data.dataset import look_of
from desktop.core.data.file_names import folder_names, free_name, plain_name
from desktop.core.types import FoveaError, ImageSource
from desktop.store.file_actions import FileActions, FileOutcome
from desktop.store.file_journal import FileStep
from desktop.system.files import free_space, has_room, reason_of, size_words
from desktop.system.words import english, phrase

if TYPE_CHECKING:
    from desktop.app.batch_columns import BatchColumns

How = Literal["copy", "move", "rename"]
State = Literal["answered", "unlike", "unsure", "failed", "pending"]
FIELDS = ("name", "answer", "score", "number", "model")
"""What a pattern may hold in braces: the name so far without its ending, the answer, its score, a number that counts
the pictures of an answer, the model's id."""
OTHER_KIND = "not its kind"
UNSURE = "not sure"
_LONGEST_PATTERN = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """A picture and what was said of it; ``score`` 0 to 1."""

    source: ImageSource
    answer: str = ""
    score: float = 0.0
    state: State = "pending"


@dataclass(frozen=True, slots=True)
class SortRule:
    """What is to be done.

    ``copy`` and ``move`` go below ``folder``, into a folder for each answer unless ``by_answer`` is false; ``rename``
    leaves each picture in its folder. ``pattern`` makes the name, see :data:`FIELDS`; the ending stays. Pictures whose
    score is below ``at_least`` are left, and unless ``doubtful`` those that are not of the model's kind, or that it is
    not sure of, too; else they get folders of their own. A name that is taken gets a number, or with ``skip`` the
    picture is left.
    """

    how: How
    folder: str = ""
    pattern: str = "{name}"
    by_answer: bool = True
    at_least: float = 0.0
    doubtful: bool = False
    skip: bool = False


@dataclass(frozen=True, slots=True)
class SortRow:
    """A picture of a plan: its ``target`` (a whole path), or '' and ``why`` it is left."""

    source: ImageSource
    target: str = ""
    why: str = ""
    size: int = 0
    mtime_ns: int = 0


@dataclass(slots=True)
class SortPlan:
    """What would happen, in the order of the pictures. ``trouble`` says why it cannot be begun, '' where it can."""

    rule: SortRule
    model: str = ""
    rows: list[SortRow] = field(default_factory=list)
    trouble: str = ""

    @property
    def going(self) -> list[SortRow]:
        """The pictures that would be copied, moved or renamed."""
        return [row for row in self.rows if row.target]

    @property
    def left(self) -> list[SortRow]:
        """Those that would be left."""
        return [row for row in self.rows if not row.target]

    @property
    def folders(self) -> dict[str, int]:
        """The folders that pictures would go to, and how many."""
        return dict(Counter(os.path.dirname(row.target) for row in self.going))

    @property
    def reasons(self) -> dict[str, int]:
        """Why pictures are left, and how many."""
        return dict(Counter(row.why for row in self.left))


def answered_of(answers: BatchColumns, at: int) -> Answered:
    """The picture at a position of a batch, with what was said of it."""
    from desktop.app.batch_columns import FAILED, OUTSIDE, PENDING

    source, state = answers.sources[at], int(answers.state[at])
    if state == PENDING:
        return Answered(source)
    if state == FAILED:
        return Answered(source, state="failed")
    answer, score = answers.answers[answers.answer[at]], float(answers.score[at])
    if answers.inside[at] == OUTSIDE:
        return Answered(source, answer, score, "unlike")
    return Answered(source, answer, score, "unsure" if answers.unsure[at] else "answered")


class SortError(FoveaError):
    """A rule that cannot be followed. Kinds: ``bad-pattern``, ``bad-folder``."""


def check_pattern(pattern: str) -> None:
    """Raise SortError ``bad-pattern`` unless ``pattern`` is text with fields of :data:`FIELDS` in braces."""
    hint = phrase("What may stand in braces: {allowed}.", allowed=[f"{{{name}}}" for name in FIELDS])
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        told = phrase("the pattern '{pattern}' has a brace too many or too few", pattern=pattern)
        raise SortError("bad-pattern", told, hint) from error
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIELDS or form or conversion):
            raise SortError("bad-pattern", phrase("the pattern holds '{field}'", field=f"{{{name}}}"), hint)
    if not pattern.strip() or len(pattern) > _LONGEST_PATTERN:
        told = phrase("a pattern has 1 to {most} letters", most=_LONGEST_PATTERN)
        raise SortError("bad-pattern", told, hint)
    if not any(name for _, name, _, _ in parts):
        told = phrase("by the pattern '{pattern}' all pictures would have one name", pattern=pattern)
        raise SortError("bad-pattern", told, hint)


def plan_sorting(
    pictures: Iterable[Answered], rule: SortRule, model: str = "", cancelled: Callable[[], bool] = lambda: False
) -> SortPlan:
    """What ``rule`` would do with ``pictures``. Looks at files, changes none; for a thread. Raises SortError."""
    check_pattern(rule.pattern)
    plan = SortPlan(rule, model)
    planner = _Planner(rule, model)
    held = list(pictures)
    planner.name_folders(held)
    for picture in held:
        if cancelled():
            break
        plan.rows.append(planner.row(picture))
    plan.trouble = planner.trouble(plan)
    return plan


def carry_out(
    plan: SortPlan,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    actions: FileActions | None = None,
) -> FileOutcome:
    """Do what ``plan`` says; ``FileOutcome.done`` and ``left`` count in :attr:`SortPlan.going`. Raises FoveaError."""
    if plan.trouble:
        raise SortError("bad-folder", plan.trouble, "Choose another folder, or free some space.")
    steps = [_step(row) for row in plan.going]
    kind: Literal["copy", "move"] = "copy" if plan.rule.how == "copy" else "move"
    return (actions or FileActions()).run(kind, _title(plan), steps, progress, cancelled)


def _step(row: SortRow) -> FileStep:
    if row.source.path is None:
        return FileStep("", row.target, data=row.source.data)
    return FileStep(os.path.abspath(row.source.path), row.target, row.size, row.mtime_ns)


def _title(plan: SortPlan) -> str:
    """What the log says of it, in English: it is worded where it is shown."""
    if plan.rule.how == "rename":
        told = phrase("renamed")
    elif plan.rule.how == "copy":
        told = phrase("copied by answer") if plan.rule.by_answer else phrase("copied into one folder")
    else:
        told = phrase("moved by answer") if plan.rule.by_answer else phrase("moved into one folder")
    return str(english(told))


class _Planner:
    def __init__(self, rule: SortRule, model: str) -> None:
        self._rule, self._model = rule, model
        self._root = os.path.abspath(rule.folder) if rule.folder else ""
        self._folder_of: dict[str, str] = {}
        self._taken: dict[str, set[str]] = {}
        self._numbers: Counter[str] = Counter()
        self._width = 3
        self._seen: set[str] = set()

    def name_folders(self, pictures: Sequence[Answered]) -> None:
        """A folder's name for each answer: two answers never share one."""
        self._width = max(3, len(str(len(pictures))))
        if self._rule.how != "rename" and self._rule.by_answer:
            answers = sorted({picture.answer for picture in pictures if picture.state == "answered"})
            self._folder_of = folder_names([*answers, OTHER_KIND, UNSURE])

    def row(self, picture: Answered) -> SortRow:
        """Where one picture would go."""
        source = picture.source
        why = self._why_left(picture)
        if why:
            return SortRow(source, why=why)
        size = mtime_ns = 0
        if source.path is not None:
            try:
                facts = os.lstat(source.path)
            except OSError as error:
                return SortRow(source, why=reason_of(error))
            if not stat.S_ISREG(facts.st_mode):
                return SortRow(source, why=phrase("it is a link or no plain file"))
            size, mtime_ns = facts.st_size, facts.st_mtime_ns
            look = os.path.realpath(source.path)
            if look in self._seen:
                return SortRow(source, why=phrase("it is listed twice"))
            self._seen.add(look)
        folder = self._folder(picture)
        if folder is None:
            return SortRow(source, why=phrase("it has no file of its own to rename"))
        here = source.path is not None and _same_folder(os.path.dirname(os.path.abspath(source.path)), folder)
        stem, ending = os.path.splitext(source.name)
        name = self._name(picture, stem)
        taken = self._names_in(folder)
        wanted = f"{name}{ending}"
        if here and self._rule.how != "copy" and wanted == source.name:
            return SortRow(source, why=phrase("it is there already, under that name"))
        if here and self._rule.how != "copy":
            taken.discard(look_of(source.name))  # its own name is free for it
        if self._rule.skip and look_of(wanted) in taken:
            if here:
                taken.add(look_of(source.name))
            return SortRow(source, why=phrase("there is a file of that name"))
        chosen = free_name(name, _plain_ending(ending), taken)
        taken.add(look_of(chosen))
        if here and chosen == source.name:
            return SortRow(source, why=phrase("it is there already, under that name"))
        return SortRow(source, os.path.join(folder, chosen), "", size, mtime_ns)

    def _why_left(self, picture: Answered) -> str:
        rule = self._rule
        if picture.state == "failed":
            return phrase("it has no answer: it could not be read")
        if picture.state == "pending":
            return phrase("it has not been classified")
        if picture.state == "unlike" and not rule.doubtful:
            return phrase("it is not the kind of picture that the model learned from")
        if picture.state == "unsure" and not rule.doubtful:
            return phrase("the model is not sure of it")
        if picture.state == "answered" and picture.score < rule.at_least:
            return phrase("its score is below {least:g}", least=rule.at_least)
        return ""

    def _folder(self, picture: Answered) -> str | None:
        if self._rule.how == "rename":
            path = picture.source.path
            return os.path.dirname(os.path.abspath(path)) if path is not None else None
        if not self._rule.by_answer:
            return self._root
        answer = {"unlike": OTHER_KIND, "unsure": UNSURE}.get(picture.state, picture.answer)
        return os.path.join(self._root, self._folder_of[answer])

    def _name(self, picture: Answered, stem: str) -> str:
        answer = {"unlike": OTHER_KIND, "unsure": UNSURE}.get(picture.state, picture.answer)
        if self._rule.pattern == "{name}":
            return stem  # a name that is there already is a name that can be
        self._numbers[answer] += 1
        text = self._rule.pattern.format(
            name=stem,
            answer=answer,
            score=f"{picture.score:.2f}",
            number=f"{self._numbers[answer]:0{self._width}d}",
            model=self._model,
        )
        return plain_name(text)

    def _names_in(self, folder: str) -> set[str]:
        if folder not in self._taken:
            try:
                self._taken[folder] = {look_of(name) for name in os.listdir(folder)}
            except OSError:
                self._taken[folder] = set()  # it is made, or it is found out that it cannot be
        return self._taken[folder]

    def trouble(self, plan: SortPlan) -> str:
        """Why the plan cannot be begun."""
        if plan.rule.how == "rename" or not plan.going:
            return ""
        if not self._root:
            return phrase("no folder was chosen")
        place = Path(self._root)
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            return phrase("'{name}' is a file, not a folder", name=place.name)
        if not os.access(place, os.W_OK | os.X_OK):
            return phrase("the folder '{name}' may not be written to", name=place.name or str(place))
        try:
            need = sum(row.size or len(row.source.data or b"") for row in plan.going if self._is_copied(row, place))
            if need and not has_room(place, need):
                return phrase(
                    "the pictures take {need}, and the disk has {free} free; some of that is kept",
                    need=size_words(need),
                    free=size_words(free_space(place)),
                )
        except OSError as error:
            return phrase("the disk cannot be asked for its room: {reason}", reason=reason_of(error))
        return ""

    def _is_copied(self, row: SortRow, place: Path) -> bool:
        if self._rule.how == "copy" or row.source.path is None:
            return True
        return os.stat(row.source.path).st_dev != place.stat().st_dev


def _plain_ending(ending: str) -> str:
    return "." + plain_name(ending[1:], 20) if len(ending) > 1 else ending


def _same_folder(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
