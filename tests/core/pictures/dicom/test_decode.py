"""DICOM: grey scale, colour, frames, compression, and every way in which one can be no picture."""

from __future__ import annotations

import io
import logging
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.core.pictures.decode import decode
from desktop.core.types import DecodeError, ImageSource
from tests.core import makers

RAMP = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
STEPS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def open_bytes(data: bytes, frame: int = 0):
    return decode(makers.source(data, frame))


def shipped(name: str, frame: int = 0):
    path = makers.shipped_dicom(name)
    if not path.exists():
        pytest.skip(f"pydicom no longer brings {name}")
    return decode(ImageSource.from_path(str(path), frame))


def refused(data: bytes, frame: int = 0) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        open_bytes(data, frame)
    error = caught.value
    assert error.__context__ is None and error.__cause__ is None
    for secret in ("Doe", "Jane", "4711"):
        assert secret not in error.message + error.hint
    return error


def texts(image) -> dict[str, str]:
    return {notice.code: notice.text for notice in image.notices}


def test_eight_bit_without_window_is_left_alone():
    image = open_bytes(makers.dicom_bytes(STEPS))
    assert np.array_equal(image.pixels, STEPS)
    assert (image.format, image.original_size, image.frames, image.notices) == ("DICOM", (16, 16), 1, ())


def test_monochrome1_is_inverted():
    image = open_bytes(makers.dicom_bytes(STEPS, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(image.pixels, 255 - STEPS)
    assert "inverted" in texts(image)
    window = {"WindowCenter": 1000, "WindowWidth": 1000}
    plain = open_bytes(makers.dicom_bytes(RAMP, **window))
    image = open_bytes(makers.dicom_bytes(RAMP, PhotometricInterpretation="MONOCHROME1", **window))
    assert np.array_equal(image.pixels, 255 - plain.pixels)


def test_window_of_the_file():
    image = open_bytes(makers.dicom_bytes(RAMP, WindowCenter=2048, WindowWidth=1024))
    # PS3.3 C.11.2.1.2.1, the linear function.
    expected = np.clip((RAMP.astype(float) - 2047.5) / 1023 + 0.5, 0, 1) * 255
    assert np.abs(image.pixels - expected).max() <= 0.5
    assert texts(image)["windowed"] == "window of the file: centre 2048, width 1024"
    image = open_bytes(makers.dicom_bytes(RAMP, WindowCenter=[100, 2000], WindowWidth=[50, 400]))
    assert texts(image)["windowed"].endswith("centre 100, width 50, the first of 2")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LINEAR_EXACT", lambda x: np.clip((x - 2000) / 500 + 0.5, 0, 1)),
        ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 500))),
    ],
)
def test_other_window_functions(function, expected):
    image = open_bytes(makers.dicom_bytes(RAMP, WindowCenter=2000, WindowWidth=500, VOILUTFunction=function))
    assert np.abs(image.pixels - 255 * expected(RAMP.astype(float))).max() <= 0.51


def test_agrees_with_pydicoms_own_window():
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    path = makers.shipped_dicom("MR_small.dcm")
    dataset = pydicom.dcmread(path)
    values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    expected = (values - -32768) / 65535 * 255
    assert np.abs(shipped("MR_small.dcm").pixels - expected).max() <= 0.51


@pytest.mark.parametrize("width", ["0", "-5", ""])
def test_an_impossible_window_is_replaced(width):
    image = open_bytes(makers.dicom_bytes(RAMP, WindowCenter="40", WindowWidth=width))
    assert texts(image)["windowed"].startswith("16-bit, windowed")


def test_width_of_one_is_a_threshold():
    image = open_bytes(makers.dicom_bytes(RAMP, WindowCenter=2000, WindowWidth=1))
    assert np.array_equal(image.pixels == 255, RAMP > 1999.5)


def test_without_a_window_one_is_chosen_and_said():
    image = open_bytes(makers.dicom_bytes(RAMP, BitsStored=12, HighBit=11))
    assert texts(image)["windowed"] == "12-bit, windowed 20–4075"
    assert image.pixels[0, 0] == 0 and image.pixels[-1, -1] == 255
    constant = open_bytes(makers.dicom_bytes(np.full((4, 4), 700, np.uint16)))
    assert constant.pixels.shape == (4, 4)


