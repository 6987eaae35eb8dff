"""Colour profiles, CMYK, transparency, more than 8 bits: what reaches the network is sRGB of 8 bits, and says so."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from desktop.core.pictures import colour, windowing
from desktop.core.pictures.decode import decode
from desktop.core.types import DecodeError
from tests.core import makers


def texts(image) -> dict[str, str]:
    return {notice.code: notice.text for notice in image.notices}


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def matrix_profile(colorants: list[tuple[float, float, float]], gamma: float, space: bytes = b"RGB ") -> bytes:
    """A minimal ICC 2.1 display profile (ICC.1:2001-04): three colorants (or none, for grey) and one gamma."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = [(b"wtpt", b"XYZ \0\0\0\0" + s15(0.9642) + s15(1.0) + s15(0.8249))]
    tags.append((b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 79))
    tags.append((b"cprt", b"text\0\0\0\0none\0\0\0\0"))
    if space == b"RGB ":
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True):
            tags.append((name, b"XYZ \0\0\0\0" + b"".join(s15(v) for v in xyz)))
        tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    else:
        tags.append((b"kTRC", curve))
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"test", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + table + body


# Adobe RGB (1998), adapted to D50: a well-known wide gamut.
WIDE = matrix_profile(
    [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)], 2.19921875
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_wide_gamut_is_converted(kind):
    options = {"quality": 98} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = makers.encoded(Image.new("RGB", (32, 32), (120, 180, 60)), kind, icc_profile=WIDE, **options)
    image = decode(makers.source(data))
    # By the published matrices: Adobe RGB (120, 180, 60) is sRGB (73, 182, 46) within rounding.
    assert np.abs(image.pixels[16, 16].astype(int) - adobe_to_srgb(120, 180, 60)).max() <= 4
    assert texts(image) == {"colour-profile": "converted to sRGB from its colour profile"}


def adobe_to_srgb(*values: int) -> np.ndarray:
    linear = (np.array(values) / 255) ** 2.19921875
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    to_rgb = np.array([[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156], [0.05564, -0.20403, 1.05723]])
    out = np.clip(to_rgb @ to_xyz @ linear, 0, 1)
    return np.round(255 * np.where(out <= 0.0031308, 12.92 * out, 1.055 * out ** (1 / 2.4) - 0.055))


def test_reduced_pictures_are_converted_alike():
    data = makers.encoded(Image.new("RGB", (320, 320), (120, 180, 60)), "JPEG", icc_profile=WIDE)
    full, small = decode(makers.source(data)), decode(makers.source(data), reduce_to=40)
    assert small.reduced and small.notices == full.notices
    assert np.abs(small.pixels[9, 9].astype(int) - full.pixels[9, 9]).max() <= 1


def test_an_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = makers.quadrants()
    image = decode(makers.source(makers.encoded(picture, "PNG", icc_profile=profile)))
    assert np.array_equal(image.pixels, np.asarray(picture)) and image.notices == ()


def test_grey_profiles():
    dark = matrix_profile([], 1.0, b"GRAY")
    image = decode(makers.source(makers.encoded(Image.new("L", (8, 8), 55), "PNG", icc_profile=dark)))
    # Linear light 55/255 is 128 in sRGB.
    assert abs(int(image.pixels[0, 0]) - 128) <= 2
    assert "colour-profile" in texts(image)
    image = decode(makers.source(makers.encoded(Image.new("L", (8, 8), 55), "PNG", icc_profile=WIDE)))
    assert image.pixels.shape == (8, 8)


