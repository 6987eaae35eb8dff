"""The order and completeness of a stream of answers, whatever the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.cli.answers import CHUNK, answers
from desktop.cli.predict import TextWriter, as_json, top_classes
from desktop.core.pictures.walk import FoundFile, Problem
from desktop.core.types import DomainVerdict, ImageSource, Notice
from desktop.engine.messages import (
    Answer,
    BatchAnswers,
    BatchDone,
    BatchRequest,
    Elapsed,
    EngineLost,
    Failure,
    Prediction,
    Request,
)
from desktop.store.manifest import Conformal, Decision
from tests.store.makers import manifest


def prediction(request_id: int, source: ImageSource, position: int) -> Prediction:
    return Prediction(
        id=request_id,
        model="m",
        source=source,
        index=1,
        label="b",
        probabilities=np.array([0.6, 0.4], np.float32),
        prepared=None,
        prepared_sha256="0" * 64,
        original_size=(1, 1),
        format="PNG",
        frames=1,
        notices=(),
        elapsed=Elapsed(1.0, 2.0, 3.00049),
        device="CPU",
        position=position,
    )


class Scripted:
    """An engine that hands its answers out in portions; ``trouble`` replaces what comes after so many of them."""

    def __init__(self, portions: list[int], trouble: list[Answer] | None = None, after: int = 0) -> None:
        self._portions = portions or [1]
        self._trouble = trouble
        self._after = after
        self._events: list[list[Answer]] = []
        self._ids = iter(range(1, 1_000_000))
        self.asked: list[BatchRequest] = []
        self.cancelled: list[int] = []

    def next_id(self) -> int:
        return next(self._ids)

    def submit(self, request: Request) -> None:
        assert isinstance(request, BatchRequest)
        self.asked.append(request)
        items: list[Answer] = [prediction(request.id, source, n) for n, source in enumerate(request.sources)]
        if self._trouble is not None:
            items = items[: self._after]
        start = 0
        while start < len(items):
            size = self._portions[start % len(self._portions)]
            self._events.append([BatchAnswers(request.id, tuple(items[start : start + size]))])  # type: ignore[arg-type]
            start += size
        self._events.append(self._trouble or [BatchDone(request.id, len(items), False)])

    def cancel(self, request_id: int) -> None:
        self.cancelled.append(request_id)

    def events(self, timeout: float | None) -> list[Answer]:
        assert self._events, "asked for events that will never come"
        return self._events.pop(0)


def walk(kinds: list[bool]) -> Iterator[FoundFile | Problem]:
    for number, good in enumerate(kinds):
        yield FoundFile(f"{number}.png") if good else Problem(f"{number}.png", "not-found", "There is no such file.")


@given(st.lists(st.booleans(), max_size=60), st.lists(st.integers(1, 9), max_size=5), st.integers(1, 4))
def test_every_item_is_answered_once_and_in_order(kinds: list[bool], portions: list[int], repeat: int) -> None:
    kinds = kinds * (repeat * 10)
    results = list(answers(Scripted(portions), "m", walk(kinds)))
    assert [item.path for item, _ in results] == [f"{number}.png" for number in range(len(kinds))]
    assert [isinstance(result, Prediction) for _, result in results] == kinds
    assert all(result.source.path == item.path for item, result in results if isinstance(result, Prediction))


def test_a_model_beyond_help_is_asked_once() -> None:
    failure = Failure(1, "damaged", "The model is damaged.", model_failed=True)
    engine = Scripted([], [failure])
    results = list(answers(engine, "m", walk([True] * (2 * CHUNK + 3))))
    assert len(results) == 2 * CHUNK + 3 and all(result is failure for _, result in results)
    assert len(engine.asked) == 1


def test_an_engine_that_stays_dead_fails_the_rest_and_is_reported() -> None:
    heard: list[EngineLost] = []
    engine = Scripted([2], [EngineLost("SIGKILL", restarting=False)], after=4)
    results = list(answers(engine, "m", walk([True] * 7), lost=heard.append))
    assert [getattr(result, "kind", "answer") for _, result in results] == ["answer"] * 4 + ["engine-lost"] * 3
    assert len(heard) == 1


def test_stopping_early_cancels_what_is_on_its_way() -> None:
    engine = Scripted([1])
    stream = answers(engine, "m", walk([True] * 50))
    next(stream)
    stream.close()
    assert engine.cancelled == [engine.asked[0].id]


def test_the_walk_is_asked_only_as_far_as_needed() -> None:
    taken = 0

    def endless() -> Iterator[FoundFile | Problem]:
        nonlocal taken
        while True:
            taken += 1
            yield FoundFile(f"{taken}.png")

    stream = answers(Scripted([8]), "m", endless())
    next(stream)
    stream.close()
    assert taken == CHUNK


def test_the_answer_follows_the_decision_rule_and_not_the_highest_score() -> None:
    item = as_json("a.png", prediction(1, ImageSource.from_path("a.png"), 0), manifest(labels=("a", "b")), 5)
    assert (item["label"], item["index"], item["probability"]) == ("b", 1, float(np.float32(0.4)))
    assert [entry["label"] for entry in item["top"]] == ["a", "b"]
    assert item["elapsed_ms"] == {"decode": 1.0, "prepare": 2.0, "predict": 3.0}
    assert (item["in_domain"], item["domain_score"], item["answer_set"]) == (None, None, None)


def test_the_domain_and_the_set_of_answers_are_told() -> None:
    sets = Conformal("least ambiguous set", "validation", 100, (0.05, 0.1), (0.3, 0.5))
    known = manifest(labels=("a", "b"), conformal=sets)
    answer = prediction(1, ImageSource.from_path("a.png"), 0)
    object.__setattr__(answer, "domain", DomainVerdict(0.7, True))
    item = as_json("a.png", answer, known, 5)
    assert (item["in_domain"], item["domain_score"], item["domain_reasons"]) == (True, 0.7, [])
    assert (item["answer_set"], item["error_rate"]) == (["a", "b"], 0.05)
    # The answer follows the decision rule, so it belongs to the set even below the cutoff.
    assert as_json("a.png", answer, known, 5, 0.1)["answer_set"] == ["a", "b"]


def test_of_a_picture_of_another_kind_there_is_no_set_and_the_reason_is_told() -> None:
    sets = Conformal("least ambiguous set", "validation", 100, (0.05, 0.1), (0.3, 0.5))
    known = manifest(labels=("a", "b"), conformal=sets)
    answer = prediction(1, ImageSource.from_path("a.png"), 0)
    object.__setattr__(answer, "domain", DomainVerdict(1.7, False, ("darker",)))
    item = as_json("a.png", answer, known, 5)
    assert (item["in_domain"], item["domain_score"], item["domain_reasons"]) == (False, 1.7, ["darker"])
    assert (item["answer_set"], item["error_rate"]) == (None, None)
    object.__setattr__(answer, "domain", DomainVerdict(1.7, False))
    assert as_json("a.png", answer, known, 5)["domain_reasons"] == ["unlike"]


def test_of_a_picture_much_larger_than_those_of_the_cutoffs_there_is_no_set() -> None:
    answer = prediction(1, ImageSource.from_path("a.png"), 0)
    for side, size, told in (
        (0, (640, 480), True),
        (32, (32, 640), True),
        (32, (64, 64), True),
        (32, (65, 640), False),
    ):
        sets = Conformal("least ambiguous set", "validation", 100, (0.05, 0.1), (0.3, 0.5), side=side)
        item = as_json("a.png", replace(answer, original_size=size), manifest(labels=("a", "b"), conformal=sets), 5)
        assert (item["answer_set"] is not None, item["error_rate"] is not None) == (told, told), (side, size)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30), st.integers(1, 40))
def test_the_top_classes_are_the_highest_scores(scores: list[float], count: int) -> None:
    result = prediction(1, ImageSource.from_path("a.png"), 0)
    object.__setattr__(result, "probabilities", np.array(scores, np.float32))
    labels = tuple(map(str, range(len(scores))))
    top = top_classes(result, labels, count)
    assert [score for _, score in top] == sorted(scores, reverse=True)[:count]
    assert len({label for label, _ in top}) == len(top)


def test_of_several_digits_each_is_named_and_another_kind_says_why_and_what_would_suit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = manifest(labels=("a", "b"))
    writer = TextWriter(known, 1)
    answer = prediction(1, ImageSource.from_path("a.png"), 0)
    flagged = replace(answer, domain=DomainVerdict(1.7, False, ("darker",)), suits="chest-xray-pneumonia")
    writer.write(FoundFile("a.png"), flagged, known)
    several = replace(
        answer,
        domain=DomainVerdict(1.7, False, ("several",)),
        several=(("4", 0.98), ("7", 0.91)),
        notices=(Notice("several", "2 pieces of ink stand apart, and the model reads one digit", "caution"),),
    )
    writer.write(FoundFile("b.png"), several, known)
    _, first, second = capsys.readouterr().out.splitlines()
    assert "darker than nearly all" in first and "chest X-ray. Try --model chest-xray-pneumonia" in first
    assert first.startswith("no answer ") and "0.4" not in first, "outside its kind no class is the answer"
    assert second.startswith("2 digits: 4 7") and "0.910" in second
    assert second.count("pieces of ink stand apart") == 1


def test_a_flagged_picture_lists_its_scores_on_request_alone(capsys: pytest.CaptureFixture[str]) -> None:
    known = manifest(labels=("a", "b"))
    flagged = replace(prediction(1, ImageSource.from_path("a.png"), 0), domain=DomainVerdict(1.7, False))
    TextWriter(known, 2).write(FoundFile("a.png"), flagged, known)
    _, said, first, second = capsys.readouterr().out.splitlines()
    assert said.startswith("no answer ") and first.split() == ["a", "0.600"] and second.split() == ["b", "0.400"]


def test_the_losing_score_is_never_the_answers(capsys: pytest.CaptureFixture[str]) -> None:
    known = manifest(labels=("a", "b"), decision=Decision("threshold", 1, 0.35, "chosen on validation"))
    TextWriter(known, 1).write(FoundFile("a.png"), prediction(1, ImageSource.from_path("a.png"), 0), known)
    said = capsys.readouterr().out.splitlines()[1]
    assert said.split()[:3] == ["b", "≥", "0.350"] and "0.400" not in said
