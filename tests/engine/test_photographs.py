"""Photographs given to the model of tiles: the everyday network sees that they show none of its things."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.photographs import photographs
from desktop.core.types import DomainVerdict, ImageSource, PreprocessSpec
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from desktop.engine.model import LoadedModel
from desktop.engine.photographs import looked_at
from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelStore
from tests.engine.test_reading import source

INSIDE = DomainVerdict(0.3, True)


@pytest.fixture(scope="module")
def everyday() -> LoadedModel:
    entry = ModelStore().get(EVERYDAY)
    if entry.state != "ready":
        pytest.skip("the everyday network is not installed")
    return LoadedModel(entry, 1)


@pytest.fixture(scope="module")
def client(everyday: LoadedModel) -> Iterator[EngineClient]:
    with EngineClient(threads=1) as client:
        yield client


def answered(client: EngineClient, picture: ImageSource) -> m.Prediction:
    request = client.next_id()
    client.submit(m.PredictRequest(request, "cifar10", picture))
    while True:
        for answer in client.events(60):
            if isinstance(answer, m.Prediction | m.Failure) and answer.id == request:
                assert isinstance(answer, m.Prediction), answer
                return answer


def test_photographs_of_a_flower_and_a_temple_are_not_of_its_kind(client: EngineClient) -> None:
    pictures = [ImageSource.from_path(str(each.path)) for each in photographs()]
    if not pictures:
        pytest.skip("the sample photographs are not installed")
    for picture in pictures:
        verdict = answered(client, picture).domain
        assert verdict is not None and not verdict.inside, picture.name
    request = client.next_id()
    client.submit(m.BatchRequest(request, "cifar10", tuple(pictures), gated=True))
    found: list[m.Prediction | m.Failure] = []
    while len(found) < len(pictures):
        for event in client.events(60):
            if isinstance(event, m.BatchAnswers) and event.id == request:
                found += event.items
    for item in found:
        assert isinstance(item, m.Prediction) and item.domain is not None and not item.domain.inside


def test_a_tile_is_judged_by_the_gate_alone(client: EngineClient) -> None:
    picture = next(iter(photographs()), None)
    if picture is None:
        pytest.skip("the sample photographs are not installed")
    with Image.open(picture.path) as opened:
        tile = np.asarray(opened.convert("RGB").resize((32, 32)))
    assert answered(client, source(tile)).domain is not None


def test_the_everyday_network_is_asked_only_where_that_may_change_something(everyday: LoadedModel) -> None:
    asked: list[PreprocessSpec] = []

    def prepared(spec: PreprocessSpec) -> np.ndarray:
        asked.append(spec)
        return np.zeros((spec.height, spec.width, 3), np.uint8)

    def load(name: str) -> LoadedModel:
        assert name == EVERYDAY
        return everyday

    for size, verdict in (((32, 32), INSIDE), ((640, 480), DomainVerdict(2.0, False)), ((640, 480), None)):
        assert looked_at("cifar10", size, verdict, prepared, load) is verdict
    assert looked_at("chest-xray-pneumonia", (640, 480), INSIDE, prepared, load) is INSIDE
    assert not asked
    verdict = looked_at("cifar10", (640, 480), INSIDE, prepared, load)
    assert verdict is not None and len(asked) == 1