@pytest.mark.parametrize("profile", [b"no profile", WIDE[:200], b"\0" * 3000, matrix_profile([], 2.2, b"GRAY")])
def test_unusable_profiles_are_ignored_and_said(profile):
    picture = makers.quadrants()
    image = decode(makers.source(makers.encoded(picture, "PNG", icc_profile=profile)))
    assert np.array_equal(image.pixels, np.asarray(picture))
    assert [(n.code, n.level) for n in image.notices] == [("profile-ignored", "caution")]
    assert colour.to_srgb(picture, b"x" * (colour.MAX_PROFILE_BYTES + 1))[1][0].code == "profile-ignored"


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    # Pillow writes CMYK JPEG inverted with the Adobe marker, as Photoshop does.
    data = makers.encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), kind)
    assert (b"Adobe" in data) == (kind == "JPEG")
    image = decode(makers.source(data))
    assert image.pixels.shape == (32, 32, 3)
    assert np.abs(image.pixels[16, 16].astype(int) - (255, 0, 0)).max() < 8
    assert "cmyk" in texts(image)


def test_lab_tiff():
    lab = ImageCms.applyTransform(
        makers.quadrants(),
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    image = decode(makers.source(makers.encoded(lab, "TIFF")))
    assert np.abs(image.pixels.astype(int) - np.asarray(makers.quadrants())).max() < 12  # 8-bit Lab is coarse


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_colour_hidden_under_alpha_does_not_show(kind):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (255, 0, 0, 0)
    pixels[:, 8:] = (0, 0, 255, 255)
    pixels[8:, 8:, 3] = 128
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    image = decode(makers.source(makers.encoded(Image.fromarray(pixels), kind, **options)))
    assert image.pixels.shape == (16, 16, 3)
    assert image.pixels[4, 3].tolist() == [255, 255, 255]
    assert np.abs(image.pixels[4, 12].astype(int) - (0, 0, 255)).max() <= 6
    assert np.abs(image.pixels[12, 12].astype(int) - (127, 127, 255)).max() <= 6
    assert texts(image) == {"alpha": "transparent parts shown on white"}


def test_grey_with_alpha_and_opaque_alpha():
    pixels = np.full((8, 8, 2), 255, np.uint8)
    pixels[..., 0] = 40
    image = decode(makers.source(makers.encoded(Image.fromarray(pixels, "LA"), "PNG")))
    assert image.pixels.shape == (8, 8) and image.notices == () and image.pixels.max() == 40
    pixels[0, 0, 1] = 0
    image = decode(makers.source(makers.encoded(Image.fromarray(pixels, "LA"), "PNG")))
    assert image.pixels[0, 0] == 255 and image.pixels[1, 1] == 40 and "alpha" in texts(image)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_a_colour_named_transparent(mode):
    picture = Image.new("RGB", (8, 8), (0, 0, 0)).convert(mode)
    key = {"L": 0, "RGB": (0, 0, 0), "P": picture.getpixel((0, 0)), "1": 0}[mode]
    image = decode(makers.source(makers.encoded(picture, "PNG", transparency=key)))
    assert image.pixels.min() == 255 and "alpha" in texts(image)


def test_palettes_and_one_bit():
    grey = Image.new("P", (4, 2), 7)
    grey.putpalette([v for i in range(256) for v in (255 - i,) * 3])
    image = decode(makers.source(makers.encoded(grey, "PNG")))
    assert image.pixels.shape == (2, 4) and image.pixels[0, 0] == 248
    coloured = makers.quadrants().quantize(4)
    image = decode(makers.source(makers.encoded(coloured, "BMP")))
    assert image.pixels.shape == (32, 48, 3)
    bits = Image.fromarray(np.eye(16, dtype=bool))
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        image = decode(makers.source(makers.encoded(bits, kind)))
        assert image.pixels.ndim == 2 and np.array_equal(image.pixels > 127, np.eye(16, dtype=bool))


@pytest.mark.parametrize("options", [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})])
def test_sixteen_bit_xray_is_windowed_and_said(options):
    kind, how = options
    image = decode(makers.source(makers.encoded(Image.fromarray(makers.grey_ramp()), kind, **how)))
    assert image.pixels.shape == (16, 256)
    row = image.pixels[8].astype(int)
    assert row[0] == 0 and row[-1] == 255 and (np.diff(row) >= 0).all()
    assert abs(row.mean() - 127.5) < 2  # not an almost white picture
    assert texts(image)["windowed"] == "16-bit, windowed 1156–40843"