def test_rescale_and_padding():
    values = np.full((32, 32), -2000, np.int16)
    values[8:24, 8:24] = np.arange(256).reshape(16, 16)
    image = open_bytes(makers.dicom_bytes(values, PixelPaddingValue=-2000, RescaleSlope=2, RescaleIntercept=-1000))
    assert image.pixels[0, 0] == 0 and image.pixels[8, 8] == 0 and image.pixels[23, 23] == 255
    low, high = texts(image)["windowed"].removeprefix("16-bit, windowed ").split(" to ")
    assert int(low) >= -1000 and int(high) <= -490
    negative = open_bytes(makers.dicom_bytes(STEPS, RescaleSlope=-1, RescaleIntercept=0))
    assert np.array_equal(negative.pixels, 255 - STEPS)


def lut_item(entries: list[int], first: int, bits: int):
    from pydicom.dataset import Dataset

    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return item


def test_lookup_tables():
    table = [(i * i) // 16 for i in range(256)]
    modality = lut_item(table, 0, 16)
    modality.ModalityLUTType = "US"
    image = open_bytes(makers.dicom_bytes(STEPS, ModalityLUTSequence=[modality], WindowCenter=2048, WindowWidth=4096))
    expected = np.clip((np.array(table)[STEPS] - 2047.5) / 4095 + 0.5, 0, 1) * 255
    assert np.abs(image.pixels - expected).max() <= 0.51
    voi = lut_item([255 - i for i in range(256)], 0, 8)
    image = open_bytes(makers.dicom_bytes(STEPS, VOILUTSequence=[voi], WindowCenter=1, WindowWidth=2))
    assert np.array_equal(image.pixels, 255 - STEPS)
    assert texts(image)["windowed"] == "shown through the lookup table of the file"
    short = lut_item([1, 2, 3], 0, 16)
    short.LUTDescriptor = [200, 0, 16]
    assert refused(makers.dicom_bytes(STEPS, VOILUTSequence=[short])).kind == "dicom-damaged"


def test_frames():
    frames = np.stack([STEPS, STEPS // 2, STEPS // 4])
    data = makers.dicom_bytes(frames)
    for index in range(3):
        image = open_bytes(data, index)
        assert np.array_equal(image.pixels, frames[index])
        assert image.frames == 3 and texts(image)["frames"] == f"frame {index + 1} of 3"
    for index in (3, -1):
        error = refused(data, index)
        assert error.kind == "no-such-frame" and "3 frames" in error.message


def test_frames_have_windows_of_their_own():
    from pydicom.dataset import Dataset

    def group(centre: int):
        item, voi = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 100
        item.FrameVOILUTSequence = [voi]
        return item

    shared, rescale = Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = 2, 0
    shared.PixelValueTransformationSequence = [rescale]
    data = makers.dicom_bytes(
        np.stack([RAMP, RAMP]),
        PerFrameFunctionalGroupsSequence=[group(1000), group(2000)],
        SharedFunctionalGroupsSequence=[shared],
    )
    for index, centre in enumerate((1000, 2000)):
        image = open_bytes(data, index)
        assert f"centre {centre}" in texts(image)["windowed"]
        assert np.array_equal(image.pixels > 127, centre <= RAMP * 2)


def test_colour_and_palette():
    rgb = np.random.default_rng(1).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    assert np.array_equal(open_bytes(makers.dicom_bytes(rgb)).pixels, rgb)
    wide = rgb.astype(np.uint16) * 257
    image = open_bytes(makers.dicom_bytes(wide))
    assert np.array_equal(image.pixels, rgb) and "reduced-depth" in texts(image)
    ybr = np.zeros((8, 6, 3), np.uint8)
    ybr[...] = (76, 85, 255)
    image = open_bytes(makers.dicom_bytes(ybr, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(image.pixels.astype(int) - (254, 0, 0)).max() <= 2
    assert shipped("SC_ybr_full_422_uncompressed.dcm").pixels.shape == (100, 100, 3)
    palette = shipped("examples_palette.dcm")
    assert palette.pixels.shape == (350, 800, 3) and palette.pixels.max() == 255
    assert len(np.unique(palette.pixels.reshape(-1, 3), axis=0)) > 20
    error = refused(makers.dicom_bytes(rgb, PhotometricInterpretation="HSV"))
    assert error.kind == "unsupported-format"


def test_float_and_one_bit_and_32_bit():
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    data = makers.dicom_bytes(
        np.zeros((8, 8), np.uint32), PixelData=None, FloatPixelData=values.tobytes(), BitsStored=None, HighBit=None
    )
    image = open_bytes(data)
    assert image.pixels[0, 0] == 0 and image.pixels[-1, -1] == 255
    assert set(np.unique(shipped("liver_1frame.dcm").pixels)) == {0, 255}
    assert shipped("rtdose.dcm", frame=14).frames == 15
    assert open_bytes(makers.dicom_bytes(np.arange(64, dtype=np.int32).reshape(8, 8) - 9)).pixels[-1, -1] == 255


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_padded.dcm", "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_gdcm_KY.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_rle_16bit.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_rle_2frame.dcm", "SC_rgb_rle.dcm"),
    ],
)
def test_compressed_files_equal_their_originals(name, reference):
    one, other = shipped(name).pixels.astype(int), shipped(reference).pixels
    assert np.abs(one - other).max() <= (1 if "KY" in name else 0)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "examples_ybr_color.dcm"])
def test_jpeg_baseline(name):
    assert shipped(name).pixels.ndim == 3


@pytest.mark.parametrize(
    ("name", "package", "syntax"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "pyjpegls", "JPEG-LS"),
        ("MR_small_jp2klossless.dcm", "pylibjpeg-openjpeg", "JPEG 2000"),
    ],
)
def test_missing_decoder_is_named(monkeypatch, name, package, syntax):
    from pydicom.pixels.common import CoderBase

    monkeypatch.setattr(CoderBase, "available_plugins", property(lambda self: ()))
    with pytest.raises(DecodeError) as caught:
        shipped(name)
    assert caught.value.kind == "dicom-needs-decoder"
    assert syntax in caught.value.message and package in caught.value.message and package in caught.value.hint


