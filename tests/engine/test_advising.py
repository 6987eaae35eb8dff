"""Which other model would suit a picture, asked of a real engine process with the models that come with Fovea."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from desktop import paths
from desktop.core.types import ImageSource
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from tests.core.pictures.test_segments import side_by_side
from tests.engine.test_reading import source

SAMPLES = paths.resources() / "samples"


@pytest.fixture(scope="module")
def client() -> Iterator[EngineClient]:
    with EngineClient(threads=1) as client:
        yield client


def advised(client: EngineClient, model: str, picture: ImageSource) -> m.Advice | m.Failure:
    request = client.next_id()
    client.submit(m.AdviseRequest(request, model, picture))
    while True:
        for answer in client.events(60):
            if isinstance(answer, m.Advice | m.Failure) and answer.id == request:
                return answer


def test_a_handwritten_digit_belongs_to_the_model_of_digits(client: EngineClient) -> None:
    digit = ImageSource.from_path(str(SAMPLES / "digit-3-pen.png"))
    advice = advised(client, "cifar10", digit)
    assert isinstance(advice, m.Advice)
    assert (advice.model, advice.suits, advice.source) == ("cifar10", "mnist-digits", digit)
    own = advised(client, "mnist-digits", digit)  # it never offers itself
    assert isinstance(own, m.Advice) and own.suits == ""


@pytest.mark.parametrize("model", ["cifar10", "mnist-digits", "chest-xray-pneumonia"])
def test_noise_belongs_to_none(client: EngineClient, model: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (160, 160), dtype=np.uint8)
    advice = advised(client, model, source(noise))
    assert isinstance(advice, m.Advice) and advice.suits == ""


def test_what_cannot_be_opened_fails_as_everywhere(client: EngineClient) -> None:
    answer = advised(client, "cifar10", ImageSource("picture", data=b"no picture at all"))
    assert isinstance(answer, m.Failure) and answer.message


@pytest.mark.parametrize("asked", [False, True])
def test_a_batch_is_advised_only_where_it_was_asked_for(client: EngineClient, asked: bool) -> None:
    pictures = (ImageSource.from_path(str(SAMPLES / "digit-3-pen.png")), source(side_by_side("5")))
    request = client.next_id()
    client.submit(m.BatchRequest(request, "cifar10", pictures, gated=True, advised=asked))
    found: list[m.Prediction | m.Failure] = []
    while len(found) < 2:
        for event in client.events(60):
            if isinstance(event, m.BatchAnswers) and event.id == request:
                found += event.items
    for item in found:
        assert isinstance(item, m.Prediction) and item.domain is not None and not item.domain.inside
        assert item.suits == ("mnist-digits" if asked else "")