def test_big_endian_and_signed_tiff():
    ramp = makers.grey_ramp()
    little = decode(makers.source(makers.encoded(Image.fromarray(ramp), "TIFF")))
    big = decode(makers.source(tiff(ramp.astype(">u2"), b"MM", 1)))
    assert np.array_equal(little.pixels, big.pixels)
    signed = decode(makers.source(tiff(np.linspace(-1000, 3000, 64).astype("<i2").reshape(8, 8), b"II", 1, 2)))
    assert signed.pixels[0, 0] == 0 and signed.pixels[-1, -1] == 255
    assert "-" in texts(signed)["windowed"] and " to " in texts(signed)["windowed"]


def tiff(values: np.ndarray, order: bytes, photometric: int, sample_format: int = 1) -> bytes:
    """A minimal uncompressed TIFF of one channel (TIFF 6.0)."""
    end = "<" if order == b"II" else ">"
    bits = values.dtype.itemsize * 8
    fields = [
        (256, values.shape[1]),
        (257, values.shape[0]),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (277, 1),
        (278, values.shape[0]),
        (279, values.nbytes),
        (339, sample_format),
    ]
    directory = struct.pack(end + "H", len(fields))
    for tag, value in fields:
        directory += struct.pack(end + "HHII", tag, 4, 1, value)
    magic = struct.pack(end + "2sHI", order, 42, 8 + values.nbytes)
    return magic + values.tobytes() + directory + b"\0\0\0\0"


def test_sixteen_bit_white_is_zero_is_inverted():
    ramp = makers.grey_ramp()
    plain = decode(makers.source(tiff(ramp, b"II", 1)))
    image = decode(makers.source(tiff(ramp, b"II", 0)))
    assert np.array_equal(image.pixels, 255 - plain.pixels)
    assert "inverted" in texts(image)


def test_unsigned_32_bit_tiff_above_two_thousand_million():
    values = np.linspace(0, 4_294_967_295, 64).astype("<u4").reshape(8, 8)
    image = decode(makers.source(tiff(values, b"II", 1)))
    assert image.pixels[0, 0] == 0 and image.pixels[-1, -1] == 255
    assert (np.diff(image.pixels.ravel().astype(int)) >= 0).all()


def test_float_tiff_of_zero_to_one_is_scaled():
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    image = decode(makers.source(makers.encoded(Image.fromarray(values), "TIFF")))
    assert np.array_equal(image.pixels.ravel(), np.arange(256))
    assert texts(image)["windowed"] == "32-bit floating point, windowed 0–1"


@pytest.mark.filterwarnings("error")
def test_float_tiff_with_other_values():
    values = np.linspace(-5, 5, 4096, dtype=np.float32).reshape(64, 64)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    image = decode(makers.source(makers.encoded(Image.fromarray(values), "TIFF")))
    assert image.pixels[0, 0] == 0 and image.pixels[0, 1] == 255 and image.pixels[0, 2] == 0
    assert "not-finite" in texts(image) and texts(image)["windowed"].startswith("32-bit floating point, windowed -4.9")
    for value in (np.nan, np.inf, 0.25, 1e30, -7.0, 3.4e38):
        constant = np.full((4, 4), value, np.float32)
        assert decode(makers.source(makers.encoded(Image.fromarray(constant), "TIFF"))).pixels.shape == (4, 4)
    extremes = np.array([[-3e38, 3e38]], np.float32)
    assert decode(makers.source(makers.encoded(Image.fromarray(extremes), "TIFF"))).pixels.tolist() == [[0, 255]]


def test_sixteen_bit_colour_keeps_the_upper_byte():
    row = b"\0" + struct.pack(">3H", 0x1234, 0x8000, 0xFFFF)
    image = decode(makers.source(makers.png(1, 1, row, bits=16, colour=2)))
    assert image.pixels.tolist() == [[[0x12, 0x80, 0xFF]]]
    assert texts(image) == {"reduced-depth": "16 bits a channel, the upper 8 used"}