def test_video_and_unknown_syntaxes():
    mpeg = encapsulated(b"\0\0\1\xb3" * 8, "1.2.840.10008.1.2.4.100")
    assert "MPEG2" in refused(mpeg).message and refused(mpeg).kind == "dicom-needs-decoder"
    unknown = makers.dicom_bytes(STEPS).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")
    assert refused(unknown).kind in ("dicom-needs-decoder", "dicom-damaged")


def encapsulated(frame: bytes, syntax: str, **elements) -> bytes:
    from pydicom.encaps import encapsulate

    data = encapsulate([frame + b"\0" * (len(frame) % 2)])
    plain = makers.dicom_bytes(STEPS, syntax=syntax, PixelData=data, **elements)
    return plain


def test_a_frame_that_declares_another_picture_is_refused():
    j2k = b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 41, 0, 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0, 1)
    j2k += b"\x07\x01\x01" + b"\xff\x90" + b"\0" * 60
    error = refused(encapsulated(j2k, "1.2.840.10008.1.2.4.90"))
    assert error.kind == "dicom-damaged" and "60000×60000" in error.message
    for syntax in ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"):
        assert refused(encapsulated(makers.encoded(makers.quadrants(), "JPEG"), syntax)).kind == "dicom-damaged"
        assert refused(encapsulated(b"\xff\xd8" + b"\xff" * 50, syntax)).kind == "dicom-damaged"


def test_short_pixel_data_and_absurd_sizes():
    error = refused(makers.dicom_bytes(STEPS, Rows=17))
    assert error.kind == "dicom-damaged" and "256 bytes" in error.message and "272" in error.message
    assert refused(makers.dicom_bytes(STEPS, NumberOfFrames=2_000_000_000)).kind == "dicom-damaged"
    assert refused(makers.dicom_bytes(STEPS, Rows=65_000, Columns=65_000)).kind == "too-large"
    assert refused(makers.dicom_bytes(STEPS, Rows=0)).kind == "damaged"
    assert refused(encapsulated(b"\xff\xd8", "1.2.840.10008.1.2.4.50", NumberOfFrames=10**6)).kind == "dicom-damaged"
    assert refused(makers.dicom_bytes(STEPS, Rows=None)).kind == "dicom-damaged"
    assert refused(makers.dicom_bytes(STEPS, BitsAllocated=24)).kind == "dicom-damaged"
    with pytest.raises(DecodeError, match="8,130 bytes"):
        shipped("MR_truncated.dcm")


def test_without_pixels_and_directory():
    error = refused(makers.dicom_bytes())
    assert error.kind == "dicom-no-pixels" and "Secondary Capture Image Storage" in error.message
    for name in ("rtplan.dcm", "reportsi.dcm", "test-SR.dcm", "no_meta_group_length.dcm"):
        with pytest.raises(DecodeError) as caught:
            shipped(name)
        assert caught.value.kind == "dicom-no-pixels"
    for name in ("DICOMDIR", "DICOMDIR-empty.dcm"):
        with pytest.raises(DecodeError) as caught:
            shipped(f"dicomdirtests/{name}")
        assert caught.value.kind == "dicom-directory"


