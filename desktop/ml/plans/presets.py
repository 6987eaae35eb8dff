"""Named systems to start from: Fovea's own small residual net and the published ones of ``docs/results.md``.

A preset makes a whole plan for given classes; everything in it can be changed afterwards. Pure Python: the window's
process may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from desktop.core.types import PreprocessSpec
from desktop.ml.plans.plan import (
    DataPlan,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanError,
    StartPlan,
    Step,
    TrainingPlan,
)
from desktop.store.ids import id_of
from desktop.system.words import phrase

Shape = tuple[int, int, int]

DIGITS = tuple("0123456789")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DEFAULT = "fovea-small-residual"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a preset's author decides for pictures of one shape."""

    architecture: Step
    optimizer: OptimizerPlan
    fit: FitPlan
    augment: tuple[Step, ...] = ()
    start: StartPlan = field(default_factory=StartPlan)
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """A named system.

    ``data_hint`` says in words what it was made for, ``reported`` what its author printed. ``data`` and ``labels`` are
    those of the published system, ``None`` and empty where it goes with any folder. ``shape``: (height, width,
    channels) that it was made for.
    """

    id: str
    title: str
    description: str
    data_hint: str
    reported: str
    shape: Shape
    parts: Callable[[Shape], Parts]
    data: DataPlan | None = None
    labels: tuple[str, ...] = ()
    fit: str = "stretch"

    def build(
        self,
        classes: Sequence[str] = (),
        shape: Shape | None = None,
        data: DataPlan | None = None,
        name: str = "",
        seed: int = 1,
        model_id: str = "",
    ) -> TrainingPlan:
        """A whole plan. ``classes`` are the labels (default: the published system's), ``data`` the pictures.

        Two classes get a threshold that balances sensitivity and specificity, and on the user's own pictures the loss
        is weighted by class. Raises :class:`PlanError` where classes or data are missing or do not fit.
        """
        labels = tuple(classes) or self.labels
        chosen = data or self.data
        if not labels or chosen is None:
            raise PlanError(
                "bad-plan", phrase("the preset '{id}' needs to be told its classes and its pictures", id=self.id)
            )
        shape = shape or self.shape
        parts = self.parts(shape)
        title = name or self.title
        own = data is not None and (self.data is None or data.source != self.data.source)
        fit = replace(parts.fit, class_weights="balanced") if own and parts.fit.sampling == "none" else parts.fit
        decision = DecisionPlan("balanced" if len(labels) == 2 and own else "argmax", 1)
        return TrainingPlan(
            id=model_id or id_of(title),
            name=title,
            seed=seed,
            data=chosen,
            preprocess=self._preprocess(shape, chosen),
            labels=labels,
            architecture=parts.architecture,
            augment=parts.augment,
            optimizer=parts.optimizer,
            fit=fit,
            decision=decision,
            mirrored=parts.mirrored,
            medical=chosen.source == "chest-xray",
            card={},
            start=parts.start,
            preset=self.id,
        )

    def _preprocess(self, shape: Shape, data: DataPlan) -> PreprocessSpec:
        height, width, channels = shape
        fit: Any = self.fit
        # MNIST's own layout goes with MNIST alone: on other pictures there may be no ink to find.
        if data.source == "mnist" and shape == (28, 28, 1):
            fit = "mnist"
        return PreprocessSpec(height, width, "grey" if channels == 1 else "rgb", fit, "area")


def find(preset_id: str) -> Preset:
    """The preset of that id. Raises :class:`PlanError` that lists the known ones."""
    if preset_id not in PRESETS:
        known = list(PRESETS)
        raise PlanError(
            "bad-plan",
            phrase("there is no preset '{preset_id}'", preset_id=preset_id),
            phrase("Known ones: {known}.", known=known),
        )
    return PRESETS[preset_id]


def _net(*layers: str, **settings: Any) -> Step:
    return Step("sequential", {"layers": list(layers), **settings})


def _plain(
    architecture: Step, optimizer: str, epochs: int, batch: int, augment: tuple[Step, ...] = (), **fit: Any
) -> Callable[[Shape], Parts]:
    """Parts that do not depend on the shape: Keras' usual rates, a constant one."""
    rates = {"adam": 0.001, "rmsprop": 0.001, "sgd": 0.01}
    chosen: Any = optimizer
    plan = OptimizerPlan(chosen, rates[optimizer], momentum=0.0)
    return lambda shape: Parts(architecture, plan, FitPlan(epochs, batch, **fit), augment)


