"""The camera's process: frames, recording, and every way in which a source can be hostile or gone."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from desktop.core.pictures.decode import decode
from desktop.core.types import ImageSource
from desktop.engine.camera_client import CameraClient
from desktop.engine.camera_list import cameras_of_linux
from desktop.engine.camera_messages import (
    MAX_SIDE,
    OFFSET,
    CameraEnded,
    CameraError,
    CameraEvent,
    CameraFailed,
    CameraFrame,
    CameraOpened,
    CameraSource,
    KeepShown,
    NextFrame,
    Record,
    Recorded,
    RecordingDone,
    StopRecording,
    bmp_head,
    source_of,
)
from tests.engine.videos import write_video
from tests.patience import patient


def events_until(client: CameraClient, enough: Callable[[CameraEvent], bool]) -> list[CameraEvent]:
    """All events up to the first for which ``enough`` holds; the last one in any case."""
    out: list[CameraEvent] = []
    while not client.ended:
        for event in client.events(patient(30.0)):
            out.append(event)
            if enough(event):
                return out
    return out


def last_of(source: CameraSource, start_s: float = 60.0, stall_s: float = 60.0) -> CameraEvent:
    """What a source ends with, every frame asked for."""
    with CameraClient(source, start_s, stall_s) as client:
        client.send(NextFrame())
        while not client.ended:
            for event in client.events(patient(30.0)):
                if isinstance(event, CameraFrame):
                    client.send(NextFrame())
    return event


def test_a_video_is_a_camera(tmp_path: Path) -> None:
    video = write_video(tmp_path / "two colours.avi", each=15)
    with CameraClient(source_of(str(video))) as client:
        client.send(NextFrame())
        frames: list[CameraFrame] = []
        opened = None
        while not client.ended:
            for event in client.events(patient(30.0)):
                if isinstance(event, CameraOpened):
                    opened = event
                elif isinstance(event, CameraFrame):
                    frames.append(event)
                    client.send(NextFrame())
    assert opened is not None and (opened.width, opened.height, opened.rate) == (160, 120, 25.0)
    assert isinstance(event, CameraEnded) and event.frames == 30 and not event.early
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers)) and numbers[-1] <= 30 and len(frames) > 2
    # The one path by which every picture comes in opens them too.
    first, last = (decode(ImageSource("live", data=frame.bmp)).pixels for frame in (frames[0], frames[-1]))
    assert first.shape == (120, 160, 3)
    assert np.abs(first.mean((0, 1)) - (255, 0, 0)).max() < 12
    assert np.abs(last.mean((0, 1)) - (0, 0, 255)).max() < 12


@pytest.mark.parametrize("width", [1, 2, 3, 157, 158, 159, 160])
def test_rows_of_any_width_are_whole(width: int) -> None:
    import cv2

    from desktop.engine.camera_child import _rows

    frame = np.random.default_rng(width).integers(0, 256, (20, width, 3), np.uint8)
    bmp = bmp_head(width, 20) + _rows(cv2, frame)
    assert np.array_equal(decode(ImageSource("live", data=bmp)).pixels, frame[:, :, ::-1])
    shot = CameraFrame(1, width, 20, bmp)
    assert bmp[OFFSET + shot.stride : OFFSET + shot.stride + 3] == frame[1, 0].tobytes()


def test_no_frame_comes_that_nobody_asked_for(tmp_path: Path) -> None:
    with CameraClient(source_of(str(write_video(tmp_path / "a.avi", each=5)))) as client:
        client.send(NextFrame())
        events = events_until(client, lambda event: isinstance(event, CameraEnded))
    assert sum(isinstance(event, CameraFrame) for event in events) == 1


def test_a_large_picture_is_scaled_down(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", each=2, size=(2000, 1000))
    with CameraClient(source_of(str(video))) as client:
        client.send(NextFrame())
        shot = events_until(client, lambda event: isinstance(event, CameraFrame))[-1]
    assert isinstance(shot, CameraFrame) and (shot.width, shot.height) == (MAX_SIDE, MAX_SIDE // 2)


def test_what_is_kept_is_what_was_shown(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", [(200, 20, 20), (20, 200, 20)], each=40)
    with CameraClient(source_of(str(video))) as client:
        client.send(NextFrame())
        shot = events_until(client, lambda event: isinstance(event, CameraFrame))[-1]
        client.send(KeepShown(7))
        kept = events_until(client, lambda event: isinstance(event, Recorded))[-1]
    assert isinstance(shot, CameraFrame) and isinstance(kept, Recorded) and kept.id == 7
    with Image.open(io.BytesIO(kept.png)) as png:
        assert png.format == "PNG"
        assert np.array_equal(np.asarray(png), decode(ImageSource("live", data=shot.bmp)).pixels)


def test_recording_drops_what_is_nearly_the_frame_before(tmp_path: Path) -> None:
    colours = [(0, 0, 0), (120, 120, 120), (240, 240, 240), (0, 200, 0)]
    video = write_video(tmp_path / "a.avi", colours, each=10)
    with CameraClient(source_of(str(video))) as client:
        client.send(Record(3, every_s=0.0))
        events = events_until(client, lambda event: isinstance(event, CameraEnded))
    kept = [event for event in events if isinstance(event, Recorded)]
    (done,) = (event for event in events if isinstance(event, RecordingDone))
    assert [event.kept for event in kept] == [1, 2, 3, 4] and {event.id for event in kept} == {3}
    assert done.kept == 4 and done.dropped > 0


def test_a_recording_is_full_or_stopped(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", each=200)
    with CameraClient(source_of(str(video))) as client:
        client.send(Record(1, every_s=0.0, most=4, unlike=0.0))
        events = events_until(client, lambda event: isinstance(event, RecordingDone))
        assert sum(isinstance(event, Recorded) for event in events) == 4
        client.send(Record(2, every_s=0.0, unlike=0.0))
        events_until(client, lambda event: isinstance(event, Recorded))
        client.send(StopRecording())
        done = events_until(client, lambda event: isinstance(event, RecordingDone))[-1]
        assert isinstance(done, RecordingDone) and done.id == 2 and done.kept >= 1
        assert not client.ended


# What is no camera, or none any more


def test_no_such_camera() -> None:
    event = last_of(source_of("97"))
    assert isinstance(event, CameraFailed) and event.kind == "no-camera" and "97" in event.message and event.hint


def test_no_such_file(tmp_path: Path) -> None:
    event = last_of(source_of(str(tmp_path / "none.mp4")))
    assert isinstance(event, CameraFailed) and event.kind == "not-a-video" and "no such file" in event.message
    assert str(tmp_path) not in event.message + event.hint


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"\0" * 100_000, b"GIF89a", b"\x1a\x45\xdf\xa3" * 40])
def test_what_is_no_video_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    event = last_of(source_of(str(tmp_path / "a.mp4")))
    assert isinstance(event, CameraFailed) and event.kind == "not-a-video" and "a.mp4" in event.message


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    """It would name further files and addresses: a video that a stranger sent must not make Fovea look them up."""
    write_video(tmp_path / "a.avi")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile a.avi\n")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:5,\na.avi\n")
    for name in ("list.mp4", "list.m3u8"):
        event = last_of(source_of(str(tmp_path / name)))
        assert isinstance(event, CameraFailed) and event.kind == "not-a-video", name


def test_a_name_with_a_pattern_is_one_file(tmp_path: Path) -> None:
    write_video(tmp_path / "a%d.avi", each=3)
    assert isinstance(last_of(source_of(str(tmp_path / "a%d.avi"))), CameraEnded)
    write_video(tmp_path / "b1.avi", each=3)
    assert isinstance(last_of(source_of(str(tmp_path / "b%d.avi"))), CameraFailed)


def test_a_video_that_breaks_off_is_told(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.avi", each=30).read_bytes()
    (tmp_path / "b.avi").write_bytes(whole[: len(whole) // 3])
    event = last_of(source_of(str(tmp_path / "b.avi")))
    assert isinstance(event, CameraEnded) and event.early and event.frames < 30
    mp4 = write_video(tmp_path / "a.mp4", each=30).read_bytes()
    (tmp_path / "b.mp4").write_bytes(mp4[: len(mp4) // 2])  # its index stood at the end
    event = last_of(source_of(str(tmp_path / "b.mp4")))
    assert isinstance(event, CameraFailed) and event.kind == "not-a-video"


def test_absurd_sizes_are_refused(tmp_path: Path) -> None:
    """The head of the file says 30,000 x 30,000 pixels; the frames behind it are small."""
    data = bytearray(write_video(tmp_path / "a.avi", each=3, size=(64, 48)).read_bytes())
    for place in range(len(data) - 8):
        if struct.unpack_from("<II", data, place) == (64, 48):
            struct.pack_into("<II", data, place, 30_000, 30_000)
    (tmp_path / "b.avi").write_bytes(data)
    event = last_of(source_of(str(tmp_path / "b.avi")))
    # FFmpeg believes either the head or the frames; neither may cost the process or the memory of the computer.
    assert isinstance(event, CameraFailed | CameraEnded)
    if isinstance(event, CameraFailed):
        assert event.kind in ("too-large", "not-a-video")


def test_a_truly_huge_picture_is_refused(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (9000, 8000)).save(picture, "GIF")
    (tmp_path / "a.gif").write_bytes(picture.getvalue())
    event = last_of(source_of(str(tmp_path / "a.gif")))
    assert isinstance(event, CameraFailed) and event.kind in ("too-large", "not-a-video")


def test_an_address_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # it takes the connection and says nothing
        source = source_of(f"http://127.0.0.1:{server.getsockname()[1]}/secret?token=1")
        event = last_of(source, start_s=2.0)
    assert isinstance(event, CameraFailed) and event.kind == "no-answer"
    assert "token" not in event.message + event.hint and "token" not in repr(source) + source.name


def test_an_address_where_nobody_is_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    event = last_of(source_of(f"http://127.0.0.1:{port}/a.mp4"))
    assert isinstance(event, CameraFailed) and event.kind == "no-answer" and "127.0.0.1" in event.message


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_camera_that_stops_in_the_middle_is_lost(tmp_path: Path) -> None:
    """The driver hangs: here the process is stopped, as it stands in a call that never returns."""
    video = write_video(tmp_path / "a.avi", each=2000)
    with CameraClient(source_of(str(video)), stall_s=1.0) as client:
        client.send(NextFrame())
        events_until(client, lambda event: isinstance(event, CameraFrame))
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSTOP)
        client.send(NextFrame())
        event = events_until(client, lambda event: isinstance(event, CameraFailed))[-1]
    assert isinstance(event, CameraFailed) and event.kind == "lost" and "unplugged" in event.message


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", each=2000)
    with CameraClient(source_of(str(video))) as client:
        client.send(NextFrame())
        events_until(client, lambda event: isinstance(event, CameraFrame))
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSEGV)
        event = events_until(client, lambda event: isinstance(event, CameraFailed))[-1]
    assert isinstance(event, CameraFailed) and event.kind == "crashed"


def test_closing_turns_it_off(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", each=2000)
    client = CameraClient(source_of(str(video)))
    client.start()
    pid = client.pid
    client.send(NextFrame())
    events_until(client, lambda event: isinstance(event, CameraFrame))
    client.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# Which cameras there are


def test_cameras_are_listed_without_being_opened(tmp_path: Path) -> None:
    for number, (name, index) in enumerate([("Desk\x00 camera\n", "0"), ("Desk camera", "1"), ("", "0"), ("Lid", "0")]):
        place = tmp_path / f"video{number}"
        place.mkdir()
        (place / "name").write_text(name)
        (place / "index").write_text(f"{index}\n")
    (tmp_path / "vbi0").mkdir()
    found = cameras_of_linux(tmp_path, tmp_path / "dev")
    assert [(source.where, source.name) for source in found] == [("0", "Desk camera"), ("2", "Camera 2"), ("3", "Lid")]
    assert cameras_of_linux(tmp_path / "none", tmp_path) == []


@given(st.text())
@example("file:///etc/passwd")
@example("concat:a|b")
@example("rtsp://")
@example("http://[::1")
@example("rtsp://user:secret@host/x")
@example("http://a\nb")
def test_whatever_is_named_is_one_kind_or_refused(text: str) -> None:
    try:
        source = source_of(text)
    except CameraError as error:
        assert error.hint
        return
    assert source.kind in ("camera", "file", "address") and "secret" not in source.name
    assert source.kind != "file" or os.path.isabs(source.where)
