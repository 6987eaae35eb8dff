"""Bad input: each fault becomes a DecodeError of its own kind, with a message that helps and betrays nothing."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from desktop.core.pictures import containers
from desktop.core.pictures.decode import MAX_FILE_BYTES, MAX_PIXELS, decode
from desktop.core.types import DecodeError, ImageSource
from tests.core import makers

NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 256, (40, 56, 3), dtype=np.uint8))
FILES = {
    "JPEG": makers.encoded(NOISE, "JPEG"),
    "progressive": makers.encoded(NOISE, "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    "PNG": makers.encoded(NOISE, "PNG"),
    "GIF": makers.encoded(NOISE.quantize(16), "GIF", save_all=True, append_images=[NOISE.quantize(8)]),
    "BMP": makers.encoded(NOISE.resize((20, 16)), "BMP"),
    "WEBP": makers.encoded(NOISE, "WEBP"),
    "TIFF": makers.encoded(NOISE.resize((20, 16)), "TIFF"),
    "TIFF-LZW": makers.encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "TIFF-16": makers.encoded(Image.fromarray(makers.grey_ramp(20, 16)), "TIFF"),
    "AVIF": makers.encoded(NOISE, "AVIF"),
    "HEIF": makers.HEIC,
}


def outcome(data: bytes, frame: int = 0) -> str:
    """'picture' or the kind of the DecodeError; anything else that is raised fails the test."""
    failure = None
    try:
        image = decode(makers.source(data, frame))
    except DecodeError as error:
        failure = error
    if failure is None:
        assert image.pixels.dtype == np.uint8 and image.pixels.ndim in (2, 3)
        return "picture"
    assert failure.message.endswith(".") and len(failure.message) < 250
    assert failure.__context__ is None and failure.__cause__ is None
    return failure.kind


def message(data: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(data))
    return caught.value.message


def test_empty_and_text(tmp_path):
    assert outcome(b"") == "empty"
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(DecodeError, match="empty"):
        decode(ImageSource.from_path(str(path)))
    assert outcome(b"Dear reader,\nthis is no picture. \xc3\xa9") == "not-an-image"
    assert "holds text" in message(b"Dear reader")
    assert outcome(bytes(range(200))) == "not-an-image"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"8BPS\0\1" + b"\0" * 40, "Photoshop"),
        (b"SIMPLE  =                    T", "FITS"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg width='1'/>", "SVG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"P6\n1 1\n255\n\0\0\0", "PNM"),
        (b"\0\0\1\0\1\0" + b"\0" * 20, "icon"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera raw"),
        (b"\0\0\0\x18ftypisom\0\0\0\1", "video"),
        (b"II*\0\x10\0\0\0CR\2\0", "camera raw"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"PK\3\4" + b"\0" * 40, "ZIP"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_other_formats_are_refused_by_name(data, name):
    assert outcome(data) == "unsupported-format"
    assert name in message(data)
    assert "expected JPEG, PNG" in message(data)


def test_formats_that_pillow_would_open_are_refused():
    for kind in ("PPM", "ICO", "PCX", "TGA", "DDS", "SGI", "PDF", "EPS", "IM", "MSP", "XBM", "JPEG2000", "ICNS"):
        picture = makers.quadrants(64, 64)
        picture = picture.convert("1") if kind in ("MSP", "XBM") else picture
        assert outcome(makers.encoded(picture, kind)) in ("unsupported-format", "not-an-image"), kind
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("picture.png", FILES["PNG"])
    assert outcome(archive.getvalue()) == "unsupported-format"


def test_a_camera_raw_file_that_poses_as_tiff():
    thumbnail = makers.quadrants()
    for tags in ({50706: b"\1\4\0\0"}, {254: 1, 330: 8}):
        assert outcome(makers.encoded(thumbnail, "TIFF", tiffinfo=tags)) == "unsupported-format"


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "BMP", "TIFF", "TIFF-LZW", "WEBP", "AVIF", "HEIF"])
def test_half_a_file_is_refused(kind):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert outcome(FILES[kind][: len(FILES[kind]) // 2]) in ("truncated", "damaged")


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG"])
def test_truncated_jpeg_and_png_are_called_so_wherever_they_end(kind):
    data = FILES[kind]
    start = data.index(b"\xff\xda") + 40 if kind != "PNG" else 60
    assert {outcome(data[:end]) for end in range(start, len(data) - 40, 97)} == {"truncated"}
    large = makers.encoded(makers.quadrants(400, 300), "JPEG")
    with pytest.raises(DecodeError, match="ends before"):
        decode(makers.source(large[: len(large) // 2]), reduce_to=32)


def test_wrong_checksum_in_a_png():
    data = bytearray(FILES["PNG"])
    data[len(data) // 2] ^= 1
    assert outcome(bytes(data)) == "damaged"


def test_a_hundred_megapixels():
    text = message(makers.png(10_000, 10_000, b"", colour=0))
    assert "100 million" in text and f"{MAX_PIXELS // 1_000_000} million" in text


def header_only(kind: str) -> bytes:
    """A few bytes that declare a picture of thousands of millions of pixels."""
    if kind == "PNG":
        return makers.png(65_500, 65_500, b"\0" * 4000, colour=2)
    if kind == "BMP":
        return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 65_500, 65_500, 1, 24, 0, 0, 0, 0, 0, 0)
    if kind == "GIF":
        size = struct.pack("<HH", 65_500, 65_500)
        return b"GIF89a" + size + b"\0\0\0,\0\0\0\0" + size + b"\0\x08\0;"
    if kind == "WEBP":
        size = (16_382).to_bytes(3, "little")
        return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + size
    if kind == "JPEG":
        return FILES["JPEG"].replace(struct.pack(">HH", 40, 56), struct.pack(">HH", 65_500, 65_500), 1)
    if kind == "TIFF":
        fields = struct.pack("<H", 6)
        for tag, value in ((256, 65_500), (257, 65_500), (258, 8), (262, 1), (273, 8), (279, 8)):
            fields += struct.pack("<HHII", tag, 4, 1, value)
        return b"II*\0\x08\0\0\0" + fields + b"\0\0\0\0"
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "JPEG", "TIFF"])
def test_huge_pictures_in_small_files_allocate_nothing(kind):
    data = header_only(kind)
    assert len(data) < 10_000
    outcome(data)  # imports done
    tracemalloc.start()
    try:
        assert outcome(data) == "too-large"
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_tiff_of_huge_tiles():
    data = makers.encoded(makers.quadrants(), "TIFF", compression="tiff_lzw", tiffinfo={322: 65_536, 323: 65_536})
    assert outcome(data) in ("too-large", "damaged", "picture")


def test_a_file_beyond_the_limit(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # sparse: takes no room
    with pytest.raises(DecodeError) as caught:
        decode(ImageSource.from_path(str(path)))
    assert caught.value.kind == "too-large" and "512 MiB" in caught.value.message


def test_memory_that_is_not_there(monkeypatch):
    def exhausted(*_args, **_options):
        raise MemoryError

    monkeypatch.setattr("desktop.core.pictures.raster._open", exhausted)
    assert outcome(FILES["PNG"]) == "too-large"


@pytest.mark.parametrize(
    "error", [ValueError, struct.error, zlib.error, RecursionError, AttributeError, SyntaxError, OSError, KeyError]
)
def test_no_exception_of_a_library_escapes_or_is_quoted(monkeypatch, error):
    def fail(*_args, **_options):
        raise error("C:/Users/Jane Doe/secret.png")

    monkeypatch.setattr("desktop.core.pictures.raster._open", fail)
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(FILES["PNG"]))
    assert caught.value.kind == "damaged"
    assert "Jane" not in str(caught.value) + caught.value.hint
    assert caught.value.__context__ is None


def test_tiff_pages_in_a_circle_and_out_of_the_file():
    page = struct.pack("<HHHII", 1, 256, 4, 1, 1)
    circle = b"II*\0\x08\0\0\0" + page + struct.pack("<I", 8)
    assert containers.count_tiff(io.BytesIO(circle)) == 1
    away = b"II*\0\x08\0\0\0" + page + struct.pack("<I", 1 << 31)
    assert containers.count_tiff(io.BytesIO(away)) == 1
    many, step = b"II*\0\x08\0\0\0", len(page) + 4
    for i in range(containers.MAX_FRAMES + 50):
        many += page + struct.pack("<I", 8 + (i + 1) * step)
    assert containers.count_tiff(io.BytesIO(many)) == containers.MAX_FRAMES
    assert outcome(circle) == outcome(away) == "damaged"
    big = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + struct.pack("<QHHQQ", 1, 256, 4, 1, 1) + struct.pack("<Q", 0)
    assert containers.count_tiff(io.BytesIO(big)) == 1


def test_gif_frames_are_counted_like_pillow_does():
    frames = [NOISE.quantize(4 + i) for i in range(7)]
    data = makers.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"x" * 600)
    assert containers.count_gif(io.BytesIO(data)) == Image.open(io.BytesIO(data)).n_frames == 7
    assert containers.count_gif(io.BytesIO(data[:13] + b",\0" * 10)) >= 1


@pytest.mark.parametrize("kind", FILES)
def test_truncated_anywhere(kind):
    data = FILES[kind]
    step = max(1, len(data) // 60)
    for end in [*range(1, min(64, len(data))), *range(64, len(data), step)]:
        outcome(data[:end])


FUZZ = settings(
    max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("kind", FILES)
@FUZZ
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(kind, flips):
    data = bytearray(FILES[kind])
    for place, value in flips:
        # The first bytes decide most: aim half of the changes there.
        reach = len(data) if value & 1 else min(len(data), 400)
        data[int(place * reach)] = value
    outcome(bytes(data))
    outcome(bytes(data), frame=1)


@FUZZ
@given(
    head=st.sampled_from([b"", *(data[:24] for data in FILES.values()), b"\0" * 128 + b"DICM"]),
    tail=st.binary(max_size=400),
)
def test_random_bytes(head, tail):
    outcome(head + tail)
