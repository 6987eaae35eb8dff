"""The ImageNet networks: built as published, with their preprocessing inside, installed from files and servers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.types import FoveaError
from desktop.ml.exchange import install
from desktop.ml.exchange.install import InstallRequest
from desktop.ml.plans.job_steps import JobStep
from desktop.store import catalogue
from desktop.store.catalogue import Pins
from desktop.store.download import Transfer
from desktop.store.store import ModelStore
from tests.store.servers import serving

MOBILE = "mobilenet-v3-small-imagenet"
VGG_SHAPES = {
    "block1_conv1": (224, 224, 64),
    "block1_conv2": (224, 224, 64),
    "block1_pool": (112, 112, 64),
    "block2_conv1": (112, 112, 128),
    "block2_conv2": (112, 112, 128),
    "block2_pool": (56, 56, 128),
    "block3_conv1": (56, 56, 256),
    "block3_conv2": (56, 56, 256),
    "block3_conv3": (56, 56, 256),
    "block3_pool": (28, 28, 256),
    "block4_conv1": (28, 28, 512),
    "block4_conv2": (28, 28, 512),
    "block4_conv3": (28, 28, 512),
    "block4_pool": (14, 14, 512),
    "block5_conv1": (14, 14, 512),
    "block5_conv2": (14, 14, 512),
    "block5_conv3": (14, 14, 512),
    "block5_pool": (7, 7, 512),
    "flatten": (25088,),
    "fc1": (4096,),
    "fc2": (4096,),
    "predictions": (1000,),
}


def test_the_catalogue_names_the_publisher_and_says_what_was_not_checked() -> None:
    known = catalogue.load()
    assert [network.id for network in known.networks][2:4] == ["vgg16-imagenet", "vgg16-imagenet-base"]
    for network in known.networks[:2]:
        assert known.get(network.aliases[0]) is network and network.licence
        assert network.source == "package" and network.package is not None and network.size_exact
        assert network.package.file in network.file_name and len(network.sha256 or "") == 64
    for network in known.networks[2:]:
        assert network.source == "download" and network.package is None
        assert network.url.startswith("https://storage.googleapis.com/tensorflow/keras-applications/")
        assert network.md5 is not None and len(network.md5) == 32 and network.sha256 is None
        assert network.licence and "not" in network.checked
        assert known.get(network.aliases[0]) is network
    with pytest.raises(FoveaError) as caught:
        known.get("resnet-1000")
    assert "vgg16-imagenet" in caught.value.hint


def test_labels_are_in_the_order_of_the_outputs() -> None:
    known = catalogue.load()
    for network in known.networks:
        if not network.top:
            continue
        manifest = catalogue.describe(network, known, ModelStore())
        assert (manifest.labels[285], manifest.label_ids[285]) == ("Egyptian cat", "n02124075")
        assert (manifest.labels[820], manifest.label_ids[820]) == ("steam locomotive", "n04310018")
        assert manifest.preprocess.resize_shorter == network.resize_shorter
    with pytest.raises(FoveaError) as caught:
        catalogue.describe(known.get("vgg16-base"), known, ModelStore())
    assert caught.value.kind == "no-top"


def test_preprocessing_inside_is_the_publishers_own() -> None:
    import keras

    from desktop.ml.nets import imagenet

    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    image = keras.Input((32, 32, 3), dtype="uint8")
    for name, theirs in (
        ("vgg16", keras.applications.vgg16),
        ("inception-v3", keras.applications.inception_v3),
        ("resnet50-v2", keras.applications.resnet_v2),
    ):
        ours = keras.Model(image, imagenet.RECIPES[name].prepare(image))
        wanted = theirs.preprocess_input(pixels.astype(np.float32).copy())
        assert np.allclose(ours.predict(pixels, verbose=0), wanted, atol=1e-4), name


def test_a_base_is_flat_and_its_layers_can_be_named() -> None:
    from desktop.ml.nets import imagenet

    model = imagenet.build_base("vgg16-imagenet-base", None, (64, 64, 3))
    assert model.get_layer("block4_pool").output.shape[1:] == (4, 4, 512)
    assert model.count_params() == 14_714_688
    again = imagenet.build_base(MOBILE, None, (64, 64, 3))
    assert [layer.name for layer in again.layers] == [
        layer.name for layer in imagenet.build_base(MOBILE, None, (64, 64, 3)).layers
    ]


def test_a_network_without_a_top_is_built_upon(tmp_path: Path) -> None:
    from types import SimpleNamespace

    import keras

    from desktop.ml.nets import base_network, imagenet

    plan: Any = SimpleNamespace(
        start=SimpleNamespace(model="vgg16-imagenet-base", version=None), shape=(64, 64, 3), labels=("a", "b")
    )
    with pytest.raises(FoveaError) as caught:
        base_network.open_base(plan)
    assert caught.value.kind == "not-installed" and "vgg16-imagenet-base" in caught.value.hint
    keras.utils.set_random_seed(3)
    model = imagenet.build_base("vgg16-imagenet-base")
    target = catalogue.base_weights(catalogue.load().get("vgg16-imagenet-base"))
    target.parent.mkdir(parents=True)
    model.save_weights(target)
    base = base_network.open_base(plan)
    assert base_network.trunk(base, "block4_pool").output_shape == (None, 4, 4, 512)
    assert base_network.trunk(base, None).output_shape == (None, 512)
    kernel = base.network.get_layer("block1_conv1").get_weights()[0]
    assert np.array_equal(kernel, model.get_layer("block1_conv1").get_weights()[0])


def test_a_wrong_file_is_not_installed_and_both_hashes_are_told(tmp_path: Path) -> None:
    stick = tmp_path / "vgg16.h5"
    stick.write_bytes(b"\x89HDF\r\n\x1a\n" + b"other")
    store = ModelStore(user=tmp_path / "user")
    network = catalogue.load().get("vgg16")
    with pytest.raises(FoveaError) as caught:
        install.install(InstallRequest(network, stick), store)
    assert caught.value.kind == "wrong-hash"
    assert network.md5 in caught.value.message
    assert hashlib.md5(stick.read_bytes(), usedforsecurity=False).hexdigest() in caught.value.message
    assert stick.exists() and not (tmp_path / "user").exists()
    assert Pins().get(network.id) is None


def test_too_little_disk_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import collections

    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 0, 10**9))
    with pytest.raises(FoveaError) as caught:
        install.install(InstallRequest(catalogue.load().get("vgg16")), ModelStore(user=tmp_path))
    assert caught.value.kind == "disk-full" and "2.8 GB" in caught.value.message


@pytest.fixture
def mobile(tmp_path: Path) -> tuple[Any, bytes]:
    """The catalogue's MobileNet with seeded random weights in place of the published ones, and their file."""
    import keras

    from desktop.ml.nets import imagenet

    keras.utils.set_random_seed(5)
    path = tmp_path / "weights_mobilenet.h5"
    imagenet.build_base(MOBILE, top=True).save_weights(path.with_suffix(".weights.h5"))
    content = path.with_suffix(".weights.h5").read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return replace(catalogue.load().get(MOBILE), md5=md5, size=len(content), size_exact=True), content


