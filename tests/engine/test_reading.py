"""Drawings read one digit at a time by the bundled model, in a real engine process."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.segments import MOST
from desktop.core.types import ImageSource
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from tests.core.pictures.test_mnist_layout import half_toned
from tests.core.pictures.test_segments import side_by_side
from tests.ml.packaging.digit_styles import samples_module


def source(pixels: np.ndarray, form: str = "BMP") -> ImageSource:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return ImageSource("drawing", data=stream.getvalue())


@pytest.fixture(scope="module")
def client() -> Iterator[EngineClient]:
    with EngineClient(threads=1) as client:
        yield client


def ask(client: EngineClient, picture: ImageSource, model: str = "mnist-digits") -> m.Reading | m.Failure:
    request = client.next_id()
    client.submit(m.ReadRequest(request, model, picture))
    while True:
        for answer in client.events(60):
            if isinstance(answer, m.Reading | m.Failure) and answer.id == request:
                return answer


def test_a_number_is_read_digit_by_digit(client: EngineClient) -> None:
    picture = side_by_side("2804")
    answer = ask(client, source(picture))
    assert isinstance(answer, m.Reading)
    assert [digit.prediction.label for digit in answer.digits] == list("2804")
    for digit in answer.digits:
        x, y, width, height = digit.box
        assert 0 <= x < x + width <= picture.shape[1] and 0 <= y < y + height <= picture.shape[0]
        assert (picture[y : y + height, x : x + width] < 128).any()
        assert digit.prediction.prepared is not None and digit.prediction.prepared.shape == (28, 28, 1)
    assert answer.total_ms > 0


def test_one_digit_is_answered_as_classify_answers(client: EngineClient) -> None:
    picture = source(samples_module().digit(5, 1, 300), "PNG")
    reading = ask(client, picture)
    request = client.next_id()
    client.submit(m.PredictRequest(request, "mnist-digits", picture))
    (alone,) = [a for a in iter_answers(client) if isinstance(a, m.Prediction) and a.id == request]
    assert isinstance(reading, m.Reading)
    (digit,) = reading.digits
    assert digit.prediction.prepared_sha256 == alone.prepared_sha256
    np.testing.assert_array_equal(digit.prediction.probabilities, alone.probabilities)


def iter_answers(client: EngineClient) -> Iterator[m.Answer]:
    while True:
        for answer in client.events(60):
            yield answer
            if isinstance(answer, m.Prediction | m.Failure):
                return


def test_a_blank_sheet_has_no_digits(client: EngineClient) -> None:
    answer = ask(client, source(np.full((300, 300), 255, np.uint8)))
    assert isinstance(answer, m.Reading) and answer.digits == ()


def test_a_model_of_photos_takes_the_picture_whole(client: EngineClient) -> None:
    answer = ask(client, source(side_by_side("12")), "cifar10")
    assert isinstance(answer, m.Reading) and len(answer.digits) == 1


def test_what_is_no_picture_and_no_model_is_said(client: EngineClient) -> None:
    answer = ask(client, ImageSource("drawing", data=b"no picture at all"))
    assert isinstance(answer, m.Failure) and answer.message
    answer = ask(client, source(side_by_side("1")), "no-such-model")
    assert isinstance(answer, m.Failure) and answer.model_failed


def test_of_many_questions_the_newest_is_answered(client: EngineClient) -> None:
    ids = []
    for value in "0123456789":
        ids.append(client.next_id())
        client.submit(m.ReadRequest(ids[-1], "mnist-digits", source(samples_module().digit(int(value), 0, 280))))
    last = None
    while last is None:
        for answer in client.events(60):
            if isinstance(answer, m.Reading):
                assert answer.id in ids
                last = answer if answer.id == ids[-1] else None
    assert last.digits[0].prediction.label == "9"


def test_a_page_of_digits_is_not_read_as_one_with_confidence(client: EngineClient) -> None:
    page = np.vstack([side_by_side("12345", size=90) for _ in range(MOST // 5 + 1)])
    reading = ask(client, source(page))
    assert isinstance(reading, m.Reading)
    (digit,) = reading.digits
    assert digit.prediction.domain is not None and not digit.prediction.domain.inside
    assert digit.prediction.domain.reasons[0] == "too-many"
    (notice,) = (n for n in digit.prediction.notices if n.code == "too-many")
    assert f"{MOST + 5} pieces" in notice.text


def test_what_is_no_drawing_is_of_another_kind_however_it_is_asked(client: EngineClient) -> None:
    """A vertical bar of half-tones would pass as a 1 by what is left of it."""
    picture = source(half_toned(3))
    reading = ask(client, picture)
    assert isinstance(reading, m.Reading) and reading.digits
    request = client.next_id()
    client.submit(m.PredictRequest(request, "mnist-digits", picture))
    (alone,) = [a for a in iter_answers(client) if isinstance(a, m.Prediction) and a.id == request]
    for prediction in (alone, *(digit.prediction for digit in reading.digits)):
        verdict = prediction.domain
        assert verdict is not None and not verdict.inside and verdict.score > 1
        assert verdict.reasons[0] == "paper"


@pytest.mark.parametrize("batch", [False, True])
def test_several_digits_in_one_picture_are_counted_and_each_is_read(client: EngineClient, batch: bool) -> None:
    """One answer for two digits would be neither: it is said, and both are read as Draw reads them."""
    picture = source(side_by_side("47"), "PNG")
    request = client.next_id()
    if batch:
        client.submit(m.BatchRequest(request, "mnist-digits", (picture,), gated=True))
    else:
        client.submit(m.PredictRequest(request, "mnist-digits", picture))
    answer: m.Prediction | m.Failure | None = None
    while answer is None:
        for event in client.events(60):
            if isinstance(event, m.BatchAnswers) and event.id == request:
                (answer,) = event.items
            elif isinstance(event, m.Prediction) and event.id == request:
                answer = event
    assert isinstance(answer, m.Prediction)
    assert [label for label, _ in answer.several] == ["4", "7"]
    assert all(0 < score <= 1 for _, score in answer.several)
    assert answer.domain is not None and not answer.domain.inside and answer.domain.reasons[0] == "several"
    assert "2 pieces" in answer.notices[0].text


def test_a_page_shown_to_classify_is_not_one_digit(client: EngineClient) -> None:
    page = np.vstack([side_by_side("12345", size=90) for _ in range(MOST // 5 + 1)])
    request = client.next_id()
    client.submit(m.PredictRequest(request, "mnist-digits", source(page)))
    (alone,) = [a for a in iter_answers(client) if isinstance(a, m.Prediction) and a.id == request]
    assert alone.domain is not None and alone.domain.reasons[0] == "too-many" and not alone.several
