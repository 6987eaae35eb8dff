"""The steps of an installation that open weights, for child processes: see :mod:`desktop.ml.exchange.install`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import PreprocessSpec, StoreError
from desktop.store import catalogue
from desktop.system.words import phrase

BASE = "base.weights.h5"
_NOISE = 4  # pictures of noise beside the drawn ones: they reach every unit of a network
EXPECTED = "expected.npz"
KERNEL = "kernel.npy"


def build(network_id: str, weights: str, sha256: str, work: str, tell: Any) -> dict[str, Any]:
    """Check ``weights``, load them into the architecture that Fovea builds itself, and save ``work/model.keras`` with
    its answers to the test pictures; of a network without a top the weights alone, in one layout whatever they came in.

    ``sha256`` is what the parent computed of the file. Returns ``parameters`` and ``versions``. Raises
    :class:`desktop.core.types.StoreError` for weights that are damaged, hostile, or those of another network.
    """
    network = catalogue.load().get(network_id)
    tensors = _tensors(Path(weights), sha256) if network.source == "package" else None
    if tensors is None:
        from desktop.ml.exchange.h5_check import check_h5

        check_h5(Path(weights), 2 * 4 * network.parameters + (16 << 20))
    from desktop.ml.nets import backend, imagenet

    if tensors is not None:
        from desktop.ml.nets import efficientnet_lite

        model = imagenet.build_base(network_id, top=network.top)
        efficientnet_lite.load(model, tensors)
    else:
        model = imagenet.build_base(network_id, _named(Path(weights), Path(work)), top=network.top)
    facts = {"parameters": int(model.count_params()), "versions": backend.versions()}
    if network.top:
        whole = imagenet.with_outputs(network_id, model)
        whole.save(Path(work) / "model.keras")
        answer(whole, test_pictures(network.preprocess), Path(work))
        _keep_ends(whole, Path(work))
    else:
        model.save_weights(Path(work) / BASE)
    return facts


def _keep_ends(model: Any, work: Path) -> None:
    """Keep the first layer's filters, to be shown, and the last layer's kernel, to be tried on the exported file."""
    from desktop.core.trust import first_layer
    from desktop.ml.packaging import head_detection

    first, kernel = head_detection.filters(model), head_detection.kernel_of(model)
    if first is not None:
        (work / first_layer.FILE).write_text(first_layer.to_json(first), encoding="utf-8", newline="\n")
    if kernel is not None:
        np.save(work / KERNEL, kernel, allow_pickle=False)


def _tensors(weights: Path, sha256: str) -> dict[str, np.ndarray]:
    """What a file of PyTorch's holds. The very bytes that are read must have the hash: the file may have changed."""
    from desktop.ml.exchange import torch_file

    if weights.stat().st_size > torch_file.MAX_BYTES:
        raise StoreError("too-large", "the file of weights is far larger than a network's")
    data = weights.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise StoreError(
            "wrong-hash",
            phrase(
                "the file has changed while it was read: SHA-256 {found} found, {sha256} expected",
                found=found,
                sha256=sha256,
            ),
        )
    return torch_file.read(data)


def _named(weights: Path, work: Path) -> Path:
    """``weights`` under a name that tells Keras the format: it goes by the ending, which users' files may lack."""
    import h5py

    with h5py.File(weights, "r") as file:
        ours = "layers" in file and "layer_names" not in file.attrs and "model_weights" not in file
    ending = ".weights.h5" if ours else ".h5"
    if weights.name.endswith(ending) and (ours or not weights.name.endswith(".weights.h5")):
        return weights
    link = work / f"source{ending}"
    try:
        link.symlink_to(weights)
    except OSError:  # Windows asks for a right to make links
        import shutil

        shutil.copyfile(weights, link)
    return link


def test_pictures(spec: Any) -> dict[str, np.ndarray]:
    """The prepared pictures that conversions are compared on: uint8 (height, width, channels) by name."""
    from desktop.ml.convert.selftest import drawn_inputs

    rng = np.random.default_rng(20)
    noise = rng.integers(0, 256, (_NOISE, spec.height, spec.width, spec.channels), dtype=np.uint8)
    return {**drawn_inputs(spec), **{f"noise-{i}": picture for i, picture in enumerate(noise)}}


def answer(model: Any, pictures: dict[str, np.ndarray], work: Path) -> None:
    """Keep what Keras says to ``pictures`` as ``work/expected.npz``."""
    found = model.predict(np.stack(list(pictures.values())), batch_size=4, verbose=0)
    outputs = [np.asarray(part, np.float32) for part in (found if isinstance(found, (list, tuple)) else [found])]
    named: dict[str, Any] = {f"output_{i}": part for i, part in enumerate(outputs)}
    np.savez(work / EXPECTED, allow_pickle=False, **named)


def _gap(found: np.ndarray, expected: np.ndarray, scale: float) -> float:
    difference = np.abs(found - expected).max() / scale
    return float(difference) if np.isfinite(difference) else float("inf")


def _gap_of_features(found: list[np.ndarray], expected: list[np.ndarray], outputs: dict[str, int]) -> float:
    """How far the features differ, as a share of their largest value, brought down to the scale of probabilities.

    A network that is unsure of everything gives like probabilities whatever is wrong inside; its features tell.
    """
    if "embedding" not in outputs:
        return 0.0
    wanted = expected[1]
    return _gap(found[outputs["embedding"]], wanted, float(np.abs(wanted).max()) or 1.0) / 100


def compare(work: str, spec: PreprocessSpec, tell: Any) -> tuple[float, dict[str, int], int]:
    """Compare ``work/model.tflite`` with what Keras said, and write ``work/selftest``; also the end of the network as
    ``head.json``, where it is one pooling and one dense layer.

    Returns the largest difference (of any probability, or a hundredth of the features' relative one), the position of
    each output, the number of pictures. Needs no Keras.
    """
    from desktop.core.trust import saliency
    from desktop.ml.convert.litert import LiteRT, match_outputs
    from desktop.ml.convert.selftest import drawn_inputs, write_selftest
    from desktop.ml.nets.outputs import OUTPUTS
    from desktop.ml.packaging import head_detection

    folder = Path(work)
    lite = LiteRT(folder / "model.tflite")
    with np.load(folder / EXPECTED, allow_pickle=False) as kept:
        expected = [kept[f"output_{i}"] for i in range(len(kept.files))]
    pictures = test_pictures(spec)
    found = lite.run(np.stack(list(pictures.values())), batch=4)
    names = OUTPUTS[: len(expected)]
    outputs = match_outputs(found, expected, names)
    gap = max(_gap(found[outputs["probabilities"]], expected[0], 1.0), _gap_of_features(found, expected, outputs))
    write_selftest(folder / "selftest", drawn_inputs(spec), lite, outputs["probabilities"])
    if (folder / KERNEL).is_file():
        end = head_detection.checked(np.load(folder / KERNEL, allow_pickle=False), found, outputs)
        if end is not None:
            (folder / saliency.FILE).write_text(end.to_json(), encoding="utf-8", newline="\n")
    return gap, outputs, len(pictures)
