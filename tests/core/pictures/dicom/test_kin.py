"""DICOM as devices and archives write it: samples in odd bits, labels that do not fit, empty items, wrapped streams."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.pictures.dicom import codecs
from desktop.core.types import DecodedImage, DecodeError
from tests.core import makers

STEPS = np.arange(256, dtype=np.uint8).reshape(16, 16)
JPEG, JPEG_LS, J2K = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
SCENE = np.asarray(makers.quadrants(64, 48))


def opened(data: bytes, frame: int = 0) -> DecodedImage:
    return decode(makers.source(data, frame))


def texts(image: DecodedImage) -> dict[str, str]:
    return {notice.code: notice.text for notice in image.notices}


def encapsulated(*frames: bytes, like: np.ndarray, syntax: str, **elements: object) -> bytes:
    from pydicom.encaps import encapsulate

    data = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
    more = {"NumberOfFrames": len(frames)} if len(frames) > 1 else {}
    return makers.dicom_bytes(like, syntax=syntax, PixelData=data, **more, **elements)


@pytest.mark.parametrize("stored", [10, 12, 14])
@pytest.mark.parametrize("signed", [False, True])
def test_samples_in_the_upper_bits(stored: int, signed: bool) -> None:
    values = STEPS.astype(np.int32) * ((1 << stored) // 256) - ((1 << (stored - 1)) if signed else 0)
    kind = np.int16 if signed else np.uint16
    plain = opened(makers.dicom_bytes(values.astype(kind), BitsStored=stored, HighBit=stored - 1))
    upper = opened(makers.dicom_bytes((values << (16 - stored)).astype(kind), BitsStored=stored, HighBit=15))
    assert np.array_equal(plain.pixels, upper.pixels) and plain.notices == upper.notices
    middle = (values << 1).astype(kind)
    assert np.array_equal(opened(makers.dicom_bytes(middle, BitsStored=stored, HighBit=stored)).pixels, plain.pixels)


def test_a_high_bit_that_the_data_belie_is_passed_over() -> None:
    values = STEPS.astype(np.uint16) * 16 + 3
    plain = opened(makers.dicom_bytes(values, BitsStored=12, HighBit=11))
    assert np.array_equal(opened(makers.dicom_bytes(values, BitsStored=12, HighBit=15)).pixels, plain.pixels)
    assert np.array_equal(opened(makers.dicom_bytes(values, BitsStored=12, HighBit=3)).pixels, plain.pixels)


def test_overlays_in_the_spare_bits_do_not_show() -> None:
    values = STEPS.astype(np.uint16) * 16
    plain = opened(makers.dicom_bytes(values, BitsStored=12, HighBit=11))
    values[::3, ::2] |= 0x8000
    values[1::3] |= 0x1000
    assert np.array_equal(opened(makers.dicom_bytes(values, BitsStored=12, HighBit=11)).pixels, plain.pixels)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colour_goes_by_the_one_rule(bits: int) -> None:
    rgb = SCENE.astype(np.uint16)
    full = (SCENE.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    image = opened(makers.dicom_bytes(full, BitsStored=bits, HighBit=bits - 1))
    assert np.abs(image.pixels.astype(int) - SCENE).max() <= 1 and "reduced-depth" in texts(image)
    shallow = opened(makers.dicom_bytes(rgb * 16))
    assert "windowed" in texts(shallow)
    assert np.abs(shallow.pixels.astype(int) - (SCENE.astype(int) - 30) * 255 // 220).mean() <= 2


def with_markers(stream: bytes, *, jfif: bool, adobe: int | None, ids: bytes | None) -> bytes:
    """A JPEG of Pillow's (JFIF, components 1, 2, 3) with other markers and component numbers."""
    assert stream[2:4] == b"\xff\xe0"
    head, body = stream[:20], stream[20:]
    assert int.from_bytes(stream[4:6], "big") == 16
    out = head if jfif else b"\xff\xd8"
    if adobe is not None:
        out += b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes((adobe,))
    if ids:
        frame, scan = body.index(b"\xff\xc0"), body.index(b"\xff\xda")
        changed = bytearray(body)
        for index in range(3):
            changed[frame + 10 + 3 * index] = ids[index]
            changed[scan + 5 + 2 * index] = ids[index]
        body = bytes(changed)
    return out + body


def ycbcr_stream(subsampling: int) -> bytes:
    return makers.encoded(Image.fromarray(SCENE), "JPEG", quality=98, subsampling=subsampling)


def rgb_stream() -> bytes:
    """RGB as it is: Pillow writes what it takes for YCbCr without a change."""
    return makers.encoded(Image.merge("YCbCr", Image.fromarray(SCENE).split()), "JPEG", quality=98, subsampling=0)


