"""Pictures that once came out wrong or were refused (``tests/cases/pictures``): the right value of each, and of kin."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.types import DecodedImage, DecodeError, ImageSource
from tests.core import makers

CASES = Path(__file__).parents[2] / "cases" / "pictures"
HOSTILE = Path(__file__).parents[2] / "cases" / "hostile"
COLOUR = np.asarray(Image.open(CASES / "reference_rgb.png").convert("RGB"))
CLOSE = 2.0


def opened(name: str) -> DecodedImage:
    return decode(ImageSource.from_path(str(CASES / name)))


def codes(image: DecodedImage) -> list[str]:
    return [notice.code for notice in image.notices]


def difference(pixels: np.ndarray, reference: np.ndarray) -> float:
    assert pixels.shape == reference.shape
    return float(np.abs(pixels.astype(int) - reference.astype(int)).mean())


def grey_scene() -> np.ndarray:
    """The grey files' scene: it lies uncompressed behind the 272 bytes of header and tags of the signed one."""
    data = (CASES / "t_int8_le.tif").read_bytes()
    return (np.frombuffer(data, np.int8, 96 * 128, 272).reshape(96, 128).astype(int) + 128).astype(np.uint8)


GREY = grey_scene()


@pytest.mark.parametrize(
    "name",
    [
        "t_rgb16_planar.tif",
        "rgb16_planar_tiled.tif",
        "t_rgb16_12bit.tif",
        "p_rgb16_12bit.png",
        "p_gama1.png",
        "t_f32_rgb.tif",
        "t_5band16.tif",
        "t_bigtiff_be.tif",
        "t_rgb8_webp.tif",
        "ybr_full_422_label_444data.dcm",
    ],
)
def test_colour_is_the_reference(name: str) -> None:
    assert difference(opened(name).pixels, COLOUR) <= CLOSE


@pytest.mark.parametrize(
    "name",
    [
        "t_int8_le.tif",
        "t_float64_le.tif",
        "t_uint32_be.tif",
        "empty_lut_items.dcm",
        "highbit15_stored12.dcm",
        "jls_pad.dcm",
    ],
)
def test_grey_is_the_reference(name: str) -> None:
    assert difference(opened(name).pixels, GREY) <= CLOSE


def test_deep_colour_is_the_same_in_every_container() -> None:
    shallow = COLOUR.astype(np.uint16) * 16
    dicom = decode(makers.source(makers.dicom_bytes(shallow))).pixels
    png, tiff = opened("p_rgb16_12bit.png").pixels, opened("t_rgb16_12bit.tif").pixels
    assert np.array_equal(dicom, png) and np.array_equal(png, tiff)


@pytest.mark.parametrize("name", ["la8_planar_lzw_unassalpha.tif", "t_la16.tif", "p_g16_trns.png"])
def test_transparent_parts_are_white_and_the_rest_is_the_scene(name: str) -> None:
    image = opened(name)
    hidden = np.zeros(GREY.shape, bool)
    hidden[:, 64:] = True
    shown = ~hidden
    assert difference(image.pixels[shown], GREY[shown]) <= CLOSE
    assert "alpha" in codes(image) and image.pixels[hidden].min() == 255


def test_no_data_has_no_say_and_is_black() -> None:
    image = opened("t_f32_nodata_gdal.tif")
    stored = np.frombuffer((CASES / "t_f32_nodata_gdal.tif").read_bytes(), "<f4", 96 * 128, 304).reshape(96, 128)
    holes = stored < -1e38
    assert difference(image.pixels[~holes], GREY[~holes]) <= CLOSE
    assert image.pixels[holes].max() == 0 and "no-data" in codes(image)
    image = opened("t_f32_nodata_1percent_-9999.tif")
    assert image.notices[0].text == "32-bit floating point, windowed 0–1020" and 90 < image.pixels.mean() < 160


def test_a_palette_whose_entries_use_eight_bits() -> None:
    data = (CASES / "t_palette8_lowentries.tif").read_bytes()
    index = np.frombuffer(data, np.uint8, 96 * 128, 1808)
    with Image.open(CASES / "t_palette8_lowentries.tif") as file:
        table = np.array(file.tag_v2[320]).reshape(3, 256).T
    assert np.array_equal(opened("t_palette8_lowentries.tif").pixels, table[index].reshape(96, 128, 3))


def test_ultrasound_without_markers_is_ycbcr_where_chroma_is_subsampled() -> None:
    plain, twin = opened("us_jpeg_rgb_label_noapp.dcm"), opened("us_jpeg_rgb_label_jfif.dcm")
    assert np.array_equal(plain.pixels, twin.pixels)
    red = plain.pixels[COLOUR[..., 0].astype(int) - COLOUR[..., 2] > 120].astype(int)
    assert (red[:, 0] > red[:, 2]).mean() > 0.9
    # The file's scene is the reference's in red and green alone: its blue was drawn with soft edges (docs/formats.md).
    away = np.abs(plain.pixels.astype(int) - COLOUR)
    assert np.median(away[..., 0]) <= CLOSE and np.median(away[..., 1]) <= CLOSE


def test_a_jpeg_without_its_end_mark() -> None:
    image = opened("j_noeoi.jpg")
    whole = Image.open(io.BytesIO((CASES / "j_noeoi.jpg").read_bytes() + b"\xff\xd9"))
    assert np.array_equal(image.pixels, np.asarray(whole)) and codes(image) == ["no-end-mark"]


def test_a_deflated_frame_is_refused_as_what_it_is() -> None:
    with pytest.raises(DecodeError) as caught:
        opened("deflated_frame.dcm")
    assert caught.value.kind == "dicom-needs-decoder" and "Deflated Image Frame Compression" in caught.value.message


@pytest.mark.timeout(20)
def test_a_jp2_wrapper_with_an_empty_box_ends() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(ImageSource.from_path(str(HOSTILE / "loop.dcm")))
    assert caught.value.kind == "dicom-damaged"
