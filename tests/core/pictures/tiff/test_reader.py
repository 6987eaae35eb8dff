"""The reader of uncommon TIFF: bands, gaps, reductions, orientation, damage; each against pixels known beforehand."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop.core.pictures import limits
from desktop.core.pictures.decode import decode
from desktop.core.pictures.tiff import decode as tiff_decode
from desktop.core.pictures.tiff import segments
from desktop.core.types import DecodedImage, DecodeError
from tests.core import makers
from tests.core.pictures.tiff.test_brothers import BROTHERS, COLOUR, FILES

DEEP = COLOUR.astype(np.uint16) * 257
_SIZES = {1: "B", 2: "s", 3: "H", 4: "I", 12: "d"}


def tiff(strips: list[bytes], size: tuple[int, int], bits: tuple[int, ...], order: str = "<", **tags: Any) -> bytes:
    """A TIFF of ``strips``; ``tags`` as ``t262=2``: a number, numbers, or bytes for a text."""
    fields: dict[int, Any] = {256: size[0], 257: size[1], 258: list(bits), 259: 1, 262: 2 if len(bits) > 2 else 1}
    fields |= {277: len(bits), 278: size[1]}
    fields |= {int(name[1:]): value for name, value in tags.items()}
    body, offsets = b"", []
    for strip in strips:
        offsets.append(8 + len(body) if strip else 0)
        body += strip + b"\0" * (len(strip) % 2)
    fields.setdefault(273, offsets)
    fields.setdefault(279, [len(strip) for strip in strips])
    fields = {tag: value for tag, value in fields.items() if value is not None}
    place = 8 + len(body) + 2 + 12 * len(fields) + 4
    directory, spill = struct.pack(order + "H", len(fields)), b""
    for tag, value in sorted(fields.items()):
        if isinstance(value, bytes):
            kind, count, data = 2, len(value), value
        else:
            numbers = [value] if isinstance(value, int) else list(value)
            kind = 3 if max(numbers) < 65536 and tag not in (273, 279) else 4
            count, data = len(numbers), struct.pack(order + f"{len(numbers)}{_SIZES[kind]}", *numbers)
        if len(data) > 4:
            inline = struct.pack(order + "I", place + len(spill))
            spill += data + b"\0" * (len(data) % 2)
        else:
            inline = data.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, count) + inline
    magic = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(body))
    return magic + body + directory + b"\0\0\0\0" + spill


def opened(data: bytes, frame: int = 0) -> DecodedImage:
    return decode(makers.source(data, frame))


def refused(data: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        opened(data)
    return caught.value


def strips_of(values: np.ndarray, rows: int) -> list[bytes]:
    return [values[top : top + rows].tobytes() for top in range(0, len(values), rows)]


def planes_of(values: np.ndarray, rows: int) -> list[bytes]:
    return [
        part for band in range(values.shape[2]) for part in strips_of(np.ascontiguousarray(values[..., band]), rows)
    ]


SIZE = (COLOUR.shape[1], COLOUR.shape[0])


def codes(image: DecodedImage) -> list[str]:
    return [notice.code for notice in image.notices]


@pytest.mark.parametrize("rows", [1, 4, 7, 15, 30, 64])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("band", [64, 600, 1 << 20])
def test_strips_of_any_height_in_bands_of_any_size(
    rows: int, planar: int, order: str, band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_BAND", band)
    stored = DEEP.astype(f"{order}u2")
    for compression in (1, 8):
        parts = planes_of(stored, rows) if planar == 2 else strips_of(stored, rows)
        if compression == 8:
            parts = [zlib.compress(part) for part in parts]
        data = tiff(parts, SIZE, (16, 16, 16), order, t278=rows, t284=planar, t259=compression)
        image = opened(data)
        assert np.array_equal(image.pixels, COLOUR) and codes(image) == ["reduced-depth"]


def test_sizes_of_strips_that_are_not_said_or_wrong() -> None:
    stored = DEEP.astype("<u2")
    for more in ({"t279": None}, {"t317": 2}, {"t278": 1 << 31}, {"t278": 0xFFFFFFFF}, {"t279": 1}):
        assert np.array_equal(opened(tiff(strips_of(stored, 30), SIZE, (16, 16, 16), **more)).pixels, COLOUR)
    single = tiff([zlib.compress(stored.tobytes())], SIZE, (16, 16, 16), t259=8, t279=None)
    assert np.array_equal(opened(single).pixels, COLOUR)


def test_parts_that_a_sparse_file_leaves_out_hold_no_data() -> None:
    grey = np.tile(np.arange(256, dtype=np.int16), (32, 1))
    parts = strips_of(grey, 8)
    for missing in (0, 2, 3):
        some = [b"" if index == missing else part for index, part in enumerate(parts)]
        image = opened(tiff(some, (256, 32), (16,), t278=8, t339=2, t42113=b"-32768\0"))
        holes = np.zeros((32, 256), bool)
        holes[8 * missing : 8 * missing + 8] = True
        assert (image.pixels[holes] == 0).all() and "no-data" in codes(image)
        assert np.abs(image.pixels.astype(int) - grey)[~holes].mean() <= 2


def test_bits_stored_the_other_way_round() -> None:
    turned = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
    stored = DEEP.astype("<u2").tobytes()
    for data, compression in ((stored.translate(turned), 1), (zlib.compress(stored).translate(turned), 8)):
        image = opened(tiff([data], SIZE, (16, 16, 16), t266=2, t259=compression))
        assert np.array_equal(image.pixels, COLOUR)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    upright = makers.quadrants(42, 30)
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    values = np.asarray(stored).astype("<u2") * 257
    image = opened(tiff([values.tobytes()], stored.size, (16, 16, 16), t274=orientation))
    assert np.array_equal(image.pixels, np.asarray(upright)) and image.original_size == upright.size
    assert ("upright" in codes(image)) == (orientation > 1)


def reduced_limits(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(limits.reduction_of, "__defaults__", (most,))
    monkeypatch.setattr(tiff_decode, "MAX_PIXELS", most)


@pytest.mark.parametrize(
    "name",
    [
        "rgb16-be-none-contig",
        "rgb16-be-lzw-separate-tiles",
        "rgb16-le-packbits-separate",
        "rgb8-bigtiff-be-tiles",
        "rgb8-webp-strips",
        "rgb-float32-be-planar",
        "rgb12-packed",
        "rgb8-6bands",
    ],
)
@pytest.mark.parametrize("most", [320, 100])
def test_beyond_the_limit_squares_are_averaged_while_reading(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = int(np.ceil(np.sqrt(42 * 30 / most)))
    reduced_limits(monkeypatch, most)
    image = decode(makers.source((BROTHERS / f"{name}.tif").read_bytes()))
    assert image.reduced and image.original_size == SIZE and "reduced-size" in codes(image)
    height, width = 30 // factor, 42 // factor
    squares = COLOUR[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    assert image.pixels.shape == (height, width, 3)
    assert np.abs(image.pixels - squares.mean(axis=(1, 3))).mean() <= 2


def test_a_reduced_palette_is_resolved_and_holes_stay_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    reduced_limits(monkeypatch, 320)
    table = [*range(256), *range(255, -1, -1), *([7] * 256)]
    index = np.zeros((30, 42), np.uint8)
    index[:, ::2] = 200
    image = opened(tiff([index.tobytes()], SIZE, (8,), t262=3, t320=table))
    assert image.pixels.shape == (15, 21, 3) and image.pixels[3, 3].tolist() == [100, 155, 7]
    holes = np.full((30, 42), 100, np.int16)
    holes[:, 21:] = 300
    holes[::2, ::2] = -9999
    holes[:4] = -9999
    image = opened(tiff([holes.tobytes()], SIZE, (16,), t339=2, t42113=b"-9999\0"))
    assert image.pixels.shape == (15, 21) and image.pixels[0].max() == 0
    assert image.pixels[5, 2] == 0 and image.pixels[5, 18] == 255


def test_a_picture_without_a_colour_model_is_no_black_and_white_page() -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    assert np.array_equal(opened(tiff([grey.tobytes()], (256, 16), (8,), t262=None)).pixels, grey)


def test_indices_of_sixteen_bits() -> None:
    table = np.zeros((3, 65536), np.uint16)
    index = (COLOUR[..., 0].astype(np.uint16) << 8) | COLOUR[..., 1]
    table[0], table[1] = np.arange(65536) >> 8, np.arange(65536) & 255
    expected = COLOUR.copy()
    expected[..., 2] = 0
    for order, factor in (("<", 257), (">", 1)):
        stored = index.astype(f"{order}u2").tobytes()
        data = tiff([stored], SIZE, (16,), order, t262=3, t320=(table * factor).reshape(-1).tolist())
        assert np.array_equal(opened(data).pixels, expected)


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """sRGB as CIE L*a*b* under D50 (IEC 61966-2-1, CIE 15), float64."""
    encoded = rgb / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    )
    ratio = linear @ to_xyz.T / np.array([0.9642, 1.0, 0.8249])
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (841 / 108) + 4 / 29)
    return np.stack(
        [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=2
    )


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", [1, 2])
def test_lab_of_sixteen_bits(order: str, planar: int) -> None:
    lab = lab_of(COLOUR)
    cie = np.empty(lab.shape, f"{order}u2")
    cie[..., 0] = np.rint(np.clip(lab[..., 0], 0, 100) * 655.35)
    cie[..., 1:] = np.rint(lab[..., 1:] * 256).astype(np.int16).astype(np.uint16)
    icc = np.empty(lab.shape, f"{order}u2")
    icc[..., 0] = np.rint(np.clip(lab[..., 0], 0, 100) * 652.8)
    icc[..., 1:] = np.rint(lab[..., 1:] * 256 + 32768)
    for values, model in ((cie, 8), (icc, 9)):
        parts = planes_of(values, 30) if planar == 2 else [values.tobytes()]
        image = opened(tiff(parts, SIZE, (16, 16, 16), order, t262=model, t284=planar))
        assert np.abs(image.pixels.astype(int) - COLOUR).max() <= 2 and codes(image) == ["colour-profile"]


@pytest.mark.parametrize(("bits", "photometric"), [(8, 6), (8, 2)])
def test_a_large_page_of_jpeg_tiles_is_read_piece_by_piece(
    bits: int, photometric: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = np.asarray(makers.quadrants(64, 48))
    pieces = []
    for top in range(0, 48, 16):
        for left in range(0, 64, 16):
            piece = Image.fromarray(np.ascontiguousarray(scene[top : top + 16, left : left + 16]))
            if photometric == 2:  # as it is: Pillow writes what it takes for YCbCr without a change
                piece = Image.merge("YCbCr", piece.split())
            pieces.append(makers.encoded(piece, "JPEG", quality=98, subsampling=0))
            pieces[-1] = pieces[-1][:2] + pieces[-1][20:]  # without JFIF's marker, as in TIFF
    data = tiff(pieces, (64, 48), (bits,) * 3, t259=7, t262=photometric, t322=16, t323=16, t278=None)
    reduced_limits(monkeypatch, 800)
    image = opened(data)
    assert image.reduced and image.pixels.shape == (24, 32, 3)
    assert np.abs(image.pixels.astype(int) - scene[::2, ::2]).mean() <= 3


@pytest.mark.parametrize("factors", [(2, 1), (2, 2), (4, 2), (1, 2)])
@pytest.mark.parametrize(("order", "rows"), [("<", 8), (">", 30)])
def test_subsampled_chroma_that_is_not_compressed(factors: tuple[int, int], order: str, rows: int) -> None:
    across, down = factors
    height, width = COLOUR.shape[0] // 8 * 8, COLOUR.shape[1]  # the width is no multiple of 4
    rows = min(rows // down * down, height)
    planes = np.asarray(Image.fromarray(COLOUR[:height]).convert("YCbCr"))
    wide = np.pad(planes, ((0, 0), (0, -width % across), (0, 0)), "edge")
    grid = wide.reshape(height // down, down, wide.shape[1] // across, across, 3).swapaxes(1, 2)
    chroma = grid[..., 1:].mean((2, 3)).round().astype(np.uint8)
    blocks = np.concatenate([grid[..., 0].reshape(*grid.shape[:2], -1), chroma], axis=2)
    strips = [blocks[top // down : (top + rows) // down].tobytes() for top in range(0, height, rows)]
    more = {"t262": 6, "t278": rows, "t530": list(factors)}
    image = opened(tiff(strips, (width, height), (8, 8, 8), order, **more))
    full = np.dstack([wide[..., 0], chroma.repeat(down, 0).repeat(across, 1)])[:, :width]
    assert np.array_equal(image.pixels, np.asarray(Image.fromarray(full, "YCbCr").convert("RGB")))
    assert refused(tiff(strips, (width, 50 * height), (8, 8, 8), order, **more)).kind == "truncated"
    tiled = tiff(strips[:1], (16, 16), (8, 8, 8), order, t262=6, t278=None, t530=list(factors), t322=16, t323=16,
                 t273=None, t279=None, t324=[8], t325=[400])  # fmt: skip
    assert refused(tiled).kind == "unsupported-format"


def test_pages_and_their_notices() -> None:
    first, second = Image.fromarray(DEEP[..., 0]), Image.fromarray(DEEP[..., 1])
    data = makers.encoded(first, "TIFF", save_all=True, append_images=[second])
    image = opened(data, 1)
    assert codes(image) == ["frames", "windowed"] and np.abs(image.pixels.astype(int) - COLOUR[..., 1]).mean() <= 2


def test_a_profile_is_applied_to_deep_colour() -> None:
    from tests.core.pictures.test_decode_colour import WIDE

    plain = makers.encoded(Image.fromarray(COLOUR), "TIFF", icc_profile=WIDE)
    data = tiff([DEEP.astype("<u2").tobytes()], SIZE, (16, 16, 16), t34675=list(WIDE))
    data = data.replace(struct.pack("<HHI", 34675, 3, len(WIDE)), struct.pack("<HHI", 34675, 7, len(WIDE)))
    place = data.index(struct.pack(f"<{len(WIDE)}H", *WIDE))
    data = data[:place] + WIDE + data[place + len(WIDE) :]
    assert np.array_equal(opened(data).pixels, opened(plain).pixels) and "colour-profile" in codes(opened(data))


@pytest.mark.parametrize(
    ("tags", "word"),
    [
        ({"t259": 34887}, "LERC"),
        ({"t259": 50002}, "JPEG XL"),
        ({"t259": 12345}, "12345"),
        ({"t317": 34892, "t259": 8}, "predictor"),
        ({"t317": 3, "t259": 5}, "predictor"),
        ({"t339": 6}, "complex"),
        ({"t262": 32845}, "logarithmic"),
        ({"t262": 77}, "77"),
    ],
)
def test_variants_that_nothing_reads_are_named(tags: dict[str, int], word: str) -> None:
    error = refused(tiff([bytes(30 * 42 * 6)], SIZE, (16, 16, 16), **tags))
    assert error.kind == "unsupported-format" and word in error.message and "not damaged" in error.message


def test_camera_raw_files_stay_refused() -> None:
    for tags in ({"t262": 32803}, {"t262": 34892}, {"t50706": b"\1\4\0\0"}, {"t254": 1, "t330": 8}):
        assert "camera raw" in refused(tiff([bytes(30 * 42 * 6)], SIZE, (16, 16, 16), **tags)).message


@pytest.mark.parametrize(
    "tags",
    [
        {"t256": 65_500, "t257": 65_500},
        {"t256": 60_000, "t257": 8_000, "t278": 8_000},
        {"t322": 65_536, "t323": 65_536, "t324": 8},
        {"t256": 60_000, "t257": 1, "t322": 16, "t323": 16_384, "t324": [8] * 3750},
        {"t256": 20_000, "t257": 20_000, "t278": 20_000, "t259": 5},
    ],
)
def test_huge_pictures_in_small_files_allocate_little(tags: dict[str, Any]) -> None:
    data = tiff([bytes(4000)], SIZE, (16, 16, 16), **tags)
    tracemalloc.start()
    try:
        error = refused(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.kind in ("too-large", "truncated", "damaged") and peak < 40 << 20


def test_a_bomb_in_a_strip_stops_at_what_the_picture_takes() -> None:
    bomb = zlib.compress(bytes(200 << 20))
    tracemalloc.start()
    try:
        image = opened(tiff([bomb], SIZE, (16, 16, 16), t259=8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert image.pixels.max() == 0 and peak < 20 << 20


def test_a_circle_of_pages_ends() -> None:
    data = bytearray(tiff([DEEP.astype("<u2").tobytes()], SIZE, (16, 16, 16)))
    offset = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, offset)[0]
    struct.pack_into("<I", data, offset + 2 + 12 * entries, offset)
    assert opened(bytes(data)).frames == 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(file: Any, flips: list[tuple[int, int]]) -> None:
    data = bytearray(file.read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    try:
        image = opened(bytes(data))
    except DecodeError as error:
        assert error.kind in (
            "damaged", "truncated", "too-large", "unsupported-format", "not-an-image", "no-such-frame", "dicom-damaged",
        )  # fmt: skip
    else:
        assert image.pixels.dtype == np.uint8 and image.pixels.size


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FILES), st.floats(0, 1))
def test_truncated_anywhere(file: Any, share: float) -> None:
    data = file.read_bytes()
    with contextlib.suppress(DecodeError):
        opened(data[: 8 + int(share * (len(data) - 8))])


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("padding", [0, 40])
def test_a_tiff_that_broke_off_is_never_another_picture(mode: str, compression: str | None, padding: int) -> None:
    picture = makers.quadrants(40, 30)
    deep = np.asarray(picture.convert("L")).astype(np.uint16) * 200
    picture = Image.fromarray(deep) if mode == "I;16" else picture.convert(mode)
    data = makers.encoded(picture, "TIFF", **({"compression": compression} if compression else {}))
    whole = decode(makers.source(data)).pixels
    for lost in (*range(1, 30), 50, 100, len(data) // 3, len(data) // 2):
        try:
            pixels = decode(makers.source(data[:-lost] + bytes(padding))).pixels
        except DecodeError as error:
            assert error.kind in ("truncated", "damaged") or padding, error.message
            continue
        if padding and compression is None:
            continue  # zeros where samples were are samples
        assert pixels.shape == whole.shape and np.abs(pixels.astype(int) - whole).mean() <= 2, lost