@pytest.mark.parametrize("label", ["RGB", "YBR_FULL_422", "YBR_FULL", "YBR_ICT"])
@pytest.mark.parametrize(
    ("chroma", "jfif", "adobe", "ids", "labels"),
    [
        ("4:2:0", False, None, None, "any"),
        ("4:4:4", True, None, None, "any"),
        ("4:4:4", False, 1, None, "any"),
        ("4:4:4", False, None, None, "YBR"),
        ("none", False, 0, None, "any"),
        ("none", True, 0, None, "any"),
        ("none", False, None, b"RGB", "any"),
        ("none", False, None, None, "RGB"),
    ],
)
def test_the_colour_model_of_a_jpeg(
    label: str, chroma: str, jfif: bool, adobe: int | None, ids: bytes | None, labels: str
) -> None:
    if labels != "any" and not label.startswith(labels):
        pytest.skip("then only the label tells, and it says otherwise")
    stream = rgb_stream() if chroma == "none" else ycbcr_stream(2 if chroma == "4:2:0" else 0)
    stream = with_markers(stream, jfif=jfif, adobe=adobe, ids=ids)
    data = encapsulated(stream, like=SCENE, syntax=JPEG, PhotometricInterpretation=label)
    # Where chroma is subsampled, the edges between the colours are soft.
    assert np.abs(opened(data).pixels.astype(int) - SCENE).mean() <= (5 if chroma == "4:2:0" else 2)


def test_frames_of_jpeg_and_one_without_its_end_mark() -> None:
    first = makers.encoded(Image.fromarray(STEPS), "JPEG", quality=98)
    second = makers.encoded(Image.fromarray(255 - STEPS), "JPEG", quality=98)
    data = encapsulated(first, second[:-2], like=STEPS, syntax=JPEG)
    assert np.abs(opened(data).pixels.astype(int) - STEPS).mean() <= 2
    assert np.abs(opened(data, 1).pixels.astype(int) - (255 - STEPS)).mean() <= 2
    cut = encapsulated(second[: len(second) - 40], like=STEPS, syntax=JPEG)
    with pytest.raises(DecodeError) as caught:
        opened(cut)
    assert caught.value.kind == "dicom-damaged"


