"""Trains one small network under the back end that FOVEA_BACKEND names: ``python -m tests.ml.nets.backend_child
FOLDER``.

Writes ``model.keras`` and prints one line of JSON: back end, device, loss by epoch, probabilities of four pictures, and
whether a stopped training went on exactly.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from desktop.ml.nets import backend

backend.select()  # before anything below imports Keras

from desktop.ml.convert import deploy  # noqa: E402
from desktop.ml.training import train  # noqa: E402
from tests.ml.training import test_loop  # noqa: E402
from tests.ml.training.test_training import InsideEpoch  # noqa: E402


def main() -> None:
    folder = Path(sys.argv[1])
    plan = test_loop.small_plan(layers=("C4k3s", "BN", "P2", "C6k3v", "drop.2", "gap", "D6"), epochs=3, ema=0.5)
    learn, check = test_loop.pictures(60), test_loop.pictures(12, 1)
    trained = train.run(plan, learn, check, folder / "run")
    stop = InsideEpoch(1, 1)
    train.run(plan, learn, check, folder / "stopped", stop, control=stop)
    resumed = train.run(plan, learn, check, folder / "stopped", resume=True)
    pairs = zip(trained.model.get_weights(), resumed.model.get_weights(), strict=True)
    gap = max(float(np.abs(one - other).max()) for one, other in pairs)
    model = deploy.finish(trained.model, 1.3, False)
    model.save(folder / "model.keras")
    scores = np.asarray(backend.to_numpy(model(check.images[:4])[0]))
    words = {
        "backend": backend.select(),
        "device": backend.device(),
        "losses": [row["loss"] for row in trained.history],
        "scores": scores.tolist(),
        "resume_gap": gap,
    }
    print(json.dumps(words))


if __name__ == "__main__":
    main()
