"""The stable JSON form of one answer: what ``fovea predict --json`` prints, and what a cluster's parts hold."""

from __future__ import annotations

from typing import Any

from desktop.app.answers import Answerable, Result
from desktop.core.notices import NOTICES
from desktop.core.pictures.studies import FoundFrame
from desktop.core.trust.conformal import DEFAULT_RATE, answer_set, like_those
from desktop.core.trust.reasons import told
from desktop.engine.messages import Failure, Prediction
from desktop.store.manifest import Manifest


def top_classes(result: Prediction, labels: tuple[str, ...], count: int) -> list[tuple[str, float]]:
    """The ``count`` classes with the highest scores, highest first, equal ones in the order of the labels."""
    scores = result.probabilities
    order = sorted(range(len(labels)), key=lambda index: (-float(scores[index]), index))
    return [(labels[index], float(scores[index])) for index in order[:count]]


def places_json(item: Answerable, files: bool) -> dict[str, Any]:
    """Where a picture belongs: study, series and frame, nothing for one by itself; with ``files`` its own file."""
    if not isinstance(item, FoundFrame) or not (item.series.belongs or item.count > 1):
        return {}
    series = item.series
    placed = {
        "study": series.study, "series": series.ordinal, "series_number": series.number,
        "modality": series.modality or None, "frame": item.at, "frames": item.count,
    }  # fmt: skip
    return placed | ({"file": item.path} if files else {})


def told_path(item: Answerable) -> str:
    """The path that is said of an item."""
    return item.told if isinstance(item, FoundFrame) else item.path


def as_json(
    path: str, result: Result, manifest: Manifest, top: int, error_rate: float = DEFAULT_RATE
) -> dict[str, Any]:
    """The stable JSON form of one answer, without its places; times in milliseconds."""
    if isinstance(result, Failure):
        return {"path": path, "error": {"kind": result.kind, "message": result.message}}
    elapsed, labels, verdict, sets = result.elapsed, manifest.labels, result.domain, manifest.conformal
    chosen = None
    # A promise about the model's own kind says nothing of a picture outside it, or of another size altogether.
    promised = (verdict is None or verdict.inside) and (sets is None or like_those(sets, result.original_size))
    if sets is not None and error_rate in sets.rates and promised:
        chosen = answer_set(result.probabilities, result.index, sets, error_rate)
    return {
        "path": path,
        "model": result.model,
        "label": result.label,
        "index": result.index,
        "probability": float(result.probabilities[result.index]),
        "top": [{"label": label, "probability": score} for label, score in top_classes(result, labels, top)],
        "notices": [notice.text for notice in result.notices],
        "elapsed_ms": {
            "decode": round(elapsed.decode, 3),
            "prepare": round(elapsed.prepare, 3),
            "predict": round(elapsed.predict, 3),
        },
        "prepared_sha256": result.prepared_sha256,
        "in_domain": verdict.inside if verdict is not None else None,
        "domain_score": verdict.score if verdict is not None else None,
        "domain_reasons": list(told(verdict)),
        "answer_set": [labels[index] for index in chosen.classes] if chosen is not None else None,
        "error_rate": chosen.rate if chosen is not None else None,
        "general": _general(result),
        "suits": result.suits or None,
        "digits": [{"label": label, "probability": score} for label, score in result.several],
        "notice": NOTICES["medical"].text if manifest.medical else "",
    }


def _general(result: Prediction) -> dict[str, Any] | None:
    wording = result.wording
    if wording is None:
        return None
    return {"kind": wording.kind, "word": wording.word or None, "score": wording.score}