def small_residual(shape: Shape) -> Step:
    """Fovea's own small residual net for pictures of ``shape``: about 500,000 weights, strided more where larger.

    All widths are multiples of 32, which is what processors and accelerators that compute in 16 bits are made for.
    """
    side = min(shape[:2])
    stride = 1 if side <= 48 else 2 if side <= 160 else 4
    channels = shape[2]
    return Step(
        "residual-cnn",
        {
            "stem": 32, "stem_size": 3 if stride == 1 else 5, "stem_stride": stride, "widths": [32, 64, 128],
            "blocks": [1, 1, 1] if side < 96 else [1, 1, 2], "dropout": 0.2, "pool": "average", "standardise": False,
            "mean": [0.45] * channels, "deviation": [0.25] * channels,
        },
    )  # fmt: skip


def _fovea(shape: Shape) -> Parts:
    return Parts(
        small_residual(shape),
        OptimizerPlan("adamw", 0.002, "cosine", 0.1, weight_decay=0.05, clip_norm=1.0),
        FitPlan(30, 32, label_smoothing=0.05, ema=0.99, keep="lowest-loss", mixed="auto"),
        (
            Step("flip", {"p": 0.5}),
            Step("affine", {"p": 0.9, "rotate": 10, "zoom": [0.9, 1.15], "shift": 0.08, "border": "reflect"}),
            Step("tone", {"p": 0.5, "brightness": 0.1, "contrast": 0.2}),
        ),
    )


_DEEP = ("C32k3s", "C32k3s", "P2", "drop.25", "C64k3s", "C64k3v", "P2", "drop.25", "flatten", "D512", "drop.5")
_REGULARISED = ("C32k3s", "C32k3v", "P2", "BN", "drop.10", "flatten", "D512", "drop.5")
_LENET = ("C20k5s", "P2", "C50k5s", "P2", "flatten", "D500")
_ALEXNET = (
    "C96k11s/4", "P3/2", "C256k5s*2", "P3/2", "C384k3s", "C384k3s*2", "C256k3s*2", "P3/2", "flatten",
    "D4096", "drop.5", "D4096", "drop.5",
)  # fmt: skip
_VGG16 = (
    *(
        word
        for block, (width, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1)
        for word in (*(f"C{width}k3s@block{block}_conv{i}" for i in range(1, count + 1)), f"P2@block{block}_pool")
    ),
    "flatten", "D4096@fc1", "D4096@fc2",
)  # fmt: skip
_CAFFE = {"mean": [123.68 / 255, 116.779 / 255, 103.939 / 255], "deviation": [0.23, 0.23, 0.23]}


def _affine(rotate: float = 0.0, shift: float = 0.0, zoom: float = 0.0, border: str = "nearest") -> Step:
    settings: dict[str, Any] = {"rotate": rotate, "shift": shift, "border": border}
    if zoom:
        settings["zoom"] = [1 - zoom, 1 + zoom]
    return Step("affine", settings)


_FLIP = Step("flip", {"p": 0.5})


def _mnist(validation: float = 0.2) -> DataPlan:
    return DataPlan("mnist", validation)


def _cifar() -> DataPlan:
    return DataPlan("cifar10-jpeg", 0.2, classes=THINGS)


def _of_mnist(preset_id: str, title: str, description: str, reported: str, parts: Any, data: DataPlan) -> Preset:
    return Preset(preset_id, title, description, "MNIST", reported, (28, 28, 1), parts, data, DIGITS)


def _of_cifar(
    preset_id: str, title: str, description: str, reported: str, parts: Any, shape: Shape = (32, 32, 3)
) -> Preset:
    return Preset(preset_id, title, description, "CIFAR-10", reported, shape, parts, _cifar(), THINGS)


