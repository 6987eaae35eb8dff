"""What a training plan consists of: which data, what network, from what it begins, how it is trained and decides.

Frozen dataclasses, unchecked: :mod:`desktop.ml.plans.plan_checks` says what does not fit together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from desktop.core.types import PreprocessSpec

SEEDS = 2**32
"""Seeds are below this one: NumPy and Keras take no others."""
SAME = "same"
"""Instead of an architecture: a training that goes on with a model has that model's."""
ARCHITECTURES = ("fast-cnn", "head", "residual-cnn", "sequential")
"""What a network may be built as: by :mod:`desktop.ml.nets.architectures`; :mod:`desktop.ml.plans.nettables` tells of
each."""
STAGES = "stages"
"""As the ``layer`` of a start: a network's embedding and what it knows at the ends of its stages."""
SOLVED: Literal["lbfgs"] = "lbfgs"
"""The optimizer of a head that is solved: softmax regression, its penalty chosen on pictures held out."""
MOST_CROSSED = 3000
"""Up to this many pictures cross-validating a solved head takes seconds; above, a part held out says as much."""
USER = "user"
"""The ``source`` of data that lies in a folder or file of the user's own."""


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images.

    ``source`` is a public set known by name to :mod:`desktop.ml.data.public_sets`, or ``user``: then ``path`` is the
    folder, .npz, IDX or CIFAR batches that :func:`desktop.core.data.open_data.open_dataset` opens. ``path`` stays on
    this computer: :meth:`TrainingPlan.public` leaves it out, and ``title`` (the folder's own name) stands for it.
    ``validation`` is the fraction cut from the training images, 0 to 0.9; data with a validation split of its own uses
    that. ``group`` keeps related images on one side of the cut: ``person`` (person or case in the file name or DICOM's
    patient number), ``auto`` (where names or tags carry one) or ``none``.
    ``classes`` are the class folders in the order of the labels; empty where the source numbers its classes.
    ``limit`` takes that many training images, drawn by the seed and in the classes' proportions (0: all).
    ``use_test``: open the data's own test split, where it has one, once at the end.
    ``fingerprint`` identifies the images (:meth:`desktop.core.data.dataset.LabelledDataset.fingerprint`); empty:
    unknown.
    ``left_out`` names pictures inside the data that take no part (copies, wrong labels: what was chosen when the data
    was looked through); like ``path`` they stay on this computer. ``kept_together`` names groups of pictures that are
    nearly the same: each stays on one side where a validation part is cut. They stay on this computer, too; a plan
    without any is written without the field. ``folds``: of up to :data:`MOST_CROSSED` pictures none is held out for
    good; all are cross-validated in that many parts, so that each checks once and the model learns from all of them (0:
    never; only a head that is solved can). A plan with 0 is written without the field. ``project`` is the labelling
    project that the labels come from, its id and the number of the labels' state (``pets#3``); '' for none, and then
    not written.
    """

    source: str
    validation: float
    group: Literal["none", "person", "auto"] = "none"
    classes: tuple[str, ...] = ()
    path: str | None = None
    title: str = ""
    fingerprint: str = ""
    limit: int = 0
    use_test: bool = True
    left_out: tuple[str, ...] = ()
    kept_together: tuple[tuple[str, ...], ...] = ()
    folds: int = 0
    project: str = ""


@dataclass(frozen=True, slots=True)
class StartPlan:
    """Where the weights come from.

    - ``fresh``: random weights by the seed.
    - ``weights``: go on training ``model`` of the store; a new last layer where the classes differ.
    - ``features``: the layers of ``model`` up to ``layer`` stay as they are; what they make of each image is computed
      once and kept, and the plan's architecture ``head`` learns from that. Without augmentation.
    - ``fine-tune``: the head alone for ``head_epochs`` by ``head_optimizer`` at ``head_rate`` as above, then the last
      ``unfreeze`` layers with weights together with the head, by the plan's optimizer, on augmented images. Batch
      normalisation stays in inference mode throughout.

    ``model`` is an id of the store or of the catalogue of ImageNet networks; ``version`` the one meant, ``None`` for
    whichever there is. ``layer`` names a layer of that model; ``None`` stands for its ``embedding``, :data:`STAGES` for
    the embedding beside the pooled ends of its stages, where it gives them.
    """

    kind: Literal["fresh", "weights", "features", "fine-tune"] = "fresh"
    model: str | None = None
    version: int | None = None
    layer: str | None = None
    unfreeze: int = 0
    head_epochs: int = 0
    head_rate: float = 0.001
    head_optimizer: Literal["adam", "rmsprop", "sgd", "lbfgs"] = "adam"


@dataclass(frozen=True, slots=True)
class Step:
    """A named building block with its settings: an architecture, or one augmentation."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


CYCLIC = ("triangle", "cosine")
"""The schedules that can run through more than once."""


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """``rate`` is the peak of the ``schedule``: ``constant``; ``triangle`` or ``cosine`` with a linear rise over the
    fraction ``warmup`` of all steps; ``steps`` (a tenth after half, a hundredth after three quarters of the steps, the
    same rise). ``cycles``: how often a triangle or cosine runs through, each time in an equal share of the steps and to
    half the peak of the time before ('triangular2' of Smith 2017). ``weight_decay`` is decoupled (times the rate, each
    step). ``momentum`` and ``nesterov`` belong to ``sgd`` alone; ``sgd`` with momentum 0 is plain gradient descent.
    ``lbfgs`` (:data:`SOLVED`) solves a head on features instead of training it: each 'epoch' is one strength of the
    penalty on its weights, the rate says nothing."""

    name: Literal["sgd", "adamw", "adam", "rmsprop", "adagrad", "lbfgs"]
    rate: float
    schedule: Literal["constant", "triangle", "cosine", "steps"] = "constant"
    warmup: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float | None = None
    nesterov: bool = False
    cycles: int = 1


@dataclass(frozen=True, slots=True)
class FitPlan:
    """The loop.

    ``loss``: ``cross-entropy`` after softmax, or ``mse``: mean squared error of the softmax scores against one-hot.
    ``class_weights`` weighs the loss inversely to each class's frequency; ``sampling`` draws the rarer classes more
    often (``over``) or the frequent ones less (``under``) instead. ``ema`` is the decay of the weights' moving average
    per step (0: none); ``swa`` makes the result the mean of the weights (moving averages, where there are some) at the
    ends of that many last epochs, all where there are fewer (stochastic weight averaging, Izmailov et al. 2018; 0:
    none). ``keep`` says which epoch counts in the end; ``patience`` stops after that many epochs without a better one
    (0: never). ``l1`` and ``l2`` penalise the weights of convolutions and dense layers. ``mixed`` computes in 16 bits;
    ``auto`` decides by the device. ``jit`` compiles the network by XLA. ``tensorboard`` writes its logs.
    """

    epochs: int
    batch: int
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    ema: float = 0.0
    keep: Literal["last", "lowest-loss", "highest-accuracy"] = "last"
    steps_per_execution: int = 8
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    sampling: Literal["none", "over", "under"] = "none"
    patience: int = 0
    mixed: Literal["none", "bfloat16", "float16", "auto"] = "none"
    jit: bool = False
    l1: float = 0.0
    l2: float = 0.0
    tensorboard: bool = False
    swa: int = 0


@dataclass(frozen=True, slots=True)
class DecisionPlan:
    """How the answer follows from the scores.

    For two classes a threshold may be chosen on validation: ``balanced`` where sensitivity and specificity are alike,
    ``sensitivity`` the highest one that keeps a sensitivity of ``at_least``; see :mod:`desktop.ml.packaging.calibrate`.
    With ``perturbed`` above 0 it is chosen on that many augmented copies of validation instead of on the pictures as
    they are: pictures from elsewhere differ from validation as validation never differs from training.
    """

    rule: Literal["argmax", "balanced", "sensitivity"] = "argmax"
    positive: int = 1
    at_least: float | None = None
    perturbed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How a training goes, whatever its data: the network, what it begins from, and the settings. Unchecked, so that a
    draft may hold what does not fit together yet.

    ``mirrored`` averages each answer with the mirror image's; ``preset`` is the one of
    :mod:`desktop.ml.plans.presets` that the settings came from, empty for none.
    """

    preprocess: PreprocessSpec
    architecture: Step
    augment: tuple[Step, ...]
    optimizer: OptimizerPlan
    fit: FitPlan
    decision: DecisionPlan
    mirrored: bool
    medical: bool
    start: StartPlan = field(default_factory=StartPlan)
    preset: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the network's input."""
        return self.preprocess.height, self.preprocess.width, self.preprocess.channels
