"""How VGG16 answers: ``python -m benchmarks.vgg16``, with seeded random weights, whose speed is that of the real ones.

One picture at a time beside bare LiteRT, ``tf.function`` and (where it is installed) ONNX Runtime, by turns; memory of
the engine's process with the network loaded, beside its file; and switching between installed models.

The network is built and converted once into a folder of its own (``--home``, default: a temporary one), which takes
minutes and some 4 GB of memory. ``--quick`` takes MobileNet V3 Small in its place: shows that it runs, no more.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import common
from desktop.core.types import ImageSource
from desktop.engine.client import EngineClient
from desktop.engine.messages import Failure, Prediction, PredictRequest, Warmed, WarmRequest
from desktop.engine.model import LoadedModel, default_threads
from desktop.ml.convert.sandbox import GIB, ChildError, SandboxLimits, run
from desktop.store import catalogue
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore

SPEED_LIMIT = 1.1
MEMORY_LIMIT = 1.3
SWITCH_LIMIT_S = 1.0
_SEED = 7
_ONNX_MEMORY = 8 * GIB  # the converter was seen to grow to 12 for VGG16


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = _options(argv)
    network = catalogue.load().get("mobilenet-v3-small" if options.quick else "vgg16")
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as scratch:
        home = options.home or Path(scratch) / "home"
        os.environ["FOVEA_HOME"] = str(home)
        store = ModelStore(user=home / "models")
        if all(entry.id != network.id or entry.state != "ready" for entry in store.entries()):
            _install(network, Path(scratch), store)
        report = common.Report("vgg16", network.id, options.quick)
        _memory(report, store, network.id)
        _switching(report, store, network.id)
        _speed(report, store, network.id, Path(scratch), 2 if options.quick else options.rounds)
    return common.finish(report, options.json)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vgg16", description="Speed, memory, switching.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="a small network: shows that it runs, measures nothing")
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep the converted network there for the next time")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="turns of each side (default: 12)")
    return parser.parse_args(argv)


def _install(network: catalogue.Network, scratch: Path, store: ModelStore) -> None:
    """Random weights by the way that real ones take."""
    from desktop.ml.exchange.install import InstallRequest, install

    weights = scratch / "random.weights.h5"
    code = (
        "import sys, keras; from desktop.ml.nets import imagenet; "
        f"keras.utils.set_random_seed({_SEED}); imagenet.build_base(sys.argv[1], top=True).save_weights(sys.argv[2])"
    )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(common.ROOT)}
    subprocess.run([sys.executable, "-c", code, network.id, str(weights)], env=environment, check=True)
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    install(InstallRequest(network, weights, sha256=digest), store)
    weights.unlink()


# Memory and switching, in the real engine


def _warm(engine: EngineClient, model_id: str) -> float:
    """Have the engine load a model; returns the seconds until it is ready to answer."""
    begin = time.perf_counter()
    engine.submit(WarmRequest(engine.next_id(), model_id))
    while True:
        for event in engine.events(120.0):
            if isinstance(event, Failure):
                raise RuntimeError(event.message)
            if isinstance(event, Warmed) and event.model == model_id:
                return time.perf_counter() - begin


def _predict(engine: EngineClient, model_id: str, picture: Path) -> None:
    request = PredictRequest(engine.next_id(), model_id, ImageSource.from_path(str(picture)))
    engine.submit(request)
    while True:
        for event in engine.events(120.0):
            if isinstance(event, Failure):
                raise RuntimeError(event.message)
            if isinstance(event, Prediction) and event.id == request.id:
                return


def _memory(report: common.Report, store: ModelStore, model_id: str) -> None:
    """The engine's whole process (interpreter and libraries too) after an answer, beside the network's file."""
    size = (store.get(model_id).folder / "model.tflite").stat().st_size
    picture = common.ROOT / "resources" / "samples" / "pattern-ship.png"
    with EngineClient(store.bundled_root, store.user_root) as engine:
        _warm(engine, model_id)
        _predict(engine, model_id, picture)
        used = psutil.Process(engine.pid).memory_info().rss
    mib = 2**20
    report.figures.append(common.Figure("engine with the network loaded", "MiB", used / mib, size / mib, "its file", 1))
    report.bars.append(common.at_most("memory of the engine, times the file", used / size, MEMORY_LIMIT))


def _switching(report: common.Report, store: ModelStore, model_id: str) -> None:
    """To the network and away from it, five times over, as a user does who compares two models."""
    with EngineClient(store.bundled_root, store.user_root) as engine:
        _warm(engine, "cifar10")
        first = _warm(engine, model_id)
        times = [_warm(engine, name) for _ in range(5) for name in ("cifar10", model_id, "mnist-digits")]
    report.figures.append(common.Figure("first load in a new engine", "s", first, None, "", 1))
    figure = common.Figure("switching between installed models, slowest", "s", max(times), None, "", len(times))
    report.figures.append(figure)
    report.bars.append(common.at_most("switching, s", max(times), SWITCH_LIMIT_S))


# Speed


def _speed(report: common.Report, store: ModelStore, model_id: str, scratch: Path, rounds: int) -> None:
    """One prepared picture, by turns: Fovea's own model class, and each peer in this process or its own."""
    entry = store.require(model_id)
    spec = entry.manifest.preprocess  # type: ignore[union-attr]
    picture = np.random.default_rng(1).integers(0, 256, (1, spec.height, spec.width, 3), dtype=np.uint8)
    own = LoadedModel(entry)
    sides: dict[str, Any] = {"Fovea": lambda: own.predict(picture)}
    sides["LiteRT bare"] = _bare(entry.folder / "model.tflite", picture)
    assert entry.manifest is not None
    onnx = _onnx(entry.folder / "model.tflite", scratch / "network.onnx", picture, entry.manifest)
    if onnx is not None:
        sides["ONNX Runtime"] = onnx
    peer = _TfFunction(entry.folder / "model.keras", scratch / "picture.npy", picture)
    with peer:
        sides["tf.function"] = peer.once
        times: dict[str, list[float]] = {name: [] for name in sides}
        for side in sides.values():
            side()
        for turn in range(rounds):
            names = list(sides) if turn % 2 == 0 else list(reversed(sides))
            for name in names:
                begin = time.perf_counter()
                taken = sides[name]()
                times[name].append(taken if isinstance(taken, float) else time.perf_counter() - begin)
    medians = {name: 1000 * statistics.median(values) for name, values in times.items()}
    fastest = min((name for name in medians if name != "Fovea"), key=lambda name: medians[name])
    for name, value in medians.items():
        if name != "Fovea":
            report.figures.append(common.Figure("one picture", "ms", medians["Fovea"], value, name, rounds))
    ratio = medians["Fovea"] / medians[fastest]
    report.bars.append(common.at_most(f"one picture, times the fastest ({fastest})", ratio, SPEED_LIMIT))


