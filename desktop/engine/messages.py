"""What crosses the pipe between the window (or the command line) and the engine process.

Plain frozen dataclasses. Requests carry an id chosen by the client, ever increasing; answers repeat it.
Exceptions cross as :class:`Failure`, as text, never pickled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from desktop.core.types import DomainVerdict, ImageSource, Notice, PreprocessSpec
from desktop.system.words import hold

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.pictures.dicom.study import Radiograph
    from desktop.core.trust.general_words import Wording
    from desktop.core.trust.neighbours import Neighbour

# Requests


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Answer for one picture, interactively: a newer one supersedes it while it waits."""

    id: int
    model: str
    source: ImageSource


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read the digits of a drawing one by one; the newest wins. For a model whose input is no drawing of a digit the
    picture counts as one."""

    id: int
    model: str
    source: ImageSource


@dataclass(frozen=True, slots=True)
class AdviseRequest:
    """Which model would suit a picture that is not of the kind of ``model``? The newest wins."""

    id: int
    model: str
    source: ImageSource


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Answer for many pictures, in order. Interactive requests go before the next group of the batch.

    ``one_by_one`` is the careful mode after a crash: the first picture without an answer is the culprit.
    ``offset`` is added to every position: the client sends the rest of a batch anew after a crash. ``gated`` asks for
    the domain gate's verdict on every picture, which costs some per cent of the speed; ``advised`` beside it which
    model would suit each picture of another kind, which costs several answers more for each of these.
    """

    id: int
    model: str
    sources: tuple[ImageSource, ...]
    one_by_one: bool = False
    offset: int = 0
    gated: bool = False
    advised: bool = False


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """The upright picture itself, its longer side at most ``max_side`` pixels; the newest of a ``slot`` wins."""

    id: int
    source: ImageSource
    max_side: int
    slot: str = "view"


@dataclass(frozen=True, slots=True)
class RadiographRequest:
    """The values and the header of a DICOM file, at most ``max_side`` pixels a side; with ``reveal`` what tells who the
    patient is comes too. The newest of a ``slot`` wins."""

    id: int
    source: ImageSource
    max_side: int
    reveal: bool = False
    slot: str = "radiograph"


