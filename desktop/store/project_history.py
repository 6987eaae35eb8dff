"""What was done to a labelling project, step by step: undo, redo, and all that was ever said of a picture.

There is one way to change anything: :meth:`ProjectHistory._do` writes down what was before and after, and sets it, in
one transaction. Undo and redo set the one or the other.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from desktop.store.project_database import ProjectDatabase
from desktop.store.project_facts import ActionKind, How, LabelChange, PictureState, ProjectAction

_FIELDS = {"picture": ("label", "removed", "star", "note"), "class": ("name", "key", "position", "removed")}
_TABLE = {"picture": "pictures", "class": "classes"}
_ACTION = "SELECT id, at, kind, how, count, text, state FROM actions"
_AT_ONCE = 500


class ProjectHistory:
    """The steps in ``database``."""

    def __init__(self, database: ProjectDatabase) -> None:
        self.database = database
        self._joined: ProjectAction | None = None

    def history(self, picture_id: int) -> list[LabelChange]:
        """All that was ever said of one picture's label, the oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT a.at, b.name, c.name, a.how, a.state FROM changes h JOIN actions a ON a.id = h.action"
                " LEFT JOIN classes b ON b.id = h.before LEFT JOIN classes c ON c.id = h.after"
                " WHERE h.subject = 'picture' AND h.id = ? AND h.field = 'label' ORDER BY h.action",
                (picture_id,),
            ).fetchall()
        return [
            LabelChange(at, before or "", after or "", how, state != "done") for at, before, after, how, state in rows
        ]

    # Undo and redo

    def to_undo(self) -> ProjectAction | None:
        """The step that :meth:`undo` would take back."""
        return self._step("state = 'done' ORDER BY id DESC")

    def to_redo(self) -> ProjectAction | None:
        """The step that :meth:`redo` would do again."""
        return self._step("state = 'undone' ORDER BY id")

    def undo(self) -> ProjectAction | None:
        """Take back the step done last, by whichever window; ``None`` where there is none."""
        return self._turn(self.to_undo, "before", "undone")

    def redo(self) -> ProjectAction | None:
        """Do again what was undone last."""
        return self._turn(self.to_redo, "after", "done")

    def actions(self, most: int = 100) -> list[ProjectAction]:
        """The last steps, the newest first, those that were undone among them."""
        with self.database.reading() as connection:
            rows = connection.execute(f"{_ACTION} ORDER BY id DESC LIMIT ?", (most,)).fetchall()
        return [_action(row) for row in rows]

    def _step(self, which: str) -> ProjectAction | None:
        with self.database.reading() as connection:
            row = connection.execute(f"{_ACTION} WHERE {which} LIMIT 1").fetchone()
        return None if row is None else _action(row)

    def _turn(self, which: Callable[[], ProjectAction | None], side: str, state: str) -> ProjectAction | None:
        with self.database.changing() as connection:
            action = which()
            if action is None:
                return None
            rows = connection.execute(f"SELECT subject, id, field, {side} FROM changes WHERE action = ?", (action.id,))
            for (subject, field), values in _by_field(rows.fetchall()).items():
                self._set(connection, subject, field, values)
            connection.execute("UPDATE actions SET state = ? WHERE id = ?", (state, action.id))
            return action

    @contextlib.contextmanager
    def one_step(self, kind: ActionKind, how: How, text: str = "") -> Iterator[None]:
        """Whatever is changed within this context is one transaction and one step of undo, called ``kind``."""
        with self.database.changing() as connection:
            if self._joined is not None:
                yield
                return
            self._joined = self._begin(connection, kind, how, text)
            try:
                yield
            finally:
                joined, self._joined = self._joined, None
            connection.execute(
                "UPDATE actions SET count = (SELECT count(DISTINCT id) FROM changes WHERE action = ? AND subject ="
                " 'picture') WHERE id = ?",
                (joined.id, joined.id),
            )
            connection.execute(
                "DELETE FROM actions WHERE id = ? AND NOT EXISTS (SELECT 1 FROM changes WHERE action = ?)",
                (joined.id, joined.id),
            )

    # The one way in which anything is changed

    def _do(
        self,
        connection: sqlite3.Connection,
        kind: ActionKind,
        how: str,
        text: str,
        subject: str,
        values: Mapping[int, Mapping[str, Any]],
    ) -> ProjectAction:
        """Set ``values`` (by id, then field) as one step, or as a part of the one that is open."""
        action = self._joined or self._begin(connection, kind, how, text, len(values))
        self._more(connection, action.id, subject, values)
        return action

    @staticmethod
    def _begin(connection: sqlite3.Connection, kind: ActionKind, how: str, text: str, count: int = 0) -> ProjectAction:
        """A new step; those that were undone cannot be done again then."""
        connection.execute("UPDATE actions SET state = 'gone' WHERE state = 'undone'")
        now = time.time()
        made = connection.execute(
            "INSERT INTO actions (at, kind, how, count, text) VALUES (?, ?, ?, ?, ?)", (now, kind, how, count, text)
        ).lastrowid
        assert made is not None
        return ProjectAction(made, now, kind, how, count, text, False)

    def _more(
        self, connection: sqlite3.Connection, action: int, subject: str, values: Mapping[int, Mapping[str, Any]]
    ) -> None:
        by_field: dict[str, dict[int, Any]] = {}
        for number, fields in values.items():
            for field, value in fields.items():
                by_field.setdefault(field, {})[number] = value
        for field, wanted in by_field.items():
            before = self._get(connection, subject, field, list(wanted))
            connection.executemany(
                "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)",
                ((action, subject, i, field, before[i], value) for i, value in wanted.items() if i in before),
            )
            self._set(connection, subject, field, [(value, i) for i, value in wanted.items() if i in before])

    def _get(self, connection: sqlite3.Connection, subject: str, field: str, ids: list[int]) -> dict[int, Any]:
        assert field in _FIELDS[subject]
        found: dict[int, Any] = {}
        for part in parts_of(ids):
            asked = f"SELECT id, {field} FROM {_TABLE[subject]} WHERE id IN ({','.join('?' * len(part))})"
            found.update(connection.execute(asked, part).fetchall())
        return found

    def _set(self, connection: sqlite3.Connection, subject: str, field: str, values: list[tuple[Any, int]]) -> None:
        assert field in _FIELDS[subject]
        if subject == "picture" and field == "label":
            now = time.time()
            # A label is about what the file holds now: said again, a replaced picture is the one that is meant.
            again = f"CASE state WHEN {PictureState.REPLACED:d} THEN {PictureState.NEW:d} ELSE state END"
            connection.executemany(
                f"UPDATE pictures SET label = ?, labelled = ?, labelled_sha256 = sha256, state = {again} WHERE id = ?",
                [(value, None if value is None else now, i) for value, i in values],
            )
            return
        connection.executemany(f"UPDATE {_TABLE[subject]} SET {field} = ? WHERE id = ?", values)


def parts_of(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """``ids`` in portions that one question may hold."""
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def _by_field(rows: Sequence[tuple[str, int, str, Any]]) -> dict[tuple[str, str], list[tuple[Any, int]]]:
    out: dict[tuple[str, str], list[tuple[Any, int]]] = {}
    for subject, number, field, value in rows:
        out.setdefault((subject, field), []).append((value, number))
    return out


def _action(row: tuple[Any, ...]) -> ProjectAction:
    number, at, kind, how, count, text, state = row
    return ProjectAction(number, at, kind, how, count, text, state != "done")