def nested(depth: int) -> bytes:
    """A file whose header holds ``depth`` sequences one in the other, all of undefined length."""
    plain = makers.dicom_bytes(STEPS)
    cut = plain.index(b"\x08\x00\x16\x00UI")  # in front of SOP Class UID
    opened = b"\x08\x00\x06\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return plain[:cut] + opened * depth + closed * depth + plain[cut:]


def test_nested_sequences():
    assert np.array_equal(open_bytes(nested(3)).pixels, STEPS)
    error = refused(nested(500))
    assert error.kind == "dicom-damaged" and "nested" in error.message
    assert refused(nested(5000)).kind == "dicom-damaged"


def test_deflated_and_a_deflate_bomb():
    assert shipped("image_dfl.dcm").pixels.shape == (512, 512)
    plain = makers.shipped_dicom("image_dfl.dcm").read_bytes()
    meta = plain[: 132 + 12 + struct.unpack_from("<I", plain, 140)[0]]
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    bomb = meta + block * 700
    error = refused(bomb)
    assert error.kind == "too-large" and "inflated" in error.message


def test_without_preamble_or_meta():
    data = makers.dicom_bytes(STEPS)
    assert np.array_equal(open_bytes(data[132:]).pixels, STEPS)
    assert np.array_equal(open_bytes(data[data.index(b"\x08\x00\x16\x00UI") :]).pixels, STEPS)


def test_nothing_of_the_patient_gets_out(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    good = open_bytes(makers.dicom_bytes(RAMP, PatientName="Doe^Jane", PatientComments="Doe " * 50))
    said = "".join(notice.text for notice in good.notices)
    for frame in (0, 5):
        for data in (
            makers.dicom_bytes(STEPS, Rows=17),
            makers.dicom_bytes(),
            nested(500),
            makers.dicom_bytes(STEPS)[:-150],
            makers.dicom_bytes(STEPS).replace(b"MONOCHROME2 ", b"Doe^Jane4711"),
            makers.dicom_bytes(STEPS).replace(b"1.2.840.10008.1.2.1\0", b"Doe^Jane4711.1234.1\0"),
            makers.dicom_bytes(None).replace(b"1.2.840.10008.5.1.4.1.1.7\0", b"Doe^Jane4711.1.4.1.1.7.89\0"),
        ):
            try:
                said += str(open_bytes(data, frame).notices)
            except DecodeError as error:
                said += error.message + error.hint + repr(error) + repr(error.__traceback__)
    said += caplog.text + "".join(capfd.readouterr())
    for secret in ("Doe", "Jane", "4711"):
        assert secret not in said


def outcome(data: bytes, frame: int = 0) -> None:
    """Opens or is refused; anything else that is raised fails the test."""
    failure = None
    try:
        image = open_bytes(data, frame)
    except DecodeError as error:
        failure = error
    if failure is None:
        assert image.pixels.dtype == np.uint8
    else:
        assert failure.message.endswith(".") and "Doe" not in failure.message


FILES = {
    "plain": makers.dicom_bytes(RAMP[:8, :8], WindowCenter=40, WindowWidth=400, RescaleSlope=1, RescaleIntercept=-24),
    "frames": makers.dicom_bytes(np.stack([STEPS, STEPS])),
    "rgb": makers.dicom_bytes(np.zeros((6, 6, 3), np.uint8)),
    "nested": nested(4),
}
FUZZ = settings(
    max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("kind", FILES)
@FUZZ
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(kind, flips):
    data = bytearray(FILES[kind])
    for place, value in flips:
        data[128 + int(place * (len(data) - 128))] = value
    outcome(bytes(data))
    outcome(bytes(data), frame=1)


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_gdcm.dcm"])
@settings(FUZZ, max_examples=15)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_in_compressed_files(name, flips):
    data = bytearray(makers.shipped_dicom(name).read_bytes())
    for place, value in flips:
        data[128 + int(place * (len(data) - 128))] = value
    outcome(bytes(data))


@pytest.mark.parametrize("kind", FILES)
def test_truncated_anywhere(kind):
    data = FILES[kind]
    for end in range(128, len(data), 19):
        outcome(data[:end])


def test_a_file_object_is_read_from_its_start(tmp_path):
    path = tmp_path / "no suffix"
    path.write_bytes(makers.dicom_bytes(STEPS))
    assert decode(ImageSource.from_path(str(path))).format == "DICOM"
    assert io.BytesIO(path.read_bytes()).read(132)[128:] == b"DICM"