@dataclass(frozen=True, slots=True)
class ThumbnailRequest:
    """A small picture for a list; many may wait, the newest is served first."""

    id: int
    source: ImageSource
    side: int


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One picture as a training would see it: prepared by ``spec``, and ``count`` times augmented by ``steps``.

    Each step is the name of an augmentation of :mod:`desktop.ml.data.augment` with its settings. The newest of a
    ``slot`` wins.

    ``seed`` decides the augmentation alone; the picture itself comes back with its longer side at most ``max_side``.
    """

    id: int
    source: ImageSource
    spec: PreprocessSpec
    steps: tuple[tuple[str, dict[str, Any]], ...]
    count: int
    seed: int
    max_side: int = 320
    slot: str = "samples"


@dataclass(frozen=True, slots=True)
class WarmRequest:
    """Load a model now, so that the first picture does not wait for it."""

    id: int
    model: str


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Stop the request ``target`` as soon as possible; its answer may still come and is then dropped."""

    id: int
    target: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the engine process."""

    id: int = 0


Method = Literal["cam", "grad-cam", "occlusion"]


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """Where in a picture does the network find class ``index`` (``None``: its answer)? The newest request wins.

    ``cam`` and ``occlusion`` are for the engine, ``grad-cam`` for the process of :mod:`desktop.engine.gradients`;
    ``None`` takes the quickest that the model offers in the engine.
    """

    id: int
    model: str
    source: ImageSource
    method: Method | None = None
    index: int | None = None


Picturing = PreviewRequest | SampleRequest | RadiographRequest | ThumbnailRequest
"""Served by the thread for pictures to look at."""
Request = (
    PredictRequest
    | ReadRequest
    | AdviseRequest
    | BatchRequest
    | ExplainRequest
    | Picturing
    | WarmRequest
    | CancelRequest
    | Shutdown
)

# Answers


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Milliseconds spent on one picture."""

    decode: float
    prepare: float
    predict: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine process is up: the device that it computes on, and the versions of its parts."""

    pid: int
    device: str
    versions: dict[str, str]
    id: int = 0


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """Work on this request has begun: should the process end now, this is the one to blame. The client keeps it."""

    id: int


@dataclass(frozen=True, slots=True)
class Warmed:
    """The model is loaded; ``load_ms`` in milliseconds."""

    id: int
    model: str
    load_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one picture.

    ``probabilities``: float32 (classes,), sum 1. ``prepared``: the input that the network really saw, uint8 (height,
    width, channels); ``None`` in a batch, where only its SHA-256 travels. ``index`` follows the model's decision rule,
    which need not be the highest score. ``position`` counts within a batch. ``domain`` says whether the picture is of
    the model's kind; ``None`` where the model has no gate or was not asked. ``nearest``: for a flagged picture, the
    user's own training pictures that are most like it, where this computer trained the model. ``wording``: the more
    general word where the model knows words and cannot decide between kinds; ``None`` for one that knows none.
    ``several``: of a picture of several digits, for a model that reads one, label and score of each in reading order.
    ``suits``: of a flagged picture of a batch that is advised, the model that would suit it, see :class:`Advice`.
    """

    id: int
    model: str
    source: ImageSource
    index: int
    label: str
    probabilities: np.ndarray
    prepared: np.ndarray | None
    prepared_sha256: str
    original_size: tuple[int, int]
    format: str
    frames: int
    notices: tuple[Notice, ...]
    elapsed: Elapsed
    device: str
    position: int = 0
    domain: DomainVerdict | None = None
    nearest: tuple[Neighbour, ...] = ()
    wording: Wording | None = None
    several: tuple[tuple[str, float], ...] = ()
    suits: str = ""

    @property
    def answer(self) -> str:
        """What is said first: the general word where there is one, else the class."""
        return self.wording.word if self.wording is not None and self.wording.word else self.label

    @property
    def short(self) -> str:
        """:attr:`answer` for a small place: with a question mark where the model, which knows words, is not sure."""
        unsure = self.wording is not None and self.wording.kind == "unsure"
        return self.answer + "?" * unsure

    @property
    def answer_score(self) -> float:
        """The score of :attr:`answer`, 0 to 1."""
        if self.wording is not None and self.wording.word:
            return self.wording.score
        return float(self.probabilities[self.index])


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Where the network finds class ``index``: ``heat`` float32 (rows, columns), positive where a place speaks for it.

    ``box`` (left, top, right, bottom, in fractions of the upright picture) is where the map lies on it; ``None`` where
    it lies on ``prepared``, the network's input, alone. Occlusion sends maps while it goes on: ``done`` of ``total``.
    ``pooling`` says what a class activation map was read from.
    """

    id: int
    source: ImageSource
    model: str
    method: Method
    index: int
    heat: np.ndarray
    box: tuple[float, float, float, float] | None
    prepared: np.ndarray
    elapsed_ms: float
    done: int = 1
    total: int = 1
    pooling: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """The id of the model that would suit a picture better than ``model``, of those in
    :data:`desktop.core.trust.suiting.WORDS`; '' where none is known."""

    id: int
    model: str
    source: ImageSource
    suits: str


@dataclass(frozen=True, slots=True, eq=False)
class ReadDigit:
    """One digit of a drawing: its ``box`` (x, y, width, height) in pixels of the drawing; ``prediction`` as for a
    picture of its own. ``ink`` is where its ink is, bool, as :func:`desktop.core.pictures.segments.alone` takes it;
    ``None`` where it is the only one."""

    box: tuple[int, int, int, int]
    prediction: Prediction
    ink: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The digits of a drawing in reading order; none on a blank one. ``total_ms``: from opening to the last score."""

    id: int
    model: str
    source: ImageSource
    digits: tuple[ReadDigit, ...]
    total_ms: float


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer for a request, or for one picture of a batch: ``kind`` and ``message`` as in ``FoveaError``.

    ``model_failed`` says that the model, not the picture, is at fault: no other picture would fare better.
    """

    id: int
    kind: str
    message: str
    hint: str = ""
    source: ImageSource | None = None
    position: int = 0
    model_failed: bool = False

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


@dataclass(frozen=True, slots=True)
class BatchAnswers:
    """Some answers of a batch, in order, sent together to spare the window's event loop."""

    id: int
    items: tuple[Prediction | Failure, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BatchDone:
    """A batch has ended; ``cancelled`` says that it did so early."""

    id: int
    done: int
    cancelled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A picture to look at: ``pixels`` uint8 (H, W) or (H, W, 3), upright sRGB, with what was done to it."""

    id: int
    source: ImageSource
    pixels: np.ndarray
    original_size: tuple[int, int]
    format: str
    frames: int
    notices: tuple[Notice, ...]
    slot: str = "view"


@dataclass(frozen=True, slots=True, eq=False)
class RadiographAnswer:
    """What a :class:`RadiographRequest` asked for."""

    id: int
    source: ImageSource
    study: Radiograph


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What a training would make of one picture: ``original`` uint8 (H, W) or (H, W, 3), upright sRGB; ``prepared`` and
    each of ``augmented`` uint8 (height, width, channels), the network's input."""

    id: int
    source: ImageSource
    original: np.ndarray
    original_size: tuple[int, int]
    prepared: np.ndarray
    augmented: tuple[np.ndarray, ...]
    notices: tuple[Notice, ...]
    slot: str = "samples"


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture: ``pixels`` uint8 (H, W, 3), longer side as asked; ``None`` where it cannot be opened."""

    id: int
    source: ImageSource
    pixels: np.ndarray | None


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine process ended unasked: ``reason`` in words; ``restarting`` unless it fails again and again.

    Made by the client, never sent by the engine.
    """

    reason: str
    restarting: bool
    id: int = 0


Answer = (
    Ready
    | RequestStarted
    | Warmed
    | Prediction
    | Reading
    | Advice
    | Failure
    | BatchAnswers
    | BatchDone
    | Preview
    | Samples
    | RadiographAnswer
    | Explanation
    | Thumbnail
    | EngineLost
)
