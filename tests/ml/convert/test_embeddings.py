"""Embeddings: what the network says, once a picture, whatever way a picture comes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.data.open_data import open_dataset
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import ImageSource, StoreError
from desktop.ml.convert.embeddings import EVERYDAY, Embedder
from desktop.ml.convert.litert import LiteRT
from desktop.store.embedding_cache import EmbeddingCache
from desktop.store.store import ModelStore

MODEL = "cifar10"  # small and bundled: what holds for it holds for the large one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty pictures in two classes, one of them no picture, two of them alike."""
    rng = np.random.default_rng(3)
    for number in range(40):
        place = tmp_path / "photos" / ("a" if number % 2 else "b")
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (60 + number, 80, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number:02d}.png")
    (tmp_path / "photos" / "a" / "05.png").write_bytes(b"no picture at all")
    (tmp_path / "photos" / "a" / "07.png").write_bytes((tmp_path / "photos" / "a" / "09.png").read_bytes())
    return tmp_path / "photos"


def test_all_ways_in_give_the_same_rows(folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))
    with Embedder.of(MODEL) as embedder:
        found = embedder.sources([ImageSource.from_path(str(file)) for file in files])
        assert found.rows.shape == (40, embedder.size) and found.rows.dtype == np.float32
        assert [files[i].name for i in found.failures] == ["05.png"] and "text" in found.failures[2].message
        assert np.isnan(found.rows[~found.opened]).all() and np.isfinite(found.rows[found.opened]).all()
        arrays = [np.asarray(Image.open(file)) for file in np.array(files)[found.opened]]
        assert np.allclose(embedder.pictures(arrays), found.rows[found.opened], atol=1e-5)
        images = np.stack([prepare(array, embedder.spec).pixels for array in arrays])
        assert np.allclose(embedder.prepared(images), found.rows[found.opened], atol=1e-5)
        entry = ModelStore().require(MODEL)
        assert entry.manifest is not None
        lite = LiteRT(entry.folder / "model.tflite")
        (direct,) = lite.run(images, only=(entry.manifest.outputs["embedding"],))
        assert np.allclose(direct, found.rows[found.opened], atol=1e-5)
        assert embedder.pictures([]).shape == (0, embedder.size)


def test_nothing_is_looked_at_twice(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    with Embedder.of(MODEL) as embedder:
        data = open_dataset(str(folder), None)
        first = embedder.dataset(data, lambda done, total: told.append((done, total)))
        assert first.computed >= 38 and told[0] == (0, 40) and told[-1] == (40, 40)
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    monkeypatch.setattr(LiteRT, "run", _no_more(LiteRT.run))
    with Embedder.of(MODEL) as embedder:
        again = embedder.dataset(open_dataset(str(moved), None))
        assert again.computed == 0 and np.array_equal(again.rows, first.rows, equal_nan=True)
        assert list(again.failures) == list(first.failures)


def _no_more(run: object) -> object:
    """Lets a network look at one blank picture, as an embedder does when it is made, and at no other."""

    def limited(self: LiteRT, images: np.ndarray, *more: object, **named: object) -> object:
        assert len(images) == 1 and not images.any(), "a picture was looked at again"
        return run(self, images, *more, **named)  # type: ignore[operator]

    return limited


def test_prepared_pictures_are_known_by_their_content(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with Embedder.of(MODEL) as embedder:
        images = rng.integers(0, 256, (300, embedder.spec.height, embedder.spec.width, 3), np.uint8)
        sha256 = rng.integers(0, 256, (300, 32), np.uint8)
        first = embedder.prepared(images, sha256)
        # Half of them are known: what is computed anew must land in its own place.
        sha256[::2] = rng.integers(0, 256, (150, 32), np.uint8)
        images[::2] = 255 - images[::2]
        second = embedder.prepared(images, sha256)
        assert np.array_equal(second[1::2], first[1::2])
        assert np.allclose(second[::2], embedder.prepared(images[::2]), atol=1e-5)


def test_rows_of_another_network_or_preparing_are_never_taken(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "c.sqlite")
    store = ModelStore()
    colour, grey = (Embedder(store.require(name), cache) for name in (MODEL, "chest-xray-pneumonia"))
    assert colour.identity != grey.identity
    assert colour.key(bytes(32)) != grey.key(bytes(32)) != grey.key(bytes(32), 1)


def test_what_has_no_embedding_says_so(fovea_home: Path) -> None:
    from tests.store.makers import add_colours

    store = ModelStore()
    add_colours(store)
    with pytest.raises(StoreError) as caught:
        Embedder.of("colours", store)
    assert caught.value.kind == "no-embedding"
    with pytest.raises(StoreError):
        Embedder.of("vgg16-imagenet")


def test_cancelling_ends_it(folder: Path) -> None:
    class CancelledHereError(Exception):
        pass

    def progress(done: int, total: int) -> None:
        if done:
            raise CancelledHereError

    with Embedder.of(MODEL) as embedder, pytest.raises(CancelledHereError):
        embedder.dataset(open_dataset(str(folder), None), progress)


def test_the_everyday_model_gives_1280_features() -> None:
    if not any(entry.id == EVERYDAY and entry.state == "ready" for entry in ModelStore().entries()):
        pytest.skip("the model for everyday photographs is not made here ('fovea models prepare --shared')")
    from sklearn.datasets import load_sample_images

    with Embedder.of() as embedder:
        rows = embedder.pictures(list(load_sample_images().images))
        assert rows.shape == (2, 1280) and rows.min() >= 0 and rows.max() <= 6.001  # pooled ReLU6
