"""Evaluations kept in the user's data folder: reopened at once, found again by the data's and the model's checksums.

One compressed ``.npz`` an evaluation, written beside and renamed. Paths of this computer are in it, for opening the
pictures again; it is the user's own file and no report is made from them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from desktop import paths
from desktop.core.evaluation import DataFacts, EvaluationResult, ModelFacts, Skipped
from desktop.core.evaluation_json import write_atomically
from desktop.core.types import FoveaError

_SCHEMA = 1
Judgement = Literal["right", "wrong", "unsure"]
JUDGEMENTS: tuple[Judgement, ...] = ("right", "wrong", "unsure")
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept evaluation's head, for a list: ``key`` opens it; ``n`` answered, ``right`` of them right."""

    key: str
    model: ModelFacts
    data: DataFacts
    n: int
    right: int
    skipped: int
    complete: bool
    created: str


class EvaluationStore:
    """The evaluations below ``folder`` (default: ``evaluations`` in the user's data)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else paths.user_data() / "evaluations"

    @staticmethod
    def key(model_sha256: str, fingerprint: str, mapping: Mapping[str, str]) -> str:
        """What an evaluation is kept under: same weights, same data, same meaning of its classes, same key."""
        text = json.dumps([_SCHEMA, model_sha256, fingerprint, sorted(mapping.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def save(self, result: EvaluationResult) -> str:
        """Keep a result, in place of an older one of the same key, which it returns. Raises :class:`FoveaError`."""
        key = self.key(result.model.sha256, result.data.fingerprint, result.data.mapping)
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
                )

        self._write(f"{key}.npz", write)
        return key

    def find(self, model_sha256: str, fingerprint: str, mapping: Mapping[str, str]) -> EvaluationResult | None:
        """The kept complete result for these, or ``None``; a damaged file counts as none."""
        try:
            result = self.load(self.key(model_sha256, fingerprint, mapping))
        except FoveaError:
            return None
        return result if result.complete else None

    def load(self, key: str) -> EvaluationResult:
        """A kept result. Raises :class:`FoveaError`: ``not-found``, or ``damaged`` where its file is not whole."""
        try:
            with np.load(self._path(key), allow_pickle=False) as held:
                head = _head(held)
                names = tuple(str(name) for name in json.loads(held["names"].tobytes()))
                arrays = {name: held[name] for name in ("positions", "truth", "predicted", "scores")}
            n, labels = head["n"], len(head["model"]["labels"])
            shapes = {name: (n, labels) if name == "scores" else (n,) for name in arrays}
            if len(names) != n or any(arrays[name].shape != shapes[name] for name in arrays):
                raise ValueError("lengths differ")
            return EvaluationResult(
                model=_facts(ModelFacts, head["model"]), data=_facts(DataFacts, head["data"]), names=names, **arrays,
                skipped=tuple(_facts(Skipped, item) for item in head["skipped"]), complete=bool(head["complete"]),
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
                out.append(Kept(file.stem, model, data, *counts, bool(head["complete"]), str(head["created"])))
            except _DAMAGED:
                continue
        return sorted(out, key=lambda kept: kept.created, reverse=True)

    def delete(self, key: str) -> None:
        """Forget a kept evaluation; nothing happens where there is none."""
        self._path(key).unlink(missing_ok=True)

    # What people said of labels: about the data, so it is kept by the data's fingerprint.

    def judgements(self, fingerprint: str) -> dict[str, Judgement]:
        """What was said of the labels of this data: picture's name to judgement."""
        raw = self._read_json(f"labels-{_stem(fingerprint)}.json")
        return {str(name): value for name, value in raw.items() if value in JUDGEMENTS}

    def judge(self, fingerprint: str, name: str, judgement: Judgement | None) -> None:
        """Remember what the user says of a picture's label; ``None`` takes it back. The picture is not touched."""
        held = self.judgements(fingerprint)
        if judgement is None:
            held.pop(name, None)
        else:
            held[name] = judgement
        self._write_json(f"labels-{_stem(fingerprint)}.json", held)

    # Mappings that were asked for once

    def recall_mapping(self, model_id: str, classes: Sequence[str]) -> dict[str, str] | None:
        """The mapping last confirmed for a model and these classes, to offer again; ``None`` where there is none."""
        held = self._read_json("mappings.json").get(_mapping_key(model_id, classes))
        return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else None

    def remember_mapping(self, model_id: str, classes: Sequence[str], mapping: Mapping[str, str]) -> None:
        """Remember a mapping that the user confirmed."""
        held = self._read_json("mappings.json")
        held[_mapping_key(model_id, classes)] = dict(mapping)
        self._write_json("mappings.json", held)

    def _path(self, key: str) -> Path:
        return self.folder / f"{_stem(key)}.npz"

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            raw = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return raw if isinstance(raw, dict) else {}

    def _write_json(self, name: str, value: object) -> None:
        self._write(name, lambda path: path.write_bytes(_as_bytes(value).tobytes()))

    def _write(self, name: str, write: Any) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, write)
        except OSError as error:
            raise not_written("the evaluation", "the disk of Fovea's own data", error) from error


def not_written(what: str, disk: str, error: OSError) -> FoveaError:
    """The error for a file that could not be written; an older one is whole. Names the disk where that is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FoveaError("disk-full", f"{what} was not saved: {disk} is full", "Free some space, then try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FoveaError(
            "not-writable", f"{what} was not saved: {disk} may not be written to", "Choose another place."
        )
    reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
    return FoveaError("not-saved", f"{what} was not saved: {reason}", "Choose another place.")


def _as_bytes(value: object) -> np.ndarray:
    # ASCII: file names that are no text (lone surrogates) survive the way there and back.
    return np.frombuffer(json.dumps(value, ensure_ascii=True).encode("ascii"), dtype=np.uint8)


def _head(held: Any) -> dict[str, Any]:
    head = json.loads(held["head"].tobytes())
    if not isinstance(head, dict) or head.get("schema") != _SCHEMA:
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
