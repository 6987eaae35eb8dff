"""The two JPEG processes that Fovea decodes itself, against an encoder written for these tests and against Pillow."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.pictures.dicom.jpeg_extended import decode_extended
from desktop.core.pictures.dicom.jpeg_lossless import decode_lossless
from desktop.core.types import ImageSource
from tests.core import makers


def predicted(plane: list[list[int]], row: int, column: int, top: int, predictor: int, first: int) -> int:
    """T.81 table H.1; ``top`` is the first row after a restart."""
    if row == top:
        return first if column == 0 else plane[row][column - 1]
    above = plane[row - 1][column]
    if column == 0:
        return above
    left, corner = plane[row][column - 1], plane[row - 1][column - 1]
    return {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1),
        7: (left + above) >> 1,
    }[predictor]


def encode_lossless(
    samples: np.ndarray, precision: int = 16, predictor: int = 1, transform: int = 0, rows_each: int = 0
) -> bytes:
    """A lossless JPEG of (rows, columns[, components]), by the letter of T.81 annex H; slow and simple."""
    planes = samples[..., None] if samples.ndim == 2 else samples
    rows, columns, count = planes.shape
    lists = [(planes[..., c] >> transform).tolist() for c in range(count)]
    segments, bits = [], ""
    top = 0
    for row in range(rows):
        if rows_each and row and row % rows_each == 0:
            segments.append(bits)
            bits, top = "", row
        for column in range(columns):
            for plane in lists:
                guess = predicted(plane, row, column, top, predictor, 1 << (precision - transform - 1))
                difference = (plane[row][column] - guess + 32767) % 65536 - 32767
                size = abs(difference).bit_length()
                bits += f"{size:05b}"  # seventeen codes of five bits, in their order
                if 0 < size < 16:
                    value = difference if difference > 0 else difference + (1 << size) - 1
                    bits += f"{value:0{size}b}"
    segments.append(bits)
    data = b""
    for number, segment in enumerate(segments):
        segment += "1" * (-len(segment) % 8)
        packed = bytes(int(segment[i : i + 8], 2) for i in range(0, len(segment), 8)).replace(b"\xff", b"\xff\0")
        data += packed + (bytes((0xFF, 0xD0 + number % 8)) if number < len(segments) - 1 else b"")
    out = b"\xff\xd8\xff\xc4" + struct.pack(">HB", 19 + 17, 0) + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    if rows_each:
        out += b"\xff\xdd" + struct.pack(">HH", 4, rows_each * columns)
    out += b"\xff\xc3" + struct.pack(">HBHHB", 8 + 3 * count, precision, rows, columns, count)
    out += b"".join(bytes((c + 1, 0x11, 0)) for c in range(count))
    out += b"\xff\xda" + struct.pack(">HB", 6 + 2 * count, count) + b"".join(bytes((c + 1, 0)) for c in range(count))
    return out + bytes((predictor, 0, transform)) + data + b"\xff\xd9"


def picture(bits: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(bits)
    rough = rng.integers(0, 1 << bits, shape)
    smooth = np.indices(shape)[:2].sum(axis=0) * (1 << bits) // (sum(shape[:2]) + 1)
    half = np.arange(shape[1]) < shape[1] // 2
    return np.where(half if len(shape) == 2 else half[:, None], rough, smooth).astype(np.uint16)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [2, 8, 12, 16])
def test_every_predictor_and_depth(predictor, bits):
    samples = picture(bits, 13, 17)
    assert np.array_equal(decode_lossless(encode_lossless(samples, bits, predictor)), samples)


def test_differences_of_32768_colour_restarts_and_point_transform():
    edge = np.array([[0, 32768, 0], [65535, 32767, 65535]], np.uint16)
    assert np.array_equal(decode_lossless(encode_lossless(edge)), edge)
    colour = picture(8, 9, 7, 3)
    assert np.array_equal(decode_lossless(encode_lossless(colour, 8)), colour)
    samples = picture(16, 20, 11)
    for rows_each in (1, 3, 20):
        for predictor in (1, 4, 7):
            assert np.array_equal(decode_lossless(encode_lossless(samples, 16, predictor, 0, rows_each)), samples)
    assert np.array_equal(decode_lossless(encode_lossless(samples, 16, 1, 3)), samples >> 3 << 3)


def test_more_than_one_chunk_of_data():
    row = picture(16, 1, 300)
    samples = np.repeat(row, 260, axis=0)
    stream = encode_lossless(samples)
    assert len(stream) > 1 << 17
    assert np.array_equal(decode_lossless(stream), samples)


@pytest.mark.parametrize("stored", [12, 16])
def test_lossless_dicom_signed_and_unsigned(stored):
    from pydicom.encaps import encapsulate

    values = picture(stored, 16, 16)
    signed = (values << (16 - stored)).view(np.int16) >> (16 - stored)
    for pixels in (values, signed):
        plain = {"BitsStored": stored, "HighBit": stored - 1}
        stream = encode_lossless(values, stored)
        data = encapsulate([stream + b"\0" * (len(stream) % 2)])
        compressed = makers.dicom_bytes(pixels, syntax="1.2.840.10008.1.2.4.70", PixelData=data, **plain)
        one = decode(makers.source(compressed))
        other = decode(makers.source(makers.dicom_bytes(pixels, **plain)))
        assert np.array_equal(one.pixels, other.pixels) and one.notices == other.notices


@pytest.mark.parametrize("options", [{}, {"quality": 98}, {"restart_marker_blocks": 3}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("size", [(8, 8), (50, 37), (1, 1), (400, 300)])
def test_sequential_dct_agrees_with_pillow(options, size):
    rng = np.random.default_rng(2)
    rough = Image.fromarray(rng.integers(0, 256, (size[1] // 4 + 1, size[0] // 4 + 1), dtype=np.uint8)).resize(size)
    stream = makers.encoded(rough, "JPEG", **options)
    expected = np.asarray(Image.open(io.BytesIO(stream))).astype(int)
    found = decode_extended(stream)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1  # the standard leaves the rounding of the transform open


def test_twelve_bit_dicom():
    from desktop.core.pictures.dicom.codecs import decode_frame
    from desktop.core.pictures.dicom.decode import _complete, read_dataset

    with makers.shipped_dicom("JPGExtended.dcm").open("rb") as file:
        dataset = read_dataset(file)
    values, _ = decode_frame(dataset, _complete(dataset), 0, 1)
    # Both files come from one original, compressed differently; the values are those that other viewers show.
    assert abs(int(values[420, 140]) - 244) <= 1 and abs(int(values[230, 120]) - 95) <= 1
    image = decode(ImageSource.from_path(str(makers.shipped_dicom("JPGExtended.dcm"))))
    other = decode(ImageSource.from_path(str(makers.shipped_dicom("JPEG2000.dcm"))))
    assert np.corrcoef(image.pixels.ravel(), other.pixels.ravel())[0, 1] > 0.9


STREAMS = {
    "lossless": encode_lossless(picture(12, 12, 15), 12, 7, 0, 4),
    "colour": encode_lossless(picture(8, 6, 9, 3), 8),
    "extended": makers.encoded(makers.quadrants(40, 24).convert("L"), "JPEG", restart_marker_blocks=4),
}


def survives(stream: bytes) -> None:
    """Both decoders give an array or a ValueError."""
    for decoder in (decode_lossless, decode_extended):
        try:
            found = decoder(stream)
        except ValueError:
            continue
        assert found.dtype == np.uint16


@pytest.mark.parametrize("kind", STREAMS)
def test_truncated_anywhere(kind):
    stream = STREAMS[kind]
    for end in range(0, len(stream), max(1, len(stream) // 80)):
        survives(stream[:end])
    with pytest.raises(ValueError, match=r"\w"):
        (decode_extended if kind == "extended" else decode_lossless)(stream[: len(stream) * 3 // 4])


@pytest.mark.parametrize("kind", STREAMS)
@settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes(kind, flips):
    stream = bytearray(STREAMS[kind])
    for place, value in flips:
        reach = len(stream) if value & 1 else min(len(stream), 120)
        stream[int(place * reach)] = value
    # A header that asks for too much is refused before; here only what the data can carry is allocated.
    survives(bytes(stream))


def test_a_promise_of_pixels_that_the_data_cannot_keep():
    stream = bytearray(STREAMS["lossless"])
    at = stream.index(b"\xff\xc3")
    stream[at + 5 : at + 9] = struct.pack(">HH", 65_535, 65_535)
    with pytest.raises(ValueError, match="early|restarts"):
        decode_lossless(bytes(stream))
