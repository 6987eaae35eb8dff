"""Write the model store's entry for VGG16 on ImageNet: everything but its weights.

    python resources/recipes/make_vgg16_entry.py SYNSETS LEMMAS [ROOT]

SYNSETS: the WordNet ids of the 1,000 classes of ILSVRC-2012, one a line, in the order of the network's outputs.
LEMMAS: lines of a WordNet id, a tab, its words separated by commas. Both lie in the package timm (Apache 2.0) as
``timm/data/_info/imagenet_synsets.txt`` and ``imagenet_synset_to_lemma.txt``; the words are WordNet's. ROOT is the
model store to write to (default: the one that comes with Fovea). Running it again with the same lists gives
the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desktop import paths
from desktop.core.types import PreprocessSpec
from desktop.store.manifest import Card, Decision, Manifest, Provenance
from desktop.store.store import ModelStore

ID = "vgg16-imagenet"
CLASSES = 1000
PARAMETERS = 138_357_544

# Classes that share their first word in WordNet, told apart by what WordNet says they are.
APART = {
    "n02012849": "crane (bird)",
    "n03126707": "crane (machine)",
    "n03710637": "maillot (tights)",
    "n03710721": "maillot (swimsuit)",
}

# Well-known places in the list: a list in another order, or of another year, must not pass.
LANDMARKS = {0: "n01440764", 285: "n02124075", 820: "n04310018", 999: "n15075141"}

CARD = Card(
    summary="The 16-layer network of the Visual Geometry Group, Oxford (configuration D of Simonyan and Zisserman, "
    "2015), for the 1,000 classes of the ImageNet challenge of 2012.",
    intended_use="Everyday photographs of one clear object; teaching; a baseline to compare other networks with.",
    limits=(
        "Its weights do not come with Fovea: until they are installed it is described here and does not answer.",
        "It knows 1,000 classes, 118 of them breeds of dog, and answers with one of them whatever the picture shows: "
        "there is no class for 'something else'.",
        "Its authors report that the right class is missing from the first five in 7.5 % of the validation pictures "
        "and 7.4 % of the test pictures of the challenge, looking at each picture densely and at several scales. Fovea "
        "looks once, at the middle of the picture, so expect more misses: about one in ten. Fovea has not measured it.",
        "Its scores are model scores: nobody has checked here how often a score of 0.9 is right.",
        "The picture is scaled until its shorter side has 256 pixels and the middle 224×224 is used: what lies "
        "outside is not seen.",
    ),
    known_failures=(
        "Some classes overlap or are hard to tell apart even for people: 'sunglass' and 'sunglasses', 'screen' and "
        "'monitor', 'projectile' and 'missile', related breeds.",
        "Drawings, medical pictures, satellite pictures and pictures turned on their side are far from what it was "
        "trained on; it answers all the same.",
    ),
    must_not=("Decide anything about people, health or safety.",),
    population="Photographs found on the web before 2012, mostly from Europe and North America, labelled by "
    "crowd workers.",
    architecture="13 convolutions 3×3 with ReLU in five blocks (2×64, 2×128, 3×256, 3×512, 3×512 channels), each block "
    "followed by 2×2 max pooling; then 4,096, 4,096 and 1,000 fully connected units, dropout 0.5 after the first two "
    "in training, softmax. 15.5 billion multiplications a picture. Inside: red, green and blue "
    "swapped to blue, green, red and the means 103.939, 116.779, 123.68 subtracted.",
    parameters=PARAMETERS,
    credits=(
        "Network and weights: K. Simonyan and A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image "
        "Recognition, ICLR 2015 (arXiv:1409.1556); weights released by the Visual Geometry Group, University of "
        "Oxford, under the Creative Commons Attribution 4.0 licence (CC BY 4.0).",
        "Training data: O. Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015.",
        "Class names: WordNet 3.0, Copyright 2006 Princeton University, in the order of the list of ILSVRC-2012 as it "
        "is kept in the package timm (Apache 2.0); four names that were alike carry a word in brackets from Fovea.",
    ),
)


def read_labels(synsets: Path, lemmas: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels and their WordNet ids, in the order of the outputs. Raises ``ValueError`` for an unexpected list."""
    ids = tuple(synsets.read_text(encoding="utf-8").split())
    words = dict(line.split("\t", 1) for line in lemmas.read_text(encoding="utf-8").splitlines() if line)
    if len(ids) != CLASSES or len(set(ids)) != CLASSES:
        raise ValueError(f"{len(set(ids))} different ids found, {CLASSES} expected")
    for index, expected in LANDMARKS.items():
        if ids[index] != expected:
            raise ValueError(f"class {index} is {ids[index]}, {expected} expected: another list, or another order")
    labels = tuple(APART.get(key) or words[key].split(",")[0].strip() for key in ids)
    alike = sorted({label for label in labels if labels.count(label) > 1})
    if alike:
        raise ValueError(f"labels that are alike: {', '.join(alike)}")
    return labels, ids


def entry(labels: tuple[str, ...], ids: tuple[str, ...]) -> Manifest:
    """The whole manifest."""
    return Manifest(
        id=ID,
        name="VGG16 ImageNet",
        task="classification",
        version=1,
        state="weights-not-installed",
        preprocess=PreprocessSpec(224, 224, "rgb", "center_crop", "bilinear", resize_shorter=256),
        labels=labels,
        label_ids=ids,
        activation="softmax",
        outputs={"probabilities": 0},
        scores="model score",
        decision=Decision("argmax"),
        card=CARD,
        provenance=Provenance(
            data="ImageNet ILSVRC-2012, 1,281,167 training pictures",
            data_licence="for non-commercial research and education, under the terms of image-net.org",
            fingerprint="not known: the network was not trained by Fovea",
            plan={},
            seed=None,
            parent=None,
            versions={},
            device="not known",
            created="2014-09-04",
        ),
    )


def main(arguments: list[str]) -> int:
    """Write the entry; returns the exit status."""
    if len(arguments) not in (2, 3):
        print(__doc__)
        return 2
    root = Path(arguments[2]) if len(arguments) == 3 else paths.bundled_models()
    manifest = entry(*read_labels(Path(arguments[0]), Path(arguments[1])))
    with ModelStore(bundled=root).stage(manifest, root):
        pass  # no files: the weights are what is missing
    print(f"{manifest.id}: {len(manifest.labels)} labels, {manifest.state}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
