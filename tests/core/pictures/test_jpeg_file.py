"""JPEG files: missing end marks, very large ones, processes without a decoder, and shrinking that does not show."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures import jpeg_file, limits
from desktop.core.pictures.decode import decode
from desktop.core.types import DecodeError
from tests.core import makers


def busy(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with detail at every scale."""
    rng = np.random.default_rng(seed)
    out = np.zeros((height, width, 3))
    for scale in (2, 5, 16, 60):
        noise = rng.normal(0, 30 + scale, (height // scale + 2, width // scale + 2, 3))
        out += noise.repeat(scale, axis=0).repeat(scale, axis=1)[:height, :width]
    return Image.fromarray(np.clip(out + 128, 0, 255).astype(np.uint8))


KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "full-chroma": {"subsampling": 0, "quality": 95},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("tail", [b"", b"\0" * 40])
def test_only_the_end_mark_is_missing(kind: str, mode: str, tail: bytes) -> None:
    data = makers.encoded(busy(203, 157).convert(mode), "JPEG", **KINDS[kind])
    assert data.endswith(b"\xff\xd9")
    image = decode(makers.source(data[:-2] + tail))
    assert np.array_equal(image.pixels, decode(makers.source(data)).pixels)
    assert [(n.code, n.level) for n in image.notices] == [("no-end-mark", "caution")]
    small = decode(makers.source(data[:-2]), reduce_to=40)
    assert np.array_equal(small.pixels, decode(makers.source(data), reduce_to=40).pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_where_more_is_missing_it_is_truncated(kind: str) -> None:
    data = makers.encoded(busy(203, 157), "JPEG", **KINDS[kind])
    start = data.index(b"\xff\xda") + 20
    for end in [*range(start, len(data) - 20, 331), len(data) - 12, len(data) - 6]:
        with pytest.raises(DecodeError) as caught:
            decode(makers.source(data[:end]))
        assert caught.value.kind == "truncated", end


@pytest.mark.parametrize("padding", [b"\0" * 30_000, b"\0" * 40])
@pytest.mark.parametrize("kind", KINDS)
def test_half_a_picture_that_was_padded_to_its_size_is_truncated(kind: str, padding: bytes) -> None:
    data = makers.encoded(busy(203, 157), "JPEG", **KINDS[kind])
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(data[: len(data) // 2] + padding))
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("kind", ["baseline", "restarts", "full-chroma"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("tail", [b"\xff\xd9", b"\0" * 8 + b"\xff\xd9", b"\xff\xd9trailer"])
def test_a_cut_picture_that_was_closed_again_is_truncated(kind: str, mode: str, tail: bytes) -> None:
    data = makers.encoded(busy(203, 157).convert(mode), "JPEG", **KINDS[kind])
    for part in (2, 5, 9):
        with pytest.raises(DecodeError) as caught:
            decode(makers.source(data[: len(data) * part // 10] + tail))
        assert caught.value.kind == "truncated"


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_that_ends_in_an_even_grey_is_whole(mode: str) -> None:
    picture = busy(203, 157)
    picture.paste((128, 128, 128), (100, 80, 203, 157))
    data = makers.encoded(picture.convert(mode), "JPEG")
    for tail in (b"", b"trailer", b"\0" * 30):
        assert decode(makers.source(data + tail)).notices == ()
    assert [n.code for n in decode(makers.source(data[:-2])).notices] == ["no-end-mark"]


@pytest.mark.parametrize("seed", [1, 173, 559])  # the last two end with a sample's byte FF and its stuffed zero
def test_half_an_end_mark_and_a_last_byte_that_looks_like_one(seed: int) -> None:
    data = makers.encoded(busy(40, 30, seed), "JPEG")
    whole = decode(makers.source(data)).pixels
    for cut in (data[:-1], data[:-2], data[:-2] + bytes(9), data[:-1] + bytes(9)):
        image = decode(makers.source(cut))
        assert np.array_equal(image.pixels, whole) and [n.code for n in image.notices] == ["no-end-mark"]


def test_what_follows_a_picture_is_no_damage() -> None:
    data = makers.encoded(busy(203, 157), "JPEG")
    whole = decode(makers.source(data))
    for tail in (b"\0" * 50, b"\r\n", b"SEFT trailer", b"\0\0\0\x18ftypmp42" + bytes(900), data[:300], b"\xff\xd9"):
        image = decode(makers.source(data + tail))
        assert np.array_equal(image.pixels, whole.pixels) and image.notices == ()


def test_a_progressive_picture_that_ends_between_its_scans_is_truncated() -> None:
    data = makers.encoded(busy(203, 157), "JPEG", progressive=True)
    position, cuts = data.index(b"\xff\xda"), []
    while (position := data.find(b"\xff\xda", position + 2)) > 0:
        table = data.rfind(b"\xff\xc4", 0, position)
        cuts += [position, table]
    assert len(cuts) > 8
    for end in cuts:
        with pytest.raises(DecodeError) as caught:
            decode(makers.source(data[:end]))
        assert caught.value.kind == "truncated", end


def test_more_pixels_than_are_kept_come_at_a_reduced_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 40_000)
    monkeypatch.setattr(jpeg_file, "MAX_PIXELS", 40_000)
    picture = makers.quadrants(401, 301)
    data = makers.encoded(picture, "JPEG", quality=95)
    monkeypatch.setattr(limits.reduction_of, "__defaults__", (40_000,))
    image = decode(makers.source(data))
    assert image.pixels.shape == (151, 201, 3) and image.reduced and image.original_size == (401, 301)
    assert [n.code for n in image.notices] == ["reduced-size"] and "1/2 of 401×301" in image.notices[0].text
    expected = np.asarray(picture.resize((201, 151), Image.Resampling.BOX)).astype(int)
    assert np.abs(image.pixels - expected).mean() < 6
    # What is asked for makes no difference: the picture is what it is.
    assert np.array_equal(decode(makers.source(data), reduce_to=10).pixels, image.pixels)


def with_size(data: bytes, old: tuple[int, int], width: int, height: int) -> bytes:
    return data.replace(struct.pack(">HH", old[1], old[0]), struct.pack(">HH", height, width), 1)


@pytest.mark.parametrize("size", [(65_500, 65_500), (20_000, 20_000), (9_000, 9_000)])
def test_an_empty_promise_allocates_nothing(size: tuple[int, int]) -> None:
    data = with_size(makers.encoded(busy(56, 40), "JPEG"), (56, 40), *size)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError) as caught:
            decode(makers.source(data))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.kind == "too-large" and "million" in caught.value.message


def test_a_large_progressive_picture_that_would_take_gigabytes_is_refused() -> None:
    data = makers.encoded(busy(56, 40), "JPEG", progressive=True, subsampling=0)
    data = with_size(data, (56, 40), 20_000, 20_000) + b"\0" * 500_000
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(data))
    assert caught.value.kind == "too-large" and "progressive" in caught.value.message


@pytest.mark.parametrize(
    ("marker", "precision", "name"),
    [(0xC3, 8, "lossless JPEG"), (0xC3, 16, "lossless JPEG"), (0xC1, 12, "JPEG of 12 bits"), (0xC0, 12, "12 bits"),
     (0xC5, 8, "hierarchical"), (0xC7, 8, "hierarchical"), (0xCB, 8, "arithmetic"), (0xF7, 8, "JPEG-LS")],
)  # fmt: skip
def test_a_process_without_a_decoder_is_named(marker: int, precision: int, name: str) -> None:
    data = bytearray(makers.encoded(busy(56, 40), "JPEG"))
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = marker, precision
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(bytes(data)))
    assert caught.value.kind == "unsupported-format"
    assert name in caught.value.message and "not damaged" in caught.value.message


def test_a_camera_with_a_large_preview_before_its_header() -> None:
    data = makers.encoded(busy(64, 48), "JPEG")
    padded = data[:2] + (b"\xff\xe2" + struct.pack(">H", 60_000) + b"\1" * 59_998) * 5 + data[2:]
    assert np.array_equal(decode(makers.source(padded)).pixels, decode(makers.source(data)).pixels)
    filled = data[:2] + b"\xff\xff\xff" + data[2:]
    assert np.array_equal(decode(makers.source(filled)).pixels, decode(makers.source(data)).pixels)


def test_facts_of_damaged_headers() -> None:
    data = makers.encoded(busy(64, 48), "JPEG")
    rng = np.random.default_rng(2)
    for _ in range(200):
        damaged = bytearray(data[: rng.integers(2, 700)])
        for place in rng.integers(2, len(damaged), 5) if len(damaged) > 2 else ():
            damaged[place] = rng.choice([0, 0xFF, 0xC0, 0xDA, 1])
        jpeg_file.read_facts(io.BytesIO(bytes(damaged)))