def deep(samples, colour, *extra):
    """A PNG of 16 bits a channel; ``samples`` (H, W, channels)."""
    body = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return decode(makers.source(makers.png(samples.shape[1], samples.shape[0], body, *extra, bits=16, colour=colour)))


def test_twelve_bits_in_a_deep_png_are_not_black():
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    plain = deep(ramp[..., None], 0)
    opaque = np.full_like(ramp, 65535)
    grey = deep(np.stack([ramp, opaque], axis=2), 4)
    assert np.array_equal(grey.pixels, plain.pixels) and grey.pixels[-1, -1] == 255
    assert texts(grey)["windowed"] == texts(plain)["windowed"] == "16-bit, windowed 20–4075"
    for samples, kind in ((np.stack([ramp] * 3, axis=2), 2), (np.stack([ramp] * 3 + [opaque], axis=2), 6)):
        colour = deep(samples, kind)
        assert all(np.array_equal(colour.pixels[..., band], plain.pixels) for band in range(3))
        assert texts(colour)["windowed"] == "16-bit, windowed 20–4075"


def test_the_channels_of_a_deep_png_share_one_window():
    ramp = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    image = deep(np.stack([ramp, ramp // 2, ramp // 4], axis=2), 2)
    red, green, blue = (image.pixels[..., band].astype(int) for band in range(3))
    assert red.max() == 255 and abs(green.max() - 128) <= 2 and abs(blue.max() - 64) <= 2


def test_what_is_transparent_in_a_deep_png_is_white_and_has_no_say():
    ramp = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    hidden = np.zeros((32, 32), bool)
    hidden[:4] = True
    samples = np.where(hidden, 65535, ramp).astype(np.uint16)
    for channels, kind in ((1, 4), (3, 6)):
        alpha = np.where(hidden, 0, 65535).astype(np.uint16)
        picture = np.where(hidden[..., None] & (channels == 3), 0, samples[..., None]).repeat(channels, axis=2)
        image = deep(np.concatenate([picture, alpha[..., None]], axis=2), kind)
        assert (image.pixels[:4] == 255).all() and image.pixels[4, 0].max() == 0 and image.pixels[-1, -1].min() == 255
    key = makers.png_chunk(b"tRNS", struct.pack(">3H", 7, 7, 7))
    image = deep(np.where(hidden, 7, ramp)[..., None].repeat(3, axis=2), 2, key)
    assert (image.pixels[:4] == 255).all() and image.pixels[4, 0].max() == 0


def test_windows(monkeypatch):
    window = windowing.histogram_window(np.arange(256), np.bincount([7] * 1000 + [200], minlength=256))
    assert window == (7, 200)  # hardly anything is there but ground: the extremes are the picture
    assert windowing.histogram_window(np.arange(4), np.zeros(4, int)) is None
    assert windowing.sample_window(np.full((3, 3), 2.0)) is None
    rng = np.random.default_rng(3)
    monkeypatch.setattr(windowing, "_SAMPLE", 1 << 16)  # so that a picture of this size counts as very large
    big = rng.normal(1000, 100, (420, 420))
    low, high = windowing.sample_window(big)
    assert abs(low - np.percentile(big, 0.5)) < 10 and abs(high - np.percentile(big, 99.5)) < 10
    assert windowing.describe((-1000, 400)) == "-1000 to 400"


def test_a_bomb_in_a_text_or_profile_chunk():
    bomb = zlib.compress(b"\0" * (12 << 20))
    row = b"\0\x10"
    for chunk in (
        makers.png_chunk(b"zTXt", b"Comment\0\0" + bomb),
        makers.png_chunk(b"iCCP", b"name\0\0" + bomb),
        makers.png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb),
    ):
        with pytest.raises(DecodeError) as caught:
            decode(makers.source(makers.png(1, 1, row, chunk)))
        assert caught.value.kind == "damaged"
