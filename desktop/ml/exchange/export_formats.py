"""MODEL_FORMATS: every format that a model's network is exported in. A new one is a row here and its work in
:data:`desktop.ml.exchange.export_steps.WORK`, and nothing else: command line, window, certificate and example follow.

No Keras here: the work runs in a child process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop.core.translate import QT_TRANSLATE_NOOP

Own = Literal["keras", "litert"]
"""The two forms in which a model of the store holds its network."""
ARCHIVE = "zip"
"""The form that is no network's: the whole folder, with its card and checksums."""
FILES: dict[Own, str] = {"keras": "model.keras", "litert": "model.tflite"}


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format: its ``ending`` with the dot, its ``name``, the ``words`` of a button and what to say ``about`` it.

    The file is made from the model's own form ``source``, and its answers are compared with those of the form ``peer``.
    ``step`` is the name of what the job says it is doing. The example program that goes with a file ``needs`` these
    packages and ``reads`` it by this function ``scores_of(pixels)``; ``{file}`` stands for the file's name as Python
    writes it.
    """

    id: str
    ending: str
    name: str
    words: str
    about: str
    source: Own
    peer: Own
    needs: str
    reads: str
    step: str = "copy"

    @property
    def own(self) -> frozenset[Own]:
        """The model's own forms that an export takes."""
        return frozenset({self.source, self.peer})


_KERAS = """def scores_of(pixels):
    import keras

    network = keras.saving.load_model(HERE / {file}, compile=False)
    found = network.predict(pixels, verbose=0)
    return (found[0] if isinstance(found, (list, tuple)) else found)[0]  # the probabilities come first"""

_LITERT = """def scores_of(pixels):
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(HERE / {file}))
    entry = network.get_input_details()[0]["index"]
    network.resize_tensor_input(entry, pixels.shape)
    network.allocate_tensors()
    network.set_tensor(entry, pixels)
    network.invoke()
    return network.get_tensor(network.get_output_details()[FACTS["outputs"]["probabilities"]]["index"])[0]"""

_ONNX = """def scores_of(pixels):
    import onnxruntime

    network = onnxruntime.InferenceSession(str(HERE / {file}), providers=["CPUExecutionProvider"])
    return network.run(["probabilities"], {{"image": pixels}})[0][0]"""

MODEL_FORMATS: dict[str, ModelFormat] = {
    row.id: row
    for row in (
        ModelFormat(
            "keras",
            ".keras",
            "Keras",
            QT_TRANSLATE_NOOP("Exports", "Keras (.keras)"),
            QT_TRANSLATE_NOOP("Exports", "to train on, or to use in Python"),
            source="keras",
            peer="litert",
            needs="keras tensorflow",
            reads=_KERAS,
        ),
        ModelFormat(
            "tflite",
            ".tflite",
            "LiteRT",
            QT_TRANSLATE_NOOP("Exports", "LiteRT (.tflite)"),
            QT_TRANSLATE_NOOP("Exports", "for telephones and small computers"),
            source="litert",
            peer="keras",
            needs="ai-edge-litert",
            reads=_LITERT,
        ),
        ModelFormat(
            "onnx",
            ".onnx",
            "ONNX",
            QT_TRANSLATE_NOOP("Exports", "ONNX (.onnx)"),
            QT_TRANSLATE_NOOP("Exports", "for ONNX Runtime and many other programs"),
            source="litert",
            peer="litert",
            needs="onnxruntime",
            reads=_ONNX,
            step="convert-form",
        ),
    )
}
"""The formats in the order shown; an :data:`ARCHIVE` of the whole model is none of a network's."""
