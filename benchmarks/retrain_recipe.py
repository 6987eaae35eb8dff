"""The usual way to retrain in Keras, for its time: ``python -m benchmarks.retrain_recipe FOLDER`` of class folders.

Frozen base, pooled features, a dense layer of 128, Adam, 20 epochs, as Keras' own guide to transfer learning has it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(argv: list[str]) -> int:
    """Decode, build, fit; 0."""
    import keras
    from PIL import Image

    from benchmarks.retrain import BASE, BATCH, EPOCHS, HIDDEN
    from desktop.store.store import ModelStore

    folder = Path(argv[0])
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    images, labels = [], []
    for number, name in enumerate(classes):
        for path in sorted((folder / name).iterdir()):
            with Image.open(path) as picture:
                images.append(np.asarray(picture.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)))
            labels.append(number)
    whole = keras.saving.load_model(ModelStore().require(BASE).folder / "model.keras", compile=False)
    base = keras.Model(whole.inputs, whole.get_layer("embedding").output)
    base.trainable = False
    hidden = keras.layers.Dense(HIDDEN, activation="relu")(base.output)
    model = keras.Model(base.inputs, keras.layers.Dense(len(classes), activation="softmax")(hidden))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.stack(images), np.array(labels), epochs=EPOCHS, batch_size=BATCH, verbose=0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
