"""GIF frames as browsers show them, and the clean aperture of AVIF."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures import avif_crop
from desktop.core.pictures.decode import decode
from desktop.core.types import DecodeError
from tests.core import makers


def lzw(indices: list[int]) -> bytes:
    """GIF image data of 2-bit colours without compression: a clear code before every pair of pixels."""
    bits, codes = 0, [4]
    for place, index in enumerate(indices):
        if place and place % 2 == 0:
            codes.append(4)
        codes.append(index)
    codes.append(5)
    value = 0
    for code in codes:
        value |= code << bits
        bits += 3
    data = value.to_bytes((bits + 7) // 8, "little")
    blocks = b"".join(bytes((len(data[i : i + 255]),)) + data[i : i + 255] for i in range(0, len(data), 255))
    return b"\x02" + blocks + b"\0"


RED, GREEN, BLUE, GREY = (200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 90)
PALETTE = bytes((*RED, *GREEN, *BLUE, *GREY))
WHITE = (255, 255, 255)


def gif(*frames: tuple[int, int | None, tuple[int, int, int, int], int], screen: tuple[int, int] = (4, 4)) -> bytes:
    """Frames (disposal, transparent index, (left, top, width, height), colour) on a screen whose background is grey."""
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x91, 3, 0) + PALETTE
    for disposal, transparent, (left, top, width, height), colour in frames:
        flags = disposal << 2 | (transparent is not None)
        out += b"\x21\xf9\x04" + struct.pack("<BHB", flags, 5, transparent or 0) + b"\0"
        out += b"," + struct.pack("<4HB", left, top, width, height, 0) + lzw([colour] * (width * height))
    return out + b";"


FULL = (0, 0, 4, 4)


def corner_and_end(data: bytes, frame: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pixels = decode(makers.source(data, frame)).pixels
    return tuple(pixels[0, 0].tolist()), tuple(pixels[-1, -1].tolist())


def test_restored_to_background_means_transparent() -> None:
    data = gif((2, None, FULL, 0), (0, None, (0, 0, 2, 2), 1))
    assert corner_and_end(data, 0) == (RED, RED)
    assert corner_and_end(data, 1) == (GREEN, WHITE)


def test_only_the_frames_own_area_is_restored() -> None:
    data = gif((1, None, FULL, 0), (2, None, (2, 2, 2, 2), 2), (0, None, (0, 0, 1, 1), 1))
    assert corner_and_end(data, 1) == (RED, BLUE)
    assert corner_and_end(data, 2) == (GREEN, WHITE)
    assert decode(makers.source(data, 2)).pixels[1, 1].tolist() == list(RED)


def test_restored_to_previous() -> None:
    data = gif((1, None, FULL, 0), (3, None, (2, 2, 2, 2), 2), (0, None, (0, 0, 1, 1), 1))
    assert corner_and_end(data, 2) == (GREEN, RED)


def test_transparent_pixels_let_the_frame_before_through() -> None:
    data = gif((1, None, FULL, 0), (1, 2, FULL, 2))
    assert corner_and_end(data, 1) == (RED, RED)


@pytest.mark.parametrize("transparent", [None, 3])
def test_a_first_frame_smaller_than_the_screen(transparent: int | None) -> None:
    data = gif((1, transparent, (0, 0, 2, 2), 0), (1, None, (2, 2, 2, 2), 1))
    assert corner_and_end(data, 0) == (RED, WHITE)
    assert corner_and_end(data, 1) == (RED, GREEN)


def test_frames_agree_with_pillow_where_both_do_the_same() -> None:
    pictures = [makers.quadrants(40, 30).rotate(90 * i).resize((40, 30)) for i in range(4)]
    data = makers.encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=50)
    with Image.open(io.BytesIO(data)) as file:
        for number in range(file.n_frames):
            file.seek(number)
            expected = np.asarray(file.convert("RGB"))
            assert np.array_equal(decode(makers.source(data, number)).pixels, expected)


def test_a_frame_without_pixels_or_beyond_the_end() -> None:
    with pytest.raises(DecodeError):
        decode(makers.source(gif((1, None, FULL, 0), (1, None, (0, 0, 0, 3), 0)), 1))
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(gif((1, None, FULL, 0)), 1))
    assert caught.value.kind == "no-such-frame"
    whole = gif((1, None, FULL, 0), (1, None, FULL, 1))
    for end in range(60, len(whole) - 3, 7):
        try:
            decode(makers.source(whole[:end], 1))
        except DecodeError:
            continue


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        found.append((kind, data[position + 8 : position + (length or len(data) - position)]))
        position += length or len(data)
    return found


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_aperture(avif: bytes, *numbers: int) -> bytes:
    """``avif`` (of Pillow's) with a clean aperture for its first item; where its data lie is corrected."""
    added = box(b"clap", struct.pack(">8i", *numbers))
    grown = len(added) + 1  # the property, and one more association
    out = b""
    for kind, content in boxes(avif):
        if kind == b"meta":
            inner = b""
            for name, part in boxes(content[4:]):
                if name == b"iprp":
                    part = b"".join(_property(k, c, added) for k, c in boxes(part))
                elif name == b"iloc":
                    part = _moved(part, grown)
                inner += box(name, part)
            content = content[:4] + inner
        out += box(kind, content)
    return out


def _property(kind: bytes, content: bytes, added: bytes) -> bytes:
    if kind == b"ipco":
        return box(kind, content + added)
    number = 0  # of the added property, from 1
    entries = content[8:]
    item, count = struct.unpack_from(">HB", entries)
    number = max(b & 0x7F for b in entries[3 : 3 + count]) + 1
    changed = struct.pack(">HB", item, count + 1) + entries[3 : 3 + count] + bytes((0x80 | number,))
    return box(kind, content[:8] + changed + entries[3 + count :])


def _moved(part: bytes, grown: int) -> bytes:
    assert part[0] == 0 and part[4] == 0x44  # version 0, offsets and lengths of four bytes
    base = part[5] >> 4
    out, position = bytearray(part), 8
    for _ in range(struct.unpack_from(">H", part, 6)[0]):
        position += 4 + base
        (extents,) = struct.unpack_from(">H", part, position)
        position += 2
        for _ in range(extents):
            (offset,) = struct.unpack_from(">I", part, position)
            struct.pack_into(">I", out, position, offset + grown)
            position += 8
    return bytes(out)


AVIF = makers.encoded(makers.quadrants(64, 48), "AVIF", quality=95)


def test_the_clean_aperture_of_an_avif_is_cut_out() -> None:
    whole = decode(makers.source(AVIF)).pixels
    assert np.array_equal(decode(makers.source(with_aperture(AVIF, 64, 1, 48, 1, 0, 1, 0, 1))).pixels, whole)
    image = decode(makers.source(with_aperture(AVIF, 40, 1, 30, 1, -4, 1, 3, 1)))
    assert image.original_size == (40, 30)
    assert np.array_equal(image.pixels, whole[12:42, 8:48])
    halves = decode(makers.source(with_aperture(AVIF, 41, 1, 48, 1, 1, 2, 0, 1)))
    assert np.array_equal(halves.pixels, whole[:, 12:53])


@pytest.mark.parametrize(
    "numbers",
    [(41, 1, 48, 1, 0, 1, 0, 1), (80, 1, 48, 1, 0, 1, 0, 1), (40, 1, 30, 1, 30, 1, 0, 1), (40, 0, 30, 1, 0, 1, 0, 1),
     (0, 1, 48, 1, 0, 1, 0, 1), (-40, 1, 30, 1, 0, 1, 0, 1)],
)  # fmt: skip
def test_an_impossible_aperture_is_passed_over(numbers: tuple[int, ...]) -> None:
    try:
        image = decode(makers.source(with_aperture(AVIF, *numbers)))
    except DecodeError as error:  # libavif itself may refuse the file
        assert error.kind == "damaged"
    else:
        assert image.original_size == (64, 48)


def test_a_walk_through_damaged_boxes_ends() -> None:
    data = with_aperture(AVIF, 40, 1, 30, 1, 0, 1, 0, 1)
    rng = np.random.default_rng(5)
    for _ in range(300):
        damaged = bytearray(data[: rng.integers(8, len(data))])
        for place in rng.integers(0, len(damaged), 6):
            damaged[place] = rng.choice([0, 1, 8, 255])
        avif_crop.clean_aperture(io.BytesIO(bytes(damaged)), (64, 48))
