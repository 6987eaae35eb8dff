"""From a decoded picture to a network's input: the one path for window, command line, evaluation and training.

Every resize is Pillow's (its filters widen when shrinking, so nothing aliases); the ``mnist`` fit lives in
:mod:`desktop.core.pictures.mnist_layout`. Values stay 0 to 255: range scaling and normalisation sit inside the network.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from desktop.core.types import DecodedImage, Notice, PreparedImage, PrepareError, PreprocessSpec
from desktop.system.words import phrase

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(image: DecodedImage | np.ndarray, spec: PreprocessSpec) -> PreparedImage:
    """Bring a picture into the shape that a network expects.

    ``image`` is a :class:`DecodedImage` or its pixels: uint8, (H, W) or (H, W, 3), sRGB, upright. The
    result holds uint8 (height, width, channels), C-contiguous, values 0 to 255, with a notice for each
    change that a viewer should know of. Raises :class:`PrepareError` for anything else.
    """
    pixels = image.pixels if isinstance(image, DecodedImage) else image
    _check(pixels)
    if spec.fit == "mnist":
        from desktop.core.pictures.mnist_layout import prepare_ink

        return prepare_ink(to_grey(pixels))
    notices: list[Notice] = []
    picture = Image.fromarray(pixels)
    if spec.colour == "grey" and picture.mode != "L":
        picture = picture.convert("L")
        notices.append(Notice("grey", "made grey"))
    elif spec.colour == "rgb" and picture.mode != "RGB":
        picture = picture.convert("RGB")
        notices.append(Notice("grey-as-rgb", "grey repeated in three channels"))
    notices.extend(_facts(_size_of(image), spec))
    fitted = _FIT[spec.fit](picture, spec)
    array = np.asarray(fitted, dtype=np.uint8)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    return PreparedImage(np.ascontiguousarray(array), tuple(notices))


def _check(pixels: np.ndarray) -> None:
    if (
        pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or (pixels.ndim == 3 and pixels.shape[2] != 3)
        or 0 in pixels.shape
    ):
        raise PrepareError(
            "bad-pixels",
            phrase(
                "found an array of {dtype} with shape {shape}; expected uint8 of (H, W) or (H, W, 3)",
                dtype=pixels.dtype,
                shape=pixels.shape,
            ),
        )


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W) of uint8 (H, W) or (H, W, 3), as every grey input weighs the colours."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def _size_of(image: DecodedImage | np.ndarray) -> tuple[int, int]:
    """The picture's own (width, height): what a reduced decode started from, not what it gave."""
    if isinstance(image, DecodedImage):
        return image.original_size
    return image.shape[1], image.shape[0]


def _facts(size: tuple[int, int], spec: PreprocessSpec) -> list[Notice]:
    """What the fit does to a picture of ``size`` (width, height), in words."""
    width, height = size
    if (width, height) == (spec.width, spec.height):
        return []
    notices = []
    target = f"{spec.width}×{spec.height}"
    ratio = (width / height) / (spec.width / spec.height)
    if spec.fit == "stretch" and not 0.98 < ratio < 1.02:
        notices.append(
            Notice(
                "stretched",
                phrase("stretched from {width}×{height} to {target}", width=width, height=height, target=target),
            )
        )
    elif spec.fit == "center_crop":
        scale = _cover_scale(size, spec)
        kept = spec.width * spec.height / (width * scale * height * scale)
        if kept < 0.98:
            notices.append(
                Notice(
                    "cropped",
                    phrase("the middle {kept:.0%} of {width}×{height} was used", kept=kept, width=width, height=height),
                )
            )
    elif spec.fit == "letterbox" and not 0.98 < ratio < 1.02:
        notices.append(Notice("padded", phrase("padded to {target}, nothing cut off", target=target)))
    if width < spec.width and height < spec.height:
        notices.append(
            Notice("enlarged", phrase("enlarged from {width}×{height}", width=width, height=height), "caution")
        )
    if max(width, height) > 8 * min(width, height):
        notices.append(
            Notice("extreme-shape", phrase("unusual shape {width}×{height}", width=width, height=height), "caution")
        )
    return notices


def _cover_scale(size: tuple[int, int], spec: PreprocessSpec) -> float:
    """The scale at which a picture covers the input, or brings its shorter side to ``resize_shorter``."""
    if spec.resize_shorter is not None:
        return spec.resize_shorter / min(size)
    return max(spec.width / size[0], spec.height / size[1])


def _stretch(picture: Image.Image, spec: PreprocessSpec) -> Image.Image:
    return picture.resize((spec.width, spec.height), _FILTERS[spec.interpolation])


def _center_crop(picture: Image.Image, spec: PreprocessSpec) -> Image.Image:
    """Scale and crop in one resampling: the crop is taken as a box of the original, so a picture of
    20,000×1 never becomes a huge intermediate."""
    scale = _cover_scale(picture.size, spec)
    box_width, box_height = spec.width / scale, spec.height / scale
    left = (picture.width - box_width) / 2
    top = (picture.height - box_height) / 2
    box = (
        max(0.0, left),
        max(0.0, top),
        min(float(picture.width), left + box_width),
        min(float(picture.height), top + box_height),
    )
    return picture.resize((spec.width, spec.height), _FILTERS[spec.interpolation], box=box)


def _letterbox(picture: Image.Image, spec: PreprocessSpec) -> Image.Image:
    scale = min(spec.width / picture.width, spec.height / picture.height)
    inner = (
        min(spec.width, max(1, round(picture.width * scale))),
        min(spec.height, max(1, round(picture.height * scale))),
    )
    value = (spec.pad_value,) * 3 if picture.mode == "RGB" else spec.pad_value
    canvas = Image.new(picture.mode, (spec.width, spec.height), value)
    offset = ((spec.width - inner[0]) // 2, (spec.height - inner[1]) // 2)
    canvas.paste(picture.resize(inner, _FILTERS[spec.interpolation]), offset)
    return canvas


_FIT = {"stretch": _stretch, "center_crop": _center_crop, "letterbox": _letterbox}
