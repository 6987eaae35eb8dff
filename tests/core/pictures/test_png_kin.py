"""PNG: gamma, primaries and code points, transparent values in deep grey, what animations show."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from desktop.core.pictures import png_colour
from desktop.core.pictures.decode import decode
from desktop.core.types import DecodedImage
from tests.core import makers

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def codes(image: DecodedImage) -> list[str]:
    return [notice.code for notice in image.notices]


def rows(samples: np.ndarray) -> bytes:
    """Unfiltered PNG rows of ``samples`` (H, W[, channels]) of uint8 or uint16."""
    return b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples)


def gamma(value: float) -> bytes:
    return makers.png_chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chromaticities(*values: float) -> bytes:
    return makers.png_chunk(b"cHRM", struct.pack(">8I", *(round(v * 100_000) for v in values)))


P3 = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


@pytest.mark.parametrize("value", [1.0, 1 / 1.8, 0.7])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("colour", [0, 2, 6, 4])
def test_gamma_at_every_depth_and_colour_type(value: float, bits: int, colour: int) -> None:
    top = (1 << bits) - 1
    linear = np.rint((RAMP / 255.0) ** (2.2 * value) * top).astype(np.uint16 if bits == 16 else np.uint8)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    samples = np.repeat(linear[..., None], channels, axis=2)
    if colour in (4, 6):
        samples[..., -1] = top
    image = decode(makers.source(makers.png(16, 16, rows(samples), gamma(value), bits=bits, colour=colour)))
    expected = RAMP if image.pixels.ndim == 2 else np.repeat(RAMP[..., None], 3, axis=2)
    # Eight bits of linear light cannot tell the darkest shades apart.
    dark = 40 if bits == 8 else 0
    assert np.abs(image.pixels.astype(int) - expected)[expected >= dark].mean() <= 2


def test_what_gamma_does_not_touch() -> None:
    plain = makers.png(16, 16, rows(RAMP[..., None]), gamma(1 / 2.2))
    assert np.array_equal(decode(makers.source(plain)).pixels, RAMP)
    for chunk in (makers.png_chunk(b"sRGB", b"\0"), makers.png_chunk(b"cICP", b"\1\x0d\0\1")):
        image = decode(makers.source(makers.png(16, 16, rows(RAMP[..., None]), gamma(1.0), chunk)))
        assert np.array_equal(image.pixels, RAMP) and not codes(image)
    for nonsense in (0.0, 40_000.0):
        image = decode(makers.source(makers.png(16, 16, rows(RAMP[..., None]), gamma(nonsense))))
        assert np.array_equal(image.pixels, RAMP)
    palette = makers.png_chunk(b"PLTE", bytes(v for i in range(256) for v in (i, 255 - i, 9)))
    image = decode(makers.source(makers.png(16, 16, rows(RAMP[..., None]), gamma(1.0), palette, colour=3)))
    assert codes(image) == ["gamma"] and abs(int(image.pixels[8, 0, 0]) - round(255 * (128 / 255) ** (1 / 2.2))) <= 1


def test_primaries_by_chromaticities_and_by_code_points_agree_with_the_profile() -> None:
    rgb = np.full((8, 8, 3), (120, 180, 60), np.uint8)
    profile = png_colour.profile_of({"gamma": 0.45455, "chromaticity": P3}, b"")
    assert profile is not None
    read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert read.profile.xcolor_space == "RGB "
    embedded = decode(makers.source(makers.encoded(Image.fromarray(rgb), "PNG", icc_profile=profile)))
    named = makers.png(8, 8, rows(rgb), gamma(0.45455), chromaticities(*P3), colour=2)
    points = makers.png(8, 8, rows(rgb), makers.png_chunk(b"cICP", b"\x0c\x0d\0\1"), colour=2)
    for data in (named, points):
        image = decode(makers.source(data))
        assert np.array_equal(image.pixels, embedded.pixels) and codes(image) == ["colour-profile"]
    # By the published matrices: Display P3 (120, 180, 60) is sRGB (96, 183, 33) within rounding.
    assert np.abs(embedded.pixels[0, 0].astype(int) - display_p3_to_srgb(120, 180, 60)).max() <= 2
    plain = makers.png(8, 8, rows(rgb), gamma(0.45455), chromaticities(*SRGB), colour=2)
    assert np.array_equal(decode(makers.source(plain)).pixels, rgb)


def display_p3_to_srgb(*values: int) -> np.ndarray:
    encoded = np.array(values) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_srgb = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
    out = np.clip(to_srgb @ linear, 0, 1)
    return np.round(255 * np.where(out <= 0.0031308, 12.92 * out, 1.055 * out ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("points", [b"\x09\x10\0\1", b"\xff\xff\0\1", b"\1\x0d\1\0"])
def test_high_dynamic_range_is_said(points: bytes) -> None:
    rgb = np.full((8, 8, 3), 120, np.uint8)
    image = decode(makers.source(makers.png(8, 8, rows(rgb), makers.png_chunk(b"cICP", points), colour=2)))
    assert codes(image) == ["profile-ignored"]


@pytest.mark.parametrize("values", [(0,) * 8, (0.3, 0.3) * 4, (1e4,) * 8, (0.3, 1e-5) * 4])
def test_impossible_chromaticities_change_nothing(values: tuple[float, ...]) -> None:
    rgb = np.full((8, 8, 3), 120, np.uint8)
    data = makers.png(8, 8, rows(rgb), gamma(0.45455), chromaticities(*values), colour=2)
    image = decode(makers.source(data))
    assert np.array_equal(image.pixels, rgb) and codes(image) in ([], ["profile-ignored"])


@pytest.mark.parametrize("key", [0, 65535, 2040])
def test_a_transparent_value_of_deep_grey_has_no_say(key: int) -> None:
    values = RAMP.astype(np.uint16) * 16 + 1000
    values[::5, ::3] = key
    hidden = values == key
    chunk = makers.png_chunk(b"tRNS", struct.pack(">H", key))
    image = decode(makers.source(makers.png(16, 16, rows(values[..., None]), chunk, bits=16)))
    assert (image.pixels[hidden] == 255).all() and codes(image) == ["windowed", "alpha"]
    assert np.abs(image.pixels[~hidden].astype(int) - RAMP[~hidden]).mean() <= 2
    everywhere = np.full((4, 4, 1), key, np.uint16)
    assert (decode(makers.source(makers.png(4, 4, rows(everywhere), chunk, bits=16))).pixels == 255).all()


def test_what_lies_under_full_transparency_does_not_make_colour_bright() -> None:
    shallow = np.repeat(RAMP[..., None].astype(np.uint16) * 16, 4, axis=2)
    shallow[..., 3] = 65535
    shallow[:2] = (65535, 65535, 65535, 0)
    image = decode(makers.source(makers.png(16, 16, rows(shallow), bits=16, colour=6)))
    assert codes(image) == ["windowed", "alpha"] and image.pixels[-1, -1].min() == 255
    assert np.abs(image.pixels[2:, :, 0].astype(int) - (RAMP[2:].astype(int) - 32) * 255 // 223).mean() <= 3


def test_hot_pixels_do_not_make_shallow_colour_black() -> None:
    y, x = np.mgrid[0:200, 0:200]
    shallow = np.repeat(((x + y) * 10 % 4096)[..., None].astype(np.uint16), 3, axis=2)
    calm = decode(makers.source(makers.png(200, 200, rows(shallow), bits=16, colour=2)))
    shallow[5, 5], shallow[90, 7, 1] = 65535, 40_000
    image = decode(makers.source(makers.png(200, 200, rows(shallow), bits=16, colour=2)))
    assert np.abs(image.pixels.astype(int) - calm.pixels).mean() < 1


def animated(*frames: tuple[bytes, int, int, np.ndarray], still: np.ndarray | None, count: int | None = None) -> bytes:
    """An APNG of frames (control order, dispose, blend, pixels) at the top left of a canvas of 4×4 or of the first."""
    like = frames[0][3]
    side, bits, colour = max(4, len(like)), 8 * like.dtype.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[like.shape[2]]
    header = makers.png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0))
    body = b"\x89PNG\r\n\x1a\n" + header + makers.png_chunk(b"acTL", struct.pack(">II", count or len(frames), 0))
    if still is not None:
        body += makers.png_chunk(b"IDAT", zlib.compress(rows(still)))
    number = 0
    for index, (_, dispose, blend, pixels) in enumerate(frames):
        size = pixels.shape[1], pixels.shape[0]
        control = struct.pack(">IIIIIHHBB", number, *size, 0, 0, 1, 10, dispose, blend)
        body += makers.png_chunk(b"fcTL", control)
        number += 1
        data = zlib.compress(rows(pixels))
        if index == 0 and still is None:
            body += makers.png_chunk(b"IDAT", data)
        else:
            body += makers.png_chunk(b"fdAT", struct.pack(">I", number) + data)
            number += 1
    return body + makers.png_chunk(b"IEND", b"")


def flat(level: int, side: int = 4) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def test_a_still_picture_outside_the_animation_counts() -> None:
    data = animated((b"", 0, 0, flat(10)), (b"", 0, 0, flat(20)), still=flat(200))
    found = [decode(makers.source(data, frame)) for frame in range(3)]
    assert [image.pixels[0, 0, 0] for image in found] == [200, 10, 20]
    assert {image.frames for image in found} == {3} and found[2].notices[0].text == "frame 3 of 3"
    data = animated((b"", 0, 0, flat(10)), (b"", 0, 0, flat(20)), still=None)
    assert [decode(makers.source(data, frame)).pixels[0, 0, 0] for frame in range(2)] == [10, 20]


def test_disposal_to_background_is_transparent() -> None:
    data = animated((b"", 1, 0, flat(10)), (b"", 0, 0, flat(20, 2)), still=None)
    pixels = decode(makers.source(data, 1)).pixels
    assert pixels[0, 0, 0] == 20 and pixels[3, 3, 0] == 255
    data = animated((b"", 0, 0, flat(10)), (b"", 2, 0, flat(20, 3)), (b"", 0, 0, flat(30, 2)), still=None)
    pixels = decode(makers.source(data, 2)).pixels
    assert pixels[0, 0, 0] == 30 and pixels[2, 2, 0] == 10 and pixels[3, 3, 0] == 10


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("used", [12, 16])
@pytest.mark.parametrize("blend", [0, 1])
def test_every_frame_of_a_deep_animation_goes_by_the_depth_rule(channels: int, used: int, blend: int) -> None:
    ramp = np.repeat(RAMP[..., None].astype(np.uint16) * (((1 << used) - 1) // 255), channels, axis=2)
    if channels in (2, 4):
        ramp[..., -1] = 65535
        ramp[0, :2, -1] = 0
    below = ramp.copy()
    below[..., : channels - (channels in (2, 4))] //= 2
    image = decode(makers.source(animated((b"", 0, 0, below), (b"", 0, blend, ramp), still=None), 1))
    pixels = image.pixels if image.pixels.ndim == 2 else image.pixels[..., 0]
    assert np.abs(pixels.astype(int) - RAMP)[1:].mean() <= 2
    assert {"windowed", "reduced-depth"} & set(codes(image))
    if channels in (2, 4):
        assert pixels[0, :2].tolist() == [255, 255]


def test_frames_of_a_deep_animation_are_laid_over_each_other() -> None:
    below, veil = np.full((4, 4, 4), 65535, np.uint16), np.full((4, 4, 4), 65535, np.uint16)
    veil[..., :3], veil[..., 3] = 0, 65535 // 4
    pixels = decode(makers.source(animated((b"", 0, 0, below), (b"", 0, 1, veil), still=None), 1)).pixels
    assert np.abs(pixels.astype(int) - 191).max() <= 1


def test_the_first_frame_of_a_deep_animation_is_windowed() -> None:
    shallow = np.repeat(RAMP[..., None].astype(np.uint16) * 16, 3, axis=2)
    plain = makers.png(16, 16, rows(shallow), bits=16, colour=2)
    moving = makers.png(16, 16, rows(shallow), makers.png_chunk(b"acTL", struct.pack(">II", 1, 0)), bits=16, colour=2)
    assert np.array_equal(decode(makers.source(plain)).pixels, decode(makers.source(moving)).pixels)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("colour", [4, 6])
@pytest.mark.parametrize("deep", [True, False], ids=["deep", "shallow"])
def test_transparency_of_fewer_bits_than_its_container_has(bits: int, colour: int, deep: bool) -> None:
    # As in TIFF: whoever writes 12 bits of colour into 16 writes transparency alike, and 4,095 of it is opaque.
    shown = RAMP.astype(np.uint16) * 257 if deep else RAMP.astype(np.uint16) * 16
    veil = np.full(RAMP.shape, (1 << bits) - 1, np.uint16)
    veil[:4] = 0
    samples = np.dstack([shown] * (1 if colour == 4 else 3) + [veil])
    pixels = decode(makers.source(makers.png(16, 16, rows(samples), bits=16, colour=colour))).pixels.astype(int)
    ramp = RAMP[4:].astype(int)
    # Grey, and colour that does not use its range, is windowed by what is seen.
    expected = ramp if deep and colour == 6 else (ramp - ramp.min()) * 255 // (255 - ramp.min())
    assert np.abs(pixels[4:] - (expected if pixels.ndim == 2 else expected[..., None])).mean() <= 3
    assert (pixels[:4] == 255).all()
