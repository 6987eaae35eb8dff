"""Formats, frames, orientation, reduction, paths."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.pictures.decode import MAX_PIXELS, SUPPORTED_SUFFIXES, decode, sniff
from desktop.core.pictures.formats import FORMATS
from desktop.core.types import DecodeError, ImageSource
from tests.core import makers
from tests.patience import patient

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}


def refused(data: bytes, frame: int = 0) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(makers.source(data, frame))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def codes(image) -> list[str]:
    return [notice.code for notice in image.notices]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS.items())
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_lossless_formats_give_the_very_pixels(kind, options, mode):
    picture = makers.quadrants().convert(mode)
    image = decode(makers.source(makers.encoded(picture, kind, **options)))
    expected = np.asarray(picture.convert("RGB") if kind == "WEBP" else picture)
    assert np.array_equal(image.pixels, expected)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert image.format == kind
    assert image.original_size == (48, 32)
    assert image.frames == 1
    assert image.notices == ()
    assert not image.reduced


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "AVIF"])
def test_lossy_formats_come_close(kind):
    picture = makers.quadrants()
    image = decode(makers.source(makers.encoded(picture, kind)))
    assert image.format == kind
    assert image.pixels.shape == (32, 48, 3)
    inner = np.abs(image.pixels.astype(int) - np.asarray(picture))[4:12, 4:20]
    assert inner.max() < 25


def test_grey_jpeg_stays_grey():
    assert decode(makers.source(makers.encoded(makers.quadrants().convert("L"), "JPEG"))).pixels.shape == (32, 48)


def test_heic():
    image = decode(makers.source(makers.HEIC))
    assert image.format == "HEIF"
    assert image.pixels.shape == (32, 48, 3)
    assert np.abs(image.pixels[24, 8].astype(int) - (200, 40, 40)).max() < 12
    assert np.abs(image.pixels[24, 40].astype(int) - (40, 60, 200)).max() < 12
    turned = decode(makers.source(makers.HEIC_TURNED))
    assert turned.original_size == (32, 48)
    assert np.abs(turned.pixels[3, 28].astype(int) - 250).max() < 12  # the white block went to the right


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_every_orientation_comes_upright(kind, orientation):
    upright = makers.quadrants()
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that the orientation undoes
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind in ("JPEG", "AVIF") else {"lossless": True} if kind == "WEBP" else {}
    image = decode(makers.source(makers.encoded(stored, kind, exif=exif, **options)))
    assert image.original_size == (48, 32)
    assert image.pixels.shape == (32, 48, 3)
    for row, column in ((8, 12), (8, 36), (24, 12), (24, 36)):
        expected = np.asarray(upright)[row, column].astype(int)
        assert np.abs(image.pixels[row, column].astype(int) - expected).max() < 20
    assert ("upright" in codes(image)) == (orientation > 1)


def test_orientation_of_sixteen_bit_and_transparent_pictures():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = decode(makers.source(makers.encoded(Image.fromarray(makers.grey_ramp(64, 8)), "PNG", exif=exif)))
    assert image.pixels.shape == (64, 8)
    clear = Image.new("P", (6, 4), 0)
    clear.putpalette([10, 20, 30] * 256)
    image = decode(makers.source(makers.encoded(clear, "PNG", transparency=0, exif=exif)))
    assert image.pixels.shape == (6, 4, 3) and image.pixels.min() == 255


def test_broken_exif_does_not_cost_the_picture():
    data = makers.encoded(makers.quadrants(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    assert decode(makers.source(data)).pixels.shape == (32, 48, 3)


@pytest.mark.parametrize("wanted", [1, 50, 63, 64, 65, 127, 200, 399, 400, 401, 5000])
def test_reduced_jpeg_covers_what_was_asked_for(wanted):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = makers.encoded(makers.quadrants(501, 400), "JPEG", exif=exif)
    full, image = decode(makers.source(data)), decode(makers.source(data), reduce_to=wanted)
    assert min(image.pixels.shape[:2]) >= min(wanted, 400)
    assert image.original_size == full.original_size == (400, 501)
    assert image.notices == full.notices
    assert image.reduced == (image.pixels.shape != full.pixels.shape) == (wanted <= 200)
    assert np.array_equal(image.pixels, decode(makers.source(data), reduce_to=wanted).pixels)


def test_other_formats_ignore_the_reduction():
    data = makers.encoded(makers.quadrants(400, 400), "PNG")
    image = decode(makers.source(data), reduce_to=10)
    assert image.pixels.shape == (400, 400, 3) and not image.reduced
    with pytest.raises(ValueError, match="reduce_to"):
        decode(makers.source(data), reduce_to=0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG", "AVIF"])
def test_first_frame_is_shown_and_said_and_others_can_be_chosen(kind):
    shades = [Image.new("RGB", (20, 10), (30 + 70 * i, 10, 200)) for i in range(3)]
    data = makers.encoded(shades[0], kind, save_all=True, append_images=shades[1:])
    for frame in range(3):
        image = decode(makers.source(data, frame))
        assert image.frames == 3
        assert abs(int(image.pixels[5, 5, 0]) - (30 + 70 * frame)) < 12
        assert [n.text for n in image.notices if n.code == "frames"] == [
            f"{'page' if kind == 'TIFF' else 'frame'} {frame + 1} of 3"
        ]
    for frame in (3, -1, 10**9):
        error = refused(data, frame)
        assert error.kind == "no-such-frame"
        assert "3 frames" in error.message


def test_a_phones_jpeg_with_a_second_picture_is_a_jpeg():
    picture = makers.quadrants()
    data = makers.encoded(picture, "MPO", save_all=True, append_images=[picture])
    image = decode(makers.source(data), reduce_to=8)
    assert (image.format, image.frames, image.reduced) == ("JPEG", 1, True)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (2, 3)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_thin_pictures(kind, size):
    image = decode(makers.source(makers.encoded(Image.new("RGB", size, (9, 90, 200)), kind)), reduce_to=16)
    assert image.pixels.shape == (size[1], size[0], 3)


def test_content_decides_not_the_suffix(tmp_path):
    data = {
        "WEBP": makers.encoded(makers.quadrants(), "WEBP"),
        "HEIF": makers.HEIC,
        "PNG": makers.encoded(makers.quadrants(), "PNG"),
        "DICOM": makers.dicom_bytes(np.arange(64, dtype=np.uint8).reshape(8, 8)),
    }
    for kind, content in data.items():
        assert sniff(content) == kind
        for name in (f"{kind}.jpg", kind):
            path = tmp_path / name
            path.write_bytes(content)
            assert decode(ImageSource.from_path(str(path))).format == kind


def test_sniffing_is_a_closed_list():
    assert {s for s in SUPPORTED_SUFFIXES if not s.startswith(".") or s != s.lower()} == set()
    assert {".jpg", ".jpeg", ".png", ".webp", ".tif", ".dcm", ".heic"} <= SUPPORTED_SUFFIXES
    for data in (b"", b"\0", b"BM the text begins like a bitmap", b"hello", b"II", b"RIFF", b"\0\0\0\x18ftyp"):
        assert sniff(data) is None
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "HEIF"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif") == "AVIF"
    # A file may serve TIFF and DICOM programs at once.
    assert sniff(b"II*\0".ljust(128, b"\0") + b"DICM") == "DICOM"
    assert set(FORMATS) >= {"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF", "DICOM"}


@pytest.mark.parametrize("name", ["Ünï 日本 نص.png", "with space.png", "x" * 200 + ".png", "'\";#%.png"])
def test_names_of_every_kind(tmp_path, name):
    folder = tmp_path / "Ünï 日本 نص"
    folder.mkdir()
    path = folder / name
    makers.quadrants().save(path)
    assert decode(ImageSource.from_path(str(path))).pixels.shape == (32, 48, 3)


def test_long_windows_paths_get_their_prefix(monkeypatch):
    from desktop.core.pictures import decode as module

    monkeypatch.setattr(sys, "platform", "win32")
    assert module._long("C:\\" + "a" * 300).startswith("\\\\?\\")
    assert module._long("\\\\?\\C:\\" + "a" * 300).count("?") == 1
    assert module._long("short.png") == "short.png"


def test_missing_folder_device_and_forbidden_files(tmp_path):
    def kind(path: str) -> str:
        with pytest.raises(DecodeError) as caught:
            decode(ImageSource.from_path(path))
        assert str(tmp_path) not in caught.value.message + caught.value.hint
        return caught.value.kind

    assert kind(str(tmp_path / "none.png")) == "not-found"
    assert kind(str(tmp_path / ("n" * 5000))) == "not-found"
    assert kind("nul\0byte.png") == "not-found"
    assert kind(str(tmp_path)) == "not-a-file"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert kind(str(tmp_path / "pipe.png")) == "not-a-file"


def test_permission_denied(monkeypatch, tmp_path):
    path = tmp_path / "secret.png"
    makers.quadrants().save(path)

    def deny(*_args, **_options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", deny)
    with pytest.raises(DecodeError) as caught:
        decode(ImageSource.from_path(str(path)))
    monkeypatch.undo()
    assert caught.value.kind == "no-access"
    assert "secret" not in caught.value.message


def test_a_drive_that_stops_answering(monkeypatch):
    def fail(*_args, **_options):
        raise OSError(5, "Input/output error", "/media/jane doe/picture.png")

    monkeypatch.setattr("desktop.core.pictures.raster.Image.open", fail)
    error = refused(makers.encoded(makers.quadrants(), "PNG"))
    assert error.kind == "no-access" and "jane" not in error.message


def test_from_several_threads():
    jobs = [
        makers.encoded(makers.quadrants(200, 160), "JPEG"),
        makers.encoded(makers.quadrants(), "GIF"),
        makers.HEIC,
        makers.dicom_bytes(makers.grey_ramp()),
    ]
    expected = [decode(makers.source(data)).pixels for data in jobs]
    wrong: list[int] = []

    def work(start: int) -> None:
        for i in range(start, start + 12):
            if not np.array_equal(decode(makers.source(jobs[i % 4])).pixels, expected[i % 4]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_importing_is_cheap_and_nothing_is_printed(tmp_path):
    strange = tmp_path / "strange.tif"  # Pillow warns about its metadata
    data = makers.encoded(makers.quadrants(), "TIFF")
    strange.write_bytes(data.replace(b"\x15\x01\x03\x00\x01\x00\x00\x00", b"\x15\x01\x03\x00\xff\x00\x00\x00"))
    (tmp_path / "short.jpg").write_bytes(makers.encoded(makers.quadrants(), "JPEG")[:-200])
    (tmp_path / "d.dcm").write_bytes(
        makers.dicom_bytes(makers.grey_ramp(), NumberOfFrames="1", WindowCenter=["1", "2"])
    )
    code = (
        "import sys\n"
        "import desktop.core.pictures.decode as d\n"
        "assert not {'numpy', 'PIL', 'pydicom', 'pi_heif', 'PySide6'} & set(sys.modules), sys.modules.keys()\n"
        "from desktop.core.types import DecodeError, ImageSource\n"
        f"import pathlib\nfor path in sorted(pathlib.Path({str(tmp_path)!r}).iterdir()):\n"
        "    try:\n        d.decode(ImageSource.from_path(str(path)))\n    except DecodeError:\n        pass\n"
        "assert 'pi_heif' not in sys.modules and 'pydicom' in sys.modules\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_warnings_stay_quiet_even_where_they_are_errors(recwarn):
    import warnings

    warnings.simplefilter("error")
    data = makers.encoded(Image.new("L", (9500, 9500)), "PNG", compress_level=1)  # 90 Mpx: Pillow warns, Fovea refuses
    assert MAX_PIXELS < 9500 * 9500
    assert refused(data).kind == "too-large"
    assert len(recwarn) == 0


def test_result_is_read_only():
    image = decode(makers.source(makers.encoded(makers.quadrants(), "PNG")))
    assert not image.pixels.flags.writeable
    assert decode(ImageSource("x", data=io.BytesIO(makers.HEIC).read())).pixels.flags.c_contiguous
