"""DICOM's samples where old devices put them: below overlays, in big-endian words, in palettes of every width."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.pictures.dicom import codecs
from desktop.core.types import DecodedImage, DecodeError
from tests.core import makers
from tests.core.pictures.dicom.test_kin import (
    J2K,
    JPEG,
    JPEG_LS,
    SCENE,
    STEPS,
    encapsulated,
    with_markers,
    ycbcr_stream,
)

LITTLE, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def opened(data: bytes) -> DecodedImage:
    return decode(makers.source(data))


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("allocated", "stored", "high"), [(16, 12, 13), (16, 8, 15), (16, 10, 12), (32, 20, 24)])
def test_samples_between_other_bits(syntax: str, signed: bool, allocated: int, stored: int, high: int) -> None:
    # Below the sample nothing, above it an overlay: neither is the picture.
    values = (STEPS.astype(np.int64) << (stored - 8)) - (1 << (stored - 1) if signed else 0)
    spare = high - stored + 1
    words = (values & ((1 << stored) - 1)) << spare
    if high + 1 < allocated:
        words[::3, ::2] |= 1 << (high + 1)
    order = ">" if syntax == BIG else "<"
    data = makers.dicom_bytes(
        STEPS,
        syntax=syntax,
        BitsAllocated=allocated,
        BitsStored=stored,
        HighBit=high,
        PixelRepresentation=int(signed),
        WindowCenter=0 if signed else 1 << (stored - 1),
        WindowWidth=1 << stored,
        PixelData=words.astype(f"{order}u{allocated // 8}").tobytes(),
    )
    assert np.abs(opened(data).pixels.astype(int) - STEPS).max() <= 1


def with_palette(stored: np.ndarray, tables: np.ndarray, first: int, *, syntax: str, bits: int) -> bytes:
    """A file of ``stored`` samples and ``tables``, (3, entries), the first of which is for the sample ``first``."""
    order = ">" if syntax == BIG else "<"
    elements: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        name = f"{colour}PaletteColorLookupTable"
        elements[f"{name}Descriptor"] = [len(table) & 0xFFFF, first, bits]
        data = table.astype("<u2" if bits == 16 else np.uint8).tobytes()
        data += b"\0" * (len(data) % 2)
        elements[f"{name}Data"] = np.frombuffer(data, "<u2").astype(f"{order}u2").tobytes()
    kind = stored.dtype.newbyteorder(order) if stored.dtype.itemsize > 1 else stored.dtype
    return makers.dicom_bytes(stored, syntax=syntax, PixelData=stored.astype(kind).tobytes(), **elements)


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("kind", "entries", "first"),
    [
        ("u1", 256, 0),
        ("u1", 255, 0),
        ("u1", 180, 30),
        ("u2", 1024, 0),
        ("u2", 1001, 7),
        ("u2", 65536, 0),
        ("i2", 900, -300),
    ],
)
def test_palettes(syntax: str, bits: int, kind: str, entries: int, first: int) -> None:
    draw = np.random.default_rng(3)
    tables = draw.integers(0, 1 << bits, (3, entries))
    ends = np.iinfo(kind)
    stored = np.clip(draw.integers(first - 20, first + entries + 20, (20, 30)), ends.min, ends.max)
    expected = tables.T[np.clip(stored - first, 0, entries - 1)] >> (bits - 8)
    data = with_palette(stored.astype(kind), tables, first, syntax=syntax, bits=bits)
    assert np.array_equal(opened(data).pixels, expected)


def test_a_dark_picture_of_a_wide_palette_stays_dark() -> None:
    tables = np.tile(np.arange(256) * 257, (3, 1))
    tables[:, 5] = 200
    data = with_palette(np.full((8, 8), 5, np.uint8), tables, 0, syntax=LITTLE, bits=16)
    assert opened(data).pixels.max() == 0


def test_a_palette_shorter_than_it_says_is_refused() -> None:
    data = with_palette(STEPS, np.zeros((3, 100)), 0, syntax=LITTLE, bits=8)
    with pytest.raises(DecodeError) as caught:
        opened(data.replace(b"US\x06\x00\x64\x00", b"US\x06\x00\xff\x00"))
    assert caught.value.kind == "dicom-damaged"


@pytest.mark.parametrize("ids", [None, bytes((0, 1, 2)), bytes((11, 22, 33))])
def test_a_jpeg_of_which_nothing_says_the_colours_is_ycbcr(ids: bytes | None) -> None:
    stream = with_markers(ycbcr_stream(0), jfif=False, adobe=None, ids=ids)
    for label in (None, ""):
        data = encapsulated(stream, like=SCENE, syntax=JPEG, PhotometricInterpretation=label)
        assert np.abs(opened(data).pixels.astype(int) - SCENE).mean() <= 2


@pytest.mark.parametrize("own", range(4))
@pytest.mark.parametrize("padding", [1, 3, 16])
def test_jpeg_ls_whose_own_last_bytes_look_like_padding(own: int, padding: int) -> None:
    readings = list(codecs._readings(b"\xff\xd8picture" + bytes(own + padding) + b"\xff\xd9", JPEG_LS))
    assert b"\xff\xd8picture" + bytes(own) + b"\xff\xd9" in readings and len(readings) <= 6


def test_the_sign_of_a_jpeg_2000_stream_stands_above_the_headers() -> None:
    stream = bytearray(makers.encoded(Image.fromarray(STEPS), "JPEG2000", irreversible=False))
    begin = stream.index(codecs._CODESTREAM)
    stream[begin + 42] |= 0x80  # the same coefficients without the shift to the middle: -128 … 127
    image = opened(encapsulated(bytes(stream[begin:]), like=STEPS, syntax=J2K, PixelRepresentation=0))
    assert np.abs(image.pixels.astype(int) - STEPS).mean() <= 2
