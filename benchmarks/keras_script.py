"""The peer of a cold start: a plain script that imports Keras, loads the network and answers for one picture.

``python -m benchmarks.keras_script MODEL.keras PICTURE WIDTH HEIGHT COLOUR`` prints when the answer was there.
"""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np
from PIL import Image

path, picture, width, height, colour = sys.argv[1:6]
model = keras.saving.load_model(path, compile=False)
image = Image.open(picture).convert("L" if colour == "grey" else "RGB").resize((int(width), int(height)))
pixels = np.asarray(image).reshape(1, int(height), int(width), -1)
outputs = model.predict(pixels, verbose=0)
print(json.dumps({"answered": time.monotonic()}), flush=True)