def _bare(path: Path, picture: np.ndarray) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=default_threads())
    details = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(details["index"], picture.shape)
    interpreter.allocate_tensors()
    output = interpreter.get_output_details()[0]["index"]

    def once() -> None:
        interpreter.set_tensor(details["index"], picture)
        interpreter.invoke()
        interpreter.get_tensor(output)

    return once


def _onnx(path: Path, target: Path, picture: np.ndarray, manifest: Manifest) -> Any:
    """ONNX Runtime on the same network, where the packages are installed; the conversion in a process of its own."""
    try:
        import onnxruntime
    except ImportError:
        return None
    limits = SandboxLimits(_ONNX_MEMORY, 600.0)
    try:
        run("desktop.ml.exchange.export_steps:to_onnx", (str(path), str(target), manifest.to_json()), limits)
    except ChildError as error:
        print(f"without ONNX Runtime: {error.message}", file=sys.stderr)
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = default_threads()
    session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["probabilities"], {"image": picture}) and None


_PEER = """
import sys, time, numpy as np, tensorflow as tf, keras
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[3]))
model = keras.saving.load_model(sys.argv[1], compile=False)
picture = tf.constant(np.load(sys.argv[2]))
call = tf.function(lambda x: model(x, training=False)[0], reduce_retracing=True)
call(picture)
print("ready", flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    call(picture).numpy()
    print(time.perf_counter() - begin, flush=True)
"""


class _TfFunction:
    """The peer in a process of its own: TensorFlow's threads must not be in the way of the others."""

    def __init__(self, model: Path, target: Path, picture: np.ndarray) -> None:
        np.save(target, picture)
        self._arguments = [sys.executable, "-c", _PEER, str(model), str(target), str(default_threads())]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _TfFunction:
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            self._arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline()) and line.strip() != "ready":
            continue
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.communicate()

    def once(self) -> float:
        """Seconds that one picture took there."""
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