@pytest.mark.slow
def test_a_network_is_fetched_built_converted_compared_and_answers(mobile: tuple[Any, bytes], tmp_path: Path) -> None:
    network, content = mobile
    store = ModelStore(user=tmp_path / "user")
    told: list[Any] = []
    with serving(lambda h: h.give(content, stop_after=4_000_000 if h.number == 1 else None)) as server:
        request = InstallRequest(network, url=server.url)  # type: ignore[attr-defined]
        made = install.install(request, store, told.append)
        assert [h.get("Range") for h in server.asked] == [None, "bytes=4000000-"]  # type: ignore[attr-defined]
    assert made is not None and made.parity is not None and made.parity.largest_difference <= 1e-5
    assert made.card.parameters == 2_554_968
    assert [event.name for event in told if isinstance(event, JobStep)] == ["build", "convert", "compare", "write"]
    assert any(isinstance(event, Transfer) and event.done == event.total for event in told)
    assert {c.verdict for c in store.verify(MOBILE)} == {"ok"} and install.is_installed(network, store)
    pin = Pins().get(MOBILE)
    assert pin is not None and pin.sha256 == hashlib.sha256(content).hexdigest()
    assert not install.download_path(network).exists()
    from desktop.engine.model import LoadedModel

    scores = LoadedModel(store.require(MOBILE)).predict(np.zeros((2, 224, 224, 3), np.uint8))
    assert scores.shape == (2, 1000) and np.allclose(scores.sum(axis=1), 1, atol=1e-4)
    # The pin counts from now on, even where the MD5 is right.
    Pins().set(MOBILE, replace(pin, sha256="0" * 64))
    with serving(lambda h: h.give(content)) as server:
        with pytest.raises(FoveaError) as caught:
            install.install(InstallRequest(network, url=server.url), store)  # type: ignore[attr-defined]
        assert caught.value.kind == "wrong-hash"


