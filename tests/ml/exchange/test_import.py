"""Foreign networks: hostile files of every kind are refused before a library builds them, honest ones come in."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop import paths
from desktop.core.types import FoveaError, StoreError
from desktop.ml.exchange import foreign, import_model
from desktop.ml.exchange.foreign import ForeignFacts, FoundInFile
from desktop.ml.exchange.h5_check import check_h5
from desktop.ml.exchange.import_model import bring_in, kind_of, look
from desktop.ml.nets.keras_check import check_config, clean_copy
from desktop.store import archive
from desktop.store.store import ModelStore
from tests.ml.exchange import foreign_files as files
from tests.ml.exchange.foreign_files import HONEST, layer, sequential
from tests.store.makers import COLOURS, add_colours, manifest

FACTS = ForeignFacts(name="Mine", labels=("red", "green", "blue"), scaling="0-1", fit="stretch", ends="logits")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "bundled", tmp_path / "user")


def refused(path: Path, tmp_path: Path) -> StoreError:
    """The refusal of a ``.keras`` file, before Keras was ever asked."""
    with pytest.raises(StoreError) as caught:
        clean_copy(path, tmp_path / "clean.keras")
    return caught.value


GADGETS: dict[str, Any] = {
    "lambda": sequential(layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wEA"}})),
    "lambda by name": sequential(layer("Lambda", None, function="x")),
    "savedmodel layer": sequential(layer("TFSMLayer", filepath="/tmp/x", call_endpoint="serve")),
    "another module": sequential(layer("Popen", "subprocess", args=["id"])),
    "keras internals": sequential(layer("get_file", "keras.utils", fname="x", origin="http://127.0.0.1/")),
    "a function": sequential(
        layer(
            "Dense",
            units=3,
            activation={
                "module": "builtins",
                "class_name": "function",
                "config": "system",
                "registered_name": "system",
            },
        )
    ),
    "a function of keras": sequential(
        layer("Dense", units=3, activation={"module": "keras.utils", "class_name": "get_file", "config": {}})
    ),
    "activation by path": sequential(layer("Dense", units=3, activation="keras.utils.get_file")),
    "registered": sequential({**layer("Dense", units=3), "registered_name": "Evil>Dense"}),
    "wrapped": sequential(layer("TimeDistributed", layer=layer("Lambda"))),
    "deep": sequential(layer("Dense", units=3, kernel_initializer=layer("Evil", "os.path"))),
    "module without class": sequential(layer("Dense", units=3, extra={"module": "os", "config": {}})),
    "jax": sequential(layer("JaxLayer", call_fn="x")),
    "quantised policy": sequential(layer("Dense", units=3, dtype=layer("QuantizedDTypePolicy", "keras"))),
    "no model": layer("Dense", units=3),
    "class that is no text": sequential(layer(["Dense"])),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", GADGETS)
def test_whatever_is_not_on_the_list_is_refused(name: str, tmp_path: Path) -> None:
    error = refused(files.keras_file(tmp_path / "net.keras", GADGETS[name]), tmp_path)
    assert error.kind in ("not-allowed", "not-a-model", "hostile") and error.message
    with pytest.raises(StoreError) as caught:
        check_config(GADGETS[name])
    assert caught.value.kind == error.kind


def test_an_honest_description_passes_and_the_copy_holds_nothing_else(tmp_path: Path) -> None:
    config = {**HONEST, "compile_config": layer("Evil", "os")}  # about training: never needed, never read
    path = files.keras_file(tmp_path / "net.keras", config, **{"extra.py": b"print()"})
    assert clean_copy(path, tmp_path / "clean.keras") == ("InputLayer", "Flatten", "Dense")
    with zipfile.ZipFile(tmp_path / "clean.keras") as clean:
        assert sorted(clean.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert "compile_config" not in json.loads(clean.read("config.json"))


@pytest.mark.parametrize("model", ["cifar10", "mnist-digits", "chest-xray-pneumonia"])
def test_our_own_networks_pass(model: str, tmp_path: Path) -> None:
    entry = ModelStore().get(model)
    assert "Conv2D" in clean_copy(entry.folder / "model.keras", tmp_path / "clean.keras")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"{", "JSON"),
        (b"[" * 200_000, "nested"),
        (b"[]", "object"),
        (b"\xff\xfe", "UTF-8"),
        (json.dumps({"class_name": "Sequential"}).encode() + b" " * (33 << 20), "more than"),
    ],
)
def test_a_description_that_is_none_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    assert word in refused(files.keras_file(tmp_path / "net.keras", content), tmp_path).message


def test_archives_that_lead_out_are_cut_off_or_swell_are_refused(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "net.keras", HONEST, **{"../../evil": b"x"})
    assert refused(path, tmp_path).kind == "hostile"
    path = files.keras_file(tmp_path / "net.keras", HONEST, **{"/etc/evil": b"x"})
    assert refused(path, tmp_path).kind == "hostile"
    whole = files.keras_file(tmp_path / "net.keras").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    error = refused(path, tmp_path)
    assert error.kind == "damaged" and "damaged or cut off" in error.message
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("config.json", json.dumps(HONEST))
        with out.open("model.weights.h5", "w") as member:
            for _ in range(80):
                member.write(bytes(1 << 20))
    assert refused(path, tmp_path).kind == "too-large"


def _external(file: Any) -> None:
    file["model_weights/link"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file: Any) -> None:
    file["model_weights/link"] = h5py.SoftLink("/model_weights")


def _huge(file: Any) -> None:
    file.create_dataset("huge", shape=(200_000, 200_000), dtype="f4", chunks=(1000, 1000))


def _outside(file: Any) -> None:
    file.create_dataset("outside", shape=(10,), dtype="f4", external=[("/etc/passwd", 0, 40)])


def _virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(10,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(10,))
    file.create_virtual_dataset("virtual", layout)


def _deep(file: Any) -> None:
    group = file
    for _ in range(60):
        group = group.create_group("g")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_external, "hostile"),
        (_soft, "hostile"),
        (_huge, "too-large"),
        (_outside, "hostile"),
        (_virtual, "hostile"),
        (_deep, "hostile"),
    ],
)
def test_hostile_hdf5_is_refused_unread(tmp_path: Path, change: Any, kind: str) -> None:
    path = files.h5_file(tmp_path / "net.h5", change=change)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(StoreError) as caught:
        check_h5(path, 1 << 40)
    assert caught.value.kind == kind


def test_damaged_hdf5_is_refused(tmp_path: Path) -> None:
    path = files.h5_file(tmp_path / "net.h5")
    whole = path.read_bytes()
    assert check_h5(path, 1 << 30) == 192 * 3 * 4
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="cut off"):
        check_h5(path, 1 << 30)
    path.write_bytes(b"no HDF5 at all")
    with pytest.raises(StoreError, match="no HDF5"):
        check_h5(path, 1 << 30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5000), st.integers(0, 255))
def test_hdf5_with_any_byte_changed_is_refused_or_read(tmp_path: Path, place: int, value: int) -> None:
    path = files.h5_file(tmp_path / "net.h5")
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(data)
    try:
        assert check_h5(path, 1 << 30) <= 1 << 30
    except StoreError:
        return


# What the user is asked


def test_nothing_is_guessed() -> None:
    found = FoundInFile("keras", None, None, 1, 10, None, 1000)
    assert set(foreign.missing(found, ForeignFacts())) == {"name", "labels", "scaling", "fit", "size", "ends"}
    told = ForeignFacts(
        name="x", labels=tuple("abcdefghij"), scaling="0-1", fit="stretch", size=(28, 28), ends="probabilities"
    )
    assert foreign.missing(found, told) == {}
    assert "9 were given" in foreign.missing(found, ForeignFacts(labels=tuple("abcdefghi")))["labels"]
    assert "grey" in foreign.missing(found, ForeignFacts(scaling="caffe"))["scaling"]
    one = FoundInFile("tflite", 8, 8, 3, 1, "sigmoid", None, quantised=True)
    assert set(foreign.missing(one, ForeignFacts(labels=("no", "yes")))) == {"name", "fit"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red\n\n green \nblue\n", ("red", "green", "blue")),
        ('["red", "green"]', ("red", "green")),
        ('{"1": "b", "0": "a"}', ("a", "b")),
        ('{"0": ["n01", "cat"], "1": ["n02", "dog"]}', ("cat", "dog")),
        ("red\nred\n", None),
        ("red\n", None),
        ('{"0": "a", "7": "b"}', None),
        ("[" * 100_000, None),
    ],
)
def test_lists_of_labels(tmp_path: Path, text: str, expected: tuple[str, ...] | None) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text, encoding="utf-8")
    if expected is None:
        with pytest.raises(FoveaError) as caught:
            foreign.read_labels(path)
        assert caught.value.kind == "bad-labels"
    else:
        assert foreign.read_labels(path) == expected


def test_files_of_other_kinds_are_refused_with_the_reason(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    with pytest.raises(StoreError, match="folder"):
        kind_of(saved)
    (saved / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(StoreError, match="SavedModel"):
        kind_of(saved)
    for name, content, word in (
        ("net.pt", b"PK\x03\x04....", "PyTorch"),
        ("net.pkl", b"\x80\x04.", "pickle"),
        ("net.onnx", b"\x08\x07", "ONNX"),
        ("net.keras", b"", "damaged"),
        ("net.keras", b"hello", "damaged"),
        ("picture.jpg", b"\xff\xd8\xff", "no file of a network"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(StoreError) as caught:
            kind_of(path)
        assert word in caught.value.message
    named = tmp_path / "net.tflite"  # by content, not by name
    files.keras_file(named)
    assert kind_of(named) == "keras"


# LiteRT, in real children


def test_a_foreign_litert_network_comes_in_and_answers_as_before(tmp_path: Path, store: ModelStore) -> None:
    path = files.tflite_file(tmp_path / "net.tflite")
    before = path.read_bytes()
    found = look(path)
    assert found == FoundInFile("tflite", 4, 4, 3, 3, None, None, ("MEAN",))
    for scaling in ("torch", "0-1", "caffe"):
        made = bring_in(path, _with(scaling), store)
        assert made.parity is not None and made.parity.largest_difference < 1e-6
    assert [entry.id for entry in store.entries()] == ["mine", "mine-2", "mine-3"]
    assert path.read_bytes() == before
    from desktop.engine.model import LoadedModel

    loaded = LoadedModel(store.require("mine-2"))
    red = np.zeros((20, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    wanted = np.exp([1.0, 0.0, 0.0]) / (np.e + 2)
    assert np.allclose(loaded.predict(red), wanted, atol=1e-6)  # a file of batch 1 alone, asked for twenty


def _with(scaling: str) -> ForeignFacts:
    import dataclasses

    return dataclasses.replace(FACTS, scaling=scaling)


def test_two_sided_answers_come_from_one_score(tmp_path: Path, store: ModelStore) -> None:
    import dataclasses

    path = files.tflite_file(tmp_path / "net.tflite", soft=True)
    found = look(path)
    assert found is not None and found.ends == "probabilities"
    with pytest.raises(FoveaError) as caught:  # raw values that were said to be probabilities
        bring_in(files.tflite_file(path), dataclasses.replace(FACTS, ends="probabilities", scaling="0-255"), store)
    assert caught.value.kind == "does-not-fit" and "logits" in caught.value.hint
    assert store.entries() == []


def test_what_the_file_itself_denies_is_refused(tmp_path: Path, store: ModelStore) -> None:
    """A second softmax or sigmoid would leave probabilities that look sound."""
    import dataclasses

    path = files.tflite_file(tmp_path / "net.tflite", soft=True)
    with pytest.raises(StoreError) as caught:
        bring_in(path, FACTS, store)
    assert caught.value.kind == "does-not-fit" and "last layer is a softmax" in caught.value.message
    sigmoid = FoundInFile("keras", 8, 8, 3, 1, "sigmoid", 193)
    with pytest.raises(StoreError, match="last layer is a sigmoid"):
        bring_in(files.keras_file(tmp_path / "net.keras"), _two(ends="logits"), store, found=sigmoid)
    assert store.entries() == []
    assert foreign.contradiction(sigmoid, _two(ends="probabilities")) == ""
    assert foreign.contradiction(dataclasses.replace(sigmoid, ends=None), _two(ends="logits")) == ""


def _two(ends: Any) -> ForeignFacts:
    return ForeignFacts(name="Mine", labels=("no", "yes"), scaling="0-1", fit="stretch", ends=ends)


def test_hostile_litert_files_are_refused(tmp_path: Path, store: ModelStore) -> None:
    path = tmp_path / "net.tflite"
    for make, kind in (
        (lambda: files.tflite_file(path, custom="FlexPyFunc"), "not-allowed"),
        (lambda: files.tflite_file(path, builtin="WHILE"), "not-allowed"),
        (lambda: files.tflite_file(path, builtin="CALL_ONCE"), "not-allowed"),
        (lambda: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(range(256)) * 8), "damaged"),
        (lambda: path.write_bytes(COLOURS.read_bytes()[:200]), "damaged"),
    ):
        make()
        with pytest.raises(FoveaError) as caught:
            look(path)
        assert caught.value.kind == kind
    assert not list(store.user_root.glob("*")) if store.user_root.exists() else True


def test_facts_that_are_missing_stop_it_before_anything_is_built(tmp_path: Path, store: ModelStore) -> None:
    path = files.tflite_file(tmp_path / "net.tflite")
    with pytest.raises(StoreError) as caught:
        bring_in(path, ForeignFacts(name="x", labels=("a", "b")), store)
    assert caught.value.kind == "needs-facts" and "3 classes" in caught.value.message
    assert not store.user_root.exists()


def test_a_whole_model_travels_to_another_fovea(tmp_path: Path, store: ModelStore) -> None:
    add_colours(store)
    archive.write_zip(store.get("colours"), tmp_path / "colours.fovea.zip")
    assert look(tmp_path / "colours.fovea.zip") is None
    other = ModelStore(tmp_path / "b2", tmp_path / "u2")
    assert bring_in(tmp_path / "colours.fovea.zip", ForeignFacts(), other).id == "colours"
    assert bring_in(tmp_path / "colours.fovea.zip", ForeignFacts(), other).id == "colours-2"
    assert {c.verdict for c in other.verify("colours-2")} == {"ok"}


def test_a_whole_model_with_a_false_network_is_refused(tmp_path: Path, store: ModelStore) -> None:
    with store.stage(manifest()) as folder:  # its checksums are right, its network is another
        files.tflite_file(folder / "model.tflite", custom="Evil")
    archive.write_zip(store.get("colours"), tmp_path / "evil.zip")
    other = ModelStore(tmp_path / "b2", tmp_path / "u2")
    with pytest.raises(FoveaError) as caught:
        bring_in(tmp_path / "evil.zip", ForeignFacts(), other)
    assert caught.value.kind == "not-allowed"
    assert not other.user_root.exists()


# Keras, in real children


@pytest.mark.parametrize("units", [5, 3], ids=["that Keras cannot build", "that fits"])
def test_the_keras_network_of_a_whole_model_is_built_before_it_is_taken(
    tmp_path: Path, store: ModelStore, units: int
) -> None:
    with store.stage(manifest()) as folder:
        shutil.copy(COLOURS, folder / "model.tflite")
        files.keras_file(folder / "model.keras", HONEST, files.weights(units=units))
    archive.write_zip(store.get("colours"), tmp_path / "colours.zip")
    other = ModelStore(tmp_path / "b2", tmp_path / "u2")
    if units == 3:
        assert bring_in(tmp_path / "colours.zip", ForeignFacts(), other).id == "colours"
        return
    with pytest.raises(FoveaError) as caught:
        bring_in(tmp_path / "colours.zip", ForeignFacts(), other)
    assert caught.value.kind == "damaged" and not other.user_root.exists()


@pytest.mark.parametrize("ends", [None, "probabilities"])
def test_one_sigmoid_of_a_keras_network_gives_both_sides(tmp_path: Path, ends: Any) -> None:
    keras = pytest.importorskip("keras")
    from desktop.ml.exchange import import_steps

    config = sequential(layer("Flatten", name="f"), layer("Dense", name="d", units=1, activation="sigmoid"))
    path = files.keras_file(tmp_path / "net.keras", config, files.weights(units=1))
    (tmp_path / "work").mkdir()
    import_steps.build(str(path), "keras", _two(ends), str(tmp_path / "work"), None)
    made = keras.saving.load_model(tmp_path / "work" / "model.keras", compile=False, safe_mode=True)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    with h5py.File(io.BytesIO(files.weights(units=1))) as file:
        raw = (pictures / 255.0).reshape(5, -1) @ np.asarray(file["layers/dense/vars/0"])
    wanted = 1 / (1 + np.exp(-raw))
    assert np.allclose(made.predict(pictures, verbose=0), np.concatenate([1 - wanted, wanted], axis=1), atol=1e-5)


def test_a_layer_of_millions_of_units_ends_its_child_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_model, "_FIRST", 2 << 30)
    config = sequential(
        layer("Flatten", name="f"),
        layer("Dense", name="a", units=5_000_000),
        layer("Dense", name="b", units=5_000_000, activation="softmax"),
    )
    path = files.keras_file(tmp_path / "net.keras", config)
    assert path.stat().st_size < 23_000
    with pytest.raises(FoveaError) as caught:
        look(path)
    # Whether the library ends itself or is ended depends on which of its allocations meets the limit first.
    assert caught.value.kind in ("too-much-memory", "failed", "damaged", "crashed"), caught.value
    assert "memory" in caught.value.message or caught.value.kind in ("failed", "damaged")
    assert "memory" in caught.value.message


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_foreign_keras_network_comes_in(tmp_path: Path, store: ModelStore, form: str) -> None:
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    path = tmp_path / f"net.{form}"
    model.save(path)
    made = bring_in(path, FACTS, store)
    assert made.parity is not None and made.parity.largest_difference < 1e-5
    from desktop.engine.model import LoadedModel

    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    wanted = keras.ops.softmax(model.predict(pictures / 255.0, verbose=0))
    assert np.allclose(LoadedModel(store.require(made.id)).predict(pictures), wanted, atol=1e-5)


@pytest.mark.slow
def test_weights_that_do_not_fit_their_network_are_refused(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "net.keras", HONEST, files.weights(units=5))
    with pytest.raises(FoveaError) as caught:
        look(path)
    assert caught.value.kind == "damaged"


def test_a_disk_that_fills_up_while_a_model_comes_in_is_named_and_nothing_stays(
    tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    add_colours(store)
    archive.write_zip(store.get("colours"), tmp_path / "colours.zip")

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, name in ((archive, "copy_member"), (os, "rename")):
        other = ModelStore(tmp_path / f"b-{name}", tmp_path / f"u-{name}")
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(FoveaError) as caught:
                bring_in(tmp_path / "colours.zip", ForeignFacts(), other)
        assert caught.value.kind == "disk-full" and "disk" in caught.value.message, caught.value.message
        assert other.entries() == [] or all(entry.bundled for entry in other.entries())
        assert not list(paths.user_data().glob("work/*")) and not list(other.user_root.glob(".staging-*"))