def to_ybr(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"))


@pytest.mark.parametrize("label", ["YBR_FULL", "YBR_FULL_422"])
def test_uncompressed_ybr_and_rgb_under_its_label(label: str) -> None:
    scene = np.zeros((48, 64, 3), np.uint8)  # as ultrasound: mostly black
    scene[10:30, 10:50] = SCENE[10:30, 10:50]
    right = opened(makers.dicom_bytes(to_ybr(scene), PhotometricInterpretation=label))
    assert np.abs(right.pixels.astype(int) - scene).mean() <= 2
    wrong = opened(makers.dicom_bytes(scene, PhotometricInterpretation=label))
    assert np.array_equal(wrong.pixels, scene)
    subsampled = to_ybr(scene)
    packed = np.empty((48, 32, 4), np.uint8)
    packed[..., 0], packed[..., 1] = subsampled[:, ::2, 0], subsampled[:, 1::2, 0]
    packed[..., 2], packed[..., 3] = subsampled[:, ::2, 1], subsampled[:, ::2, 2]
    data = makers.dicom_bytes(scene, PhotometricInterpretation="YBR_FULL_422", PixelData=packed.tobytes())
    assert np.abs(opened(data).pixels.astype(int) - scene).mean() <= 2


def item(**elements: object):
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def test_empty_items_say_nothing() -> None:
    plain = opened(makers.dicom_bytes(STEPS))
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        for empty in (item(), item(LUTDescriptor=None), item(LUTExplanation="x")):
            image = opened(makers.dicom_bytes(STEPS, **{keyword: [empty]}))
            assert np.array_equal(image.pixels, plain.pixels), keyword
        assert np.array_equal(opened(makers.dicom_bytes(STEPS, **{keyword: []})).pixels, plain.pixels)
    inverted = item(LUTDescriptor=[256, 0, 8], LUTData=bytes(range(255, -1, -1)))
    inverted["LUTData"].VR = "OW"
    image = opened(makers.dicom_bytes(STEPS, VOILUTSequence=[item(), inverted]))
    assert np.array_equal(image.pixels, 255 - STEPS)
    short = item(LUTDescriptor=[256, 0, 8], LUTData=bytes(8))
    short["LUTData"].VR = "OW"
    with pytest.raises(DecodeError):
        opened(makers.dicom_bytes(STEPS, VOILUTSequence=[short]))


def test_a_window_stands_where_the_frames_items_are_empty() -> None:
    data = makers.dicom_bytes(
        STEPS,
        WindowCenter=64,
        WindowWidth=65,
        PerFrameFunctionalGroupsSequence=[item(FrameVOILUTSequence=[item()])],
        SharedFunctionalGroupsSequence=[item(FrameVOILUTSequence=[item(WindowCenter=None, WindowWidth=None)])],
    )
    assert "centre 64" in texts(opened(data))["windowed"]


@pytest.mark.parametrize("value", [-2000, 63536])
def test_padding_has_no_say_whichever_sign_it_is_written_with(value: int) -> None:
    values = STEPS.astype(np.int16) * 8 - 500
    values[::2, ::2] = -2000
    data = makers.dicom_bytes(values, PixelPaddingValue=-2000)
    if value > 0:
        data = data.replace(b"\x28\x00\x20\x01SS", b"\x28\x00\x20\x01US")
    shown = np.ones(STEPS.shape, bool)
    shown[::2, ::2] = False
    assert np.abs(opened(data).pixels.astype(int) - STEPS)[shown].mean() <= 2


def test_padding_of_floats_has_no_say() -> None:
    floats = STEPS.astype(np.float32) / 7
    floats[::2, ::2] = -3.4028234663852886e38
    shown = np.ones(STEPS.shape, bool)
    shown[::2, ::2] = False
    image = opened(
        makers.dicom_bytes(
            np.zeros((16, 16), np.uint32),
            PixelData=None,
            FloatPixelData=floats.tobytes(),
            FloatPixelPaddingValue=-3.4028234663852886e38,
            BitsStored=None,
            HighBit=None,
        )
    )
    assert np.abs(image.pixels.astype(int) - STEPS)[shown].mean() <= 2


def jp2(codestream: bytes, *before: bytes) -> bytes:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    signature = box(b"jP  ", b"\r\n\x87\n")
    return signature + b"".join(before) + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + box(b"jp2c", codestream)


def codestream() -> bytes:
    data = makers.encoded(Image.fromarray(STEPS), "JPEG2000", irreversible=False)
    return data[data.index(b"\xff\x4f\xff\x51") :]


@pytest.mark.timeout(30)
def test_jpeg_2000_in_a_wrapper() -> None:
    stream = codestream()
    for wrapped in (
        stream,
        jp2(stream),
        jp2(stream, b"\0\0\0\0xxxx"),  # a box without an end
        jp2(stream, b"\0\0\0\1free" + struct.pack(">Q", 24) + bytes(8)),
        jp2(stream, *[b"\0\0\0\x08free"] * 5),
        jp2(b"")[:-8] + struct.pack(">I4s", 0, b"jp2c") + stream,
    ):
        image = opened(encapsulated(wrapped, like=STEPS, syntax=J2K))
        assert np.array_equal(image.pixels, STEPS)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_walk_through_boxes_ends(length: int) -> None:
    frame = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I", length) + b"xxxx" * 3000
    assert codecs._codestream(frame) == frame
    assert codecs._codestream(frame + codestream()).startswith(b"\xff\x4f")


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 7, b"\xff", b"\xff\xff\xff"])
def test_jpeg_ls_padded_before_its_end(padding: bytes) -> None:
    import jpeg_ls

    stream = bytes(jpeg_ls.encode_array(STEPS))
    assert stream.endswith(b"\xff\xd9")
    image = opened(encapsulated(stream[:-2] + padding + b"\xff\xd9", like=STEPS, syntax=JPEG_LS))
    assert np.array_equal(image.pixels, STEPS)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL"),
        ("1.2.840.10008.1.2.4.107", "HEVC"),
        ("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed"),
        ("1.2.3.4.5", "unknown transfer syntax"),
    ],
)
def test_a_transfer_syntax_without_a_decoder_is_named(syntax: str, name: str) -> None:
    stand_in = "1.2.840.10008.1.2.4.100"
    data = encapsulated(bytes(100), like=STEPS, syntax=stand_in)
    data = data.replace(stand_in.encode() + b"\0", syntax.encode().ljust(24, b"\0"))
    with pytest.raises(DecodeError) as caught:
        opened(data)
    assert caught.value.kind == "dicom-needs-decoder" and name in caught.value.message


def test_inks_and_transparency_are_refused_by_name() -> None:
    with pytest.raises(DecodeError) as caught:
        opened(makers.dicom_bytes(STEPS, SamplesPerPixel=4, PhotometricInterpretation="ARGB", Columns=4))
    assert caught.value.kind == "unsupported-format"


def test_a_picture_in_memory_and_from_a_stream_alike() -> None:
    data = makers.dicom_bytes(STEPS)
    from desktop.core.pictures.dicom.decode import decode_dicom

    assert np.array_equal(decode_dicom(io.BytesIO(data), len(data), 0).pixels, STEPS)


def test_a_window_that_shows_nothing_is_left_aside_and_said() -> None:
    values = STEPS.astype(np.uint16) * 16
    plain = opened(makers.dicom_bytes(values, BitsStored=12, HighBit=11))
    for centre, model in (("-30000", "MONOCHROME2"), ("60000", "MONOCHROME2"), ("60000", "MONOCHROME1")):
        words = {"BitsStored": 12, "HighBit": 11, "WindowCenter": centre, "WindowWidth": "10"}
        image = opened(makers.dicom_bytes(values, PhotometricInterpretation=model, **words))
        expected = plain.pixels if model == "MONOCHROME2" else 255 - plain.pixels
        assert np.array_equal(image.pixels, expected)
        told = texts(image)
        assert f"centre {centre}" in told["window-shows-nothing"] and "12-bit, windowed" in told["windowed"]
    even = opened(makers.dicom_bytes(np.full((8, 8), 900, np.uint16), WindowCenter="60000", WindowWidth="10"))
    assert "window-shows-nothing" not in texts(even) and even.pixels.max() == 0