@pytest.mark.slow
def test_weights_in_16_bits_are_half_the_size_and_close(mobile: tuple[Any, bytes], tmp_path: Path) -> None:
    network, content = mobile
    path = tmp_path / "mine.weights.h5"
    path.write_bytes(content)
    store = ModelStore(user=tmp_path / "user")
    made = install.install(
        InstallRequest(network, path, precision="float16", sha256=hashlib.sha256(content).hexdigest()), store
    )
    assert made is not None and made.parity is not None and made.parity.largest_difference < 1e-2
    assert (store.user_root / MOBILE / "model.tflite").stat().st_size < 0.6 * len(content)
    assert "not the published weights" in made.card.limits[0]
    assert Pins().get(MOBILE) is None


@pytest.mark.parametrize("vouched", [True, False])
def test_a_base_that_its_user_vouched_for_is_not_taken_for_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vouched: bool
) -> None:
    def built(network: Any, weights: Path, work: Path, *_: Any) -> dict[str, Any]:
        (work / "base.weights.h5").write_bytes(weights.path.read_bytes())
        return {}

    monkeypatch.setattr(install, "_build", built)  # what is built is tested elsewhere; here it is which file is pinned
    mine = tmp_path / "mine.h5"
    mine.write_bytes(b"\x89HDF\r\n\x1a\n" + b"mine")
    content = mine.read_bytes()
    digest, md5 = hashlib.sha256(content).hexdigest(), hashlib.md5(content, usedforsecurity=False).hexdigest()
    network = catalogue.load().get("vgg16-base")
    if not vouched:
        network = replace(network, md5=md5, size=len(content), size_exact=True)
    assert (
        install.install(InstallRequest(network, mine, sha256=digest if vouched else None), ModelStore(user=tmp_path))
        is None
    )
    assert catalogue.base_weights(network).read_bytes() == content
    pin = Pins().get(network.id)
    assert pin is None if vouched else pin is not None and pin.sha256 == digest


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["another network", "cut off"])
def test_weights_that_do_not_fit_are_not_installed(mobile: tuple[Any, bytes], tmp_path: Path, wrong: str) -> None:
    network, content = mobile
    path = tmp_path / "mine.weights.h5"
    path.write_bytes(content if wrong == "another network" else content[: len(content) // 2])
    other = catalogue.load().get("vgg16-base") if wrong == "another network" else network
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    store = ModelStore(user=tmp_path / "user")
    with pytest.raises(FoveaError) as caught:
        install.install(InstallRequest(other, path, sha256=digest), store)
    assert caught.value.kind in ("does-not-fit", "damaged")
    assert not catalogue.base_weights(other).exists() and not store.user_root.exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_vgg16_layer_by_layer_and_its_conversion(tmp_path: Path) -> None:
    import keras

    from desktop.ml.nets import imagenet

    keras.utils.set_random_seed(7)
    model = imagenet.build_base("vgg16", top=True)
    assert {name: model.get_layer(name).output.shape[1:] for name in VGG_SHAPES} == VGG_SHAPES
    assert model.count_params() == 138_357_544
    path = tmp_path / "vgg16.weights.h5"
    model.save_weights(path)
    del model
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    store = ModelStore(user=tmp_path / "user")
    made = install.install(InstallRequest(catalogue.load().get("vgg16"), path, sha256=digest), store)
    assert made is not None and made.parity is not None and made.parity.largest_difference <= 1e-5
    assert made.card.parameters == 138_357_544 and made.labels[285] == "Egyptian cat"
    assert {c.verdict for c in store.verify("vgg16-imagenet")} == {"ok"}
