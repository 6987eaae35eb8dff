"""What an evaluation is asked for, against its definition: orders, thresholds, figures with and without persons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures import calibration, metrics
from desktop.core.figures.clustered import Persons
from desktop.core.figures.decision import answers_of
from desktop.core.figures.intervals import proportion
from desktop.core.figures.result import (
    EvaluationResult,
    compare,
    figures,
    operating_point,
    setup_of,
    shared_figures,
    with_threshold,
)
from desktop.core.types import PreprocessSpec
from tests.core.figures.makers import made_up, two_classes


def turned(result: EvaluationResult) -> EvaluationResult:
    """The same answers of a model whose positive class is the first."""
    model = replace(result.model, positive=0)
    return replace(result, model=model, predicted=answers_of(result.scores, 0, result.model.threshold))


def many(classes: int, n: int = 60, seed: int = 1, **changes: object) -> EvaluationResult:
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, classes, n).astype(np.int32), rng.dirichlet(np.ones(classes), n)
    scores[np.arange(n), truth] += rng.random(n)
    scores /= scores.sum(axis=1, keepdims=True)
    return made_up(truth, scores, tuple(f"c{i}" for i in range(classes)), **changes)


def test_an_equal_score_is_positive_whichever_class_that_is() -> None:
    scores = np.array([[0.25, 0.75], [0.75, 0.25], [0.5, 0.5], [0.24, 0.76]])
    assert answers_of(scores, 1, 0.75).tolist() == [1, 0, 0, 1] and answers_of(scores, 0, 0.25).tolist() == [0, 0, 0, 1]
    for positive, threshold in ((None, None), (1, None), (None, 0.9)):  # the highest score; of equal ones the first
        assert answers_of(scores, positive, threshold).tolist() == [1, 0, 0, 1]
    assert answers_of(np.empty((0, 2)), None, None).dtype == np.int32


def test_orders_put_the_surest_first() -> None:
    truth = np.array([0, 0, 0, 1, 1, 0])
    top = np.array([0.6, 0.95, 0.91, 0.7, 0.8, 0.5])
    result = made_up(truth, np.stack([1 - top, top], axis=1))  # all are answered with 1 but the last, a tie
    assert result.likely_wrong_labels().tolist() == [1, 2] and result.likely_wrong_labels(0.96).tolist() == []
    sure = float(result.confidence()[1])
    assert result.likely_wrong_labels(sure).tolist() == [1]  # 'at least'
    assert result.likely_wrong_labels(0.5).tolist() == [1, 2, 0]
    assert result.cell(0, 1).tolist() == [1, 2, 0] and result.cell(1, 1).tolist() == [4, 3]
    assert result.top_losses().tolist() == [1, 2, 0] and result.least_confident_right().tolist() == [5, 3, 4]
    none = made_up(np.array([0]), np.array([[0.0, 1.0]]))
    assert none.losses()[0] == pytest.approx(-np.log(1e-12))


def test_some_of_the_answers_are_a_result_too() -> None:
    result = made_up(*two_classes(20), groups=np.arange(20) // 2)
    rows = np.array([3, 1, 7])
    part = result.take(rows)
    assert part.names == tuple(result.names[row] for row in rows) and len(part) == 3
    for name in ("truth", "predicted", "scores", "positions", "groups"):
        np.testing.assert_array_equal(getattr(part, name), getattr(result, name)[rows])
    assert made_up(*two_classes(20)).take(rows).groups is None


def test_a_setup_tells_preparations_apart() -> None:
    spec = PreprocessSpec(8, 8, "rgb", "stretch")
    one = setup_of(spec, 0)
    assert one == setup_of(PreprocessSpec(8, 8, "rgb", "stretch"), 0) and len(one) == 32
    assert len({one, setup_of(spec, 1), setup_of(PreprocessSpec(8, 9, "rgb", "stretch"), 0)}) == 3


def test_what_has_no_answer_is_told_with_its_reason() -> None:
    skipped = [BrokenEntry(f"a/{i}.png", "a", "truncated", "The file ends early.") for i in range(3)]
    assert made_up(*two_classes(7)).unanswered == ""
    whole = made_up(*two_classes(7), skipped=tuple(skipped)).unanswered
    assert whole.startswith("3 of 10 pictures have no answer and count in no figure") and "The file ends early" in whole
    one = made_up(*two_classes(7), skipped=tuple(skipped[:1])).unanswered
    assert one.startswith("1 of 8 pictures has no answer")
    odd = (*skipped, BrokenEntry("b", "a", "unreadable", "It cannot be read."))
    mixed = made_up(*two_classes(7), skipped=odd).unanswered
    assert mixed.startswith("4 of 11 pictures have") and "The file ends early" in mixed and mixed != whole


def test_a_threshold_goes_with_two_labels_and_the_positive_one() -> None:
    result = made_up(*two_classes(30))
    for each, positive in ((result, 1), (turned(result), 0)):
        changed = with_threshold(each, 0.4, "tried")
        np.testing.assert_array_equal(changed.predicted == positive, each.scores[:, positive].astype(float) >= 0.4)
        assert (changed.model.positive, changed.model.threshold, changed.model.reason) == (positive, 0.4, "tried")
        assert with_threshold(changed, None).model.positive == positive
    unsaid = replace(result, model=replace(result.model, positive=None))
    assert with_threshold(unsaid, 0.4).model.positive == 1 and with_threshold(unsaid, None).model.positive is None
    three = many(3)
    assert with_threshold(three, None).predicted.tolist() == three.predicted.tolist()
    with pytest.raises(ValueError, match="two labels"):
        with_threshold(three, 0.5)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("positive", [0, 1, None])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_figures_of_two_classes_are_of_the_positive_one(
    grouped: bool, positive: int | None, threshold: float | None
) -> None:
    truth, scores = two_classes(60)
    scores[0] = [0.5, 0.5]  # reaches the threshold exactly
    groups = np.arange(60) // 2 if grouped else None
    result = made_up(truth, scores, groups=groups)
    of = 1 if positive is None else positive
    result = replace(result, model=replace(result.model, positive=positive, threshold=threshold))
    result = replace(result, predicted=answers_of(result.scores, of, threshold))
    found, is_positive = figures(result), truth == of
    own = result.scores[:, of].astype(np.float64)
    persons = Persons.among(groups)
    assert found.auc is not None and found.average_precision is not None and found.curves is not None
    assert found.point is not None and found.thresholds is not None and found.positive_reliability is not None
    plain = metrics.curves(is_positive, own, 0)
    assert plain is not None and found.auc.value == pytest.approx(plain.auc.value)
    assert found.average_precision.value == pytest.approx(plain.average_precision.value)
    assert (found.curves.auc, found.curves.average_precision) == (found.auc, found.average_precision)
    said = own >= threshold if threshold is not None else result.predicted == of
    assert (found.point.tp, found.point.fp) == (int((said & is_positive).sum()), int((said & ~is_positive).sum()))
    expected = calibration.reliability(own, is_positive)
    assert [(b.n, b.accuracy.hits) for b in found.positive_reliability] == [(b.n, b.accuracy.hits) for b in expected]
    top, right = result.scores.max(axis=1).astype(np.float64), answers_of(result.scores, None, None) == truth
    assert found.ece.value == pytest.approx(calibration.ece(top, right, 0).value)
    bins = calibration.reliability(top, right)
    assert [(b.n, b.accuracy.hits) for b in found.reliability] == [(b.n, b.accuracy.hits) for b in bins]
    steps = calibration.risk_steps(result.confidence(), result.right)
    assert [(s.coverage, s.accuracy.hits, s.accuracy.n) for s in found.risk_steps] == [
        (s.coverage, s.accuracy.hits, s.accuracy.n) for s in steps
    ]
    assert found.persons == (30 if grouped else None) and found.class_auc == []
    if persons is not None:
        assert found.auc == persons.auc(is_positive, own)
        area = metrics.weighted_ap(is_positive, own)
        assert found.average_precision == persons.bootstrap(plain.average_precision, area, 4 * 60, 0)
        ece = calibration.weighted_ece(top, right)
        assert found.ece == persons.bootstrap(calibration.ece(top, right, 0), ece, 2 * 60, 0)
        assert found.point.sensitivity.method.endswith("by person")


@pytest.mark.parametrize("grouped", [False, True])
def test_each_of_many_classes_has_its_area(grouped: bool) -> None:
    groups = np.arange(60) // 2 if grouped else None
    result = many(10, groups=groups)
    found, persons = figures(result), Persons.among(groups)
    for index, area in enumerate(found.class_auc):
        own = result.scores[:, index].astype(np.float64)
        assert area.value == metrics.class_auc(result.truth, result.scores, index).value
        if persons is not None:
            assert area == persons.auc(result.truth == index, own)
    assert len(found.class_auc) == 10 and found.top5 is not None and (found.auc, found.point) == (None, None)
    hits = int(metrics.in_top(result.truth, result.scores).sum())
    assert found.top5.hits == hits and found.top5.value == proportion(hits, 60, "").value
    assert figures(many(9)).top5 is None and (found.curves, found.positive_reliability) == (None, None)
    assert len(figures(many(100, 40)).class_auc) == 100 and figures(many(101, 40)).class_auc == []


def test_the_seed_is_0_unless_said() -> None:
    result = made_up(*two_classes(40))
    assert figures(result).ece == figures(result, 0).ece != figures(result, 1).ece


def test_one_class_alone_by_person_has_no_curves() -> None:
    scores = two_classes(20)[1]
    found = figures(made_up(np.ones(20, np.int32), scores, groups=np.arange(20) // 2))
    assert found.auc is not None and found.auc.value is None and found.curves is None
    assert found.average_precision is not None and found.average_precision.value is None


def test_two_results_are_of_the_same_data() -> None:
    a = made_up(*two_classes(12), names=tuple("abcdefghijkl"))
    b = made_up(*two_classes(12, 3), names=tuple("lkjihgfedcbz"))
    found = compare(a, b)
    assert [a.names[i] for i in found.a] == [b.names[i] for i in found.b] == list("bcdefghijkl")
    right_a, right_b = a.right[found.a], b.right[found.b]
    names = np.array(list("bcdefghijkl"))
    assert found.only_a == tuple(names[right_a & ~right_b]) and found.only_b == tuple(names[~right_a & right_b])
    assert (found.test.only_a, found.test.only_b) == (len(found.only_a), len(found.only_b))
    unknown = replace(a.data, fingerprint="")
    for pair in ((replace(a, data=unknown), b), (a, replace(b, data=unknown)), (replace(a, data=unknown),) * 2):
        with pytest.raises(ValueError, match="before its data was known"):
            compare(*pair)
    with pytest.raises(ValueError, match="different data"):
        compare(a, replace(b, data=replace(b.data, fingerprint="ef" * 32)))


def test_compared_figures_are_of_what_both_answered() -> None:
    a, b = made_up(*two_classes(12), names=tuple("abcdefghijkl")), made_up(*two_classes(10), names=tuple("abcdefghij"))
    of_a, of_b = figures(a), figures(b)
    shared_a, shared_b = shared_figures(a, of_a, b, of_b, compare(a, b))
    assert shared_b is of_b and shared_a is not of_a and shared_a.n == 10
    assert shared_a.accuracy.hits == int(a.right[:10].sum())
    back_b, back_a = shared_figures(b, of_b, a, of_a, compare(b, a))
    assert back_b is of_b and back_a.n == 10


def test_why_pictures_have_no_answer_is_said_of_all_or_of_most() -> None:
    result = many(3, 6)
    cut, strange = (BrokenEntry(str(i), "a", "truncated", m) for i, m in enumerate(("it is cut off", "no picture.")))
    alike = replace(result, skipped=(cut, replace(cut, name="2"), replace(cut, name="3")))
    assert alike.unanswered.endswith("others alone. Of these: it is cut off.")
    mixed = replace(result, skipped=(strange, cut, replace(cut, name="2")))
    assert mixed.unanswered.endswith("others alone. 2 of these: it is cut off.")
    assert "3 of 9 pictures have no answer" in mixed.unanswered and "the 6 others" in mixed.unanswered


def test_a_threshold_that_equals_a_score_counts_it_for_persons_too() -> None:
    truth, scores = two_classes()
    persons = np.arange(len(truth)) // 2
    result = replace(made_up(truth, scores), groups=persons)
    values = np.unique(scores[:, 1].astype(np.float64))
    at, below = values[len(values) // 2], (values[len(values) // 2] + values[len(values) // 2 - 1]) / 2
    table = figures(result).thresholds
    assert table is not None
    here, same = operating_point(result, table, float(at)), operating_point(result, table, float(below))
    for name in ("sensitivity", "specificity", "ppv"):
        one, other = getattr(here, name), getattr(same, name)
        assert (one.value, one.low, one.high) == (other.value, other.low, other.high) and one.low is not None


def test_figures_that_the_table_computes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"another": proportion(3, 4, "")}
    monkeypatch.setattr("desktop.core.figures.result.computed", lambda *given: told)
    assert figures(many(3)).more == told


@pytest.mark.parametrize("only", [0, 1])
def test_persons_of_one_class_alone_have_no_area(only: int) -> None:
    rng = np.random.default_rng(2)
    scores = rng.dirichlet(np.ones(2), 40)
    result = replace(made_up(np.full(40, only), scores), groups=np.arange(40) // 4)
    found = figures(result)
    assert found.persons == 10 and found.accuracy.value == pytest.approx(result.right.mean())
    for area in (found.auc, found.average_precision):
        assert area is None or area.value is None