_ALL = (
    Preset(
        DEFAULT,
        "Fovea's small residual net",
        "A small residual net, quick on a CPU, for photos and scans of any kind: the one to begin with.",
        "any folder with one folder for each class",
        "",
        (96, 96, 3),
        _fovea,
        fit="center_crop",
    ),
    _of_mnist(
        "mnist-mlp-32", "Digits: two small dense layers", "Flatten, dense 32, dense 32.", "93.57 % test",
        _plain(_net("flatten", "D32", "D32"), "adam", 40, 32), _mnist(),
    ),
    _of_mnist(
        "mnist-mlp-128", "Digits: dense 128 and 60", "Flatten, dense 128, dropout, dense 60; 30 % for validation.",
        "97.87 % test", _plain(_net("flatten", "D128", "drop.2", "D60"), "adam", 10, 32), _mnist(0.3),
    ),
    _of_mnist(
        "mnist-cnn", "Digits: two convolutions", "Two convolutions, pooling, dense 128; large batches.", "98.62 %",
        _plain(_net("C32k3s", "C32k3v", "P2", "flatten", "D128"), "adam", 10, 1024), _mnist(),
    ),
    _of_mnist(
        "mnist-lenet", "Digits: a LeNet", "Two wide 5×5 convolutions with pooling, dense 500.", "99.06 to 99.20 %",
        _plain(_net(*_LENET), "adam", 20, 128), _mnist(),
    ),
    _of_mnist(
        "mnist-lenet5", "Digits: LeNet-5 of 1998", "The net of LeCun et al. 1998: tanh, average pooling.",
        "architecture only",
        _plain(
            _net("C6k5s", "A2", "C16k5v", "A2", "C120k5v", "flatten", "D84", activation="tanh"), "adam", 12, 64
        ),
        _mnist(0.1),
    ),
    _of_mnist(
        "mnist-small-data", "Digits from few pictures", "The LeNet on 5,900 pictures or fewer, four epochs.",
        "96.68 % at 5,900 pictures, 72.44 % at 300 (a dense net: 85.56 and 48.26 %)",
        _plain(_net(*_LENET), "adam", 4, 128), replace(_mnist(), limit=5900),
    ),
    _of_mnist(
        "mnist-grid", "Digits: one point of the grid", "Flatten, dense 32, dropout; the search varies it.",
        "96.16 %: 32 units, dropout .1, Adam",
        _plain(_net("flatten", "D32", "drop.1"), "adam", 5, 32), _mnist(),
    ),
    Preset(
        "captcha-letters", "Letters of a captcha", "Dense 100 on small grey letters that Fovea draws and shears.",
        "letters drawn by the program", "every test letter right", (20, 20, 1),
        _plain(_net("flatten", "D100"), "adam", 1000, 32), DataPlan("captcha-letters", 0.1, classes=LETTERS), LETTERS,
    ),
    _of_cifar(
        "cifar-simple", "Things: one convolution", "One convolution, pooling, dense 512.", "66.4 % test",
        _plain(_net("C32k3s", "P2", "drop.25", "flatten", "D512", "drop.5"), "rmsprop", 20, 128),
    ),
    _of_cifar(
        "cifar-deep", "Things: four convolutions", "Two pairs of convolutions, dense 512.", "76.9 %",
        _plain(_net(*_DEEP), "rmsprop", 40, 128, mixed="auto"),
    ),
    _of_cifar(
        "cifar-augmented", "Things: four convolutions, augmented",
        "The same with rotation, shift, zoom and mirroring.", "78.3 %",
        _plain(_net(*_DEEP), "rmsprop", 50, 128, (_affine(40, 0.2, 0.2), _FLIP), mixed="auto"),
    ),
    _of_cifar(
        "cifar-regularised", "Things: normalised and with dropout",
        "Two convolutions with batch normalisation and dropout, large batches.", "printed as pictures only",
        _plain(_net(*_REGULARISED), "adam", 10, 512),
    ),
    _of_cifar(
        "cifar-three-conv", "Things: three small convolutions", "Three valid convolutions, squared error on one-hot.",
        ".8497 (the author's split)",
        _plain(
            _net("C32k3v", "P2", "C64k2v", "P2", "C128k2v", "P2", "flatten", "D500", "D500"), "adam", 25, 1000,
            loss="mse",
        ),
    ),
    _of_cifar(
        "cifar-grey-demo", "Things: a first demonstration", "One convolution, dense 1024, dropout; three epochs.",
        "63.87 % colour",
        lambda shape: Parts(
            _net("C32k3v", "P2", "flatten", "D1024")
            if shape[2] == 1
            else _net("C32k3v", "P2", "drop.25", "flatten", "D1024", "drop.5"),
            OptimizerPlan("adam", 0.001),
            FitPlan(3, 32),
        ),
    ),
    Preset(
        "cats-dogs", "Cats and dogs", "Four convolutions with normalisation and dropout on small grey pictures.",
        "photos of cats and dogs", "70.4 %, augmented 72 %", (50, 50, 1),
        _plain(
            _net(
                "C32k3s", "BN", "P2", "C64k3s", "BN", "P2", "C128k3s", "BN", "P2", "drop.25", "flatten", "D128",
                "drop.5",
            ),
            "adam", 25, 64, (_affine(15, 0.1, 0.1), _FLIP),
        ),
        DataPlan("cats-dogs", 0.2, classes=("cats", "dogs")), ("cat", "dog"),
    ),
    Preset(
        "xray-cnn", "Chest X-rays: strided convolutions",
        "Three convolutions, two of stride 2, on large pictures, in small batches.",
        "chest X-rays", "curves only (Kermany et al.: 92.8 % accuracy, AUC .968)", (1024, 1024, 3),
        _plain(
            _net("C32k3v/2", "P2", "C64k3v/2", "P2", "C128k3v/2", "flatten", "D128"), "adam", 10, 8,
            class_weights="balanced",
        ),
        DataPlan("chest-xray", 0.12, "person", ("NORMAL", "PNEUMONIA")), ("Normal", "Pneumonia"),
    ),
    Preset(
        "alexnet", "AlexNet", "The net of 2012 (Krizhevsky, Sutskever, Hinton), from random weights; large and slow.",
        "any folder, many thousand pictures", "architecture, 60 M parameters", (224, 224, 3),
        lambda shape: Parts(
            _net(*_ALEXNET, initialiser="he_normal", **_CAFFE),
            OptimizerPlan("sgd", 0.01, "cosine", 0.05, 0.9, 0.0005), FitPlan(60, 64), (_FLIP, _affine(0, 0.1)),
        ),
        fit="center_crop",
    ),
    Preset(
        "vgg16", "VGG16 from random weights",
        "The 16-layer net of Simonyan and Zisserman (2014), from random weights; very large and slow.",
        "any folder, many thousand pictures", "7.4 to 7.5 % top-5 error with its published weights", (224, 224, 3),
        lambda shape: Parts(
            _net(*_VGG16, initialiser="he_normal", **_CAFFE),
            OptimizerPlan("sgd", 0.01, "cosine", 0.05, 0.9, 0.0005), FitPlan(60, 32), (_FLIP, _affine(0, 0.1)),
        ),
        fit="center_crop",
    ),
    Preset(
        "vgg16-features", "Features of VGG16",
        "VGG16 as published stays as it is; a small head learns from what its layer block4_pool says.",
        "any folder, some hundred pictures", "method only", (224, 224, 3),
        lambda shape: Parts(
            Step("head", {"layers": ["gap", "D256", "drop.5"]}), OptimizerPlan("adam", 0.001, "cosine", 0.05),
            FitPlan(30, 32, keep="lowest-loss"), (),
            StartPlan("features", "vgg16-imagenet", layer="block4_pool"),
        ),
        fit="center_crop",
    ),
    Preset(
        "inception-transfer", "InceptionV3, fine-tuned",
        "First a new head alone, then its last layers too, slowly.",
        "any folder, a thousand pictures or more", "method only", (299, 299, 3),
        lambda shape: Parts(
            Step("head", {"layers": ["gap", "D1024"]}), OptimizerPlan("sgd", 0.0001, momentum=0.9),
            FitPlan(20, 32, keep="lowest-loss"), (_FLIP, _affine(10, 0.1, 0.1)),
            # The published recipe frees the layers from 172 on, 83 of which have weights.
            StartPlan("fine-tune", "inception-v3-imagenet", layer="mixed10", unfreeze=83, head_epochs=10,
                      head_rate=0.001, head_optimizer="rmsprop"),
        ),
        fit="center_crop",
    ),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.id: preset for preset in _ALL}
"""Every preset by its id, the default first."""
