"""Evaluations kept in the user's data folder: reopened at once, found again by data and model.

One compressed ``.npz`` an evaluation, written beside and renamed. Paths of this computer are in it, for opening the
pictures again; it is the user's own file and no report is made from them. A threshold that the user chose lies beside
it, so the model's own decision is never lost. What is deleted waits in a folder ``deleted`` until
:meth:`EvaluationStore.empty_deleted`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from desktop import paths
from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.decision import answers_of
from desktop.core.figures.result import DataFacts, EvaluationResult, ModelFacts
from desktop.core.types import CROSSED, FoveaError
from desktop.system import strict_json
from desktop.system.files import OWN_DISK, not_written, put_in_place, write_atomically
from desktop.system.strict_json import JsonStore
from desktop.system.words import phrase

_SCHEMA = 1
_MOST_BYTES = 256 << 20  # a million names of pictures
_CHOICE = ".threshold.json"
_DELETED = "deleted"
_THE_LABELS = phrase("what was said of labels")
_THE_MAPPINGS = phrase("which class means which label")
_THE_THRESHOLD = phrase("the chosen threshold")
Judgement = Literal["right", "wrong", "unsure"]
JUDGEMENTS: tuple[Judgement, ...] = ("right", "wrong", "unsure")
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept evaluation's head, for a list: ``key`` opens it; ``n`` answered, ``right`` of them right by the model's
    own decision. ``threshold`` is the one that the user chose instead, if any."""

    key: str
    model: ModelFacts
    data: DataFacts
    n: int
    right: int
    skipped: int
    complete: bool
    created: str
    threshold: float | None = None


