"""What Fovea must be told of a network that comes from elsewhere, because its file does not say it.

Pure Python, for window, command line and the importing child alike. Nothing here is guessed: a fact that neither the
file nor the user states is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop.core.types import MAX_CLASSES, Fit, FoveaError, Interpolation
from desktop.system import strict_json
from desktop.system.words import phrase

Format = Literal["keras", "h5", "tflite"]
Ends = Literal["probabilities", "logits", "sigmoid"]

SCALINGS: dict[str, str] = {
    "0-255": phrase("as they are, 0 to 255"),
    "0-1": phrase("divided by 255, 0 to 1"),
    "minus1-1": "−1 to 1",
    "torch": phrase("0 to 1, then ImageNet's means subtracted and divided by its deviations (PyTorch's habit)"),
    "caffe": phrase("blue before green before red, ImageNet's means subtracted (Caffe's habit)"),
}
"""How pixels become the numbers that the network was trained with; only the first two suit grey pictures too."""
_GREY_SCALINGS = ("0-255", "0-1", "minus1-1")
TORCH_MEANS, TORCH_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MOST_LABEL_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class FoundInFile:
    """What the file says by itself. ``None``: it does not say it."""

    format: Format
    height: int | None
    width: int | None
    channels: int
    outputs: int
    ends: Ends | None
    parameters: int | None
    layers: tuple[str, ...] = ()
    scales_itself: bool = False
    """Whether a Rescaling or Normalization layer comes first: then pixels usually go in as they are."""
    quantised: bool = False
    """Whether the input is bytes already, with a scale of its own: then no scaling is asked for."""


@dataclass(frozen=True, slots=True)
class ForeignFacts:
    """What the user says."""

    name: str = ""
    labels: tuple[str, ...] = ()
    scaling: str = ""
    fit: Fit | None = None
    interpolation: Interpolation = "bilinear"
    resize_shorter: int | None = None
    size: tuple[int, int] | None = None
    """Width and height, for a network that takes any."""
    ends: Ends | None = None
    origin: str = ""
    """Where it comes from and what it was trained on, for the card; '' says 'not stated'."""
    licence: str = ""
    medical: bool = False
    label_ids: tuple[str, ...] = field(default=())


def missing(found: FoundInFile, facts: ForeignFacts) -> dict[str, str]:
    """The facts that are still to be told, each with a sentence that says what is wanted; empty when all is known."""
    wanted: dict[str, str] = {}
    expected = 2 if found.outputs == 1 else found.outputs
    if not facts.name.strip():
        wanted["name"] = phrase("What is the model to be called?")
    if len(facts.labels) != expected:
        told = phrase("; {count} were given", count=len(facts.labels)) if facts.labels else ""
        wanted["labels"] = phrase(
            "The names of its {expected} classes, in the order of its outputs{told}.", expected=expected, told=told
        )
    if not found.quantised and facts.scaling not in SCALINGS:
        wanted["scaling"] = phrase("How were pixels scaled when it was trained? Wrong scaling gives wrong answers.")
    elif not found.quantised and found.channels == 1 and facts.scaling not in _GREY_SCALINGS:
        wanted["scaling"] = phrase(
            "'{scaling}' is for colour pictures; this network takes grey ones.", scaling=facts.scaling
        )
    if facts.fit is None:
        wanted["fit"] = phrase("How is a picture brought into its size: stretched, its middle cut out, or padded?")
    if (found.height is None or found.width is None) and facts.size is None:
        wanted["size"] = phrase("It takes pictures of any size: which size was it trained with?")
    if found.ends is None and facts.ends is None:
        wanted["ends"] = phrase("Are its outputs probabilities, or raw values (logits)?")
    return wanted


def contradiction(found: FoundInFile, facts: ForeignFacts) -> str:
    """What is said of the file though the file itself says otherwise, in words; empty where nothing is.

    Believed, it would give a network that ends in a softmax or sigmoid a second one: its answers would still look like
    probabilities, and be wrong.
    """
    if facts.ends == "logits" and found.ends is not None:
        last = "sigmoid" if found.ends == "sigmoid" else "softmax"
        return phrase("its outputs were said to be raw values (logits), but its last layer is a {last}", last=last)
    return ""


def scaling_numbers(scaling: str) -> tuple[Any, Any]:
    """Factor and summand, one or one a channel, that turn bytes into the network's numbers; not for 'caffe'."""
    if scaling == "torch":
        return [1 / (255 * d) for d in TORCH_DEVIATIONS], [
            -m / d for m, d in zip(TORCH_MEANS, TORCH_DEVIATIONS, strict=True)
        ]
    return {"0-255": (1.0, 0.0), "0-1": (1 / 255, 0.0), "minus1-1": (1 / 127.5, -1.0)}[scaling]


def read_labels(path: Path) -> tuple[str, ...]:
    """Class names from a file: one a line, or a JSON list, or a JSON object from position to name.

    Raises :class:`FoveaError` ``bad-labels``.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_LABEL_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise FoveaError("bad-labels", phrase("the labels in '{name}' cannot be read", name=path.name)) from error
    except UnicodeDecodeError as error:
        raise FoveaError(
            "bad-labels", phrase("'{name}' is no text in UTF-8", name=path.name), "Save it as UTF-8."
        ) from error
    if len(raw) > _MOST_LABEL_BYTES:
        raise FoveaError("bad-labels", phrase("'{name}' is too large for a list of labels", name=path.name))
    if text.lstrip().startswith(("[", "{")):
        return _json_labels(text, path.name)
    return check_labels(_unnumbered([line.strip() for line in text.splitlines() if line.strip()]))


def _unnumbered(lines: list[str]) -> list[str]:
    """``lines`` without the numbers in front where each has its own place's ('0 cat', '1 dog': Teachable Machine)."""
    parts = [line.split(maxsplit=1) for line in lines]
    counted = all(len(part) == 2 and part[0] == str(place) for place, part in enumerate(parts))
    return [part[1] for part in parts] if counted else lines


def check_labels(labels: object) -> tuple[str, ...]:
    """``labels`` as they are kept. Raises :class:`FoveaError` ``bad-labels`` for empty or like ones."""
    found = tuple(str(label).strip() for label in labels)  # type: ignore[attr-defined]
    if not 2 <= len(found) <= MAX_CLASSES:
        raise FoveaError(
            "bad-labels",
            phrase("{count} labels found; 2 to {most_classes:,} expected", count=len(found), most_classes=MAX_CLASSES),
        )
    seen: set[str] = set()
    for label in found:
        if not label or label in seen:
            raise FoveaError(
                "bad-labels",
                phrase("the label '{label}' is there twice", label=label[:60]) if label else "a label is empty",
            )
        seen.add(label)
    return found


def _json_labels(text: str, name: str) -> tuple[str, ...]:
    try:
        raw = strict_json.loads(text)
        if isinstance(raw, dict):  # {"0": "cat", …}, or Keras' {"0": ["n02123045", "tabby"], …}
            raw = [raw[str(position)] for position in range(len(raw))]
        return check_labels(item[-1] if isinstance(item, list) else item for item in raw)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise FoveaError(
            "bad-labels",
            phrase("'{name}' is no list of labels", name=name),
            "One label a line, or a JSON list of texts.",
        ) from error
