"""The peer of a batch: the usual loop of open, resize, ``model.predict``, one picture at a time.

``python -m benchmarks.keras_loop MODEL.keras WIDTH HEIGHT COLOUR`` loads and warms up, says ``{"ready": true}``, then
answers each line, a JSON list of paths, with ``{"seconds": [...]}``: the seconds that each picture took.
"""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np
from PIL import Image

_WARM_UP = 3


def main() -> None:
    """Serve until the input ends."""
    path, width, height, colour = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    mode = "L" if colour == "grey" else "RGB"
    model = keras.saving.load_model(path, compile=False)
    for _ in range(_WARM_UP):
        model.predict(np.zeros((1, height, width, 1 if mode == "L" else 3), np.uint8), verbose=0)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        seconds = []
        for picture in json.loads(line):
            begin = time.perf_counter()
            image = Image.open(picture).convert(mode).resize((width, height))
            model.predict(np.asarray(image).reshape(1, height, width, -1), verbose=0)
            seconds.append(time.perf_counter() - begin)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