class EvaluationStore:
    """The evaluations below ``folder`` (default: ``evaluations`` in the user's data).

    ``heard`` takes a sentence for each file that is found damaged or cannot be read, in the thread that reads it.
    """

    def __init__(self, folder: Path | None = None, heard: Callable[[str], None] | None = None) -> None:
        self.folder = folder if folder is not None else paths.user_data() / "evaluations"
        self._heard = heard
        self.problems: list[str] = []
        """What was found damaged or could not be read, in sentences; a damaged file was kept beside."""

    @staticmethod
    def key(model: ModelFacts, fingerprint: str, mapping: Mapping[str, str]) -> str:
        """What an evaluation is kept under: same weights, labels and preparation of pictures, same data, same meaning
        of its classes, same key."""
        text = json.dumps([_SCHEMA, *_model_key(model), fingerprint, sorted(mapping.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @staticmethod
    def incomplete_key(model: ModelFacts, data: DataFacts) -> str:
        """What an evaluation that was stopped early is kept under: one for a model and a folder, beside complete ones.

        The place stands in for the fingerprint, which may not have been taken yet.
        """
        place = [data.root, data.split, sorted(data.mapping.items())]
        text = json.dumps([_SCHEMA, "incomplete", *_model_key(model), *place])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @staticmethod
    def crossed_key(model: ModelFacts) -> str:
        """What the answers of the cross-validation are kept under by which a model was made: it has one at most."""
        text = json.dumps([_SCHEMA, CROSSED, *_model_key(model)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def key_of(self, result: EvaluationResult) -> str:
        """What this result is kept under."""
        if result.data.crossed:
            return self.crossed_key(result.model)
        if result.complete:
            return self.key(result.model, result.data.fingerprint, result.data.mapping)
        return self.incomplete_key(result.model, result.data)

    def save(self, result: EvaluationResult) -> str:
        """Keep a result under its key, which is returned, in place of an older one; ``result`` must have the model's
        own decision, see :meth:`choose`. A complete one takes the place of an incomplete one, never the other way
        round. Raises :class:`FoveaError`."""
        key = self.key_of(result)
        head = {
            "schema": _SCHEMA,
            "model": asdict(result.model),
            "data": asdict(result.data),
            "n": len(result),
            "right": int(result.right.sum()),
            "skipped": [asdict(item) for item in result.skipped],
            "complete": result.complete,
            "elapsed_s": result.elapsed_s,
            "created": result.created,
            "device": result.device,
            "versions": result.versions,
        }

        groups: dict[str, Any] = {} if result.groups is None else {"groups": result.groups.astype(np.int32)}
        if result.outside is not None:
            groups["outside"] = result.outside.astype(np.int8)

        def write(path: Path) -> None:
            with path.open("wb") as stream:
                np.savez_compressed(
                    stream,
                    head=_as_bytes(head),
                    names=_as_bytes(result.names),
                    positions=result.positions.astype(np.int64),
                    truth=result.truth.astype(np.int32),
                    predicted=result.predicted.astype(np.int32),
                    scores=result.scores.astype(np.float32),
                    **groups,
                )

        self._write(f"{key}.npz", write)
        if result.complete:
            with contextlib.suppress(OSError):  # it is only in the way
                self._path(self.incomplete_key(result.model, result.data)).unlink(missing_ok=True)
        return key

    def holds(self, key: str) -> bool:
        """Whether an evaluation is kept under this key."""
        return self._path(key).is_file()

    # The threshold that the user chose, beside the model's own decision

    def choose(self, key: str, threshold: float | None, reason: str = "") -> None:
        """Remember a threshold for a kept evaluation, and why; ``None``: the model's own decision holds again.

        Raises :class:`FoveaError`; nothing happens where the evaluation is not kept.
        """
        place = self.folder / f"{_stem(key)}{_CHOICE}"
        if threshold is None:
            try:
                place.unlink(missing_ok=True)
            except OSError as error:
                raise not_written(phrase("the threshold"), OWN_DISK, error) from error
        elif self._path(key).is_file():
            self._file(place.name, _THE_THRESHOLD).write({"threshold": threshold, "reason": reason})

    def chosen(self, key: str) -> tuple[float, str] | None:
        """The threshold chosen for a kept evaluation and why, or ``None``."""
        held = self._peek(f"{_stem(key)}{_CHOICE}", _THE_THRESHOLD)
        value, reason = held.get("threshold"), held.get("reason")
        if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value), reason if isinstance(reason, str) else ""
        return None

    def find(self, model: ModelFacts, fingerprint: str, mapping: Mapping[str, str]) -> EvaluationResult | None:
        """The kept complete result for these, answered by the decision of ``model``; ``None`` where there is none, or
        one of other labels or another preparation. A damaged file counts as none."""
        try:
            result = self.load(self.key(model, fingerprint, mapping))
        except FoveaError as error:
            if error.kind == "damaged":
                self._say(
                    phrase("The evaluation that was kept of these pictures is damaged. They are looked at again.")
                )
            return None
        if not result.complete or not result.model.answers_as(model):
            return None
        return replace(result, model=model, predicted=answers_of(result.scores, model.positive, model.threshold))

    def load(self, key: str) -> EvaluationResult:
        """A kept result. Raises :class:`FoveaError`: ``not-found``, or ``damaged`` where its file is not whole."""
        try:
            with np.load(self._path(key), allow_pickle=False) as held:
                head = _head(held)
                names = tuple(strict_json.as_texts(strict_json.loads(held["names"].tobytes(), _MOST_BYTES)))
                arrays = {name: held[name] for name in ("positions", "truth", "predicted", "scores")}
                arrays |= {name: held[name] for name in ("groups", "outside") if name in held}
            n, labels = head["n"], len(head["model"]["labels"])
            shapes = {name: (n, labels) if name == "scores" else (n,) for name in arrays}
            if len(names) != n or any(arrays[name].shape != shapes[name] for name in arrays):
                raise ValueError("lengths differ")
            return EvaluationResult(
                model=_facts(ModelFacts, head["model"]), data=_facts(DataFacts, head["data"]), names=names, **arrays,
                skipped=tuple(_facts(BrokenEntry, item) for item in head["skipped"]), complete=bool(head["complete"]),
                elapsed_s=float(head["elapsed_s"]), created=str(head["created"]), device=str(head["device"]),
                versions=dict(head["versions"]),
            )  # fmt: skip
        except FileNotFoundError:
            raise FoveaError("not-found", "this evaluation is not kept any more", "Run it again.") from None
        except _DAMAGED as error:
            raise FoveaError("damaged", "this kept evaluation is damaged", "Run it again.") from error

    def entries(self) -> list[Kept]:
        """The heads of all kept evaluations, the newest first; damaged ones are left out."""
        out = []
        try:
            files = sorted(self.folder.glob("*.npz"))
        except OSError:
            return []
        for file in files:
            try:
                with np.load(file, allow_pickle=False) as held:
                    head = _head(held)
                model, data = _facts(ModelFacts, head["model"]), _facts(DataFacts, head["data"])
                counts = (int(head["n"]), int(head["right"]), len(head["skipped"]))
                facts = (bool(head["complete"]), str(head["created"]))
                chosen = self.chosen(file.stem)
                out.append(Kept(file.stem, model, data, *counts, *facts, chosen[0] if chosen else None))
            except FileNotFoundError:
                continue  # deleted meanwhile
            except (*_DAMAGED, FoveaError):
                self._say(phrase("A kept evaluation is damaged and not listed: '{name}'.", name=file.name))
        return sorted(out, key=lambda kept: kept.created, reverse=True)

    def delete(self, key: str) -> None:
        """Put a kept evaluation aside, until :meth:`restore` or :meth:`empty_deleted`; nothing happens where there is
        none. What was said of labels belongs to the data and stays. Raises :class:`FoveaError`."""
        self._move(key, self.folder, self.folder / _DELETED)

    def restore(self, key: str) -> None:
        """Take back :meth:`delete`; one kept anew under that key meanwhile goes first. Raises :class:`FoveaError`."""
        if not self._path(key).exists():
            self._move(key, self.folder / _DELETED, self.folder)

    def empty_deleted(self) -> None:
        """Remove for good what was deleted; what cannot be removed is left for the next time."""
        for place in (self.folder / _DELETED).glob("*"):
            with contextlib.suppress(OSError):
                place.unlink()

    def _move(self, key: str, here: Path, there: Path) -> None:
        try:
            there.mkdir(parents=True, exist_ok=True)
            for name in (f"{_stem(key)}.npz", f"{_stem(key)}{_CHOICE}"):
                if (here / name).is_file():
                    put_in_place(here / name, there / name)
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
            text = phrase("this evaluation was not moved: {reason}", reason=reason)
            raise FoveaError("not-moved", text, "Look at the rights of Fovea's own data folder.") from error

    # What people said of labels: about the data, so it is kept by the data's fingerprint.

    def judgements(self, fingerprint: str) -> dict[str, Judgement]:
        """What was said of the labels of this data: picture's name to judgement."""
        if not fingerprint:
            return {}
        raw = self._peek(f"labels-{_stem(fingerprint)}.json", _THE_LABELS)
        return {str(name): value for name, value in raw.items() if value in JUDGEMENTS}

    def judge(self, fingerprint: str, name: str, judgement: Judgement | None) -> None:
        """Remember what the user says of a picture's label; ``None`` takes it back. The picture is not touched."""
        if not fingerprint:
            text = "what you said of this label is not kept: the evaluation was stopped before the data was known"
            raise FoveaError("no-fingerprint", text, "Let the evaluation come to its end.")

        def said(held: dict[str, Any]) -> None:
            if judgement is None:
                held.pop(name, None)
            else:
                held[name] = judgement

        self._file(f"labels-{_stem(fingerprint)}.json", _THE_LABELS).change(said)

    # Mappings that were asked for once

    def recall_mapping(self, model_id: str, classes: Sequence[str]) -> dict[str, str] | None:
        """The mapping last confirmed for a model and these classes, to offer again; ``None`` where there is none."""
        held = self._peek("mappings.json", _THE_MAPPINGS).get(_mapping_key(model_id, classes))
        return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else None

    def remember_mapping(self, model_id: str, classes: Sequence[str], mapping: Mapping[str, str]) -> None:
        """Remember a mapping that the user confirmed."""

        def remember(held: dict[str, Any]) -> None:
            held[_mapping_key(model_id, classes)] = dict(mapping)

        self._file("mappings.json", _THE_MAPPINGS).change(remember)

    def _path(self, key: str) -> Path:
        return self.folder / f"{_stem(key)}.npz"

    def _file(self, name: str, what: str) -> JsonStore:
        return JsonStore(self.folder / name, what, self._say)

    def _say(self, problem: str) -> None:
        self.problems.append(problem)
        if self._heard is not None:
            self._heard(problem)

    def _peek(self, name: str, what: str) -> dict[str, Any]:
        """What such a file holds; nothing where it cannot be read, which :attr:`problems` then says."""
        try:
            return self._file(name, what).read()
        except FoveaError:
            return {}

    def _write(self, name: str, write: Any) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, write)
        except OSError as error:
            raise not_written(phrase("the evaluation"), OWN_DISK, error) from error


def _model_key(model: ModelFacts) -> list[object]:
    """What of a model its results are kept by; the weights alone where no more is known, as in older results."""
    return [model.sha256, list(model.labels), model.setup] if model.setup else [model.sha256]


def _as_bytes(value: object) -> np.ndarray:
    # ASCII: file names that are no text (lone surrogates) survive the way there and back.
    return np.frombuffer(json.dumps(value, ensure_ascii=True).encode("ascii"), dtype=np.uint8)


def _head(held: Any) -> dict[str, Any]:
    head = strict_json.loads_object(held["head"].tobytes(), _MOST_BYTES)
    if head.get("schema") != _SCHEMA:
        raise ValueError("unknown schema")
    return head


def _facts(cls: type[T], raw: dict[str, Any]) -> T:
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items() if k in names}
    return cls(**values)


def _stem(key: str) -> str:
    if not key or not all(character in "0123456789abcdef" for character in key):
        raise FoveaError("not-found", "this evaluation is not kept", "Run it again.")
    return key


def _mapping_key(model_id: str, classes: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([model_id, sorted(classes)]).encode()).hexdigest()
